//! How far the machine's clock is believed. It should go on as the monotonic clock does, which nobody sets and which goes on while the
//! machine sleeps; where it is further from that than the bound it is not believed, and time goes on from where it
//! was until a person says that the clock is right, or it is right again.

use std::time::Duration;

use crate::domain::time::{Span, Time};

/// A ledger that was left alone for longer than this is not believed to have been.
const LEFT_ALONE: Span = Span::from_days(400);
/// While the machine's clock is behind, by less than the bound, time goes on that much slower until it has caught up.
const SLOWER: i64 = 10;

/// What the machine's clocks show at one moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shown {
    /// The wall clock.
    pub(super) wall: Time,
    /// The monotonic one.
    pub(super) monotonic: Duration,
}

/// A ledger as it was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opened {
    /// When its last deed was recorded.
    pub recorded: Time,
    /// Whether the clock was doubted then.
    pub was_doubted: bool,
    /// How far ahead of the machine's clock a person let its time go on.
    pub ahead: Span,
}

/// So many ledgers are remembered beyond those that were there at the start.
const REMEMBERED: usize = 1_024;

/// What time it is, and why.
#[derive(Debug)]
pub(super) struct Believed {
    bound: Span,
    /// What it was when it was begun, or when a person said that it is right: many small jumps are a large one.
    anchor: Option<Shown>,
    /// The time that it was when it was looked at last.
    base: Option<Shown>,
    /// The ledgers that were opened, each with its last time.
    opened: Vec<Opened>,
    /// Ledgers are being opened, and the latest may come yet.
    starting: bool,
    /// How far ahead of the machine's clock a person lets time go on, in microseconds.
    ahead: i64,
    doubted: bool,
}

impl Believed {
    pub(super) fn new(bound: Span) -> Self {
        Self { bound, anchor: None, base: None, opened: Vec::new(), starting: true, ahead: 0, doubted: false }
    }

    /// Whether the machine's clock is not believed at present.
    pub(super) fn is_doubted(&self) -> bool {
        self.doubted
    }

    /// What time it is.
    pub(super) fn now(&mut self, shown: Shown) -> Time {
        let Some(expected) = self.expected(shown.monotonic) else {
            self.begin(shown);
            return shown.wall;
        };
        let machine = shown.wall.plus(Span::from_micros(self.ahead));
        let off = |due: Time| machine.micros().saturating_sub(due.micros());
        let due = after(self.anchor, shown.monotonic).unwrap_or(expected);
        self.doubted = off(due).saturating_abs() > self.bound.micros();
        if self.doubted {
            return expected;
        }
        let now = if off(expected) < 0 { self.slower(expected) } else { machine };
        self.base = Some(Shown { wall: now, monotonic: shown.monotonic });
        now
    }

    /// A ledger was opened: it was at least as late already as its last deed says.
    /// Where the clock was doubted then, nobody has said since that it is right.
    pub(super) fn opened(&mut self, ledger: Opened, shown: Shown) {
        self.opened_all(&[ledger], shown);
    }

    /// The same of several.
    pub(super) fn opened_all(&mut self, ledgers: &[Opened], shown: Shown) {
        if !self.starting {
            // One that is opened again says nothing new; beyond the bound the oldest says least.
            self.opened.retain(|known| !ledgers.contains(known));
            let over = self.opened.len() >= REMEMBERED;
            let oldest = self.opened.iter().enumerate().min_by_key(|(_, known)| known.recorded);
            if let Some((at, _)) = oldest.filter(|_| over) {
                self.opened.swap_remove(at);
            }
        }
        self.opened.extend_from_slice(ledgers);
        let Some(latest) = self.latest(shown.wall) else { return };
        let at = |wall| Shown { wall, monotonic: shown.monotonic };
        if self.starting {
            let machine = shown.wall.plus(latest.ahead);
            let was_doubted = self.opened.iter().any(|ledger| ledger.was_doubted);
            let most = if was_doubted { self.bound } else { LEFT_ALONE };
            let far = machine > latest.recorded.plus(most) || machine < latest.recorded;
            self.ahead = latest.ahead.micros();
            self.begin(at(if far { latest.recorded } else { machine }));
        } else if self.expected(shown.monotonic).is_none_or(|expected| expected < latest.recorded) {
            self.begin(at(latest.recorded));
        }
    }

    /// The ledger that is the latest; where others agree with the machine's clock, not one that is far ahead of both.
    fn latest(&self, wall: Time) -> Option<Opened> {
        let far = |ledger: &&Opened| ledger.recorded > wall.plus(ledger.ahead).plus(LEFT_ALONE);
        let near = self.opened.iter().filter(|ledger| !far(ledger)).max_by_key(|ledger| ledger.recorded);
        near.or_else(|| self.opened.iter().max_by_key(|ledger| ledger.recorded)).copied()
    }

    /// All ledgers that there are have been opened.
    pub(super) fn started(&mut self) {
        self.starting = false;
    }

    /// A person says that the machine's clock is right. Where it is behind, what was recorded can't be taken back: time goes on ahead
    /// of it.
    pub(super) fn believe(&mut self, shown: Shown) {
        let expected = self.expected(shown.monotonic).unwrap_or(shown.wall);
        self.ahead = expected.micros().saturating_sub(shown.wall.micros()).max(0);
        self.begin(Shown { wall: expected.max(shown.wall), monotonic: shown.monotonic });
        self.doubted = false;
    }

    /// A deed says what time it is. Where the machine's clock agrees, that is believed again.
    pub(super) fn rebased(&mut self, right: Time, shown: Shown) {
        let off = shown.wall.micros().saturating_sub(right.micros());
        let agrees = off.saturating_abs() <= self.bound.micros();
        self.ahead = 0;
        self.opened = vec![Opened { recorded: right, was_doubted: false, ahead: Span::default() }];
        self.begin(Shown { wall: if agrees { shown.wall } else { right }, monotonic: shown.monotonic });
        self.doubted = !agrees;
    }

    fn begin(&mut self, at: Shown) {
        self.anchor = Some(at);
        self.base = Some(at);
    }

    /// The time that it should be.
    fn expected(&self, monotonic: Duration) -> Option<Time> {
        after(self.base, monotonic)
    }

    /// The time since the base, a little less of it.
    fn slower(&self, expected: Time) -> Time {
        let base = self.base.map_or(expected, |base| base.wall);
        let passed = expected.since(base).micros();
        base.plus(Span::from_micros(passed - passed / SLOWER))
    }
}

/// What it should be by now that was so then.
fn after(then: Option<Shown>, monotonic: Duration) -> Option<Time> {
    let then = then?;
    Some(then.wall.plus(span(monotonic.saturating_sub(then.monotonic))))
}

fn span(duration: Duration) -> Span {
    Span::from_micros(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Span = Span::from_hours(1);

    fn shown(wall: Span, monotonic: u64) -> Shown {
        Shown { wall: Time::from_micros(0).plus(wall), monotonic: Duration::from_secs(monotonic) }
    }

    fn ledger(recorded: Time, was_doubted: bool) -> Opened {
        Opened { recorded, was_doubted, ahead: Span::default() }
    }

    fn seconds(span: u64) -> Span {
        Span::from_secs(i64::try_from(span).unwrap())
    }

    fn at(days: i64, second: u64) -> Span {
        Span::from_micros(Span::from_days(days).micros() + seconds(second).micros())
    }

    #[test]
    fn a_clock_that_goes_on_is_believed_also_after_a_long_sleep() {
        let mut believed = Believed::new(HOUR);
        for (second, day) in [(0, 0), (1, 0), (60, 0), (30 * 86_400, 0)] {
            assert_eq!(believed.now(shown(at(day, second), second)), shown(at(day, second), 0).wall);
            assert!(!believed.is_doubted());
        }
    }

    #[test]
    fn a_jump_is_not_believed_until_it_is_over_or_a_person_believes_it() {
        let mut believed = Believed::new(HOUR);
        believed.now(shown(at(1, 0), 0));
        let on = shown(at(3_651, 10), 10);
        assert_eq!(believed.now(on), shown(at(1, 10), 0).wall, "time goes on from where it was");
        assert!(believed.is_doubted());
        assert_eq!(believed.now(shown(at(1, 20), 20)), shown(at(1, 20), 0).wall);
        assert!(!believed.is_doubted(), "it is right again");
        believed.now(shown(at(3_651, 30), 30));
        believed.believe(shown(at(3_651, 30), 30));
        assert_eq!(believed.now(shown(at(3_651, 31), 31)), shown(at(3_651, 31), 0).wall);
        assert!(!believed.is_doubted());
    }

    #[test]
    fn a_clock_that_was_set_back_a_little_lets_time_go_on_and_is_caught_up_with() {
        let mut believed = Believed::new(HOUR);
        believed.now(shown(at(1, 1_800), 0));
        let mut last = believed.now(shown(at(1, 0), 0));
        for second in (10..30_000).step_by(10) {
            let now = believed.now(shown(at(1, second), second));
            assert!(now > last, "time stood still");
            last = now;
        }
        assert_eq!(last, shown(at(1, 29_990), 0).wall);
        assert!(!believed.is_doubted());
    }

    #[test]
    fn after_a_stop_only_what_is_far_from_the_last_deed_is_asked_about() {
        for (days, doubted) in [(0, false), (300, false), (401, true), (3_650, true)] {
            let mut believed = Believed::new(HOUR);
            believed.opened(ledger(shown(at(10, 0), 0).wall, false), shown(at(10 + days, 5), 0));
            believed.now(shown(at(10 + days, 5), 0));
            assert_eq!(believed.is_doubted(), doubted, "{days} days");
        }
        let mut believed = Believed::new(HOUR);
        believed.opened(ledger(shown(at(10, 0), 0).wall, false), shown(at(900, 0), 0));
        believed.opened(ledger(shown(at(899, 0), 0).wall, false), shown(at(900, 0), 0));
        believed.started();
        assert_eq!(believed.now(shown(at(900, 0), 0)), shown(at(900, 0), 0).wall, "another ledger is newer");
    }

    #[test]
    fn many_small_jumps_are_a_large_one() {
        let mut believed = Believed::new(HOUR);
        believed.now(shown(at(1, 0), 0));
        assert_eq!(believed.now(shown(at(1, 3_000), 1)), shown(at(1, 3_000), 0).wall);
        assert_eq!(believed.now(shown(at(1, 6_000), 2)), shown(at(1, 3_001), 0).wall);
        assert!(believed.is_doubted());
    }

    #[test]
    fn a_stop_answers_no_doubt() {
        let mut believed = Believed::new(HOUR);
        believed.opened(ledger(shown(at(10, 0), 0).wall, true), shown(at(11, 0), 0));
        assert_eq!(believed.now(shown(at(11, 1), 1)), shown(at(10, 1), 0).wall);
        assert!(believed.is_doubted());
        let mut right = Believed::new(HOUR);
        right.opened(ledger(shown(at(10, 0), 0).wall, true), shown(at(10, 600), 0));
        assert_eq!(right.now(shown(at(10, 601), 1)), shown(at(10, 601), 0).wall);
        assert!(!right.is_doubted());
    }

    #[test]
    fn what_was_recorded_too_late_goes_on_from_there() {
        let mut believed = Believed::new(HOUR);
        believed.opened(ledger(shown(at(3_650, 0), 0).wall, false), shown(at(1, 0), 0));
        assert_eq!(believed.now(shown(at(1, 7), 7)), shown(at(3_650, 7), 0).wall);
        assert!(believed.is_doubted());
        believed.believe(shown(at(1, 8), 8));
        assert_eq!(believed.now(shown(at(1, 9), 9)), shown(at(3_650, 9), 0).wall);
        assert!(!believed.is_doubted(), "a person lets it go on");
    }
}
