//! Parse, run, exit code.

use std::process::ExitCode;

/// Writes make many small, short-lived texts.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    deeds::cli::main()
}
