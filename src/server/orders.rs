//! The orders of lists that were asked for lately, of one workspace: each at its moment. The next look at the present goes on from the
//! last, and costs what has changed since; a later page of a moment is read from the order of that moment.

use std::cmp::Reverse;
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use super::pages::Page;
use crate::domain::ids::{AlertNo, Seq, TaskId};
use crate::domain::rule::ordered::{Ordered, OrderedItems, Whose};
use crate::domain::things::{Alert, Severity, Task};
use crate::domain::time::Time;

/// Most moments of one list: beyond it the one that was asked for longest ago goes.
const MOST: usize = 16;

/// Where an alert stands: less comes first.
pub(super) type Worst = Reverse<(Severity, u64, Time, AlertNo)>;
/// The latest first.
pub(super) type Latest = Reverse<Seq>;

/// Those of one workspace.
#[derive(Debug, Default)]
pub(super) struct Orders {
    pub(super) items: Moments<Whose, OrderedItems>,
    pub(super) alerts: Moments<(), Ordered<AlertNo, Alert, Worst>>,
    pub(super) tasks: Moments<(), Ordered<TaskId, Task, Latest>>,
}

/// One list, for whoever has an order of their own, at several moments.
#[derive(Debug)]
pub(super) struct Moments<V, O> {
    kept: Mutex<VecDeque<(V, Seq, Time, O)>>,
}

impl<V, O> Default for Moments<V, O> {
    fn default() -> Self {
        Self { kept: Mutex::default() }
    }
}

impl<V: PartialEq, O: Clone + Default> Moments<V, O> {
    /// The order at the moment of a page; `follow` brings one up to it. That of the past, or of a moment that is not known any more,
    /// is worked out from nothing.
    pub(super) fn at(&self, whose: V, page: &Page, follow: impl FnOnce(&mut O)) -> O {
        if page.is_of_then() {
            return anew(follow);
        }
        let (seq, now) = (page.front.head(), page.now);
        let base = {
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            let known =
                kept.iter().position(|(who, at, then, _)| *who == whose && (*at, *then) == (seq, now));
            if let Some(one) = known.and_then(|known| kept.remove(known)) {
                let order = one.3.clone();
                kept.push_back(one);
                return order;
            }
            if !page.is_first() {
                drop(kept);
                return anew(follow);
            }
            let theirs = kept.iter().filter(|(who, at, then, _)| *who == whose && *at <= seq && *then <= now);
            theirs.max_by_key(|(_, at, then, _)| (*at, *then)).map(|(.., order)| order.clone())
        };
        let mut order = base.unwrap_or_default();
        follow(&mut order);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push_back((whose, seq, now, order.clone()));
        let over = if kept.len() > MOST { kept.pop_front() } else { None };
        drop(kept);
        // Taken apart when nobody waits for the list.
        drop(over);
        order
    }
}

fn anew<O: Default>(follow: impl FnOnce(&mut O)) -> O {
    let mut order = O::default();
    follow(&mut order);
    order
}
