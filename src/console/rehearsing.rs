//! A workspace whose clock is simulated: what the console shows of that, and what it may ask of whoever moves the clock.

use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use tokio::sync::{mpsc, watch};

use super::action::Action;
use super::untrusted;
use super::widgets::scroll::Scroll;
use super::widgets::{Look, modal, pane, styled};
use crate::domain::time::Time;

/// Outer width of the list.
const WIDE: u16 = 110;

/// How a rehearsal stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rehearsing {
    /// The simulated time.
    pub now: Time,
    /// Which day it is, from 1.
    pub day: u32,
    /// Of how many.
    pub days: u32,
    /// How fast it goes, in words.
    pub pace: &'static str,
    /// Whether it goes on.
    pub state: Going,
    /// What the list of notes is called.
    pub title: &'static str,
    /// What came out otherwise, or what has come to be; the latest state of it.
    pub notes: Arc<Vec<Note>>,
    /// What stands there while there is none.
    pub none: &'static str,
}

/// Whether it goes on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Going {
    /// Time passes.
    #[default]
    On,
    /// Time stands still.
    Paused,
    /// All days are over.
    Over,
}

/// One line of the list, and what is said below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// What.
    pub head: String,
    /// Why.
    pub more: String,
    /// Whether it is bad news.
    pub stops: bool,
}

/// What can be asked of whoever moves the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Move {
    /// Stop, or go on.
    Pause,
    /// To the end of the day, then stop.
    Day,
    /// Faster.
    Faster,
    /// Slower.
    Slower,
}

impl Move {
    /// What an action asks for.
    pub fn of(action: Action) -> Option<Self> {
        const MOVES: [(Action, Move); 4] = [
            (Action::RehearsalPause, Move::Pause),
            (Action::RehearsalDay, Move::Day),
            (Action::RehearsalFaster, Move::Faster),
            (Action::RehearsalSlower, Move::Slower),
        ];
        MOVES.iter().find(|(known, _)| *known == action).map(|(_, asked)| *asked)
    }
}

/// The way to whoever moves the clock.
#[derive(Debug, Clone)]
pub struct Controls {
    /// How it stands, whenever that changes.
    pub told: watch::Receiver<Arc<Rehearsing>>,
    /// What is asked.
    pub say: mpsc::UnboundedSender<Move>,
}

impl Rehearsing {
    /// Which day it is and how fast time goes, for the header.
    pub(super) fn line(&self, look: Look<'_>, room: u16) -> Line<'static> {
        let (theme, glyphs) = (look.theme, look.glyphs);
        let (sign, style, words) = match self.state {
            Going::On => (glyphs.live, theme.accent, self.pace),
            Going::Paused => (glyphs.read_only, theme.warning, "paused"),
            Going::Over => (glyphs.read_only, theme.success, "over"),
        };
        let notes = self.notes.len();
        let notes = if room < pane::FULL_FROM || notes == 0 {
            String::new()
        } else {
            format!(" {} {notes} noted", glyphs.dot)
        };
        Line::from(vec![
            Span::styled(format!("{sign} day {} of {} ", self.day, self.days), style),
            Span::styled(format!("{} {words}", glyphs.dot), style),
            Span::styled(notes, theme.muted),
        ])
    }

    /// The list over the view.
    pub(super) fn draw(&self, buffer: &mut Buffer, screen: Rect, look: Look<'_>, scroll: &Scroll) {
        let mut lines = Vec::new();
        if self.notes.is_empty() {
            lines.push(styled(self.none, look.theme.muted));
        }
        let wide = usize::from(WIDE.min(screen.width).saturating_sub(4));
        for note in self.notes.iter() {
            let style = if note.stops { look.theme.danger } else { look.theme.base };
            lines.push(styled(untrusted::fit(&note.head, wide), style));
            if !note.more.is_empty() {
                lines.push(styled(untrusted::fit(&format!("  {}", note.more), wide), look.theme.muted));
            }
        }
        let title = format!("{} {} esc closes", self.title, look.glyphs.dot);
        modal::Frame { title: &title, width: WIDE }.draw_text(buffer, screen, look, &lines, scroll);
    }
}

#[cfg(test)]
mod tests;
