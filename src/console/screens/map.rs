//! The Map: who owns what. Resources × agents, or a tree with the owners; triggers, outputs and queues as well.
//!
//! Here are the state and what keys do; `rows` makes rows of the map, `view` draws them, `detail` what is known of one.
//! Who may write what is decided by the map itself; nothing is decided here.

mod detail;
mod edit;
mod rows;
#[cfg(test)]
mod tests;
mod view;

use std::cell::Cell;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crossterm::event::{KeyEvent, MouseButton, MouseEvent, MouseEventKind};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use self::edit::Draft;
use self::rows::{About, Row};
use super::{Areas, Screen, Want};
use crate::api::FieldActivity;
use crate::console::action::Action;
use crate::console::ask::{Told, Trouble, What};
use crate::console::keymap::Context;
use crate::console::place::{Place, Spot, View};
use crate::console::under::Under;
use crate::console::widgets::Look;
use crate::console::widgets::chrome::Tone;
use crate::console::widgets::list::ListState;
use crate::console::widgets::prompt::Prompt;
use crate::console::world::World;
use crate::domain::ids::{AgentId, AlertNo, ItemNo, MapVersion, Seq};
use crate::domain::map::Model;
use crate::domain::path::{FieldPath, Pattern, overlap};
use crate::domain::state::{Board, TokenClass};

/// What the rows were built from; built anew when it changes.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Basis {
    version: MapVersion,
    items: (usize, Option<ItemNo>),
    alerts: (usize, Option<AlertNo>),
}

/// What was found out about the selected row.
#[derive(Debug, Default)]
struct Known {
    key: String,
    /// The version from which on its owners are these, and whether it may be longer.
    since: Option<(MapVersion, bool)>,
    activity: Option<Vec<FieldActivity>>,
    /// The ledger's end when that was asked for.
    as_of: Seq,
}

/// The rows in one way of showing, and where the reader is in them.
#[derive(Debug, Default)]
struct Shape {
    rows: Vec<Row>,
    list: ListState,
}

/// The Map.
#[derive(Debug, Default)]
pub struct MapScreen {
    /// As a tree, and as a matrix: which of them is shown depends on the width too, so both are kept ready.
    shapes: [Shape; 2],
    basis: Option<Basis>,
    /// The row that the reader is on, by name: rows come and go.
    focus: String,
    closed: BTreeSet<String>,
    /// The agent that the cursor is on.
    column: usize,
    /// The other way of showing than the one that fits the width.
    other_way: bool,
    prompt: Option<Prompt>,
    /// The path that was asked about last.
    asked: Option<FieldPath>,
    known: Known,
    /// The request under way for the selected row.
    asking: Option<u64>,
    next_tag: u64,
    opened: bool,
    scroll: usize,
    /// A map that came back from the editor.
    draft: Option<Draft>,
    /// A file with errors in it, to be opened again.
    again: Option<PathBuf>,
    /// The request that puts a map in force.
    applying: Option<u64>,
    epoch: u64,
    /// As last drawn: where the rows are, whether the detail stands beside them, whether they are a matrix.
    rows_area: Cell<Rect>,
    split: Cell<bool>,
    matrix: Cell<bool>,
}

impl MapScreen {
    fn shape(&self) -> &Shape {
        let [tree, matrix] = &self.shapes;
        if self.matrix.get() { matrix } else { tree }
    }

    fn list(&mut self) -> &mut ListState {
        let [tree, matrix] = &mut self.shapes;
        if self.matrix.get() { &mut matrix.list } else { &mut tree.list }
    }

    /// The rows that are not closed away.
    fn visible(&self) -> Vec<usize> {
        visible(&self.shape().rows, &self.closed)
    }

    fn selected(&self) -> Option<&Row> {
        let visible = self.visible();
        self.shape().rows.get(*visible.get(self.shape().list.selected()?)?)
    }

    /// Builds the rows anew where the map, the cases or the alerts changed, and keeps the reader on their row.
    fn rebuild(&mut self, board: &Board) {
        let basis = Basis {
            version: board.map_version,
            items: (board.items.len(), board.items.keys().next_back().copied()),
            alerts: (board.alerts.len(), board.alerts.keys().next_back().copied()),
        };
        if self.basis.as_ref() != Some(&basis) {
            for (at, shape) in self.shapes.iter_mut().enumerate() {
                shape.rows = rows::build(board, at == 0);
            }
            if self.basis.as_ref().is_none_or(|old| old.version != basis.version) {
                self.known = Known::default();
            }
            self.basis = Some(basis);
            self.column = self.column.min(board.map.model().agents.len().saturating_sub(1));
        }
        self.place();
    }

    /// Both lists have the visible rows, and are on the row that the reader was on.
    fn place(&mut self) {
        for shape in &mut self.shapes {
            let visible = visible(&shape.rows, &self.closed);
            shape.list.set_len(visible.len());
            let key = |at: &usize| shape.rows.get(*at).map(|row| row.key.as_str());
            let place = visible.iter().position(|at| key(at) == Some(self.focus.as_str()));
            // At the start the cursor is on the first resource.
            let first =
                visible.iter().position(|at| shape.rows.get(*at).is_some_and(|row| row.pattern().is_some()));
            if let Some(at) = place.or(first.filter(|_| self.focus.is_empty())) {
                shape.list.select(at);
            }
        }
    }

    /// The reader is where the list is; what is known of another row is forgotten.
    fn settle(&mut self, world: &World) -> Vec<Want> {
        let Some(row) = self.selected() else { return Vec::new() };
        let (key, pattern, owners) = (row.key.clone(), row.pattern().cloned(), row.owners.clone());
        if key != self.focus {
            self.focus.clone_from(&key);
            self.scroll = 0;
            self.place();
        }
        let Some(board) = &world.board else { return Vec::new() };
        let Some(pattern) = pattern else { return Vec::new() };
        if key == self.known.key && self.known.activity.is_some() && self.known.as_of == board.head {
            return Vec::new();
        }
        if key != self.known.key {
            let since = since(board, &pattern, &owners);
            self.known = Known { key, since, ..Known::default() };
            // An answer about another row is not waited for.
            self.asking = None;
        }
        if self.asking.is_some() {
            return Vec::new();
        }
        self.known.as_of = board.head;
        self.next_tag += 1;
        self.asking = Some(self.next_tag);
        vec![Want::Ask { tag: self.next_tag, what: What::Activity(pattern) }]
    }

    fn toggle_branch(&mut self, open: Option<bool>) -> bool {
        let Some(row) = self.selected().filter(|row| row.opens) else { return false };
        let key = row.key.clone();
        let is_open = !self.closed.contains(&key);
        if open.unwrap_or(!is_open) {
            self.closed.remove(&key);
        } else {
            self.closed.insert(key);
        }
        self.place();
        true
    }

    fn sideways(&mut self, right: bool, world: &World) {
        if !self.matrix.get() {
            if !self.toggle_branch(Some(right)) && !right {
                self.up_to_branch();
            }
            return;
        }
        let count = world.board.as_ref().map_or(0, |board| board.map.model().agents.len());
        self.column = if right {
            (self.column + 1).min(count.saturating_sub(1))
        } else {
            self.column.saturating_sub(1)
        };
    }

    /// From a leaf to the branch that it hangs on.
    fn up_to_branch(&mut self) {
        let visible = self.visible();
        let Some(at) = self.shape().list.selected() else { return };
        let depth = self.selected().map_or(0, |row| row.depth);
        let above = visible.get(..at).unwrap_or_default().iter().rposition(|row| {
            self.shape().rows.get(*row).is_some_and(|row| row.opens && row.depth < depth.max(1))
        });
        if let Some(above) = above {
            self.list().select(above);
        }
    }

    fn neighbour(&mut self, forward: bool) -> Vec<Want> {
        let visible = self.visible();
        let at = self.shape().list.selected().unwrap_or(0);
        let wanted = |place: &usize| {
            visible.get(*place).and_then(|row| self.shape().rows.get(*row)).is_some_and(Row::needs_attention)
        };
        let found = if forward { (at + 1..visible.len()).find(wanted) } else { (0..at).rev().find(wanted) };
        match found {
            Some(at) => {
                self.list().select(at);
                Vec::new()
            }
            None => {
                vec![Want::Say(Tone::Info, "nothing more that is unowned, contested or alerted".to_owned())]
            }
        }
    }

    /// Goes to the row that owns a path.
    fn ask_about(&mut self, path: FieldPath) -> Vec<Want> {
        let found = rows::row_of(&self.shape().rows, &path).and_then(|at| self.shape().rows.get(at));
        let key = found.map(|row| row.key.clone());
        let lacks = format!("the map has no line for {path}");
        self.asked = Some(path);
        (self.scroll, self.opened) = (0, !self.split.get());
        let Some(key) = key else { return vec![Want::Say(Tone::Info, lacks)] };
        self.closed.clear();
        self.focus = key;
        self.place();
        Vec::new()
    }

    /// Opens the map in the editor.
    fn edit(&mut self, world: &World) -> Vec<Want> {
        let Some(board) = &world.board else { return Vec::new() };
        if world.me.class != TokenClass::Admin {
            return Want::fail("only an admin puts a map in force; deeds map show prints this one");
        }
        let file = self.again.take().map_or_else(|| edit::write(board), Ok);
        file.map_or_else(Want::fail, |file| vec![Want::Edit(file)])
    }

    fn act_on_draft(&mut self, action: Action, world: &World) -> Vec<Want> {
        let Some(draft) = &mut self.draft else { return Vec::new() };
        match draft.act(action) {
            edit::Came::On => Vec::new(),
            edit::Came::Closed { again } => {
                (self.draft, self.again) = (None, again);
                Vec::new()
            }
            edit::Came::Apply(command) => {
                self.draft = None;
                if let Err(why) = world.may_decide() {
                    return Want::fail(why);
                }
                self.next_tag += 1;
                self.applying = Some(self.next_tag);
                vec![Want::Ask { tag: self.next_tag, what: What::Command(command) }]
            }
        }
    }

    /// How putting a map in force came out.
    fn applied(&mut self, result: Result<Told, Trouble>) -> Vec<Want> {
        self.applying = None;
        match result {
            Ok(Told::Reply(reply)) if reply.is_done() => {
                vec![Want::Say(Tone::Done, "the new map is in force".to_owned())]
            }
            Ok(Told::Reply(reply)) => Want::fail(reply.message.as_deref().unwrap_or("it was refused")),
            Ok(_) => Want::fail("no answer came; the map's version says whether it was done"),
            Err(trouble) => Want::fail(format!("{}; {}", trouble.what, trouble.next)),
        }
    }

    fn act_on_prompt(&mut self, action: Action) -> Vec<Want> {
        if action == Action::Close {
            self.prompt = None;
        }
        if action != Action::Submit {
            return Vec::new();
        }
        let Some(prompt) = self.prompt.take() else { return Vec::new() };
        let text = prompt.text().trim().to_owned();
        if text.is_empty() {
            return Vec::new();
        }
        match text.parse::<FieldPath>() {
            Ok(path) => self.ask_about(path),
            Err(error) => {
                self.prompt = Some(prompt);
                Want::fail(error.to_string())
            }
        }
    }

    fn trace(&self) -> Vec<Want> {
        match self.selected().and_then(Row::pattern) {
            Some(pattern) => vec![Want::Go(Place::at(View::Log, Spot::Filter(format!("entity:{pattern}"))))],
            None => vec![Want::Say(Tone::Info, "only a resource can be traced".to_owned())],
        }
    }

    fn copy(&self) -> Vec<Want> {
        let Some(row) = self.selected() else { return Vec::new() };
        let owners: Vec<&str> = row.owners.iter().map(AgentId::as_str).collect();
        let owners = if owners.is_empty() { "nobody".to_owned() } else { owners.join(", ") };
        let text = row.pattern().map_or(row.label.clone(), ToString::to_string);
        vec![
            Want::Copy(format!("{text}\t{owners}")),
            Want::Say(Tone::Done, format!("{text} is on the clipboard")),
        ]
    }

    fn close(&mut self) {
        if self.opened && !self.split.get() {
            self.opened = false;
        }
        self.asked = None;
    }
}

/// The rows that are not closed away.
fn visible(rows: &[Row], closed: &BTreeSet<String>) -> Vec<usize> {
    let mut shown = Vec::new();
    // The depth below which rows are closed away; under a closed heading it is everything up to the next one.
    let mut below: Option<(usize, bool)> = None;
    for (at, row) in rows.iter().enumerate() {
        let heading = matches!(row.about, About::Section(_));
        match below {
            Some((_, true)) if !heading => continue,
            Some((depth, false)) if row.depth > depth => continue,
            Some(_) | None => {}
        }
        below = closed.contains(&row.key).then_some((row.depth, heading));
        shown.push(at);
    }
    shown
}

/// From which version on the fields of a pattern had these owners; and whether that may be longer than is kept.
fn since(board: &Board, pattern: &Pattern, owners: &[AgentId]) -> Option<(MapVersion, bool)> {
    let same = |model: &Model| {
        let then = model.agents.iter().filter(|agent| {
            agent.writes.iter().any(|grant| overlap(grant, &agent.except, pattern, &[]).is_some())
        });
        then.map(|agent| &agent.id).eq(owners)
    };
    let steps = board.maps.iter().rev().take_while(|step| same(&step.model));
    let first = steps.last()?;
    let oldest = board.maps.front().is_some_and(|oldest| oldest.version == first.version);
    Some((first.version, oldest && first.version > MapVersion(0)))
}

impl Screen for MapScreen {
    fn view(&self) -> View {
        View::Map
    }

    fn context(&self) -> Context {
        match (&self.prompt, &self.draft) {
            (Some(_), _) => Context::Prompt,
            (None, Some(_)) => Context::Preview,
            (None, None) => Context::Map,
        }
    }

    fn hints(&self, world: &World) -> Vec<Action> {
        if self.prompt.is_some() {
            return vec![Action::Submit, Action::Close];
        }
        if self.draft.is_some() {
            return vec![Action::NextPane, Action::Confirm, Action::Close];
        }
        let mut hints = vec![
            Action::Filter,
            Action::Open,
            Action::Toggle,
            Action::NextMatch,
            Action::Trace,
            Action::Copy,
        ];
        if self.matrix.get() {
            hints.insert(2, Action::Right);
        }
        if world.me.class == TokenClass::Admin {
            hints.push(Action::EditMap);
        }
        hints
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "what is not named here moves the list or means nothing"
    )]
    fn act(&mut self, action: Action, world: &World) -> Vec<Want> {
        if self.prompt.is_some() {
            let wants = self.act_on_prompt(action);
            return wants.into_iter().chain(self.settle(world)).collect();
        }
        if self.draft.is_some() {
            return self.act_on_draft(action, world);
        }
        let mut wants = Vec::new();
        match action {
            Action::Filter => self.prompt = Some(Prompt::default()),
            Action::Toggle => {
                self.other_way = !self.other_way;
                self.matrix.set(!self.matrix.get());
                if let Some(board) = &world.board {
                    self.rebuild(board);
                }
            }
            Action::Left | Action::Right => self.sideways(action == Action::Right, world),
            Action::Open => {
                if !self.toggle_branch(None) {
                    self.opened = true;
                }
            }
            Action::Close => self.close(),
            Action::NextMatch | Action::PreviousMatch => wants = self.neighbour(action == Action::NextMatch),
            Action::Trace => wants = self.trace(),
            Action::Copy => wants = self.copy(),
            Action::EditMap => wants = self.edit(world),
            Action::ScrollDown => self.scroll += 1,
            Action::ScrollUp => self.scroll = self.scroll.saturating_sub(1),
            moving => _ = self.list().apply(moving),
        }
        wants.extend(self.settle(world));
        wants
    }

    fn text(&mut self, key: KeyEvent, _world: &World) -> Vec<Want> {
        if let Some(prompt) = &mut self.prompt {
            prompt.key(key);
        }
        Vec::new()
    }

    fn paste(&mut self, text: &str, _world: &World) -> Vec<Want> {
        if let Some(prompt) = &mut self.prompt {
            prompt.paste(text);
        }
        Vec::new()
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "crossterm's enum: nothing else is taken")]
    fn mouse(&mut self, event: MouseEvent, _areas: Areas, world: &World) -> Vec<Want> {
        let area = self.rows_area.get();
        let inside = area.contains(Position { x: event.column, y: event.row });
        match event.kind {
            MouseEventKind::ScrollDown if inside => self.list().move_by(1),
            MouseEventKind::ScrollUp if inside => self.list().move_by(-1),
            MouseEventKind::ScrollDown => self.scroll += 1,
            MouseEventKind::ScrollUp => self.scroll = self.scroll.saturating_sub(1),
            MouseEventKind::Down(MouseButton::Left) if inside => {
                if let Some(row) = self.list().row_at(event.row - area.y) {
                    self.list().select(row);
                }
            }
            _ => {}
        }
        self.settle(world)
    }

    fn refresh(&mut self, world: &World) -> Vec<Want> {
        let Some(board) = &world.board else { return Vec::new() };
        self.rebuild(board);
        // The counts of seven days are asked for anew when the reader moves, not with every deed.
        if self.known.key == self.focus && self.known.activity.is_some() {
            Vec::new()
        } else {
            self.settle(world)
        }
    }

    fn reset(&mut self) {
        *self = Self {
            next_tag: self.next_tag,
            other_way: self.other_way,
            epoch: self.epoch + 1,
            ..Self::default()
        };
    }

    fn told(&mut self, tag: u64, result: Result<Told, Trouble>, _world: &World) -> Vec<Want> {
        if self.applying == Some(tag) {
            return self.applied(result);
        }
        if self.asking != Some(tag) {
            return Vec::new();
        }
        self.asking = None;
        match result {
            Ok(Told::Activity(activity)) => self.known.activity = Some(activity),
            Ok(_) => {}
            Err(trouble) => {
                self.known.activity = Some(Vec::new());
                return Want::fail(format!("{}; {}", trouble.what, trouble.next));
            }
        }
        Vec::new()
    }

    fn edited(&mut self, file: &Path, outcome: Result<(), String>, world: &World) -> Vec<Want> {
        let Some(board) = &world.board else { return Vec::new() };
        if let Err(why) = outcome {
            self.again = Some(file.to_owned());
            return Want::fail(why);
        }
        match Draft::read(file, board) {
            Ok(Some(draft)) => {
                self.draft = Some(draft);
                self.epoch += 1;
                Vec::new()
            }
            Ok(None) => vec![Want::Say(Tone::Info, "nothing was changed".to_owned())],
            Err(why) => Want::fail(why),
        }
    }

    fn epoch(&self) -> u64 {
        self.epoch
    }

    fn enter(&mut self, spot: Option<&Spot>, world: &World) -> Vec<Want> {
        if let Some(board) = &world.board {
            self.rebuild(board);
        }
        if let Some(Spot::Path(path)) = spot {
            if self.shape().rows.iter().any(|row| row.key == *path) {
                self.focus.clone_from(path);
                self.place();
            } else if let Ok(path) = path.parse::<FieldPath>() {
                let wants = self.ask_about(path);
                return wants.into_iter().chain(self.settle(world)).collect();
            }
        }
        self.settle(world)
    }

    fn under(&self, world: &World) -> Under {
        let (Some(row), Some(board)) = (self.selected(), &world.board) else { return Under::default() };
        // A pattern without a star names one entity or field; any other is many, and what was asked about is one of them.
        let exact = row.pattern().filter(|pattern| !pattern.as_str().contains('*'));
        let path = exact.and_then(|pattern| pattern.as_str().parse().ok()).or_else(|| self.asked.clone());
        let column = board.map.model().agents.get(self.column).filter(|_| self.matrix.get());
        let owners = row.owners.iter();
        let under = Under::default().path(path).agent(column.map(|agent| &agent.id));
        owners.fold(under, |under, owner| under.agent(Some(owner))).with_leases(board, world.now)
    }

    fn spot(&self) -> Option<Spot> {
        (!self.focus.is_empty()).then(|| Spot::Path(self.focus.clone()))
    }

    fn draw(&self, buffer: &mut Buffer, areas: Areas, look: Look<'_>, world: &World) -> Option<Position> {
        let cursor = self.draw_view(buffer, areas.body, look, world);
        if let Some(draft) = &self.draft {
            draft.draw(buffer, areas.screen, look);
        }
        cursor
    }
}
