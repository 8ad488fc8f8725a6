//! Values and idempotency keys outside memory: what is on disk in the ledger is gathered and written to the image behind it, a
//! write at a time, and what is in the image need not be near any more. The image is never ahead of the ledger.
//!
//! What can't be read voids what was decided on it. Then the state is read again, as after any failure; the second time in
//! a row, or where the image says so itself, it is made anew from the ledger.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::Trouble;
use crate::domain::ids::Seq;
use crate::domain::path::EntityPath;
use crate::domain::state::{Changes, Far, FarError, Kept, State, Totals};
use crate::domain::things::Entity;
use crate::ledger::{Head, room};
use crate::store::{self, At, Image, ImageError};

/// What was changed is near for so many bytes, about, before some of it is let go of, where its workspace is not one of many.
pub(super) const NEAR: u64 = 8 * 1_024 * 1_024;
/// So much is written at once, in entities and keys …
const WRITE: usize = 4_096;
/// … or what has waited for so long.
const WRITE_GAP: Duration = Duration::from_millis(250);
/// … or so many bytes.
const WRITE_BYTES: u64 = 4 * 1_024 * 1_024;
/// Beyond so much that waits to be written the coordinator waits, too …
const WAITING: usize = 32_768;
/// … and beyond so many bytes.
pub(super) const WAITING_BYTES: u64 = 32 * 1_024 * 1_024;
/// What a key that waits takes, about, in bytes, and what an entity does beside its values.
const EACH: u64 = 256;
/// How long to wait after a write that failed.
const REST: Duration = Duration::from_secs(1);
/// So many keys are looked at together for whether they were let go of.
const GONE: usize = 256;

/// The image of one workspace, and what is to be written to it.
pub(super) struct Outside {
    image: Option<Image>,
    /// How many bytes may be near.
    near: u64,
    /// Up to where the image has everything.
    written: Seq,
    waiting: Waiting,
    running: Option<JoinHandle<Wrote>>,
    /// The last key that was taken away.
    gone: Option<Place>,
    /// When it is written next at the earliest, however little.
    next: Instant,
    /// Up to where what is there was let go of.
    swept: Seq,
    /// The disk has room for the ledger alone: what waits does so in memory, which that room bounds.
    cramped: bool,
    /// Something could not be read or written: nothing is believed until the state was read again.
    in_doubt: bool,
    /// How often that was so since something was written.
    doubts: u32,
}

/// Where a key is among all by age.
type Place = (Seq, Option<u32>);

/// Up to where the image has everything, and the last key that was taken away.
type Written = (Seq, Option<Place>);

/// What came of a write; what could not be written is given back.
type Wrote = Result<Written, Box<(Waiting, FarError)>>;

/// What is in the ledger and not in the image.
#[derive(Default)]
struct Waiting {
    entities: HashMap<EntityPath, Arc<Entity>>,
    /// Oldest first.
    keys: Vec<Arc<Kept>>,
    /// What the values take, in bytes.
    values: u64,
    /// Where all that was so.
    at: Option<(Head, Totals)>,
}

impl Waiting {
    /// Whether it is so many entities and keys, or takes so many bytes, about.
    fn has(&self, count: usize, bytes: u64) -> bool {
        let all = self.entities.len() + self.keys.len();
        all >= count || self.values + EACH * all as u64 >= bytes
    }

    /// An entity as it is now.
    fn put(&mut self, path: EntityPath, entity: Arc<Entity>) {
        self.values += entity.size();
        let before = self.entities.insert(path, entity);
        self.values -= before.map_or(0, |before| before.size());
    }

    /// What came before goes below it.
    fn put_below(&mut self, before: Self) {
        for (path, entity) in before.entities {
            if !self.entities.contains_key(&path) {
                self.put(path, entity);
            }
        }
        self.keys.splice(0..0, before.keys);
        if self.at.is_none() {
            self.at = before.at;
        }
    }

    fn write(self, image: &Image, gone: Option<Place>) -> Wrote {
        let Some((head, totals)) = &self.at else { return Ok((image.head(), gone)) };
        let entities = self.entities.iter().map(|(path, entity)| (path.clone(), Arc::clone(entity)));
        let changes = Changes { entities: entities.collect(), keys: self.keys.clone() };
        match write(image, *head, totals, changes, gone) {
            Ok(written) => Ok(written),
            Err(error) => Err(Box::new((self, error.into()))),
        }
    }
}

/// Writes what changed up to a head, all of it or nothing; of the keys that were let go of, those after `last`. Blocks.
fn write(
    image: &Image,
    head: Head,
    totals: &Totals,
    changes: Changes,
    mut last: Option<Place>,
) -> Result<Written, ImageError> {
    let failed = |error: &dyn ToString| ImageError::Later(error.to_string().into());
    let mut gone: Vec<Kept> = Vec::new();
    loop {
        let some = totals.gone(image.keys(last, GONE).map_err(|error| failed(&error))?);
        last = some.last().map(|kept| (kept.answer.deed, kept.answer.part)).or(last);
        let all = some.len() == GONE;
        gone.extend(some);
        if !all || gone.len() >= WRITE {
            break;
        }
    }
    let more = serde_json::to_vec(totals).map_err(|error| failed(&error))?;
    let at = At { seq: Seq(head.seq), hash: head.hash, more };
    let keys = changes.keys.iter().map(|kept| Kept::clone(kept)).collect();
    image.write(&store::Changes { at, entities: changes.entities, keys, gone_keys: gone })?;
    Ok((Seq(head.seq), last))
}

impl Outside {
    /// Of a workspace that keeps them in that image, if in one, and has so many bytes near.
    pub(super) fn new(image: Option<Image>, near: u64) -> Self {
        Self {
            image,
            near,
            written: Seq(0),
            waiting: Waiting::default(),
            running: None,
            gone: None,
            next: Instant::now(),
            swept: Seq(0),
            cramped: false,
            in_doubt: false,
            doubts: 0,
        }
    }

    /// How many bytes may be near: its share, where many workspaces are open.
    fn near(&self) -> u64 {
        self.image.as_ref().map_or(self.near, |image| self.near.min(image.beside()))
    }

    pub(super) fn image(&self) -> Option<&Image> {
        self.image.as_ref()
    }

    /// This state goes on from here: it is what is on disk. What it has that the image lacks is written.
    pub(super) fn go_on(&mut self, state: &mut State, head: Head) {
        let Some(image) = &self.image else { return };
        self.written = image.head();
        (self.swept, self.gone) = (Seq(0), None);
        state.reach_anew(Arc::new(image.clone()));
        self.waiting = Waiting::default();
        if self.written < Seq(head.seq) {
            self.note(head, state.totals(), state.changes_since(self.written));
        }
    }

    /// While the ledger is read: writes what was changed since that deed where it is too much to be near, and lets go of it. Says
    /// up to where all is written.
    pub(super) async fn put_away(&self, state: &mut State, head: Head, after: Seq) -> Result<Seq, Trouble> {
        let Some(image) = self.image.clone().filter(|_| state.near_bytes() > self.near()) else {
            return Ok(after);
        };
        let (totals, changes) = (state.totals(), state.changes_since(after));
        let writing = tokio::task::spawn_blocking(move || write(&image, head, &totals, changes, None)).await;
        let written = writing.map_err(|error| FarError(error.to_string().into()))?;
        written.map_err(|error| Trouble::Values(error.into()))?;
        state.let_go(Seq(head.seq));
        Ok(Seq(head.seq))
    }

    /// These deeds are on disk, and this is what they have changed.
    pub(super) fn note(&mut self, head: Head, totals: Totals, changes: Changes) {
        if self.image.is_none() {
            return;
        }
        for (path, entity) in changes.entities {
            self.waiting.put(path, entity);
        }
        self.waiting.keys.extend(changes.keys);
        self.waiting.at = Some((head, totals));
    }

    /// Has what waits written where it is time, and lets go of what is there. Waits itself where too much waits.
    pub(super) async fn advance(&mut self, state: &mut State) -> Result<(), FarError> {
        if self.image.is_none() {
            return Ok(());
        }
        let much = self.waiting.has(WAITING, WAITING_BYTES) && !self.cramped;
        if much || self.running.as_ref().is_some_and(JoinHandle::is_finished) {
            let landed = self.landed().await;
            landed.or_else(|error| if much || self.in_doubt { Err(error) } else { Ok(()) })?;
        }
        let is_much = self.waiting.has(WRITE, WRITE_BYTES) && !self.cramped;
        let is_time = is_much || Instant::now() >= self.next;
        if self.running.is_none() && is_time && self.waiting.at.is_some() {
            self.begin();
        }
        if state.near_bytes() > self.near() && self.swept < self.written {
            state.let_go(self.written);
            self.swept = self.written;
        }
        state.rest();
        Ok(())
    }

    fn begin(&mut self) {
        let Some(image) = self.image.clone() else { return };
        if let Err(error) = room::for_cache(image.place(), 0) {
            if !std::mem::replace(&mut self.cramped, true) {
                tracing::warn!(%error, "values are not written to their image until there is room");
            }
            self.next = Instant::now() + REST;
            return;
        }
        self.cramped = false;
        let (waiting, gone) = (std::mem::take(&mut self.waiting), self.gone);
        self.next = Instant::now() + WRITE_GAP;
        self.running = Some(tokio::task::spawn_blocking(move || waiting.write(&image, gone)));
    }

    /// Waits for the write that is under way.
    async fn landed(&mut self) -> Result<(), FarError> {
        let Some(running) = self.running.take() else { return Ok(()) };
        match running.await {
            Ok(Ok(written)) => {
                (self.written, self.gone) = written;
                self.doubts = 0;
                Ok(())
            }
            Ok(Err(failed)) => {
                let (waiting, error) = *failed;
                tracing::warn!(%error, "values could not be written to their image; it is tried again");
                self.waiting.put_below(waiting);
                self.next = Instant::now() + REST;
                Err(error)
            }
            // What it had is lost, so what is there is read again.
            Err(error) => {
                self.in_doubt = true;
                Err(FarError(error.to_string().into()))
            }
        }
    }

    /// Something could not be read or written: nothing is believed of what waits.
    pub(super) fn doubt(&mut self) {
        self.in_doubt = true;
        self.doubts += 1;
    }

    /// How many bytes wait in values.
    #[cfg(test)]
    pub(super) fn waits(&self) -> u64 {
        self.waiting.values
    }

    /// Whether that is so.
    pub(super) fn is_in_doubt(&self) -> bool {
        self.in_doubt
    }

    /// Lets what is under way end, before the state is read again. Says whether the image is to be made anew.
    pub(super) async fn settle(&mut self) -> bool {
        // Whatever came of it, the image says itself up to where it goes.
        self.landed().await.unwrap_or_default();
        self.waiting = Waiting::default();
        self.doubts > 1
    }

    /// The state was read again, and the image is what it was read from.
    pub(super) fn believe(&mut self) {
        self.in_doubt = false;
    }

    /// Writes what waits, at the end.
    pub(super) async fn finish(&mut self) {
        let mut again = self.landed().await.is_ok();
        while again && self.waiting.at.is_some() && !self.cramped {
            self.begin();
            again = self.landed().await.is_ok();
        }
    }
}

/// Why values can't be used.
pub(super) fn failed(state: &State) -> Result<(), Trouble> {
    state.failed().map_or(Ok(()), |error| Err(Trouble::Values(error.clone())))
}
