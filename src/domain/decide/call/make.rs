//! May a call be forwarded? The very same one that waits, is under way, or was approved is met first.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{answer, begun, item, mark_of, memory, obstacle, refuse, row, too_long};
use crate::domain::arguments::Arguments;
use crate::domain::code::Code;
use crate::domain::command::{Act, CallOrder, Expected, Write, WriteKind};
use crate::domain::decide::sheet::Sheet;
use crate::domain::decide::{act, verdict, write};
use crate::domain::deed::Body;
use crate::domain::ids::{AgentId, Seq};
use crate::domain::map::{Does, Unmapped};
use crate::domain::outcome::Outcome;
use crate::domain::path::{EntityPath, FieldName};
use crate::domain::rule::tool::{self, Meaning};
use crate::domain::state::State;
use crate::domain::things::{Call, CallMark, CallStage, CallState, OpenAct, OpenCall};
use crate::domain::time::{Span, Time};
use crate::domain::value::Value;

/// For how long the very same act or publication is taken for a retry.
const SAID_AGAIN: Span = Span::from_mins(1);

/// A call with what the map makes of it.
pub(super) struct Asked<'a> {
    pub(super) call: Call,
    pub(super) arguments: &'a Arguments,
    pub(super) root: Option<&'a Arc<str>>,
    pub(super) verified: Option<&'a Arc<str>>,
}

pub(super) fn decide(sheet: &mut Sheet<'_>, order: &CallOrder) -> Seq {
    let mark = mark_of(order);
    let Some(agent) = sheet.principal.actor.agent().cloned() else {
        return refuse(sheet, (&mark, None), Code::NotAllowed, "only agents call tools");
    };
    let names = [
        ("server", Some(&order.server)),
        ("tool", Some(&order.tool)),
        ("via", Some(&order.via)),
        ("verified", order.verified.as_ref()),
    ];
    let root = order.root.as_ref().filter(|root| root.len() > 4096 || !root.starts_with('/'));
    let root = root.map(|_| "`root` is an absolute path of at most 4096 bytes".to_owned());
    if let Some(why) = too_long(&names).or(root) {
        return refuse(sheet, (&mark, None), Code::OverBound, why);
    }
    let state = sheet.snapshot();
    let key = crate::domain::things::call_key(&agent, &mark.digest);
    if let Some(open) = state.board.open_call(&key).cloned()
        && let Some(call) = open.call.clone()
    {
        match under_way(sheet, &state, (&open, &call), order) {
            Ok(seq) => return seq,
            Err(lapsed) => _ = lapsed,
        }
    } else if let Some(seq) = state.board.call(&key).and_then(|known| met(sheet, &state, known)) {
        return seq;
    }
    sheet.via = Some(Arc::clone(&order.via));
    let call = Call { agent, mark, does: None, arguments: None };
    let asked = Asked {
        call,
        arguments: &order.arguments,
        root: order.root.as_ref(),
        verified: order.verified.as_ref(),
    };
    let seq = afresh(sheet, asked);
    sheet.via = None;
    seq
}

/// What the map makes of a call, decided by the rules for that.
pub(super) fn afresh(sheet: &mut Sheet<'_>, mut asked: Asked<'_>) -> Seq {
    let state = sheet.snapshot();
    let mark = asked.call.mark.clone();
    let named = (&*mark.server, &*mark.tool);
    let meaning =
        tool::meaning(state.board.map.model(), named, asked.arguments, asked.root.map(|root| &**root));
    let meaning = match meaning {
        Ok(meaning) => meaning,
        Err(why) => return refuse(sheet, (&mark, None), Code::Untold, why),
    };
    asked.call.does = meaning.does();
    if !matches!(meaning, Meaning::Read(_) | Meaning::Nothing) {
        match tool::shown(row(&state, &mark), asked.arguments) {
            Ok(shown) => asked.call.arguments = Some(shown),
            Err(why) => return refuse(sheet, (&mark, None), Code::OverBound, why),
        }
    }
    match meaning {
        Meaning::Read(entity) => {
            let agent = &asked.call.agent;
            if verdict::unseen(&state, agent, &entity) {
                let why = verdict::unseen_words(&entity, agent);
                return refuse(sheet, (&mark, Some(&entity)), Code::Hidden, why);
            }
            pass(sheet, &mark, Some(&entity))
        }
        Meaning::Nothing => pass(sheet, &mark, None),
        Meaning::Unmapped(unmapped) => match unmapped {
            Unmapped::Ask if state.board.enforces() => item::unmapped(sheet, &state, asked),
            Unmapped::Deny if state.board.enforces() => {
                let why = format!("the map does not name {}, and lets no such call through", mark.name());
                refuse(sheet, (&mark, None), Code::Unmapped, why)
            }
            Unmapped::Ask | Unmapped::Deny | Unmapped::Record => pass(sheet, &mark, None),
        },
        Meaning::Write { entity, changes, whole } => writes(sheet, &state, &asked, (entity, changes, whole)),
        Meaning::Act { target, subject } => acts(sheet, asked.call, (target, None), subject),
        Meaning::Publish { output, thread, subject } => acts(sheet, asked.call, (output, thread), subject),
    }
}

/// It changes nothing of the map's: it may be forwarded, and is told afterwards.
fn pass(sheet: &mut Sheet<'_>, mark: &CallMark, subject: Option<&EntityPath>) -> Seq {
    let body = Body::CallAllowed(Box::new(mark.clone()));
    answer(sheet, body, Outcome::Allowed, (mark, subject), None)
}

fn acts(
    sheet: &mut Sheet<'_>,
    call: Call,
    (target, thread): (Arc<str>, Option<Arc<str>>),
    subject: EntityPath,
) -> Seq {
    let wish = Act {
        target,
        subject,
        action: verdict::cut(&call.mark.tool),
        thread,
        depends_on: BTreeMap::new(),
        wait: false,
        reason: None,
        cause: None,
        call: Some(Box::new(call)),
    };
    act::decide(sheet, &wish)
}

fn writes(
    sheet: &mut Sheet<'_>,
    state: &State,
    asked: &Asked<'_>,
    (entity, changes, whole): (EntityPath, BTreeMap<FieldName, Value>, bool),
) -> Seq {
    let call = &asked.call;
    let seen = memory::seen(state, &call.agent, &call.mark.server, &entity);
    if state.board.enforces()
        && let Some((code, outcome, why)) =
            memory::unverified(row(state, &call.mark), seen, asked.verified, (state, call, &entity))
    {
        let body = Body::CallRefused(Box::new(call.mark.clone()));
        return answer(sheet, body, outcome, (&call.mark, Some(&entity)), Some((code, why)));
    }
    let expected: Option<Expected> = seen.map(|seen| {
        let hides = state.board.map.hides_version(&call.agent, &entity);
        memory::based_on(state, &call.agent, (&entity, &changes), seen.head, whole && !hides)
    });
    let lease = state.board.leases_on(&entity, sheet.now).find(|lease| lease.holder == call.agent);
    let wish = Write {
        kind: WriteKind::Update,
        changes,
        expected,
        depends_on: BTreeMap::new(),
        lease: lease.map(|lease| lease.fence),
        reason: None,
        cause: None,
        call: Some(Box::new(call.clone())),
        entity,
    };
    write::decide_as(sheet, &call.agent, &wish)
}

/// Whether it went out a moment ago: asked for once more it is the retry of somebody who lost the answer.
fn is_said_again(state: &State, known: &CallState, now: Time) -> bool {
    let goes_out = matches!(known.does, Some(Does::Act | Does::Publish));
    goes_out && state.board.enforces() && now < known.at.plus(SAID_AGAIN)
}

/// It is answered with how it ended, and not sent.
fn settled(sheet: &mut Sheet<'_>, known: &CallState, why: String) -> Seq {
    let body = Body::CallRefused(Box::new(known.mark.clone()));
    let about = (&known.mark, known.entity.as_ref());
    let seq = answer(sheet, body, Outcome::Recorded, about, Some((Code::Settled, why)));
    if let Some(deed) = sheet.deed_mut(seq) {
        deed.refs.act = known.act;
    }
    seq
}

/// The very same call waits, or was forwarded and has ended.
fn met(sheet: &mut Sheet<'_>, state: &State, known: &CallState) -> Option<Seq> {
    let about = (&known.mark, known.entity.as_ref());
    match known.stage {
        CallStage::Pending => {
            let works = known.work.filter(|no| state.board.works.contains_key(no));
            let items = known.item.filter(|no| state.board.items.contains_key(no));
            let (code, outcome, why) = match (works, items) {
                (Some(work), _) => (
                    Code::NotOwner,
                    Outcome::Proposed,
                    format!("it waits already, as work {work} of its owner"),
                ),
                (None, Some(no)) => {
                    let code =
                        state.board.items.get(&no).map_or(Code::Unowned, |item| item::code(&item.case));
                    let outcome = if code == Code::Held { Outcome::Proposed } else { Outcome::Escalated };
                    (code, outcome, format!("it waits already, as #{no}"))
                }
                (None, None) => return None,
            };
            let body = Body::CallEscalated(Box::new(known.mark.clone()));
            let seq = answer(sheet, body, outcome, about, Some((code, why)));
            if let Some(deed) = sheet.deed_mut(seq) {
                deed.refs.item = items;
                deed.refs.works = works.into_iter().collect();
            }
            Some(seq)
        }
        CallStage::Done | CallStage::Failed if known.until.is_some_and(|until| sheet.now < until) => {
            let note = known.note.as_ref().map(|note| format!(": {note}")).unwrap_or_default();
            let why =
                format!("this approved call was forwarded, and has ended as {}{note}", known.stage.as_str());
            Some(settled(sheet, known, why))
        }
        CallStage::Done if is_said_again(state, known, sheet.now) => {
            let ago = sheet.now.since(known.at).rough();
            let why = format!(
                "the very same call was done {ago} ago: what goes out is not sent twice within a minute"
            );
            Some(settled(sheet, known, why))
        }
        CallStage::Done
        | CallStage::Failed
        | CallStage::Approved
        | CallStage::Begun
        | CallStage::Unknown
        | CallStage::Rejected
        | CallStage::Expired => None,
    }
}

/// The very same call is under way, or approved. An approval that does not hold any more is over, and the call is decided anew.
fn under_way(
    sheet: &mut Sheet<'_>,
    state: &State,
    (open, call): (&Arc<OpenAct>, &OpenCall),
    order: &CallOrder,
) -> Result<Seq, Option<Seq>> {
    let mark = &call.call.mark;
    let about = (mark, Some(&open.subject));
    let refused = |sheet: &mut Sheet<'_>, code, why: String| {
        let seq = refuse(sheet, about, code, why);
        if let Some(deed) = sheet.deed_mut(seq) {
            (deed.refs.act, deed.refs.item) = (Some(open.no), call.item);
        }
        Ok(seq)
    };
    if let Some(item) = call.item {
        let why = format!("it was forwarded, and nobody knows how that ended: a person says so in #{item}");
        return refused(sheet, Code::OutcomeUnknown, why);
    }
    if let Some(begun) = &call.begun {
        let ago = sheet.now.since(begun.at).rough();
        return refused(
            sheet,
            Code::InFlight,
            format!("it was begun {ago} ago by {}, as act {}", begun.via, open.no),
        );
    }
    let approved = call.approved.as_ref();
    if approved.is_none_or(|approved| approved.until <= sheet.now) {
        return Err(super::expire(sheet, open.no));
    }
    if let Some(approved) = approved.filter(|approved| approved.map != state.board.map_version) {
        let why = format!(
            "it was approved under map v{}, and v{} is in force: send it again, it is decided anew",
            approved.map, state.board.map_version
        );
        let seq = refused(sheet, Code::Changed, why);
        super::end::void(sheet, open, "the map has changed since it was approved");
        return seq;
    }
    if let Some(found) = obstacle(state, open, call, sheet) {
        let body = Body::CallRefused(Box::new(mark.clone()));
        let seq = answer(sheet, body, found.outcome, about, Some((found.code, found.why)));
        if let Some(deed) = sheet.deed_mut(seq) {
            (deed.fields, deed.refs.act) = (found.fields, Some(open.no));
        }
        if found.outcome == Outcome::Stale {
            super::end::void(sheet, open, "what it was based on has changed since it was approved");
        }
        return Ok(seq);
    }
    let begun = begun(sheet, row(state, mark), &order.via);
    let mut deed = sheet.draft(Body::ActBegun(Box::new(begun)), mark.name(), Outcome::Allowed);
    deed.subject = Some(open.subject.clone());
    deed.cause = Some(open.deed);
    deed.refs.act = Some(open.no);
    Ok(sheet.push(deed))
}

/// Whose call it is, where it is an agent's.
pub(super) fn about(agent: &AgentId, mark: CallMark, arguments: Option<Value>) -> Call {
    Call { agent: agent.clone(), mark, does: None, arguments }
}
