//! Events, RULES §6: routed to exactly one agent, claimed by exactly one, or decided by a person. What raises them
//! besides agents and people, changes of fields and schedules, is in `sources`; their inbox items are in `item`.

mod claim;
mod item;
mod known;
mod rounds;
mod sources;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::sheet::Sheet;
use super::{alert, inbox, propose, verdict, work};
use crate::domain::code::Code;
use crate::domain::command::{ATTRIBUTES, NAME_BYTES, Raise};
use crate::domain::deed::{Body, Deed};
use crate::domain::ids::{Actor, AgentId, AlertNo, Seq, WorkNo};
use crate::domain::map::Routing;
use crate::domain::outcome::Outcome;
use crate::domain::path::{EntityPath, FieldPath};
use crate::domain::state::State;
use crate::domain::things::{
    Before, Case, Occurrence, RaisedEvent, Work, WorkKind, path_of, paths_of, without_values,
};
use crate::domain::value::Value;

pub(super) use self::claim::{claim, mark};
pub(super) use self::item::{again, event_of, handle, still_collides};
pub(super) use self::sources::{after_commit, scheduled};

/// Who raises an event, and where it came from.
struct Origin {
    actor: Actor,
    /// Which occurrence of its schedule it is.
    schedule: Option<Occurrence>,
    /// It is what waited for a person, and goes its way now.
    decided: bool,
}

impl Origin {
    fn of(actor: Actor) -> Self {
        Self { actor, schedule: None, decided: false }
    }
}

/// What wakes an agent.
pub(super) struct Call<'a> {
    /// The event's name.
    pub(super) event: &'a Arc<str>,
    /// What it came with.
    pub(super) attributes: &'a BTreeMap<Arc<str>, Value>,
    /// The entity it is about.
    pub(super) subject: Option<&'a EntityPath>,
    /// The deed that raised it.
    pub(super) raised: Seq,
}

/// Decides an event raised by the caller.
pub(super) fn raise(sheet: &mut Sheet<'_>, raise: &Raise) -> Seq {
    let origin = Origin::of(sheet.principal.actor.clone());
    decide(sheet, raise, &origin)
}

fn decide(sheet: &mut Sheet<'_>, raise: &Raise, origin: &Origin) -> Seq {
    let state = sheet.snapshot();
    let named = [("event", &*raise.event)];
    let wrong = over_bound(&named, &raise.attributes, raise.reason.as_deref());
    if let Some(why) = wrong.or_else(|| work::full(&state, 1)) {
        return refuse(sheet, raise, origin, (Code::OverBound, &why));
    }
    if let Some(why) = verdict::unknown_cause(&state, raise.cause) {
        return refuse(sheet, raise, origin, (Code::NotFound, &why));
    }
    if let Some(why) = unseen_by_raiser(&state, raise, origin) {
        return refuse(sheet, raise, origin, (Code::Hidden, &why));
    }
    match known::look(&state, raise, origin, sheet.now) {
        Ok(None) => {}
        Ok(Some(before)) => return known::again(sheet, raise, origin, &before),
        Err((code, why)) if code == Code::OverBound || state.board.enforces() => {
            return refuse(sheet, raise, origin, (code, &why));
        }
        Err((code, why)) => {
            let primary = send_on(sheet, &state, raise, origin);
            if let Some(deed) = sheet.deed_mut(primary) {
                (deed.code, deed.verdict) = (Some(code), Some(Outcome::Refused));
                deed.because(&why);
            }
            return primary;
        }
    }
    send_on(sheet, &state, raise, origin)
}

/// An agent opens no work about what it may not see. What waited for a person, who has seen it, goes; and so does what a
/// source says that the map does not name: a form, a mailbox, another system is told of nothing that is here.
fn unseen_by_raiser(state: &State, raise: &Raise, origin: &Origin) -> Option<String> {
    let agent = origin.actor.agent().filter(|_| !origin.decided)?;
    state.board.map.agent(agent)?;
    let subject = raise.subject.as_ref()?;
    verdict::unseen(state, agent, subject).then(|| verdict::unseen_words(subject, agent))
}

/// To whom the map gives it.
fn send_on(sheet: &mut Sheet<'_>, state: &State, raise: &Raise, origin: &Origin) -> Seq {
    let primary = match state.board.map.route(&raise.event, &raise.attributes) {
        Routing::Owner { agent, then } => return owned(sheet, state, raise, origin, (agent, then)),
        Routing::Nobody => unowned(sheet, state, raise, origin),
        Routing::Several(agents) => collision(sheet, state, raise, origin, &agents),
    };
    alert::cascade(sheet, state, primary);
    primary
}

/// One agent's, unless it would go round once more.
fn owned(
    sheet: &mut Sheet<'_>,
    state: &State,
    raise: &Raise,
    origin: &Origin,
    (agent, then): (&AgentId, &[AgentId]),
) -> Seq {
    let round = rounds::round(sheet, state, raise, origin, agent);
    if round.over.is_some() && state.board.enforces() {
        return rounds::wait(sheet, state, raise, origin, (agent, &round));
    }
    let mut words = format!("{} goes to {agent}", raise.event);
    for next in then {
        words = format!("{words}, then {next}");
    }
    let mut deed = draft(sheet, raise, origin, Outcome::Recorded, &words);
    if let Body::EventRaised(event) = &mut deed.body {
        event.wake_ups = round.wake_ups;
    }
    if let Some(why) = &round.over {
        (deed.code, deed.verdict) = (Some(Code::Looping), Some(Outcome::Escalated));
        deed.because(why);
    }
    let primary = send(sheet, raise, deed, &[(agent, then)]);
    if round.over.is_some() {
        rounds::tell(sheet, raise, origin, (agent, &round), primary);
    } else {
        alert::cascade(sheet, state, primary);
    }
    primary
}

/// Nobody answers it: a person decides whose it shall be.
fn unowned(sheet: &mut Sheet<'_>, state: &State, raise: &Raise, origin: &Origin) -> Seq {
    let why = format!("nobody owns the event {}", raise.event);
    if !state.board.enforces() {
        let mut deed = draft(sheet, raise, origin, Outcome::Recorded, &why);
        (deed.code, deed.verdict) = (Some(Code::Unowned), Some(Outcome::Escalated));
        return sheet.push(deed);
    }
    if let Some((code, why)) = closed_door(state, raise, &origin.actor, false) {
        return refuse(sheet, raise, origin, (code, &why));
    }
    let mut deed = draft(sheet, raise, origin, Outcome::Escalated, &why);
    deed.code = Some(Code::Unowned);
    let primary = sheet.push(deed);
    let case = item::Found {
        raise,
        raiser: &origin.actor,
        claimed: false,
        listeners: &[],
        alert: None,
        goes_round: None,
    };
    let item = item::open(sheet, &case, primary);
    if let Some(deed) = sheet.deed_mut(primary) {
        deed.refs.item = Some(item);
    }
    primary
}

/// More than one would answer it, and no route decides: none is woken, and a person decides.
fn collision(
    sheet: &mut Sheet<'_>,
    state: &State,
    raise: &Raise,
    origin: &Origin,
    agents: &[&AgentId],
) -> Seq {
    let why = item::collision_words(&raise.event, agents);
    let subject = raise.subject.as_ref();
    if !state.board.enforces() {
        let mut deed = draft(sheet, raise, origin, Outcome::Recorded, &why);
        (deed.code, deed.verdict) = (Some(Code::Collision), Some(Outcome::Escalated));
        let all: Vec<(&AgentId, &[AgentId])> = agents.iter().map(|agent| (*agent, &[][..])).collect();
        let primary = send(sheet, raise, deed, &all);
        let alert = alert::listeners_collide(sheet, &raise.event, subject, agents, primary);
        if let Some(deed) = sheet.deed_mut(primary) {
            deed.refs.alerts.extend(alert);
        }
        return primary;
    }
    if let Some((code, why)) = closed_door(state, raise, &origin.actor, true) {
        return refuse(sheet, raise, origin, (code, &why));
    }
    let mut deed = draft(sheet, raise, origin, Outcome::Escalated, &why);
    deed.code = Some(Code::Collision);
    deed.refs.owners = agents.iter().map(|agent| (*agent).clone()).collect();
    let primary = sheet.push(deed);
    let alert = alert::listeners_collide(sheet, &raise.event, subject, agents, primary);
    let case = item::Found {
        raise,
        raiser: &origin.actor,
        claimed: false,
        listeners: agents,
        alert,
        goes_round: None,
    };
    let item = item::open(sheet, &case, primary);
    if let Some(deed) = sheet.deed_mut(primary) {
        deed.refs.item = Some(item);
        deed.refs.alerts.extend(alert);
    }
    primary
}

/// Why an event that needs a person does not reach one: a rule closes it, or the inbox is full.
fn closed_door(state: &State, raise: &Raise, raiser: &Actor, collides: bool) -> Option<(Code, String)> {
    let case = || item::case(raise, collides.then(AlertNo::default));
    closes(state, raise, raiser, (case, &item::alike(&raise.event, collides)))
}

/// The same of whichever case it would be.
fn closes(
    state: &State,
    raise: &Raise,
    raiser: &Actor,
    (case, alike): (impl FnOnce() -> Case, &str),
) -> Option<(Code, String)> {
    let asked = || (case(), raiser.clone(), raise.subject.clone());
    if let Some(why) = inbox::closed_on_arrival(state, alike, asked) {
        return Some((Code::OutOfScope, why));
    }
    inbox::full(state).map(|why| (Code::OverBound, why))
}

/// Records the event and puts it into the stream of each of these agents.
fn send(sheet: &mut Sheet<'_>, raise: &Raise, mut deed: Deed, to: &[(&AgentId, &[AgentId])]) -> Seq {
    deed.refs.owners = to.iter().map(|(agent, _)| (*agent).clone()).collect();
    // Said before it is pushed: whoever raises it again in the same batch is told.
    let mut next = sheet.state().board.next.work;
    for _ in to {
        deed.refs.works.push(next);
        next = next.next();
    }
    let primary = sheet.push(deed);
    let call = Call {
        event: &raise.event,
        attributes: &raise.attributes,
        subject: raise.subject.as_ref(),
        raised: primary,
    };
    for (agent, then) in to {
        dispatch(sheet, agent, &call, then, primary);
    }
    primary
}

/// Puts an event into an agent's work stream; `then` come after it, each once the one before is done.
pub(super) fn dispatch(
    sheet: &mut Sheet<'_>,
    agent: &AgentId,
    call: &Call<'_>,
    then: &[AgentId],
    cause: Seq,
) -> WorkNo {
    dispatch_after(sheet, agent, call, then, None, cause)
}

/// The same with what the one before in the sequence has done, unless that is about what is hidden from the agent.
pub(super) fn dispatch_after(
    sheet: &mut Sheet<'_>,
    agent: &AgentId,
    call: &Call<'_>,
    then: &[AgentId],
    before: Option<Before>,
    cause: Seq,
) -> WorkNo {
    let state = sheet.snapshot();
    let hides = |path: &FieldPath| state.board.map.is_hidden(agent, &path.entity, &path.field);
    let mut about = call.subject.cloned().map(FieldPath::whole).into_iter().chain(paths_of(call.attributes));
    let before = before.filter(|_| !about.any(|path| hides(&path)));
    let kind = WorkKind::Dispatch {
        event: Arc::clone(call.event),
        attributes: seen(&state, agent, call.attributes),
        then: then.to_vec(),
        before: before.map(Box::new),
        raised: call.raised,
    };
    let no = state.board.next.work;
    let work = Work::new(no, agent.clone(), kind, Arc::clone(call.event), (sheet.now, sheet.next_seq()));
    propose::queue(sheet, work.about(call.subject.cloned()), Some(cause));
    no
}

/// The attributes as this agent may see them: of a change of a field that is hidden from it only where it was.
fn seen(state: &State, agent: &AgentId, attributes: &BTreeMap<Arc<str>, Value>) -> BTreeMap<Arc<str>, Value> {
    let hidden = |path: &FieldPath| state.board.map.is_hidden(agent, &path.entity, &path.field);
    let attributes = attributes.clone();
    if paths_of(&attributes).iter().any(hidden) { without_values(attributes) } else { attributes }
}

fn refuse(sheet: &mut Sheet<'_>, raise: &Raise, origin: &Origin, (code, why): (Code, &str)) -> Seq {
    let mut deed = draft(sheet, raise, origin, Outcome::Refused, why);
    deed.code = Some(code);
    sheet.push(deed)
}

fn draft(sheet: &Sheet<'_>, raise: &Raise, origin: &Origin, outcome: Outcome, why: &str) -> Deed {
    let (schedule, of) = (origin.schedule, of(raise, origin));
    let known = outcome != Outcome::Refused;
    let occurrence = known.then(|| known::mark(sheet.base(), raise, sheet.now)).flatten();
    let event = Box::new(RaisedEvent { schedule, of, occurrence, ..raised(raise) });
    let body = if outcome == Outcome::Recorded {
        Body::EventRaised(event)
    } else if outcome == Outcome::Escalated {
        Body::EventEscalated(event)
    } else {
        Body::EventRefused(event)
    };
    let mut deed = sheet.draft(body, "raise", outcome);
    deed.actor = origin.actor.clone();
    deed.subject.clone_from(&raise.subject);
    deed.cause = raise.cause;
    let reason = raise.reason.as_ref().filter(|_| outcome != Outcome::Refused);
    deed.because(reason.map_or_else(|| why.to_owned(), |reason| format!("{reason} ({why})")));
    deed
}

/// The event as its deed keeps it. A refusal of one over its bounds keeps no more of it than they allow.
pub(super) fn raised(raise: &Raise) -> RaisedEvent {
    let fits =
        raise.attributes.len() <= ATTRIBUTES && raise.attributes.keys().all(|name| name.len() <= NAME_BYTES);
    let attributes = if fits { raise.attributes.clone() } else { BTreeMap::new() };
    let event = cut(&raise.event);
    RaisedEvent { event, attributes, schedule: None, of: None, wake_ups: None, occurrence: None, again: None }
}

/// The field whose change raised it, where Deeds itself did.
fn of(raise: &Raise, origin: &Origin) -> Option<FieldPath> {
    path_of(&raise.attributes).filter(|_| origin.actor == Actor::Deeds)
}

fn cut(name: &Arc<str>) -> Arc<str> {
    let kept = name.get(..name.floor_char_boundary(NAME_BYTES));
    kept.filter(|kept| kept.len() < name.len()).map_or_else(|| Arc::clone(name), Arc::from)
}

/// What of an event is over its bounds, in words.
fn over_bound(
    names: &[(&str, &str)],
    attributes: &BTreeMap<Arc<str>, Value>,
    reason: Option<&str>,
) -> Option<String> {
    for (key, name) in names {
        if let Some(why) = bad_name(key, name) {
            return Some(why);
        }
    }
    if attributes.len() > ATTRIBUTES {
        return Some(format!("{} attributes; at most {ATTRIBUTES}", attributes.len()));
    }
    let bad = attributes.keys().find_map(|name| bad_name("attributes", name));
    bad.or_else(|| verdict::too_long("reason", reason))
}

/// Why a text can't be the name of an event, an attribute or an occurrence, in words.
pub(super) fn bad_name(key: &str, name: &str) -> Option<String> {
    if name.trim().is_empty() {
        return Some(format!("`{key}` has an empty name: say which"));
    }
    if name.len() > NAME_BYTES {
        return Some(format!("a name in `{key}` is longer than {NAME_BYTES} bytes"));
    }
    let control = name.chars().any(char::is_control);
    control.then(|| format!("a name in `{key}` has control characters"))
}
