//! What the machine's clock shows.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::time::Time;

/// What the machine's clock shows, and whether Deeds goes by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClockSight {
    /// What it shows.
    pub machine: Time,
    /// The time that Deeds goes by.
    pub now: Time,
    /// Whether the first is believed.
    pub believed: bool,
}
