//! The ten tasks of a day, typed into the real binary in a pseudo-terminal: how many keys each takes, and that it is done then.
//!
//! Counted are the keys beside the text that is typed. The bounds are upper bounds: none may grow.

#[path = "common/patience.rs"]
#[expect(dead_code, reason = "shared with other tests, which use the rest of it")]
mod patience;
#[path = "cli/run.rs"]
#[expect(dead_code, reason = "shared with other tests, which use the rest of it")]
mod run;
#[path = "common/terminal.rs"]
#[expect(dead_code, reason = "shared with other tests, which use the rest of it")]
mod terminal;

use run::Home;
use terminal::Terminal;

const TEAM: &str = r#"
workspace = "default"
governance_owner = "dana"

[[agent]]
id = "sales"
owner = "dana"
writes = ["crm/deal/*", "crm/contact/*#name"]

[[agent]]
id = "support"
owner = "dana"
writes = ["crm/account/*#health"]

[[queue]]
name = "ops"
owner = "dana"
review = "daily 09:00"
priority = ["support", "sales"]
"#;

const ENTER: &str = "\r";
const TAB: &str = "\t";
const SHIFT_TAB: &str = "\x1b[Z";

/// What is typed, and what is on the screen then.
enum Typed {
    /// One key.
    Key(&'static str, &'static str),
    /// Text, which is not counted, with the completion of it.
    Text(&'static str, &'static str),
}
use Typed::{Key, Text};

struct Task {
    what: &'static str,
    /// The most keys that it may take.
    keys: usize,
    /// Where the reader is before, by the key of a view, and what is shown there; not counted, nor is the way to the row that
    /// it is about.
    from: (&'static str, &'static str),
    typed: &'static [Typed],
    /// A command that shows what has come of it, with words of what it prints; none where the screen is all.
    told: Option<(&'static [&'static str], &'static str)>,
}

/// In the order of a day. Answering takes the keys that are named and the one that confirms.
const TASKS: [Task; 10] = [
    Task {
        what: "answer one case",
        keys: 2 + 1,
        from: ("1", "crm/note/1#text"),
        typed: &[
            Key("e", "+ support.writes crm/note/1"),
            Key(TAB, "[ expand"),
            Key(ENTER, "expanded; `u` undoes it"),
        ],
        told: Some((&["who-owns", "crm/note/1#text"], "support")),
    },
    Task {
        what: "settle four alike",
        keys: 3,
        from: ("1", "×4"),
        typed: &[
            Key("e", "+ sales.writes crm/contact/"),
            Key(TAB, "[ expand"),
            Key(ENTER, "and 3 alike expanded"),
        ],
        told: Some((&["inbox", "list"], "nothing waits")),
    },
    Task {
        what: "hold the log and copy a deed",
        keys: 3,
        from: ("2", "following"),
        typed: &[Key("f", "held"), Key("k", "held"), Key("y", "sent to the terminal")],
        told: None,
    },
    Task {
        what: "trace what happened to an entity",
        keys: 1,
        from: ("2f", "following"),
        typed: &[Key("t", "entity:crm/")],
        told: None,
    },
    Task {
        what: "who owns a path",
        keys: 2,
        from: ("1", "▸ inbox"),
        // The list completes what is typed, and the page of the first in it is shown below.
        typed: &[Key(":", "Go to:"), Text("acchealth", "support writes it"), Key(ENTER, "▸ map")],
        told: None,
    },
    Task {
        what: "the first cause of a deed",
        keys: 1,
        from: ("2", "crm/deal/1"),
        typed: &[Key("c", "cause")],
        told: None,
    },
    Task {
        what: "compare two versions of the map",
        keys: 2,
        from: ("1", "▸ inbox"),
        typed: &[Key("3", "▸ map"), Key("[", ".writes crm/")],
        told: None,
    },
    Task {
        what: "pause an agent",
        keys: 3,
        from: ("5j", "▌ "),
        typed: &[
            Key("P", "Pause sales"),
            Text("it writes nonsense", "it writes nonsense"),
            Key(SHIFT_TAB, "[ pause"),
            Key(ENTER, " is paused"),
        ],
        told: Some((&["log", "--json"], "it writes nonsense")),
    },
    Task {
        what: "pause everything",
        keys: 3,
        from: ("1", "▸ inbox"),
        typed: &[
            Key("!", "Pause every agent"),
            Text("something is very wrong", "something is very wrong"),
            Key(SHIFT_TAB, "[ pause all"),
            Key(ENTER, "every agent is paused"),
        ],
        told: Some((&["log", "--json"], "something is very wrong")),
    },
    Task {
        what: "who last changed a record, and why",
        keys: 2,
        from: ("1", "▸ inbox"),
        typed: &[Key(":", "Go to:"), Text("crm/deal/1", "crm/deal/1"), Key(ENTER, "the customer signed")],
        told: None,
    },
];

/// A whole review by keys: predicted answers are taken, one of them with a case alike, one case is left with a reason, one
/// handled; the card and the ledger say the same.
#[test]
fn a_review_from_its_first_key_to_its_card() {
    let home = Home::new();
    home.file("team.toml", TEAM);
    home.ok(&["map", "apply", "team.toml", "--reason", "two join"]);
    write(&home, "support", "crm/note/1", "text=hello", "they called");
    write(&home, "sales", "crm/contact/1", "score=1", "scored");
    write(&home, "sales", "crm/contact/2", "score=2", "scored");
    write(&home, "sales", "crm/meeting/1", "room=3", "booked");
    write(&home, "sales", "crm/call/1", "length=9", "counted");
    let mut console = Terminal::open(&home, &[]);
    console.shows("1 inbox 5");
    let keys = [
        ("R", "1 of 5"),
        ("", "+ support.writes crm/note/1"),
        (" ", "[ expand"),
        (ENTER, "2 of 5"),
        ("", "this case and 1 alike"),
        (" ", "[ expand"),
        (ENTER, "4 of 5"),
        ("l", "for later"),
        ("legal answers on Friday", "answers on Friday"),
        (ENTER, "[ cancel"),
        (TAB, "[ leave"),
        (ENTER, "5 of 5"),
        ("h", "by hand"),
        ("counted by hand", "counted by hand"),
        (ENTER, "[ cancel"),
        (TAB, "[ handle"),
        (ENTER, "Review ended"),
        ("", "5 of 5 gone through"),
        ("", "1  left with a reason"),
        ("", "+ support.writes crm/note/1"),
    ];
    for (typed, shown) in keys {
        console.types(typed);
        console.shows(shown);
    }
    assert_eq!(console.quit(), 0);
    let ended = home.ok(&["log", "--json"]);
    assert!(ended.contains("\"put_off\":1") && ended.contains("\"alike\":1"), "{ended}");
    let told = home.ok(&["review", "status"]);
    assert!(told.contains("4 answered") && told.contains("1 left with a reason"), "{told}");
}

fn write(home: &Home, agent: &str, entity: &str, change: &str, why: &str) {
    let said = home.run(&["write", entity, change, "--reason", why, "--as", agent]);
    assert!(!said.out.is_empty(), "{said:?}");
}

/// A day's beginning: five cases wait, four of them alike.
fn morning() -> Home {
    let home = Home::new();
    home.file("team.toml", TEAM);
    home.ok(&["map", "apply", "team.toml", "--reason", "two join"]);
    write(&home, "sales", "crm/deal/1", "stage=won", "the customer signed");
    write(&home, "support", "crm/account/1", "health=good", "quarterly check");
    write(&home, "support", "crm/note/1", "text=hello", "they called");
    for no in 1..=4 {
        write(&home, "sales", &format!("crm/contact/{no}"), &format!("score={no}"), "scored");
    }
    home
}

#[test]
fn the_tasks_of_a_day_take_no_more_keys_than_they_may() {
    let home = morning();
    let mut console = Terminal::open(&home, &[]);
    console.shows("1 inbox 5");
    for task in &TASKS {
        let (view, shown) = task.from;
        console.types(view);
        console.shows(shown);
        let mut keys = 0;
        for typed in task.typed {
            let (bytes, shows, counts) = match typed {
                Key(key, shows) => (key, shows, 1),
                Text(text, shows) => (text, shows, 0),
            };
            console.types(bytes);
            console.shows(shows);
            keys += counts;
        }
        assert!(keys <= task.keys, "{}: {keys} keys, and {} at most", task.what, task.keys);
        if let Some((command, says)) = task.told {
            let told = home.ok(command);
            assert!(told.contains(says), "{}: {says:?} is not in\n{told}", task.what);
        }
        eprintln!("{:<40} {keys} of {}", task.what, task.keys);
        // Whatever is open is closed; the next task begins in a view.
        for _ in 0..3 {
            console.types("\x1b");
            std::thread::sleep(std::time::Duration::from_millis(120));
        }
    }
    assert_eq!(console.quit(), 0);
}
