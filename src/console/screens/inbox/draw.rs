//! The Inbox as it is drawn: list and case beside each other, one of them, or the review.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};

use super::{Inbox, case, rows};
use crate::console::untrusted;
use crate::console::widgets::pane::{self, Room};
use crate::console::widgets::{Look, put};
use crate::console::world::World;
use crate::domain::ids::Seq;

impl Inbox {
    pub(super) fn filter_row(&self) -> bool {
        self.prompt.is_some() || !self.filter.is_empty()
    }

    pub(super) fn draw_view(
        &self,
        buffer: &mut Buffer,
        body: Rect,
        look: Look<'_>,
        world: &World,
    ) -> Option<Position> {
        let Some(board) = &world.board else {
            rows::draw_waiting(buffer, body, look);
            return None;
        };
        if let Some(review) = &self.review {
            let header = Rect { height: 1.min(body.height), ..body };
            review.draw(buffer, header, look, world.now);
            let rest = Rect { y: body.y + 2.min(body.height), height: body.height.saturating_sub(2), ..body };
            self.draw_case(buffer, pane::indented(rest), look, world);
            return None;
        }
        if board.items.is_empty() {
            rows::draw_clear(buffer, body, look, world, board);
            return None;
        }
        let room = Room::of(Rect { height: pane::ROWS_FROM, ..body });
        if room == Room::List {
            if self.opened {
                self.draw_case(buffer, pane::indented(body), look, world);
                return None;
            }
            return self.draw_list(buffer, body, look, world);
        }
        let (left, wall, right) = self.needs.split(body);
        let cursor = self.draw_list(buffer, left, look, world);
        pane::draw_wall(buffer, wall, look);
        self.draw_case(buffer, right, look, world);
        cursor
    }

    pub(super) fn draw_list(
        &self,
        buffer: &mut Buffer,
        area: Rect,
        look: Look<'_>,
        world: &World,
    ) -> Option<Position> {
        let Some(board) = &world.board else { return None };
        let shown = rows::Shown {
            order: &self.order,
            marks: &self.marks,
            list: &self.list,
            alike: &self.alike,
            needs: self.needs,
        };
        let (rest, line) = rows::with_filter_row(area, self.filter_row());
        rows::draw(buffer, rest, look, world, board, &shown);
        if let Some(prompt) = &self.prompt {
            return prompt.draw(buffer, line, look, " / ");
        }
        if !self.filter.is_empty() {
            let words = untrusted::fit(&self.filter, usize::from(line.width).saturating_sub(24));
            let text = format!(" / {words}  {} of {}  esc clears", self.order.len(), board.items.len());
            let span = Span::styled(text, look.theme.accent);
            put(buffer, line, 0, &Line::from(span));
        }
        None
    }

    pub(super) fn draw_case(&self, buffer: &mut Buffer, area: Rect, look: Look<'_>, world: &World) {
        let (Some(item), Some(board)) = (self.focused(world), &world.board) else { return };
        let deed = |seq: Seq| world.recent_deed(seq).or_else(|| self.evidence.get(&seq));
        let lines = case::lines(look, usize::from(area.width), world, board, item, &deed);
        case::draw(buffer, area, look, &lines, &self.scroll);
    }
}
