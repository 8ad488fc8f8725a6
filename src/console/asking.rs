//! Asking the server, the same for whoever asks: what is under way, how a command came out in words, and the deeds that are
//! shown and were not at hand. Who carries it does not live here.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::sync::Arc;

use super::ask::{Told, Trouble, What};
use super::screens::Want;
use super::world::World;
use crate::domain::code::Code;
use crate::domain::deed::Deed;
use crate::domain::ids::Seq;

/// Deeds kept by [`Fetched`]; the one that was asked for longest ago goes first.
const KEPT: usize = 2048;
/// Said where an answer is of another kind than what was asked.
pub const ANOTHER_ANSWER: &str =
    "the server answered something else than was asked; this console may be older than it";

/// Requests under way, each with what its answer will be about.
#[derive(Debug)]
pub struct Asking<S> {
    under_way: BTreeMap<u64, S>,
    last: u64,
}

impl<S> Default for Asking<S> {
    fn default() -> Self {
        Self { under_way: BTreeMap::new(), last: 0 }
    }
}

impl<S> Asking<S> {
    /// The tag of a request, whose answer will be about this.
    pub fn tag(&mut self, about: S) -> u64 {
        self.last += 1;
        self.under_way.insert(self.last, about);
        self.last
    }

    /// A screen's request.
    pub fn ask(&mut self, about: S, what: What) -> Want {
        Want::Ask { tag: self.tag(about), what }
    }

    /// What an answer is about that is not the last to this request.
    pub fn about(&self, tag: u64) -> Option<&S> {
        self.under_way.get(&tag)
    }

    /// What an answer is about; none where nobody waits for it any more.
    pub fn answered(&mut self, tag: u64) -> Option<S> {
        self.under_way.remove(&tag)
    }

    /// Whether such a request is under way.
    pub fn any(&self, test: impl FnMut(&S) -> bool) -> bool {
        self.under_way.values().any(test)
    }

    /// Nobody waits for answers to such requests any more.
    pub fn forget(&mut self, mut test: impl FnMut(&S) -> bool) {
        self.under_way.retain(|_, about| !test(about));
    }

    /// For a new start: nobody waits for anything, and a late answer finds nobody else in its place.
    #[must_use]
    pub fn anew(&self) -> Self {
        Self { last: self.last, ..Self::default() }
    }
}

/// Why a command was not done, or may not have been.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undone {
    /// The rule's code, where a rule refused it.
    pub code: Option<Code>,
    /// What happened.
    pub why: String,
    /// What can be done.
    pub next: Option<String>,
}

impl fmt::Display for Undone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)?;
        self.next.iter().try_for_each(|next| write!(f, "; {next}"))
    }
}

/// How a command came out.
///
/// # Errors
/// Why it was not done.
pub fn came_out(result: Result<Told, Trouble>) -> Result<(), Undone> {
    match result {
        Ok(Told::Reply(reply)) if reply.is_done() => Ok(()),
        Ok(Told::Reply(reply)) => {
            let why = reply.message.as_deref().unwrap_or("it was refused").to_owned();
            Err(Undone { code: reply.code, why, next: reply.next.as_deref().map(str::to_owned) })
        }
        Ok(_) => {
            let why = "no answer came; look whether it was done".to_owned();
            Err(Undone { code: None, why, next: None })
        }
        Err(Trouble { what, next }) => Err(Undone { code: None, why: what, next: Some(next) }),
    }
}

/// Deeds that are shown and did not come by lately: each asked for once, and kept while there is room.
#[derive(Debug, Default)]
pub struct Fetched {
    /// None for one that has not come.
    deeds: BTreeMap<Seq, Option<Arc<Deed>>>,
    /// In the order in which they were asked for.
    order: VecDeque<Seq>,
}

impl Fetched {
    /// A deed, if it is at hand.
    pub fn find<'a>(&'a self, world: &'a World, seq: Seq) -> Option<&'a Arc<Deed>> {
        world.recent_deed(seq).or_else(|| self.deeds.get(&seq)?.as_ref())
    }

    /// The request for those that are not at hand and were not asked for.
    pub fn missing(&mut self, world: &World, seqs: impl IntoIterator<Item = Seq>) -> Option<What> {
        let known = |seq: &Seq| world.recent_deed(*seq).is_some() || self.deeds.contains_key(seq);
        let missing: BTreeSet<Seq> = seqs.into_iter().filter(|seq| !known(seq)).take(KEPT).collect();
        for seq in &missing {
            self.deeds.insert(*seq, None);
            self.order.push_back(*seq);
        }
        while self.order.len() > KEPT {
            let oldest = self.order.pop_front();
            oldest.and_then(|oldest| self.deeds.remove(&oldest));
        }
        (!missing.is_empty()).then(|| What::Deeds(missing.into_iter().collect()))
    }

    /// Takes those that came.
    pub fn take(&mut self, deeds: Vec<Arc<Deed>>) {
        for deed in deeds {
            if let Some(place) = self.deeds.get_mut(&deed.seq) {
                *place = Some(deed);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::testing::by_keys::me;
    use crate::domain::ids::WorkspaceId;
    use crate::domain::things::TokenClass;

    #[test]
    fn an_answer_that_nobody_waits_for_is_nobodys() {
        let mut asking = Asking::default();
        let (first, second) = (asking.tag("a"), asking.tag("b"));
        asking.forget(|about| *about == "a");
        assert_eq!(
            (asking.answered(first), asking.answered(second), asking.answered(second)),
            (None, Some("b"), None)
        );
        let mut anew = asking.anew();
        assert!(anew.tag("c") > second);
    }

    #[test]
    fn deeds_are_asked_for_once_and_what_is_remembered_is_bounded() {
        let world = World::new(WorkspaceId::new("tallyfern").unwrap(), me("dana", TokenClass::Admin));
        let mut fetched = Fetched::default();
        let ask = |fetched: &mut Fetched, seq| fetched.missing(&world, [Seq(seq)]).is_some();
        assert!(ask(&mut fetched, 7) && !ask(&mut fetched, 7));
        for seq in 100..100 + KEPT as u64 {
            assert!(ask(&mut fetched, seq));
        }
        assert_eq!((fetched.deeds.len(), fetched.order.len()), (KEPT, KEPT));
        assert!(ask(&mut fetched, 7), "the one asked for longest ago was forgotten");
    }
}
