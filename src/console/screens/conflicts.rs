//! Conflicts: the alerts, the worst first, and what can be done about them.
//!
//! Here are the state and what keys do; `rows` draws the list, `detail` one conflict, `step` is something about to be done.
//! What counts as a conflict is decided by the rules; whether a step may be taken is decided by the server.

mod detail;
pub(super) mod rows;
mod step;
#[cfg(test)]
mod tests;

use std::fmt::Write as _;
use std::sync::Arc;

use crossterm::event::MouseEvent;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

pub(in crate::console) use self::rows::alert;
use self::step::AlertBox;
use super::{Areas, Badge, Screen, Want};
use crate::console::action::Action;
use crate::console::ask::{Told, Trouble, What};
use crate::console::asking::{self, Asking, Fetched};
use crate::console::kept::{self, Change};
use crate::console::keymap::Context;
use crate::console::place::{Spot, View};
use crate::console::under::Under;
use crate::console::widgets::form::{Form, Pressed};
use crate::console::widgets::prompt::Insert;
use crate::console::widgets::reading::{Came, Moused, Reading};
use crate::console::widgets::{Look, PLAIN, chrome, pane, thousands};
use crate::console::world::World;
use crate::domain::command::{AlertStep, AlertVerb, Command};
use crate::domain::ids::AlertNo;
use crate::domain::state::Thing;
use crate::domain::things::{Alert, AlertState, Severity};

/// The list's share of the width where everything has room, and where it is narrow.
const SHARES: [u16; 2] = [61, 52];

/// What an answer from the server will be about.
#[derive(Debug)]
enum Sent {
    /// A step, with the words for when it is done, and what its box was about.
    Step {
        done: String,
        about: String,
    },
    Causes,
}

#[derive(Debug, Default)]
pub struct Conflicts {
    reading: Reading<AlertNo>,
    /// What is shown, the worst first.
    order: Vec<AlertNo>,
    resolved: bool,
    step: Option<AlertBox>,
    asking: Asking<Sent>,
    /// Where conflicts began.
    causes: Fetched,
}

impl Conflicts {
    fn focused<'a>(&self, world: &'a World) -> Option<&'a Arc<Alert>> {
        rows::alert(world.board.as_ref()?, *self.reading.focus()?)
    }

    /// Sorts anew, and keeps the reader on their conflict while it is there.
    fn sort(&mut self, world: &World) {
        let Some(board) = &world.board else { return };
        self.order = rows::order(board, self.resolved, &self.reading.words());
        let of = board.alerts.len() + if self.resolved { board.resolved.len() } else { 0 };
        let at = self.order.iter().position(|shown| Some(shown) == self.reading.focus());
        self.reading.place(self.order.len(), Some((self.order.len(), of)), at);
    }

    /// The focus is where the list is; where the conflict began is asked for, where that did not come by lately.
    fn settle(&mut self, world: &World) -> Vec<Want> {
        self.reading.settle(self.reading.list.selected().and_then(|at| self.order.get(at).copied()));
        let first = self.focused(world).and_then(|alert| alert.first_cause);
        let missing = self.causes.missing(world, first);
        missing.map(|what| self.asking.ask(Sent::Causes, what)).into_iter().collect()
    }

    fn send(&mut self, command: Command, sent: Sent, world: &World) -> Vec<Want> {
        match world.may_decide() {
            Ok(()) => vec![self.asking.ask(sent, What::Command(Box::new(command)))],
            Err(why) => Want::fail(why),
        }
    }

    /// Opens a step, where the conflict is one that it can be taken on.
    fn begin(&mut self, action: Action, world: &World) -> Vec<Want> {
        let (Some(alert), Some(board)) = (self.focused(world), &world.board) else {
            return Want::info("no conflict is selected");
        };
        if matches!(alert.state, AlertState::Resolved { .. }) {
            return Want::info(format!("alert #{} is resolved already", alert.no));
        }
        let item = alert.item.filter(|item| board.items.contains_key(item));
        if let (Action::Escalate, Some(item)) = (action, item) {
            return Want::info(format!("it waits in the inbox already, as #{item}"));
        }
        let mut step =
            if action == Action::Resolve { AlertBox::resolve(alert) } else { AlertBox::escalate(alert) };
        world.kept().resume(&step.title, &mut step.form);
        self.step = Some(step);
        Vec::new()
    }

    fn acknowledge(&mut self, world: &World) -> Vec<Want> {
        let Some(alert) = self.focused(world) else { return Vec::new() };
        let no = alert.no;
        if alert.state != AlertState::Open {
            return Want::info(format!("alert #{no} is acknowledged already"));
        }
        let step = AlertStep { alert: no, step: AlertVerb::Acknowledge, note: None };
        let sent = Sent::Step { done: format!("alert #{no} is acknowledged"), about: String::new() };
        self.send(Command::Alert(step), sent, world)
    }

    fn act_on_step(&mut self, action: Action, world: &World) -> Vec<Want> {
        let Some(step) = &mut self.step else { return Vec::new() };
        match step.form.act(action) {
            Pressed::On => {
                step.form.page(action, &self.reading.panes.scroll);
                Vec::new()
            }
            Pressed::Lacks(what) => Want::warn(what),
            Pressed::Closed => {
                let words = kept::closed(&step.title, &step.form);
                self.step = None;
                Want::info(words)
            }
            Pressed::Confirmed => {
                let (command, done) = step.command();
                // It may be refused: what was typed is kept until it is done.
                let about = std::mem::take(&mut step.title);
                self.step = None;
                self.send(command, Sent::Step { done, about }, world)
            }
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "what is not named here means nothing")]
    fn act_on_alert(&mut self, action: Action, world: &World) -> Vec<Want> {
        match action {
            Action::Acknowledge => return self.acknowledge(world),
            Action::Resolve | Action::Escalate => return self.begin(action, world),
            Action::Resolved => {
                self.resolved = !self.resolved;
                self.sort(world);
            }
            Action::Right | Action::Left => _ = self.reading.list.sideways(action == Action::Right),
            _ => {}
        }
        let Some(alert) = self.focused(world) else { return Vec::new() };
        match action {
            Action::Open | Action::Causes => Want::log(Spot::Deed(alert.first_cause.unwrap_or(alert.deed))),
            Action::Trace => match &alert.on {
                Some(on) => Want::log(Spot::Filter(format!("entity:{}", on.entity))),
                None => Want::info(format!("alert #{} is about no entity", alert.no)),
            },
            // How it was when the conflict was last seen.
            Action::HowItWas => {
                let last = alert.sides.iter().filter_map(|side| side.deed).max();
                vec![Want::Look(last.map_or(alert.deed, |last| last.max(alert.deed)))]
            }
            Action::Copy => Want::copied(detail::plain(PLAIN, alert), format!("alert #{}", alert.no)),
            _ => Vec::new(),
        }
    }
}

impl Screen for Conflicts {
    fn view(&self) -> View {
        View::Conflicts
    }

    fn context(&self) -> Context {
        match &self.step {
            Some(step) => step.form.context(),
            None => self.reading.context(Context::Conflicts),
        }
    }

    fn hints(&self, _world: &World) -> Vec<Action> {
        use Action as A;
        match (&self.step, self.reading.hints()) {
            (Some(step), _) => step.form.hints(),
            (None, Some(typing)) => typing,
            (None, None) if self.reading.focus().is_none() => vec![A::Resolved],
            (None, None) => {
                let first = [A::Acknowledge, A::Resolve, A::Escalate, A::Replay, A::Causes, A::Trace];
                let more = self.reading.list.is_cut().then_some(A::Right);
                let then = [A::Freeze, A::Pause, A::Revert, A::Resolved];
                first.into_iter().chain(then).chain(more).collect()
            }
        }
    }

    fn does(&self, action: Action, _world: &World) -> Option<String> {
        self.step.as_ref().and_then(|step| step.form.does(action))
    }

    fn badge(&self, world: &World) -> Badge {
        let Some(board) = &world.board else { return Badge::default() };
        let (mut count, mut attention) = (0, false);
        for alert in board.alerts.values().filter(|alert| alert.state == AlertState::Open) {
            count += 1;
            attention |= alert.severity == Severity::Critical;
        }
        Badge { count: (count > 0).then_some(count), attention }
    }

    fn act(&mut self, action: Action, world: &World) -> Vec<Want> {
        if self.step.is_some() {
            return self.act_on_step(action, world);
        }
        let mut wants = match self.reading.act(action) {
            Came::Moved => Vec::new(),
            Came::Other => self.act_on_alert(action, world),
            Came::Filtered => {
                self.sort(world);
                Vec::new()
            }
        };
        wants.extend(self.settle(world));
        wants
    }

    fn insert(&mut self, insert: Insert<'_>, world: &World) -> Vec<Want> {
        if let Some(step) = &mut self.step {
            step.form.insert(insert);
            return Vec::new();
        }
        if self.reading.insert(insert) {
            self.sort(world);
        }
        self.settle(world)
    }

    fn mouse(&mut self, event: MouseEvent, world: &World) -> Vec<Want> {
        if let Moused::Again(_) = self.reading.mouse(event) {
            self.reading.panes.opened = true;
        }
        self.settle(world)
    }

    fn refresh(&mut self, world: &World) -> Vec<Want> {
        self.sort(world);
        self.settle(world)
    }

    fn form(&self) -> Option<(String, &Form)> {
        self.step.as_ref().map(|step| (step.title.clone(), &step.form))
    }

    fn filter(&self) -> Option<&str> {
        Some(self.reading.filter())
    }

    fn filter_by(&mut self, text: &str, world: &World) -> Vec<Want> {
        self.reading.filter_by(text);
        self.sort(world);
        self.settle(world)
    }

    fn is_open(&self) -> bool {
        self.reading.is_open()
    }

    fn reset(&mut self) {
        let (reading, asking) = (self.reading.anew(), self.asking.anew());
        *self = Self { reading, asking, ..Self::default() };
    }

    fn told(&mut self, tag: u64, result: Result<Told, Trouble>, _world: &World) -> Vec<Want> {
        match (self.asking.answered(tag), result) {
            (Some(Sent::Causes), Ok(Told::Deeds(deeds))) => {
                self.causes.take(deeds);
                Vec::new()
            }
            (None | Some(Sent::Causes), _) => Vec::new(),
            (Some(Sent::Step { done, about }), result) => match asking::came_out(result) {
                Ok(()) => {
                    let mut wants = vec![Want::Keep(Change::no_draft(&about))];
                    wants.extend(Want::done(done));
                    wants
                }
                Err(undone) => Want::fail(undone.to_string()),
            },
        }
    }

    fn enter(&mut self, spot: Option<&Spot>, world: &World) -> Vec<Want> {
        let mut wants = Vec::new();
        if let Some(Spot::Alert(no)) = spot {
            self.resolved |= world.board.as_ref().is_some_and(|board| !board.alerts.contains_key(no));
            self.reading.go_to(*no);
            self.sort(world);
            if !self.order.contains(no) {
                wants = Want::info(format!("alert #{no} is no longer kept; the log has it"));
            }
        }
        wants.extend(self.settle(world));
        wants
    }

    fn under(&self, world: &World) -> Under {
        let (Some(alert), Some(board)) = (self.focused(world), &world.board) else { return Under::default() };
        let paths = alert.sides.iter().rev().filter_map(|side| side.path.clone());
        let under = Under::default().path(alert.on.clone());
        // Who came in last did it last: most often the one to stop.
        paths
            .fold(under, |under, path| under.path(Some(path)))
            .actors(alert.who.iter().rev())
            .with_leases(board, world.now)
    }

    fn shows(&self, world: &World) -> Vec<Thing> {
        self.focused(world).map(|alert| Thing::Alert(alert.no)).into_iter().collect()
    }

    fn spot(&self) -> Option<Spot> {
        self.reading.focus().copied().map(Spot::Alert)
    }

    fn epoch(&self) -> u64 {
        self.reading.epoch()
    }

    fn draw(&self, buffer: &mut Buffer, areas: Areas, look: Look<'_>, world: &World) -> Option<Position> {
        if let (Some(step), Some(board)) = (&self.step, &world.board) {
            // What is decided on stays to be seen above it.
            let lines = step.lines(areas.body, look, board);
            let (above, foot) = step.form.split(areas.body, lines.len());
            self.reading.panes.begin(true);
            self.draw_detail(buffer, pane::indented(above), look, world);
            return step.form.draw(buffer, foot, look, &step.title, &lines);
        }
        self.draw_view(buffer, areas.body, look, world)
    }
}

impl Conflicts {
    fn draw_view(&self, buffer: &mut Buffer, body: Rect, look: Look<'_>, world: &World) -> Option<Position> {
        let board = world.board.as_ref()?;
        let nothing = board.alerts.is_empty() && (!self.resolved || board.resolved.is_empty());
        if nothing && self.step.is_none() && !self.reading.is_typing() {
            draw_calm(buffer, body, look, board.resolved.len(), board.enforces());
            return None;
        }
        self.reading.draw(
            buffer,
            body,
            look,
            pane::share(body, SHARES),
            |buffer, area| rows::draw(buffer, area, look, world, (&self.reading.list, &self.order)),
            |buffer, area| self.draw_detail(buffer, area, look, world),
        )
    }

    fn draw_detail(&self, buffer: &mut Buffer, area: Rect, look: Look<'_>, world: &World) {
        let Some(alert) = self.focused(world) else { return };
        let deed = |seq| self.causes.find(world, seq);
        let lines = detail::lines(look, usize::from(area.width), world, alert, &deed);
        self.reading.panes.scroll.draw(buffer, area, look, &lines);
    }
}

/// Why there is nothing, and what would show up.
fn draw_calm(buffer: &mut Buffer, body: Rect, look: Look<'_>, resolved: usize, enforces: bool) {
    let mut next = "stale reads and writes, contradictions, fights over a field and missed\n\
        deadlines show up here by themselves, both sides next to each other"
        .to_owned();
    if !enforces {
        next.push_str("\nthis workspace only observes: what is wrong is recorded, not refused");
    }
    if resolved > 0 {
        _ = write!(next, "\nR shows the {} that are resolved", thousands(resolved as u64));
    }
    chrome::draw_empty(buffer, body, look, "No open conflicts", &next);
}
