//! Ledgers in PostgreSQL, as people meet them: commands, a server whose database goes away, backups between the engines.

use std::process::Command;
use std::time::Duration;

use serde_json::Value as Json;

use crate::postgres_server::Postgres;
use crate::programs;
use crate::run::{Home, Said};
use crate::server::Server;

/// A server, or none where PostgreSQL is not here, which is told.
pub(crate) fn started() -> Option<Postgres> {
    let server = Postgres::start("");
    if server.is_none() {
        programs::is_passed_over("psql");
    }
    server
}

pub(crate) fn keep_in(command: &mut Command, database: &str) {
    command.env("DEEDS_LEDGER_ENGINE", "postgres").env("DEEDS_LEDGER_POSTGRES", database);
}

fn run(home: &Home, database: &str, arguments: &[&str]) -> Said {
    let mut command = home.command(arguments);
    keep_in(&mut command, database);
    Said::of(&mut command)
}

fn ok(home: &Home, database: &str, arguments: &[&str]) -> String {
    let said = run(home, database, arguments);
    assert_eq!(said.status, 0, "{arguments:?}: {said:?}");
    said.out
}

/// Which ledger it is and where it ends, as `verify` says.
fn end(told: &str) -> [Json; 3] {
    let verified: Json = serde_json::from_str(told).unwrap();
    ["ledger", "deeds", "hash"].map(|what| verified[0][what].clone())
}

/// The same ledger, by its name and by the hash of every record, goes to a file and back to another database.
#[test]
fn a_ledger_goes_from_one_engine_to_the_other_and_back() {
    let Some(server) = started() else { return };
    let (one, other, home) = (server.fresh(), server.fresh(), Home::new());
    ok(&home, &one, &["raise", "nobody.knows.1"]);
    let there = end(&ok(&home, &one, &["verify", "--json"]));
    assert!(there.iter().all(|part| !part.is_null()), "{there:?}");
    ok(&home, &one, &["backup", "one.tar"]);
    home.ok(&["restore", "one.tar", "--data-dir", "files"]);
    assert_eq!(end(&home.ok(&["verify", "--json", "--data-dir", "files"])), there);
    home.ok(&["raise", "nobody.knows.2", "--data-dir", "files"]);
    let further = end(&home.ok(&["verify", "--json", "--data-dir", "files"]));
    assert_ne!(further, there);
    let restored = further.clone();
    home.ok(&["backup", "two.tar", "--data-dir", "files"]);
    ok(&home, &other, &["restore", "two.tar", "--data-dir", "back"]);
    assert_eq!(end(&ok(&home, &other, &["verify", "--json", "--data-dir", "back"])), further);
    assert!(ok(&home, &other, &["inbox", "list", "--data-dir", "back"]).contains("nobody.knows.2"));
    let further = end(&ok(&home, &other, &["verify", "--json", "--data-dir", "back"]));
    // A database that has the workspace takes no other history of it.
    let said = run(&home, &other, &["restore", "one.tar", "--data-dir", "again"]);
    assert!(said.status != 0 && said.err.contains("already"), "{said:?}");
    assert_eq!(end(&ok(&home, &other, &["verify", "--json", "--data-dir", "back"])), further);
    // What a restore left that was cut off is in no list and in nobody's way.
    let name = other.rsplit('/').next().unwrap();
    server.sql(name, "update deeds_ledger set workspace = workspace || '.restoring' where seq <= 4");
    server.sql(name, "update deeds_workspace set workspace = workspace || '.restoring'");
    server.sql(name, "delete from deeds_ledger where workspace = 'default'");
    ok(&home, &other, &["restore", "two.tar", "--data-dir", "rest"]);
    assert_eq!(end(&ok(&home, &other, &["verify", "--json", "--data-dir", "rest"])), restored);
    for table in ["deeds_ledger", "deeds_workspace"] {
        let others = format!("select count(*) from {table} where workspace <> 'default'");
        assert_eq!(server.sql(name, &others), "0");
    }
}

/// While the database is away nothing is recorded and it is said; once it is back it goes on by itself.
#[test]
fn a_server_outlasts_its_database() {
    let Some(server) = started() else { return };
    let (database, home) = (server.fresh(), Home::new());
    let deeds = Server::start_with(&home, "127.0.0.1:0", |command| keep_in(command, &database));
    ok(&home, &database, &["raise", "nobody.knows.1"]);
    server.down("immediate");
    let said = run(&home, &database, &["raise", "nobody.knows.2"]);
    assert!(said.status != 0 && said.err.contains("can't be reached"), "{said:?}");
    server.up();
    let records = |_| {
        std::thread::sleep(Duration::from_millis(100));
        run(&home, &database, &["raise", "nobody.knows.3"]).status == 0
    };
    assert!((0..300).any(records), "it does not go on");
    let listed = ok(&home, &database, &["inbox", "list"]);
    assert!(listed.contains("nobody.knows.1") && listed.contains("nobody.knows.3"), "{listed}");
    assert!(!listed.contains("nobody.knows.2"), "{listed}");
    drop(deeds);
    ok(&home, &database, &["verify"]);
}
