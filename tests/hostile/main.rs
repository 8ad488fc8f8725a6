//! Attacks, as an agent, a colleague on the same machine or a false server would make them, each against the real binary.
//! A test here fails without what holds the attack off.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

#[path = "../common/patience.rs"]
mod patience;
#[path = "../common/programs.rs"]
mod programs;
#[path = "../cli/run.rs"]
mod run;
#[path = "../cli/server.rs"]
#[expect(dead_code, reason = "shared with other tests, which use the rest of it")]
mod server;

mod false_server;
mod server_proof;
mod squatter;
mod tls;
