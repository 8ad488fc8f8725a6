//! The real binary in a real tmux: what is copied arrives where tmux lets it, and what tmux draws is what was meant.
#![expect(clippy::unwrap_used, reason = "a failed step fails the test, wherever it stands")]

#[path = "common/patience.rs"]
#[expect(dead_code, reason = "shared with other tests, which use the rest of it")]
mod patience;
#[path = "common/programs.rs"]
mod programs;

use std::process::{Command, Output};
use std::time::{Duration, Instant};

use patience::PATIENCE;
use tempfile::TempDir;

/// A console in a window of a tmux of its own, with no settings but these.
struct Tmux {
    home: TempDir,
}

impl Tmux {
    fn new() -> Self {
        patience::begun();
        Self { home: TempDir::new().unwrap() }
    }

    /// A console in it, of 120 columns.
    fn open(self, settings: &[&str]) -> Self {
        let deeds = format!("{} --data-dir data", env!("CARGO_BIN_EXE_deeds"));
        self.ask(&["-f", "/dev/null", "new-session", "-d", "-x", "120", "-y", "36", "sh"]);
        for setting in settings {
            let words: Vec<&str> = ["set", "-g"].into_iter().chain(setting.split(' ')).collect();
            self.ask(&words);
        }
        self.ask(&["send-keys", &format!("clear; {deeds}"), "Enter"]);
        self
    }

    fn ask(&self, arguments: &[&str]) -> String {
        let output = self.run("tmux", &[&["-S", "socket"], arguments].concat());
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "tmux {arguments:?}: {told}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Output {
        let home = self.home.path();
        let path = std::env::var_os("PATH").unwrap_or_default();
        let mut command = Command::new(program);
        command.args(arguments).current_dir(home).env_clear().env("PATH", path).env("HOME", home);
        command.env("LANG", "C.UTF-8").env("TERM", "xterm-256color").env("DEEDS_PERSON", "dana");
        command.output().unwrap()
    }

    fn deeds(&self, arguments: &[&str]) {
        let output = self.run(env!("CARGO_BIN_EXE_deeds"), &[&["--data-dir", "data"], arguments].concat());
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "deeds {arguments:?}: {told}");
    }

    fn screen(&self) -> String {
        self.ask(&["capture-pane", "-p"])
    }

    fn shows(&self, wanted: &str) -> String {
        let give_up = Instant::now() + PATIENCE;
        loop {
            let screen = self.screen();
            if screen.contains(wanted) {
                return screen;
            }
            assert!(Instant::now() < give_up, "{wanted:?} does not come up on\n{screen}");
            std::thread::sleep(Duration::from_millis(30));
        }
    }

    /// The screen once it does not change any more.
    fn settled(&self) -> String {
        let give_up = Instant::now() + PATIENCE;
        let mut before = String::new();
        loop {
            std::thread::sleep(Duration::from_millis(120));
            let screen = self.screen();
            if screen == before {
                return screen;
            }
            assert!(Instant::now() < give_up, "it goes on changing:\n{screen}");
            before = screen;
        }
    }

    fn types(&self, key: &str) {
        self.ask(&["send-keys", key]);
    }

    fn buffer(&self) -> String {
        let output = self.run("tmux", &["-S", "socket", "show-buffer"]);
        String::from_utf8(output.stdout).unwrap()
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        self.run("tmux", &["-S", "socket", "kill-server"]);
    }
}

/// Until tmux has said how it is set, the console can't know; it asks at the start.
fn copied(tmux: &Tmux, words: &str) {
    let give_up = Instant::now() + PATIENCE;
    loop {
        tmux.types("y");
        std::thread::sleep(Duration::from_millis(200));
        let screen = tmux.screen();
        if screen.contains(words) {
            return;
        }
        assert!(Instant::now() < give_up, "{words:?} does not come up on\n{screen}");
    }
}

#[test]
fn what_is_copied_is_in_tmuxs_buffer_where_it_takes_it() {
    if !programs::is_there("tmux") {
        return;
    }
    let tmux = Tmux::new().open(&["set-clipboard on"]);
    tmux.shows("curl -sS");
    copied(&tmux, "in tmux's buffer");
    let buffer = tmux.buffer();
    assert!(buffer.starts_with("curl -sS http://127.0.0.1:"), "{buffer}");
    assert!(buffer.ends_with("\"expected\":{\"status\":0}}'"), "{buffer}");
    tmux.types("q");
}

#[test]
fn what_tmux_keeps_is_said_to_be_kept() {
    if !programs::is_there("tmux") {
        return;
    }
    // As tmux is without any settings.
    let tmux = Tmux::new().open(&[]);
    tmux.shows("curl -sS");
    copied(&tmux, "not copied: tmux keeps it");
    assert_eq!(tmux.buffer(), "");
    tmux.types("q");
    let tmux = Tmux::new().open(&["allow-passthrough on"]);
    tmux.shows("curl -sS");
    copied(&tmux, "sent through tmux");
    tmux.types("q");
}

const TEAM: &str = r#"
workspace = "default"
governance_owner = "dana"

[[agent]]
id = "sales"
owner = "dana"
writes = ["crm/deal/*"]

[[queue]]
name = "ops"
owner = "dana"
review = "daily 09:00"
priority = ["sales"]
"#;

/// What is drawn step by step is what is drawn at once: a row that had emoji leaves nothing of them behind.
#[test]
fn rows_with_emoji_are_drawn_again_without_rubbish() {
    if !programs::is_there("tmux") {
        return;
    }
    let tmux = Tmux::new();
    std::fs::write(tmux.home.path().join("team.toml"), TEAM).unwrap();
    tmux.deeds(&["map", "apply", "team.toml", "--reason", "sales joins"]);
    let whys = [
        "\u{1f1e9}\u{1f1ea}\u{1f1eb}\u{1f1f7} they called",
        "\u{1f44d}\u{1f3fd} ok",
        "a family: \u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}!",
        "\u{26a0}\u{fe0f} late, \u{2764}\u{fe0f}",
        "1\u{fe0f}\u{20e3} first",
        "e\u{301}te\u{301}, \u{0928}\u{093f}, \u{1f600}",
    ];
    for (no, why) in whys.iter().enumerate() {
        tmux.deeds(&["write", "crm/deal/1", &format!("stage=s{no}"), "--reason", why, "--as", "sales"]);
    }
    let tmux = tmux.open(&[]);
    tmux.shows("inbox");
    tmux.types("2");
    let screen = tmux.shows("‹DE›‹FR› they called");
    for shown in ["👍‹tone4› ok", "👨+👩+👧!", "⚠ late, ❤", "‹1› first"] {
        assert!(screen.contains(shown), "{shown} in\n{screen}");
    }
    for key in ["k", "k", "k", "j", "Enter", "Escape", "g", "G", "/", "Escape", "1", "2", "k"] {
        tmux.types(key);
        let by_steps = tmux.settled();
        tmux.types("C-l");
        let at_once = tmux.settled();
        // With the clock in the head, ages turn.
        if clock(&by_steps) == clock(&at_once) {
            assert_eq!(below_the_head(&by_steps), below_the_head(&at_once), "after {key}");
        }
    }
    tmux.types("q");
}

fn clock(screen: &str) -> Option<&str> {
    screen.lines().next()?.split_whitespace().rev().nth(1)
}

fn below_the_head(screen: &str) -> Vec<&str> {
    screen.lines().skip(1).collect()
}
