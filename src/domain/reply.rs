//! What a caller is told: a projection of the deed that records the decision, so that a retried request is answered
//! from the ledger exactly as the first time.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::code::Code;
use super::deed::{Body, Deed, Family};
use super::ids::{
    ActNo, Actor, AgentId, AlertNo, FanOutNo, Fence, ItemNo, MapVersion, Seq, TaskId, Version, WorkNo,
};
use super::path::FieldPath;
use super::things::RaisedAlert;
use super::time::Time;
use super::value::{Value, some};
use crate::domain::outcome::Outcome;

/// The next step of a reviewer whose answer meets a stored write that is stale.
const STALE_ANSWER: &str =
    "reject it with a note: its author reads again, and sends it on the versions of now";
/// What the caller can do whose step on what is another's waits for nobody.
const NOT_PROPOSED: &str = "nothing waits: it is the owner's to do; hand the work to it, or escalate";
/// What the caller can do whose attempt was the last, where that asks nobody.
const ENDED_AS_FAILED: &str =
    "it has ended as failed, and whoever waits for it is told: leave it, or begin anew under another name";
/// What the caller can do whose act is on a field that a person holds.
const HELD_TARGET: &str = "nothing waits: ask again when the person's hand on the field has ended, or ask that person or an owner of your queue to release it";
/// What the caller can do where another goes first for as long as something is so.
const DEFERRED_WHILE: &str = "nobody can say until when: ask again, on what you then read, once what the message names is no longer so; an act that is asked with `wait` is woken by itself";
/// What the publisher of what waits for its turn does.
const GOES_OUT_ITSELF: &str = "it goes out by itself when its turn comes, at the latest at `until`, and a notice in your stream says how: do not send it again";

/// The answer to a command. A refusal by a rule is an answer like any other.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reply {
    /// How it came out.
    pub outcome: Outcome,
    /// Why not, where it was not done.
    pub code: Option<Code>,
    /// The outcome it would have had, where the workspace only observes.
    pub verdict: Option<Outcome>,
    /// The deed that records it.
    pub deed: Seq,
    /// The reason in words.
    pub message: Option<Arc<str>>,
    /// What the caller can do now.
    pub next: Option<Arc<str>>,
    /// New versions after a commit; current values, versions and writers where the caller was stale.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldReport>,
    /// The owners concerned.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub owners: Vec<AgentId>,
    /// The inbox item made.
    pub item: Option<ItemNo>,
    /// The work items made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub works: Vec<WorkNo>,
    /// The act allowed.
    pub act: Option<ActNo>,
    /// The lease granted or concerned: its fencing token.
    pub lease: Option<Fence>,
    /// The fan-out started.
    pub fan_out: Option<FanOutNo>,
    /// The task concerned.
    pub task: Option<TaskId>,
    /// The alerts raised.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alerts: Vec<AlertNo>,
    /// Of which kind these are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub raised: Vec<RaisedAlert>,
    /// Until when somebody else goes first.
    pub until: Option<Time>,
    /// The map it was decided under.
    pub map_version: MapVersion,
    /// The deeds of the parts of a `together`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Seq>,
}

/// One field as the caller is told of it.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FieldReport {
    /// Which.
    pub path: FieldPath,
    /// Its version now.
    pub version: Version,
    /// The version that the caller named, where it was another one.
    pub expected: Option<Version>,
    /// Its value now, where the caller was stale and may see it.
    #[serde(default, deserialize_with = "some")]
    pub value: Option<Value>,
    /// Who wrote it last.
    pub by: Option<Actor>,
    /// When.
    pub at: Option<Time>,
}

impl Reply {
    /// The answer that a deed records.
    pub fn of(deed: &Deed) -> Self {
        let fields = deed.subject.as_ref().map(|subject| reports(deed, subject)).unwrap_or_default();
        Self {
            outcome: deed.outcome,
            code: deed.code,
            verdict: deed.verdict,
            deed: deed.seq,
            message: deed.reason.clone(),
            next: next(deed),
            fields,
            owners: deed.refs.owners.clone(),
            item: deed.refs.item,
            works: deed.refs.works.clone(),
            act: deed.refs.act,
            lease: deed.refs.lease,
            fan_out: deed.refs.fan_out,
            task: deed.refs.task.clone(),
            alerts: deed.refs.alerts.clone(),
            raised: deed.refs.raised.clone(),
            until: deed.refs.until,
            map_version: deed.map_version,
            parts: deed.refs.parts.clone(),
        }
    }

    /// How it came out alone, without words, values and names of what was found.
    #[must_use]
    pub fn without_found(self) -> Self {
        Self { message: None, fields: Vec::new(), owners: Vec::new(), until: None, ..self }
    }

    /// Whether what was asked was done.
    pub fn is_done(&self) -> bool {
        !self.outcome.is_refusal()
    }
}

/// What the caller can do now: the code's own sentence, unless this came out otherwise than the sentence has it.
fn next(deed: &Deed) -> Option<Arc<str>> {
    let code = deed.code?;
    // Only changes of fields wait for their owner.
    let waits = deed.verdict.unwrap_or(deed.outcome) == Outcome::Proposed;
    let told = match (&deed.body, code) {
        // A reviewer can't read again and send anew what an agent has sent.
        (Body::ItemRefused(()), Code::Stale) => STALE_ANSWER,
        (_, Code::NotOwner) if !waits => NOT_PROPOSED,
        (_, Code::Held) if !waits => HELD_TARGET,
        (_, Code::Deferred) if deed.refs.until.is_none() => DEFERRED_WHILE,
        (Body::OutputDeferred(_), Code::NotYourTurn) => GOES_OUT_ITSELF,
        // The last one that came too late: from now on a person decides.
        (Body::WriteRefused(()), Code::Stale) if deed.refs.item.is_some() => Code::NotConverging.next(),
        (body, Code::WrongState) => look_again(body.row().family),
        (_, Code::OutOfAttempts) if ends(deed) => ENDED_AS_FAILED,
        _ => code.next(),
    };
    Some(match deed.verdict {
        Some(verdict) => Arc::from(format!(
            "it was done, for the workspace only observes; while it enforces this would be {}, and then: {told}",
            verdict.as_str()
        )),
        None => Arc::from(told),
    })
}

/// Where the caller sees the state that does not allow what it asked; the message says which that is.
fn look_again(family: Family) -> &'static str {
    match family {
        Family::Work => {
            "nothing was changed; `GET /v1/work` has what is open in your stream, and who has taken it until when"
        }
        Family::Call => "nothing was changed; `GET /v1/calls` says where each of your calls stands",
        Family::Act => "nothing was changed; ask anew for an act that has ended: each is ended once",
        Family::Handoff => {
            "nothing was changed; `GET /v1/handoffs` has the task with its stage and owner: go on from there"
        }
        Family::FanOut => "nothing was changed; `GET /v1/fan-outs` has what is under way",
        Family::Lease => {
            "nothing was changed; `GET /v1/leases` has those that are live: renew your own, or acquire anew"
        }
        Family::Item => {
            "nothing was changed; look at the item again: the message says what may be done with it"
        }
        Family::Review => {
            "nothing was changed; `GET /v1/reviews` says which are under way, and who holds them"
        }
        Family::Absence => "nothing was changed; `GET /v1/board` says who is away, and until when",
        Family::Alert => {
            "nothing was changed; look at the alert and its item again: the message says what it lacks"
        }
        Family::Key => "nothing was changed; `GET /v1/keys` has those that there are",
        Family::Loss => "nothing was changed; `GET /v1/whoami` says which deeds are missing, if any",
        Family::Token => "nothing was changed; `GET /v1/tokens` has those that there are",
        Family::Override => "nothing was changed; the message says how it is now: the opposite step ends it",
        Family::Map
        | Family::Guard
        | Family::Write
        | Family::Entity
        | Family::Event
        | Family::Claim
        | Family::Output
        | Family::Conclusion
        | Family::Rule
        | Family::Format
        | Family::Batch => Code::WrongState.next(),
    }
}

/// Whether what was out of attempts has ended with that: neither is a person asked, nor was anything refused.
fn ends(deed: &Deed) -> bool {
    deed.verdict.is_none()
        && deed.refs.item.is_none()
        && !matches!(deed.outcome, Outcome::Refused | Outcome::Stale)
}

fn reports(deed: &Deed, subject: &super::path::EntityPath) -> Vec<FieldReport> {
    let told = deed.outcome == Outcome::Stale;
    deed.fields
        .iter()
        .map(|field| FieldReport {
            path: FieldPath::new(field.entity.clone().unwrap_or_else(|| subject.clone()), field.name.clone()),
            // As if it had not been there: its first version.
            version: if field.unseen { Version(1) } else { field.version },
            expected: if told { field.base } else { None },
            value: if told { field.before.clone() } else { None },
            by: field.by.clone(),
            at: field.at,
        })
        .collect()
}
