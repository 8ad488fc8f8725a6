//! Other systems' histories, turned into import commands and sent through the front door. What a command then comes
//! to is decided like everything else; nothing here writes.

pub mod beads;
mod door;
mod line;
mod name;
mod order;
mod report;
mod run;
mod summary;
#[cfg(test)]
mod tests;

pub use line::{Broken, Doubt, Line};
pub use report::{KEPT_LINES, LeftOut, Reason, Report, Tally};
pub use run::{BATCH_BYTES, Door, ImportError, KEPT_CONTESTED, Look, Progress, run};
pub use summary::{Contested, Summary};
