//! Going through the cases one at a time: which is at hand, what was done with each, and what it came to.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::answer_view::named;
use super::expected::Expected;
use super::kind::Kind;
use crate::console::widgets::{Look, bars, put, spoken};
use crate::domain::ids::ItemNo;
use crate::domain::state::Board;
use crate::domain::things::CameTo;
use crate::domain::time::Time;

/// Cells of the progress bar.
const BAR: usize = 12;

/// What was done with a case.
#[derive(Debug, Clone, Copy)]
struct Done {
    item: ItemNo,
    kind: Kind,
    /// Whether the board has heard of it: one that waits again after that was undone.
    heard: bool,
}

/// A review under way.
#[derive(Debug)]
pub(super) struct Review {
    cases: Vec<ItemNo>,
    at: usize,
    started: Time,
    /// Which were answered here, handed on or left with a reason.
    done: Vec<Done>,
    /// Those that somebody else, or an answer to another case, settled meanwhile.
    gone: Vec<ItemNo>,
    /// The answer that is expected for the case at hand.
    pub(super) expected: Expected,
}

impl Review {
    pub(super) fn new(cases: Vec<ItemNo>, now: Time) -> Self {
        let expected = Expected::default();
        Self { cases, at: 0, started: now, done: Vec::new(), gone: Vec::new(), expected }
    }

    /// The case at hand.
    pub(super) fn current(&self) -> Option<ItemNo> {
        self.cases.get(self.at).copied()
    }

    /// Whether no case is left, and everything that was done is on the board.
    pub(super) fn is_over(&self) -> bool {
        self.cases.iter().all(|no| self.is_done(*no))
            && self.done.iter().all(|done| done.heard || !done.kind.is_answer())
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

    /// The server took what was done with a case.
    pub(super) fn did(&mut self, item: ItemNo, kind: Kind) {
        self.gone.retain(|no| *no != item);
        self.done.retain(|done| done.item != item);
        if kind != Kind::Undo {
            self.done.push(Done { item, kind, heard: false });
        }
        if self.current() == Some(item) && kind != Kind::Undo {
            self.go(true);
        }
    }

    /// Follows what others do.
    pub(super) fn refresh(&mut self, board: &Board) {
        for done in self.done.iter_mut().filter(|done| !board.items.contains_key(&done.item)) {
            done.heard = true;
        }
        // An answer that was undone makes its case wait again.
        self.done.retain(|done| !(done.heard && board.items.contains_key(&done.item)));
        self.gone.retain(|no| !board.items.contains_key(no));
        for no in &self.cases {
            if !board.items.contains_key(no) && !self.is_done(*no) {
                self.gone.push(*no);
            }
        }
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
        let done = (self.done.len() + self.gone.len()) as u64;
        line.spans.extend(bars::bar(look, BAR, done, self.cases.len() as u64, theme.accent).spans);
        spoken::head(&line);
        put(buffer, area, 0, &line);
    }

    /// What the review came to, in lines. What was skipped is named, since it does not count.
    pub(super) fn card(&self, board: &Board, now: Time) -> Vec<String> {
        let came_to = self.came_to(board);
        let of = |kind: Kind| self.done.iter().filter(|done| done.kind == kind).count();
        let through = self.cases.iter().filter(|no| self.is_done(**no)).count();
        let mut lines = vec![
            format!("{through} of {} gone through in {}", self.cases.len(), now.since(self.started).rough()),
            String::new(),
        ];
        let mut say = |count: usize, words: &str| {
            if count > 0 {
                lines.push(format!("{count:>4}  {words}"));
            }
        };
        for kind in Kind::ANSWERS {
            say(of(kind), kind.done());
        }
        let alike = usize::try_from(came_to.alike).unwrap_or(usize::MAX);
        say(alike, "alike, settled along with these");
        say(of(Kind::HandOn), "handed on");
        say(of(Kind::Leave), "left with a reason");
        say(self.elsewhere(board), "answered by somebody else");
        if lines.last().is_some_and(|line| !line.is_empty()) {
            lines.push(String::new());
        }
        match came_to.map {
            Some((before, after)) => lines.push(format!("map v{before} to v{after}:")),
            None => lines.push(format!("the map stays as it is, v{}", board.map_version)),
        }
        lines.extend(came_to.changes.iter().map(|change| format!("      {change}")));
        let skipped: Vec<ItemNo> = self.cases.iter().filter(|no| !self.is_done(**no)).copied().collect();
        if !skipped.is_empty() {
            lines.push(String::new());
            lines.push(format!("{:>4}  skipped, which does not count:", skipped.len()));
        }
        for no in skipped {
            let name = board.items.get(&no).map(|item| named(item)).unwrap_or_default();
            lines.push(format!("      {name}"));
        }
        lines
    }

    /// The same that the server counts, over all queues.
    fn came_to(&self, board: &Board) -> CameTo {
        let mut came_to = CameTo::default();
        for closed in self.done.iter().filter_map(|done| board.closed_item(done.item)) {
            came_to.count(&closed.answer, &closed.effects);
        }
        came_to
    }

    /// How many were settled meanwhile, and by no answer of this review.
    fn elsewhere(&self, board: &Board) -> usize {
        let along = |no: &ItemNo| {
            let with = board.closed_item(*no).and_then(|closed| closed.settled_with);
            with.is_some_and(|with| self.done.iter().any(|done| done.item == with))
        };
        self.gone.iter().filter(|no| !along(no)).count()
    }

    fn is_done(&self, no: ItemNo) -> bool {
        self.gone.contains(&no) || self.done.iter().any(|done| done.item == no)
    }
}
