//! One console in memory into which keys are pressed, and what is looked at after each.

use std::collections::VecDeque;
use std::io::Write as _;
use std::path::PathBuf;

use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

use super::team;
use crate::chance::Chance;
use deeds::console::app::{App, Settings};
use deeds::console::ask::{Heard, What};
use deeds::console::keymap::{Context, Keymap};
use deeds::console::message::Effect;
use deeds::console::place::View;
use deeds::console::testing::Runner;
use deeds::console::testing::team::Team;
use deeds::console::world::{Link, Me};
use deeds::domain::command::{AlertVerb, AwayVerb, Command, ItemVerb, OverrideVerb};
use deeds::domain::ids::PersonId;
use deeds::domain::things::{ItemAnswer, TokenClass};

/// Keys after which escape must lead back.
const HOME_AFTER: u64 = 40;
/// Keys that are told of a run that failed.
const TOLD: usize = 80;
const SIZES: [(u16, u16); 8] =
    [(120, 36), (120, 36), (80, 24), (60, 20), (200, 60), (44, 14), (30, 10), (9, 3)];
const PASTED: [&str; 5] = ["yes\r\n\r\n", "e\t\r", "crm/contact/acme#score", "\u{1b}[200~\u{1b}y", "q"];
/// What people do, so that boxes are opened, filled in and confirmed, and not only closed again.
const DEEDS: [&str; 19] = [
    "e tab enter",
    "* e tab enter",
    "h w h y enter tab enter",
    "o n o enter tab tab enter",
    "a tab enter",
    "R space enter",
    "space w enter tab enter",
    "l w enter tab enter",
    "x w enter tab enter",
    "u tab enter",
    "P w enter tab enter",
    "P w shift-tab enter",
    "! w enter tab enter",
    "F w up enter",
    "S s c o r e enter 7 enter w enter tab enter",
    "Z enter tab enter",
    "i tab enter",
    "r w enter tab enter",
    "E w enter tab enter",
];
const OFTEN: [&str; 14] = [
    "enter",
    "enter",
    "tab",
    "tab",
    "shift-tab",
    "up",
    "down",
    "left",
    "right",
    "pgdn",
    "pgup",
    "esc",
    "space",
    "backspace",
];

/// What was done to the console.
enum Done<'a> {
    Key(&'a str),
    /// Keys so fast that no frame came between them.
    Burst(&'a str),
    Pasted,
    Clicked,
    Nothing,
}

/// A console and what has been pressed.
pub(super) struct Round {
    view: View,
    chance: Chance,
    team: Team,
    runner: Runner<App>,
    keys: Vec<String>,
    last: VecDeque<String>,
    /// What is pressed next, where a row of keys was begun.
    next: VecDeque<String>,
    lost: bool,
    /// What was drawn last.
    shown: String,
    file: Option<PathBuf>,
    pub(super) pressed: u64,
    /// Decisions that left.
    pub(super) confirmed: u64,
    /// Times that enter was pressed where a button other than the safe one was chosen.
    pub(super) boxes: u64,
    /// Times that escape led back.
    pub(super) homes: u64,
}

impl Round {
    pub(super) fn new(view: View, class: TokenClass, mut chance: Chance) -> Self {
        let mut team = team::team(view.name(), &mut chance);
        let me = Me { person: PersonId::new("dana").unwrap(), class };
        let settings = Settings { view, ..Settings::default() };
        let runner = team.console(me, settings, 120, 36);
        Self {
            view,
            chance,
            team,
            runner,
            keys: every_key(),
            last: VecDeque::new(),
            next: VecDeque::new(),
            lost: false,
            shown: String::new(),
            file: None,
            pressed: 0,
            confirmed: 0,
            boxes: 0,
            homes: 0,
        }
    }

    /// The keys that were pressed last.
    pub(super) fn last_keys(&self) -> String {
        self.last.iter().cloned().collect::<Vec<_>>().join(" ")
    }

    fn note(&mut self, what: String) {
        if self.last.len() == TOLD {
            self.last.pop_front();
        }
        self.last.push_back(what);
    }

    /// One key, or what else happens.
    pub(super) fn step(&mut self) {
        self.happens_beside();
        let before = std::mem::take(&mut self.shown);
        let key = self.next_key();
        if self.next.is_empty() && self.chance.one_in(25) {
            let row = [key.as_str(), *self.chance.pick(&OFTEN), "tab", "enter"].join(" ");
            self.note(format!("({row})"));
            self.runner.send_keys_at_once(&row).unwrap();
            self.look(&Done::Burst(&row), &before);
        } else {
            self.note(key.clone());
            self.boxes += u64::from(key == "enter" && chosen(&before).is_some());
            self.runner.send_keys(&key).unwrap();
            self.look(&Done::Key(&key), &before);
        }
        self.pressed += 1;
        if self.pressed.is_multiple_of(HOME_AFTER) {
            self.goes_home();
        }
    }

    fn next_key(&mut self) -> String {
        if let Some(key) = self.next.pop_front() {
            return key;
        }
        match self.chance.below(10) {
            0..=3 => self.chance.pick(&self.keys).clone(),
            4..=6 => (*self.chance.pick(&OFTEN)).to_owned(),
            _ => {
                self.next = self.chance.pick(&DEEDS).split(' ').map(str::to_owned).collect();
                self.next.pop_front().unwrap()
            }
        }
    }

    /// What comes between two keys, if anything.
    fn happens_beside(&mut self) {
        match self.chance.below(30) {
            0..=3 => {
                team::happens(&mut self.team, &mut self.chance);
                self.note("<deed>".to_owned());
                self.team.news(&mut self.runner);
            }
            4 => {
                let (width, height) = *self.chance.pick(&SIZES);
                self.note(format!("<{width}x{height}>"));
                self.runner.resize(width, height);
            }
            5 => {
                let text = *self.chance.pick(&PASTED);
                self.note(format!("<paste {text:?}>"));
                let before = std::mem::take(&mut self.shown);
                self.runner.paste(text);
                return self.look(&Done::Pasted, &before);
            }
            6 => self.link(),
            7 | 8 => return self.click(),
            _ => return,
        }
        self.look(&Done::Nothing, "");
    }

    /// A click anywhere, sometimes dragged on; half of them where tabs and hints are.
    fn click(&mut self) {
        let (column, height) = (self.chance.below(120), self.chance.below(36));
        let row = *self.chance.pick(&[1, 35, height, height]);
        let (column, row) = (u16::try_from(column).unwrap(), u16::try_from(row).unwrap());
        self.note(format!("<click {column},{row}>"));
        let before = std::mem::take(&mut self.shown);
        let left = MouseButton::Left;
        for (kind, column) in [
            (MouseEventKind::Down(left), column),
            (MouseEventKind::Drag(left), column / 2),
            (MouseEventKind::Up(left), column / 2),
        ] {
            self.runner.mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE });
        }
        self.look(&Done::Clicked, &before);
    }

    /// The link is lost, or comes back with the board.
    fn link(&mut self) {
        self.lost = !self.lost && self.chance.one_in(2);
        self.note(format!("<link {}>", if self.lost { "lost" } else { "live" }));
        if self.lost {
            let lost = Link::Lost { retry_at: self.team.now, why: "it went away".to_owned() };
            return self.runner.server(Heard::Link(lost));
        }
        let me = self.runner.program.me();
        let board = self.team.board(me);
        self.runner.server(board);
        self.runner.server(Heard::Link(Link::Live { latency_ms: None }));
    }

    /// Holds every command that left against what was pressed and shown, then answers, sometimes late.
    fn look(&mut self, done: &Done<'_>, before: &str) {
        let mut edited = Vec::new();
        for effect in &self.runner.effects {
            match effect {
                Effect::Do(ask) => {
                    if let What::Command(command) = &ask.what {
                        let late = self.lost && !matches!(**command, Command::Review(_));
                        assert!(!late, "sent while the link is down: {command:?}");
                        self.confirmed += u64::from(is_confirmed(command, done, before));
                    }
                }
                Effect::Edit(file) => edited.push(file.clone()),
                Effect::Quit
                | Effect::Suspend
                | Effect::Redraw
                | Effect::Mouse(_)
                | Effect::Copy(..)
                | Effect::Bell
                | Effect::Notice(..)
                | Effect::Title(_)
                | Effect::ReadTheme => {}
            }
        }
        // Commands that were looked at are answered before the next key, so that none is looked at twice.
        self.serve();
        for file in edited {
            self.edit(file);
        }
        self.shown = self.runner.screen_text();
    }

    fn serve(&mut self) {
        if self.lost {
            self.runner.effects.clear();
        } else {
            self.team.serve(&mut self.runner);
        }
    }

    /// The person's editor: something is changed, or broken, or nothing is.
    fn edit(&mut self, file: PathBuf) {
        let more = *self.chance.pick(&[
            "",
            "\n[[agent]]\nid = \"more\"\nowner = \"dana\"\nwrites = [\"more/*\"]\n",
            "\n[[",
        ]);
        let mut open = std::fs::OpenOptions::new().append(true).open(&file).unwrap();
        open.write_all(more.as_bytes()).unwrap();
        let outcome = if self.chance.one_in(5) { Err("it ended with status 1".to_owned()) } else { Ok(()) };
        self.runner.server(Heard::Edited { file: file.clone(), outcome });
        self.file = Some(file);
        self.serve();
    }

    /// Three times escape lead to a view, wherever this was; then back to the view that this is about.
    fn goes_home(&mut self) {
        self.next.clear();
        self.runner.resize(120, 36);
        for key in ["esc", "esc", "esc"] {
            let before = self.runner.screen_text();
            self.runner.send_keys(key).unwrap();
            self.look(&Done::Key(key), &before);
        }
        let screen = self.runner.screen_text();
        self.runner.send_keys("?").unwrap();
        let help = self.runner.screen_text();
        assert!(help.contains("Keys of the "), "no way back by three times escape:\n{screen}\n{help}");
        self.runner.send_keys("esc").unwrap();
        let digit = View::ALL.iter().position(|view| *view == self.view).unwrap() + 1;
        self.runner.send_keys(&digit.to_string()).unwrap();
        self.look(&Done::Nothing, "");
        assert_eq!(self.runner.program.place(), self.view);
        self.homes += 1;
    }
}

impl Drop for Round {
    fn drop(&mut self) {
        if let Some(file) = self.file.take() {
            std::fs::remove_file(file).unwrap_or_default();
        }
    }
}

/// Every key that means something anywhere, and every character that is none.
fn every_key() -> Vec<String> {
    let keymap = Keymap::built_in();
    let bound = Context::ALL.iter().flat_map(|context| keymap.bindings(*context));
    let mut keys: Vec<String> = bound.map(|binding| binding.key.to_string()).collect();
    keys.extend(('!'..='~').filter(|c| *c != '_').map(|c| c.to_string()));
    keys.extend(
        ["alt-e", "alt-y", "alt-enter", "alt-esc", "ctrl-x", "f2", "delete", "insert", "é", "語"]
            .map(str::to_owned),
    );
    keys
}

/// The button that is chosen on this screen, where it is not the safe one.
fn chosen(screen: &str) -> Option<&str> {
    let label = screen.rsplit_once(" ⏎ ]")?.0.rsplit_once("[ ")?.1;
    (!["cancel", "close"].contains(&label)).then_some(label)
}

/// Whether it is a decision that has a box; panics where that was not confirmed: enter, on the button that does just this,
/// on the screen that was shown.
fn is_confirmed(command: &Command, done: &Done<'_>, before: &str) -> bool {
    let Some(label) = button(command) else {
        let by_itself = matches!(command, Command::Review(_));
        let pressed = matches!(done, Done::Key(_) | Done::Burst(_) | Done::Clicked);
        assert!(by_itself || pressed, "without a key: {command:?}");
        return false;
    };
    match done {
        Done::Key("enter") => {
            let shown = format!("[ {label} ⏎ ]");
            assert!(before.contains(&shown), "{shown} was not shown for {command:?}:\n{before}");
        }
        Done::Key(key) => panic!("{key} was no confirmation of {command:?}:\n{before}"),
        // The box had been shown, with its buttons, before the first of these keys.
        Done::Burst(row) => {
            let shown = before.contains(label) && before.contains("cancel");
            assert!(shown, "{row} was typed before the box was shown: {command:?}\n{before}");
        }
        Done::Clicked => panic!("a click decided {command:?}:\n{before}"),
        Done::Pasted => panic!("pasted text decided {command:?}:\n{before}"),
        Done::Nothing => panic!("nobody decided {command:?}"),
    }
    true
}

/// The button that confirms a command; none for what one key does at once: claiming, handing on, acknowledging, a review's
/// beginning and end.
fn button(command: &Command) -> Option<&'static str> {
    if let Command::Item(step) = command {
        return item_button(&step.step);
    }
    if let Command::Override(step) = command {
        return Some(match &step.step {
            OverrideVerb::Freeze { .. } => "freeze",
            OverrideVerb::Unfreeze { .. } => "unfreeze",
            OverrideVerb::Pause { .. } => "pause",
            OverrideVerb::Resume { .. } => "resume",
            OverrideVerb::Allow { .. } => "allow",
            OverrideVerb::PauseAll => "pause all",
            OverrideVerb::ResumeAll => "resume all",
            OverrideVerb::Set { .. } => "set",
            OverrideVerb::Revert { .. } => "revert",
            OverrideVerb::Release { .. } => "release",
            OverrideVerb::Unlock { .. } => "unlock",
        });
    }
    if let Command::Alert(step) = command {
        return match step.step {
            AlertVerb::Acknowledge => None,
            AlertVerb::Resolve => Some("resolve"),
            AlertVerb::Escalate => Some("send"),
        };
    }
    if let Command::Away(step) = command {
        return Some(if matches!(step.step, AwayVerb::Return) { "I am back" } else { "go away" });
    }
    if matches!(command, Command::ApplyMap(_)) {
        return Some("put in force");
    }
    assert!(matches!(command, Command::Review(_)), "a console does not ask this: {command:?}");
    None
}

fn item_button(verb: &ItemVerb) -> Option<&'static str> {
    match verb {
        ItemVerb::Claim | ItemVerb::Release | ItemVerb::Reassign { .. } => None,
        ItemVerb::Leave { .. } => Some("leave"),
        ItemVerb::TakeOver { .. } => Some("take over"),
        ItemVerb::Undo => Some("undo"),
        ItemVerb::Answer(answered) => Some(match answered.answer {
            ItemAnswer::Expand { .. } => "expand",
            ItemAnswer::Transfer { .. } => "transfer",
            ItemAnswer::Handle { .. } => "handle",
            ItemAnswer::Ruling { .. } => "rule",
            ItemAnswer::OutOfScope { .. } => "out of scope",
            ItemAnswer::SendOn { .. } => "send on",
            ItemAnswer::Approve { .. } => "approve",
            ItemAnswer::ApproveEdited { .. } => "approve with edits",
            ItemAnswer::Reject { .. } => "reject",
        }),
    }
}
