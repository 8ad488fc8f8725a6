//! The last deed that a console saw of each ledger, kept between its starts, so that a rewritten history is noticed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::PoisonError;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::api::Hash;
use crate::cli::context::{Context, read_text};
use crate::cli::datadir::DataDir;
use crate::cli::session::{HERE, Session};
use crate::console::wire::{LastSeen, Seen, SeenAll};
use crate::domain::ids::{Seq, WorkspaceId};

/// Its file in a data directory.
pub(in crate::cli) const FILE: &str = "seen.json";
/// How many servers are remembered, and how many workspaces of each.
const SERVERS: usize = 64;
const WORKSPACES: usize = 1_024;
/// More bytes than that many have.
const FILE_BYTES: u64 = 32 * 1024 * 1024;
/// How often what is seen is kept while a console is open.
const KEEP_EVERY: Duration = Duration::from_secs(10);

/// By server, then by workspace.
type File = BTreeMap<String, BTreeMap<String, Mark>>;

#[derive(Debug, Serialize, Deserialize)]
struct Mark {
    seq: Seq,
    hash: Hash,
}

/// How the session's server is called in the file, and where the file is.
pub(in crate::cli) fn place(context: &Context, session: &Session) -> (String, Option<PathBuf>) {
    let dir = session.local_dir().cloned().or_else(|| context.existing_dir().ok());
    (session.server(), dir.map(|dir| dir.path().join(FILE)))
}

/// What was seen of the server's workspaces.
pub(in crate::cli) fn read(file: &Path, place: &str) -> SeenAll {
    let mut all = read_all(file);
    let ours = all.remove(place).unwrap_or_default();
    let marks = ours.into_iter().filter_map(|(workspace, mark)| {
        Some((workspace.parse().ok()?, LastSeen { seq: mark.seq, hash: mark.hash }))
    });
    marks.collect()
}

/// Forgets what was seen of one workspace; says what that was.
pub(in crate::cli) fn forget(file: &Path, place: &str, workspace: &WorkspaceId) -> Option<LastSeen> {
    let mut all = read_all(file);
    let mark = all.get_mut(place)?.remove(workspace.as_str())?;
    keep_all(file, &all);
    Some(LastSeen { seq: mark.seq, hash: mark.hash })
}

/// Keeps what is seen from time to time, so that a console that is killed has not forgotten it.
pub(super) async fn keep(file: PathBuf, place: String, seen: Seen) {
    let mut kept = SeenAll::new();
    loop {
        tokio::time::sleep(KEEP_EVERY).await;
        let now = seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if now != kept {
            write(&file, &place, &now);
            kept = now;
        }
    }
}

/// Keeps what was seen. Without it, the next console only trusts what it is told first.
pub(super) fn write(file: &Path, place: &str, seen: &SeenAll) {
    let mut all = read_all(file);
    let ours = all.entry(place.to_owned()).or_default();
    for (workspace, seen) in seen {
        ours.insert(workspace.to_string(), Mark { seq: seen.seq, hash: seen.hash });
    }
    // Beyond the bound others go, never what was just seen.
    let just_seen = |name: &String| seen.keys().any(|workspace| workspace.as_str() == name);
    while ours.len() > WORKSPACES
        && let Some(other) = ours.keys().find(|name| !just_seen(name)).cloned()
    {
        ours.remove(&other);
    }
    while all.len() > SERVERS
        && let Some(other) = all.keys().find(|name| *name != place && *name != HERE).cloned()
    {
        all.remove(&other);
    }
    keep_all(file, &all);
}

fn keep_all(file: &Path, all: &File) {
    let text = serde_json::to_string(all).unwrap_or_default();
    if let Err(error) = DataDir::replace(file, &text) {
        tracing::warn!(%error, "what was seen could not be kept");
    }
}

/// Whether what was seen can be read.
pub(in crate::cli) fn is_whole(file: &Path) -> bool {
    read_text(file, FILE_BYTES).is_ok_and(|text| serde_json::from_str::<File>(&text).is_ok())
}

fn read_all(file: &Path) -> File {
    let text = read_text(file, FILE_BYTES).ok();
    text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()
}
