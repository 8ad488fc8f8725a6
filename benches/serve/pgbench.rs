//! Single writes whose ledger is in PostgreSQL, beside `pgbench -N` on the very same server, in turns.

use std::sync::Arc;
use std::time::Duration;

use deeds::ledger::{Postgres as Engine, Store};

use super::postgres::Postgres;
use super::{Bench, Side, Work};

const CONNECTIONS: usize = 64;
/// The callers of `pgbench`, and its scale: as many accounts, by the hundred thousand, so that they are in nobody's way.
const CLIENTS: &str = "16";
/// How long each side of a run takes.
const EACH: Duration = Duration::from_secs(5);

/// Runs both sides on a server as often as said, and prints them; says so where there is none.
pub(crate) fn report<S>(figure: &str, runs: usize, kept: Option<S>, server: impl Fn(&S) -> &Postgres) {
    let Some(kept) = kept else {
        println!("{figure:>22} passed over: PostgreSQL is not here");
        return;
    };
    let server = server(&kept);
    let database = server.fresh();
    pgbench(server, &database, &["-i", "-q", "-s", CLIENTS]);
    super::report(figure, CONNECTIONS, runs, || {
        let seconds = EACH.as_secs().to_string();
        let told = pgbench(server, &database, &["-N", "-c", CLIENTS, "-j", "2", "-T", &seconds]);
        let (_, rate) = told.split_once("tps = ").unwrap();
        let rate = rate.split_whitespace().next().unwrap().parse().unwrap();
        let reference = Side { rate, costs: Vec::new(), indexed: 0.0 };
        let directory = tempfile::TempDir::new().unwrap();
        let engine = Engine::new(&server.fresh(), None, 0).unwrap();
        let store = Store::new(directory.path(), Arc::new(engine));
        [reference, Bench::start_on(directory, store).rate_for(CONNECTIONS, Work::Write, EACH)]
    });
}

/// What it printed, in that database.
fn pgbench(server: &Postgres, database: &str, arguments: &[&str]) -> String {
    let (_, name) = database.rsplit_once('/').unwrap();
    let port = server.port.to_string();
    let at = ["-h", "127.0.0.1", "-p", &port, "-U", "deeds", name];
    server.run("pgbench", &[arguments, &at].concat())
}
