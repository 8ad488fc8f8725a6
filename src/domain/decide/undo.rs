//! Taking an answer back: its effects are reversed in one batch, while none of them has been used.

use std::sync::Arc;

use super::sheet::Sheet;
use super::{alert, held, inbox, rebase, stuck, verdict, write, zone};
use crate::domain::code::Code;
use crate::domain::command::{Write, WriteKind};
use crate::domain::deed::{Body, ScopeChange, ScopeTransfer};
use crate::domain::ids::{Actor, AgentId, ItemNo, MapVersion, PersonId, Seq, WorkNo};
use crate::domain::key::key;
use crate::domain::map::{Grant, ToolRow, text_matches};
use crate::domain::outcome::Outcome;
use crate::domain::path::{EntityPath, FieldName, FieldPath, Pattern};
use crate::domain::rule::reviewer;
use crate::domain::rule::ruling::{self, Dispute};
use crate::domain::state::State;
use crate::domain::things::{
    Alert, AlertState, Case, ClosedItem, Entity, Field, FieldChange, ItemAnswer, Redone, Run, Touch,
    WorkKind, question_key,
};
use crate::domain::time::Time;
use crate::domain::value::Value;

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
    if closed.by == Actor::Deeds {
        let why = format!("#{no} ended by itself: there is nobody's answer to take back");
        return inbox::refuse(sheet, no, ACTION, Code::WrongState, &why);
    }
    let who = (person, sheet.principal.class);
    let right = match reviewer::may_undo(&state.board, &closed, who, sheet.now) {
        Ok(right) => right,
        Err((code, why)) => return inbox::refuse(sheet, no, ACTION, code, &why),
    };
    if let Some(why) = used(&state, &closed, sheet.now) {
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
    let seq = sheet.push(deed);
    inbox::stand_in(sheet, seq, &right);
    rebase::items(sheet, &closed, seq);
    seq
}

/// What was built upon the answer, in words.
fn used(state: &State, closed: &ClosedItem, now: Time) -> Option<String> {
    let effects = &closed.effects;
    if let ItemAnswer::Approve { .. } | ItemAnswer::ApproveEdited { .. } = closed.answer
        && closed.item.case.is_approval()
    {
        let what = if let Case::ActApproval { .. } = closed.item.case {
            "the act was let go ahead"
        } else {
            "the publication went out"
        };
        return Some(format!("{what}, and takes no way back"));
    }
    let yes = matches!(closed.answer, ItemAnswer::Approve { .. } | ItemAnswer::Reject { .. });
    if let Case::UnknownOutcome { .. } = closed.item.case
        && yes
    {
        return Some("that the call was done, or was not, is told already, and others go by it".to_owned());
    }
    if matches!(closed.answer, ItemAnswer::Approve { .. }) && closed.item.case.call().is_some() {
        return Some("the call was let go ahead, and takes no way back".to_owned());
    }
    if let Some(no) = effects.works.iter().find(|no| !state.board.works.contains_key(*no)) {
        return Some(format!("work {no} was done with by the agent"));
    }
    let taken = |no: &&WorkNo| state.board.works.get(*no).is_some_and(|work| work.attempts > 0);
    if let Some(no) = effects.works.iter().find(taken) {
        return Some(format!("work {no} was taken by its agent"));
    }
    if let Some(why) = settled(state, closed).find_map(|other| stuck::used(&state.board, other)) {
        return Some(why);
    }
    let gone_through = state.board.care.last().filter(|mark| mark.deed > closed.item.deed);
    if let (Case::MapOverdue { .. }, Some(mark)) = (&closed.item.case, gone_through) {
        return Some(format!("{} has gone through the map", mark.by));
    }
    if let Some(ruled) = &effects.ruling {
        let key = question_key(&ruled.subject, &ruled.question);
        let voices = state.board.conclusion(&key, now).into_iter().flatten();
        if let Some(voice) = voices.filter(|voice| voice.deed > ruled.deed).last() {
            return Some(format!("{} has concluded on it since", voice.by));
        }
    }
    if let Some(why) = effects.redone.iter().find_map(|redone| input_used(state, closed, redone)) {
        return Some(why);
    }
    if let Some(why) = settled(state, closed).find_map(|other| decided_by_now(state, other)) {
        return Some(why);
    }
    // Where the map had the grant already, this answer did not make it.
    let (_, after) = effects.map?;
    match &closed.answer {
        ItemAnswer::Expand { agent, grant, .. } => grant_used(state, closed, agent, grant),
        ItemAnswer::Transfer { .. } | ItemAnswer::Approve { .. } if state.board.map_version != after => {
            Some(format!("the map has moved on to v{}", state.board.map_version))
        }
        ItemAnswer::Transfer { pattern, to, .. } => zone_used(state, closed, to, pattern),
        ItemAnswer::Approve { .. } => {
            let (pattern, _, to) = zone::offered(&closed.item)?;
            zone_used(state, closed, to, pattern)
        }
        ItemAnswer::Handle { .. }
        | ItemAnswer::Ruling { .. }
        | ItemAnswer::OutOfScope { .. }
        | ItemAnswer::SendOn { .. }
        | ItemAnswer::ApproveEdited { .. }
        | ItemAnswer::Reject { .. } => None,
    }
}

/// Why there is nothing to decide again on states that were ruled on or handled: they agree by now, or another item asks.
fn decided_by_now(state: &State, closed: &ClosedItem) -> Option<String> {
    let (ItemAnswer::Ruling { .. } | ItemAnswer::Handle { .. }) = closed.answer else { return None };
    let alert =
        resolved_with(state, closed).filter(|alert| ruling::dispute(alert) == Some(Dispute::States))?;
    let newer = state.board.fingerprints.get(&alert.fingerprint);
    newer.map(|newer| format!("alert {newer} tells of it again: answer that one")).or_else(|| {
        let why = alert::over(state, alert)?;
        Some(format!("there is nothing to decide again: {why}"))
    })
}

/// What of a stored input that went through can't be put back.
fn input_used(state: &State, closed: &ClosedItem, redone: &Redone) -> Option<String> {
    let entity = state.entities.get(&redone.entity);
    if let Some(write) = stored_write(state, closed, redone.item)
        && write.kind != WriteKind::Update
    {
        // The values before are no record that was, or was not, there: writing them back would leave half of one.
        let how = write::word(write);
        return Some(format!("the {how} of {} went through, and takes no way back", redone.entity));
    }
    if entity.is_some_and(|entity| entity.gone.is_some()) {
        return Some(format!("{} is gone since", redone.entity));
    }
    let changed =
        |field: &&FieldChange| entity.is_none_or(|entity| entity.version_of(&field.name) != field.version);
    let field = redone.fields.iter().find(changed)?;
    Some(format!("{} was written since", FieldPath::new(redone.entity.clone(), field.name.clone())))
}

/// The write that waited in this item, or in one that was settled with it.
fn stored_write<'a>(state: &'a State, closed: &'a ClosedItem, no: ItemNo) -> Option<&'a Write> {
    let item = if no == closed.item.no { &closed.item } else { &state.board.closed_item(no)?.item };
    match &item.case {
        Case::UnownedField { write, .. } | Case::HeldField { write, .. } => Some(write),
        Case::ZoneOffer { .. }
        | Case::UnownedTarget { .. }
        | Case::UnownedOutput { .. }
        | Case::Escalation { .. }
        | Case::Conflict { .. }
        | Case::MapOverdue { .. }
        | Case::UnownedEvent { .. }
        | Case::TriggerCollision { .. }
        | Case::Loop { .. }
        | Case::Approval { .. }
        | Case::ActApproval { .. }
        | Case::UnmappedCall { .. }
        | Case::UnknownOutcome { .. }
        | Case::GivenUp { .. }
        | Case::Stuck { .. } => None,
    }
}

fn grant_used(state: &State, closed: &ClosedItem, agent: &AgentId, grant: &Grant) -> Option<String> {
    match grant {
        Grant::Write(pattern) => zone_used(state, closed, agent, pattern),
        Grant::Output(target) => published_on(state, closed, agent, target)
            .or_else(|| acted_on(state, closed, agent, |other| *other == **target)),
        Grant::Trigger(event) => woken(state, closed, agent, event),
        Grant::Tool(row) => called_since(state, closed, row),
    }
}

/// Whether a tool that the row names was called since.
fn called_since(state: &State, closed: &ClosedItem, row: &ToolRow) -> Option<String> {
    let mut calls = state.board.calls_known().filter(|call| call.deed > closed.deed);
    let call = calls.find(|call| row.names(&call.mark.server, &call.mark.tool))?;
    Some(format!("{} has called {} since", call.agent, call.mark.name()))
}

/// Whether the agent was given, or has claimed, the event on its own since.
fn woken(state: &State, closed: &ClosedItem, agent: &AgentId, event: &str) -> Option<String> {
    let from = granted_by(state, closed);
    let own = |name: &str| text_matches(event, name);
    let dispatched = state.board.works.values().find(|work| {
        let is_it = matches!(&work.kind, WorkKind::Dispatch { event, .. } if own(event));
        is_it && work.agent == *agent && work.deed > from && !closed.effects.works.contains(&work.no)
    });
    if let Some(work) = dispatched {
        return Some(format!("work {} came to {agent} by it since", work.no));
    }
    let claims = state
        .board
        .claims
        .iter()
        .chain(state.board.occurrences.iter())
        .filter(|(_, held)| held.by == *agent && held.deed > from);
    let mut names = claims.filter_map(|(key, _)| key.split('\u{1f}').next());
    names.find(|name| own(name)).map(|name| format!("{agent} has claimed a {name} since"))
}

/// Whether the agent has written, or acted on, what the pattern covers. What the answer itself wrote is put back.
fn zone_used(state: &State, closed: &ClosedItem, agent: &AgentId, pattern: &Pattern) -> Option<String> {
    let prefix = pattern.prefix();
    let entities = state.entities.range(&prefix).filter(|(path, _)| pattern.matches_entity(path));
    for (path, entity) in entities {
        if let Some(name) = written_since(&path, &entity, closed, agent, pattern) {
            return Some(format!("{agent} has written {} since", FieldPath::new(path.clone(), name.clone())));
        }
    }
    let covers = |target: &str| target.parse().is_ok_and(|path| pattern.matches_path(&path));
    acted_on(state, closed, agent, covers)
}

/// The field that the agent wrote after the answer, as far as the entity remembers: also where others wrote later.
fn written_since<'a>(
    path: &EntityPath,
    entity: &'a Entity,
    closed: &ClosedItem,
    agent: &AgentId,
    pattern: &Pattern,
) -> Option<&'a FieldName> {
    let run_since = |run: &Run| write::is(&run.by, agent) && (run.deed > closed.deed || run.at > closed.at);
    let last_since = |field: &Field| write::is(&field.by, agent) && field.deed > closed.deed;
    let covered = |name: &FieldName| pattern.matches(path, name);
    let field = entity
        .fields
        .iter()
        .filter(|(name, _)| covered(name))
        .find(|(_, field)| last_since(field) || field.runs.iter().any(run_since));
    let touch_since = |touch: &&Arc<Touch>| {
        touch.deed > closed.deed && touch.outcome == Outcome::Committed && write::is(&touch.actor, agent)
    };
    let mut touched = entity.recent.iter().filter(touch_since).flat_map(|touch| &touch.fields);
    field.map(|(name, _)| name).or_else(|| touched.find(|name| covered(name)))
}

/// Whether the agent has published there from the grant on.
fn published_on(state: &State, closed: &ClosedItem, agent: &AgentId, output: &str) -> Option<String> {
    let last = state.board.threads.get(&key(&[output])).filter(|last| last.by == *agent)?;
    (last.deed > granted_by(state, closed)).then(|| format!("{agent} has published on {output} since"))
}

/// Whether an act on the target was allowed from the grant on; the one that was decided again with it counts too, since
/// nobody takes back what went outside.
fn acted_on(
    state: &State,
    closed: &ClosedItem,
    agent: &AgentId,
    is_it: impl Fn(&str) -> bool,
) -> Option<String> {
    let board = &state.board;
    let from = granted_by(state, closed);
    let last = board.targets.iter().filter(|(_, deed)| **deed > from).map(|(target, _)| target);
    let open = board.acts.values().filter(|act| act.deed > from).map(|act| &act.target);
    if let Some(target) = last.chain(open).find(|target| is_it(target)) {
        return Some(format!("{agent} was let act on {target} since"));
    }
    let oldest = board.targets.iter().map(|(_, deed)| deed).min().filter(|_| board.targets.was_cut());
    (oldest? > &from).then(|| "more was acted on since than is remembered".to_owned())
}

/// The deed that made the grant; where the map has moved on so far that it is forgotten, the case itself.
fn granted_by(state: &State, closed: &ClosedItem) -> Seq {
    let step = closed
        .effects
        .map
        .and_then(|(_, after)| state.board.maps.iter().rev().find(|step| step.version == after));
    step.map_or(closed.item.deed, |step| step.deed)
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
            let seq = write::restore(sheet, &now, &back);
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
                governs: born.as_ref().and_then(|_| accountable_since(state, closed)),
                version,
                agent: agent.clone(),
                grant: grant.clone(),
                newcomer: born,
                lifted: closed.effects.lifted,
            };
            (Body::ScopeRevoked(change), format!("map v{version}: - {agent}.{grant}"))
        }
        ItemAnswer::Transfer { pattern, from, to, .. } => goes_back(version, (pattern, from, to)),
        ItemAnswer::Approve { .. } => match zone::offered(&closed.item) {
            Some(moved) => goes_back(version, moved),
            None => return,
        },
        ItemAnswer::Handle { .. }
        | ItemAnswer::Ruling { .. }
        | ItemAnswer::OutOfScope { .. }
        | ItemAnswer::SendOn { .. }
        | ItemAnswer::ApproveEdited { .. }
        | ItemAnswer::Reject { .. } => return,
    };
    let mut deed = sheet.draft(body, ACTION, Outcome::Recorded);
    deed.cause = Some(closed.deed);
    deed.because(words);
    deed.refs.item = Some(closed.item.no);
    sheet.push(deed);
}

/// What went from one agent to another, the other way round.
fn goes_back(version: MapVersion, (pattern, from, to): (&Pattern, &AgentId, &AgentId)) -> (Body, String) {
    let back = ScopeTransfer {
        version,
        pattern: pattern.clone(),
        from: to.clone(),
        to: from.clone(),
        offered_by: None,
    };
    (Body::ScopeTransferred(back), format!("map v{version}: {pattern} goes back from {to} to {from}"))
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

/// Who became accountable for the map with the answer, and is still.
fn accountable_since(state: &State, closed: &ClosedItem) -> Option<PersonId> {
    let (before, _) = closed.effects.map?;
    let earlier = state.board.maps.iter().rev().find(|step| step.version == before)?;
    let nobody = earlier.model.governance_owner.is_none();
    let since = state.board.map.model().governance_owner.as_ref();
    since.filter(|person| nobody && closed.by.person() == Some(*person)).cloned()
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
    for other in settled(state, closed) {
        held::propose_again(sheet, state, closed, &other.item);
        stuck::reopen(sheet, other);
        reopen_alert(sheet, state, other);
    }
}

/// The items that the answer ended: its own, and those settled with it.
fn settled<'a>(state: &'a State, closed: &'a ClosedItem) -> impl Iterator<Item = &'a Arc<ClosedItem>> {
    let no = closed.item.no;
    state.board.closed.iter().filter(move |other| other.item.no == no || other.settled_with == Some(no))
}

/// The alert that the answer resolved is open again; one that somebody had resolved before stays so.
fn reopen_alert(sheet: &mut Sheet<'_>, state: &State, closed: &ClosedItem) {
    let Some(resolved) = resolved_with(state, closed) else { return };
    let mut again = Alert::clone(resolved);
    again.state = AlertState::Open;
    again.note = None;
    let mut deed = sheet.draft(Body::AlertReopened(Box::new(again)), ACTION, Outcome::Opened);
    deed.subject.clone_from(&closed.item.subject);
    deed.cause = Some(closed.deed);
    deed.refs.alerts = vec![resolved.no];
    sheet.push(deed);
}

/// The alert that went with the answer.
fn resolved_with<'a>(state: &'a State, closed: &ClosedItem) -> Option<&'a Arc<Alert>> {
    let no = closed.item.case.alert()?;
    let with_it = |alert: &Alert| matches!(alert.state, AlertState::Resolved { at, .. } if at == closed.at);
    state.board.resolved.iter().find(|resolved| resolved.no == no && with_it(resolved))
}
