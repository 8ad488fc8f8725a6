//! Versions, freezes, leases, acts (G2, G6, G7).

use std::collections::{BTreeMap, BTreeSet};

use super::{Look, calls, desk};
use deeds::domain::command::{Command, Expected, LONGEST_LEASE, Publish, WorkVerb, Write};
use deeds::domain::deed::{Body, Deed};
use deeds::domain::ids::{ActNo, Actor, AgentId, Fence, Seq, TaskId, Version};
use deeds::domain::outcome::Outcome;
use deeds::domain::path::{EntityPath, FieldName, FieldPath};
use deeds::domain::state::State;
use deeds::domain::things::{Case, Lasts, Lease, LeaseTarget, WorkKind};
use deeds::domain::time::{Span, Time};

/// What is kept of records.
#[derive(Default)]
pub(crate) struct Record {
    fields: BTreeMap<FieldPath, Version>,
    writers: BTreeMap<FieldPath, Actor>,
    entities: BTreeMap<EntityPath, Version>,
    gone: BTreeSet<EntityPath>,
    /// Of what was deleted and is there again: the version up to which no field of it counts any more.
    anew: BTreeMap<EntityPath, Version>,
    deleted: BTreeSet<EntityPath>,
    /// Entities that a person froze: until when, where it ends by itself.
    frozen: BTreeMap<EntityPath, Option<Time>>,
    /// Fields that a person holds: until when, where it ends by itself.
    held: BTreeMap<FieldPath, Option<Time>>,
    leases: BTreeMap<Fence, Lock>,
    newest: Fence,
    /// Whose, and since when.
    acts: BTreeMap<ActNo, (AgentId, Time)>,
    waiting: BTreeMap<Seq, AgentId>,
}

/// A lease that was not given back.
struct Lock {
    holder: AgentId,
    target: LeaseTarget,
    until: Time,
}

impl Lock {
    fn is_live(&self, now: Time) -> bool {
        now < self.until
    }

    fn locks(&self, entity: &EntityPath, field: &FieldName) -> bool {
        match &self.target {
            LeaseTarget::Path(path) => {
                path.entity == *entity
                    && (path.field.as_str().is_empty() || field.as_str().is_empty() || path.field == *field)
            }
            LeaseTarget::Task(_) => false,
        }
    }

    fn meets(&self, target: &LeaseTarget) -> bool {
        match (&self.target, target) {
            (LeaseTarget::Path(_), LeaseTarget::Path(path)) => self.locks(&path.entity, &path.field),
            (LeaseTarget::Task(own), LeaseTarget::Task(other)) => own == other,
            _ => false,
        }
    }
}

impl Record {
    /// Whether a live lease locks the task.
    pub(crate) fn locks_task(&self, task: &TaskId, now: Time) -> bool {
        self.leases.values().any(|lock| lock.is_live(now) && lock.target == LeaseTarget::Task(task.clone()))
    }

    pub(super) fn look(&mut self, look: &Look<'_>) {
        let deed = look.deed;
        match &deed.body {
            Body::WriteCommitted(())
            | Body::EntityCreated(())
            | Body::EntityArchived(())
            | Body::EntityDeleted(()) => {
                self.commit(look);
            }
            Body::FieldReleased(()) => {
                for field in &deed.fields {
                    let path = deed.subject.clone().unwrap().field(field.name.clone());
                    let until = self.held.remove(&path);
                    let over = until.flatten().is_some_and(|until| until <= look.now);
                    assert!(until.is_some(), "G6: released what nobody held: {deed:?}");
                    assert!(over || deed.actor.person().is_some(), "G6: released before its time: {deed:?}");
                }
            }
            Body::EntityFrozen(()) | Body::EntityUnfrozen(()) => {
                let entity = deed.subject.clone().unwrap();
                let until = self.frozen.get(&entity).copied().flatten();
                let over = until.is_some_and(|until| until <= look.now);
                assert!(over || deed.actor.person().is_some(), "only people freeze: {deed:?}");
                if matches!(deed.body, Body::EntityFrozen(())) {
                    let before = self.frozen.insert(entity.clone(), deed.refs.until);
                    assert!(before.is_none(), "frozen twice: {deed:?}");
                } else {
                    assert!(self.frozen.remove(&entity).is_some(), "was not frozen: {deed:?}");
                }
                self.step_in(&entity);
            }
            Body::LeaseGranted(_)
            | Body::LeaseTransferred(_)
            | Body::LeaseRenewed(_)
            | Body::LeaseReleased(())
            | Body::LeaseLapsed(())
            | Body::LeaseRevoked(()) => self.lease(look),
            Body::ActAllowed(_) => self.allow(look),
            Body::ActDone(()) | Body::ActFailed(()) | Body::CallEnded(_) => self.end_act(look),
            Body::ActDeferred(order) => {
                if let Some(waits) = &order.waits {
                    self.waiting.insert(deed.seq, waits.agent.clone());
                }
            }
            Body::ActWoken(deferred) => {
                assert!(self.waiting.remove(deferred).is_some(), "G11: woken twice: {deed:?}");
            }
            Body::OutputPublished(publication) => {
                let subject = deed.subject.iter().any(|subject| self.frozen.contains_key(subject));
                assert!(!subject, "G6: published on what is frozen: {deed:?}");
                self.check_place(look, &publication.output);
                self.check_published(look);
            }
            _ => {}
        }
    }

    /// An act ends once, by its agent or by its time; of a call `calls` says by whom.
    fn end_act(&mut self, look: &Look<'_>) {
        let deed = look.deed;
        if is_call(look) {
            assert!(self.acts.remove(&deed.refs.act.unwrap()).is_some(), "ends twice: {deed:?}");
            return;
        }
        let (owner, since) = self.acts.remove(&deed.refs.act.unwrap()).unzip();
        if look.deed.actor == Actor::Deeds && look.request.command == Command::Tick {
            let over = since.is_some_and(|since| deed.recorded.since(since) >= Span::from_days(30));
            assert!(over && deed.outcome == Outcome::Failed, "an act ends by itself after 30 days: {deed:?}");
            return;
        }
        // An approved one also when its agent comes for the answer and its basis is old by then.
        let late = deed.outcome == Outcome::Stale && matches!(look.request.command, Command::Take(_));
        let by = if late { look.request.principal.actor.agent() } else { look.agent() };
        assert_eq!(owner.as_ref(), by, "an act ends once, by its agent: {deed:?}");
    }

    /// Agents stood still: what was not over by then is over as much later.
    pub(super) fn stood(&mut self, since: Time, span: Span) {
        for lock in self.leases.values_mut().filter(|lock| lock.until > since) {
            lock.until = lock.until.plus(span);
        }
    }

    /// After the ticks no lease is kept past its time, and no act waits past its time.
    pub(super) fn settled(&self, state: &State, now: Time) {
        let running = state.board.halted.is_none();
        let over = self.leases.iter().find(|(_, lock)| running && !lock.is_live(now));
        assert!(over.is_none(), "G7: lease {:?} was not told to have lapsed", over.map(|(fence, _)| fence));
        for (entity, there) in state.entities.iter().filter(|(path, _)| !self.gone.contains(path)) {
            let known = self.fields.keys().filter(|path| path.entity == entity).map(|path| &path.field);
            let known = known.filter(|name| !name.is_whole());
            let there = there.fields.iter().map(|(name, _)| name).filter(|name| !name.is_whole());
            assert!(there.eq(known), "G1: other fields than were written since it began: {entity}");
        }
        let kept = self.held.values().flatten().find(|until| **until <= now);
        assert!(kept.is_none(), "G6: still held past {kept:?}");
        let fields: usize = state.board.held.values().map(Vec::len).sum();
        assert_eq!(self.held.len(), fields, "another number of held fields");
        let late = state.board.waiting.values().find(|act| act.until.is_some_and(|until| until <= now));
        assert!(late.is_none(), "G11: waits past its time: {late:?}");
        assert_eq!(self.leases.len(), state.board.leases.len(), "another number of leases");
        assert_eq!(self.waiting.len(), state.board.waiting.len(), "another number of waiting acts");
    }

    /// G2: every commit makes the next version of what it changes; G6, G7: and nothing stands in its way.
    fn commit(&mut self, look: &Look<'_>) {
        let deed = look.deed;
        let entity = deed.subject.clone().unwrap();
        if let Some(agent) = look.agent().filter(|_| !calls::has_happened(deed)) {
            assert!(!self.frozen.contains_key(&entity), "G6: written while frozen: {deed:?}");
            if look.enforced() {
                self.check_hand(look, &entity);
                check_zone(look, agent, &entity);
                self.check_leases(look, agent, &entity);
                self.check_based_on(look, agent, &entity);
            }
        }
        let last = self.entities.get(&entity).copied().unwrap_or_default();
        let next = last.next();
        if !matches!(deed.body, Body::EntityArchived(()) | Body::EntityDeleted(()))
            && self.deleted.remove(&entity)
        {
            self.fields.retain(|path, _| path.entity != entity);
            self.anew.insert(entity.clone(), last);
        }
        for field in &deed.fields {
            let path = FieldPath::new(entity.clone(), field.name.clone());
            if field.name.is_whole() {
                assert_eq!(field.version, next, "G2: not the entity's next version: {deed:?}");
            } else {
                let begins = || self.anew.get(&entity).copied().unwrap_or_default();
                let now = self.fields.get(&path).copied().unwrap_or_else(begins);
                assert_eq!(field.version, now.next(), "G2: not the next version of {path}: {deed:?}");
            }
            self.fields.insert(path.clone(), field.version);
            self.writers.insert(path, deed.actor.clone());
        }
        self.lay_hand(look, &entity);
        self.entities.insert(entity.clone(), next);
        if matches!(deed.body, Body::EntityArchived(()) | Body::EntityDeleted(())) {
            // The last word counts: where it only observes, what was deleted may be put away after that.
            if matches!(deed.body, Body::EntityDeleted(())) {
                self.deleted.insert(entity.clone());
            } else {
                self.deleted.remove(&entity);
            }
            self.gone.insert(entity);
        } else {
            self.gone.remove(&entity);
        }
    }

    /// What a person sets stays as it is, until a person lets an agent's write through or the time is over.
    fn check_hand(&self, look: &Look<'_>, entity: &EntityPath) {
        let deed = look.deed;
        let let_through = desk::approved(look).any(|item| matches!(item.case, Case::HeldField { .. }));
        let ends = matches!(deed.body, Body::EntityArchived(()) | Body::EntityDeleted(()));
        let live = |until: &Option<Time>| until.is_none_or(|until| look.now < until);
        for (path, _) in self.held.iter().filter(|(path, until)| path.entity == *entity && live(until)) {
            let touched = ends || deed.fields.iter().any(|field| field.name == path.field);
            assert!(!touched || let_through, "G6: {path} is held by a person, and yet written: {deed:?}");
        }
    }

    /// What a person sets or takes back is held for a day, or as long as the person says; not a list that only grows.
    fn lay_hand(&mut self, look: &Look<'_>, entity: &EntityPath) {
        let Command::Override(order) = &look.request.command else { return };
        let until = match order.lasts {
            Some(Lasts::NotAtAll) => return,
            Some(Lasts::UntilReleased) => None,
            Some(Lasts::For(span)) => Some(look.now.plus(span)),
            None => Some(look.now.plus(Span::from_hours(24))),
        };
        if look.deed.actor.person().is_none() || entity.as_str() == "shared/log" {
            return;
        }
        for field in &look.deed.fields {
            self.held.insert(entity.field(field.name.clone()), until);
        }
    }

    fn check_leases(&self, look: &Look<'_>, agent: &AgentId, entity: &EntityPath) {
        let shown: Vec<Fence> = writes_behind(look, entity).iter().filter_map(|write| write.lease).collect();
        let deed = look.deed;
        for token in &shown {
            let lock = self.leases.get(token);
            let good = lock.is_some_and(|lock| lock.holder == *agent && lock.is_live(look.now));
            assert!(
                good || matches!(look.request.command, Command::Together(_)),
                "G7: written under token {token}: {deed:?}"
            );
        }
        for (fence, lock) in self.leases.iter().filter(|(_, lock)| lock.is_live(look.now)) {
            for field in deed.fields.iter().filter(|field| lock.locks(entity, &field.name)) {
                let name = field.name.as_str();
                assert_eq!(lock.holder, *agent, "G7: {name} is leased to another as {fence}: {deed:?}");
                // One that waited for a yes shows the token that its author holds by then.
                let waited = desk::approved(look).any(|item| matches!(item.case, Case::HeldField { .. }));
                assert!(
                    waited || shown.contains(fence),
                    "G7: {name} was written without showing {fence}: {deed:?}"
                );
            }
        }
    }

    /// No blind and no stale write: what the caller named is what was current.
    fn check_based_on(&self, look: &Look<'_>, agent: &AgentId, entity: &EntityPath) {
        if look.request.principal.actor.agent() != Some(agent) {
            return;
        }
        let Command::Write(write) = &look.request.command else { return };
        let deed = look.deed;
        match &write.expected {
            Some(Expected::Entity(base)) => {
                assert_eq!(
                    *base,
                    self.version(&FieldPath::whole(entity.clone())),
                    "stale, and yet committed: {deed:?}"
                );
            }
            Some(Expected::Fields(bases)) => {
                for (name, base) in bases {
                    let now = self.version(&entity.field(name.clone()));
                    assert_eq!(*base, now, "stale on {}, and yet committed: {deed:?}", name.as_str());
                }
            }
            None => {}
        }
        for (path, base) in &write.depends_on {
            assert!(!self.gone.contains(&path.entity), "based on what is gone: {deed:?}");
            assert_eq!(*base, self.version(path), "based on an old {path}: {deed:?}");
        }
    }

    /// What a publication was based on is so at the moment it goes out, also where a person let it wait.
    fn check_published(&self, look: &Look<'_>) {
        if !look.enforced() {
            return;
        }
        let own = look
            .commands()
            .into_iter()
            .filter_map(|command| if let Command::Publish(publish) = command { Some(publish) } else { None });
        let approved = desk::approved(look).filter_map(|item| match &item.case {
            Case::Approval { publish, .. } => Some(&**publish),
            _ => None,
        });
        let Body::OutputPublished(out) = &look.deed.body else { return };
        let same = |publish: &&Publish| publish.output == out.output && publish.subject == look.deed.subject;
        let all: Vec<&Publish> = own.chain(approved).filter(same).collect();
        // One of several alike in a batch can't be told from the others.
        let [publish] = all.as_slice() else { return };
        for (path, base) in &publish.depends_on {
            assert!(!self.gone.contains(&path.entity), "based on what is gone: {:?}", look.deed);
            assert_eq!(*base, self.version(path), "based on an old {path}: {:?}", look.deed);
        }
    }

    fn version(&self, path: &FieldPath) -> Version {
        let known =
            if path.field.is_whole() { self.entities.get(&path.entity) } else { self.fields.get(path) };
        known.copied().unwrap_or_default()
    }

    /// A person stepped in: what was read of the entity before is no longer current.
    fn step_in(&mut self, entity: &EntityPath) {
        if let Some(version) = self.entities.get_mut(entity).filter(|version| **version != Version(0)) {
            *version = version.next();
        }
    }

    /// G6: where it goes is not frozen either.
    fn check_place(&self, look: &Look<'_>, name: &str) {
        let Ok(path) = name.parse::<FieldPath>() else { return };
        let frozen = self.frozen.contains_key(&path.entity);
        assert!(!frozen, "G6: it goes to what is frozen: {:?}", look.deed);
        let others = |lock: &Lock| lock.is_live(look.now) && Some(&lock.holder) != look.agent();
        let locked = self.leases.values().any(|lock| others(lock) && lock.locks(&path.entity, &path.field));
        assert!(!(locked && look.enforced()), "G7: it goes to what another has leased: {:?}", look.deed);
    }

    fn allow(&mut self, look: &Look<'_>) {
        let deed = look.deed;
        let agent = look.agent().unwrap_or_else(|| panic!("only agents act: {deed:?}"));
        let called = if let Body::ActAllowed(order) = &deed.body { order.call.as_ref() } else { None };
        let caller = called.map_or(agent, |call| &call.call.agent);
        let subject = deed.subject.clone().unwrap();
        assert!(!self.frozen.contains_key(&subject), "G6: an act on what is frozen: {deed:?}");
        if let Body::ActAllowed(order) = &deed.body {
            // Of a call that writes the fields count, as of any write; its target is the entity.
            if order.call.as_ref().is_none_or(|call| call.write.is_none()) {
                self.check_place(look, &order.target);
            }
        }
        if let Body::ActAllowed(order) = &deed.body
            && look.enforced()
        {
            let path = order.target.parse::<FieldPath>().ok();
            let zone = path.is_some_and(|path| {
                look.zones.writes(agent.as_str(), path.entity.as_str(), path.field.as_str())
            });
            let write = order.call.as_ref().and_then(|call| call.write.as_ref());
            let fields = write.is_some_and(|write| {
                let mut names = write.changes.keys();
                names.all(|name| look.zones.writes(agent.as_str(), write.entity.as_str(), name.as_str()))
            });
            let granted = zone || fields || look.zones.publishes(agent.as_str(), &order.target);
            assert!(granted, "G2: an act outside of the zone: {deed:?}");
        }
        assert!(
            self.acts.insert(deed.refs.act.unwrap(), (caller.clone(), deed.recorded)).is_none(),
            "a number twice: {deed:?}"
        );
    }

    fn lease(&mut self, look: &Look<'_>) {
        let (deed, now) = (look.deed, look.now);
        match &deed.body {
            Body::LeaseGranted(lease) => {
                assert_eq!(look.agent(), Some(&lease.holder), "a lease for another: {deed:?}");
                self.check_grant(look, lease);
                let met = self.leases.iter().find(|(_, lock)| lock.is_live(now) && lock.meets(&lease.target));
                assert!(met.is_none(), "G7: two leases meet, {:?}: {deed:?}", met.map(|(fence, _)| fence));
                self.keep(lease, deed);
            }
            Body::LeaseTransferred(lease) => {
                let old = self.leases.remove(&deed.refs.lease.unwrap()).unwrap();
                assert!(
                    old.is_live(now) && Some(&old.holder) == look.agent(),
                    "G7: not its to give: {deed:?}"
                );
                assert_eq!((&old.target, old.until), (&lease.target, lease.until), "another lease: {deed:?}");
                self.keep(lease, deed);
            }
            Body::LeaseRenewed(until) => {
                assert!(*until <= now.plus(LONGEST_LEASE), "too long: {deed:?}");
                let lock = self.leases.get_mut(&deed.refs.lease.unwrap()).unwrap();
                assert!(
                    lock.is_live(now) && Some(&lock.holder) == deed.actor.agent(),
                    "G7: not its: {deed:?}"
                );
                lock.until = *until;
            }
            Body::LeaseReleased(()) => {
                let lock = self.leases.remove(&deed.refs.lease.unwrap()).unwrap();
                let goes = |one: &&deeds::domain::deed::Deed| {
                    let gone = matches!(
                        one.body,
                        Body::HandoffReturned(_)
                            | Body::HandoffCompleted(_)
                            | Body::HandoffEscalated(_)
                            | Body::TaskClosed(_)
                            | Body::TaskAborted(_)
                    );
                    gone && one.seq < deed.seq
                        && one.refs.task.clone().map(LeaseTarget::Task).as_ref() == Some(&lock.target)
                };
                // A task's lock goes with the task.
                let freed = deed.actor == Actor::Deeds && look.deeds.iter().any(|one| goes(&one));
                assert!(lock.is_live(now), "G7: released after its end: {deed:?}");
                assert!(freed || Some(&lock.holder) == deed.actor.agent(), "G7: not its: {deed:?}");
            }
            Body::LeaseLapsed(()) => {
                let lock = self.leases.remove(&deed.refs.lease.unwrap()).unwrap();
                assert!(!lock.is_live(now), "G7: lapsed before its time: {deed:?}");
                assert_eq!(deed.actor, Actor::Deeds, "time ends it: {deed:?}");
            }
            Body::LeaseRevoked(()) => {
                assert!(deed.actor.person().is_some(), "only people end another's lease: {deed:?}");
                self.leases.remove(&deed.refs.lease.unwrap()).unwrap();
                if let Some(entity) = &deed.subject {
                    self.step_in(entity);
                }
            }
            _ => {}
        }
    }

    fn check_grant(&self, look: &Look<'_>, lease: &Lease) {
        let deed = look.deed;
        assert!(lease.until <= look.now.plus(LONGEST_LEASE) && lease.until > look.now, "too long: {deed:?}");
        if let LeaseTarget::Path(path) = &lease.target {
            assert!(!self.frozen.contains_key(&path.entity), "G6: a lease on what is frozen: {deed:?}");
            let zones = look.zones;
            let granted = zones.writes(lease.holder.as_str(), path.entity.as_str(), path.field.as_str());
            assert!(granted || !look.enforced(), "a lease on what is another's: {deed:?}");
        }
    }

    fn keep(&mut self, lease: &Lease, deed: &Deed) {
        assert!(lease.fence > self.newest, "G7: fencing tokens grow: {deed:?}");
        self.newest = lease.fence;
        let lock = Lock { holder: lease.holder.clone(), target: lease.target.clone(), until: lease.until };
        self.leases.insert(lease.fence, lock);
    }
}

/// Whether it is the act of a call that ends here.
fn is_call(look: &Look<'_>) -> bool {
    let act = look.deed.refs.act.and_then(|no| look.state.board.acts.get(&no));
    act.is_some_and(|act| act.call.is_some())
}

fn check_zone(look: &Look<'_>, agent: &AgentId, entity: &EntityPath) {
    for field in &look.deed.fields {
        let granted = look.zones.writes(agent.as_str(), entity.as_str(), field.name.as_str());
        assert!(granted, "G2: a foreign write of {}: {:?}", field.name.as_str(), look.deed);
    }
}

/// The writes that a commit on the entity can come from: the caller's own, an accepted proposal, a stored input.
fn writes_behind<'a>(look: &'a Look<'_>, entity: &EntityPath) -> Vec<&'a Write> {
    let mut writes: Vec<&Write> = Vec::new();
    for command in look.commands() {
        match command {
            Command::Write(write) => writes.push(write),
            Command::Work(step) if step.step == WorkVerb::Accept => {
                if let Some(WorkKind::Proposal { write, .. }) =
                    look.before.board.works.get(&step.work).map(|work| &work.kind)
                {
                    writes.push(write);
                }
            }
            _ => {}
        }
    }
    writes.retain(|write| write.entity == *entity);
    writes
}
