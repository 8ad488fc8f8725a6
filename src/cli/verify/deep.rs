//! What was made of a ledger, held against all of its deeds: every deed is read and folded, every snapshot and checkpoint
//! compared with the state at its deed, and the search index with what the deeds make of an empty one.

use std::path::PathBuf;

use crate::coordinator::{Held, SNAPSHOT_FILE};
use crate::domain::deed::Deed;
use crate::domain::ids::{Seq, WorkspaceId};
use crate::domain::state::State;
use crate::index::{self, IndexError, Looked};
use crate::ledger::{Identity, LedgerError, Record, Store, Verified, read_all};

/// How many deeds are compared with the index at once.
const AT_ONCE: usize = 512;

/// What was found beside one ledger.
#[derive(Debug)]
pub(in crate::cli) struct Deep {
    /// The first deed that this version can't read, and why.
    pub(in crate::cli) unread: Option<(u64, String)>,
    /// Snapshots and checkpoints that are not what the ledger gives, with why.
    pub(in crate::cli) snapshots: Vec<(PathBuf, String)>,
    /// Why the search index is not.
    pub(in crate::cli) index: Option<(PathBuf, String)>,
    /// How many snapshots and checkpoints agreed.
    pub(in crate::cli) agreed: usize,
}

impl Deep {
    /// What is wrong, a sentence each.
    pub(in crate::cli) fn faults(&self) -> impl Iterator<Item = String> {
        let unread = self.unread.iter().map(|(seq, why)| format!("deed {seq} can't be read: {why}"));
        let files = self.snapshots.iter().chain(&self.index);
        unread.chain(files.map(|(place, why)| format!("{}: {why}", place.display())))
    }
}

/// Holds everything beside a ledger against it, up to where it was verified; `each` is told every record.
///
/// # Errors
/// When the ledger can't be read.
pub(in crate::cli) fn look(
    store: &Store,
    workspace: &WorkspaceId,
    verified: &Verified,
    mut each: impl FnMut(&Record),
) -> Result<Deep, LedgerError> {
    let folder = store.folder(workspace);
    let mut replay = Replay {
        held: Held::beside(&folder.join(SNAPSHOT_FILE), &verified.identity),
        state: State::new(workspace.clone()),
        identity: &verified.identity,
        unread: None,
    };
    let mut search = Search::begin(folder.join(index::FILE), &verified.identity);
    read_all(&store.file(workspace), |record| {
        if record.seq <= verified.head.seq {
            each(&record);
            replay.take(&record);
            search.take(record);
        }
    })?;
    let agreed = replay.held.agreed();
    let snapshots = replay.held.faults().iter().map(|fault| (fault.place.clone(), fault.why.clone()));
    Ok(Deep { unread: replay.unread, snapshots: snapshots.collect(), index: search.end(), agreed })
}

/// The state that the deeds give.
struct Replay<'a> {
    held: Held,
    state: State,
    identity: &'a Identity,
    unread: Option<(u64, String)>,
}

impl Replay<'_> {
    fn take(&mut self, record: &Record) {
        if self.unread.is_some() {
            return;
        }
        match Deed::decode(&record.bytes) {
            Ok(deed) => {
                self.state.fold(&deed);
                self.held.reached(self.identity, record.head(), &self.state);
            }
            Err(error) => self.unread = Some((record.seq, error.to_string())),
        }
    }
}

/// The index, and the deeds that it is compared with next.
struct Search {
    file: PathBuf,
    looked: Option<Looked>,
    next: Vec<Record>,
    /// The last deed of the ledger so far.
    at: u64,
    fault: Option<String>,
}

impl Search {
    fn begin(file: PathBuf, identity: &Identity) -> Self {
        let mut new = Self { file, looked: None, next: Vec::new(), at: 0, fault: None };
        if new.file.exists() {
            let looked = Looked::at(&new.file, &identity.source());
            match looked.and_then(|looked| looked.map(|one| one.check_counts().map(|()| one)).transpose()) {
                Ok(looked) => new.looked = looked,
                Err(error) => new.fault = Some(error.to_string()),
            }
        }
        new
    }

    fn take(&mut self, record: Record) {
        self.at = record.seq;
        if self.looked.as_ref().is_some_and(|looked| record.seq <= looked.head().seq.0) {
            self.next.push(record);
            if self.next.len() >= AT_ONCE {
                self.compare();
            }
        }
    }

    fn compare(&mut self) {
        let next = std::mem::take(&mut self.next);
        let entry = |record: &Record| (Seq(record.seq), record.hash.0, record.bytes.clone());
        let records: Vec<_> = next.iter().map(entry).collect();
        let entries: Vec<index::Entry<'_>> =
            records.iter().map(|(seq, hash, bytes)| index::Entry { seq: *seq, hash, bytes }).collect();
        if let Some(looked) = &mut self.looked {
            let compared = looked.check(&entries);
            self.note(compared);
        }
    }

    /// Where something is wrong, the rest is not looked at.
    fn note(&mut self, looked: Result<(), IndexError>) {
        if let Err(error) = looked {
            self.fault.get_or_insert_with(|| error.to_string());
            self.looked = None;
        }
    }

    fn end(mut self) -> Option<(PathBuf, String)> {
        self.compare();
        // One that has seen more than there is can't be compared, and is another matter.
        if let Some(looked) = self.looked.as_ref().filter(|looked| looked.head().seq.0 <= self.at) {
            let words = looked.check_words();
            self.note(words);
        }
        self.fault.map(|why| (self.file, why))
    }
}
