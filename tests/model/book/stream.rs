//! Work, tasks and fan-outs: everything that is tried again comes to an end, and to a person at most once (G11).

use std::collections::{BTreeMap, BTreeSet};

use super::Look;
use super::record::Record;
use crate::ask::escalated;
use deeds::domain::command::{Command, WorkStep, WorkVerb};
use deeds::domain::deed::{Body, BranchResult, Taken};
use deeds::domain::ids::{AgentId, FanOutNo, ItemNo, TaskId, WorkNo};
use deeds::domain::map::OnExhausted;
use deeds::domain::outcome::Outcome;
use deeds::domain::path::EntityPath;
use deeds::domain::state::State;
use deeds::domain::things::{Case, FanOutState, HandoffOrder, Task, Work, WorkKind};
use deeds::domain::time::{Span, Time};

/// What is kept of work that is under way.
#[derive(Default)]
pub(crate) struct Streams {
    works: BTreeMap<WorkNo, Job>,
    newest: WorkNo,
    given_up: BTreeSet<WorkNo>,
    tasks: BTreeMap<TaskId, Errand>,
    fan_outs: BTreeMap<FanOutNo, Fan>,
    joined: BTreeSet<FanOutNo>,
    claims: BTreeMap<(String, String), AgentId>,
    /// Who woke whom last about an entity, how often in turn, and when.
    rounds: BTreeMap<EntityPath, (AgentId, AgentId, u32, Time)>,
}

/// One work item.
struct Job {
    agent: AgentId,
    /// A task, which goes on where rules are only observed.
    is_task: bool,
    /// Only done by who has taken it.
    must_hold: bool,
    attempts: u32,
    /// The attempts that their taker ended.
    said: u32,
    max: u32,
    until: Option<Time>,
    then: Vec<AgentId>,
}

/// One task.
struct Errand {
    owner: AgentId,
    offered: Option<AgentId>,
    giver: AgentId,
    attempt: u32,
    max: u32,
    feedback: Option<String>,
    escalated: Option<ItemNo>,
    /// The work item that it is with at the moment.
    work: Option<WorkNo>,
}

/// One fan-out.
struct Fan {
    starter: AgentId,
    ended: Vec<bool>,
    deadline: Time,
}

impl Streams {
    pub(super) fn look(&mut self, look: &Look<'_>, record: &Record) {
        let deed = look.deed;
        self.check_attempt(look);
        self.check_round(look);
        match &deed.body {
            Body::WorkQueued(work) => self.queued(look, work),
            Body::WorkTaken(taken) => self.taken(look, taken),
            Body::WorkFailed(()) | Body::WorkReturned(()) | Body::WorkLapsed(()) => self.attempt_ended(look),
            Body::WorkAccepted(())
            | Body::WorkDeclined(())
            | Body::WorkCompleted(_)
            | Body::WorkWithdrawn(())
            | Body::WorkExhausted(()) => self.work_ended(look),
            Body::ItemAnswered(closed) => {
                let items = deed.refs.item.iter().chain(&closed.effects.included);
                for item in items.filter_map(|no| look.state.board.items.get(no)) {
                    if let (Case::Loop { .. }, Some(subject)) = (&item.case, &item.subject) {
                        self.rounds.remove(subject);
                    }
                }
            }
            Body::ItemOpened(item) => {
                if let Case::GivenUp { work } = &item.case {
                    assert!(
                        self.given_up.insert(work.no),
                        "G11: work {} comes to a person twice: {deed:?}",
                        work.no
                    );
                }
            }
            Body::HandoffOffered(order) => self.offered(look, order, record),
            Body::HandoffAccepted(task) => self.accepted(look, task),
            Body::HandoffReturned(task) => self.returned(look, task),
            Body::HandoffEscalated(task) => self.task_escalated(look, task),
            Body::HandoffCompleted(result) => {
                let errand = self.tasks.remove(&result.task).unwrap();
                self.leave(errand.work);
                assert!(errand.escalated.is_none(), "G11: done while a person decides: {deed:?}");
                let by = look.agent().unwrap();
                let may = errand.offered.as_ref() == Some(by) || errand.owner == *by;
                assert!(may, "completed by who neither has it nor was offered it: {deed:?}");
            }
            Body::TaskSentOn(task) => self.sent_on(look, task),
            Body::TaskAborted(task) => self.aborted(look, task),
            Body::TaskClosed(task) => {
                let errand = self.tasks.remove(task);
                assert!(errand.is_some(), "closed twice: {deed:?}");
                assert!(deed.actor.person().is_some(), "only a person closes a task: {deed:?}");
            }
            Body::FanOutOpened(fan_out) => self.opened(look, fan_out),
            Body::BranchEnded(result) => self.branch_ended(look, result),
            Body::FanOutJoined(no) => self.fan_out_joined(look, *no),
            Body::ClaimGranted(mark) => {
                let key = (mark.event.to_string(), mark.key.to_string());
                let by = look.agent().unwrap().clone();
                let before = self.claims.insert(key, by.clone());
                let again = before.is_none_or(|before| before == by);
                assert!(again || !look.enforced(), "claimed by two: {deed:?}");
            }
            _ => {}
        }
    }

    /// Whoever was too slow ends nothing that was taken again since.
    fn check_attempt(&self, look: &Look<'_>) {
        let by_caller = look.deed.actor == look.request.principal.actor;
        if !by_caller || look.deed.outcome == Outcome::Refused {
            return;
        }
        let step = |command: &&Command| match command {
            Command::Work(step) if look.deed.refs.works.first() == Some(&step.work) => Some(step.clone()),
            _ => None,
        };
        // Of several on the same piece of work that were asked for together, any may have led to it.
        let steps: Vec<_> = look.commands().iter().filter_map(step).collect();
        let Some(job) = steps.first().and_then(|step| self.works.get(&step.work)) else { return };
        let taken = job.until.is_some_and(|until| look.now < until);
        let sure = job.attempts <= job.said + 1 || !taken;
        let fits = |step: &WorkStep| step.attempt.map_or(sure, |attempt| attempt == job.attempts);
        assert!(steps.iter().any(fits), "which attempt? {:?}", look.deed);
    }

    /// Two agents wake each other eight times in turn, and no more while nothing changes.
    fn check_round(&mut self, look: &Look<'_>) {
        let Look { deed, now, .. } = look;
        let Some(subject) = &deed.subject else { return };
        let changed = deed.fields.iter().any(|field| field.after.is_some() && field.after != field.before);
        let gone = matches!(deed.body, Body::EntityArchived(()) | Body::EntityDeleted(()));
        if gone || changed && matches!(deed.body, Body::WriteCommitted(()) | Body::EntityCreated(())) {
            self.rounds.remove(subject);
        }
        let (Body::EventRaised(_), Some(by), [to]) = (&deed.body, look.agent(), &*deed.refs.owners) else {
            return;
        };
        if by == to {
            return;
        }
        let before = self.rounds.get(subject).filter(|(last, woken, _, at)| {
            let same = (last == by && woken == to) || (last == to && woken == by);
            same && now.since(*at) < Span::from_hours(24)
        });
        let count = before.map_or(1, |(last, _, count, _)| if last == by { *count } else { count + 1 });
        assert!(count <= 8 || !look.enforced(), "round {count} of {by} and {to}: {deed:?}");
        self.rounds.insert(subject.clone(), (by.clone(), to.clone(), count, *now));
    }

    fn queued(&mut self, look: &Look<'_>, work: &Work) {
        let deed = look.deed;
        assert!(work.no > self.newest, "a number twice: {deed:?}");
        assert!(work.attempts == 0 && work.max_attempts > 0 && work.taken_until.is_none(), "{deed:?}");
        self.newest = work.no;
        let then = match &work.kind {
            WorkKind::Dispatch { then, .. } => then.clone(),
            WorkKind::Join { fan_out, .. } => {
                assert!(self.joined.contains(fan_out), "told before it is joined: {deed:?}");
                Vec::new()
            }
            _ => Vec::new(),
        };
        let job = Job {
            agent: work.agent.clone(),
            is_task: matches!(work.kind, WorkKind::Handoff { .. } | WorkKind::Returned { .. }),
            must_hold: matches!(work.kind, WorkKind::Dispatch { .. } | WorkKind::Branch { .. }),
            attempts: 0,
            said: 0,
            max: work.max_attempts,
            until: None,
            then,
        };
        self.works.insert(work.no, job);
    }

    fn taken(&mut self, look: &Look<'_>, taken: &Taken) {
        let deed = look.deed;
        assert_eq!(deed.refs.works, taken.works, "refs name others: {deed:?}");
        assert!(!taken.works.is_empty() && taken.until > look.now, "{deed:?}");
        for no in &taken.works {
            let job = self.works.get_mut(no).unwrap_or_else(|| panic!("{no} has ended: {deed:?}"));
            assert_eq!(Some(&job.agent), deed.actor.agent(), "another's work: {deed:?}");
            assert!(job.until.is_none_or(|until| until <= look.now), "somebody has {no}: {deed:?}");
            job.attempts += 1;
            job.until = Some(taken.until);
            let bounded = !job.is_task || look.enforced();
            assert!(
                job.attempts <= job.max || !bounded,
                "G11: {no} is tried {} times of {}: {deed:?}",
                job.attempts,
                job.max
            );
        }
    }

    fn attempt_ended(&mut self, look: &Look<'_>) {
        let deed = look.deed;
        for no in &deed.refs.works {
            let job = self.works.get_mut(no).unwrap_or_else(|| panic!("{no} has ended: {deed:?}"));
            let until = job.until.take();
            if matches!(deed.body, Body::WorkLapsed(())) {
                assert!(until.is_some_and(|until| until <= look.now), "lapsed before its time: {deed:?}");
            } else {
                assert!(until.is_some_and(|until| look.now < until), "not held: {deed:?}");
                assert_eq!(Some(&job.agent), deed.actor.agent(), "another's work: {deed:?}");
                job.said += 1;
            }
            let given_up = look
                .deeds
                .iter()
                .any(|deed| matches!(deed.body, Body::WorkExhausted(())) && deed.refs.works.contains(no));
            let bounded = !job.is_task || look.enforced();
            assert_eq!(
                job.attempts >= job.max && bounded,
                given_up,
                "G11: {no} ends with its attempts: {deed:?}"
            );
        }
    }

    fn work_ended(&mut self, look: &Look<'_>) {
        let deed = look.deed;
        for no in &deed.refs.works {
            let Some(job) = self.works.remove(no) else { panic!("{no} ends twice: {deed:?}") };
            match &deed.body {
                Body::WorkCompleted(_) if deed.actor.agent().is_some() => {
                    assert_eq!(Some(&job.agent), deed.actor.agent(), "another's work: {deed:?}");
                    let held = job.until.is_some_and(|until| look.now < until);
                    assert!(held || !job.must_hold, "done by who does not hold it: {deed:?}");
                    check_next(look, &job);
                }
                Body::WorkExhausted(()) => {
                    assert!(job.attempts >= job.max, "G11: attempts are left: {deed:?}");
                    check_given_up(look, *no);
                }
                Body::WorkAccepted(()) | Body::WorkDeclined(()) => {
                    // A person's no to the held write of an accepted proposal declines that.
                    let by = deed.actor.agent().unwrap_or(&job.agent);
                    assert_eq!(&job.agent, by, "another's work: {deed:?}");
                }
                _ => {}
            }
        }
    }

    fn offered(&mut self, look: &Look<'_>, order: &HandoffOrder, record: &Record) {
        let deed = look.deed;
        assert_eq!(Some(&order.from), look.agent(), "another's task: {deed:?}");
        let left = order.attempt <= order.max_attempts || !look.enforced();
        assert!(left, "G11: attempt {} of {}: {deed:?}", order.attempt, order.max_attempts);
        assert!(!record.locks_task(&order.task, look.now), "G7: handed over while locked: {deed:?}");
        let known = self.tasks.remove(&order.task);
        if let Some(known) = &known {
            self.leave(known.work);
            assert_eq!(known.owner, order.from, "only its owner hands it over: {deed:?}");
            assert!(known.offered.is_none(), "offered twice: {deed:?}");
            assert!(known.escalated.is_none(), "G11: handed over while a person decides: {deed:?}");
            assert!(order.attempt >= known.attempt, "G11: an attempt is forgotten: {deed:?}");
            assert!(order.max_attempts <= known.max, "G11: attempts are added by the way: {deed:?}");
        }
        let errand = Errand {
            owner: order.from.clone(),
            offered: Some(order.to.clone()),
            giver: order.from.clone(),
            attempt: order.attempt,
            max: order.max_attempts,
            feedback: known.and_then(|known| known.feedback),
            escalated: None,
            work: deed.refs.works.first().copied(),
        };
        self.tasks.insert(order.task.clone(), errand);
    }

    fn accepted(&mut self, look: &Look<'_>, task: &TaskId) {
        let deed = look.deed;
        let errand = self.tasks.get_mut(task).unwrap();
        assert_eq!(errand.offered.as_ref(), deed.actor.agent(), "not offered to it: {deed:?}");
        errand.owner = errand.offered.take().unwrap();
        let job = self.works.get_mut(&errand.work.unwrap()).unwrap();
        // To have it for a time is an attempt, unless it was taken before.
        if job.until.is_none_or(|until| until <= look.now) {
            job.attempts += 1;
        }
        job.until = deed.refs.until;
        let left = job.attempts <= job.max || !look.enforced();
        assert!(left, "G11: accepted with no attempt left: {deed:?}");
    }

    fn returned(&mut self, look: &Look<'_>, task: &Task) {
        let deed = look.deed;
        let errand = self.tasks.get_mut(&task.id).unwrap();
        let by = look.agent().unwrap();
        assert!(errand.offered.as_ref() == Some(by) || errand.owner == *by, "not its to return: {deed:?}");
        assert_eq!(task.owner, errand.giver, "it goes back to its giver: {deed:?}");
        assert_eq!(task.attempt, errand.attempt + 1, "a return is an attempt: {deed:?}");
        let said = task.history.last().map(|feedback| folded(&feedback.text));
        if look.enforced() {
            assert!(task.attempt <= errand.max, "G11: returned with no attempt left: {deed:?}");
            assert_ne!(said, errand.feedback, "G11: the same feedback twice is for a person: {deed:?}");
        }
        (errand.offered, errand.owner) = (None, errand.giver.clone());
        (errand.attempt, errand.feedback) = (task.attempt, said);
        let before = std::mem::replace(&mut errand.work, task.stage.work());
        self.leave(before);
    }

    fn task_escalated(&mut self, look: &Look<'_>, task: &Task) {
        let deed = look.deed;
        let item = escalated(&task.stage).unwrap_or_else(|| panic!("with nobody: {deed:?}"));
        let errand = self.tasks.entry(task.id.clone()).or_insert_with(|| Errand {
            owner: task.owner.clone(),
            offered: None,
            giver: task.owner.clone(),
            attempt: task.attempt,
            max: task.max_attempts,
            feedback: None,
            escalated: None,
            work: None,
        });
        assert!(errand.escalated.is_none(), "G11: escalated twice: {deed:?}");
        errand.offered = None;
        errand.escalated = Some(item);
        (errand.owner, errand.attempt) = (task.owner.clone(), task.attempt);
        errand.max = task.max_attempts;
        // Whoever handed it over last gave it.
        errand.giver.clone_from(&task.order.from);
        errand.feedback = last_return(task);
        let before = errand.work.take();
        self.leave(before);
        let stuck = look.deeds.iter().filter(|deed| {
            matches!(&deed.body, Body::ItemOpened(item) if matches!(&item.case, Case::Stuck { task: its, .. } if its.id == task.id))
        });
        assert!(stuck.count() <= 1, "G11: more than one item: {deed:?}");
    }

    /// Out of attempts, and ended because its giver said so: no person is asked, and both agents are told.
    fn aborted(&mut self, look: &Look<'_>, task: &Task) {
        let deed = look.deed;
        assert!(look.enforced(), "a workspace that observes ends nothing: {deed:?}");
        assert_eq!(task.order.on_exhausted, Some(OnExhausted::Abort), "nobody said so: {deed:?}");
        let left = task.attempt <= task.max_attempts;
        let spent = |no: &WorkNo| {
            look.before.board.works.get(no).is_some_and(|work| work.attempts >= work.max_attempts)
        };
        assert!(!left || deed.refs.works.iter().any(spent), "an attempt is left: {deed:?}");
        if let Some(errand) = self.tasks.remove(&task.id) {
            assert!(errand.escalated.is_none(), "G11: ended while a person decides: {deed:?}");
            self.leave(errand.work);
        }
        for agent in [&task.order.from, &task.order.to] {
            let told = look.deeds.iter().filter(|deed| {
                deed.cause == Some(look.deed.seq)
                    && matches!(&deed.body, Body::WorkQueued(work) if work.agent == *agent)
            });
            assert_eq!(told.count(), 1, "both are told, once: {:?}", look.deeds);
        }
    }

    /// A person sends on what waited for a person: to somebody else than its giver, with an attempt that was not before
    /// and is among those that there are, in one work item of the receiver.
    fn sent_on(&mut self, look: &Look<'_>, task: &Task) {
        let deed = look.deed;
        let errand = self.tasks.get_mut(&task.id).unwrap_or_else(|| panic!("no such task: {deed:?}"));
        assert!(deed.actor.person().is_some(), "only a person sends a task on: {deed:?}");
        assert!(errand.escalated.take().is_some(), "it waits for nobody: {deed:?}");
        let to = &task.order.to;
        assert_ne!(*to, errand.giver, "to who gave it: {deed:?}");
        let stopped = look.before.board.agents.get(to).is_some_and(|facts| facts.paused.is_some());
        assert!(!stopped && look.before.board.halted.is_none(), "to who is paused: {deed:?}");
        assert!(task.attempt >= errand.attempt, "G11: an attempt is forgotten: {deed:?}");
        assert!(
            task.attempt <= task.max_attempts && task.max_attempts <= 100,
            "G11: without an end: {deed:?}"
        );
        assert_eq!(last_return(task), errand.feedback, "a return is forgotten: {deed:?}");
        let handed = look.deeds.iter().filter(|deed| {
            matches!(&deed.body, Body::WorkQueued(work)
                if work.agent == *to && matches!(&work.kind, WorkKind::Handoff { order, .. } if order.task == task.id))
        });
        assert_eq!(handed.count(), 1, "the receiver gets it once: {:?}", look.deeds);
        (errand.owner, errand.offered) = (errand.giver.clone(), Some(to.clone()));
        (errand.attempt, errand.max) = (task.attempt, task.max_attempts);
        errand.work = task.stage.work();
    }

    /// The task is no longer with this work item.
    fn leave(&mut self, work: Option<WorkNo>) {
        if let Some(no) = work {
            self.works.remove(&no);
        }
    }

    fn opened(&mut self, look: &Look<'_>, fan_out: &FanOutState) {
        let fan = Fan {
            starter: fan_out.agent.clone(),
            ended: vec![false; fan_out.branches.len()],
            deadline: fan_out.deadline,
        };
        assert_eq!(look.agent(), Some(&fan_out.agent), "{:?}", look.deed);
        assert!(self.fan_outs.insert(fan_out.no, fan).is_none(), "a number twice: {:?}", look.deed);
    }

    fn branch_ended(&mut self, look: &Look<'_>, result: &BranchResult) {
        let fan =
            self.fan_outs.get_mut(&result.fan_out).unwrap_or_else(|| panic!("is joined: {:?}", look.deed));
        let ended = fan.ended.get_mut(usize::try_from(result.index).unwrap()).unwrap();
        assert!(!std::mem::replace(ended, true), "G11: a branch ends twice: {:?}", look.deed);
    }

    fn fan_out_joined(&mut self, look: &Look<'_>, no: FanOutNo) {
        let deed = look.deed;
        let fan = self.fan_outs.remove(&no).unwrap_or_else(|| panic!("G11: joined twice: {deed:?}"));
        let all = fan.ended.iter().all(|ended| *ended);
        assert!(all || look.now >= fan.deadline, "G11: joined before its time: {deed:?}");
        assert!(self.joined.insert(no), "G11: joined twice: {deed:?}");
        let told = look.deeds.iter().filter(|deed| {
            matches!(&deed.body, Body::WorkQueued(work)
                if work.agent == fan.starter && matches!(work.kind, WorkKind::Join { fan_out, .. } if fan_out == no))
        });
        assert_eq!(told.count(), 1, "G11: the starter is told once: {:?}", look.deeds);
    }

    /// Agents stood still: what was not over by then is over as much later.
    pub(super) fn stood(&mut self, since: Time, span: Span) {
        for until in
            self.works.values_mut().filter_map(|job| job.until.as_mut()).filter(|until| **until > since)
        {
            *until = until.plus(span);
        }
        for fan in self.fan_outs.values_mut().filter(|fan| fan.deadline > since) {
            fan.deadline = fan.deadline.plus(span);
        }
    }

    /// After the ticks no taken work is past its time, and no fan-out past its deadline.
    pub(super) fn settled(&self, state: &State, now: Time) {
        let running = state.board.halted.is_none();
        let late = self.fan_outs.iter().find(|(_, fan)| running && fan.deadline <= now).map(|(no, _)| no);
        assert!(late.is_none(), "G11: fan-out {late:?} is not joined at its deadline");
        let late = self.works.iter().find(|(_, job)| running && job.until.is_some_and(|until| until <= now));
        assert!(late.is_none(), "G11: work {:?} did not come back", late.map(|(no, _)| no));
        let here: BTreeSet<WorkNo> = state.board.works.keys().copied().collect();
        assert_eq!(here, self.works.keys().copied().collect(), "other work is open");
        let fans: BTreeSet<FanOutNo> = state.board.fan_outs.keys().copied().collect();
        assert_eq!(fans, self.fan_outs.keys().copied().collect(), "other fan-outs are open");
        for (id, errand) in &self.tasks {
            let task = state.board.tasks.get(id).unwrap_or_else(|| panic!("task {id} is gone"));
            assert_eq!((&task.owner, task.attempt), (&errand.owner, errand.attempt), "task {id}");
        }
    }

    /// In the end no fan-out is open, and no branch of one that was joined is left in a stream.
    pub(super) fn ended(&self, state: &State, _now: Time) {
        assert!(self.fan_outs.is_empty(), "G11: fan-outs that are never joined: {:?}", self.fan_outs.keys());
        let left = state.board.works.values().find(
            |work| matches!(work.kind, WorkKind::Branch { fan_out, .. } if self.joined.contains(&fan_out)),
        );
        assert!(left.is_none(), "G11: a branch of a joined fan-out is left: {left:?}");
    }
}

/// Those who come after get their dispatch when the one before is done, one of them at a time.
fn check_next(look: &Look<'_>, job: &Job) {
    let Some(next) = job.then.first() else { return };
    if !completes(look) {
        return;
    }
    let dispatched = look.deeds.iter().filter(|deed| {
        deed.seq > look.deed.seq
            && matches!(&deed.body, Body::WorkQueued(work)
                if work.agent == *next && matches!(&work.kind, WorkKind::Dispatch { then, .. } if then.len() + 1 == job.then.len()))
    });
    assert_eq!(dispatched.count(), 1, "the next in the sequence gets one: {:?}", look.deeds);
}

fn completes(look: &Look<'_>) -> bool {
    matches!(&look.request.command, Command::Work(step) if step.step == WorkVerb::Complete)
}

/// Work that is out of attempts comes to a person, or ends where it says so.
fn check_given_up(look: &Look<'_>, no: WorkNo) {
    let work = look.state.board.works.get(&no).unwrap();
    let items = look.deeds.iter().filter(|deed| {
        matches!(&deed.body, Body::ItemOpened(item) if matches!(&item.case, Case::GivenUp { work } if work.no == no))
    });
    let branch = matches!(work.kind, WorkKind::Branch { .. });
    let most = usize::from(work.on_exhausted == OnExhausted::Escalate && !branch);
    assert!(items.count() <= most, "G11: more than one escalation: {:?}", look.deeds);
}

/// What the last return of a task said; a person's word is none.
fn last_return(task: &Task) -> Option<String> {
    let last = task.history.iter().rev().find(|feedback| feedback.by.agent().is_some());
    last.map(|feedback| folded(&feedback.text))
}

fn folded(words: &str) -> String {
    words.split_whitespace().map(str::to_lowercase).collect::<Vec<_>>().join(" ")
}
