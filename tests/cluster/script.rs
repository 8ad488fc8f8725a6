//! The script that brings up a cluster on one machine, as people run it.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::nodes::NODES;
use crate::patience::{self, PATIENCE};
use crate::postgres::{bin, free_port};
use crate::programs;
use crate::run::Home;
use crate::server::ask;

/// The ports that it takes: those of the nodes, and ten further on those of the database.
const PORTS: [u16; 5] = [0, 1, 2, 10, 11];

/// A cluster of the script's, which ends with this.
struct Script {
    home: Home,
    port: u16,
}

impl Script {
    fn new() -> Self {
        let home = Home::new();
        // The account of the database goes through it.
        std::fs::set_permissions(home.dir.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let free =
            |port: &u16| PORTS.iter().all(|more| TcpListener::bind(("127.0.0.1", port + more)).is_ok());
        let port = std::iter::repeat_with(free_port).find(free).unwrap();
        Self { home, port }
    }

    fn dir(&self) -> PathBuf {
        self.home.dir.path().join("a cluster")
    }

    /// How it ended, and what it said.
    fn run(&self, what: &str) -> (bool, String) {
        let mut command = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/cluster/cluster.sh"));
        command.arg(what).arg(self.dir()).env("DEEDS_PROGRAM", env!("CARGO_BIN_EXE_deeds"));
        command
            .env("DEEDS_CLUSTER_PORT", self.port.to_string())
            .env("DEEDS_CLUSTER_NODES", NODES.to_string());
        command.env("HOME", self.home.dir.path()).env("DEEDS_PERSON", "dana");
        let output = patience::output(&mut command, b"");
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(said).unwrap())
    }

    #[track_caller]
    fn ok(&self, what: &str) -> String {
        let (went, said) = self.run(what);
        assert!(went, "{what}: {said}");
        said
    }

    /// The answer of a node, once it has a good one.
    fn ask(&self, node: usize, method: &str, path: &str, body: &Value) -> Value {
        let url = format!("http://127.0.0.1:{}", usize::from(self.port) + node - 1);
        let token = self.dir().join("node-1/data/tokens/default.dana");
        let end = Instant::now() + PATIENCE;
        loop {
            match ask(&url, &token, method, path, &body.to_string()) {
                Ok((200, answer)) => return answer,
                other => assert!(Instant::now() < end, "{path} at node {node}: {other:?}"),
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Records something by one node, which another one has then.
    fn records(&self, what: &str, by: usize, other: usize) {
        let raised = self.ask(by, "POST", "/v1/events", &json!({ "event": what }));
        let path = format!("/v1/inbox?min_seq={}", raised["deed"]);
        let inbox = self.ask(other, "GET", &path, &Value::Null);
        assert!(inbox.to_string().contains(what), "{inbox}");
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        self.run("down");
    }
}

#[test]
fn the_script_brings_up_a_cluster_that_outlasts_a_node_and_its_primary() {
    if bin().is_none() {
        programs::is_passed_over("psql");
        return;
    }
    let script = Script::new();
    script.ok("up");
    script.records("nobody.knows.1", 1, NODES);
    let pid = std::fs::read_to_string(script.dir().join(format!("node-{NODES}/pid"))).unwrap();
    kill_process(Pid::from_raw(pid.trim().parse().unwrap()).unwrap(), Signal::KILL).unwrap();
    let (well, said) = script.run("status");
    assert!(!well && said.contains("not ready"), "{said}");
    script.records("nobody.knows.2", 1, 2);
    script.ok("promote");
    let said = script.ok("up");
    assert!(said.contains(&format!("db-2    127.0.0.1:{}  primary", script.port + 11)), "{said}");
    script.records("nobody.knows.3", NODES, 1);
    script.ok("down");
    let (well, said) = script.run("status");
    assert!(!well && said.contains("primary, does not run"), "{said}");
    // What is not ours stays as it is.
    let other = Script::new();
    std::fs::create_dir(other.dir()).unwrap();
    std::fs::write(other.dir().join("something"), "else").unwrap();
    assert!(!other.run("up").0 && !other.run("promote").0);
    assert_eq!(std::fs::read_dir(other.dir()).unwrap().count(), 1);
}
