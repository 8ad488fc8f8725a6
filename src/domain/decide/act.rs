//! Side effects outside: asked for before they are done, closed afterwards. RULES §5.

use std::sync::Arc;

use super::effect::{self, Effect, Stop, stop};
use super::sheet::Sheet;
use super::{alert, call, inbox, output, propose, verdict};
use crate::domain::code::Code;
use crate::domain::command::{Act, ActEnd, DEPENDENCIES, NAME_BYTES};
use crate::domain::deed::{Body, Deed};
use crate::domain::ids::{ActNo, Actor, AgentId, Seq};
use crate::domain::outcome::Outcome;
use crate::domain::path::{FieldName, FieldPath};
use crate::domain::state::State;
use crate::domain::things::{ActOrder, Case, FieldChange, Hold, OpenAct, WaitingAct, Work, WorkKind};
use crate::domain::time::{Span, Time};

/// How long an act may be open of which nobody says how it ended.
pub(super) const LIFE: Span = Span::from_days(30);
/// Most acts open at once. Beyond it agents have stopped telling how theirs ended.
pub(super) const OPEN_ACTS: usize = 100_000;
/// Most acts that wait at once until the way is free.
const WAITING_ACTS: usize = 100_000;

/// May it go ahead?
pub(super) fn decide(sheet: &mut Sheet<'_>, act: &Act) -> Seq {
    let Some(agent) = sheet.principal.actor.agent().cloned() else {
        return refuse(sheet, act, stop(Code::NotAllowed, Outcome::Refused, "only agents act"));
    };
    if let Some(why) = over_bound(act) {
        return refuse(sheet, act, stop(Code::OverBound, Outcome::Refused, why));
    }
    let state = sheet.snapshot();
    if let Some(why) = verdict::unknown_cause(&state, act.cause) {
        return refuse(sheet, act, stop(Code::NotFound, Outcome::Refused, why));
    }
    let effect = Effect::Act(act);
    if let Some(why) = effect::frozen(&state, &agent, effect) {
        return refuse(sheet, act, stop(Code::Frozen, Outcome::Refused, why));
    }
    if let Some(why) = too_many(&state).or_else(|| effect::too_many_voices(&state, &agent, effect, sheet.now))
    {
        return refuse(sheet, act, stop(Code::OverBound, Outcome::Refused, why));
    }
    match effect::check(&state, &agent, effect, sheet.now, false) {
        None => match call::asks_for_act(sheet, &state, act) {
            Some(asks) => hold(sheet, &state, &agent, act, asks),
            None => allow(sheet, &state, act, None),
        },
        Some(found) if !state.board.enforces() => observe(sheet, &state, &agent, act, found),
        Some(found) if found.code == Code::Unowned => unowned(sheet, &state, &agent, act, found),
        Some(found) if found.outcome == Outcome::Escalated => hold(sheet, &state, &agent, act, found),
        Some(found) if act.wait && found.free.is_some() => wait(sheet, &state, agent, act, found),
        Some(found) => {
            let foreign = found.code == Code::NotOwner;
            let primary = refuse(sheet, act, found);
            alert::stale(sheet, &state, primary);
            let raised = if foreign { alert::not_owner_act(sheet, act, primary) } else { None };
            alert::note(sheet, primary, raised);
            primary
        }
    }
}

/// Whether agents have left too many acts open, in words.
pub(super) fn too_many(state: &State) -> Option<String> {
    let words = || format!("{OPEN_ACTS} acts are open; say of some how they ended, as done or as failed");
    (state.board.acts.len() >= OPEN_ACTS).then(words)
}

fn over_bound(act: &Act) -> Option<String> {
    if act.depends_on.len() > DEPENDENCIES {
        return Some(format!("{} entries in `depends_on`; at most {DEPENDENCIES}", act.depends_on.len()));
    }
    let names =
        [("target", Some(&act.target)), ("action", Some(&act.action)), ("thread", act.thread.as_ref())];
    let long = |(name, text): (&'static str, Option<&Arc<str>>)| (text?.len() > NAME_BYTES).then_some(name);
    if let Some(name) = names.into_iter().find_map(long) {
        return Some(format!("`{name}` is longer than {NAME_BYTES} bytes"));
    }
    if act.thread.as_ref().is_some_and(|thread| thread.is_empty()) {
        return Some("`thread` is empty: name it or leave it out".to_owned());
    }
    verdict::too_long("reason", act.reason.as_deref())
}

fn refuse(sheet: &mut Sheet<'_>, act: &Act, found: Stop) -> Seq {
    let order = spoken(sheet.base(), act, sheet.now);
    let body =
        if found.outcome == Outcome::Deferred { Body::ActDeferred(order) } else { Body::ActRefused(order) };
    let mut deed = draft(sheet, act, body, found.outcome);
    deed.code = Some(found.code);
    deed.because(&found.why);
    deed.fields = found.fields;
    deed.refs = found.refs;
    sheet.push(deed)
}

/// An act that waited for an answer, of an agent that a person has stopped or shut out meanwhile.
pub(super) fn shut_out(sheet: &mut Sheet<'_>, act: &Act, (code, why): (Code, String)) -> Seq {
    refuse(sheet, act, stop(code, Outcome::Refused, why))
}

/// A target that nobody owns: a person decides whose it shall be.
fn unowned(sheet: &mut Sheet<'_>, state: &State, agent: &AgentId, act: &Act, found: Stop) -> Seq {
    let asked = || {
        let case = Case::UnownedTarget { act: act.clone() };
        (case, Actor::Agent(agent.clone()), Some(act.subject.clone()))
    };
    if let Some(why) = inbox::closed_on_arrival(state, &inbox::alike_act(agent, act), asked) {
        return refuse(sheet, act, stop(Code::OutOfScope, Outcome::Refused, why));
    }
    if let Some(why) = inbox::full(state) {
        return refuse(sheet, act, stop(Code::OverBound, Outcome::Refused, why));
    }
    let primary = refuse(sheet, act, found);
    let item = inbox::open_act(sheet, agent, act, primary);
    if let Some(deed) = sheet.deed_mut(primary) {
        deed.refs.item = Some(item);
    }
    primary
}

/// It goes to an output, and a person lets it go ahead or not. The very same one waits once.
fn hold(sheet: &mut Sheet<'_>, state: &State, agent: &AgentId, act: &Act, found: Stop) -> Seq {
    if let Some(why) = inbox::full(state) {
        return refuse(sheet, act, stop(Code::OverBound, Outcome::Refused, why));
    }
    let (why, over) = (found.why.clone(), found.over.clone());
    let primary = refuse(sheet, act, found);
    output::await_person(sheet, state, agent, Effect::Act(act), (&why, over.as_ref()), primary);
    primary
}

/// Observe mode: it goes ahead, and the verdict it would have had is kept with its alert.
fn observe(sheet: &mut Sheet<'_>, state: &State, agent: &AgentId, act: &Act, mut found: Stop) -> Seq {
    found.why = found.observed(state, agent, Some(&act.subject));
    let fields = found.fields.clone();
    let owners = found.refs.owners.clone();
    let (code, over) = (found.code, found.over.clone());
    let primary = allow(sheet, state, act, Some(found));
    if let Some(deed) = sheet.deed_mut(primary) {
        deed.refs.owners = owners;
    }
    let raised = match (over, code) {
        (Some(voice), _) => alert::output_collision(sheet, Effect::Act(act), &voice, primary),
        (None, Code::NotOwner) => alert::not_owner_act(sheet, act, primary),
        (None, Code::Stale | Code::Tombstone) => alert::would_be_stale(sheet, state, primary, &fields),
        (None, _) => None,
    };
    alert::note(sheet, primary, raised);
    primary
}

/// It may go ahead.
pub(super) fn allow(sheet: &mut Sheet<'_>, state: &State, act: &Act, verdict: Option<Stop>) -> Seq {
    let order = ActOrder { call: call::of_act(sheet, state, act), ..spoken(state, act, sheet.now) };
    let body = Body::ActAllowed(order);
    let mut deed = draft(sheet, act, body, Outcome::Allowed);
    deed.reason.clone_from(&act.reason);
    if let Some(found) = verdict {
        deed.code = Some(found.code);
        deed.verdict = Some(found.outcome);
        deed.because(found.why);
    }
    deed.refs.act = Some(sheet.state().board.next.act);
    let primary = sheet.push(deed);
    alert::cascade(sheet, state, primary);
    primary
}

/// With the conversation that it goes out on.
fn spoken(state: &State, act: &Act, now: Time) -> ActOrder {
    ActOrder { conversation: Effect::Act(act).conversation(state, now), ..order(act) }
}

/// The act as a deed keeps it. A refusal of a target over its bound keeps no more of it than the bound.
pub(super) fn order(act: &Act) -> ActOrder {
    ActOrder {
        target: verdict::cut(&act.target),
        based_on: act.depends_on.keys().cloned().collect(),
        conversation: None,
        waits: None,
        call: None,
    }
}

/// An act that goes to that target, and is based on nothing.
pub(super) fn plain_order(target: Arc<str>) -> ActOrder {
    ActOrder { target, based_on: Vec::new(), conversation: None, waits: None, call: None }
}

/// How an allowed act ended.
pub(super) fn end(sheet: &mut Sheet<'_>, end: &ActEnd) -> Seq {
    let action = if end.done { "act done" } else { "act failed" };
    if let Some(why) = verdict::too_long("note", end.note.as_deref()) {
        return sheet.refuse(Body::WorkRefused(()), action, Code::OverBound, &why);
    }
    let Some(act) = sheet.state().board.acts.get(&end.act).cloned() else {
        let why = format!("act {} is not open: it was never allowed, or has ended", end.act);
        return sheet.refuse(Body::WorkRefused(()), action, Code::WrongState, &why);
    };
    if sheet.principal.actor.agent() != Some(&act.agent) {
        let why = format!("act {} belongs to {}", end.act, act.agent);
        return sheet.refuse(Body::WorkRefused(()), action, Code::NotYours, &why);
    }
    if act.call.is_some() {
        let why = format!("act {0} is a call of a tool: say `/v1/calls/{0}/end`", end.act);
        return sheet.refuse(Body::WorkRefused(()), action, Code::WrongState, &why);
    }
    let (body, outcome) = if end.done {
        (Body::ActDone(()), Outcome::Committed)
    } else {
        (Body::ActFailed(()), Outcome::Failed)
    };
    let mut deed =
        sheet.draft(body, format!("{} {}", act.action, if end.done { "done" } else { "failed" }), outcome);
    deed.subject = Some(act.subject.clone());
    deed.cause = Some(act.deed);
    deed.reason.clone_from(&end.note);
    deed.refs.act = Some(act.no);
    let state = sheet.snapshot();
    let outdated: Vec<FieldChange> = outdated(&state, &act)
        .filter(|_| end.done)
        .map(|path| verdict::unread(&state, &act.agent, path))
        .collect();
    if outdated.is_empty() {
        return sheet.push(deed);
    }
    deed.code = Some(Code::OnOutdatedBasis);
    deed.because(outdated_words(&outdated, end.note.as_deref()));
    deed.fields.clone_from(&outdated);
    let primary = sheet.push(deed);
    let raised = alert::would_be_stale(sheet, &state, primary, &outdated);
    alert::note(sheet, primary, raised);
    primary
}

/// Nobody has said how it ended, and it holds what it is based on no longer.
pub(super) fn expire(sheet: &mut Sheet<'_>, no: ActNo) -> Option<Seq> {
    let act = sheet.base().board.acts.get(&no)?.clone();
    if act.call.is_some() {
        return call::expire(sheet, no);
    }
    let action = format!("{} expired", act.action);
    let mut deed = sheet.follow_up(Body::ActFailed(()), action, Outcome::Failed, Some(act.deed));
    deed.subject = Some(act.subject.clone());
    deed.because(format!(
        "act {no} of {} was allowed {} ago, and nobody has said how it ended",
        act.agent,
        LIFE.rough()
    ));
    deed.refs.act = Some(no);
    deed.refs.owners = vec![act.agent.clone()];
    Some(sheet.push(deed))
}

/// What another has changed, since the act was allowed, of what it is based on, as far as its agent may see it.
pub(super) fn outdated<'a>(state: &'a State, act: &'a OpenAct) -> impl Iterator<Item = &'a FieldPath> {
    let is_seen = |path: &&FieldPath| !state.board.map.is_hidden(&act.agent, &path.entity, &path.field);
    let since = |deed: Seq, by: &Actor| deed > act.deed && by.agent() != Some(&act.agent);
    act.based_on.iter().filter(is_seen).filter(move |path| {
        state.entities.get(&path.entity).is_some_and(|entity| {
            let of_it = |name: &FieldName| path.field.is_whole() || *name == path.field;
            let mut fields = entity.fields.iter().filter(|(name, _)| of_it(name));
            entity.gone.as_ref().is_some_and(|gone| since(gone.deed, &gone.by))
                || fields.any(|(_, field)| since(field.deed, &field.by))
        })
    })
}

/// `crm/contact/acme#health is v41 by support since it was allowed; all three were told`.
fn outdated_words(fields: &[FieldChange], note: Option<&str>) -> String {
    let one = |field: &FieldChange| {
        let path = field.entity.clone().map(|entity| FieldPath::new(entity, field.name.clone()).to_string());
        let by = field.by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
        format!("{} is v{}{by}", path.unwrap_or_default(), field.version)
    };
    let words: Vec<String> = fields.iter().map(one).collect();
    let note = note.map(|note| format!("; {note}")).unwrap_or_default();
    format!("{} since it was allowed{note}", words.join(", "))
}

fn draft(sheet: &Sheet<'_>, act: &Act, body: Body, outcome: Outcome) -> Deed {
    let mut deed = sheet.draft(body, verdict::cut(&act.action).to_string(), outcome);
    deed.subject = Some(act.subject.clone());
    deed.cause = act.cause;
    deed
}

/// Another goes first, and the act waits. The very same one waits once.
fn wait(sheet: &mut Sheet<'_>, state: &State, agent: AgentId, act: &Act, mut found: Stop) -> Seq {
    let waiting = state.board.waiting.len();
    if waiting >= WAITING_ACTS {
        let why = format!("{waiting} acts wait; ask again without `wait`");
        return refuse(sheet, act, stop(Code::OverBound, Outcome::Refused, why));
    }
    let (until, watches) = found.free.take().unwrap_or_default();
    let primary = refuse(sheet, act, found);
    let waits = WaitingAct { agent, act: act.clone(), until, watches };
    let now = sheet.now;
    let same = |hold: Hold| match hold {
        Hold::Waiting(deferred) => {
            let have = state.board.waiting.get(&deferred);
            have.is_some_and(|have| have.agent == waits.agent && have.act == waits.act)
        }
        Hold::Work(_) | Hold::Act(_) | Hold::Lease(_) => false,
    };
    if !state.board.holds_on(&act.subject).any(same)
        && let Some(deed) = sheet.deed_mut(primary)
    {
        deed.body = Body::ActDeferred(ActOrder { waits: Some(Box::new(waits)), ..spoken(state, act, now) });
    }
    primary
}

/// The way of an act that waits is free, or its time is over: its agent may ask again.
pub(super) fn wake(sheet: &mut Sheet<'_>, deferred: Seq, cause: Option<Seq>) -> Option<Seq> {
    let waiting = sheet.state().board.waiting.get(&deferred)?.clone();
    let (agent, act) = (&waiting.agent, &waiting.act);
    let mut deed =
        sheet.follow_up(Body::ActWoken(deferred), "wake", Outcome::Recorded, cause.or(Some(deferred)));
    let words = format!("the way is free for {} on {}: ask again", act.action, act.subject);
    deed.subject = Some(act.subject.clone());
    deed.because(&words);
    deed.refs.owners = vec![agent.clone()];
    let woken = sheet.push(deed);
    let no = sheet.state().board.next.work;
    let kind = WorkKind::Free { act: Box::new(act.clone()), deferred };
    let work = Work::new(no, agent.clone(), kind, words, (sheet.now, sheet.next_seq()));
    propose::queue(sheet, work.about(Some(act.subject.clone())), Some(woken));
    Some(woken)
}
