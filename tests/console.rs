//! The console on a real server, without a terminal: what is typed becomes a decision, and the screen shows what the ledger
//! says.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failed step fails the test, wherever it stands"
)]

#[path = "console/desk.rs"]
mod desk;
#[path = "console/link.rs"]
mod link;
#[path = "common/patience.rs"]
#[expect(dead_code, reason = "shared with other tests, which use the rest of it")]
mod patience;
#[expect(dead_code, reason = "shared with the server's own tests")]
#[path = "server/support.rs"]
mod support;
