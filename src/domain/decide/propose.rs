//! A write outside the caller's zone: a proposal for each owner concerned, an inbox item for what nobody owns.

use std::sync::Arc;

use super::sheet::Sheet;
use super::write::{self, draft, refused, wanted, word};
use super::{alert, inbox, title, work};
use crate::domain::code::Code;
use crate::domain::command::{Expected, Write, WriteKind};
use crate::domain::deed::{Body, Refs};
use crate::domain::ids::{Actor, AgentId, Seq, WorkNo};
use crate::domain::outcome::Outcome;
use crate::domain::path::{FieldName, FieldPath};
use crate::domain::rule::zone::Zones;
use crate::domain::state::State;
use crate::domain::things::{Work, WorkKind};

/// Not all of it is the caller's own, RULES §4.5 and RULES §4.6: a proposal for each owner, an item for what nobody owns.
pub(super) fn decide(
    sheet: &mut Sheet<'_>,
    state: &State,
    agent: &AgentId,
    write: &Write,
    zones: &Zones,
) -> Seq {
    if let Some(call) = &write.call
        && zones.others.len() + usize::from(!zones.nobody.is_empty()) + usize::from(!zones.own.is_empty()) > 1
    {
        let why = format!(
            "{}; {} changes all of it at once, so that nobody alone can let it: call it for one owner's fields",
            zone_words(write, zones),
            call.mark.name()
        );
        return sheet.refuse_on(refused(), word(write), &write.entity, (Code::NotOwner, &why));
    }
    let closed = closed(state, agent, write, zones);
    if let Some(why) = closed.as_ref().filter(|_| zones.others.is_empty()) {
        return sheet.refuse_on(refused(), word(write), &write.entity, (Code::OutOfScope, why));
    }
    if let Some(why) = full(state, zones) {
        return sheet.refuse_on(refused(), word(write), &write.entity, (Code::OverBound, &why));
    }
    let proposed = !zones.others.is_empty();
    let (body, outcome, code) = if proposed {
        (Body::WriteProposed(()), Outcome::Proposed, Code::NotOwner)
    } else {
        (Body::WriteEscalated(()), Outcome::Escalated, Code::Unowned)
    };
    let mut deed = draft(sheet, write, body, outcome);
    deed.code = Some(code);
    let closed_words = closed.as_ref().map(|why| format!("; {why}")).unwrap_or_default();
    deed.because(format!("{}{closed_words}", zone_words(write, zones)));
    deed.fields = wanted(state, agent, write);
    deed.refs.owners = zones.others.keys().cloned().collect();
    let primary = sheet.push(deed);
    let mut refs = Refs { owners: zones.others.keys().cloned().collect(), ..Refs::default() };
    let mut no = state.board.next.work;
    for (owner, names) in &zones.others {
        let mut wish = part(write, names);
        // Whoever owns the fields may not see what else the call was told.
        wish.call = wish.call.map(|call| Box::new(call.bare()));
        if let Some(waiting) = same_waiting(state, owner, &sheet.principal.actor, &wish) {
            refs.works.push(waiting);
            continue;
        }
        let from = sheet.principal.actor.clone();
        let partial = is_partial(&wish, write);
        queue_proposal(sheet, (no, owner), &from, (&wish, partial), (primary, primary));
        refs.works.push(no);
        no = no.next();
    }
    if !zones.nobody.is_empty() && closed.is_none() {
        let stored = part(write, &zones.nobody);
        refs.item = Some(inbox::open_write(sheet, agent, (&stored, is_partial(&stored, write)), primary));
    }
    if proposed {
        refs.alerts.extend(alert::not_owner(sheet, state, write, zones, primary));
    }
    if let Some(deed) = sheet.deed_mut(primary) {
        deed.refs = refs;
    }
    primary
}

/// The rule that closes what nobody owns of the write, in words: alone, or beside what goes to its owners.
fn closed(state: &State, agent: &AgentId, write: &Write, zones: &Zones) -> Option<String> {
    if zones.nobody.is_empty() {
        return None;
    }
    inbox::closed_on_arrival(state, &inbox::alike_write(agent, write, &zones.nobody), || {
        let stored = part(write, &zones.nobody);
        let case = write::case(&stored, is_partial(&stored, write));
        (case, Actor::Agent(agent.clone()), Some(write.entity.clone()))
    })
}

pub(super) fn zone_words(write: &Write, zones: &Zones) -> String {
    let names = |names: &[FieldName]| {
        let names: Vec<String> =
            names.iter().map(|name| FieldPath::new(write.entity.clone(), name.clone()).to_string()).collect();
        names.join(", ")
    };
    let mut words: Vec<String> =
        zones.others.iter().map(|(owner, fields)| format!("{} belongs to {owner}", names(fields))).collect();
    if !zones.nobody.is_empty() {
        words.push(format!("nobody owns {}", names(&zones.nobody)));
    }
    if !zones.own.is_empty() && !words.is_empty() {
        words.push(format!("write your own {} separately", names(&zones.own)));
    }
    words.join("; ")
}

/// The part of a write that concerns these fields.
fn part(write: &Write, names: &[FieldName]) -> Write {
    let whole = names.iter().any(FieldName::is_whole) && write.kind != WriteKind::Update;
    // A fencing token is its holder's alone: who decides on this part later would show another's.
    let write = Write { lease: None, ..write.clone() };
    if whole {
        return write;
    }
    let keep = |name: &FieldName| names.contains(name);
    Write {
        kind: WriteKind::Update,
        changes: write
            .changes
            .iter()
            .filter(|(name, _)| keep(name))
            .map(|(n, v)| (n.clone(), v.clone()))
            .collect(),
        expected: write.expected.as_ref().map(|expected| match expected {
            Expected::Entity(version) => Expected::Entity(*version),
            Expected::Fields(versions) => Expected::Fields(
                versions.iter().filter(|(name, _)| keep(name)).map(|(n, v)| (n.clone(), *v)).collect(),
            ),
        }),
        ..write
    }
}

/// Was there more in the write than this part of it?
fn is_partial(part: &Write, write: &Write) -> bool {
    part.changes.len() < write.changes.len() || part.kind != write.kind
}

/// Whether inbox or work streams take no more, in words.
fn full(state: &State, zones: &Zones) -> Option<String> {
    let items = || if zones.nobody.is_empty() { None } else { inbox::full(state) };
    work::full(state, zones.others.len()).or_else(items)
}

/// The very same proposal is waiting already: a retry, not new work.
fn same_waiting(state: &State, owner: &AgentId, from: &Actor, wish: &Write) -> Option<WorkNo> {
    let same = |work: &&Arc<Work>| match &work.kind {
        WorkKind::Proposal { from: author, write, .. } => {
            work.agent == *owner && author == from && write == wish
        }
        WorkKind::Decision { .. }
        | WorkKind::Notice { .. }
        | WorkKind::Ruling { .. }
        | WorkKind::Dispatch { .. }
        | WorkKind::Handoff { .. }
        | WorkKind::Returned { .. }
        | WorkKind::Branch { .. }
        | WorkKind::Join { .. }
        | WorkKind::Changed { .. }
        | WorkKind::Free { .. } => false,
    };
    // A proposal is held on its entity, which has few; the owner's stream may be long.
    state.board.works_on(&wish.entity).find(same).map(|work| work.no)
}

/// Puts the write of that author into its owner's stream: since which deed it is proposed, and what caused that it waits.
pub(super) fn queue_proposal(
    sheet: &mut Sheet<'_>,
    (no, owner): (WorkNo, &AgentId),
    from: &Actor,
    (write, partial): (&Write, bool),
    (proposed, cause): (Seq, Seq),
) {
    let fields: Vec<String> = write
        .changes
        .iter()
        .map(|(name, value)| {
            format!("{} = {}", FieldPath::new(write.entity.clone(), name.clone()), value.plain())
        })
        .collect();
    let what =
        if fields.is_empty() { format!("{} {}", word(write), write.entity) } else { fields.join(", ") };
    let kind = WorkKind::Proposal { from: from.clone(), write: write.clone(), proposed, partial };
    let title = format!("{from} proposes {what}");
    let work = Work::new(no, owner.clone(), kind, title, (sheet.now, sheet.next_seq()));
    queue(sheet, work.about(Some(write.entity.clone())), Some(cause));
}

/// Puts something into an agent's work stream.
pub(super) fn queue(sheet: &mut Sheet<'_>, mut work: Work, cause: Option<Seq>) {
    // What it carries is in it once: its title only begins to tell it.
    if let Some(short) = title::beginning(&work.title) {
        work.title = Arc::from(short);
    }
    let action = work.kind.word();
    let mut deed =
        sheet.follow_up(Body::WorkQueued(Box::new(work.clone())), action, Outcome::Recorded, cause);
    deed.subject.clone_from(&work.subject);
    deed.reason = Some(Arc::clone(&work.title));
    deed.refs.works = vec![work.no];
    deed.refs.owners = vec![work.agent];
    sheet.push(deed);
}

/// A notice for an agent.
pub(super) fn notice(sheet: &mut Sheet<'_>, agent: &AgentId, about: &Write, words: &str, cause: Seq) {
    let no = sheet.state().board.next.work;
    let kind = WorkKind::notice(words);
    let work = Work::new(no, agent.clone(), kind, words, (sheet.now, sheet.next_seq()));
    queue(sheet, work.about(Some(about.entity.clone())), Some(cause));
}
