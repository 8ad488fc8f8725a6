//! When something recurs, as the map writes it. Which instant comes next needs a clock and is not asked here.

use std::fmt;
use std::str::FromStr;

use chrono::{NaiveTime, Timelike, Weekday};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// `daily 09:00`, `weekdays 09:00` or `weekly mon 09:00`, in the workspace's timezone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Schedule {
    /// On which days.
    pub days: Days,
    /// The minute of the day.
    pub at: NaiveTime,
}

/// The days of a schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Days {
    /// Every day.
    Daily,
    /// Monday to Friday.
    Weekdays,
    /// One day of the week.
    Weekly(Weekday),
}

/// Why a text is not a schedule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a schedule; write `daily 09:00`, `weekdays 09:00` or `weekly mon 09:00`")]
pub struct ScheduleError(String);

impl Schedule {
    /// Every day at this hour and minute; `None` beyond 23:59.
    pub fn daily(hour: u32, minute: u32) -> Option<Self> {
        Some(Self { days: Days::Daily, at: NaiveTime::from_hms_opt(hour, minute, 0)? })
    }

    /// Is it held on this day?
    pub fn is_on(self, day: Weekday) -> bool {
        match self.days {
            Days::Daily => true,
            Days::Weekdays => !matches!(day, Weekday::Sat | Weekday::Sun),
            Days::Weekly(on) => on == day,
        }
    }
}

impl FromStr for Schedule {
    type Err = ScheduleError;

    fn from_str(text: &str) -> Result<Self, ScheduleError> {
        let wrong = || ScheduleError(text.chars().take(60).collect());
        let words: Vec<&str> = text.split_whitespace().collect();
        let (days, at) = match words.as_slice() {
            ["daily", at] => (Days::Daily, at),
            ["weekdays", at] => (Days::Weekdays, at),
            ["weekly", day, at] => (Days::Weekly(day.parse().map_err(|_| wrong())?), at),
            _ => return Err(wrong()),
        };
        Ok(Self { days, at: NaiveTime::parse_from_str(at, "%H:%M").map_err(|_| wrong())? })
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.days {
            Days::Daily => f.write_str("daily")?,
            Days::Weekdays => f.write_str("weekdays")?,
            Days::Weekly(day) => write!(f, "weekly {}", day.to_string().to_lowercase())?,
        }
        write!(f, " {:02}:{:02}", self.at.hour(), self.at.minute())
    }
}

impl Serialize for Schedule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Schedule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules_read_back_as_written() {
        for text in ["daily 09:00", "weekdays 17:45", "weekly mon 00:00"] {
            assert_eq!(text.parse::<Schedule>().unwrap().to_string(), text);
        }
        for bad in
            ["", "daily", "daily 25:00", "hourly 09:00", "weekly 09:00", "weekly xyz 09:00", "daily 09:00 x"]
        {
            assert!(bad.parse::<Schedule>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn weekdays_leave_the_weekend_out() {
        let schedule: Schedule = "weekdays 09:00".parse().unwrap();
        assert!(schedule.is_on(Weekday::Fri));
        assert!(!schedule.is_on(Weekday::Sat));
    }
}
