//! Folding what readiness asks for: a look-up and a few sums for each deed. No rules here.

use std::sync::Arc;

use super::{Board, CareMark, DayCounts, Dependency, TURNS};
use crate::domain::deed::{Body, Deed};
use crate::domain::ids::{Actor, AgentId, Seq};
use crate::domain::key::key;
use crate::domain::outcome::Outcome;
use crate::domain::things::{Alert, Item, ItemAnswer, PastTurn, QueueReviews};
use crate::domain::time::Time;

impl Board {
    /// Counts a deed for the agents that it says something about, beside its own author (`count_own`).
    pub(super) fn count_for_others(&mut self, deed: &Deed) {
        if let Body::HandoffReturned(task) | Body::HandoffEscalated(task) | Body::TaskAborted(task) =
            &deed.body
        {
            self.on_day(&task.order.from, deed, |day, seq| day.returned.add(seq));
        }
        if let Body::WorkLapsed(()) = &deed.body {
            for agent in &deed.refs.owners {
                self.on_day(agent, deed, |day, seq| day.failed.add(seq));
            }
        }
    }

    /// Who relies on what others own: the deed went through, and names what it was based on.
    pub(super) fn count_dependencies(&mut self, deed: &Deed) {
        let based_on = deed.based_on();
        let Actor::Agent(reader) = &deed.actor else { return };
        if based_on.is_empty() || !matches!(deed.outcome, Outcome::Committed | Outcome::Allowed) {
            return;
        }
        for path in based_on {
            let owners: Vec<AgentId> = self
                .map
                .owners(&path.entity, &path.field)
                .into_iter()
                .filter(|owner| *owner != reader)
                .cloned()
                .collect();
            for owner in owners {
                let key = key(&[reader.as_str(), owner.as_str()]);
                let count = self.dependencies.get(&key).map_or(0, |known| known.count) + 1;
                let (last, at) = (deed.seq, deed.time);
                let found =
                    Dependency { reader: reader.clone(), owner, count, last, at, example: path.clone() };
                self.dependencies.set(key, deed.seq, found);
            }
        }
    }

    /// An approval was answered, or its answer taken back.
    pub(super) fn count_approval(
        &mut self,
        item: &Item,
        answer: &ItemAnswer,
        (at, deed): (Time, Option<Seq>),
    ) {
        let Some(agent) = item.raised_by.agent().filter(|_| item.case.is_approval()) else { return };
        let facts = self.agents.entry(agent.clone()).or_default();
        let Some(day) = Arc::make_mut(&mut facts.history).on(at) else { return };
        let count = match answer {
            ItemAnswer::Approve { .. } => &mut day.approved,
            ItemAnswer::ApproveEdited { .. } => &mut day.edited,
            ItemAnswer::Reject { .. } => &mut day.rejected,
            ItemAnswer::Expand { .. }
            | ItemAnswer::Transfer { .. }
            | ItemAnswer::Handle { .. }
            | ItemAnswer::Ruling { .. }
            | ItemAnswer::OutOfScope { .. }
            | ItemAnswer::SendOn { .. } => return,
        };
        match deed {
            Some(deed) => count.add(deed),
            None => count.take_back(),
        }
    }

    /// A conflict was told, or told again, that agents failed to coordinate: everybody in it had a part.
    pub(super) fn count_failure(&mut self, deed: &Deed, alert: &Alert) {
        if !deed.decided.as_ref().is_some_and(|decided| decided.failure) {
            return;
        }
        for agent in alert.who.iter().filter_map(Actor::agent) {
            self.on_day(agent, deed, |day, seq| day.failures.add(seq));
        }
    }

    pub(super) fn mark_applied(&mut self, deed: &Deed, planned: bool) {
        self.care.applied =
            Some(CareMark { by: deed.actor.clone(), at: deed.recorded, deed: deed.seq, planned });
    }

    pub(super) fn mark_reviewed<P>(&mut self, deed: &Deed, _: &P) {
        let planned = false;
        self.care.reviewed =
            Some(CareMark { by: deed.actor.clone(), at: deed.recorded, deed: deed.seq, planned });
    }

    pub(super) fn on_day(&mut self, agent: &AgentId, deed: &Deed, count: impl FnOnce(&mut DayCounts, Seq)) {
        let facts = self.agents.entry(agent.clone()).or_default();
        if let Some(day) = Arc::make_mut(&mut facts.history).on(happened(deed)) {
            count(day, deed.seq);
        }
    }
}

/// The author's own part of a deed.
pub(super) fn count_own(day: &mut DayCounts, deed: &Deed) {
    day.deeds.add(deed.seq);
    if matches!(deed.verdict.unwrap_or(deed.outcome), Outcome::Refused | Outcome::Stale) {
        day.refused.add(deed.seq);
    }
    if matches!(deed.body, Body::WorkReturned(())) {
        day.returned.add(deed.seq);
    }
    if matches!(deed.body, Body::ActFailed(()) | Body::WorkFailed(())) {
        day.failed.add(deed.seq);
    }
}

/// A deed from the future of its own ledger counts for the day on which it was recorded.
pub(super) fn happened(deed: &Deed) -> Time {
    deed.time.min(deed.recorded)
}

impl QueueReviews {
    /// A scheduled review is over.
    pub(super) fn turned(&mut self, turn: PastTurn) {
        self.turns.push_back(turn);
        if self.turns.len() > TURNS {
            self.turns.pop_front();
        }
    }
}
