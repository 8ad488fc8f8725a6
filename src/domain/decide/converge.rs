//! Retrying has an end: an agent whose writes to one field come too late again and again, RULES §4.9.

use std::sync::Arc;

use super::inbox::{self, NewItem};
use super::sheet::Sheet;
use super::{alert, write};
use crate::domain::code::Code;
use crate::domain::command::Write;
use crate::domain::deed::Body;
use crate::domain::ids::{Actor, AgentId, ItemNo, Seq};
use crate::domain::outcome::Outcome;
use crate::domain::path::FieldPath;
use crate::domain::state::State;
use crate::domain::things::{AlertKind, Case, FieldChange, IN_VAIN, IN_VAIN_ALIKE, in_vain_key};
use crate::domain::time::{Span, Time};

/// Within which time that many stale writes are one too many.
const WITHIN: Span = Span::from_mins(10);

/// The item in which the agent's writes to one of these fields wait for a person.
pub(super) fn waiting(state: &State, agent: &AgentId, write: &Write) -> Option<(ItemNo, FieldPath)> {
    if state.board.converging.is_empty() || !state.board.enforces() {
        return None;
    }
    write.changes.keys().find_map(|name| {
        let path = FieldPath::new(write.entity.clone(), name.clone());
        let item = state.board.converging.get(&in_vain_key(agent, &path))?;
        Some((*item, path))
    })
}

/// The write waits, as all that the agent tries there until a person has answered.
pub(super) fn wait(
    sheet: &mut Sheet<'_>,
    state: &State,
    agent: &AgentId,
    write: &Write,
    (item, path): (ItemNo, &FieldPath),
) -> Seq {
    let mut deed = write::draft(sheet, write, Body::WriteEscalated(()), Outcome::Escalated);
    deed.code = Some(Code::NotConverging);
    deed.because(format!(
        "your writes to {path} came too late again and again: #{item} is a person's to answer first"
    ));
    deed.fields = write::wanted(state, agent, write);
    deed.refs.item = Some(item);
    let primary = sheet.push(deed);
    inbox::join(sheet, item, primary);
    primary
}

/// After a write that was stale: too many of them on one field, and a person decides, with what both wanted.
pub(super) fn after(sheet: &mut Sheet<'_>, state: &State, agent: &AgentId, primary: Seq) {
    let Some(deed) = sheet.deed(primary).filter(|deed| deed.outcome == Outcome::Stale).cloned() else {
        return;
    };
    let Some(entity) = &deed.subject else { return };
    let too_often = |change: &&FieldChange| {
        let path = FieldPath::new(entity.clone(), change.name.clone());
        change.is_outdated() && recent(state, agent, &path, sheet.now) + 1 >= IN_VAIN
    };
    let Some(change) = deed.fields.iter().find(too_often) else { return };
    let path = FieldPath::new(entity.clone(), change.name.clone());
    let key = in_vain_key(agent, &path);
    let known = state.board.fingerprints.contains_key(&*alert::fingerprint(AlertKind::NotConverging, &key));
    let title = format!("{agent} writes {path} again and again, and comes too late each time");
    let raised = alert::in_vain(sheet, state, (&key, &title), (&path, change), primary);
    alert::note(sheet, primary, raised);
    let Some(no) = raised.filter(|_| !known && state.board.enforces() && inbox::full(state).is_none()) else {
        return;
    };
    let item = NewItem {
        case: Case::Conflict { alert: no },
        raised_by: Actor::Agent(agent.clone()),
        title,
        why: format!(
            "{IN_VAIN} stale writes within {}: what they wrote stands beside what was wanted",
            WITHIN.rough()
        ),
        unforeseen: false,
        subject: Some(entity.clone()),
        evidence: state
            .entities
            .get(entity)
            .and_then(|entity| entity.field(&change.name))
            .map(|field| field.deed)
            .into_iter()
            .chain([primary])
            .collect(),
        alike: alike(&key),
        suggestion: None,
    };
    let item = inbox::open_for(sheet, state, agent, item, primary);
    if let Some(deed) = sheet.deed_mut(primary) {
        deed.refs.item = Some(item);
    }
}

/// Items of the same agent about the same field are alike.
fn alike(key: &Arc<str>) -> String {
    format!("{IN_VAIN_ALIKE}{key}")
}

/// How often lately the agent's writes to the field were stale.
fn recent(state: &State, agent: &AgentId, path: &FieldPath, now: Time) -> usize {
    let times = state.board.in_vain.get(&in_vain_key(agent, path));
    times.into_iter().flatten().filter(|at| now.since(**at) < WITHIN).count()
}
