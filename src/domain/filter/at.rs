//! A moment of the ledger as people name it: a sequence, or a time in the filter's own grammar.

use std::fmt;

use chrono::NaiveTime;

use super::parse::{MINUTE, SECOND, absolute};
use crate::domain::ids::Seq;
use crate::domain::time::{Span, Time};

/// Longest text of a moment.
const AT_BYTES: usize = 64;

/// A moment of the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// After this deed.
    Seq(Seq),
    /// After every deed that was recorded by then.
    Time(Time),
    /// After the last deed that happened by then, whenever it was recorded: of a history that was taken in.
    Happened(Time),
}

/// Before a time that means when deeds happened.
const HAPPENED: &str = "happened ";

/// Why a text names no moment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AtError {
    /// It is neither a sequence nor a time.
    #[error(
        "{0:?} is no moment; write a sequence such as 4711, a time such as 2026-02-14T08:11:00Z, 2026-02-14 or 08:11 (all UTC), -2h for two hours ago, or happened 2026-02-14 for a history that was taken in"
    )]
    Unreadable(String),
    /// It has not come yet.
    #[error("{at} has not come yet, it is {now}; write a time that has been, or -2h for two hours ago")]
    Future {
        /// What was named.
        at: Time,
        /// What the clock shows.
        now: Time,
    },
}

impl At {
    /// Reads `4711` and `#4711`, `2026-02-14`, `2026-02-14T08:11`, `2026-02-14T08:11:00.5Z`, `08:11` (the last one that
    /// has been), and `-2h` or `2h` for two hours ago. A day, a minute or a second is meant as a whole, as after
    /// `until:`, as far as it has been. `happened` before a time means when deeds happened, not when they were recorded.
    ///
    /// # Errors
    /// When it is none of these, or lies after `now`.
    pub fn parse(text: &str, now: Time) -> Result<Self, AtError> {
        let text = text.trim();
        let unreadable = || AtError::Unreadable(text.chars().take(AT_BYTES).collect());
        if text.is_empty() || text.len() > AT_BYTES {
            return Err(unreadable());
        }
        if let Some(time) = text.strip_prefix(HAPPENED) {
            return match Self::parse(time, now)? {
                Self::Time(time) => Ok(Self::Happened(time)),
                Self::Seq(_) | Self::Happened(_) => Err(unreadable()),
            };
        }
        if let Ok(seq) = text.strip_prefix('#').unwrap_or(text).parse::<u64>() {
            return Ok(Self::Seq(Seq(seq)));
        }
        if let Ok(span) = text.strip_prefix('-').unwrap_or(text).parse::<Span>() {
            return Ok(Self::Time(now.minus(span)));
        }
        let (at, width) = absolute(text).or_else(|| of_the_day(text, now)).ok_or_else(unreadable)?;
        if at > now {
            return Err(AtError::Future { at, now });
        }
        Ok(Self::Time(at.plus(Span::from_micros(width - 1)).min(now)))
    }
}

/// The last `08:11` or `08:11:30` that has been, and how much of time that names.
fn of_the_day(text: &str, now: Time) -> Option<(Time, i64)> {
    let (time, width) = match NaiveTime::parse_from_str(text, "%H:%M") {
        Ok(time) => (time, MINUTE),
        Err(_) => (NaiveTime::parse_from_str(text, "%H:%M:%S").ok()?, SECOND),
    };
    let today = Time::from_micros(now.utc().date_naive().and_time(time).and_utc().timestamp_micros());
    Some((if today > now { today.minus(Span::from_days(1)) } else { today }, width))
}

impl fmt::Display for At {
    /// As it is read back.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Seq(seq) => write!(f, "{seq}"),
            Self::Time(time) => write!(f, "{time}"),
            Self::Happened(time) => write!(f, "{HAPPENED}{time}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Time {
        "2026-02-14T09:04:30Z".parse().unwrap()
    }

    fn time(text: &str) -> At {
        At::Time(text.parse().unwrap())
    }

    #[test]
    fn sequences_and_times_are_read_and_read_back() {
        for (text, at) in [
            ("4711", At::Seq(Seq(4711))),
            ("#0", At::Seq(Seq(0))),
            ("-2h", time("2026-02-14T07:04:30Z")),
            ("2h", time("2026-02-14T07:04:30Z")),
            (" 1d ", time("2026-02-13T09:04:30Z")),
            ("2026-02-13", time("2026-02-13T23:59:59.999999Z")),
            ("2026-02-14", At::Time(now())),
            ("2026-02-14T08:11", time("2026-02-14T08:11:59.999999Z")),
            ("2026-02-14T08:11:00Z", time("2026-02-14T08:11:00.999999Z")),
            ("2026-02-14T08:11:00.5Z", time("2026-02-14T08:11:00.5Z")),
            ("2026-02-14T10:00:00+01:00", time("2026-02-14T09:00:00.999999Z")),
            ("08:11", time("2026-02-14T08:11:59.999999Z")),
            ("09:04", At::Time(now())),
            ("22:15:01", time("2026-02-13T22:15:01.999999Z")),
            ("happened 2026-02-13", At::Happened("2026-02-13T23:59:59.999999Z".parse().unwrap())),
            ("happened -2h", At::Happened("2026-02-14T07:04:30Z".parse().unwrap())),
        ] {
            assert_eq!(At::parse(text, now()), Ok(at), "{text}");
            assert_eq!(At::parse(&at.to_string(), now()), Ok(at), "{text}");
        }
    }

    #[test]
    fn what_is_no_moment_is_told_with_the_mend() {
        for text in [
            "",
            " ",
            "yesterday",
            "-",
            "--2h",
            "2026-13-01",
            "24:00",
            "99999999999999999999999",
            "#x",
            "happened",
            "happened 4",
            "happened happened 1h",
        ] {
            assert!(matches!(At::parse(text, now()), Err(AtError::Unreadable(_))), "{text:?}");
        }
        assert!(At::parse(&"9".repeat(5_000), now()).unwrap_err().to_string().len() < 400);
        for text in ["2026-02-14T09:05", "2027-01-01"] {
            let error = At::parse(text, now()).unwrap_err();
            assert!(matches!(error, AtError::Future { .. }), "{text}");
            assert!(error.to_string().contains("-2h"), "{error}");
        }
    }
}
