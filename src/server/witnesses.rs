//! Who beside a ledger has seen where it ended: the index and the snapshot. The ledger's own notes the [store](Store) asks
//! itself.

use std::fs;
use std::io::ErrorKind;

use super::workspace::SpaceError;
use crate::coordinator;
use crate::domain::deed::{Body, Deed};
use crate::domain::ids::WorkspaceId;
use crate::index;
use crate::ledger::{Hash, Head, LedgerError, Lost, Store, Verified, Witness};

/// How a ledger was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// It has what everybody has seen in it.
    Whole,
    /// It has not, and a deed in it accepts that; those who have seen more are still there.
    Accepted,
    /// It lacks something.
    Lost(Lost),
}

/// What the ledger of a workspace lacks that a witness has seen in it. Nothing is changed. Blocks.
///
/// # Errors
/// When the ledger can't be read.
pub fn look(store: &Store, workspace: &WorkspaceId) -> Result<Found, LedgerError> {
    let lost = store.lost(workspace, |verified| others(store, workspace, verified))?;
    Ok(match lost {
        None => Found::Whole,
        Some(lost) if is_accepted(store, workspace, &lost)? => Found::Accepted,
        Some(lost) => Found::Lost(lost),
    })
}

/// Takes away, or sets aside, what has seen deeds whose loss is accepted. Blocks.
///
/// # Errors
/// When one of the files can't be changed.
pub(super) fn forget(store: &Store, workspace: &WorkspaceId) -> Result<(), SpaceError> {
    let folder = store.folder(workspace);
    index::remove(&folder.join(index::FILE))?;
    let snapshot = folder.join(coordinator::SNAPSHOT_FILE);
    match fs::remove_file(&snapshot) {
        Err(source) if source.kind() != ErrorKind::NotFound => {
            return Err(SpaceError::Io { place: snapshot.display().to_string(), source });
        }
        Ok(()) | Err(_) => {}
    }
    Ok(store.forget_witnesses(workspace)?)
}

/// Whether a deed of the ledger goes on without what the witness has seen. Seldom asked: the whole ledger is read.
fn is_accepted(store: &Store, workspace: &WorkspaceId, lost: &Lost) -> Result<bool, LedgerError> {
    let mut accepted = false;
    store.read_all(workspace, |record| {
        if let Ok(Body::LossAccepted(loss)) = Deed::decode(&record.bytes).map(|deed| deed.body) {
            let (first, last) = (loss.first.0, loss.last.0);
            accepted |= (first..=last).contains(&lost.witness.head.seq);
        }
    })?;
    Ok(accepted)
}

fn others(store: &Store, workspace: &WorkspaceId, verified: &Verified) -> Vec<Witness> {
    let (folder, source) = (store.folder(workspace), verified.identity.source());
    let (index, snapshot) = (folder.join(index::FILE), folder.join(coordinator::SNAPSHOT_FILE));
    let holds = |head: Head| {
        head == verified.head || store.heads(workspace, &[head.seq]).is_ok_and(|heads| heads.contains(&head))
    };
    let seen = index::witness(&index, &source).and_then(|seen| {
        let head = Head { seq: seen.seq.0, hash: Hash(seen.hash.try_into().ok()?) };
        Some(Witness { what: format!("the index ({})", index.display()), head })
    });
    let taken = coordinator::snapshot_witness(&snapshot, &source, holds);
    let taken = taken.map(|head| Witness { what: format!("the snapshot ({})", snapshot.display()), head });
    seen.into_iter().chain(taken).collect()
}
