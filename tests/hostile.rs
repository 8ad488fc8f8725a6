//! Deeds under attack by its own agents: the real binary, beside its quiet self. Nothing of others is refused, memory and disk stay
//! within what was promised, and a person gets through.
//!
//! What is measured is printed: `cargo test --test hostile -- --nocapture`. Times are asserted only where
//! `DEEDS_MEASURE=1` says that the machine is quiet.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

#[path = "common/patience.rs"]
#[expect(dead_code, reason = "shared with other tests, which use the rest of it")]
mod patience;
#[path = "cli/run.rs"]
mod run;
#[path = "cli/server.rs"]
#[expect(dead_code, reason = "shared with other tests, which use the rest of it")]
mod server;

#[path = "hostile/fairness.rs"]
mod fairness;
#[path = "hostile/team.rs"]
mod team;
