//! The same workspace once more, with all values and keys outside memory: it decides the same, and has the same in the end.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, Mutex};

use deeds::domain::command::Request;
use deeds::domain::decide::{Decision, decide};
use deeds::domain::deed::Deed;
use deeds::domain::ids::Seq;
use deeds::domain::path::EntityPath;
use deeds::domain::state::{Changes, Far, FarError, Fingerprint, Kept, State, Totals};
use deeds::domain::things::Entity;
use deeds::domain::time::Time;

type Place = (Seq, Option<u32>);

/// Values and keys in the simplest place that there is.
#[derive(Debug, Clone, Default)]
struct Shelf {
    head: Seq,
    totals: Totals,
    entities: BTreeMap<EntityPath, Arc<Entity>>,
    prints: BTreeMap<[u8; 16], Kept>,
    ages: BTreeMap<Place, Kept>,
}

#[derive(Debug, Clone, Default)]
struct Shelves(Arc<Mutex<Shelf>>);

impl Shelves {
    fn look<T>(&self, look: impl FnOnce(&mut Shelf) -> T) -> T {
        look(&mut self.0.lock().unwrap())
    }

    fn write(&self, head: Seq, totals: Totals, changes: Changes) {
        self.look(|shelf| {
            let gone = totals.gone(shelf.ages.values().cloned().collect());
            shelf.entities.extend(changes.entities);
            for kept in changes.keys {
                let kept = Kept::clone(&kept);
                let print = Fingerprint::of_key(&kept.actor, &kept.key, kept.answer.part);
                shelf.ages.insert((kept.answer.deed, kept.answer.part), kept.clone());
                shelf.prints.insert(print.0, kept);
            }
            for kept in gone {
                shelf.ages.remove(&(kept.answer.deed, kept.answer.part));
                let print = Fingerprint::of_key(&kept.actor, &kept.key, kept.answer.part);
                if shelf.prints.get(&print.0) == Some(&kept) {
                    shelf.prints.remove(&print.0);
                }
            }
            (shelf.head, shelf.totals) = (head, totals);
        });
    }
}

impl Far for Shelves {
    fn head(&self) -> Seq {
        self.look(|shelf| shelf.head)
    }

    fn entity(&self, path: &EntityPath) -> Result<Option<Arc<Entity>>, FarError> {
        Ok(self.look(|shelf| shelf.entities.get(path).cloned()))
    }

    fn entities(
        &self,
        prefix: &str,
        after: Option<&EntityPath>,
        most: usize,
    ) -> Result<Vec<(EntityPath, Arc<Entity>)>, FarError> {
        Ok(self.look(|shelf| {
            let begins = shelf.entities.iter().filter(|(path, _)| path.as_str().starts_with(prefix));
            let rest = begins.filter(|(path, _)| after.is_none_or(|after| *path > after));
            rest.take(most).map(|(path, entity)| (path.clone(), Arc::clone(entity))).collect()
        }))
    }

    fn key(&self, print: &Fingerprint) -> Result<Option<Kept>, FarError> {
        Ok(self.look(|shelf| shelf.prints.get(&print.0).cloned()))
    }

    fn keys(&self, after: Option<Place>, most: usize) -> Result<Vec<Kept>, FarError> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        Ok(self.look(|shelf| {
            shelf.ages.range((from, Bound::Unbounded)).take(most).map(|(_, kept)| kept.clone()).collect()
        }))
    }

    fn pinned(&self) -> Arc<dyn Far> {
        Arc::new(Self(Arc::new(Mutex::new(self.look(|shelf| shelf.clone())))))
    }
}

/// The other workspace.
pub(crate) struct Apart {
    state: State,
    shelves: Shelves,
    /// The deeds that are not outside yet.
    news: Vec<Arc<Deed>>,
    turns: usize,
}

impl Apart {
    /// Of a workspace that has these deeds.
    pub(crate) fn of(deeds: &[Deed]) -> Self {
        let shelves = Shelves::default();
        let mut state = State::new(deeds[0].body.model().unwrap().workspace.clone());
        state.reach(Arc::new(shelves.clone()), Totals::default());
        let mut apart = Self { state, shelves, news: Vec::new(), turns: 0 };
        apart.take(deeds);
        apart
    }

    fn take(&mut self, deeds: &[Deed]) {
        for deed in deeds {
            self.state.fold(deed);
            self.news.push(Arc::new(deed.clone()));
        }
    }

    /// Decides a request for itself, which must be what was decided, and takes it in.
    pub(crate) fn send(&mut self, request: &Request, decision: &Decision, now: Time) {
        let own = decide(&self.state, request, now);
        assert_eq!(own.deeds, decision.deeds, "another decision where values lie outside: {request:?}");
        assert_eq!(own.answer, decision.answer, "another answer where values lie outside: {request:?}");
        self.take(&decision.deeds);
        self.turns += 1;
        // Written now and then; what is near goes at another time.
        if self.turns.is_multiple_of(2) {
            self.write();
        }
        if self.turns.is_multiple_of(3) {
            self.state.let_go(self.shelves.head());
        }
    }

    fn write(&mut self) {
        let (head, changes) = (self.state.head(), self.state.changes(&self.news, self.shelves.head()));
        self.shelves.write(head, self.state.totals(), changes);
        self.news.clear();
    }

    /// It has the same as that one; so has a state that begins with what is outside and takes in the deeds with the board's
    /// behind it or ahead of it.
    pub(crate) fn agrees(&mut self, state: &State, deeds: &[Deed]) {
        assert_eq!(self.state.failed(), None);
        assert!(self.state == *state, "another state where values lie outside");
        let bytes = String::from_utf8(state.to_bytes().unwrap()).unwrap();
        assert_eq!(String::from_utf8(self.state.to_bytes().unwrap()).unwrap(), bytes);
        let head = self.shelves.head();
        for board_at in [Seq(0), Seq(head.0 / 2), Seq(u64::midpoint(head.0, state.head().0)), state.head()] {
            let mut began = State::new(state.board.workspace.clone());
            for deed in deeds.iter().filter(|deed| deed.seq <= board_at) {
                began.catch_up(deed, Seq(0), state.head());
            }
            began.reach(self.shelves.pinned(), self.shelves.look(|shelf| shelf.totals.clone()));
            for deed in deeds {
                began.catch_up(deed, board_at, head);
            }
            began.meet();
            assert!(began == *state, "another state from a board at {board_at} and values at {head}");
            assert_eq!(String::from_utf8(began.to_bytes().unwrap()).unwrap(), bytes);
        }
    }
}
