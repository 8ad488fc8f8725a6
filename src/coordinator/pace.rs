//! What time it is in one workspace: that of the clock, and as far ahead of it as what was recorded is.

use super::Clock;
use crate::domain::state::State;
use crate::domain::time::{Span, Time};

/// How a workspace's time goes on.
#[derive(Debug)]
pub(super) struct Pace {
    /// How far ahead of the clock it is.
    ahead: Span,
    /// How often time was set right by a deed.
    rebased: usize,
}

impl Pace {
    /// As the deeds so far leave it.
    pub(super) fn of(state: &State) -> Self {
        Self { ahead: Span::default(), rebased: state.board.clock.rebased.len() }
    }

    /// How far the workspace is ahead of the clock.
    pub(super) fn ahead(&self) -> Span {
        self.ahead
    }

    /// The time now. Never earlier than the last deed; where that is ahead of a clock that is watched, time goes on from
    /// there at the clock's pace.
    pub(super) fn now(&mut self, clock: &Clock, state: &State) -> Time {
        let (rebased, recorded) = (state.board.clock.rebased.len(), state.board.recorded);
        if rebased > self.rebased {
            clock.rebased(recorded);
            self.ahead = Span::default();
        }
        self.rebased = rebased;
        let now = clock.now();
        if clock.bound().is_none() {
            return now.max(recorded);
        }
        self.ahead = Span::from_micros(self.ahead.micros() + recorded.since(now.plus(self.ahead)).micros());
        now.plus(self.ahead)
    }
}
