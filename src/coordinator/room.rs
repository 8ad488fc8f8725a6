//! How many may wait, or watch: a bound for all agents together, a share for each principal, and room of their own for people. Of
//! whom nothing waits is never turned away, however full it is.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::domain::ids::Actor;
use crate::domain::things::TokenClass;

/// In whose room somebody waits, and in whose lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Standing {
    /// Programs, and who only looks.
    Agent,
    /// People who decide, and Deeds itself: they are decided next.
    Person,
}

impl Standing {
    /// Of a class of tokens.
    pub fn of(class: TokenClass) -> Self {
        match class {
            TokenClass::Agent | TokenClass::Watcher | TokenClass::Guard => Self::Agent,
            TokenClass::Reviewer | TokenClass::Admin => Self::Person,
        }
    }
}

/// Why there is no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Full {
    /// The principal has its share.
    Mine,
    /// All are taken, and the principal has one.
    All,
}

/// A number of places.
#[derive(Debug)]
pub struct Room {
    /// For all agents, and as many for all people.
    most: usize,
    /// For each principal.
    share: usize,
    taken: Mutex<HashMap<Standing, Taken>>,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    each: HashMap<Actor, usize>,
}

/// Places that are taken; given back when they are dropped.
#[derive(Debug)]
pub struct Places {
    room: Arc<Room>,
    standing: Standing,
    of: Actor,
    count: usize,
}

impl Room {
    /// With so many places for all agents, as many for all people, and at most that many for each principal.
    pub fn new(most: usize, share: usize) -> Arc<Self> {
        Arc::new(Self { most, share, taken: Mutex::default() })
    }

    /// Takes places for a principal.
    ///
    /// # Errors
    /// When the principal has its share, or nothing is left and something of it waits already.
    pub fn take(room: &Arc<Self>, standing: Standing, of: &Actor, count: usize) -> Result<Places, Full> {
        let mut taken = room.lock();
        let taken = taken.entry(standing).or_default();
        let mine = taken.each.get(of).copied().unwrap_or(0);
        if mine > 0 && mine + count > room.share {
            return Err(Full::Mine);
        }
        if mine > 0 && taken.all + count > room.most {
            return Err(Full::All);
        }
        taken.all += count;
        taken.each.insert(of.clone(), mine + count);
        Ok(Places { room: Arc::clone(room), standing, of: of.clone(), count })
    }

    /// How many are taken.
    pub fn taken(&self) -> usize {
        self.lock().values().map(|taken| taken.all).sum()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Standing, Taken>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Places {
    /// Some of them, to be given back by themselves.
    pub(super) fn split(&mut self, count: usize) -> Self {
        let count = count.min(self.count);
        self.count -= count;
        Self { room: Arc::clone(&self.room), standing: self.standing, of: self.of.clone(), count }
    }
}

impl Drop for Places {
    fn drop(&mut self) {
        let mut taken = self.room.lock();
        let Some(taken) = taken.get_mut(&self.standing) else { return };
        taken.all -= self.count;
        let Some(mine) = taken.each.get_mut(&self.of) else { return };
        *mine -= self.count;
        if *mine == 0 {
            taken.each.remove(&self.of);
        }
    }
}
