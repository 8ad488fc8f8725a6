//! What the hooks of coding agents have in common, as far as it needs no file system: what a call is about to do to files.
//!
//! `shell` reads a shell command. Who may do it, and which file of which repository a path is, is asked elsewhere.

pub mod shell;

/// What is about to happen to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wish {
    /// It is made, changed, or taken away.
    Change,
    /// It is looked at.
    Look,
}
