//! Attacks, each a test that fails without its mend: by a hostile agent, a colleague on the same machine, a hostile peer.
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

mod small;
