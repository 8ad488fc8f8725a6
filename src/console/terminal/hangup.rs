//! The program never outlives its terminal.
//!
//! crossterm 0.29 reads on and on at 100% of a core when its terminal has gone (its issue 793), and its poll does not return
//! then. So a thread of our own waits for the hang-up, tells the loop, and ends the program if the loop does not.

use std::os::fd::AsFd as _;
use std::time::Duration;
use std::{io, thread};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use tokio::sync::oneshot;

/// How long the loop has for ending by itself.
pub const GRACE: Duration = Duration::from_millis(700);
/// Where poll does not work on terminals (macOS), the terminal is asked this often instead.
const ASK_EVERY: Duration = Duration::from_secs(2);
/// Exit status of a program whose terminal went away: 128 + HUP.
pub const EXIT_STATUS: i32 = 129;

/// Starts the watch; the receiver gets its message when the terminal is gone.
///
/// # Errors
/// When the descriptor can't be duplicated or the thread not be started.
pub fn watch() -> io::Result<oneshot::Receiver<()>> {
    let terminal = io::stdin().as_fd().try_clone_to_owned()?;
    let (gone, told) = oneshot::channel();
    thread::Builder::new().name("tty-hangup".to_owned()).spawn(move || {
        wait(&terminal);
        _ = gone.send(());
        end_after_grace(EXIT_STATUS);
    })?;
    Ok(told)
}

/// Ends the program if it has not ended by itself when the grace is over. The terminal is given back first.
pub fn end_after_grace(status: i32) {
    thread::sleep(GRACE);
    super::give_back();
    std::process::exit(status);
}

/// Returns when the terminal is gone.
fn wait(terminal: &impl std::os::fd::AsFd) {
    loop {
        let mut watched = [PollFd::new(terminal, PollFlags::empty())];
        match poll(&mut watched, None) {
            Err(Errno::INTR) => {}
            Ok(_) => {
                let [watched] = watched;
                if watched.revents().intersects(PollFlags::HUP | PollFlags::ERR) {
                    return;
                }
                return ask_until_gone(terminal);
            }
            Err(_) => return ask_until_gone(terminal),
        }
    }
}

fn ask_until_gone(terminal: &impl std::os::fd::AsFd) {
    while rustix::termios::tcgetattr(terminal).is_ok() {
        thread::sleep(ASK_EVERY);
    }
}

/// As poll wants it.
pub(super) fn timespec(duration: Duration) -> Timespec {
    Timespec {
        tv_sec: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(duration.subsec_nanos()),
    }
}
