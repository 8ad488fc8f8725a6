//! Scheduled reviews: what waited when one began, and whether each of it was gone through (RULES §13.2).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Look;
use deeds::domain::deed::Body;
use deeds::domain::ids::{ItemNo, QueueName};
use deeds::domain::things::{Case, Item};
use deeds::domain::time::{Span, Time};

/// What a queue gives without a word about it.
const GRACE: Span = Span::from_hours(1);

/// The scheduled reviews that have begun.
#[derive(Default)]
pub(crate) struct Rounds {
    begun: BTreeMap<QueueName, Round>,
    /// Until when each queue's last one ran: no two at once.
    last: BTreeMap<QueueName, Time>,
    /// Where one was missed although the next one was to begin later: that one begins now.
    owed: BTreeSet<QueueName>,
}

/// One of them.
struct Round {
    due: Time,
    next: Time,
    /// Until when it is not late.
    grace: Time,
    waiting: BTreeSet<ItemNo>,
    said_late: bool,
}

impl Rounds {
    pub(super) fn look(&mut self, look: &Look<'_>) {
        let deed = look.deed;
        match &deed.body {
            Body::ReviewScheduled(plan) => {
                let theirs = |item: &&Arc<Item>| {
                    item.queue == plan.queue && !matches!(item.case, Case::MapOverdue { .. })
                };
                let items = look.state.board.items.values().filter(theirs);
                let waiting: BTreeSet<ItemNo> = items.map(|item| item.no).collect();
                assert_eq!(plan.waiting.iter().copied().collect::<BTreeSet<_>>(), waiting, "{deed:?}");
                assert!(plan.due <= look.now && plan.due < plan.next, "begun before its time: {deed:?}");
                let last = self.last.insert(plan.queue.clone(), plan.due);
                assert!(last.is_none_or(|last| last < plan.due), "begun twice: {deed:?}");
                // What the map says when it begins holds for it, whatever the next map says.
                let queue = look.model.queues.iter().find(|queue| queue.name == plan.queue);
                let grace = plan.due.plus(queue.and_then(|queue| queue.grace).unwrap_or(GRACE));
                let round = Round { due: plan.due, next: plan.next, grace, waiting, said_late: false };
                self.owed.remove(&plan.queue);
                let before = self.begun.insert(plan.queue.clone(), round);
                assert!(before.is_none(), "one had begun already: {deed:?}");
            }
            Body::ReviewHeld(held) => {
                let round = self.begun.remove(&held.queue).unwrap_or_else(|| panic!("not begun: {deed:?}"));
                assert!(round.waiting.is_empty(), "held, and {:?} wait: {deed:?}", round.waiting);
                let began = look.deeds.iter().any(
                    |deed| matches!(&deed.body, Body::ReviewScheduled(plan) if plan.queue == held.queue),
                );
                let late = !began && (round.said_late || look.now >= round.grace);
                assert_eq!((held.turn.due, held.late), (round.due, late), "{deed:?}");
            }
            Body::ReviewDelayed(queue) => {
                let round = self.begun.get_mut(queue).unwrap_or_else(|| panic!("not begun: {deed:?}"));
                assert!(look.now >= round.grace, "late before its grace is over: {deed:?}");
                assert!(!round.waiting.is_empty() && !round.said_late, "late with nothing left: {deed:?}");
                round.said_late = true;
            }
            Body::ReviewMissed(miss) => {
                let Some(round) = self.begun.remove(&miss.queue) else { return };
                assert!(!round.waiting.is_empty(), "missed, and nothing waited: {deed:?}");
                if look.now < round.next {
                    // Another map lets the next one begin sooner.
                    self.owed.insert(miss.queue.clone());
                }
            }
            Body::ItemAnswered(closed) => {
                self.gone_through(std::iter::once(&deed.refs.item.unwrap()).chain(&closed.effects.included));
            }
            Body::ItemLeft(()) | Body::ItemReassigned(_) => self.gone_through([&deed.refs.item.unwrap()]),
            _ => {}
        }
    }

    /// After a request: what is gone through is held at once, and what is over is no longer under way.
    pub(super) fn after(&self) {
        for (queue, round) in &self.begun {
            assert!(!round.waiting.is_empty(), "gone through, and not held: {}", queue.as_str());
        }
    }

    /// After the ticks: late ones are said to be, and none is under way past the next.
    pub(super) fn settled(&self, now: Time) {
        assert!(self.owed.is_empty(), "missed before the next one began: {:?}", self.owed);
        for (queue, round) in &self.begun {
            assert!(now < round.next, "not missed yet: {}", queue.as_str());
            assert!(round.said_late || now < round.grace, "late, unsaid: {}", queue.as_str());
        }
    }

    fn gone_through<'a>(&mut self, items: impl IntoIterator<Item = &'a ItemNo>) {
        for item in items {
            for round in self.begun.values_mut() {
                round.waiting.remove(item);
            }
        }
    }
}
