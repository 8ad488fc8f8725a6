//! The last deed that a console saw of each ledger, kept between its starts, so that a rewritten history is noticed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::api::Hash;
use crate::cli::context::Context;
use crate::cli::datadir::{DataDir, read_small};
use crate::cli::session::Session;
use crate::console::wire::{LastSeen, SeenAll};
use crate::domain::ids::Seq;

const FILE: &str = "seen.json";
/// How the data directory itself is called in the file; other servers by host and port.
const HERE: &str = "here";

/// By server, then by workspace.
type File = BTreeMap<String, BTreeMap<String, Mark>>;

#[derive(Debug, Serialize, Deserialize)]
struct Mark {
    seq: Seq,
    hash: Hash,
}

/// How the session's server is called in the file, and where the file is.
pub(super) fn place(context: &Context, session: &Session) -> (String, Option<PathBuf>) {
    if let Some(dir) = session.local_dir() {
        return (HERE.to_owned(), Some(dir.path().join(FILE)));
    }
    let dir = context.existing_dir().ok();
    (session.client.base_url().to_owned(), dir.map(|dir| dir.path().join(FILE)))
}

/// What was seen of the server's workspaces.
pub(super) fn read(file: &Path, place: &str) -> SeenAll {
    let mut all = read_all(file);
    let ours = all.remove(place).unwrap_or_default();
    let marks = ours.into_iter().filter_map(|(workspace, mark)| {
        Some((workspace.parse().ok()?, LastSeen { seq: mark.seq, hash: mark.hash }))
    });
    marks.collect()
}

/// Keeps what was seen. Without it, the next console only trusts what it is told first.
pub(super) fn write(file: &Path, place: &str, seen: &SeenAll) {
    let mut all = read_all(file);
    let ours = all.entry(place.to_owned()).or_default();
    for (workspace, seen) in seen {
        ours.insert(workspace.to_string(), Mark { seq: seen.seq, hash: seen.hash });
    }
    let text = serde_json::to_string(&all).unwrap_or_default();
    if let Err(error) = DataDir::replace(file, &text) {
        tracing::warn!(%error, "what was seen could not be kept");
    }
}

fn read_all(file: &Path) -> File {
    read_small(file).ok().and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()
}
