//! Work: what waits for each agent, tasks handed over, fan-outs, leases, acts that wait. People look here and go on to the
//! deeds; agents do the work.
//!
//! Here are the state and what keys do; `rows` makes rows of the board, `line` draws one, `detail` says what is known of it.

mod detail;
mod line;
mod rows;
#[cfg(test)]
mod tests;

use std::cell::Cell;
use std::fmt::Write as _;

use crossterm::event::MouseEvent;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use self::rows::{About, Wanted, WorkRow};
use super::{Areas, Badge, Screen, Want};
use crate::console::action::Action;
use crate::console::keymap::Context;
use crate::console::message::Pace;
use crate::console::place::{Spot, View};
use crate::console::under::Under;
use crate::console::widgets::list::GUTTER;
use crate::console::widgets::prompt::Insert;
use crate::console::widgets::reading::{Came, Moused, Reading};
use crate::console::widgets::table::{self, Shown};
use crate::console::widgets::{Look, PLAIN, chrome, pane, plain_text, thousands};
use crate::console::words;
use crate::console::world::World;
use crate::domain::state::{Board, Thing};
use crate::domain::time::Time;

/// The list's share of the width where everything has room, and where it is narrow.
const SHARES: [u16; 2] = [60, 52];
/// Columns of what is copied.
const COPIED: usize = 100;

/// The Work view.
#[derive(Debug, Default)]
pub struct WorkScreen {
    /// Rows by name.
    reading: Reading<String>,
    rows: Vec<WorkRow>,
    /// What has ended is shown too.
    ended: bool,
    /// Whether a time in sight changes every second, as last drawn.
    counts: Cell<bool>,
}

impl WorkScreen {
    fn selected(&self) -> Option<&WorkRow> {
        self.rows.get(self.reading.list.selected()?)
    }

    fn about<'a>(&'a self, world: &'a World) -> Option<(About<'a>, &'a Board)> {
        let board = world.board.as_deref()?;
        Some((self.selected()?.about(board)?, board))
    }

    /// Builds the rows anew, and keeps the reader on theirs while it is there.
    fn rebuild(&mut self, world: &World) {
        let Some(board) = &world.board else { return };
        let words = self.reading.words();
        self.rows =
            rows::build(board, board.agents_clock(world.now), Wanted { words: &words, ended: self.ended });
        let at = match self.reading.focus() {
            Some(focus) => self.rows.iter().position(|row| row.key() == *focus),
            // At the start the cursor is on the first thing that is no heading.
            None => self.rows.iter().position(|row| !row.is_heading()),
        };
        self.reading.place(self.rows.len(), None, at);
    }

    /// The focus is where the list is.
    fn settle(&mut self) {
        self.reading.settle(self.selected().map(WorkRow::key));
    }

    /// To the heading of the next part, or of the one before.
    fn section(&mut self, forward: bool) {
        let heading = |row: usize| matches!(self.rows.get(row), Some(WorkRow::Section(..)));
        if let Some(next) = self.reading.list.next_such(forward, heading) {
            self.reading.list.select(next);
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "what is not named here means nothing")]
    fn act_on_row(&mut self, action: Action, world: &World) -> Vec<Want> {
        match action {
            Action::Resolved => {
                self.ended = !self.ended;
                self.rebuild(world);
            }
            Action::NextPane => self.section(true),
            Action::PreviousPane => self.section(false),
            Action::Right | Action::Left => _ = self.reading.list.sideways(action == Action::Right),
            _ => {}
        }
        let Some((about, board)) = self.about(world) else { return Vec::new() };
        match (action, about, about.entity(), about.deed(board)) {
            (Action::Trace, About::Agent(agent), ..) => Want::log(Spot::Filter(format!("actor:{agent}"))),
            (Action::Trace, _, Some(entity), _) => Want::log(Spot::Filter(format!("entity:{entity}"))),
            (Action::Trace, ..) => Want::info("this line is about no entity and no agent"),
            (Action::Open | Action::Causes, _, _, Some(deed)) => Want::log(Spot::Deed(deed)),
            (Action::Open | Action::Causes, ..) => {
                Want::info("a heading has no deed; move to a line below it")
            }
            (Action::Copy, ..) => {
                let lines = detail::lines(PLAIN, COPIED, world, board, about);
                Want::copied(plain_text(&lines), self.selected().map(WorkRow::key).unwrap_or_default())
            }
            _ => Vec::new(),
        }
    }
}

impl Screen for WorkScreen {
    fn view(&self) -> View {
        View::Work
    }

    fn context(&self) -> Context {
        self.reading.context(Context::Work)
    }

    fn hints(&self, _world: &World) -> Vec<Action> {
        use Action as A;
        let more = self.reading.list.is_cut().then_some(A::Right);
        let own = [A::Open, A::NextPane, A::Filter, A::Trace, A::Causes, A::Resolved];
        let own = || own.into_iter().chain(more).collect();
        self.reading.hints().unwrap_or_else(own)
    }

    fn badge(&self, world: &World) -> Badge {
        let Some(board) = &world.board else { return Badge::default() };
        let asked = || board.works.values().filter(|work| work.kind.asks());
        let unheeded = asked().any(|work| work.alarm.is_none() && work.taken_until.is_none());
        Badge { count: Some(asked().count()).filter(|waits| *waits > 0), attention: unheeded }
    }

    fn act(&mut self, action: Action, world: &World) -> Vec<Want> {
        let mut wants = Vec::new();
        match self.reading.act(action) {
            Came::Moved => {}
            Came::Filtered => self.rebuild(world),
            Came::Other => wants = self.act_on_row(action, world),
        }
        self.settle();
        wants
    }

    fn insert(&mut self, insert: Insert<'_>, world: &World) -> Vec<Want> {
        if self.reading.insert(insert) {
            self.rebuild(world);
            self.settle();
        }
        Vec::new()
    }

    fn mouse(&mut self, event: MouseEvent, _world: &World) -> Vec<Want> {
        if let Moused::Again(_) = self.reading.mouse(event) {
            self.reading.panes.opened = true;
        }
        self.settle();
        Vec::new()
    }

    fn refresh(&mut self, world: &World) -> Vec<Want> {
        self.rebuild(world);
        self.settle();
        Vec::new()
    }

    fn filter(&self) -> Option<&str> {
        Some(self.reading.filter())
    }

    fn filter_by(&mut self, text: &str, world: &World) -> Vec<Want> {
        self.reading.filter_by(text);
        self.refresh(world)
    }

    fn is_open(&self) -> bool {
        self.reading.is_open()
    }

    fn reset(&mut self) {
        *self = Self { reading: self.reading.anew(), ..Self::default() };
    }

    fn enter(&mut self, spot: Option<&Spot>, world: &World) -> Vec<Want> {
        if let Some(Spot::Line(line)) = spot {
            self.reading.go_to(line.clone());
        }
        self.refresh(world)
    }

    fn under(&self, world: &World) -> Under {
        let Some((about, board)) = self.about(world) else { return Under::default() };
        about.under(board).with_leases(board, world.now)
    }

    fn shows(&self, world: &World) -> Vec<Thing> {
        match self.about(world).map(|(about, _)| about) {
            Some(About::Work(work)) => vec![Thing::Work(work.no)],
            Some(About::Task(task)) => vec![Thing::Task(task.id.clone())],
            Some(About::FanOut(fan_out)) => vec![Thing::FanOut(fan_out.no)],
            Some(About::Branch(fan_out, _, branch, _)) => {
                vec![Thing::FanOut(fan_out.no), Thing::Work(branch.work)]
            }
            Some(About::Waiting(deed, _)) => vec![Thing::Waiting(deed)],
            Some(About::Section(..) | About::Agent(_) | About::Lease(_)) | None => Vec::new(),
        }
    }

    fn spot(&self) -> Option<Spot> {
        self.reading.focus().cloned().map(Spot::Line)
    }

    fn epoch(&self) -> u64 {
        self.reading.epoch()
    }

    /// A second while a time in sight is told to the second, else a minute: nothing is redrawn for what nobody sees.
    fn pace(&self) -> Pace {
        if self.counts.get() { Pace::Second } else { Pace::Minute }
    }

    fn draw(&self, buffer: &mut Buffer, areas: Areas, look: Look<'_>, world: &World) -> Option<Position> {
        let body = areas.body;
        self.counts.set(false);
        let board = world.board.as_deref()?;
        if rows::is_idle(board) && !self.ended && !self.reading.is_typing() {
            draw_idle(buffer, body, look, board);
            return None;
        }
        self.reading.draw(
            buffer,
            body,
            look,
            pane::share(body, SHARES),
            |buffer, area| self.draw_list(buffer, area, look, world, board),
            |buffer, area| {
                let Some((about, board)) = self.about(world) else { return };
                self.count(about, world.now);
                let lines = detail::lines(look, usize::from(area.width), world, board, about);
                self.reading.panes.scroll.draw(buffer, area, look, &lines);
            },
        )
    }
}

impl WorkScreen {
    fn draw_list(
        &self,
        buffer: &mut Buffer,
        area: Rect,
        look: Look<'_>,
        world: &World,
        board: &Board,
    ) -> Rect {
        let columns = line::columns(usize::from(area.width.saturating_sub(GUTTER)));
        let head = (columns, "nothing matches; esc clears the filter");
        table::draw(buffer, area, look, head, (&self.reading.list, true), |at, layout| {
            let Some(about) = self.rows.get(at).and_then(|row| row.about(board)) else {
                return Shown::nothing();
            };
            self.count(about, world.now);
            (line::shown(look, world, board, about, layout), false)
        })
    }

    /// Notes whether a row that is in sight tells a time to the second.
    fn count(&self, about: About<'_>, now: Time) {
        if about.ends().is_some_and(|until| words::counts_down(until, now)) {
            self.counts.set(true);
        }
    }
}

/// Why there is nothing, and what next.
fn draw_idle(buffer: &mut Buffer, body: Rect, look: Look<'_>, board: &Board) {
    let mut next = "what an agent is asked to do waits here until it is done: events,\n\
        proposals, handoffs; and fan-outs, leases and acts that yield\n\n\
        agents take it with POST /v1/work/take; `deeds raise EVENT` sends some"
        .to_owned();
    let ended = board.ended_tasks.len() + board.ended_fan_outs.len();
    if ended > 0 {
        _ = write!(next, "\nR shows the {} that have ended", thousands(ended as u64));
    }
    chrome::draw_empty(buffer, body, look, "No work waits", &next);
}
