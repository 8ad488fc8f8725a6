//! Brings the write-ahead log into the file on a thread beside the writer. Left to the writer, a commit in so many would wait for all
//! of it.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, TryRecvError};
use std::sync::{Arc, Mutex, PoisonError};

use super::file;
use super::held::{self, Stamp};
use super::threads;

/// How many pages of write-ahead log are gathered before. Few, so that what is synced at once keeps no commit.
const PAGES: usize = 256;
/// What a page of SQLite's holds.
const PAGE_BYTES: usize = 4_096;

/// The writer's, who alone begins checkpoints: one at a time, because a second one would be refused.
#[derive(Debug)]
pub(super) struct Checkpointer {
    path: PathBuf,
    /// The end of the one that runs: what is said there is that it has ended.
    running: Option<Receiver<()>>,
    pages: usize,
    /// How often in a row one failed.
    failed: Arc<AtomicU64>,
    /// The times of the ledger as the last one left them.
    left: Arc<Mutex<Option<Stamp>>>,
}

impl Checkpointer {
    pub(super) fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), running: None, pages: 0, failed: Arc::default(), left: Arc::default() }
    }

    /// How often in a row one failed, for others to look at.
    pub(super) fn failed(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.failed)
    }

    /// A batch of so many bytes was committed.
    pub(super) fn committed(&mut self, bytes: usize) {
        self.pages += 1 + bytes / PAGE_BYTES;
        if self.pages < PAGES || self.is_running() {
            return;
        }
        self.pages = 0;
        let (path, failed) = (self.path.clone(), Arc::clone(&self.failed));
        let left = Arc::clone(&self.left);
        let (ended, running) = mpsc::channel();
        let checkpoint = move || match file::checkpoint_beside(&path) {
            Ok(()) => {
                *left.lock().unwrap_or_else(PoisonError::into_inner) = held::stamp_of(&path);
                failed.store(0, Ordering::Relaxed);
            }
            Err(error) => {
                let times = failed.fetch_add(1, Ordering::Relaxed) + 1;
                tracing::error!(%error, times, "the write-ahead log can't be brought into the ledger's file, and grows");
            }
        };
        // Without a thread the writer does it, somewhat later.
        let work = move || {
            checkpoint();
            // Nobody may wait for it.
            ended.send(()).unwrap_or_default();
        };
        self.running = threads::TIDYING.run(work).ok().map(|()| running);
    }

    /// Whether one runs.
    pub(super) fn is_running(&self) -> bool {
        self.running.as_ref().is_some_and(|running| running.try_recv() == Err(TryRecvError::Empty))
    }

    /// The times of the ledger as the last one left them.
    pub(super) fn left(&self) -> Option<Stamp> {
        *self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until none runs.
    pub(super) fn finish(&mut self) {
        if let Some(running) = self.running.take() {
            // If it panicked, its connection was closed on the way.
            running.recv().unwrap_or_default();
        }
    }
}
