//! What only a database does: it goes away and comes back, is somebody else's, and commits what its standby lacks.

use std::path::Path;

use bytes::Bytes;

use super::super::engine::Engine as _;
use super::super::{AnyLedger, Append, Head, Ledger as _, LedgerError};
use super::{Postgres, testing};
use crate::domain::ids::WorkspaceId;

fn northwind() -> WorkspaceId {
    WorkspaceId::new("northwind").unwrap()
}

fn opened(url: &str) -> AnyLedger {
    Postgres::new(url, None).unwrap().create(Path::new("northwind"), &northwind()).unwrap()
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
                std::thread::sleep(std::time::Duration::from_millis(300));
                server.down(how);
                server.up();
            }
        });
        tokio::task::block_in_place(|| {
            tokio::runtime::Handle::current().block_on(async {
                let until = std::time::Instant::now() + std::time::Duration::from_secs(4);
                let mut acknowledged = 0_u64;
                while std::time::Instant::now() < until {
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
    assert!(crash > 100, "{crash}");
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
    server.sql("postgres", "alter system set synchronous_standby_names = 'nobody'");
    server.sql("postgres", "select pg_reload_conf()");
    let mut appending = tokio::spawn(async move { ledger.append(head, deed("lost at a failover")).await });
    let ended = "select pg_cancel_backend(pid) from pg_stat_activity where wait_event = 'SyncRep'";
    for _ in 0..8 {
        tokio::time::sleep(std::time::Duration::from_millis(250)).await;
        server.sql("postgres", ended);
    }
    assert_eq!(server.sql("d0", "select max(seq) from deeds_ledger"), "2", "it can be read");
    tokio::time::timeout(std::time::Duration::from_millis(100), &mut appending).await.unwrap_err();
    // With its standby back, which here is that none is asked for, it is known what became of it.
    server.sql("postgres", "alter system reset synchronous_standby_names");
    server.sql("postgres", "select pg_reload_conf()");
    assert!(matches!(appending.await.unwrap(), Ok(Append::Appended(_))));
}

/// What is no database for ledgers is said to be none, with the mend; and nothing that was given to reach it is told.
#[tokio::test]
async fn what_can_keep_no_ledgers_is_refused() {
    let Some(server) = testing::shared() else { return };
    let refused = |url: &str| {
        let engine = Postgres::new(url, Some("a secret"))?;
        engine.create(Path::new("northwind"), &northwind()).map(|_| ())
    };
    let url = server.fresh();
    let name = url.rsplit('/').next().unwrap().to_owned();
    server.sql("postgres", "create database latin encoding 'LATIN1' template template0");
    let cases = [
        (url.replace(&name, "latin"), "createdb --encoding=UTF8"),
        (url.replace(&name, "nowhere"), "does not exist"),
        ("postgresql://deeds:a secret@127.0.0.1:1/x".to_owned(), "ledger.postgres"),
        ("postgresql://a secret@host:port/".to_owned(), "not understood"),
        (format!("{url}?options=-c%20default_transaction_read_only%3Don"), "target_session_attrs"),
    ];
    for (url, wanted) in cases {
        let told = refused(&url).unwrap_err().to_string();
        assert!(told.contains(wanted) && !told.contains("secret"), "{told}");
    }
    opened(&url);
    server.sql(&name, "update deeds_format set format = 2");
    assert!(matches!(refused(&url), Err(LedgerError::Newer { found: 2, known: 1, .. })));
}
