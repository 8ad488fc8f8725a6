//! A server that asks another one in its visitor's name, with a token that it has of theirs: what it hands out to be signed is the
//! other ledger's. The ssh-agent and both servers are real.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use crate::programs::is_there;
use crate::run::{Home, Said};
use crate::server::Server;
use crate::signing::{escalate, signed_team, team_of};

/// Where what comes goes on to, and with which `Authorization` line in the place of its own.
type Target = Arc<Mutex<(String, Option<String>)>>;

/// A false server at an address of its own.
fn relay(to: &str) -> (String, Target) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let target: Target = Arc::new(Mutex::new((to.to_owned(), None)));
    let shared = Arc::clone(&target);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let target = Arc::clone(&shared);
            std::thread::spawn(move || pass_on(stream.unwrap(), &target));
        }
    });
    (url, target)
}

/// One request, one answer.
fn pass_on(mut stream: TcpStream, target: &Target) {
    let (to, token) = target.lock().unwrap().clone();
    let mut from = BufReader::new(stream.try_clone().unwrap());
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if from.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        let low = line.to_ascii_lowercase();
        if low == "\r\n" {
            break;
        }
        if let Some(said) = low.strip_prefix("content-length:") {
            length = said.trim().parse().unwrap();
        }
        match &token {
            Some(token) if low.starts_with("authorization:") => head.extend([token, "\r\n"]),
            _ if low.starts_with("connection:") => {}
            _ => head.push_str(&line),
        }
    }
    let mut body = vec![0; length];
    from.read_exact(&mut body).unwrap();
    let mut other = TcpStream::connect(to.trim_start_matches("http://")).unwrap();
    other.write_all(format!("{head}connection: close\r\n\r\n").as_bytes()).unwrap();
    other.write_all(&body).unwrap();
    let mut answer = Vec::new();
    other.read_to_end(&mut answer).unwrap();
    stream.write_all(&answer).unwrap_or_default();
}

/// Dana's token for a team, in a file of its home.
fn token_of(home: &Home) -> String {
    home.ok(&["tokens", "create", "admin", "dana", "--out", "dana.token"]);
    let file = home.dir.path().join("dana.token");
    file.to_str().unwrap().to_owned()
}

fn ledger_of(home: &Home) -> String {
    let said: serde_json::Value = serde_json::from_str(&home.ok(&["verify", "--json"])).unwrap();
    said[0]["ledger"].as_str().unwrap().to_owned()
}

fn answered(home: &Home) -> usize {
    let log = home.ok(&["log", "--json"]);
    log.lines().filter(|line| line.contains("deeds.item.answered")).count()
}

#[test]
fn no_server_has_a_decision_signed_for_the_ledger_of_another() {
    if !is_there("ssh-agent") {
        return;
    }
    // Two teams of which Dana is the admin, with one key; she decides for the one, at a machine of her own.
    let (theirs, agent) = signed_team();
    let other = Home::new();
    team_of(&other, &agent);
    for home in [&theirs, &other] {
        escalate(home, "refund 40?");
        escalate(home, "refund 50?");
    }
    let (token, stolen) = (token_of(&theirs), token_of(&other));
    let (server, victim) = (Server::start(&theirs), Server::start(&other));
    let dana = Home::new();
    let (url, target) = relay(&server.url);
    let decides = |item: &str, more: &[&str]| -> Said {
        let mut arguments = vec!["--connect", &url, "--token-file", &token];
        arguments.extend_from_slice(more);
        arguments.extend_from_slice(&["inbox", "answer", item, "handle", "refunded"]);
        agent.runs(&dana, &arguments)
    };
    let said = decides("1", &[]);
    assert_eq!(said.status, 0, "{}\n{}", said.out, said.err);

    // From now on the server hands her what the other ledger wants signed.
    let stolen = std::fs::read_to_string(stolen).unwrap().trim().to_owned();
    *target.lock().unwrap() = (victim.url.clone(), Some(stolen));
    let said = decides("1", &[]);
    assert_eq!(answered(&other), 0, "her signature was had for another ledger\n{}", said.out);
    assert_ne!(said.status, 0, "{}\n{}", said.out, said.err);
    for part in [&ledger_of(&other), &ledger_of(&theirs), "is remembered as that of", "nothing was signed"] {
        assert!(said.err.contains(part), "{part}: {}", said.err);
    }
    // Nor by another name, which is first met: the ledger is known to be another server's.
    let (second, _) = relay(&victim.url);
    let theirs_too = other.dir.path().join("dana.token");
    let at = |item: &str, more: &[&str]| {
        let mut arguments = vec!["--connect", &second, "--token-file", theirs_too.to_str().unwrap()];
        arguments.extend_from_slice(more);
        arguments.extend_from_slice(&["inbox", "answer", item, "handle", "refunded"]);
        agent.runs(&dana, &arguments)
    };
    // It becomes known by a person's word, and is refused where the word names another.
    let said = at("1", &["--sign-for", &ledger_of(&theirs)]);
    assert!(said.status != 0 && said.err.contains("--sign-for names"), "{}\n{}", said.out, said.err);
    let said = at("1", &["--sign-for", &ledger_of(&other)]);
    assert_eq!(said.status, 0, "{}\n{}", said.out, said.err);
    let said = decides("2", &[]);
    assert!(said.status != 0 && said.err.contains("nothing was signed"), "{}\n{}", said.out, said.err);
    assert_eq!(answered(&other), 1, "what was meant for it alone");
    // A third address that is new to her, for what is known by now.
    let (third, _) = relay(&victim.url);
    let said = agent.runs(
        &dana,
        &[
            "--connect",
            &third,
            "--token-file",
            theirs_too.to_str().unwrap(),
            "inbox",
            "answer",
            "2",
            "handle",
            "x",
        ],
    );
    assert!(said.status != 0 && said.err.contains("which is remembered as that of"), "{}", said.err);
    std::fs::write(dana.data().join("ledgers.json"), "[").unwrap();
    let said = at("2", &[]);
    assert!(said.status != 0 && said.err.contains("which ledgers you sign for"), "{}", said.err);
}
