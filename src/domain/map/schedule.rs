//! When something recurs, as the map writes it, and which instant comes next after a given one.

use std::fmt;
use std::str::FromStr;

use chrono::{
    DateTime, Datelike, Days as Count, LocalResult, NaiveDate, NaiveTime, TimeDelta, TimeZone, Timelike,
    Weekday,
};
use chrono_tz::Tz;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::domain::time::Time;

/// The days that are looked at for the next instant: a week, and a day that a change of clocks may take away.
const LOOK_AHEAD: u64 = 9;

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

    /// Every day at the minute in which `time` is, in this timezone.
    pub fn daily_at(zone: Tz, time: Time) -> Self {
        let local = time.utc().with_timezone(&zone).time();
        let at = local.with_second(0).and_then(|at| at.with_nanosecond(0)).unwrap_or(local);
        Self { days: Days::Daily, at }
    }

    /// The first instant after `after`, in this timezone. Where a change of clocks skips the time of day, it is an hour
    /// later; where it comes twice, it is the first.
    pub fn next(self, zone: Tz, after: Time) -> Option<Time> {
        let today = after.utc().with_timezone(&zone).date_naive();
        (0..LOOK_AHEAD)
            .filter_map(|ahead| today.checked_add_days(Count::new(ahead)))
            .filter(|day| self.is_on(day.weekday()))
            .filter_map(|day| instant(zone, day.and_time(self.at)))
            .map(|at| Time::from_micros(at.timestamp_micros()))
            .find(|at| *at > after)
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

/// When a day begins in this timezone.
pub fn day_begins(zone: Tz, day: NaiveDate) -> Option<Time> {
    instant(zone, day.and_time(NaiveTime::MIN)).map(|at| Time::from_micros(at.timestamp_micros()))
}

fn instant(zone: Tz, local: chrono::NaiveDateTime) -> Option<DateTime<Tz>> {
    match zone.from_local_datetime(&local) {
        LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => Some(at),
        LocalResult::None => zone.from_local_datetime(&(local + TimeDelta::hours(1))).earliest(),
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
    fn the_next_instant_is_in_the_workspaces_own_time() {
        let zone: Tz = "Europe/Madrid".parse().unwrap();
        let next = |schedule: &str, after: &str| {
            let after: Time = after.parse().unwrap();
            schedule.parse::<Schedule>().unwrap().next(zone, after).unwrap().to_string()
        };
        // Winter is an hour, summer two hours ahead of UTC.
        assert_eq!(next("daily 09:00", "2026-01-10T07:59:59Z"), "2026-01-10T08:00:00.000000Z");
        assert_eq!(next("daily 09:00", "2026-01-10T08:00:00Z"), "2026-01-11T08:00:00.000000Z");
        assert_eq!(next("daily 09:00", "2026-07-10T08:00:00Z"), "2026-07-11T07:00:00.000000Z");
        assert_eq!(next("weekly mon 09:00", "2026-01-10T08:00:00Z"), "2026-01-12T08:00:00.000000Z");
        // On 29 March the clocks go from two to three: 02:30 does not exist, 03:30 does.
        assert_eq!(next("daily 02:30", "2026-03-28T12:00:00Z"), "2026-03-29T01:30:00.000000Z");
        // On 25 October 02:30 comes twice: the first one counts, and only once.
        assert_eq!(next("daily 02:30", "2026-10-24T12:00:00Z"), "2026-10-25T00:30:00.000000Z");
        assert_eq!(next("daily 02:30", "2026-10-25T00:30:00Z"), "2026-10-26T01:30:00.000000Z");
    }

    #[test]
    fn weekdays_leave_the_weekend_out() {
        let schedule: Schedule = "weekdays 09:00".parse().unwrap();
        assert!(schedule.is_on(Weekday::Fri));
        assert!(!schedule.is_on(Weekday::Sat));
    }
}
