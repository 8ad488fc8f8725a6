//! Time as commands: when something falls due, the coordinator tells the rules so by a command like any other. So a
//! replay never reads a clock.

use std::time::Duration;

use tokio::time::Instant;

use super::{Clock, Envelope};
use crate::domain::command::{Command, Principal, Request};
use crate::domain::decide;
use crate::domain::ids::Actor;
use crate::domain::state::State;
use crate::domain::things::TokenClass;
use crate::domain::time::{Span, Time};

/// The least time between two ticks, so that a due time that no tick settles can't keep the machine busy.
const LEAST_GAP: Duration = Duration::from_millis(200);

/// Which tick is next.
#[derive(Debug, Default)]
pub(super) struct Timers {
    last: Option<Instant>,
}

impl Timers {
    /// Returns when a tick is due; never, if nothing will fall due. The workspace's time is so far `ahead` of the clock.
    pub(super) async fn due(&self, clock: &Clock, state: &State, ahead: Span) {
        let Some(due) = decide::next_due(state) else { return std::future::pending().await };
        if let Some(last) = self.last {
            tokio::time::sleep_until(last + LEAST_GAP).await;
        }
        clock.reach(due.minus(ahead)).await;
    }

    /// A tick, if one is due at `now`. Asked before every batch, so that a busy mailbox can't put it off.
    pub(super) fn tick(&mut self, state: &State, now: Time) -> Option<Envelope> {
        let due = decide::next_due(state)?;
        if due > now || self.last.is_some_and(|last| last.elapsed() < LEAST_GAP) {
            return None;
        }
        self.last = Some(Instant::now());
        let principal = Principal { actor: Actor::Deeds, class: TokenClass::Admin, token: None };
        let request = Request::new(principal, Command::Tick);
        Some(Envelope::of(vec![request], None, None))
    }
}
