//! Going about in time and from lane to lane: holding and following, by cells and by windows, closer and wider.

use std::sync::Arc;

use super::Watch;
use super::ends::BEGINS;
use super::lanes::{self, Lane};
use crate::console::screens::Want;
use crate::console::world::World;
use crate::domain::deed::Deed;
use crate::domain::time::Time;

impl Watch {
    /// Time stands still from now on.
    pub(super) fn hold(&mut self, world: &World) {
        self.chosen = true;
        self.ends.leave_the_last();
        if self.still.is_none() {
            self.still = Some(world.now);
            self.still_from = world.board.as_ref().map(|board| board.head).unwrap_or_default();
        }
    }

    /// Time goes on from now on.
    pub(super) fn follow(&mut self) {
        self.unordered |= self.still.is_some();
        self.still = None;
        self.ends.leave_the_last();
        (self.cursor.at, self.cursor.deed) = (None, None);
    }

    /// Goes back or on in time, not beyond the present.
    pub(super) fn shift(&mut self, world: &World, micros: i64) {
        self.hold(world);
        let end = self.still.unwrap_or(world.now).micros().saturating_add(micros);
        self.still = Some(Time::from_micros(end).min(world.now));
    }

    /// A cell to the left or to the right; the window goes along at its ends, not beyond the ledger's beginning.
    pub(super) fn sideways(&mut self, world: &World, back: bool) -> Vec<Want> {
        let window = self.window(world);
        let column = self.column(&window, &self.grid(&window));
        self.hold(world);
        let cell = window.cell().micros();
        let last = window.columns.saturating_sub(1);
        let at = window.start_of(column).micros();
        let next = if back { at.saturating_sub(cell) } else { at.saturating_add(cell) };
        if back && column == 0 {
            if self.ends.begins_in(&window) {
                return Want::info(BEGINS);
            }
            self.shift(world, -cell);
        } else if !back && column >= last {
            if window.to() > world.now {
                return Vec::new();
            }
            self.shift(world, cell);
        }
        (self.cursor.at, self.cursor.deed) = (Some(Time::from_micros(next)), None);
        Vec::new()
    }

    /// By a whole window, the cursor staying where it is on the screen; not beyond the ledger's beginning.
    pub(super) fn leap(&mut self, world: &World, back: bool) -> Vec<Want> {
        let window = self.window(world);
        if back && self.ends.begins_in(&window) {
            return Want::info(BEGINS);
        }
        let column = self.column(&window, &self.grid(&window));
        let span = window.to().since(window.from()).micros();
        self.shift(world, if back { -span } else { span });
        let window = self.window(world);
        (self.cursor.at, self.cursor.deed) = (Some(window.start_of(column)), None);
        self.unordered = true;
        Vec::new()
    }

    /// Puts a moment in sight and the cursor on it. Time is held for it.
    pub(super) fn go_to(&mut self, at: Time, lane: Option<Lane>, world: &World) {
        self.hold(world);
        if self.window(world).column(at).is_none() {
            let half = self.scale.span().micros() / 2;
            self.still = Some(Time::from_micros(at.micros().saturating_add(half)).min(world.now));
            self.unordered = true;
        }
        self.chosen = true;
        if let Some(lane) = lane {
            lanes::join(&mut self.order, std::iter::once(lane.clone()));
            self.cursor.lane = lane;
        }
        (self.cursor.at, self.cursor.deed) = (Some(at), None);
    }

    /// To a deed, in sight or not.
    pub(super) fn go_to_deed(&mut self, deed: &Arc<Deed>, world: &World) {
        self.go_to(deed.time, Some(Lane::of(&deed.actor)), world);
        self.cursor.deed = Some(deed.seq);
    }

    /// Another length of time; what is under the cursor stays in sight.
    pub(super) fn rescale(&mut self, world: &World, wider: bool) -> Vec<Want> {
        let Some(scale) = self.scale.next(wider) else {
            let words = if wider { "a day is the most" } else { "a minute is the least" };
            return Want::info(format!("{words} that is shown at once"));
        };
        let selected = self.selected(world);
        let at = selected.as_ref().map(|deed| deed.time).or(self.cursor.at);
        self.scale = scale;
        self.unordered = true;
        if let (Some(at), Some(_)) = (at, self.still) {
            self.go_to(at, None, world);
            self.cursor.deed = selected.map(|deed| deed.seq);
        }
        Vec::new()
    }

    pub(super) fn lane_by(&mut self, rows: isize) {
        self.chosen = true;
        let row = self.row().saturating_add_signed(rows).min(self.order.len().saturating_sub(1));
        if let Some(lane) = self.order.get(row) {
            self.cursor.lane = lane.clone();
            self.cursor.deed = None;
        }
    }

    /// Among the deeds of one cell.
    pub(super) fn within_cell(&mut self, world: &World, on: bool) {
        let window = self.window(world);
        let grid = self.grid(&window);
        let column = self.column(&window, &grid);
        let cell = grid.cell(&self.cursor.lane, column);
        let nth = self.nth(cell);
        let next = if on { nth + 1 } else { nth.saturating_sub(1) };
        self.hold(world);
        self.cursor.at = Some(window.start_of(column));
        self.cursor.deed = cell.get(next).or(cell.last()).map(|deed| deed.seq);
    }
}
