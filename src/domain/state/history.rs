//! What happened and when, as readiness asks for it: of each agent, who relies on whose fields, how the scheduled reviews
//! went, and when people last went through the map. Counting is `fold_history`'s business.
//!
//! The instant of a deed is the one at which it happened, so that an imported history counts for its own days.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::track::{Count, Track};
use crate::domain::ids::{Actor, AgentId, Seq};
use crate::domain::path::FieldPath;
use crate::domain::time::{Span, Time};

/// Scheduled reviews of a queue that are kept. Schedules are daily at most, so that the longest window always fits.
pub const TURNS: usize = 96;

const A_DAY: Span = Span::from_days(1);

/// The UTC day of a time, counted from 1970.
pub const fn day_of(time: Time) -> i64 {
    time.micros().div_euclid(A_DAY.micros())
}

/// What an agent did, and what was done with it: when each happened.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct History {
    /// Its deeds.
    pub(super) deeds: Arc<Track>,
    /// Those that a rule stopped, or in observe mode would have stopped: refused or stale.
    pub(super) refused: Arc<Track>,
    /// Work of its own that came back to it with feedback, and work that it gave back.
    pub(super) returned: Arc<Track>,
    /// Acts and attempts that failed or ran out of time.
    pub(super) failed: Arc<Track>,
    /// A person stepped in on what is its own.
    pub(super) interventions: Arc<Track>,
    /// Its publications that were approved as they were.
    pub(super) approved: Arc<Track>,
    /// Those that were approved with edits.
    pub(super) edited: Arc<Track>,
    /// Those that were rejected.
    pub(super) rejected: Arc<Track>,
    /// Coordination failures that it had a part in (`AlertKind::is_coordination_failure`).
    pub(super) failures: Arc<Track>,
}

/// How often each happened in some span of time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sums {
    /// Deeds.
    pub deeds: Count,
    /// Refused or stale.
    pub refused: Count,
    /// Came back.
    pub returned: Count,
    /// Failed.
    pub failed: Count,
    /// People stepped in.
    pub interventions: Count,
    /// What was answered of its publications.
    pub answers: Answers,
    /// Coordination failures.
    pub failures: Count,
}

/// How an agent's publications were answered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Answers {
    /// As they were.
    pub approved: Count,
    /// With edits.
    pub edited: Count,
    /// Not at all.
    pub rejected: Count,
}

impl Answers {
    /// All of them.
    pub fn all(&self) -> u32 {
        self.approved.n.saturating_add(self.edited.n).saturating_add(self.rejected.n)
    }
}

impl History {
    /// Everything that is kept.
    pub(super) fn tracks(&mut self) -> [&mut Arc<Track>; 9] {
        [
            &mut self.deeds,
            &mut self.refused,
            &mut self.returned,
            &mut self.failed,
            &mut self.interventions,
            &mut self.approved,
            &mut self.edited,
            &mut self.rejected,
            &mut self.failures,
        ]
    }

    /// The sums of the last `days` days, to the microsecond: what happened exactly so long ago is over.
    pub fn last_days(&self, now: Time, days: i64) -> Sums {
        self.between(now.minus(Span::from_days(days)), now)
    }

    /// The sums of one UTC day, counted from 1970.
    pub fn on_day(&self, day: i64) -> Sums {
        let midnight = |day: i64| Time::from_micros(day.saturating_mul(A_DAY.micros()) - 1);
        self.between(midnight(day), midnight(day + 1))
    }

    /// The sums after the first instant, up to the second.
    pub fn between(&self, after: Time, to: Time) -> Sums {
        let of = |track: &Track| track.between(after, to);
        Sums {
            deeds: of(&self.deeds),
            refused: of(&self.refused),
            returned: of(&self.returned),
            failed: of(&self.failed),
            interventions: of(&self.interventions),
            answers: Answers {
                approved: of(&self.approved),
                edited: of(&self.edited),
                rejected: of(&self.rejected),
            },
            failures: of(&self.failures),
        }
    }

    /// So many of the last answers in those days at most, and when the first of them was given.
    pub fn last_answers(&self, now: Time, most: u32, days: i64) -> (Answers, Option<Time>) {
        let after = now.minus(Span::from_days(days));
        let mut found: Vec<(Time, usize, Count)> = Vec::new();
        for (which, track) in [&self.approved, &self.edited, &self.rejected].into_iter().enumerate() {
            let enough = usize::try_from(most).unwrap_or(usize::MAX);
            found.extend(track.instants(after, now).take(enough).map(|(at, count)| (at, which, count)));
        }
        found.sort_by_key(|(at, _, count)| std::cmp::Reverse((*at, count.last)));
        let (mut answers, mut since) = (Answers::default(), None);
        for (at, which, count) in found {
            let room = most - answers.all().min(most);
            if room == 0 {
                break;
            }
            let sum = match which {
                0 => &mut answers.approved,
                1 => &mut answers.edited,
                _ => &mut answers.rejected,
            };
            *sum = sum.and(Count { n: count.n.min(room), last: count.last });
            since = Some(at);
        }
        (answers, since)
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
    /// When somebody is to be told that it is overdue: due like what is on the board's list of timers.
    pub alarm: Option<Time>,
    /// Of which time that it fell due somebody was told.
    pub told: Option<Time>,
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
