//! One whole frame drawn into a buffer, beside ratatui drawing the same text as a plain paragraph.

use std::hint::black_box;
use std::time::Instant;

use ratatui::backend::TestBackend;
use ratatui::widgets::Paragraph;
use ratatui::{Frame, Terminal};
use serde_json::json;

use crate::figures::{RUNS, median_and_largest};
use deeds::console::app::{App, Settings};
use deeds::console::place::View;
use deeds::console::run::Program as _;
use deeds::console::testing::Runner;
use deeds::console::testing::team::Team;
use deeds::console::world::{Me, RECENT};
use deeds::domain::ids::PersonId;
use deeds::domain::path::EntityPath;
use deeds::domain::things::TokenClass;

const WIDTH: u16 = 120;
const HEIGHT: u16 = 40;
/// Cases that wait in the inbox.
const ITEMS: u32 = 1_000;
/// Frames in one run of one side.
const FRAMES: u32 = 2_000;

const MAP: &str = r#"
workspace = "bench"
governance_owner = "dana"

[[agent]]
id = "intake"
role = "Qualifies inbound leads"
owner = "dana"
writes = ["crm/contact/*#name", "crm/contact/*#status"]

[[queue]]
name = "ops"
owner = "dana"
sla = "14d"
"#;

pub(crate) fn run() {
    println!(
        "draw: one frame of {WIDTH}×{HEIGHT}, {ITEMS} cases, {RECENT} recent deeds; reference: the same text as a paragraph"
    );
    let mut team = team();
    for view in [View::Inbox, View::Log] {
        let console = console(&mut team, view);
        let text = console.screen_text();
        let rows = text.lines().filter(|line| !line.is_empty()).count();
        assert!(rows > usize::from(HEIGHT) / 2, "a frame to be measured has something on it:\n{text}");
        let runs: Vec<(f64, f64)> = (0..RUNS).map(|_| (paragraph(&text), whole(&console))).collect();
        let (reference, _) = median_and_largest(runs.iter().map(|run| run.0));
        let (figure, _) = median_and_largest(runs.iter().map(|run| run.1));
        let (median, worst) = median_and_largest(runs.iter().map(|run| run.1 / run.0));
        println!(
            "{:>6}: reference {reference:>5.0} µs, frame {figure:>5.0} µs, ratio median {median:.2}, worst {worst:.2}",
            view.name()
        );
    }
}

/// A team whose agents have raised that many cases, half of them alike in tens.
fn team() -> Team {
    let mut team = Team::new(MAP, "2026-11-20T09:00:00Z".parse().unwrap()).unwrap();
    for n in 0..ITEMS {
        let command = if n % 2 == 0 {
            let field = format!("extra_{}", n / 20);
            json!({"do": "write", "entity": format!("crm/contact/c{n}"), "changes": {&field: n}, "expected": {&field: 0}})
        } else {
            json!({"do": "escalate", "subject": format!("crm/contact/c{n}"), "why": format!("reply outside template {n}"),
                "input": "We'd rather talk to your legal team about the terms of the renewal"})
        };
        team.agent("intake", command).unwrap();
    }
    assert_eq!(team.state.board.items.len(), ITEMS as usize);
    team
}

/// A console in that view that has heard as many deeds as it keeps.
fn console(team: &mut Team, view: View) -> Runner<App> {
    let me = Me { person: PersonId::new("dana").unwrap(), class: TokenClass::Admin };
    let mut console = team.console(me, Settings { view, ..Settings::default() }, WIDTH, HEIGHT);
    for n in 0..RECENT {
        let entity = format!("crm/contact/d{n}");
        let known = team.state.entities.get(&entity.parse::<EntityPath>().unwrap());
        let version = known.map_or(0, |entity| entity.version.0);
        let write = json!({"do": "write", "entity": entity, "changes": {"status": format!("state {version}")},
            "expected": {"status": version}, "reason": "form received"});
        team.agent("intake", write).unwrap();
    }
    team.serve(&mut console);
    console
}

/// Microseconds for a frame of the console.
fn whole(console: &Runner<App>) -> f64 {
    time(|frame| console.program.view(frame))
}

/// Microseconds for the same text without any thought.
fn paragraph(text: &str) -> f64 {
    time(|frame| frame.render_widget(Paragraph::new(text), frame.area()))
}

fn time(mut draw: impl FnMut(&mut Frame<'_>)) -> f64 {
    let mut terminal = Terminal::new(TestBackend::new(WIDTH, HEIGHT)).unwrap();
    terminal.draw(&mut draw).unwrap();
    let begun = Instant::now();
    for _ in 0..FRAMES {
        black_box(terminal.draw(&mut draw).unwrap());
    }
    begun.elapsed().as_secs_f64() * 1e6 / f64::from(FRAMES)
}
