//! Writes to, and acts on, what belongs to another agent.

use std::sync::Arc;

use super::{Finding, raise, side};
use crate::domain::command::{Act, Write};
use crate::domain::decide::sheet::Sheet;
use crate::domain::ids::{Actor, AlertNo, Seq};
use crate::domain::path::FieldPath;
use crate::domain::rule::zone::Zones;
use crate::domain::state::State;
use crate::domain::things::{AlertKind, AlertSide};

/// A write to another's field.
pub(in crate::domain::decide) fn not_owner(
    sheet: &mut Sheet<'_>,
    state: &State,
    wish: &Write,
    zones: &Zones,
    primary: Seq,
) -> Option<AlertNo> {
    let (owner, names) = zones.others.iter().next()?;
    let name = names.first()?;
    let on = FieldPath::new(wish.entity.clone(), name.clone());
    let actor = sheet.deed(primary).map(|deed| deed.actor.clone())?;
    let field = state.entities.get(&on.entity).and_then(|entity| entity.field(name));
    let mine = AlertSide {
        actor: actor.clone(),
        deed: Some(primary),
        path: Some(on.clone()),
        read: None,
        wrote: None,
        value: wish.changes.get(name).cloned(),
        at: sheet.time,
        why: wish.reason.clone(),
        outcome: Arc::from(if state.board.enforces() {
            "proposed to the owner"
        } else {
            "committed, not the owner"
        }),
    };
    let owners = AlertSide {
        actor: Actor::Agent(owner.clone()),
        deed: field.map(|field| field.deed),
        path: Some(on.clone()),
        read: None,
        wrote: field.map(|field| field.version),
        value: field.map(|field| field.value.clone()),
        at: field.map_or(sheet.time, |field| field.at),
        why: None,
        outcome: Arc::from("owner"),
    };
    let finding = Finding {
        kind: AlertKind::NotOwner,
        same: format!("{}|{actor}", general(&on)),
        title: format!("{actor} writes {on}, which belongs to {owner}"),
        on: Some(on),
        sides: vec![owners, mine],
        first_cause: field.map(|field| field.deed),
        count: 1,
    };
    raise(sheet, finding, primary)
}

/// An act on a target that belongs to another agent.
pub(in crate::domain::decide) fn not_owner_act(
    sheet: &mut Sheet<'_>,
    act: &Act,
    primary: Seq,
) -> Option<AlertNo> {
    let deed = sheet.deed(primary)?;
    let actor = deed.actor.clone();
    let owner = deed.refs.owners.first().cloned()?;
    let on = FieldPath::whole(act.subject.clone());
    let wanted = format!("{} → {}", act.action, act.target);
    let (at, stopped) = (sheet.time, (Some(wanted.as_str()), "stopped, not the owner"));
    let finding = Finding {
        kind: AlertKind::NotOwner,
        same: format!("{}|{actor}", act.target),
        title: format!("{actor} acts on {}, which belongs to {owner}", act.target),
        sides: vec![
            side(&Actor::Agent(owner), None, Some(&on), at, (None, "owner")),
            side(&actor, Some(primary), Some(&on), at, stopped),
        ],
        on: Some(on),
        first_cause: None,
        count: 1,
    };
    raise(sheet, finding, primary)
}

/// The path with its last segment open: alerts about the same field of many records are one.
fn general(path: &FieldPath) -> String {
    let text = path.entity.as_str();
    let parent = text.rsplit_once('/').map_or("", |(parent, _)| parent);
    format!("{parent}/*#{}", path.field.as_str())
}
