//! Publications, RULES §10: by the publisher or in turn, one voice on a thread, approved where that is needed. What
//! waits for a person is opened in `item`; what a person answers is decided in `approval`.

pub(super) mod approval;
mod item;

use super::sheet::Sheet;
use super::write::stale_on;
use super::{alert, inbox, verdict};
use crate::domain::code::Code;
use crate::domain::command::{DEPENDENCIES, NAME_BYTES, Publish};
use crate::domain::deed::{Body, Deed, Refs};
use crate::domain::ids::{AgentId, Seq};
use crate::domain::key::key;
use crate::domain::outcome::Outcome;
use crate::domain::rule::output as rule;
use crate::domain::rule::zone::Whose;
use crate::domain::state::{Board, State};
use crate::domain::things::{FieldChange, LastPublication, Publication};
use crate::domain::time::Time;

/// What stands in the way of a publication.
struct Stop {
    code: Code,
    outcome: Outcome,
    why: String,
    fields: Vec<FieldChange>,
    refs: Refs,
    /// The publication of another agent that it collides with.
    over: Option<LastPublication>,
}

/// Decides a publication by the caller.
pub(super) fn decide(sheet: &mut Sheet<'_>, publish: &Publish) -> Seq {
    let Some(agent) = sheet.principal.actor.agent().cloned() else {
        return refuse(sheet, publish, stop(Code::NotAllowed, Outcome::Refused, "only agents publish"));
    };
    if let Some(why) = over_bound(publish) {
        return refuse(sheet, publish, stop(Code::OverBound, Outcome::Refused, why));
    }
    let state = sheet.snapshot();
    if let Some(why) = verdict::unknown_cause(&state, publish.cause) {
        let unlinked = Publish { cause: None, ..publish.clone() };
        return refuse(sheet, &unlinked, stop(Code::NotFound, Outcome::Refused, why));
    }
    let subject = publish.subject.as_ref();
    if let Some(why) = subject.and_then(|subject| verdict::frozen(&state, &agent, subject)) {
        return refuse(sheet, publish, stop(Code::Frozen, Outcome::Refused, why));
    }
    match check(&state, &agent, publish, sheet.now) {
        None => {
            let primary = go_out(sheet, publish, None);
            alert::cascade(sheet, &state, primary);
            primary
        }
        Some(found) if !state.board.enforces() => observe(sheet, &state, &agent, publish, found),
        Some(found) if found.outcome == Outcome::Escalated => hold(sheet, &state, &agent, publish, found),
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

/// A stored publication of an agent that a person has stopped meanwhile.
pub(super) fn paused(sheet: &mut Sheet<'_>, publish: &Publish, why: String) -> Seq {
    refuse(sheet, publish, stop(Code::Paused, Outcome::Refused, why))
}

/// The publication as its deed keeps it. A refusal of names over their bound keeps no more of them than the bound.
pub(super) fn publication(publish: &Publish) -> Publication {
    Publication {
        output: verdict::cut(&publish.output),
        thread: publish.thread.as_ref().map(verdict::cut),
        body: publish.body.clone(),
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

/// Zone, turn, what it was based on, who goes first, who else spoke on the thread, and whether a person approves.
fn check(state: &State, agent: &AgentId, publish: &Publish, now: Time) -> Option<Stop> {
    if let Some(found) = check_zone(state, agent, publish).or_else(|| check_turn(state, agent, publish)) {
        return Some(found);
    }
    if let Some(found) = check_base(state, agent, publish, now) {
        return Some(found);
    }
    let map = &state.board.map;
    let last = last_on_thread(&state.board, publish).filter(|_| publish.thread.is_some());
    if let Some(last) = last.filter(|last| rule::collides(map, &publish.output, last, agent, now)) {
        let ago = now.since(last.at).rough();
        let why = format!("{} published on {} {ago} ago, in deed {}", last.by, place(publish), last.deed);
        let refs = Refs { owners: vec![last.by.clone()], ..Refs::default() };
        let found = stop(Code::Collision, Outcome::Escalated, why);
        return Some(Stop { refs, over: Some(last.clone()), ..found });
    }
    let why = format!("a person approves what goes out on {}", publish.output);
    rule::needs_approval(map, &publish.output).then(|| stop(Code::NeedsApproval, Outcome::Escalated, why))
}

/// What must hold now as much as when the publication was asked for.
fn check_base(state: &State, agent: &AgentId, publish: &Publish, now: Time) -> Option<Stop> {
    if let Some(subject) = publish.subject.as_ref().filter(|subject| verdict::unseen(state, agent, subject)) {
        return Some(stop(Code::Hidden, Outcome::Refused, verdict::unseen_words(subject, agent)));
    }
    let reads = verdict::outdated_reads(state, Some(agent), &publish.depends_on);
    if let Some(first) = reads.first().and_then(|read| read.entity.clone()) {
        let why = stale_on(publish.subject.as_ref().unwrap_or(&first), &reads);
        return Some(Stop { fields: reads, ..stop(Code::Stale, Outcome::Stale, why) });
    }
    let subject = publish.subject.as_ref()?;
    if let Some(gone) = state.entities.get(subject).and_then(|entity| entity.gone.as_ref()) {
        let why = if verdict::hides_whole(state, agent, subject) {
            format!("{subject} is gone")
        } else {
            format!("{subject} is gone since {} by {}", gone.at, gone.by)
        };
        return Some(stop(Code::Tombstone, Outcome::Stale, why));
    }
    let first = verdict::goes_first(state, agent, publish.word(), subject, now)?;
    let refs = Refs { owners: first.to, until: first.until, ..Refs::default() };
    Some(Stop { refs, ..stop(Code::Deferred, Outcome::Deferred, first.why) })
}

fn check_zone(state: &State, agent: &AgentId, publish: &Publish) -> Option<Stop> {
    match rule::whose(&state.board.map, agent, &publish.output) {
        Whose::Own => None,
        Whose::Of(owner) => {
            let why = format!("{} belongs to {owner}", publish.output);
            let refs = Refs { owners: vec![owner.clone()], ..Refs::default() };
            Some(Stop { refs, ..stop(Code::NotOwner, Outcome::Refused, why) })
        }
        Whose::Nobodys => {
            let why = format!("nobody publishes on {}", publish.output);
            Some(stop(Code::Unowned, Outcome::Escalated, why))
        }
    }
}

fn check_turn(state: &State, agent: &AgentId, publish: &Publish) -> Option<Stop> {
    let map = &state.board.map;
    let last = last_on_thread(&state.board, publish).map(|last| &last.by);
    let next = rule::turn(map, &publish.output, last, agent).err()?;
    let order = map.output(&publish.output).map(|rule| verdict::named(&rule.order)).unwrap_or_default();
    let last = last.map_or_else(|| "nobody".to_owned(), ToString::to_string);
    let next: Vec<&str> = next.iter().map(|agent| agent.as_str()).collect();
    let why = format!("{} goes along {order}; {last} was last, {} may", place(publish), next.join(" or "));
    Some(stop(Code::NotYourTurn, Outcome::Refused, why))
}

/// The last publication on its thread; on the output as a whole where it is on none.
fn last_on_thread<'a>(board: &'a Board, publish: &Publish) -> Option<&'a LastPublication> {
    match &publish.thread {
        Some(thread) => board.threads.get(&key(&[&publish.output, thread])),
        None if rule::takes_turns(&board.map, &publish.output) => board.threads.get(&key(&[&publish.output])),
        None => None,
    }
}

/// `slack/billing, thread inv-7`.
fn place(publish: &Publish) -> String {
    let thread = publish.thread.as_ref().map(|thread| format!(", thread {thread}")).unwrap_or_default();
    format!("{}{thread}", publish.output)
}

fn stop(code: Code, outcome: Outcome, why: impl Into<String>) -> Stop {
    Stop { code, outcome, why: why.into(), fields: Vec::new(), refs: Refs::default(), over: None }
}

fn draft(sheet: &Sheet<'_>, publish: &Publish, body: Body, outcome: Outcome) -> Deed {
    let mut deed =
        sheet.draft(body, verdict::cut(&std::sync::Arc::from(publish.word())).to_string(), outcome);
    deed.subject.clone_from(&publish.subject);
    deed.cause = publish.cause;
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
    deed.refs = found.refs;
    sheet.push(deed)
}

fn go_out(sheet: &mut Sheet<'_>, publish: &Publish, verdict: Option<&Stop>) -> Seq {
    let body = Body::OutputPublished(Box::new(publication(publish)));
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
    if found.code == Code::Unowned
        && let Some(closed) = inbox::closed_on_arrival(state, &item::alike(agent, publish, true))
    {
        let why = format!("out of scope since #{} by {}: {}", closed.item, closed.by, closed.reason);
        return refuse(sheet, publish, stop(Code::OutOfScope, Outcome::Refused, why));
    }
    if let Some(why) = inbox::full(state) {
        return refuse(sheet, publish, stop(Code::OverBound, Outcome::Refused, why));
    }
    let (code, why, over) = (found.code, found.why.clone(), found.over.clone());
    let body = Body::OutputHeld(Box::new(publication(publish)));
    let primary = stopped(sheet, publish, body, found);
    if let Some(no) = item::same_waiting(state, agent, publish) {
        inbox::join(sheet, no, primary);
        if let Some(deed) = sheet.deed_mut(primary) {
            deed.refs.item = Some(no);
        }
        return primary;
    }
    let raised = over.as_ref().and_then(|last| alert::output_collision(sheet, publish, last, primary));
    let no = if code == Code::Unowned {
        item::unowned(sheet, agent, publish, primary)
    } else {
        item::approval(sheet, agent, publish, (&why, over.as_ref(), raised), primary)
    };
    alert::note(sheet, primary, raised);
    if let Some(deed) = sheet.deed_mut(primary) {
        deed.refs.item = Some(no);
    }
    primary
}

/// Observe mode: it goes out, and the verdict it would have had is kept with its alert.
fn observe(sheet: &mut Sheet<'_>, state: &State, agent: &AgentId, publish: &Publish, mut found: Stop) -> Seq {
    if let (Code::Stale, Some(subject)) = (found.code, &publish.subject) {
        found.why = verdict::seen_stale(state, agent, subject, &found.fields);
    }
    let primary = go_out(sheet, publish, Some(&found));
    let raised = match (&found.over, found.code) {
        (Some(last), _) => alert::output_collision(sheet, publish, last, primary),
        (None, Code::NotOwner) => alert::not_owner_output(sheet, publish, primary),
        (None, Code::Stale) => alert::would_be_stale(sheet, state, primary, &found.fields),
        (None, _) => None,
    };
    alert::note(sheet, primary, raised);
    alert::cascade(sheet, state, primary);
    primary
}
