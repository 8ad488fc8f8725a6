//! What machines, disks and people do to a data directory, and what comes of it: told or mended, never silently wrong.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failed step fails the test, wherever it stands"
)]

#[path = "../common/disk.rs"]
mod disk;
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

mod damage;
