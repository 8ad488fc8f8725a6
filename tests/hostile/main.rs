//! Attacks on the server by those who may reach it: each is a test that fails without its mend.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failed step fails the test, wherever it stands"
)]

#[path = "../common/patience.rs"]
#[expect(dead_code, reason = "shared with other tests, which use the rest of it")]
mod patience;
#[path = "../server/support.rs"]
#[expect(dead_code, reason = "shared with the tests of the server, which use the rest of it")]
mod support;

mod budgets;
