//! Snapshots and checkpoints held against the ledger. Their seals show what was damaged; what was changed and sealed again is
//! shown by the deeds themselves: by some of the last at every start, by all of them where somebody asks for it.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use super::past::checkpoints::Checkpoints;
use super::snapshot::{self, SnapshotError};
use crate::domain::deed::Deed;
use crate::domain::ids::WorkspaceId;
use crate::domain::state::State;
use crate::domain::things::TokenRecord;
use crate::ledger::{Head, Identity, Record};

/// How many of the last deeds before a snapshot it is held against at a start.
pub const LAST: u64 = 512;

/// What is wrong with a snapshot or a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The file.
    pub place: PathBuf,
    /// In words.
    pub why: String,
}

/// A snapshot, or a checkpoint with the board alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Whole,
    Board,
}

/// The snapshot and the checkpoints of a workspace, to be held against a replay of its ledger.
#[derive(Debug, Default)]
pub struct Held {
    due: BTreeMap<u64, Vec<(PathBuf, Kind, Head)>>,
    faults: Vec<Fault>,
    count: usize,
}

impl Held {
    /// Those that lie at the snapshot's place and beside it. What is of another version is passed over, as a start does.
    pub fn beside(snapshot: &Path, identity: &Identity) -> Self {
        let mut held = Self::default();
        held.expect(snapshot.to_owned(), Kind::Whole, identity);
        let checkpoints = Checkpoints::beside(snapshot);
        for file in Checkpoints::new(checkpoints).all_files() {
            held.expect(file, Kind::Board, identity);
        }
        held
    }

    fn expect(&mut self, place: PathBuf, kind: Kind, identity: &Identity) {
        let why = match snapshot::head_of(&place, identity) {
            Ok(_) if snapshot::seal_of(&place).is_none() => "its seal does not fit".to_owned(),
            Ok(head) => {
                self.due.entry(head.seq).or_default().push((place, kind, head));
                return;
            }
            Err(SnapshotError::Missing | SnapshotError::Foreign(_)) => return,
            Err(error @ (SnapshotError::Io(_) | SnapshotError::Damaged { .. })) => error.to_string(),
        };
        self.faults.push(Fault { place, why });
    }

    /// What is wrong as far as it is known.
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// How many agreed with the state that the ledger gives.
    pub fn agreed(&self) -> usize {
        self.count
    }

    /// The state after a deed, by which those are held that were taken there.
    pub fn reached(&mut self, identity: &Identity, head: Head, state: &State) {
        for (place, kind, taken) in self.due.remove(&head.seq).unwrap_or_default() {
            let due = match kind {
                Kind::Whole => snapshot::write(io::sink(), identity, head, state),
                Kind::Board => snapshot::write_board(io::sink(), identity, head, &state.board),
            };
            let why = match due {
                Ok(_) if taken != head => "it is of another deed than the ledger has there".to_owned(),
                Ok(due) if snapshot::seal_of(&place).is_some_and(|seal| seal == due) => {
                    self.count += 1;
                    continue;
                }
                Ok(_) => "it is not what the ledger gives: it was changed and sealed again".to_owned(),
                Err(error) => error.to_string(),
            };
            self.faults.push(Fault { place, why });
        }
    }
}

/// What some deeds say of values and tokens.
fn said(workspace: WorkspaceId, last: &[Record]) -> State {
    let mut said = State::new(workspace);
    for record in last {
        // What this version can't read stops a replay, not a snapshot.
        if let Ok(deed) = Deed::decode(&record.bytes) {
            said.fold_values(&deed);
        }
    }
    said
}

/// Where the values of an image have something else than the last deeds before it say. They follow each other up to it.
pub(super) fn values_differ(state: &State, workspace: WorkspaceId, last: &[Record]) -> Option<String> {
    let said = said(workspace, last);
    for (path, entity) in said.entities.iter() {
        let Some(known) = state.entities.get(&path) else { return Some(format!("it has no {path}")) };
        for (name, field) in &entity.fields {
            let same = known.field(name).is_some_and(|known| {
                (known.version, &known.value, &known.by, known.deed)
                    == (field.version, &field.value, &field.by, field.deed)
            });
            if !same {
                return Some(format!("it has another {path}#{name}"));
            }
        }
        let gone = |gone: &Option<crate::domain::things::Tombstone>| {
            gone.as_ref().map(|gone| (gone.deed, gone.deleted))
        };
        if gone(&known.gone) != gone(&entity.gone) {
            return Some(format!("{path} is gone in one of them alone"));
        }
    }
    state.failed().map(ToString::to_string)
}

/// The same of the tokens of a snapshot.
pub(super) fn tokens_differ(state: &State, workspace: WorkspaceId, last: &[Record]) -> Option<String> {
    let said = said(workspace, last);
    let tokens = &state.access.tokens;
    let other = said.access.tokens.iter().find(|(id, said)| {
        // Times may have been moved since.
        let what =
            |record: &TokenRecord| (record.token.class, record.token.hash.clone(), record.revoked.is_some());
        tokens.get(*id).is_none_or(|known| what(known) != what(said))
    });
    other.map(|(id, _)| format!("it has another token {id}"))
}
