//! Alerts: detected conflicts with both sides, deduplicated by fingerprint.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::ids::{Actor, AgentId, AlertNo, ItemNo, Seq, Version};
use crate::domain::path::FieldPath;
use crate::domain::time::{Span, Time};
use crate::domain::value::{Value, some};

/// How many sides an alert keeps: the first two, then the latest.
pub const SIDES: usize = 12;
/// What an alert says of a side that a rule stopped in time: no harm was done.
pub const STOPPED: &str = "stopped, stale";
/// What an alert says of a side that is a conclusion.
pub const CONCLUDED: &str = "concluded";

/// A detected conflict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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

/// An alert that a command raised or counted, as its answer names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RaisedAlert {
    /// Which.
    pub alert: AlertNo,
    /// Of what kind.
    pub code: AlertKind,
}

/// The fingerprint of the alert that counts those of an agent which are not shown; of nobody's, where no agent set them off.
pub fn suppressed_of(agent: Option<&AgentId>) -> String {
    AlertKind::Suppressed.fingerprint(agent.map_or("nobody", AgentId::as_str))
}

macro_rules! alert_kinds {
    ($(
        #[doc = $meaning:literal]
        $kind:ident = $word:literal: $severity:ident $days:literal days, $escalates:ident, $failure:ident, $sides:ident;
    )*) => {
        /// The kinds (RULES §11.1), each with what it means.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        pub enum AlertKind {
            $(#[doc = $meaning] #[serde(rename = $word)] $kind,)*
        }

        impl AlertKind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$kind),*];

            /// Its row.
            pub const fn row(self) -> &'static AlertRow {
                match self {
                    $(Self::$kind => const { &AlertRow {
                        word: $word,
                        meaning: $meaning.trim_ascii(),
                        severity: Severity::$severity,
                        window: Span::from_days($days),
                        escalates: Escalates::$escalates,
                        failure: Failure::$failure,
                        sides: Sides::$sides,
                    } },)*
                }
            }
        }
    };
}

// What it means, and: the word on every screen, how bad it is when it opens, the window in which the same fingerprint
// counts up, when it goes into the inbox, whether agents failed to coordinate, how its sides stand.
alert_kinds! {
    /// a write started from a version that was no longer current
    StaleWrite = "stale-write": Warning 1 days, OnRequest, WhereDone, Beside;
    /// something rested on a version that was no longer current
    StaleRead = "stale-read": Warning 1 days, OnRequest, WhereDone, Beside;
    /// a write to a field that another agent owns
    NotOwner = "not-owner": Info 1 days, OnRequest, Never, Beside;
    /// two states that must not be true together are
    Contradiction = "contradiction": Critical 7 days, ByItself, Always, Beside;
    /// two overwrite each other in turn, or a value keeps coming back
    PingPong = "ping-pong": Warning 14 days, ByItself, Always, InTurn;
    /// something that a person owes is past its time
    Overdue = "overdue": Warning 7 days, OnRequest, Never, Beside;
    /// more than one agent answers the same event
    TriggerCollision = "trigger-collision": Critical 1 days, ByItself, Always, Beside;
    /// two agents speak on the same thread; the second was held
    OutputCollision = "output-collision": Critical 1 days, ByItself, Always, Beside;
    /// a task comes back with the same feedback again
    NotConverging = "not-converging": Warning 7 days, ByItself, Always, InTurn;
    /// one deed led to the next until it came back to where it began, or did not end
    Cascade = "cascade": Critical 7 days, ByItself, Always, Beside;
    /// a lease ended by time: whoever held it can't write with it any more
    LeaseLapsed = "lease-lapsed": Info 1 days, OnRequest, Never, Beside;
    /// work waits, and its agent gives no sign of life
    SilentAgent = "silent-agent": Warning 1 days, OnRequest, Never, Beside;
    /// an agent keeps as much as it may, or nearly
    OverBudget = "over-budget": Warning 1 days, OnRequest, Never, Beside;
    /// one sets off so many alerts that they are counted and not shown one by one
    Suppressed = "alerts-suppressed": Warning 7 days, OnRequest, Never, Beside;
    /// the machine's clock jumped, and is not believed until a person says that it is right
    Clock = "clock": Critical 7 days, ByItself, Never, Beside;
}

/// What is known of a kind of alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AlertRow {
    /// The word on every screen.
    pub word: &'static str,
    /// What it means, for those who meet it for the first time.
    pub meaning: &'static str,
    /// How bad one is when it opens.
    pub severity: Severity,
    /// The window in which the same fingerprint counts up.
    pub window: Span,
    /// Whether it goes into the inbox by itself.
    pub escalates: Escalates,
    /// Whether it says that agents failed to coordinate (`readiness`).
    pub failure: Failure,
    /// How its sides stand to each other.
    pub sides: Sides,
}

/// When an alert goes into the inbox: contradictions, collisions and loops escalate by themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Escalates {
    /// When it opens: a named person must settle it.
    ByItself,
    /// When a person sends it there.
    OnRequest,
}

/// Whether an alert says that agents failed to coordinate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// It does.
    Always,
    /// Only where what was stale was acted on, not where a rule stopped it.
    WhereDone,
    /// It does not.
    Never,
}

/// How the sides of an alert stand to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sides {
    /// Next to each other: `sales, support`.
    Beside,
    /// They take turns: `mayor ⇄ dog`.
    InTurn,
}

/// How bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
    /// The word on every screen.
    pub const fn as_str(self) -> &'static str {
        self.row().word
    }

    /// By what the same conflict of the kind is known again.
    pub fn fingerprint(self, same: &str) -> String {
        format!("{}|{same}", self.as_str())
    }

    /// Whether it says that agents failed to coordinate. `side` is the side that was told last.
    pub fn is_coordination_failure(self, side: Option<&AlertSide>) -> bool {
        match self.row().failure {
            Failure::Always => true,
            Failure::WhereDone => side.is_some_and(|side| *side.outcome != *STOPPED),
            Failure::Never => false,
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
