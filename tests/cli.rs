//! The command line as people meet it: the real binary, real directories, exact exit statuses.

#[path = "cli/bad_input.rs"]
mod bad_input;
#[path = "cli/offline.rs"]
mod offline;
#[path = "cli/run.rs"]
mod run;
