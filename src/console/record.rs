//! The page of a record: its fields with values, versions and writers, and what happened to it last. Who owns it, what holds it
//! and what waits about it is the peek's, which it belongs to.

use std::sync::Arc;

use ratatui::text::{Line, Span};

use super::ask::{Told, Trouble, What};
use super::asking::ANOTHER_ANSWER;
use super::untrusted;
use super::widgets::facts::Facts;
use super::widgets::width;
use super::words;
use super::world::World;
use crate::client::{Direction, LedgerQuery};
use crate::domain::deed::Deed;
use crate::domain::ids::Seq;
use crate::domain::outcome::Outcome;
use crate::domain::path::EntityPath;
use crate::domain::query::{EntityView, FieldView};

/// Deeds of the record told at most; the log has the others.
const DEEDS: usize = 40;
/// Cells of the names of its fields at most.
const NAMES: usize = 20;
/// Cells that a value keeps beside who wrote it.
const VALUE: usize = 16;

/// What was found out about something; nothing until an answer came.
type Found<T> = Option<Result<T, String>>;

/// A record, and what the server says of it.
#[derive(Debug)]
pub struct Record {
    entity: EntityPath,
    view: Found<Box<EntityView>>,
    deeds: Found<Vec<Arc<Deed>>>,
}

impl Record {
    /// A record of which nothing is known yet.
    pub fn new(entity: EntityPath) -> Self {
        Self { entity, view: None, deeds: None }
    }

    /// Which.
    pub fn entity(&self) -> &EntityPath {
        &self.entity
    }

    /// What is to be asked for it: its values, as they are or were after a deed, and what happened to it.
    pub fn asks(&self, at: Option<Seq>) -> (What, What) {
        let filter = format!("entity:\"{}\"", self.entity);
        let direction = Direction::Newest;
        let history = LedgerQuery { filter, direction, limit: DEEDS, count: false, min_seq: None };
        (What::Entity(self.entity.clone(), at), What::Page(history))
    }

    /// Its values came, or did not.
    pub fn values(&mut self, result: Result<Told, Trouble>) {
        self.view = Some(match result {
            Ok(Told::Entity(view)) => Ok(view),
            Ok(_) => Err(ANOTHER_ANSWER.to_owned()),
            Err(trouble) => Err(trouble.to_string()),
        });
    }

    /// What happened to it came, or did not.
    pub fn history(&mut self, result: Result<Told, Trouble>) {
        self.deeds = Some(match result {
            Ok(Told::Page(page)) => Ok(page.deeds),
            Ok(_) => Err(ANOTHER_ANSWER.to_owned()),
            Err(trouble) => Err(trouble.to_string()),
        });
    }

    /// Its fields, one in a line.
    pub fn tell_fields(&self, facts: &mut Facts<'_>, world: &World) {
        let theme = facts.look.theme;
        match &self.view {
            None => facts.styled("fields", "being asked for", theme.muted),
            Some(Err(why)) => facts.styled("fields", &format!("not known: {why}"), theme.warning),
            Some(Ok(view)) => {
                if let Some(gone) = &view.gone {
                    let how = if gone.deleted { "deleted" } else { "archived" };
                    let words = format!("{how} by {}, {}", facts.look.who(&gone.by), world.ago(gone.at));
                    facts.styled("gone", &words, theme.warning);
                }
                if view.fields.is_empty() {
                    facts.styled("fields", "none: nothing was written to it", theme.muted);
                }
                let names =
                    view.fields.keys().map(|name| untrusted::fit(name.as_str(), NAMES).chars().count() + 1);
                let wide = names.max().unwrap_or(0);
                let lines = view.fields.iter().map(|(name, field)| {
                    let name = if name.is_whole() { "(whole)".to_owned() } else { format!("#{name}") };
                    field_line(facts, world, &untrusted::fit(&name, wide), wide, field)
                });
                let lines: Vec<_> = lines.collect();
                facts.lined("fields", lines);
            }
        }
    }

    /// Why it was changed last, and what happened to it, the latest first.
    pub fn tell_history(&self, facts: &mut Facts<'_>, world: &World) {
        let (look, theme) = (facts.look, facts.look.theme);
        facts.gap();
        match &self.deeds {
            None => facts.styled("history", "being asked for", theme.muted),
            Some(Err(why)) => facts.styled("history", &format!("not known: {why}"), theme.warning),
            Some(Ok(deeds)) if deeds.is_empty() => {
                facts.styled("history", "nothing happened to it", theme.muted);
            }
            Some(Ok(deeds)) => {
                let changes = deeds.iter().rev().filter(|deed| deed.outcome == Outcome::Committed);
                if let Some((seq, why)) = changes.map(|deed| (deed.seq, &deed.reason)).next()
                    && let Some(why) = why
                {
                    facts.say("why", &format!("{why} (the last change, #{seq})"));
                }
                let lines = deeds.iter().rev().map(|deed| words::deed(look, deed, world.now, facts.wide()));
                let lines: Vec<_> = lines.collect();
                facts.lined("history", lines);
            }
        }
    }
}

/// `#status    contacted    v318 intake, 4m ago   owner intake`, the value cut to what the others leave.
fn field_line(facts: &Facts<'_>, world: &World, name: &str, wide: usize, field: &FieldView) -> Line<'static> {
    let (look, theme, room) = (facts.look, facts.look.theme, facts.wide());
    let written = format!("v{} {}, {}", field.version, look.who(&field.by), world.ago(field.at));
    let owner = match &field.owner {
        Some(owner) if field.by.agent() == Some(owner) => String::new(),
        Some(owner) => format!("  owner {owner}"),
        None => format!("  {} no owner", look.glyphs.attention),
    };
    let held = if field.held.is_some() { "  held" } else { "" };
    let mut line = Line::from(Span::styled(format!("{name:<wide$}  "), theme.subtle));
    let beside = written.chars().count() + owner.chars().count() + held.len() + 2;
    let left = room.saturating_sub(wide + 2);
    let value =
        look.spans(&words::value(&field.value), left.saturating_sub(beside).max(VALUE.min(left)), theme.base);
    line.spans.extend(value);
    let rest = look.spans(&format!("  {written}"), room.saturating_sub(width(&line)), theme.muted);
    line.spans.extend(rest);
    let style = if field.owner.is_none() { theme.warning } else { theme.muted };
    let rest = look.spans(&format!("{owner}{held}"), room.saturating_sub(width(&line)), style);
    line.spans.extend(rest);
    line
}
