//! What happened day by day, as readiness asks for it: counts of each agent's days, who relies on whose fields, how the
//! scheduled reviews went, and when people last went through the map. Counting is `fold_history`'s business.
//!
//! A day is a UTC day of the time at which a deed happened, so that an imported history counts for its own days.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::ids::{Actor, AgentId, Seq};
use crate::domain::path::FieldPath;
use crate::domain::time::{Span, Time};

/// Days of an agent that are kept, the newest among them: two windows of 28 days, and a week to spare.
pub const DAYS: i64 = 64;
/// Scheduled reviews of a queue that are kept. Schedules are daily at most, so that 28 days always fit.
pub const TURNS: usize = 64;

const A_DAY: Span = Span::from_days(1);

/// The UTC day of a time, counted from 1970.
pub const fn day_of(time: Time) -> i64 {
    time.micros().div_euclid(A_DAY.micros())
}

/// How often something happened, with the last deed that says so.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// How often.
    pub n: u32,
    /// The last deed of it; 0 where there is none.
    pub last: Seq,
}

impl Count {
    fn is_zero(&self) -> bool {
        *self == Self::default()
    }

    /// Once more, by this deed.
    pub fn add(&mut self, deed: Seq) {
        self.n = self.n.saturating_add(1);
        self.last = deed;
    }

    /// Once less: it was taken back.
    pub fn take_back(&mut self) {
        self.n = self.n.saturating_sub(1);
        if self.n == 0 {
            self.last = Seq(0);
        }
    }

    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self { n: self.n.saturating_add(other.n), last: self.last.max(other.last) }
    }
}

/// What an agent did, and what was done with it, on one day.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DayCounts {
    /// The day, from 1970.
    pub day: i64,
    /// Its deeds.
    #[serde(skip_serializing_if = "Count::is_zero")]
    pub deeds: Count,
    /// Those that a rule stopped, or in observe mode would have stopped: refused or stale.
    #[serde(skip_serializing_if = "Count::is_zero")]
    pub refused: Count,
    /// Work of its own that came back to it with feedback, and work that it gave back.
    #[serde(skip_serializing_if = "Count::is_zero")]
    pub returned: Count,
    /// Acts and attempts that failed or ran out of time.
    #[serde(skip_serializing_if = "Count::is_zero")]
    pub failed: Count,
    /// A person stepped in on what is its own.
    #[serde(skip_serializing_if = "Count::is_zero")]
    pub interventions: Count,
    /// Its publications that were approved as they were.
    #[serde(skip_serializing_if = "Count::is_zero")]
    pub approved: Count,
    /// Those that were approved with edits.
    #[serde(skip_serializing_if = "Count::is_zero")]
    pub edited: Count,
    /// Those that were rejected.
    #[serde(skip_serializing_if = "Count::is_zero")]
    pub rejected: Count,
    /// Coordination failures that it had a part in (`AlertKind::is_coordination_failure`).
    #[serde(skip_serializing_if = "Count::is_zero")]
    pub failures: Count,
}

impl DayCounts {
    fn of(day: i64) -> Self {
        Self { day, ..Self::default() }
    }

    /// Answers to its approval items.
    pub fn approvals(&self) -> u32 {
        self.approved.n.saturating_add(self.edited.n).saturating_add(self.rejected.n)
    }

    fn add(&mut self, other: &Self) {
        self.deeds = self.deeds.and(other.deeds);
        self.refused = self.refused.and(other.refused);
        self.returned = self.returned.and(other.returned);
        self.failed = self.failed.and(other.failed);
        self.interventions = self.interventions.and(other.interventions);
        self.approved = self.approved.and(other.approved);
        self.edited = self.edited.and(other.edited);
        self.rejected = self.rejected.and(other.rejected);
        self.failures = self.failures.and(other.failures);
    }
}

/// An agent's last days. The newest stands apart, so that a deed of today touches no other day.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// The newest day on which anything happened.
    newest: DayCounts,
    /// The days before it on which anything happened, oldest first.
    past: Arc<Vec<DayCounts>>,
}

impl History {
    /// The counts of the day of a time; none where it is longer ago than is kept.
    pub(super) fn on(&mut self, time: Time) -> Option<&mut DayCounts> {
        let day = day_of(time);
        if day > self.newest.day {
            self.turn(day);
        }
        if day == self.newest.day {
            return Some(&mut self.newest);
        }
        if day <= self.newest.day - DAYS {
            return None;
        }
        let past = Arc::make_mut(&mut self.past);
        let at = match past.binary_search_by_key(&day, |counts| counts.day) {
            Ok(at) => at,
            Err(at) => {
                past.insert(at, DayCounts::of(day));
                at
            }
        };
        past.get_mut(at)
    }

    fn turn(&mut self, day: i64) {
        let before = std::mem::replace(&mut self.newest, DayCounts::of(day));
        let past = Arc::make_mut(&mut self.past);
        if before != DayCounts::of(before.day) {
            past.push(before);
        }
        past.retain(|counts| counts.day > day - DAYS);
    }

    /// The days that are kept, oldest first.
    pub fn days(&self) -> impl Iterator<Item = &DayCounts> {
        self.past.iter().chain(std::iter::once(&self.newest))
    }

    /// The sum of the last `days` days, the day of `now` among them.
    pub fn last_days(&self, now: Time, days: i64) -> DayCounts {
        self.between(day_of(now) - days, day_of(now))
    }

    /// The sum of as many days before those.
    pub fn days_before(&self, now: Time, days: i64) -> DayCounts {
        self.between(day_of(now) - 2 * days, day_of(now) - days)
    }

    /// After the first day, up to the last one.
    fn between(&self, after: i64, to: i64) -> DayCounts {
        let mut sum = DayCounts::of(to);
        for counts in self.days().filter(|counts| counts.day > after && counts.day <= to) {
            sum.add(counts);
        }
        sum
    }
}

/// An agent relies on what another owns: it named fields of the other's zone as what its deeds were based on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Dependency {
    /// Who relies.
    pub reader: AgentId,
    /// On whose fields.
    pub owner: AgentId,
    /// How often.
    pub count: u64,
    /// The last deed that did.
    pub last: Seq,
    /// When that was.
    pub at: Time,
    /// One of the fields.
    pub example: FieldPath,
}

/// Who went through the map as a whole, and when.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MapCare {
    /// It was put in force as a whole.
    pub applied: Option<CareMark>,
    /// It was gone through and found good.
    pub reviewed: Option<CareMark>,
}

impl MapCare {
    /// The later one.
    pub fn last(&self) -> Option<&CareMark> {
        self.applied.iter().chain(&self.reviewed).max_by_key(|mark| mark.at)
    }

    /// When the map is overdue, where it says how often it is gone through.
    pub fn due(&self, review_every: Option<Span>) -> Option<Time> {
        Some(self.last()?.at.plus(review_every?))
    }
}

/// Somebody's step on the map.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CareMark {
    /// Who.
    pub by: Actor,
    /// When.
    pub at: Time,
    /// The deed.
    pub deed: Seq,
    /// Whether its effects were looked at on past deeds first.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub planned: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(day: i64) -> Time {
        Time::from_micros(day * A_DAY.micros() + 7)
    }

    #[test]
    fn days_come_in_any_order_and_old_ones_go() {
        let mut history = History::default();
        for (deed, day) in [(1, 100), (2, 100), (3, 128), (4, 110), (5, 110), (6, 128)] {
            history.on(at(day)).unwrap().deeds.add(Seq(deed));
        }
        let days: Vec<_> = history.days().map(|day| (day.day, day.deeds.n, day.deeds.last.0)).collect();
        assert_eq!(days, [(100, 2, 2), (110, 2, 5), (128, 2, 6)]);
        assert_eq!(history.last_days(at(128), 28).deeds.n, 4, "the hundredth day is one too many");
        assert_eq!(history.days_before(at(128), 28).deeds, Count { n: 2, last: Seq(2) });
        assert!(history.on(at(128 - DAYS)).is_none());
        history.on(at(170)).unwrap().refused.add(Seq(7));
        assert_eq!(history.days().map(|day| day.day).collect::<Vec<_>>(), [110, 128, 170]);
    }

    #[test]
    fn a_day_without_anything_is_not_kept() {
        let mut history = History::default();
        for day in [5, 6, 7] {
            assert!(history.on(at(day)).is_some());
        }
        assert_eq!(history.days().count(), 1);
    }
}
