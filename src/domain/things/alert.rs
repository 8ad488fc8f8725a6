//! Alerts: detected conflicts with both sides, deduplicated by fingerprint.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::domain::ids::{Actor, AlertNo, ItemNo, Seq, Version};
use crate::domain::path::FieldPath;
use crate::domain::time::{Span, Time};
use crate::domain::value::{Value, some};

/// How many sides an alert keeps: the first two, then the latest.
pub const SIDES: usize = 12;
/// What an alert says of a side that a rule stopped in time: no harm was done.
pub const STOPPED: &str = "stopped, stale";
/// From this count on an alert is critical whatever its kind: it does not stop by itself.
pub const LOUD: u64 = 10;

/// A detected conflict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    /// Its number.
    pub no: AlertNo,
    /// What kind of conflict.
    pub kind: AlertKind,
    /// How bad.
    pub severity: Severity,
    /// The same text within its window counts up instead of piling up.
    pub fingerprint: Arc<str>,
    /// Where.
    pub on: Option<FieldPath>,
    /// The conflict in one line.
    pub title: Arc<str>,
    /// Who is involved, in order of appearance.
    pub who: Vec<Actor>,
    /// How often.
    pub count: u64,
    /// When it was first seen.
    pub first: Time,
    /// When it was last seen.
    pub last: Time,
    /// The deed that opened it.
    pub deed: Seq,
    /// The likely first cause.
    pub first_cause: Option<Seq>,
    /// What each side read, wanted and wrote.
    pub sides: Vec<AlertSide>,
    /// How far people have got with it.
    pub state: AlertState,
    /// The inbox item it went into.
    pub item: Option<ItemNo>,
    /// The note it was resolved with.
    pub note: Option<Arc<str>>,
}

/// One side of a conflict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertSide {
    /// Who.
    pub actor: Actor,
    /// The deed, where there is one.
    pub deed: Option<Seq>,
    /// On what.
    pub path: Option<FieldPath>,
    /// The version it started from.
    pub read: Option<Version>,
    /// The version it made.
    pub wrote: Option<Version>,
    /// The value it wrote or wanted.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub value: Option<Value>,
    /// When.
    pub at: Time,
    /// Why, in the actor's words.
    pub why: Option<Arc<str>>,
    /// What was done with it.
    pub outcome: Arc<str>,
}

/// The kinds of 2-domain §5.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AlertKind {
    /// A write started from a version that was no longer current.
    StaleWrite,
    /// An act or write was based on a version that was no longer current.
    StaleRead,
    /// A write to another's field.
    NotOwner,
    /// States that must not be true together.
    Contradiction,
    /// Two actors alternate a field.
    PingPong,
    /// An item is past its deadline, or a review was not held.
    Overdue,
    /// More than one agent answers the same event.
    TriggerCollision,
    /// Two agents publish on the same thread.
    OutputCollision,
    /// A task goes back and forth with the same feedback.
    NotConverging,
    /// A chain of causes comes back to where it was, or does not end.
    Cascade,
    /// A lease ended by time, not by its holder.
    LeaseLapsed,
    /// Work waits, and its agent gives no sign of life.
    SilentAgent,
}

/// How bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Worth a look today.
    Warning,
    /// The record is, or will soon be, wrong.
    Critical,
}

/// How far people have got with an alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "lowercase")]
pub enum AlertState {
    /// Nobody has looked.
    Open,
    /// Somebody has.
    Acknowledged {
        /// Who.
        by: Actor,
        /// When.
        at: Time,
    },
    /// It is over.
    Resolved {
        /// Who said so.
        by: Actor,
        /// When.
        at: Time,
    },
}

impl AlertKind {
    /// Every kind.
    pub const ALL: [Self; 12] = [
        Self::StaleWrite,
        Self::StaleRead,
        Self::NotOwner,
        Self::TriggerCollision,
        Self::OutputCollision,
        Self::Contradiction,
        Self::PingPong,
        Self::NotConverging,
        Self::Cascade,
        Self::LeaseLapsed,
        Self::Overdue,
        Self::SilentAgent,
    ];

    /// The word on every screen.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::StaleWrite => "stale-write",
            Self::StaleRead => "stale-read",
            Self::NotOwner => "not-owner",
            Self::Contradiction => "contradiction",
            Self::PingPong => "ping-pong",
            Self::Overdue => "overdue",
            Self::TriggerCollision => "trigger-collision",
            Self::OutputCollision => "output-collision",
            Self::NotConverging => "not-converging",
            Self::Cascade => "cascade",
            Self::LeaseLapsed => "lease-lapsed",
            Self::SilentAgent => "silent-agent",
        }
    }

    /// The window in which the same fingerprint counts up.
    pub fn window(self) -> Span {
        match self {
            Self::StaleWrite
            | Self::StaleRead
            | Self::NotOwner
            | Self::TriggerCollision
            | Self::OutputCollision
            | Self::LeaseLapsed
            | Self::SilentAgent => Span::from_days(1),
            Self::Contradiction | Self::Overdue | Self::NotConverging | Self::Cascade => Span::from_days(7),
            Self::PingPong => Span::from_days(14),
        }
    }

    /// How bad one of these is when it opens.
    pub fn severity(self) -> Severity {
        match self {
            Self::NotOwner | Self::LeaseLapsed => Severity::Info,
            Self::StaleWrite
            | Self::StaleRead
            | Self::Overdue
            | Self::PingPong
            | Self::NotConverging
            | Self::SilentAgent => Severity::Warning,
            Self::Contradiction | Self::TriggerCollision | Self::OutputCollision | Self::Cascade => {
                Severity::Critical
            }
        }
    }

    /// Whether it says that agents failed to coordinate (`readiness`): collisions, contradictions and loops always; what
    /// was stale only where it was acted on, not where a rule stopped it. `side` is the side that was told last.
    pub fn is_coordination_failure(self, side: Option<&AlertSide>) -> bool {
        match self {
            Self::TriggerCollision
            | Self::OutputCollision
            | Self::Contradiction
            | Self::PingPong
            | Self::NotConverging
            | Self::Cascade => true,
            Self::StaleRead | Self::StaleWrite => side.is_some_and(|side| *side.outcome != *STOPPED),
            Self::NotOwner | Self::Overdue | Self::LeaseLapsed | Self::SilentAgent => false,
        }
    }

    /// Whether a person must settle it (2-domain §5: contradictions, collisions and loops escalate by themselves).
    pub fn escalates(self) -> bool {
        match self {
            Self::Contradiction
            | Self::TriggerCollision
            | Self::OutputCollision
            | Self::PingPong
            | Self::NotConverging
            | Self::Cascade => true,
            Self::StaleWrite
            | Self::StaleRead
            | Self::NotOwner
            | Self::LeaseLapsed
            | Self::Overdue
            | Self::SilentAgent => false,
        }
    }
}

impl Severity {
    /// The word on every screen.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}
