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
    /// What the filter means, most urgent first, folded away or not; and the same by likeness.
    meant: Vec<ItemNo>,
    members: BTreeMap<Arc<str>, Vec<ItemNo>>,
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
        self.members.clear();
        for item in meant {
            self.members.entry(Arc::clone(&item.alike)).or_default().push(item.no);
        }
        let mut shown = Vec::new();
        for item in meant {
            let members = self.members(item);
            if members.first() != Some(&item.no) {
                continue;
            }
            if self.opened.contains(&item.alike) {
                shown.extend(members);
            } else {
                shown.push(focus.filter(|no| members.contains(no)).unwrap_or(item.no));
            }
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

    /// Those alike that the filter means, most urgent first.
    pub(super) fn members(&self, item: &Item) -> &[ItemNo] {
        self.members.get(&item.alike).map(Vec::as_slice).unwrap_or_default()
    }

    pub(super) fn stands(&self, item: &Item) -> Stands {
        let members = self.members(item);
        match (members.len(), self.opened.contains(&item.alike)) {
            (0 | 1, _) => Stands::Alone,
            (_, false) => Stands::Closed,
            (_, true) if members.first() == Some(&item.no) => Stands::Open,
            (_, true) => Stands::Under,
        }
    }

    /// Opens those like this one in place.
    pub(super) fn open(&mut self, item: &Item) {
        self.opened.insert(Arc::clone(&item.alike));
    }

    /// Folds them together again; the result is the case that stands for them.
    pub(super) fn close(&mut self, item: &Item) -> Option<ItemNo> {
        self.opened.remove(&item.alike);
        self.members(item).first().copied()
    }
}
