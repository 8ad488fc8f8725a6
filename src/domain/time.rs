//! Points and spans of time in microseconds. Reading a clock is not done here.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use chrono::{DateTime, SecondsFormat};
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A timezone by its name in the tz database.
pub type Zone = chrono_tz::Tz;

/// A point in time: microseconds since 1970 in UTC. On the wire RFC 3339 with microseconds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Time(i64);

/// A length of time in microseconds, never negative. On the wire `90d`, `1h30m`, `5s`, `250ms`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span(i64);

/// Why a text is not a time or a span.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TimeError {
    /// Not RFC 3339.
    #[error("{0:?} is not a time; write it as 2026-02-14T08:11:00Z")]
    Time(String),
    /// Not a span.
    #[error("{0:?} is not a length of time; write numbers with d, h, m, s or ms, such as 24h or 1h30m")]
    Span(String),
}

const MICROS: [(&str, i64); 6] = [
    ("w", 604_800_000_000),
    ("d", 86_400_000_000),
    ("h", 3_600_000_000),
    ("m", 60_000_000),
    ("s", 1_000_000),
    ("ms", 1_000),
];

impl Time {
    /// From microseconds since 1970.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since 1970.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Later by the span; stays at the last representable time rather than wrapping.
    #[must_use]
    pub const fn plus(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.0))
    }

    /// Earlier by the span.
    #[must_use]
    pub const fn minus(self, span: Span) -> Self {
        Self(self.0.saturating_sub(span.0))
    }

    /// How long ago `earlier` was; zero if it is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Span {
        let micros = self.0.saturating_sub(earlier.0);
        Span(if micros > 0 { micros } else { 0 })
    }

    /// The calendar time in a timezone.
    pub fn at(self, zone: Zone) -> DateTime<Zone> {
        self.utc().with_timezone(&zone)
    }

    /// The calendar time in UTC; the epoch where the number is beyond the calendar.
    pub fn utc(self) -> DateTime<chrono::Utc> {
        DateTime::from_timestamp_micros(self.0).unwrap_or_default()
    }
}

/// Whether two texts are one point in time, as exactly as both of them say it: cut off there, or rounded.
pub fn same_instant(one: &str, other: &str) -> bool {
    let (Ok(time), Ok(also)) = (one.parse::<Time>(), other.parse::<Time>()) else { return false };
    let step = step_of(one).max(step_of(other));
    let at = |time: Time| (time.0.div_euclid(step), (time.0 + step / 2).div_euclid(step));
    let ((cut, rounded), (also_cut, also_rounded)) = (at(time), at(also));
    cut == also_cut || cut == also_rounded || rounded == also_cut
}

/// How exactly a text says it, in microseconds.
fn step_of(text: &str) -> i64 {
    let fraction = text.split_once('.').map_or("", |(_, rest)| rest);
    let digits = fraction.bytes().take_while(u8::is_ascii_digit).take(6).count();
    10_i64.pow(6 - u32::try_from(digits).unwrap_or(6))
}

impl Span {
    /// Both together.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// From microseconds; negative becomes zero.
    pub const fn from_micros(micros: i64) -> Self {
        Self(if micros > 0 { micros } else { 0 })
    }

    /// From whole seconds.
    pub const fn from_secs(secs: i64) -> Self {
        Self::from_micros(secs.saturating_mul(1_000_000))
    }

    /// From whole minutes.
    pub const fn from_mins(mins: i64) -> Self {
        Self::from_secs(mins.saturating_mul(60))
    }

    /// From whole hours.
    pub const fn from_hours(hours: i64) -> Self {
        Self::from_mins(hours.saturating_mul(60))
    }

    /// From whole days of 24 hours.
    pub const fn from_days(days: i64) -> Self {
        Self::from_hours(days.saturating_mul(24))
    }

    /// Microseconds.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// The span as people read it in a list: its two largest units, `2h10m`, `19h`, `4s`.
    pub fn rough(self) -> String {
        let mut rest = self.0;
        let mut text = String::new();
        let mut units = 0;
        for (name, micros) in [MICROS[1], MICROS[2], MICROS[3], MICROS[4]] {
            let n = rest / micros;
            rest %= micros;
            if n > 0 {
                text = format!("{text}{n}{name}");
                units += 1;
            } else if units > 0 {
                break;
            }
            if units == 2 {
                break;
            }
        }
        if text.is_empty() { "0s".to_owned() } else { text }
    }
}

impl FromStr for Time {
    type Err = TimeError;
    fn from_str(text: &str) -> Result<Self, TimeError> {
        if let Some(time) = as_recorded(text.as_bytes()) {
            return Ok(time);
        }
        DateTime::parse_from_rfc3339(text)
            .map(|t| Self(t.timestamp_micros()))
            .map_err(|_| TimeError::Time(text.chars().take(60).collect()))
    }
}

/// A time as deeds have it, `2026-02-14T08:11:00.000000Z`; none where it is written otherwise, or may not be one.
fn as_recorded(text: &[u8]) -> Option<Time> {
    let [
        y0,
        y1,
        y2,
        y3,
        b'-',
        m0,
        m1,
        b'-',
        d0,
        d1,
        b'T',
        h0,
        h1,
        b':',
        i0,
        i1,
        b':',
        s0,
        s1,
        b'.',
        f @ ..,
        b'Z',
    ] = text
    else {
        return None;
    };
    let [_, _, _, _, _, _] = f else { return None };
    let number = |digits: &[u8]| {
        digits.iter().try_fold(0_i64, |number, digit| {
            digit.is_ascii_digit().then(|| number * 10 + i64::from(digit - b'0'))
        })
    };
    let (year, month, day) = (number(&[*y0, *y1, *y2, *y3])?, number(&[*m0, *m1])?, number(&[*d0, *d1])?);
    let (hour, minute, second) = (number(&[*h0, *h1])?, number(&[*i0, *i1])?, number(&[*s0, *s1])?);
    // The last day of a month, and leap seconds, are for whoever knows the calendar.
    let last = if month == 2 { 28 } else { 30 };
    let plain = year > 0 && (1..=12).contains(&month) && (1..=last).contains(&day);
    if !(plain && hour < 24 && minute < 60 && second < 60) {
        return None;
    }
    // A year that begins in March has its leap day at its end.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 719_469;
    Some(Time((((days * 24 + hour) * 60 + minute) * 60 + second) * 1_000_000 + number(f)?))
}

impl FromStr for Span {
    type Err = TimeError;
    fn from_str(text: &str) -> Result<Self, TimeError> {
        let wrong = || TimeError::Span(text.chars().take(60).collect());
        let mut rest = text;
        let mut total: i64 = 0;
        if rest.is_empty() {
            return Err(wrong());
        }
        while !rest.is_empty() {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let (number, tail) = rest.split_at(digits);
            let letters = tail.bytes().take_while(u8::is_ascii_alphabetic).count();
            let (unit, tail) = tail.split_at(letters);
            let number: i64 = number.parse().map_err(|_| wrong())?;
            let (_, micros) = MICROS.iter().find(|(name, _)| *name == unit).ok_or_else(wrong)?;
            total = number.checked_mul(*micros).and_then(|n| total.checked_add(n)).ok_or_else(wrong)?;
            rest = tail;
        }
        Ok(Self(total))
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.utc().to_rfc3339_opts(SecondsFormat::Micros, true))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        let mut any = false;
        for (name, micros) in &MICROS[1..] {
            let n = rest / micros;
            rest %= micros;
            if n > 0 {
                write!(f, "{n}{name}")?;
                any = true;
            }
        }
        if any { Ok(()) } else { f.write_str("0s") }
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

macro_rules! as_text {
    ($name:ident) => {
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str(Text(PhantomData))
            }
        }
    };
}

/// Reads a text without keeping it.
struct Text<T>(PhantomData<T>);

impl<T: FromStr<Err = TimeError>> Visitor<'_> for Text<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }
}

as_text!(Time);
as_text!(Span);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_back_as_written() {
        for (text, micros) in [
            ("24h", 86_400_000_000),
            ("1h30m", 5_400_000_000),
            ("250ms", 250_000),
            ("90d", 7_776_000_000_000),
        ] {
            let span: Span = text.parse().unwrap();
            assert_eq!(span.micros(), micros);
            assert_eq!(span.to_string().parse::<Span>(), Ok(span));
        }
        for bad in ["", "24", "h", "-1h", "1y", "99999999999999d"] {
            assert!(bad.parse::<Span>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn times_keep_microseconds() {
        let time: Time = "2026-02-14T08:11:00.204001+01:00".parse().unwrap();
        assert_eq!(time.to_string(), "2026-02-14T07:11:00.204001Z");
        assert_eq!(time.since(time.plus(Span::from_secs(5))), Span::default());
    }

    #[test]
    fn a_time_as_deeds_have_it_is_read_as_any_other() {
        let (mut time, mut sooner) = (Time(-62_135_596_800_000_000), 0);
        while time.0 < 253_402_300_800_000_000 {
            let text = time.to_string();
            assert_eq!(text.parse(), Ok(time), "{text}");
            assert_eq!(text.replace('Z', "+00:00").parse(), Ok(time), "{text}");
            sooner += u32::from(as_recorded(text.as_bytes()) == Some(time));
            // Some days, hours, seconds and microseconds.
            time = Time(time.0 + 1_234_567_890_123);
        }
        assert!(sooner > 200_000, "{sooner}");
        let no_times =
            ["2026-02-30T00:00:00.000000Z", "2026-13-01T00:00:00.000000Z", "2026-01-01T24:00:00.000000Z"];
        for text in
            no_times.into_iter().chain(["2026-01-01T00:60:00.000000Z", "2026-01-01T0x:00:00.000000Z", ""])
        {
            assert!(text.parse::<Time>().is_err(), "{text}");
        }
    }

    #[test]
    fn rough_spans_keep_two_units() {
        assert_eq!(Span::from_secs(7_815).rough(), "2h10m");
        assert_eq!(Span::from_hours(19).rough(), "19h");
        assert_eq!(Span::from_secs(4).rough(), "4s");
        assert_eq!(Span::from_days(9).rough(), "9d");
    }
}
