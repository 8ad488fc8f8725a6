//! Several nodes on one database, as people meet them: what is asked of any of them is decided by one and shown by all.

use std::io::Read as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::{Value as Json, json};

use crate::faketime;
use crate::patience::PATIENCE;
use crate::postgres::{keep_in, started};
use crate::programs;
use crate::run::{Home, Said};
use crate::server::{Server, ask};

/// A node with a data directory of its own.
struct Node {
    home: Home,
    server: Server,
    database: String,
}

impl Node {
    fn start(database: &str) -> Self {
        Self::speaking(database, "http")
    }

    /// The same by that protocol.
    fn speaking(database: &str, protocol: &str) -> Self {
        Self::with(database, protocol, |_| {})
    }

    /// The same with something more in its environment.
    fn with(database: &str, protocol: &str, with: impl FnOnce(&mut Command)) -> Self {
        let home = Home::new();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let address = format!("127.0.0.1:{port}");
        let server = Server::start_with(&home, &address, |command| {
            keep_in(command, database);
            command.env("DEEDS_CLUSTER_ADVERTISE", format!("{protocol}://{address}"));
            command.env("DEEDS_TLS_SELF_SIGNED", (protocol == "https").to_string());
            with(command);
        });
        Self { home, server, database: database.to_owned() }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.home.command(arguments);
        keep_in(&mut command, &self.database);
        command
    }

    fn run(&self, arguments: &[&str]) -> Said {
        Said::of(&mut self.command(arguments))
    }

    fn ok(&self, arguments: &[&str]) -> String {
        let said = self.run(arguments);
        assert_eq!(said.status, 0, "{arguments:?}: {said:?}");
        said.out
    }

    fn token(&self, who: &str) -> PathBuf {
        self.home.data().join(format!("tokens/default.{who}"))
    }

    fn ask(&self, token: &Path, method: &str, path: &str, body: &Json) -> (u16, Json) {
        ask(&self.server.url, token, method, path, &body.to_string()).unwrap()
    }

    /// The file of a token that an answer has.
    fn keep(&self, name: &str, answer: &Json) -> PathBuf {
        let token = answer["token"].as_str().unwrap_or_else(|| panic!("{answer}"));
        self.home.file(name, &format!("Authorization: Bearer {token}"))
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.home.dir.path().join("serve.log")).unwrap()
    }

    fn holds(&self) -> usize {
        self.log().matches("held here").count()
    }
}

fn comes(what: &str, come: impl Fn() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !come() {
        assert!(Instant::now() < until, "{what} does not come");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// What is asked of either is decided once and shown by both: commands, workspaces, tokens and their end.
#[test]
fn two_nodes_are_one_server() {
    let Some(server) = started() else { return };
    let database = server.fresh();
    let (one, other) = (Node::start(&database), Node::start(&database));
    one.ok(&["raise", "nobody.knows.1"]);
    other.ok(&["raise", "nobody.knows.2"]);
    for node in [&one, &other] {
        comes("both events", || {
            let listed = node.ok(&["inbox", "list"]);
            listed.contains("nobody.knows.1") && listed.contains("nobody.knows.2")
        });
    }
    assert_eq!(one.holds() + other.holds(), 1, "one of them decides");

    let admin = one.token("dana");
    let (status, made) = one.ask(&admin, "POST", "/v1/workspaces", &json!({ "workspace": "second" }));
    assert_eq!(status, 200, "{made}");
    let second = one.keep("second", &made);
    let (status, who) = other.ask(&second, "GET", "/v1/whoami", &Json::Null);
    assert_eq!((status, &who["workspace"]), (200, &json!("second")), "{who}");

    for round in 0..10 {
        let wanted = json!({ "class": "watcher", "name": format!("wall-{round}") });
        let (status, made) = one.ask(&admin, "POST", "/v1/tokens", &wanted);
        assert_eq!(status, 200, "{made}");
        let wall = one.keep("wall", &made);
        assert_eq!(other.ask(&wall, "GET", "/v1/whoami", &Json::Null).0, 200, "it is known at once");
        let id = made["id"].as_str().unwrap_or_else(|| panic!("{made}"));
        let (status, revoked) = one.ask(&admin, "DELETE", &format!("/v1/tokens/{id}"), &Json::Null);
        assert_eq!(status, 200, "{revoked}");
        let (status, refused) = other.ask(&wall, "POST", "/v1/writes", &json!({}));
        assert_eq!(status, 401, "{refused}");
    }
    assert_eq!(one.ok(&["verify"]), other.ok(&["verify"]));
}

/// Nodes that speak TLS with certificates of their own are known by what they say in the database, and one decides for both.
#[test]
fn nodes_know_each_other_by_their_certificates() {
    let Some(server) = started() else { return };
    let database = server.fresh();
    let (one, other) = (Node::speaking(&database, "https"), Node::speaking(&database, "https"));
    one.ok(&["raise", "nobody.knows.1"]);
    other.ok(&["raise", "nobody.knows.2"]);
    assert_eq!(one.holds() + other.holds(), 1, "one of them decides");
    // A certificate that is told otherwise is not taken, and nothing is sent there.
    let (holder, asked) = if one.holds() == 1 { (&one, &other) } else { (&other, &one) };
    let name = database.rsplit('/').next().unwrap();
    server.sql(name, "create function wrong() returns trigger as $$ begin new.certificate := 'sha256:' || repeat('0', 64); return new; end $$ language plpgsql");
    server.sql(
        name,
        "create trigger wrong before insert or update on deeds_node for each row execute function wrong()",
    );
    comes("the wrong certificate", || asked.run(&["raise", "nobody.knows.3"]).status != 0);
    holder.ok(&["raise", "nobody.knows.4"]);
    let listed = holder.ok(&["inbox", "list"]);
    assert!(listed.contains("nobody.knows.4"), "{listed}");
}

/// A node in plaintext shows that it shares the secret of the nodes before it is sent anything: who listens where one was hears no token.
#[test]
fn a_token_goes_to_nobody_who_lacks_the_secret() {
    let Some(server) = started() else { return };
    let secrets = Home::new();
    let secret = secrets.file("secret", &"0123456789abcdef".repeat(4));
    for is_shared in [true, false] {
        let database = server.fresh();
        let keep = |command: &mut Command| {
            if is_shared {
                command.env("DEEDS_CLUSTER_SECRET_FILE", &secret);
            }
        };
        let [one, other] = [(); 2].map(|()| Node::with(&database, "http", keep));
        one.ok(&["raise", "nobody.knows.1"]);
        other.ok(&["raise", "nobody.knows.2"]);
        assert_eq!(one.holds() + other.holds(), 1, "one of them decides");
        let (mut holder, asked) = if one.holds() == 1 { (one, other) } else { (other, one) };
        holder.server.signal(Signal::KILL);
        let listener = TcpListener::bind(holder.server.url.trim_start_matches("http://")).unwrap();
        let heard = Arc::new(Mutex::new(String::new()));
        let hears = Arc::clone(&heard);
        std::thread::spawn(move || {
            for mut near in listener.incoming().flatten() {
                let mut piece = [0; 8_192];
                let length = near.read(&mut piece).unwrap_or_default();
                hears.lock().unwrap().push_str(&String::from_utf8_lossy(&piece[..length]));
            }
        });
        asked.ok(&["raise", "nobody.knows.3"]);
        let heard = heard.lock().unwrap().clone();
        assert!(heard.contains("HTTP/1.1"), "nobody asked there");
        assert_eq!(heard.contains("Bearer"), !is_shared, "{heard}");
    }
}

/// A node that dies is taken over by another one, which has all that was acknowledged; and it comes back as one among others.
#[test]
fn a_node_that_dies_is_taken_over() {
    let Some(server) = started() else { return };
    let database = server.fresh();
    let (mut one, other) = (Node::start(&database), Node::start(&database));
    one.ok(&["raise", "nobody.knows.1"]);
    comes("the event", || other.ok(&["inbox", "list"]).contains("nobody.knows.1"));
    one.server.signal(Signal::KILL);
    let began = Instant::now();
    other.ok(&["raise", "nobody.knows.2"]);
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    let again = Node::start(&database);
    again.ok(&["raise", "nobody.knows.3"]);
    let listed = again.ok(&["inbox", "list"]);
    assert!((1..=3).all(|n| listed.contains(&format!("nobody.knows.{n}"))), "{listed}");
    other.ok(&["verify"]);
}

/// A node whose clock comes to be another than the database's holds nothing until it is the same again, and says so: the other one takes
/// what it held, and decides what is asked of either.
#[test]
fn a_node_whose_clock_goes_wrong_leaves_its_work_to_the_others() {
    if !programs::is_there("faketime") {
        return;
    }
    let Some(server) = started() else { return };
    let database = server.fresh();
    let clock = Home::new();
    let off = clock.file("off", "+0");
    let one = Node::with(&database, "http", |command| faketime::shift(command, &off));
    one.ok(&["raise", "nobody.knows.1"]);
    let other = Node::start(&database);
    assert_eq!((one.holds(), other.holds()), (1, 0));
    std::fs::write(&off, "+6").unwrap();
    comes("a word of it", || one.log().contains("set-ntp"));
    one.ok(&["raise", "nobody.knows.2"]);
    assert_eq!((one.holds(), other.holds()), (1, 1), "the other one has decided");
    assert!(other.ok(&["inbox", "list"]).contains("nobody.knows.2"));
    let mut doctor = one.command(&["doctor", "--json"]);
    faketime::shift(&mut doctor, &off);
    let found = Said::of(&mut doctor);
    assert!(found.out.contains("clock-apart"), "{found:?}");
    std::fs::write(&off, "+0").unwrap();
    comes("the end of it", || one.log().contains("the database's again"));
    drop(other);
    one.ok(&["raise", "nobody.knows.3"]);
    assert_eq!(one.holds(), 2, "it holds again");
}

/// A node whose clock is not the database's does not begin to work with the others: it says so, with the mend.
#[test]
fn a_node_with_another_clock_is_refused() {
    if !programs::is_there("faketime") {
        return;
    }
    let Some(server) = started() else { return };
    let (database, home) = (server.fresh(), Home::new());
    let off = home.file("off", "-20s");
    let begun = Server::try_start(
        &home,
        |command| {
            keep_in(command, &database);
            faketime::shift(command, &off);
        },
        PATIENCE,
    );
    let said = begun.map(drop).unwrap_err();
    assert!(said.contains("clock") && said.contains("set-ntp"), "{said}");
}
