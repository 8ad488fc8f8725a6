//! Taking an answer back: its effects are reversed in one batch, while none of them has been used.

use super::{inbox, sheet::Sheet, verdict, write};
use crate::domain::{
    code::Code,
    command::ItemAnswer,
    deed::{Body, Outcome, ScopeChange, ScopeTransfer},
    ids::{AgentId, ItemNo, PersonId, Seq},
    map::Grant,
    path::FieldPath,
    state::{Case, ClosedItem, State},
    value::Value,
};

const ACTION: &str = "undo";

/// Decides an undo by a person.
pub(super) fn decide(sheet: &mut Sheet<'_>, no: ItemNo, person: &PersonId) -> Seq {
    let state = sheet.snapshot();
    let Some(closed) = state.board.closed_item(no).cloned() else {
        let open = state.board.items.contains_key(&no);
        let (code, why) = if open {
            (Code::WrongState, "is open: there is nothing to undo")
        } else {
            (Code::NotFound, "is not known, or was answered too long ago")
        };
        return inbox::refuse(sheet, no, ACTION, code, &format!("#{no} {why}"));
    };
    if let Some(with) = closed.settled_with {
        let why = format!("#{no} was settled by the answer to #{with}; undo that one");
        return inbox::refuse(sheet, no, ACTION, Code::WrongState, &why);
    }
    if let Err((code, why)) = inbox::may_answer(&state, &closed.item, person, sheet) {
        return inbox::refuse(sheet, no, ACTION, code, &why);
    }
    if let Some(why) = used(&state, &closed) {
        return inbox::refuse(sheet, no, ACTION, Code::UsedSince, &why);
    }
    reverse_writes(sheet, &state, &closed);
    reverse_map(sheet, &state, &closed);
    reverse_rest(sheet, &state, &closed);
    let mut deed = sheet.draft(Body::ItemUndone(()), ACTION, Outcome::Recorded);
    deed.subject.clone_from(&closed.item.subject);
    deed.cause = Some(closed.deed);
    deed.because(format!("#{no} {} taken back", closed.answer.word()));
    deed.refs.item = Some(no);
    sheet.push(deed)
}

/// What was built upon the answer, in words.
fn used(state: &State, closed: &ClosedItem) -> Option<String> {
    let effects = &closed.effects;
    if let Some(no) = effects.works.iter().find(|no| !state.board.works.contains_key(*no)) {
        return Some(format!("work {no} was done with by the agent"));
    }
    for redone in &effects.redone {
        let entity = state.entities.get(&redone.entity);
        for field in &redone.fields {
            if entity.is_none_or(|entity| entity.version_of(&field.name) != field.version) {
                let path = FieldPath::new(redone.entity.clone(), field.name.clone());
                return Some(format!("{path} was written since"));
            }
        }
    }
    // Where the map had the grant already, this answer did not make it.
    effects.map?;
    match &closed.answer {
        ItemAnswer::Expand { agent, grant, .. } => grant_used(state, closed, agent, grant),
        ItemAnswer::Transfer { .. } => {
            let (_, after) = effects.map?;
            (state.board.map_version != after)
                .then(|| format!("the map has moved on to v{}", state.board.map_version))
        }
        ItemAnswer::Handle { .. } | ItemAnswer::OutOfScope { .. } => None,
    }
}

fn grant_used(state: &State, closed: &ClosedItem, agent: &AgentId, grant: &Grant) -> Option<String> {
    match grant {
        Grant::Write(pattern) => {
            for (path, entity) in state.entities.iter().filter(|(path, _)| pattern.matches_entity(path)) {
                let wrote = entity.fields.iter().find(|(name, field)| {
                    pattern.matches(path, name) && field.deed > closed.deed && write::is(&field.by, agent)
                });
                if let Some((name, _)) = wrote {
                    return Some(format!(
                        "{agent} has written {} since",
                        FieldPath::new(path.clone(), name.clone())
                    ));
                }
            }
            None
        }
        Grant::Output(target) => {
            let since = state.board.targets.get(target.as_str()).is_some_and(|deed| *deed > closed.deed);
            let redone = state.board.acts.values().find(|act| *act.target == **target);
            (since || redone.is_some()).then(|| format!("{agent} has acted on {target} since"))
        }
        Grant::Trigger(_) => None,
    }
}

/// Compensating writes: the values of before, as new versions.
fn reverse_writes(sheet: &mut Sheet<'_>, state: &State, closed: &ClosedItem) {
    for redone in &closed.effects.redone {
        for field in redone.fields.iter().filter(|field| field.after.is_some()) {
            let path = FieldPath::new(redone.entity.clone(), field.name.clone());
            let value = field.before.clone().unwrap_or_else(Value::null);
            let mut back = write::simple(&path, value, field.version, Some(redone.deed));
            back.reason = Some(verdict::text(format!("undo of #{}", closed.item.no)));
            let now =
                if sheet.next_seq() == state.head().next() { state.clone() } else { sheet.state().clone() };
            let seq = write::commit(sheet, &now, &back, None);
            if let Some(deed) = sheet.deed_mut(seq) {
                deed.action = ACTION.into();
            }
        }
    }
}

fn reverse_map(sheet: &mut Sheet<'_>, state: &State, closed: &ClosedItem) {
    if closed.effects.map.is_none() {
        return;
    }
    let version = state.board.map_version.next();
    let (body, words) = match &closed.answer {
        ItemAnswer::Expand { agent, grant, .. } => {
            let born = born_with(state, closed);
            let change = ScopeChange {
                version,
                agent: agent.clone(),
                grant: grant.clone(),
                newcomer: born,
                lifted: closed.effects.lifted,
            };
            (Body::ScopeRevoked(change), format!("map v{version}: - {agent}.{grant}"))
        }
        ItemAnswer::Transfer { pattern, from, to, .. } => {
            let back =
                ScopeTransfer { version, pattern: pattern.clone(), from: to.clone(), to: from.clone() };
            (Body::ScopeTransferred(back), format!("map v{version}: {pattern} goes back from {to} to {from}"))
        }
        ItemAnswer::Handle { .. } | ItemAnswer::OutOfScope { .. } => return,
    };
    let mut deed = sheet.draft(body, ACTION, Outcome::Recorded);
    deed.cause = Some(closed.deed);
    deed.because(words);
    deed.refs.item = Some(closed.item.no);
    sheet.push(deed);
}

/// The agent that the answer made known goes again, if nothing else was added to it.
fn born_with(state: &State, closed: &ClosedItem) -> Option<PersonId> {
    let ItemAnswer::Expand { agent, .. } = &closed.answer else { return None };
    let (before, _) = closed.effects.map?;
    let earlier = state.board.maps.iter().rev().find(|step| step.version == before)?;
    let known_before = earlier.model.agent(agent).is_some();
    let entry = state.board.map.agent(agent)?;
    let grants = entry.writes.len() + entry.outputs.len() + entry.triggers.len();
    (!known_before && grants <= 1).then(|| entry.owner.clone())
}

fn reverse_rest(sheet: &mut Sheet<'_>, state: &State, closed: &ClosedItem) {
    let effects = &closed.effects;
    if !effects.works.is_empty() {
        let mut deed = sheet.draft(Body::WorkWithdrawn(()), ACTION, Outcome::Recorded);
        deed.cause = Some(closed.deed);
        deed.refs.works.clone_from(&effects.works);
        sheet.push(deed);
    }
    if let Some(rule) = effects.rule {
        let mut deed = sheet.draft(Body::RuleRemoved(rule), ACTION, Outcome::Recorded);
        deed.cause = Some(closed.deed);
        deed.refs.item = Some(closed.item.no);
        sheet.push(deed);
    }
    if let Case::Conflict { alert } = closed.item.case
        && let Some(resolved) = state.board.resolved.iter().find(|resolved| resolved.no == alert)
    {
        let mut again = (**resolved).clone();
        again.state = crate::domain::state::AlertState::Open;
        again.note = None;
        let mut deed = sheet.draft(Body::AlertReopened(Box::new(again)), ACTION, Outcome::Opened);
        deed.subject.clone_from(&closed.item.subject);
        deed.cause = Some(closed.deed);
        deed.refs.alerts = vec![alert];
        sheet.push(deed);
    }
}
