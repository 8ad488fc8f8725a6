//! Going through the cases one at a time.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::kind::Kind;
use crate::console::widgets::{Look, bars, put, spoken};
use crate::domain::ids::ItemNo;
use crate::domain::state::Board;
use crate::domain::time::Time;

/// Cells of the progress bar.
const BAR: usize = 12;

/// A review under way.
#[derive(Debug, Clone)]
pub(super) struct Review {
    cases: Vec<ItemNo>,
    at: usize,
    started: Time,
    /// The time as last told, for the summary.
    now: Time,
    /// Which were answered here, and how.
    answers: Vec<(ItemNo, Kind)>,
    /// Those that somebody else, or an answer to another case, settled meanwhile.
    gone: Vec<ItemNo>,
}

impl Review {
    pub(super) fn new(cases: Vec<ItemNo>, now: Time) -> Self {
        Self { cases, at: 0, started: now, now, answers: Vec::new(), gone: Vec::new() }
    }

    /// The case at hand.
    pub(super) fn current(&self) -> Option<ItemNo> {
        self.cases.get(self.at).copied()
    }

    /// Whether no case is left.
    pub(super) fn is_over(&self) -> bool {
        self.cases.iter().all(|no| self.is_done(*no))
    }

    /// To the next case that is not done, or the one before; round at the ends.
    pub(super) fn go(&mut self, forward: bool) {
        let count = self.cases.len();
        for step in 1..=count {
            let at = if forward { self.at + step } else { self.at + count * 2 - step } % count.max(1);
            if self.cases.get(at).is_some_and(|no| !self.is_done(*no)) {
                self.at = at;
                return;
            }
        }
    }

    pub(super) fn answered(&mut self, item: ItemNo, kind: Kind) {
        self.gone.retain(|no| *no != item);
        self.answers.push((item, kind));
        if self.current() == Some(item) {
            self.go(true);
        }
    }

    /// Follows what others do.
    pub(super) fn refresh(&mut self, board: &Board, now: Time) {
        self.now = now;
        for no in &self.cases {
            let known = self.gone.contains(no) || self.answers.iter().any(|(done, _)| done == no);
            if !board.items.contains_key(no) && !known {
                self.gone.push(*no);
            }
        }
        // An answer that was undone makes its case wait again.
        self.gone.retain(|no| !board.items.contains_key(no));
        if self.current().is_some_and(|no| self.is_done(no)) {
            self.go(true);
        }
    }

    /// `review  3 of 7 · 1m40s`.
    pub(super) fn draw(&self, buffer: &mut Buffer, area: Rect, look: Look<'_>, now: Time) {
        let theme = look.theme;
        let mut line = Line::from(vec![
            Span::styled(" review  ", theme.title),
            Span::styled(format!("{} of {}", self.at + 1, self.cases.len()), theme.accent),
            Span::styled(format!(" {} {}  ", look.glyphs.dot, now.since(self.started).rough()), theme.muted),
        ]);
        let done = (self.answers.len() + self.gone.len()) as u64;
        line.spans.extend(bars::bar(look, BAR, done, self.cases.len() as u64, theme.accent).spans);
        spoken::head(&line);
        put(buffer, area, 0, &line);
    }

    /// What the review came to, in words.
    pub(super) fn summary(&self) -> Vec<String> {
        let count = |kind: Kind| self.answers.iter().filter(|(_, given)| *given == kind).count();
        let left = self.cases.iter().filter(|no| !self.is_done(**no)).count();
        let mut lines = vec![format!(
            "{} of {} answered in {}",
            self.answers.len(),
            self.cases.len(),
            self.now.since(self.started).rough()
        )];
        for kind in Kind::ANSWERS {
            if count(kind) > 0 {
                lines.push(format!("{:>4}  {}", count(kind), kind.done()));
            }
        }
        if !self.gone.is_empty() {
            lines.push(format!("{:>4}  settled along with others, or by somebody else", self.gone.len()));
        }
        if left > 0 {
            lines.push(format!("{left:>4}  left for later"));
        }
        lines
    }

    fn is_done(&self, no: ItemNo) -> bool {
        self.gone.contains(&no) || self.answers.iter().any(|(done, _)| *done == no)
    }
}
