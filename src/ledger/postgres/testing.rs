//! The server that the tests of this process share.

use std::sync::OnceLock;

#[path = "../../../tests/common/programs.rs"]
#[expect(dead_code, reason = "what looks on the PATH alone is for other tests")]
mod programs;
#[path = "../../../tests/common/postgres.rs"]
mod server;

pub(in crate::ledger) use server::Postgres as Server;

/// One for all; none where PostgreSQL is not here, which is told. It ends with the process that started it.
pub(in crate::ledger) fn shared() -> Option<&'static Server> {
    static SERVER: OnceLock<Option<Server>> = OnceLock::new();
    SERVER.get_or_init(|| Server::start("synchronous_commit = off\nmax_connections = 300")).as_ref()
}
