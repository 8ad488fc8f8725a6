//! Homes with everything in them that a data directory can have, and what they must go on answering.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::Signal;
use serde_json::{Value, json};

use super::player::{Look, Player, Write};
use crate::run::{Home, Said};
use crate::server::Server;

/// How the home was left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Left {
    /// By a stop in order.
    Quiet,
    /// By `kill -9`, with the last deeds in the write-ahead log alone.
    Killed,
    /// By a stop in order, with a workspace whose history has checkpoints.
    Long,
}

/// A home to be copied.
pub(super) struct Template {
    pub(super) left: Left,
    home: Home,
    /// What was answered when all was well.
    pub(super) truth: Vec<(Look, BTreeSet<String>)>,
}

const DEFAULT: &str = "workspace = \"default\"\ngovernance_owner = \"dana\"\n[[agent]]\nid = \"first-agent\"\nowner = \"dana\"\n\
                       writes = [\"crm/**\"]\n[[agent]]\nid = \"second\"\nowner = \"dana\"\nwrites = [\"ops/**\"]\n\
                       [[queue]]\nname = \"inbox\"\nowner = \"dana\"\nreview = \"daily 09:00\"\npriority = [\"first-agent\", \"second\"]\n";
const SEARCHES: [&str; 2] = ["actor:first-agent type:deeds.write.*", "\"quokka\""];

/// A copy of a directory with everything in it.
pub(super) fn copied(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap();
    assert!(copied.success(), "{} is not copied", from.display());
}

impl Template {
    pub(super) fn made(left: Left) -> Self {
        let home = Home::new();
        founded(&home);
        from_a_backup(&home);
        copied(&home.data(), &home.dir.path().join("older"));
        let player = Player { home: &home, user: None };
        if left == Left::Long {
            let event = |n: u32| {
                let (id, at) = (format!("x-{n}"), "2026-03-01T10:00:00Z");
                json!({"id": n, "issue_id": id, "actor": "rig/a", "event_type": "created", "created_at": at})
            };
            let events: Vec<String> = (1..5_600).map(|n| event(n).to_string()).collect();
            home.file("events.jsonl", &events.join("\n"));
            home.ok(&["import", "beads", "events.jsonl", "--workspace", "many"]);
        }
        let mut server = Server::start_with(&home, "127.0.0.1:0", |command| {
            command.arg("--tls-self-signed");
        });
        assert_eq!(server.signal(Signal::TERM), Some(0));
        let mut server = Server::start(&home);
        later(&player, &server);
        let workspaces: &[&str] =
            if left == Left::Long { &["default", "other", "many"] } else { &["default", "other"] };
        let truth = truth(&player, workspaces, &server);
        let end = if left == Left::Killed { Signal::KILL } else { Signal::TERM };
        let ended = server.signal(end);
        assert!(left == Left::Killed || ended == Some(0));
        fs::remove_file(home.dir.path().join("serve.log")).unwrap();
        Self { left, home, truth }
    }

    pub(super) fn older(&self) -> PathBuf {
        self.home.dir.path().join("older")
    }

    pub(super) fn data(&self) -> PathBuf {
        self.home.data()
    }

    /// A home like this one.
    pub(super) fn copy(&self, user: Option<u32>) -> Home {
        let home = Home::new();
        copied(&self.home.data(), &home.data());
        copied(&self.home.dir.path().join("kept"), &home.dir.path().join("kept"));
        if let Some(user) = user {
            let owned =
                Command::new("chown").args(["-R", &format!("{user}:{user}")]).arg(home.dir.path()).status();
            assert!(owned.unwrap().success());
        }
        home
    }
}

/// Two workspaces with deeds of many families.
fn founded(home: &Home) {
    home.file("default.toml", DEFAULT);
    home.file("other.toml", &DEFAULT.replace("\"default\"", "\"other\""));
    home.ok(&["map", "apply", "default.toml"]);
    home.ok(&["workspaces", "create", "other"]);
    home.ok(&["-w", "other", "map", "apply", "other.toml"]);
    for workspace in ["default", "other"] {
        let and = |arguments: &[&str]| home.run(&[&["-w", workspace], arguments].concat());
        let ok = |arguments: &[&str]| {
            let said = and(arguments);
            assert!(said.status <= 1, "{arguments:?}: {said:?}");
        };
        ok(&["raise", "nobody.knows"]);
        ok(&["write", "ops/plan", "a=the quokka sleeps", "--as", "second"]);
        ok(&["write", "ops/plan", "a=the quokka wakes", "--expected", "a=1", "--as", "second"]);
        ok(&["write", "ops/plan", "a=too late", "--expected", "a=1", "--as", "second"]);
        ok(&["write", "crm/contact/acme", "status=won", "--as", "second"]);
        ok(&["write", "crm/contact/acme", "status=new", "--as", "first-agent"]);
        ok(&["escalate", "{\"odd\": true}", "--why", "never seen before", "--as", "first-agent"]);
        ok(&["act", "crm/contact/acme", "call", "--subject", "crm/contact/acme", "--as", "first-agent"]);
        ok(&["alerts", "list"]);
        ok(&["inbox", "claim", "1"]);
        ok(&["tokens", "create", "watcher", "screen", "--out", &format!("kept-{workspace}.screen")]);
        ok(&["override", "freeze", "crm/contact/frozen", "--reason", "looked into"]);
    }
    home.ok(&["checkpoint", "rotate"]);
}

/// The directory anew from its backup, with the secrets put back.
fn from_a_backup(home: &Home) {
    home.ok(&["backup", "all.tar"]);
    let (data, before) = (home.data(), home.dir.path().join("before"));
    fs::rename(&data, &before).unwrap();
    home.ok(&["restore", "all.tar"]);
    fs::copy(before.join("signing.key"), data.join("signing.key")).unwrap();
    fs::remove_dir_all(data.join("tokens")).unwrap();
    copied(&before.join("tokens"), &data.join("tokens"));
    let kept = home.dir.path().join("kept");
    copied(&data.join("tokens"), &kept);
    for workspace in ["default", "other"] {
        let name = format!("{workspace}.screen");
        fs::rename(home.dir.path().join(format!("kept-{name}")), kept.join(name)).unwrap();
    }
}

/// What happens beside a running server, some of it after the older moment.
fn later(player: &Player<'_>, server: &Server) {
    let home = player.home;
    for (workspace, agent) in [("default", "first-agent"), ("other", "second")] {
        for n in 0..24 {
            let entity = format!("{}/later/{n}", if agent == "second" { "ops" } else { "crm" });
            player.write(server, &Write { workspace, agent, entity, value: n }).unwrap();
        }
        home.ok(&["-w", workspace, "raise", "nobody.knows.this"]);
        home.ok(&["-w", workspace, "inbox", "claim", "2"]);
    }
    let repository = home.dir.path().join("repository");
    fs::create_dir(&repository).unwrap();
    Command::new("git").args(["init", "-q"]).arg(&repository).status().unwrap();
    let call = json!({"session_id": "s", "hook_event_name": "PreToolUse", "tool_name": "Write", "cwd": repository,
                      "tool_input": {"file_path": repository.join("a.txt"), "content": "x"}});
    let mut hook = home.command(&["hook", "claude-code", "--agent", "first-agent"]);
    let said = Said::with(hook.current_dir(&repository), call.to_string().as_bytes());
    assert_eq!(said.status, 0, "{said:?}");
    seen(home);
}

/// Takes down what a console would have seen.
fn seen(home: &Home) {
    let mut here = serde_json::Map::new();
    for workspace in ["default", "other"] {
        let export = home.ok(&["-w", workspace, "log", "--export", "jsonl"]);
        let last: Value = serde_json::from_str(export.lines().last().unwrap()).unwrap();
        here.insert(workspace.to_owned(), json!({"seq": last["seq"], "hash": last["hash"]}));
    }
    home.file("data/seen.json", &json!({ "here": here }).to_string());
}

fn truth(player: &Player<'_>, workspaces: &[&'static str], server: &Server) -> Vec<(Look, BTreeSet<String>)> {
    let mut looks = Vec::new();
    for workspace in workspaces {
        looks.push(Look::Export(workspace));
        let filters: &[&str] = if *workspace == "many" { &["\"x-77\""] } else { &SEARCHES };
        looks.extend(filters.iter().map(|filter| Look::Search(workspace, filter)));
    }
    for workspace in ["default", "other"] {
        looks.push(Look::Inbox(workspace));
        looks.push(Look::Entity(workspace, "ops/plan".to_owned()));
        let zone = if workspace == "default" { "crm" } else { "ops" };
        looks.push(Look::Entity(workspace, format!("{zone}/later/17")));
    }
    let kept = fs::read_dir(player.home.dir.path().join("kept")).unwrap();
    looks.extend(kept.map(|file| Look::Token(file.unwrap().file_name().into_string().unwrap())));
    looks.sort_by_key(|look| matches!(look, Look::Token(_)));
    let answered = |look: Look| {
        let answer = look.answer(player, Some(server)).unwrap();
        assert!(!answer.is_empty(), "{look:?} is answered by nothing");
        (look, answer)
    };
    looks.into_iter().map(answered).collect()
}
