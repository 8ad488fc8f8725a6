//! From a step of the story to a command: versions named as a careful agent names them, the deed that led to it, the
//! token of a lease. Filling in texts is `fill`'s business.

mod fill;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::story::LeaseWord;
use crate::domain::command::{
    Act, Claim, Command, Conclude, Escalate, Expected, FanOut, Handoff, LeaseStep, Publish, Raise, WorkVerb,
    Write, WriteKind,
};
use crate::domain::ids::{AgentId, Fence, Seq, Version};
use crate::domain::path::{EntityPath, FieldName, FieldPath};
use crate::domain::query::EntityView;
use crate::domain::things::{LeaseTarget, Work, WorkKind};
use crate::domain::time::Span;
use crate::domain::value::Value;

pub(super) use self::fill::script;

/// What the agents of a scene know: the versions that each has seen, the deeds that each has done in it, and the leases
/// that each was granted in it.
#[derive(Debug, Clone, Default)]
pub(super) struct Notes {
    versions: BTreeMap<(AgentId, FieldPath), Version>,
    deeds: BTreeMap<AgentId, Vec<Seq>>,
    leases: BTreeMap<(AgentId, LeaseTarget), Granted>,
}

/// A lease as its holder knows it.
#[derive(Debug, Clone, Copy)]
struct Granted {
    fence: Fence,
    until: Instant,
}

/// How many of its last deeds an agent shows as evidence.
const EVIDENCE: usize = 4;

impl Notes {
    /// Takes in what an agent has read. A record that is not there has version 0 throughout.
    pub(super) fn take_in(&mut self, agent: &AgentId, entity: &EntityPath, view: Option<&EntityView>) {
        self.forget(agent, entity);
        let whole = view.map_or(Version(0), |view| view.version);
        self.versions.insert((agent.clone(), FieldPath::whole(entity.clone())), whole);
        for (name, field) in
            view.into_iter().flat_map(|view| &view.fields).filter(|(name, _)| !name.is_whole())
        {
            self.versions.insert((agent.clone(), entity.field(name.clone())), field.version);
        }
    }

    /// Whether the agent has looked at the record in this scene.
    pub(super) fn knows(&self, agent: &AgentId, entity: &EntityPath) -> bool {
        self.versions.contains_key(&(agent.clone(), FieldPath::whole(entity.clone())))
    }

    /// What an agent has just changed it looks at again before it relies on it.
    pub(super) fn forget(&mut self, agent: &AgentId, entity: &EntityPath) {
        self.versions.retain(|(who, path), _| who != agent || path.entity != *entity);
    }

    /// Keeps the deed that an agent did.
    pub(super) fn did(&mut self, agent: &AgentId, deed: Seq) {
        self.deeds.entry(agent.clone()).or_default().push(deed);
    }

    /// Keeps the token of a lease that was granted.
    pub(super) fn granted(&mut self, agent: &AgentId, draft: &LeaseDraft, fence: Fence) {
        let ttl = u64::try_from(draft.ttl.micros()).unwrap_or_default();
        let until = Instant::now() + Duration::from_micros(ttl);
        let holder = draft.to.as_ref().unwrap_or(agent);
        self.leases.insert((holder.clone(), draft.target.clone()), Granted { fence, until });
    }

    /// For how long the agent's leases of this scene still run.
    pub(super) fn left(&self, agent: &AgentId) -> Duration {
        let mine = self.leases.iter().filter(|((holder, _), _)| holder == agent);
        let left = mine.map(|(_, granted)| granted.until.saturating_duration_since(Instant::now()));
        left.max().unwrap_or_default()
    }

    fn fence(&self, agent: &AgentId, target: &LeaseTarget) -> Fence {
        let granted = self.leases.get(&(agent.clone(), target.clone()));
        granted.map(|granted| granted.fence).unwrap_or_default()
    }

    fn fence_on(&self, agent: &AgentId, entity: &EntityPath) -> Option<Fence> {
        let on = |target: &LeaseTarget| matches!(target, LeaseTarget::Path(path) if path.entity == *entity);
        let mine = self.leases.iter().find(|((holder, target), _)| holder == agent && on(target));
        mine.map(|(_, granted)| granted.fence)
    }

    fn version(&self, agent: &AgentId, path: FieldPath) -> Version {
        self.versions.get(&(agent.clone(), path)).copied().unwrap_or_default()
    }

    fn last(&self, agent: &AgentId) -> Option<Seq> {
        self.deeds.get(agent).and_then(|deeds| deeds.last()).copied()
    }

    fn evidence(&self) -> Vec<Seq> {
        let mut deeds: Vec<Seq> = self.deeds.values().flatten().copied().collect();
        deeds.sort_unstable();
        deeds.split_off(deeds.len().saturating_sub(EVIDENCE))
    }
}

/// A step with its variables filled in and its texts read.
#[derive(Debug, Clone)]
pub(super) enum Script {
    /// Look at a record.
    Read(EntityPath),
    /// Do something with an item of the work stream.
    Work(WorkDraft),
    /// Ask for something.
    Ask(Draft),
}

/// What is done with which item of the work stream.
#[derive(Debug, Clone)]
pub(super) struct WorkDraft {
    /// What; taken where none.
    pub(super) verb: Option<WorkVerb>,
    /// Which: see [`WorkDraft::means`].
    pub(super) of: Arc<str>,
    /// About what, where it matters.
    pub(super) subject: Option<EntityPath>,
    /// In the agent's words.
    pub(super) note: Option<Arc<str>>,
    /// What came of it.
    pub(super) result: Option<Value>,
}

impl WorkDraft {
    /// Whether this item is meant.
    pub(super) fn means(&self, work: &Work) -> bool {
        let named = match &work.kind {
            WorkKind::Dispatch { event, .. } => *event == self.of,
            WorkKind::Handoff { order, .. } => order.task.as_str() == &*self.of,
            WorkKind::Returned { task, .. } => task.as_str() == &*self.of,
            WorkKind::Branch { input, .. } => input.json().as_str() == Some(&*self.of),
            WorkKind::Proposal { write, .. } => write.entity.as_str() == &*self.of,
            WorkKind::Decision { .. }
            | WorkKind::Notice { .. }
            | WorkKind::Ruling { .. }
            | WorkKind::Join { .. }
            | WorkKind::Changed { .. }
            | WorkKind::Free { .. } => work.kind.word() == &*self.of,
        };
        named && self.subject.as_ref().is_none_or(|subject| work.subject.as_ref() == Some(subject))
    }
}

/// A command before its versions are named.
#[derive(Debug, Clone)]
pub(super) enum Draft {
    Write {
        write: Write,
        /// What it is based on.
        based_on: Vec<FieldPath>,
        /// Whether its own versions are those remembered.
        from_memory: bool,
        /// Whether it shows the token of the agent's lease.
        with_token: bool,
        /// Whether it comes only after that lease has run out.
        late: bool,
    },
    /// An act with what it is based on, and how many seconds it takes.
    Act(Act, Vec<FieldPath>, f64),
    /// An escalation.
    Escalate(Escalate),
    /// An event.
    Raise(Raise),
    Claim(Claim),
    /// A task handed over.
    Handoff(Handoff),
    /// Pieces of work at once.
    FanOut(FanOut),
    /// Something done to a lease.
    Lease(LeaseDraft),
    /// A publication with what it is based on.
    Publish(Publish, Vec<FieldPath>),
    /// A conclusion with what it is based on.
    Conclude(Conclude, Vec<FieldPath>),
}

/// Something done to a lease, before its token is known.
#[derive(Debug, Clone)]
pub(super) struct LeaseDraft {
    word: LeaseWord,
    target: LeaseTarget,
    ttl: Span,
    to: Option<AgentId>,
}

impl LeaseDraft {
    fn step(&self, agent: &AgentId, notes: &Notes) -> LeaseStep {
        let lease = notes.fence(agent, &self.target);
        match self.word {
            LeaseWord::Acquire => LeaseStep::Acquire { target: self.target.clone(), ttl: self.ttl },
            LeaseWord::Renew => LeaseStep::Renew { lease, ttl: self.ttl },
            LeaseWord::Release => LeaseStep::Release { lease },
            LeaseWord::Transfer => {
                LeaseStep::Transfer { lease, to: self.to.clone().unwrap_or_else(|| agent.clone()) }
            }
        }
    }

    /// The word for it.
    pub(super) fn word(&self) -> &'static str {
        match self.word {
            LeaseWord::Acquire => "lease",
            LeaseWord::Renew => "renew",
            LeaseWord::Release => "release",
            LeaseWord::Transfer => "transfer",
        }
    }

    /// The record that is locked.
    pub(super) fn entity(&self) -> Option<&EntityPath> {
        match &self.target {
            LeaseTarget::Path(path) => Some(&path.entity),
            LeaseTarget::Task(_) => None,
        }
    }
}

impl Draft {
    /// The command with the versions that the agent has seen, and the deed that led to it.
    pub(super) fn command(&self, agent: &AgentId, from: &AgentId, notes: &Notes) -> Command {
        let depends = |paths: &[FieldPath]| -> BTreeMap<FieldPath, Version> {
            paths.iter().map(|path| (path.clone(), notes.version(agent, path.clone()))).collect()
        };
        let cause = notes.last(from);
        match self {
            Self::Write { write, based_on, with_token, .. } => {
                let lease = with_token.then(|| notes.fence_on(agent, &write.entity).unwrap_or_default());
                let expected = expected(write, agent, notes);
                let depends_on = depends(based_on);
                Command::Write(Write { expected, depends_on, lease, cause, ..write.clone() })
            }
            Self::Act(act, based_on, _) => {
                Command::Act(Act { depends_on: depends(based_on), cause, ..act.clone() })
            }
            Self::Escalate(escalate) => {
                Command::Escalate(Escalate { evidence: notes.evidence(), ..escalate.clone() })
            }
            Self::Raise(raise) => Command::Raise(Raise { cause, ..raise.clone() }),
            Self::Claim(claim) => Command::Claim(Claim { cause, ..claim.clone() }),
            Self::Handoff(handoff) => Command::Handoff(Handoff { cause, ..handoff.clone() }),
            Self::FanOut(order) => Command::FanOut(FanOut { cause, ..order.clone() }),
            Self::Lease(draft) => Command::Lease(draft.step(agent, notes)),
            Self::Publish(publish, based_on) => {
                Command::Publish(Publish { depends_on: depends(based_on), cause, ..publish.clone() })
            }
            Self::Conclude(conclude, based_on) => {
                Command::Conclude(Conclude { depends_on: depends(based_on), cause, ..conclude.clone() })
            }
        }
    }

    /// The records to look at before asking: what it writes, and what it is based on and has not seen in this scene.
    /// Who asks again looks at all of them again.
    pub(super) fn look(&self, agent: &AgentId, notes: &Notes, again: bool) -> Vec<EntityPath> {
        let (own, based_on) = match self {
            Self::Write { write, based_on, from_memory, .. } => {
                ((!from_memory).then_some(&write.entity), based_on.as_slice())
            }
            Self::Act(_, based_on, _) | Self::Publish(_, based_on) | Self::Conclude(_, based_on) => {
                (None, based_on.as_slice())
            }
            Self::Escalate(_)
            | Self::Raise(_)
            | Self::Claim(_)
            | Self::Handoff(_)
            | Self::FanOut(_)
            | Self::Lease(_) => (None, &[][..]),
        };
        let unseen =
            based_on.iter().map(|path| &path.entity).filter(|entity| again || !notes.knows(agent, entity));
        let mut look: Vec<EntityPath> = own.into_iter().chain(unseen).cloned().collect();
        look.sort_unstable();
        look.dedup();
        look
    }

    /// Whether it comes only after the agent's lease has run out.
    pub(super) fn is_late(&self) -> bool {
        matches!(self, Self::Write { late: true, .. })
    }

    /// The word and the record of what is asked.
    pub(super) fn about(&self) -> (String, Option<EntityPath>) {
        let (word, entity) = match self {
            Self::Write { write, .. } => (write_word(write.kind), Some(&write.entity)),
            Self::Act(act, _, _) => (&*act.action, Some(&act.subject)),
            Self::Escalate(escalate) => ("escalate", escalate.subject.as_ref()),
            Self::Raise(raise) => ("raise", raise.subject.as_ref()),
            Self::Claim(claim) => ("claim", claim.subject.as_ref()),
            Self::Handoff(handoff) => ("hand over", handoff.subject.as_ref()),
            Self::FanOut(order) => ("fan out", order.subject.as_ref()),
            Self::Lease(lease) => (lease.word(), lease.entity()),
            Self::Publish(publish, _) => (publish.word(), publish.subject.as_ref()),
            Self::Conclude(conclude, _) => ("conclude", Some(&conclude.subject)),
        };
        (word.to_owned(), entity.cloned())
    }
}

fn write_word(kind: WriteKind) -> &'static str {
    match kind {
        WriteKind::Update => "write",
        WriteKind::Create => "create",
        WriteKind::Archive => "archive",
        WriteKind::Delete => "delete",
    }
}

fn expected(write: &Write, agent: &AgentId, notes: &Notes) -> Option<Expected> {
    let version = |name: &FieldName| notes.version(agent, write.entity.field(name.clone()));
    match write.kind {
        WriteKind::Create => None,
        WriteKind::Update => {
            Some(Expected::Fields(write.changes.keys().map(|name| (name.clone(), version(name))).collect()))
        }
        WriteKind::Archive | WriteKind::Delete => Some(Expected::Entity(version(&FieldName::whole()))),
    }
}
