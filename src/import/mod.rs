//! Other systems' histories, turned into import commands and sent through the front door. What a command then comes
//! to is decided like everything else; nothing here writes.

pub mod beads;
mod summary;
#[cfg(test)]
mod tests;

pub use summary::{Contested, Summary};
