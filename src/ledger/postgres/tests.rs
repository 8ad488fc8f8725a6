//! What only a database does: it goes away and comes back, is somebody else's, and commits what its standby lacks.

mod nodes;

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tempfile::TempDir;

use super::super::engine::{Engine as _, Reached, Secret};
use super::super::{AnyLedger, Append, Head, Identity, Ledger as _, LedgerError, LedgerId};
use super::{Postgres, testing};
use crate::domain::hash::hex;
use crate::domain::ids::WorkspaceId;

fn northwind() -> WorkspaceId {
    WorkspaceId::new("northwind").unwrap()
}

fn engine(url: &str) -> Postgres {
    Postgres::new(url, None, 0).unwrap()
}

fn opened(url: &str) -> AnyLedger {
    engine(url).create(Path::new("northwind"), &northwind()).unwrap()
}

/// The name of the database with that address.
fn name_of(url: &str) -> &str {
    url.rsplit('/').next().unwrap()
}

fn deed(text: &str) -> Vec<Bytes> {
    vec![Bytes::from(text.to_owned())]
}

async fn appended(ledger: &AnyLedger, expected: Head, text: &str) -> Head {
    match ledger.append(expected, deed(text)).await.unwrap() {
        Append::Appended(records) => records.last().unwrap().head(),
        Append::Moved(head) => panic!("moved to {head:?}"),
    }
}

/// Lets commits wait for such standbys, and waits until the server has heard of it.
async fn waits_for(server: &testing::Server, names: &str) {
    server.sql("postgres", &format!("alter system set synchronous_standby_names = '{names}'"));
    server.sql("postgres", "select pg_reload_conf()");
    tokio::time::sleep(Duration::from_millis(700)).await;
}

/// Two nodes on one database: of what both append at one head exactly one is recorded, and each sees the other's.
#[tokio::test]
async fn two_nodes_append_to_one_ledger() {
    let Some(server) = testing::shared() else { return };
    let url = server.fresh();
    let (one, other) = (opened(&url), opened(&url));
    assert_eq!(one.identity(), other.identity());
    for round in 0..40 {
        let head = one.head().await.unwrap();
        assert_eq!(other.head().await, Ok(head));
        let (first, second) = tokio::join!(
            one.append(head, deed(&format!("one {round}"))),
            other.append(head, deed(&format!("other {round}")))
        );
        let won =
            [first, second].into_iter().filter(|answer| matches!(answer, Ok(Append::Appended(_)))).count();
        assert_eq!(won, 1);
    }
    assert_eq!(one.recover().await.unwrap().seq, 40);
}

/// A server that restarts under a writer loses nothing and doubles nothing: what became of the append is settled.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_under_a_writer_loses_and_doubles_nothing() {
    let Some(server) = testing::start("") else { return };
    let ledger = opened(&server.fresh());
    let mut head = ledger.head().await.unwrap();
    let crash = std::thread::scope(|scope| {
        scope.spawn(|| {
            for how in ["immediate", "fast"] {
                std::thread::sleep(Duration::from_millis(300));
                server.down(how);
                server.up();
            }
        });
        tokio::task::block_in_place(|| {
            tokio::runtime::Handle::current().block_on(async {
                let until = Instant::now() + Duration::from_secs(4);
                let mut acknowledged = 0_u64;
                while Instant::now() < until {
                    match ledger.append(head, deed(&format!("deed {acknowledged}"))).await {
                        Ok(Append::Appended(records)) => {
                            head = records.last().unwrap().head();
                            acknowledged += 1;
                        }
                        Ok(Append::Moved(to)) => panic!("nobody else appends: {head:?} {to:?}"),
                        Err(error) => assert!(!error.outcome_unknown(), "{error}"),
                    }
                }
                acknowledged
            })
        })
    });
    assert!(crash > 20, "{crash}");
    assert_eq!(ledger.recover().await, Ok(head));
    assert_eq!(head.seq, crash);
}

/// A commit whose wait for the standby was ended is not acknowledged, although its record can be read.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_did_not_wait_is_not_acknowledged() {
    let Some(server) = testing::start("") else { return };
    let url = server.fresh();
    let ledger = opened(&url);
    let head = appended(&ledger, ledger.head().await.unwrap(), "before").await;
    waits_for(&server, "nobody").await;
    let mut appending = tokio::spawn(async move { ledger.append(head, deed("lost at a failover")).await });
    let ended = "select pg_cancel_backend(pid) from pg_stat_activity where wait_event = 'SyncRep'";
    for _ in 0..8 {
        tokio::time::sleep(Duration::from_millis(250)).await;
        server.sql("postgres", ended);
    }
    assert_eq!(server.sql("d0", "select max(seq) from deeds_ledger"), "2", "it can be read");
    tokio::time::timeout(Duration::from_millis(100), &mut appending).await.unwrap_err();
    // With its standby back, which here is that none is asked for, it is known what became of it.
    waits_for(&server, "").await;
    assert!(matches!(appending.await.unwrap(), Ok(Append::Appended(_))));
}

/// What is no database for ledgers is said to be none, with the mend; and nothing that was given to reach it is told.
#[tokio::test]
async fn what_can_keep_no_ledgers_is_refused() {
    let Some(server) = testing::shared() else { return };
    let refused = |url: &str| {
        let engine = Postgres::new(url, Some("a secret"), 0)?;
        engine.create(Path::new("northwind"), &northwind()).map(|_| ())
    };
    let url = server.fresh();
    let name = name_of(&url);
    server.sql("postgres", "create database latin encoding 'LATIN1' template template0");
    let cases = [
        (url.replace(name, "latin"), "createdb --encoding=UTF8"),
        (url.replace(name, "nowhere"), "does not exist"),
        ("postgresql://deeds:a secret@127.0.0.1:1/x".to_owned(), "ledger.postgres"),
        ("postgresql://a secret@host:port/".to_owned(), "not understood"),
        (format!("{url}?options=-c%20default_transaction_read_only%3Don"), "target_session_attrs"),
    ];
    for (url, wanted) in cases {
        let told = refused(&url).unwrap_err().to_string();
        assert!(told.contains(wanted) && !told.contains("secret"), "{told}");
    }
    opened(&url);
    server.sql(name, "update deeds_format set format = 3");
    assert!(matches!(refused(&url), Err(LedgerError::Newer { found: 3, known: 2, .. })));
}

/// The tables as they were made in format 1.
const FORMAT_1: &str = "\
create table deeds_format (format bigint not null); \
create table deeds_barrier (one boolean primary key default true check (one), at timestamptz not null); \
create table deeds_ledger ( \
  workspace text collate \"C\" not null, seq bigint not null check (seq >= 0), \
  hash bytea not null check (octet_length(hash) = 32), bytes bytea not null, primary key (workspace, seq) \
); \
insert into deeds_format values (1); insert into deeds_barrier values (true, now());";

/// What an earlier version has left is brought on once, however many nodes come upon it.
#[tokio::test]
async fn tables_of_format_1_become_those_of_today() {
    let Some(server) = testing::shared() else { return };
    let url = server.fresh();
    server.sql(name_of(&url), FORMAT_1);
    for workspace in ["northwind", "southwind"] {
        let identity = Identity { id: LedgerId::random().unwrap(), workspace: workspace.to_owned() };
        let (genesis, id) = (identity.genesis(), hex(identity.id.as_bytes()));
        let first = format!("insert into deeds_ledger values ('{workspace}', 0, '\\x{genesis}', '\\x{id}')");
        server.sql(name_of(&url), &first);
    }
    std::thread::scope(|scope| {
        let list = || engine(&url).list(Path::new("")).unwrap().len();
        let nodes: Vec<_> = (0..4).map(|_| scope.spawn(list)).collect();
        assert!(nodes.into_iter().all(|node| node.join().unwrap() == 2));
    });
    assert_eq!(server.sql(name_of(&url), "select format from deeds_format"), "2");
    let ledger = engine(&url).open(Path::new("northwind")).unwrap();
    assert_eq!(appended(&ledger, ledger.head().await.unwrap(), "first").await.seq, 1);
}

/// What another node's commit left, whose wait was ended, is not believed by whoever opens it over a connection that it had.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_opened_that_its_standby_may_lack() {
    let Some(server) = testing::start("") else { return };
    let url = server.fresh();
    let taking_over = engine(&url);
    opened(&url);
    taking_over.open(Path::new("northwind")).unwrap();
    waits_for(&server, "nobody").await;
    let opens = tokio::task::spawn_blocking(move || taking_over.open(Path::new("northwind")).map(drop));
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(!opens.is_finished());
    waits_for(&server, "").await;
    opens.await.unwrap().unwrap();
}

/// Who opens many ledgers at once has them share their barriers.
#[tokio::test]
async fn barriers_are_shared() {
    let Some(server) = testing::shared() else { return };
    let url = server.fresh();
    opened(&url);
    let count = "create sequence barriers; \
        create function count_one() returns trigger language plpgsql as $$ begin perform nextval('barriers'); return new; end $$; \
        create trigger counted before update on deeds_barrier for each row execute function count_one()";
    server.sql(name_of(&url), count);
    let engine = engine(&url);
    std::thread::scope(|scope| {
        for _ in 0..64 {
            scope.spawn(|| engine.open(Path::new("northwind")).unwrap());
        }
    });
    // Each of the connections begins with one of its own.
    let barriers: u32 = server.sql(name_of(&url), "select last_value from barriers").parse().unwrap();
    assert!(barriers <= 48, "{barriers}");
}

/// Receives a server's log as a synchronous standby does, until it is dropped.
struct StandIn {
    program: Child,
    _log: TempDir,
}

impl StandIn {
    /// Of the server whose database has that address.
    fn of(url: &str) -> Self {
        let log = TempDir::new().unwrap();
        let mut command = Command::new(testing::bin().unwrap().join("pg_receivewal"));
        command.args(["--synchronous", "--no-loop", "-d", url, "-D"]).arg(log.path());
        let program = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        Self { program, _log: log }
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.program.kill().unwrap();
        self.program.wait().unwrap();
    }
}

/// What is promised of the database is looked for in it, and what is missing is said.
#[tokio::test]
async fn fewer_standbys_than_are_promised_are_told() {
    let Some(server) = testing::start("") else { return };
    let url = server.fresh();
    let ledger_of = |standbys| {
        let engine = Postgres::new(&url, None, standbys).unwrap();
        engine.create(Path::new("northwind"), &northwind()).unwrap()
    };
    let (promised, two, unpromised) = (ledger_of(1), ledger_of(2), ledger_of(0));
    let told = async |ledger: &AnyLedger| {
        let error = ledger.look().await.unwrap_err();
        assert!(error.is_unreplicated(), "{error}");
        error.to_string()
    };
    assert!(told(&promised).await.contains("waits for 0 standbys, and 1 are promised"));
    assert_eq!(unpromised.look().await, Ok(()));
    waits_for(&server, "ANY 1 (*)").await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(told(&promised).await.contains("0 standbys are there"));
    let standby = StandIn::of(&url);
    let began = Instant::now();
    while promised.look().await.is_err() {
        assert!(began.elapsed() < Duration::from_secs(20), "{:?}", promised.look().await);
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert!(told(&two).await.contains("waits for 1 standbys, and 2 are promised"));
    appended(&promised, promised.head().await.unwrap(), "on two machines").await;
    drop(standby);
    while promised.look().await.is_ok() {
        assert!(began.elapsed() < Duration::from_secs(40), "its end is not told");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    waits_for(&server, "").await;
}

/// A password that others can read is refused, with the mend.
#[test]
fn a_password_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("password");
    std::fs::write(&file, "a secret\n").unwrap();
    let reached = Reached {
        postgres: Some(Secret("postgresql://deeds@127.0.0.1:1/deeds".to_owned())),
        password_file: Some(file.clone()),
        standbys: 0,
    };
    for (mode, refused) in [(0o640, true), (0o604, true), (0o600, false), (0o400, false)] {
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        match Postgres::reached(&reached) {
            Err(error) => {
                let told = error.to_string();
                assert!(refused && told.contains("chmod 600") && !told.contains("secret"), "{told}");
            }
            Ok(_) => assert!(!refused, "{mode:o}"),
        }
    }
}
