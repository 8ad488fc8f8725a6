//! Sessions over a queue, and whether the scheduled ones were held, RULES §13.2.

use imbl::Vector;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::ids::{Actor, ItemNo, QueueName, Seq};
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
    /// When Deeds looks at it next: when it begins, when it is late, when it counts as missed.
    pub late: Option<Time>,
    /// Scheduled ones that were held.
    pub held: u64,
    /// Scheduled ones that were not.
    pub missed: u64,
    /// Whether the last scheduled one was held, and in time.
    pub last_held: Option<bool>,
    /// The scheduled one that has begun and is neither held nor missed yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub round: Option<ReviewRound>,
    /// The scheduled ones that are over, oldest first.
    #[serde(default, skip_serializing_if = "Vector::is_empty")]
    #[schemars(with = "Vec<PastTurn>")]
    pub turns: Vector<PastTurn>,
}

/// A scheduled review that has begun. It is held once every item that waited then was answered, handed on or knowingly
/// left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReviewRound {
    /// When it was to be held.
    pub due: Time,
    /// From when on it is late.
    pub late: Time,
    /// When the next one begins, and this one counts as missed.
    pub next: Time,
    /// The items of then that nobody has gone through.
    pub waiting: Vec<ItemNo>,
    /// Deeds has said that it is late.
    pub is_late: bool,
    /// The deed that says that it began.
    pub deed: Seq,
}

impl ReviewRound {
    /// Whether what is held at that time is held late: its grace is over, or Deeds has said so.
    pub fn is_late_by(&self, now: Time) -> bool {
        self.is_late || now >= self.late && now > self.due
    }
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
    /// The scheduled one that it counts for, with the next one. Sessions of now count for none: what was answered does.
    pub counts: Option<ReviewTurn>,
    /// The first of the items left.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remaining: Vec<ItemNo>,
}

/// A scheduled review that was held or missed, and the one after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReviewTurn {
    /// When it was to be held.
    pub due: Time,
    /// When the next one is.
    pub next: Time,
    /// When Deeds looks at that one first.
    pub late: Time,
}

/// A scheduled review begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviewPlan {
    /// Of which queue.
    pub queue: QueueName,
    /// When it was to begin.
    pub due: Time,
    /// From when on it is late.
    pub late: Time,
    /// When the next one begins.
    pub next: Time,
    /// What waits.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waiting: Vec<ItemNo>,
}

/// A scheduled review was held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviewHeld {
    /// Of which queue.
    pub queue: QueueName,
    /// Which, and the one after it.
    pub turn: ReviewTurn,
    /// After its time of grace.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub late: bool,
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
    /// Whether it was late.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub late: bool,
    /// The deed that says so.
    pub deed: Seq,
}

impl PastTurn {
    /// How it went, in words.
    pub fn how(&self) -> &'static str {
        match (self.held, self.late) {
            (true, false) => "held",
            (true, true) => "held late",
            (false, _) => "missed",
        }
    }
}
