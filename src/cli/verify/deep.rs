//! What was made of a ledger, held against all of its deeds: every deed is read and folded, every snapshot and checkpoint
//! compared with the board at its deed, the image of values entity by entity with what the deeds make of none, and the search index with
//! what they make of an empty one.

use std::path::PathBuf;

use crate::coordinator::{Held, Proof, SNAPSHOT_FILE};
use crate::domain::deed::Deed;
use crate::domain::ids::{Seq, WorkspaceId};
use crate::domain::state::State;
use crate::index::{self, IndexError, Looked};
use crate::ledger::{Identity, LedgerError, Record, Store, Verified};
use crate::server::IMAGE_FOLDER;
use crate::store::{Image, Images};

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
    /// What of the image of values is not.
    pub(in crate::cli) image: Vec<String>,
    /// Where that lies.
    pub(in crate::cli) image_place: PathBuf,
    /// How many snapshots and checkpoints agreed.
    pub(in crate::cli) agreed: usize,
    /// How many entities of the image agreed; none where there is none yet.
    pub(in crate::cli) values: Option<u64>,
}

impl Deep {
    /// What is wrong, a sentence each.
    pub(in crate::cli) fn faults(&self) -> impl Iterator<Item = String> {
        let unread = self.unread.iter().map(|(seq, why)| format!("deed {seq} can't be read: {why}"));
        let files = self.snapshots.iter().chain(&self.index);
        let image = self.image.iter().map(|why| format!("{}: {why}", self.image_place.display()));
        unread.chain(files.map(|(place, why)| format!("{}: {why}", place.display()))).chain(image)
    }
}

/// The images of a store, to be looked at as they are on disk now; a server that has them goes on. To be opened before a ledger is read
/// that they are held against: the ledger is never behind them.
pub(in crate::cli) struct Values(Result<Option<Images>, String>);

impl Values {
    pub(in crate::cli) fn of(store: &Store) -> Self {
        let images = Images::look(&place(store));
        Self(images.map_err(|error| error.to_string()))
    }

    /// The image of a ledger; none where there is none.
    ///
    /// # Errors
    /// In words, where it can't be read.
    pub(in crate::cli) fn image(&self, identity: &Identity) -> Result<Option<Image>, String> {
        let images = self.0.as_ref().map_err(String::clone)?;
        let image = images.as_ref().map(|images| images.of(&identity.source()));
        image.transpose().map_err(|error| error.to_string())
    }
}

/// Where the images of a store lie.
pub(in crate::cli) fn place(store: &Store) -> PathBuf {
    store.directory().join(IMAGE_FOLDER)
}

/// Holds everything beside a ledger against it, up to where it was verified; `each` is told every record.
///
/// # Errors
/// When the ledger can't be read.
pub(in crate::cli) fn look(
    store: &Store,
    workspace: &WorkspaceId,
    verified: &Verified,
    values: &Values,
    mut each: impl FnMut(&Record),
) -> Result<Deep, LedgerError> {
    let folder = store.folder(workspace);
    let image = values.image(&verified.identity);
    let proof = image.and_then(|image| image.map_or(Ok(None), |image| Proof::of(&image, workspace)));
    let (proof, mut image) = proof.map_or_else(|why| (None, vec![why]), |proof| (proof, Vec::new()));
    let mut replay = Replay {
        held: Held::beside(&folder.join(SNAPSHOT_FILE), &verified.identity),
        board: State::new(workspace.clone()),
        proof,
        identity: &verified.identity,
        unread: None,
    };
    let mut search = Search::begin(folder.join(index::FILE), &verified.identity);
    store.read_all(workspace, |record| {
        if record.seq <= verified.head.seq {
            each(&record);
            replay.take(&record);
            search.take(record);
        }
    })?;
    let proof = replay.proof.take().filter(|_| replay.unread.is_none());
    let proof = proof.map(|proof| proved(proof, store, workspace)).transpose()?;
    image.extend(proof.iter().flat_map(Proof::faults));
    let snapshots = replay.held.faults().iter().map(|fault| (fault.place.clone(), fault.why.clone()));
    Ok(Deep {
        snapshots: snapshots.collect(),
        index: search.end(),
        image,
        image_place: place(store),
        agreed: replay.held.agreed(),
        values: proof.map(|proof| proof.agreed()),
        unread: replay.unread,
    })
}

/// The ledger was read once: reads it again as often as there are values that did not fit in memory.
fn proved(mut proof: Proof, store: &Store, workspace: &WorkspaceId) -> Result<Proof, LedgerError> {
    while proof.again() {
        store.read_all(workspace, |record| {
            // It could be read before.
            if let Ok(deed) = Deed::decode(&record.bytes) {
                proof.take(record.head(), &deed);
            }
        })?;
    }
    Ok(proof)
}

/// What the deeds give: the board, and the values that an image has.
struct Replay<'a> {
    held: Held,
    board: State,
    proof: Option<Proof>,
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
                self.board.catch_up(&deed, Seq(0), Seq(u64::MAX));
                self.held.reached(self.identity, record.head(), &self.board);
                if let Some(proof) = &mut self.proof {
                    proof.take(record.head(), &deed);
                }
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
