//! The images of a node: one tree of rows in `image/` of the data directory, for all its workspaces.

use std::collections::HashMap;
use std::fmt;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use lsm_tree::{Cache, DescriptorTable};
use tempfile::TempDir;

use super::code::FORMAT;
use super::error::ImageError;
use super::image::{Image, Prefix, Shared, prefix_of};
use super::lately::Lately;
use super::names::Names;
use super::tree::{CURRENT, KEPT, Room, TABLES, Tree, WAITING};

/// The smallest cache that is taken, in bytes.
const LEAST: u64 = 4 * 1_024 * 1_024;
/// The largest part that is gathered in memory before it goes to the disk, in bytes.
const PART: u64 = 16 * 1_024 * 1_024;
/// How much of the cache one part may be.
const SHARE: u64 = 32;
/// How many parts there are at most: one is filled, the others wait or are kept for who looks back; in memory each takes half as much
/// again.
const PARTS: u64 = (1 + WAITING as u64 + KEPT) * 3 / 2 + 1;
/// What workspaces keep beside their images is this part of what those take.
const BESIDE: u64 = 16;
/// Most files of the tree that are open at once.
const FILES: usize = 128;
/// What images take that are looked at, in bytes.
const LOOKED: u64 = 32 * 1_024 * 1_024;
/// How often it is tried to look at images that somebody else changes meanwhile.
const LOOKS: usize = 8;
/// The file that is held by whoever uses the folder.
const LOCK: &str = "lock";

/// The images of all workspaces of a node. Its copies are the same ones.
#[derive(Clone)]
pub struct Images(Arc<Inner>);

struct Inner {
    folder: PathBuf,
    room: Room,
    names: Names,
    lately: Lately,
    /// Bytes that all of them may take.
    cache: u64,
    /// How many workspaces use theirs.
    used: AtomicU64,
    now: Mutex<Now>,
    /// Held as long as these images are used.
    _held: File,
    /// The folder, where it is one for looking.
    copy: Option<TempDir>,
}

struct Now {
    tree: Arc<Tree>,
    /// The number in the name of its folder.
    number: u64,
    known: HashMap<Prefix, Weak<Shared>>,
}

impl Images {
    /// Where they lie.
    pub(super) fn folder(&self) -> &Path {
        &self.0.folder
    }

    /// How many workspaces use theirs.
    pub(super) fn used(&self) -> &AtomicU64 {
        &self.0.used
    }

    /// How many bytes a workspace may keep beside its image, so that all together keep a part of what images take.
    pub(super) fn beside(&self) -> u64 {
        self.0.cache / BESIDE / self.0.used.load(Ordering::Relaxed).max(1)
    }

    /// Opens the images of a folder; what is damaged, or of another format, is taken away, and new ones begin. `cache` bytes of
    /// memory are all that they take.
    ///
    /// # Errors
    /// Where another process has them, or the folder can't be used.
    pub fn open(folder: &Path, cache: u64) -> Result<Self, ImageError> {
        let wrong = |error: &dyn ToString| failed(folder, error);
        fs::create_dir_all(folder).map_err(|error| wrong(&error))?;
        let held = hold(folder).map_err(|error| wrong(&error))?;
        let cache = cache.max(LEAST);
        let room = Room::of(cache, Some(Arc::new(DescriptorTable::new(FILES))));
        let number = last(folder).map_err(|error| wrong(&error))?;
        let (tree, number) = match Tree::open(&folder.join(name(number)), &room) {
            Ok(tree) => (tree, number),
            Err(why) => {
                tracing::warn!("the image of values in {} is made anew: {why}", folder.display());
                (
                    Tree::open(&folder.join(name(number + 1)), &room).map_err(|error| wrong(&error))?,
                    number + 1,
                )
            }
        };
        keep_only(folder, number).map_err(|error| wrong(&error))?;
        Ok(Self::with((tree, number), folder.to_owned(), (room, cache), (held, None)))
    }

    fn with(
        (tree, number): (Tree, u64),
        folder: PathBuf,
        (room, cache): (Room, u64),
        (held, copy): (File, Option<TempDir>),
    ) -> Self {
        let now = Mutex::new(Now { tree: Arc::new(tree), number, known: HashMap::new() });
        let (names, lately, used) = (Names::default(), Lately::default(), AtomicU64::new(0));
        Self(Arc::new(Inner { folder, room, names, lately, cache, used, now, _held: held, copy }))
    }

    /// The images of a folder as they are on disk, to be looked at, beside a process that uses them too: a folder of links to their
    /// tables, which goes with what this gives. None where there are none of this format.
    ///
    /// # Errors
    /// Where what is there can't be believed, or changes faster than it can be opened.
    pub fn look(folder: &Path) -> Result<Option<Self>, ImageError> {
        let mut error = None;
        for _ in 0..LOOKS {
            let Some(now) = current(folder) else { break };
            match looked(folder, now.0) {
                Ok(images) => return Ok(Some(images)),
                Err(why) => error = Some(why),
            }
            if current(folder).as_ref() == Some(&now) {
                break;
            }
        }
        error.map_or(Ok(None), Err)
    }

    /// The image of the workspace whose ledger has this source.
    ///
    /// # Errors
    /// Where it can't be read.
    pub fn of(&self, source: &str) -> Result<Image, ImageError> {
        let prefix = prefix_of(source);
        let mut now = self.now();
        if let Some(known) = now.known.get(&prefix).and_then(Weak::upgrade) {
            return Ok(Image::of(known));
        }
        let open = |now: &Now| Shared::open(self.clone(), prefix, Arc::clone(&now.tree));
        let shared = match open(&now) {
            // What is looked at is not made anew.
            Err(ImageError::Doubt(_)) if self.0.copy.is_none() => {
                self.begin(&mut now)?;
                open(&now)?
            }
            opened => opened?,
        };
        let shared = Arc::new(shared);
        if now.known.len() == now.known.capacity() {
            now.known.retain(|_, shared| shared.strong_count() > 0);
        }
        now.known.insert(prefix, Arc::downgrade(&shared));
        Ok(Image::of(shared))
    }

    /// Takes away the image of a workspace that is gone.
    ///
    /// # Errors
    /// Where it is still there.
    pub fn forget(&self, source: &str) -> Result<(), ImageError> {
        self.of(source)?.clear()
    }

    /// Brings to the disk what was written to any of them; it is there when this comes back. For the end of a process, and
    /// before something is kept that is newer.
    ///
    /// # Errors
    /// Where it is not on disk.
    pub fn flush(&self) -> Result<(), ImageError> {
        let tree = Arc::clone(&self.now().tree);
        tree.flush()
    }

    /// How many bytes lie in memory now, of rows and of what was read.
    #[cfg(test)]
    pub(crate) fn in_memory(&self) -> u64 {
        self.now().tree.unwritten() + self.0.room.cache.size()
    }

    /// Something in it made no sense.
    #[cfg(test)]
    pub(crate) fn doubt(&self, why: &str) {
        let error = self.now().tree.doubts(why);
        tracing::info!(%error);
    }

    /// What was asked about lately.
    pub(super) fn lately(&self) -> &Lately {
        &self.0.lately
    }

    pub(super) fn names(&self) -> &Names {
        &self.0.names
    }

    /// The tree that takes the place of one in doubt.
    pub(super) fn renew(&self, old: &Arc<Tree>) -> Result<Arc<Tree>, ImageError> {
        let mut now = self.now();
        if Arc::ptr_eq(&now.tree, old) || now.tree.doubt().is_some() {
            self.begin(&mut now)?;
        }
        Ok(Arc::clone(&now.tree))
    }

    fn begin(&self, now: &mut Now) -> Result<(), ImageError> {
        let folder = &self.0.folder;
        let number = now.number + 1;
        let tree = Tree::open(&folder.join(name(number)), &self.0.room);
        let tree = tree.map_err(|error| failed(folder, &error))?;
        tracing::warn!("a new image of values begins in {}", folder.display());
        (now.tree, now.number) = (Arc::new(tree), number);
        keep_only(folder, number).map_err(|error| failed(folder, &error))
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        self.0.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Room {
    /// With so many bytes in all; without a bound of open files each table's stays open.
    fn of(cache: u64, files: Option<Arc<DescriptorTable>>) -> Self {
        let part = (cache / SHARE).min(PART);
        Self { cache: Arc::new(Cache::with_capacity_bytes(cache - part * PARTS)), files, part }
    }
}

/// Holds a folder for this process.
fn hold(folder: &Path) -> std::io::Result<File> {
    let held = File::create(folder.join(LOCK))?;
    held.try_lock()?;
    Ok(held)
}

/// The number of the last tree in a folder, and what names its manifest; none where there is no tree.
fn current(folder: &Path) -> Option<(u64, Option<Vec<u8>>)> {
    let number = last(folder).ok()?;
    let tree = folder.join(name(number));
    tree.exists().then(|| (number, fs::read(tree.join(CURRENT)).ok()))
}

/// The tree of that number in a folder of its own. What is written once is linked, the rest is copied.
fn looked(folder: &Path, number: u64) -> Result<Images, ImageError> {
    let wrong = |error: &dyn ToString| failed(folder, error);
    let copy = tempfile::tempdir().map_err(|error| wrong(&error))?;
    let (from, to) = (folder.join(name(number)), copy.path().join(name(number)));
    link(&from, &to).map_err(|error| wrong(&error))?;
    let held = hold(copy.path()).map_err(|error| wrong(&error))?;
    let room = Room::of(LOOKED, None);
    let tree = Tree::open(&to, &room).map_err(|why| ImageError::Doubt(why.into()))?;
    Ok(Images::with((tree, number), copy.path().to_owned(), (room, LOOKED), (held, Some(copy))))
}

fn link(from: &Path, to: &Path) -> std::io::Result<()> {
    let (tables, from) = (to.join(TABLES), std::path::absolute(from)?);
    fs::create_dir_all(&tables)?;
    // Its name first: what it names is there as long as it is.
    let files = fs::read_dir(&from)?.collect::<Result<Vec<_>, _>>()?;
    for file in files.iter().filter(|file| file.path().is_file()) {
        fs::copy(file.path(), to.join(file.file_name()))?;
    }
    for table in fs::read_dir(from.join(TABLES))? {
        let table = table?;
        std::os::unix::fs::symlink(table.path(), tables.join(table.file_name()))?;
    }
    Ok(())
}

impl fmt::Debug for Images {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Images").field("folder", &self.0.folder).finish_non_exhaustive()
    }
}

fn failed(folder: &Path, error: &dyn ToString) -> ImageError {
    ImageError::Folder(folder.display().to_string().into(), error.to_string().into())
}

/// The folder of a tree, which says the format too.
fn name(number: u64) -> String {
    format!("{FORMAT}-{number}")
}

/// The number of the last tree of this format; that of the first one, where there is none.
fn last(folder: &Path) -> std::io::Result<u64> {
    let mut last = 1;
    for entry in fs::read_dir(folder)? {
        let found = entry?.file_name();
        let number = found.to_str().and_then(|found| found.strip_prefix(&format!("{FORMAT}-")));
        last = last.max(number.and_then(|number| number.parse().ok()).unwrap_or_default());
    }
    Ok(last)
}

/// Takes away all other trees.
fn keep_only(folder: &Path, number: u64) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() && *entry.file_name() != *name(number) {
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}
