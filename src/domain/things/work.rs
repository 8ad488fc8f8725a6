//! Agents' work streams and open acts.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::stored;
use super::task::{Branch, EarlierHand, Feedback, HandoffOrder};
use crate::domain::command::{Act, Write, WriteKind};
use crate::domain::ids::{ActNo, Actor, AgentId, FanOutNo, ItemNo, Seq, TaskId, Version, WorkNo};
use crate::domain::map::condition::{ACTION, BEFORE, BY, FIELDS, PATH, VALUE};
use crate::domain::map::{Grant, OnExhausted};
use crate::domain::outcome::Outcome;
use crate::domain::path::{EntityPath, FieldName, FieldPath};
use crate::domain::time::{Span, Time};
use crate::domain::value::{Value, some};

/// The field that attributes say something of.
pub(in crate::domain) fn path_of(attributes: &BTreeMap<Arc<str>, Value>) -> Option<FieldPath> {
    attributes.get(PATH)?.plain().parse().ok()
}

/// All of which an event tells: the field or the entity, and the fields of that which were changed.
pub(in crate::domain) fn paths_of(attributes: &BTreeMap<Arc<str>, Value>) -> Vec<FieldPath> {
    let Some(path) = path_of(attributes) else { return Vec::new() };
    let names = attributes.get(FIELDS).map(Value::json);
    let names = names.as_ref().and_then(serde_json::Value::as_array).into_iter().flatten();
    let named =
        names.filter_map(|name| Some(FieldPath::new(path.entity.clone(), name.as_str()?.parse().ok()?)));
    let mut paths: Vec<FieldPath> = named.collect();
    paths.push(path);
    paths
}

/// What an event tells of a field or an entity, beside which it is.
const TELLING: [&str; 5] = [VALUE, BEFORE, BY, FIELDS, ACTION];

/// The attributes without what they say of a field: only which it is.
pub(in crate::domain) fn without_values(
    mut attributes: BTreeMap<Arc<str>, Value>,
) -> BTreeMap<Arc<str>, Value> {
    attributes.retain(|name, _| !TELLING.contains(&&**name));
    attributes
}

/// How often work is tried where nobody says otherwise.
pub const ATTEMPTS: u32 = 3;
/// The most attempts that anybody may ask for.
pub const MOST_ATTEMPTS: u32 = 100;

/// Something in an agent's work stream.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Work {
    /// Its number.
    pub no: WorkNo,
    /// Whose stream.
    pub agent: AgentId,
    /// What.
    pub kind: WorkKind,
    /// The entity it is about.
    #[serialize_always]
    pub subject: Option<EntityPath>,
    /// It in one line.
    pub title: Arc<str>,
    /// When it came.
    pub at: Time,
    /// The deed that put it here.
    pub deed: Seq,
    /// Until when a taker has it; waiting where nobody has.
    pub taken_until: Option<Time>,
    /// How often it was taken or tried.
    #[serde(default, skip_serializing_if = "is_default")]
    pub attempts: u32,
    /// How often it may be.
    #[serde(default = "attempts", skip_serializing_if = "is_usual")]
    pub max_attempts: u32,
    /// What happens after that, where somebody waits for it; what only tells is dropped.
    #[serde(default, skip_serializing_if = "is_default")]
    pub on_exhausted: OnExhausted,
    /// Nobody waits for it, and yet its agent must fetch it: a person answered.
    #[serde(default, skip_serializing_if = "is_default")]
    pub fetch: bool,
    /// How the attempts so far ended, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<Attempt>,
    /// When the board looks after it; kept here so that its timer is found again.
    pub alarm: Option<Time>,
}

/// Work of the first version has no word of attempts, and is written again as it was.
fn attempts() -> u32 {
    ATTEMPTS
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
fn is_usual(attempts: &u32) -> bool {
    *attempts == ATTEMPTS
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// One attempt that did not complete the work.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Attempt {
    /// Which, from 1.
    pub attempt: u32,
    /// How it ended: failed, returned, lapsed.
    pub how: Arc<str>,
    /// In the agent's words.
    pub note: Option<Arc<str>>,
    /// When.
    pub at: Time,
    /// The deed.
    pub deed: Seq,
}

impl Attempt {
    /// Whether its time was over, which its taker may not know.
    pub fn is_lapse(&self) -> bool {
        &*self.how == LAPSED
    }
}

/// How an attempt ended whose time was over: the last word of `deeds.work.lapsed`.
const LAPSED: &str = "lapsed";

/// For how long work may wait without a sign of life of its agent.
pub const SILENCE: Span = Span::from_mins(15);

impl Work {
    /// A new item that waits in `agent`'s stream. Number, time and deed are the board's and the deed's to say.
    pub fn new(
        no: WorkNo,
        agent: AgentId,
        kind: WorkKind,
        title: impl Into<Arc<str>>,
        at: (Time, Seq),
    ) -> Self {
        let fetch = matches!(kind, WorkKind::Decision { .. } | WorkKind::Ruling { .. });
        let alarm = (kind.asks() || fetch).then(|| at.0.plus(SILENCE));
        let on_exhausted = if kind.asks() { OnExhausted::Escalate } else { OnExhausted::Abort };
        let max_attempts = if kind.asks() { ATTEMPTS } else { MOST_ATTEMPTS };
        Self {
            no,
            agent,
            kind,
            subject: None,
            title: title.into(),
            at: at.0,
            deed: at.1,
            taken_until: None,
            attempts: 0,
            max_attempts,
            on_exhausted,
            fetch,
            history: Vec::new(),
            alarm,
        }
    }

    /// The same about an entity.
    #[must_use]
    pub fn about(mut self, subject: Option<EntityPath>) -> Self {
        self.subject = subject;
        self
    }

    /// The fields of which it tells what is, was or shall be there. What its giver says in words is the giver's to say.
    pub fn told(&self) -> Vec<FieldPath> {
        match &self.kind {
            WorkKind::Proposal { write, .. } => {
                let whole =
                    Some(FieldPath::whole(write.entity.clone())).filter(|_| write.kind != WriteKind::Update);
                let path = |name: &FieldName| FieldPath::new(write.entity.clone(), name.clone());
                write.changes.keys().map(path).chain(whole).collect()
            }
            WorkKind::Changed { fields, .. } => fields.iter().map(|(path, _)| path.clone()).collect(),
            WorkKind::Dispatch { attributes, before, .. } => {
                let valued = TELLING.iter().any(|name| attributes.contains_key(*name));
                let said = self.subject.clone().filter(|_| before.is_some()).map(FieldPath::whole);
                let paths = if valued || before.is_some() { paths_of(attributes) } else { Vec::new() };
                paths.into_iter().chain(said).collect()
            }
            WorkKind::Handoff { order, history } => {
                let returns =
                    history.iter().filter(|back| self.tells(back)).map(|back| back.subject.as_ref());
                self.hands(&order.earlier, returns)
            }
            WorkKind::Returned { earlier, history, .. } => {
                // The last one was said to its giver.
                let before = history.iter().rev().skip(1).filter(|back| self.tells(back));
                self.hands(earlier, before.map(|back| back.subject.as_ref()))
            }
            WorkKind::Ruling { question, of, value: Some(_), .. } => {
                let whole = question.as_ref().and(self.subject.clone()).map(FieldPath::whole);
                of.clone().or(whole).into_iter().collect()
            }
            WorkKind::Notice { history, .. } => {
                let returns =
                    history.iter().filter(|back| self.tells(back)).map(|back| back.subject.as_ref());
                self.hands(&[], returns)
            }
            WorkKind::Ruling { value: None, .. }
            | WorkKind::Decision { .. }
            | WorkKind::Branch { .. }
            | WorkKind::Join { .. }
            | WorkKind::Free { .. } => Vec::new(),
        }
    }

    /// Whether a return was said by others.
    fn tells(&self, back: &Feedback) -> bool {
        back.by.agent() != Some(&self.agent)
    }

    /// What others said of a task before, and not to this agent: about what. An older deed does not say.
    fn hands<'w>(
        &'w self,
        earlier: &'w [EarlierHand],
        returns: impl Iterator<Item = Option<&'w EntityPath>>,
    ) -> Vec<FieldPath> {
        let others = earlier.iter().filter(|hand| !hand.is_with(&self.agent));
        let subjects = others.map(|hand| hand.subject.as_ref());
        let about = returns.map(|subject| subject.or(self.subject.as_ref()));
        subjects.chain(about).flatten().cloned().map(FieldPath::whole).collect()
    }

    /// Whether somebody has taken it at `now`.
    pub fn is_taken(&self, now: Time) -> bool {
        self.taken_until.is_some_and(|until| now < until)
    }
}

/// What a work item asks or tells.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum WorkKind {
    /// A change that its author does not own: accept or decline.
    Proposal {
        /// Who wants it.
        from: Actor,
        /// The change, on the versions it started from.
        #[serde(with = "stored::Write")]
        #[schemars(with = "Write")]
        write: Write,
        /// The deed that proposed it.
        proposed: Seq,
        /// There was more in the write than that, of which its reason may speak.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        partial: bool,
    },
    /// A person's answer to what this agent raised.
    Decision {
        /// The item.
        item: ItemNo,
        /// The word of the answer.
        answer: Arc<str>,
        /// The person's note.
        #[serialize_always]
        note: Option<Arc<str>>,
        /// A reply for the agent to use.
        #[serde(default, deserialize_with = "some")]
        reply: Option<Value>,
        /// How the stored input came out when it was decided afresh.
        #[serialize_always]
        result: Option<WorkResult>,
        /// What an agent may do from now on by this answer.
        granted: Option<Granted>,
        /// What could not be decided, given back as work: with it, somebody waits for the agent to do it.
        #[serde(default, deserialize_with = "some")]
        input: Option<Value>,
    },
    /// A person's ruling on what agents differ in.
    Ruling {
        /// The item that was answered, where one was.
        item: Option<ItemNo>,
        /// What was asked, where conclusions differed.
        question: Option<Arc<str>>,
        /// The field that is right, where states did.
        of: Option<FieldPath>,
        /// Who is right; nobody where it is a value of the person's own.
        right: Option<Actor>,
        /// What is right.
        #[serde(default, deserialize_with = "some")]
        value: Option<Value>,
        /// The person's note.
        note: Option<Arc<str>>,
    },
    /// Something the agent should know.
    Notice {
        /// In words.
        text: Arc<str>,
        /// Every return of the task that ended, oldest first, where its giver is told that no attempt is left.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        history: Vec<Feedback>,
        /// How many returns are left out of it, the oldest.
        #[serde(default, skip_serializing_if = "is_default")]
        returns_left_out: u32,
    },
    /// An event that is this agent's to handle.
    Dispatch {
        /// Its name.
        event: Arc<str>,
        /// What it came with.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        attributes: BTreeMap<Arc<str>, Value>,
        /// Who comes after, in sequence, once this is completed.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        then: Vec<AgentId>,
        /// What the one before in the sequence has done.
        before: Option<Box<Before>>,
        /// The deed that raised it.
        raised: Seq,
    },
    /// A task handed to this agent: accept, complete or return it.
    Handoff {
        /// The checked payload.
        order: Box<HandoffOrder>,
        /// Every return so far, oldest first.
        history: Vec<Feedback>,
    },
    /// A task that came back to its giver.
    Returned {
        /// Which.
        task: TaskId,
        /// The attempt that is next.
        attempt: u32,
        /// How many there are.
        max_attempts: u32,
        /// Every return so far, oldest first.
        history: Vec<Feedback>,
        /// What was said with the handoffs before its giver's, oldest first.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        earlier: Vec<EarlierHand>,
        /// How many of these are left out, the oldest.
        #[serde(default, skip_serializing_if = "is_default")]
        left_out: u32,
        /// How many returns are left out of the history, the oldest.
        #[serde(default, skip_serializing_if = "is_default")]
        returns_left_out: u32,
    },
    /// A piece of a fan-out.
    Branch {
        /// Of which.
        fan_out: FanOutNo,
        /// Its place in it, from 0.
        index: u32,
        /// Who started it.
        from: AgentId,
        /// What it is.
        input: Value,
    },
    /// A fan-out is joined: every branch's result or failure.
    Join {
        /// Which.
        fan_out: FanOutNo,
        /// Whether as many succeeded as were needed.
        met: bool,
        /// The branches in order; one without an end missed the deadline.
        branches: Vec<Branch>,
    },
    /// Something that this agent's open work, act or lease depends on was changed by another.
    Changed {
        /// Which fields, with their new versions.
        fields: Vec<(FieldPath, Version)>,
        /// By whom.
        by: Actor,
        /// The deed.
        change: Seq,
    },
    /// An act that was deferred may be asked for again: the way is free.
    Free {
        /// The act as asked then.
        #[serde(serialize_with = "stored::Act::serialize", deserialize_with = "stored::Act::boxed")]
        act: Box<Act>,
        /// The deed that deferred it.
        deferred: Seq,
    },
}

/// What the agent before in a sequence has done.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Before {
    /// Who.
    pub by: AgentId,
    /// What came of it.
    #[serde(default, deserialize_with = "some")]
    pub result: Option<Value>,
    /// In its words.
    pub note: Option<Arc<str>>,
}

/// What an answer allows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Granted {
    /// To whom.
    pub agent: AgentId,
    /// What.
    pub grant: Grant,
}

impl fmt::Display for Granted {
    /// As a sentence: `sales may write crm/contact/*#score`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let agent = &self.agent;
        match &self.grant {
            Grant::Write(pattern) => write!(f, "{agent} may write {pattern}"),
            Grant::Trigger(event) => write!(f, "{event} wakes {agent}"),
            Grant::Output(output) => write!(f, "{agent} may act on {output}"),
            Grant::Tool(row) => write!(f, "the map says {row}"),
        }
    }
}

/// How something came out.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WorkResult {
    /// The word.
    pub outcome: Outcome,
    /// The deed that records it.
    pub deed: Seq,
    /// The act that may go ahead by it: its agent says how it ended.
    pub act: Option<ActNo>,
}

impl WorkKind {
    /// The word on every screen.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Proposal { .. } => "proposal",
            Self::Decision { .. } => "decision",
            Self::Ruling { .. } => "ruling",
            Self::Notice { .. } => "notice",
            Self::Dispatch { .. } => "dispatch",
            Self::Handoff { .. } => "handoff",
            Self::Returned { .. } => "returned",
            Self::Branch { .. } => "branch",
            Self::Join { .. } => "join",
            Self::Changed { .. } => "changed",
            Self::Free { .. } => "free",
        }
    }

    /// The task that it is a part of.
    pub fn task(&self) -> Option<&TaskId> {
        match self {
            Self::Handoff { order, .. } => Some(&order.task),
            Self::Returned { task, .. } => Some(task),
            Self::Proposal { .. }
            | Self::Decision { .. }
            | Self::Ruling { .. }
            | Self::Notice { .. }
            | Self::Dispatch { .. }
            | Self::Branch { .. }
            | Self::Join { .. }
            | Self::Changed { .. }
            | Self::Free { .. } => None,
        }
    }

    /// Something that the agent should know, in words alone.
    pub fn notice(text: impl Into<Arc<str>>) -> Self {
        Self::Notice { text: text.into(), history: Vec::new(), returns_left_out: 0 }
    }

    /// Whether somebody waits for the agent to do it; the others only tell.
    pub fn asks(&self) -> bool {
        match self {
            Self::Proposal { .. }
            | Self::Dispatch { .. }
            | Self::Handoff { .. }
            | Self::Returned { .. }
            | Self::Branch { .. } => true,
            Self::Decision { input, .. } => input.is_some(),
            Self::Ruling { .. }
            | Self::Notice { .. }
            | Self::Join { .. }
            | Self::Changed { .. }
            | Self::Free { .. } => false,
        }
    }
}
