//! What an answer would do, in words, before it is given. Nothing in it is a surprise later.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::output::approval;
use super::{stuck, trigger};
use crate::domain::command::Write;
use crate::domain::ids::{AgentId, ItemNo, PersonId};
use crate::domain::map::{Authority, Grant, Map, Model, Routing, difference, edit};
use crate::domain::path::FieldName;
use crate::domain::state::Board;
use crate::domain::things::{Case, Item, ItemAnswer};

/// The consequences of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preview {
    /// The map's version now and after.
    pub map: Option<(u64, u64)>,
    /// What changes in the map.
    pub changes: Vec<String>,
    /// Why it can't be given: what it overlaps with, or what is missing.
    pub obstacle: Option<String>,
    /// The present owner, where the obstacle is one: a transfer would take it from there.
    pub owner: Option<AgentId>,
    /// Waiting items alike that the same answer would settle.
    pub settles: Vec<ItemNo>,
    /// What will be true afterwards.
    pub then: Vec<String>,
}

/// Works out what the answer would do on this board.
pub fn preview(board: &Board, item: &Item, person: &PersonId, answer: &ItemAnswer) -> Preview {
    let alike: Vec<ItemNo> = board.alike(item).map(|other| other.no).collect();
    let unfit = approval::fits(item, answer).err().map(|(_, why)| why);
    if let Some(why) = unfit.or_else(|| stuck::obstacle(item, answer).map(str::to_owned)) {
        return Preview {
            map: None,
            changes: Vec::new(),
            obstacle: Some(why),
            owner: None,
            settles: Vec::new(),
            then: vec!["nothing changes".to_owned()],
        };
    }
    let mut preview = consequences(board, item, person, answer, alike);
    preview.then.extend(stuck::afterwards(item, answer));
    preview
}

fn consequences(
    board: &Board,
    item: &Item,
    person: &PersonId,
    answer: &ItemAnswer,
    alike: Vec<ItemNo>,
) -> Preview {
    match answer {
        ItemAnswer::Expand { agent, grant, .. } => {
            let edited = edit::grant(board.map.model(), agent, grant, person);
            let owner = edited.as_ref().err().and_then(edit::EditError::owner).cloned();
            let edited = edited.map_err(|error| error.to_string());
            let edited = edited.and_then(|model| match trigger::still_collides(model.clone(), item) {
                Some(why) => Err(why),
                None => Ok(model),
            });
            change(board, item, edited, owner, grant_words(agent, grant))
        }
        ItemAnswer::Transfer { pattern, from, to, .. } => {
            let edited =
                edit::transfer(board.map.model(), pattern, from, to).map_err(|error| error.to_string());
            let words = format!("{to} owns {pattern}; {from} no longer writes it and proposes instead");
            change(board, item, edited, None, words)
        }
        ItemAnswer::Handle { reply, to, .. } => {
            let mut preview = plain(board, item, alike, handled(item, reply.is_some()));
            if let (Some(to), Some(raise)) = (to, trigger::event_of(&item.case)) {
                preview.obstacle =
                    board.map.agent(to).is_none().then(|| format!("there is no agent {to} in the map"));
                preview
                    .then
                    .push(format!("this {} goes to {to}; the next one comes here again", raise.event));
            }
            preview
        }
        ItemAnswer::OutOfScope { rule, .. } => plain(board, item, alike, classified(item, *rule)),
        ItemAnswer::Approve { .. } => approved(board, item, alike, "it goes out as it is"),
        ItemAnswer::ApproveEdited { .. } => approved(board, item, Vec::new(), "it goes out with your text"),
        ItemAnswer::Reject { .. } => plain(board, item, alike, "it does not go out".to_owned()),
    }
}

/// What keeps it back is looked for as far as the board knows; versions are compared when it is answered.
fn approved(board: &Board, item: &Item, settles: Vec<ItemNo>, words: &str) -> Preview {
    let mut preview = plain(board, item, settles, format!("{words}; it can't be taken back"));
    preview.obstacle = match approval::on_board(board, item) {
        Ok(()) => None,
        Err(approval::Obstacle::Rule(_, why) | approval::Obstacle::Since(_, why)) => Some(why),
    };
    preview
}

fn handled(item: &Item, reply: bool) -> String {
    let Some(agent) = item.raised_by.agent() else {
        return "every scope stays as it is, and no agent is told: Deeds found it, none asked".to_owned();
    };
    let with = if reply { ", with your reply" } else { "" };
    format!("{agent} is told that you handled it{with}; its scope stays as it is")
}

fn classified(item: &Item, rule: bool) -> String {
    if let (Some(raise), true) = (trigger::event_of(&item.case), rule) {
        return format!("events like this {} are closed on arrival from now on", raise.event);
    }
    match item.raised_by.agent() {
        None => "no agent is told; the next conflict like this comes here again".to_owned(),
        Some(agent) if rule => format!("inputs like this from {agent} are closed on arrival from now on"),
        Some(agent) => format!("{agent} is told; the next input like this comes here again"),
    }
}

fn plain(board: &Board, item: &Item, settles: Vec<ItemNo>, words: String) -> Preview {
    let mut then = vec![words];
    let alert = |item: &Item| item.case.alert();
    then.extend(alert(item).map(|no| format!("alert #{no} is resolved with your note")));
    let others = settles.iter().filter_map(|no| board.items.get(no)).filter_map(|other| alert(other)).count();
    if others > 0 {
        let alerts = if others == 1 { "alert is" } else { "alerts are" };
        then.push(format!("answered together with those alike, {others} more {alerts} resolved"));
    }
    Preview { map: None, changes: Vec::new(), obstacle: None, owner: None, settles, then }
}

fn change(
    board: &Board,
    item: &Item,
    edited: Result<Model, String>,
    owner: Option<AgentId>,
    words: String,
) -> Preview {
    let now = board.map_version.0;
    let model = match edited {
        Ok(model) => model,
        Err(obstacle) => {
            return Preview {
                map: None,
                changes: Vec::new(),
                obstacle: Some(obstacle),
                owner,
                settles: Vec::new(),
                then: vec!["nothing changes".to_owned()],
            };
        }
    };
    let changes: Vec<String> =
        difference(board.map.model(), &model).iter().map(ToString::to_string).collect();
    let versions = if changes.is_empty() { None } else { Some((now, now + 1)) };
    let map = Map::compile(Arc::new(model));
    let settles = board.alike(item).filter(|other| goes_through(&map, other)).map(|other| other.no).collect();
    let mut then = vec![words];
    then.push(match (&item.case, goes_through(&map, item)) {
        (Case::UnownedField { .. } | Case::UnownedTarget { .. } | Case::UnownedOutput { .. }, _)
            if is_paused(board, item) =>
        {
            format!(
                "{0} is paused: the stored input is not decided, {0} is told to send it again",
                item.raised_by
            )
        }
        (Case::UnownedField { .. } | Case::UnownedTarget { .. } | Case::UnownedOutput { .. }, true) => {
            format!("the stored input of {} is decided again at once", item.raised_by)
        }
        (Case::UnownedField { write }, false) => match first_owner(&map, item, write) {
            Some(owner) => format!("the stored input becomes a proposal to {owner}"),
            None => "the stored input still belongs to nobody and comes back as a new item".to_owned(),
        },
        (Case::UnownedOutput { .. }, false) => "the stored publication is still not allowed".to_owned(),
        (Case::UnownedTarget { .. }, false) => "the stored act is still not allowed".to_owned(),
        (Case::UnownedEvent { raise } | Case::TriggerCollision { raise, .. }, _) => {
            match map.route(&raise.event, &raise.attributes) {
                Routing::Owner { agent, .. } => format!("the stored {} goes to {agent} at once", raise.event),
                Routing::Nobody => {
                    format!("the stored {} still belongs to nobody and comes back as a new item", raise.event)
                }
                Routing::Several(_) => format!("the stored {} still collides", raise.event),
            }
        }
        (
            Case::Escalation { .. }
            | Case::Conflict { .. }
            | Case::Approval { .. }
            | Case::GivenUp { .. }
            | Case::Stuck { .. },
            _,
        ) => {
            format!("{} is told of the answer", item.raised_by)
        }
    });
    Preview { map: versions, changes, obstacle: None, owner: None, settles, then }
}

fn is_paused(board: &Board, item: &Item) -> bool {
    let facts = item.raised_by.agent().and_then(|agent| board.agents.get(agent));
    facts.is_some_and(|facts| facts.paused.is_some())
}

fn grant_words(agent: &AgentId, grant: &Grant) -> String {
    match grant {
        Grant::Write(pattern) => format!("{agent} may write {pattern}"),
        Grant::Trigger(event) => format!("{event} wakes {agent}"),
        Grant::Output(output) => format!("{agent} may act on {output}"),
    }
}

/// Whether the stored input would be in its author's zone under this map.
fn goes_through(map: &Map, item: &Item) -> bool {
    if let Some(raise) = trigger::event_of(&item.case) {
        return matches!(map.route(&raise.event, &raise.attributes), Routing::Owner { .. });
    }
    let Some(agent) = item.raised_by.agent() else { return false };
    match &item.case {
        Case::UnownedField { write } => {
            names(write).iter().all(|name| map.authority(agent, &write.entity, name) == Authority::Granted)
        }
        Case::UnownedTarget { act } => map.has_output(agent, &act.target),
        Case::UnownedOutput { publish } => map.has_output(agent, &publish.output),
        Case::UnownedEvent { .. }
        | Case::TriggerCollision { .. }
        | Case::Escalation { .. }
        | Case::Conflict { .. }
        | Case::Approval { .. }
        | Case::GivenUp { .. }
        | Case::Stuck { .. } => true,
    }
}

fn first_owner(map: &Map, item: &Item, write: &Write) -> Option<AgentId> {
    let agent = item.raised_by.agent()?;
    names(write).iter().find_map(|name| match map.authority(agent, &write.entity, name) {
        Authority::Owners(owners) => owners.first().map(|owner| (*owner).clone()),
        Authority::Granted | Authority::Nobody => None,
    })
}

fn names(write: &Write) -> Vec<FieldName> {
    if write.changes.is_empty() { vec![FieldName::whole()] } else { write.changes.keys().cloned().collect() }
}
