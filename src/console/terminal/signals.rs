//! Signals as messages of the loop.

use std::{io, thread};

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::hangup;

/// What a signal asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// End; the number is the signal's.
    End(i32),
    /// Stop until continued.
    Stop,
    /// Continued after a stop that was not announced.
    Continued,
}

/// The signals that the console listens to.
#[derive(Debug)]
pub struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
    quit: Signal,
    stop: Signal,
    resume: Signal,
}

impl Signals {
    /// Starts listening; from here on none of them ends the process by itself.
    ///
    /// # Errors
    /// When a handler can't be installed.
    pub fn listen() -> io::Result<Self> {
        // SIGTSTP and SIGCONT have no name in tokio; their numbers are those of this platform.
        let number = |signal: rustix::process::Signal| SignalKind::from_raw(signal.as_raw());
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
            quit: signal(SignalKind::quit())?,
            stop: signal(number(rustix::process::Signal::TSTP))?,
            resume: signal(number(rustix::process::Signal::CONT))?,
        })
    }

    /// The next signal. Asks to end are backed by a thread that ends the program should the loop not come to it.
    pub async fn next(&mut self) -> Asked {
        let asked = tokio::select! {
            biased;
            _ = self.terminate.recv() => Asked::End(SignalKind::terminate().as_raw_value()),
            _ = self.hangup.recv() => Asked::End(SignalKind::hangup().as_raw_value()),
            _ = self.interrupt.recv() => Asked::End(SignalKind::interrupt().as_raw_value()),
            _ = self.quit.recv() => Asked::End(SignalKind::quit().as_raw_value()),
            _ = self.stop.recv() => Asked::Stop,
            _ = self.resume.recv() => Asked::Continued,
        };
        if let Asked::End(number) = asked {
            thread::spawn(move || hangup::end_after_grace(128 + number));
        }
        asked
    }
}
