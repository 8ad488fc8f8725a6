//! A token goes only to the server that it belongs to: not to whoever listens where that one did.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use portable_pty::{CommandBuilder, PtySize, native_pty_system};
use rustix::process::Signal;

use crate::patience;
use crate::programs;
use crate::run::{Home, Said};
use crate::server::Server;
use crate::squatter::Squatter;

const MAP: &str = "workspace = \"default\"\ngovernance_owner = \"dana\"\n\n[[agent]]\nid = \"docs-writer\"\nowner = \"dana\"\nwrites = [\"files/docs/**\"]\n\n[[queue]]\nname = \"inbox\"\nowner = \"dana\"\nreview = \"daily 09:00\"\n";

/// A repository in the home with something staged.
fn repository(home: &Home) -> bool {
    if !programs::is_there("git") {
        return false;
    }
    let top = home.dir.path().join("repo");
    fs::create_dir_all(top.join("docs")).unwrap();
    fs::write(top.join("docs/a.md"), "x").unwrap();
    for arguments in [&["init", "-q"][..], &["add", "."]] {
        let mut git = Command::new("git");
        assert!(git.current_dir(&top).args(arguments).status().unwrap().success());
    }
    true
}

/// A guard, run as the coding agent or git runs it.
fn hook(home: &Home, arguments: &[&str], input: &str) -> Said {
    let top = home.dir.path().join("repo");
    let mut command = home.command(arguments);
    command.current_dir(&top).env("PATH", std::env::var_os("PATH").unwrap());
    command.env("CLAUDE_PROJECT_DIR", &top);
    Said::with(&mut command, input.as_bytes())
}

/// Everything that only attaches, and starts no server.
fn look_around(home: &Home, squatter: &Squatter) {
    home.file("team.toml", MAP);
    home.run(&["map", "check", "team.toml"]);
    squatter.got_no_token("map check");
    if !repository(home) {
        return;
    }
    let top = home.dir.path().join("repo");
    let call = serde_json::json!({
        "hook_event_name": "PreToolUse", "tool_name": "Write", "cwd": top,
        "tool_input": {"file_path": top.join("src/x.rs"), "content": "x"},
    });
    hook(home, &["hook", "claude-code", "--agent", "docs-writer"], &call.to_string());
    squatter.got_no_token("hook claude-code");
    hook(home, &["hook", "git", "--agent", "docs-writer"], "");
    squatter.got_no_token("hook git");
}

/// The console in a terminal, until it shows its inbox; it quits then.
fn console(home: &Home) {
    let size = PtySize { rows: 36, cols: 120, pixel_width: 0, pixel_height: 0 };
    let pair = native_pty_system().openpty(size).unwrap();
    let like = home.command(&[]);
    let mut command = CommandBuilder::new(like.get_program());
    command.env_clear();
    for (name, value) in like.get_envs() {
        command.env(name, value.unwrap());
    }
    command.env("TERM", "xterm-256color");
    command.cwd(home.dir.path());
    let mut child = pair.slave.spawn_command(command).unwrap();
    let reader = BufReader::new(pair.master.try_clone_reader().unwrap());
    let mut keys = pair.master.take_writer().unwrap();
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let mut seen = Vec::new();
        let mut reader = reader;
        while let Ok(bytes @ [_, ..]) = reader.fill_buf() {
            let read = bytes.len();
            seen.extend_from_slice(bytes);
            reader.consume(read);
            if String::from_utf8_lossy(&seen).contains("inbox") {
                tell.send(()).unwrap_or_default();
            }
        }
    });
    patience::come("the console's inbox", &told);
    std::io::Write::write_all(&mut keys, b"q").unwrap();
    child.wait().map(drop).unwrap();
}

#[test]
fn after_a_kill_nobody_who_listens_there_is_told_a_token() {
    let home = Home::new();
    let mut server = Server::start(&home);
    assert!(home.ok(&["inbox", "list"]).contains("nothing waits"));
    assert_eq!(server.signal(Signal::KILL), None);
    assert!(home.data().join("server.json").exists(), "a kill leaves behind where it served");
    let squatter = Squatter::at(&server.url);
    look_around(&home, &squatter);
    assert!(home.ok(&["log"]).contains("dana"));
    squatter.got_no_token("log");
    console(&home);
    squatter.got_no_token("the console");
}

#[test]
fn that_somebody_holds_the_directory_does_not_make_a_server_of_who_listens() {
    let home = Home::new();
    let mut server = Server::start(&home);
    assert_eq!(server.signal(Signal::KILL), None);
    let squatter = Squatter::at(&server.url);
    // As a server does that is about to start, or hangs.
    let lock = fs::File::open(home.data().join("lock")).unwrap();
    lock.lock().unwrap();
    look_around(&home, &squatter);
    let said = home.run(&["inbox", "list"]);
    assert_eq!(said.status, 3, "{}", said.err);
    assert!(said.err.contains("does not answer"), "{}", said.err);
    squatter.got_no_token("inbox list");
}

#[test]
fn who_is_attached_tells_nobody_when_the_server_is_killed() {
    let home = Home::new();
    let mut server = Server::start(&home);
    let mut follower = home
        .command(&["log", "--follow", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(follower.stdout.take().unwrap()).lines();
    assert!(lines.next().unwrap().unwrap().contains("founded"));
    assert_eq!(server.signal(Signal::KILL), None);
    let squatter = Squatter::at(&server.url);
    // It tries again after a tenth of a second, and doubles that.
    std::thread::sleep(Duration::from_secs(2));
    squatter.got_no_token("the end of the server");
    patience::signal(&follower, Signal::TERM);
    patience::ended(&mut follower);
}

/// Where no socket can be made, the address is the way, and each connection begins with a proof.
#[test]
fn without_a_socket_each_connection_begins_with_a_proof() {
    let home = Home::new();
    fs::create_dir_all(home.data().join("server.sock/taken")).unwrap();
    fs::set_permissions(home.data(), fs::Permissions::from_mode(0o700)).unwrap();
    fs::write(home.data().join("lock"), "").unwrap();
    let mut server = Server::start(&home);
    let said: serde_json::Value =
        serde_json::from_slice(&fs::read(home.data().join("server.json")).unwrap()).unwrap();
    assert_eq!(said["socket"], false);
    assert!(home.ok(&["inbox", "list"]).contains("nothing waits"));
    assert!(home.ok(&["log"]).contains("dana"));

    assert_eq!(server.signal(Signal::KILL), None);
    let squatter = Squatter::at(&server.url);
    let lock = fs::File::open(home.data().join("lock")).unwrap();
    lock.lock().unwrap();
    look_around(&home, &squatter);
    let said = home.run(&["inbox", "list"]);
    assert_eq!(said.status, 3, "{}", said.err);
    squatter.got_no_token("inbox list");
    assert!(
        squatter.heard().contains("GET /v1/proof?nonce="),
        "it was asked for a proof:\n{}",
        squatter.heard()
    );
}

#[test]
fn a_server_that_ends_in_order_leaves_no_address_behind() {
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        let home = Home::new();
        let mut server = Server::start(&home);
        let there = |name: &str| home.data().join(name).exists();
        assert!(there("server.json") && there("server.sock"));
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&home.data()), mode(&home.data().join("server.sock"))), (0o700, 0o600));
        assert_eq!(server.signal(signal), Some(0));
        assert!(!there("server.json") && !there("server.sock") && there("served.json"));
    }
    let home = Home::new();
    home.ok(&["inbox", "list"]);
    assert!(!home.data().join("server.json").exists(), "a command that serves meanwhile says so no longer");
}

/// Where the rights on the files were given away, the number of the account is still asked.
#[test]
fn the_socket_is_for_its_own_account() {
    if !rustix::process::geteuid().is_root() || !programs::is_there("setpriv") || !programs::is_there("curl")
    {
        return;
    }
    let home = Home::new();
    let _server = Server::start(&home);
    for path in [home.dir.path(), &home.data(), &home.data().join("server.sock")] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o777)).unwrap();
    }
    let socket = home.data().join("server.sock");
    let mut curl = Command::new("curl");
    curl.args(["-sS", "--max-time", "5", "--unix-socket"]).arg(&socket).arg("http://localhost/healthz");
    assert_eq!(Said::of(&mut curl).out, "ok\n");
    let mut other = Command::new("setpriv");
    other.args(["--reuid", "65534", "--clear-groups", "curl", "-sS", "--max-time", "5", "--unix-socket"]);
    other.arg(&socket).arg("http://localhost/healthz");
    let said = Said::of(&mut other);
    assert!(said.status != 0 && said.out.is_empty(), "{said:?}");
    // And nobody attaches by a directory in which others may have put it.
    let said = home.run(&["inbox", "list"]);
    assert!(said.status != 0 && said.err.contains("chmod 700"), "{said:?}");
}
