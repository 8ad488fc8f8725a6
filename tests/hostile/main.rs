//! Deeds under attack: by its own agents, a colleague on the same machine, a hostile peer. Each is a test that fails without its
//! mend. Where others are flooded, nothing of theirs is refused, memory stays within what was promised, and a person gets through.
//!
//! What is measured is printed: `cargo test --test hostile -- --nocapture`. Times are asserted only where
//! `DEEDS_MEASURE=1` says that the machine is quiet.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failed step fails the test, wherever it stands"
)]

#[path = "../common/line.rs"]
mod line;
#[path = "../common/patience.rs"]
mod patience;
#[path = "../common/programs.rs"]
mod programs;
#[path = "../cli/run.rs"]
mod run;
#[path = "../cli/server.rs"]
#[expect(dead_code, reason = "shared with other tests, which use the rest of it")]
mod server;
#[path = "../server/support.rs"]
#[expect(dead_code, reason = "shared with the tests of the server, which use the rest of it")]
mod support;

mod budgets;
mod fairness;
mod false_server;
mod floods;
mod person;
mod server_proof;
mod signing;
mod signing_relay;
mod small;
mod squatter;
mod team;
mod tls;
mod unread;
mod watchers;
