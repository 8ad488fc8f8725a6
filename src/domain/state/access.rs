//! Who may speak: tokens (hashes only) and the answers to idempotency keys.

use std::cmp::Ordering;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::apart::Totals;
use super::entities::{Hasher, Reach};
use super::far::FarError;
use super::moved::Moves;
use crate::domain::ids::{Actor, AgentId, IdempotencyKey, Seq, TokenId};
use crate::domain::things::{Invitation, TokenClass, TokenRecord};
use crate::domain::time::{Span, Time};

/// How long an idempotency key keeps its answer.
pub const KEY_LIFE: Span = Span::from_hours(24);
/// How long one is remembered: a bound of memory. A rule that asks for longer finds nothing older.
const REMEMBERED: Span = KEY_LIFE;

/// How many idempotency keys may be kept for a caller. None goes before its time: beyond that a request with another one is
/// refused.
#[derive(Debug, Clone, Copy)]
pub struct KeysBound {
    /// Its own at most, whatever others have.
    pub own: u64,
    /// So many of its own even where the workspace has all that it may.
    pub floor: u64,
    /// Of all callers.
    pub all: u64,
}

/// Tokens and keys.
#[derive(Debug, Clone, Default)]
pub struct Access {
    /// Every token that was created, ended ones too.
    pub tokens: imbl::OrdMap<TokenId, Arc<TokenRecord>>,
    /// The invitations that were not taken yet; those whose time is over go with the next one.
    pub invitations: imbl::OrdMap<TokenId, Arc<Invitation>>,
    /// Which deed answered each key of each caller, of those that are near at hand. A node of this map is copied for nearly every write: it has small numbers
    /// only, so that copying it is short and counts no references.
    keys: imbl::GenericHashMap<Fingerprint, Seq, Hasher, imbl::shared_ptr::DefaultSharedPtr>,
    /// All that is known of those, oldest first, which is by deed. What lies outside is older. Times are as they were recorded.
    ages: imbl::Vector<Arc<Kept>>,
    /// How many are each caller's.
    pub(super) of: imbl::OrdMap<Actor, usize>,
    /// How many there are in all.
    all: usize,
    /// The last one that was let go of while it lay outside.
    pub(super) floor: Option<Place>,
    /// The oldest that lie outside, some of them.
    old: imbl::Vector<Arc<Kept>>,
    pub(super) far: Option<Reach>,
    /// How times have moved.
    pub(super) moves: Moves,
}

/// Where a key is among all by age: by the deed that answered, the request as a whole before its parts.
pub(super) type Place = (Seq, Option<u32>);

/// So many of the keys outside are read at once.
const PAGE: usize = 256;
/// What a key takes in memory, about, in bytes.
const KEY_BYTES: u64 = 370;

impl Access {
    /// An invitation that may still be taken.
    pub fn invitation(&self, id: &TokenId, now: Time) -> Option<&Arc<Invitation>> {
        self.invitations.get(id).filter(|invitation| now < invitation.until)
    }

    /// Keeps an invitation, and lets go of those whose time is over.
    pub(super) fn invite(&mut self, invitation: Invitation, now: Time) {
        let over = |(id, one): (&TokenId, &Arc<Invitation>)| (one.until <= now).then(|| id.clone());
        let over: Vec<TokenId> = self.invitations.iter().filter_map(over).collect();
        for id in over {
            self.invitations.remove(&id);
        }
        self.invitations.insert(invitation.id.clone(), Arc::new(invitation));
    }

    /// What this caller's key was answered, while it is kept: the whole request, or one part of a batch.
    pub fn answered(
        &self,
        actor: &Actor,
        key: &IdempotencyKey,
        part: Option<u32>,
        now: Time,
    ) -> Option<KeyAnswer> {
        let print = Fingerprint::of_key(actor, key, part);
        let answer = match self.keys.get(&print) {
            Some(deed) => {
                let place = self.ages.binary_search_by_key(&(*deed, part), |kept| kept.place()).ok()?;
                self.ages.get(place)?.answer.clone()
            }
            None => self.outside(&print)?.answer,
        };
        let answer = KeyAnswer { at: self.moves.at(answer.deed, answer.at), ..answer };
        (now.since(answer.at) < KEY_LIFE).then_some(answer)
    }

    /// What lies outside of a key and was not let go of.
    fn outside(&self, print: &Fingerprint) -> Option<Kept> {
        let reach = self.far.as_ref().filter(|_| self.are_outside())?;
        reach.heard(reach.far.key(print)).filter(|kept| self.floor < Some(kept.place()))
    }

    /// How many keys of this caller are kept.
    pub fn keys_of(&self, actor: &Actor) -> usize {
        self.of.get(actor).copied().unwrap_or_default()
    }

    /// Why no further key of this caller can be kept at that time, in words.
    pub fn is_full(&self, actor: &Actor, now: Time, bound: KeysBound) -> Option<String> {
        let (own, all) = (self.keys_of(actor) as u64, self.all as u64);
        let (kept, whose) = match own {
            own if all >= bound.all && own >= bound.floor => (all, "of this workspace"),
            own if own >= bound.own => (own, "of this caller"),
            _ => return None,
        };
        let oldest = self.front().map(|oldest| Kept::clone(oldest)).or_else(|| self.older(1).pop());
        let oldest = oldest.filter(|oldest| now.since(self.time_of(oldest)) < KEY_LIFE);
        oldest.map(|_| format!("{kept} idempotency keys {whose} are kept for a day; send none, or wait"))
    }

    /// When a person took away what let this agent in; none where it has a live token, or none was ever revoked. A token that
    /// ran out by itself shuts nobody out.
    pub fn shut_out(&self, agent: &AgentId, now: Time) -> Option<Time> {
        let own = |record: &&Arc<TokenRecord>| {
            record.token.class == TokenClass::Agent && *record.token.name == *agent.as_str()
        };
        let mut revoked = None;
        for record in self.tokens.values().filter(own) {
            if record.is_live(now) {
                return None;
            }
            revoked = revoked.max(record.revoked);
        }
        revoked
    }

    /// Keeps the answer to a key, and lets go of those that are too old.
    pub(super) fn remember(&mut self, actor: &Actor, key: &IdempotencyKey, answer: KeyAnswer) {
        while let Some(oldest) = self.oldest() {
            if answer.at.since(self.time_of(&oldest)) < REMEMBERED {
                break;
            }
            match self.of.get(&oldest.actor).copied().unwrap_or_default() {
                0 | 1 => self.of.remove(&oldest.actor),
                of => self.of.insert(oldest.actor.clone(), of - 1),
            };
            if self.are_outside() {
                self.old.pop_front();
            } else {
                self.forget_first();
            }
            self.floor = Some(oldest.place());
            self.all = self.all.saturating_sub(1);
        }
        // With its first part a batch has used the key as a whole.
        let whole = Fingerprint::of_key(actor, key, None);
        if answer.part.is_some() && !self.keys.contains_key(&whole) && self.outside(&whole).is_none() {
            self.restore(actor.clone(), key.clone(), KeyAnswer { part: None, ..answer.clone() });
        }
        self.restore(actor.clone(), key.clone(), answer);
    }

    /// Keeps the answer to a key as a snapshot has it. They come oldest first.
    pub fn restore(&mut self, actor: Actor, key: IdempotencyKey, answer: KeyAnswer) {
        self.keys.insert(Fingerprint::of_key(&actor, &key, answer.part), answer.deed);
        *self.of.entry(actor.clone()).or_default() += 1;
        self.ages.push_back(Arc::new(Kept { actor, key, answer }));
        self.all += 1;
    }

    /// What is kept of keys, oldest first.
    pub fn kept(&self) -> impl Iterator<Item = Kept> + '_ {
        let mut outside = Vec::new().into_iter();
        let mut after = self.floor;
        let mut more = self.are_outside();
        let outside = std::iter::from_fn(move || {
            let next: Option<Kept> = outside.next().or_else(|| {
                let page = if std::mem::take(&mut more) { self.older_than(after, PAGE) } else { Vec::new() };
                more = page.len() == PAGE;
                outside = page.into_iter();
                outside.next()
            });
            after = next.as_ref().map(Kept::place).or(after);
            next
        });
        let moved = |kept: Kept| {
            let at = self.time_of(&kept);
            Kept { answer: KeyAnswer { at, ..kept.answer }, ..kept }
        };
        outside.chain(self.ages.iter().map(|kept| Kept::clone(kept))).map(moved)
    }

    fn time_of(&self, kept: &Kept) -> Time {
        self.moves.at(kept.answer.deed, kept.answer.at)
    }

    /// Is any of them not near at hand?
    fn are_outside(&self) -> bool {
        self.all > self.ages.len()
    }

    fn front(&self) -> Option<&Arc<Kept>> {
        if self.are_outside() { self.old.front() } else { self.ages.front() }
    }

    fn oldest(&mut self) -> Option<Arc<Kept>> {
        if self.are_outside() && self.old.is_empty() {
            self.old = self.older(PAGE).into_iter().map(Arc::new).collect();
            if let Some(reach) = self.far.as_ref().filter(|_| self.old.is_empty()) {
                reach.heard::<()>(Err(FarError("idempotency keys are missing in it".into())));
            }
        }
        self.front().cloned()
    }

    /// The oldest that lie outside; that they are there is known.
    fn older(&self, most: usize) -> Vec<Kept> {
        self.older_than(self.floor, most)
    }

    fn older_than(&self, after: Option<Place>, most: usize) -> Vec<Kept> {
        let Some(reach) = &self.far else { return Vec::new() };
        let mut page = reach.heard(reach.far.keys(after, most));
        let near = self.ages.front().map(|kept| kept.place());
        page.retain(|kept| near.is_none_or(|near| kept.place() < near));
        page
    }

    /// Those of later deeds, oldest first.
    pub(super) fn since(&self, after: Seq) -> Vec<Arc<Kept>> {
        let is_later = |kept: &Arc<Kept>| {
            if kept.answer.deed > after { Ordering::Greater } else { Ordering::Less }
        };
        let first = self.ages.binary_search_by(is_later);
        self.ages.skip(first.unwrap_or_else(|first| first)).into_iter().collect()
    }

    /// What those take in memory that are near, about, in bytes.
    pub(super) fn near_bytes(&self) -> u64 {
        self.ages.len() as u64 * KEY_BYTES
    }

    /// The others lie outside.
    pub(super) fn reach(&mut self, far: Reach, totals: &Totals) {
        (self.keys, self.ages, self.old) = Default::default();
        self.all = totals.of.values().sum();
        (self.of, self.floor, self.moves) = (totals.of.clone(), totals.floor, totals.moves.clone());
        self.far = Some(far);
    }

    /// What is outside up to that deed need not be near.
    pub(super) fn let_go(&mut self, head: Seq) {
        if self.far.is_none() {
            return;
        }
        while self.ages.front().is_some_and(|first| first.answer.deed <= head) {
            self.forget_first();
        }
    }

    fn forget_first(&mut self) {
        let Some(first) = self.ages.pop_front() else { return };
        let known = Fingerprint::of_key(&first.actor, &first.key, first.answer.part);
        // A key that was used again after its time has another answer by now.
        if self.keys.get(&known) == Some(&first.answer.deed) {
            self.keys.remove(&known);
        }
    }
}

/// Equal where the same is kept, wherever it lies.
impl PartialEq for Access {
    fn eq(&self, other: &Self) -> bool {
        (&self.tokens, &self.invitations, &self.of) == (&other.tokens, &other.invitations, &other.of)
            && self.kept().eq(other.kept())
    }
}

/// The first half of a SHA-256, by which keys are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint(pub [u8; 16]);

impl Fingerprint {
    /// Neither a name nor a key has a NUL, so that no two of them run together, and no key is the part of another.
    pub fn of_key(actor: &Actor, key: &IdempotencyKey, part: Option<u32>) -> Self {
        let class: &[u8] = match actor {
            Actor::Agent(_) => b"agent\0",
            Actor::Person(_) => b"person\0",
            Actor::Deeds => b"deeds\0",
        };
        let mut hasher = Sha256::new();
        for text in [class, actor.name().as_bytes(), b"\0", key.as_str().as_bytes()] {
            hasher.update(text);
        }
        if let Some(part) = part {
            hasher.update(b"\0");
            hasher.update(part.to_be_bytes());
        }
        let whole: [u8; 32] = hasher.finalize().into();
        Self(whole.first_chunk().copied().unwrap_or_default())
    }
}

/// A caller's key with its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// Whose.
    pub actor: Actor,
    /// The key.
    pub key: IdempotencyKey,
    /// The answer.
    pub answer: KeyAnswer,
}

impl Kept {
    /// Where it is among all by age.
    pub(super) fn place(&self) -> Place {
        (self.answer.deed, self.answer.part)
    }
}

/// What a key was answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyAnswer {
    /// The deed that records the answer.
    pub deed: Seq,
    /// When.
    pub at: Time,
    /// The digest of what was asked.
    pub digest: Arc<str>,
    /// Of which part of a batch; none where it was the whole request, or the key of a batch as such.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<u32>,
}
