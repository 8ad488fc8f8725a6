//! Text that a terminal would obey or hide, sent by an agent and printed by every command that lists something.

use serde_json::{Value, json};

use crate::run::{Home, Said};
use crate::server::{Server, ask};

/// Escape, C1, bidi override and isolate, zero width, byte order mark, tag, carriage return, line break, bell.
const HOSTILE: &str = "x\u{1b}[2J\u{9b}31m\u{202e}lxe\u{2066}\u{200b}\u{feff}\u{e0041}\r\nfake line\u{7}";
/// The same without control characters, which paths refuse.
const HOSTILE_NAME: &str = "x\u{202e}lxe\u{2066}\u{200b}\u{feff}\u{e0041}";

/// Whether a terminal would obey or hide it. Said again here, apart from the code that is tested.
fn raw(c: char) -> bool {
    (c.is_control() && c != '\n')
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
        || ('\u{e0000}'..='\u{e0fff}').contains(&c)
}

fn clean(what: &str, said: &Said) {
    for (name, text) in [("stdout", &said.out), ("stderr", &said.err)] {
        let found: Vec<char> = text.chars().filter(|c| raw(*c)).collect();
        assert!(found.is_empty(), "{what} prints {found:?} raw on {name}:\n{text:?}");
    }
}

/// An agent's writes, one escalated, one committed over another's read, and an escalation, hostile in every part.
fn team(home: &Home, server: &Server) {
    home.file(
        "team.toml",
        "workspace = \"default\"\ngovernance_owner = \"dana\"\n\n[[agent]]\nid = \"first-agent\"\nowner = \"dana\"\nwrites = [\"crm/**\"]\nescalates_to = \"inbox\"\n\n\
         [[agent]]\nid = \"other\"\nowner = \"dana\"\nwrites = [\"mail/**\"]\nescalates_to = \"inbox\"\n\n\
         [[queue]]\nname = \"inbox\"\nowner = \"dana\"\npriority = [\"other\", \"first-agent\"]\nreview = \"daily 09:00\"\n",
    );
    home.ok(&["map", "apply", "team.toml", "--reason", HOSTILE]);
    home.ok(&["tokens", "create", "agent", "other", "--out", "other.token"]);
    let own = home.data().join("tokens/default.first-agent");
    let other = home.dir.path().join("other.token");
    let entity = format!("crm/contact/{HOSTILE_NAME}");
    let write = |entity: &str| json!({ "entity": entity, "changes": { HOSTILE_NAME: HOSTILE }, "expected": { HOSTILE_NAME: 0 }, "reason": HOSTILE });
    let escalation = json!({ "subject": entity, "why": HOSTILE, "input": HOSTILE, "evidence": [] });
    for (who, path, body, outcome) in [
        (&own, "/v1/writes", write(&entity), "committed"),
        (&own, "/v1/writes", write(&entity), "stale"),
        (&other, "/v1/writes", write(&entity), "proposed"),
        (&other, "/v1/writes", write(&format!("hr/{HOSTILE_NAME}")), "escalated"),
        (&own, "/v1/escalations", escalation, "escalated"),
    ] {
        let (_, reply) = ask(&server.url, who, "POST", path, &body.to_string()).unwrap();
        assert_eq!(reply["outcome"], outcome, "{path} {body}: {reply}");
    }
}

#[test]
fn no_command_prints_what_a_terminal_would_obey_or_hide() {
    let home = Home::new();
    let server = Server::start(&home);
    team(&home, &server);
    let field = format!("crm/contact/{HOSTILE_NAME}#{HOSTILE_NAME}");
    let entity = format!("crm/contact/{HOSTILE_NAME}");
    let shown: &[(&[&str], &str)] = &[
        (&["inbox", "list"], "‹U+202E›"),
        (&["inbox", "show", "1"], "‹U+202E›"),
        (&["inbox", "show", "2"], "‹U+009B›"),
        (&["inbox", "answer", "1", "--dry-run", "expand"], "‹U+202E›"),
        (&["log"], "‹U+001B›"),
        (&["alerts"], "‹U+202E›"),
        (&["work", "--agent", "first-agent"], "‹U+202E›"),
        (&["who-owns", &field], "‹U+009B›"),
        (&["trace", &entity], "‹U+202E›"),
        (&["trace", "6"], "‹U+202E›"),
        (&["trace", "crm/none\u{202e}"], "‹U+202E›"),
        (&["screen", "log"], "‹U+"),
        (&["override", "set", &field, HOSTILE, "--reason", HOSTILE], "‹U+202E›"),
        (&["override", "set", &field, HOSTILE, "--expected", "1", "--reason", HOSTILE], "‹U+202E›"),
        (&["inbox", "show", "99"], ""),
        (&["log", "nonsense\u{9b}:x\u{202e}"], "\\u{9b}"),
    ];
    for (command, sign) in shown {
        let said = home.run(command);
        clean(&format!("{command:?}"), &said);
        let text = format!("{}{}", said.out, said.err);
        assert!(text.contains(sign), "{command:?} does not show {sign}:\n{text}");

        // For programs it is the same text, escaped.
        let command: Vec<&str> = command.iter().copied().chain(["--json"]).collect();
        clean(&format!("{command:?}"), &home.run(&command));
    }

    let line = home.ok(&["log", "action:write outcome:committed", "--json"]);
    let deed: Value = serde_json::from_str(line.trim()).unwrap();
    assert_eq!(deed["data"]["reason"], HOSTILE, "nothing is lost by escaping");
    clean("a part of the log", &home.run(&["log", "action:write", "--export", "jsonl"]));
    // The whole chain stays byte for byte, or it would not verify.
    let whole = home.ok(&["log", "--export", "jsonl"]);
    home.file("deeds.jsonl", &whole);
    assert!(home.ok(&["verify", "--export", "deeds.jsonl"]).contains("holds"));
}
