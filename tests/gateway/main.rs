//! MCP servers behind the map: the real binary and a real `deeds serve`, servers of npm and one that misbehaves, killed at
//! every step.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod behind;
mod client;
mod http;
mod kills;
mod page;
#[path = "../common/patience.rs"]
#[expect(dead_code, reason = "shared with other tests, which use the rest of it")]
mod patience;
#[path = "../common/programs.rs"]
mod programs;
mod rules;
#[path = "../cli/run.rs"]
mod run;
mod same;
#[path = "../cli/server.rs"]
#[expect(dead_code, reason = "shared with other tests, which use the rest of it")]
mod server;
