//! The image of one workspace: its rows in the tree of the node.

use std::fmt;
use std::ops::Bound;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock};

use lsm_tree::{UserKey, UserValue};
use sha2::{Digest as _, Sha256};

use super::code::{self, Broken, Reader};
use super::error::ImageError;
use super::images::Images;
use super::names::Names;
use super::tree::{Pin, Rows, Tree};
use crate::domain::hash::Hash;
use crate::domain::ids::Seq;
use crate::domain::path::EntityPath;
use crate::domain::state::{Far, FarError, Fingerprint, Kept};
use crate::domain::things::Entity;

/// How many bytes stand before each key of a workspace.
const PREFIX: usize = 16;
/// After how many deeds the image goes to the disk although little was written: so many are read again after a kill.
const BEHIND: u64 = 50_000;
/// How many rows go at once when all of a workspace go.
const SWEEP: usize = 4_096;

/// What a row is; it stands after the prefix.
#[derive(Clone, Copy)]
enum Row {
    /// The head: one row.
    At = 0,
    /// An entity, by its path.
    Entity = 1,
    /// The place of a key among the ages, by its fingerprint.
    Print = 2,
    /// A key with its answer, by its age.
    Age = 3,
    /// What is after all rows.
    End = 4,
}

/// Up to where an image has what happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct At {
    /// The last deed that is in it.
    pub seq: Seq,
    /// That deed's hash in the chain.
    pub hash: Hash,
    /// What else is true at that deed, in the writer's own words.
    pub more: Vec<u8>,
}

/// What changed up to a head, written as one.
#[derive(Debug, Clone)]
pub struct Changes {
    /// The head.
    pub at: At,
    /// Entities as they are now.
    pub entities: Vec<(EntityPath, Arc<Entity>)>,
    /// Keys that were answered.
    pub keys: Vec<Kept>,
    /// Keys that are kept no longer.
    pub gone_keys: Vec<Kept>,
}

/// The image of one workspace. Its copies are the same one.
#[derive(Clone)]
pub struct Image(Arc<Shared>);

pub(super) struct Shared {
    images: Images,
    prefix: Prefix,
    hold: RwLock<Hold>,
    /// Held by whoever writes this image.
    writing: Mutex<()>,
}

/// The tree in which the image is, and how it stands there.
#[derive(Clone)]
struct Hold {
    tree: Arc<Tree>,
    standing: Arc<Standing>,
}

/// How an image stands, as readers see it.
#[derive(Default)]
struct Standing {
    head: AtomicU64,
    /// Whether there is a head.
    written: AtomicBool,
    /// The head when the image was sent to the disk for its age.
    sent: AtomicU64,
    /// How often it was written.
    writes: AtomicU64,
    /// Why nothing of it is believed any more, though the others of the tree are.
    doubt: OnceLock<Arc<str>>,
}

impl Standing {
    /// A row that was read whole makes no sense: that is this image's affair alone.
    fn doubts(&self, why: &str) -> ImageError {
        let first = self.doubt.get_or_init(|| {
            tracing::error!("the image of one workspace is in doubt: {why}");
            Arc::from(why)
        });
        ImageError::Doubt(Arc::clone(first))
    }

    /// # Errors
    /// Where nothing of it is believed any more.
    fn believed(&self) -> Result<(), ImageError> {
        self.doubt.get().map_or(Ok(()), |why| Err(ImageError::Doubt(Arc::clone(why))))
    }
}

impl Shared {
    /// Finds how the image of a workspace stands in a tree.
    pub(super) fn open(images: Images, prefix: Prefix, tree: Arc<Tree>) -> Result<Self, ImageError> {
        let (pin, ()) = tree.pin(|| ());
        let found = tree.get(&key(&prefix, Row::At, &[]), &pin, || false);
        tree.unpin(&pin);
        let standing = Standing::default();
        if let Some(bytes) = found? {
            let head = read_at(&bytes).map_or_else(
                |Broken| {
                    standing.doubts("its head can't be read");
                    Seq(0)
                },
                |at| at.seq,
            );
            standing.head.store(head.0, Ordering::Release);
            standing.sent.store(head.0, Ordering::Release);
            standing.written.store(true, Ordering::Release);
        }
        let hold = RwLock::new(Hold { tree, standing: Arc::new(standing) });
        images.used().fetch_add(1, Ordering::Relaxed);
        Ok(Self { images, prefix, hold, writing: Mutex::default() })
    }
}

impl Image {
    /// How many bytes its workspace may keep beside it: the fewer, the more workspaces there are.
    pub fn beside(&self) -> u64 {
        self.0.images.beside()
    }

    /// The folder in which it lies.
    pub fn place(&self) -> &Path {
        self.0.images.folder()
    }

    pub(super) fn of(shared: Arc<Shared>) -> Self {
        Self(shared)
    }

    /// Up to where it is written; none where nothing was written yet, or nothing of it is believed.
    ///
    /// # Errors
    /// Where it can't be read now.
    pub fn at(&self) -> Result<Option<At>, ImageError> {
        let view = self.view();
        match view.row(Row::At, &[], read_at) {
            Err(ImageError::Doubt(_)) => Ok(None),
            answer => answer,
        }
    }

    /// Why nothing of it is believed any more, where that is so.
    pub fn doubt(&self) -> Option<Arc<str>> {
        let hold = self.hold();
        hold.tree.doubt().or(hold.standing.doubt.get()).cloned()
    }

    /// Whether this entity was not asked about here lately, as far as that is remembered; it is from now on.
    pub fn is_new(&self, path: &EntityPath) -> bool {
        let key = key(&self.0.prefix, Row::Entity, path.as_str().as_bytes());
        self.0.images.lately().is_new(&key)
    }

    /// Reads what is there of entities and keys, so that who asks for them next need not wait for the disk. What can't be read is
    /// for that one to hear.
    pub fn fetch(&self, paths: &[EntityPath], prints: &[Fingerprint]) {
        let view = self.view();
        for path in paths {
            drop(view.get(&key(&self.0.prefix, Row::Entity, path.as_str().as_bytes())));
        }
        for print in prints {
            drop(view.key(print));
        }
    }

    /// Writes what changed: all of it or nothing. It is in memory then; [`Images::flush`] brings it to the disk, as does what is
    /// written after it. After a kill the image has an earlier head, with all that was true there.
    ///
    /// # Errors
    /// Where nothing was written.
    pub fn write(&self, changes: &Changes) -> Result<(), ImageError> {
        let _writing = lock(&self.0.writing);
        let hold = self.hold();
        hold.standing.believed()?;
        if !hold.standing.written.load(Ordering::Acquire) {
            // Of a writer that was killed while it cleared, at most.
            self.sweep(&hold)?;
        }
        let rows = self.rows(changes)?;
        let head = changes.at.seq.0;
        hold.tree.write(rows, || {
            hold.standing.head.store(head, Ordering::Release);
            hold.standing.written.store(true, Ordering::Release);
            hold.standing.writes.fetch_add(1, Ordering::AcqRel);
        })?;
        if head.saturating_sub(hold.standing.sent.load(Ordering::Acquire)) >= BEHIND {
            hold.standing.sent.store(head, Ordering::Release);
            hold.tree.turn_over()?;
        }
        Ok(())
    }

    /// Everything of this workspace goes; where the images of the node are in doubt, a new tree begins for all.
    ///
    /// # Errors
    /// Where it is still there.
    pub fn clear(&self) -> Result<(), ImageError> {
        let _writing = lock(&self.0.writing);
        let hold = self.hold();
        let tree = match self.empty(&hold) {
            Ok(()) => hold.tree,
            // Where what goes can't be read the others are in doubt, too.
            Err(ImageError::Doubt(_)) => self.0.images.renew(&hold.tree)?,
            Err(error) => return Err(error),
        };
        let fresh = Hold { tree, standing: Arc::default() };
        *self.0.hold.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(())
    }

    fn empty(&self, hold: &Hold) -> Result<(), ImageError> {
        // The head first: without it nothing else is believed.
        let standing = &hold.standing;
        let gone = Rows::from([(key(&self.0.prefix, Row::At, &[]), None)]);
        hold.tree.write(gone, || {
            standing.head.store(0, Ordering::Release);
            standing.written.store(false, Ordering::Release);
            standing.writes.fetch_add(1, Ordering::AcqRel);
        })?;
        self.sweep(hold)
    }

    /// Writes bytes that are no entity in the place of one.
    #[cfg(test)]
    pub(super) fn break_row(&self, path: &EntityPath) {
        let row = key(&self.0.prefix, Row::Entity, path.as_str().as_bytes());
        self.hold().tree.write(Rows::from([(row, Some(vec![0xff; 9]))]), || ()).unwrap();
    }

    fn sweep(&self, Hold { tree, standing }: &Hold) -> Result<(), ImageError> {
        let (from, to) = (key(&self.0.prefix, Row::At, &[]), key(&self.0.prefix, Row::End, &[]));
        loop {
            let (pin, ()) = tree.pin(|| ());
            let found = tree.scan((Bound::Included(from.as_slice()), &to), &pin, || false, SWEEP);
            tree.unpin(&pin);
            let rows: Rows = found?.into_iter().map(|(key, _)| (key.to_vec(), None)).collect();
            if rows.is_empty() {
                return Ok(());
            }
            tree.write(rows, || {
                standing.writes.fetch_add(1, Ordering::AcqRel);
            })?;
        }
    }

    fn rows(&self, changes: &Changes) -> Result<Rows, ImageError> {
        let Changes { at, entities, keys, gone_keys } = changes;
        let prefix = &self.0.prefix;
        let mut rows = Rows::new();
        let view = self.view();
        for gone in gone_keys {
            let print = print_of(gone);
            let place = place_of(gone);
            // Of a key that was used again after its time, the later answer stays.
            if view.row(Row::Print, &print.0, |bytes| Ok(bytes == place))? == Some(true) {
                rows.insert(key(prefix, Row::Print, &print.0), None);
            }
            rows.insert(age_key(prefix, &place, &print), None);
        }
        for kept in keys {
            let (print, place) = (print_of(kept), place_of(kept));
            rows.insert(key(prefix, Row::Print, &print.0), Some(place.to_vec()));
            rows.insert(age_key(prefix, &place, &print), Some(code::kept(kept)));
        }
        for (path, entity) in entities {
            rows.insert(key(prefix, Row::Entity, path.as_str().as_bytes()), Some(code::entity(entity)));
        }
        rows.insert(key(prefix, Row::At, &[]), Some(write_at(at)));
        Ok(rows)
    }

    fn hold(&self) -> Hold {
        self.0.hold.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn view(&self) -> View {
        let hold = self.hold();
        let standing = &hold.standing;
        let now = || (Seq(standing.head.load(Ordering::Acquire)), standing.writes.load(Ordering::Acquire));
        let (pin, (head, writes)) = hold.tree.pin(now);
        View { images: self.0.images.clone(), prefix: self.0.prefix, pin, head, writes, hold }
    }
}

/// An image as it was at one moment.
struct View {
    hold: Hold,
    images: Images,
    prefix: Prefix,
    pin: Pin,
    head: Seq,
    /// How often the image had been written.
    writes: u64,
}

impl View {
    fn get(&self, key: &[u8]) -> Result<Option<UserValue>, ImageError> {
        self.hold.standing.believed()?;
        self.hold.tree.get(key, &self.pin, || self.is_of_now())
    }

    fn scan(
        &self,
        from: Bound<&[u8]>,
        to: &[u8],
        most: usize,
    ) -> Result<Vec<(UserKey, UserValue)>, ImageError> {
        self.hold.standing.believed()?;
        self.hold.tree.scan((from, to), &self.pin, || self.is_of_now(), most)
    }

    /// Whether the image is as it was then.
    fn is_of_now(&self) -> bool {
        self.hold.standing.writes.load(Ordering::Acquire) == self.writes
    }

    fn row<T>(
        &self,
        row: Row,
        rest: &[u8],
        read: impl FnOnce(&[u8]) -> Result<T, Broken>,
    ) -> Result<Option<T>, ImageError> {
        let found = self.get(&key(&self.prefix, row, rest))?;
        found.map(|bytes| self.believed(read(&bytes))).transpose()
    }

    fn believed<T>(&self, read: Result<T, Broken>) -> Result<T, ImageError> {
        read.map_err(|Broken| self.hold.standing.doubts("a row is not what was written"))
    }

    fn names(&self) -> &Names {
        self.images.names()
    }

    fn entity(&self, path: &EntityPath) -> Result<Option<Arc<Entity>>, ImageError> {
        self.row(Row::Entity, path.as_str().as_bytes(), |bytes| {
            code::read_entity(bytes, self.names()).map(Arc::new)
        })
    }

    fn entities(
        &self,
        prefix: &str,
        after: Option<&EntityPath>,
        most: usize,
    ) -> Result<Vec<(EntityPath, Arc<Entity>)>, ImageError> {
        let first = key(&self.prefix, Row::Entity, prefix.as_bytes());
        let to = successor(&first);
        let after = after.map(|path| key(&self.prefix, Row::Entity, path.as_str().as_bytes()));
        let from = match &after {
            Some(after) if *after >= to => return Ok(Vec::new()),
            Some(after) if *after >= first => Bound::Excluded(after.as_slice()),
            Some(_) | None => Bound::Included(first.as_slice()),
        };
        let read = |(key, value): (UserKey, UserValue)| {
            let path = key.get(PREFIX + 1..).and_then(|path| std::str::from_utf8(path).ok());
            let path = path.and_then(|path| path.parse().ok()).ok_or(Broken)?;
            Ok((path, Arc::new(code::read_entity(&value, self.names())?)))
        };
        let rows = self.scan(from, &to, most)?;
        rows.into_iter().map(|row| self.believed(read(row))).collect()
    }

    fn key(&self, print: &Fingerprint) -> Result<Option<Kept>, ImageError> {
        let place = self.row(Row::Print, &print.0, |bytes| Place::try_from(bytes).map_err(|_| Broken))?;
        let Some(place) = place else { return Ok(None) };
        let found = self.get(&age_key(&self.prefix, &place, print))?;
        let kept = found.ok_or(Broken).and_then(|bytes| code::read_kept(&bytes, self.names()));
        self.believed(kept).map(Some)
    }

    fn keys(&self, after: Option<(Seq, Option<u32>)>, most: usize) -> Result<Vec<Kept>, ImageError> {
        let mut from = key(&self.prefix, Row::Age, &[]);
        if let Some((deed, part)) = after {
            from.extend(place(deed, part));
            // Behind all of that place.
            from.extend([0xff; size_of::<Fingerprint>() + 1]);
        }
        let rows = self.scan(Bound::Included(from.as_slice()), &key(&self.prefix, Row::End, &[]), most)?;
        rows.into_iter().map(|(_, value)| self.believed(code::read_kept(&value, self.names()))).collect()
    }

    fn again(&self) -> Self {
        let pin = self.hold.tree.pin_again(&self.pin);
        Self { hold: self.hold.clone(), images: self.images.clone(), pin, ..*self }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.images.used().fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for View {
    fn drop(&mut self) {
        self.hold.tree.unpin(&self.pin);
    }
}

impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("View").field("head", &self.head).finish_non_exhaustive()
    }
}

impl fmt::Debug for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Image").field("head", &self.head()).finish_non_exhaustive()
    }
}

impl Far for View {
    fn head(&self) -> Seq {
        self.head
    }

    fn entity(&self, path: &EntityPath) -> Result<Option<Arc<Entity>>, FarError> {
        Ok(self.entity(path)?)
    }

    fn entities(
        &self,
        prefix: &str,
        after: Option<&EntityPath>,
        most: usize,
    ) -> Result<Vec<(EntityPath, Arc<Entity>)>, FarError> {
        Ok(self.entities(prefix, after, most)?)
    }

    fn key(&self, print: &Fingerprint) -> Result<Option<Kept>, FarError> {
        Ok(self.key(print)?)
    }

    fn keys(&self, after: Option<(Seq, Option<u32>)>, most: usize) -> Result<Vec<Kept>, FarError> {
        Ok(self.keys(after, most)?)
    }

    fn pinned(&self) -> Arc<dyn Far> {
        Arc::new(self.again())
    }
}

/// As it is at each look.
impl Far for Image {
    fn head(&self) -> Seq {
        Seq(self.hold().standing.head.load(Ordering::Acquire))
    }

    fn entity(&self, path: &EntityPath) -> Result<Option<Arc<Entity>>, FarError> {
        Ok(self.view().entity(path)?)
    }

    fn entities(
        &self,
        prefix: &str,
        after: Option<&EntityPath>,
        most: usize,
    ) -> Result<Vec<(EntityPath, Arc<Entity>)>, FarError> {
        Ok(self.view().entities(prefix, after, most)?)
    }

    fn key(&self, print: &Fingerprint) -> Result<Option<Kept>, FarError> {
        Ok(self.view().key(print)?)
    }

    fn keys(&self, after: Option<(Seq, Option<u32>)>, most: usize) -> Result<Vec<Kept>, FarError> {
        Ok(self.view().keys(after, most)?)
    }

    fn pinned(&self) -> Arc<dyn Far> {
        Arc::new(self.view())
    }
}

/// By which the rows of a workspace begin: the first half of the SHA-256 of its ledger's source.
pub(super) type Prefix = [u8; PREFIX];

/// The prefix of a ledger.
pub(super) fn prefix_of(source: &str) -> Prefix {
    let whole: [u8; 32] = Sha256::digest(source).into();
    whole.first_chunk().copied().unwrap_or_default()
}

/// Where a key stands among the ages: the deed that answered, whether it is one part, which.
type Place = [u8; 13];

fn place(deed: Seq, part: Option<u32>) -> Place {
    let mut place = [0; 13];
    place[..8].copy_from_slice(&deed.0.to_be_bytes());
    place[8] = u8::from(part.is_some());
    place[9..].copy_from_slice(&part.unwrap_or_default().to_be_bytes());
    place
}

fn place_of(kept: &Kept) -> Place {
    place(kept.answer.deed, kept.answer.part)
}

fn print_of(kept: &Kept) -> Fingerprint {
    Fingerprint::of_key(&kept.actor, &kept.key, kept.answer.part)
}

fn key(prefix: &Prefix, row: Row, rest: &[u8]) -> Vec<u8> {
    [prefix.as_slice(), &[row as u8], rest].concat()
}

fn age_key(prefix: &Prefix, place: &Place, print: &Fingerprint) -> Vec<u8> {
    key(prefix, Row::Age, &[place.as_slice(), &print.0].concat())
}

/// The first key after all that begin with this one. No text has a byte of all ones, and no kind of row.
fn successor(key: &[u8]) -> Vec<u8> {
    let mut next = key.to_vec();
    if let Some(last) = next.last_mut() {
        *last = last.saturating_add(1);
    }
    next
}

fn write_at(at: &At) -> Vec<u8> {
    let mut out = Vec::with_capacity(at.more.len() + 48);
    code::put(&mut out, at.seq.0);
    out.extend(at.hash.0);
    out.extend(&at.more);
    out
}

fn read_at(bytes: &[u8]) -> Result<At, Broken> {
    let mut reader = Reader(bytes);
    let seq = Seq(reader.number()?);
    let hash = reader.bytes(32)?.try_into().map_err(|_| Broken)?;
    Ok(At { seq, hash: Hash(hash), more: reader.0.to_vec() })
}

fn lock(mutex: &Mutex<()>) -> MutexGuard<'_, ()> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
