//! Who did what because of what: the last deeds as links, so that a chain of causes can be walked back without the
//! ledger. Rules about chains live in `decide`.

use imbl::Vector;
use serde::{Deserialize, Serialize};

use crate::domain::deed::Deed;
use crate::domain::ids::{Actor, Seq};
use crate::domain::path::EntityPath;

/// How many of the last deeds are remembered as links.
pub const LINKS: usize = 16_384;

/// One deed as a link of a chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Who.
    pub actor: Actor,
    /// On what.
    pub subject: Option<EntityPath>,
    /// Because of which deed.
    pub cause: Option<Seq>,
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
        self.head = deed.seq;
        let link = Link { actor: deed.actor.clone(), subject: deed.subject.clone(), cause: deed.cause };
        self.ring.push_back(link);
        if self.ring.len() > LINKS {
            self.ring.pop_front();
        }
    }

    /// The link of a deed, if it is among the last.
    pub fn get(&self, deed: Seq) -> Option<&Link> {
        let back = usize::try_from(self.head.0.checked_sub(deed.0)?).ok()?;
        self.ring.get(self.ring.len().checked_sub(back + 1)?)
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
