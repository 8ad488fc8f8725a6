//! The decision inbox, RULES §12: what opens an item, and what named people do with it. Answers are in `answer`.

use std::sync::Arc;

use super::sheet::Sheet;
use super::title::one_line;
use super::{answer, review, undo, verdict, write};
use crate::domain::code::Code;
use crate::domain::command::{Act, EVIDENCE, Escalate, ItemStep, ItemVerb, TEXT_BYTES, Write};
use crate::domain::deed::{Body, Deed};
use crate::domain::ids::{Actor, AgentId, AlertNo, ItemNo, PersonId, Seq};
use crate::domain::map::{Grant, Queue, nearest_zone};
use crate::domain::outcome::Outcome;
use crate::domain::path::{EntityPath, FieldName, FieldPath};
use crate::domain::rule::reviewer::{self, Right};
use crate::domain::rule::{reason, route};
use crate::domain::state::State;
use crate::domain::things::{Alert, Case, Item, ScopeRule, Suggestion, folded, likeness};
use crate::domain::time::Span;

/// Most items open at once. Beyond it inputs are refused with the reason rather than piled up unseen.
pub(super) const OPEN_ITEMS: usize = 100_000;
/// Most claims that end with one change of the map; others end by their time.
const FREED_AT_ONCE: usize = 256;

/// An item about to be opened.
pub(super) struct NewItem {
    pub(super) case: Case,
    pub(super) raised_by: Actor,
    pub(super) title: String,
    pub(super) why: String,
    pub(super) unforeseen: bool,
    pub(super) subject: Option<EntityPath>,
    pub(super) evidence: Vec<Seq>,
    pub(super) alike: String,
    pub(super) suggestion: Option<Suggestion>,
}

/// What an agent can't decide goes to its queue, and it learns the item's number.
pub(super) fn escalate(sheet: &mut Sheet<'_>, escalate: &Escalate) -> Seq {
    let Some(agent) = sheet.principal.actor.agent().cloned() else {
        return sheet.refuse(Body::ItemRefused(()), "escalate", Code::NotAllowed, "only agents escalate");
    };
    if escalate.why.trim().is_empty() || escalate.why.len() > TEXT_BYTES {
        let why = format!("`why` must say why you can't decide, in at most {TEXT_BYTES} bytes");
        return sheet.refuse(Body::ItemRefused(()), "escalate", Code::OverBound, &why);
    }
    if escalate.evidence.len() > EVIDENCE {
        let why = format!("{} deeds in `evidence`; at most {EVIDENCE}", escalate.evidence.len());
        return sheet.refuse(Body::ItemRefused(()), "escalate", Code::OverBound, &why);
    }
    let state = sheet.snapshot();
    let mut evidence = escalate.evidence.iter();
    if let Some(why) = evidence.find_map(|seq| verdict::unknown_deed(&state, "evidence", *seq)) {
        return sheet.refuse(Body::ItemRefused(()), "escalate", Code::NotFound, &why);
    }
    let case = Case::Escalation { input: escalate.input.clone() };
    let raised_by = Actor::Agent(agent.clone());
    let alike = likeness(&case, &raised_by, escalate.subject.as_ref());
    let before = format!("escalation|{agent}|{}", folded(&escalate.why));
    let asked = || (case.clone(), raised_by.clone(), escalate.subject.clone());
    if let Some(why) = closed_on_arrival(&state, &before, asked) {
        return sheet.refuse(Body::ItemRefused(()), "escalate", Code::OutOfScope, &why);
    }
    let queue = state.board.map.queue_of(&agent).clone();
    if let Some(no) = escalated_already(&state, (&case, &agent), &queue, escalate.subject.as_ref()) {
        return join_as(sheet, no, escalate.subject.as_ref());
    }
    if let Some(why) = full(&state) {
        return sheet.refuse(Body::ItemRefused(()), "escalate", Code::OverBound, &why);
    }
    let agent_entry = state.board.map.agent(&agent);
    let foreseen = agent_entry.is_some_and(|entry| reason::foreseen(entry, &escalate.why).is_some());
    let item = NewItem {
        case,
        raised_by,
        title: one_line(&escalate.input),
        why: escalate.why.to_string(),
        unforeseen: !foreseen,
        subject: escalate.subject.clone(),
        evidence: escalate.evidence.clone(),
        alike: alike.to_string(),
        suggestion: None,
    };
    let mut deed = open(sheet, &queue, item, None);
    deed.actor = sheet.principal.actor.clone();
    deed.action = "escalate".into();
    deed.outcome = Outcome::Escalated;
    sheet.push(deed)
}

/// A write to fields that nobody owns.
pub(super) fn open_write(
    sheet: &mut Sheet<'_>,
    agent: &AgentId,
    (write, partial): (&Write, bool),
    cause: Seq,
) -> ItemNo {
    let names: Vec<FieldName> = write.changes.keys().cloned().collect();
    let state = sheet.snapshot();
    let alike = alike_write(agent, write, &names);
    let case = write::case(write, partial);
    if let Some(no) = same_waiting(&state, &case, agent) {
        join(sheet, no, cause);
        return no;
    }
    let first = FieldPath::new(write.entity.clone(), names.first().cloned().unwrap_or_else(FieldName::whole));
    let suggestion = nearest_zone(state.board.map.model(), agent, &first).map(|(agent, pattern, reason)| {
        Suggestion { agent, grant: Grant::Write(pattern), reason: Arc::from(reason) }
    });
    let item = NewItem {
        case,
        raised_by: Actor::Agent(agent.clone()),
        title: title_of(write),
        why: format!("nobody owns {first}{}", more(names.len())),
        unforeseen: false,
        subject: Some(write.entity.clone()),
        evidence: evidence(&state, &write.entity, cause),
        alike,
        suggestion,
    };
    open_for(sheet, &state, agent, item, cause)
}

/// A write to what a person holds: by whom, since which deeds, and in which words.
pub(super) fn open_held(
    sheet: &mut Sheet<'_>,
    agent: &AgentId,
    write: Write,
    (held_by, deeds, why): (Vec<PersonId>, Vec<Seq>, String),
    cause: Seq,
) -> ItemNo {
    let state = sheet.snapshot();
    let names: Vec<FieldName> = write.changes.keys().cloned().collect();
    let alike = format!("held|{}", alike_write(agent, &write, &names));
    let title = title_of(&write);
    let mut evidence = evidence(&state, &write.entity, cause);
    for deed in deeds {
        if !evidence.contains(&deed) {
            evidence.insert(0, deed);
        }
    }
    let subject = Some(write.entity.clone());
    let case = Case::HeldField { write, held_by };
    if let Some(no) = same_waiting(&state, &case, agent) {
        join(sheet, no, cause);
        return no;
    }
    let raised_by = Actor::Agent(agent.clone());
    let new = NewItem {
        case,
        raised_by,
        title,
        why,
        unforeseen: false,
        subject,
        evidence,
        alike,
        suggestion: None,
    };
    open_for(sheet, &state, agent, new, cause)
}

/// What a write wants, in one line.
fn title_of(write: &Write) -> String {
    let shown: Vec<String> = write
        .changes
        .iter()
        .map(|(name, value)| format!("#{} = {}", name.as_str(), one_line(value)))
        .collect();
    if shown.is_empty() { format!("{} {}", write::word(write), write.entity) } else { shown.join(", ") }
}

/// An act on a target that nobody owns.
pub(super) fn open_act(sheet: &mut Sheet<'_>, agent: &AgentId, act: &Act, cause: Seq) -> ItemNo {
    let state = sheet.snapshot();
    let case = Case::UnownedTarget { act: act.clone() };
    if let Some(no) = same_waiting(&state, &case, agent) {
        join(sheet, no, cause);
        return no;
    }
    let suggestion = Suggestion {
        agent: agent.clone(),
        grant: Grant::Output(act.target.to_string()),
        reason: Arc::from(format!("{agent} asked for it, and nobody else publishes there")),
    };
    let item = NewItem {
        case,
        raised_by: Actor::Agent(agent.clone()),
        title: format!("{} → {}", act.action, act.target),
        why: format!("nobody owns the target {}", act.target),
        unforeseen: false,
        subject: Some(act.subject.clone()),
        evidence: evidence(&state, &act.subject, cause),
        alike: alike_act(agent, act),
        suggestion: Some(suggestion),
    };
    open_for(sheet, &state, agent, item, cause)
}

/// A conflict that a person must settle. Returns the deed.
pub(super) fn open_conflict(sheet: &mut Sheet<'_>, alert: &Alert, cause: Seq) -> Seq {
    let state = sheet.snapshot();
    let map = &state.board.map;
    let queue = route::of_alert(map, alert).clone();
    let item = NewItem {
        case: Case::Conflict { alert: alert.no },
        raised_by: Actor::Deeds,
        title: alert.title.to_string(),
        why: format!("{} #{}: a person decides which side is right", alert.kind.as_str(), alert.no),
        unforeseen: false,
        subject: alert.on.as_ref().map(|on| on.entity.clone()),
        evidence: alert.sides.iter().filter_map(|side| side.deed).collect(),
        alike: format!(
            "conflict|{}|{}",
            alert.kind.as_str(),
            alert.fingerprint.split('|').nth(1).unwrap_or_default()
        ),
        suggestion: None,
    };
    let mut deed = open(sheet, &queue, item, Some(cause));
    deed.refs.alerts = vec![alert.no];
    if sheet.principal.actor.person().is_some() {
        deed.actor = sheet.principal.actor.clone();
    }
    sheet.push(deed)
}

/// The map is overdue: an item of the person who answers for it, in the first queue that is theirs.
pub(super) fn open_map(sheet: &mut Sheet<'_>, title: &str, alert: Option<AlertNo>, cause: Seq) -> ItemNo {
    let state = sheet.snapshot();
    let map = &state.board.map;
    let owner = map.model().governance_owner.clone();
    let theirs = |queue: &&Queue| Some(&queue.owner) == owner.as_ref();
    let queue = map.model().queues.iter().find(theirs).unwrap_or_else(|| map.first_queue()).clone();
    let item = NewItem {
        case: Case::MapOverdue { alert },
        raised_by: Actor::Deeds,
        title: title.to_owned(),
        why: "the map is gone through as often as it says, by whoever is accountable for it".to_owned(),
        unforeseen: false,
        subject: None,
        evidence: state.board.care.last().map(|mark| mark.deed).into_iter().collect(),
        alike: "map-overdue".to_owned(),
        suggestion: None,
    };
    let mut deed = open(sheet, &queue, item, Some(cause));
    if let Body::ItemOpened(item) = &mut deed.body {
        item.assigned_to = owner.filter(|owner| *owner != queue.owner);
    }
    deed.refs.alerts = alert.into_iter().collect();
    let no = deed.refs.item.unwrap_or_default();
    sheet.push(deed);
    no
}

pub(super) fn open_for(
    sheet: &mut Sheet<'_>,
    state: &State,
    agent: &AgentId,
    item: NewItem,
    cause: Seq,
) -> ItemNo {
    let queue = state.board.map.queue_of(agent).clone();
    open_in(sheet, &queue, item, cause)
}

/// Opens an item in this queue.
pub(super) fn open_in(sheet: &mut Sheet<'_>, queue: &Queue, item: NewItem, cause: Seq) -> ItemNo {
    let deed = open(sheet, queue, item, Some(cause));
    let no = deed.refs.item.unwrap_or_default();
    sheet.push(deed);
    no
}

pub(super) fn open(sheet: &mut Sheet<'_>, queue: &Queue, new: NewItem, cause: Option<Seq>) -> Deed {
    let no = sheet.state().board.next.item;
    let sla = queue.sla;
    let item = Item {
        no,
        version: 1,
        case: new.case,
        queue: queue.name.clone(),
        raised_by: new.raised_by,
        title: Arc::from(new.title),
        why: Arc::from(new.why),
        unforeseen: new.unforeseen,
        subject: new.subject,
        evidence: new.evidence,
        alike: Arc::from(new.alike),
        suggestion: new.suggestion,
        opened: sheet.now,
        deed: sheet.next_seq(),
        warn_at: sheet.now.plus(Span::from_micros(sla.micros() / 4 * 3)),
        due: sheet.now.plus(sla),
        claimed_by: None,
        claim_until: None,
        assigned_to: None,
        joined: 0,
        again: Vec::new(),
        warned: false,
        overdue: false,
    };
    let mut deed =
        sheet.follow_up(Body::ItemOpened(Box::new(item.clone())), "open item", Outcome::Opened, cause);
    deed.subject.clone_from(&item.subject);
    deed.because(format!("#{no} in {}: {}", item.queue, item.why));
    deed.refs.item = Some(no);
    deed
}

/// Whether the inbox takes no more, in words.
pub(super) fn full(state: &State) -> Option<String> {
    let open = state.board.items.len();
    (open >= OPEN_ITEMS).then(|| format!("{open} items wait in the inbox; people must answer some first"))
}

/// The very same input is waiting already: a retry, not a new case.
pub(super) fn same_waiting(state: &State, case: &Case, agent: &AgentId) -> Option<ItemNo> {
    let same = |item: &&Arc<Item>| item.case == *case && item.raised_by.agent() == Some(agent);
    state.board.items.values().find(same).map(|item| item.no)
}

/// The very same escalation of the same agent waits in that queue.
fn escalated_already(
    state: &State,
    (case, agent): (&Case, &AgentId),
    queue: &Queue,
    subject: Option<&EntityPath>,
) -> Option<ItemNo> {
    let same = |item: &&Arc<Item>| {
        item.subject.as_ref() == subject
            && item.queue == queue.name
            && item.raised_by.agent() == Some(agent)
            && item.case == *case
    };
    state.board.items.values().find(same).map(|item| item.no)
}

/// The caller joins an item that waits, and is told its number like the first one.
pub(super) fn join_as(sheet: &mut Sheet<'_>, no: ItemNo, subject: Option<&EntityPath>) -> Seq {
    let mut deed = sheet.draft(Body::ItemJoined(()), "escalate", Outcome::Escalated);
    deed.subject = subject.cloned();
    deed.because(format!("the same input again, waiting as #{no}"));
    deed.refs.item = Some(no);
    sheet.push(deed)
}

pub(super) fn join(sheet: &mut Sheet<'_>, no: ItemNo, cause: Seq) {
    let mut deed = sheet.follow_up(Body::ItemJoined(()), "join item", Outcome::Recorded, Some(cause));
    deed.because(format!("the same input again, waiting as #{no}"));
    deed.refs.item = Some(no);
    sheet.push(deed);
}

/// The rule that closes this input on arrival, in words: one for this very input, or one of before, for all that was
/// `alike` then.
pub(super) fn closed_on_arrival(
    state: &State,
    alike: &str,
    asked: impl FnOnce() -> (Case, Actor, Option<EntityPath>),
) -> Option<String> {
    let rules = &state.board.rules;
    if rules.is_empty() {
        return None;
    }
    let (case, raised_by, subject) = asked();
    let this = likeness(&case, &raised_by, subject.as_ref());
    rules.iter().find(|rule| rule.alike == this || *rule.alike == *alike).map(|rule| closed_words(rule))
}

fn closed_words(rule: &ScopeRule) -> String {
    format!("out of scope since #{} by {}: {}", rule.item, rule.by, rule.reason)
}

/// Writes by one agent to the same fields of sibling records are alike.
pub(super) fn alike_write(agent: &AgentId, write: &Write, names: &[FieldName]) -> String {
    let names: Vec<&str> = names.iter().map(FieldName::as_str).collect();
    format!("write|{agent}|{}|{}", siblings(&write.entity), names.join(","))
}

/// Acts by one agent on the same target are alike.
pub(super) fn alike_act(agent: &AgentId, act: &Act) -> String {
    format!("act|{agent}|{}", act.target)
}

fn siblings(entity: &EntityPath) -> String {
    entity.as_str().rsplit_once('/').map_or_else(|| "*".to_owned(), |(parent, _)| format!("{parent}/*"))
}

/// What led to a case: the last deeds on its entity, then the one that raised it.
pub(super) fn evidence(state: &State, entity: &EntityPath, cause: Seq) -> Vec<Seq> {
    let recent = state.entities.get(entity).map(|entity| entity.recent.as_slice()).unwrap_or_default();
    let mut deeds: Vec<Seq> = recent.iter().rev().take(4).rev().map(|touch| touch.deed).collect();
    if deeds.last() != Some(&cause) {
        deeds.push(cause);
    }
    deeds
}

fn more(fields: usize) -> String {
    if fields > 1 { format!(" and {} more", fields - 1) } else { String::new() }
}

/// Decides a person's step on an item.
pub(super) fn decide(sheet: &mut Sheet<'_>, step: &ItemStep) -> Seq {
    let action = step.step.word();
    let Some(person) = sheet.principal.actor.person().cloned() else {
        return refuse(sheet, step.item, action, Code::AgentToken, "only named people decide");
    };
    if step.step == ItemVerb::Undo {
        return undo::decide(sheet, step.item, &person);
    }
    let state = sheet.snapshot();
    let Some(item) = state.board.items.get(&step.item).cloned() else {
        return match state.board.closed_item(step.item) {
            Some(closed) => {
                let why = format!("#{} was answered by {}: {}", step.item, closed.by, closed.answer.word());
                refuse(sheet, step.item, action, Code::WrongState, &why)
            }
            None => refuse(sheet, step.item, action, Code::NotFound, &format!("no item #{}", step.item)),
        };
    };
    let who = (&person, sheet.principal.class);
    let right = match &step.step {
        ItemVerb::TakeOver { .. } => reviewer::may_take_over(&state.board, &item, who, sheet.now),
        ItemVerb::Answer(answered) => {
            reviewer::may_give(&state.board, &item, &answered.answer, who, sheet.now)
        }
        ItemVerb::Claim
        | ItemVerb::Release
        | ItemVerb::Reassign { .. }
        | ItemVerb::Leave { .. }
        | ItemVerb::Undo => reviewer::may_answer(&state.board, &item, who, sheet.now),
    };
    let right = match right {
        Ok(right) => right,
        Err((code, why)) => return refuse(sheet, step.item, action, code, &why),
    };
    let seq = act_on(sheet, &state, &item, (&person, &step.step));
    stand_in(sheet, seq, &right);
    review::settle(sheet);
    seq
}

/// Does what a person may do.
fn act_on(sheet: &mut Sheet<'_>, state: &State, item: &Item, (person, step): (&PersonId, &ItemVerb)) -> Seq {
    let action = step.word();
    match step {
        ItemVerb::Claim => claim(sheet, item, action, "claimed"),
        ItemVerb::TakeOver { reason } => take_over(sheet, state, item, (person, reason)),
        ItemVerb::Release if item.claimed_by.as_ref() != Some(person) => {
            refuse(sheet, item.no, action, Code::WrongState, &format!("#{} is not claimed by you", item.no))
        }
        ItemVerb::Release => record(sheet, item, Body::ItemReleased(()), action, "released"),
        ItemVerb::Leave { reason } => leave(sheet, item, reason),
        ItemVerb::Reassign { to } => reassign(sheet, state, item, to),
        ItemVerb::Answer(answered) => answer::decide(sheet, item, person, answered),
        ItemVerb::Undo => undo::decide(sheet, item.no, person),
    }
}

/// The claim holds for a while; claimed again, it holds for as long from then on.
fn claim(sheet: &mut Sheet<'_>, item: &Item, action: &'static str, words: &str) -> Seq {
    let seq = record(sheet, item, Body::ItemClaimed(()), action, words);
    let until = sheet.now.plus(reviewer::CLAIM_LASTS);
    if let Some(deed) = sheet.deed_mut(seq) {
        deed.refs.until = Some(until);
    }
    seq
}

/// For later, knowingly: a review has gone through it.
fn leave(sheet: &mut Sheet<'_>, item: &Item, reason: &str) -> Seq {
    if reason.trim().is_empty() {
        let why = "leaving it for later needs a reason: say why in `reason`";
        return refuse(sheet, item.no, "leave", Code::WrongState, why);
    }
    if let Some(why) = verdict::too_long("reason", Some(reason)) {
        return refuse(sheet, item.no, "leave", Code::OverBound, &why);
    }
    record(sheet, item, Body::ItemLeft(()), "leave", &format!("left for later: {reason}"))
}

fn take_over(sheet: &mut Sheet<'_>, state: &State, item: &Item, (person, reason): (&PersonId, &str)) -> Seq {
    const ACTION: &str = "take over";
    if reason.trim().is_empty() {
        let why = "taking over needs a reason: say why in `reason`";
        return refuse(sheet, item.no, ACTION, Code::WrongState, why);
    }
    if let Some(why) = verdict::too_long("reason", Some(reason)) {
        return refuse(sheet, item.no, ACTION, Code::OverBound, &why);
    }
    let from = reviewer::claimant(&state.board.map, item, sheet.now).filter(|by| *by != person);
    let from = from.map(|by| format!(" from {by}")).unwrap_or_default();
    claim(sheet, item, ACTION, &format!("taken over{from}: {reason}"))
}

/// The deed says where its author is not named on the queue, and why it was theirs to do.
pub(super) fn stand_in(sheet: &mut Sheet<'_>, seq: Seq, right: &Right) {
    let Right::StandsIn(why) = right else { return };
    let Some(deed) = sheet.deed_mut(seq).filter(|deed| deed.outcome == Outcome::Recorded) else { return };
    deed.refs.stands_in = true;
    let words = deed.reason.as_deref().map(|reason| format!("{reason}; {why}"));
    deed.because(words.unwrap_or_else(|| why.clone()));
}

/// The time of a claim is over.
pub(super) fn lapse_claim(sheet: &mut Sheet<'_>, no: ItemNo) -> Option<Seq> {
    let item = sheet.base().board.items.get(&no)?.clone();
    let by = item.claimed_by.clone()?;
    Some(free(sheet, &item, "lapse", &format!("is free again: {by} claimed it and has not come back to it")))
}

/// Under a new map: what is claimed by somebody who has no place there any more is free again.
pub(super) fn free_of_strangers(sheet: &mut Sheet<'_>) {
    let state = sheet.snapshot();
    let (board, now) = (&state.board, sheet.now);
    let stranger = |item: &&Arc<Item>| {
        let gone = |person| !reviewer::belongs(&board.map, item, person) && !board.is_admin(person, now);
        item.claimed_by.as_ref().is_some_and(gone)
    };
    let strange: Vec<Arc<Item>> =
        state.board.items.values().filter(stranger).take(FREED_AT_ONCE).cloned().collect();
    for item in strange {
        if let Some(by) = &item.claimed_by {
            free(sheet, &item, "lapse", &format!("is free again: {by} is not named there any more"));
        }
    }
}

fn free(sheet: &mut Sheet<'_>, item: &Item, action: &'static str, words: &str) -> Seq {
    let mut deed = sheet.follow_up(Body::ItemReleased(()), action, Outcome::Recorded, Some(item.deed));
    deed.subject.clone_from(&item.subject);
    deed.because(format!("#{} {words}", item.no));
    deed.refs.item = Some(item.no);
    sheet.push(deed)
}

fn reassign(sheet: &mut Sheet<'_>, state: &State, item: &Item, to: &PersonId) -> Seq {
    let queue = reviewer::queue(&state.board.map, item);
    let to = state.board.map.model().person_of(to);
    if !reviewer::may_be_handed(&state.board, item, to, sheet.now) {
        let names: Vec<&str> = queue.reviewers().map(PersonId::as_str).collect();
        let why = format!(
            "{to} is neither named on {} nor answers for the map, nor is an admin; it is answered by {}",
            item.queue,
            names.join(", ")
        );
        return refuse(sheet, item.no, "reassign", Code::NotNamed, &why);
    }
    record(sheet, item, Body::ItemReassigned(to.clone()), "reassign", &format!("handed to {to}"))
}

pub(super) fn record(
    sheet: &mut Sheet<'_>,
    item: &Item,
    body: Body,
    action: &'static str,
    words: &str,
) -> Seq {
    let mut deed = sheet.draft(body, action, Outcome::Recorded);
    deed.subject.clone_from(&item.subject);
    deed.cause = Some(item.deed);
    deed.because(format!("#{} {words}", item.no));
    deed.refs.item = Some(item.no);
    sheet.push(deed)
}

/// A refused step, on the ledger with the item it was about.
pub(super) fn refuse(sheet: &mut Sheet<'_>, no: ItemNo, action: &'static str, code: Code, why: &str) -> Seq {
    let seq = sheet.refuse(Body::ItemRefused(()), action, code, why);
    if let Some(deed) = sheet.deed_mut(seq) {
        deed.refs.item = Some(no);
    }
    seq
}
