//! What a shell command line does to files, as far as its text tells.
//!
//! The text is parsed as bash (`read`), walked in the order in which it would run (`walk`), its words are expanded as far as they are
//! written out (`words`), and what each known program does with its words is a row of a table (`programs`), which `call` applies;
//! `special` has what a row can't say, `script` the programs of `sed` and `perl`. Programs that nobody knows touch nothing
//! that can be told, and are not unsure: git's hook sees what they did.

mod call;
mod git;
mod programs;
mod read;
mod script;
mod special;
#[cfg(test)]
mod tests;
mod walk;
mod words;

use std::collections::BTreeSet;

use super::Wish;

/// What a command does to files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Touched {
    /// What it changes and looks at, each once.
    pub targets: BTreeSet<Target>,
    /// What can't be told, each once.
    pub unsure: BTreeSet<Unsure>,
    /// Folders that it goes into, and goes on where they are not there: what follows would be done where it was before.
    pub entered: BTreeSet<String>,
}

/// A file or a folder that is changed or looked at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target {
    /// Where it is: without quotes, behind the `cd`s of the command, never empty. Relative to where the command runs, absolute, or
    /// below a home as `~/…` or `~name/…`; what is really called `~` is `./~`. `.`, `..` and links are as they were written.
    pub path: String,
    /// What happens to it.
    pub wish: Wish,
    /// Whether it happens to everything below it as well, if it is a folder.
    pub whole_folder: bool,
    /// The name that is changed in it instead, if it is a folder: where `cp a b` puts `a`.
    pub into: Option<String>,
}

/// Something that reads or changes files, and which they are can't be told.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unsure {
    /// What may happen to them.
    pub wish: Wish,
    /// Why it can't be told, as a clause for a person.
    pub why: String,
}

/// What the command does to files, in whatever order.
pub fn touched(command: &str) -> Touched {
    let mut walk = walk::Walk::default();
    walk.whole(command);
    walk.found
}

/// Any bytes as a command: what is said of it can be asked of a map.
///
/// # Panics
/// Where it can't.
#[cfg(any(test, fuzzing))]
pub fn any_command(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let found = touched(text);
    assert!(found.targets.iter().all(|target| !target.path.is_empty()), "{text:?}: {found:?}");
    assert!(found.unsure.iter().all(|unsure| !unsure.why.is_empty()), "{text:?}: {found:?}");
}
