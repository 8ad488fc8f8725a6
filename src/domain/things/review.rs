//! Sessions over a queue, and whether the scheduled ones were held, RULES §13.2.

use imbl::Vector;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::ids::{Actor, QueueName, Seq};
use crate::domain::time::Time;

/// What is known of a queue's reviews.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct QueueReviews {
    /// The session under way.
    pub open: Option<OpenReview>,
    /// The last one that ended.
    pub last: Option<ReviewEnd>,
    /// The scheduled one that is to be held next.
    pub due: Option<Time>,
    /// When it counts as missed.
    pub late: Option<Time>,
    /// Scheduled ones that were held.
    pub held: u64,
    /// Scheduled ones that were not.
    pub missed: u64,
    /// Whether the last scheduled one was held.
    pub last_held: Option<bool>,
    /// The scheduled ones that are over, oldest first.
    #[serde(default, skip_serializing_if = "Vector::is_empty")]
    #[schemars(with = "Vec<PastTurn>")]
    pub turns: Vector<PastTurn>,
}

/// A session under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OpenReview {
    /// Who holds it.
    pub by: Actor,
    /// Since when.
    pub at: Time,
    /// The deed.
    pub deed: Seq,
    /// Items that waited when it began.
    pub waiting: u64,
    /// Items answered by that person since.
    pub answered: u64,
}

/// A session that ended.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReviewEnd {
    /// Of which queue.
    pub queue: QueueName,
    /// Who held it.
    pub by: Actor,
    /// From when.
    pub began: Time,
    /// Until when.
    pub ended: Time,
    /// Items answered in it.
    pub answered: u64,
    /// Items left.
    pub left: u64,
    /// The scheduled one that it counts for, with the next one.
    pub counts: Option<ReviewTurn>,
}

/// A scheduled review that was held or missed, and the one after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReviewTurn {
    /// When it was to be held.
    pub due: Time,
    /// When the next one is.
    pub next: Time,
    /// When that one counts as missed.
    pub late: Time,
}

/// A scheduled review that was not held in time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviewMiss {
    /// Of which queue.
    pub queue: QueueName,
    /// Which, and the one after it.
    pub turn: ReviewTurn,
}

/// A scheduled review that is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PastTurn {
    /// When it was to be held.
    pub due: Time,
    /// Whether it was.
    pub held: bool,
    /// The deed that says so.
    pub deed: Seq,
}
