//! What falls due: one closed list, so that `tick` has a branch for each.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::domain::ids::{ActNo, AgentId, FanOutNo, Fence, ItemNo, PersonId, QueueName, Seq, WorkNo};
use crate::domain::path::{EntityPath, FieldPath};

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
    /// The turn that a publication waits for passes; the deed that deferred it.
    Turn(Seq),
    /// A scheduled event is raised.
    Event(Arc<str>),
    /// A review has not been held in time.
    Review(QueueName),
    /// A claim of an item ends.
    Claim(ItemNo),
    /// A person is back.
    Away(PersonId),
    /// A person's hand on a field ends.
    Held(FieldPath),
    /// A person's stop of an entity ends.
    Frozen(EntityPath),
    /// A person's stop of an agent ends.
    Paused(AgentId),
    /// An act is over of which nobody has said how it ended.
    Act(ActNo),
    /// A person's stop of every agent ends.
    AllPaused,
}

impl Timer {
    /// Whether it is about what agents have in hand, and stands still while all of them are stopped.
    pub fn is_agents(&self) -> bool {
        match self {
            Self::Work(_) | Self::Lease(_) | Self::FanOut(_) | Self::Turn(_) => true,
            Self::Item(_)
            | Self::Waiting(_)
            | Self::Event(_)
            | Self::Review(_)
            | Self::Claim(_)
            | Self::Away(_)
            | Self::Held(_)
            | Self::Frozen(_)
            | Self::Paused(_)
            | Self::Act(_)
            | Self::AllPaused => false,
        }
    }
}
