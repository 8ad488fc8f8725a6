//! What falls due: one closed list, so that `tick` has a branch for each.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::domain::ids::{FanOutNo, Fence, ItemNo, QueueName, Seq, WorkNo};
use crate::domain::path::FieldPath;

/// Something that falls due at a time on the board's list.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Timer {
    /// An item's warning, then its deadline.
    Item(ItemNo),
    /// Taken work comes back; work that nobody takes is looked after.
    Work(WorkNo),
    /// A lease lapses.
    Lease(Fence),
    /// A fan-out is joined with what is there.
    FanOut(FanOutNo),
    /// The time for which an act was deferred is over; the deed that deferred it.
    Waiting(Seq),
    /// A scheduled event is raised.
    Event(Arc<str>),
    /// A review has not been held in time.
    Review(QueueName),
    /// A person's hand on a field ends.
    Held(FieldPath),
}
