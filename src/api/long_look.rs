//! Long looks at the ledger, answered as lines of JSON: how far it has got, a few times a second, and in the end what came
//! of it, or a problem.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Problem;
use crate::domain::ids::{MapVersion, Seq};
use crate::domain::survey::{Inferred, Plan};
use crate::domain::time::Time;

/// The media type of such an answer.
pub const NDJSON: &str = "application/x-ndjson";
/// How many days a plan looks back where nothing is said.
pub const PLAN_DAYS: u32 = 7;
/// The farthest that a look goes back in days, unless it is at everything.
pub const MOST_DAYS: u32 = 3_650;

/// One line of the answer.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum LookLine {
    /// How far it has got.
    Progress(Looked),
    /// What came of a plan.
    Planned {
        /// It.
        plan: Box<PlanView>,
    },
    /// What came of an inference.
    Inferred {
        /// It.
        inferred: Box<InferView>,
    },
    /// Why nothing came of it.
    Broken {
        /// It.
        problem: Box<Problem>,
    },
}

/// How far a look has got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Looked {
    /// Deeds looked at.
    pub looked: u64,
    /// Of so many.
    pub of: u64,
}

/// What a look was at.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Window {
    /// How many days back; none for everything.
    pub days: Option<u32>,
    /// Since then, by the time of recording; none for everything.
    pub since: Option<Time>,
    /// Up to this deed.
    pub head: Seq,
    /// The map in force at that deed.
    pub version: MapVersion,
}

/// A plan, and what was looked at for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlanView {
    /// What was looked at.
    pub window: Window,
    /// What came of it.
    #[serde(flatten)]
    pub plan: Plan,
}

/// A proposed map, and what was looked at for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InferView {
    /// What was looked at.
    pub window: Window,
    /// What came of it.
    #[serde(flatten)]
    pub inferred: Inferred,
}
