//! One tree of rows on disk: `lsm-tree`, the engine of `fjall`, without a log of its own. What was written lies in memory until a
//! part of it is full and goes to the disk as a whole; after a kill the tree is as it was then, with the heads that it had.

use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::io::{self, Write as _};
use std::ops::Bound;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, RwLock};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use lsm_tree::checksum::ChecksummedWriter;
use lsm_tree::compaction::Leveled;
use lsm_tree::compaction::filter::{CompactionFilter, Context, Factory, ItemAccessor, Verdict};
use lsm_tree::config::{BlockSizePolicy, BloomConstructionPolicy, FilterPolicy, FilterPolicyEntry};
use lsm_tree::{
    AbstractTree, AnyTree, Cache, Config, DescriptorTable, Guard, SequenceNumberCounter, UserKey, UserValue,
};

use super::error::ImageError;

/// How many full parts wait for the disk at most; whoever writes more waits too.
pub(super) const WAITING: usize = 2;
/// How many parts may lie above each other on disk before who writes waits for them to be merged.
const STACKED: usize = 24;
/// For how many parts back something that was replaced is kept for who looks at the moment before.
pub(super) const KEPT: u64 = 4;
/// How often who waits looks again.
const LOOK: Duration = Duration::from_millis(20);
/// The file that names the manifest in force: its number, its checksum and the kind of that.
pub(super) const CURRENT: &str = "current";
/// The folder of the tables, each a file by its number.
pub(super) const TABLES: &str = "tables";
/// Bytes of a table that a merge writes, about: it is synced as a whole, and meanwhile the ledger's next commit waits for the disk.
const TABLE: u64 = 16 * 1_024 * 1_024;
/// Bytes of a data block: a point read brings one in.
const BLOCK: u32 = 4 * 1_024;
/// Bits of the filters for each row, by which most rows that are not there are known without a read.
const BITS: f32 = 10.0;

/// What trees of a node share: blocks in memory, open files, and how large a part in memory may be.
#[derive(Clone)]
pub(super) struct Room {
    pub(super) cache: Arc<Cache>,
    pub(super) files: Option<Arc<DescriptorTable>>,
    /// In bytes.
    pub(super) part: u64,
}

/// The tree. When the last that has it lets go of it, what was written goes to the disk.
pub(super) struct Tree {
    core: Arc<Core>,
    hands: Vec<JoinHandle<()>>,
}

struct Core {
    folder: PathBuf,
    tree: AnyTree,
    counter: SequenceNumberCounter,
    part: u64,
    /// Held by whoever writes: one at a time, and parts change only in between.
    writing: Mutex<()>,
    seen: Mutex<Seen>,
    /// Shared by whoever writes tables.
    tables: RwLock<()>,
    work: Mutex<Work>,
    turn: Condvar,
    stop: Arc<AtomicBool>,
    /// Why nothing here is believed any more.
    doubt: OnceLock<Arc<str>>,
}

/// What readers see.
#[derive(Default)]
struct Seen {
    /// Rows with smaller numbers are seen.
    upto: u64,
    /// Who looks at the tree as of each number.
    pins: BTreeMap<u64, Pins>,
    /// The parts of late: where each ended, and its bytes.
    parts: VecDeque<(u64, u64)>,
    /// Pins below this number are too old to be kept for.
    floor: u64,
}

/// Who looks at the tree as of one number.
#[derive(Default)]
struct Pins {
    /// Who may read there.
    held: usize,
    /// Who is reading there.
    busy: usize,
}

/// A moment of the tree that may be read. It is held for as long as it is not too old: then it can be read no more, unless nothing
/// of what it shows has changed.
pub(super) struct Pin {
    /// The number; behind the lock of [`Seen`], in which it changes.
    at: AtomicU64,
}

#[derive(Default)]
struct Work {
    flush: bool,
    merge: bool,
    /// Why the last part that should have gone to the disk did not.
    failed: Option<Arc<str>>,
    /// Numbers among which are those of tables that were begun and never finished.
    left: Vec<Range<u64>>,
}

/// A row: its key, and its value or that it goes.
pub(super) type Rows = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

impl Tree {
    /// Opens the tree of a folder, or makes it where there is none.
    ///
    /// # Errors
    /// In words, where what is there can't be believed or the folder can't be used.
    pub(super) fn open(folder: &Path, room: &Room) -> Result<Self, String> {
        if folder.exists() {
            is_whole(folder)?;
        }
        let stop = Arc::new(AtomicBool::new(false));
        let counter = SequenceNumberCounter::new(1);
        let filter = FilterPolicy::all(FilterPolicyEntry::Bloom(BloomConstructionPolicy::BitsPerKey(BITS)));
        let config = Config::new(folder, counter.clone(), SequenceNumberCounter::default())
            .use_cache(Arc::clone(&room.cache))
            .use_descriptor_table(room.files.clone())
            .data_block_size_policy(BlockSizePolicy::all(BLOCK))
            .filter_policy(filter)
            .with_compaction_filter_factory(Some(Arc::new(Stop(Arc::clone(&stop)))));
        let tree = catch_unwind(AssertUnwindSafe(|| config.open()))
            .map_err(|_| "it can't be read".to_owned())?
            .map_err(|error| error.to_string())?;
        counter.fetch_max(tree.get_highest_seqno().map_or(1, |highest| highest + 1));
        let core = Arc::new(Core {
            folder: folder.to_owned(),
            tree,
            part: room.part,
            writing: Mutex::default(),
            seen: Mutex::new(Seen { upto: counter.get(), ..Seen::default() }),
            counter,
            tables: RwLock::default(),
            work: Mutex::default(),
            turn: Condvar::new(),
            stop,
            doubt: OnceLock::new(),
        });
        let mut whole = Self { core, hands: Vec::new() };
        whole.hire("image-flush", Core::flushing)?;
        whole.hire("image-merge", Core::merging)?;
        Ok(whole)
    }

    fn hire(&mut self, name: &str, work: impl FnOnce(&Core) + Send + 'static) -> Result<(), String> {
        let core = Arc::clone(&self.core);
        let hand = thread::Builder::new().name(name.to_owned()).spawn(move || work(&core));
        self.hands.push(hand.map_err(|error| error.to_string())?);
        Ok(())
    }

    /// Why nothing of it is believed any more, where that is so.
    pub(super) fn doubt(&self) -> Option<&Arc<str>> {
        self.core.doubt.get()
    }

    /// That what was read makes no sense: nothing of the tree is believed from now on.
    #[cfg(test)]
    pub(super) fn doubts(&self, why: &str) -> ImageError {
        self.core.doubts(why)
    }

    /// Writes rows, all or none of them. `done` is called before a reader sees any; nobody pins meanwhile.
    pub(super) fn write(&self, rows: Rows, done: impl FnOnce()) -> Result<(), ImageError> {
        let core = &*self.core;
        let writing = lock(&core.writing);
        core.room()?;
        core.ask(|| {
            let number = core.counter.next();
            for (key, value) in rows {
                match value {
                    Some(value) => core.tree.insert(key, value, number),
                    None => core.tree.remove(key, number),
                };
            }
            Ok(())
        })?;
        let mut seen = lock(&core.seen);
        seen.upto = core.counter.get();
        done();
        drop(seen);
        if core.tree.active_memtable().size() >= core.part {
            core.turn_over()?;
        }
        drop(writing);
        Ok(())
    }

    /// What was written goes to the disk before the next write, but nobody waits for it.
    pub(super) fn turn_over(&self) -> Result<(), ImageError> {
        let _writing = lock(&self.core.writing);
        self.core.turn_over()
    }

    /// Brings what was written to the disk; it is there when this comes back.
    pub(super) fn flush(&self) -> Result<(), ImageError> {
        self.turn_over()?;
        self.core.flush()
    }

    /// From now on the tree can be read as it is, until [`Self::unpin`]; `look` sees the same moment.
    pub(super) fn pin<T>(&self, look: impl FnOnce() -> T) -> (Pin, T) {
        let mut seen = lock(&self.core.seen);
        let at = seen.upto;
        seen.pins.entry(at).or_default().held += 1;
        (Pin { at: AtomicU64::new(at) }, look())
    }

    /// One more that looks at the same moment.
    pub(super) fn pin_again(&self, pin: &Pin) -> Pin {
        let mut seen = lock(&self.core.seen);
        let at = pin.at.load(Ordering::Relaxed);
        seen.pins.entry(at).or_default().held += 1;
        Pin { at: AtomicU64::new(at) }
    }

    /// One that looked there looks no more.
    pub(super) fn unpin(&self, pin: &Pin) {
        lock(&self.core.seen).changes(pin.at.load(Ordering::Relaxed), |pins| pins.held -= 1);
    }

    /// Reads as of a pin. One that is too old moves on to the present where `same` says that this shows the same.
    fn as_of<T>(
        &self,
        pin: &Pin,
        same: impl FnOnce() -> bool,
        read: impl FnOnce(u64) -> lsm_tree::Result<T>,
    ) -> Result<T, ImageError> {
        let at = {
            let mut seen = lock(&self.core.seen);
            let mut at = pin.at.load(Ordering::Relaxed);
            if at < seen.floor {
                if !same() {
                    return Err(ImageError::Later("the view is too old".into()));
                }
                seen.changes(at, |pins| pins.held -= 1);
                at = seen.upto;
                seen.pins.entry(at).or_default().held += 1;
                pin.at.store(at, Ordering::Relaxed);
            }
            seen.pins.entry(at).or_default().busy += 1;
            at
        };
        let answer = self.core.ask(|| read(at));
        lock(&self.core.seen).changes(at, |pins| pins.busy -= 1);
        answer
    }

    /// The value of a row as of a pin.
    pub(super) fn get(
        &self,
        key: &[u8],
        pin: &Pin,
        same: impl FnOnce() -> bool,
    ) -> Result<Option<UserValue>, ImageError> {
        self.as_of(pin, same, |at| self.core.tree.get(key, at))
    }

    /// Rows by key as of a pin: from `from` on, below `to`, `most` at most.
    pub(super) fn scan(
        &self,
        (from, to): (Bound<&[u8]>, &[u8]),
        pin: &Pin,
        same: impl FnOnce() -> bool,
        most: usize,
    ) -> Result<Vec<(UserKey, UserValue)>, ImageError> {
        self.as_of(pin, same, |at| {
            let range = self.core.tree.range::<&[u8], _>((from, Bound::Excluded(to)), at, None);
            range.take(most).map(Guard::into_inner).collect()
        })
    }

    /// Bytes that lie in memory until they go to the disk.
    #[cfg(test)]
    pub(super) fn unwritten(&self) -> u64 {
        self.core.tree.version_memtable_size_sum()
    }
}

impl Seen {
    fn changes(&mut self, at: u64, change: impl FnOnce(&mut Pins)) {
        if let Some(pins) = self.pins.get_mut(&at) {
            change(pins);
            if (pins.held, pins.busy) == (0, 0) {
                self.pins.remove(&at);
            }
        }
    }

    /// A part is full: what was pinned before the last few is too old.
    fn turned_over(&mut self, bytes: u64, most: u64) {
        self.parts.push_back((self.upto, bytes));
        let mut all: u64 = self.parts.iter().map(|(_, bytes)| bytes).sum();
        while all > most
            && let Some((end, bytes)) = self.parts.pop_front()
        {
            all -= bytes;
            self.floor = end;
        }
    }

    /// What was replaced before this number is seen by nobody.
    fn needed(&self) -> u64 {
        let needs = |(at, pins): &(&u64, &Pins)| **at >= self.floor || pins.busy > 0;
        self.pins.iter().find(needs).map_or(self.upto, |(at, _)| self.upto.min(*at))
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        if self.core.doubt.get().is_none()
            && let Err(error) = self.flush()
        {
            tracing::warn!("the image of values is behind at its end: {error}");
        }
        self.core.stop.store(true, Ordering::Release);
        drop(lock(&self.core.work));
        self.core.turn.notify_all();
        for hand in self.hands.drain(..) {
            // It has said by `doubt` why it ended, if it did.
            let _ = hand.join();
        }
    }
}

impl Core {
    /// Asks the engine. It panics on some of what it can't read: that is an answer too.
    fn ask<T>(&self, work: impl FnOnce() -> lsm_tree::Result<T>) -> Result<T, ImageError> {
        if let Some(why) = self.doubt.get() {
            return Err(ImageError::Doubt(Arc::clone(why)));
        }
        match catch_unwind(AssertUnwindSafe(work)) {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(lsm_tree::Error::Io(error))) if passes(&error) => {
                Err(ImageError::Later(error.to_string().into()))
            }
            Ok(Err(error)) => Err(self.doubts(&error.to_string())),
            Err(_) => Err(self.doubts("the engine gave up")),
        }
    }

    fn doubts(&self, why: &str) -> ImageError {
        let first = self.doubt.get_or_init(|| {
            tracing::error!("the image of values is in doubt: {why}");
            Arc::from(why)
        });
        drop(lock(&self.work));
        self.turn.notify_all();
        ImageError::Doubt(Arc::clone(first))
    }

    /// Waits until one more part may come into being. With `writing` held.
    fn room(&self) -> Result<(), ImageError> {
        let is_full = || self.tree.sealed_memtable_count() >= WAITING || self.tree.l0_run_count() >= STACKED;
        while self.ask(|| Ok(is_full()))? {
            let mut work = lock(&self.work);
            if let Some(why) = work.failed.clone() {
                work.flush = true;
                self.turn.notify_all();
                return Err(ImageError::Later(why));
            }
            drop(self.turn.wait_timeout(work, LOOK).unwrap_or_else(PoisonError::into_inner));
        }
        Ok(())
    }

    /// Begins a new part in memory; the one of before goes to the disk. With `writing` held, so that no write is in two parts.
    fn turn_over(&self) -> Result<(), ImageError> {
        let bytes = self.tree.active_memtable().size();
        self.ask(|| Ok(self.tree.rotate_memtable()))?;
        lock(&self.seen).turned_over(bytes, KEPT * self.part);
        lock(&self.work).flush = true;
        self.turn.notify_all();
        Ok(())
    }

    fn flush(&self) -> Result<(), ImageError> {
        let done = self.making(|| {
            let alone = self.tree.get_flush_lock();
            self.tree.flush(&alone, self.needed())
        });
        let mut work = lock(&self.work);
        work.failed = done.as_ref().err().map(|error| error.to_string().into());
        work.merge = done.is_ok();
        drop(work);
        self.turn.notify_all();
        self.catch_up();
        done.map(drop)
    }

    /// Does what makes tables. Where it fails they are begun and not finished, and would stay until the next start; on a full disk,
    /// too, which would get fuller with every try.
    fn making<T>(&self, make: impl FnOnce() -> lsm_tree::Result<T>) -> Result<T, ImageError> {
        let shared = self.tables.read().unwrap_or_else(PoisonError::into_inner);
        let first = self.tree.next_table_id();
        let made = self.ask(make);
        let end = self.tree.next_table_id();
        drop(shared);
        if made.is_err() {
            lock(&self.work).left.push(first..end);
        }
        if let Ok(_alone) = self.tables.try_write() {
            let known = self.tree.current_version();
            for number in std::mem::take(&mut lock(&self.work).left).into_iter().flatten() {
                if known.iter_tables().all(|table| table.id() != number) {
                    // What isn't there need not go.
                    drop(fs::remove_file(self.folder.join(TABLES).join(number.to_string())));
                }
            }
        }
        made
    }

    /// The engine counts its own changes too. Where no write is under way readers go on to them, so that what only older ones
    /// need can go; a write takes them along, and may be waiting for who calls this.
    fn catch_up(&self) {
        if let Ok(_writing) = self.writing.try_lock() {
            lock(&self.seen).upto = self.counter.get();
        }
    }

    fn needed(&self) -> u64 {
        lock(&self.seen).needed()
    }

    fn stops(&self) -> bool {
        self.stop.load(Ordering::Acquire) || self.doubt.get().is_some()
    }

    /// Waits until `wanted`, and takes that; not when it ends.
    fn waits(&self, wanted: impl Fn(&mut Work) -> &mut bool) -> bool {
        let mut work = lock(&self.work);
        while !self.stops() {
            if std::mem::take(wanted(&mut work)) {
                return true;
            }
            work = self.turn.wait(work).unwrap_or_else(PoisonError::into_inner);
        }
        false
    }

    fn flushing(&self) {
        while self.waits(|work| &mut work.flush) {
            if let Err(error) = self.flush() {
                tracing::warn!("{error}");
            }
        }
    }

    fn merging(&self) {
        while self.waits(|work| &mut work.merge) {
            while !self.stops() && self.merge() {}
        }
    }

    /// Merges parts on disk once; whether there may be more to do.
    fn merge(&self) -> bool {
        let before = self.shape();
        let strategy = Arc::new(Leveled::default().with_table_target_size(TABLE));
        if let Err(error) = self.making(|| self.tree.compact(strategy, self.needed())) {
            if !self.stops() {
                tracing::warn!("{error}");
            }
            return false;
        }
        self.turn.notify_all();
        self.catch_up();
        before != self.shape()
    }

    /// Changes with every merge.
    fn shape(&self) -> Vec<u64> {
        let levels = (0..7).map(|level| self.tree.level_table_count(level).unwrap_or_default() as u64);
        levels.chain([self.tree.next_table_id()]).collect()
    }
}

/// Ends merges that are under way when the tree is closed.
struct Stop(Arc<AtomicBool>);

impl Factory for Stop {
    fn name(&self) -> &'static str {
        "stop"
    }

    fn make_filter(&self, _: &Context) -> Box<dyn CompactionFilter> {
        Box::new(Self(Arc::clone(&self.0)))
    }
}

impl CompactionFilter for Stop {
    fn filter_item(&mut self, _: ItemAccessor<'_>, _: &Context) -> lsm_tree::Result<Verdict> {
        if self.0.load(Ordering::Relaxed) {
            return Err(lsm_tree::Error::Io(io::ErrorKind::Interrupted.into()));
        }
        Ok(Verdict::Keep)
    }
}

/// Whether an error says nothing about what is in the files: no room, no files, no memory, no right to write.
fn passes(error: &io::Error) -> bool {
    use io::ErrorKind::{Interrupted, OutOfMemory, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
    let kinds = [Interrupted, OutOfMemory, QuotaExceeded, ReadOnlyFilesystem, StorageFull];
    // EMFILE and ENFILE have no kind.
    kinds.contains(&error.kind()) || matches!(error.raw_os_error(), Some(23 | 24))
}

/// Holds the manifest against its checksum. The engine writes that and does not read it; everything else that it reads, it checks.
fn is_whole(folder: &Path) -> Result<(), String> {
    let read = |name: &str| fs::read(folder.join(name)).map_err(|error| format!("{name}: {error}"));
    let current = read(CURRENT)?;
    let (number, rest) = current.split_first_chunk().ok_or("the name of its manifest is cut")?;
    let (checksum, kind) = rest.split_first_chunk().ok_or("the name of its manifest is cut")?;
    let manifest = read(&format!("v{}", u64::from_le_bytes(*number)))?;
    let mut sum = ChecksummedWriter::new(io::sink());
    sum.write_all(&manifest).map_err(|error| error.to_string())?;
    if kind == [0] && sum.checksum().into_u128() == u128::from_le_bytes(*checksum) {
        Ok(())
    } else {
        Err("its manifest is not what was written".to_owned())
    }
}

/// What a thread that panicked held is whole here: each change under these locks is one assignment.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
