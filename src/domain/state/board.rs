//! The board: what people look at. Folded from deeds alone, so a console keeps its own copy up to date from the stream.
//!
//! Field values and tokens do not live here (see `entities`, `access`).

use std::sync::Arc;

use imbl::{OrdMap, OrdSet, Vector};
use serde::{Deserialize, Serialize};

use super::{Alert, AlertState, ClosedItem, Item, OpenAct, PastAnswers, ScopeRule, Severity, Work};
use crate::domain::{
    deed::{Body, Deed, Outcome},
    ids::{ActNo, Actor, AgentId, AlertNo, ItemNo, MapVersion, Seq, WorkNo, WorkspaceId},
    map::{Map, Mode, Model, edit},
    path::EntityPath,
    time::Time,
};

/// Answered items kept for undo and for looking back.
pub const CLOSED: usize = 256;
/// Resolved alerts kept for looking back.
pub const RESOLVED: usize = 256;
/// Map versions kept for looking back.
pub const MAPS: usize = 50;

/// What people look at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Board {
    /// The workspace's name.
    pub workspace: WorkspaceId,
    /// The last deed folded in.
    pub head: Seq,
    /// When that was recorded.
    pub recorded: Time,
    /// The map in force.
    pub map: Map,
    /// Its version.
    pub map_version: MapVersion,
    /// How the map came to be, oldest first.
    pub maps: Vector<MapStep>,
    /// Open inbox items.
    pub items: OrdMap<ItemNo, Arc<Item>>,
    /// Answered items, oldest first.
    pub closed: Vector<Arc<ClosedItem>>,
    /// How items were answered before, by likeness.
    pub past: OrdMap<Arc<str>, PastAnswers>,
    /// What is closed on arrival.
    pub rules: Vector<Arc<ScopeRule>>,
    /// Open and acknowledged alerts.
    pub alerts: OrdMap<AlertNo, Arc<Alert>>,
    /// Resolved alerts, oldest first.
    pub resolved: Vector<Arc<Alert>>,
    /// The open alert of each fingerprint.
    pub fingerprints: OrdMap<Arc<str>, AlertNo>,
    /// Open work items of all agents.
    pub works: OrdMap<WorkNo, Arc<Work>>,
    /// Acts that may go ahead and have not ended.
    pub acts: OrdMap<ActNo, Arc<OpenAct>>,
    /// Everybody who ever acted, with counts.
    pub agents: OrdMap<AgentId, AgentFacts>,
    /// Entities that people froze.
    pub frozen: OrdMap<EntityPath, Stop>,
    /// When each item wants attention next: its warning, then its deadline.
    pub timers: OrdSet<(Time, ItemNo)>,
    /// The last act that was allowed to each target.
    pub targets: OrdMap<Arc<str>, Seq>,
    /// Deeds so far by outcome.
    pub outcomes: OrdMap<Outcome, u64>,
    /// The next free numbers.
    pub next: Next,
}

/// The next free numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Next {
    /// Of inbox items.
    pub item: ItemNo,
    /// Of alerts.
    pub alert: AlertNo,
    /// Of work items.
    pub work: WorkNo,
    /// Of acts.
    pub act: ActNo,
    /// Of rules.
    pub rule: u64,
}

/// One version of the map.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MapStep {
    /// The version.
    pub version: MapVersion,
    /// The deed.
    pub deed: Seq,
    /// When.
    pub at: Time,
    /// Who decided it.
    pub by: Actor,
    /// What changed, in words.
    pub changes: Vec<String>,
    /// Why.
    pub reason: Option<Arc<str>>,
    /// From which case.
    pub item: Option<ItemNo>,
    /// The map as it was then.
    pub model: Arc<Model>,
}

/// What is known of an agent from its deeds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentFacts {
    /// When it first acted.
    pub first: Time,
    /// When it last acted.
    pub last: Time,
    /// Its last deed.
    pub deed: Seq,
    /// Its deeds by outcome.
    pub outcomes: OrdMap<Outcome, u64>,
    /// Set while a person has stopped it.
    pub paused: Option<Stop>,
}

/// A person's stop of an agent or an entity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stop {
    /// Who.
    pub by: Actor,
    /// When.
    pub at: Time,
    /// Why.
    pub reason: Arc<str>,
}

impl Board {
    /// A workspace before its first deed.
    pub fn new(workspace: WorkspaceId) -> Self {
        let first = Next { item: ItemNo(1), alert: AlertNo(1), work: WorkNo(1), act: ActNo(1), rule: 1 };
        let map = Map::compile(Model::empty(workspace.clone()));
        Self {
            workspace,
            head: Seq(0),
            recorded: Time::default(),
            map,
            map_version: MapVersion(0),
            maps: Vector::new(),
            items: OrdMap::new(),
            closed: Vector::new(),
            past: OrdMap::new(),
            rules: Vector::new(),
            alerts: OrdMap::new(),
            resolved: Vector::new(),
            fingerprints: OrdMap::new(),
            works: OrdMap::new(),
            acts: OrdMap::new(),
            agents: OrdMap::new(),
            frozen: OrdMap::new(),
            timers: OrdSet::new(),
            targets: OrdMap::new(),
            outcomes: OrdMap::new(),
            next: first,
        }
    }

    /// Whether checks refuse, or only record what they would have refused.
    pub fn enforces(&self) -> bool {
        self.map.model().mode == Mode::Enforce
    }

    /// The answered item with that number, if it is still kept.
    pub fn closed_item(&self, no: ItemNo) -> Option<&Arc<ClosedItem>> {
        self.closed.iter().rev().find(|closed| closed.item.no == no)
    }

    /// Open items alike, the item itself not among them.
    pub fn alike<'a>(&'a self, item: &'a Item) -> impl Iterator<Item = &'a Arc<Item>> {
        self.items.values().filter(move |other| other.no != item.no && other.alike == item.alike)
    }

    /// The open work of one agent, oldest first.
    pub fn work_of<'a>(&'a self, agent: &'a AgentId) -> impl Iterator<Item = &'a Arc<Work>> {
        self.works.values().filter(move |work| work.agent == *agent)
    }

    /// Takes in the next deed. No rules here: it only applies.
    pub fn fold(&mut self, deed: &Deed) {
        self.head = deed.seq;
        self.recorded = deed.recorded;
        *self.outcomes.entry(deed.outcome).or_insert(0) += 1;
        if let Actor::Agent(agent) = &deed.actor {
            let facts = self.agents.entry(agent.clone()).or_default();
            if facts.deed == Seq(0) {
                facts.first = deed.time;
            }
            facts.last = facts.last.max(deed.time);
            facts.deed = deed.seq;
            *facts.outcomes.entry(deed.outcome).or_insert(0) += 1;
        }
        match &deed.body {
            Body::WorkspaceCreated(_)
            | Body::MapApplied(_)
            | Body::ScopeExpanded(_)
            | Body::ScopeRevoked(_)
            | Body::ScopeTransferred(_) => self.fold_map(deed),
            Body::ItemOpened(_)
            | Body::ItemJoined(())
            | Body::ItemClaimed(())
            | Body::ItemReleased(())
            | Body::ItemReassigned(_)
            | Body::ItemAnswered(_)
            | Body::ItemUndone(())
            | Body::ItemWarned(())
            | Body::ItemOverdue(())
            | Body::RuleAdded(_)
            | Body::RuleRemoved(_) => self.fold_item(deed),
            Body::AlertOpened(_)
            | Body::AlertReopened(_)
            | Body::AlertCounted(_)
            | Body::AlertAcknowledged(())
            | Body::AlertResolved(()) => {
                self.fold_alert(deed);
            }
            Body::WorkQueued(_)
            | Body::WorkAccepted(())
            | Body::WorkDeclined(())
            | Body::WorkCompleted(())
            | Body::WorkWithdrawn(())
            | Body::ActAllowed(_)
            | Body::ActDone(())
            | Body::ActFailed(()) => self.fold_work(deed),
            Body::AgentPaused(_)
            | Body::AgentResumed(_)
            | Body::EntityFrozen(())
            | Body::EntityUnfrozen(()) => {
                self.fold_stop(deed);
            }
            Body::MapRefused(())
            | Body::WriteCommitted(())
            | Body::WriteProposed(())
            | Body::WriteEscalated(())
            | Body::WriteRefused(())
            | Body::EntityCreated(())
            | Body::EntityArchived(())
            | Body::EntityDeleted(())
            | Body::ActRefused(_)
            | Body::ActDeferred(_)
            | Body::WorkRefused(())
            | Body::ItemRefused(())
            | Body::AlertRefused(())
            | Body::TokenCreated(_)
            | Body::TokenRevoked(_)
            | Body::TokenRefused(())
            | Body::OverrideRefused(())
            | Body::BatchCommitted(())
            | Body::BatchRefused(_) => {}
        }
    }

    fn fold_map(&mut self, deed: &Deed) {
        let (version, model, changes) = match &deed.body {
            Body::WorkspaceCreated(born) => {
                (MapVersion(0), Arc::clone(&born.model), vec!["the first map".to_owned()])
            }
            Body::MapApplied(new) => (new.version, Arc::clone(&new.model), new.changes.clone()),
            Body::ScopeExpanded(change) => {
                let model =
                    edit::add_grant(self.map.model(), &change.agent, &change.grant, change.newcomer.as_ref());
                (change.version, Arc::new(model), vec![format!("+ {}.{}", change.agent, change.grant)])
            }
            Body::ScopeRevoked(change) => {
                let model = edit::remove_grant(
                    self.map.model(),
                    &change.agent,
                    &change.grant,
                    change.newcomer.is_some(),
                );
                (change.version, Arc::new(model), vec![format!("- {}.{}", change.agent, change.grant)])
            }
            Body::ScopeTransferred(change) => {
                let model = edit::move_grant(self.map.model(), &change.pattern, &change.from, &change.to);
                let words = format!("{} goes from {} to {}", change.pattern, change.from, change.to);
                (change.version, Arc::new(model), vec![words])
            }
            // `fold` sends only the five above here.
            _ => return,
        };
        self.map = Map::compile(Arc::clone(&model));
        self.map_version = version;
        self.maps.push_back(MapStep {
            version,
            deed: deed.seq,
            at: deed.recorded,
            by: deed.actor.clone(),
            changes,
            reason: deed.reason.clone(),
            item: deed.refs.item,
            model,
        });
        if self.maps.len() > MAPS {
            self.maps.pop_front();
        }
    }

    fn fold_work(&mut self, deed: &Deed) {
        match &deed.body {
            Body::WorkQueued(work) => {
                self.next.work = self.next.work.max(work.no.next());
                self.works.insert(work.no, Arc::new((**work).clone()));
            }
            Body::WorkAccepted(())
            | Body::WorkDeclined(())
            | Body::WorkCompleted(())
            | Body::WorkWithdrawn(()) => {
                for no in &deed.refs.works {
                    self.works.remove(no);
                }
            }
            Body::ActAllowed(order) => {
                if let (Some(no), Some(agent), Some(subject)) =
                    (deed.refs.act, deed.actor.agent(), &deed.subject)
                {
                    self.next.act = self.next.act.max(no.next());
                    let act = OpenAct {
                        no,
                        agent: agent.clone(),
                        subject: subject.clone(),
                        target: Arc::clone(&order.target),
                        action: Arc::from(&*deed.action),
                        at: deed.recorded,
                        deed: deed.seq,
                    };
                    self.targets.insert(Arc::clone(&order.target), deed.seq);
                    self.acts.insert(no, Arc::new(act));
                }
            }
            Body::ActDone(()) | Body::ActFailed(()) => {
                if let Some(no) = deed.refs.act {
                    self.acts.remove(&no);
                }
            }
            _ => {}
        }
    }

    fn fold_stop(&mut self, deed: &Deed) {
        let stop = || Stop {
            by: deed.actor.clone(),
            at: deed.recorded,
            reason: deed.reason.clone().unwrap_or_else(|| Arc::from("")),
        };
        match &deed.body {
            Body::AgentPaused(agent) => self.agents.entry(agent.clone()).or_default().paused = Some(stop()),
            Body::AgentResumed(agent) => self.agents.entry(agent.clone()).or_default().paused = None,
            Body::EntityFrozen(()) => {
                if let Some(entity) = &deed.subject {
                    self.frozen.insert(entity.clone(), stop());
                }
            }
            Body::EntityUnfrozen(()) => {
                if let Some(entity) = &deed.subject {
                    self.frozen.remove(entity);
                }
            }
            _ => {}
        }
    }

    fn fold_alert(&mut self, deed: &Deed) {
        if let Body::AlertOpened(alert) | Body::AlertReopened(alert) = &deed.body {
            self.resolved.retain(|old| old.no != alert.no);
            self.next.alert = self.next.alert.max(alert.no.next());
            self.fingerprints.insert(Arc::clone(&alert.fingerprint), alert.no);
            self.alerts.insert(alert.no, Arc::new((**alert).clone()));
            return;
        }
        let Some(no) = deed.refs.alerts.first().copied() else { return };
        let Some(mut alert) = self.alerts.get(&no).map(|alert| (**alert).clone()) else { return };
        match &deed.body {
            Body::AlertCounted(side) => {
                alert.count += 1;
                alert.last = alert.last.max(side.at);
                if !alert.who.contains(&side.actor) {
                    alert.who.push(side.actor.clone());
                }
                if alert.sides.len() >= super::SIDES {
                    alert.sides.remove(2);
                }
                alert.sides.push((**side).clone());
                if alert.count >= super::LOUD {
                    alert.severity = Severity::Critical;
                }
            }
            Body::AlertAcknowledged(()) => {
                alert.state = AlertState::Acknowledged { by: deed.actor.clone(), at: deed.recorded };
            }
            Body::AlertResolved(()) => {
                alert.state = AlertState::Resolved { by: deed.actor.clone(), at: deed.recorded };
                alert.note.clone_from(&deed.reason);
                self.alerts.remove(&no);
                self.fingerprints.remove(&alert.fingerprint);
                self.resolved.push_back(Arc::new(alert));
                if self.resolved.len() > RESOLVED {
                    self.resolved.pop_front();
                }
                return;
            }
            _ => return,
        }
        self.alerts.insert(no, Arc::new(alert));
    }

    fn fold_item(&mut self, deed: &Deed) {
        match &deed.body {
            Body::ItemOpened(item) => {
                self.next.item = self.next.item.max(item.no.next());
                if let super::Case::Conflict { alert } = item.case
                    && let Some(mut known) = self.alerts.get(&alert).map(|alert| (**alert).clone())
                {
                    known.item = Some(item.no);
                    self.alerts.insert(alert, Arc::new(known));
                }
                self.timers.insert((item.warn_at, item.no));
                self.items.insert(item.no, Arc::new((**item).clone()));
            }
            Body::ItemAnswered(closed) => self.close(deed, closed),
            Body::ItemUndone(()) => self.reopen(deed),
            Body::RuleAdded(rule) => {
                self.next.rule = self.next.rule.max(rule.no + 1);
                self.rules.push_back(Arc::new((**rule).clone()));
            }
            Body::RuleRemoved(no) => self.rules.retain(|rule| rule.no != *no),
            _ => self.touch_item(deed),
        }
    }

    fn touch_item(&mut self, deed: &Deed) {
        let Some(no) = deed.refs.item else { return };
        let Some(mut item) = self.items.get(&no).map(|item| (**item).clone()) else { return };
        match &deed.body {
            Body::ItemJoined(()) => item.joined += 1,
            Body::ItemClaimed(()) => {
                item.claimed_by = deed.actor.person().cloned();
                item.version += 1;
            }
            Body::ItemReleased(()) => {
                item.claimed_by = None;
                item.version += 1;
            }
            Body::ItemReassigned(to) => {
                item.assigned_to = Some(to.clone());
                item.claimed_by = None;
                item.version += 1;
            }
            Body::ItemWarned(()) => {
                item.warned = true;
                self.timers.remove(&(item.warn_at, no));
                self.timers.insert((item.due, no));
            }
            Body::ItemOverdue(()) => {
                item.overdue = true;
                self.timers.remove(&(item.due, no));
            }
            _ => return,
        }
        self.items.insert(no, Arc::new(item));
    }

    fn close(&mut self, deed: &Deed, closed: &crate::domain::deed::ItemClosed) {
        let Some(no) = deed.refs.item else { return };
        let mut settle = |no: ItemNo, effects, with| {
            let Some(item) = self.items.remove(&no) else { return };
            self.timers.remove(&(item.warn_at, no));
            self.timers.remove(&(item.due, no));
            let past = self.past.entry(Arc::clone(&item.alike)).or_default();
            past.count(&closed.answer, 1);
            past.last = Some(Arc::from(format!("{} by {}", closed.answer.word(), deed.actor)));
            self.closed.push_back(Arc::new(ClosedItem {
                item,
                answer: closed.answer.clone(),
                by: deed.actor.clone(),
                at: deed.recorded,
                deed: deed.seq,
                effects,
                settled_with: with,
            }));
        };
        settle(no, closed.effects.clone(), None);
        for other in &closed.effects.included {
            settle(*other, super::Effects::default(), Some(no));
        }
        while self.closed.len() > CLOSED {
            self.closed.pop_front();
        }
    }

    fn reopen(&mut self, deed: &Deed) {
        let Some(no) = deed.refs.item else { return };
        let back = |closed: &ClosedItem| closed.item.no == no || closed.settled_with == Some(no);
        let reopened: Vec<_> = self.closed.iter().filter(|closed| back(closed)).cloned().collect();
        self.closed.retain(|closed| !back(closed));
        for closed in reopened {
            if let Some(past) = self.past.get_mut(&closed.item.alike) {
                past.count(&closed.answer, -1);
            }
            let mut item = (*closed.item).clone();
            item.version += 1;
            if !item.overdue {
                self.timers.insert((if item.warned { item.due } else { item.warn_at }, item.no));
            }
            self.items.insert(item.no, Arc::new(item));
        }
    }
}

impl PastAnswers {
    fn count(&mut self, answer: &crate::domain::command::ItemAnswer, by: i64) {
        use crate::domain::command::ItemAnswer;
        let slot = match answer {
            ItemAnswer::Expand { .. } | ItemAnswer::Transfer { .. } => &mut self.expand,
            ItemAnswer::Handle { .. } => &mut self.handle,
            ItemAnswer::OutOfScope { .. } => &mut self.out_of_scope,
        };
        *slot = slot.saturating_add_signed(by);
    }
}
