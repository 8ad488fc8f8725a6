//! The map falls due: once, not before its time, and until somebody has gone through it (RULES §14.1).

use super::Look;
use deeds::domain::deed::Body;
use deeds::domain::ids::ItemNo;
use deeds::domain::map::Model;
use deeds::domain::things::Case;
use deeds::domain::time::{Span, Time};

/// How often a map of a team is gone through that does not say it.
const QUARTER: Span = Span::from_days(90);

/// Who looks after the map.
pub(crate) struct Care {
    last: Time,
    told: bool,
    /// The item that asks for it.
    open: Option<ItemNo>,
    /// It was gone through in this decision.
    gone_through: bool,
}

impl Care {
    pub(super) fn new(founded: Time) -> Self {
        Self { last: founded, told: false, open: None, gone_through: false }
    }

    pub(super) fn look(&mut self, look: &Look<'_>) {
        let deed = look.deed;
        match &deed.body {
            Body::MapApplied(_) | Body::MapReviewed(()) => {
                (self.last, self.told, self.gone_through) = (deed.recorded, false, true);
            }
            Body::MapOverdue(()) => {
                assert!(!self.told, "told twice: {deed:?}");
                assert!(self.due(look.model).is_some_and(|due| due <= look.now), "before its time: {deed:?}");
                self.told = true;
            }
            Body::ItemOpened(item) if matches!(item.case, Case::MapOverdue { .. }) => {
                assert!(self.told && self.open.is_none(), "asked for without need: {deed:?}");
                self.open = Some(item.no);
            }
            Body::ItemAnswered(_) if deed.refs.item == self.open => self.open = None,
            Body::ItemUndone(()) => {
                let closed = deed.refs.item.and_then(|no| look.state.board.closed_item(no));
                if closed.is_some_and(|closed| matches!(closed.item.case, Case::MapOverdue { .. })) {
                    assert!(self.told && self.open.is_none(), "asked for without need: {deed:?}");
                    self.open = deed.refs.item;
                }
            }
            _ => {}
        }
    }

    /// After a decision: what was gone through is asked for no more.
    pub(super) fn after(&mut self) {
        assert!(!self.gone_through || self.open.is_none(), "{:?} asks for what was done", self.open);
        self.gone_through = false;
    }

    /// After the ticks whatever fell due was told.
    pub(super) fn settled(&self, model: &Model, now: Time) {
        let due = self.due(model);
        assert!(self.told || due.is_none_or(|due| due > now), "nobody was told since {due:?}");
    }

    fn due(&self, model: &Model) -> Option<Time> {
        let every = model.review_every.or_else(|| (model.agents.len() >= 2).then_some(QUARTER))?;
        Some(self.last.plus(every))
    }
}
