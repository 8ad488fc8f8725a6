//! Cases alike as one row: it stands where its most urgent case stands, and opens in place. Which are shown is all that is
//! decided here; answers and marks are given to cases.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::domain::ids::ItemNo;
use crate::domain::state::Board;
use crate::domain::things::Item;

/// What is folded together, and what is not.
#[derive(Debug, Default)]
pub(super) struct Groups {
    opened: BTreeSet<Arc<str>>,
    /// How many wait of each likeness.
    waiting: BTreeMap<Arc<str>, usize>,
    /// What the filter means, most urgent first, folded away or not.
    meant: Vec<ItemNo>,
}

/// How a case stands in the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stands {
    /// No other like it is meant.
    Alone,
    /// For all that are alike.
    Closed,
    /// First of those that are alike, which follow.
    Open,
    /// Under the first.
    Under,
}

impl Groups {
    /// The cases to show, out of those that are meant, most urgent first. A folded group is shown by the case that the reader
    /// is on, else by its first.
    pub(super) fn fold(&mut self, board: &Board, meant: &[&Arc<Item>], focus: Option<ItemNo>) -> Vec<ItemNo> {
        self.waiting.clear();
        for item in board.items.values() {
            *self.waiting.entry(Arc::clone(&item.alike)).or_insert(0) += 1;
        }
        let waiting = &self.waiting;
        self.opened.retain(|alike| waiting.contains_key(alike));
        self.meant = meant.iter().map(|item| item.no).collect();
        let mut groups: BTreeMap<&Arc<str>, Vec<ItemNo>> = BTreeMap::new();
        for item in meant {
            groups.entry(&item.alike).or_default().push(item.no);
        }
        let mut shown = Vec::new();
        for item in meant {
            let Some(group) = groups.remove(&item.alike) else { continue };
            let here = focus.filter(|no| group.contains(no)).unwrap_or(item.no);
            if self.opened.contains(&item.alike) { shown.extend(group) } else { shown.push(here) }
        }
        shown
    }

    /// All that the filter means.
    pub(super) fn meant(&self) -> &[ItemNo] {
        &self.meant
    }

    /// How many wait that are like it, itself among them.
    pub(super) fn count(&self, item: &Item) -> usize {
        self.waiting.get(&item.alike).copied().unwrap_or(1)
    }

    /// Those alike that the filter means.
    pub(super) fn members<'a>(
        &'a self,
        board: &'a Board,
        item: &'a Item,
    ) -> impl Iterator<Item = ItemNo> + 'a {
        let alike = |no: &ItemNo| board.items.get(no).is_some_and(|other| other.alike == item.alike);
        self.meant.iter().copied().filter(alike)
    }

    pub(super) fn stands(&self, board: &Board, item: &Item) -> Stands {
        if self.count(item) < 2 || self.members(board, item).nth(1).is_none() {
            return Stands::Alone;
        }
        if !self.opened.contains(&item.alike) {
            return Stands::Closed;
        }
        if self.members(board, item).next() == Some(item.no) { Stands::Open } else { Stands::Under }
    }

    /// Opens those like this one in place.
    pub(super) fn open(&mut self, item: &Item) {
        self.opened.insert(Arc::clone(&item.alike));
    }

    /// Folds them together again; the result is the case that stands for them.
    pub(super) fn close(&mut self, board: &Board, item: &Item) -> Option<ItemNo> {
        self.opened.remove(&item.alike);
        self.members(board, item).next()
    }
}
