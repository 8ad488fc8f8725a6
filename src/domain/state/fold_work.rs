//! Folding what agents hold: work and its attempts, tasks, fan-outs, leases, acts that wait; and the list by entity
//! that says who holds what open. No rules here.

use std::sync::Arc;

use imbl::Vector;

use super::{Board, Thing, Timer};
use crate::domain::deed::{BranchResult, Deed, Taken, TaskResult};
use crate::domain::ids::{FanOutNo, Fence, Seq, TaskId, WorkNo};
use crate::domain::key::key;
use crate::domain::path::EntityPath;
use crate::domain::things::{
    ActOrder, Attempt, ClaimHeld, ClaimMark, Concluded, Conclusion, Conversation, FanOutState, HandoffOrder,
    Hold, LastPublication, Lease, LeaseTarget, OpenAct, Publication, Ruled, Task, TaskStage, VOICES,
    WaitingAct, Work, question_key,
};
use crate::domain::time::Time;

impl Board {
    pub(super) fn queue_work(&mut self, deed: &Deed, work: &Work) {
        self.call_is_proposed(deed, work);
        self.next.work = self.next.work.max(work.no.next());
        self.put_work(Arc::new(work.clone()));
    }

    /// Puts a work item where it belongs, in place of what was there under its number.
    fn put_work(&mut self, work: Arc<Work>) {
        let no = work.no;
        self.forget_work(no);
        if let Some(at) = work.alarm {
            self.timers.insert((at, Timer::Work(work.no)));
        }
        if let Some(entity) = work.subject.as_ref().filter(|_| work.kind.asks()) {
            self.hold(entity.clone(), Hold::Work(work.no));
        }
        self.works_by.entry(work.agent.clone()).or_default().insert(work.no);
        self.works.insert(no, work);
        self.tally(Thing::Work(no));
    }

    pub(super) fn drop_work(&mut self, no: WorkNo) {
        self.timed.remove(&*Thing::Work(no).to_string());
        self.forget_work(no);
        self.tally(Thing::Work(no));
    }

    fn forget_work(&mut self, no: WorkNo) {
        let Some(work) = self.works.remove(&no) else { return };
        if let Some(at) = work.alarm {
            self.timers.remove(&(at, Timer::Work(no)));
        }
        if let Some(numbers) = self.works_by.get_mut(&work.agent) {
            numbers.remove(&no);
            if numbers.is_empty() {
                self.works_by.remove(&work.agent);
            }
        }
        if let Some(entity) = &work.subject {
            self.let_go(entity, Hold::Work(no));
        }
    }

    /// Work that is done with, whatever came of it.
    pub(super) fn end_work<P>(&mut self, deed: &Deed, _: &P) {
        for no in &deed.refs.works {
            self.proposed_call_ends(deed, *no);
            self.drop_work(*no);
        }
    }

    pub(super) fn change_work(&mut self, no: WorkNo, change: impl FnOnce(&mut Work)) {
        let Some(mut work) = self.works.get(&no).cloned() else { return };
        change(Arc::make_mut(&mut work));
        self.put_work(work);
    }

    pub(super) fn take_work(&mut self, deed: &Deed, taken: &Taken) {
        for no in &taken.works {
            self.set_anew(&Thing::Work(*no), deed.recorded);
            self.change_work(*no, |work| {
                work.attempts += 1;
                work.taken_until = Some(taken.until);
                work.alarm = Some(taken.until);
            });
        }
    }

    /// An attempt ended without completing the work, which waits again. How is the last word of the type: `failed`,
    /// `returned`, `lapsed`.
    pub(super) fn end_attempt<P>(&mut self, deed: &Deed, _: &P) {
        let alarm = deed.decided.as_ref().and_then(|decided| decided.alarm);
        let how = deed.body.type_name().rsplit('.').next().unwrap_or_default();
        for no in &deed.refs.works {
            self.set_anew(&Thing::Work(*no), deed.recorded);
            self.change_work(*no, |work| {
                work.taken_until = None;
                work.alarm = alarm.filter(|_| work.kind.asks() || work.fetch);
                work.history.push(Attempt {
                    attempt: work.attempts,
                    how: Arc::from(how),
                    note: deed.reason.clone(),
                    at: deed.recorded,
                    deed: deed.seq,
                });
            });
        }
    }

    pub(super) fn leave_work_alone<P>(&mut self, deed: &Deed, _: &P) {
        for no in &deed.refs.works {
            self.change_work(*no, |work| work.alarm = None);
        }
    }

    pub(super) fn offer_task(&mut self, deed: &Deed, order: &HandoffOrder) {
        let Some(work) = deed.refs.works.first() else { return };
        let known = self.tasks.get(&order.task).cloned();
        let hands = match &known {
            Some(task) if task.attempt == order.attempt => task.hands.clone(),
            Some(_) | None => vec![order.from.clone()],
        };
        let task = Task {
            id: order.task.clone(),
            owner: order.from.clone(),
            subject: deed.subject.clone().or_else(|| known.as_ref().and_then(|task| task.subject.clone())),
            stage: TaskStage::Offered { to: order.to.clone(), work: *work },
            attempt: order.attempt,
            max_attempts: order.max_attempts,
            settled: known.as_ref().is_some_and(|task| task.settled),
            history: known.map(|task| task.history.clone()).unwrap_or_default(),
            hands: hands.into_iter().chain([order.to.clone()]).collect(),
            order: order.clone(),
            at: deed.recorded,
            deed: deed.seq,
        };
        self.change_task(deed, &task);
    }

    pub(super) fn accept_task(&mut self, deed: &Deed, task: &TaskId) {
        let Some(agent) = deed.actor.agent() else { return };
        let Some(work) = deed.refs.works.first() else { return };
        if let Some(task) = self.tasks.get_mut(task) {
            let task = Arc::make_mut(task);
            task.owner = agent.clone();
            task.stage = TaskStage::Accepted { work: *work };
            (task.at, task.deed) = (deed.recorded, deed.seq);
        }
        self.tally(Thing::Task(task.clone()));
        self.set_anew(&Thing::Work(*work), deed.recorded);
        self.change_work(*work, |work| {
            if !work.is_taken(deed.recorded) {
                work.attempts += 1;
            }
            work.taken_until = deed.refs.until;
            work.alarm = deed.refs.until;
        });
    }

    /// A task as a deed carries it takes the place of the one that is known, or has ended; with the stage before ends the
    /// work item of that stage.
    pub(super) fn change_task(&mut self, _: &Deed, task: &Task) {
        self.ended_tasks.retain(|ended| ended.id != task.id);
        let before = self.tasks.insert(task.id.clone(), Arc::new(task.clone()));
        self.tally(Thing::Task(task.id.clone()));
        if let Some(work) =
            before.and_then(|before| before.stage.work()).filter(|no| task.stage.work() != Some(*no))
        {
            self.drop_work(work);
        }
    }

    pub(super) fn complete_task(&mut self, deed: &Deed, result: &TaskResult) {
        let stage = TaskStage::Done { result: result.result.clone() };
        self.end_task(deed, &result.task, stage);
    }

    pub(super) fn close_task(&mut self, deed: &Deed, task: &TaskId) {
        let Some(item) = deed.refs.item else { return };
        self.end_task(deed, task, TaskStage::Closed { item });
    }

    pub(super) fn abort_task(&mut self, deed: &Deed, task: &Task) {
        self.change_task(deed, task);
        self.end_task(deed, &task.id, TaskStage::Aborted);
    }

    fn end_task(&mut self, deed: &Deed, task: &TaskId, stage: TaskStage) {
        let Some(mut task) = self.tasks.remove(task) else { return };
        self.tally(Thing::Task(task.id.clone()));
        if let Some(work) = task.stage.work() {
            self.drop_work(work);
        }
        let ended = Arc::make_mut(&mut task);
        if let (TaskStage::Done { .. }, Some(agent)) = (&stage, deed.actor.agent()) {
            ended.owner = agent.clone();
        }
        ended.stage = stage;
        (ended.at, ended.deed) = (deed.recorded, deed.seq);
        if let Some(until) = known_until(deed) {
            let (name, how) = (Arc::from(ended.id.as_str()), Arc::from(ended.stage.word()));
            self.ended_names.set(name, ended.order.from.clone(), until, how);
        }
        self.ended_tasks.push_back(task);
    }

    pub(super) fn open_fan_out(&mut self, _: &Deed, fan_out: &FanOutState) {
        self.next.fan_out = self.next.fan_out.max(fan_out.no.next());
        self.timers.insert((fan_out.deadline, Timer::FanOut(fan_out.no)));
        self.fan_outs.insert(fan_out.no, Arc::new(fan_out.clone()));
        self.tally(Thing::FanOut(fan_out.no));
    }

    pub(super) fn end_branch(&mut self, _: &Deed, result: &BranchResult) {
        let Some(fan_out) = self.fan_outs.get_mut(&result.fan_out) else { return };
        let place = usize::try_from(result.index).unwrap_or(usize::MAX);
        if let Some(branch) = Arc::make_mut(fan_out).branches.get_mut(place) {
            branch.end = Some(result.end.clone());
        }
        self.tally(Thing::FanOut(result.fan_out));
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "all that fold a deed are called alike")]
    pub(super) fn join_fan_out(&mut self, deed: &Deed, no: &FanOutNo) {
        let Some(mut fan_out) = self.fan_outs.remove(no) else { return };
        self.tally(Thing::FanOut(*no));
        self.timers.remove(&(fan_out.deadline, Timer::FanOut(*no)));
        self.timed.remove(&*Thing::FanOut(*no).to_string());
        Arc::make_mut(&mut fan_out).joined = Some(deed.recorded);
        self.ended_fan_outs.push_back(fan_out);
    }

    /// A lease is granted; the one that it goes on from, if any, is over.
    pub(super) fn grant_lease(&mut self, deed: &Deed, lease: &Lease) {
        if let Some(before) = deed.refs.lease.filter(|before| *before != lease.fence) {
            self.drop_lease(before);
        }
        self.next.fence = self.next.fence.max(lease.fence.next());
        self.timers.insert((lease.until, Timer::Lease(lease.fence)));
        match &lease.target {
            LeaseTarget::Path(path) => self.hold(path.entity.clone(), Hold::Lease(lease.fence)),
            LeaseTarget::Task(task) => {
                self.task_leases.insert(task.clone(), lease.fence);
            }
        }
        self.leases.insert(lease.fence, Arc::new(lease.clone()));
        self.tally(Thing::Lease(lease.fence));
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "all that fold a deed are called alike")]
    pub(super) fn renew_lease(&mut self, deed: &Deed, until: &Time) {
        let Some(fence) = deed.refs.lease else { return };
        let Some(lease) = self.leases.get_mut(&fence) else { return };
        let before = std::mem::replace(&mut Arc::make_mut(lease).until, *until);
        self.timers.remove(&(before, Timer::Lease(fence)));
        self.timers.insert((*until, Timer::Lease(fence)));
        self.set_anew(&Thing::Lease(fence), deed.recorded);
        self.tally(Thing::Lease(fence));
    }

    pub(super) fn end_lease<P>(&mut self, deed: &Deed, _: &P) {
        if let Some(fence) = deed.refs.lease {
            self.drop_lease(fence);
        }
    }

    fn drop_lease(&mut self, fence: Fence) {
        let Some(lease) = self.leases.remove(&fence) else { return };
        self.tally(Thing::Lease(fence));
        self.timers.remove(&(lease.until, Timer::Lease(fence)));
        self.timed.remove(&*Thing::Lease(fence).to_string());
        match &lease.target {
            LeaseTarget::Path(path) => self.let_go(&path.entity, Hold::Lease(fence)),
            // A later lease on the same task keeps its place.
            LeaseTarget::Task(task) if self.task_leases.get(task) == Some(&fence) => {
                self.task_leases.remove(task);
            }
            LeaseTarget::Task(_) => {}
        }
    }

    pub(super) fn hold_act(&mut self, act: &OpenAct) {
        for entity in act_entities(act) {
            self.hold(entity.clone(), Hold::Act(act.no));
        }
    }

    pub(super) fn drop_act(&mut self, no: crate::domain::ids::ActNo) {
        let Some(act) = self.acts.remove(&no) else { return };
        self.tally(Thing::Act(no));
        self.timed.remove(&*Thing::Act(no).to_string());
        if let Some(until) = act.until {
            self.timers.remove(&(until, Timer::Act(no)));
        }
        for entity in act_entities(&act) {
            self.let_go(entity, Hold::Act(no));
        }
    }

    pub(super) fn let_act_wait(&mut self, deed: &Deed, order: &ActOrder) {
        let Some(waiting) = &order.waits else { return };
        for entity in waiting.entities() {
            self.hold(entity.clone(), Hold::Waiting(deed.seq));
        }
        if let Some(until) = waiting.until {
            self.timers.insert((until, Timer::Waiting(deed.seq)));
        }
        self.waiting.insert(deed.seq, Arc::new((**waiting).clone()));
        self.tally(Thing::Waiting(deed.seq));
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "all that fold a deed are called alike")]
    pub(super) fn wake_act(&mut self, _: &Deed, deferred: &Seq) {
        let Some(waiting) = self.waiting.remove(deferred) else { return };
        self.tally(Thing::Waiting(*deferred));
        if let Some(until) = waiting.until {
            self.timers.remove(&(until, Timer::Waiting(*deferred)));
        }
        let waiting: &WaitingAct = &waiting;
        for entity in waiting.entities() {
            self.let_go(entity, Hold::Waiting(*deferred));
        }
    }

    fn hold(&mut self, entity: EntityPath, hold: Hold) {
        self.holds.entry(entity).or_default().insert(hold);
    }

    fn let_go(&mut self, entity: &EntityPath, hold: Hold) {
        let Some(holds) = self.holds.get_mut(entity) else { return };
        holds.remove(&hold);
        if holds.is_empty() {
            self.holds.remove(entity);
        }
    }

    pub(super) fn publish_last(&mut self, deed: &Deed, published: &Publication) {
        self.end_waiting(deed, published);
        self.speak(deed, &published.output, published.thread.as_ref());
        if let Some(said) = &published.conversation {
            self.converse(deed, &published.output, said);
        }
    }

    /// Something went out: the last on its thread, and on its output as a whole.
    pub(super) fn speak(&mut self, deed: &Deed, output: &str, thread: Option<&Arc<str>>) {
        let Some(by) = deed.actor.agent().cloned() else { return };
        let last = LastPublication {
            by: by.clone(),
            at: deed.time,
            deed: deed.seq,
            output: None,
            thread: None,
            subject: None,
        };
        for key in thread.map(|thread| key(&[output, thread])).into_iter().chain([key(&[output])]) {
            if let Some(until) = known_until(deed) {
                self.turns.set(Arc::clone(&key), by.clone(), until, last.clone());
            }
            self.threads.set(key, deed.seq, last.clone());
        }
    }

    /// Whoever speaks in a conversation has it for a time.
    pub(super) fn converse(&mut self, deed: &Deed, output: &Arc<str>, said: &Conversation) {
        let (Some(by), Some(until)) = (deed.actor.agent(), said.until) else { return };
        for key in said.spoken() {
            let (thread, subject) = (said.thread.clone(), said.subject.clone());
            let output = Some(Arc::clone(output));
            let last =
                LastPublication { by: by.clone(), at: deed.time, deed: deed.seq, output, thread, subject };
            self.talks.set(key, by.clone(), until, last);
        }
    }

    pub(super) fn grant_claim(&mut self, deed: &Deed, mark: &ClaimMark) {
        let Some(by) = deed.actor.agent().cloned().filter(|_| !mark.takes_nothing) else { return };
        let held = ClaimHeld { by: by.clone(), at: deed.time, deed: deed.seq };
        let occurrence = key(&[&mark.event, &mark.key]);
        match mark.until {
            Some(until) => self.occurrences.set(occurrence, by, until, held),
            None => self.claims.set(occurrence, deed.seq, held),
        }
    }

    pub(super) fn conclude(&mut self, deed: &Deed, conclusion: &Conclusion) {
        let Some(subject) = &deed.subject else { return };
        let key = question_key(subject, &conclusion.question);
        let mut voices = self.conclusion(&key, deed.recorded).cloned().unwrap_or_default();
        voices.retain(|voice| voice.ruling || voice.by != deed.actor);
        voices.push_back(Concluded {
            by: deed.actor.clone(),
            answer: conclusion.answer.clone(),
            at: deed.time,
            deed: deed.seq,
            reason: deed.reason.clone(),
            ruling: conclusion.ruling,
        });
        if voices.len() > VOICES {
            // Whatever else is said, the last ruling stands.
            let ruling = voices.iter().rposition(|voice| voice.ruling);
            voices.remove(usize::from(ruling == Some(0)));
        }
        if let Some(until) = known_until(deed) {
            self.concluded.set(Arc::clone(&key), deed.actor.agent().cloned(), until, voices.clone());
        }
        self.conclusions.set(key, deed.seq, voices);
    }

    /// A ruling is taken back: what agents concluded stands beside each other as before.
    pub(super) fn take_ruling_back(&mut self, ruled: &Ruled) {
        let key = question_key(&ruled.subject, &ruled.question);
        let unruled = |voices: &mut Vector<Concluded>| voices.retain(|voice| voice.deed != ruled.deed);
        self.concluded.change(&key, unruled);
        self.conclusions.change(&key, unruled);
    }
}

/// Until when what the deed leaves behind is known, where the rules said so.
fn known_until(deed: &Deed) -> Option<Time> {
    deed.decided.as_ref().and_then(|decided| decided.known_until)
}

/// The entities that an act is about or based on.
fn act_entities(act: &OpenAct) -> impl Iterator<Item = &EntityPath> {
    std::iter::once(&act.subject).chain(act.based_on.iter().map(|path| &path.entity))
}
