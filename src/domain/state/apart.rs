//! Values and idempotency keys apart from the board: what is near at hand, what lies outside memory, and what is known of all
//! of them without looking at each.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::access::Place;
use super::entities::Reach;
use super::moved::Moves;
use super::{Far, FarError, Joined, Kept, State, Volume};
use crate::domain::deed::{Body, Deed};
use crate::domain::ids::{Actor, Seq};
use crate::domain::path::EntityPath;
use crate::domain::things::Entity;

/// What is known of all values and keys at one head; it is kept with them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Totals {
    pub(super) volume: Arc<Volume>,
    /// How many keys are each caller's.
    #[serde(with = "counts")]
    pub(super) of: imbl::OrdMap<Actor, usize>,
    /// The last key that was let go of.
    pub(super) floor: Option<Place>,
    pub(super) moves: Moves,
}

impl Totals {
    /// Of these keys, oldest first, those at the beginning that were let go of.
    pub fn gone(&self, keys: Vec<Kept>) -> Vec<Kept> {
        keys.into_iter().take_while(|kept| Some(kept.place()) <= self.floor).collect()
    }
}

/// A caller is no key of JSON.
mod counts {
    use serde::{Deserialize as _, Deserializer, Serializer};

    use super::Actor;

    type Counts = imbl::OrdMap<Actor, usize>;

    pub(super) fn serialize<S: Serializer>(counts: &Counts, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(counts.iter())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Counts, D::Error> {
        Ok(Vec::<(Actor, usize)>::deserialize(from)?.into_iter().collect())
    }
}

/// Values and keys that deeds have changed, as they left them.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    /// The entities.
    pub entities: Vec<(EntityPath, Arc<Entity>)>,
    /// The keys, oldest first.
    pub keys: Vec<Arc<Kept>>,
}

impl State {
    /// What could not be read outside, if anything: nothing counts then that was decided or worked out on this state since.
    pub fn failed(&self) -> Option<&FarError> {
        self.entities.far().and_then(Reach::failed)
    }

    /// Values and keys lie there, and nothing of them is near.
    pub fn reach(&mut self, far: Arc<dyn Far>, totals: Totals) {
        let reach = Reach::new(far);
        let head = reach.far.head();
        self.entities = super::Entities::default();
        self.entities.reach(reach.clone(), totals.moves.clone());
        self.entities.let_go(head);
        self.access.reach(reach, &totals);
        self.volume = totals.volume;
    }

    /// What is not near lies there from now on, which has all that lay outside before.
    pub fn reach_anew(&mut self, far: Arc<dyn Far>) {
        let reach = Reach::new(far);
        let moves = self.access.moves.clone();
        self.access.far = Some(reach.clone());
        self.entities.reach(reach, moves);
    }

    /// The same, whatever is written outside from now on.
    #[must_use]
    pub fn pinned(&self) -> Self {
        let mut pinned = self.clone();
        if let Some(reach) = self.entities.far() {
            pinned.reach_anew(reach.far.pinned());
        }
        pinned
    }

    /// Whether near and outside are one: what lies outside is not newer than this state, and has all that is not near.
    pub fn fits(&self) -> bool {
        let head = self.entities.far().map(|reach| reach.far.head());
        head.is_none_or(|head| head <= self.head() && self.entities.least() <= head)
    }

    /// Whether some values may lie outside alone.
    pub fn is_far(&self) -> bool {
        self.entities.least() > Seq(0)
    }

    /// What is known of all values and keys.
    pub fn totals(&self) -> Totals {
        let (volume, of) = (Arc::clone(&self.volume), self.access.of.clone());
        Totals { volume, of, floor: self.access.floor, moves: self.access.moves.clone() }
    }

    /// What is known of all values and keys that is not so: `due` has the keys that there are, and all values that this state has
    /// are right.
    pub fn totals_differ(&self, due: &Self) -> Option<&'static str> {
        let (known, due) = (&self.access, &due.access);
        let same = [
            (*self.volume == Volume::of(&self.entities), "how many values there are, and how large"),
            (known.of == due.of, "how many idempotency keys are whose"),
            (known.floor == due.floor, "which idempotency key was let go of last"),
            (known.moves == due.moves, "how times have moved"),
        ];
        same.into_iter().find_map(|(same, what)| (!same).then_some(what))
    }

    /// What these deeds have changed, which are the last that were folded; `after` is the one before them. Nothing is told where
    /// nothing lies outside.
    pub fn changes(&self, deeds: &[Arc<Deed>], after: Seq) -> Changes {
        if self.entities.far().is_none() {
            return Changes::default();
        }
        if deeds.iter().any(|deed| matches!(deed.body, Body::ClockRebased(_))) {
            return self.changes_since(after);
        }
        let mut paths: Vec<&EntityPath> = deeds.iter().filter_map(|deed| deed.subject.as_ref()).collect();
        paths.sort_unstable();
        paths.dedup();
        let near = paths.into_iter().filter_map(|path| Some((path, self.entities.near_one(path)?)));
        let changed = near.filter(|(_, entity)| entity.deed > after);
        let entities = changed.map(|(path, entity)| (path.clone(), Arc::clone(entity))).collect();
        Changes { entities, keys: self.access.since(after) }
    }

    /// What was changed since that deed, of what is near.
    pub fn changes_since(&self, after: Seq) -> Changes {
        let changed = self.entities.near().filter(|(_, entity)| entity.deed > after);
        let entities = changed.map(|(path, entity)| (path.clone(), Arc::clone(entity))).collect();
        Changes { entities, keys: self.access.since(after) }
    }

    /// How much memory the values and keys take that are near, about, in bytes.
    pub fn near_bytes(&self) -> u64 {
        self.entities.near_bytes() + self.access.near_bytes()
    }

    /// What has not changed since that deed lies outside, and need not be near.
    pub fn let_go(&mut self, head: Seq) {
        self.entities.let_go(head);
        self.access.let_go(head);
    }

    /// What was only read need not be kept at hand where it is much.
    pub fn rest(&mut self) {
        self.entities.rest();
    }

    /// Board and values have met at one head: what follows from both is made anew.
    pub fn meet(&mut self) {
        self.joined = Arc::new(Joined::of(&self.board.map, &self.entities, &self.board.items));
    }
}
