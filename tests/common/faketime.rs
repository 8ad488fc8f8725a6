//! Programs whose wall clock is wrong, by libfaketime around them.
#![expect(clippy::unwrap_used, reason = "what can't be set up can't be tested")]

use std::path::Path;
use std::process::Command;

use crate::run::Home;
use crate::server::Server;

/// What faketime has a program load.
fn library() -> String {
    let told = Command::new("faketime").args(["-f", "+0", "env"]).output().unwrap();
    let told = String::from_utf8(told.stdout).unwrap();
    told.lines().find_map(|line| line.strip_prefix("LD_PRELOAD=")).unwrap().to_owned()
}

/// A server whose wall clock is as far off as that file says, and whose other clocks are right.
pub(crate) fn serving(home: &Home, off: &Path) -> Server {
    Server::start_with(home, "127.0.0.1:0", |command| shift(command, off))
}

/// Has a program's wall clock be as far off as that file says, whenever it looks.
pub(crate) fn shift(command: &mut Command, off: &Path) {
    command.env("LD_PRELOAD", library()).env("FAKETIME_TIMESTAMP_FILE", off);
    command.env("FAKETIME_NO_CACHE", "1").env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
}
