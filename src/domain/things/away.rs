//! Who is there to decide, RULES §12.3: people with a token that decides, and until when somebody is away.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use chrono::NaiveDate;
use chrono_tz::Tz;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::ids::PersonId;
use crate::domain::map::day_begins;
use crate::domain::time::{Span, Time};

/// A token with which a person decides, without what proves it.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Seat {
    /// Whose.
    pub person: PersonId,
    /// When it ends by itself.
    pub expires: Option<Time>,
    /// When it came into being, where it ends by itself.
    pub since: Option<Time>,
    /// Whether it is an admin's.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub admin: bool,
}

impl Seat {
    /// Whether it opens the door at that time.
    pub fn is_live(&self, now: Time) -> bool {
        self.expires.is_none_or(|end| now < end)
    }
}

/// The end of something that a person names. In text a time, a day, or a length of time from now on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Until {
    /// At that time.
    At(Time),
    /// When that day begins.
    Day(NaiveDate),
    /// After so long.
    For(Span),
}

impl Until {
    /// The point in time; a day begins in that timezone.
    pub fn time(self, zone: Tz, now: Time) -> Option<Time> {
        match self {
            Self::At(time) => Some(time),
            Self::Day(day) => day_begins(zone, day),
            Self::For(span) => Some(now.plus(span)),
        }
    }
}

impl FromStr for Until {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let read = text.parse().map(Self::For);
        let read = read.or_else(|_| text.parse().map(Self::Day));
        let wrong = || {
            let text: Arc<str> = text.chars().take(60).collect::<String>().into();
            format!(
                "{text:?} is no time; write a day such as 2026-12-03, a time such as 2026-12-03T09:00:00Z, or 3d"
            )
        };
        read.or_else(|_| text.parse().map(Self::At)).map_err(|_| wrong())
    }
}

impl TryFrom<String> for Until {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Until> for String {
    fn from(until: Until) -> Self {
        until.to_string()
    }
}

impl fmt::Display for Until {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(time) => time.fmt(f),
            Self::Day(day) => day.fmt(f),
            Self::For(span) => span.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_reads_back_as_written_and_a_day_begins_where_the_map_is() {
        let now: Time = "2026-12-01T10:00:00Z".parse().unwrap();
        let madrid = chrono_tz::Europe::Madrid;
        for (text, time) in [
            ("2026-12-03", "2026-12-02T23:00:00Z"),
            ("2026-12-03T09:00:00Z", "2026-12-03T09:00:00Z"),
            ("3d", "2026-12-04T10:00:00Z"),
        ] {
            let until: Until = text.parse().unwrap();
            assert_eq!(until.to_string().parse(), Ok(until), "{text}");
            assert_eq!(until.time(madrid, now), time.parse().ok(), "{text}");
        }
        for wrong in ["", "tomorrow", "2026-13-01", "3"] {
            assert!(wrong.parse::<Until>().is_err(), "{wrong}");
        }
    }
}
