//! What a map asks of an agent before the next one joins: `[readiness]`, or what holds where it says nothing.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The most days that a window may have: two of them are kept.
pub const MOST_DAYS: u32 = 90;
/// The most approvals that may be asked for.
pub const MOST_APPROVALS: u32 = 250;
/// The days that an agent is watched for no coordination failure, where windows are not shorter.
const QUIET_DAYS: u32 = 14;

/// What is asked of an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Thresholds {
    /// The days that an agent must be live, and that gates look back on.
    pub days: u32,
    /// Fewest approvals that say anything.
    pub approvals: u32,
    /// More than this part of them went out as they were.
    pub rate: Rate,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self { days: 28, approvals: 20, rate: Rate(8_500) }
    }
}

impl Thresholds {
    /// The days of a window.
    pub fn window(self) -> i64 {
        i64::from(self.days)
    }

    /// The days without a coordination failure.
    pub fn quiet(self) -> i64 {
        i64::from(self.days.min(QUIET_DAYS))
    }
}

impl fmt::Display for Thresholds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { days, approvals, rate } = self;
        write!(f, "{days} days, {approvals} approvals, more than {rate} of them without edits")
    }
}

/// A part of a whole, in ten-thousandths; 0.85 in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(into = "f64", try_from = "f64")]
#[schemars(with = "f64")]
pub struct Rate(u16);

impl Rate {
    /// Whether so many of all are more than this part.
    pub fn is_passed_by(self, some: u64, all: u64) -> bool {
        some.saturating_mul(10_000) > all.saturating_mul(u64::from(self.0))
    }
}

impl fmt::Display for Rate {
    /// `85%`, `99.5%`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", f64::from(self.0) / 100.0)
    }
}

impl From<Rate> for f64 {
    fn from(rate: Rate) -> Self {
        Self::from(rate.0) / 10_000.0
    }
}

impl TryFrom<f64> for Rate {
    type Error = String;
    fn try_from(rate: f64) -> Result<Self, String> {
        let found = (0..10_000_u16).find(|part| (f64::from(*part) - rate * 10_000.0).abs() < 1e-6);
        found.map(Self).ok_or_else(|| format!("{rate} is no rate; they are 0 to 0.9999, such as 0.85"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read_as_they_are_written() {
        for (text, shown) in [("0.85", "85%"), ("0.995", "99.5%"), ("0.5", "50%"), ("0.9999", "99.99%")] {
            let rate: Rate = serde_json::from_str(text).unwrap();
            assert_eq!(
                (serde_json::to_string(&rate).unwrap().as_str(), rate.to_string().as_str()),
                (text, shown)
            );
        }
        for wrong in ["1.0", "-0.1", "0.00001", "85"] {
            assert!(serde_json::from_str::<Rate>(wrong).is_err(), "{wrong}");
        }
        let rate = Thresholds::default().rate;
        assert!(rate.is_passed_by(18, 20) && !rate.is_passed_by(17, 20));
    }
}
