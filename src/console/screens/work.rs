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

use crossterm::event::{KeyEvent, MouseButton, MouseEvent, MouseEventKind};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};

use self::line::Lined;
use self::rows::{Row, Wanted};
use super::{Areas, Badge, Screen, Want};
use crate::console::action::Action;
use crate::console::keymap::Context;
use crate::console::message::Pace;
use crate::console::place::{Place, Spot, View};
use crate::console::under::Under;
use crate::console::widgets::chrome::{self, Tone};
use crate::console::widgets::list::{self, GUTTER, ListState};
use crate::console::widgets::prompt::Prompt;
use crate::console::widgets::scroll::Scroll;
use crate::console::widgets::{Look, cells, pane, put, put_at, put_lines, thousands, width};
use crate::console::world::World;
use crate::console::{untrusted, words};
use crate::domain::state::Board;
use crate::domain::time::Time;

/// The list's share of the width where everything has room, and where it is narrow.
const LEFT_PERCENT: [u16; 2] = [60, 52];

/// The Work view.
#[derive(Debug, Default)]
pub struct WorkScreen {
    rows: Vec<Row>,
    list: ListState,
    /// The row that the reader is on, by name.
    focus: String,
    /// What has ended is shown too.
    ended: bool,
    filter: String,
    prompt: Option<Prompt>,
    /// Where there is room for the list alone: whether the detail is open over it.
    opened: bool,
    scroll: Scroll,
    epoch: u64,
    /// The rows as last drawn, for the mouse, whether the detail stood beside them, and whether a time in sight changes
    /// every second.
    rows_area: Cell<Rect>,
    split: Cell<bool>,
    counts: Cell<bool>,
}

impl WorkScreen {
    fn selected(&self) -> Option<&Row> {
        self.rows.get(self.list.selected()?)
    }

    /// Builds the rows anew, and keeps the reader on theirs while it is there.
    fn rebuild(&mut self, world: &World) {
        let Some(board) = &world.board else { return };
        let words: Vec<String> = self.filter.to_lowercase().split_whitespace().map(str::to_owned).collect();
        self.rows = rows::build(board, world.now, Wanted { words: &words, ended: self.ended });
        self.list.set_len(self.rows.len());
        let place = self.rows.iter().position(|row| row.key() == self.focus);
        // At the start the cursor is on the first thing that is no heading.
        let first = || self.rows.iter().position(|row| !row.is_heading()).filter(|_| self.focus.is_empty());
        if let Some(at) = place.or_else(first) {
            self.list.select(at);
        }
    }

    /// The focus is where the list is.
    fn settle(&mut self) {
        let focus = self.selected().map(Row::key).unwrap_or_default();
        if focus != self.focus {
            self.focus = focus;
            self.scroll.to_top();
            self.epoch += 1;
        }
    }

    /// To the heading of the next part, or of the one before.
    fn section(&mut self, forward: bool) {
        let at = self.list.selected().unwrap_or(0);
        let heading = |row: &usize| self.rows.get(*row).is_some_and(|row| matches!(row, Row::Section(..)));
        let next =
            if forward { (at + 1..self.rows.len()).find(heading) } else { (0..at).rev().find(heading) };
        if let Some(next) = next {
            self.list.select(next);
        }
    }

    /// To the log: the deed that the row is about, or everything that happened to its entity.
    fn go(&self, action: Action, world: &World) -> Vec<Want> {
        let (Some(row), Some(board)) = (self.selected(), &world.board) else { return Vec::new() };
        if action == Action::Trace {
            return match subject(board, row) {
                Some(filter) => vec![Want::Go(Place::at(View::Log, Spot::Filter(filter)))],
                None => vec![Want::Say(Tone::Info, "this line is about no entity and no agent".to_owned())],
            };
        }
        match rows::deed(board, row) {
            Some(deed) => vec![Want::Go(Place::at(View::Log, Spot::Deed(deed)))],
            None => vec![Want::Say(Tone::Info, "a heading has no deed; move to a line below it".to_owned())],
        }
    }

    fn copy(&self, world: &World) -> Vec<Want> {
        let (Some(row), Some(board)) = (self.selected(), &world.board) else { return Vec::new() };
        let theme = crate::console::theme::Theme::mono();
        let look = Look { theme: &theme, glyphs: &crate::console::glyphs::ASCII };
        let lines = detail::lines(look, 100, world, board, row);
        let text: Vec<String> = lines.iter().map(|line| line.to_string().trim_end().to_owned()).collect();
        vec![Want::Copy(text.join("\n")), Want::Say(Tone::Done, format!("{} is on the clipboard", row.key()))]
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
        self.settle();
    }

    fn typed(&mut self, world: &World) {
        if let Some(prompt) = &self.prompt {
            prompt.text().clone_into(&mut self.filter);
            self.rebuild(world);
            self.settle();
        }
    }

    fn close(&mut self, world: &World) {
        if self.opened && !self.split.get() {
            self.opened = false;
        } else if !self.filter.is_empty() {
            self.filter.clear();
            self.rebuild(world);
        }
    }
}

/// What is traced: the entity that a row is about, else the agent.
fn subject(board: &Board, row: &Row) -> Option<String> {
    use crate::domain::things::LeaseTarget;
    let entity = match row {
        Row::Section(..) => None,
        Row::Agent(agent) => return Some(format!("actor:{agent}")),
        Row::Work(_) | Row::Branch(..) => rows::work(board, row)?.subject.clone(),
        Row::Task(id) => rows::task(board, id)?.subject.clone(),
        Row::FanOut(no) => rows::fan_out(board, *no)?.subject.clone(),
        Row::Lease(fence) => match &board.leases.get(fence)?.target {
            LeaseTarget::Path(path) => Some(path.entity.clone()),
            LeaseTarget::Task(_) => None,
        },
        Row::Waiting(deed) => Some(board.waiting.get(deed)?.act.subject.clone()),
    };
    entity.map(|entity| format!("entity:{entity}"))
}

impl Screen for WorkScreen {
    fn view(&self) -> View {
        View::Work
    }

    fn context(&self) -> Context {
        if self.prompt.is_some() { Context::Prompt } else { Context::Work }
    }

    fn hints(&self, _world: &World) -> Vec<Action> {
        if self.prompt.is_some() {
            return vec![Action::Submit, Action::Close];
        }
        vec![Action::Open, Action::NextPane, Action::Filter, Action::Trace, Action::Causes, Action::Resolved]
    }

    fn badge(&self, world: &World) -> Badge {
        let Some(board) = &world.board else { return Badge::default() };
        let waits = board.works.values().filter(|work| work.kind.asks()).count();
        let unheeded = board
            .works
            .values()
            .any(|work| work.kind.asks() && work.alarm.is_none() && work.taken_until.is_none());
        Badge { count: (waits > 0).then_some(waits), attention: unheeded }
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "what is not named here moves the list or means nothing"
    )]
    fn act(&mut self, action: Action, world: &World) -> Vec<Want> {
        if self.prompt.is_some() {
            self.act_on_prompt(action, world);
            return Vec::new();
        }
        let mut wants = Vec::new();
        match action {
            Action::Filter => self.prompt = Some(Prompt::with_text(&self.filter)),
            Action::Trace | Action::Causes => wants = self.go(action, world),
            Action::Open if self.split.get() || self.opened => wants = self.go(action, world),
            Action::Open => self.opened = true,
            Action::Close => self.close(world),
            Action::Copy => wants = self.copy(world),
            Action::Resolved => {
                self.ended = !self.ended;
                self.rebuild(world);
            }
            Action::NextPane | Action::Right => self.section(true),
            Action::PreviousPane | Action::Left => self.section(false),
            Action::ScrollDown => self.scroll.by(1),
            Action::ScrollUp => self.scroll.by(-1),
            moving => _ = self.list.apply(moving),
        }
        self.settle();
        wants
    }

    fn text(&mut self, key: KeyEvent, world: &World) -> Vec<Want> {
        if let Some(prompt) = &mut self.prompt {
            prompt.key(key);
        }
        self.typed(world);
        Vec::new()
    }

    fn paste(&mut self, text: &str, world: &World) -> Vec<Want> {
        if let Some(prompt) = &mut self.prompt {
            prompt.paste(text);
        }
        self.typed(world);
        Vec::new()
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "crossterm's enum: nothing else is taken")]
    fn mouse(&mut self, event: MouseEvent, _areas: Areas, _world: &World) -> Vec<Want> {
        let area = self.rows_area.get();
        let inside = area.contains(Position { x: event.column, y: event.row });
        match event.kind {
            MouseEventKind::ScrollDown if inside => self.list.move_by(1),
            MouseEventKind::ScrollUp if inside => self.list.move_by(-1),
            MouseEventKind::ScrollDown => self.scroll.by(1),
            MouseEventKind::ScrollUp => self.scroll.by(-1),
            MouseEventKind::Down(MouseButton::Left) if inside => {
                if let Some(row) = self.list.row_at(event.row - area.y) {
                    self.list.select(row);
                }
            }
            _ => {}
        }
        self.settle();
        Vec::new()
    }

    fn refresh(&mut self, world: &World) -> Vec<Want> {
        self.rebuild(world);
        self.settle();
        Vec::new()
    }

    fn is_open(&self) -> bool {
        self.opened && !self.split.get() || !self.filter.is_empty()
    }

    fn reset(&mut self) {
        *self = Self { epoch: self.epoch + 1, ..Self::default() };
    }

    fn enter(&mut self, spot: Option<&Spot>, world: &World) -> Vec<Want> {
        if let Some(Spot::Line(line)) = spot {
            self.filter.clear();
            self.focus.clone_from(line);
        }
        self.rebuild(world);
        self.settle();
        Vec::new()
    }

    fn under(&self, world: &World) -> Under {
        let (Some(row), Some(board)) = (self.selected(), &world.board) else { return Under::default() };
        rows::under(board, row).with_leases(board, world.now)
    }

    fn spot(&self) -> Option<Spot> {
        (!self.focus.is_empty()).then(|| Spot::Line(self.focus.clone()))
    }

    fn epoch(&self) -> u64 {
        self.epoch
    }

    /// A second while a time in sight is told to the second, else a minute: nothing is redrawn for what nobody sees.
    fn pace(&self) -> Pace {
        if self.counts.get() { Pace::Second } else { Pace::Minute }
    }

    fn draw(&self, buffer: &mut Buffer, areas: Areas, look: Look<'_>, world: &World) -> Option<Position> {
        let body = areas.body;
        self.rows_area.set(Rect::ZERO);
        self.counts.set(false);
        let share = pane::share(body, LEFT_PERCENT);
        self.split.set(share.is_some());
        let Some(board) = &world.board else {
            chrome::draw_empty(buffer, body, look, "Waiting for the server", &[]);
            return None;
        };
        let idle = rows::is_idle(board) && !self.ended;
        if idle && self.prompt.is_none() {
            draw_idle(buffer, body, look, board);
            return None;
        }
        pane::list_and_detail(
            buffer,
            body,
            look,
            (share, self.opened),
            |buffer, area| self.draw_list(buffer, area, look, world, board),
            |buffer, area| self.draw_detail(buffer, area, look, world, board),
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
    ) -> Option<Position> {
        let wanted = u16::from(!self.filter.is_empty() || self.prompt.is_some()).min(area.height);
        let list = Rect { height: area.height - wanted, ..area };
        let foot = Rect { y: area.y + list.height, height: wanted, ..area };
        let lined = Lined::new(usize::from(area.width.saturating_sub(GUTTER)));
        put_at(buffer, list, 0, GUTTER, &lined.header(look));
        let below = Rect { y: list.y + 1.min(list.height), height: list.height.saturating_sub(1), ..list };
        self.rows_area.set(below);
        if self.rows.is_empty() {
            let words = "nothing matches; esc clears the filter";
            put_at(buffer, below, 1, GUTTER, &Line::from(Span::styled(words, look.theme.muted)));
        }
        list::draw(buffer, below, look, &self.list, true, |at, _| {
            let Some(row) = self.rows.get(at) else { return list::Row::default() };
            self.count(board, row, world.now);
            lined.line(look, world, board, row).into()
        });
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

    /// Notes whether a row that is in sight tells a time to the second.
    fn count(&self, board: &Board, row: &Row, now: Time) {
        if rows::ends(board, row).is_some_and(|until| words::counts_down(until, now)) {
            self.counts.set(true);
        }
    }

    fn draw_detail(&self, buffer: &mut Buffer, area: Rect, look: Look<'_>, world: &World, board: &Board) {
        let Some(row) = self.selected() else { return };
        self.count(board, row, world.now);
        let lines = detail::lines(look, usize::from(area.width), world, board, row);
        let window = self.scroll.window(lines.len(), usize::from(area.height));
        let below = lines.len() - window.end;
        put_lines(buffer, area, lines.get(window).unwrap_or_default());
        if below > 0 && area.height > 0 {
            let more = format!(" {} {below} more", look.glyphs.more[1]);
            let more = Line::from(Span::styled(more, look.theme.accent));
            put_at(buffer, area, area.height - 1, area.width.saturating_sub(cells(width(&more))), &more);
        }
    }
}

/// Why there is nothing, and what next.
fn draw_idle(buffer: &mut Buffer, body: Rect, look: Look<'_>, board: &Board) {
    let muted = |text: &str| Line::from(Span::styled(text.to_owned(), look.theme.muted));
    let mut next = vec![
        muted("what an agent is asked to do waits here until it is done: events,"),
        muted("proposals, handoffs; and fan-outs, leases and acts that yield"),
        Line::default(),
        muted("agents take it with POST /v1/work/take; `deeds raise EVENT` sends some"),
    ];
    let ended = board.ended_tasks.len() + board.ended_fan_outs.len();
    if ended > 0 {
        next.push(muted(&format!("R shows the {} that have ended", thousands(ended as u64))));
    }
    chrome::draw_empty(buffer, body, look, "No work waits", &next);
}
