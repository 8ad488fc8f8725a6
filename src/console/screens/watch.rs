//! Watch: what happens now, and what led to it. A lane for each agent over the last minutes, deeds as marks, the family of
//! one deed as links between lanes, open alerts and the next deadlines beside. Time can be held and gone back in.
//!
//! Here are the state and what keys do; `window` is the stretch of time in sight, `held` the deeds of it and what is asked
//! for, `moves` goes about in time and lanes, `lanes` says who has a lane and what lies on it, `links` are the lines between,
//! `view` draws, `told` says what is under the cursor, `aside` what is open beside, `ends` knows where the ledger begins and where
//! the last activity is.
//!
//! # What moves, and when
//!
//! The window moves by whole cells, and only when something happens or the clock's minute passes: nothing is drawn for the
//! sake of moving. Lanes are ordered by how much their agents did when the reader comes here, chooses another length of
//! time or goes by a whole window; in between they stand still, and newcomers get theirs below.

mod aside;
mod ends;
mod held;
mod lanes;
mod links;
mod moves;
mod seek;
#[cfg(test)]
mod tests;
mod then;
mod told;
mod view;
mod window;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use self::ends::Ends;
use self::held::{Asked, Held};
use self::lanes::{Grid, Lane};
use self::seek::Sought;
use self::then::Then;
use self::window::{COLUMNS, Scale, Window};
use super::{Areas, Screen, Want};
use crate::console::action::Action;
use crate::console::ask::{Told, Trouble};
use crate::console::asking::{self, Asking};
use crate::console::place::{Spot, View};
use crate::console::tally::Tally;
use crate::console::under::Under;
use crate::console::widgets::{Look, PLAIN};
use crate::console::world::World;
use crate::domain::deed::Deed;
use crate::domain::ids::Seq;
use crate::domain::time::Time;

/// What an answer from the server will be about.
#[derive(Debug, Clone, PartialEq)]
enum Sent {
    /// What is held.
    Held(held::Sent),
    /// A deed out of sight to go to.
    Seek(Sought),
    /// How it was at a moment.
    Then(String),
    /// Whether anything happened before a moment.
    Before(Time),
    /// The last deed: of an agent, or of anybody.
    Latest { agents: bool },
}

/// Where the reader is.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Cursor {
    /// On whose lane.
    lane: Lane,
    /// A moment in the cell; none: on the newest deed of the lane.
    at: Option<Time>,
    /// Which of the deeds in the cell; else the newest of them.
    deed: Option<Seq>,
}

impl Default for Cursor {
    fn default() -> Self {
        Self { lane: Lane::Deeds, at: None, deed: None }
    }
}

/// The Watch view.
#[derive(Debug, Default)]
pub struct Watch {
    scale: Scale,
    /// The last moment in sight while time is held; none while the window follows what happens.
    still: Option<Time>,
    /// The last deed there was when time was held.
    still_from: Seq,
    held: Held,
    order: Vec<Lane>,
    /// The lanes must be put in order as soon as the window is here.
    unordered: bool,
    cursor: Cursor,
    /// The reader has chosen a lane; else the cursor is on the first.
    chosen: bool,
    /// The first lane that is drawn, and how many fit: drawing decides them.
    top: Cell<usize>,
    /// How many cells there are for a lane's marks.
    room: Cell<usize>,
    /// Where marks were drawn last, for the mouse.
    marks_area: Cell<Rect>,
    rows_a_lane: Cell<u16>,
    /// Links of the last frame: whether any was drawn, and how many had no way.
    linked: Cell<(bool, usize)>,
    /// What was open at the cursor, while time is held.
    then: Then,
    /// Where the ledger begins, and whether the window stands at the last activity.
    ends: Ends,
    asking: Asking<Sent>,
    /// The reader was here: from then on what is in sight is fetched.
    visited: bool,
    epoch: u64,
    /// The deed under the cursor, to tell when it is another.
    focus: Option<Seq>,
}

impl Watch {
    /// The window in sight.
    fn window(&self, world: &World) -> Window {
        let room = match self.room.get() {
            0 => COLUMNS,
            room => room,
        };
        Window::ending(self.still.unwrap_or(world.now), self.scale, room)
    }

    fn grid(&self, window: &Window) -> Grid {
        if self.held.counts(window) {
            return Grid::default();
        }
        Grid::of(window, self.held.within(window))
    }

    /// The row of the cursor's lane.
    fn row(&self) -> usize {
        self.order.iter().position(|lane| *lane == self.cursor.lane).unwrap_or(0)
    }

    /// The column of the cursor: where the reader put it, else that of the lane's newest deed.
    fn column(&self, window: &Window, grid: &Grid) -> usize {
        let last = window.columns.saturating_sub(1);
        match self.cursor.at {
            Some(at) => window.column(at).unwrap_or(if at < window.from() { 0 } else { last }),
            None => grid.newest(&self.cursor.lane).unwrap_or(last),
        }
    }

    /// Which deed of a cell the cursor is on.
    fn nth(&self, cell: &[Arc<Deed>]) -> usize {
        let named = cell.iter().position(|deed| Some(deed.seq) == self.cursor.deed);
        named.unwrap_or(cell.len().saturating_sub(1))
    }

    /// The deed under the cursor.
    fn selected(&self, world: &World) -> Option<Arc<Deed>> {
        let window = self.window(world);
        let grid = self.grid(&window);
        let cell = grid.cell(&self.cursor.lane, self.column(&window, &grid));
        cell.get(self.nth(cell)).cloned()
    }

    /// To the log, and what of it.
    fn go(&self, action: Action, world: &World) -> Vec<Want> {
        let Some(deed) = self.selected(world) else { return self.go_to_counts(world) };
        let spot = match (action, &deed.subject) {
            (Action::Trace, Some(subject)) => Spot::Filter(format!("entity:{subject}")),
            (Action::Trace, None) => {
                return Want::info(format!("#{} is about no entity", deed.seq));
            }
            (Action::Causes, _) => Spot::Chain(deed.seq),
            _ => Spot::Deed(deed.seq),
        };
        Want::log(spot)
    }

    /// Where deeds are only counted, the log shows those of the cell.
    fn go_to_counts(&self, world: &World) -> Vec<Want> {
        let window = self.window(world);
        let column = self.column(&window, &Grid::default());
        if self.held.counted(&window, &self.cursor.lane, column).is_none() {
            let words = "there is no deed in this cell; tab goes to the next one of the lane";
            return Want::info(words);
        }
        let (from, to) = (window.start_of(column), window.start_of(column + 1));
        let until = to.minus(crate::domain::time::Span::from_micros(1));
        let filter = format!("{} since:{from} until:{until}", self.cursor.lane.filter());
        Want::log(Spot::Filter(filter))
    }

    fn copy(&self, world: &World) -> Vec<Want> {
        let Some(deed) = self.selected(world) else { return self.go_to_counts(world) };
        Want::copied(super::log::row::plain(PLAIN, &deed), format!("#{}", deed.seq))
    }

    fn wants(&mut self, asked: Vec<Asked>) -> Vec<Want> {
        asked.into_iter().map(|(sent, what)| self.asking.ask(Sent::Held(sent), what)).collect()
    }

    /// Asks for what is in sight and not here, and gives lanes to those who have none.
    fn settle(&mut self, world: &World) -> Vec<Want> {
        let Some(board) = &world.board else { return Vec::new() };
        if !self.visited {
            return Vec::new();
        }
        let window = self.window(world);
        let asked = self.held.ask(&window, world, &self.order);
        let seen = self.held.lanes(&window);
        if self.order.is_empty() || self.unordered && self.held.covers(&window) {
            let counts = self.lane_counts(&window);
            self.order = lanes::order(board, |lane| counts.get(lane).copied().unwrap_or(0), &seen);
            self.unordered &= !self.held.covers(&window);
            if !self.chosen {
                self.cursor.lane = self.order.first().cloned().unwrap_or(Lane::Deeds);
            }
        } else {
            lanes::join(&mut self.order, seen.into_iter());
        }
        let focus = self.selected(world).map(|deed| deed.seq);
        if focus != self.focus {
            self.focus = focus;
            self.epoch += 1;
        }
        let mut wants = self.wants(asked);
        wants.extend(self.ask_ends(world));
        wants.extend(self.ask_then(world));
        wants
    }

    /// Deeds in the window by lane.
    fn lane_counts(&self, window: &Window) -> BTreeMap<Lane, u64> {
        let mut counts = BTreeMap::new();
        if self.held.counts(window) {
            for lane in self.held.lanes(window) {
                let all = (0..window.columns).filter_map(|column| self.held.counted(window, &lane, column));
                counts.insert(lane.clone(), all.map(Tally::total).sum());
            }
        } else {
            for deed in self.held.within(window) {
                *counts.entry(Lane::of(&deed.actor)).or_insert(0) += 1;
            }
        }
        counts
    }
}

impl Screen for Watch {
    fn view(&self) -> View {
        View::Watch
    }

    fn hints(&self, _world: &World) -> Vec<Action> {
        use Action as A;
        vec![
            A::Follow,
            A::Left,
            A::NextPane,
            A::Open,
            A::Causes,
            A::NextMatch,
            A::Earlier,
            A::ZoomOut,
            A::ZoomIn,
            A::AsOfHere,
        ]
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "what is not named here means nothing on lanes")]
    fn act(&mut self, action: Action, world: &World) -> Vec<Want> {
        let page = isize::try_from(self.marks_area.get().height.max(2) - 1).unwrap_or(1);
        let mut wants = Vec::new();
        match action {
            Action::Up => self.lane_by(-1),
            Action::Down => self.lane_by(1),
            Action::PageUp | Action::HalfUp => self.lane_by(-page),
            Action::PageDown | Action::HalfDown => self.lane_by(page),
            Action::Left | Action::Right => wants = self.sideways(world, action == Action::Left),
            Action::Earlier | Action::Later => wants = self.leap(world, action == Action::Earlier),
            Action::ZoomIn | Action::ZoomOut => wants = self.rescale(world, action == Action::ZoomOut),
            Action::Follow if self.still.is_none() => self.hold_here(world),
            Action::AsOfHere => wants = self.look_back(world),
            Action::Follow | Action::Last | Action::Close => self.follow(),
            Action::First => wants = self.seek(Sought::First, world),
            Action::NextPane | Action::PreviousPane => {
                wants = self.neighbour(action == Action::NextPane, false, world);
            }
            Action::NextMatch | Action::PreviousMatch => {
                wants = self.neighbour(action == Action::NextMatch, true, world);
            }
            Action::ScrollDown | Action::ScrollUp => self.within_cell(world, action == Action::ScrollDown),
            Action::Open | Action::Trace | Action::Causes => wants = self.go(action, world),
            Action::Copy => wants = self.copy(world),
            Action::Filter => {
                wants = Want::info("lanes have no filter; the log has one");
            }
            _ => {}
        }
        wants.extend(self.settle(world));
        wants
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "crossterm's enum: nothing else is taken")]
    fn mouse(&mut self, event: MouseEvent, world: &World) -> Vec<Want> {
        let area = self.marks_area.get();
        let mut wants = Vec::new();
        match event.kind {
            MouseEventKind::ScrollDown => wants = self.sideways(world, false),
            MouseEventKind::ScrollUp => wants = self.sideways(world, true),
            MouseEventKind::Down(MouseButton::Left)
                if area.contains(Position { x: event.column, y: event.row }) =>
            {
                let row = self.top.get() + usize::from((event.row - area.y) / self.rows_a_lane.get().max(1));
                if let Some(lane) = self.order.get(row) {
                    self.cursor.lane = lane.clone();
                }
                let window = self.window(world);
                self.hold(world);
                self.cursor.at = Some(window.start_of(usize::from(event.column - area.x)));
                self.cursor.deed = None;
            }
            _ => {}
        }
        wants.extend(self.settle(world));
        wants
    }

    fn deed(&mut self, deed: &Arc<Deed>, _world: &World) {
        self.held.live(deed);
        self.go_on_from_the_last(deed);
    }

    fn refresh(&mut self, world: &World) -> Vec<Want> {
        self.settle(world)
    }

    fn reset(&mut self) {
        *self = Self {
            asking: self.asking.anew(),
            epoch: self.epoch + 1,
            room: self.room.clone(),
            ..Self::default()
        };
    }

    fn told(&mut self, tag: u64, result: Result<Told, Trouble>, world: &World) -> Vec<Want> {
        let Some(sent) = self.asking.answered(tag) else { return Vec::new() };
        let told = match result {
            Ok(told) => told,
            Err(trouble) => {
                match sent {
                    Sent::Then(asked) => return self.no_then(asked, world),
                    Sent::Held(_) | Sent::Seek(_) => self.held.failed(),
                    Sent::Before(_) | Sent::Latest { .. } => return Vec::new(),
                }
                return Want::fail(trouble.to_string());
            }
        };
        let window = self.window(world);
        let mut wants = match (sent, told) {
            (Sent::Held(held::Sent::Fill(fill)), Told::Page(page)) => {
                let asked = self.held.take_page(fill, page, (&window, world, &self.order));
                self.wants(asked)
            }
            (Sent::Held(held::Sent::Count(lane)), Told::Histogram(histogram)) => {
                self.held.take_counts(lane, histogram);
                self.unordered = true;
                Vec::new()
            }
            (Sent::Seek(sought), Told::Page(page)) => self.found(&sought, &page, world),
            (Sent::Then(asked), Told::Then(board, as_of)) => {
                self.then.take(asked, board, as_of);
                Vec::new()
            }
            (Sent::Before(from), Told::Page(page)) => self.found_before(from, &page, world),
            (Sent::Latest { agents }, Told::Page(page)) => self.found_latest(agents, &page, world),
            (Sent::Held(_) | Sent::Seek(_) | Sent::Then(_) | Sent::Before(_) | Sent::Latest { .. }, _) => {
                Want::fail(asking::ANOTHER_ANSWER)
            }
        };
        wants.extend(self.settle(world));
        wants
    }

    fn moment(&mut self, _world: &World) {
        self.reset();
    }

    fn is_open(&self) -> bool {
        self.still.is_some()
    }

    fn enter(&mut self, spot: Option<&Spot>, world: &World) -> Vec<Want> {
        if let Some(board) = world.board.as_ref().filter(|_| !self.visited) {
            // In a workspace that is minutes old, a longer window would show little but what was before it.
            let born = board.maps.front().map(|step| step.at).unwrap_or_default();
            self.scale = Scale::since(born, world.now);
            self.visited = true;
        }
        self.unordered |= self.still.is_none();
        let mut wants = self.settle(world);
        if let Some(Spot::Deed(seq)) = spot
            && self.focus != Some(*seq)
        {
            wants.extend(self.seek(Sought::Deed(*seq), world));
        }
        wants
    }

    fn under(&self, world: &World) -> Under {
        let Some(board) = &world.board else { return Under::default() };
        let Some(deed) = self.selected(world) else {
            return Under::default().agent(self.cursor.lane.agent());
        };
        Under::deed(&deed).agent(self.cursor.lane.agent()).with_leases(board, world.now)
    }

    fn spot(&self) -> Option<Spot> {
        self.focus.filter(|_| self.still.is_some()).map(Spot::Deed)
    }

    fn epoch(&self) -> u64 {
        self.epoch
    }

    fn draw(&self, buffer: &mut Buffer, areas: Areas, look: Look<'_>, world: &World) -> Option<Position> {
        self.draw_view(buffer, areas.body, look, world);
        None
    }
}
