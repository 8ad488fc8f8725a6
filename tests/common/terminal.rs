//! A console in a real pseudo-terminal, with what is on its screen.
#![expect(clippy::unwrap_used, reason = "what can't be set up can't be tested")]

use std::io::{Read as _, Write};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

use crate::patience::PATIENCE;
use crate::run::Home;
use slow_line::line;

#[path = "slow_line.rs"]
mod slow_line;

const SIZE: PtySize = PtySize { rows: 36, cols: 120, pixel_width: 0, pixel_height: 0 };

type Shows = Box<dyn FnMut(&[u8]) + Send>;

/// A console with what is on its screen.
pub(crate) struct Terminal {
    child: Box<dyn Child + Send + Sync>,
    keys: Box<dyn Write + Send>,
    screen: Arc<Mutex<vt100::Parser>>,
    /// Everything that was written, and how much of it has been waited for.
    log: Arc<Mutex<Vec<u8>>>,
    read: usize,
    _master: Box<dyn MasterPty + Send>,
}

impl Terminal {
    pub(crate) fn open(home: &Home, arguments: &[&str]) -> Self {
        Self::open_like(home, &home.command(arguments))
    }

    pub(crate) fn open_like(home: &Home, like: &Command) -> Self {
        Self::open_at(home, like, Duration::ZERO)
    }

    /// A terminal at the end of a line on which everything takes this long, each way, and one piece in a hundred comes after
    /// a third of a second more, with all behind it. It answers what it is asked for its background and its kind.
    pub(crate) fn open_far(home: &Home, arguments: &[&str], way: Duration) -> Self {
        Self::open_at(home, &home.command(arguments), way)
    }

    fn open_at(home: &Home, like: &Command, way: Duration) -> Self {
        let pty = native_pty_system().openpty(SIZE).unwrap();
        let mut command = CommandBuilder::new(like.get_program());
        command.args(like.get_args());
        command.env_clear();
        command.cwd(home.dir.path());
        command.env("TERM", "xterm-256color");
        for (name, value) in like.get_envs() {
            command.env(name, value.unwrap_or_default());
        }
        let child = pty.slave.spawn_command(command).unwrap();
        drop(pty.slave);
        let mut reader = pty.master.try_clone_reader().unwrap();
        let mut keys = pty.master.take_writer().unwrap();
        let screen = Arc::new(Mutex::new(blank()));
        let drawn = Arc::clone(&screen);
        let log = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&log);
        let mut shows: Shows = Box::new(move |bytes| drawn.lock().unwrap().process(bytes));
        if way > Duration::ZERO {
            let there =
                line(way, move |bytes| keys.write_all(bytes).and_then(|()| keys.flush()).unwrap_or_default());
            keys = Box::new(there.clone());
            let back = line(way, move |bytes| {
                if bytes.windows(3).any(|three| three == b"\x1b[c") {
                    there.clone().write_all(ANSWER).unwrap();
                }
                shows(bytes);
            });
            shows = Box::new(move |bytes| back.clone().write_all(bytes).unwrap());
        }
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = reader.read(&mut bytes) {
                let bytes = bytes.get(..count).unwrap_or_default();
                kept.lock().unwrap().extend_from_slice(bytes);
                shows(bytes);
            }
        });
        Self { child, keys, screen, log, read: 0, _master: pty.master }
    }

    pub(crate) fn text(&self) -> String {
        self.screen.lock().unwrap().screen().contents()
    }

    /// Waits until the screen shows this.
    pub(crate) fn shows(&self, wanted: &str) {
        let give_up = Instant::now() + PATIENCE;
        while !self.text().contains(wanted) {
            assert!(Instant::now() < give_up, "{wanted:?} does not come up on\n{}", self.text());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The screen with all that was written, also where it is still on its way.
    pub(crate) fn written(&self) -> String {
        let mut all = blank();
        all.process(&self.log.lock().unwrap());
        all.screen().contents()
    }

    /// Everything that was written.
    pub(crate) fn log(&self) -> String {
        String::from_utf8_lossy(&self.log.lock().unwrap()).into_owned()
    }

    /// Waits until this is written after what was waited for last.
    pub(crate) fn says(&mut self, wanted: &str) {
        let give_up = Instant::now() + PATIENCE;
        loop {
            let log = self.log();
            if let Some(at) = log.get(self.read..).and_then(|rest| rest.find(wanted)) {
                self.read += at + wanted.len();
                return;
            }
            assert!(Instant::now() < give_up, "{wanted:?} is not said after\n{}", &log[..self.read]);
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub(crate) fn types(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    /// Quits, and says with which exit status.
    pub(crate) fn quit(&mut self) -> u32 {
        self.types("q");
        let give_up = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.exit_code();
            }
            assert!(Instant::now() < give_up, "it does not end:\n{}", self.text());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Sends a signal; returns once it has ended.
    pub(crate) fn signal(&mut self, signal: rustix::process::Signal) {
        let pid = i32::try_from(self.child.process_id().unwrap()).unwrap();
        rustix::process::kill_process(rustix::process::Pid::from_raw(pid).unwrap(), signal).unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) fn is_given_back(&self) -> bool {
        let screen = self.screen.lock().unwrap();
        !screen.screen().alternate_screen() && !screen.screen().hide_cursor()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.child.kill().unwrap_or_default();
    }
}

fn blank() -> vt100::Parser {
    vt100::Parser::new(SIZE.rows.try_into().unwrap(), SIZE.cols.try_into().unwrap(), 0)
}

/// What a dark terminal answers.
const ANSWER: &[u8] = b"\x1b]11;rgb:1010/1010/1414\x1b\\\x1b[?62;22c";
