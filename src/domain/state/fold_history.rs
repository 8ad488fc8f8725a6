//! Folding what readiness asks for: a look-up and a few marks for each deed. No rules here.

use std::sync::Arc;

use super::track::Track;
use super::{Board, CareMark, Dependency, History, TURNS};
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
            self.mark(&task.order.from, deed, |history| &mut history.returned);
        }
        if let Body::WorkLapsed(()) = &deed.body {
            for agent in &deed.refs.owners {
                self.mark(agent, deed, |history| &mut history.failed);
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
        let history = Arc::make_mut(&mut facts.history);
        let track = match answer {
            ItemAnswer::Approve { .. } => &mut history.approved,
            ItemAnswer::ApproveEdited { .. } => &mut history.edited,
            ItemAnswer::Reject { .. } => &mut history.rejected,
            ItemAnswer::Expand { .. }
            | ItemAnswer::Transfer { .. }
            | ItemAnswer::Handle { .. }
            | ItemAnswer::Ruling { .. }
            | ItemAnswer::OutOfScope { .. }
            | ItemAnswer::SendOn { .. } => return,
        };
        match deed {
            Some(deed) => Arc::make_mut(track).add(at, deed),
            None => Arc::make_mut(track).take_back(at),
        }
    }

    /// A conflict was told, or told again, that agents failed to coordinate: everybody in it had a part.
    pub(super) fn count_failure(&mut self, deed: &Deed, alert: &Alert) {
        if !deed.decided.as_ref().is_some_and(|decided| decided.failure) {
            return;
        }
        for agent in alert.who.iter().filter_map(Actor::agent) {
            self.mark(agent, deed, |history| &mut history.failures);
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
        self.watch_map();
    }

    /// Somebody is told once for each time that the map falls due.
    pub(super) fn watch_map(&mut self) {
        let due = self.care.due(self.map.model().gone_through_every());
        self.care.alarm = due.filter(|due| self.care.told != Some(*due));
    }

    pub(super) fn mark_overdue<P>(&mut self, _: &Deed, _: &P) {
        self.care.told = self.care.alarm;
        self.watch_map();
    }

    /// Something happened to an agent by this deed.
    pub(super) fn mark(&mut self, agent: &AgentId, deed: &Deed, what: What) {
        let facts = self.agents.entry(agent.clone()).or_default();
        let track = what(Arc::make_mut(&mut facts.history));
        Arc::make_mut(track).add(happened(deed), deed.seq);
    }
}

/// What of an agent's history.
type What = fn(&mut History) -> &mut Arc<Track>;

/// The author's own part of a deed.
pub(super) fn count_own(history: &mut History, deed: &Deed) {
    let mut count = |what: What| Arc::make_mut(what(history)).add(happened(deed), deed.seq);
    count(|history| &mut history.deeds);
    if matches!(deed.verdict.unwrap_or(deed.outcome), Outcome::Refused | Outcome::Stale) {
        count(|history| &mut history.refused);
    }
    if matches!(deed.body, Body::WorkReturned(())) {
        count(|history| &mut history.returned);
    }
    if matches!(deed.body, Body::ActFailed(()) | Body::WorkFailed(())) {
        count(|history| &mut history.failed);
    }
}

/// A deed from the future of its own ledger counts from when it was recorded.
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
