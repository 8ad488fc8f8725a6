//! Lists in their order, kept from one look to the next: what has changed since is put in its place, and nothing else is looked
//! at. A copy costs nothing, so that each moment that is read page by page has its own.

use std::collections::BTreeSet;
use std::sync::Arc;

use imbl::ordmap::DiffItem;
use imbl::{OrdMap, OrdSet};

use super::order::{Rank, rank};
use crate::domain::ids::{AgentId, AlertNo, ItemNo, MapVersion, PersonId, Seq};
use crate::domain::state::Board;
use crate::domain::things::{Alert, Item};
use crate::domain::time::Time;

/// Things by their ranks.
#[derive(Debug, Clone)]
struct Ranked<N: Ord, R: Ord> {
    /// The rank of each, and when it may be another although nothing happens.
    known: OrdMap<N, (R, Option<Time>)>,
    rows: OrdSet<(R, N)>,
    turns: OrdSet<(Time, N)>,
}

impl<N: Ord, R: Ord> Default for Ranked<N, R> {
    fn default() -> Self {
        Self { known: OrdMap::new(), rows: OrdSet::new(), turns: OrdSet::new() }
    }
}

impl<N: Ord + Clone, R: Ord + Clone> Ranked<N, R> {
    /// Puts one where it belongs; without a rank it is in no list.
    fn put(&mut self, no: &N, rank: Option<(R, Option<Time>)>) {
        if let Some((rank, turn)) = self.known.remove(no) {
            self.rows.remove(&(rank, no.clone()));
            turn.map(|at| self.turns.remove(&(at, no.clone())));
        }
        if let Some((rank, turn)) = rank {
            self.known.insert(no.clone(), (rank.clone(), turn));
            self.rows.insert((rank, no.clone()));
            turn.map(|at| self.turns.insert((at, no.clone())));
        }
    }

    /// Those whose rank may be another by then.
    fn turned(&self, now: Time) -> impl Iterator<Item = &N> {
        self.turns.iter().take_while(move |(at, _)| *at <= now).map(|(_, no)| no)
    }

    fn rows(&self) -> impl Iterator<Item = &N> {
        self.rows.iter().map(|(_, no)| no)
    }
}

/// What is different: its number, as it was, as it is.
fn parts<'a, N, T>(item: &DiffItem<'a, 'a, N, T>) -> (&'a N, Option<&'a T>, Option<&'a T>) {
    match *item {
        DiffItem::Add(no, new) => (no, None, Some(new)),
        DiffItem::Update { old: (_, old), new: (no, new) } => (no, Some(old), Some(new)),
        DiffItem::Remove(no, old) => (no, Some(old), None),
    }
}

/// Whose list of items it is: a person's has their order, an agent's what it raised.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Whose {
    /// The person who answers.
    pub person: Option<PersonId>,
    /// The agent that asks.
    pub agent: Option<AgentId>,
}

/// The open items in the order in which somebody has them (RULES §12.2).
#[derive(Debug, Clone, Default)]
pub struct OrderedItems {
    map: MapVersion,
    head: Seq,
    now: Time,
    items: OrdMap<ItemNo, Arc<Item>>,
    alerts: OrdMap<AlertNo, Arc<Alert>>,
    /// The items that end with each alert.
    of_alert: OrdSet<(AlertNo, ItemNo)>,
    ranked: Ranked<ItemNo, (Option<Rank>, Time)>,
}

impl OrderedItems {
    /// Their numbers, the first one first.
    pub fn rows(&self) -> impl Iterator<Item = &ItemNo> {
        self.ranked.rows()
    }

    /// Brings it up to a later moment; another map, or an earlier moment, begins it anew. Says how many items were looked at.
    pub fn follow(&mut self, board: &Board, whose: &Whose, now: Time) -> usize {
        if board.map_version != self.map || board.head < self.head || now < self.now {
            *self = Self { map: board.map_version, ..Self::default() };
        }
        let mut again: BTreeSet<ItemNo> = self.ranked.turned(now).copied().collect();
        for (no, old, new) in self.items.diff(&board.items).map(|item| parts(&item)) {
            let alert = |item: &Arc<Item>| item.case.alert().map(|alert| (alert, *no));
            old.and_then(alert).map(|of| self.of_alert.remove(&of));
            new.and_then(alert).map(|of| self.of_alert.insert(of));
            again.insert(*no);
        }
        for (alert, _, _) in self.alerts.diff(&board.alerts).map(|item| parts(&item)) {
            let theirs = self.of_alert.range((*alert, ItemNo(0))..=(*alert, ItemNo(u64::MAX)));
            again.extend(theirs.map(|(_, no)| *no));
        }
        for no in &again {
            let own = |item: &&Arc<Item>| {
                whose.agent.as_ref().is_none_or(|agent| item.raised_by.agent() == Some(agent))
            };
            let item = board.items.get(no).filter(own);
            self.ranked.put(no, item.map(|item| Self::place(board, item, whose, now)));
        }
        (self.head, self.now) = (board.head, now);
        (self.items, self.alerts) = (board.items.clone(), board.alerts.clone());
        again.len()
    }

    fn place(board: &Board, item: &Item, whose: &Whose, now: Time) -> ((Option<Rank>, Time), Option<Time>) {
        let rank = whose.person.as_ref().map(|person| rank(board, item, person, now));
        let turn = [item.warn_at, item.due].into_iter().filter(|at| *at > now).min();
        let turn = turn.filter(|_| rank.is_some());
        ((rank, item.due), turn)
    }
}

/// Things in an order that only they themselves say.
#[derive(Debug, Clone)]
pub struct Ordered<N: Ord, T, R: Ord> {
    source: OrdMap<N, Arc<T>>,
    ranked: Ranked<N, R>,
}

impl<N: Ord, T, R: Ord> Default for Ordered<N, T, R> {
    fn default() -> Self {
        Self { source: OrdMap::new(), ranked: Ranked::default() }
    }
}

impl<N: Ord + Clone, T: PartialEq, R: Ord + Clone> Ordered<N, T, R> {
    /// Their keys, the first one first.
    pub fn rows(&self) -> impl Iterator<Item = &N> {
        self.ranked.rows()
    }

    /// Brings it to what there is. Says how many were looked at.
    pub fn follow(&mut self, source: &OrdMap<N, Arc<T>>, rank: impl Fn(&T) -> R) -> usize {
        let mut looked = 0;
        for (no, _, new) in self.source.diff(source).map(|item| parts(&item)) {
            self.ranked.put(no, new.map(|one| (rank(one), None)));
            looked += 1;
        }
        self.source = source.clone();
        looked
    }
}
