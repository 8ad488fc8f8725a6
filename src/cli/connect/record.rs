//! What was entered where, a file in the data directory for each settings file, so that it can be looked for and taken back.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use super::entry::Entry;
use crate::cli::context::read_text;
use crate::cli::datadir::DataDir;
use crate::domain::ids::AgentId;

/// More than two texts of a settings file have, escaped, in bytes.
const MOST_BYTES: u64 = 64 * 1024 * 1024;

/// What was entered into one settings file.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::cli) struct Record {
    /// Whose settings they are, as the arguments call it.
    pub(super) host: String,
    /// Who acts there.
    pub(super) agent: AgentId,
    /// The settings file.
    pub(in crate::cli) file: PathBuf,
    /// The project that it is of; none where it is a person's.
    pub(super) project: Option<PathBuf>,
    /// What it says without us; none where it would not be there.
    pub(super) before: Option<String>,
    /// What it said when it was written.
    pub(super) after: String,
    /// What was entered.
    pub(in crate::cli) entries: Vec<Entry>,
    /// The directories that were made for it.
    pub(super) folders: Vec<PathBuf>,
    /// The file of the agent's token.
    pub(in crate::cli) token: PathBuf,
    /// Whether that was made for it.
    pub(super) made: bool,
}

impl Record {
    /// The servers that are behind a gateway there.
    pub(super) fn gateways(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().filter_map(|entry| match entry.path.as_slice() {
            [_, name, last] if last == "command" => Some(name.as_str()),
            _ => None,
        })
    }

    /// Writes it down.
    pub(super) fn keep(&self, dir: &DataDir) -> anyhow::Result<()> {
        Ok(DataDir::replace(&dir.make_connection_file(&self.file)?, &serde_json::to_string(self)?)?)
    }

    /// Forgets it.
    pub(super) fn forget(&self, dir: &DataDir) -> anyhow::Result<()> {
        let file = dir.connection_file(&self.file);
        std::fs::remove_file(&file).with_context(|| file.display().to_string())
    }
}

/// What was entered, of one settings file; the record's own file where it can't be read.
pub(in crate::cli) fn read(place: &Path) -> Result<Record, PathBuf> {
    let text = read_text(place, MOST_BYTES).ok();
    text.and_then(|text| serde_json::from_str(&text).ok()).ok_or_else(|| place.to_owned())
}

/// All that was entered, by settings file.
pub(in crate::cli) fn all(dir: &DataDir) -> Vec<Result<Record, PathBuf>> {
    dir.connection_files().iter().map(|place| read(place)).collect()
}
