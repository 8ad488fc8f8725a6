//! Answers to inbox items: what each does, recorded with its effects so that it can be undone.

use std::borrow::Cow;
use std::sync::Arc;

use super::handoff::{Way, send_on};
use super::output::{self, approval};
use super::sheet::Sheet;
use super::{
    act, affected, call, held, inbox, map, propose, review, ruling, stuck, trigger, verdict, write, zone,
};
use crate::domain::code::Code;
use crate::domain::command::{Answered, Principal, TEXT_BYTES, Write};
use crate::domain::deed::{Body, ItemClosed, ScopeChange, ScopeTransfer};
use crate::domain::ids::{Actor, AgentId, PersonId, Seq};
use crate::domain::map::{Grant, edit};
use crate::domain::outcome::Outcome;
use crate::domain::path::Pattern;
use crate::domain::rule::{cover, reviewer};
use crate::domain::state::Board;
use crate::domain::things::{
    Case, Effects, Granted, Item, ItemAnswer, Redone, ScopeRule, TokenClass, Work, WorkKind, WorkResult,
};
use crate::domain::value::Value;

/// How many rules close items on arrival at once.
const RULES: usize = 10_000;

/// Why an answer can't be given.
struct No {
    code: Code,
    why: String,
    /// Who owns what was to be granted.
    owner: Option<AgentId>,
}

impl From<(Code, String)> for No {
    fn from((code, why): (Code, String)) -> Self {
        Self { code, why, owner: None }
    }
}

impl From<edit::EditError> for No {
    fn from(error: edit::EditError) -> Self {
        Self { owner: error.owner().cloned(), ..Self::from((Code::Overlap, error.to_string())) }
    }
}

/// What a no lacks that says nothing.
fn say_why(item: &Item) -> &'static str {
    if matches!(item.case, Case::HeldField { .. }) {
        return "say in `note` why it is not written";
    }
    if matches!(item.case, Case::UnknownOutcome { .. }) {
        return "say in `note` how you know that it was not done";
    }
    if matches!(item.case, Case::ZoneOffer { .. }) {
        return "say in `note` why the zone stays as it is";
    }
    "say in `note` why it does not go out"
}

fn wrong(why: impl Into<String>) -> No {
    (Code::WrongState, why.into()).into()
}

/// Decides an answer by a person who may give it.
pub(super) fn decide(sheet: &mut Sheet<'_>, item: &Item, person: &PersonId, answered: &Answered) -> Seq {
    let action = answered.answer.word();
    if answered.version != item.version || *answered.digest != *item.digest() {
        let why = format!("#{} changed since it was shown; it is at version {}", item.no, item.version);
        return inbox::refuse(sheet, item.no, action, Code::Changed, &why);
    }
    if answered.answer.note().is_some_and(|note| note.len() > TEXT_BYTES) {
        let why = format!("the note is longer than {TEXT_BYTES} bytes");
        return inbox::refuse(sheet, item.no, action, Code::OverBound, &why);
    }
    if let Some(why) = stuck::obstacle(item, &answered.answer) {
        return inbox::refuse(sheet, item.no, action, Code::WrongState, why);
    }
    let others = match included(sheet, item, person, answered) {
        Ok(others) => others,
        Err((code, why)) => return inbox::refuse(sheet, item.no, action, code, &why),
    };
    if let Err((code, why)) = approval::fits(item, &answered.answer) {
        return inbox::refuse(sheet, item.no, action, code, &why);
    }
    if let Some((held, obstacle)) = held_back(sheet, item, &others, &answered.answer) {
        return approval::refuse(sheet, &held, action, obstacle);
    }
    let mut effects =
        Effects { included: others.iter().map(|other| other.no).collect(), ..Effects::default() };
    let changed = match &answered.answer {
        ItemAnswer::Expand { agent, grant, .. } => expand(sheet, item, person, agent, grant, &mut effects),
        ItemAnswer::Transfer { pattern, from, to, .. } => {
            transfer(sheet, item, pattern, from, to, &mut effects)
        }
        ItemAnswer::Handle { note, .. } if note.trim().is_empty() => {
            Err(wrong("say in `note` how you handled it"))
        }
        ItemAnswer::Handle { to, .. } => give(sheet, item, &others, to.as_ref(), &mut effects),
        ItemAnswer::Ruling { right, value, note } => {
            let said = (right.as_deref(), value.as_ref(), note.as_ref());
            ruling::decide(sheet, item, said, &mut effects).map_err(No::from)
        }
        ItemAnswer::OutOfScope { reason, .. } if reason.trim().is_empty() => {
            Err(wrong("say in `reason` why it is out of scope"))
        }
        ItemAnswer::OutOfScope { reason, rule } => {
            if *rule {
                add_rule(sheet, item, reason, &mut effects)
            } else {
                Ok(())
            }
        }
        ItemAnswer::SendOn { to, max_attempts, note } => {
            let way = Way { to: to.as_ref(), max_attempts: *max_attempts, word: note.as_ref() };
            send_on(sheet, item, &way).map(|work| effects.works.push(work)).map_err(No::from)
        }
        ItemAnswer::Reject { note } if note.trim().is_empty() => Err(wrong(say_why(item))),
        ItemAnswer::ApproveEdited { .. } if !others.is_empty() => {
            Err(wrong("an edited text goes out once: answer the others on their own"))
        }
        ItemAnswer::Approve { .. } | ItemAnswer::ApproveEdited { .. } | ItemAnswer::Reject { .. } => Ok(()),
    };
    if let Err(No { code, why, owner }) = changed {
        sheet.start_over();
        let primary = inbox::refuse(sheet, item.no, action, code, &why);
        if let Some(deed) = sheet.deed_mut(primary) {
            deed.refs.owners.extend(owner);
        }
        return primary;
    }
    for settled in std::iter::once(item).chain(others.iter().map(AsRef::as_ref)) {
        settle(sheet, settled, &answered.answer, &mut effects);
    }
    close(sheet, item, &answered.answer, effects)
}

/// The event of each case goes to this agent, this once.
fn give(
    sheet: &mut Sheet<'_>,
    item: &Item,
    others: &[Arc<Item>],
    to: Option<&AgentId>,
    effects: &mut Effects,
) -> Result<(), No> {
    let Some(to) = to else { return Ok(()) };
    for one in std::iter::once(item).chain(others.iter().map(AsRef::as_ref)) {
        effects.works.push(trigger::handle(sheet, one, to)?);
    }
    Ok(())
}

/// The first of the publications that can't go out now, where they are approved.
fn held_back(
    sheet: &mut Sheet<'_>,
    item: &Item,
    others: &[Arc<Item>],
    answer: &ItemAnswer,
) -> Option<(Item, approval::Obstacle)> {
    if !matches!(answer, ItemAnswer::Approve { .. } | ItemAnswer::ApproveEdited { .. }) {
        return None;
    }
    let state = sheet.snapshot();
    let check = |one: &Item| {
        let obstacle = approval::recheck(&state, one, sheet.now).err()?;
        Some((one.clone(), obstacle))
    };
    std::iter::once(item).chain(others.iter().map(AsRef::as_ref)).find_map(check)
}

/// The items that the same answer settles: open, alike, and this person's to answer.
fn included(
    sheet: &mut Sheet<'_>,
    item: &Item,
    person: &PersonId,
    answered: &Answered,
) -> Result<Vec<Arc<Item>>, (Code, String)> {
    let state = sheet.snapshot();
    let mut others: Vec<Arc<Item>> = Vec::with_capacity(answered.include.len());
    for no in &answered.include {
        let Some(other) = state.board.items.get(no) else {
            return Err((Code::Changed, format!("#{no} is no longer open")));
        };
        let of_scope = answered.answer.is_of_scope();
        let again = other.no == item.no || others.iter().any(|have| have.no == *no);
        if again || !item.is_settled_like(other, of_scope) {
            let what = if of_scope { "scope" } else { "input, kind and subject" };
            let why = format!("#{no} is not another item like #{}: not the same {what}", item.no);
            return Err((Code::WrongState, why));
        }
        let who = (person, sheet.principal.class);
        reviewer::may_give(&state.board, other, &answered.answer, who, sheet.now)?;
        others.push(Arc::clone(other));
    }
    Ok(others)
}

fn expand(
    sheet: &mut Sheet<'_>,
    item: &Item,
    person: &PersonId,
    agent: &AgentId,
    grant: &Grant,
    effects: &mut Effects,
) -> Result<(), No> {
    if matches!(item.case, Case::Conflict { .. }) {
        return Err(wrong("a conflict is handled; no scope ends it"));
    }
    let board = &sheet.base().board;
    let before = board.map_version;
    let edited = edit::grant(board.map.model(), agent, grant, person)?;
    if let Some(why) = cover::misses(item, grant) {
        return Err((Code::Overlap, why).into());
    }
    if let Some(why) = trigger::still_collides(edited, item) {
        return Err(wrong(why));
    }
    if edit::lifts(board.map.model(), agent, grant) && sheet.principal.class != TokenClass::Admin {
        return Err(for_admins(
            sheet,
            &format!("`{grant}` is taken out of the zone of {agent}; only admins put it back in"),
        ));
    }
    if edit::holds(board.map.model(), agent, grant) {
        // Since an answer to a case like this one the map says so already: the stored input goes through as it is.
        // Nothing is granted here, so an undo takes no grant away.
        return match item.case {
            Case::UnownedField { .. }
            | Case::UnownedTarget { .. }
            | Case::UnownedOutput { .. }
            | Case::UnownedEvent { .. }
            | Case::TriggerCollision { .. }
            | Case::UnmappedCall { .. }
            // It is given back with the words of what its agent may do.
            | Case::Escalation { .. } => Ok(()),
            Case::HeldField { .. }
            | Case::ZoneOffer { .. }
            | Case::Conflict { .. }
            | Case::MapOverdue { .. }
            | Case::Loop { .. }
            | Case::Approval { .. }
            | Case::ActApproval { .. }
            | Case::UnknownOutcome { .. }
            | Case::GivenUp { .. }
            | Case::Stuck { .. } => Err(wrong(format!("{agent} has {grant} already; nothing would change"))),
        };
    }
    let newcomer = board.map.agent(agent).is_none().then(|| person.clone());
    effects.lifted = edit::lifts(board.map.model(), agent, grant);
    let change = ScopeChange {
        governs: edit::governs_then(board.map.model(), agent, person),
        version: before.next(),
        agent: agent.clone(),
        grant: grant.clone(),
        newcomer,
        lifted: effects.lifted,
    };
    effects.map = Some((before, change.version));
    let words = format!("map v{}: + {agent}.{grant}", change.version);
    push_map(sheet, item, Body::ScopeExpanded(change), "expand scope", &words);
    Ok(())
}

/// Why it takes an admin, and who is one.
fn for_admins(sheet: &Sheet<'_>, why: &str) -> No {
    let admins: Vec<&str> = sheet.base().board.admins(sheet.now).map(PersonId::as_str).take(3).collect();
    let hand =
        if admins.is_empty() { String::new() } else { format!("; hand it to {}", admins.join(" or ")) };
    (Code::NotAllowed, format!("{why}{hand}")).into()
}

fn transfer(
    sheet: &mut Sheet<'_>,
    item: &Item,
    pattern: &Pattern,
    from: &AgentId,
    to: &AgentId,
    effects: &mut Effects,
) -> Result<(), No> {
    if sheet.principal.class != TokenClass::Admin {
        return Err(for_admins(sheet, "a transfer takes from an owner; only admins do that"));
    }
    let board = &sheet.base().board;
    let before = board.map_version;
    edit::transfer(board.map.model(), pattern, from, to)?;
    let change = ScopeTransfer {
        version: before.next(),
        pattern: pattern.clone(),
        from: from.clone(),
        to: to.clone(),
        offered_by: None,
    };
    effects.map = Some((before, change.version));
    let words = format!("map v{}: {pattern} goes from {from} to {to}", change.version);
    push_map(sheet, item, Body::ScopeTransferred(change), "transfer", &words);
    Ok(())
}

pub(super) fn push_map(sheet: &mut Sheet<'_>, item: &Item, body: Body, action: &'static str, words: &str) {
    let mut deed = sheet.draft(body, action, Outcome::Recorded);
    deed.subject.clone_from(&item.subject);
    deed.cause = Some(item.deed);
    deed.because(words);
    deed.refs.item = Some(item.no);
    sheet.push(deed);
}

fn add_rule(sheet: &mut Sheet<'_>, item: &Item, reason: &Arc<str>, effects: &mut Effects) -> Result<(), No> {
    let Board { rules, next, .. } = &sheet.base().board;
    if rules.len() >= RULES {
        return Err(
            (Code::OverBound, format!("{RULES} rules close items on arrival; undo some first")).into()
        );
    }
    let no = next.rule;
    let rule = ScopeRule {
        no,
        alike: item.likeness(),
        reason: Arc::clone(reason),
        by: sheet.principal.actor.clone(),
        item: item.no,
    };
    effects.rule = Some(no);
    let mut deed = sheet.draft(Body::RuleAdded(Box::new(rule)), "add rule", Outcome::Recorded);
    deed.cause = Some(item.deed);
    deed.because(format!("the input of #{} is closed on arrival: {reason}", item.no));
    deed.refs.item = Some(item.no);
    sheet.push(deed);
    Ok(())
}

/// What the answer does for one item: the stored input is decided afresh, and the waiting agent is told.
fn settle(sheet: &mut Sheet<'_>, item: &Item, answer: &ItemAnswer, effects: &mut Effects) {
    let (mut went_out, mut was_not_done) = (None, None);
    let result = match answer {
        ItemAnswer::Expand { .. } | ItemAnswer::Transfer { .. } => {
            if let Case::TriggerCollision { .. } = item.case {
                let why = verdict::text(format!("a route decides; #{} was answered", item.no));
                resolve_alert(sheet, item, &why);
            }
            let before = sheet.state().board.next.work;
            let result = decide_again(sheet, item, effects);
            let works = &sheet.state().board.works;
            effects
                .works
                .extend(works.range(before..).filter(|(_, work)| work.kind.asks()).map(|(no, _)| *no));
            result
        }
        ItemAnswer::Handle { .. }
        | ItemAnswer::Ruling { .. }
        | ItemAnswer::Reject { .. }
        | ItemAnswer::OutOfScope { .. }
        | ItemAnswer::SendOn { .. } => {
            if let ItemAnswer::Reject { note } = answer {
                held::reject(sheet, item, note, effects);
                was_not_done = call::answered(sheet, item, false);
            }
            resolve_alert(sheet, item, &approval::note(answer));
            if let (Case::MapOverdue { .. }, ItemAnswer::Handle { note, .. }) = (&item.case, answer) {
                map::gone_through(sheet, Some(note), Some(item));
            }
            was_not_done
        }
        ItemAnswer::Approve { .. } if item.case.is_yes_or_no() => said_yes(sheet, item, effects),
        ItemAnswer::Approve { .. } | ItemAnswer::ApproveEdited { .. } => {
            let edited = if let ItemAnswer::ApproveEdited { body, .. } = answer { Some(body) } else { None };
            let gone = approval::go(sheet, item, edited);
            resolve_alert(sheet, item, &approval::note(answer));
            gone.map(|(body, result)| {
                went_out = body;
                result
            })
        }
    };
    stuck::settle(sheet, item, answer, effects);
    let Some(agent) = item.raised_by.agent() else { return };
    let reply = if let ItemAnswer::Handle { reply, .. } = answer { reply.clone() } else { went_out };
    let no = sheet.state().board.next.work;
    let came_out = result.as_ref().map(|result| came_out(sheet, result));
    let came_out = came_out.or_else(|| stuck::goes_on(sheet, item, answer)).unwrap_or_default();
    let granted = granted(answer);
    let back = given_back(item, granted.as_ref());
    let may = granted.as_ref().map(|granted| format!(", {granted}")).unwrap_or_default();
    let kind = WorkKind::Decision {
        item: item.no,
        answer: Arc::from(answer.word()),
        note: answer.note().cloned(),
        reply,
        result,
        granted,
        input: back.cloned(),
    };
    let title = format!("#{} answered: {}{may}{came_out}", item.no, answer.word());
    let work = Work::new(no, agent.clone(), kind, title, (sheet.now, sheet.next_seq()));
    propose::queue(sheet, work.about(item.subject.clone()), Some(item.deed));
    effects.works.push(no);
}

/// What is neither a publication nor an act was let go through, confirmed, or has happened.
fn said_yes(sheet: &mut Sheet<'_>, item: &Item, effects: &mut Effects) -> Option<WorkResult> {
    if let Case::ZoneOffer { .. } = item.case {
        zone::confirm(sheet, item, effects);
        return None;
    }
    held::approve(sheet, item, effects).or_else(|| call::answered(sheet, item, true))
}

/// What an answer about the scope allows, and whom.
fn granted(answer: &ItemAnswer) -> Option<Granted> {
    match answer {
        ItemAnswer::Expand { agent, grant, .. } => {
            Some(Granted { agent: agent.clone(), grant: grant.clone() })
        }
        ItemAnswer::Transfer { pattern, to, .. } => {
            Some(Granted { agent: to.clone(), grant: Grant::Write(pattern.clone()) })
        }
        ItemAnswer::Handle { .. }
        | ItemAnswer::Ruling { .. }
        | ItemAnswer::OutOfScope { .. }
        | ItemAnswer::SendOn { .. }
        | ItemAnswer::Approve { .. }
        | ItemAnswer::ApproveEdited { .. }
        | ItemAnswer::Reject { .. } => None,
    }
}

/// What an agent could not decide, where an answer about the scope says how it goes on: the stored input is no command that
/// could be decided afresh, so it is its agent's to do, or to hand to whoever may by now.
fn given_back<'i>(item: &'i Item, granted: Option<&Granted>) -> Option<&'i Value> {
    let Case::Escalation { input } = &item.case else { return None };
    granted.map(|_| input)
}

fn came_out(sheet: &Sheet<'_>, result: &WorkResult) -> String {
    match sheet.deed(result.deed).and_then(|deed| deed.code) {
        Some(Code::Paused) => {
            return ", your request was not decided while you are paused: send it again".to_owned();
        }
        Some(Code::TokenEnded) => {
            return ", your request was not decided, as your tokens were revoked: send it again".to_owned();
        }
        Some(_) | None => {}
    }
    format!(", your request was {}", result.outcome.as_str())
}

/// The stored input, decided as its author's under the map of now; not that of an agent that a person has stopped or shut out.
fn decide_again(sheet: &mut Sheet<'_>, item: &Item, effects: &mut Effects) -> Option<WorkResult> {
    if let Case::UnownedEvent { raise } | Case::TriggerCollision { raise, .. } = &item.case {
        let deed = trigger::again(sheet, item, raise);
        return Some(WorkResult { outcome: sheet.outcome(deed), deed, act: None });
    }
    let agent = item.raised_by.agent()?.clone();
    let person = std::mem::replace(
        &mut sheet.principal,
        Principal { actor: Actor::Agent(agent.clone()), class: TokenClass::Agent, token: None },
    );
    let stopped = verdict::stopped(sheet.base(), &agent, sheet.now);
    let deed = match (&item.case, stopped) {
        (Case::UnownedField { write, .. }, Some((code, why))) => {
            let (body, action) = (write::refused(), write::word(write));
            Some(sheet.refuse_on(body, action, &write.entity, (code, &why)))
        }
        (Case::UnownedTarget { act }, Some(why)) => Some(act::shut_out(sheet, act, why)),
        (Case::UnownedField { write, partial }, None) => {
            let mut again = Write { reason: write::reason_again(write, *partial), ..write.clone() };
            again.cause = Some(item.deed);
            Some(write::decide_as(sheet, &agent, &again))
        }
        (Case::UnownedTarget { act }, None) => Some(act::decide(sheet, act)),
        (Case::UnmappedCall { .. }, Some(why)) => call::shut_out(sheet, item, why),
        (Case::UnmappedCall { .. }, None) => call::again(sheet, item),
        (Case::UnownedOutput { publish }, Some(why)) => Some(output::shut_out(sheet, publish, why)),
        (Case::UnownedOutput { publish }, None) => Some(output::decide(sheet, publish)),
        (
            Case::Escalation { .. }
            | Case::HeldField { .. }
            | Case::ZoneOffer { .. }
            | Case::Conflict { .. }
            | Case::MapOverdue { .. }
            | Case::UnownedEvent { .. }
            | Case::TriggerCollision { .. }
            | Case::Loop { .. }
            | Case::Approval { .. }
            | Case::ActApproval { .. }
            | Case::UnknownOutcome { .. }
            | Case::GivenUp { .. }
            | Case::Stuck { .. },
            _,
        ) => None,
    };
    sheet.principal = person;
    let seq = deed?;
    let first = item.evidence.last().copied();
    if let Some(deed) = sheet.deed_mut(seq) {
        deed.refs.first = first;
        deed.cause.get_or_insert(item.deed);
    }
    let deed = sheet.deed(seq)?;
    let (outcome, act) = (deed.outcome, deed.refs.act);
    if outcome == Outcome::Committed
        && matches!(item.case, Case::UnownedField { .. })
        && let Some(entity) = deed.subject.clone()
    {
        effects.redone.push(Redone { item: item.no, deed: seq, entity, fields: deed.fields.clone() });
    }
    Some(WorkResult { outcome, deed: seq, act })
}

/// Settling a conflict's item ends its alert too.
fn resolve_alert(sheet: &mut Sheet<'_>, item: &Item, note: &Arc<str>) {
    let Some(alert) = item.case.alert().and_then(|no| sheet.state().board.alerts.get(&no)).cloned() else {
        return;
    };
    let mut deed = sheet.draft(Body::AlertResolved(()), "resolve", Outcome::Recorded);
    deed.subject.clone_from(&item.subject);
    deed.cause = Some(item.deed);
    deed.reason = Some(Arc::clone(note));
    deed.refs.alerts = vec![alert.no];
    deed.refs.item = Some(item.no);
    let resolved = sheet.push(deed);
    affected::after_alert(sheet, &alert, resolved);
}

/// What led to an item is over, and nobody has to answer it.
pub(super) fn end_by_itself(sheet: &mut Sheet<'_>, item: &Item, why: &str, cause: Seq) {
    let answer = ItemAnswer::Handle { note: verdict::text(why), reply: None, to: None };
    let closed = ItemClosed { answer, effects: Effects::default() };
    let body = Body::ItemAnswered(Box::new(closed));
    let mut deed = sheet.follow_up(body, "handle", Outcome::Recorded, Some(cause));
    deed.subject.clone_from(&item.subject);
    deed.because(format!("#{} needs no answer any more: {why}", item.no));
    deed.refs.item = Some(item.no);
    sheet.push(deed);
    review::settle(sheet);
}

/// What an answer says: its note, and of a ruling what is right.
pub(super) fn in_words(answer: &ItemAnswer) -> Arc<str> {
    if let ItemAnswer::Ruling { right, value, note } = answer {
        return verdict::text(ruling::words(right.as_deref(), value.as_ref(), note.as_deref()));
    }
    answer.note().cloned().unwrap_or_default()
}

pub(super) fn close(sheet: &mut Sheet<'_>, item: &Item, answer: &ItemAnswer, effects: Effects) -> Seq {
    let also = match effects.included.len() {
        0 => String::new(),
        n => format!(", {n} alike with it"),
    };
    let said = in_words(answer);
    let note = if said.is_empty() { String::new() } else { format!(": {said}") };
    let words = format!("#{} {}{also}{note}", item.no, answer.word());
    let works = effects.works.clone();
    let closed = ItemClosed { answer: answer.clone(), effects };
    let mut deed =
        sheet.draft(Body::ItemAnswered(Box::new(closed)), Cow::Borrowed(answer.word()), Outcome::Recorded);
    deed.subject.clone_from(&item.subject);
    deed.cause = Some(item.deed);
    deed.because(words);
    deed.refs.item = Some(item.no);
    deed.refs.works = works;
    if let ItemAnswer::Handle { .. } = answer {
        // A person did it instead of the agent.
        deed.refs.owners = item.raised_by.agent().cloned().into_iter().collect();
    }
    sheet.push(deed)
}
