//! Instants at which one thing happened, so that windows slide to the microsecond, in a bounded number of marks.
//!
//! Each mark is exact as long as there are few. Of more than [`MOST`], those that lie close together and are not among
//! the newest become one, at the instant of the last of them: of a busy agent a day long ago is counted as one, and the
//! last 60 days in pieces of three hours at most.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::domain::ids::Seq;
use crate::domain::time::{Span, Time};

/// For how long something is kept: two windows of the longest that a map can ask for, and the last approvals.
pub const KEPT_DAYS: i64 = 180;
/// Marks of one thing that are kept.
const MOST: usize = 1_024;
/// The newest of them, which always stay exact.
const EXACT: usize = 256;
/// Where there are too many: as many are left at most, so that it is not done again at once.
const ENOUGH: usize = 896;
/// The newest ones stand apart, so that one more touches no other.
const RECENT: usize = 32;
/// What is older than this is counted by the day where there are too many.
const LONG_AGO: Span = Span::from_days(60);
/// How close together marks are that become one, tried in this order.
const GRAINS: [Span; 4] = [Span::from_mins(1), Span::from_mins(10), Span::from_hours(1), Span::from_hours(3)];

/// How often something happened, with the last deed that says so.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// How often.
    pub n: u32,
    /// The last deed of it; 0 where there is none.
    pub last: Seq,
}

impl Count {
    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self { n: self.n.saturating_add(other.n), last: self.last.max(other.last) }
    }
}

/// An instant, how often it happened then, and the last deed of it. In snapshots a list of three.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Mark(Time, u32, Seq);

/// The instants at which one thing happened, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Track {
    past: Arc<Vec<Mark>>,
    recent: Vec<Mark>,
}

impl Track {
    /// It happened once more, by this deed. What is longer ago than is kept is not.
    pub(super) fn add(&mut self, at: Time, deed: Seq) {
        if self.newest().is_some_and(|newest| at < newest.minus(Span::from_days(KEPT_DAYS))) {
            return;
        }
        let into_past = match self.recent.first() {
            Some(first) => at < first.0,
            None => self.past.last().is_some_and(|last| at < last.0),
        };
        let marks = if into_past { Arc::make_mut(&mut self.past) } else { &mut self.recent };
        let place = marks.partition_point(|mark| mark.0 <= at);
        match place.checked_sub(1).and_then(|before| marks.get_mut(before)) {
            Some(same) if same.0 == at => *same = joined(*same, Mark(at, 1, deed)),
            Some(_) | None => marks.insert(place, Mark(at, 1, deed)),
        }
        if into_past || self.recent.len() > RECENT {
            self.settle();
        }
    }

    /// Once less: what happened then was taken back.
    pub(super) fn take_back(&mut self, at: Time) {
        if self.newest().is_none_or(|newest| at < newest.minus(Span::from_days(KEPT_DAYS))) {
            return;
        }
        let in_recent = self.recent.first().is_some_and(|first| at >= first.0)
            || self.past.last().is_none_or(|last| at > last.0);
        let marks = if in_recent { &mut self.recent } else { Arc::make_mut(&mut self.past) };
        // Joined with others it stands at the last of them.
        let place = marks.partition_point(|mark| mark.0 < at);
        let Some(mark) = marks.get_mut(place) else { return };
        mark.1 = mark.1.saturating_sub(1);
        if mark.1 == 0 {
            marks.remove(place);
        }
    }

    /// How often it happened after the first instant, up to the second.
    pub fn between(&self, after: Time, to: Time) -> Count {
        let mut count = Count::default();
        for marks in [self.past.as_slice(), self.recent.as_slice()] {
            let from = marks.partition_point(|mark| mark.0 <= after);
            for Mark(_, n, last) in marks.iter().skip(from).take_while(|mark| mark.0 <= to) {
                count = count.and(Count { n: *n, last: *last });
            }
        }
        count
    }

    /// When it happened after the first instant, up to the second; the newest first, each with how often.
    pub fn instants(&self, after: Time, to: Time) -> impl Iterator<Item = (Time, Count)> {
        let newest_first = self.recent.iter().rev().chain(self.past.iter().rev());
        newest_first
            .skip_while(move |mark| mark.0 > to)
            .take_while(move |mark| mark.0 > after)
            .map(|Mark(at, n, last)| (*at, Count { n: *n, last: *last }))
    }

    /// Moves the instants; where they stand among each other must stay.
    pub(super) fn change(&mut self, change: impl Fn(&mut Time)) {
        for mark in Arc::make_mut(&mut self.past).iter_mut().chain(&mut self.recent) {
            change(&mut mark.0);
        }
    }

    fn newest(&self) -> Option<Time> {
        self.recent.last().or_else(|| self.past.last()).map(|mark| mark.0)
    }

    /// Puts what is recent to the rest, and keeps that within its bounds.
    fn settle(&mut self) {
        let Some(newest) = self.newest() else { return };
        let past = Arc::make_mut(&mut self.past);
        past.append(&mut self.recent);
        let gone = past.partition_point(|mark| mark.0 < newest.minus(Span::from_days(KEPT_DAYS)));
        past.drain(..gone);
        if past.len() <= MOST {
            return;
        }
        let exact = past.split_off(past.len() - EXACT);
        for grain in GRAINS {
            *past = coarser(past, grain, newest.minus(LONG_AGO));
            if past.len() + EXACT <= ENOUGH {
                break;
            }
        }
        past.extend(exact);
    }
}

/// The same with what lies in one grain counted at its last instant; before a time the grain is a day.
fn coarser(marks: &[Mark], grain: Span, long_ago: Time) -> Vec<Mark> {
    let piece = |at: Time| {
        let grain = if at < long_ago { Span::from_days(1) } else { grain };
        (at < long_ago, at.micros().div_euclid(grain.micros()))
    };
    let mut fewer: Vec<Mark> = Vec::with_capacity(ENOUGH);
    for mark in marks {
        match fewer.last_mut() {
            Some(last) if piece(last.0) == piece(mark.0) => *last = joined(*last, *mark),
            Some(_) | None => fewer.push(*mark),
        }
    }
    fewer
}

fn joined(earlier: Mark, later: Mark) -> Mark {
    Mark(later.0, earlier.1.saturating_add(later.1), earlier.2.max(later.2))
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Time = Time::from_micros(1_700_000_000_000_000);

    fn at(span: Span) -> Time {
        START.plus(span)
    }

    #[test]
    fn windows_slide_to_the_microsecond_in_whatever_order_it_came() {
        let mut track = Track::default();
        for (deed, days) in [(1, 0), (2, 28), (3, 10), (4, 10), (5, 28)] {
            track.add(at(Span::from_days(days)), Seq(deed));
        }
        let now = at(Span::from_days(28));
        let a_moment = Span::from_micros(1);
        let window = |now: Time| track.between(now.minus(Span::from_days(28)), now);
        assert_eq!(window(now), Count { n: 4, last: Seq(5) }, "what is exactly 28 days ago is over");
        assert_eq!(window(now.minus(a_moment)), Count { n: 3, last: Seq(4) });
        let found: Vec<_> = track.instants(START, now).map(|(time, count)| (time, count.n)).collect();
        assert_eq!(found, [(now, 2), (at(Span::from_days(10)), 2)]);
    }

    #[test]
    fn what_is_taken_back_is_gone() {
        let mut track = Track::default();
        for n in 0..100 {
            track.add(at(Span::from_secs(n)), Seq(n.unsigned_abs() + 1));
        }
        for n in [0, 50, 99, 99] {
            track.take_back(at(Span::from_secs(n)));
        }
        assert_eq!(track.between(START.minus(Span::from_secs(1)), at(Span::from_days(1))).n, 97);
        assert_eq!(track.between(at(Span::from_secs(49)), at(Span::from_secs(50))), Count::default());
    }

    /// An agent that does something every minute for half a year and more.
    #[test]
    fn however_busy_it_is_bounded_and_counts_every_one() {
        let mut track = Track::default();
        let minutes = 200 * 24 * 60;
        for n in 0..minutes {
            track.add(at(Span::from_mins(n)), Seq(n.unsigned_abs() + 1));
            assert!(track.past.len() + track.recent.len() <= MOST + RECENT, "{n}");
        }
        let now = at(Span::from_mins(minutes - 1));
        for days in [14, 28, 56] {
            let found = track.between(now.minus(Span::from_days(days)), now);
            let off = i64::from(found.n) - days * 24 * 60;
            assert!((0..180).contains(&off), "{days} days: {off} too many");
            assert_eq!(found.last, Seq(minutes.unsigned_abs()));
        }
        assert_eq!(track.between(now.minus(Span::from_mins(200)), now).n, 200, "the newest are exact");
        assert!(track.between(now.minus(Span::from_days(200)), now).n >= 179 * 24 * 60);
        track.add(START, Seq(1));
        assert!(track.instants(START.minus(Span::from_days(1)), START).next().is_none(), "too long ago");
    }
}
