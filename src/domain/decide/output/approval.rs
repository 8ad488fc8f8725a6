//! A person's answer to a publication that waits. What held when it was asked for must hold when it goes out.

use std::sync::Arc;

use super::{Stop, check_base, go_out, last_on_thread, place};
use crate::domain::code::Code;
use crate::domain::command::{Principal, Publish};
use crate::domain::decide::sheet::Sheet;
use crate::domain::decide::{held, inbox, verdict};
use crate::domain::deed::Body;
use crate::domain::ids::{Actor, AgentId, Seq};
use crate::domain::outcome::Outcome;
use crate::domain::rule::output as rule;
use crate::domain::rule::zone::Whose;
use crate::domain::state::{Board, State};
use crate::domain::things::{Case, Item, ItemAnswer, LastPublication, TokenClass, WorkResult};
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
    if let Case::HeldField { .. } = item.case {
        return held::fits(item, answer);
    }
    let approves = match answer {
        ItemAnswer::Approve { .. } | ItemAnswer::ApproveEdited { .. } | ItemAnswer::Reject { .. } => true,
        ItemAnswer::Expand { .. }
        | ItemAnswer::Transfer { .. }
        | ItemAnswer::Handle { .. }
        | ItemAnswer::OutOfScope { .. } => false,
    };
    match (item.case.is_approval(), approves) {
        (true, false) => {
            let why =
                format!("#{} waits for approval: approve it, approve it with edits, or reject it", item.no);
            Err((Code::WrongState, why))
        }
        (false, true) => {
            let why = format!(
                "#{} is no publication or write that waits for a yes: expand, handle, or out of scope",
                item.no
            );
            Err((Code::WrongState, why))
        }
        (true, true) | (false, false) => Ok(()),
    }
}

/// The re-check at the moment of approval: the agent, its zone, the subject, versions, who goes first, the thread.
pub(in crate::domain::decide) fn recheck(state: &State, item: &Item, now: Time) -> Result<(), Obstacle> {
    if let Some((code, why)) = held::obstacle(state, item, now) {
        return Err(Obstacle::Rule(code, why));
    }
    let Case::Approval { publish, over, alert } = &item.case else { return Ok(()) };
    let Some(agent) = item.raised_by.agent() else { return Ok(()) };
    if let Some(why) = verdict::paused(state, agent) {
        return Err(Obstacle::Rule(Code::Paused, why));
    }
    if rule::whose(&state.board.map, agent, &publish.output) != Whose::Own {
        let why = format!("{agent} no longer publishes on {}", publish.output);
        return Err(Obstacle::Rule(Code::NotOwner, why));
    }
    if let Some((subject, stop)) =
        publish.subject.as_ref().and_then(|subject| Some((subject, state.board.frozen.get(subject)?)))
    {
        let why = format!("{subject} was frozen by {}: {}", stop.by, stop.reason);
        return Err(Obstacle::Rule(Code::Frozen, why));
    }
    if let Some(last) = since(&state.board, item, agent, publish, over) {
        let mut over = over.clone();
        over.push(last.deed);
        let (by, place) = (&last.by, place(publish));
        let why = format!(
            "{by} has published on {place} meanwhile, in deed {}: look at it, then answer again",
            last.deed
        );
        let case = Case::Approval { publish: publish.clone(), over, alert: *alert };
        return Err(Obstacle::Since(Box::new(case), why));
    }
    match check_base(state, agent, publish, now) {
        Some(Stop { code, why, .. }) => Err(Obstacle::Rule(code, why)),
        None => Ok(()),
    }
}

/// Another agent's publication on the same thread that the reviewer has not been shown.
fn since<'a>(
    board: &'a Board,
    item: &Item,
    agent: &AgentId,
    publish: &Publish,
    over: &[Seq],
) -> Option<&'a LastPublication> {
    publish.thread.as_ref()?;
    let last = last_on_thread(board, publish)?;
    (last.by != *agent && last.deed > item.deed && !over.contains(&last.deed)).then_some(last)
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

/// It goes out as the agent's, caused by the item: what went out, and the deed.
pub(in crate::domain::decide) fn go(
    sheet: &mut Sheet<'_>,
    item: &Item,
    edited: Option<&Value>,
) -> Option<(Value, WorkResult)> {
    let Case::Approval { publish, .. } = &item.case else { return None };
    let agent = item.raised_by.agent()?;
    let principal = Principal { actor: Actor::Agent(agent.clone()), class: TokenClass::Agent, token: None };
    let mut wish = (**publish).clone();
    wish.cause = Some(item.deed);
    if let Some(body) = edited {
        wish.body = body.clone();
    }
    let person = std::mem::replace(&mut sheet.principal, principal);
    let seq = go_out(sheet, &wish, None);
    sheet.principal = person;
    if let Some(deed) = sheet.deed_mut(seq) {
        deed.refs.item = Some(item.no);
        deed.refs.first = item.evidence.last().copied();
    }
    Some((wish.body, WorkResult { outcome: Outcome::Committed, deed: seq }))
}

/// The note that the collision's alert is resolved with.
pub(in crate::domain::decide) fn note(answer: &ItemAnswer) -> Arc<str> {
    answer.note().cloned().unwrap_or_else(|| verdict::text(answer.word()))
}
