//! The console read out in a real pseudo-terminal: what a screen reader would be given, from the first line to the last.

use serde_json::json;

use crate::run::Home;
use crate::server::ask;
use crate::terminal::Terminal;

/// What may be written beside text: bracketed paste on and off.
const MODES: [&str; 2] = ["\x1b[?2004h", "\x1b[?2004l"];

/// An agent asks for what nobody owns, or somebody else does.
fn write(home: &Home, token: &str, entity: &str, value: &str) {
    let text = std::fs::read_to_string(home.data().join("served.json")).unwrap();
    let serving: serde_json::Value = serde_json::from_str(&text).unwrap();
    let url = format!("http://{}", serving["address"].as_str().unwrap());
    let agent = home.data().join("tokens").join(token);
    let body = json!({ "entity": entity, "changes": { "status": value }, "expected": { "status": 0 } });
    ask(&url, &agent, "POST", "/v1/writes", &body.to_string()).unwrap();
}

/// Nothing but lines that are added to: no escape sequence beside the input modes, no way back within a line, no boxes.
fn only_adds(log: &str) {
    let text = MODES.iter().fold(log.to_owned(), |text, mode| text.replace(mode, ""));
    let text = text.replace("\r\n", "\n");
    let odd = text.chars().find(|c| {
        (c.is_control() && *c != '\n' && *c != '\x07')
            || matches!(*c, '\u{2500}'..='\u{259f}' | '\u{25a0}'..='\u{25ff}')
    });
    assert_eq!(odd, None, "in\n{text}");
    for line in text.lines() {
        assert!(!line.contains("    ") && !line.ends_with("  "), "columns are left in {line:?}");
    }
}

#[test]
fn a_day_is_told_in_lines_from_case_to_alert() {
    let home = Home::new();
    let mut console = Terminal::open(&home, &["--linear"]);
    console.says("Inbox. 0 wait here.");
    console.says("Nothing has happened here yet");
    console.says("curl");
    write(&home, "default.first-agent", "crm/contact/acme", "new\u{1b}[2J\u{202e}\r");
    console.says("New case #1 from agent first-agent: ");
    console.says("1 of 1: due ");
    console.says("from agent first-agent, case ");

    // The case in whole, its end, and what a key does that does nothing here.
    console.types("\r");
    console.says("#1");
    console.says("input: ");
    console.says("why: ");
    console.types("\x1b");
    console.says("1 of 1: due ");

    // An answer that needs a note: the case is read before the box, the field on focus, the text once more when it is left.
    console.types("h");
    console.says("note, text, needed: ");
    console.types("done by phone");
    console.says("done by phone");
    console.types("\r");
    console.says("note: done by phone");
    console.says("cancel, chosen; enter presses it");
    console.types("\x1b[C");
    console.says("handle, chosen; enter presses it");
    console.types("\r");
    console.says("#1");
    console.says("No decision waits");

    // Every view has its name, and something to say.
    for (key, name) in
        [("2", "Log."), ("3", "Map."), ("4", "Conflicts."), ("5", "Agents."), ("6", "Work."), ("7", "Watch.")]
    {
        console.types(key);
        console.says(name);
    }
    console.types("2");
    console.says("Log.");
    console.types("g");
    console.says("1 of ");
    console.says("outcome ");
    console.types("?");
    console.says("Keys of the log");
    console.says("One line up");
    console.types("\x1b");
    console.says("1 of ");

    // The past is told as such.
    console.types("@");
    console.says("Look at how it was.");
    console.types("-1s\r");
    console.says("as of ");
    console.says(", deed ");
    console.types("\x7f");
    console.says("back in the present");

    follows_an_alert(&home, &mut console);
    reviews(&home, &mut console);
    assert_eq!(console.quit(), 0);
    only_adds(&console.log());
    assert!(
        console.log().contains("= new‹U+001B›[2J‹U+202E›"),
        "text is shown as what it is:\n{}",
        console.log()
    );
}

/// A review is told like everything else: the case, what is predicted and who is told, the box, and the card.
fn reviews(home: &Home, console: &mut Terminal) {
    write(home, "default.first-agent", "crm/lead/zoe/plan", "new");
    console.says("New case #3 from agent first-agent: ");
    console.types("1");
    console.says("Inbox. 1 wait here.");
    console.types("R");
    console.says("review, 1 of 1");
    console.says("why: ");
    console.says("answer: expand first-agent: ");
    console.says("suggested: ");
    console.says("tells: agent first-agent");
    console.says("settles: this case");
    console.types(" ");
    console.says("expand, chosen; enter presses it");
    console.types("\r");
    console.says("Review ended");
    console.says("1 of 1 gone through");
    console.says("map v");
}

/// A zone grows, somebody else writes there, and the alert is followed to what it says.
fn follows_an_alert(home: &Home, console: &mut Terminal) {
    write(home, "default.first-agent", "crm/lead/zoe", "new");
    console.says("New case #2 from agent first-agent: ");
    console.types("1");
    console.says("Inbox. 1 wait here.");
    console.types("e");
    console.says("settles: ");
    console.types("\x1b[C");
    console.says("expand, chosen; enter presses it");
    console.types("\r");
    console.says("No decision waits");
    home.ok(&["tokens", "create", "agent", "other", "--out", "data/tokens/other"]);
    write(home, "other", "crm/lead/zoe", "lost");
    console.says("New alert #1, ");
    console.says("not-owner on crm/lead/zoe");
    console.types("4");
    console.says("Conflicts.");
    console.says("kind not-owner");
    console.types("\r");
    console.says("not-owner #1");
    console.says("other");
}
