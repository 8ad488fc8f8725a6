//! The real binary in a real tmux: what is copied arrives where tmux lets it, and what tmux draws is what was meant.
#![expect(clippy::unwrap_used, reason = "a failed step fails the test, wherever it stands")]

#[path = "common/patience.rs"]
#[expect(dead_code, reason = "shared with other tests, which use the rest of it")]
mod patience;
#[path = "common/programs.rs"]
mod programs;

use std::io::Read as _;
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use patience::PATIENCE;
use portable_pty::{CommandBuilder, PtyPair, PtySize, native_pty_system};
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

/// What tmux knows of the pane, by the name of a format.
fn is_set(tmux: &Tmux, flag: &str) -> bool {
    tmux.ask(&["display-message", "-p", &format!("#{{{flag}}}")]).trim() == "1"
}

fn until(tmux: &Tmux, what: &str, come: impl Fn(&Tmux) -> bool) {
    let give_up = Instant::now() + PATIENCE;
    while !come(tmux) {
        assert!(Instant::now() < give_up, "{what} does not come:\n{}", tmux.screen());
        std::thread::sleep(Duration::from_millis(30));
    }
}

/// A case that waits for an answer; `no` keeps it apart from others.
fn asks(tmux: &Tmux, no: usize) {
    let entity = format!("crm/{}/1", ["contact", "lead", "note"].get(no).unwrap());
    let arguments =
        ["--data-dir", "data", "write", &entity, "score=9", "--reason", "scored", "--as", "sales"];
    let said = tmux.run(env!("CARGO_BIN_EXE_deeds"), &arguments);
    let told = String::from_utf8_lossy(&said.stdout).into_owned();
    assert!(told.contains("escalated"), "{told}{}", String::from_utf8_lossy(&said.stderr));
}

/// A team, one case, and a console on it.
fn at_work() -> Tmux {
    let tmux = Tmux::new();
    std::fs::write(tmux.home.path().join("team.toml"), TEAM).unwrap();
    tmux.deeds(&["map", "apply", "team.toml", "--reason", "sales joins"]);
    asks(&tmux, 0);
    let tmux = tmux.open(&[]);
    tmux.shows("crm/contact/1");
    tmux
}

#[test]
fn a_window_that_is_resized_is_drawn_anew_in_its_size() {
    if !programs::is_there("tmux") {
        return;
    }
    let tmux = at_work();
    tmux.types("e");
    tmux.shows("+ sales.writes");
    for (width, height) in [(60, 20), (200, 60), (30, 6), (80, 24)] {
        let (wide, high) = (width.to_string(), height.to_string());
        tmux.ask(&["resize-window", "-x", &wide, "-y", &high]);
        tmux.shows(if height < 8 { "needs 40x8" } else { "[ cancel" });
        let by_steps = tmux.settled();
        tmux.types("C-l");
        let at_once = tmux.settled();
        if clock(&by_steps) == clock(&at_once) {
            assert_eq!(below_the_head(&by_steps), below_the_head(&at_once), "{width}x{height}");
        }
    }
    tmux.types("Escape");
    tmux.shows("not done");
    tmux.types("q");
}

#[test]
fn a_console_goes_on_while_nobody_is_attached() {
    if !programs::is_there("tmux") {
        return;
    }
    let tmux = at_work();
    for (no, (cols, rows)) in [(100, 30), (80, 24)].into_iter().enumerate() {
        let client = Client::attach(&tmux, cols, rows);
        client.shows("crm/contact/1");
        client.shows("default ▸ inbox");
        tmux.ask(&["detach-client"]);
        client.shows("detached");
        // What comes while nobody looks is there for the next who does.
        asks(&tmux, no + 1);
        let next = Client::attach(&tmux, cols, rows);
        next.shows(&format!("1 inbox {}", no + 2));
        tmux.ask(&["detach-client"]);
        next.shows("detached");
    }
    tmux.types("q");
}

/// A terminal in which tmux shows the window.
struct Client {
    drawn: Arc<Mutex<vt100::Parser>>,
    _pty: PtyPair,
}

impl Client {
    fn attach(tmux: &Tmux, cols: u16, rows: u16) -> Self {
        let pty =
            native_pty_system().openpty(PtySize { rows, cols, pixel_width: 0, pixel_height: 0 }).unwrap();
        let mut command = CommandBuilder::new("tmux");
        command.args(["-S", "socket", "attach"]);
        command.cwd(tmux.home.path());
        command.env("TERM", "xterm-256color");
        command.env("LANG", "C.UTF-8");
        command.env_remove("TMUX");
        pty.slave.spawn_command(command).unwrap();
        let mut reader = pty.master.try_clone_reader().unwrap();
        let parser = vt100::Parser::new(rows.try_into().unwrap(), cols.try_into().unwrap(), 0);
        let drawn = Arc::new(Mutex::new(parser));
        let kept = Arc::clone(&drawn);
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = reader.read(&mut bytes) {
                kept.lock().unwrap().process(bytes.get(..count).unwrap());
            }
        });
        Self { drawn, _pty: pty }
    }

    fn shows(&self, wanted: &str) {
        let give_up = Instant::now() + PATIENCE;
        loop {
            let screen = self.drawn.lock().unwrap().screen().contents();
            if screen.contains(wanted) {
                return;
            }
            assert!(Instant::now() < give_up, "{wanted:?} does not come up on\n{screen}");
            std::thread::sleep(Duration::from_millis(30));
        }
    }
}

#[test]
fn what_is_pasted_is_text_where_text_is_typed_and_decides_nothing() {
    if !programs::is_there("tmux") {
        return;
    }
    let tmux = at_work();
    let paste = |text: &str| {
        tmux.ask(&["set-buffer", text]);
        tmux.ask(&["paste-buffer", "-p"]);
    };
    // Over the list, over the safe button, and over the button that does it.
    paste("e\t\r");
    tmux.shows("pasted text never decides");
    tmux.types("e");
    tmux.shows("+ sales.writes");
    tmux.types("Tab");
    tmux.shows("[ expand");
    paste("\r\n\r\ny");
    assert!(tmux.settled().contains("[ expand"), "{}", tmux.screen());
    tmux.types("Escape");
    tmux.shows("not done");
    // A note is one line, whatever lines were pasted, and is not sent by them.
    tmux.types("h");
    tmux.shows("by hand");
    paste("called\r\nthem back\r\n");
    let note = tmux.shows("them back");
    assert!(note.lines().any(|line| line.contains("called") && line.contains("them back")), "{note}");
    tmux.types("Escape");
    tmux.shows("the text is kept");
    let waits = tmux.run(env!("CARGO_BIN_EXE_deeds"), &["--data-dir", "data", "inbox", "list"]);
    assert!(String::from_utf8_lossy(&waits.stdout).contains("crm/contact/1"), "it waits as before");
    tmux.types("q");
    tmux.types("q");
}

#[test]
fn the_mouse_is_taken_and_given_back_by_one_key() {
    if !programs::is_there("tmux") {
        return;
    }
    let tmux = at_work();
    asks(&tmux, 1);
    tmux.shows("1 inbox 2");
    tmux.types("M");
    tmux.shows("mouse off");
    until(&tmux, "the mouse given back", |tmux| !is_set(tmux, "mouse_any_flag"));
    tmux.types("M");
    tmux.shows("mouse on");
    until(&tmux, "the mouse", |tmux| is_set(tmux, "mouse_any_flag"));
    // A click on the row that is not chosen chooses it; no click decides.
    let screen = tmux.settled();
    let row = screen.lines().position(|line| line.contains("#score = 9") && !line.starts_with('▌')).unwrap();
    tmux.ask(&["send-keys", "-l", &format!("\x1b[<0;6;{0}M\x1b[<0;6;{0}m", row + 1)]);
    let chosen = tmux.settled();
    assert!(chosen.lines().nth(row).unwrap().starts_with('▌'), "{chosen}");
    tmux.types("q");
}

#[test]
fn it_stops_and_comes_back_as_the_shell_has_it() {
    if !programs::is_there("tmux") {
        return;
    }
    let tmux = at_work();
    until(&tmux, "the mouse", |tmux| is_set(tmux, "mouse_any_flag"));
    for _ in 0..2 {
        tmux.types("C-z");
        until(&tmux, "the shell's screen", |tmux| !is_set(tmux, "alternate_on"));
        assert!(!is_set(&tmux, "mouse_any_flag") && is_set(&tmux, "cursor_flag"), "{}", tmux.screen());
        tmux.ask(&["send-keys", "expr 40 + 2", "Enter"]);
        tmux.shows("\n42\n");
        tmux.ask(&["send-keys", "clear; fg", "Enter"]);
        until(&tmux, "its own screen", |tmux| is_set(tmux, "alternate_on"));
        tmux.shows("crm/contact/1");
        until(&tmux, "the mouse again", |tmux| is_set(tmux, "mouse_any_flag"));
    }
    tmux.types("q");
    until(&tmux, "its end", |tmux| !is_set(tmux, "alternate_on"));
}
