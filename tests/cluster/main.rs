//! Nodes on one PostgreSQL with a synchronous standby: under faults at random nothing that was acknowledged is lost or done twice, and
//! what is decided on one node holds on every other.
//!
//! Bounded in an ordinary run; `DEEDS_CLUSTER_ROUNDS=200 cargo test --release --test cluster campaign -- --nocapture` goes on for so
//! many rounds of faults. A run says by which number its choices were made, and `DEEDS_CHAOS_SEED=NUMBER` makes them again.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failed step fails the test, wherever it stands"
)]

#[path = "../chaos/chance.rs"]
mod chance;
#[path = "../common/disk.rs"]
#[expect(dead_code, reason = "shared with other tests, which use the rest of it")]
mod disk;
#[path = "../common/faketime.rs"]
#[expect(dead_code, reason = "shared with other tests, which use the rest of it")]
mod faketime;
#[path = "../common/line.rs"]
#[expect(dead_code, reason = "shared with other tests, which use the rest of it")]
mod line;
#[path = "../common/patience.rs"]
#[expect(dead_code, reason = "shared with other tests, which use the rest of it")]
mod patience;
#[path = "../common/postgres.rs"]
#[expect(dead_code, reason = "shared with other tests, which use the rest of it")]
mod postgres;
#[path = "../common/programs.rs"]
mod programs;
#[path = "../cli/run.rs"]
#[expect(dead_code, reason = "shared with other tests, which use the rest of it")]
mod run;
#[path = "../cli/server.rs"]
#[expect(dead_code, reason = "shared with other tests, which use the rest of it")]
mod server;
#[path = "../common/standby.rs"]
mod standby;

mod campaign;
mod checker;
mod load;
mod nodes;
mod order;
mod script;
mod values;
mod watcher;
mod way;
