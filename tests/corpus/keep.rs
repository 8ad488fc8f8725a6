//! Histories that tests play, kept as ledgers where `DEEDS_CORPUS` names a folder. `tests/corpus.rs` packs them.

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::PathBuf;
use std::sync::Arc;

use deeds::domain::deed::{Deed, Origin};
use deeds::domain::ids::WorkspaceId;

/// Writes the deeds of a history, one a line, under a name that tells it from all others.
pub(crate) fn keep(workspace: &WorkspaceId, deeds: &[Deed]) {
    let Some(folder) = std::env::var_os("DEEDS_CORPUS").map(PathBuf::from) else { return };
    let origin = Origin { source: Arc::from("urn:uuid:0"), workspace: workspace.clone() };
    let mut text = Vec::new();
    for deed in deeds {
        text.extend(deed.encode(&origin).unwrap());
        text.push(b'\n');
    }
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    let name = format!("{}-{:016x}.jsonl", env!("CARGO_CRATE_NAME"), hasher.finish());
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(name), text).unwrap();
}
