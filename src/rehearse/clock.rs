//! Times as a test file writes them: `+2h`, `09:00`, `mon 09:00`, `2026-11-02 09:00`. Local times are the map's.

use chrono::NaiveDate;

use crate::domain::map::Model;
use crate::domain::map::schedule::{Schedule, day_begins};
use crate::domain::time::{Span, Time};

/// When a case begins where its file does not say: a Monday.
const BEGINS: &str = "2026-01-05 09:00";
/// What a time looks like.
pub(super) const TIMES: &str = "+2h (at most 3660d), 09:00, mon 09:00 or 2026-11-02 09:00";

/// The longest that one step waits.
const LONGEST: Span = Span::from_days(3660);

/// A time of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    /// So long after the step before.
    After(Span),
    /// The next time that the clock of the map shows this.
    Next(Schedule),
    /// That day, at that time.
    On(NaiveDate, Schedule),
}

impl When {
    /// Reads one.
    pub(super) fn read(text: &str) -> Option<Self> {
        if let Some(span) = text.strip_prefix('+') {
            return span.parse().ok().filter(|span| *span <= LONGEST).map(Self::After);
        }
        let words: Vec<&str> = text.split_whitespace().collect();
        match words.as_slice() {
            [at] => format!("daily {at}").parse().ok().map(Self::Next),
            [day, at] => {
                let schedule = format!("daily {at}").parse();
                match day.parse::<NaiveDate>() {
                    Ok(date) => schedule.ok().map(|schedule| Self::On(date, schedule)),
                    Err(_) => format!("weekly {day} {at}").parse().ok().map(Self::Next),
                }
            }
            _ => None,
        }
    }

    /// Which instant it is, seen from `now`. None where there is none: the calendar ends.
    pub(super) fn instant(self, now: Time, model: &Model) -> Option<Time> {
        match self {
            Self::After(span) => Some(now.plus(span)),
            Self::Next(schedule) => schedule.next(model.zone(), now),
            Self::On(date, schedule) => {
                let midnight = day_begins(model.zone(), date)?;
                schedule.next(model.zone(), midnight.minus(Span::from_micros(1)))
            }
        }
    }
}

/// When cases begin where nothing else is said.
pub(super) fn usual(model: &Model) -> Time {
    When::read(BEGINS).and_then(|when| when.instant(Time::default(), model)).unwrap_or_default()
}

/// An instant as people of the map read it.
pub(super) fn words(at: Time, model: &Model) -> String {
    at.utc().with_timezone(&model.zone()).format("%a %Y-%m-%d %H:%M:%S").to_string()
}
