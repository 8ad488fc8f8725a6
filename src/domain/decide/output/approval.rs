//! A person's answer to a publication or an act that waits. What held when it was asked for must hold when it goes out.

use std::sync::Arc;

use super::go_out;
use crate::domain::code::Code;
use crate::domain::command::{Act, Principal, Publish};
use crate::domain::decide::effect::{self, Effect, Stop};
use crate::domain::decide::sheet::Sheet;
use crate::domain::decide::{act, answer, held, inbox, verdict, zone};
use crate::domain::deed::Body;
use crate::domain::ids::{Actor, AgentId, Seq};
use crate::domain::key::key;
use crate::domain::outcome::Outcome;
use crate::domain::state::State;
use crate::domain::things::{Case, Item, ItemAnswer, LastPublication, Met, TokenClass, WorkResult};
use crate::domain::time::Time;
use crate::domain::value::Value;

/// Why an approval can't be given.
pub(in crate::domain::decide) enum Obstacle {
    /// A rule stands in the way; the item waits on.
    Rule(Code, String),
    /// Another has published on the thread since: the reviewer sees that first.
    Since(Box<Case>, String),
}

/// Whether the answer fits the case: publications and writes to what is held are approved or rejected, nothing else is.
pub(in crate::domain::decide) fn fits(item: &Item, answer: &ItemAnswer) -> Result<(), (Code, String)> {
    if item.case.is_yes_or_no() {
        return held::fits(item, answer);
    }
    let approves = match answer {
        ItemAnswer::Approve { .. } | ItemAnswer::ApproveEdited { .. } | ItemAnswer::Reject { .. } => true,
        ItemAnswer::Expand { .. }
        | ItemAnswer::Transfer { .. }
        | ItemAnswer::Handle { .. }
        | ItemAnswer::Ruling { .. }
        | ItemAnswer::OutOfScope { .. }
        | ItemAnswer::SendOn { .. } => false,
    };
    let is_act = matches!(item.case, Case::ActApproval { .. });
    match (item.case.is_approval(), approves) {
        (true, false) => {
            let why =
                format!("#{} waits for approval: approve it, approve it with edits, or reject it", item.no);
            Err((Code::WrongState, why))
        }
        (false, true) => {
            let why = format!("#{} does not wait for approval: expand, handle, or out of scope", item.no);
            Err((Code::WrongState, why))
        }
        (true, true) if is_act && matches!(answer, ItemAnswer::ApproveEdited { .. }) => {
            let why = format!("#{} is an act, and there is no text to edit: approve or reject it", item.no);
            Err((Code::WrongState, why))
        }
        (true, true) | (false, false) => Ok(()),
    }
}

/// The re-check at the moment of approval: the agent, its zone, freezes, versions, who goes first, the conversation.
pub(in crate::domain::decide) fn recheck(state: &State, item: &Item, now: Time) -> Result<(), Obstacle> {
    if let Some((code, why)) = held::obstacle(state, item, now).or_else(|| zone::obstacle(state, item)) {
        return Err(Obstacle::Rule(code, why));
    }
    let Some(effect) = Effect::waiting_in(item) else { return Ok(()) };
    let Some(agent) = item.raised_by.agent() else { return Ok(()) };
    let rule = |code, why| Err(Obstacle::Rule(code, why));
    if let Some((code, why)) = verdict::stopped(state, agent, now) {
        return rule(code, why);
    }
    if !effect.is_its(state, agent) {
        return rule(Code::NotOwner, format!("{agent} no longer publishes on {}", effect.to()));
    }
    if let Some(why) = effect::frozen_for_people(state, effect) {
        return rule(Code::Frozen, why);
    }
    let open = if let Effect::Act(_) = effect { act::too_many(state) } else { None };
    if let Some(why) = open.or_else(|| effect::too_many_voices(state, agent, effect, now)) {
        return rule(Code::OverBound, why);
    }
    let shown = item.case.over();
    if let Some((met, last)) = since(state, item, (agent, effect), now) {
        let over = shown.iter().copied().chain([last.deed]).collect();
        let (by, talk) = (&last.by, effect.talk(met));
        let why = format!(
            "{by} has spoken on {talk} meanwhile, in deed {}: look at it, then answer again",
            last.deed
        );
        return Err(Obstacle::Since(Box::new(super::item::case(effect, over, item.case.alert())), why));
    }
    match effect::recheck(state, agent, effect, now) {
        Some(Stop { code, why, .. }) => rule(code, why),
        None => Ok(()),
    }
}

/// Another agent's word in the same conversation that the reviewer has not been shown, however long ago by now.
fn since<'a>(
    state: &'a State,
    item: &Item,
    (agent, effect): (&AgentId, Effect<'_>),
    now: Time,
) -> Option<(Met, &'a LastPublication)> {
    let unseen = |last: &&LastPublication| {
        last.by != *agent && last.deed > item.deed && !item.case.over().contains(&last.deed)
    };
    let thread = effect.thread().and_then(|thread| state.board.threads.get(&key(&[effect.to(), thread])));
    let voices = || effect::voices(state, agent, effect, now).into_iter().find(|(_, last)| unseen(last));
    thread.filter(unseen).map(|last| (Met::Thread, last)).or_else(voices)
}

/// Refuses the answer; where the reviewer has to see more first, the item shows it from now on.
pub(in crate::domain::decide) fn refuse(
    sheet: &mut Sheet<'_>,
    item: &Item,
    action: &'static str,
    obstacle: Obstacle,
) -> Seq {
    match obstacle {
        Obstacle::Rule(code, why) => {
            inbox::refuse(sheet, item.no, action, code, &format!("#{}: {why}", item.no))
        }
        Obstacle::Since(case, why) => {
            let primary = inbox::refuse(sheet, item.no, action, Code::Changed, &why);
            let body = Body::ItemRevised(case);
            let mut deed = sheet.follow_up(body, "revise item", Outcome::Recorded, Some(primary));
            deed.subject.clone_from(&item.subject);
            deed.because(why);
            deed.refs.item = Some(item.no);
            sheet.push(deed);
            primary
        }
    }
}

/// It goes out, or may go ahead, as the agent's, caused by the item: what is said, and the deed.
pub(in crate::domain::decide) fn go(
    sheet: &mut Sheet<'_>,
    item: &Item,
    edited: Option<&Value>,
) -> Option<(Option<Value>, WorkResult)> {
    let effect = Effect::waiting_in(item)?;
    let agent = item.raised_by.agent()?;
    let principal = Principal { actor: Actor::Agent(agent.clone()), class: TokenClass::Agent, token: None };
    let person = std::mem::replace(&mut sheet.principal, principal);
    let (said, seq) = match effect {
        Effect::Act(act) => {
            let wish = Act { cause: Some(item.deed), ..act.clone() };
            let state = sheet.snapshot();
            (None, act::allow(sheet, &state, &wish, None))
        }
        Effect::Publication(publish) => {
            let body = edited.unwrap_or(&publish.body).clone();
            let wish = Publish { cause: Some(item.deed), body, ..publish.clone() };
            let seq = go_out(sheet, &wish, None);
            (Some(wish.body), seq)
        }
    };
    sheet.principal = person;
    let act = sheet.deed(seq).and_then(|deed| deed.refs.act);
    if let Some(deed) = sheet.deed_mut(seq) {
        deed.refs.item = Some(item.no);
        deed.refs.first = item.evidence.last().copied();
    }
    Some((said, WorkResult { outcome: sheet.outcome(seq), deed: seq, act }))
}

/// The note that the collision's alert is resolved with.
pub(in crate::domain::decide) fn note(answer: &ItemAnswer) -> Arc<str> {
    let said = answer::in_words(answer);
    if said.is_empty() { verdict::text(answer.word()) } else { said }
}
