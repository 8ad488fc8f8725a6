//! A client of an MCP server on standard input and output, whose frames are lines and stay so; and the team and server of
//! Deeds that the gateway asks.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};

use crate::patience::PATIENCE;
use crate::run::Home;
use crate::server::Server;

/// A running program that is spoken to by lines.
pub(crate) struct Client {
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
    next: u64,
    /// What came and was not asked for yet.
    kept: Vec<String>,
}

impl Client {
    pub(crate) fn start(mut command: Command) -> Self {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(log_of(&command)).unwrap();
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let input = child.stdin.take();
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in output.lines() {
                let Ok(line) = line else { return };
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self { child, input, lines, next: 100, kept: Vec::new() }
    }

    /// Sends a line; a program that has gone does not take it.
    pub(crate) fn send(&mut self, line: &str) {
        let input = self.input.as_mut().unwrap();
        input.write_all(format!("{line}\n").as_bytes()).and_then(|()| input.flush()).unwrap_or_default();
    }

    /// The next line, however it came.
    pub(crate) fn line(&mut self, within: Duration) -> Option<String> {
        if self.kept.is_empty() { self.lines.recv_timeout(within).ok() } else { Some(self.kept.remove(0)) }
    }

    /// The line that answers the request with that id, as it is written.
    pub(crate) fn answer_of(&mut self, id: &Json, within: Duration) -> Option<String> {
        let until = Instant::now() + within;
        let is_it = |line: &String| {
            serde_json::from_str::<Json>(line)
                .is_ok_and(|frame| frame["id"] == *id && frame.get("method").is_none())
        };
        if let Some(at) = self.kept.iter().position(is_it) {
            return Some(self.kept.remove(at));
        }
        loop {
            let line = self.lines.recv_timeout(until.saturating_duration_since(Instant::now())).ok()?;
            if is_it(&line) {
                return Some(line);
            }
            self.kept.push(line);
        }
    }

    /// Everything that came beside answers.
    pub(crate) fn beside(&mut self) -> Vec<String> {
        std::mem::take(&mut self.kept)
    }

    /// Asks and hears, as it is written.
    pub(crate) fn raw(&mut self, method: &str, params: &Json) -> String {
        let id = self.ask(method, params);
        self.answer_of(&id, PATIENCE).unwrap_or_else(|| panic!("no answer to {method} {params}"))
    }

    /// Asks and does not wait.
    pub(crate) fn ask(&mut self, method: &str, params: &Json) -> Json {
        self.next += 1;
        let id = self.next;
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }).to_string());
        id.into()
    }

    /// Begins as clients do.
    pub(crate) fn begin(mut self) -> Self {
        let params = json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "test", "version": "1" } });
        self.raw("initialize", &params);
        self.send(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
        self
    }

    /// Calls a tool; its result.
    pub(crate) fn call(&mut self, tool: &str, arguments: &Json) -> Json {
        let answer = self.raw("tools/call", &json!({ "name": tool, "arguments": arguments }));
        serde_json::from_str::<Json>(&answer).unwrap()["result"].take()
    }

    /// Calls what is done; the text of its result.
    #[track_caller]
    pub(crate) fn done(&mut self, tool: &str, arguments: &Json) -> String {
        let result = self.call(tool, arguments);
        assert_ne!(result["isError"], true, "{tool} {arguments}: {result}");
        text(&result)
    }

    /// Calls what is not done; what the model is told.
    #[track_caller]
    pub(crate) fn told(&mut self, tool: &str, arguments: &Json) -> String {
        let result = self.call(tool, arguments);
        assert_eq!(result["isError"], true, "{tool} {arguments}: {result}");
        text(&result)
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap_or_default();
        self.child.wait().map(drop).unwrap_or_default();
    }

    /// Hangs up, and waits for its end; the exit status.
    pub(crate) fn hang_up(&mut self) -> Option<i32> {
        self.input.take();
        crate::patience::ended(&mut self.child).code()
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.kill();
    }
}

fn log_of(command: &Command) -> PathBuf {
    command.get_current_dir().unwrap_or(Path::new(".")).join("client.log")
}

/// The text of a result.
pub(crate) fn text(result: &Json) -> String {
    let parts = result["content"].as_array().cloned().unwrap_or_default();
    parts.iter().filter_map(|part| part["text"].as_str()).collect()
}

/// A team with a map in force, served.
pub(crate) struct Team {
    pub(crate) home: Home,
    pub(crate) server: Option<Server>,
}

impl Team {
    pub(crate) fn new(map: &str) -> Self {
        Self::configured(map, |_| String::new())
    }

    /// The same with settings, such as the home makes them.
    pub(crate) fn configured(map: &str, settings: impl FnOnce(&Home) -> String) -> Self {
        let home = Home::new();
        let settings = settings(&home);
        let file = home.file("config.toml", &settings);
        let server = Server::start_with(&home, "127.0.0.1:0", |command| {
            command.env("DEEDS_CONFIG", file).env("PATH", std::env::var("PATH").unwrap());
        });
        let team = Self { home, server: Some(server) };
        team.apply(map);
        team
    }

    pub(crate) fn apply(&self, map: &str) {
        let file = self.home.file("team.toml", map);
        self.home.ok(&["map", "apply", &file.display().to_string()]);
    }

    pub(crate) fn folder(&self, name: &str) -> PathBuf {
        let path = std::fs::canonicalize(self.home.dir.path()).unwrap().join(name);
        std::fs::create_dir_all(&path).unwrap();
        path
    }

    /// The gateway for an agent, with that server behind.
    pub(crate) fn gateway(&self, agent: &str, server: &str, behind: &[&str]) -> Command {
        let arguments = [&["gateway", "--as", agent, "--server", server, "--"][..], behind].concat();
        let mut command = self.home.command(&arguments);
        command.env("PATH", std::env::var("PATH").unwrap());
        command
    }

    /// The same with the server that misbehaves.
    pub(crate) fn odd(&self, agent: &str) -> Client {
        let folder = self.folder("odd");
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/gateway/odd.py");
        Client::start(self.gateway(agent, "odd", &["python3", script, folder.to_str().unwrap()])).begin()
    }

    /// What that server has done, a line for each.
    pub(crate) fn done(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.folder("odd").join("done")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// How often it did that.
    pub(crate) fn count(&self, what: &str) -> usize {
        self.done().iter().filter(|line| *line == what).count()
    }

    /// What is in the inbox, by number.
    pub(crate) fn inbox(&self) -> Vec<Json> {
        let listed: Json = serde_json::from_str(&self.home.ok(&["inbox", "list", "--json"])).unwrap();
        listed.as_array().cloned().or_else(|| listed["items"].as_array().cloned()).unwrap_or_default()
    }

    /// By which doors an agent comes.
    pub(crate) fn doors(&self, agent: &str) -> Json {
        let listed: Json = serde_json::from_str(&self.home.ok(&["agents", "--json"])).unwrap();
        let lines = listed["agents"].as_array().unwrap();
        let line = lines.iter().find(|line| line["readiness"]["agent"] == agent || line["agent"] == agent);
        line.unwrap()["standing"]["doors"].clone()
    }

    /// An agent's own request; what came of it.
    pub(crate) fn post(&self, agent: &str, path: &str, body: &str) -> Json {
        let server = self.server.as_ref().unwrap();
        let token = self.home.data().join(format!("tokens/default.{agent}"));
        let (status, answer) = crate::server::ask(&server.url, &token, "POST", path, body).unwrap();
        assert_eq!(status, 200, "{answer}");
        answer
    }

    /// Ends the server as a power cut does.
    pub(crate) fn kill_server(&mut self) {
        self.server.take();
    }

    pub(crate) fn start_server(&mut self) {
        self.server = Some(Server::start(&self.home));
    }
}

/// Waits until something is so.
#[track_caller]
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < end, "{what}: it never was");
        std::thread::sleep(Duration::from_millis(50));
    }
}
