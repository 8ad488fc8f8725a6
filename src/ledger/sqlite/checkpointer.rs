//! Brings the write-ahead log into the file on a thread beside the writer. Left to the writer, a commit in so many would wait for all
//! of it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle};

use super::file;

/// How many pages of write-ahead log are gathered before. Few, so that what is synced at once keeps no commit.
const PAGES: usize = 256;
/// What a page of SQLite's holds.
const PAGE_BYTES: usize = 4_096;

/// The writer's, who alone begins checkpoints: one at a time, because a second one would be refused.
pub(super) struct Checkpointer {
    path: PathBuf,
    running: Option<JoinHandle<()>>,
    pages: usize,
    /// How often in a row one failed.
    failed: Arc<AtomicU64>,
}

impl Checkpointer {
    pub(super) fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), running: None, pages: 0, failed: Arc::default() }
    }

    /// How often in a row one failed, for others to look at.
    pub(super) fn failed(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.failed)
    }

    /// A batch of so many bytes was committed.
    pub(super) fn committed(&mut self, bytes: usize) {
        self.pages += 1 + bytes / PAGE_BYTES;
        if self.pages < PAGES || self.running.as_ref().is_some_and(|running| !running.is_finished()) {
            return;
        }
        self.pages = 0;
        let (path, failed) = (self.path.clone(), Arc::clone(&self.failed));
        let work = move || match file::checkpoint_beside(&path) {
            Ok(()) => failed.store(0, Ordering::Relaxed),
            Err(error) => {
                let times = failed.fetch_add(1, Ordering::Relaxed) + 1;
                tracing::error!(%error, times, "the write-ahead log can't be brought into the ledger's file, and grows");
            }
        };
        // Without a thread the writer does it, somewhat later.
        self.running = thread::Builder::new().name("ledger-checkpoint".to_owned()).spawn(work).ok();
    }

    /// Waits until none runs.
    pub(super) fn finish(&mut self) {
        if let Some(running) = self.running.take() {
            // If it panicked, its connection was closed on the way.
            running.join().unwrap_or_default();
        }
    }
}
