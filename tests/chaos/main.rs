//! Faults of the machine, of operators and of time, against real servers under load: what was acknowledged is there, once, as it
//! was told, and nothing says "fine" over a fault.
//!
//! Bounded in an ordinary run; `DEEDS_CHAOS=long cargo test --test chaos` goes on until 500 kills and 300,000 acknowledgements.
//! The last line on standard error counts what was done and what came of it. Moments are random: a test that fails says by which
//! number, and `DEEDS_CHAOS_SEED=NUMBER` makes the same choices again.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failed step fails the test, wherever it stands"
)]

#[path = "../common/disk.rs"]
#[expect(dead_code, reason = "shared with other tests, which use the rest of it")]
mod disk;
#[path = "../common/faketime.rs"]
mod faketime;
#[path = "../common/line.rs"]
#[expect(dead_code, reason = "shared with other tests, which use the rest of it")]
mod line;
#[path = "../common/patience.rs"]
#[expect(dead_code, reason = "shared with other tests, which use the rest of it")]
mod patience;
#[path = "../common/programs.rs"]
mod programs;
#[path = "../cli/run.rs"]
mod run;
#[path = "../cli/server.rs"]
#[expect(dead_code, reason = "shared with other tests, which use the rest of it")]
mod server;
#[path = "../common/terminal.rs"]
#[expect(dead_code, reason = "shared with other tests, which use the rest of it")]
mod terminal;

mod asks;
mod chance;
mod checker;
mod clocks;
mod damage;
mod forks;
mod halfway;
mod kills;
mod limits;
mod load;
mod power;
mod totals;
