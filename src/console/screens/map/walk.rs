//! Walking the versions of the map that are kept: each as it was, what it changed, who decided it, when, why, from which
//! case. What is drawn below is the map as it was; this is the band above it.

use std::sync::Arc;

use ratatui::style::Modifier;
use ratatui::text::{Line, Span};

use super::MapScreen;
use crate::console::place::{Place, Spot, View};
use crate::console::screens::Want;
use crate::console::widgets::chrome::Tone;
use crate::console::widgets::facts::fact;
use crate::console::widgets::{Look, pad, styled};
use crate::console::words;
use crate::console::world::World;
use crate::domain::map::Map;
use crate::domain::state::{Board, MapStep};

/// Lines of differences shown at most.
const CHANGES: usize = 6;
/// Lines of the reason.
const WHY_LINES: usize = 2;
/// Cells of the labels.
const LABEL: usize = 9;

/// A version that is looked at.
#[derive(Debug)]
pub(super) struct Walk {
    step: MapStep,
    /// Nothing but the map as it was; `None` of the version in force, which is looked at as it is.
    pub(super) board: Option<Arc<Board>>,
}

impl Walk {
    fn to(board: &Board, step: &MapStep) -> Self {
        if step.version == board.map_version {
            return Self { step: step.clone(), board: None };
        }
        let then = Board {
            map: Map::compile((*step.model).clone()),
            map_version: step.version,
            maps: board.maps.iter().filter(|other| other.version <= step.version).cloned().collect(),
            ..Board::new(board.workspace.clone())
        };
        Self { step: step.clone(), board: Some(Arc::new(then)) }
    }

    /// The version that was in force may have been overtaken meanwhile.
    pub(super) fn refreshed(self, board: &Board) -> Self {
        if self.board.is_none() { Self::to(board, &self.step) } else { self }
    }

    /// Which version, that it is an old one, who decided it and what it changed.
    pub(super) fn lines(&self, look: Look<'_>, room: usize, world: &World) -> Vec<Line<'static>> {
        let (theme, step) = (look.theme, &self.step);
        let room = room.saturating_sub(2);
        let force = world.board.as_ref().map(|board| board.map_version).unwrap_or_default();
        let (title, role) = match (&self.board, step.version.0.checked_sub(1)) {
            (Some(_), _) => {
                let title = format!(
                    "{} map v{}: an old version, v{force} is in force",
                    look.glyphs.then, step.version
                );
                (title, theme.warning)
            }
            (None, Some(before)) => {
                let title = format!(
                    "map v{}, in force: what made it, v{before} {} v{}",
                    step.version, look.glyphs.arrow, step.version
                );
                (title, theme.accent)
            }
            (None, None) => (format!("map v{}, in force: the first map", step.version), theme.accent),
        };
        let style = role.add_modifier(Modifier::REVERSED);
        let title = pad(styled(title, style), room, look.glyphs.cut).style(style);
        let at = words::clock(world.zone, step.at, world.now);
        let case = step.item.map(|item| format!(", from case #{item}: enter opens it")).unwrap_or_default();
        let decided = format!(
            "decided by {}, {at} ({}), deed {}{case}",
            look.who(&step.by),
            world.ago(step.at),
            step.deed
        );
        let mut lines = vec![title, look.line(&decided, room, theme.base)];
        if let Some(reason) = &step.reason {
            let wide = room.saturating_sub(LABEL);
            let why = look.wrap(reason, wide, WHY_LINES, theme.base);
            lines.extend(fact(look, "why", LABEL, why));
        }
        lines.extend(step.changes.iter().take(CHANGES).map(|change| {
            let style = match change.chars().next() {
                Some('+') => theme.success,
                Some('-') => theme.danger,
                Some(_) | None => theme.warning,
            };
            look.line(change, room, style)
        }));
        let more = step.changes.len().saturating_sub(CHANGES);
        if more > 0 {
            let s = if more == 1 { "" } else { "s" };
            lines.push(styled(format!("and {more} difference{s} more"), theme.muted));
        }
        lines.push(styled(look.glyphs.rule.repeat(room), theme.border));
        let indented = |mut line: Line<'static>| {
            line.spans.insert(0, Span::raw(" "));
            line
        };
        lines.into_iter().map(indented).collect()
    }
}

impl MapScreen {
    /// The board whose map is shown: the one looked at, or that of an old version.
    pub(super) fn shown<'a>(&'a self, world: &'a World) -> Option<&'a Board> {
        self.walk.as_ref().and_then(|walk| walk.board.as_deref()).or(world.board.as_deref())
    }

    /// To what made the version that is shown, then to the version before it; or to the one after it.
    pub(super) fn step_version(&mut self, back: bool, world: &World) -> Vec<Want> {
        let Some(board) = &world.board else { return Vec::new() };
        let walked = self.walk.as_ref().map(|walk| walk.step.version);
        let here = walked.unwrap_or(board.map_version);
        let before = |version| walked.map_or(version <= here, |walked| version < walked);
        let older = board.maps.iter().rev().find(|step| before(step.version));
        let newer = board.maps.iter().find(|step| step.version > here);
        match (back, older, newer) {
            (true, None, _) => return Want::info(format!("v{here} is the oldest version that is kept")),
            (true, Some(step), _) | (false, _, Some(step)) => self.walk = Some(Walk::to(board, step)),
            (false, ..) if self.walk.is_some() => self.walk = None,
            (false, ..) => return Want::info(format!("v{here} is in force; there is no newer one")),
        }
        self.panes.scroll.to_top();
        self.asked = None;
        self.rebuild(world);
        Vec::new()
    }

    /// Back to the map in force.
    pub(super) fn stop_walking(&mut self, world: &World) -> bool {
        let walked = self.walk.take().is_some();
        if walked {
            self.rebuild(world);
        }
        walked
    }

    /// To the case that the version came from, if it came from one: in the inbox while it is open, else in the log.
    pub(super) fn case_of_version(&self, world: &World) -> Option<Vec<Want>> {
        let (walk, board) = (self.walk.as_ref()?, world.board.as_ref()?);
        let no = walk.step.item?;
        if board.items.contains_key(&no) {
            return Some(vec![Want::Go(Place::at(View::Inbox, Spot::Item(no)))]);
        }
        let Some(closed) = board.closed_item(no) else {
            let words =
                format!("case #{no} is not kept any more; deed {} has what was decided", walk.step.deed);
            return Some(Want::info(words));
        };
        let words = format!("case #{no} is answered; this is the deed that opened it");
        let place = Place::at(View::Log, Spot::Deed(closed.item.deed));
        Some(vec![Want::Go(place), Want::Say(Tone::Info, words)])
    }

    /// How everything was when the map that is shown came in force.
    pub(super) fn how_it_was(&self, world: &World) -> Vec<Want> {
        let in_force = || world.board.as_ref()?.maps.last().map(|step| step.deed);
        let deed = self.walk.as_ref().map(|walk| walk.step.deed).or_else(in_force);
        deed.map(|deed| vec![Want::Look(deed)]).unwrap_or_default()
    }
}
