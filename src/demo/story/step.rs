//! One step of a scene: who, when, and one of the verbs with its own keys. A key that the verb doesn't know is an error.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;
use toml::Table;

use crate::domain::command::{WorkVerb, WriteKind};
use crate::domain::ids::AgentId;
use crate::domain::outcome::Outcome;

/// One thing that one agent does.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "Table")]
pub(in crate::demo) struct Step {
    /// Seconds after the scene began.
    pub(in crate::demo) at: f64,
    /// Who.
    pub(in crate::demo) by: AgentId,
    /// Only if the step before came out so.
    pub(in crate::demo) only_if: Option<Outcome>,
    /// Whose last deed in this scene led to it; its own by default.
    pub(in crate::demo) from: Option<AgentId>,
    /// In the agent's words.
    pub(in crate::demo) why: Option<String>,
    /// What.
    pub(in crate::demo) verb: Verb,
}

/// What an agent does. Texts may have variables.
#[derive(Debug, Clone)]
pub(in crate::demo) enum Verb {
    /// Looks at a record and remembers its versions.
    Read(String),
    /// Changes a record in one of the four ways.
    Write(WriteKind, Write),
    /// Asks before a side effect, and does it when it may.
    Act(Act),
    /// Tells a person what it can't decide.
    Escalate(Escalate),
    /// Says that something happened.
    Raise(Raise),
    /// Asks whether an event is its own.
    Claim(Claim),
    /// Takes an item of its work stream, or does something with it.
    Work(Option<WorkVerb>, WorkPick),
    /// Hands a task over.
    HandOver(HandOver),
    /// Starts pieces of work at once.
    FanOut(FanOut),
    /// Locks something, or changes its lock.
    Lease(LeaseWord, LeaseVerb),
    /// Publishes on an output.
    Publish(Publish),
    /// Says what it found out.
    Conclude(Conclude),
}

/// `read`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Read {
    read: String,
}

/// `write`, `create`, `archive` or `delete`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::demo) struct Write {
    /// The record.
    #[serde(alias = "write", alias = "create", alias = "archive", alias = "delete")]
    pub(in crate::demo) entity: String,
    /// The fields.
    #[serde(default)]
    pub(in crate::demo) set: BTreeMap<String, Json>,
    /// The whole record, where it is a file or a queue.
    pub(in crate::demo) text: Option<String>,
    /// What it was based on besides.
    #[serde(default)]
    pub(in crate::demo) based_on: Vec<String>,
    /// From the versions remembered in this scene, instead of reading again.
    #[serde(default)]
    pub(in crate::demo) from_memory: bool,
    /// With the token of the lease that it took in this scene.
    #[serde(default)]
    pub(in crate::demo) with_token: bool,
    /// Not before that lease has run out.
    #[serde(default)]
    pub(in crate::demo) late: bool,
}

/// `act`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::demo) struct Act {
    /// Where it goes.
    #[serde(rename = "act")]
    pub(in crate::demo) target: String,
    /// About what.
    #[serde(rename = "on")]
    pub(in crate::demo) subject: String,
    /// The agent's word for it.
    pub(in crate::demo) action: String,
    /// What it was based on.
    #[serde(default)]
    pub(in crate::demo) based_on: Vec<String>,
    /// How long it takes, in seconds.
    #[serde(default = "two")]
    pub(in crate::demo) takes: f64,
    /// Whether it waits where another goes first, and asks again when it is woken.
    #[serde(default)]
    pub(in crate::demo) waits: bool,
}

/// `escalate`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::demo) struct Escalate {
    /// As received.
    #[serde(rename = "escalate")]
    pub(in crate::demo) input: Json,
    /// About what.
    #[serde(rename = "on")]
    pub(in crate::demo) subject: Option<String>,
}

/// `raise`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::demo) struct Raise {
    #[serde(rename = "raise")]
    pub(in crate::demo) event: String,
    /// About what.
    #[serde(rename = "on")]
    pub(in crate::demo) subject: Option<String>,
    /// Its attributes.
    #[serde(default)]
    pub(in crate::demo) with: BTreeMap<String, Json>,
}

/// `claim`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::demo) struct Claim {
    #[serde(rename = "claim")]
    pub(in crate::demo) event: String,
    /// Which occurrence.
    pub(in crate::demo) key: String,
    /// About what.
    #[serde(rename = "on")]
    pub(in crate::demo) subject: Option<String>,
    /// Its attributes.
    #[serde(default)]
    pub(in crate::demo) with: BTreeMap<String, Json>,
}

/// `take`, `complete`, `accept`, `decline`, `fail` or `return`: the oldest item of its work stream that is meant. Where
/// there is none, because a person went before, the step is left out.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::demo) struct WorkPick {
    /// The event of a dispatch, the task of a handoff, the input of a branch, the record of a proposal; for all others
    /// the word of their kind.
    #[serde(
        alias = "take",
        alias = "complete",
        alias = "accept",
        alias = "decline",
        alias = "fail",
        alias = "return"
    )]
    pub(in crate::demo) of: String,
    /// About what.
    #[serde(rename = "on")]
    pub(in crate::demo) subject: Option<String>,
    /// What came of it.
    pub(in crate::demo) result: Option<Json>,
}

/// `hand_over`. What is left out is left out of the payload too.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::demo) struct HandOver {
    #[serde(rename = "hand_over")]
    pub(in crate::demo) task: String,
    /// To whom.
    pub(in crate::demo) to: Option<AgentId>,
    /// What was done so far.
    pub(in crate::demo) result: Option<Json>,
    /// How far it is.
    pub(in crate::demo) status: Option<String>,
    /// What the receiver must know.
    pub(in crate::demo) context: Option<Json>,
    /// What the receiver must keep to.
    pub(in crate::demo) constraints: Option<Json>,
    /// Which attempt this is.
    pub(in crate::demo) attempt: Option<u32>,
    /// How many there are.
    pub(in crate::demo) max_attempts: Option<u32>,
    /// About what.
    #[serde(rename = "on")]
    pub(in crate::demo) subject: Option<String>,
}

/// `fan_out`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::demo) struct FanOut {
    /// The pieces.
    #[serde(rename = "fan_out")]
    pub(in crate::demo) branches: Vec<BranchStep>,
    /// After how many seconds it is joined, whatever is missing.
    pub(in crate::demo) within: f64,
    /// How many must succeed.
    pub(in crate::demo) needed: Option<u32>,
    /// About what.
    #[serde(rename = "on")]
    pub(in crate::demo) subject: Option<String>,
}

/// One piece of a fan-out.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::demo) struct BranchStep {
    /// Who does it.
    pub(in crate::demo) to: AgentId,
    /// What it is.
    pub(in crate::demo) input: String,
    /// How often it is tried.
    pub(in crate::demo) max_attempts: Option<u32>,
}

/// What is done with a lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::demo) enum LeaseWord {
    /// `lease`: locks it, `secs` long.
    Acquire,
    /// `renew`: `secs` more from now on.
    Renew,
    /// `release`.
    Release,
    /// `transfer`: `to` another agent.
    Transfer,
}

/// `lease`, `renew`, `release` or `transfer`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::demo) struct LeaseVerb {
    /// What is locked: a path, or `task:` and a task.
    #[serde(alias = "lease", alias = "renew", alias = "release", alias = "transfer")]
    pub(in crate::demo) target: String,
    /// For how many seconds.
    pub(in crate::demo) secs: Option<f64>,
    /// To whom.
    pub(in crate::demo) to: Option<AgentId>,
}

/// `publish`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::demo) struct Publish {
    /// The destination.
    #[serde(rename = "publish")]
    pub(in crate::demo) output: String,
    /// The conversation in it.
    pub(in crate::demo) thread: Option<String>,
    /// What is published.
    pub(in crate::demo) body: Json,
    /// About what.
    #[serde(rename = "on")]
    pub(in crate::demo) subject: Option<String>,
    /// The agent's word for it.
    pub(in crate::demo) action: Option<String>,
    /// What it was based on.
    #[serde(default)]
    pub(in crate::demo) based_on: Vec<String>,
}

/// `conclude`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::demo) struct Conclude {
    #[serde(rename = "conclude")]
    pub(in crate::demo) question: String,
    /// About what.
    #[serde(rename = "on")]
    pub(in crate::demo) subject: String,
    pub(in crate::demo) answer: Json,
    /// What it was based on.
    #[serde(default)]
    pub(in crate::demo) based_on: Vec<String>,
}

fn two() -> f64 {
    2.0
}

/// What the keys of a verb are read by.
type Reader = fn(Table) -> Result<Verb, String>;

/// Every verb: the key that names it, and what reads it.
const VERBS: &[(&str, Reader)] = &[
    ("read", |keys| Ok(Verb::Read(read::<Read>(keys)?.read))),
    ("write", |keys| Ok(Verb::Write(WriteKind::Update, read(keys)?))),
    ("create", |keys| Ok(Verb::Write(WriteKind::Create, read(keys)?))),
    ("archive", |keys| Ok(Verb::Write(WriteKind::Archive, read(keys)?))),
    ("delete", |keys| Ok(Verb::Write(WriteKind::Delete, read(keys)?))),
    ("act", |keys| Ok(Verb::Act(read(keys)?))),
    ("escalate", |keys| Ok(Verb::Escalate(read(keys)?))),
    ("raise", |keys| Ok(Verb::Raise(read(keys)?))),
    ("claim", |keys| Ok(Verb::Claim(read(keys)?))),
    ("take", |keys| Ok(Verb::Work(None, read(keys)?))),
    ("complete", |keys| Ok(Verb::Work(Some(WorkVerb::Complete), read(keys)?))),
    ("accept", |keys| Ok(Verb::Work(Some(WorkVerb::Accept), read(keys)?))),
    ("decline", |keys| Ok(Verb::Work(Some(WorkVerb::Decline), read(keys)?))),
    ("fail", |keys| Ok(Verb::Work(Some(WorkVerb::Fail), read(keys)?))),
    ("return", |keys| Ok(Verb::Work(Some(WorkVerb::Return), read(keys)?))),
    ("hand_over", |keys| Ok(Verb::HandOver(read(keys)?))),
    ("fan_out", |keys| Ok(Verb::FanOut(read(keys)?))),
    ("lease", |keys| Ok(Verb::Lease(LeaseWord::Acquire, lasting(keys)?))),
    ("renew", |keys| Ok(Verb::Lease(LeaseWord::Renew, lasting(keys)?))),
    ("release", |keys| Ok(Verb::Lease(LeaseWord::Release, read(keys)?))),
    ("transfer", |keys| Ok(Verb::Lease(LeaseWord::Transfer, given(keys)?))),
    ("publish", |keys| Ok(Verb::Publish(read(keys)?))),
    ("conclude", |keys| Ok(Verb::Conclude(read(keys)?))),
];

fn read<T: DeserializeOwned>(keys: Table) -> Result<T, String> {
    keys.try_into().map_err(|error: toml::de::Error| error.message().to_owned())
}

fn lasting(keys: Table) -> Result<LeaseVerb, String> {
    let verb: LeaseVerb = read(keys)?;
    if verb.secs.is_none() { Err("missing field `secs`".to_owned()) } else { Ok(verb) }
}

fn given(keys: Table) -> Result<LeaseVerb, String> {
    let verb: LeaseVerb = read(keys)?;
    if verb.to.is_none() { Err("missing field `to`".to_owned()) } else { Ok(verb) }
}

impl TryFrom<Table> for Step {
    type Error = String;

    fn try_from(mut keys: Table) -> Result<Self, String> {
        let at = needed(&mut keys, "at")?;
        let by: AgentId = needed(&mut keys, "by")?;
        let who = format!("the step of {by} at {at}");
        let within = |error: String| format!("{who}: {error}");
        let only_if = maybe(&mut keys, "if").map_err(within)?;
        let from = maybe(&mut keys, "from").map_err(within)?;
        let why = maybe(&mut keys, "why").map_err(within)?;
        let named: Vec<_> = VERBS.iter().filter(|(verb, _)| keys.contains_key(*verb)).collect();
        match named.as_slice() {
            [(verb, read)] => {
                let verb = read(keys).map_err(|error| format!("{who}: {verb}: {error}"))?;
                Ok(Self { at, by, only_if, from, why, verb })
            }
            [] => {
                let verbs: Vec<&str> = VERBS.iter().map(|(verb, _)| *verb).collect();
                Err(format!("{who} does nothing: add one of {}", verbs.join(", ")))
            }
            [(one, _), (two, _), ..] => {
                Err(format!("{who} does two things, {one} and {two}; write two steps"))
            }
        }
    }
}

fn maybe<T: DeserializeOwned>(keys: &mut Table, key: &str) -> Result<Option<T>, String> {
    let Some(value) = keys.remove(key) else { return Ok(None) };
    value.try_into().map(Some).map_err(|error: toml::de::Error| format!("{key}: {}", error.message()))
}

fn needed<T: DeserializeOwned>(keys: &mut Table, key: &str) -> Result<T, String> {
    maybe(keys, key)?.ok_or_else(|| format!("a step without {key}: every step says `at` and `by`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken(text: &str) -> String {
        toml::from_str::<Step>(text).unwrap_err().to_string()
    }

    #[test]
    fn a_step_does_one_thing() {
        assert!(toml::from_str::<Step>("at = 1\nby = 'a'\nread = 'x/y'").is_ok());
        assert!(broken("at = 1\nby = 'a'").contains("does nothing: add one of read, write,"));
        let two = broken("at = 1\nby = 'a'\nread = 'x'\nact = 'y'\non = 'z'\naction = 'w'");
        assert!(two.contains("the step of a at 1 does two things, read and act"), "{two}");
    }

    #[test]
    fn what_a_verb_lacks_or_does_not_know_is_named() {
        assert!(broken("by = 'a'\nread = 'x'").contains("a step without at"));
        assert!(broken("at = 1\nby = 'a'\nact = 'y'").contains("act: missing field `on`"));
        assert!(broken("at = 1\nby = 'a'\nlease = 'y'").contains("lease: missing field `secs`"));
        assert!(broken("at = 1\nby = 'a'\ntransfer = 'y'").contains("transfer: missing field `to`"));
        assert!(broken("at = 1\nby = 'a'\nclaim = 'y'").contains("claim: missing field `key`"));
        assert!(broken("at = 1\nby = 'a'\nraise = 'y'\nbody = 2").contains("raise: unknown field `body`"));
        assert!(broken("at = 1\nby = 'a'\nif = 'maybe'\nraise = 'y'").contains("if: unknown variant"));
    }

    #[test]
    fn the_verbs_of_work_are_those_of_the_rules() {
        for verb in WorkVerb::ALL {
            let text = format!("at = 1\nby = 'a'\n{} = 'form.submitted'", verb.as_str());
            let step: Step = toml::from_str(&text).unwrap();
            assert!(matches!(step.verb, Verb::Work(Some(found), _) if found == verb), "{}", verb.as_str());
        }
    }
}
