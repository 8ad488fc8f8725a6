//! The console in a real pseudo-terminal: the first screen, a case expanded with keys, a second console, the way out.

use std::io::{Read as _, Write};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use serde_json::json;

use crate::patience::PATIENCE;
use crate::run::Home;
use crate::server::{Server, ask};

const SIZE: PtySize = PtySize { rows: 36, cols: 120, pixel_width: 0, pixel_height: 0 };

/// A console with what is on its screen.
struct Terminal {
    child: Box<dyn Child + Send + Sync>,
    keys: Box<dyn Write + Send>,
    screen: Arc<Mutex<vt100::Parser>>,
    _master: Box<dyn MasterPty + Send>,
}

impl Terminal {
    fn open(home: &Home, arguments: &[&str]) -> Self {
        Self::open_like(home, &home.command(arguments))
    }

    fn open_like(home: &Home, like: &Command) -> Self {
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
        let keys = pty.master.take_writer().unwrap();
        let (rows, columns) = (SIZE.rows.try_into().unwrap(), SIZE.cols.try_into().unwrap());
        let screen = Arc::new(Mutex::new(vt100::Parser::new(rows, columns, 0)));
        let drawn = Arc::clone(&screen);
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = reader.read(&mut bytes) {
                drawn.lock().unwrap().process(&bytes[..count]);
            }
        });
        Self { child, keys, screen, _master: pty.master }
    }

    fn text(&self) -> String {
        self.screen.lock().unwrap().screen().contents()
    }

    /// Waits until the screen shows this.
    fn shows(&self, wanted: &str) {
        let give_up = Instant::now() + PATIENCE;
        while !self.text().contains(wanted) {
            assert!(Instant::now() < give_up, "{wanted:?} does not come up on\n{}", self.text());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn types(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    /// Quits, and says with which exit status.
    fn quit(&mut self) -> u32 {
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

    fn is_given_back(&self) -> bool {
        let screen = self.screen.lock().unwrap();
        !screen.screen().alternate_screen() && !screen.screen().hide_cursor()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.child.kill().unwrap_or_default();
    }
}

fn url(home: &Home) -> String {
    let text = std::fs::read_to_string(home.data().join("served.json")).unwrap();
    let serving: serde_json::Value = serde_json::from_str(&text).unwrap();
    format!("http://{}", serving["address"].as_str().unwrap())
}

fn write(home: &Home, entity: &str) -> serde_json::Value {
    let agent = home.data().join("tokens/default.first-agent");
    let body = json!({ "entity": entity, "changes": { "status": "new" }, "expected": { "status": 0 } });
    ask(&url(home), &agent, "POST", "/v1/writes", &body.to_string()).unwrap().1
}

#[test]
fn a_fresh_machine_says_how_an_agent_connects_and_its_request_is_expanded_with_keys() {
    let home = Home::new();
    let mut first = Terminal::open(&home, &[]);
    first.shows("default ▸ inbox");
    first.shows("curl");
    assert_eq!(write(&home, "crm/contact/acme")["outcome"], "escalated");
    first.shows("first-agent");

    let mut second = Terminal::open(&home, &[]);
    second.shows("first-agent");
    first.types("e");
    first.shows("settles");
    first.shows("[ cancel");
    // The safe button is chosen; one key moves to the other.
    first.types("\x1b[C");
    first.shows("[ expand");
    first.types("\r");
    second.shows("map v1");
    assert!(home.ok(&["who-owns", "crm/contact/acme#status"]).contains("v1 by first-agent"));

    let before = url(&home);
    assert_eq!(first.quit(), 0);
    assert!(first.is_given_back());
    // The second console serves now, at the same address, and goes on.
    let give_up = Instant::now() + PATIENCE;
    while home.run(&["inbox", "list"]).status != 0 {
        assert!(Instant::now() < give_up);
    }
    assert_eq!(url(&home), before);
    assert_eq!(write(&home, "crm/lead/zoe")["outcome"], "escalated");
    second.shows("#status");
    assert_eq!(second.quit(), 0);
    assert!(second.is_given_back());
}

#[test]
fn a_console_on_another_server_remembers_its_token_there() {
    let home = Home::new();
    let server = Server::start(&home);
    let token = home.data().join("tokens/default.dana").display().to_string();
    let other = Home::new();
    let mut console = Terminal::open(&other, &["--connect", &server.url, "--token-file", &token]);
    console.shows("dana (admin)");
    assert_eq!(console.quit(), 0);
    assert!(other.ok(&["--connect", &server.url, "inbox", "list"]).contains("nothing waits"));
    let mut again = Terminal::open(&other, &["--connect", &server.url]);
    again.shows("● live");
    assert_eq!(again.quit(), 0);
    assert!(!other.data().join("workspaces").exists(), "no workspace was made here");
}

#[test]
fn the_demo_plays_in_the_console_and_leaves_nothing_behind() {
    let home = Home::new();
    let temporary = home.dir.path().join("tmp");
    // What a demo that was killed has left behind is cleared away; what only looks like it is not.
    for (name, file) in [("deeds-demo-0123", "served.json"), ("deeds-demo-notes", "notes.txt")] {
        std::fs::create_dir_all(temporary.join(name)).unwrap();
        std::fs::write(temporary.join(name).join(file), "{}").unwrap();
    }
    // The console's flags are understood before the command and after it.
    let mut like = home.command(&["--no-mouse", "demo", "--speed", "20", "--ascii", "--theme", "mono"]);
    like.env("TMPDIR", &temporary);
    let mut demo = Terminal::open_like(&home, &like);
    demo.shows("northwind > inbox");
    demo.shows("dana");
    demo.types("2");
    demo.shows("northwind > log");
    demo.shows("committed");
    assert_eq!(demo.quit(), 0);
    assert!(demo.is_given_back());
    let left: Vec<_> =
        std::fs::read_dir(&temporary).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["deeds-demo-notes"], "its directory is gone");
    assert!(!home.data().exists(), "the person's own data was never touched");
}

#[test]
fn the_demo_sums_up_where_nobody_watches() {
    let home = Home::new();
    let said = home.ok(&["demo", "--for", "60s", "--speed", "30", "--json"]);
    let teams: serde_json::Value = serde_json::from_str(&said).unwrap();
    let teams = teams.as_array().unwrap();
    assert_eq!(teams.len(), 3);
    let alerts: Vec<&String> =
        teams.iter().flat_map(|team| team["alerts"].as_object().unwrap().keys()).collect();
    for kind in ["contradiction", "stale-read", "not-owner"] {
        assert!(
            alerts.iter().any(|one| *one == kind),
            "{kind} did not happen in the first minute: {teams:?}"
        );
    }
    assert!(!home.data().exists());
}
