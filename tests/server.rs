//! The server from outside: real HTTP on a port of its own, a real ledger in a directory that is thrown away.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "a failed step fails the test, wherever it stands"
)]

#[path = "common/patience.rs"]
#[expect(dead_code, reason = "shared with other tests, which use the rest of it")]
mod patience;
#[path = "server/support.rs"]
mod support;

#[path = "server/access.rs"]
mod access;
#[path = "server/bad_input.rs"]
mod bad_input;
#[path = "server/calls.rs"]
mod calls;
#[path = "server/cases.rs"]
mod cases;
#[path = "server/doors.rs"]
mod doors;
#[path = "server/hooks.rs"]
mod hooks;
#[path = "server/lists.rs"]
mod lists;
#[path = "server/looks.rs"]
mod looks;
#[path = "server/matrix.rs"]
mod matrix;
#[path = "server/page.rs"]
mod page;
#[path = "server/pages.rs"]
mod pages;
#[path = "server/past.rs"]
mod past;
#[path = "server/postgres.rs"]
mod postgres;
#[path = "common/postgres.rs"]
#[expect(dead_code, reason = "shared with other tests, which use the rest of it")]
mod postgres_server;
#[path = "common/programs.rs"]
mod programs;
#[path = "server/spaces.rs"]
mod spaces;
#[path = "server/stream.rs"]
mod stream;
