//! Who did what because of what: the last deeds as links, so that a chain of causes can be walked back without the
//! ledger. Rules about chains live in `decide`.

use imbl::Vector;
use serde::{Deserialize, Serialize};

use crate::domain::deed::Deed;
use crate::domain::ids::{Actor, Seq};
use crate::domain::path::EntityPath;
use crate::domain::time::Time;

/// How many of the last deeds are remembered as links.
pub const LINKS: usize = 16_384;

/// One deed as a link of a chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Who.
    pub actor: Actor,
    /// On what.
    pub subject: Option<EntityPath>,
    /// When.
    #[serde(default)]
    pub at: Time,
    /// Because of which deed.
    pub cause: Option<Seq>,
    /// The work that its author had in hand, where a longer chain leads there than to the cause.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_hand: Option<Seq>,
    /// How many deeds of agents the longest chain has that ends with it, itself counted.
    #[serde(default)]
    pub depth: u32,
}

/// The last deeds; the newest is the head.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Links {
    head: Seq,
    ring: Vector<Link>,
}

impl Links {
    /// Takes in the next deed.
    pub(super) fn add(&mut self, deed: &Deed) {
        let in_hand = deed.decided.as_ref().and_then(|decided| decided.in_hand);
        let before = self.depth(deed.cause).max(self.depth(in_hand));
        self.head = deed.seq;
        let link = Link {
            actor: deed.actor.clone(),
            at: deed.time,
            subject: deed.subject.clone(),
            cause: deed.cause,
            in_hand,
            depth: before.saturating_add(u32::from(deed.actor.agent().is_some())),
        };
        self.ring.push_back(link);
        if self.ring.len() > LINKS {
            self.ring.pop_front();
        }
    }

    /// Moves the instants.
    pub(super) fn change(&mut self, change: impl Fn(&mut Time)) {
        for link in &mut self.ring {
            change(&mut link.at);
        }
    }

    /// The link of a deed, if it is among the last.
    pub fn get(&self, deed: Seq) -> Option<&Link> {
        let back = usize::try_from(self.head.0.checked_sub(deed.0)?).ok()?;
        self.ring.get(self.ring.len().checked_sub(back + 1)?)
    }

    /// How many deeds of agents the longest chain has that ends with this one; none where it is not remembered.
    pub fn depth(&self, deed: Option<Seq>) -> u32 {
        deed.and_then(|deed| self.get(deed)).map_or(0, |link| link.depth)
    }

    /// Of two deeds that another one follows from, the one that the longer chain leads to; else the first.
    pub fn deeper(&self, cause: Option<Seq>, in_hand: Option<Seq>) -> Option<Seq> {
        if self.depth(in_hand) > self.depth(cause) { in_hand } else { cause }
    }

    /// From a deed back along the longest chain that ends with it.
    pub fn longest_to(&self, deed: Seq) -> impl Iterator<Item = (Seq, &Link)> {
        let first = self.get(deed).map(|link| (deed, link));
        std::iter::successors(first, |(at, link)| {
            let before = self.deeper(link.cause, link.in_hand).filter(|before| before < at)?;
            self.get(before).map(|link| (before, link))
        })
    }

    /// From a deed back along its causes, as far as they are remembered. A cause is always an earlier deed, so it ends.
    pub fn back_from(&self, deed: Seq) -> impl Iterator<Item = (Seq, &Link)> {
        let first = self.get(deed).map(|link| (deed, link));
        std::iter::successors(first, |(at, link)| {
            let cause = link.cause.filter(|cause| cause < at)?;
            self.get(cause).map(|link| (cause, link))
        })
    }
}
