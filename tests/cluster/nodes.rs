//! The cluster under test: a database with its standby, nodes that each have a home and a way of their own, workspaces with their
//! team.

use std::fmt::Write as _;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::disk::Disk;
use crate::faketime;
use crate::line::Line;
use crate::patience::PATIENCE;
use crate::postgres::free_port;
use crate::programs;
use crate::run::Home;
use crate::server::Server;
use crate::standby::Pair;
use crate::way::{Passage, Way};

/// How many nodes the tests run.
pub(crate) const NODES: usize = 3;
pub(crate) const WORKSPACES: [&str; 2] = ["default", "southwind"];
pub(crate) const AGENTS: [&str; 2] = ["ann", "ben"];
/// Of an agent's idempotency keys a long campaign needs more than a day has elsewhere.
const KEYS: &str = "10000000";

/// Of the database, whose log is to need little room where it lies in memory.
const SETTINGS: &str =
    "max_connections = 200\nwal_keep_size = 64MB\nmin_wal_size = 32MB\nmax_wal_size = 128MB";
/// The folders of its servers, on disks of that size, and the file that fills one.
const PLACES: [&str; 2] = ["one", "other"];
const ROOM: &str = "8g";
const BALLAST: &str = "ballast";

/// So many lines of a node's log are shown where it does not go on.
const LOGGED: usize = 300;

/// A node, which may be down.
pub(crate) struct Node {
    home: Home,
    /// Where it listens, always the same.
    pub(crate) address: String,
    /// By which callers and the other nodes reach it.
    pub(crate) front: Way,
    /// To each server of the database.
    pub(crate) ways: [Way; 2],
    database: String,
    server: Option<Server>,
    /// How far its wall clock is off, where it may be.
    off: Option<PathBuf>,
}

/// A workspace, and who is in it: each by the header of a token.
pub(crate) struct Space {
    pub(crate) name: &'static str,
    pub(crate) dana: String,
    /// As [`AGENTS`].
    pub(crate) agents: Vec<String>,
}

pub(crate) struct Cluster {
    pub(crate) nodes: Vec<Node>,
    pub(crate) spaces: Vec<Space>,
    pub(crate) pair: Pair,
    /// On which the database lies, where they can be made.
    pub(crate) disks: Option<Disks>,
    /// On which the ways are.
    _runtime: Runtime,
}

/// A disk for each server of the database.
pub(crate) struct Disks {
    /// In the order of [`Pair::ports`].
    each: [Disk; 2],
    /// In which they are mounted.
    folder: TempDir,
}

impl Disks {
    fn mounted() -> Option<Self> {
        let folder = TempDir::new().unwrap();
        // The account of the database goes through it.
        std::fs::set_permissions(folder.path(), Permissions::from_mode(0o711)).unwrap();
        let [one, other] = PLACES.map(|name| Disk::mounted(&folder.path().join(name)));
        let each = [one?, other?];
        for disk in &each {
            disk.again(&format!("size={ROOM}"));
        }
        Some(Self { each, folder })
    }
}

impl Node {
    fn new(pair: &Pair, name: &str, runtime: &Runtime, clocks: bool) -> Self {
        let home = Home::new();
        let ways = pair.ports().map(|port| Way::to(port, runtime.handle()));
        let [one, other] = ways.each_ref().map(|way| way.port);
        let hosts = format!("127.0.0.1:{one},127.0.0.1:{other}");
        let database = format!("postgresql://deeds@{hosts}/{name}?target_session_attrs=read-write");
        let off = clocks.then(|| home.file("off", "+0"));
        let port = free_port();
        let (address, front) = (format!("127.0.0.1:{port}"), Way::to(port, runtime.handle()));
        Self { home, address, front, ways, database, server: None, off }
    }

    fn keep(&self, command: &mut Command) {
        command.env("DEEDS_LEDGER_ENGINE", "postgres").env("DEEDS_LEDGER_POSTGRES", &self.database);
        command.env("DEEDS_LEDGER_POSTGRES_STANDBYS", "1").env("DEEDS_BUDGET_AGENT_KEYS", KEYS);
        if let Some(off) = &self.off {
            faketime::shift(command, off);
        }
    }

    /// Starts it, which the database must allow.
    pub(crate) fn up(&mut self) {
        let server = Server::start_with(&self.home, &self.address, |command| {
            self.keep(command);
            command.env("DEEDS_CLUSTER_ADVERTISE", format!("http://127.0.0.1:{}", self.front.port));
        });
        self.server = Some(server);
    }

    /// Ends it by a signal, and waits until it has.
    pub(crate) fn end(&mut self, signal: Signal) {
        self.server.take().unwrap().signal(signal);
    }

    pub(crate) fn send(&self, signal: Signal) {
        self.server.as_ref().unwrap().send(signal);
    }

    /// Sets its wall clock off by so many seconds.
    pub(crate) fn shift(&self, seconds: i64) {
        std::fs::write(self.off.as_ref().unwrap(), format!("{seconds:+}")).unwrap();
    }

    /// What must go through, by a command on this node's directory.
    pub(crate) fn ok(&self, arguments: &[&str]) -> String {
        let mut command = self.home.command(arguments);
        self.keep(&mut command);
        let said = crate::run::Said::of(&mut command);
        assert_eq!(said.status, 0, "{arguments:?}: {said:?}");
        said.out
    }

    /// An answer by whoever has that token.
    pub(crate) fn ask(&self, token: &str, method: &str, path: &str, body: &Value) -> (u16, Value) {
        self.ask_with(token, method, path, "", &if body.is_null() { String::new() } else { body.to_string() })
    }

    fn ask_with(&self, token: &str, method: &str, path: &str, headers: &str, body: &str) -> (u16, Value) {
        let mut line = Line::open(&self.address, token).unwrap();
        let (status, answer) = line.exchange(method, path, headers, body).unwrap();
        (status, serde_json::from_slice(&answer).unwrap_or_default())
    }

    /// Puts a map in force in the place of the present one.
    pub(crate) fn apply(&self, token: &str, map: &str) {
        let (_, now) = self.ask(token, "GET", "/v1/map", &Value::Null);
        let headers = format!("If-Match: \"{}\"\r\n", now["version"]);
        let (status, answer) = self.ask_with(token, "PUT", "/v1/map?reason=test", &headers, map);
        assert!(status == 200 && answer["outcome"] == "recorded", "{status} {answer}");
    }

    /// Makes a token; its header.
    pub(crate) fn token(&self, by: &str, class: &str, name: &str) -> (String, String) {
        let (status, made) = self.ask(by, "POST", "/v1/tokens", &json!({"class": class, "name": name}));
        assert_eq!(status, 200, "{made}");
        (header(&made), made["id"].as_str().unwrap().to_owned())
    }

    /// Waits until it says that it can record.
    pub(crate) fn is_ready(&self) {
        let end = Instant::now() + PATIENCE;
        loop {
            let (status, said) = self.ask("Accept: */*", "GET", "/readyz", &Value::Null);
            if status == 200 {
                return;
            }
            assert!(Instant::now() < end, "{} says {said}, and\n{}", self.address, self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The end of what it logged, without what [`Self::is_ready`] asks.
    fn log(&self) -> String {
        let log = std::fs::read_to_string(self.home.dir.path().join("serve.log")).unwrap();
        let lines: Vec<&str> = log.lines().filter(|line| !line.contains("/readyz")).collect();
        lines[lines.len().saturating_sub(LOGGED)..].join("\n")
    }
}

fn header(made: &Value) -> String {
    format!("Authorization: Bearer {}", made["token"].as_str().unwrap())
}

impl Cluster {
    /// So many nodes at work, their clocks to be set where it is said; none where PostgreSQL is not here, which is told.
    pub(crate) fn start(nodes: usize, clocks: bool) -> Option<Self> {
        let disks = Disks::mounted();
        let pair = match &disks {
            Some(disks) => Pair::start_in(PLACES.map(|name| disks.folder.path().join(name)), SETTINGS),
            None => Pair::start(SETTINGS),
        };
        let Some(pair) = pair else {
            programs::is_passed_over("psql");
            return None;
        };
        let runtime = Runtime::new().unwrap();
        let database = pair.primary().fresh();
        let name = database.rsplit('/').next().unwrap();
        let mut nodes: Vec<Node> = (0..nodes).map(|_| Node::new(&pair, name, &runtime, clocks)).collect();
        // The first one founds.
        nodes[0].up();
        let spaces = WORKSPACES.map(|name| Space::new(&nodes[0], name)).into();
        for node in &mut nodes[1..] {
            node.up();
        }
        Some(Self { nodes, spaces, pair, disks, _runtime: runtime })
    }

    /// The disk of the primary is full, or is so no more.
    pub(crate) fn is_full(&self, full: bool) {
        let (ports, primary) = (self.pair.ports(), self.pair.primary().port);
        let at = ports.iter().position(|port| *port == primary).unwrap();
        let disk = &self.disks.as_ref().unwrap().each[at];
        if full {
            disk.choke(BALLAST);
            let more = "create table more as select generate_series(1, 100000)";
            let told = self.pair.primary().try_sql("postgres", more).unwrap_err();
            assert!(told.contains("No space left"), "{told}");
        } else {
            disk.relieve(BALLAST, ROOM);
        }
    }

    /// By which callers reach all nodes.
    pub(crate) fn fronts(&self) -> Vec<String> {
        self.nodes.iter().map(|node| format!("127.0.0.1:{}", node.front.port)).collect()
    }

    /// How what is sent to nodes comes through.
    pub(crate) fn let_through(&self, passage: Passage) {
        self.nodes.iter().for_each(|node| node.front.let_through(passage));
    }

    /// Where all nodes listen.
    pub(crate) fn addresses(&self) -> Vec<String> {
        self.nodes.iter().map(|node| node.address.clone()).collect()
    }
}

impl Space {
    fn new(node: &Node, name: &'static str) -> Self {
        let kept = node.home.data().join("tokens").join(format!("{}.dana", WORKSPACES[0]));
        let home = std::fs::read_to_string(kept).unwrap().trim().to_owned();
        let dana = if name == WORKSPACES[0] {
            home
        } else {
            let (status, made) = node.ask(&home, "POST", "/v1/workspaces", &json!({ "workspace": name }));
            assert_eq!(status, 200, "{made}");
            header(&made)
        };
        node.apply(&dana, &map(name, AGENTS));
        let agents = AGENTS.iter().map(|agent| node.token(&dana, "agent", agent).0).collect();
        Self { name, dana, agents }
    }
}

/// A map in which the first agent has a zone of its name and `shared`, and the second its own.
pub(crate) fn map(workspace: &str, agents: [&str; 2]) -> String {
    let mut map = format!(
        "workspace = \"{workspace}\"\nmode = \"enforce\"\ngovernance_owner = \"dana\"\n\n\
         [[queue]]\nname = \"inbox\"\nowner = \"dana\"\nreview = \"daily 09:00\"\npriority = {agents:?}\n"
    );
    for (id, more) in agents.iter().zip([", \"shared/**\"", ""]) {
        write!(
            map,
            "\n[[agent]]\nid = \"{id}\"\nrole = \"at work\"\nowner = \"dana\"\nescalates_to = \"inbox\"\n\
             writes = [\"{id}/**\"{more}]\n"
        )
        .unwrap();
    }
    map
}
