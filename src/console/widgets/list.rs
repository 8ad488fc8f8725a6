//! A virtual window over any number of rows: only what is seen is asked for and drawn.

use std::cell::{Cell, RefCell};
use std::ops::Range;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::table::Earned;
use super::{Look, cells, cut_top, put_at, select_row, spoken, styled};
use crate::console::action::Action;

/// Cells left of every row: the cursor and the mark.
pub const GUTTER: u16 = 2;
/// Cells that one step to the side goes by.
const SIDEWAYS: usize = 12;

/// Where a reader is in a list.
#[derive(Debug, Clone, Default)]
pub struct ListState {
    len: usize,
    selected: usize,
    follow: bool,
    fresh: usize,
    /// The first row drawn and the rows that fit, as of the last frame: drawing decides them, since it knows the height.
    top: Cell<usize>,
    height: Cell<usize>,
    /// What the columns of a table have earned by the rows that were shown.
    pub(super) earned: RefCell<Earned>,
    /// How far its rows are scrolled to the left, and how far they could be, as of the last frame.
    pub(super) shift: Cell<usize>,
    pub(super) beyond: Cell<usize>,
}

impl ListState {
    /// A list that stays where the reader puts it.
    pub fn new() -> Self {
        Self::default()
    }

    /// A list that keeps to its last row until the reader moves.
    pub fn following_its_end() -> Self {
        Self { follow: true, ..Self::default() }
    }

    /// Rows in the list.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The selected row; `None` in an empty list.
    pub fn selected(&self) -> Option<usize> {
        (self.selected < self.len).then_some(self.selected)
    }

    /// Whether new rows at the end are followed.
    pub fn follows(&self) -> bool {
        self.follow
    }

    /// Rows that were added at the end since the list was held.
    pub fn fresh(&self) -> usize {
        self.fresh
    }

    /// The list has so many rows now; the selection stays on its row where there still is one.
    pub fn set_len(&mut self, len: usize) {
        if len != self.len {
            *self.earned.get_mut() = Earned::default();
        }
        self.put_len(len);
    }

    fn put_len(&mut self, len: usize) {
        self.len = len;
        self.selected = self.selected.min(len.saturating_sub(1));
        if self.follow {
            self.selected = len.saturating_sub(1);
        }
    }

    /// Rows were added at the end: followed, or counted while the reader's line stays put.
    pub fn appended(&mut self, count: usize) {
        if !self.follow {
            self.fresh = self.fresh.saturating_add(count);
        }
        self.put_len(self.len + count);
    }

    /// Whether more stands beyond the right edge.
    pub fn is_cut(&self) -> bool {
        self.shift.get() < self.beyond.get()
    }

    /// Scrolls rows that don't fit to the side; says whether there was anything to scroll.
    pub fn sideways(&mut self, right: bool) -> bool {
        let (shift, most) = (self.shift.get(), self.beyond.get());
        let to = if right { (shift + SIDEWAYS).min(most) } else { shift.saturating_sub(SIDEWAYS) };
        self.shift.set(to);
        to != shift
    }

    /// Rows were added before the first: the reader's line stays put.
    pub fn prepended(&mut self, count: usize) {
        self.len += count;
        if count < self.len {
            self.selected += count;
            self.top.set(self.top.get() + count);
        }
    }

    /// Rows were taken away at the front.
    pub fn dropped_front(&mut self, count: usize) {
        self.len = self.len.saturating_sub(count);
        self.selected = self.selected.saturating_sub(count);
        self.top.set(self.top.get().saturating_sub(count));
    }

    pub fn select(&mut self, row: usize) {
        self.selected = row.min(self.len.saturating_sub(1));
        self.follow = false;
    }

    /// Follows the end from now on.
    pub fn follow(&mut self) {
        self.follow = true;
        self.fresh = 0;
        self.selected = self.len.saturating_sub(1);
    }

    /// Holds still from now on.
    pub fn hold(&mut self) {
        self.follow = false;
    }

    /// Moves by rows; upwards means that the reader wants to read, so following ends.
    pub fn move_by(&mut self, rows: isize) {
        let last = self.len.saturating_sub(1);
        self.selected = self.selected.saturating_add_signed(rows).min(last);
        if rows < 0 {
            self.follow = false;
        }
    }

    /// The nearest row after the selected one, or before it, that is meant.
    pub fn next_such(&self, forward: bool, meant: impl Fn(usize) -> bool) -> Option<usize> {
        let at = self.selected;
        if forward {
            (at + 1..self.len).find(|row| meant(*row))
        } else {
            (0..at).rev().find(|row| meant(*row))
        }
    }

    /// Does what a moving action asks for; says whether it was one.
    #[expect(clippy::wildcard_enum_match_arm, reason = "a list moves; every other action is somebody else's")]
    pub fn apply(&mut self, action: Action) -> bool {
        let page = isize::try_from(self.height.get().max(2) - 1).unwrap_or(1);
        match action {
            Action::Up => self.move_by(-1),
            Action::Down => self.move_by(1),
            Action::PageUp => self.move_by(-page),
            Action::PageDown => self.move_by(page),
            Action::HalfUp => self.move_by(-(page / 2).max(1)),
            Action::HalfDown => self.move_by((page / 2).max(1)),
            Action::First => self.select(0),
            Action::Last => {
                self.selected = self.len.saturating_sub(1);
                self.fresh = 0;
            }
            _ => return false,
        }
        true
    }

    /// The row at a line of the area that was last drawn.
    pub fn row_at(&self, line: u16) -> Option<usize> {
        let row = self.top.get() + usize::from(line);
        (row < self.len && usize::from(line) < self.height.get()).then_some(row)
    }

    /// The rows to draw in so many lines. The window moves only as far as it must for the selection to be in it.
    pub fn window(&self, height: usize) -> Range<usize> {
        self.height.set(height);
        let mut top = self.top.get().min(self.len.saturating_sub(height));
        if self.selected < top {
            top = self.selected;
        } else if height > 0 && self.selected >= top + height {
            top = self.selected + 1 - height;
        }
        self.top.set(top);
        top..(top + height).min(self.len)
    }
}

/// One row to draw.
#[derive(Debug, Clone, Default)]
pub struct Row {
    /// Its text.
    pub line: Line<'static>,
    /// Whether it is marked.
    pub marked: bool,
}

impl From<Line<'static>> for Row {
    fn from(line: Line<'static>) -> Self {
        Self { line, marked: false }
    }
}

/// Draws a heading, and below it the rows, or why there are none. The result is where the rows are.
pub fn draw_headed(
    buffer: &mut Buffer,
    area: Rect,
    look: Look<'_>,
    (heading, nothing): (&Line<'_>, &str),
    (state, focused): (&ListState, bool),
    row: impl FnMut(usize, usize) -> Row,
) -> Rect {
    put_at(buffer, area, 0, GUTTER, heading);
    let (_, rows) = cut_top(area, 1);
    if state.is_empty() {
        spoken::text(&[styled(nothing.to_owned(), look.theme.muted)]);
        put_at(buffer, rows, 1, GUTTER, &styled(nothing.to_owned(), look.theme.muted));
    }
    draw(buffer, rows, look, state, focused, row);
    rows
}

/// Draws the visible rows; `row` is asked for each with its index and the cells that it has.
pub fn draw(
    buffer: &mut Buffer,
    area: Rect,
    look: Look<'_>,
    state: &ListState,
    focused: bool,
    mut row: impl FnMut(usize, usize) -> Row,
) {
    let area = area.intersection(buffer.area);
    let room = usize::from(area.width.saturating_sub(GUTTER));
    let window = state.window(usize::from(area.height));
    let top = window.start;
    for index in window {
        let at = cells(index - top);
        let drawn = row(index, room);
        put_at(buffer, area, at, GUTTER, &drawn.line);
        if drawn.marked {
            put_at(buffer, area, at, 1, &styled(look.glyphs.marked, look.theme.accent));
        }
        if state.selected() == Some(index) {
            if focused {
                spoken::row(index, state.len(), &drawn.line, drawn.marked);
            }
            let band = if focused { look.theme.selection } else { look.theme.selection_dim };
            select_row(buffer, area, at, band);
            let cursor = if focused { look.theme.accent } else { look.theme.muted };
            put_at(buffer, area, at, 0, &styled(look.glyphs.cursor, cursor));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::widgets::tests::drawn;

    fn list(len: usize) -> ListState {
        let mut state = ListState::new();
        state.set_len(len);
        state
    }

    #[test]
    fn the_window_moves_only_when_it_must() {
        let mut state = list(100);
        assert_eq!(state.window(10), 0..10);
        state.move_by(9);
        assert_eq!(state.window(10), 0..10);
        state.move_by(1);
        assert_eq!(state.window(10), 1..11);
        state.move_by(-5);
        assert_eq!(state.window(10), 1..11);
        state.apply(Action::Last);
        assert_eq!(state.window(10), 90..100);
        state.apply(Action::PageUp);
        assert_eq!(state.selected(), Some(90));
        assert_eq!(state.window(0), 90..90);
    }

    #[test]
    fn held_the_readers_line_stays_put_and_what_is_new_is_counted() {
        let mut state = ListState::following_its_end();
        state.appended(50);
        assert_eq!(state.window(10), 40..50);
        state.appended(5);
        assert_eq!(state.window(10), 45..55);
        assert_eq!(state.fresh(), 0);
        state.move_by(-1);
        state.appended(20);
        assert_eq!((state.selected(), state.fresh(), state.window(10)), (Some(53), 20, 45..55));
        state.prepended(100);
        assert_eq!((state.selected(), state.window(10)), (Some(153), 145..155));
        state.dropped_front(100);
        assert_eq!((state.selected(), state.window(10)), (Some(53), 45..55));
        state.follow();
        assert_eq!((state.selected(), state.fresh(), state.window(10)), (Some(74), 0, 65..75));
    }

    #[test]
    fn only_the_visible_rows_are_asked_for() {
        let mut asked = Vec::new();
        let mut state = list(1_000_000);
        state.select(500_000);
        let text = drawn(12, 3, |buffer, area, look| {
            draw(buffer, area, look, &state, true, |index, _| {
                asked.push(index);
                Row { line: Line::from(format!("row {index}")), marked: index == 500_000 }
            });
        });
        assert_eq!(asked, [499_998, 499_999, 500_000]);
        assert_eq!(text, "  row 499998\n  row 499999\n▌◆row 500000\n");
    }

    #[test]
    fn an_empty_list_has_no_selection() {
        let mut state = list(0);
        state.move_by(3);
        state.apply(Action::PageDown);
        assert_eq!((state.selected(), state.window(5)), (None, 0..0));
    }
}
