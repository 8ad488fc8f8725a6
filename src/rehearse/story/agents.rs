//! What agents asked about records, outputs, events and conclusions, and several of these together.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value as Json;

use super::asked::{Asked, Scribe, asked as ask};
use crate::domain::code::Code;
use crate::domain::command::{
    Act, Claim, Command, Conclude, Escalate, Expected, OfferZone, Publish, Raise, Together, WorkStep,
    WorkVerb, Write, WriteKind,
};
use crate::domain::deed::{Body, Deed};
use crate::domain::ids::{Actor, Fence, Version};
use crate::domain::map::FieldKind;
use crate::domain::outcome::Outcome;
use crate::domain::path::{EntityPath, FieldName, FieldPath};
use crate::domain::things::{Case, ClaimMark, FieldChange, LeaseTarget, WorkKind};
use crate::domain::value::Value;

/// What it was asked, where it was one of these.
pub(super) fn asked(scribe: &Scribe<'_>) -> Option<Asked> {
    together(scribe)
        .or_else(|| write(scribe))
        .or_else(|| act(scribe))
        .or_else(|| publish(scribe))
        .or_else(|| escalate(scribe))
        .or_else(|| raise(scribe))
        .or_else(|| conclude(scribe))
}

fn together(scribe: &Scribe<'_>) -> Option<Asked> {
    if let Body::BatchRefused(_) = scribe.deed.body {
        return Some(Asked::Untold("several commands together that did not go through"));
    }
    let Body::BatchCommitted(()) = scribe.deed.body else { return None };
    let mut commands = Vec::new();
    for part in &scribe.deed.refs.parts {
        let deed = scribe.group.iter().find(|deed| deed.seq == *part)?;
        match ask(&scribe.of(deed)) {
            Asked::Commands(one) => commands.extend(one),
            other @ (Asked::Moot(_) | Asked::Untold(_)) => return Some(other),
            Asked::Nothing => {}
        }
    }
    Some(Command::Together(Together { commands }).into())
}

fn write(scribe: &Scribe<'_>) -> Option<Asked> {
    let deed = scribe.deed;
    let is_write = matches!(
        deed.body,
        Body::WriteCommitted(())
            | Body::EntityCreated(())
            | Body::EntityArchived(())
            | Body::EntityDeleted(())
            | Body::WriteProposed(())
            | Body::WriteEscalated(())
            | Body::WriteRefused(())
    );
    scribe.agent().filter(|_| is_write)?;
    if let Some(accept) = accept(scribe) {
        return Some(accept);
    }
    let kind = match &*deed.action {
        "write" | "import" => WriteKind::Update,
        "create" => WriteKind::Create,
        "archive" => WriteKind::Archive,
        "delete" => WriteKind::Delete,
        _ => return None,
    };
    let entity = deed.subject.clone()?;
    let changes = changes(scribe, &entity);
    if changes.is_empty() && kind == WriteKind::Update {
        let is_note = deed.refs.import.is_some();
        return Some(if is_note {
            Asked::Nothing
        } else {
            Asked::Untold("a write whose fields its deed does not name")
        });
    }
    let write = Write {
        expected: expected(scribe, &entity, kind),
        depends_on: based_on(scribe),
        lease: shown(scribe, &entity),
        reason: scribe.reason(),
        cause: scribe.pairs.deed_of(deed.cause),
        entity,
        kind,
        changes,
        call: None,
    };
    Some(Command::Write(write).into())
}

/// An owner's step on a proposal is recorded as its write.
fn accept(scribe: &Scribe<'_>) -> Option<Asked> {
    let agent = scribe.agent()?;
    let waits = |no: &&crate::domain::ids::WorkNo| {
        let work = scribe.there.board.works.get(*no);
        work.is_some_and(|work| work.agent == *agent && matches!(work.kind, WorkKind::Proposal { .. }))
    };
    let then = *scribe.deed.refs.works.iter().find(waits)?;
    let Some(work) = scribe.pairs.work(then, scribe.there, scribe.here) else {
        return Some(Asked::Moot("a proposal that is not made here"));
    };
    let accepted = scribe.group.iter().find(|deed| matches!(deed.body, Body::WorkAccepted(())));
    let note = accepted.and_then(|deed| deed.reason.clone());
    let attempt = scribe.here.board.works.get(&work).map(|work| work.attempts);
    let step = WorkStep { work, step: WorkVerb::Accept, note, result: None, lease: None, attempt };
    Some(Command::Work(step).into())
}

/// The fields and their values. Of a list that grows, what was added to it.
fn changes(scribe: &Scribe<'_>, entity: &EntityPath) -> BTreeMap<FieldName, Value> {
    let is_whole = |field: &FieldChange| field.name.is_whole() && field.after.is_none();
    let own = scribe.deed.fields.iter().filter(|field| field.entity.is_none() && !is_whole(field));
    let one = |field: &FieldChange| {
        let after = field.after.clone()?;
        let kind = scribe.there.board.map.field_kind(entity, &field.name);
        let grows = scribe.deed.outcome == Outcome::Committed && matches!(kind, FieldKind::Append);
        let added = grows.then(|| last_of(&after)).flatten();
        Some((field.name.clone(), added.unwrap_or(after)))
    };
    own.filter_map(one).collect()
}

fn last_of(list: &Value) -> Option<Value> {
    let Json::Array(items) = list.json() else { return None };
    Value::new(items.last()?).ok()
}

/// The versions that the caller had read, as they are here.
fn expected(scribe: &Scribe<'_>, entity: &EntityPath, kind: WriteKind) -> Option<Expected> {
    let deed = scribe.deed;
    if deed.code == Some(Code::MissingVersion) || kind == WriteKind::Create {
        return None;
    }
    // What a workspace that observes let through names the version that it found, not the one that its author had.
    let behind = deed.verdict == Some(Outcome::Stale);
    let version = |name: &FieldName, base: Option<Version>| {
        let path = FieldPath::new(entity.clone(), name.clone());
        match base {
            Some(base) if behind => scribe.version(&path, Version(base.0.saturating_sub(1))),
            Some(base) => scribe.version(&path, base),
            None => scribe.latest(&path),
        }
    };
    let own = deed.fields.iter().filter(|field| field.entity.is_none());
    let mut versions: BTreeMap<FieldName, Version> =
        own.map(|field| (field.name.clone(), version(&field.name, field.base))).collect();
    if kind != WriteKind::Update {
        versions.entry(FieldName::whole()).or_insert_with(|| version(&FieldName::whole(), None));
    }
    Some(Expected::Fields(versions))
}

/// What it was based on: as it is now, but for what was found outdated.
fn based_on(scribe: &Scribe<'_>) -> BTreeMap<FieldPath, Version> {
    let read = scribe.deed.based_on().iter().map(|path| (path.clone(), scribe.latest(path)));
    let outdated = scribe.deed.fields.iter().filter_map(|field| {
        let path = FieldPath::new(field.entity.clone()?, field.name.clone());
        let base = field.base?;
        Some((path.clone(), scribe.version(&path, base)))
    });
    read.chain(outdated).collect()
}

/// The token of the caller's lease there, where it showed one; one of no lease, where that was over.
fn shown(scribe: &Scribe<'_>, entity: &EntityPath) -> Option<Fence> {
    let agent = scribe.agent()?;
    if scribe.deed.code == Some(Code::LeaseOver) {
        return Some(Fence(0));
    }
    let held = |target: &LeaseTarget| matches!(target, LeaseTarget::Path(path) if path.entity == *entity);
    let mut leases = scribe.here.board.leases.values();
    let lease = leases.find(|lease| lease.holder == *agent && held(&lease.target))?;
    (scribe.deed.code != Some(Code::NoToken)).then_some(lease.fence)
}

/// The case of the item that the decision opened.
fn case<'a>(scribe: &Scribe<'a>) -> Option<&'a Case> {
    scribe
        .group
        .iter()
        .find_map(|deed| if let Body::ItemOpened(item) = &deed.body { Some(&item.case) } else { None })
}

fn act(scribe: &Scribe<'_>) -> Option<Asked> {
    let deed = scribe.deed;
    scribe.agent()?;
    let (Body::ActAllowed(order) | Body::ActRefused(order) | Body::ActDeferred(order)) = &deed.body else {
        return None;
    };
    let stored = match case(scribe) {
        Some(Case::UnownedTarget { act }) => Some(act.clone()),
        Some(Case::ActApproval { act, .. }) => Some(Act::clone(act)),
        Some(_) | None => order.waits.as_ref().map(|waits| waits.act.clone()),
    };
    let Some(subject) = deed.subject.clone() else {
        return Some(Asked::Untold("an act whose deed does not name its subject"));
    };
    let thread = order.conversation.as_ref().and_then(|said| said.thread.clone());
    let plain = || Act {
        target: Arc::clone(&order.target),
        subject,
        action: Arc::from(&*deed.action),
        thread,
        depends_on: BTreeMap::new(),
        wait: order.waits.is_some(),
        reason: scribe.reason(),
        cause: None,
        call: None,
    };
    let mut depends_on = based_on(scribe);
    let read = order.based_on.iter().map(|path| (path.clone(), scribe.latest(path)));
    for (path, version) in read {
        depends_on.entry(path).or_insert(version);
    }
    let cause = scribe.pairs.deed_of(deed.cause);
    Some(Command::Act(Act { depends_on, cause, ..stored.unwrap_or_else(plain) }).into())
}

fn publish(scribe: &Scribe<'_>) -> Option<Asked> {
    let deed = scribe.deed;
    scribe.agent()?;
    let (Body::OutputPublished(said)
    | Body::OutputHeld(said)
    | Body::OutputDeferred(said)
    | Body::OutputRefused(said)) = &deed.body
    else {
        return None;
    };
    let stored = case(scribe).and_then(Case::publication).cloned();
    let stored = stored.or_else(|| said.waits.as_ref().map(|waits| waits.publish.clone()));
    let plain = || Publish {
        output: Arc::clone(&said.output),
        thread: said.thread.clone(),
        body: said.body.clone(),
        subject: deed.subject.clone(),
        action: Some(Arc::from(&*deed.action)).filter(|action| **action != *"publish"),
        depends_on: BTreeMap::new(),
        reason: scribe.reason(),
        cause: None,
    };
    let stored = stored.unwrap_or_else(plain);
    let mut depends_on = based_on(scribe);
    for path in stored.depends_on.keys() {
        depends_on.entry(path.clone()).or_insert_with(|| scribe.latest(path));
    }
    let cause = scribe.pairs.deed_of(deed.cause);
    Some(Command::Publish(Publish { depends_on, cause, ..stored }).into())
}

fn escalate(scribe: &Scribe<'_>) -> Option<Asked> {
    let deed = scribe.deed;
    scribe.agent().filter(|_| matches!(&*deed.action, "escalate" | "offer zone"))?;
    let joined = || scribe.there.board.items.get(&deed.refs.item?);
    let item =
        if let Body::ItemOpened(item) = &deed.body { Some(&**item) } else { joined().map(|item| &**item) };
    let (Some(item), Body::ItemOpened(_) | Body::ItemJoined(())) = (item, &deed.body) else {
        return Some(Asked::Untold("an escalation that was not taken in"));
    };
    if let Case::ZoneOffer { pattern, to, .. } = &item.case {
        let (pattern, to, reason) = (pattern.clone(), to.clone(), Arc::clone(&item.why));
        return Some(Command::OfferZone(OfferZone { pattern, to, reason }).into());
    }
    let Case::Escalation { input } = &item.case else { return None };
    let (input, why) = (input.clone(), Arc::clone(&item.why));
    let subject = deed.subject.clone();
    Some(Command::Escalate(Escalate { input, subject, why, evidence: Vec::new() }).into())
}

fn raise(scribe: &Scribe<'_>) -> Option<Asked> {
    let deed = scribe.deed;
    if let Body::ClaimGranted(mark) | Body::ClaimRefused(mark) = &deed.body {
        return Some(claim(scribe, mark));
    }
    let (Body::EventRaised(raised) | Body::EventEscalated(raised) | Body::EventRefused(raised)) = &deed.body
    else {
        return None;
    };
    if deed.actor == Actor::Deeds {
        return None;
    }
    let raise = Raise {
        event: Arc::clone(&raised.event),
        attributes: raised.attributes.clone(),
        subject: deed.subject.clone(),
        reason: None,
        cause: scribe.pairs.deed_of(deed.cause),
    };
    Some(Command::Raise(raise).into())
}

fn claim(scribe: &Scribe<'_>, mark: &ClaimMark) -> Asked {
    let on_values = |routes: &[crate::domain::map::model::Route]| {
        routes.iter().any(|route| route.event == *mark.event && !route.when.is_empty())
    };
    let model = |state: &crate::domain::state::State| Arc::clone(state.board.map.model());
    if on_values(&model(scribe.here).routes) || on_values(&model(scribe.there).routes) {
        return Asked::Untold("a claim of an event that goes by attributes, which its deed does not keep");
    }
    Command::Claim(Claim {
        event: Arc::clone(&mark.event),
        key: Arc::clone(&mark.key),
        attributes: BTreeMap::new(),
        subject: scribe.deed.subject.clone(),
        cause: scribe.pairs.deed_of(scribe.deed.cause),
    })
    .into()
}

fn conclude(scribe: &Scribe<'_>) -> Option<Asked> {
    let deed: &Deed = scribe.deed;
    let Body::ConclusionDrawn(drawn) = &deed.body else { return None };
    let conclude = Conclude {
        subject: deed.subject.clone()?,
        question: Arc::clone(&drawn.question),
        answer: drawn.answer.clone(),
        depends_on: based_on(scribe),
        reason: scribe.reason(),
        cause: scribe.pairs.deed_of(deed.cause),
    };
    Some(Command::Conclude(conclude).into())
}
