//! What can go wrong with a ledger. Every message names the place, the reason and the mend.

use std::io::ErrorKind;
use std::path::Path;

use thiserror::Error;

/// Why the ledger could not do what it was asked. Cheap to clone, so that everyone who waited on one append can be
/// told. `place` is the file, or the engine's name where there is none.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LedgerError {
    /// There is no ledger at this place.
    #[error(
        "{place}: there is no ledger here; put the file back, restore a backup, or name another data directory"
    )]
    Missing {
        /// The file.
        place: String,
    },
    /// The file is something else.
    #[error(
        "{place}: this is not a ledger of Deeds ({reason}); name another data directory, or move the file away"
    )]
    NotALedger {
        /// The file.
        place: String,
        /// How that shows.
        reason: String,
    },
    /// The file was written by a later version of the program.
    #[error(
        "{place}: written in format {found} by a newer Deeds, this one reads up to {known}; install the newer version"
    )]
    Newer {
        /// The file.
        place: String,
        /// The format on disk.
        found: i64,
        /// The newest format that this program reads.
        known: i64,
    },
    /// The ledger belongs to another workspace.
    #[error(
        "{place}: this ledger is of workspace `{found}`, not of `{wanted}`; put its folder back under its own name, or name another data directory"
    )]
    WrongWorkspace {
        /// The file.
        place: String,
        /// The workspace that it is of.
        found: String,
        /// The workspace that was asked for.
        wanted: String,
    },
    /// The ledger is in the directory twice.
    #[error(
        "{place}: a second copy of the ledger in {other}; two can't go on from one history: move the folder of one of them out of the data directory"
    )]
    SecondCopy {
        /// The file under another name than its own.
        place: String,
        /// The file under its own name.
        other: String,
    },
    /// A workspace is in two databases.
    #[error(
        "{place}: the workspace is in {other}, too; two can't go on from one history: take it out of one of them"
    )]
    Twice {
        /// One of them.
        place: String,
        /// The other.
        other: String,
    },
    /// The file ends too early.
    #[error("{place}: the ledger is cut short ({reason}); restore the file from a backup")]
    Truncated {
        /// The file.
        place: String,
        /// How that shows.
        reason: String,
    },
    /// What is stored is not what was written.
    #[error(
        "{place}: the ledger is damaged{} ({reason}); restore the file from a backup, `deeds verify` shows how far it is sound",
        at(*seq)
    )]
    Corrupt {
        /// The file.
        place: String,
        /// The first record that does not hold, where known.
        seq: Option<u64>,
        /// How that shows.
        reason: String,
    },
    /// It is another ledger than the one that was written here.
    #[error(
        "{place}: this is the ledger {found}, and {whose} was written here; put that one back, or delete {note} to go on with this one"
    )]
    Exchanged {
        /// The file.
        place: String,
        /// Which ledger it is.
        found: String,
        /// Which one was here.
        whose: String,
        /// What says so.
        note: String,
    },
    /// The file or its directory refuses to be written.
    #[error(
        "{place}: can't be written ({reason}); check owner and permissions of the file and its directory, or name another data directory"
    )]
    Unwritable {
        /// The file.
        place: String,
        /// What the system said.
        reason: String,
    },
    /// The database can't be reached, or ended the connection.
    #[error(
        "{place}: the database can't be reached ({reason}); nothing is recorded meanwhile: start it, or correct `ledger.postgres`"
    )]
    Unreachable {
        /// The database, and the workspace.
        place: String,
        /// What it said.
        reason: String,
    },
    /// The database is not one in which ledgers are kept.
    #[error("{place}: the database can't keep ledgers ({reason})")]
    Unfit {
        /// The database.
        place: String,
        /// Why not, with the mend.
        reason: String,
    },
    /// The database keeps less than is promised of it. What is recorded there is recorded all the same.
    #[error("{place}: the database keeps less than `ledger.postgres_standbys` promises ({reason})")]
    Unreplicated {
        /// The database.
        place: String,
        /// What is missing, with the mend.
        reason: String,
    },
    /// A node that was silent for too long takes nothing.
    #[error(
        "{place}: this node was silent for so long that the others take it for gone; it takes up work again once it has said that it is there"
    )]
    NotThere {
        /// The database, and the workspace.
        place: String,
    },
    /// No room is left.
    #[error("{place}: the disk is full ({reason}); make room, nothing was recorded meanwhile")]
    Full {
        /// The file.
        place: String,
        /// What the system said.
        reason: String,
    },
    /// Another process holds the file for too long.
    #[error("{place}: locked by another process ({reason}); end the other process, or try again")]
    Locked {
        /// The file.
        place: String,
        /// What the system said.
        reason: String,
    },
    /// The disk failed while reading or writing.
    #[error(
        "{place}: reading or writing failed ({reason}); look at the system's log and the disk's health, then try again"
    )]
    Io {
        /// The file.
        place: String,
        /// What the system said.
        reason: String,
    },
    /// A file that is written was removed, renamed, cut off or replaced meanwhile.
    #[error(
        "{place}: the file of the ledger is gone ({reason}), and nothing is recorded any more; what was recorded is kept as an export, `ledger.rescued-….jsonl` in the workspace's folder or `….rescued-….jsonl` in the data directory, as the log says: copy that, then stop the server and put the file back, or `deeds restore` a backup into another directory"
    )]
    Gone {
        /// The file.
        place: String,
        /// What happened to it.
        reason: String,
    },
    /// The write-ahead log is not as it was written, while a server has it open.
    #[error(
        "{place}: the write-ahead log is damaged ({reason}): what is behind that in it is lost once the server ends, so nothing more is recorded; what can still be read is kept as an export, `ledger.rescued-….jsonl` in the workspace's folder (`….part` where it breaks off), as the log says: copy that and the folder, then stop the server and `deeds restore` the export or a backup into another directory"
    )]
    LogDamaged {
        /// The log.
        place: String,
        /// Where it shows.
        reason: String,
    },
    /// An append failed, and so did looking whether it was recorded.
    #[error(
        "{place}: it is not known whether the last batch was recorded (first: {first}; then, on looking: {then}); mend the cause, then repeat the request with its idempotency key"
    )]
    OutcomeUnknown {
        /// The file.
        place: String,
        /// Why the append failed.
        first: Box<LedgerError>,
        /// Why the ledger could not be opened and verified again.
        then: Box<LedgerError>,
    },
    /// A batch that is never taken.
    #[error("{place}: the batch was refused: {reason}; send less at once")]
    BadBatch {
        /// The file.
        place: String,
        /// Which bound it breaks.
        reason: String,
    },
    /// The engine was closed.
    #[error("{place}: the ledger is closed; open it again")]
    Closed {
        /// The file.
        place: String,
    },
}

impl LedgerError {
    /// An error of the file system in our words.
    pub(super) fn of_system(path: &Path, error: &std::io::Error) -> Self {
        let (place, reason) = (path.display().to_string(), error.to_string());
        let no_room = [ErrorKind::StorageFull, ErrorKind::QuotaExceeded];
        let no_right = [
            ErrorKind::PermissionDenied,
            ErrorKind::ReadOnlyFilesystem,
            ErrorKind::NotADirectory,
            ErrorKind::NotFound,
        ];
        if no_room.contains(&error.kind()) {
            Self::Full { place, reason }
        } else if no_right.contains(&error.kind()) {
            Self::Unwritable { place, reason }
        } else {
            Self::Io { place, reason }
        }
    }

    /// True if what keeps the ledger can't be asked: nothing is said about the ledger itself.
    pub fn is_away(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Unfit { .. })
    }

    /// True if what was written is not there any more, or will not be.
    pub fn is_gone(&self) -> bool {
        matches!(self, Self::Gone { .. } | Self::LogDamaged { .. })
    }

    /// True if what is recorded stays, but on fewer machines than is promised.
    pub fn is_unreplicated(&self) -> bool {
        matches!(self, Self::Unreplicated { .. })
    }

    /// True if there was no room, or the first thing that failed was that.
    pub fn is_full(&self) -> bool {
        let first = if let Self::OutcomeUnknown { first, .. } = self { first } else { self };
        matches!(first, Self::Full { .. })
    }

    /// True if the batch may or may not have been recorded. After any other error of an append it was not.
    pub fn outcome_unknown(&self) -> bool {
        matches!(self, Self::OutcomeUnknown { .. })
    }
}

fn at(seq: Option<u64>) -> String {
    seq.map_or_else(String::new, |seq| format!(" at sequence {seq}"))
}
