//! Conflicts: the alerts, the worst first, and what can be done about them.
//!
//! Here are the state and what keys do; `rows` draws the list, `detail` one conflict, `step` is something about to be done.
//! What counts as a conflict is decided by the rules; whether a step may be taken is decided by the server.

mod detail;
pub(super) mod rows;
mod step;
#[cfg(test)]
mod tests;

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crossterm::event::{KeyEvent, MouseButton, MouseEvent, MouseEventKind};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};

use self::step::{Came, Step};
use super::{Areas, Badge, Screen, Want};
use crate::console::action::Action;
use crate::console::ask::{Told, Trouble, What};
use crate::console::keymap::Context;
use crate::console::place::{Place, Spot, View};
use crate::console::theme::Theme;
use crate::console::under::Under;
use crate::console::widgets::chrome::{self, Tone};
use crate::console::widgets::list::ListState;
use crate::console::widgets::prompt::Prompt;
use crate::console::widgets::{Look, cells, pane, put, put_at, put_lines, thousands, width};
use crate::console::world::World;
use crate::console::{glyphs, untrusted};
use crate::domain::command::{AlertStep, AlertVerb, Command};
use crate::domain::deed::Deed;
use crate::domain::ids::{AlertNo, Seq};
use crate::domain::things::{Alert, AlertState, Severity};

/// The list's share of the width where everything has room, and where it is narrow.
const LEFT_PERCENT: [u16; 2] = [61, 52];
/// Deeds kept for showing where a conflict began.
const CAUSES_KEPT: usize = 512;

/// What lies over the view, or stands in its last row.
#[derive(Debug)]
enum Over {
    Filter(Prompt),
    Step(Box<Step>),
}

/// What an answer from the server will be about.
#[derive(Debug)]
enum Sent {
    /// A step, with the words for when it is done.
    Step(String),
    Causes,
}

/// The Conflicts.
#[derive(Debug, Default)]
pub struct Conflicts {
    list: ListState,
    /// What is shown, the worst first.
    order: Vec<AlertNo>,
    focus: Option<AlertNo>,
    resolved: bool,
    filter: String,
    over: Option<Over>,
    /// Where there is room for the list alone: whether the conflict is open over it.
    opened: bool,
    scroll: usize,
    epoch: u64,
    sent: BTreeMap<u64, Sent>,
    next_tag: u64,
    causes: BTreeMap<Seq, Arc<Deed>>,
    /// Deeds that were asked for, so that they are asked for once.
    asked: BTreeSet<Seq>,
    /// The rows as last drawn, for the mouse, and whether the conflict stood beside them.
    rows_area: Cell<Rect>,
    split: Cell<bool>,
}

impl Conflicts {
    fn focused<'a>(&self, world: &'a World) -> Option<&'a Arc<Alert>> {
        rows::alert(world.board.as_ref()?, self.focus?)
    }

    /// Sorts anew, and keeps the reader on their conflict while it is there.
    fn sort(&mut self, world: &World) {
        let Some(board) = &world.board else { return };
        self.order = rows::order(board, self.resolved, &self.filter);
        self.list.set_len(self.order.len());
        if let Some(at) = self.focus.and_then(|no| self.order.iter().position(|shown| *shown == no)) {
            self.list.select(at);
        }
    }

    /// Puts the focus where the list is; says with the epoch if that is another conflict.
    fn settle(&mut self) {
        let focus = self.list.selected().and_then(|at| self.order.get(at).copied());
        if focus != self.focus {
            (self.focus, self.scroll) = (focus, 0);
            self.epoch += 1;
        }
    }

    /// Asks for where the conflict began, where that did not come by lately.
    fn fetch(&mut self, world: &World) -> Vec<Want> {
        let Some(seq) = self.focused(world).and_then(|alert| alert.first_cause) else { return Vec::new() };
        if self.known(world, seq).is_some() || !self.asked.insert(seq) {
            return Vec::new();
        }
        vec![self.ask(Sent::Causes, What::Deeds(vec![seq]))]
    }

    fn known<'a>(&'a self, world: &'a World, seq: Seq) -> Option<&'a Arc<Deed>> {
        world.recent_deed(seq).or_else(|| self.causes.get(&seq))
    }

    fn ask(&mut self, sent: Sent, what: What) -> Want {
        self.next_tag += 1;
        self.sent.insert(self.next_tag, sent);
        Want::Ask { tag: self.next_tag, what }
    }

    fn send(&mut self, command: Command, done: String, world: &World) -> Vec<Want> {
        if let Err(why) = world.may_decide() {
            return Want::fail(why);
        }
        vec![self.ask(Sent::Step(done), What::Command(Box::new(command)))]
    }

    /// Opens a step, where the conflict is one that it can be taken on.
    fn begin(&mut self, action: Action, world: &World) -> Vec<Want> {
        let (Some(alert), Some(board)) = (self.focused(world), &world.board) else {
            return vec![Want::Say(Tone::Info, "no conflict is selected".to_owned())];
        };
        if matches!(alert.state, AlertState::Resolved { .. }) {
            return vec![Want::Say(Tone::Info, format!("alert #{} is resolved already", alert.no))];
        }
        if let (Action::Escalate, Some(item)) =
            (action, alert.item.filter(|item| board.items.contains_key(item)))
        {
            return vec![Want::Say(Tone::Info, format!("it waits in the inbox already, as #{item}"))];
        }
        let step = if action == Action::Resolve { Step::resolve(alert) } else { Step::escalate(alert) };
        self.over = Some(Over::Step(Box::new(step)));
        Vec::new()
    }

    fn acknowledge(&mut self, world: &World) -> Vec<Want> {
        let Some(alert) = self.focused(world) else { return Vec::new() };
        let no = alert.no;
        if alert.state != AlertState::Open {
            return vec![Want::Say(Tone::Info, format!("alert #{no} is acknowledged already"))];
        }
        let step = AlertStep { alert: no, step: AlertVerb::Acknowledge, note: None };
        self.send(Command::Alert(step), format!("alert #{no} is acknowledged"), world)
    }

    fn act_over(&mut self, action: Action, world: &World) -> Vec<Want> {
        match &mut self.over {
            Some(Over::Filter(_)) => {
                if action == Action::Close {
                    self.filter.clear();
                    self.sort(world);
                }
                if matches!(action, Action::Close | Action::Submit) {
                    self.over = None;
                }
            }
            Some(Over::Step(step)) => match step.act(action) {
                Came::On => {}
                Came::Closed => self.over = None,
                Came::Lacks(what) => return vec![Want::Say(Tone::Warning, what.to_owned())],
                Came::Send(command, done) => {
                    self.over = None;
                    return self.send(*command, done, world);
                }
            },
            None => {}
        }
        Vec::new()
    }

    fn typed(&mut self, world: &World) {
        if let Some(Over::Filter(prompt)) = &self.over {
            prompt.text().clone_into(&mut self.filter);
            self.sort(world);
            self.settle();
        }
    }

    fn go(&self, action: Action, world: &World) -> Vec<Want> {
        let Some(alert) = self.focused(world) else { return Vec::new() };
        let place = if action == Action::Trace {
            alert.on.as_ref().map(|on| Place::at(View::Log, Spot::Filter(format!("entity:{}", on.entity))))
        } else {
            Some(Place::at(View::Log, Spot::Deed(alert.first_cause.unwrap_or(alert.deed))))
        };
        match place {
            Some(place) => vec![Want::Go(place)],
            None => vec![Want::Say(Tone::Info, format!("alert #{} is about no entity", alert.no))],
        }
    }

    /// How it was when the conflict was last seen.
    fn how_it_was(&self, world: &World) -> Vec<Want> {
        let Some(alert) = self.focused(world) else { return Vec::new() };
        let last = alert.sides.iter().filter_map(|side| side.deed).max();
        vec![Want::Look(last.map_or(alert.deed, |last| last.max(alert.deed)))]
    }

    fn close(&mut self, world: &World) {
        if self.opened && !self.split.get() {
            self.opened = false;
        } else if !self.filter.is_empty() {
            self.filter.clear();
            self.sort(world);
        }
    }

    fn copy(&self, world: &World) -> Vec<Want> {
        let Some(alert) = self.focused(world) else { return Vec::new() };
        let theme = Theme::mono();
        let text = detail::plain(Look { theme: &theme, glyphs: &glyphs::ASCII }, alert);
        vec![Want::Copy(text), Want::Say(Tone::Done, format!("alert #{} is on the clipboard", alert.no))]
    }
}

impl Screen for Conflicts {
    fn view(&self) -> View {
        View::Conflicts
    }

    fn context(&self) -> Context {
        match &self.over {
            Some(Over::Filter(_)) => Context::Prompt,
            Some(Over::Step(step)) => step.context(),
            None => Context::Conflicts,
        }
    }

    fn hints(&self, _world: &World) -> Vec<Action> {
        match &self.over {
            Some(Over::Filter(_)) => vec![Action::Submit, Action::Close],
            Some(Over::Step(step)) => step.hints(),
            None if self.focus.is_none() => vec![Action::Resolved],
            None => vec![
                Action::Acknowledge,
                Action::Resolve,
                Action::Escalate,
                Action::Causes,
                Action::Trace,
                Action::Freeze,
                Action::Pause,
                Action::Revert,
                Action::Resolved,
            ],
        }
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

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "what is not named here moves the list or means nothing"
    )]
    fn act(&mut self, action: Action, world: &World) -> Vec<Want> {
        if self.over.is_some() {
            return self.act_over(action, world);
        }
        let wants = match action {
            Action::Acknowledge => self.acknowledge(world),
            Action::Resolve | Action::Escalate => self.begin(action, world),
            Action::Trace | Action::Causes => self.go(action, world),
            Action::Open if self.split.get() || self.opened => self.go(Action::Causes, world),
            Action::Copy => self.copy(world),
            Action::HowItWas => self.how_it_was(world),
            other => {
                match other {
                    Action::Open => self.opened = true,
                    Action::Close => self.close(world),
                    Action::Filter => self.over = Some(Over::Filter(Prompt::with_text(&self.filter))),
                    Action::Resolved => {
                        self.resolved = !self.resolved;
                        self.sort(world);
                    }
                    Action::ScrollDown => self.scroll += 1,
                    Action::ScrollUp => self.scroll = self.scroll.saturating_sub(1),
                    moving => _ = self.list.apply(moving),
                }
                Vec::new()
            }
        };
        self.settle();
        wants.into_iter().chain(self.fetch(world)).collect()
    }

    fn text(&mut self, key: KeyEvent, world: &World) -> Vec<Want> {
        match &mut self.over {
            Some(Over::Filter(prompt)) => _ = prompt.key(key),
            Some(Over::Step(step)) => step.key(key),
            None => {}
        }
        self.typed(world);
        Vec::new()
    }

    fn paste(&mut self, text: &str, world: &World) -> Vec<Want> {
        match &mut self.over {
            Some(Over::Filter(prompt)) => prompt.paste(text),
            Some(Over::Step(step)) => step.paste(text),
            None => {}
        }
        self.typed(world);
        Vec::new()
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "crossterm's enum: nothing else is taken")]
    fn mouse(&mut self, event: MouseEvent, _areas: Areas, world: &World) -> Vec<Want> {
        let area = self.rows_area.get();
        let inside = area.contains(Position { x: event.column, y: event.row });
        match event.kind {
            MouseEventKind::ScrollDown if inside => self.list.move_by(1),
            MouseEventKind::ScrollUp if inside => self.list.move_by(-1),
            MouseEventKind::ScrollDown => self.scroll += 1,
            MouseEventKind::ScrollUp => self.scroll = self.scroll.saturating_sub(1),
            MouseEventKind::Down(MouseButton::Left) if inside => {
                if let Some(row) = self.list.row_at(event.row - area.y) {
                    self.list.select(row);
                }
            }
            _ => {}
        }
        self.settle();
        self.fetch(world)
    }

    fn refresh(&mut self, world: &World) -> Vec<Want> {
        self.sort(world);
        self.settle();
        self.fetch(world)
    }

    fn is_open(&self) -> bool {
        self.opened && !self.split.get() || !self.filter.is_empty()
    }

    fn reset(&mut self) {
        *self = Self { epoch: self.epoch + 1, next_tag: self.next_tag, ..Self::default() };
    }

    fn told(&mut self, tag: u64, result: Result<Told, Trouble>, _world: &World) -> Vec<Want> {
        match (self.sent.remove(&tag), result) {
            (Some(Sent::Causes), Ok(Told::Deeds(deeds))) => {
                self.causes.extend(deeds.into_iter().map(|deed| (deed.seq, deed)));
                while self.causes.len() > CAUSES_KEPT {
                    self.causes.pop_first();
                }
                Vec::new()
            }
            (None | Some(Sent::Causes), _) => Vec::new(),
            (Some(Sent::Step(done)), Ok(Told::Reply(reply))) if reply.is_done() => {
                vec![Want::Say(Tone::Done, done)]
            }
            (Some(Sent::Step(_)), Ok(Told::Reply(reply))) => {
                let why = reply.message.as_deref().unwrap_or("it was refused");
                let next = reply.next.as_deref().map(|next| format!("; {next}")).unwrap_or_default();
                Want::fail(format!("{why}{next}"))
            }
            (Some(Sent::Step(_)), Ok(_)) => Want::fail("no answer came; look whether it was done"),
            (Some(Sent::Step(_)), Err(trouble)) => Want::fail(format!("{}; {}", trouble.what, trouble.next)),
        }
    }

    fn enter(&mut self, spot: Option<&Spot>, world: &World) -> Vec<Want> {
        if let Some(Spot::Alert(no)) = spot {
            let resolved = world.board.as_ref().is_some_and(|board| !board.alerts.contains_key(no));
            self.resolved |= resolved;
            self.filter.clear();
            self.sort(world);
            match self.order.iter().position(|shown| shown == no) {
                Some(at) => self.list.select(at),
                None => {
                    return vec![Want::Say(
                        Tone::Info,
                        format!("alert #{no} is no longer kept; the log has it"),
                    )];
                }
            }
        }
        self.settle();
        self.fetch(world)
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

    fn spot(&self) -> Option<Spot> {
        self.focus.map(Spot::Alert)
    }

    fn epoch(&self) -> u64 {
        self.epoch
    }

    fn draw(&self, buffer: &mut Buffer, areas: Areas, look: Look<'_>, world: &World) -> Option<Position> {
        let cursor = self.draw_view(buffer, areas.body, look, world);
        match (&self.over, &world.board) {
            (Some(Over::Step(step)), Some(board)) => step.draw(buffer, areas.screen, look, board),
            (Some(_) | None, _) => cursor,
        }
    }
}

impl Conflicts {
    fn draw_view(&self, buffer: &mut Buffer, body: Rect, look: Look<'_>, world: &World) -> Option<Position> {
        self.rows_area.set(Rect::ZERO);
        let share = pane::share(body, LEFT_PERCENT);
        self.split.set(share.is_some());
        let Some(board) = &world.board else {
            chrome::draw_empty(buffer, body, look, "Waiting for the server", &[]);
            return None;
        };
        let nothing = board.alerts.is_empty() && (!self.resolved || board.resolved.is_empty());
        if nothing && self.over.is_none() {
            draw_calm(buffer, body, look, board.resolved.len(), board.enforces());
            return None;
        }
        pane::list_and_detail(
            buffer,
            body,
            look,
            (share, self.opened),
            |buffer, area| self.draw_list(buffer, area, look, world),
            |buffer, area| self.draw_detail(buffer, area, look, world),
        )
    }

    fn draw_list(&self, buffer: &mut Buffer, area: Rect, look: Look<'_>, world: &World) -> Option<Position> {
        let wanted = u16::from(!self.filter.is_empty() || matches!(self.over, Some(Over::Filter(_))));
        let taken = wanted.min(area.height);
        let list = Rect { height: area.height - taken, ..area };
        let line = Rect { y: area.y + list.height, height: taken, ..area };
        rows::draw(buffer, list, look, world, (&self.list, &self.order));
        self.rows_area.set(rows::rows_area(list));
        if let Some(Over::Filter(prompt)) = &self.over {
            return prompt.draw(buffer, line, look, " / ");
        }
        if wanted > 0 {
            let room = usize::from(line.width).saturating_sub(16);
            let text = format!(" / {}  esc clears", untrusted::fit(&self.filter, room));
            put(buffer, line, 0, &Line::from(Span::styled(text, look.theme.accent)));
        }
        None
    }

    fn draw_detail(&self, buffer: &mut Buffer, area: Rect, look: Look<'_>, world: &World) {
        let Some(alert) = self.focused(world) else { return };
        let lines = detail::lines(look, usize::from(area.width), world, alert, &|seq| self.known(world, seq));
        let from = self.scroll.min(lines.len().saturating_sub(usize::from(area.height)));
        put_lines(buffer, area, lines.get(from..).unwrap_or_default());
        let below = lines.len().saturating_sub(from + usize::from(area.height));
        if below > 0 && area.height > 0 {
            let more = format!(" {} {below} more", look.glyphs.more[1]);
            let more = Line::from(Span::styled(more, look.theme.accent));
            put_at(buffer, area, area.height - 1, area.width.saturating_sub(cells(width(&more))), &more);
        }
    }
}

/// Why there is nothing, and what would show up.
fn draw_calm(buffer: &mut Buffer, body: Rect, look: Look<'_>, resolved: usize, enforces: bool) {
    let muted = |text: String| Line::from(Span::styled(text, look.theme.muted));
    let mut next =
        vec![muted("stale reads and writes, contradictions, fights over a field and missed".to_owned())];
    next.push(muted("deadlines show up here by themselves, both sides next to each other".to_owned()));
    if !enforces {
        next.push(muted("this workspace only observes: what is wrong is recorded, not refused".to_owned()));
    }
    if resolved > 0 {
        next.push(muted(format!("R shows the {} that are resolved", thousands(resolved as u64))));
    }
    chrome::draw_empty(buffer, body, look, "No open conflicts", &next);
}
