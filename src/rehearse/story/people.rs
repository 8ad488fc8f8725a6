//! What people asked: answers, alerts, maps, tokens, overrides, reviews, absences. An answer is given here to the item
//! that is the same here, as it is shown here.

use std::sync::Arc;

use super::asked::{Asked, Scribe};
use super::pairs;
use crate::domain::command::{
    AlertStep, AlertVerb, Answered, ApplyMap, AwayStep, AwayVerb, Command, ItemStep, ItemVerb, MapReview,
    Override, OverrideVerb, ReviewStep, ReviewVerb, TokenStep,
};
use crate::domain::deed::{Body, ItemClosed};
use crate::domain::ids::{ItemNo, PersonId};
use crate::domain::path::{EntityPath, FieldPath};
use crate::domain::things::{Case, Lasts, Until};

/// An answer to what does not wait here.
pub(super) const NO_ITEM: &str = "an item that does not wait here";
const NO_ALERT: &str = "an alert that is not open here";

/// What it was asked, where it was one of these.
pub(super) fn asked(scribe: &Scribe<'_>) -> Option<Asked> {
    map(scribe)
        .or_else(|| token(scribe))
        .or_else(|| item(scribe))
        .or_else(|| alert(scribe))
        .or_else(|| set(scribe))
        .or_else(|| stop(scribe))
        .or_else(|| review(scribe))
        .or_else(|| away(scribe))
}

fn map(scribe: &Scribe<'_>) -> Option<Asked> {
    if let Body::MapReviewed(()) = &scribe.deed.body {
        return Some(Command::MapReview(MapReview::default()).into());
    }
    let Body::MapApplied(new) = &scribe.deed.body else { return None };
    if !scribe.its_maps {
        return Some(Asked::Nothing);
    }
    let if_version = scribe.here.board.map_version;
    let reason = scribe.deed.reason.clone();
    let apply =
        ApplyMap { model: Arc::clone(&new.model), if_version, reason, planned: new.planned, take_back: true };
    Some(Command::ApplyMap(apply).into())
}

fn token(scribe: &Scribe<'_>) -> Option<Asked> {
    if let Body::TokenCreated(token) = &scribe.deed.body {
        return Some(Command::Token(TokenStep::Create(*token.clone())).into());
    }
    let Body::TokenRevoked(token) = &scribe.deed.body else { return None };
    Some(Command::Token(TokenStep::Revoke { token: token.clone() }).into())
}

fn item(scribe: &Scribe<'_>) -> Option<Asked> {
    let deed = scribe.deed;
    scribe.person()?;
    if let Body::ItemUndone(()) = deed.body {
        let item = scribe.pairs.answered(deed.refs.item?);
        let step = |item| Command::Item(ItemStep { item, step: ItemVerb::Undo }).into();
        return Some(item.map_or(Asked::Moot(NO_ITEM), step));
    }
    let step = item_step(scribe)?;
    let here = |no: ItemNo| scribe.pairs.item(no, scribe.there, scribe.here);
    let Some(no) = here(deed.refs.item?) else { return Some(Asked::Moot(NO_ITEM)) };
    let step = match step {
        ItemVerb::Answer(answered) => {
            let shown = scribe.here.board.items.get(&no)?;
            let (version, digest) = (shown.version, shown.digest());
            let include = answered.include.iter().filter_map(|no| here(*no)).collect();
            ItemVerb::Answer(Answered { version, digest, include, ..answered })
        }
        other @ (ItemVerb::Claim
        | ItemVerb::TakeOver { .. }
        | ItemVerb::Release
        | ItemVerb::Reassign { .. }
        | ItemVerb::Leave { .. }
        | ItemVerb::Undo) => other,
    };
    Some(Command::Item(ItemStep { item: no, step }).into())
}

/// What was done to the item, as far as it goes by nothing that is here.
fn item_step(scribe: &Scribe<'_>) -> Option<ItemVerb> {
    let deed = scribe.deed;
    let reason = || deed.reason.clone().unwrap_or_else(|| Arc::from("as before"));
    if let Body::ItemAnswered(closed) = &deed.body {
        let ItemClosed { answer, effects } = &**closed;
        let include = effects.included.clone();
        return Some(ItemVerb::Answer(Answered {
            answer: answer.clone(),
            version: 0,
            digest: Arc::from(""),
            include,
        }));
    }
    if let Body::ItemReassigned(to) = &deed.body {
        return Some(ItemVerb::Reassign { to: to.clone() });
    }
    if let Body::ItemClaimed(()) = deed.body {
        let taken = *deed.action == *"take over";
        return Some(if taken { ItemVerb::TakeOver { reason: reason() } } else { ItemVerb::Claim });
    }
    if let Body::ItemLeft(()) = deed.body {
        return Some(ItemVerb::Leave { reason: reason() });
    }
    matches!(deed.body, Body::ItemReleased(())).then_some(ItemVerb::Release)
}

fn alert(scribe: &Scribe<'_>) -> Option<Asked> {
    let deed = scribe.deed;
    scribe.person()?;
    let (step, then) = if let Body::AlertAcknowledged(()) = deed.body {
        (AlertVerb::Acknowledge, *deed.refs.alerts.first()?)
    } else if let Body::AlertResolved(()) = deed.body {
        (AlertVerb::Resolve, *deed.refs.alerts.first()?)
    } else if let Body::ItemOpened(item) = &deed.body {
        let Case::Conflict { alert } = item.case else { return None };
        (AlertVerb::Escalate, alert)
    } else {
        return None;
    };
    let Some(alert) = pairs::alert(then, scribe.there, scribe.here) else {
        return Some(Asked::Moot(NO_ALERT));
    };
    Some(Command::Alert(AlertStep { alert, step, note: deed.reason.clone() }).into())
}

/// A person's own hand on a field.
fn set(scribe: &Scribe<'_>) -> Option<Asked> {
    let deed = scribe.deed;
    scribe.person()?;
    let entity = deed.subject.as_ref();
    let path = || {
        let field = deed.fields.iter().find(|field| field.entity.is_none())?;
        Some((FieldPath::new(entity?.clone(), field.name.clone()), field))
    };
    let step = if let Body::FieldReleased(()) = deed.body {
        OverrideVerb::Release { path: path()?.0 }
    } else if let Body::WriteCommitted(()) = deed.body {
        let (path, field) = path()?;
        let expected = field.base.map_or_else(|| scribe.latest(&path), |base| scribe.version(&path, base));
        OverrideVerb::Set { path, value: field.after.clone()?, expected }
    } else {
        return None;
    };
    let lasts = match (&step, deed.refs.held, deed.refs.until) {
        (OverrideVerb::Set { .. }, true, Some(until)) => Some(Lasts::For(until.since(deed.recorded))),
        (OverrideVerb::Set { .. }, true, None) => Some(Lasts::UntilReleased),
        (OverrideVerb::Set { .. }, false, _) => Some(Lasts::NotAtAll),
        (_, _, _) => None,
    };
    Some(over(scribe, step, lasts))
}

/// What stops somebody or something, and what ends that.
fn stop(scribe: &Scribe<'_>) -> Option<Asked> {
    let deed = scribe.deed;
    scribe.person()?;
    let entity = || -> Option<EntityPath> { deed.subject.clone() };
    let step = if let Body::EntityFrozen(()) = deed.body {
        OverrideVerb::Freeze { entity: entity()? }
    } else if let Body::EntityUnfrozen(()) = deed.body {
        OverrideVerb::Unfreeze { entity: entity()? }
    } else if let Body::AgentPaused(agent) = &deed.body {
        OverrideVerb::Pause { agent: agent.clone() }
    } else if let Body::AgentResumed(agent) = &deed.body {
        OverrideVerb::Resume { agent: agent.clone() }
    } else if let Body::WorkspacePaused(_) = deed.body {
        OverrideVerb::PauseAll
    } else if let Body::WorkspaceResumed(()) = deed.body {
        OverrideVerb::ResumeAll
    } else if let Body::LeaseRevoked(()) = deed.body {
        let Some(lease) = scribe.pairs.lease(deed.refs.lease?, scribe.here) else {
            return Some(Asked::Moot("a lease that is not held here"));
        };
        OverrideVerb::Unlock { lease }
    } else {
        return None;
    };
    let lasts = deed.refs.until.map(|until| Lasts::For(until.since(deed.recorded)));
    Some(over(scribe, step, lasts))
}

fn over(scribe: &Scribe<'_>, step: OverrideVerb, lasts: Option<Lasts>) -> Asked {
    let reason = scribe.deed.reason.clone().unwrap_or_else(|| Arc::from("as before"));
    Command::Override(Override { step, reason, lasts }).into()
}

fn review(scribe: &Scribe<'_>) -> Option<Asked> {
    let deed = scribe.deed;
    let (queue, step) = if let Body::ReviewStarted(queue) = &deed.body {
        (queue, ReviewVerb::Start)
    } else if let Body::ReviewEnded(end) = &deed.body {
        (&end.queue, ReviewVerb::End)
    } else {
        return None;
    };
    // Sessions end with a reason for what is left, which stands in the deeds of the items.
    let left = scribe.group.iter().find(|deed| matches!(deed.body, Body::ItemLeft(())));
    let leave = left.and_then(|deed| deed.reason.clone());
    let step = ReviewStep { queue: queue.clone(), step, note: None, leave };
    Some(Command::Review(step).into())
}

fn away(scribe: &Scribe<'_>) -> Option<Asked> {
    let deed = scribe.deed;
    let me = scribe.person()?;
    let step = |person: &PersonId, step| {
        let person = Some(person.clone()).filter(|person| person != me);
        Command::Away(AwayStep { person, step, note: None }).into()
    };
    if let Body::AbsenceBegun(person) = &deed.body {
        return Some(step(person, AwayVerb::Leave { until: deed.refs.until.map(Until::At) }));
    }
    if let Body::AbsenceEnded(person) = &deed.body { Some(step(person, AwayVerb::Return)) } else { None }
}
