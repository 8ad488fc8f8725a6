//! What the machine's clock shows, and what was recorded under a wrong one and moved.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::ids::Seq;
use crate::domain::time::{Span, Time};

/// Most timers that a deed names which it moves; the others it counts.
pub const MOVES: usize = 64;

/// What the machine's clock shows, and whether Deeds goes by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClockSight {
    /// What it shows.
    pub machine: Time,
    /// The time that Deeds goes by.
    pub now: Time,
    /// Whether the first is believed.
    pub believed: bool,
}

/// The clock as the last words about it left it.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClockKept {
    /// What it showed when it was not believed, until somebody says that it is right or it is right again.
    pub doubted: Option<ClockSight>,
    /// How far ahead of the machine's clock a person lets time go on, in microseconds.
    pub ahead: Option<i64>,
    /// What was recorded under a wrong clock and moved, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rebased: Vec<Rebase>,
}

impl ClockKept {
    /// Whether nobody has said anything of it.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// When that deed was recorded by the clock that is right: what `recordedtime` says, less what was found wrong with it since.
    #[must_use]
    pub fn right(&self, deed: Seq, recorded: Time) -> Time {
        self.rebased.iter().fold(recorded, |at, rebase| rebase.right(deed, at))
    }

    /// How far ahead of the machine's clock a person lets time go on.
    pub fn lets_ahead(&self) -> Span {
        Span::from_micros(self.ahead.unwrap_or_default())
    }
}

/// What was set from one deed on moves back, and time goes on from there. Of the deed that carries it `recordedtime` is the wrong time
/// still; those after it have the right one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rebased {
    /// The first deed that was recorded under the wrong clock. The last is the one that carries this.
    pub from: Seq,
    /// When the first was recorded, by the clock that was wrong.
    pub since: Time,
    /// What time it was, by the clock that was wrong.
    pub was: Time,
    /// What time it is.
    pub now: Time,
    /// What falls due at another time, the first of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub moves: Vec<Moved>,
    /// How many more there are.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub more: u64,
}

/// Something that falls due at another time than it did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Moved {
    /// What, in words.
    pub what: Arc<str>,
    /// When it fell due before.
    pub was: Time,
    /// When it does now.
    pub now: Time,
}

impl Rebased {
    /// How far back it moves.
    pub fn back(&self) -> Span {
        self.was.since(self.now)
    }
}

/// What moved once, as later looks at older deeds ask for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Rebase {
    /// The first deed that was recorded under the wrong clock.
    pub from: Seq,
    /// The last one, which says so.
    pub deed: Seq,
    /// How far back it moved, in microseconds.
    pub back: i64,
}

impl Rebase {
    /// When that deed was recorded by the clock that is right, where the other one showed `recorded`.
    #[must_use]
    pub fn right(&self, deed: Seq, recorded: Time) -> Time {
        let within = (self.from..=self.deed).contains(&deed);
        if within { recorded.minus(Span::from_micros(self.back)) } else { recorded }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}
