//! What agents of a rehearsal do beside writing and publishing: side effects that are asked for and ended, locks, tasks that
//! are handed over. What is never ended, and locks that end by time, are the troubles of a team that is new.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::hands::Hands;
use crate::domain::command::{Act, ActEnd, Command, Handoff, LeaseStep};
use crate::domain::ids::{ActNo, AgentId, Fence, TaskId};
use crate::domain::map::Agent;
use crate::domain::path::{EntityPath, FieldPath, Pattern};
use crate::domain::things::{LeaseTarget, WorkProduct};
use crate::domain::time::Span;
use crate::domain::value::Value;

/// For how long an agent locks.
const LOCKED: Span = Span::from_mins(30);
/// How often in a thousand times something is left open, while the team is new.
const LEFT: u64 = 100;
/// How often in a thousand an act fails outside.
const FAILS: u64 = 20;
/// The word of every act.
const ACTION: &str = "send";

impl Hands {
    /// A path of the agent's that is one of many.
    fn one_of_many(&mut self, agent: &Agent) -> Option<FieldPath> {
        let many: Vec<Pattern> =
            agent.writes.iter().filter(|pattern| pattern.entity_text().contains('*')).cloned().collect();
        let pattern = self.random.one_of(&many).cloned()?;
        self.path(&pattern)
    }

    /// Asks before something goes out that it does itself.
    pub(super) fn act(&mut self, agent: &Agent) {
        let Some(target) = self.random.one_of(&agent.outputs).cloned() else { return };
        let Some(path) = self.one_of_many(agent) else { return };
        let model = self.model();
        let needed = model.bases.iter().flat_map(|basis| basis.needed(ACTION, Some(&path.entity)));
        let depends_on: BTreeMap<_, _> =
            needed.map(|path| (path.clone(), self.version(&agent.id, &path))).collect();
        let act = Act {
            target: Arc::from(target),
            subject: path.entity,
            action: Arc::from(ACTION),
            thread: Some(Arc::from(format!("thread {}", self.count()))),
            depends_on,
            wait: false,
            reason: None,
            cause: None,
            call: None,
        };
        self.as_agent(&agent.id, Command::Act(act));
    }

    /// Says how its acts ended.
    pub(super) fn end_acts(&mut self, agent: &AgentId) {
        let open = self.world.state.board.acts.values().filter(|act| act.agent == *agent);
        let open: Vec<ActNo> = open.map(|act| act.no).collect();
        for act in open {
            if self.trouble > 0 && self.chance(LEFT) {
                continue;
            }
            let done = !self.chance(FAILS);
            self.as_agent(agent, Command::ActEnd(ActEnd { act, done, note: None }));
        }
    }

    /// Locks what it writes, and writes it.
    pub(super) fn lock(&mut self, agent: &Agent) {
        let Some(path) = self.one_of_many(agent) else { return };
        let target = LeaseTarget::Path(path.clone());
        let asked = self.as_agent(&agent.id, Command::Lease(LeaseStep::Acquire { target, ttl: LOCKED }));
        if asked.is_some_and(|reply| reply.is_done()) {
            self.set(&agent.id, &path);
        }
    }

    /// Gives back what it has locked.
    pub(super) fn unlock(&mut self, agent: &AgentId) {
        let held = self.world.state.board.leases.values().filter(|lease| lease.holder == *agent);
        let held: Vec<Fence> = held.map(|lease| lease.fence).collect();
        for lease in held {
            if self.trouble == 0 || !self.chance(LEFT) {
                self.as_agent(agent, Command::Lease(LeaseStep::Release { lease }));
            }
        }
    }

    /// The token of its lease there.
    pub(super) fn token(&self, agent: &AgentId, entity: &EntityPath) -> Option<Fence> {
        let on = |target: &LeaseTarget| matches!(target, LeaseTarget::Path(path) if path.entity == *entity);
        let mut leases = self.world.state.board.leases.values();
        let lease = leases.find(|lease| lease.holder == *agent && on(&lease.target))?;
        lease.is_live(self.world.now()).then_some(lease.fence)
    }

    /// Hands a task to another agent, complete.
    pub(super) fn hand_over(&mut self, agent: &Agent) {
        let model = self.model();
        let others: Vec<&Agent> = model.agents.iter().filter(|other| other.id != agent.id).collect();
        let Some(to) = self.random.one_of(&others).map(|other| other.id.clone()) else { return };
        let Ok(task) = TaskId::new(&format!("task-{}", self.count())) else { return };
        let result = Some(Value::text("what there is so far"));
        let handoff = Handoff {
            to: Some(to),
            task: Some(task),
            work_product: Some(WorkProduct { result, status: Some(Arc::from("draft")) }),
            context: Some(Value::text("as always")),
            constraints: Some(Value::text("none")),
            attempt: Some(1),
            max_attempts: None,
            on_exhausted: None,
            subject: None,
            reason: None,
            cause: None,
        };
        self.as_agent(&agent.id, Command::Handoff(handoff));
    }
}
