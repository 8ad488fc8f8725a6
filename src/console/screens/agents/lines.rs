//! Lines of a detail that lead somewhere, to a deed, a piece of work, a place of the map, another agent; and the reader
//! among them.

use std::cell::{Cell, RefCell};

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::console::action::Action;
use crate::console::widgets::facts::Facts;
use crate::console::widgets::{Look, cells, put, scroll, select_row, spoken, styled};
use crate::domain::ids::{AgentId, Seq, WorkNo};

/// Where a line leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    /// To a deed in the log.
    Deed(Seq),
    /// To the log with a filter.
    Filter(String),
    /// To a piece of work.
    Work(WorkNo),
    /// To the inbox.
    Queue,
    /// To a place of the map, as readiness names it.
    Map(String),
    /// To an agent of the list.
    Agent(AgentId),
}

/// Lines, each with where it leads.
#[derive(Debug, Default)]
pub(super) struct Lines {
    pub(super) all: Vec<(Line<'static>, Option<Target>)>,
}

impl Lines {
    /// The facts put down since the last call lead here: their first line does, the others belong to it.
    pub(super) fn take(&mut self, facts: &mut Facts<'_>, target: Option<&Target>) {
        for (at, line) in std::mem::take(&mut facts.lines).into_iter().enumerate() {
            self.all.push((line, target.cloned().filter(|_| at == 0)));
        }
    }
}

/// Lines that a page key goes by.
const PAGE: isize = 10;

/// Where the reader is among the lines that lead somewhere.
#[derive(Debug, Default)]
pub(super) struct Picking {
    at: usize,
    /// As last drawn: where those lines lead, and the first line in sight.
    targets: RefCell<Vec<Target>>,
    top: Cell<usize>,
}

impl Picking {
    /// On the first of them.
    pub(super) fn begin(&mut self) {
        self.at = 0;
        self.top.set(0);
    }

    /// So many further.
    pub(super) fn by(&mut self, lines: isize) {
        let last = self.targets.borrow().len().saturating_sub(1);
        self.at = self.at.min(last).saturating_add_signed(lines).min(last);
    }

    /// Where the reader's line leads.
    pub(super) fn target(&self) -> Option<Target> {
        self.targets.borrow().get(self.at).cloned()
    }

    /// Moves among them; says whether the action was one that moves.
    #[expect(clippy::wildcard_enum_match_arm, reason = "what is not named here moves nothing")]
    pub(super) fn act(&mut self, action: Action) -> bool {
        match action {
            Action::Up | Action::ScrollUp => self.by(-1),
            Action::Down | Action::ScrollDown => self.by(1),
            Action::PageUp | Action::HalfUp => self.by(-PAGE),
            Action::PageDown | Action::HalfDown => self.by(PAGE),
            Action::First => self.at = 0,
            Action::Last => self.by(isize::MAX),
            _ => return false,
        }
        true
    }

    /// Draws the lines, the one that the reader is on in sight where the keys are theirs.
    pub(super) fn draw(&self, buffer: &mut Buffer, area: Rect, look: Look<'_>, told: &Lines, focused: bool) {
        let leading = || told.all.iter().enumerate().filter(|(_, (_, target))| target.is_some());
        *self.targets.borrow_mut() = told.all.iter().filter_map(|(_, target)| target.clone()).collect();
        let here = leading().nth(self.at).or_else(|| leading().next_back()).map(|(at, _)| at);
        let here = here.filter(|_| focused);
        let (all, height) = (told.all.len(), usize::from(area.height));
        for (line, _) in &told.all {
            spoken::text(std::slice::from_ref(line));
        }
        if let Some((at, (line, _))) = here.and_then(|here| Some((here, told.all.get(here)?))) {
            spoken::row(at, all, line, false);
        }
        let mut top = self.top.get().min(all.saturating_sub(height));
        if let Some(here) = here {
            // A line or two around the one that is read stay in sight, the first lines with the first one.
            let first = if self.at == 0 { 0 } else { here.saturating_sub(1) };
            if first < top {
                top = first;
            } else if here + 2 > top + height {
                top = (here + 2).saturating_sub(height).min(all.saturating_sub(height));
            }
        } else {
            top = 0;
        }
        self.top.set(top);
        for (row, (line, _)) in told.all.iter().skip(top).take(height).enumerate() {
            put(buffer, area, cells(row), line);
            if here == Some(top + row) {
                let wide = Rect { x: area.x.saturating_sub(1), width: area.width + 1, ..area };
                select_row(buffer, wide, cells(row), look.theme.selection);
                put(buffer, wide, cells(row), &styled(look.glyphs.cursor, look.theme.accent));
            }
        }
        scroll::draw_more(buffer, area, look, all.saturating_sub(top + height));
    }
}
