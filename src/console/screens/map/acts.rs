//! What keys do in the Map: moving over rows that open and close, asking who owns a path, editing the map.

use std::collections::BTreeSet;

use super::edit::{self, Draft};
use super::rows::{self, About, MapRow};
use super::{Basis, Known, MapScreen, Sent, Shape};
use crate::console::action::Action;
use crate::console::ask::{Told, Trouble, What};
use crate::console::asking;
use crate::console::place::Spot;
use crate::console::screens::Want;
use crate::console::widgets::cells;
use crate::console::widgets::list::{GUTTER, ListState};
use crate::console::world::World;
use crate::domain::code::Code;
use crate::domain::ids::{AgentId, MapVersion, Seq};
use crate::domain::map::Model;
use crate::domain::path::{FieldPath, Pattern};
use crate::domain::state::Board;
use crate::domain::things::TokenClass;

impl MapScreen {
    pub(super) fn shape(&self) -> &Shape {
        let [tree, matrix] = &self.shapes;
        if self.matrix.get() { matrix } else { tree }
    }

    pub(super) fn list(&mut self) -> &mut ListState {
        let [tree, matrix] = &mut self.shapes;
        if self.matrix.get() { &mut matrix.list } else { &mut tree.list }
    }

    /// The rows that are not closed away.
    pub(super) fn visible(&self) -> Vec<usize> {
        visible(&self.shape().rows, &self.closed)
    }

    pub(super) fn selected(&self) -> Option<&MapRow> {
        let visible = self.visible();
        self.shape().rows.get(*visible.get(self.shape().list.selected()?)?)
    }

    /// Builds the rows anew where the map, the cases or the alerts changed, and keeps the reader on their row.
    pub(super) fn rebuild(&mut self, world: &World) {
        let walk = self.walk.take().map(|walk| match &world.board {
            Some(board) => walk.refreshed(board),
            None => walk,
        });
        let walked = walk.as_ref().and_then(|walk| walk.board.as_deref());
        if let Some(board) = walked.or(world.board.as_deref()) {
            self.rebuild_from(board);
        }
        self.walk = walk;
    }

    fn rebuild_from(&mut self, board: &Board) {
        let basis = Basis {
            version: board.map_version,
            items: (board.items.len(), board.items.keys().next_back().copied()),
            alerts: (board.alerts.len(), board.alerts.keys().next_back().copied()),
            unowned_first: self.unowned_first,
        };
        if self.basis.as_ref() != Some(&basis) {
            for (at, shape) in self.shapes.iter_mut().enumerate() {
                shape.rows = rows::build(board, at == 0, self.unowned_first);
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
    pub(super) fn place(&mut self) {
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
    pub(super) fn settle(&mut self, world: &World) -> Vec<Want> {
        let Some(row) = self.selected() else { return Vec::new() };
        let (key, pattern, owners) = (row.key.clone(), row.pattern().cloned(), row.owners.clone());
        if key != self.focus {
            self.focus.clone_from(&key);
            self.panes.scroll.to_top();
            self.place();
        }
        let Some(board) = self.shown(world) else { return Vec::new() };
        let Some(pattern) = pattern else { return Vec::new() };
        let head = board.head;
        if key == self.known.key && self.known.activity.is_some() && self.known.as_of == head {
            return Vec::new();
        }
        if key != self.known.key {
            let since = since(board, &pattern, &owners);
            self.known = Known { key, since, ..Known::default() };
            // An answer about another row is not waited for.
            self.asking.forget(|sent| matches!(sent, Sent::Activity));
        }
        // What is counted is counted up to now: of the past there is no such count.
        self.known.past =
            world.as_of().is_some() || self.walk.as_ref().is_some_and(|walk| walk.board.is_some());
        if self.known.past || self.asking.any(|sent| matches!(sent, Sent::Activity)) {
            return Vec::new();
        }
        self.known.as_of = head;
        vec![self.asking.ask(Sent::Activity, What::Activity(pattern))]
    }

    /// Whether the sign of an open or closed branch, or what stands left of it, is so many cells into the chosen row.
    pub(super) fn is_branch_sign(&self, at: u16) -> bool {
        let signed = self.selected().filter(|row| row.opens).map(|row| cells(row.depth * 2 + 1) + GUTTER);
        signed.is_some_and(|sign| at <= sign)
    }

    pub(super) fn toggle_branch(&mut self, open: Option<bool>) -> bool {
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

    pub(super) fn sideways(&mut self, right: bool, world: &World) {
        if !self.matrix.get() {
            if !self.toggle_branch(Some(right)) && !right {
                self.up_to_branch();
            }
            return;
        }
        let count = self.shown(world).map_or(0, |board| board.map.model().agents.len());
        self.column = if right {
            (self.column + 1).min(count.saturating_sub(1))
        } else {
            self.column.saturating_sub(1)
        };
    }

    /// From a leaf to the branch that it hangs on.
    pub(super) fn up_to_branch(&mut self) {
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

    /// To the next row that is meant, or to the one before; says whether there is one.
    fn next_such(&mut self, forward: bool, meant: fn(&MapRow) -> bool) -> bool {
        let visible = self.visible();
        let shape = self.shape();
        let row = |place: usize| visible.get(place).and_then(|row| shape.rows.get(*row));
        let found = shape.list.next_such(forward, |place| row(place).is_some_and(meant));
        if let Some(at) = found {
            self.list().select(at);
        }
        found.is_some()
    }

    /// What nobody owns on top, or where it belongs.
    pub(super) fn toggle_unowned(&mut self, world: &World) -> Vec<Want> {
        let none = !self.shape().rows.iter().any(MapRow::is_unowned);
        if none && !self.unowned_first {
            return Want::info("everything in the map has an owner");
        }
        self.unowned_first = !self.unowned_first;
        self.rebuild(world);
        if self.unowned_first {
            self.list().apply(Action::First);
            self.list().apply(Action::Down);
        }
        Vec::new()
    }

    /// To the heading of the next part of the map, or of the one before.
    pub(super) fn section(&mut self, forward: bool) {
        self.next_such(forward, |row| matches!(row.about, About::Section(_)));
    }

    pub(super) fn neighbour(&mut self, forward: bool) -> Vec<Want> {
        if self.next_such(forward, MapRow::needs_attention) {
            return Vec::new();
        }
        Want::info("nothing more that is unowned, contested or alerted")
    }

    /// Goes to the row that owns a path.
    pub(super) fn ask_about(&mut self, path: FieldPath) -> Vec<Want> {
        let found = rows::row_of(&self.shape().rows, &path).and_then(|at| self.shape().rows.get(at));
        let key = found.map(|row| row.key.clone());
        let lacks = format!("the map has no line for {path}");
        self.asked = Some(path);
        self.panes.scroll.to_top();
        self.panes.opened = true;
        let Some(key) = key else { return Want::info(lacks) };
        self.closed.clear();
        self.focus = key;
        self.place();
        Vec::new()
    }

    /// Opens the map in the editor.
    pub(super) fn edit(&mut self, world: &World) -> Vec<Want> {
        let Some(board) = &world.board else { return Vec::new() };
        if world.me.class != TokenClass::Admin {
            return Want::fail("only an admin puts a map in force; deeds map show prints this one");
        }
        // An old version that is looked at can be put in force again, edited or as it was.
        let shown = self.shown(world).unwrap_or(board);
        let written = || edit::write(shown);
        let file = self.again.clone().map_or_else(written, Ok);
        self.again = None;
        file.map_or_else(Want::fail, |file| vec![Want::Edit(file)])
    }

    pub(super) fn act_on_draft(&mut self, action: Action, world: &World) -> Vec<Want> {
        let Some(draft) = &mut self.draft else { return Vec::new() };
        match draft.act(action) {
            edit::Came::On => Vec::new(),
            edit::Came::Lacks(missing) => Want::warn(missing),
            edit::Came::Closed { again } => {
                let file = again.display();
                let words =
                    format!("nothing was put in force; your text is kept in {file}, and E opens it again");
                (self.draft, self.again) = (None, Some(again));
                Want::info(words)
            }
            edit::Came::Apply(command) => {
                if let Err(why) = world.may_decide() {
                    return Want::fail(why);
                }
                let Some(draft) = self.draft.take() else { return Vec::new() };
                vec![self.asking.ask(Sent::Apply(Box::new(draft)), What::Command(command))]
            }
        }
    }

    /// Asks what the edited map would have said to what has happened.
    pub(super) fn ask_plan(&mut self, toml: String) -> Vec<Want> {
        self.asking.forget(|sent| matches!(sent, Sent::Plan));
        vec![self.asking.ask(Sent::Plan, What::Plan(toml))]
    }

    /// What came of that.
    pub(super) fn planned(&mut self, result: Result<Told, Trouble>) {
        let Some(draft) = &mut self.draft else { return };
        match result {
            Ok(Told::Plan(plan)) => draft.planned(plan),
            Ok(_) => draft.not_planned("the server answered something else".to_owned()),
            Err(trouble) => draft.not_planned(trouble.what),
        }
    }

    /// How putting a map in force came out. Until it is, what was written is kept.
    pub(super) fn applied(&mut self, mut draft: Box<Draft>, result: Result<Told, Trouble>) -> Vec<Want> {
        match asking::came_out(result) {
            Ok(()) => {
                draft.remove();
                self.walk = None;
                Want::done("the new map is in force")
            }
            Err(undone) if undone.code == Some(Code::ReasonNeeded) => {
                draft.ask_why(&undone.why);
                self.draft = Some(*draft);
                self.epoch += 1;
                Vec::new()
            }
            Err(undone) => {
                let file = draft.file().to_owned();
                let kept = format!("your text is kept in {}, and E opens it again", file.display());
                self.again = Some(file);
                let next = undone.next.map(|next| format!("; {next}")).unwrap_or_default();
                Want::fail(format!("{}; {kept}{next}", undone.why))
            }
        }
    }

    pub(super) fn act_on_prompt(&mut self, action: Action) -> Vec<Want> {
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

    pub(super) fn trace(&self) -> Vec<Want> {
        match self.selected().and_then(MapRow::pattern) {
            Some(pattern) => Want::log(Spot::Filter(format!("entity:{pattern}"))),
            None => Want::info("only a resource can be traced"),
        }
    }

    pub(super) fn copy(&self) -> Vec<Want> {
        let Some(row) = self.selected() else { return Vec::new() };
        let owners: Vec<&str> = row.owners.iter().map(AgentId::as_str).collect();
        let owners = if owners.is_empty() { "nobody".to_owned() } else { owners.join(", ") };
        let text = row.pattern().map_or(row.label.clone(), ToString::to_string);
        Want::copied(format!("{text}\t{owners}"), text)
    }

    pub(super) fn close(&mut self, world: &World) {
        if self.panes.is_over() {
            self.panes.opened = false;
        } else if self.asked.take().is_none() {
            self.stop_walking(world);
        }
    }
}

/// The rows that are not closed away.
fn visible(rows: &[MapRow], closed: &BTreeSet<String>) -> Vec<usize> {
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
        let then = model
            .agents
            .iter()
            .filter(|agent| agent.writes.iter().any(|grant| agent.may_write(grant, pattern)));
        then.map(|agent| &agent.id).eq(owners)
    };
    let steps = board.maps.iter().rev().take_while(|step| same(&step.model));
    let first = steps.last()?;
    // The map that a workspace began with is that of its first deed; before the oldest of the others there were more.
    let oldest = board.maps.front().is_some_and(|oldest| oldest.version == first.version);
    Some((first.version, oldest && first.deed > Seq(1)))
}
