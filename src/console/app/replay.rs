//! A conflict played again over the view, whichever it is: from the alert under the cursor, or from a case about one.

use std::sync::Arc;

use super::over::{About, Over};
use super::{App, Effect, past};
use crate::console::action::Action;
use crate::console::ask::{Ask, Told, Trouble, What};
use crate::console::place::{Place, Spot, View};
use crate::console::replay::{CAST, Came, Part, Replay};
use crate::console::screens::Screen;
use crate::console::screens::conflicts;
use crate::console::widgets::chrome::Tone;
use crate::domain::state::{Board, Thing};
use crate::domain::things::Alert;
use crate::domain::time::Time;

impl App {
    /// Plays the alert under the cursor.
    pub(super) fn begin_replay(&mut self) -> Vec<Effect<Ask>> {
        let shown = self.screen().map(|screen| Screen::shows(screen, &self.world)).unwrap_or_default();
        let alert = self.world.board.as_deref().and_then(|board| alert_of(board, &shown));
        let (Some(alert), Some(board)) = (alert, self.world.board.as_deref()) else {
            self.say(
                Tone::Info,
                "no alert is under the cursor; conflicts have one, and cases about one".to_owned(),
            );
            return Vec::new();
        };
        let (replay, asks) = Replay::begin(alert, board);
        self.over = Some(Over::Replay(Box::new(replay)));
        self.asking.forget(|about| matches!(about, About::Replay(_)));
        let ask = |(part, what)| {
            let what = past::bounded(&self.world, what);
            (part, what)
        };
        let asks: Vec<(Part, What)> = asks.into_iter().map(ask).collect();
        asks.into_iter().map(|(part, what)| self.ask_over(About::Replay(part), what)).collect()
    }

    /// Some of what it needs came.
    pub(super) fn told_replay(&mut self, part: Part, result: Result<Told, Trouble>) {
        if let Some(Over::Replay(replay)) = &mut self.over {
            replay.take(part, result);
        }
    }

    /// Time passes for what is played.
    pub(super) fn tick_replay(&mut self, now: Time) {
        if let Some(Over::Replay(replay)) = &mut self.over {
            replay.tick(now);
        }
    }

    pub(super) fn act_replay(&mut self, action: Action) -> Vec<Effect<Ask>> {
        let look = self.plain();
        let now = self.world.now;
        let Some(Over::Replay(replay)) = &mut self.over else { return Vec::new() };
        match replay.act(action, look) {
            Came::On => {}
            Came::Closed => self.over = None,
            Came::Say(words) => self.say(Tone::Info, words),
            Came::Log(seq) => {
                self.over = None;
                return self.go(&Place::at(View::Log, Spot::Deed(seq)));
            }
            Came::Copy(text) => return vec![self.copy(text, "the replay")],
            Came::Save(file) => {
                let text = replay.cast(look, CAST, now);
                self.say(Tone::Info, format!("writing {}", file.display()));
                return vec![self.ask_over(About::Saved, What::Save { file, text })];
            }
        }
        Vec::new()
    }
}

/// The alert that is shown, or that the case which is shown is about.
fn alert_of(board: &Board, shown: &[Thing]) -> Option<Arc<Alert>> {
    shown.iter().find_map(|thing| {
        let no = match thing {
            Thing::Alert(no) => Some(*no),
            Thing::Item(item) => board.items.get(item).and_then(|item| item.case.alert()),
            Thing::Work(_)
            | Thing::Act(_)
            | Thing::Waiting(_)
            | Thing::Queued(_)
            | Thing::Lease(_)
            | Thing::Task(_)
            | Thing::FanOut(_) => None,
        };
        conflicts::alert(board, no?).cloned()
    })
}
