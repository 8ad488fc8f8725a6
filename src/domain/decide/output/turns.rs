//! What waits for its agent's turn on a thread, RULES §10.2: it goes out by itself when its turn comes or has passed, and
//! is decided afresh then. An act that waits is woken, since its agent does it.

use std::sync::Arc;

use super::{ask, draft, publication, refuse, shut_out};
use crate::domain::code::Code;
use crate::domain::command::{Principal, Publish};
use crate::domain::decide::effect::{self, Effect, Stop, stop};
use crate::domain::decide::sheet::Sheet;
use crate::domain::decide::{act, propose, verdict};
use crate::domain::deed::Body;
use crate::domain::ids::{Actor, AgentId, Seq};
use crate::domain::outcome::Outcome;
use crate::domain::rule::output;
use crate::domain::state::State;
use crate::domain::things::{Publication, TokenClass, WaitingPublication, Work, WorkKind};

/// Most publications that wait for a turn at once.
const QUEUED: usize = 100_000;
/// How many of the acts that wait are looked at after a decision.
const LOOKED_AT: usize = 1_000;
/// How often one that goes out may let the next one go in the same decision; the others go with the next.
const ROUNDS: usize = 16;

/// It waits. The very same one waits once.
pub(super) fn wait(
    sheet: &mut Sheet<'_>,
    state: &State,
    agent: AgentId,
    publish: &Publish,
    mut found: Stop,
) -> Seq {
    let same = |waiting: &&Arc<WaitingPublication>| waiting.agent == agent && waiting.publish == *publish;
    let first = state.board.queued.values().find(same).cloned();
    let queued = state.board.queued.len();
    if first.is_none() && queued >= QUEUED {
        let why = format!("{queued} publications wait for their turn; publish again later");
        return refuse(sheet, publish, stop(Code::OverBound, Outcome::Refused, why));
    }
    if let Some(first) = &first {
        found.refs.until = Some(first.until);
    }
    let waits = found.refs.until.filter(|_| first.is_none()).map(|until| {
        Box::new(WaitingPublication { agent, publish: publish.clone(), since: sheet.now, until })
    });
    let body = Body::OutputDeferred(Box::new(Publication { waits, ..publication(publish) }));
    let mut deed = draft(sheet, publish, body, Outcome::Deferred);
    deed.code = Some(found.code);
    deed.because(&found.why);
    deed.refs = found.refs;
    sheet.push(deed)
}

/// After a decision: what waits and whose turn has come goes out, or its agent is woken. While agents are stopped it waits on.
pub(in crate::domain::decide) fn go_on(sheet: &mut Sheet<'_>) {
    let board = &sheet.base().board;
    if (board.queued.is_empty() && board.waiting.is_empty()) || board.halted.is_some() {
        return;
    }
    for _ in 0..ROUNDS {
        let state = sheet.snapshot();
        let next = state.board.queued.iter().find(|(_, waiting)| {
            verdict::stopped(&state, &waiting.agent, sheet.now).is_none()
                && effect::check_turn(
                    &state,
                    &waiting.agent,
                    Effect::Publication(&waiting.publish),
                    sheet.now,
                )
                .is_none()
        });
        let Some(deferred) = next.map(|(deferred, _)| *deferred) else { break };
        release(sheet, deferred);
    }
    let state = sheet.snapshot();
    let turns = |name: &str| output::takes_turns(&state.board.map, name);
    let acts = state.board.waiting.iter().take(LOOKED_AT);
    let free: Vec<Seq> = acts
        .filter(|(_, waiting)| turns(&waiting.act.target))
        .filter(|(_, waiting)| {
            let (agent, act) = (&waiting.agent, &waiting.act);
            effect::check_turn(&state, agent, Effect::Act(act), sheet.now).is_none()
                && verdict::goes_first(&state, agent, &act.action, &act.subject, sheet.now).is_none()
        })
        .map(|(deferred, _)| *deferred)
        .collect();
    for deferred in free {
        act::wake(sheet, deferred, None);
    }
}

/// It is decided as its agent's, afresh; its agent is told how.
pub(in crate::domain::decide) fn release(sheet: &mut Sheet<'_>, deferred: Seq) -> Option<Seq> {
    let waiting = sheet.state().board.queued.get(&deferred)?.clone();
    let (agent, publish) = (&waiting.agent, &waiting.publish);
    let principal = Principal { actor: Actor::Agent(agent.clone()), class: TokenClass::Agent, token: None };
    let caller = std::mem::replace(&mut sheet.principal, principal);
    sheet.released = Some(deferred);
    let now = sheet.now;
    let primary = match verdict::stopped(sheet.state(), agent, now) {
        Some(why) => shut_out(sheet, publish, why),
        None => ask(sheet, publish, true),
    };
    sheet.released = None;
    sheet.principal = caller;
    // Whatever led to it is not what is refused, where it is.
    tell(sheet, &waiting, deferred, primary)
}

/// `what waited for its turn on slack/all, thread t, since deed 7 was published: deed 12`.
fn tell(sheet: &mut Sheet<'_>, waiting: &WaitingPublication, deferred: Seq, primary: Seq) -> Option<Seq> {
    let deed = sheet.deed(primary)?;
    let why = deed.reason.as_deref().map(|why| format!(", {why}")).unwrap_or_default();
    let how = match (deed.outcome, deed.refs.item) {
        (Outcome::Committed, _) => "was published".to_owned(),
        (_, Some(item)) => format!("waits for a person as #{item}{why}"),
        (outcome, None) => format!("was not published: {}{why}", outcome.as_str()),
    };
    let place = Effect::Publication(&waiting.publish).place();
    let words = format!("what waited for its turn on {place} since deed {deferred} {how} (deed {primary})");
    let no = sheet.state().board.next.work;
    let kind = WorkKind::notice(words.as_str());
    let work = Work::new(no, waiting.agent.clone(), kind, words, (sheet.now, sheet.next_seq()));
    let told = sheet.next_seq();
    propose::queue(sheet, work.about(waiting.publish.subject.clone()), Some(primary));
    Some(told)
}
