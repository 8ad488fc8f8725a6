//! The server that the tests of this process share, and others of a test's own.

use std::io::Write as _;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

#[path = "../../../tests/common/postgres.rs"]
mod server;

pub(in crate::ledger) use server::Postgres as Server;

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

/// Receives a server's log as a synchronous standby does, until it is dropped.
pub(in crate::ledger) struct StandIn {
    program: Child,
    _log: tempfile::TempDir,
}

impl StandIn {
    /// Of the server whose database has that address.
    pub(in crate::ledger) fn of(url: &str) -> Self {
        let log = tempfile::TempDir::new().unwrap();
        let mut command = Command::new(server::bin().unwrap().join("pg_receivewal"));
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
