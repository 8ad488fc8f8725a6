//! How a forwarded call ended: as its gateway says, as a person says, or as nobody does.

use super::item;
use crate::domain::code::Code;
use crate::domain::command::{CallEnd, Principal, Write};
use crate::domain::decide::sheet::Sheet;
use crate::domain::decide::{alert, answer, propose, verdict, write};
use crate::domain::deed::Body;
use crate::domain::ids::{ActNo, Actor, Seq};
use crate::domain::outcome::Outcome;
use crate::domain::things::{
    CallHow, Case, EndedCall, Item, OpenAct, OpenCall, TokenClass, Work, WorkKind, WorkResult,
};

pub(super) fn decide(sheet: &mut Sheet<'_>, end: &CallEnd) -> Seq {
    let no = end.act;
    let refuse =
        |sheet: &mut Sheet<'_>, code, why: &str| sheet.refuse(Body::WorkRefused(()), "call end", code, why);
    if let Some(why) = verdict::too_long("note", end.note.as_deref()) {
        return refuse(sheet, Code::OverBound, &why);
    }
    if let Some(why) = super::too_long(&[("digest", end.digest.as_ref())]) {
        return refuse(sheet, Code::OverBound, &why);
    }
    let Some(act) = sheet.state().board.acts.get(&no).cloned() else {
        return refuse(
            sheet,
            Code::WrongState,
            &format!("act {no} is not open: it was never allowed, or has ended"),
        );
    };
    if sheet.principal.actor.agent() != Some(&act.agent) {
        return refuse(sheet, Code::NotYours, &format!("act {no} belongs to {}", act.agent));
    }
    let Some(call) = act.call.clone() else {
        let why = format!("act {no} is no call of a tool: say `/v1/acts/{no}/done` or `failed`");
        return refuse(sheet, Code::WrongState, &why);
    };
    if call.begun.is_none() {
        return refuse(
            sheet,
            Code::WrongState,
            &format!("act {no} was approved, and not begun: `/v1/calls` begins it"),
        );
    }
    match end.how {
        CallHow::Unknown if call.item.is_some() => {
            refuse(sheet, Code::WrongState, &format!("that nobody knows how act {no} ended is known already"))
        }
        CallHow::Unknown => {
            lose(sheet, &act, &call, end.note.as_deref().unwrap_or("its gateway could not tell"), true)
        }
        CallHow::Unsent if is_good(&call, sheet) => free(sheet, &act, &call, end),
        CallHow::Done | CallHow::Failed | CallHow::Unsent => {
            let ended = EndedCall {
                mark: call.call.mark.clone(),
                how: end.how,
                ms: end.ms,
                answer: end.digest.clone(),
            };
            let seq = over(sheet, (&act, &call), ended, end.note.as_deref());
            let waiting = call.item.and_then(|item| sheet.state().board.items.get(&item).cloned());
            if let Some(item) = waiting {
                answer::end_by_itself(sheet, &item, "its gateway has told how the call ended", seq);
            }
            seq
        }
    }
}

/// Whether the approval of a call that was not sent can be used still.
fn is_good(call: &OpenCall, sheet: &Sheet<'_>) -> bool {
    call.item.is_none() && call.approved.as_ref().is_some_and(|approved| sheet.now < approved.until)
}

fn free(sheet: &mut Sheet<'_>, act: &OpenAct, call: &OpenCall, end: &CallEnd) -> Seq {
    let mut deed = sheet.draft(Body::ActFreed(()), call.call.mark.name(), Outcome::Recorded);
    deed.subject = Some(act.subject.clone());
    deed.cause = Some(act.deed);
    deed.reason.clone_from(&end.note);
    deed.refs.act = Some(act.no);
    sheet.push(deed)
}

/// The call has ended; where it was done, what it means is recorded: it has happened, whatever is true by now.
fn over(
    sheet: &mut Sheet<'_>,
    (act, call): (&OpenAct, &OpenCall),
    ended: EndedCall,
    note: Option<&str>,
) -> Seq {
    let how = ended.how;
    let outcome = if how == CallHow::Done { Outcome::Committed } else { Outcome::Failed };
    let mut deed = sheet.draft(Body::CallEnded(Box::new(ended)), call.call.mark.name(), outcome);
    deed.subject = Some(act.subject.clone());
    deed.cause = Some(act.deed);
    deed.reason = note.map(verdict::text);
    deed.refs.act = Some(act.no);
    let primary = sheet.push(deed);
    if let Some(wish) = call.write.as_ref().filter(|_| how == CallHow::Done) {
        commit(sheet, (act, call), wish, primary);
    }
    primary
}

/// The write of a call that was done: its owner's, or its agent's own.
fn commit(sheet: &mut Sheet<'_>, (act, call): (&OpenAct, &OpenCall), wish: &Write, cause: Seq) {
    let writer = call.writer.as_ref().unwrap_or(&act.agent);
    let own = sheet.principal.actor.agent() == Some(writer);
    let token = sheet.principal.token.clone().filter(|_| own);
    let principal = Principal { actor: Actor::Agent(writer.clone()), class: TokenClass::Agent, token };
    let before = std::mem::replace(&mut sheet.principal, principal);
    let state = sheet.snapshot();
    let outdated = verdict::outdated(&state, Some(writer), wish);
    // Of what its owner accepted the acceptance is the cause: the owner does not come back to what another did.
    let cause = if call.writer.is_some() { act.deed } else { cause };
    let wish = Write { cause: Some(cause), lease: None, ..wish.clone() };
    let written = write::commit(sheet, &state, &wish, None);
    if let Some(deed) = sheet.deed_mut(written) {
        deed.refs.act = Some(act.no);
    }
    if !outdated.is_empty() {
        let raised = alert::would_be_stale(sheet, &state, written, &outdated);
        alert::note(sheet, written, raised);
    }
    sheet.principal = before;
}

/// Forwarding began, and nobody knows how it ended: a person says so.
fn lose(sheet: &mut Sheet<'_>, act: &OpenAct, call: &OpenCall, why: &str, told: bool) -> Seq {
    let name = call.call.mark.name();
    let body = Body::ActUnknown(());
    let mut deed = if told {
        sheet.draft(body, name, Outcome::Escalated)
    } else {
        sheet.follow_up(body, name, Outcome::Escalated, Some(act.deed))
    };
    deed.subject = Some(act.subject.clone());
    deed.cause = Some(act.deed);
    deed.code = Some(Code::OutcomeUnknown);
    deed.because(format!("act {} was forwarded, and how that ended is not known: {why}", act.no));
    deed.refs.act = Some(act.no);
    // A deed of the same sheet: the item's number is known before.
    deed.refs.item = Some(sheet.state().board.next.item);
    deed.refs.owners = vec![act.agent.clone()];
    let seq = sheet.push(deed);
    item::unknown(sheet, act, call, seq);
    seq
}

/// An approved call is over without having been forwarded: its agent is told.
pub(super) fn void(sheet: &mut Sheet<'_>, act: &OpenAct, why: &str) -> Seq {
    let words = format!("{} was approved and not forwarded: {why}", act.action);
    let mut deed = sheet.follow_up(
        Body::ActFailed(()),
        format!("{} expired", act.action),
        Outcome::Failed,
        Some(act.deed),
    );
    deed.subject = Some(act.subject.clone());
    deed.because(&words);
    deed.refs.act = Some(act.no);
    deed.refs.owners = vec![act.agent.clone()];
    let seq = sheet.push(deed);
    let no = sheet.state().board.next.work;
    let notice = WorkKind::notice(words.as_str());
    let work = Work::new(no, act.agent.clone(), notice, words, (sheet.now, sheet.next_seq()));
    propose::queue(sheet, work.about(Some(act.subject.clone())), Some(seq));
    seq
}

/// The time of a call's act is over: an approval lapses, the end of what has begun is unknown.
pub(in crate::domain::decide) fn expire(sheet: &mut Sheet<'_>, no: ActNo) -> Option<Seq> {
    let act = sheet.state().board.acts.get(&no)?.clone();
    let call = act.call.clone()?;
    if call.begun.is_some() {
        return call.item.is_none().then(|| lose(sheet, &act, &call, "no word of it came in time", false));
    }
    Some(void(sheet, &act, "nobody forwarded it in time"))
}

/// A person says how a call ended of which nobody knew.
pub(in crate::domain::decide) fn answered(
    sheet: &mut Sheet<'_>,
    item: &Item,
    done: bool,
) -> Option<WorkResult> {
    let Case::UnknownOutcome { act, .. } = &item.case else { return None };
    let act = sheet.state().board.acts.get(act)?.clone();
    let call = act.call.clone()?;
    let ended = EndedCall {
        mark: call.call.mark.clone(),
        how: if done { CallHow::Done } else { CallHow::Failed },
        ms: None,
        answer: None,
    };
    // The person's own words are for its agent, and stand in the answer.
    let said = if done { "a person says that it was done" } else { "a person says that it was not done" };
    let seq = over(sheet, (&act, &call), ended, Some(said));
    if let Some(deed) = sheet.deed_mut(seq) {
        deed.refs.item = Some(item.no);
    }
    Some(WorkResult { outcome: sheet.outcome(seq), deed: seq, act: Some(act.no) })
}
