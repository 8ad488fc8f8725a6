//! The Map: who owns what. Resources × agents, or a tree with the owners; triggers, outputs and queues as well.
//!
//! Here are the state and what keys do; `rows` makes rows of the map, `view` draws them, `detail` what is known of one.
//! Who may write what is decided by the map itself; nothing is decided here.

mod acts;
mod detail;
mod edit;
mod named;
mod rows;
mod short;
#[cfg(test)]
mod tests;
mod view;
mod walk;

use std::cell::Cell;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crossterm::event::MouseEvent;
use ratatui::buffer::Buffer;
use ratatui::layout::Position;

use self::edit::Draft;
use self::rows::MapRow;
use self::walk::Walk;
use super::{Areas, Screen, Want};
use crate::api::FieldActivity;
use crate::console::action::Action;
use crate::console::ask::{Told, Trouble};
use crate::console::asking::Asking;
use crate::console::keymap::Context;
use crate::console::place::{Spot, View};
use crate::console::under::Under;
use crate::console::widgets::Look;
use crate::console::widgets::list::ListState;
use crate::console::widgets::prompt::{Insert, Prompt};
use crate::console::widgets::reading::{Moused, Panes};
use crate::console::world::World;
use crate::domain::ids::{AlertNo, ItemNo, MapVersion, Seq};
use crate::domain::path::FieldPath;
use crate::domain::things::TokenClass;

/// What the rows were built from; built anew when it changes.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Basis {
    version: MapVersion,
    items: (usize, Option<ItemNo>),
    alerts: (usize, Option<AlertNo>),
    unowned_first: bool,
}

/// What was found out about the selected row.
#[derive(Debug, Default)]
struct Known {
    key: String,
    /// The version from which on its owners are these, and whether it may be longer.
    since: Option<(MapVersion, bool)>,
    activity: Option<Vec<FieldActivity>>,
    /// The map that is shown is not the present one: what happens now is not counted on it.
    past: bool,
    /// The ledger's end when that was asked for.
    as_of: Seq,
}

/// What an answer from the server will be about.
#[derive(Debug)]
enum Sent {
    /// What happened lately on the selected row.
    Activity,
    /// What the edited map would have said to what has happened.
    Plan,
    /// Whether the map is in force.
    Apply(Box<Draft>),
}

/// The rows in one way of showing, and where the reader is in them.
#[derive(Debug, Default)]
struct Shape {
    rows: Vec<MapRow>,
    list: ListState,
}

#[derive(Debug, Default)]
pub struct MapScreen {
    /// As a tree, and as a matrix: which of them is shown depends on the width too, so both are kept ready.
    shapes: [Shape; 2],
    basis: Option<Basis>,
    /// The row that the reader is on, by name: rows come and go.
    focus: String,
    closed: BTreeSet<String>,
    /// What nobody owns stands on top.
    unowned_first: bool,
    /// The agent that the cursor is on.
    column: usize,
    /// The other way of showing than the one that fits the width.
    other_way: bool,
    prompt: Option<Prompt>,
    /// The path that was asked about last.
    asked: Option<FieldPath>,
    known: Known,
    panes: Panes,
    asking: Asking<Sent>,
    /// A version that is looked at, with what made it.
    walk: Option<Walk>,
    /// A map that came back from the editor.
    draft: Option<Draft>,
    /// A file with errors in it, to be opened again.
    again: Option<PathBuf>,
    epoch: u64,
    /// As last drawn: whether the rows are a matrix.
    matrix: Cell<bool>,
}

impl Screen for MapScreen {
    fn view(&self) -> View {
        View::Map
    }

    fn context(&self) -> Context {
        match (&self.prompt, &self.draft) {
            (Some(_), _) => Context::Prompt,
            (None, Some(draft)) => draft.form.context(),
            (None, None) => Context::Map,
        }
    }

    fn hints(&self, world: &World) -> Vec<Action> {
        if self.prompt.is_some() {
            return vec![Action::Submit, Action::Close];
        }
        if let Some(draft) = &self.draft {
            return draft.form.hints();
        }
        if self.walk.is_some() {
            return vec![
                Action::OlderVersion,
                Action::NewerVersion,
                Action::Close,
                Action::HowItWas,
                Action::Filter,
                Action::Toggle,
            ];
        }
        let mut hints = vec![
            Action::Filter,
            Action::Open,
            Action::Toggle,
            Action::NextMatch,
            Action::UnownedFirst,
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

    fn signs(&self) -> &'static [(&'static str, &'static str)] {
        &view::LEGEND
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
                self.rebuild(world);
            }
            Action::OlderVersion | Action::NewerVersion => {
                wants = self.step_version(action == Action::OlderVersion, world);
            }
            Action::UnownedFirst => wants = self.toggle_unowned(world),
            Action::HowItWas => wants = self.how_it_was(world),
            Action::Left | Action::Right => self.sideways(action == Action::Right, world),
            Action::NextPane => self.section(true),
            Action::PreviousPane => self.section(false),
            Action::Open => match self.case_of_version(world) {
                Some(case) => wants = case,
                None if !self.toggle_branch(None) => self.panes.opened = true,
                None => {}
            },
            Action::Close => self.close(world),
            Action::NextMatch | Action::PreviousMatch => wants = self.neighbour(action == Action::NextMatch),
            Action::Trace => wants = self.trace(),
            Action::Copy => wants = self.copy(),
            Action::EditMap => wants = self.edit(world),
            other if self.panes.act(other) => {}
            moving => _ = self.list().apply(moving),
        }
        wants.extend(self.settle(world));
        wants
    }

    fn insert(&mut self, insert: Insert<'_>, _world: &World) -> Vec<Want> {
        match (&mut self.prompt, &mut self.draft) {
            (Some(prompt), _) => _ = prompt.insert(insert),
            (None, Some(draft)) => draft.form.insert(insert),
            (None, None) => {}
        }
        Vec::new()
    }

    fn mouse(&mut self, event: MouseEvent, world: &World) -> Vec<Want> {
        let [tree, matrix] = &mut self.shapes;
        let shape = if self.matrix.get() { matrix } else { tree };
        match self.panes.mouse(event, &mut shape.list) {
            Moused::Chosen(at) | Moused::Again(at) if self.is_branch_sign(at) => _ = self.toggle_branch(None),
            Moused::Again(_) if !self.toggle_branch(None) => self.panes.opened = true,
            Moused::Again(_) | Moused::Chosen(_) | Moused::Moved | Moused::Scrolled(_) => {}
        }
        self.settle(world)
    }

    fn refresh(&mut self, world: &World) -> Vec<Want> {
        if world.board.is_none() {
            return Vec::new();
        }
        self.rebuild(world);
        // The counts of seven days are asked for anew when the reader moves, not with every deed.
        if self.known.key == self.focus && self.known.activity.is_some() {
            Vec::new()
        } else {
            self.settle(world)
        }
    }

    fn is_open(&self) -> bool {
        self.panes.is_over() || self.asked.is_some() || self.walk.is_some()
    }

    fn moment(&mut self, _world: &World) {
        self.walk = None;
    }

    fn reset(&mut self) {
        let (asking, other_way, epoch) = (self.asking.anew(), self.other_way, self.epoch + 1);
        *self = Self { other_way, asking, epoch, ..Self::default() };
    }

    fn told(&mut self, tag: u64, result: Result<Told, Trouble>, _world: &World) -> Vec<Want> {
        // How far the look has got is told before its answer comes.
        if let (Some(Sent::Plan), Ok(Told::Looked(looked))) = (self.asking.about(tag), &result) {
            self.draft.iter_mut().for_each(|draft| draft.looked(*looked));
            return Vec::new();
        }
        match (self.asking.answered(tag), result) {
            (Some(Sent::Apply(draft)), result) => return self.applied(draft, result),
            (Some(Sent::Plan), result) => self.planned(result),
            (Some(Sent::Activity), Ok(Told::Activity(activity))) => self.known.activity = Some(activity),
            (None, _) | (Some(Sent::Activity), Ok(_)) => {}
            (Some(Sent::Activity), Err(trouble)) => {
                self.known.activity = Some(Vec::new());
                return Want::fail(trouble.to_string());
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
        match Draft::read(file, board, world.now) {
            Ok(Some(draft)) => {
                let plan = draft.wants_plan();
                self.draft = Some(draft);
                self.epoch += 1;
                plan.map(|toml| self.ask_plan(toml)).unwrap_or_default()
            }
            Ok(None) => Want::info("nothing was changed"),
            Err(why) => Want::fail(why),
        }
    }

    fn epoch(&self) -> u64 {
        self.epoch
    }

    fn enter(&mut self, spot: Option<&Spot>, world: &World) -> Vec<Want> {
        self.rebuild(world);
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
        let (Some(row), Some(board)) = (self.selected(), self.shown(world)) else { return Under::default() };
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

    fn does(&self, action: Action, _world: &World) -> Option<String> {
        self.draft.as_ref().and_then(|draft| draft.form.does(action))
    }

    fn draw(&self, buffer: &mut Buffer, areas: Areas, look: Look<'_>, world: &World) -> Option<Position> {
        let Some(draft) = &self.draft else { return self.draw_view(buffer, areas.body, look, world) };
        draft.draw(buffer, areas.body, look, |buffer, above| _ = self.draw_view(buffer, above, look, world))
    }
}
