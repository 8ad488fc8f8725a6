//! Who may speak: tokens (hashes only) and the answers to idempotency keys.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::entities::Hasher;
use crate::domain::ids::{Actor, AgentId, IdempotencyKey, Seq, TokenId};
use crate::domain::things::{Invitation, TokenClass, TokenRecord};
use crate::domain::time::{Span, Time};

/// How long an idempotency key keeps its answer.
pub const KEY_LIFE: Span = Span::from_hours(24);
/// How long one is remembered: a bound of memory. A rule that asks for longer finds nothing older.
const REMEMBERED: Span = KEY_LIFE;
/// Most idempotency keys kept at once. None goes before its time: beyond it a request with another one is refused.
pub const KEYS: usize = 1_000_000;
/// Most of them that are one caller's.
pub const KEYS_OF_ONE: usize = 250_000;

/// Tokens and keys.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Access {
    /// Every token that was created, ended ones too.
    pub tokens: imbl::OrdMap<TokenId, Arc<TokenRecord>>,
    /// The invitations that were not taken yet; those whose time is over go with the next one.
    pub invitations: imbl::OrdMap<TokenId, Arc<Invitation>>,
    /// Which deed answered each key of each caller. A node of this map is copied for nearly every write: it has small numbers
    /// only, so that copying it is short and counts no references.
    pub(super) keys: imbl::GenericHashMap<Fingerprint, Seq, Hasher, imbl::shared_ptr::DefaultSharedPtr>,
    /// All that is known of each key, oldest first, which is by deed.
    pub(super) ages: imbl::Vector<Arc<Kept>>,
    /// How many are each caller's.
    pub(super) of: imbl::OrdMap<Actor, usize>,
}

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
    ) -> Option<&KeyAnswer> {
        let deed = self.keys.get(&Fingerprint::of_key(actor, key, part))?;
        let place = self.ages.binary_search_by_key(deed, |kept| kept.answer.deed).ok()?;
        let answer = &self.ages.get(place)?.answer;
        (now.since(answer.at) < KEY_LIFE).then_some(answer)
    }

    /// How many keys of this caller are kept.
    pub fn keys_of(&self, actor: &Actor) -> usize {
        self.of.get(actor).copied().unwrap_or_default()
    }

    /// Why no further key of this caller can be kept at that time, in words: `most` are its own whatever others have, and
    /// `floor` are even where the workspace has all that it may.
    pub fn is_full(&self, actor: &Actor, now: Time, (most, floor): (usize, usize)) -> Option<String> {
        let own = self.keys_of(actor);
        let (kept, whose) = match self.ages.len() {
            all if all >= KEYS && own >= floor => (all, "of this workspace"),
            _ if own >= most => (own, "of this caller"),
            _ => return None,
        };
        let oldest = self.ages.front().filter(|oldest| now.since(oldest.answer.at) < KEY_LIFE);
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
        while let Some(oldest) = self.ages.front().cloned() {
            if answer.at.since(oldest.answer.at) < REMEMBERED {
                break;
            }
            let known = Fingerprint::of_key(&oldest.actor, &oldest.key, oldest.answer.part);
            // A key that was used again after its time has another answer by now.
            if self.keys.get(&known) == Some(&oldest.answer.deed) {
                self.keys.remove(&known);
            }
            match self.of.get(&oldest.actor).copied().unwrap_or_default() {
                0 | 1 => self.of.remove(&oldest.actor),
                of => self.of.insert(oldest.actor.clone(), of - 1),
            };
            self.ages.pop_front();
        }
        // With its first part a batch has used the key as a whole.
        if answer.part.is_some() && !self.keys.contains_key(&Fingerprint::of_key(actor, key, None)) {
            self.restore(actor.clone(), key.clone(), KeyAnswer { part: None, ..answer.clone() });
        }
        self.restore(actor.clone(), key.clone(), answer);
    }

    /// Keeps the answer to a key as a snapshot has it. They come oldest first.
    pub fn restore(&mut self, actor: Actor, key: IdempotencyKey, answer: KeyAnswer) {
        self.keys.insert(Fingerprint::of_key(&actor, &key, answer.part), answer.deed);
        *self.of.entry(actor.clone()).or_default() += 1;
        self.ages.push_back(Arc::new(Kept { actor, key, answer }));
    }

    /// What is kept of keys, oldest first.
    pub fn kept(&self) -> impl Iterator<Item = &Kept> {
        self.ages.iter().map(|kept| &**kept)
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
