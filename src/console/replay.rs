//! A conflict played again, step by step: both sides next to each other, the fields changing, and what another map would
//! have said to each step.
//!
//! Here are the state and what keys do; `steps` are the deeds and what is told of them, `maps` what other maps say, `view`
//! draws, `cast` writes it down for players of terminal recordings. What it needs is asked for like everything else.

mod cast;
mod maps;
mod steps;
#[cfg(test)]
mod tests;
mod view;

use std::path::PathBuf;
use std::sync::Arc;

use self::maps::Maps;
use self::steps::Steps;
use super::action::Action;
use super::ask::{Page, Told, Trouble, What};
use super::asking;
use super::keymap::Context;
use super::message::Pace;
use super::widgets::Look;
use super::widgets::prompt::{Insert, Prompt};
use super::widgets::scroll::Scroll;
use crate::domain::deed::Deed;
use crate::domain::ids::{MapVersion, Seq};
use crate::domain::state::Board;
use crate::domain::things::Alert;
use crate::domain::time::{Span, Time};

/// How long a step stands while it is played, and how that is called, the slowest first.
const PACES: [(i64, &str); 4] = [
    (4_000, "a step in 4 s"),
    (2_000, "a step in 2 s"),
    (1_000, "a step a second"),
    (500, "2 steps a second"),
];
/// The pace at the start.
const FIRST_PACE: usize = 1;
/// Columns and rows of what is written down from the console.
pub const CAST: (u16, u16) = (110, 34);

/// What an answer brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The deeds that the alert names.
    Named,
    /// Those on its field.
    Between,
}

/// What a key came to.
#[derive(Debug, Clone, PartialEq)]
pub enum Came {
    /// Nothing more is wanted.
    On,
    /// It is closed.
    Closed,
    /// Something is to be said.
    Say(String),
    /// A deed is to be shown in the log.
    Log(Seq),
    /// The whole of it in plain text, for the clipboard.
    Copy(String),
    /// It is to be written down in this file.
    Save(PathBuf),
}

/// What has come so far.
#[derive(Debug)]
enum Stage {
    Fetching { named: Option<Vec<Arc<Deed>>>, between: Option<Page>, awaits_between: bool },
    Failed(String),
    Here { steps: Steps, maps: Maps },
}

/// A conflict being played.
#[derive(Debug)]
pub struct Replay {
    alert: Arc<Alert>,
    /// Where its maps are.
    board: Board,
    stage: Stage,
    at: usize,
    playing: bool,
    pace: usize,
    /// When the next step is due.
    due: Option<Time>,
    scroll: Scroll,
    /// The name of the file being typed.
    naming: Option<Prompt>,
}

impl Replay {
    /// Before anything has come, and what is to be asked for.
    pub fn begin(alert: Arc<Alert>, board: &Board) -> (Self, Vec<(Part, What)>) {
        let asks = steps::asks(&alert);
        let awaits_between = asks.len() > 1;
        let maps = Board { maps: board.maps.clone(), ..Board::new(board.workspace.clone()) };
        let replay = Self {
            alert,
            board: maps,
            stage: Stage::Fetching { named: None, between: None, awaits_between },
            at: 0,
            playing: false,
            pace: FIRST_PACE,
            due: None,
            scroll: Scroll::default(),
            naming: None,
        };
        (replay, [Part::Named, Part::Between].into_iter().zip(asks).collect())
    }

    /// Takes an answer in; when all have come it begins to play.
    pub fn take(&mut self, part: Part, result: Result<Told, Trouble>) {
        let Stage::Fetching { named, between, awaits_between } = &mut self.stage else { return };
        match (part, result) {
            (Part::Named, Ok(Told::Deeds(deeds))) => *named = Some(deeds),
            (Part::Between, Ok(Told::Page(page))) => *between = Some(page),
            (_, Ok(_)) => return self.stage = Stage::Failed(asking::ANOTHER_ANSWER.to_owned()),
            (_, Err(trouble)) => return self.stage = Stage::Failed(trouble.to_string()),
        }
        if named.is_none() || *awaits_between && between.is_none() {
            return;
        }
        let steps = Steps::new(Arc::clone(&self.alert), named.take().unwrap_or_default(), between.take());
        if steps.len() == 0 {
            return self.stage = Stage::Failed("none of its deeds is kept here".to_owned());
        }
        let maps = Maps::of(&self.board, &steps);
        self.stage = Stage::Here { steps, maps };
        self.playing = true;
    }

    /// Whether everything has come, or never will.
    pub fn is_here(&self) -> bool {
        !matches!(self.stage, Stage::Fetching { .. })
    }

    /// Why it can't be played.
    pub fn trouble(&self) -> Option<&str> {
        if let Stage::Failed(why) = &self.stage { Some(why) } else { None }
    }

    fn steps(&self) -> usize {
        if let Stage::Here { steps, .. } = &self.stage { steps.len() } else { 0 }
    }

    /// Whether it is over: after the last step comes what it all came to.
    fn is_last(&self) -> bool {
        self.at >= self.steps()
    }

    /// Whose keys count.
    pub fn context(&self) -> Context {
        if self.naming.is_some() { Context::Prompt } else { Context::Replay }
    }

    /// Whether a file's name is being typed.
    pub fn is_typing(&self) -> bool {
        self.naming.is_some()
    }

    /// The actions for the hint line.
    pub fn hints(&self) -> Vec<Action> {
        use Action as A;
        if self.naming.is_some() {
            return vec![A::Submit, A::Close];
        }
        vec![
            A::Follow,
            A::Right,
            A::Left,
            A::Last,
            A::OlderVersion,
            A::NewerVersion,
            A::Faster,
            A::Open,
            A::Export,
            A::Close,
        ]
    }

    /// What an action does now, where that is not what its label says.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the others do what their label says")]
    pub fn does(&self, action: Action) -> Option<String> {
        let words = match action {
            Action::Follow if self.playing => "pause",
            Action::Follow => "play",
            Action::Right => "step on",
            Action::Left => "step back",
            Action::Last => "to the end",
            Action::OlderVersion => "older map",
            Action::NewerVersion => "newer map",
            Action::Open => "the deed",
            Action::Submit => "write it",
            _ => return None,
        };
        Some(words.to_owned())
    }

    /// How often the time is wanted.
    pub fn pace(&self) -> Pace {
        if self.playing { Pace::Animation } else { Pace::Minute }
    }

    /// Time has passed: the next step, where it is due.
    pub fn tick(&mut self, now: Time) {
        if !self.playing {
            return;
        }
        let next = now.plus(self.step_time());
        let due = *self.due.get_or_insert(next);
        if now < due {
            return;
        }
        self.go_to(self.at + 1);
        self.due = Some(next);
        self.playing = !self.is_last();
    }

    fn step_time(&self) -> Span {
        Span::from_micros(PACES.get(self.pace).map_or(2_000, |(millis, _)| *millis) * 1_000)
    }

    fn go_to(&mut self, at: usize) {
        self.at = at.min(self.steps());
        self.due = None;
        self.scroll.to_top();
    }

    fn by_hand(&mut self, at: usize) -> Came {
        self.playing = false;
        self.go_to(at);
        Came::On
    }

    /// Does what a key asks for.
    #[expect(clippy::wildcard_enum_match_arm, reason = "nothing else means anything here")]
    pub fn act(&mut self, action: Action, look: Look<'_>) -> Came {
        if self.naming.is_some() {
            return self.name_file(action);
        }
        match action {
            Action::Close | Action::Quit | Action::Replay => Came::Closed,
            Action::Follow => {
                // At its end it begins anew.
                if self.is_last() && !self.playing {
                    self.go_to(0);
                }
                self.playing = !self.playing && self.steps() > 0;
                self.due = None;
                Came::On
            }
            Action::Right => self.by_hand(self.at + 1),
            Action::Left => self.by_hand(self.at.saturating_sub(1)),
            Action::First => self.by_hand(0),
            Action::Last => self.by_hand(usize::MAX),
            Action::Faster | Action::Slower => self.change_pace(action == Action::Faster),
            Action::OlderVersion | Action::NewerVersion => self.choose_map(action == Action::NewerVersion),
            Action::Open => self.deed().map_or(Came::On, |deed| Came::Log(deed.seq)),
            Action::Copy if self.steps() > 0 => Came::Copy(self.text(look)),
            Action::Export if self.steps() > 0 => {
                self.playing = false;
                self.naming = Some(Prompt::with_text(&format!("alert-{}.cast", self.alert.no)));
                Came::On
            }
            other => {
                self.scroll.act(other);
                Came::On
            }
        }
    }

    fn change_pace(&mut self, faster: bool) -> Came {
        let next = if faster { self.pace + 1 } else { self.pace.saturating_sub(1) };
        self.pace = next.min(PACES.len() - 1);
        self.due = None;
        Came::Say(PACES.get(self.pace).map_or("", |(_, name)| *name).to_owned())
    }

    fn choose_map(&mut self, newer: bool) -> Came {
        let Stage::Here { steps, maps } = &mut self.stage else { return Came::On };
        if maps.choose(newer, steps) {
            return Came::On;
        }
        let words = if newer { "no newer version of the map" } else { "no older version of the map is kept" };
        Came::Say(words.to_owned())
    }

    /// Lays the steps under that version of the map; says whether it is kept.
    pub fn under(&mut self, version: MapVersion) -> bool {
        let Stage::Here { steps, maps } = &mut self.stage else { return false };
        maps.go_to(version, steps)
    }

    fn name_file(&mut self, action: Action) -> Came {
        if action == Action::Close {
            self.naming = None;
            return Came::Say("nothing was written".to_owned());
        }
        if action != Action::Submit {
            return Came::On;
        }
        let file = self.naming.take().map(|prompt| prompt.text().trim().to_owned()).unwrap_or_default();
        if file.is_empty() {
            Came::Say("nothing was written: no file was named".to_owned())
        } else {
            Came::Save(PathBuf::from(file))
        }
    }

    /// Text for the name of the file.
    pub fn insert(&mut self, insert: Insert<'_>) {
        if let Some(prompt) = &mut self.naming {
            _ = prompt.insert(insert);
        }
    }

    fn deed(&self) -> Option<&Arc<Deed>> {
        if let Stage::Here { steps, .. } = &self.stage {
            steps.get(self.at.min(steps.len().saturating_sub(1)))
        } else {
            None
        }
    }

    /// The whole of it as a recording (asciicast v2) of so many columns and rows.
    pub fn cast(&mut self, look: Look<'_>, size: (u16, u16), now: Time) -> String {
        let (at, playing) = (self.at, std::mem::replace(&mut self.playing, true));
        let cast = cast::cast(self, look, size, now);
        (self.at, self.playing) = (at, playing);
        cast
    }
}
