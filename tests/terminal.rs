//! The terminal is given back in every way out, and no process outlives its terminal: the real binary in a pseudo-terminal.
#![expect(clippy::unwrap_used, reason = "a failed step fails the test, wherever it stands")]

#[path = "common/patience.rs"]
#[expect(dead_code, reason = "shared with other tests, which use the rest of it")]
mod patience;

use std::io::{Read as _, Write as _};
use std::num::NonZeroU16;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use patience::PATIENCE;
use portable_pty::{Child, CommandBuilder, PtyPair, PtySize, native_pty_system};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// A console has this long to end: its own grace, and as much again for a busy machine.
const ENDS_WITHIN: Duration = Duration::from_secs(5);
const SIZE: PtySize = PtySize { rows: 30, cols: 100, pixel_width: 0, pixel_height: 0 };

/// A console in a terminal, and everything that it wrote there.
struct Terminal {
    pty: PtyPair,
    child: Box<dyn Child + Send + Sync>,
    keys: Box<dyn std::io::Write + Send>,
    written: Arc<Mutex<Vec<u8>>>,
    /// Set when the reading side is to let go of the terminal after its next read.
    let_go: Arc<AtomicBool>,
    /// The terminal's mode before anything ran in it.
    mode: u64,
    _home: TempDir,
}

impl Terminal {
    fn open(environment: &[(&str, &str)]) -> Self {
        let home = TempDir::new().unwrap();
        let binary = env!("CARGO_BIN_EXE_deeds");
        let mut command = CommandBuilder::new(binary);
        command.args(["--data-dir", home.path().join("data").to_str().unwrap()]);
        Self::run(home, command, environment)
    }

    fn run(home: TempDir, mut command: CommandBuilder, environment: &[(&str, &str)]) -> Self {
        patience::begun();
        let pty = native_pty_system().openpty(SIZE).unwrap();
        command.env_clear();
        for (name, value) in
            [("HOME", home.path().to_str().unwrap()), ("TERM", "xterm-256color"), ("LANG", "C.UTF-8")]
        {
            command.env(name, value);
        }
        for (name, value) in environment {
            command.env(name, value);
        }
        command.cwd(home.path());
        let mode = mode(&pty);
        let child = pty.slave.spawn_command(command).unwrap();
        let mut reader = pty.master.try_clone_reader().unwrap();
        let keys = pty.master.take_writer().unwrap();
        let written = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&written);
        let let_go = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&let_go);
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = reader.read(&mut bytes) {
                kept.lock().unwrap().extend_from_slice(bytes.get(..count).unwrap_or_default());
                if told.load(Ordering::SeqCst) {
                    return;
                }
            }
        });
        let terminal = Self { pty, child, keys, written, let_go, mode, _home: home };
        terminal.until("the first screen", || terminal.text().contains("default ▸ inbox"));
        terminal
    }

    fn written(&self) -> Vec<u8> {
        self.written.lock().unwrap().clone()
    }

    /// The screen as a terminal shows it that was told only what was written from that byte on.
    fn screen_since(&self, byte: usize) -> vt100::Parser {
        let (rows, columns) = (NonZeroU16::new(SIZE.rows).unwrap(), NonZeroU16::new(SIZE.cols).unwrap());
        let mut screen = vt100::Parser::new(rows, columns, 0);
        screen.process(self.written().get(byte..).unwrap_or_default());
        screen
    }

    fn screen(&self) -> vt100::Parser {
        self.screen_since(0)
    }

    fn since(&self, byte: usize) -> String {
        self.screen_since(byte).screen().contents()
    }

    fn text(&self) -> String {
        self.since(0)
    }

    fn until(&self, what: &str, mut come: impl FnMut() -> bool) {
        let end = Instant::now() + PATIENCE;
        while !come() {
            assert!(Instant::now() < end, "{what} did not come:\n{}", self.text());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.process_id().unwrap()).unwrap();
        kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
    }

    fn types(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    /// Waits for the end; the exit status, and how the terminal was left.
    fn ended(&mut self) -> u32 {
        let end = Instant::now() + ENDS_WITHIN;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                // What it wrote last may still be on its way.
                std::thread::sleep(Duration::from_millis(100));
                return status.exit_code();
            }
            assert!(Instant::now() < end, "it goes on:\n{}", self.text());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Which of the terminal's modes are not as they were.
    fn left_behind(&self) -> Vec<&'static str> {
        let (parser, written) = (self.screen(), self.written());
        let screen = parser.screen();
        let found = [
            (mode(&self.pty) != self.mode, "raw mode"),
            (screen.alternate_screen(), "alternate screen"),
            (screen.hide_cursor(), "hidden cursor"),
            (screen.bracketed_paste(), "bracketed paste"),
            (screen.mouse_protocol_mode() != vt100::MouseProtocolMode::None, "mouse"),
            (last(&written, b"\x1b[?2026h") > last(&written, b"\x1b[?2026l"), "synchronized update"),
        ];
        found.into_iter().filter(|(left, _)| *left).map(|(_, what)| what).collect()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.child.kill().unwrap_or_default();
    }
}

/// The local modes of a terminal: whether it echoes, edits lines, makes signals.
fn mode(pty: &PtyPair) -> u64 {
    u64::from(pty.master.get_termios().unwrap().local_flags.bits())
}

fn last(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes.windows(part.len()).rposition(|window| window == part)
}

#[test]
fn signals_end_it_with_the_terminal_given_back() {
    for signal in [Signal::TERM, Signal::INT, Signal::HUP, Signal::QUIT] {
        let mut terminal = Terminal::open(&[]);
        assert!(!terminal.left_behind().is_empty(), "it has taken the terminal");
        terminal.signal(signal);
        assert_eq!(terminal.ended(), 128 + u32::try_from(signal.as_raw()).unwrap());
        assert_eq!(terminal.left_behind(), Vec::<&str>::new(), "after {signal:?}");
    }
}

#[test]
fn quitting_gives_it_back() {
    let mut terminal = Terminal::open(&[]);
    terminal.types("q");
    assert_eq!(terminal.ended(), 0);
    assert_eq!(terminal.left_behind(), Vec::<&str>::new());
}

#[test]
fn it_stops_and_goes_on_like_any_other_program() {
    let mut terminal = Terminal::open(&[]);
    for stop in 0..2 {
        if stop == 0 {
            terminal.types("\x1a");
        } else {
            terminal.signal(Signal::TSTP);
        }
        terminal.until("the stop", || terminal.left_behind().is_empty());
        let before = terminal.written().len();
        terminal.signal(Signal::CONT);
        terminal.until("the screen", || terminal.screen().screen().alternate_screen());
        // Drawn again from nothing: what it wrote before it stopped does not count.
        terminal.until("a whole frame", || terminal.since(before).contains("default ▸ inbox"));
    }
    terminal.types("?");
    terminal.until("help", || terminal.text().contains("Keys of the inbox"));
    terminal.types("qq");
    assert_eq!(terminal.ended(), 0);
    assert_eq!(terminal.left_behind(), Vec::<&str>::new());
}

#[test]
fn it_ends_with_its_terminal_even_when_nobody_says_so() {
    let home = TempDir::new().unwrap();
    // The shell takes the hang-up and keeps it from the console, which must notice by itself.
    let mut command = CommandBuilder::new("/bin/sh");
    let script = r#"trap '' HUP; "$0" --data-dir data < /dev/tty & echo $! > pid; wait"#;
    command.args(["-c", script, env!("CARGO_BIN_EXE_deeds")]);
    let pid_file = home.path().join("pid");
    let mut terminal = Terminal::run(home, command, &[]);
    let pid: i32 = std::fs::read_to_string(pid_file).unwrap().trim().parse().unwrap();
    let alive = || {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.rsplit(") ").next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with('Z'))
    };
    assert!(alive());
    terminal.let_go.store(true, Ordering::SeqCst);
    terminal.types("?");
    terminal.until("help", || terminal.text().contains("Keys of"));
    let Terminal { pty, keys, .. } = &mut terminal;
    // Every handle on the terminal goes: ours, and those that were made of it.
    *keys = Box::new(std::io::sink());
    let gone = native_pty_system().openpty(SIZE).unwrap();
    drop(std::mem::replace(pty, gone));
    let end = Instant::now() + ENDS_WITHIN;
    while alive() {
        assert!(Instant::now() < end, "it outlives its terminal");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn no_colour_still_shows_what_is_selected() {
    let mut terminal = Terminal::open(&[("NO_COLOR", "1")]);
    let reversed =
        |screen: &vt100::Screen| (0..SIZE.cols).any(|x| screen.cell(1, x).is_some_and(vt100::Cell::inverse));
    terminal.until("the tab that is shown", || reversed(terminal.screen().screen()));
    let text = String::from_utf8_lossy(&terminal.written()).into_owned();
    let codes = text.split("\x1b[").skip(1).filter_map(|rest| rest.split_once('m')).map(|(codes, _)| codes);
    for codes in codes.filter(|codes| codes.chars().all(|c| c.is_ascii_digit() || c == ';')) {
        for code in codes.split(';').filter_map(|code| code.parse::<u8>().ok()) {
            assert!(!matches!(code, 30..=38 | 40..=48 | 90..=97 | 100..=107), "{codes}");
        }
    }
    terminal.types("q");
    assert_eq!(terminal.ended(), 0);
}

#[test]
fn a_theme_file_is_read_again_when_it_changes() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("theme.toml");
    let put = |text: &str| std::fs::write(&file, text).unwrap();
    put("accent = \"#40e0d0\"\n");
    let file_name = file.to_str().unwrap();
    // Nothing answers here, so the environment says that it is dark.
    let mut terminal =
        Terminal::open(&[("DEEDS_THEME_FILE", file_name), ("COLORTERM", "truecolor"), ("COLORFGBG", "15;0")]);
    let painted = |terminal: &Terminal, code: &str| last(&terminal.written(), code.as_bytes()).is_some();
    terminal.until("its accent", || painted(&terminal, "38;2;64;224;208"));
    for (text, said) in [
        ("accent = \"#ffc0cb\"\n", "the theme was read again"),
        ("accent = \"#202020\"\n", "accent stays as it was"),
        ("accent = \"pink\"\n", "theme.toml:1:10"),
    ] {
        put(text);
        // It is looked at once a second at most, and when a key is pressed.
        std::thread::sleep(Duration::from_millis(1200));
        terminal.types("3");
        terminal.until(said, || terminal.text().contains(said));
    }
    assert!(painted(&terminal, "38;2;255;192;203"));
    put("accent = \"#7fffd4\"\n");
    terminal.types("\x14");
    terminal.until("at once", || painted(&terminal, "38;2;127;255;212"));
    terminal.types("q");
    assert_eq!(terminal.ended(), 0);
}

#[test]
fn no_size_makes_it_end() {
    let mut terminal = Terminal::open(&[]);
    for (cols, rows) in [(30, 10), (8, 3), (1, 1), (200, 60), (100, 30)] {
        terminal.pty.master.resize(PtySize { cols, rows, ..SIZE }).unwrap();
        std::thread::sleep(Duration::from_millis(150));
        assert!(terminal.child.try_wait().unwrap().is_none(), "ended at {cols}x{rows}");
    }
    terminal.types("q");
    assert_eq!(terminal.ended(), 0);
}

#[test]
fn nothing_changed_nothing_is_written() {
    let terminal = Terminal::open(&[]);
    std::thread::sleep(Duration::from_millis(700));
    let before = terminal.written().len();
    std::thread::sleep(Duration::from_secs(2));
    // The header's clock may turn once.
    assert!(terminal.written().len() - before < 100, "{} bytes", terminal.written().len() - before);
}
