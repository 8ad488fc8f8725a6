//! A program in a pseudo-terminal that answers like a terminal, with every chunk of its output stamped when it came.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{Read as _, Write};
use std::num::NonZeroU16;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

#[path = "../../tests/common/slow_line.rs"]
mod slow_line;

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

pub(crate) const COLUMNS: NonZeroU16 = NonZeroU16::new(120).unwrap();
pub(crate) const ROWS: NonZeroU16 = NonZeroU16::new(40).unwrap();
/// How long a program may take to end after it was asked to.
const END_LIMIT: Duration = Duration::from_mins(1);
/// The system's tick as it tells it to programs.
const TICK: Duration = Duration::from_millis(10);
/// The question that every terminal answers: primary device attributes.
const QUESTION: &[u8] = b"\x1b[c";
/// A dark background, then the attributes.
const ANSWER: &[u8] = b"\x1b]11;rgb:1e1e/1e1e/2e2e\x1b\\\x1b[?62;22c";

type Keys = Arc<Mutex<Box<dyn Write + Send>>>;
type Shows = Box<dyn FnMut(&[u8]) + Send>;

/// A program on a screen.
pub(crate) struct Screen {
    parser: vt100::Parser,
    output: mpsc::Receiver<(Instant, Vec<u8>)>,
    keys: Keys,
    child: Box<dyn Child + Send + Sync>,
    /// Whether it has ended; its number may be another process's by then.
    ended: bool,
    begun: Instant,
    /// When its first byte came, counted from its start.
    pub(crate) first: Option<Duration>,
    _terminal: Box<dyn MasterPty + Send>,
}

impl Screen {
    /// Starts the program with this environment and no other.
    pub(crate) fn start(program: &str, arguments: &[String], environment: &[(&str, String)]) -> Self {
        Self::start_at(Duration::ZERO, program, arguments, environment)
    }

    /// The same at the end of a slow line on which everything takes this long, each way.
    pub(crate) fn start_at(
        way: Duration,
        program: &str,
        arguments: &[String],
        environment: &[(&str, String)],
    ) -> Self {
        let size = PtySize { rows: ROWS.get(), cols: COLUMNS.get(), pixel_width: 0, pixel_height: 0 };
        let terminal = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(program);
        command.args(arguments);
        command.env_clear();
        for (name, value) in environment {
            command.env(name, value);
        }
        let mut input = terminal.master.try_clone_reader().unwrap();
        let mut writer = terminal.master.take_writer().unwrap();
        let (tell, output) = mpsc::channel();
        let begun = Instant::now();
        let child = terminal.slave.spawn_command(command).unwrap();
        if way > Duration::ZERO {
            let mut program = writer;
            writer = Box::new(slow_line::line(way, move |bytes| {
                program.write_all(bytes).unwrap_or_default();
            }));
        }
        let keys: Keys = Arc::new(Mutex::new(writer));
        let answering = Arc::clone(&keys);
        let mut shows: Shows = Box::new(move |bytes| {
            if bytes.windows(QUESTION.len()).any(|window| window == QUESTION) {
                // A program that has ended needs no answer.
                answering.lock().unwrap().write_all(ANSWER).unwrap_or_default();
            }
            tell.send((Instant::now(), bytes.to_vec())).unwrap_or_default();
        });
        if way > Duration::ZERO {
            let mut back = slow_line::line(way, shows);
            shows = Box::new(move |bytes| back.write_all(bytes).unwrap_or_default());
        }
        std::thread::spawn(move || {
            let mut chunk = vec![0; 64 * 1024];
            while let Ok(read @ 1..) = input.read(&mut chunk) {
                shows(&chunk[..read]);
            }
        });
        Self {
            parser: vt100::Parser::new(ROWS, COLUMNS, 0),
            output,
            keys,
            child,
            ended: false,
            begun,
            first: None,
            _terminal: terminal.master,
        }
    }

    /// Reads on until the screen is as wanted, and says how long after the start it came to be.
    pub(crate) fn until(&mut self, limit: Duration, wanted: impl Fn(&str) -> bool) -> Duration {
        let end = Instant::now() + limit;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let (came, chunk) = match self.output.recv_timeout(left) {
                Ok(chunk) => chunk,
                Err(error) => panic!("{error} after {limit:?}; the screen shows\n{}", self.text()),
            };
            self.take(came, &chunk);
            if wanted(&self.text()) {
                return came - self.begun;
            }
        }
    }

    /// Reads on until the screen is as wanted, and says how long after this moment that was, and after how many bytes.
    pub(crate) fn since(
        &mut self,
        moment: Instant,
        limit: Duration,
        wanted: impl Fn(&vt100::Screen) -> bool,
    ) -> (Duration, usize) {
        let mut bytes = 0;
        loop {
            let left = limit.saturating_sub(moment.elapsed());
            let (came, chunk) = match self.output.recv_timeout(left) {
                Ok(chunk) => chunk,
                Err(error) => panic!("{error} after {limit:?}; the screen shows\n{}", self.text()),
            };
            bytes += chunk.len();
            self.take(came, &chunk);
            if wanted(self.parser.screen()) {
                return (came.saturating_duration_since(moment), bytes);
            }
        }
    }

    /// Reads for that long at most, until the screen is as wanted; none where it did not come to be.
    pub(crate) fn within(
        &mut self,
        limit: Duration,
        wanted: impl Fn(&vt100::Screen) -> bool,
    ) -> Option<Instant> {
        let end = Instant::now() + limit;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let (came, chunk) = self.output.recv_timeout(left).ok()?;
            self.take(came, &chunk);
            if wanted(self.parser.screen()) {
                return Some(came);
            }
        }
    }

    /// The cells as they stand.
    pub(crate) fn cells(&self) -> &vt100::Screen {
        self.parser.screen()
    }

    /// Reads for that long, and says how many bytes came.
    pub(crate) fn listen(&mut self, span: Duration) -> usize {
        let end = Instant::now() + span;
        let mut bytes = 0;
        loop {
            match self.output.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok((came, chunk)) => {
                    bytes += chunk.len();
                    self.take(came, &chunk);
                }
                Err(RecvTimeoutError::Timeout) => return bytes,
                Err(RecvTimeoutError::Disconnected) => panic!("the program ended:\n{}", self.text()),
            }
        }
    }

    fn take(&mut self, came: Instant, chunk: &[u8]) {
        self.first.get_or_insert(came - self.begun);
        self.parser.process(chunk);
    }

    /// What stands on it.
    pub(crate) fn text(&self) -> String {
        self.parser.screen().contents()
    }

    /// Types keys.
    pub(crate) fn keys(&self, keys: &str) {
        self.keys.lock().unwrap().write_all(keys.as_bytes()).unwrap();
    }

    /// The time that its threads have spent on a processor so far.
    pub(crate) fn processor(&self) -> Processor {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid())).unwrap();
        // The name in parentheses may have blanks in it; the times are the 12th and 13th number after it.
        let numbers: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        let ticks = numbers[11].parse::<u64>().unwrap() + numbers[12].parse::<u64>().unwrap();
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.pid())).unwrap();
        let spent = tasks.flatten().filter_map(|task| {
            let text = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
            Some((task.file_name(), text.split(' ').next()?.parse().ok()?))
        });
        Processor { ticks, threads: spent.collect() }
    }

    /// The process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.process_id().unwrap()
    }

    /// Ends it by its own key.
    pub(crate) fn quit(mut self) {
        self.keys("q");
        let begun = Instant::now();
        while self.child.try_wait().unwrap().is_none() {
            // What it still writes must be taken, or it waits for ever.
            while self.output.try_recv().is_ok() {}
            if begun.elapsed() > END_LIMIT {
                self.child.kill().unwrap();
                panic!("it does not end:\n{}", self.text());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        self.ended = true;
    }
}

/// The row on which the cursor of a list stands: the first that is drawn reversed or with its mark.
pub(crate) fn row_of(cells: &vt100::Screen) -> Option<u16> {
    (2..ROWS.get())
        .find(|row| cells.cell(*row, 0).is_some_and(|cell| cell.contents() == "▌" || cell.inverse()))
}

/// The resident memory of a process in MiB.
pub(crate) fn resident_mib(pid: u32) -> f64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1_024.0
}

/// Time on a processor: of each thread in nanoseconds, and of the whole process in the system's ticks, in which the
/// threads that have ended count too.
pub(crate) struct Processor {
    ticks: u64,
    threads: BTreeMap<OsString, u64>,
}

impl Processor {
    /// What was spent between two looks.
    pub(crate) fn since(&self, before: &Self) -> Duration {
        if !self.threads.keys().eq(before.threads.keys()) {
            return TICK * u32::try_from(self.ticks - before.ticks).unwrap();
        }
        Duration::from_nanos(self.threads.values().sum::<u64>() - before.threads.values().sum::<u64>())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // None may outlive the bench.
        if !self.ended {
            self.child.kill().unwrap_or_default();
        }
    }
}
