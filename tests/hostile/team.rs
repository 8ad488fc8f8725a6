//! A team with a hostile agent, a victim and a person, on a server of its own.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::patience::PATIENCE;
use crate::run::Home;
use crate::server::Server;

const MAP: &str = r#"workspace = "default"
mode = "enforce"
governance_owner = "dana"

[[queue]]
name = "inbox"
owner = "dana"
review = "daily 09:00"
priority = ["hostile", "victim"]

[[agent]]
id = "hostile"
owner = "dana"
writes = ["hostile/**"]
escalates_to = "inbox"

[[agent]]
id = "victim"
owner = "dana"
writes = ["victim/**"]
escalates_to = "inbox"
"#;

/// The server with its team.
pub(crate) struct Team {
    pub(crate) home: Home,
    pub(crate) server: Server,
}

impl Team {
    pub(crate) fn start() -> Self {
        Self::start_on(MAP, &["hostile", "victim"])
    }

    /// The same by a map of one's own, with tokens of these agents and of dana.
    pub(crate) fn start_on(map: &str, agents: &[&str]) -> Self {
        let home = Home::new();
        home.file("team.toml", map);
        home.ok(&["map", "apply", "team.toml"]);
        for agent in agents {
            home.ok(&["tokens", "create", "agent", agent, "--out", &format!("{agent}.token")]);
        }
        home.ok(&["tokens", "create", "admin", "dana", "--out", "dana.token"]);
        let server = Server::start(&home);
        Self { home, server }
    }

    /// Somebody of the team, on a connection of their own.
    pub(crate) fn connect(&self, who: &str) -> Line {
        let token = std::fs::read_to_string(self.home.dir.path().join(format!("{who}.token"))).unwrap();
        let address = self.server.url.trim_start_matches("http://");
        Line::open(address, token.trim())
    }

    /// The server's resident memory, in MiB.
    pub(crate) fn resident(&self) -> u64 {
        let serving = std::fs::read_to_string(self.home.data().join("server.json")).unwrap();
        let serving: Value = serde_json::from_str(&serving).unwrap();
        let status = std::fs::read_to_string(format!("/proc/{}/status", serving["pid"])).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
    }
}

impl Team {
    /// Makes a token for somebody more.
    pub(crate) fn invite(&self, class: &str, name: &str) {
        let asked = json!({"class": class, "name": name}).to_string();
        let (status, made) = self.connect("dana").ask("POST", "/v1/tokens", &asked).unwrap();
        assert_eq!(status, 200, "{name}: {made}");
        let header = format!("Authorization: Bearer {}", made["token"].as_str().unwrap());
        self.home.file(&format!("{name}.token"), &header);
    }

    /// How many bytes the data directory takes.
    pub(crate) fn disk(&self) -> u64 {
        fn of(folder: &std::path::Path) -> u64 {
            let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
            let sizes = entries.map(|entry| match entry.metadata() {
                Ok(about) if about.is_dir() => of(&entry.path()),
                Ok(about) => about.len(),
                // It may have gone meanwhile.
                Err(_) => 0,
            });
            sizes.sum()
        }
        of(&self.home.data())
    }
}

/// A connection that is kept, as a client of an agent keeps it.
pub(crate) struct Line {
    pub(crate) stream: BufReader<TcpStream>,
    head: String,
}

impl Line {
    fn open(address: &str, authorization: &str) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let head = format!("Host: {address}\r\n{authorization}\r\nContent-Type: application/json\r\n");
        Self { stream: BufReader::new(stream), head }
    }

    /// Sends a request and leaves its answer unread.
    pub(crate) fn send(&mut self, method: &str, path: &str, body: &str) -> std::io::Result<()> {
        self.send_with(method, path, "", body)
    }

    fn send_with(&mut self, method: &str, path: &str, headers: &str, body: &str) -> std::io::Result<()> {
        let (head, length) = (&self.head, body.len());
        let request =
            format!("{method} {path} HTTP/1.1\r\n{head}{headers}Content-Length: {length}\r\n\r\n{body}");
        self.stream.get_mut().write_all(request.as_bytes())
    }

    /// Asks, and reads what comes.
    pub(crate) fn ask(&mut self, method: &str, path: &str, body: &str) -> std::io::Result<(u16, Value)> {
        let (status, body) = self.exchange(method, path, "", body)?;
        Ok((status, serde_json::from_slice(&body).unwrap_or_default()))
    }

    /// The same without a look at what came.
    pub(crate) fn exchange(
        &mut self,
        method: &str,
        path: &str,
        headers: &str,
        body: &str,
    ) -> std::io::Result<(u16, Vec<u8>)> {
        self.send_with(method, path, headers, body)?;
        self.answer()
    }

    /// Reads an answer.
    fn answer(&mut self) -> std::io::Result<(u16, Vec<u8>)> {
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        let status = line.split(' ').nth(1).and_then(|status| status.parse().ok());
        let mut length = 0;
        loop {
            line.clear();
            self.stream.read_line(&mut line)?;
            let Some((name, value)) = line.trim().split_once(':') else { break };
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        let status = status.ok_or(std::io::ErrorKind::UnexpectedEof)?;
        Ok((status, body))
    }

    /// Whether the connection has ended before so many answers came.
    pub(crate) fn is_cut_before(&mut self, answers: usize) -> bool {
        self.stream.get_mut().set_read_timeout(Some(Duration::from_secs(1))).unwrap();
        let ended = |error: std::io::Error| {
            !matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut)
        };
        (0..answers).any(|_| self.answer().is_err_and(ended))
    }

    /// A number that the server counts of an agent; 0 where it says none.
    pub(crate) fn gauge(&mut self, name: &str, agent: Option<&str>) -> u64 {
        let (_, text) = self.exchange("GET", "/metrics", "", "").unwrap();
        let text = String::from_utf8(text).unwrap();
        let of = |line: &&str| {
            let mine = agent.is_none_or(|agent| line.contains(&format!("agent=\"{agent}\"")));
            line.strip_prefix(name).is_some_and(|rest| rest.starts_with('{')) && mine
        };
        text.lines().find(of).map_or(0, |line| line.rsplit(' ').next().unwrap().parse().unwrap())
    }

    /// The same with how long it took.
    pub(crate) fn timed(&mut self, method: &str, path: &str, body: &str) -> (u16, Value, Duration) {
        let began = Instant::now();
        let (status, answer) = self.ask(method, path, body).unwrap();
        (status, answer, began.elapsed())
    }
}

/// The time that 99 of 100 stay below.
pub(crate) fn p99(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() * 99 / 100]
}

/// Whether times are asserted.
pub(crate) fn measures() -> bool {
    std::env::var_os("DEEDS_MEASURE").is_some()
}
