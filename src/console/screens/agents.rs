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

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::sync::Arc;

use crossterm::event::{KeyEvent, MouseButton, MouseEvent, MouseEventKind};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};

use self::lines::{Lines, Target};
use self::rows::Row;
use super::{Areas, Badge, Screen, Want};
use crate::client::{Direction, LedgerQuery};
use crate::console::action::Action;
use crate::console::ask::{Told, Trouble, What};
use crate::console::keymap::Context;
use crate::console::place::{Place, Spot, View};
use crate::console::under::Under;
use crate::console::untrusted;
use crate::console::widgets::chrome::{self, Tone};
use crate::console::widgets::list::ListState;
use crate::console::widgets::prompt::Prompt;
use crate::console::widgets::{Look, cells, pane, put, put_at, select_row, width};
use crate::console::world::World;
use crate::domain::deed::Deed;
use crate::domain::ids::{AgentId, Seq};
use crate::domain::readiness::{Team, readiness};
use crate::domain::state::Board;
use crate::domain::time::Time;

/// The list's share of the width where everything has room, and where it is narrow.
const LEFT_PERCENT: [u16; 2] = [60, 50];
/// Deeds of an agent that are told.
const LAST_DEEDS: usize = 6;
/// Agents of which the last deeds are kept.
const KNOWN: usize = 64;
const MINUTE_MICROS: i64 = 60_000_000;

/// Which side keys move in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Side {
    #[default]
    List,
    Detail,
}

/// The Agents view.
#[derive(Debug, Default)]
pub struct Agents {
    rows: Vec<Row>,
    list: ListState,
    /// The row that the reader is on, by name.
    focus: String,
    side: Side,
    /// The line of the detail that the reader is on, among those that lead somewhere.
    pick: usize,
    filter: String,
    prompt: Option<Prompt>,
    /// The readiness of a board at a minute: worked out when it is looked at, and kept until either changes.
    team: RefCell<Option<(Seq, i64, Arc<Team>)>>,
    /// The last deeds of agents that were looked at, newest first.
    last: BTreeMap<AgentId, Vec<Arc<Deed>>>,
    sent: BTreeMap<u64, AgentId>,
    next_tag: u64,
    visited: bool,
    epoch: u64,
    /// The rows as last drawn, for the mouse; whether the detail stood beside them; how many of its lines lead somewhere.
    rows_area: Cell<Rect>,
    split: Cell<bool>,
    targets: RefCell<Vec<Target>>,
    top: Cell<usize>,
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

    fn selected(&self) -> Option<&Row> {
        self.rows.get(self.list.selected()?)
    }

    fn agent(&self) -> Option<&AgentId> {
        match self.selected()? {
            Row::Team => None,
            Row::Agent(agent) => Some(agent),
        }
    }

    fn rebuild(&mut self, world: &World) {
        let Some(board) = &world.board else { return };
        let words: Vec<String> = self.filter.to_lowercase().split_whitespace().map(str::to_owned).collect();
        self.rows = rows::build(board, &words);
        self.list.set_len(self.rows.len());
        if let Some(at) = self.rows.iter().position(|row| row.key() == self.focus) {
            self.list.select(at);
        }
    }

    /// The focus is where the list is; what is told of it is asked for where it is not here.
    fn settle(&mut self) -> Vec<Want> {
        let focus = self.selected().map(Row::key).unwrap_or_default();
        if focus != self.focus {
            self.focus = focus;
            self.pick = 0;
            self.top.set(0);
            self.epoch += 1;
        }
        let Some(agent) = self.agent().filter(|_| self.visited).cloned() else { return Vec::new() };
        if self.last.contains_key(&agent) || self.sent.values().any(|asked| *asked == agent) {
            return Vec::new();
        }
        self.next_tag += 1;
        let query = LedgerQuery {
            filter: format!("class:agent actor:{agent}"),
            direction: Direction::Newest,
            limit: LAST_DEEDS,
            ..LedgerQuery::default()
        };
        self.sent.insert(self.next_tag, agent);
        vec![Want::Ask { tag: self.next_tag, what: What::Page(query) }]
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
                self.focus = rows::key_of(agent);
                (self.side, self.pick) = (Side::List, 0);
                self.rebuild(world);
                self.epoch += 1;
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
        if self.side == Side::List {
            (self.side, self.pick) = (Side::Detail, 0);
            return Vec::new();
        }
        let target = self.targets.borrow().get(self.pick).cloned();
        match target {
            Some(target) => self.follow(&target, world),
            None => vec![Want::Say(Tone::Info, "nothing here leads further".to_owned())],
        }
    }

    /// All deeds of the agent in the log, or only what was stopped.
    fn go(&self, action: Action) -> Vec<Want> {
        let Some(agent) = self.agent() else {
            return vec![Want::Say(Tone::Info, "choose an agent first: j goes to the next one".to_owned())];
        };
        let filter = if action == Action::Causes {
            format!("actor:{agent} outcome:refused,stale,failed")
        } else {
            format!("actor:{agent}")
        };
        vec![Want::Go(Place::at(View::Log, Spot::Filter(filter)))]
    }

    fn move_pick(&mut self, by: isize) {
        let last = self.targets.borrow().len().saturating_sub(1);
        self.pick = self.pick.min(last).saturating_add_signed(by).min(last);
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "what is not named here moves nothing")]
    fn act_on_detail(&mut self, action: Action) -> bool {
        match action {
            Action::Up | Action::ScrollUp => self.move_pick(-1),
            Action::Down | Action::ScrollDown => self.move_pick(1),
            Action::PageUp | Action::HalfUp => self.move_pick(-10),
            Action::PageDown | Action::HalfDown => self.move_pick(10),
            Action::First => self.pick = 0,
            Action::Last => self.move_pick(isize::MAX),
            _ => return false,
        }
        true
    }

    fn act_on_prompt(&mut self, action: Action, world: &World) {
        if !matches!(action, Action::Submit | Action::Close) {
            return;
        }
        if action == Action::Close {
            self.filter.clear();
        }
        self.prompt = None;
        self.rebuild(world);
    }

    fn typed(&mut self, world: &World) -> Vec<Want> {
        if let Some(prompt) = &self.prompt {
            prompt.text().clone_into(&mut self.filter);
            self.rebuild(world);
        }
        self.settle()
    }

    fn close(&mut self, world: &World) {
        if self.side == Side::Detail {
            self.side = Side::List;
        } else if !self.filter.is_empty() {
            self.filter.clear();
            self.rebuild(world);
        }
    }

    /// What is told of the row under the cursor.
    fn told(&self, look: Look<'_>, room: usize, world: &World, board: &Board) -> Lines {
        let team = self.team(board, world.now);
        match self.selected() {
            None => Lines::default(),
            Some(Row::Team) => team::lines(look, room, world, &team),
            Some(Row::Agent(agent)) => {
                let last = self.last.get(agent).map(Vec::as_slice);
                detail::lines(look, room, (world, board), (&team, agent), last)
            }
        }
    }
}

impl Screen for Agents {
    fn view(&self) -> View {
        View::Agents
    }

    fn context(&self) -> Context {
        if self.prompt.is_some() { Context::Prompt } else { Context::Agents }
    }

    fn hints(&self, _world: &World) -> Vec<Action> {
        use Action as A;
        match (&self.prompt, self.side) {
            (Some(_), _) => vec![A::Submit, A::Close],
            (None, Side::List) => vec![A::Open, A::Filter, A::Trace, A::Pause, A::Peek],
            (None, Side::Detail) => vec![A::Open, A::Down, A::Close, A::Trace, A::Pause],
        }
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
        let mut wants = Vec::new();
        match action {
            _ if self.prompt.is_some() => self.act_on_prompt(action, world),
            Action::Filter => self.prompt = Some(Prompt::with_text(&self.filter)),
            Action::Open => wants = self.open(world),
            Action::NextPane | Action::PreviousPane => {
                self.side = if self.side == Side::List { Side::Detail } else { Side::List };
            }
            Action::Right => self.side = Side::Detail,
            Action::Left => self.side = Side::List,
            Action::Close => self.close(world),
            Action::Trace | Action::Causes => wants = self.go(action),
            Action::ScrollDown | Action::ScrollUp => _ = self.act_on_detail(action),
            Action::Copy => wants = self.copy(world),
            _ if self.side == Side::Detail => _ = self.act_on_detail(action),
            moving => _ = self.list.apply(moving),
        }
        wants.extend(self.settle());
        wants
    }

    fn text(&mut self, key: KeyEvent, world: &World) -> Vec<Want> {
        if let Some(prompt) = &mut self.prompt {
            prompt.key(key);
        }
        self.typed(world)
    }

    fn paste(&mut self, text: &str, world: &World) -> Vec<Want> {
        if let Some(prompt) = &mut self.prompt {
            prompt.paste(text);
        }
        self.typed(world)
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "crossterm's enum: nothing else is taken")]
    fn mouse(&mut self, event: MouseEvent, _areas: Areas, _world: &World) -> Vec<Want> {
        let area = self.rows_area.get();
        let inside = area.contains(Position { x: event.column, y: event.row });
        match event.kind {
            MouseEventKind::ScrollDown if inside => self.list.move_by(1),
            MouseEventKind::ScrollUp if inside => self.list.move_by(-1),
            MouseEventKind::ScrollDown => self.move_pick(1),
            MouseEventKind::ScrollUp => self.move_pick(-1),
            MouseEventKind::Down(MouseButton::Left) if inside => {
                self.side = Side::List;
                if let Some(row) = self.list.row_at(event.row - area.y) {
                    self.list.select(row);
                }
            }
            _ => {}
        }
        self.settle()
    }

    fn deed(&mut self, deed: &Arc<Deed>, _world: &World) {
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
        self.settle()
    }

    fn reset(&mut self) {
        *self = Self { epoch: self.epoch + 1, next_tag: self.next_tag, ..Self::default() };
    }

    fn told(&mut self, tag: u64, result: Result<Told, Trouble>, world: &World) -> Vec<Want> {
        let Some(agent) = self.sent.remove(&tag) else { return Vec::new() };
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
            Ok(_) => Want::fail(
                "the server answered something else than was asked; this console may be older than it",
            ),
            Err(trouble) => Want::fail(format!("{}; {}", trouble.what, trouble.next)),
        }
    }

    fn enter(&mut self, spot: Option<&Spot>, world: &World) -> Vec<Want> {
        self.visited = true;
        if let Some(Spot::Line(line)) = spot {
            self.filter.clear();
            self.focus.clone_from(line);
        }
        self.rebuild(world);
        self.settle()
    }

    fn under(&self, _world: &World) -> Under {
        let under = Under::default();
        if self.side == Side::Detail
            && let Some(Target::Agent(agent)) = self.targets.borrow().get(self.pick)
        {
            return under.agent(Some(agent));
        }
        under.agent(self.agent())
    }

    fn spot(&self) -> Option<Spot> {
        (!self.focus.is_empty()).then(|| Spot::Line(self.focus.clone()))
    }

    fn epoch(&self) -> u64 {
        self.epoch
    }

    fn draw(&self, buffer: &mut Buffer, areas: Areas, look: Look<'_>, world: &World) -> Option<Position> {
        let body = areas.body;
        self.rows_area.set(Rect::ZERO);
        let share = pane::share(body, LEFT_PERCENT);
        self.split.set(share.is_some());
        let Some(board) = &world.board else {
            chrome::draw_empty(buffer, body, look, "Waiting for the server", &[]);
            return None;
        };
        pane::list_and_detail(
            buffer,
            body,
            look,
            (share, self.side == Side::Detail),
            |buffer, area| self.draw_list(buffer, area, look, world, board),
            |buffer, area| self.draw_detail(buffer, area, look, world, board),
        )
    }
}

impl Agents {
    fn copy(&self, world: &World) -> Vec<Want> {
        let Some(board) = &world.board else { return Vec::new() };
        let theme = crate::console::theme::Theme::mono();
        let look = Look { theme: &theme, glyphs: &crate::console::glyphs::ASCII };
        let told = self.told(look, 100, world, board);
        let text: Vec<String> =
            told.all.iter().map(|(line, _)| line.to_string().trim_end().to_owned()).collect();
        let what = self.agent().map_or_else(|| "the team".to_owned(), ToString::to_string);
        vec![Want::Copy(text.join("\n")), Want::Say(Tone::Done, format!("{what} is on the clipboard"))]
    }

    fn draw_list(
        &self,
        buffer: &mut Buffer,
        area: Rect,
        look: Look<'_>,
        world: &World,
        board: &Board,
    ) -> Option<Position> {
        let wanted = u16::from(!self.filter.is_empty() || self.prompt.is_some()).min(area.height);
        let list = Rect { height: area.height - wanted, ..area };
        let foot = Rect { y: area.y + list.height, height: wanted, ..area };
        let team = self.team(board, world.now);
        let drawn = rows::Drawn { look, world, board, team: &team, focused: self.side == Side::List };
        self.rows_area.set(drawn.draw(buffer, list, &self.list, &self.rows));
        if let Some(prompt) = &self.prompt {
            return prompt.draw(buffer, foot, look, " / ");
        }
        if wanted > 0 {
            let room = usize::from(foot.width).saturating_sub(16);
            let text = format!(" / {}  esc clears", untrusted::fit(&self.filter, room));
            put(buffer, foot, 0, &Line::from(Span::styled(text, look.theme.accent)));
        }
        None
    }

    /// What is told of the row, with the line that the reader is on in sight.
    fn draw_detail(&self, buffer: &mut Buffer, area: Rect, look: Look<'_>, world: &World, board: &Board) {
        let told = self.told(look, usize::from(area.width), world, board);
        let leading: Vec<usize> = told
            .all
            .iter()
            .enumerate()
            .filter(|(_, (_, target))| target.is_some())
            .map(|(at, _)| at)
            .collect();
        *self.targets.borrow_mut() = told.all.iter().filter_map(|(_, target)| target.clone()).collect();
        let here = leading.get(self.pick).or(leading.last()).copied().filter(|_| self.side == Side::Detail);
        let (all, height) = (told.all.len(), usize::from(area.height));
        let mut top = self.top.get().min(all.saturating_sub(height));
        if let Some(here) = here {
            // A line or two around the one that is read stay in sight, the first lines with the first one.
            let first = if self.pick == 0 { 0 } else { here.saturating_sub(1) };
            if first < top {
                top = first;
            } else if here + 2 > top + height {
                top = (here + 2 - height).min(all.saturating_sub(height));
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
                put(
                    buffer,
                    wide,
                    cells(row),
                    &Line::from(Span::styled(look.glyphs.cursor, look.theme.accent)),
                );
            }
        }
        let below = all.saturating_sub(top + height);
        if below > 0 && area.height > 0 {
            let more = format!(" {} {below} more", look.glyphs.more[1]);
            let line = Line::from(Span::styled(more, look.theme.accent));
            let column = area.width.saturating_sub(cells(width(&line)));
            put_at(buffer, area, area.height - 1, column, &line);
        }
    }
}
