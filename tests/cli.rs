//! The command line as people meet it: the real binary, real directories, exact exit statuses.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "cli/again.rs"]
mod again;
#[path = "cli/agent.rs"]
mod agent;
#[path = "cli/attach.rs"]
mod attach;
#[path = "cli/bad_input.rs"]
mod bad_input;
#[path = "cli/checkpoint.rs"]
mod checkpoint;
#[path = "cli/clock.rs"]
mod clock;
#[path = "cli/codeowners.rs"]
mod codeowners;
#[path = "cli/connect.rs"]
mod connect;
#[path = "cli/console.rs"]
mod console;
#[path = "cli/copies.rs"]
mod copies;
#[path = "cli/crowd.rs"]
mod crowd;
#[path = "cli/damage.rs"]
mod damage;
#[path = "cli/decisions.rs"]
mod decisions;
#[path = "common/disk.rs"]
#[expect(dead_code, reason = "shared with other tests, which use the rest of it")]
mod disk;
#[path = "common/faketime.rs"]
mod faketime;
#[path = "cli/first_run.rs"]
mod first_run;
#[path = "cli/founding.rs"]
mod founding;
#[path = "cli/guards.rs"]
mod guards;
#[path = "cli/history.rs"]
mod history;
#[path = "cli/hooks.rs"]
mod hooks;
#[path = "cli/kept.rs"]
mod kept;
#[path = "cli/linear.rs"]
mod linear;
#[path = "cli/lost.rs"]
mod lost;
#[path = "cli/map_test.rs"]
mod map_test;
#[path = "cli/map_tools.rs"]
mod map_tools;
#[path = "cli/mends.rs"]
mod mends;
#[path = "cli/nodes.rs"]
mod nodes;
#[path = "cli/offline.rs"]
mod offline;
#[path = "cli/past.rs"]
mod past;
#[path = "common/patience.rs"]
#[expect(dead_code, reason = "shared with other tests, which use the rest of it")]
mod patience;
#[path = "cli/postgres.rs"]
mod postgres;
#[path = "common/postgres.rs"]
mod postgres_server;
#[path = "common/programs.rs"]
mod programs;
#[path = "cli/readiness.rs"]
mod readiness;
#[path = "cli/rehearse.rs"]
mod rehearse;
#[path = "cli/removed.rs"]
mod removed;
#[path = "cli/replay.rs"]
mod replay;
#[path = "cli/report.rs"]
mod report;
#[path = "cli/room.rs"]
mod room;
#[path = "cli/run.rs"]
mod run;
#[path = "cli/secrets.rs"]
mod secrets;
#[path = "cli/server.rs"]
#[expect(dead_code, reason = "shared with other tests, which use the rest of it")]
mod server;
#[path = "cli/stopping.rs"]
mod stopping;
#[path = "cli/teamwork.rs"]
mod teamwork;
#[path = "common/terminal.rs"]
#[expect(dead_code, reason = "shared with other tests, which use the rest of it")]
mod terminal;
#[path = "cli/told.rs"]
mod told;
#[path = "cli/untrusted.rs"]
mod untrusted;
#[path = "cli/upkeep.rs"]
mod upkeep;
#[path = "cli/values.rs"]
mod values;
