//! A person's hand on a field, RULES §4.8: what a person sets holds, agents' writes to it are proposals that a person
//! answers, and it ends by its time or by a person.

use super::sheet::Sheet;
use super::work::proposal;
use super::write::{self, draft, refused, wanted, word};
use super::{inbox, propose as proposing, rebase, verdict};
use crate::domain::code::Code;
use crate::domain::command::{Principal, Write, WriteKind};
use crate::domain::deed::Body;
use crate::domain::ids::{Actor, AgentId, PersonId, Seq, Version};
use crate::domain::outcome::Outcome;
use crate::domain::path::{EntityPath, FieldName, FieldPath};
use crate::domain::state::{Board, State};
use crate::domain::things::{
    Case, ClosedItem, Effects, FieldChange, HeldField, Item, ItemAnswer, Lasts, Redone, TokenClass, Work,
    WorkKind, WorkResult,
};
use crate::domain::time::{Span, Time};

/// For how long what a person sets is held, where nothing is said.
pub(super) const HELD_FOR: Span = Span::from_hours(24);
/// Most fields held at once.
pub(super) const HELD_FIELDS: usize = 10_000;

/// A hand that a person lays on what is set.
pub(super) struct Hand {
    /// Until when; until it is released, where nothing is said.
    pub(super) until: Option<Time>,
}

/// Whose hand is on what an agent writes.
pub(super) struct InTheWay {
    by: Vec<PersonId>,
    deeds: Vec<Seq>,
    until: Option<Time>,
    /// The fields that the words tell of.
    told: Vec<FieldPath>,
    pub(super) why: String,
}

impl InTheWay {
    /// Whether a person laid a hand on it after that deed.
    pub(super) fn is_newer(&self, than: Seq) -> bool {
        self.deeds.iter().any(|deed| *deed > than)
    }
}

/// The hand that a person's write lays on its fields; none on a list that only grows, where nothing is overwritten.
pub(super) fn begins(
    state: &State,
    wish: &Write,
    lasts: Option<Lasts>,
    now: Time,
) -> Result<Option<Hand>, String> {
    let hand = match lasts {
        Some(Lasts::NotAtAll) => return Ok(None),
        Some(Lasts::UntilReleased) => Hand { until: None },
        Some(Lasts::For(span)) => Hand { until: Some(now.plus(span)) },
        None => Hand { until: Some(now.plus(HELD_FOR)) },
    };
    let append = |name: &FieldName| verdict::is_append(&state.board.map, &wish.entity, name);
    if wish.changes.keys().all(append) {
        return Ok(None);
    }
    let held: usize = state.board.held.values().map(Vec::len).sum();
    if held >= HELD_FIELDS {
        return Err(format!("{held} fields are held; release some, or set it for `none`"));
    }
    Ok(Some(hand))
}

/// Check 11 of RULES §4.1: the live hands of people on what the write changes. What ends the entity is against each.
pub(super) fn in_the_way(state: &State, agent: &AgentId, write: &Write, now: Time) -> Option<InTheWay> {
    let ends = matches!(write.kind, WriteKind::Archive | WriteKind::Delete);
    let concerns = |held: &&HeldField| ends || write.changes.contains_key(&held.field);
    let hands: Vec<&HeldField> = state.board.held_on(&write.entity, now).filter(concerns).collect();
    hands.first()?;
    let mut by: Vec<PersonId> = Vec::new();
    for person in hands.iter().filter_map(|held| held.person()) {
        if !by.contains(person) {
            by.push(person.clone());
        }
    }
    let open_ended = hands.iter().any(|held| held.until.is_none());
    let until = hands.iter().filter_map(|held| held.until).max().filter(|_| !open_ended);
    let is_told = |held: &&&HeldField| !state.board.map.is_hidden(agent, &write.entity, &held.field);
    let words: Vec<String> = hands.iter().filter(is_told).map(|held| words(&write.entity, held)).collect();
    let told = hands.iter().filter(is_told).map(|held| held.path(&write.entity)).collect();
    let why = if words.is_empty() { format!("{} is held", write.entity) } else { words.join("; ") };
    let deeds = hands.iter().map(|held| held.deed).collect();
    Some(InTheWay { by, deeds, until, told, why })
}

fn words(entity: &EntityPath, held: &HeldField) -> String {
    let path = held.path(entity);
    format!("{} set {path} and holds it until {}: {}", held.by, held.until_words(), held.reason)
}

/// Whether a person's hand is on that path, in words for an agent that would act on it.
pub(super) fn on_path(board: &Board, agent: &AgentId, path: &FieldPath, now: Time) -> Option<String> {
    let held = board.held_on(&path.entity, now).find(|held| held.field == path.field)?;
    if board.map.is_hidden(agent, &path.entity, &path.field) {
        return Some(format!("{path} is held"));
    }
    Some(words(&path.entity, held))
}

/// The write becomes a proposal, an item that whoever holds the field or the agent's queue answers.
pub(super) fn propose(
    sheet: &mut Sheet<'_>,
    state: &State,
    agent: &AgentId,
    write: &Write,
    hand: InTheWay,
) -> Seq {
    if let Some(why) = inbox::full(state) {
        return sheet.refuse_on(refused(), word(write), &write.entity, (Code::OverBound, &why));
    }
    let mut deed = draft(sheet, write, Body::WriteProposed(()), Outcome::Proposed);
    deed.code = Some(Code::Held);
    deed.because(&hand.why);
    deed.fields = wanted(state, agent, write);
    deed.refs.until = hand.until;
    // Whoever may not see one of these may not read the words about it.
    deed.refs.based_on.extend(hand.told.iter().cloned());
    let primary = sheet.push(deed);
    // By the time it is approved its author may hold another token, or none.
    let stored = Write { lease: None, ..write.clone() };
    let InTheWay { by, deeds, why, .. } = hand;
    let item = inbox::open_held(sheet, agent, stored, (by, deeds, why), primary);
    if let Some(deed) = sheet.deed_mut(primary) {
        deed.refs.item = Some(item);
    }
    primary
}

/// The first of these items whose write can't go through now, where it is approved.
pub(super) fn obstacle(state: &State, item: &Item, now: Time) -> Option<(Code, String)> {
    let Case::HeldField { write, .. } = &item.case else { return None };
    let agent = item.raised_by.agent()?;
    write::obstacle(state, agent, &as_sent(state, agent, write, now), now)
}

/// The stored write with the token of the lease that its author holds on the entity by now, if any.
fn as_sent(state: &State, agent: &AgentId, write: &Write, now: Time) -> Write {
    let own = state.board.leases_on(&write.entity, now).find(|lease| lease.holder == *agent);
    Write { lease: own.map(|lease| lease.fence), ..write.clone() }
}

/// Approved: the write goes through as the agent's, caused by the item. The hand stays on the field.
pub(super) fn approve(sheet: &mut Sheet<'_>, item: &Item, effects: &mut Effects) -> Option<WorkResult> {
    let Case::HeldField { write, .. } = &item.case else { return None };
    let agent = item.raised_by.agent()?;
    let principal = Principal { actor: Actor::Agent(agent.clone()), class: TokenClass::Agent, token: None };
    let state = sheet.snapshot();
    let wish = Write { cause: Some(item.deed), ..as_sent(&state, agent, write, sheet.now) };
    let person = std::mem::replace(&mut sheet.principal, principal);
    // Another that is approved with it may have written the same.
    let seq = match write::obstacle(&state, agent, &wish, sheet.now) {
        Some((code, why)) => sheet.refuse_on(refused(), word(&wish), &wish.entity, (code, &why)),
        None => write::commit(sheet, &state, &wish, None),
    };
    if let Some(deed) = sheet.deed_mut(seq) {
        deed.refs.item = Some(item.no);
        deed.refs.first = item.evidence.last().copied();
    }
    let outcome = sheet.outcome(seq);
    if outcome == Outcome::Committed {
        let fields = sheet.deed(seq).map(|deed| deed.fields.clone()).unwrap_or_default();
        let entity = wish.entity;
        effects.redone.push(Redone { item: item.no, deed: seq, entity, fields });
        settle_proposal(sheet, item, effects, |sheet, work| proposal::accepted(sheet, work, None));
    }
    sheet.principal = person;
    Some(WorkResult { outcome, deed: seq, act: None })
}

/// Rejected: where it was an accepted proposal, that is declined by the person.
pub(super) fn reject(sheet: &mut Sheet<'_>, item: &Item, note: &str, effects: &mut Effects) {
    let by = sheet.principal.actor.clone();
    settle_proposal(sheet, item, effects, |sheet, work| proposal::declined(sheet, work, &by, note));
}

/// Ends the proposal whose acceptance waited in the item. What its author is told is an effect of the answer.
fn settle_proposal(
    sheet: &mut Sheet<'_>,
    item: &Item,
    effects: &mut Effects,
    end: impl FnOnce(&mut Sheet<'_>, &Work) -> Seq,
) {
    let Some(entity) = &item.subject else { return };
    let Some(work) = sheet.state().board.works_on(entity).find(|work| is_of(work, item)).cloned() else {
        return;
    };
    let before = sheet.state().board.next.work;
    end(sheet, &work);
    effects.works.extend(sheet.state().board.works.range(before..).map(|(no, _)| *no));
}

/// The answer is taken back: the proposal that it ended waits again, as work of its own.
pub(super) fn propose_again(sheet: &mut Sheet<'_>, state: &State, closed: &ClosedItem, item: &Item) {
    let Case::HeldField { write, .. } = &item.case else { return };
    let (Some(owner), Some(proposed)) = (item.raised_by.agent(), write.cause) else { return };
    // What its author was told stands before what the one was told who accepted it.
    let works: Vec<_> = closed.effects.works.iter().filter_map(|no| state.board.works.get(no)).collect();
    let author = works.windows(2).find_map(|pair| match pair {
        [told, next] => match (&told.kind, &next.kind) {
            (WorkKind::Notice { .. }, WorkKind::Decision { item: of, .. }) if *of == item.no => {
                Some(Actor::Agent(told.agent.clone()))
            }
            _ => None,
        },
        _ => None,
    });
    let Some(author) = author else { return };
    let no = sheet.state().board.next.work;
    let moved = rebase::on_top(write, closed, sheet.state());
    let write = moved.as_ref().unwrap_or(write);
    proposing::queue_proposal(sheet, (no, owner), &author, (write, false), (proposed, closed.deed));
}

/// Whether the write that waits in the item is that proposal, as its owner accepted it.
pub(super) fn is_of(work: &Work, item: &Item) -> bool {
    let Case::HeldField { write, .. } = &item.case else { return false };
    let WorkKind::Proposal { write: wish, proposed, .. } = &work.kind else { return false };
    let (now, then) = ((write.kind, &write.entity, &write.changes), (wish.kind, &wish.entity, &wish.changes));
    item.raised_by.agent() == Some(&work.agent) && write.cause == Some(*proposed) && now == then
}

/// Whether the answer is one for a write to what is held, or for a zone that is offered.
pub(super) fn fits(item: &Item, answer: &ItemAnswer) -> Result<(), (Code, String)> {
    match answer {
        ItemAnswer::Approve { .. } | ItemAnswer::Reject { .. } => Ok(()),
        ItemAnswer::ApproveEdited { .. }
        | ItemAnswer::Expand { .. }
        | ItemAnswer::Transfer { .. }
        | ItemAnswer::Handle { .. }
        | ItemAnswer::Ruling { .. }
        | ItemAnswer::OutOfScope { .. }
        | ItemAnswer::SendOn { .. } => {
            let what = if let Case::ZoneOffer { .. } = item.case {
                "a zone that its agent offers"
            } else if let Case::UnknownOutcome { .. } = item.case {
                "a call of which nobody knows whether it was done"
            } else if item.case.call().is_some() {
                "a call that waits for approval"
            } else {
                "a write to what a person holds"
            };
            let why = format!("#{} is {what}: approve it or reject it", item.no);
            Err((Code::WrongState, why))
        }
    }
}

/// A person lets go of a field.
pub(super) fn release(sheet: &mut Sheet<'_>, path: &FieldPath, reason: &str) -> Seq {
    if sheet.base().board.held_on(&path.entity, sheet.now).all(|held| held.field != path.field) {
        let why = format!("nobody holds {path}");
        let why = (Code::WrongState, why.as_str());
        return sheet.refuse_on(Body::OverrideRefused(()), "release", &path.entity, why);
    }
    let mut deed = sheet.draft(Body::FieldReleased(()), "release", Outcome::Recorded);
    deed.subject = Some(path.entity.clone());
    deed.because(reason);
    deed.fields = vec![as_it_is(sheet.base(), path)];
    deed.refs.owners = owners(&sheet.base().board, path);
    sheet.push(deed)
}

/// What is set for `none` is held by nobody: an earlier hand, which held another value, ends.
pub(super) fn end_earlier(sheet: &mut Sheet<'_>, wish: &Write, cause: Seq) {
    let board = &sheet.base().board;
    let concerns = |held: &&HeldField| wish.changes.contains_key(&held.field);
    let hands: Vec<HeldField> = board.held_on(&wish.entity, sheet.now).filter(concerns).cloned().collect();
    for held in hands {
        let path = held.path(&wish.entity);
        let mut deed = sheet.draft(Body::FieldReleased(()), "release", Outcome::Recorded);
        deed.subject = Some(path.entity.clone());
        deed.cause = Some(cause);
        deed.because(format!("{path} is no longer held; {} had set it, and it was set for none", held.by));
        deed.fields = vec![as_it_is(sheet.state(), &path)];
        deed.refs.owners = owners(&sheet.base().board, &path);
        sheet.push(deed);
    }
}

/// Its time is over.
pub(super) fn lapse(sheet: &mut Sheet<'_>, path: &FieldPath) -> Option<Seq> {
    let board = &sheet.base().board;
    let held = board.held.get(&path.entity)?.iter().find(|held| held.field == path.field)?;
    let words = format!("{} is no longer held; {} set it", path, held.by);
    let cause = Some(held.deed);
    let mut deed = sheet.follow_up(Body::FieldReleased(()), "lapse", Outcome::Recorded, cause);
    deed.subject = Some(path.entity.clone());
    deed.because(words);
    deed.fields = vec![as_it_is(sheet.base(), path)];
    deed.refs.owners = owners(&sheet.base().board, path);
    Some(sheet.push(deed))
}

fn owners(board: &Board, path: &FieldPath) -> Vec<AgentId> {
    board.map.owners(&path.entity, &path.field).into_iter().cloned().collect()
}

/// The field with its version, without its value.
fn as_it_is(state: &State, path: &FieldPath) -> FieldChange {
    let entity = state.entities.get(&path.entity);
    FieldChange {
        entity: None,
        name: path.field.clone(),
        base: None,
        version: entity.map_or(Version(0), |entity| entity.version_of(&path.field)),
        before: None,
        after: None,
        by: None,
        at: None,
        unseen: false,
    }
}

/// What an approved write comes to, in words.
pub(super) fn approved_words(item: &Item) -> String {
    format!("{} writes what it sent, this once; a person holds the field as before", item.raised_by)
}
