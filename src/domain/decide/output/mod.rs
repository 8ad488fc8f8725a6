//! Publications, RULES §10, as `effect` has it for all that goes out. What waits for a person, publication or act, is
//! opened in `item`; what a person answers is decided in `approval`.

pub(super) mod approval;
mod item;
mod turns;

use std::borrow::Cow;

use super::effect::{self, Effect, Stop, Voice, stop};
use super::sheet::Sheet;
use super::{alert, inbox, verdict};
use crate::domain::code::Code;
use crate::domain::command::{DEPENDENCIES, NAME_BYTES, Publish};
use crate::domain::deed::{Body, Deed, Refs};
use crate::domain::ids::{Actor, AgentId, AlertNo, ItemNo, Seq};
use crate::domain::outcome::Outcome;
use crate::domain::path::EntityPath;
use crate::domain::state::State;
use crate::domain::things::{Case, Publication};

pub(super) use self::turns::{go_on, release};

/// Decides a publication by the caller.
pub(super) fn decide(sheet: &mut Sheet<'_>, publish: &Publish) -> Seq {
    ask(sheet, publish, false)
}

/// The same of what waited until its turn came, or had passed.
fn ask(sheet: &mut Sheet<'_>, publish: &Publish, passed: bool) -> Seq {
    let Some(agent) = sheet.principal.actor.agent().cloned() else {
        return refuse(sheet, publish, stop(Code::NotAllowed, Outcome::Refused, "only agents publish"));
    };
    if let Some(why) = over_bound(publish) {
        return refuse(sheet, publish, stop(Code::OverBound, Outcome::Refused, why));
    }
    let state = sheet.snapshot();
    let publish = &*on_its_thread(&state, publish);
    if let Some(why) = verdict::unknown_cause(&state, publish.cause) {
        let unlinked = Publish { cause: None, ..publish.clone() };
        return refuse(sheet, &unlinked, stop(Code::NotFound, Outcome::Refused, why));
    }
    let effect = Effect::Publication(publish);
    if let Some(why) = effect::frozen(&state, &agent, effect) {
        return refuse(sheet, publish, stop(Code::Frozen, Outcome::Refused, why));
    }
    if let Some(why) = effect::too_many_voices(&state, &agent, effect, sheet.now) {
        return refuse(sheet, publish, stop(Code::OverBound, Outcome::Refused, why));
    }
    match effect::check(&state, &agent, effect, sheet.now, passed) {
        None => {
            let primary = go_out(sheet, publish, None);
            alert::cascade(sheet, &state, primary);
            primary
        }
        Some(found) if !state.board.enforces() => observe(sheet, &state, &agent, publish, found),
        Some(found) if found.outcome == Outcome::Escalated => hold(sheet, &state, &agent, publish, found),
        Some(found) if found.code == Code::NotYourTurn && found.outcome == Outcome::Deferred => {
            turns::wait(sheet, &state, agent, publish, found)
        }
        Some(found) => {
            let foreign = found.code == Code::NotOwner;
            let primary = refuse(sheet, publish, found);
            alert::stale(sheet, &state, primary);
            let raised = if foreign { alert::not_owner_output(sheet, publish, primary) } else { None };
            alert::note(sheet, primary, raised);
            primary
        }
    }
}

/// Where it names no subject and its thread is the path of an entity that is known, that is its subject.
fn on_its_thread<'a>(state: &State, publish: &'a Publish) -> Cow<'a, Publish> {
    let about = Effect::Publication(publish).about();
    let known =
        |about: &EntityPath| state.entities.get(about).is_some() || state.board.frozen.contains_key(about);
    match about {
        Some(about) if publish.subject.is_none() && known(&about) => {
            Cow::Owned(Publish { subject: Some(about.into_owned()), ..publish.clone() })
        }
        Some(_) | None => Cow::Borrowed(publish),
    }
}

/// A stored publication of an agent that a person has stopped or shut out meanwhile.
pub(super) fn shut_out(sheet: &mut Sheet<'_>, publish: &Publish, (code, why): (Code, String)) -> Seq {
    refuse(sheet, publish, stop(code, Outcome::Refused, why))
}

/// The publication as its deed keeps it. A refusal of names over their bound keeps no more of them than the bound.
pub(super) fn publication(publish: &Publish) -> Publication {
    Publication {
        output: verdict::cut(&publish.output),
        thread: publish.thread.as_ref().map(verdict::cut),
        body: publish.body.clone(),
        conversation: None,
        waits: None,
    }
}

fn over_bound(publish: &Publish) -> Option<String> {
    let reads = publish.depends_on.len();
    if reads > DEPENDENCIES {
        return Some(format!("{reads} entries in `depends_on`; at most {DEPENDENCIES}"));
    }
    let names = [
        ("output", Some(&publish.output)),
        ("thread", publish.thread.as_ref()),
        ("action", publish.action.as_ref()),
    ];
    let given = |(name, text): (&'static str, Option<&std::sync::Arc<str>>)| Some((name, text?.len()));
    for (name, len) in names.into_iter().filter_map(given) {
        if len > NAME_BYTES {
            return Some(format!("`{name}` is longer than {NAME_BYTES} bytes"));
        }
        if len == 0 {
            return Some(format!("`{name}` is empty: name it or leave it out"));
        }
    }
    verdict::too_long("reason", publish.reason.as_deref())
}

fn draft(sheet: &Sheet<'_>, publish: &Publish, body: Body, outcome: Outcome) -> Deed {
    let mut deed =
        sheet.draft(body, verdict::cut(&std::sync::Arc::from(publish.word())).to_string(), outcome);
    deed.subject.clone_from(&publish.subject);
    deed.cause = sheet.released.or(publish.cause);
    deed.refs.first = sheet.released;
    deed
}

fn refuse(sheet: &mut Sheet<'_>, publish: &Publish, found: Stop) -> Seq {
    let body = Body::OutputRefused(Box::new(publication(publish)));
    stopped(sheet, publish, body, found)
}

fn stopped(sheet: &mut Sheet<'_>, publish: &Publish, body: Body, found: Stop) -> Seq {
    let mut deed = draft(sheet, publish, body, found.outcome);
    deed.code = Some(found.code);
    deed.because(&found.why);
    deed.fields = found.fields;
    deed.refs = Refs { first: sheet.released, ..found.refs };
    sheet.push(deed)
}

fn go_out(sheet: &mut Sheet<'_>, publish: &Publish, verdict: Option<&Stop>) -> Seq {
    let now = sheet.now;
    let conversation = Effect::Publication(publish).conversation(sheet.state(), now);
    let body = Body::OutputPublished(Box::new(Publication { conversation, ..publication(publish) }));
    let mut deed = draft(sheet, publish, body, Outcome::Committed);
    deed.reason.clone_from(&publish.reason);
    deed.refs.based_on = publish.depends_on.keys().cloned().collect();
    if let Some(found) = verdict {
        deed.code = Some(found.code);
        deed.verdict = Some(found.outcome);
        deed.because(&found.why);
        deed.refs.owners.clone_from(&found.refs.owners);
    }
    sheet.push(deed)
}

/// It waits for a person: nobody owns the output, another spoke on the thread, or the map says so.
fn hold(sheet: &mut Sheet<'_>, state: &State, agent: &AgentId, publish: &Publish, found: Stop) -> Seq {
    let asked = || {
        let case = Case::UnownedOutput { publish: Box::new(publish.clone()) };
        (case, Actor::Agent(agent.clone()), Effect::Publication(publish).subject().cloned())
    };
    if found.code == Code::Unowned
        && let Some(why) = inbox::closed_on_arrival(state, &item::alike(agent, &publish.output, true), asked)
    {
        return refuse(sheet, publish, stop(Code::OutOfScope, Outcome::Refused, why));
    }
    if let Some(why) = inbox::full(state) {
        return refuse(sheet, publish, stop(Code::OverBound, Outcome::Refused, why));
    }
    let (code, why, over) = (found.code, found.why.clone(), found.over.clone());
    let body = Body::OutputHeld(Box::new(publication(publish)));
    let primary = stopped(sheet, publish, body, found);
    let effect = Effect::Publication(publish);
    if code == Code::Unowned {
        let no = item::same_waiting(state, agent, effect).inspect(|no| inbox::join(sheet, *no, primary));
        let no = no.unwrap_or_else(|| item::unowned(sheet, agent, publish, primary));
        note(sheet, primary, no, None);
    } else {
        await_person(sheet, state, agent, effect, (&why, over.as_ref()), primary);
    }
    primary
}

/// An effect that a person lets go or not, and why it waits: an item, with the alert of its collision. The very same one
/// joins the item in which it waits.
pub(super) fn await_person(
    sheet: &mut Sheet<'_>,
    state: &State,
    agent: &AgentId,
    effect: Effect<'_>,
    (why, over): (&str, Option<&Voice>),
    primary: Seq,
) {
    if let Some(no) = item::same_waiting(state, agent, effect) {
        inbox::join(sheet, no, primary);
        return note(sheet, primary, no, None);
    }
    let raised = over.and_then(|voice| alert::output_collision(sheet, effect, voice, primary));
    let no = item::approval(sheet, agent, effect, (why, over, raised), primary);
    note(sheet, primary, no, raised);
}

/// Observe mode: it goes out, and the verdict it would have had is kept with its alert.
fn observe(sheet: &mut Sheet<'_>, state: &State, agent: &AgentId, publish: &Publish, mut found: Stop) -> Seq {
    found.why = found.observed(state, agent, Effect::Publication(publish).about().as_deref());
    let primary = go_out(sheet, publish, Some(&found));
    let raised = match (&found.over, found.code) {
        (Some(voice), _) => alert::output_collision(sheet, Effect::Publication(publish), voice, primary),
        (None, Code::NotOwner) => alert::not_owner_output(sheet, publish, primary),
        (None, Code::Stale) => alert::would_be_stale(sheet, state, primary, &found.fields),
        (None, _) => None,
    };
    alert::note(sheet, primary, raised);
    alert::cascade(sheet, state, primary);
    primary
}

fn note(sheet: &mut Sheet<'_>, primary: Seq, item: ItemNo, raised: Option<AlertNo>) {
    alert::note(sheet, primary, raised);
    if let Some(deed) = sheet.deed_mut(primary) {
        deed.refs.item = Some(item);
    }
}
