//! A console at the end of a slow line: what it spares, and that no key decides about what its presser has not seen.

#[path = "common/patience.rs"]
#[expect(dead_code, reason = "shared with other tests, which use the rest of it")]
mod patience;
#[path = "cli/run.rs"]
#[expect(dead_code, reason = "shared with other tests, which use the rest of it")]
mod run;
#[path = "common/terminal.rs"]
#[expect(dead_code, reason = "shared with other tests, which use the rest of it")]
mod terminal;

use std::thread::sleep;
use std::time::{Duration, Instant};

use patience::PATIENCE;
use run::Home;
use terminal::Terminal;

const TEAM: &str = r#"
workspace = "default"
governance_owner = "dana"

[[agent]]
id = "sales"
owner = "dana"
writes = ["crm/deal/*"]

[[queue]]
name = "ops"
owner = "dana"
review = "daily 09:00"
"#;

/// The beginning of a frame.
const FRAME: &str = "\x1b[?2026h";

/// A workspace with this many cases: inputs that nobody owns.
fn home(cases: u32) -> Home {
    let home = Home::new();
    home.file("team.toml", TEAM);
    home.ok(&["map", "apply", "team.toml", "--reason", "one joins"]);
    for no in 1..=cases {
        let said = home.run(&["write", &format!("crm/note/{no}"), "text=hello", "--as", "sales"]);
        assert!(!said.out.is_empty(), "{said:?}");
    }
    home
}

#[test]
fn a_key_decides_only_about_what_its_presser_can_have_seen() {
    let home = home(2);
    let mut console = Terminal::open_far(&home, &[], Duration::from_secs(1));
    console.shows("1 inbox 2");
    console.shows("ms away");
    home.ok(&["inbox", "answer", "1", "out-of-scope", "nobody needs it"]);
    let give_up = Instant::now() + PATIENCE;
    while !console.written().contains("1 inbox 1") {
        assert!(Instant::now() < give_up, "nothing came of it:\n{}", console.written());
        sleep(Duration::from_millis(10));
    }
    assert!(console.text().contains("1 inbox 2"), "this must be typed before it is seen");
    console.types("e");
    console.shows("was typed before this was shown, and was not taken");
    console.types("e");
    console.shows("Expand a scope for #2");
}

#[test]
fn a_line_that_is_slow_gets_five_frames_a_second() {
    let home = home(0);
    let mut console = Terminal::open_far(&home, &[], Duration::from_millis(150));
    console.shows("ms away");
    console.types("2");
    console.shows("following");
    let (from, begun) = (console.log().len(), Instant::now());
    let mut deeds = 0;
    while begun.elapsed() < Duration::from_secs(3) || deeds < 40 {
        home.ok(&["write", &format!("crm/deal/{deeds}"), "stage=won", "--as", "sales"]);
        deeds += 1;
    }
    let seconds = begun.elapsed().as_secs_f64();
    let frames = u32::try_from(console.log().split_at(from).1.matches(FRAME).count()).unwrap();
    eprintln!("{deeds} deeds in {seconds:.1} s: {frames} frames");
    assert!(f64::from(frames) <= seconds * 5.0 + 2.0, "{frames} frames for {deeds} deeds in {seconds:.1} s");
    assert!(frames > 2, "nothing was drawn");
}
