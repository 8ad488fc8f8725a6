//! Programs that a test needs beside the compiler. Where one is absent the test says so, past the harness, and is passed
//! over; where `DEEDS_DEMAND` names it (`DEEDS_DEMAND=git,strace cargo test`), its absence is a failure.
#![expect(clippy::unwrap_used, reason = "what can't be told must not pass")]

use std::io::Write as _;

/// Whether the program is there, and the test can be run.
pub(crate) fn is_there(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file()) || is_passed_over(program)
}

/// Says that what a test needs is not here; fails where it is demanded. It is never there.
pub(crate) fn is_passed_over(program: &str) -> bool {
    let demanded = std::env::var("DEEDS_DEMAND").unwrap_or_default();
    assert!(!demanded.split(',').any(|one| one == program), "{program} is demanded, and not here");
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    let told = format!("\n!! PASSED OVER: {test} needs {program}, which is not here. It tested nothing.\n");
    // Written past the harness, which keeps what a passing test prints.
    std::io::stderr().write_all(told.as_bytes()).unwrap();
    false
}
