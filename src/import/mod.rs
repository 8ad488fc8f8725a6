//! Other systems' histories, turned into import commands and sent through the front door. What a command then comes
//! to is decided like everything else; nothing here writes.

pub mod beads;
mod door;
mod run;
mod summary;
#[cfg(test)]
mod tests;

pub use run::{
    BATCH_BYTES, Door, ImportError, KEPT_CONTESTED, KEPT_LINES, Look, Progress, Report, Tally, run,
};
pub use summary::{Contested, Summary};
