//! The server that the tests of this process share, and others of a test's own.

use std::io::Write as _;
use std::sync::OnceLock;

#[path = "../../../tests/common/postgres.rs"]
mod server;

pub(in crate::ledger) use server::{Postgres as Server, bin};

/// One for all; none where PostgreSQL is not here. It ends with the process that started it.
pub(in crate::ledger) fn shared() -> Option<&'static Server> {
    static SERVER: OnceLock<Option<Server>> = OnceLock::new();
    SERVER.get_or_init(|| start("synchronous_commit = off\nmax_connections = 300")).as_ref()
}

/// One with those lines of configuration. Where PostgreSQL is not here that is told past the harness, and a failure where
/// `DEEDS_DEMAND` names `psql`.
pub(in crate::ledger) fn start(settings: &str) -> Option<Server> {
    let server = Server::start(settings);
    if server.is_none() {
        let demanded = std::env::var("DEEDS_DEMAND").unwrap_or_default();
        assert!(!demanded.split(',').any(|one| one == "psql"), "PostgreSQL is demanded, and not here");
        let told = "\n!! PASSED OVER: ledgers in PostgreSQL need a server (Debian: postgresql). Nothing of them was tested.\n";
        std::io::stderr().write_all(told.as_bytes()).unwrap();
    }
    server
}
