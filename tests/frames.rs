//! Every view in four sizes: what is drawn, how it looks in a dark terminal, in a light one and in one without colours, what is
//! drawn in ASCII; and what is told in lines. `INSTA_UPDATE=always cargo test --test frames` accepts what is there now.
//!
//! Looks are told by letters, each a style of the legend; a line of them is written as runs: `a23 b4` are 23 cells of the
//! first and four of the second.
#![expect(clippy::unwrap_used, reason = "a failed step fails the test, wherever it stands")]

#[path = "keys/chance.rs"]
mod chance;
#[path = "keys/team.rs"]
mod team;

use std::fmt::Write as _;

use chance::Chance;
use deeds::console::app::{App, Settings};
use deeds::console::linear::Teller;
use deeds::console::place::View;
use deeds::console::run::Program as _;
use deeds::console::testing::team::Team;
use deeds::console::testing::{Runner, buffer, text};
use deeds::console::theme::{Choice, Colours, Depth, Rgb, Surroundings};
use deeds::console::world::Me;
use deeds::domain::ids::PersonId;
use deeds::domain::things::TokenClass;
use ratatui::buffer::Buffer;
use ratatui::style::{Modifier, Style};

const SIZES: [(u16, u16); 4] = [(60, 20), (80, 24), (120, 36), (200, 60)];
/// Decides what the team did.
const SEED: u64 = 7;
/// Frames until a view has asked for all that there is room for.
const FRAMES: usize = 3;

/// A console on a view of one and the same team.
fn console(settings: Settings, (width, height): (u16, u16)) -> Runner<App> {
    let mut team: Team = team::team("frames", &mut Chance::new(SEED));
    let me = Me { person: PersonId::new("dana").unwrap(), class: TokenClass::Admin };
    let mut runner = team.console(me, settings, width, height);
    for _ in 0..FRAMES {
        runner.screen_text();
        team.serve(&mut runner);
    }
    runner
}

/// A terminal with every colour on a background of this grey.
fn full(grey: u8) -> Surroundings {
    let background = Some(Rgb(grey, grey, grey));
    Surroundings {
        depth: Depth::True,
        colours: Colours { background, ..Colours::default() },
        ..Surroundings::default()
    }
}

fn drawn(settings: Settings, size: (u16, u16)) -> Buffer {
    buffer(&console(settings, size).program, size.0, size.1).unwrap()
}

/// The looks of a frame: a legend, and each line as runs.
fn looks(buffer: &Buffer) -> String {
    let (mut legend, mut lines): (Vec<Style>, String) = (Vec::new(), String::new());
    for row in buffer.content.chunks(usize::from(buffer.area.width)) {
        let mut runs: Vec<(usize, usize)> = Vec::new();
        for cell in row {
            let style = cell.style();
            let at = legend.iter().position(|known| *known == style).unwrap_or_else(|| {
                legend.push(style);
                legend.len() - 1
            });
            match runs.last_mut() {
                Some((last, cells)) if *last == at => *cells += 1,
                _ => runs.push((at, 1)),
            }
        }
        let runs: Vec<String> = runs.iter().map(|(at, cells)| format!("{}{cells}", letter(*at))).collect();
        writeln!(lines, "{}", runs.join(" ")).unwrap();
    }
    let named: Vec<String> =
        legend.iter().enumerate().map(|(at, style)| format!("{} {}", letter(at), named(style))).collect();
    format!("{}\n{lines}", named.join(", "))
}

fn letter(at: usize) -> char {
    char::from(b'a' + u8::try_from(at).unwrap())
}

fn named(style: &Style) -> String {
    let colour = |name: &str, colour: Option<ratatui::style::Color>| {
        colour
            .filter(|colour| *colour != ratatui::style::Color::Reset)
            .map(|colour| format!("{name}{colour}"))
    };
    let more = [Modifier::BOLD, Modifier::DIM, Modifier::ITALIC, Modifier::UNDERLINED, Modifier::REVERSED];
    let more = more.into_iter().filter(|more| style.add_modifier.contains(*more));
    let more = more.map(|more| format!("{more:?}").to_lowercase());
    let words: Vec<String> =
        colour("", style.fg).into_iter().chain(colour("on ", style.bg)).chain(more).collect();
    if words.is_empty() { "plain".to_owned() } else { words.join(" ") }
}

fn frames_of(view: View) {
    let settings = |theme| Settings { view, theme, surroundings: full(16), ..Settings::default() };
    for size in SIZES {
        let dark = drawn(settings(Choice::TrueDark), size);
        let light = drawn(Settings { surroundings: full(250), ..settings(Choice::TrueLight) }, size);
        let no_colour = Surroundings { no_color: true, ..Surroundings::default() };
        let mono = drawn(Settings { surroundings: no_colour, ..settings(Choice::Auto) }, size);
        assert_eq!(text(&dark), text(&light));
        assert_eq!(text(&dark), text(&mono), "what is not told by colour is told by words and signs");
        let ascii = text(&drawn(Settings { ascii: true, ..settings(Choice::TrueDark) }, size));
        assert!(ascii.is_ascii(), "{ascii}");
        let all = [
            ("DRAWN", text(&dark)),
            ("DARK", looks(&dark)),
            ("LIGHT", looks(&light)),
            ("MONO", looks(&mono)),
            ("ASCII", ascii),
        ];
        let all: Vec<String> = all.into_iter().map(|(name, frame)| format!("{name}\n{frame}")).collect();
        insta::assert_snapshot!(format!("{}_{}x{}", view.name(), size.0, size.1), all.join("\n"));
    }
    let mut runner = console(Settings { linear: true, ..settings(Choice::Auto) }, (80, 24));
    insta::assert_snapshot!(
        format!("{}_linear", view.name()),
        Teller::default().tell(runner.program.scene(), true)
    );
}

macro_rules! views {
    ($($test:ident $view:ident;)*) => {
        $(#[test] fn $test() { frames_of(View::$view); })*

        #[test]
        fn every_view_is_among_them() {
            assert_eq!([$(View::$view),*], View::ALL);
        }
    };
}

views! {
    the_inbox Inbox;
    the_log Log;
    the_map Map;
    the_conflicts Conflicts;
    the_agents Agents;
    the_work Work;
    the_watch Watch;
}
