//! Other systems' histories, turned into import commands and sent through the front door. What a command then comes
//! to is decided like everything else; nothing here writes.

mod beads;
mod door;
mod events;
mod line;
mod mapped;
mod name;
mod order;
mod report;
mod run;
mod summary;
#[cfg(test)]
mod tests;

pub use beads::{Beads, NOTE_BYTES};
pub use events::{Events, Format, LINE_BYTES, Read};
pub use line::{Broken, Doubt, Line};
pub use mapped::{Mapping, WrongMapping};
pub use report::{KEPT_LINES, LeftOut, Reason, Report, Tally};
pub use run::{BATCH_BYTES, Door, ImportError, KEPT_CONTESTED, Look, Progress, run};
pub use summary::{Contested, Summary};
