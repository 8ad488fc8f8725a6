//! What all who follow one workspace's live end share: each deed is encoded once, for all of them, and they are woken by turns.
//!
//! One task listens to the coordinator. What came is cut into pieces, which are kept in a bounded ring, and handed to one group of
//! streams after another, each at once as far as it has come. After each group it is measured how long that took, and rested as long:
//! turns that cost little come quickly, and many streams never take more than a part of the processors from who writes.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::{BufMut as _, Bytes, BytesMut};
use futures_util::FutureExt as _;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::api::EVENT_DEED;
use crate::coordinator::{Entry, WatchError, Watcher};
use crate::domain::ids::Seq;

/// Most bytes of events that are kept for who is behind, or one piece.
const KEPT_BYTES: usize = 4 * 1024 * 1024;
/// Most bytes of one piece, or one event: what a stream hands on at once.
const PIECE_BYTES: usize = 64 * 1024;
/// So many streams have their turn together.
const GROUP: usize = 64;
/// What comes during a round goes out in so many pieces at most, unless they are large.
const PIECES: u32 = 8;
/// Where nothing comes it is looked this often whether anybody still follows.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// Rests are gathered until they are worth a timer, which goes by milliseconds.
const REST: Duration = Duration::from_millis(1);

/// Deeds that go out together, as recorded and as events.
#[derive(Debug)]
pub(super) struct Piece {
    entries: Vec<Entry>,
    /// The events of all of them.
    events: Bytes,
    first: u64,
    last: u64,
}

impl Piece {
    fn new(entries: Vec<Entry>) -> Option<Self> {
        let (first, last) = (entries.first()?.record.seq, entries.last()?.record.seq);
        let events = events(&entries);
        Some(Self { entries, events, first, last })
    }

    /// What of it comes after that deed; with the events of all of it, where that is so.
    pub(super) fn after(&self, cursor: Seq) -> (&[Entry], Option<Bytes>) {
        if cursor.0 < self.first {
            return (&self.entries, Some(self.events.clone()));
        }
        let known = self.entries.partition_point(|entry| entry.record.seq <= cursor.0);
        (self.entries.get(known..).unwrap_or_default(), None)
    }
}

/// The relay of a workspace, while anybody follows.
#[derive(Debug, Default)]
pub(super) struct Relay(Mutex<Option<Arc<Ring>>>);

impl Relay {
    /// A place at the live end for who has everything up to `cursor`; none where there is more to read before.
    pub(super) fn join(&self, cursor: Seq, watch: impl FnOnce() -> Watcher) -> Option<Follower> {
        let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(ring) = running.as_ref()
            && let Some(told) = ring.lock().enter(cursor)?
        {
            return Some(Follower { told, ring: Arc::clone(ring) });
        }
        let watcher = watch();
        let ring = Arc::new(Ring::new(watcher.cursor()));
        let told = ring.lock().enter(cursor)??;
        tokio::spawn(run(Arc::clone(&ring), watcher));
        *running = Some(Arc::clone(&ring));
        Some(Follower { told, ring })
    }
}

/// One stream at the live end.
#[derive(Debug)]
pub(super) struct Follower {
    /// How far its group has been told to go.
    told: watch::Receiver<u64>,
    ring: Arc<Ring>,
}

/// Why nobody follows here any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gone {
    /// The relay has ended: the ledger says why.
    Ended,
    /// What comes next is not kept any more.
    Behind,
}

impl Follower {
    /// What comes next, if it is this one's turn.
    pub(super) fn piece(&self, cursor: Seq) -> Result<Option<Arc<Piece>>, Gone> {
        if *self.told.borrow() <= cursor.0 { Ok(None) } else { self.ring.lock().after(cursor) }
    }

    /// Waits for its turn. Cancelling it loses nothing.
    pub(super) async fn turn(&mut self, cursor: Seq) -> Result<(), Gone> {
        self.told.wait_for(|told| *told > cursor.0).await.map(drop).map_err(|_| Gone::Ended)
    }
}

/// What is kept, and who is woken.
#[derive(Debug)]
struct Ring(Mutex<Kept>);

#[derive(Debug)]
struct Kept {
    pieces: VecDeque<Arc<Piece>>,
    /// Bytes of the events of the pieces.
    bytes: usize,
    last: u64,
    groups: Vec<watch::Sender<u64>>,
    is_over: bool,
}

impl Ring {
    fn new(last: Seq) -> Self {
        let pieces = VecDeque::new();
        Self(Mutex::new(Kept { pieces, bytes: 0, last: last.0, groups: Vec::new(), is_over: false }))
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    /// A place in a group; none in it where this ring is over, none at all where what comes next is not here.
    #[expect(clippy::option_option, reason = "whether it may, and whether it can")]
    fn enter(&mut self, cursor: Seq) -> Option<Option<watch::Receiver<u64>>> {
        if self.is_over {
            return Some(None);
        }
        let first = self.pieces.front().map_or(self.last + 1, |piece| piece.first);
        if cursor.0 + 1 < first {
            return None;
        }
        let group = self.groups.iter().find(|group| group.receiver_count() < GROUP);
        if let Some(group) = group {
            return Some(Some(group.subscribe()));
        }
        let (group, told) = watch::channel(self.last);
        self.groups.push(group);
        Some(Some(told))
    }

    fn after(&self, cursor: Seq) -> Result<Option<Arc<Piece>>, Gone> {
        let at = self.pieces.partition_point(|piece| piece.last <= cursor.0);
        let piece = self.pieces.get(at);
        match piece {
            Some(piece) if piece.first > cursor.0 + 1 => Err(Gone::Behind),
            _ => Ok(piece.map(Arc::clone)),
        }
    }

    fn keep(&mut self, piece: Piece) {
        self.last = piece.last;
        self.bytes += piece.events.len();
        self.pieces.push_back(Arc::new(piece));
        while self.bytes > KEPT_BYTES
            && self.pieces.len() > 1
            && let Some(oldest) = self.pieces.pop_front()
        {
            self.bytes -= oldest.events.len();
        }
    }

    /// Wakes a group; false behind the last one.
    fn wake(&self, group: usize) -> bool {
        let group = self.groups.get(group);
        group.map(|group| group.send_replace(self.last)).is_some()
    }

    /// Forgets groups that everybody has left, and everything once all are gone; says whether anybody is there.
    fn is_followed(&mut self) -> bool {
        self.groups.retain(|group| group.receiver_count() > 0);
        if self.groups.is_empty() {
            self.end();
            self.pieces.clear();
        }
        !self.is_over
    }

    /// Lets everybody go, who may take what is here.
    fn end(&mut self) {
        self.is_over = true;
        self.groups.clear();
    }
}

/// Listens and wakes, until nobody follows or the coordinator ends.
async fn run(ring: Arc<Ring>, watcher: Watcher) {
    // Woken are those who have not been told of what came, nobody else.
    let mut told = ring.lock().last;
    let mut rounds =
        Rounds { ring, watcher, cut: Instant::now(), took: Duration::ZERO, owed: Duration::ZERO };
    loop {
        if let Ok(heard) = tokio::time::timeout(LOOK_EVERY, rounds.watcher.next()).await
            && !rounds.hear(heard)
        {
            return;
        }
        loop {
            let last = {
                let mut kept = rounds.ring.lock();
                if !kept.is_followed() {
                    return;
                }
                kept.last
            };
            if last == told {
                break;
            }
            told = last;
            if !rounds.go_round().await {
                return;
            }
        }
    }
}

struct Rounds {
    ring: Arc<Ring>,
    watcher: Watcher,
    /// When the last piece was cut.
    cut: Instant,
    /// How long the last round took.
    took: Duration,
    /// How long is still to be rested.
    owed: Duration,
}

impl Rounds {
    /// Wakes one group after another; false once it is all over.
    async fn go_round(&mut self) -> bool {
        let began = Instant::now();
        let mut group = 0;
        loop {
            if (self.cut.elapsed() > self.took / PIECES || self.watcher.is_pressed())
                && let Some(heard) = self.watcher.next().now_or_never()
                && !self.hear(heard)
            {
                return false;
            }
            let woke = Instant::now();
            if !self.ring.lock().wake(group) {
                self.took = began.elapsed();
                return true;
            }
            // Who was woken runs before this goes on.
            tokio::task::yield_now().await;
            self.rest(woke.elapsed()).await;
            group += 1;
        }
    }

    /// Leaves the processors to others as long as that turn took.
    async fn rest(&mut self, turn: Duration) {
        self.owed += turn;
        if self.owed >= REST {
            let began = Instant::now();
            tokio::time::sleep(self.owed).await;
            self.owed = self.owed.saturating_sub(began.elapsed());
        }
    }

    /// Keeps what came; false once there is nothing more to come.
    fn hear(&mut self, heard: Result<Vec<Entry>, WatchError>) -> bool {
        self.cut = Instant::now();
        match heard {
            Ok(entries) => {
                let mut kept = self.ring.lock();
                for piece in pieces(entries) {
                    kept.keep(piece);
                }
                true
            }
            Err(WatchError::Lagged { .. }) => {
                self.watcher = self.watcher.anew();
                true
            }
            // Who follows asks the ledger itself, and is told.
            Err(WatchError::Beyond { .. } | WatchError::Ledger(_) | WatchError::Closed { .. }) => {
                self.ring.lock().end();
                false
            }
        }
    }
}

fn pieces(entries: Vec<Entry>) -> Vec<Piece> {
    let (mut pieces, mut some, mut bytes) = (Vec::new(), Vec::new(), 0);
    for entry in entries {
        let size = entry.record.bytes.len();
        if bytes + size > PIECE_BYTES {
            pieces.extend(Piece::new(std::mem::take(&mut some)));
            bytes = 0;
        }
        bytes += size;
        some.push(entry);
    }
    pieces.extend(Piece::new(some));
    pieces
}

/// The events of these deeds.
pub(super) fn events(entries: &[Entry]) -> Bytes {
    let size = entries.iter().map(|entry| entry.record.bytes.len() + AROUND).sum();
    let mut events = BytesMut::with_capacity(size);
    for entry in entries {
        deed(&mut events, entry);
    }
    events.freeze()
}

/// More than what stands around the bytes of a deed in its event.
pub(super) const AROUND: usize = 160;

/// A deed's event: its number, its hash, its exact bytes. Deeds are compact JSON and have no line ends.
pub(super) fn deed(chunk: &mut BytesMut, entry: &Entry) {
    id(chunk, entry.record.seq);
    chunk.put_slice(b"event: ");
    chunk.put_slice(EVENT_DEED.as_bytes());
    chunk.put_slice(b"\ndata: {\"hash\":\"");
    chunk.put_slice(&entry.record.hash.digits());
    chunk.put_slice(b"\",\"deed\":");
    chunk.put_slice(&entry.record.bytes);
    chunk.put_slice(b"}\n\n");
}

pub(super) fn id(chunk: &mut BytesMut, seq: u64) {
    chunk.put_slice(b"id: ");
    chunk.put_slice(seq.to_string().as_bytes());
    chunk.put_slice(b"\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{Hash, Record};

    fn piece(seqs: std::ops::RangeInclusive<u64>, bytes: usize) -> Piece {
        let bytes = Bytes::from(vec![b'x'; bytes]);
        let entry = |seq| Entry::raw(Record { seq, hash: Hash([7; 32]), bytes: bytes.clone() });
        Piece::new(seqs.map(entry).collect()).unwrap()
    }

    fn follower(ring: &Arc<Ring>, cursor: u64) -> Follower {
        let told = ring.lock().enter(Seq(cursor)).unwrap().unwrap();
        Follower { told, ring: Arc::clone(ring) }
    }

    #[test]
    fn what_is_kept_is_bounded_and_who_is_behind_it_is_told() {
        let ring = Arc::new(Ring::new(Seq(0)));
        let (fast, slow) = (follower(&ring, 0), follower(&ring, 0));
        for n in 0..1_000 {
            ring.lock().keep(piece(n * 10 + 1..=n * 10 + 10, 2_000));
        }
        let bytes: usize = ring.lock().pieces.iter().map(|piece| piece.events.len()).sum();
        assert_eq!(bytes, ring.lock().bytes);
        assert!((KEPT_BYTES - 40_000..=KEPT_BYTES).contains(&bytes), "{bytes}");
        assert!(fast.piece(Seq(9_980)).unwrap().is_none(), "it is not its turn yet");
        assert!(ring.lock().wake(0) && !ring.lock().wake(1));
        assert_eq!(fast.piece(Seq(9_980)).unwrap().unwrap().last, 9_990);
        assert!(fast.piece(Seq(10_000)).unwrap().is_none());
        assert_eq!(slow.piece(Seq(10)).unwrap_err(), Gone::Behind);
        assert!(ring.lock().enter(Seq(10)).is_none(), "who comes has to read what was first");
        // A piece that is larger than all that may be kept is kept alone.
        ring.lock().keep(piece(10_001..=10_001, KEPT_BYTES * 2));
        assert_eq!(ring.lock().pieces.len(), 1);
    }

    #[test]
    fn all_get_the_same_bytes_each_group_in_its_turn() {
        let ring = Arc::new(Ring::new(Seq(4)));
        let all: Vec<Follower> = (0..GROUP * 3).map(|_| follower(&ring, 4)).collect();
        ring.lock().keep(piece(5..=7, 100));
        for turn in 0..3 {
            let has_turn = |one: &&Follower| one.piece(Seq(4)).unwrap().is_some();
            assert_eq!(all.iter().filter(has_turn).count(), turn * GROUP);
            assert!(ring.lock().wake(turn));
        }
        let bytes = all.iter().map(|one| one.piece(Seq(4)).unwrap().unwrap().after(Seq(4)).1.unwrap());
        let mut places: Vec<*const u8> = bytes.map(|bytes| bytes.as_ptr()).collect();
        places.dedup();
        assert_eq!(places.len(), 1, "one encoding for all");
        // Who has a part of it gets the rest.
        let piece = all.first().unwrap().piece(Seq(5)).unwrap().unwrap();
        let (rest, shared) = piece.after(Seq(5));
        assert!(shared.is_none() && piece.events.ends_with(&events(rest)));
        assert_eq!(rest.iter().map(|entry| entry.record.seq).collect::<Vec<_>>(), [6, 7]);
        drop(all);
        assert!(!ring.lock().is_followed() && ring.lock().pieces.is_empty());
    }

    #[test]
    fn pieces_are_bounded_and_leave_nothing_out() {
        let entries = piece(1..=100, 3_000).entries;
        let pieces = pieces(entries);
        assert!(pieces.iter().all(|piece| piece.entries.len() <= PIECE_BYTES / 3_000));
        let seqs: Vec<u64> =
            pieces.iter().flat_map(|piece| &piece.entries).map(|entry| entry.record.seq).collect();
        assert_eq!(seqs, (1..=100).collect::<Vec<_>>());
    }
}
