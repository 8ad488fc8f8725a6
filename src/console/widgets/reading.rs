//! A list that is read, and what is told of its row: the filter typed below the rows, the rows with the cursor on one of
//! them, the detail beside or over them; what keys and the mouse do with all that. Which rows there are, what a row is called
//! and what is told of it is the screen's.

use std::cell::Cell;

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};

use super::list::ListState;
use super::prompt::{Insert, Prompt};
use super::scroll::Scroll;
use super::{Look, cut_bottom, pane, put};
use crate::console::action::Action;
use crate::console::keymap::Context;

/// Rows that one turn of the wheel goes by.
const WHEEL: isize = 3;
/// The least and the most of the width that the line between rows and detail can be dragged to leave them, in percent.
const DRAGGED: (u16, u16) = (20, 80);
/// Cells that the line of the filter needs beside it.
const FILTER_BESIDE: usize = 30;

/// Rows and the detail of one of them: side by side where there is room, else the detail is opened over the rows.
#[derive(Debug, Default)]
pub struct Panes {
    /// Whether the detail is open, or has the keys.
    pub opened: bool,
    /// How far down the detail is read.
    pub scroll: Scroll,
    /// As last drawn: where the rows are, whether the detail stands beside them, and where both and the line between are.
    rows: Cell<Rect>,
    beside: Cell<bool>,
    wall: Cell<(Rect, Rect)>,
    /// What the rows have of the width since the line was dragged, in percent.
    share: Option<u16>,
    dragging: bool,
}

/// What the mouse did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moused {
    /// Nothing, or it moved among the rows.
    Moved,
    /// A row was chosen that was not; how far into the rows that was, in cells.
    Chosen(u16),
    /// The row that was chosen already: as if it was opened by key.
    Again(u16),
    /// The detail was scrolled by so many lines.
    Scrolled(isize),
}

impl Panes {
    /// Whether the detail lies over the rows.
    pub fn is_over(&self) -> bool {
        self.opened && !self.beside.get()
    }

    /// Whether the detail can be seen.
    pub fn is_seen(&self) -> bool {
        self.opened || self.beside.get()
    }

    /// Opens and closes the detail and scrolls it; says whether the action was one of these.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the other actions are somebody else's")]
    pub fn act(&mut self, action: Action) -> bool {
        match action {
            Action::Open if !self.is_seen() => self.opened = true,
            Action::Close if self.is_over() => self.opened = false,
            Action::ScrollDown | Action::ScrollUp => _ = self.scroll.act(action),
            _ => return false,
        }
        true
    }

    /// Takes the wheel, clicks, and the line between rows and detail being dragged.
    #[expect(clippy::wildcard_enum_match_arm, reason = "crossterm's enum: nothing else is taken")]
    pub fn mouse(&mut self, event: MouseEvent, list: &mut ListState) -> Moused {
        let (rows, at) = (self.rows.get(), Position { x: event.column, y: event.row });
        let by = match event.kind {
            MouseEventKind::ScrollDown => WHEEL,
            MouseEventKind::ScrollUp => -WHEEL,
            MouseEventKind::Down(MouseButton::Left) => {
                self.dragging = self.wall.get().1.contains(at);
                if self.dragging || !rows.contains(at) {
                    return Moused::Moved;
                }
                // Who clicks into the list has its keys again.
                self.opened = false;
                let Some(row) = list.row_at(at.y - rows.y) else { return Moused::Moved };
                if list.selected() == Some(row) {
                    return Moused::Again(at.x - rows.x);
                }
                list.select(row);
                return Moused::Chosen(at.x - rows.x);
            }
            MouseEventKind::Drag(MouseButton::Left) if self.dragging => {
                let body = self.wall.get().0;
                let left = u32::from(at.x.saturating_sub(body.x)) * 100 / u32::from(body.width.max(1));
                let left = u16::try_from(left).unwrap_or(DRAGGED.1);
                self.share = Some(left.clamp(DRAGGED.0, DRAGGED.1));
                return Moused::Moved;
            }
            _ => {
                self.dragging = false;
                return Moused::Moved;
            }
        };
        if rows.contains(at) {
            list.move_by(by);
            return Moused::Moved;
        }
        self.scroll.by(by);
        Moused::Scrolled(by)
    }

    /// The rows' share of the width: as given, until the line beside them was dragged.
    pub fn share(&self, body: Rect, given: Option<u16>) -> Option<u16> {
        let share = given.map(|given| self.share.unwrap_or(given));
        self.wall.set(share.map(|share| (body, pane::split(body, share).1)).unwrap_or_default());
        share
    }

    /// Nothing is drawn yet: a click hits nothing.
    pub fn begin(&self, beside: bool) {
        self.rows.set(Rect::ZERO);
        self.beside.set(beside);
    }

    /// The rows are here.
    pub fn rows_are_at(&self, area: Rect) {
        self.rows.set(area);
    }
}

/// What came of an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Came {
    /// The reader moved, or nothing happened.
    Moved,
    /// Other rows are meant from now on.
    Filtered,
    /// It is somebody else's.
    Other,
}

/// A list being read. Rows come and go, so the reader is on one by its name `K`.
#[derive(Debug)]
pub struct Reading<K> {
    /// Where the reader is among the rows.
    pub list: ListState,
    /// The rows and the detail.
    pub panes: Panes,
    focus: Option<K>,
    filter: String,
    prompt: Option<Prompt>,
    /// How many are meant by the filter, and how many there would be without it, where that is counted.
    of: Option<(usize, usize)>,
    epoch: u64,
}

impl<K> Default for Reading<K> {
    fn default() -> Self {
        let (list, panes, filter) = (ListState::new(), Panes::default(), String::new());
        Self { list, panes, focus: None, filter, prompt: None, of: None, epoch: 0 }
    }
}

impl<K: PartialEq> Reading<K> {
    /// For a new start.
    #[must_use]
    pub fn anew(&self) -> Self {
        Self { epoch: self.epoch + 1, ..Self::default() }
    }

    /// The row that the reader is on.
    pub fn focus(&self) -> Option<&K> {
        self.focus.as_ref()
    }

    /// Grows whenever the reader comes to another row.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// What the reader acts on has changed.
    pub fn changed(&mut self) {
        self.epoch += 1;
    }

    /// The words of the filter, in small letters; all of them are meant.
    pub fn words(&self) -> Vec<String> {
        self.filter.to_lowercase().split_whitespace().map(str::to_owned).collect()
    }

    /// The filter in force.
    pub fn filter(&self) -> &str {
        &self.filter
    }

    /// Puts a filter in force; the rows are to be placed anew.
    pub fn filter_by(&mut self, text: &str) {
        text.clone_into(&mut self.filter);
    }

    /// Whether a filter is in force.
    pub fn is_filtered(&self) -> bool {
        !self.filter.is_empty()
    }

    /// Whether a filter is being typed.
    pub fn is_typing(&self) -> bool {
        self.prompt.is_some()
    }

    /// There are so many rows now; of so many things so many are meant; the reader stays on theirs where it is among them.
    pub fn place(&mut self, rows: usize, of: Option<(usize, usize)>, at: Option<usize>) {
        self.list.set_len(rows);
        self.of = of;
        if let Some(at) = at {
            self.list.select(at);
        }
    }

    /// The reader is where the list is, which is this row. What was scrolled was another's; says whether it is another.
    pub fn settle(&mut self, focus: Option<K>) -> bool {
        let another = focus != self.focus;
        if another {
            self.focus = focus;
            self.panes.scroll.to_top();
            self.epoch += 1;
        }
        another
    }

    /// The reader is to be on this row, whatever is filtered; the rows are to be placed anew.
    pub fn go_to(&mut self, focus: K) {
        self.filter.clear();
        self.focus = Some(focus);
    }

    /// Whose keys count.
    pub fn context(&self, own: Context) -> Context {
        if self.is_typing() { Context::Prompt } else { own }
    }

    /// The actions for the hint line while a filter is typed.
    pub fn hints(&self) -> Option<Vec<Action>> {
        self.is_typing().then(|| vec![Action::Submit, Action::Close])
    }

    /// Moves, filters, opens and closes; every other action is the screen's.
    pub fn act(&mut self, action: Action) -> Came {
        if self.is_typing() {
            if action == Action::Close {
                self.filter.clear();
            }
            if !matches!(action, Action::Submit | Action::Close) {
                return Came::Moved;
            }
            self.prompt = None;
            return Came::Filtered;
        }
        if action == Action::Filter {
            self.prompt = Some(Prompt::with_text(&self.filter));
        } else if self.panes.act(action) || self.list.apply(action) {
            return Came::Moved;
        } else if action == Action::Close && self.is_filtered() {
            self.filter.clear();
            return Came::Filtered;
        } else {
            return Came::Other;
        }
        Came::Moved
    }

    /// Takes what is typed or pasted; says whether other rows are meant from now on.
    pub fn insert(&mut self, insert: Insert<'_>) -> bool {
        let Some(prompt) = &mut self.prompt else { return false };
        prompt.insert(insert);
        let other = prompt.text().trim() != self.filter;
        prompt.text().trim().clone_into(&mut self.filter);
        other
    }

    /// Takes the wheel, clicks and drags.
    pub fn mouse(&mut self, event: MouseEvent) -> Moused {
        self.panes.mouse(event, &mut self.list)
    }

    /// Whether there is something that `close` would close.
    pub fn is_open(&self) -> bool {
        self.panes.is_over() || self.is_filtered()
    }

    /// Draws rows, filter and detail. `rows` draws the rows and says where they are.
    pub fn draw(
        &self,
        buffer: &mut Buffer,
        body: Rect,
        look: Look<'_>,
        share: Option<u16>,
        rows: impl FnOnce(&mut Buffer, Rect) -> Rect,
        detail: impl FnOnce(&mut Buffer, Rect),
    ) -> Option<Position> {
        self.panes.begin(share.is_some());
        let share = self.panes.share(body, share);
        let list = |buffer: &mut Buffer, area: Rect| {
            let (area, foot) = cut_bottom(area, u16::from(self.is_filtered() || self.is_typing()));
            self.panes.rows_are_at(rows(buffer, area));
            self.draw_filter(buffer, foot, look)
        };
        pane::list_and_detail(buffer, body, look, (share, self.panes.opened), list, detail)
    }

    /// The filter in force, or the one that is being typed.
    fn draw_filter(&self, buffer: &mut Buffer, foot: Rect, look: Look<'_>) -> Option<Position> {
        if let Some(prompt) = &self.prompt {
            return prompt.draw(buffer, foot, look, " / ");
        }
        let theme = look.theme;
        let mut line = Line::from(Span::styled(" / ", theme.accent));
        line.spans.extend(look.spans(
            &self.filter,
            usize::from(foot.width).saturating_sub(FILTER_BESIDE),
            theme.accent,
        ));
        let counted = self.of.map(|(meant, of)| format!("  {meant} of {of}")).unwrap_or_default();
        line.spans.push(Span::styled(format!("{counted}  esc clears"), theme.muted));
        put(buffer, foot, 0, &line);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::keys::Key;
    use crate::console::widgets::list;
    use crate::console::widgets::tests::drawn;

    const NAMES: [&str; 4] = ["intake", "sales", "support", "billing"];

    /// A screen as small as can be.
    fn rebuilt(reading: &mut Reading<&'static str>) -> Vec<&'static str> {
        let words = reading.words();
        let rows: Vec<_> =
            NAMES.into_iter().filter(|name| words.iter().all(|word| name.contains(word.as_str()))).collect();
        let at = rows.iter().position(|name| reading.focus() == Some(name));
        reading.place(rows.len(), Some((rows.len(), NAMES.len())), at);
        let focus = reading.list.selected().and_then(|at| rows.get(at).copied());
        reading.settle(focus);
        rows
    }

    fn reading() -> Reading<&'static str> {
        let mut reading = Reading::default();
        rebuilt(&mut reading);
        reading
    }

    fn screen(reading: &Reading<&'static str>, rows: &[&'static str], width: u16) -> String {
        drawn(width, 5, |buffer, area, look| {
            let share = pane::share(area, [50, 50]);
            let list = |buffer: &mut Buffer, area: Rect| {
                let head = (&Line::from("NAME"), "no name matches");
                list::draw_headed(buffer, area, look, head, (&reading.list, true), |at, _| {
                    rows.get(at).map(|name| Line::from(*name)).unwrap_or_default().into()
                })
            };
            let detail = |buffer: &mut Buffer, area: Rect| {
                put(
                    buffer,
                    area,
                    0,
                    &Line::from(format!("all about {}", reading.focus().unwrap_or(&"none"))),
                );
            };
            reading.draw(buffer, area, look, share, list, detail);
        })
    }

    #[test]
    fn the_reader_stays_on_their_row_while_it_is_there() {
        let mut reading = reading();
        reading.act(Action::Down);
        reading.settle(Some(NAMES[1]));
        let epoch = reading.epoch();
        assert_eq!(reading.act(Action::Filter), Came::Moved);
        "s".chars().for_each(|c| assert!(reading.insert(Insert::Key(Key::char(c).into()))));
        let rows = rebuilt(&mut reading);
        assert_eq!((reading.focus(), reading.epoch()), (Some(&"sales"), epoch));
        assert_eq!(reading.act(Action::Submit), Came::Filtered);
        insta::assert_snapshot!(screen(&reading, &rows, 90));
        assert!(reading.is_open());
        assert_eq!((reading.act(Action::Close), reading.act(Action::Close)), (Came::Filtered, Came::Other));
    }

    #[test]
    fn where_there_is_room_for_one_of_them_the_detail_opens_over_the_rows() {
        let mut reading = reading();
        let rows = NAMES;
        assert!(screen(&reading, &rows, 50).contains("  sales"));
        assert_eq!(reading.act(Action::Open), Came::Moved);
        assert!(screen(&reading, &rows, 50).contains("all about intake"));
        assert_eq!(
            reading.act(Action::Open),
            Came::Other,
            "what is open already is the screen's to open further"
        );
        reading.act(Action::Close);
        assert!(screen(&reading, &rows, 90).contains("all about intake"));
        assert_eq!(reading.act(Action::Open), Came::Other);
    }

    #[test]
    fn a_click_is_on_the_row_that_was_drawn() {
        let mut reading = reading();
        screen(&reading, &NAMES, 90);
        let event = |kind, column, row| MouseEvent {
            kind,
            column,
            row,
            modifiers: crossterm::event::KeyModifiers::NONE,
        };
        let down = MouseEventKind::Down(MouseButton::Left);
        assert_eq!(reading.mouse(event(down, 5, 2)), Moused::Chosen(5));
        assert_eq!(reading.list.selected(), Some(1));
        assert_eq!(reading.mouse(event(down, 5, 2)), Moused::Again(5));
        assert_eq!(reading.mouse(event(MouseEventKind::ScrollDown, 70, 2)), Moused::Scrolled(WHEEL));
    }

    #[test]
    fn the_line_between_rows_and_detail_can_be_dragged() {
        let mut reading = reading();
        let wall = |text: &str| text.lines().next().and_then(|line| line.chars().position(|c| c == '│'));
        let at = wall(&screen(&reading, &NAMES, 90)).unwrap();
        let mut mouse = |kind, column| {
            let modifiers = crossterm::event::KeyModifiers::NONE;
            reading.mouse(MouseEvent { kind, column, row: 3, modifiers });
        };
        mouse(MouseEventKind::Down(MouseButton::Left), u16::try_from(at).unwrap());
        mouse(MouseEventKind::Drag(MouseButton::Left), 63);
        mouse(MouseEventKind::Up(MouseButton::Left), 63);
        mouse(MouseEventKind::Drag(MouseButton::Left), 20);
        assert_eq!(wall(&screen(&reading, &NAMES, 90)), Some(64));
    }
}
