//! Whoever has a person's token, and not their key: an agent under the same account decides nothing that is to be signed. The
//! signatures are made by a real `ssh-agent`, and checked by `ssh-keygen` beside.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use deeds::domain::hash::{Hash, link};
use serde_json::{Value, json};

use crate::patience::PATIENCE;
use crate::programs::is_there;
use crate::run::{Home, Said};
use crate::server::{Server, ask};

/// An ssh-agent of its own, which ends with the test.
pub(crate) struct Agent {
    child: Child,
    socket: PathBuf,
}

impl Agent {
    fn start(home: &Home, name: &str) -> Self {
        let socket = home.dir.path().join(format!("{name}.agent"));
        let child =
            Command::new("ssh-agent").args(["-D", "-a"]).arg(&socket).stdout(Stdio::null()).spawn().unwrap();
        let end = Instant::now() + PATIENCE;
        while !socket.exists() {
            assert!(Instant::now() < end, "the ssh-agent does not come up");
            std::thread::sleep(Duration::from_millis(10));
        }
        Self { child, socket }
    }

    /// Makes a key and hands it over; the secret half goes from the disk.
    fn with_key(self, home: &Home, name: &str, kind: &[&str]) -> Self {
        let file = home.dir.path().join(name);
        run(Command::new("ssh-keygen").args(["-q", "-N", "", "-C", name, "-f"]).arg(&file).args(kind));
        run(Command::new("ssh-add").arg("-q").arg(&file).env("SSH_AUTH_SOCK", &self.socket));
        std::fs::remove_file(file).unwrap();
        self
    }

    pub(crate) fn runs(&self, home: &Home, arguments: &[&str]) -> Said {
        Said::of(home.command(arguments).env("SSH_AUTH_SOCK", &self.socket))
    }

    fn ok(&self, home: &Home, arguments: &[&str]) -> String {
        let said = self.runs(home, arguments);
        assert_eq!(said.status, 0, "deeds {}\n{}\n{}", arguments.join(" "), said.out, said.err);
        said.out
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.child.kill().unwrap_or_default();
        self.child.wait().unwrap();
    }
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}\n{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn map(signed: &str) -> String {
    format!(
        r#"workspace = "default"
governance_owner = "dana"

[[queue]]
name = "inbox"
owner = "dana"
review = "daily 09:00"
{signed}

[[agent]]
id = "support"
owner = "dana"
writes = ["tickets/**"]
escalates_to = "inbox"
"#
    )
}

/// A data directory whose only admin has a key, and whose queue asks for signatures.
pub(crate) fn signed_team() -> (Home, Agent) {
    let home = Home::new();
    let agent = Agent::start(&home, "dana").with_key(&home, "dana", &["-t", "ed25519"]);
    team_of(&home, &agent);
    (home, agent)
}

/// A team whose only admin has the key of that agent.
pub(crate) fn team_of(home: &Home, agent: &Agent) {
    home.file("plain.toml", &map(""));
    home.file("signed.toml", &map("signed = true"));
    home.ok(&["map", "apply", "plain.toml"]);
    // Nobody has a key: what nobody could fulfil is not asked for.
    let said = home.run(&["map", "apply", "signed.toml"]);
    assert_eq!(said.status, 1, "{}", said.out);
    assert!(said.out.contains("none of dana has a key"), "{}", said.out);
    let server = Server::start(home);
    let said = home.run(&["map", "check", "signed.toml"]);
    assert_eq!(said.status, 1, "{}", said.out);
    assert!(said.out.contains("error[signed-without-key]"), "{}\n{}", said.out, said.err);
    drop(server);
    let said = agent.ok(home, &["keys", "add"]);
    assert!(said.contains("recorded"), "{said}");
    agent.ok(home, &["map", "apply", "signed.toml"]);
}

pub(crate) fn escalate(home: &Home, text: &str) {
    home.ok(&["escalate", "--as", "support", text, "--why", "it is not mine to say"]);
}

fn last_signed(home: &Home) -> Value {
    let deeds = home.ok(&["log", "--json"]);
    let mut deeds = deeds.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    deeds.rfind(|deed| deed.to_string().contains("BEGIN SSH SIGNATURE")).unwrap()
}

fn fingerprint(home: &Home, name: &str) -> String {
    let file = home.dir.path().join(format!("{name}.pub"));
    let said = run(Command::new("ssh-keygen").arg("-lf").arg(file));
    said.split_whitespace().nth(1).unwrap().to_owned()
}

#[test]
fn a_token_without_the_key_decides_nothing_that_is_to_be_signed() {
    if !is_there("ssh-agent") {
        return;
    }
    let (home, agent) = signed_team();
    escalate(&home, "refund 40?");
    let handle = ["inbox", "answer", "1", "handle", "refunded"];
    // With the token alone, with an agent that has another key, and by turning the map's question off.
    let stranger = Agent::start(&home, "eve").with_key(&home, "eve", &["-t", "ed25519"]);
    for said in [home.run(&handle), stranger.runs(&home, &handle)] {
        assert_eq!(said.status, 1, "{}\n{}", said.out, said.err);
        let text = said.out + &said.err;
        assert!(text.contains("signature-needed") || text.contains("this is to be signed"), "{text}");
    }
    for attempt in [
        &["map", "apply", "plain.toml"][..],
        &["tokens", "invite", "admin", "eve"],
        &["override", "resume-all", "--reason", "on"],
    ] {
        let said = home.run(attempt);
        let text = said.out + &said.err;
        assert_eq!(said.status, 1, "{attempt:?}: {text}");
        assert!(text.contains("signature-needed"), "{attempt:?}: {text}");
    }
    // A key that nobody vouches for waits; no second name for it.
    let said = stranger.ok(&home, &["keys", "add"]);
    assert!(said.contains("waits: another admin confirms it"), "{said}");
    let eves = fingerprint(&home, "eve");
    let said = home.run(&["keys", "confirm", "dana", &eves]);
    assert_eq!(said.status, 1, "{}", said.out);
    assert_eq!(stranger.runs(&home, &handle).status, 1, "a key that waits does not sign");
    // The last key that counts does not go.
    let said = home.run(&["keys", "revoke", "dana", &fingerprint(&home, "dana")]);
    assert_eq!(said.status, 1, "{}", said.out);
    // What only stops something asks for nothing.
    home.ok(&["override", "pause-all", "--reason", "look at this"]);
    agent.ok(&home, &["override", "resume-all", "--reason", "seen"]);
    let said = agent.ok(&home, &handle);
    assert!(said.contains("recorded"), "{said}");
    let text = home.ok(&["verify", "--signatures"]);
    assert!(text.contains("with 3 signed decisions"), "{text}");
}

/// Several decisions of one person at once, each with a statement that names the one before.
#[test]
fn decisions_that_meet_are_signed_one_after_another() {
    if !is_there("ssh-agent") {
        return;
    }
    let (home, agent) = signed_team();
    for amount in 1..=3 {
        escalate(&home, &format!("refund {amount}?"));
    }
    let server = Server::start(&home);
    std::thread::scope(|scope| {
        for item in ["1", "2", "3"] {
            let (home, agent) = (&home, &agent);
            scope.spawn(move || agent.ok(home, &["inbox", "answer", item, "handle", "refunded"]));
        }
    });
    drop(server);
    let text = home.ok(&["verify", "--signatures"]);
    assert!(text.contains("with 4 signed decisions"), "{text}");
}

/// What the deed holds is what `ssh-keygen` takes, and nothing else.
#[test]
fn others_check_what_was_signed() {
    if !is_there("ssh-agent") {
        return;
    }
    let (home, agent) = signed_team();
    escalate(&home, "refund 40?");
    agent.ok(&home, &["inbox", "answer", "1", "handle", "refunded"]);
    let allowed = home.ok(&["keys", "allowed-signers"]);
    home.file("allowed", &allowed);
    let deed = last_signed(&home);
    let signed = &deed["deed"]["data"]["signed"];
    let signed = if signed.is_null() { &deed["data"]["signed"] } else { signed };
    let statement = signed["statement"].as_str().unwrap();
    for line in ["deeds decision v1", "ledger: urn:uuid:", "person: dana", "about: answer 1", "refunded"] {
        assert!(statement.contains(line), "{statement}");
    }
    home.file("signature", signed["signature"].as_str().unwrap());
    let verify = |text: &str| {
        let mut command = Command::new("ssh-keygen");
        command.args(["-Y", "verify", "-f", "allowed", "-I", "dana", "-n", "deeds", "-s", "signature"]);
        Said::with(command.current_dir(home.dir.path()), text.as_bytes())
    };
    let said = verify(statement);
    assert_eq!(said.status, 0, "{}\n{}", said.out, said.err);
    assert_ne!(verify(&statement.replace("refunded", "declined")).status, 0);

    let check = |file: &str| home.run(&["verify", "--signatures", "--allowed-signers", file]);
    assert_eq!(check("allowed").status, 0);
    let eve = Agent::start(&home, "eve").with_key(&home, "eve", &["-t", "ecdsa"]);
    drop(eve);
    let of = |name: &str| std::fs::read_to_string(home.dir.path().join(name)).unwrap();
    home.file("others", &format!("dana {}", of("eve.pub")));
    home.file("late", &format!("dana valid-after=\"29990101Z\" {}", of("dana.pub")));
    home.file("git", &format!("dana namespaces=\"git\" {}", of("dana.pub")));
    // Of a key that has ended, what it signed before still holds.
    let spare = Agent::start(&home, "spare").with_key(&home, "spare", &["-t", "ed25519"]);
    agent.ok(&home, &["keys", "add", "spare.pub"]);
    home.ok(&["keys", "revoke", "dana", &fingerprint(&home, "dana")]);
    let listed = home.ok(&["keys", "allowed-signers"]);
    assert!(listed.contains("valid-before="), "{listed}");
    home.file("allowed", &listed);
    assert_eq!(check("allowed").status, 0);
    drop(spare);
    for file in ["others", "late", "git"] {
        let said = check(file);
        assert_eq!(said.status, 3, "{file}: {}", said.out);
        assert!(said.err.contains("not allowed to sign as dana"), "{}", said.err);
    }
}

/// A signature, taken out of the ledger, is good for nothing else: not over another answer, not again, not after its key.
#[test]
fn a_signature_is_over_one_decision_once() {
    if !is_there("ssh-agent") {
        return;
    }
    let (home, agent) = signed_team();
    let spare = Agent::start(&home, "spare").with_key(&home, "spare", &["-t", "rsa", "-b", "3072"]);
    escalate(&home, "refund 40?");
    escalate(&home, "refund 4000?");
    agent.ok(&home, &["inbox", "answer", "1", "handle", "refunded"]);
    home.ok(&["tokens", "create", "admin", "dana", "--out", "dana.token"]);
    let server = Server::start(&home);
    let token = std::fs::read_to_string(home.dir.path().join("dana.token")).unwrap();
    let post = |path: &str, signature: &str, body: &Value| {
        let headers = home.file("headers", &format!("{}\r\nDeeds-Signature: {signature}", token.trim()));
        ask(&server.url, &headers, "POST", path, &body.to_string()).unwrap()
    };
    let own = home.dir.path().join("dana.token");
    let shown = ask(&server.url, &own, "GET", "/v1/inbox/2", "").unwrap().1;
    let answer = |note: &str| {
        json!({
            "answer": {"kind": "handle", "note": note},
            "version": shown["item"]["version"], "digest": shown["digest"],
        })
    };
    let path = "/v1/inbox/2/answer";
    let (status, asked) = post(path, "ask", &answer("paid"));
    assert_eq!((status, &asked["code"]), (428, &json!("signature-needed")), "{asked}");
    let statement = asked["statement"].as_str().unwrap();
    let signed = sign(&home, &agent, "dana", statement);
    let refused = |signature: &str, note: &str, why: &str| {
        let (_, reply) = post(path, signature, &answer(note));
        assert_eq!(reply["code"], json!("signature-wrong"), "{reply}");
        assert!(reply["message"].as_str().unwrap().contains(why), "{reply}");
    };
    refused(&signed, "not paid", "over another text");
    refused(&sign(&home, &spare, "spare", statement), "paid", "not a key that counts");
    refused(&sign_for(&home, &agent, "dana", statement, "git"), "paid", "another purpose");
    let (status, _) = post(path, "not base64!", &answer("paid"));
    assert_eq!(status, 400);
    // An earlier key vouches for another one; then that one signs, and the first is ended.
    spare.ok(&home, &["keys", "list"]);
    let both = Agent { child: Command::new("true").spawn().unwrap(), socket: agent.socket.clone() };
    both.ok(&home, &["keys", "add", "spare.pub"]);
    let fresh = post(path, "ask", &answer("paid")).1["statement"].as_str().unwrap().to_owned();
    assert_ne!(fresh, statement, "each statement names the last one that was signed");
    refused(&signed, "paid", "over another text");
    let (_, reply) = post(
        "/v1/keys",
        "ask",
        &json!({
            "step": "revoke", "person": "dana", "key": fingerprint(&home, "dana"),
        }),
    );
    assert_eq!(reply["outcome"], "recorded", "{reply}");
    refused(&sign(&home, &agent, "dana", &fresh), "paid", "not a key that counts");
    let said = spare.ok(&home, &["inbox", "answer", "2", "handle", "paid"]);
    assert!(said.contains("recorded"), "{said}");
    let text = home.ok(&["verify", "--signatures"]);
    assert!(text.contains("with 4 signed decisions"), "{text}");
}

/// By `ssh-keygen`, which has the agent sign: as somebody does who comes with `curl`.
fn sign(home: &Home, agent: &Agent, key: &str, statement: &str) -> String {
    sign_for(home, agent, key, statement, "deeds")
}

fn sign_for(home: &Home, agent: &Agent, key: &str, statement: &str, purpose: &str) -> String {
    let public = home.dir.path().join(format!("{key}.pub"));
    let mut command = Command::new("ssh-keygen");
    command.args(["-Y", "sign", "-n", purpose, "-f"]).arg(&public).env("SSH_AUTH_SOCK", &agent.socket);
    let said = Said::with(&mut command, statement.as_bytes());
    assert_eq!(said.status, 0, "{}", said.err);
    said.out.lines().filter(|line| !line.starts_with("-----")).collect()
}

/// The first key comes with the invitation; a key for somebody who has one is confirmed by another admin.
#[test]
fn a_first_key_comes_with_the_invitation() {
    if !is_there("ssh-agent") {
        return;
    }
    let (home, agent) = signed_team();
    let sam = Agent::start(&home, "sam").with_key(&home, "sam", &["-t", "ecdsa", "-b", "256"]);
    agent.ok(&home, &["tokens", "invite", "admin", "sam", "--out", "sam.invitation"]);
    let server = Server::start(&home);
    let token = home.dir.path().join("sam.token");
    let token = token.to_str().unwrap();
    home.ok(&["join", "sam.invitation", "--connect", &server.url, "--out", token, "--key", "sam.pub"]);
    let keys = home.ok(&["keys"]);
    assert!(keys.contains(&fingerprint(&home, "sam")) && !keys.contains("once confirmed"), "{keys}");
    // Dana's second key, which no earlier one signs for, is confirmed by Sam, who signs that.
    let spare = Agent::start(&home, "spare").with_key(&home, "spare", &["-t", "ed25519"]);
    spare.ok(&home, &["keys", "add"]);
    let name = fingerprint(&home, "spare");
    let verified: Value = serde_json::from_str(&home.ok(&["verify", "--json"])).unwrap();
    let ledger = verified[0]["ledger"].as_str().unwrap().to_owned();
    let as_sam = |who: &Agent, arguments: &[&str]| {
        // It is the ledger of this directory, by another name than it has here: that is said.
        let with = ["--connect", &server.url, "--token-file", token, "--sign-for", &ledger];
        let with: Vec<&str> = with.iter().chain(arguments).copied().collect();
        who.runs(&home, &with)
    };
    let confirm = ["keys", "confirm", "dana", &name];
    assert_eq!(as_sam(&spare, &confirm).status, 1, "another's agent does not sign for Sam");
    let said = as_sam(&sam, &confirm);
    assert_eq!(said.status, 0, "{}\n{}", said.out, said.err);
    escalate(&home, "refund 40?");
    let said = spare.ok(&home, &["inbox", "answer", "1", "handle", "refunded"]);
    assert!(said.contains("recorded"), "{said}");
    let exported = home.ok(&["log", "--export", "jsonl"]);
    home.file("deeds.jsonl", &exported);
    let text = home.ok(&["verify", "--signatures", "--export", "deeds.jsonl"]);
    assert!(text.contains("with 4 signed decisions"), "{text}");
    assert!(Path::new(token).exists());
}

/// What whoever may write the ledger's file puts into a signed decision and chains again is not covered by its signature.
#[test]
fn a_deed_that_is_put_into_a_signed_decision_is_found() {
    if !is_there("ssh-agent") {
        return;
    }
    let (home, agent) = signed_team();
    escalate(&home, "refund 40?");
    escalate(&home, "refund 4000?");
    agent.ok(&home, &["inbox", "answer", "1", "handle", "refunded"]);
    home.ok(&["verify", "--signatures"]);
    let path = home.data().join("workspaces/default/ledger.db");
    let db = rusqlite::Connection::open(path).unwrap();
    let read = |sql: &str| -> (u64, Vec<u8>, Vec<u8>) {
        db.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap()
    };
    let (last, hash, bytes) = read("SELECT seq, hash, bytes FROM record ORDER BY seq DESC LIMIT 1");
    let answered: Value = serde_json::from_slice(&bytes).unwrap();
    assert!(answered["data"]["signed"].is_object(), "the signed deed is the last one: {answered}");
    let (_, _, applied) = read(
        "SELECT seq, hash, bytes FROM record WHERE bytes LIKE '%\"deeds.map.applied\"%' ORDER BY seq LIMIT 1",
    );
    let mut applied: Value = serde_json::from_slice(&applied).unwrap();
    applied["data"]["detail"]["version"] = json!(answered["data"]["map_version"].as_u64().unwrap() + 1);
    let mut other = answered.clone();
    other["data"]["refs"]["item"] = json!(2);
    other["data"].as_object_mut().unwrap().remove("signed");
    let mut undone = other.clone();
    undone["type"] = json!("deeds.item.undone");
    undone["data"]["action"] = json!("undo");
    undone["data"]["refs"]["item"] = json!(1);
    undone["data"].as_object_mut().unwrap().remove("detail");
    for mut put_in in [applied, other, undone] {
        let seq = last + 1;
        put_in["id"] = json!(format!("default:{seq}"));
        put_in["sequence"] = json!(format!("{seq:020}"));
        for same in ["correlationid", "time", "recordedtime", "source"] {
            put_in[same] = answered[same].clone();
        }
        let bytes = serde_json::to_vec(&put_in).unwrap();
        let chained = link(Hash(hash.clone().try_into().unwrap()), &bytes);
        db.execute("INSERT INTO record (seq, hash, bytes) VALUES (?1, ?2, ?3)", (seq, chained.0, &bytes))
            .unwrap();
        home.ok(&["verify"]);
        let said = home.run(&["verify", "--signatures"]);
        assert_eq!(said.status, 3, "{put_in}\n{}", said.out);
        assert!(said.err.contains("does not follow from deed"), "{put_in}\n{}", said.err);
        db.execute("DELETE FROM record WHERE seq = ?1", [seq]).unwrap();
    }
}
