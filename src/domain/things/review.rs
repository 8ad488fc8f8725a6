//! Sessions over a queue, and whether the scheduled ones were held, RULES §13.2.

use std::sync::Arc;

use imbl::Vector;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Effects, ItemAnswer};
use crate::domain::ids::{Actor, ItemNo, MapVersion, QueueName, Seq};
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
    /// What else that person did since.
    #[serde(default, skip_serializing_if = "CameTo::is_nothing")]
    pub came_to: CameTo,
}

/// Changes of the map that a session's end names; the first of them.
const CHANGES: usize = 64;

/// What a session came to, beside how much was answered.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CameTo {
    /// Items handed on to somebody else.
    #[serde(default)]
    pub handed_on: u64,
    /// Items left for later with a reason.
    #[serde(default)]
    pub put_off: u64,
    /// Of the answered ones, those settled by the answer to one alike.
    #[serde(default)]
    pub alike: u64,
    /// The map's version before the first answer that changed it, and after the last.
    pub map: Option<(MapVersion, MapVersion)>,
    /// What those answers changed in it, a line each: `+ intake.writes crm/contact/*#score`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Arc<str>>,
}

impl CameTo {
    /// Whether there is nothing to tell.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    /// An answer was given.
    pub fn count(&mut self, answer: &ItemAnswer, effects: &Effects) {
        self.alike += effects.included.len() as u64;
        let Some((before, after)) = effects.map else { return };
        self.map = Some((self.map.map_or(before, |(first, _)| first), after));
        let room = CHANGES.saturating_sub(self.changes.len());
        self.changes.extend(answer.on_the_map().into_iter().take(room).map(Arc::from));
    }

    /// An answer was taken back, and what it changed in the map with it.
    pub fn take_back(&mut self, answer: &ItemAnswer) {
        for line in answer.on_the_map() {
            if let Some(at) = self.changes.iter().rposition(|change| **change == *line) {
                self.changes.remove(at);
            }
        }
        if self.changes.is_empty() {
            self.map = None;
        }
    }
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
    /// What else was done in it.
    #[serde(default, skip_serializing_if = "CameTo::is_nothing")]
    pub came_to: CameTo,
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
