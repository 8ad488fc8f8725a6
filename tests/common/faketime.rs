//! Programs whose wall clock is wrong, by libfaketime around them.
#![expect(clippy::unwrap_used, reason = "what can't be set up can't be tested")]

use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use crate::run::Home;
use crate::server::Server;

/// What faketime has a program load. It is asked once, and again where a program of its number, killed before, has left something
/// that lies in its way.
fn library() -> &'static str {
    static LIBRARY: OnceLock<String> = OnceLock::new();
    let asked = || {
        let told = Command::new("faketime").args(["-f", "+0", "env"]).output().unwrap();
        let told = String::from_utf8(told.stdout).unwrap();
        told.lines().find_map(|line| line.strip_prefix("LD_PRELOAD=")).map(str::to_owned)
    };
    LIBRARY.get_or_init(|| (0..20).find_map(|_| asked()).unwrap())
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
