//! Checkpoints: boards of the past in files, so that the first look into a long history does not fold all of it. They
//! are made where snapshots are made and on the way through long replays, thinned to a bounded number spread over the
//! whole history, and sealed like a snapshot. A file that is missing, damaged, of another version or of another ledger
//! is passed over, and nothing is lost.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::coordinator::snapshot::{self, SnapshotError};
use crate::domain::state::Board;
use crate::ledger::{Head, Identity};

/// How many are kept.
const KEPT: u64 = 96;
/// The least deeds between two of them: folding so many takes a moment only.
const GAP: u64 = 5_000;
/// Behind the sequence in a checkpoint's name.
const SUFFIX: &str = ".board";

/// The checkpoints of one workspace.
#[derive(Debug, Clone)]
pub(in crate::coordinator) struct Checkpoints {
    directory: PathBuf,
    kept: u64,
    gap: u64,
}

impl Checkpoints {
    /// Those in that directory, which is made when the first one is.
    pub(in crate::coordinator) fn new(directory: PathBuf) -> Self {
        Self { directory, kept: KEPT, gap: GAP }
    }

    #[cfg(test)]
    pub(super) fn with_bounds(directory: PathBuf, kept: u64, gap: u64) -> Self {
        Self { directory, kept, gap }
    }

    /// The directory of the checkpoints that go with a snapshot.
    pub(in crate::coordinator) fn beside(snapshot: &Path) -> PathBuf {
        let mut name = OsString::from(snapshot);
        name.push(".past");
        PathBuf::from(name)
    }

    /// The sequences that have one, in order.
    pub(super) fn all(&self) -> Vec<u64> {
        let Ok(entries) = fs::read_dir(&self.directory) else { return Vec::new() };
        let seq = |entry: fs::DirEntry| entry.file_name().to_str()?.strip_suffix(SUFFIX)?.parse().ok();
        let mut all: Vec<u64> = entries.flatten().filter_map(seq).collect();
        all.sort_unstable();
        all
    }

    /// Their files.
    pub(in crate::coordinator) fn all_files(&self) -> Vec<PathBuf> {
        self.all().into_iter().map(|seq| self.file(seq)).collect()
    }

    /// Those above `floor` up to `seq`, the nearest first.
    pub(super) fn between(&self, floor: u64, seq: u64) -> impl Iterator<Item = u64> + use<> {
        self.all().into_iter().rev().filter(move |at| *at > floor && *at <= seq)
    }

    fn file(&self, seq: u64) -> PathBuf {
        self.directory.join(format!("{seq:020}{SUFFIX}"))
    }

    /// The board of one; none where it can't be used. One that never will be is removed. Blocks.
    pub(super) fn load(&self, seq: u64, identity: &Identity) -> Option<(Board, Head)> {
        let path = self.file(seq);
        match snapshot::load_board(&path, identity) {
            Ok((board, head)) if head.seq == seq => return Some((board, head)),
            Ok(_) => {
                tracing::warn!(place = %path.display(), "a checkpoint bears another name than its sequence");
            }
            Err(SnapshotError::Missing) => return None,
            Err(error @ SnapshotError::Io(_)) => {
                tracing::warn!(place = %path.display(), %error, "a checkpoint can't be read");
                return None;
            }
            Err(error @ (SnapshotError::Damaged { .. } | SnapshotError::Foreign(_))) => {
                tracing::info!(place = %path.display(), %error, "a checkpoint is not used");
            }
        }
        self.remove(seq);
        None
    }

    /// Removes one. Where that fails it is looked at again the next time.
    pub(super) fn remove(&self, seq: u64) {
        fs::remove_file(self.file(seq)).unwrap_or_default();
    }

    /// Removes all; how many bytes they had.
    pub(in crate::coordinator) fn remove_all(&self) -> u64 {
        let bytes = |seq: &u64| fs::metadata(self.file(*seq)).map_or(0, |about| about.len());
        let all = self.all();
        let freed = all.iter().map(bytes).sum();
        for seq in all {
            self.remove(seq);
        }
        freed
    }

    /// Makes one, unless there is one near: in a ledger that ends at `end`, so many fit that none is nearer to the next
    /// than that. Blocks.
    pub(in crate::coordinator) fn consider(&self, identity: &Identity, head: Head, board: &Board, end: u64) {
        if !self.wants(head.seq, end) {
            return;
        }
        if let Err(error) = self.make(identity, head, board) {
            let place = self.directory.display();
            tracing::warn!(%place, %error, "no checkpoint was written; looking back takes longer");
        }
    }

    fn wants(&self, seq: u64, end: u64) -> bool {
        let gap = self.gap.max(end / self.kept);
        seq >= gap && self.all().iter().all(|other| other.abs_diff(seq) >= gap)
    }

    fn make(&self, identity: &Identity, head: Head, board: &Board) -> io::Result<()> {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&self.directory)?;
        snapshot::save_board(&self.file(head.seq), identity, head, board)?;
        self.thin();
        Ok(())
    }

    /// While there are too many, the one goes whose neighbours are nearest to each other: what stays is spread over the
    /// whole history. The newest stays.
    fn thin(&self) {
        let mut all = self.all();
        while all.len() as u64 > self.kept {
            let before = std::iter::once(0).chain(all.iter().copied());
            let spans = before.zip(all.iter().skip(1)).enumerate();
            let Some((at, _)) = spans.min_by_key(|(_, (before, after))| *after - before) else { return };
            self.remove(all.remove(at));
        }
    }
}
