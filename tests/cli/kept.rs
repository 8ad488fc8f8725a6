//! What a console keeps from one start to the next, in a real pseudo-terminal: where its person was, what they named and marked,
//! and what they had typed when it ended, however it ended.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::patience::PATIENCE;
use crate::run::Home;
use crate::server::{Server, ask};
use crate::terminal::Terminal;

/// What is typed is there this soon after a sudden end.
const SOON: Duration = Duration::from_secs(1);

fn file(home: &Home) -> PathBuf {
    home.dir.path().join(".local/state/deeds/console.json")
}

fn kept(home: &Home) -> String {
    std::fs::read_to_string(file(home)).unwrap_or_default()
}

/// A server with two cases in its inbox.
fn served(home: &Home) -> Server {
    let server = Server::start(home);
    let agent = home.data().join("tokens/default.first-agent");
    for entity in ["crm/contact/acme", "crm/lead/zoe"] {
        let body = json!({ "entity": entity, "changes": { "status": "new" }, "expected": { "status": 0 } });
        ask(&server.url, &agent, "POST", "/v1/writes", &body.to_string()).unwrap();
    }
    server
}

/// Opens the box of the first case. Where it was pressed before the case was seen, it is not taken, and pressed again.
fn handle(console: &mut Terminal) {
    console.shows("nobody owns crm/contact/acme#status");
    let give_up = Instant::now() + PATIENCE;
    while !console.text().contains("Handle #1 by hand ─") {
        assert!(Instant::now() < give_up, "{}", console.text());
        console.types("h");
        let soon = Instant::now() + Duration::from_secs(5);
        while Instant::now() < soon && !console.text().contains("Handle #1 by hand ─") {
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

#[test]
fn a_text_that_was_not_sent_survives_every_way_out() {
    let home = Home::new();
    let _server = served(&home);
    let mut console = Terminal::open(&home, &[]);
    console.shows("first-agent");
    handle(&mut console);
    console.types("asked by phone");
    console.shows("asked by phone");
    console.types("\x1b");
    console.shows("not done: Handle #1 by hand; the text is kept");
    assert_eq!(console.quit(), 0);
    assert!(console.log().contains("1 text that was typed and not sent is kept"), "{}", console.text());

    // Without closing the box first: told to end, and killed.
    let mut text = "asked by phone".to_owned();
    for (signal, more) in
        [(Signal::HUP, ", twice"), (Signal::TERM, ", no answer"), (Signal::KILL, ", mailed")]
    {
        let mut console = Terminal::open(&home, &[]);
        console.shows("kept from before, and not sent: what was typed for");
        handle(&mut console);
        console.shows(&text);
        // From the buttons to the text, and to its end.
        console.types("\t\t\x1b[F");
        console.types(more);
        text.push_str(more);
        console.shows(&text);
        if signal == Signal::KILL {
            std::thread::sleep(SOON);
        }
        console.signal(signal);
    }
    // Sent: it is gone, and the next console says nothing of it.
    let mut console = Terminal::open(&home, &[]);
    console.shows("kept from before, and not sent");
    handle(&mut console);
    console.shows(&text);
    console.types("\t");
    console.shows("[ handle");
    console.types("\r");
    console.shows("undoes it");
    assert_eq!(console.quit(), 0);
    assert!(!kept(&home).contains("asked by phone"), "{}", kept(&home));
}

#[test]
fn the_last_place_comes_back_with_what_was_named_and_marked() {
    let home = Home::new();
    let _server = served(&home);
    let mut console = Terminal::open(&home, &[]);
    console.shows("first-agent");
    console.types("2/outcome:escalated\r");
    console.shows("/ outcome:escalated");
    console.shows("2 of ");
    console.types("sasked\r");
    console.shows("the filter is kept as `asked`");
    console.types("kb");
    console.shows(", 1 in all");
    assert_eq!(console.quit(), 0);
    let shown = home.ok(&["log", "--saved", "asked", "entity:crm/lead/*"]);
    assert!(shown.contains("crm/lead/zoe") && !shown.contains("crm/contact/acme"), "{shown}");
    assert!(home.run(&["log", "--saved", "other"]).err.contains("it keeps asked"));
    let mode = |path: PathBuf| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(file(&home)), mode(home.dir.path().join(".local/state/deeds"))), (0o600, 0o700));

    let mut again = Terminal::open(&home, &[]);
    again.shows("default ▸ log");
    again.shows("/ outcome:escalated");
    again.shows("held");
    again.types(":asked");
    again.shows("filter: outcome:escalated");
    again.types("\x15bookmark #");
    again.shows("in the log");
    again.types("\x1b");
    // A frame, and another console that keeps nothing, begin where they always did, and leave what is kept alone.
    let before = kept(&home);
    assert!(home.ok(&["screen", "inbox"]).contains("default ▸ inbox"));
    let mut like = home.command(&[]);
    like.env("DEEDS_KEEP", "false");
    let mut forgetful = Terminal::open_like(&home, &like);
    forgetful.shows("default ▸ inbox");
    forgetful.types("4");
    forgetful.shows("default ▸ conflicts");
    assert_eq!(forgetful.quit(), 0);
    assert_eq!(kept(&home), before);
    assert_eq!(again.quit(), 0);
}

#[test]
fn a_broken_file_is_said_and_set_aside_and_two_consoles_keep_what_the_other_does() {
    let home = Home::new();
    let _server = served(&home);
    std::fs::create_dir_all(file(&home).parent().unwrap()).unwrap();
    std::fs::write(file(&home), "{\"version\":1,").unwrap();
    let mut one = Terminal::open(&home, &[]);
    one.shows("can't be read, so what was kept is lost");
    let mut other = Terminal::open(&home, &[]);
    other.shows("default ▸ inbox");
    for (console, key) in [(&mut one, "1"), (&mut other, "2")] {
        console.types("2");
        console.shows("default ▸ log");
        console.types("/outcome:escalated\r");
        console.shows("2 of ");
        console.types(if key == "1" { "gb" } else { "Gb" });
        console.shows(", 1 in all");
    }
    assert_eq!((one.quit(), other.quit()), (0, 0));
    let all: Value = serde_json::from_str(&kept(&home)).unwrap();
    let ledgers = all["ledgers"].as_object().unwrap();
    assert_eq!(ledgers.len(), 1, "{all}");
    let (name, ledger) = ledgers.iter().next().unwrap();
    assert!(name.starts_with("urn:uuid:"), "{all}");
    assert_eq!(ledger["bookmarks"].as_array().unwrap().len(), 2, "{all}");
    let aside = std::fs::read_dir(file(&home).parent().unwrap()).unwrap();
    let names: Vec<String> = aside.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert!(names.iter().any(|name| name.starts_with("console.json.broken-")), "{names:?}");
}

/// The demo in a directory that is thrown away keeps nothing; in one that is named, what it keeps is there.
#[test]
fn the_demo_leaves_the_persons_own_file_alone() {
    let home = Home::new();
    let own = home.dir.path().join("demo");
    for arguments in [vec!["demo"], vec!["--data-dir", own.to_str().unwrap(), "demo"]] {
        let mut like = Command::new(env!("CARGO_BIN_EXE_deeds"));
        like.env_clear().env("HOME", home.dir.path()).env("DEEDS_LISTEN", "127.0.0.1:0").args(&arguments);
        let mut demo = Terminal::open_like(&home, &like);
        demo.shows("▸ inbox");
        demo.types("6");
        demo.shows("▸ work");
        assert_eq!(demo.quit(), 0);
    }
    assert!(!file(&home).exists());
    assert!(std::fs::read_to_string(own.join("console.json")).unwrap().contains("\"view\":\"work\""));
}

/// Waits for nothing but the file: what is typed is in it while the console goes on.
#[test]
fn what_is_typed_is_written_while_it_is_typed() {
    let home = Home::new();
    let _server = served(&home);
    let mut console = Terminal::open(&home, &[]);
    console.shows("first-agent");
    handle(&mut console);
    console.types("half a sen");
    console.shows("half a sen");
    let give_up = Instant::now() + PATIENCE;
    while !kept(&home).contains("half a sen") {
        assert!(Instant::now() < give_up, "{}", kept(&home));
        std::thread::sleep(Duration::from_millis(20));
    }
    console.signal(Signal::KILL);
}
