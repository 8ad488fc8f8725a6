//! What a console sends beside its screen, in a real pseudo-terminal: notifications and links, where the terminal is known to have
//! them, with what agents wrote in them.

use crate::run::Home;
use crate::server::Server;
use crate::terminal::Terminal;

const TEAM: &str = r#"
workspace = "default"
governance_owner = "dana"

[[agent]]
id = "sales"
owner = "dana"
writes = ["crm/**"]

[[contradiction]]
name = "double truth"
all = ["crm/contact/{id}#name = 'sourced'", "crm/deal/{id}#stage = 'uncontacted'"]

[[queue]]
name = "inbox"
owner = "dana"
review = "daily 09:00"
priority = ["sales"]
"#;
/// An address, and one behind a link of the writer's own making.
const HOSTILE: &str = "see https://good.example/page?x=1 \u{1b}]8;;https://evil.example\u{1b}\\click";

fn open(home: &Home, environment: &[(&str, &str)]) -> Terminal {
    let mut like = home.command(&[]);
    like.envs(environment.iter().copied());
    let console = Terminal::open_like(home, &like);
    console.shows("default ▸ inbox");
    console
}

/// An alert that is critical, and a case in which an agent wrote addresses.
fn happen(home: &Home, id: &str) {
    home.ok(&["write", &format!("crm/deal/{id}"), "stage=uncontacted", "--as", "sales"]);
    home.ok(&["write", &format!("crm/contact/{id}"), "name=sourced", "--as", "sales"]);
    home.run(&["write", &format!("hr/{id}"), "note=x", "--reason", HOSTILE, "--as", "sales"]);
}

#[test]
fn a_terminal_that_is_known_notifies_and_links_to_what_is_shown_and_another_rings() {
    let home = Home::new();
    home.file("team.toml", TEAM);
    home.ok(&["map", "apply", "team.toml", "--reason", "sales joins"]);
    let _server = Server::start(&home);
    let notify = ("DEEDS_NOTIFY", "terminal");
    let mut known = open(&home, &[notify, ("TERM", "xterm-kitty")]);
    let mut unknown = open(&home, &[notify]);
    let mut plain = open(&home, &[notify, ("TERM", "xterm-kitty"), ("DEEDS_LINKS", "false")]);
    happen(&home, "7");
    known.says(
        "\x1b]99;i=deeds:d=0;deeds default\x1b\\\x1b]99;i=deeds:p=body;critical alert #1, contradiction: ",
    );
    for console in [&mut known, &mut unknown, &mut plain] {
        console.shows("#note = x");
        console.types("j");
        console.shows("https://good.example/page?x=1");
    }
    let log = known.log();
    assert!(log.contains("\x1b]8;;https://good.example/page?x=1\x1b\\"), "{log:?}");
    for console in [&known, &unknown, &plain] {
        assert!(console.text().contains("‹U+001B›"), "{}", console.text());
        assert!(!console.log().contains("evil.example\x1b\\click"), "{:?}", console.log());
    }
    let log = unknown.log();
    assert!(log.contains('\x07') && !log.contains("\x1b]99;") && !log.contains("\x1b]8;"), "{log:?}");
    assert!(!plain.log().contains("\x1b]8;"), "{:?}", plain.log());
}

/// There is none here. It is said, and the console goes on.
#[test]
fn a_desktop_that_is_not_there_is_said() {
    let home = Home::new();
    home.file("team.toml", TEAM);
    home.ok(&["map", "apply", "team.toml", "--reason", "sales joins"]);
    let _server = Server::start(&home);
    let nowhere = ("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere/bus");
    let mut console = open(&home, &[("DEEDS_NOTIFY", "desktop"), nowhere]);
    happen(&home, "7");
    console.shows("the desktop shows no notifications");
    console.types("2");
    console.shows("default ▸ log");
    assert_eq!(console.quit(), 0);
}
