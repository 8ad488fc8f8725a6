//! Signed checkpoints, held against a ledger while its chain is verified.

use std::collections::BTreeMap;
use std::path::Path;

use crate::cli::context::read_text;
use crate::cli::datadir::DataDir;
use crate::cli::output;
use crate::domain::ids::WorkspaceId;
use crate::ledger::note::{HEAD_LINES, NoteError, NoteKey, SignedHead, notes_of};
use crate::ledger::{Hash, Head, Verified, signing};

/// Most bytes of a file of checkpoints.
const MAX_BYTES: u64 = 256 * 1024 * 1024;

/// The checkpoints of a file.
pub(in crate::cli) struct Notes {
    shown: String,
    /// What is said of which number, and what the ledger has there; of ledgers by their identity.
    said: BTreeMap<u64, Vec<SignedHead>>,
    found: BTreeMap<u64, Hash>,
}

impl Notes {
    /// Reads a file of checkpoints, or the one beside the workspace's ledger where none is named.
    ///
    /// # Errors
    /// When the file or the keys can't be read, or a note is not signed by one of them.
    pub(in crate::cli) fn read(
        dir: &DataDir,
        workspace: &WorkspaceId,
        file: Option<&Path>,
        first: &[NoteKey],
    ) -> anyhow::Result<Self> {
        let beside = dir.store().folder(workspace).join(signing::HEADS);
        let named = file.is_some();
        let file = file.unwrap_or(&beside);
        let shown = file.display().to_string();
        let mut notes = Self { shown: shown.clone(), said: BTreeMap::new(), found: BTreeMap::new() };
        // The server has not signed anything yet.
        if !named && !beside.exists() {
            return Ok(notes);
        }
        if !named && !beside.is_file() {
            anyhow::bail!("{shown}: it is no file; move it away, and put back what was there");
        }
        let keys = keys(dir, first)?;
        for (number, note) in notes_of(&read_text(file, MAX_BYTES)?, HEAD_LINES).enumerate() {
            let head = match SignedHead::read(&note, &keys) {
                Ok(head) => head,
                // A crash may have cut it off; the others say what they say.
                Err(NoteError::Form(why)) => {
                    output::complain(format!(
                        "{shown}, note {}: passed over, since it is no whole note ({why})",
                        number + 1
                    ));
                    continue;
                }
                Err(error) => anyhow::bail!(
                    "{shown}, note {}: {error}; the file or the keys were changed, or it is another server's",
                    number + 1
                ),
            };
            notes.said.entry(head.head.seq).or_default().push(head);
        }
        Ok(notes)
    }

    /// The numbers that something is said of.
    pub(in crate::cli) fn numbers(&self) -> Vec<u64> {
        self.said.keys().copied().collect()
    }

    /// A record of the ledger.
    pub(in crate::cli) fn reached(&mut self, head: Head) {
        if self.said.contains_key(&head.seq) {
            self.found.insert(head.seq, head.hash);
        }
    }

    /// How many checkpoints of this ledger there are, all of which it agrees with.
    ///
    /// # Errors
    /// At the first that it does not agree with.
    pub(in crate::cli) fn hold(&self, place: &str, verified: &Verified) -> anyhow::Result<usize> {
        let source = verified.identity.source();
        let ours = self.said.values().flatten().filter(|note| note.source == source);
        let mut count = 0;
        for SignedHead { head, .. } in ours {
            let there = match head.seq {
                0 => Some(verified.identity.genesis()),
                seq => self.found.get(&seq).copied(),
            };
            let what = match there {
                Some(hash) if hash == head.hash => {
                    count += 1;
                    continue;
                }
                Some(_) => "holds something else there now: its history was written anew",
                None => "ends before it: deeds were lost or taken away",
            };
            anyhow::bail!(
                "{place}: {} has a signed checkpoint at sequence {}, and the ledger {what}; keep both, and restore the ledger from a backup",
                self.shown,
                head.seq
            );
        }
        if count == 0 {
            anyhow::bail!(
                "{place}: there is no signed checkpoint of this ledger in {}, so that it was held against none; `deeds checkpoint --keep FILE` makes one",
                self.shown
            );
        }
        Ok(count)
    }
}

/// The keys that are believed.
fn keys(dir: &DataDir, first: &[NoteKey]) -> anyhow::Result<Vec<NoteKey>> {
    let here = dir.store().signing().keys();
    if first.is_empty() {
        return Ok(here?);
    }
    // What is in the directory counts only from a key on that was kept elsewhere.
    let here = here.unwrap_or_default();
    let after =
        |first: &NoteKey| here.iter().skip_while(|key| *key != first).skip(1).cloned().collect::<Vec<_>>();
    Ok(first.iter().cloned().chain(first.iter().flat_map(after)).collect())
}
