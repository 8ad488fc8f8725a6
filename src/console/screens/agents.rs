//! Agents: who acts and how lately, how much of it is stopped, how far each agent's gates are met, and at which stage the
//! team is. What is said comes from `domain::readiness` and the board; nothing is decided here but overrides, which every
//! view has.
//!
//! Here are the state and what keys do; `rows` makes and draws the list, `detail` says what is known of an agent, `team`
//! what is known of all of them, `lines` are lines that lead somewhere.

mod detail;
mod lines;
mod rows;
mod team;
#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use crossterm::event::MouseEvent;
use ratatui::buffer::Buffer;
use ratatui::layout::Position;

use self::lines::{Lines, Picking, Target};
use self::rows::AgentRow;
use super::{Areas, Badge, Screen, Want};
use crate::client::{Direction, LedgerQuery};
use crate::console::action::Action;
use crate::console::ask::{Told, Trouble, What};
use crate::console::asking::{self, Asking};
use crate::console::keymap::Context;
use crate::console::place::{Place, Spot, View};
use crate::console::under::Under;
use crate::console::widgets::prompt::Insert;
use crate::console::widgets::reading::{Came, Moused, Reading};
use crate::console::widgets::{Look, PLAIN, pane, plain_text};
use crate::console::world::World;
use crate::domain::deed::{Body, Deed};
use crate::domain::ids::{AgentId, Seq};
use crate::domain::readiness::agents::{AgentLine, Standing};
use crate::domain::readiness::{Team, readiness};
use crate::domain::state::Board;
use crate::domain::time::{Span, Time};

/// The list's share of the width where everything has room, and where it is narrow.
const SHARES: [u16; 2] = [60, 50];
/// Columns of what is copied.
const COPIED: usize = 100;
/// Deeds of an agent that are told.
const LAST_DEEDS: usize = 6;
/// Agents of which the last deeds are kept.
const KNOWN: usize = 64;
/// What is kept is asked for again, where it is looked at, after this long.
const KEPT_FOR: Span = Span::from_secs(10);
const MINUTE_MICROS: i64 = 60_000_000;

/// The Agents view. The detail is opened to move among its lines, wherever it stands.
#[derive(Debug, Default)]
pub struct Agents {
    /// Rows by name.
    reading: Reading<String>,
    rows: Vec<AgentRow>,
    picking: Picking,
    /// The readiness of a board at a minute: worked out when it is looked at, and kept until either changes.
    team: RefCell<Option<(Seq, i64, Arc<Team>)>>,
    /// The last deeds of agents that were looked at, newest first.
    last: BTreeMap<AgentId, Vec<Arc<Deed>>>,
    /// What each agent keeps, as the server said, and when it was asked.
    kept: BTreeMap<AgentId, Standing>,
    kept_at: Option<(Option<Seq>, Time)>,
    asking: Asking<Sent>,
    visited: bool,
}

/// What an answer will be about.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Sent {
    /// An agent's last deeds.
    Last(AgentId),
    /// What is kept for each of them.
    Kept,
}

impl Agents {
    /// How the team stands now.
    fn team(&self, board: &Board, now: Time) -> Arc<Team> {
        let minute = now.micros().div_euclid(MINUTE_MICROS);
        let mut kept = self.team.borrow_mut();
        if let Some((head, at, team)) = &*kept
            && (*head, *at) == (board.head, minute)
        {
            return Arc::clone(team);
        }
        let team = Arc::new(readiness(board, now));
        *kept = Some((board.head, minute, Arc::clone(&team)));
        team
    }

    fn selected(&self) -> Option<&AgentRow> {
        self.rows.get(self.reading.list.selected()?)
    }

    fn agent(&self) -> Option<&AgentId> {
        match self.selected()? {
            AgentRow::Team => None,
            AgentRow::Agent(agent) => Some(agent),
        }
    }

    fn rebuild(&mut self, world: &World) {
        let Some(board) = &world.board else { return };
        self.rows = rows::build(board, &self.reading.words());
        let at = self.rows.iter().position(|row| Some(&row.key()) == self.reading.focus());
        self.reading.place(self.rows.len(), None, at);
    }

    /// The focus is where the list is; what is told of it is asked for where it is not here.
    fn settle(&mut self) -> Vec<Want> {
        if self.reading.settle(self.selected().map(AgentRow::key)) {
            self.picking.begin();
        }
        let Some(agent) = self.agent().filter(|_| self.visited).cloned() else { return Vec::new() };
        let sent = Sent::Last(agent.clone());
        if self.last.contains_key(&agent) || self.asking.any(|asked| *asked == sent) {
            return Vec::new();
        }
        let query = LedgerQuery {
            filter: format!("class:agent actor:{agent}"),
            direction: Direction::Newest,
            limit: LAST_DEEDS,
            ..LedgerQuery::default()
        };
        vec![self.asking.ask(sent, What::Page(query))]
    }

    /// What is kept is the server's to say: the board of a console has no accounts.
    fn ask_kept(&mut self, world: &World) -> Option<Want> {
        let at = world.as_of().map(|as_of| as_of.seq);
        let fresh = |(then, asked): (Option<Seq>, Time)| then == at && world.now.since(asked) < KEPT_FOR;
        if self.kept_at.is_some_and(fresh) || world.board.is_none() {
            return None;
        }
        self.kept_at = Some((at, world.now));
        Some(self.asking.ask(Sent::Kept, What::Agents(at)))
    }

    /// Where a line of the detail leads.
    fn follow(&mut self, target: &Target, world: &World) -> Vec<Want> {
        let place = match target {
            Target::Deed(seq) => Place::at(View::Log, Spot::Deed(*seq)),
            Target::Filter(filter) => Place::at(View::Log, Spot::Filter(filter.clone())),
            Target::Work(no) => Place::at(View::Work, Spot::Line(format!("work {no}"))),
            Target::Queue => Place::view(View::Inbox),
            Target::Map(key) => match Self::map_key(key, world) {
                Some(key) => Place::at(View::Map, Spot::Path(key)),
                None => Place::view(View::Map),
            },
            Target::Agent(agent) => {
                self.reading.go_to(rows::key_of(agent));
                self.reading.panes.opened = false;
                self.picking.begin();
                self.reading.changed();
                self.rebuild(world);
                return Vec::new();
            }
        };
        vec![Want::Go(place)]
    }

    /// The row of the map for a place as readiness names it: an agent's first pattern, or the place itself.
    fn map_key(place: &str, world: &World) -> Option<String> {
        let Some(agent) = place.strip_prefix("agent ") else { return Some(place.to_owned()) };
        let agent = AgentId::new(agent).ok()?;
        let entry = world.board.as_ref()?.map.agent(&agent)?;
        let first = entry.writes.first().map(ToString::to_string);
        first.or_else(|| entry.triggers.first().map(|trigger| format!("trigger {trigger}")))
    }

    fn open(&mut self, world: &World) -> Vec<Want> {
        if !std::mem::replace(&mut self.reading.panes.opened, true) {
            self.picking.begin();
            return Vec::new();
        }
        match self.picking.target() {
            Some(target) => self.follow(&target, world),
            None => Want::info("nothing here leads further"),
        }
    }

    /// All deeds of the agent in the log, or only what was stopped.
    fn go(&self, action: Action) -> Vec<Want> {
        let Some(agent) = self.agent() else {
            return Want::info("choose an agent first: j goes to the next one");
        };
        let stopped = if action == Action::Causes { " outcome:refused,stale,failed" } else { "" };
        Want::log(Spot::Filter(format!("actor:{agent}{stopped}")))
    }

    fn copy(&self, world: &World) -> Vec<Want> {
        let Some(board) = &world.board else { return Vec::new() };
        let told = self.told(PLAIN, COPIED, world, board);
        let lines: Vec<_> = told.all.into_iter().map(|(line, _)| line).collect();
        let what = self.agent().map_or_else(|| "the team".to_owned(), ToString::to_string);
        Want::copied(plain_text(&lines), what)
    }

    fn read(&mut self, action: Action, world: &World) {
        if self.reading.act(action) == Came::Filtered {
            self.rebuild(world);
        }
    }

    /// What is told of the row under the cursor.
    fn told(&self, look: Look<'_>, room: usize, world: &World, board: &Board) -> Lines {
        let team = self.team(board, world.now);
        match self.selected() {
            None => Lines::default(),
            Some(AgentRow::Team) => team::lines(look, room, world, &team),
            Some(AgentRow::Agent(agent)) => {
                let last = self.last.get(agent).map(Vec::as_slice);
                let kept = self.kept.get(agent);
                detail::lines(look, room, (world, board), (&team, agent), (last, kept))
            }
        }
    }
}

impl Screen for Agents {
    fn view(&self) -> View {
        View::Agents
    }

    fn context(&self) -> Context {
        self.reading.context(Context::Agents)
    }

    fn hints(&self, _world: &World) -> Vec<Action> {
        use Action as A;
        let own = || {
            if self.reading.panes.opened {
                vec![A::Open, A::Down, A::Close, A::Trace, A::Pause]
            } else {
                vec![A::Open, A::Filter, A::Trace, A::Pause, A::Allow, A::Peek]
            }
        };
        self.reading.hints().unwrap_or_else(own)
    }

    /// How many are stopped or silent; silence needs attention.
    fn badge(&self, world: &World) -> Badge {
        let Some(board) = &world.board else { return Badge::default() };
        let paused = board.agents.values().filter(|facts| facts.paused.is_some()).count();
        let silent = rows::silent(board).len();
        Badge { count: (paused + silent > 0).then_some(paused + silent), attention: silent > 0 }
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "what is not named here moves the list or means nothing"
    )]
    fn act(&mut self, action: Action, world: &World) -> Vec<Want> {
        let opened = self.reading.panes.opened;
        let mut wants = Vec::new();
        match action {
            _ if self.reading.is_typing() => self.read(action, world),
            Action::Open => wants = self.open(world),
            Action::NextPane | Action::PreviousPane => self.reading.panes.opened = !opened,
            Action::Right => self.reading.panes.opened = true,
            Action::Left => self.reading.panes.opened = false,
            Action::Close if opened => self.reading.panes.opened = false,
            Action::Trace | Action::Causes => wants = self.go(action),
            Action::Copy => wants = self.copy(world),
            Action::ScrollDown | Action::ScrollUp => _ = self.picking.act(action),
            _ if opened && self.picking.act(action) => {}
            _ => self.read(action, world),
        }
        wants.extend(self.settle());
        wants
    }

    fn insert(&mut self, insert: Insert<'_>, world: &World) -> Vec<Want> {
        if self.reading.insert(insert) {
            self.rebuild(world);
        }
        self.settle()
    }

    fn mouse(&mut self, event: MouseEvent, _world: &World) -> Vec<Want> {
        match self.reading.mouse(event) {
            Moused::Scrolled(by) => self.picking.by(by),
            Moused::Again(_) => self.reading.panes.opened = true,
            Moused::Chosen(_) | Moused::Moved => {}
        }
        self.settle()
    }

    fn deed(&mut self, deed: &Arc<Deed>, _world: &World) {
        if let Body::AgentAllowed(_) = &deed.body {
            self.kept_at = None;
        }
        let Some(known) = deed.actor.agent().and_then(|agent| self.last.get_mut(agent)) else { return };
        if known.iter().all(|other| other.seq < deed.seq) {
            known.insert(0, Arc::clone(deed));
            known.truncate(LAST_DEEDS);
        }
    }

    fn refresh(&mut self, world: &World) -> Vec<Want> {
        if !self.visited {
            return Vec::new();
        }
        self.rebuild(world);
        self.settle().into_iter().chain(self.ask_kept(world)).collect()
    }

    fn filter(&self) -> Option<&str> {
        Some(self.reading.filter())
    }

    fn filter_by(&mut self, text: &str, world: &World) -> Vec<Want> {
        self.reading.filter_by(text);
        self.refresh(world)
    }

    fn is_open(&self) -> bool {
        self.reading.panes.opened || self.reading.is_open()
    }

    fn reset(&mut self) {
        *self = Self { reading: self.reading.anew(), asking: self.asking.anew(), ..Self::default() };
    }

    fn told(&mut self, tag: u64, result: Result<Told, Trouble>, world: &World) -> Vec<Want> {
        let agent = match (self.asking.answered(tag), &result) {
            (Some(Sent::Last(agent)), _) => agent,
            (Some(Sent::Kept), Ok(Told::Agents(found))) => {
                let of = |line: &AgentLine| (line.readiness.agent.clone(), line.standing.clone());
                self.kept = found.agents.iter().map(of).collect();
                return Vec::new();
            }
            // What is kept is asked for again.
            (Some(Sent::Kept) | None, _) => return Vec::new(),
        };
        match result {
            Ok(Told::Page(page)) => {
                let newer = world
                    .recent
                    .iter()
                    .filter(|deed| deed.seq > page.head && deed.actor.agent() == Some(&agent));
                let mut deeds: Vec<_> = page.deeds.iter().chain(newer).rev().cloned().collect();
                deeds.truncate(LAST_DEEDS);
                if self.last.len() >= KNOWN {
                    self.last.clear();
                }
                self.last.insert(agent, deeds);
                Vec::new()
            }
            Ok(_) => Want::fail(asking::ANOTHER_ANSWER),
            Err(trouble) => Want::fail(trouble.to_string()),
        }
    }

    fn enter(&mut self, spot: Option<&Spot>, world: &World) -> Vec<Want> {
        self.visited = true;
        if let Some(Spot::Line(line)) = spot {
            self.reading.go_to(line.clone());
        }
        self.rebuild(world);
        self.settle().into_iter().chain(self.ask_kept(world)).collect()
    }

    fn under(&self, _world: &World) -> Under {
        let picked = self.picking.target().filter(|_| self.reading.panes.opened);
        match &picked {
            Some(Target::Agent(agent)) => Under::default().agent(Some(agent)),
            Some(_) | None => Under::default().agent(self.agent()),
        }
    }

    fn spot(&self) -> Option<Spot> {
        self.reading.focus().cloned().map(Spot::Line)
    }

    fn epoch(&self) -> u64 {
        self.reading.epoch()
    }

    fn draw(&self, buffer: &mut Buffer, areas: Areas, look: Look<'_>, world: &World) -> Option<Position> {
        let board = world.board.as_ref()?;
        let opened = self.reading.panes.opened;
        self.reading.draw(
            buffer,
            areas.body,
            look,
            pane::share(areas.body, SHARES),
            |buffer, area| {
                let team = self.team(board, world.now);
                let (kept, focused) = (&self.kept, !opened);
                let drawn = rows::Drawn { look, world, board, team: &team, kept, focused };
                drawn.draw(buffer, area, &self.reading.list, &self.rows)
            },
            |buffer, area| {
                let told = self.told(look, usize::from(area.width), world, board);
                self.picking.draw(buffer, area, look, &told, opened);
            },
        )
    }
}
