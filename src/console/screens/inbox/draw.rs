//! The Inbox as it is drawn: list and case beside each other, one of them, or the review.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::answer::Answering;
use super::review::Review;
use super::{Inbox, case, expected, rows};
use crate::console::widgets::{Look, cut_top, pane};
use crate::console::world::World;

/// Rows from which a review has a blank one under its head.
const TALL: u16 = 16;

impl Inbox {
    pub(super) fn draw_view(
        &self,
        buffer: &mut Buffer,
        body: Rect,
        look: Look<'_>,
        world: &World,
    ) -> Option<Position> {
        let board = world.board.as_ref()?;
        if let Some(review) = &self.review {
            let (header, rest) = cut_top(body, if body.height < TALL { 1 } else { 2 });
            review.draw(buffer, header, look, world.now);
            self.reading.panes.begin(true);
            self.draw_review(review, buffer, rest, look, world);
            return None;
        }
        if board.items.is_empty() && !self.reading.is_typing() {
            rows::draw_clear(buffer, body, look, world, board);
            return None;
        }
        let shown = rows::Shown {
            order: &self.order,
            marks: &self.marks,
            list: &self.reading.list,
            alike: &self.alike,
            needs: self.needs,
        };
        self.reading.draw(
            buffer,
            body,
            look,
            self.needs.share(body),
            |buffer, area| rows::draw(buffer, area, look, world, board, &shown),
            |buffer, area| self.draw_case(buffer, area, look, world),
        )
    }

    /// The case, and what is expected for it.
    fn draw_review(&self, review: &Review, buffer: &mut Buffer, rest: Rect, look: Look<'_>, world: &World) {
        let Some(item) = self.focused(world) else { return };
        // As wide as it will be: its place hangs on how long it is, and only where they stand under each other.
        let wide = expected::split(rest, 0).1.width.saturating_sub(3);
        let lines = review.expected.lines(wide, look, world, item);
        let (above, below) = expected::split(rest, lines.len());
        self.draw_case(buffer, pane::indented(above), look, world);
        review.expected.draw(buffer, (rest, below), look, &lines);
    }

    /// An answer being given, at the foot of its case: what is decided on stays to be seen.
    pub(super) fn draw_answer(
        &self,
        answering: &Answering,
        buffer: &mut Buffer,
        body: Rect,
        look: Look<'_>,
        world: &World,
    ) -> Option<Position> {
        let lines = answering.lines(body, look, world);
        let (above, foot) = answering.form.split(body, lines.len());
        self.reading.panes.begin(true);
        self.draw_case(buffer, pane::indented(above), look, world);
        answering.draw(buffer, foot, look, &lines)
    }

    fn draw_case(&self, buffer: &mut Buffer, area: Rect, look: Look<'_>, world: &World) {
        let (Some(item), Some(board)) = (self.focused(world), &world.board) else { return };
        let deed = |seq| self.evidence.find(world, seq);
        let size = (usize::from(area.width), usize::from(area.height));
        let told = case::lines(look, size, world, board, item, &deed);
        // Under an answer the box says which case it is: where room is short, what came in goes before that.
        let short = self.over.is_some() && told.lines.len() > size.1;
        let lines = told.lines.get(if short { told.head } else { 0 }..).unwrap_or_default();
        self.reading.panes.scroll.draw(buffer, area, look, lines);
    }
}
