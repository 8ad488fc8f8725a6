//! An image of values held against a replay of its ledger from nothing: every entity and every idempotency key, in both directions.
//!
//! The ledger is read as often as the replayed values need to be few at a time: a part of all entities in each turn. Keys are
//! compared in the first one; of them there are never many.

use std::fmt::Display;
use std::hash::BuildHasher as _;
use std::sync::Arc;

use super::held;
use crate::domain::deed::{Body, Deed};
use crate::domain::ids::{Seq, WorkspaceId};
use crate::domain::path::EntityPath;
use crate::domain::state::{Far as _, Hasher, Kept, State, Totals};
use crate::domain::things::Entity;
use crate::ledger::{Head, Record};
use crate::store::Image;

/// What the values of one turn take in memory at most, about, in bytes.
const AT_ONCE: u64 = 256 * 1_024 * 1_024;
/// So many differences are told; the others are counted.
const TOLD: usize = 8;

/// An image that is being held against its ledger.
pub struct Proof {
    workspace: WorkspaceId,
    /// Up to where the image has everything.
    at: Head,
    /// What the image says.
    said: State,
    /// What the ledger says, of the part whose turn it is.
    due: State,
    /// Up to where that was read.
    reached: Seq,
    part: Part,
    /// The parts whose turn is still to come.
    parts: Vec<Part>,
    /// What the values of a turn may take.
    at_once: u64,
    agreed: u64,
    faults: Faults,
}

/// What is wrong, a sentence each.
#[derive(Debug, Default)]
struct Faults {
    count: u64,
    /// The first ones.
    told: Vec<String>,
}

impl Faults {
    fn note(&mut self, fault: impl FnOnce() -> String) {
        self.count += 1;
        if self.told.len() < TOLD {
            self.told.push(fault());
        }
    }
}

/// Those entities whose hash has that rest.
#[derive(Debug, Clone, Copy)]
struct Part {
    of: u64,
    rest: u64,
}

impl Part {
    const ALL: Self = Self { of: 1, rest: 0 };

    fn has(self, path: &EntityPath) -> bool {
        Hasher::default().hash_one(path) % self.of == self.rest
    }

    /// Both halves of it.
    fn halves(self) -> [Self; 2] {
        let of = self.of * 2;
        [Self { of, rest: self.rest }, Self { of, rest: self.rest + self.of }]
    }
}

impl Proof {
    /// Of the image of a workspace; none where nothing was written to it yet.
    ///
    /// # Errors
    /// In words, where it can't be read.
    pub fn of(image: &Image, workspace: &WorkspaceId) -> Result<Option<Self>, String> {
        Ok(said(image, workspace)?.map(|(at, said)| Self {
            workspace: workspace.clone(),
            at,
            said,
            due: State::new(workspace.clone()),
            reached: Seq(0),
            part: Part::ALL,
            parts: Vec::new(),
            at_once: AT_ONCE,
            agreed: 0,
            faults: Faults::default(),
        }))
    }

    /// With less in memory at once, in bytes.
    #[must_use]
    pub fn within(self, at_once: u64) -> Self {
        Self { at_once, ..self }
    }

    /// The last deed that is in the image.
    pub fn head(&self) -> Seq {
        Seq(self.at.seq)
    }

    /// How many entities are what the ledger says.
    pub fn agreed(&self) -> u64 {
        self.agreed
    }

    /// What is not, a sentence each; of many the first ones.
    pub fn faults(&self) -> impl Iterator<Item = String> {
        let more = self.faults.count.saturating_sub(self.faults.told.len() as u64);
        let more = (more > 0).then(|| format!("and {more} more at least"));
        self.faults.told.iter().cloned().chain(more)
    }

    /// Takes in the next deed of the ledger, in each turn from the first one on; what comes after the image's head is passed over.
    pub fn take(&mut self, head: Head, deed: &Deed) {
        if head.seq > self.at.seq {
            return;
        }
        self.reached = Seq(head.seq);
        if self.is_first() {
            self.due.remember_key(deed);
            if head.seq == self.at.seq && head != self.at {
                let why = || format!("it is of another deed {} than the ledger has there", head.seq);
                self.faults.note(why);
            }
        }
        let is_one = deed.subject.as_ref().is_some_and(|path| self.part.has(path));
        if is_one || matches!(deed.body, Body::ClockRebased(_)) {
            self.due.fold_entity(deed);
        }
        while self.due.entities.near_bytes() > self.at_once && self.due.entities.iter().nth(1).is_some() {
            let [part, later] = self.part.halves();
            self.part = part;
            self.parts.push(later);
            let all = std::mem::take(&mut self.due.entities);
            self.due.entities = all.iter().filter(|(path, _)| part.has(path)).collect();
        }
    }

    /// The ledger was read to its end. Says whether it is to be read once more, for another part.
    pub fn again(&mut self) -> bool {
        if self.reached < self.head() {
            let why = || format!("it has seen deed {}, and the ledger ends at {}", self.at.seq, self.reached);
            self.faults.note(why);
            return false;
        }
        if self.is_first() {
            self.compare_keys();
        }
        self.compare_entities();
        if let Some(error) = self.said.failed() {
            // What was found different on the way may be for that alone.
            self.faults = Faults::default();
            self.faults.note(|| error.to_string());
            return false;
        }
        let Some(part) = self.parts.pop().filter(|_| self.faults.told.len() < TOLD) else { return false };
        self.part = part;
        (self.due, self.reached) = (State::new(self.workspace.clone()), Seq(0));
        true
    }

    /// The first turn is that of the rest that is nought.
    fn is_first(&self) -> bool {
        self.part.rest == 0
    }

    fn compare_entities(&mut self) {
        let (part, mut found) = (self.part, 0);
        for (path, entity) in self.said.entities.iter().filter(|(path, _)| part.has(path)) {
            let due = self.due.entities.get(&path);
            found += usize::from(due.is_some());
            if due == Some(&entity) {
                self.agreed += 1;
            } else {
                self.faults.note(|| differs(&path, Some(&entity), due.map(Arc::as_ref)));
            }
        }
        if found == self.due.entities.iter().count() {
            return;
        }
        for (path, due) in self.due.entities.iter() {
            if !self.said.entities.contains_key(&path) {
                self.faults.note(|| differs(&path, None, Some(&due)));
            }
        }
    }

    fn compare_keys(&mut self) {
        let (mut said, mut due) = (self.said.access.kept(), self.due.access.kept());
        let other = loop {
            match (said.next(), due.next()) {
                (None, None) => break None,
                (said, due) if said == due => {}
                (said, due) => break Some((said, due)),
            }
        };
        let other = other.map(|(said, due)| key_differs(said.as_ref(), due.as_ref()));
        let asked = || {
            let mut kept = self.due.access.kept();
            let other = kept.find(|Kept { actor, key, answer }| {
                let of = |state: &State| state.access.answered(actor, key, answer.part, answer.at);
                of(&self.said) != of(&self.due)
            });
            other.map(|kept| format!("{} has another answer in it than in the ledger", key_of(&kept)))
        };
        let totals = || {
            let what = self.said.totals_differ(&self.due)?;
            Some(format!("it says something else of {what} than the ledger"))
        };
        if let Some(fault) = other.or_else(asked).or_else(totals) {
            self.faults.note(|| fault);
        }
    }
}

/// What an image says, and up to where; none where nothing was written to it.
fn said(image: &Image, workspace: &WorkspaceId) -> Result<Option<(Head, State)>, String> {
    let words = |error: &dyn Display| error.to_string();
    let pinned = image.pinned();
    let at = image.at().map_err(|error| words(&error))?;
    let Some(at) = at else { return image.doubt().map_or(Ok(None), |why| Err(why.to_string())) };
    let totals = serde_json::from_slice::<Totals>(&at.more).map_err(|error| words(&error))?;
    let mut said = State::new(workspace.clone());
    said.reach(pinned, totals);
    Ok(Some((Head { seq: at.seq.0, hash: at.hash }, said)))
}

/// Holds an image against some of its ledger's deeds: that of its head, and the last ones before it. What it says up to where it goes;
/// none where nothing was written to it.
///
/// # Errors
/// In words, what of it is not so.
pub fn hold_last(image: &Image, workspace: &WorkspaceId, last: &[Record]) -> Result<Option<Seq>, String> {
    let Some((at, said)) = said(image, workspace)? else { return Ok(None) };
    let from = at.seq.saturating_sub(held::LAST);
    let last: Vec<Record> =
        last.iter().filter(|one| (from + 1..=at.seq).contains(&one.seq)).cloned().collect();
    if last.last().map(Record::head) != Some(at) {
        return Err(format!("it is of a deed {} that the ledger does not have", at.seq));
    }
    held::values_differ(&said, workspace.clone(), &last).map_or(Ok(Some(Seq(at.seq))), Err)
}

/// What one entity is in the image and by the ledger.
fn differs(path: &EntityPath, said: Option<&Entity>, due: Option<&Entity>) -> String {
    let field = match (said, due) {
        (Some(said), Some(due)) => {
            let other = said.fields.iter().find(|(name, field)| due.field(name) != Some(field));
            other.map(|(name, _)| format!(", another `{name}`"))
        }
        (Some(_) | None, None) | (None, Some(_)) => None,
    };
    let (said, due, field) = (head_of(said), head_of(due), field.unwrap_or_default());
    format!("{path}: the image has {said}, the ledger {due}{field}")
}

fn head_of(entity: Option<&Entity>) -> String {
    let Some(entity) = entity else { return "none".to_owned() };
    let by = entity.recent.last().map(|touch| format!(" by {}", touch.actor));
    format!("version {} of deed {}{}", entity.version, entity.deed, by.unwrap_or_default())
}

fn key_differs(said: Option<&Kept>, due: Option<&Kept>) -> String {
    let of = |kept: Option<&Kept>| kept.map_or_else(|| "no other key".to_owned(), key_of);
    format!("of the idempotency keys by age the image has {}, the ledger {}", of(said), of(due))
}

fn key_of(Kept { actor, key, answer }: &Kept) -> String {
    format!("{key} of {actor}, answered by deed {}", answer.deed)
}
