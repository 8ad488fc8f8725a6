//! What rules decided beside the outcome, as deeds carry it, and the formats that say which deeds do.
//!
//! A format is raised once, by a deed, before the first deed that makes use of it. A program that does not know it refuses
//! to read on: what it does not know, it can't leave out in silence (docs/decisions/0010-what-is-recorded-stays.md).

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::domain::ids::{QueueName, Seq};
use crate::domain::things::Severity;
use crate::domain::time::Time;

/// The newest format, which this program writes. A ledger is in format 1 until a deed says otherwise.
pub const FORMAT: u32 = 2;
/// From this format on a deed carries what rules decided. Before, that is as `state/recorded.rs` has it.
pub const RULES_IN_DEEDS: u32 = 2;

/// What a ledger is in that does not say.
pub(super) const fn first_format() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
pub(super) const fn is_first_format(format: &u32) -> bool {
    *format == first_format()
}

/// The deeds from here on are of a newer format.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewFormat {
    /// Which.
    pub format: u32,
    /// What is scheduled, as it stood then: no later program works it out anew from older deeds.
    pub timetable: Timetable,
}

/// What rules decided beside the outcome. Applied as it stands, whatever the rules are by then.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is a mark of its own in the record")]
pub struct Decided {
    /// How bad the alert is from now on, where it was opened before.
    pub severity: Option<Severity>,
    /// What it says from now on, where more take part in it than when it was opened.
    pub title: Option<Arc<str>>,
    /// The alert says that agents failed to coordinate.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub failure: bool,
    /// A person stepped in on what is the agents' own that the deed names.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub intervention: bool,
    /// The write came too late, and is counted among its agent's tries at the fields.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub in_vain: bool,
    /// The record was deleted, and begins without a field of before.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub anew: bool,
    /// The work that its author had in hand, by the deed that brought it, where a longer chain leads there than to its cause.
    pub in_hand: Option<Seq>,
    /// When the work is looked after that waits again, or an act is over of which nobody has said how it ended; or the review that is late, where the next one begins sooner than was
    /// said.
    pub alarm: Option<Time>,
    /// Until when it is known, whatever else happens: the turn that was taken, what was concluded, the name of what ended.
    pub known_until: Option<Time>,
    /// How many alerts that it set off are counted, and not shown one by one.
    pub suppressed: Option<u64>,
    /// When what the new map schedules comes next.
    pub timetable: Option<Box<Timetable>>,
}

/// When what a map schedules comes next.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Timetable {
    /// Events, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub events: BTreeMap<Arc<str>, Time>,
    /// Reviews, by queue.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub reviews: BTreeMap<QueueName, ReviewDue>,
}

/// The scheduled review that is to be held next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReviewDue {
    /// When.
    pub due: Time,
    /// When it counts as missed.
    pub late: Time,
}
