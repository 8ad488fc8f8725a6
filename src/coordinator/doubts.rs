//! What the rules are told of a clock that is not believed, and what a person says to that: whoever resolves the alert believes it.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use super::{Clock, Envelope};
use crate::domain::command::{Command, Principal, Request};
use crate::domain::ids::Actor;
use crate::domain::state::State;
use crate::domain::things::{AlertKind, ClockSight, TokenClass};
use crate::domain::time::Span;

/// The least time between two words about it.
const LEAST_GAP: Duration = Duration::from_secs(10);

/// What was told.
#[derive(Debug, Default)]
pub(super) struct Doubts {
    watched: Option<watch::Receiver<bool>>,
    last: Option<Instant>,
    /// When something is to be told that could not be told yet.
    again: Option<Instant>,
    /// The alert was open in this doubt: if it no longer is, a person has resolved it …
    shown: bool,
    /// … unless it was told that the clock is right again, which ends the alert when it is decided.
    ending: bool,
}

impl Doubts {
    pub(super) fn of(clock: &Clock) -> Self {
        Self { watched: clock.watched(), ..Self::default() }
    }

    /// Returns when the clock is believed no more, or again.
    pub(super) async fn due(&mut self) {
        let Some(watched) = &mut self.watched else { return std::future::pending().await };
        match self.again {
            Some(again) => drop(timeout_at(again, watched.changed()).await),
            // The clock is held beside it, so watching can't fail.
            None => watched.changed().await.unwrap_or_default(),
        }
    }

    /// What was told may not have been recorded.
    pub(super) fn forget(&mut self) {
        (self.shown, self.ending) = (false, false);
    }

    /// What the rules are to be told now, where the workspace is so far ahead of the clock.
    pub(super) fn tell(&mut self, clock: &Clock, state: &State, ahead: Span) -> Option<Envelope> {
        self.watched.as_ref()?;
        self.again = None;
        let of_all = clock.doubt();
        // A workspace that is further ahead than a person has said has a doubt of its own.
        let most = clock.bound().map(|bound| state.board.clock.lets_ahead().plus(bound));
        let own = most.is_some_and(|most| ahead > most).then(|| clock.now());
        let doubt = of_all.or(own);
        let open = state.board.alerts.values().any(|alert| alert.kind == AlertKind::Clock);
        let sight = match doubt {
            Some(machine) if !open && (!self.shown || self.ending) => {
                ClockSight { machine, now: clock.now().plus(ahead), believed: false }
            }
            Some(_) if !open => {
                tracing::warn!("a person says that the machine's clock is right: it is believed");
                if of_all.is_some() {
                    clock.believe();
                }
                self.shown = false;
                return None;
            }
            Some(_) => {
                self.shown = true;
                return None;
            }
            None => {
                self.shown = false;
                let now = clock.now();
                open.then_some(ClockSight { machine: now, now, believed: true })?
            }
        };
        let next = self.last.map(|last| last + LEAST_GAP);
        if next.is_some_and(|next| next > Instant::now()) {
            self.again = next;
            return None;
        }
        self.last = Some(Instant::now());
        self.ending = sight.believed;
        tracing::warn!(machine = %sight.machine, now = %sight.now, believed = sight.believed, "the machine's clock");
        let principal = Principal { actor: Actor::Deeds, class: TokenClass::Admin, token: None };
        Some(Envelope::of(vec![Request::new(principal, Command::Clock(sight))], None, None))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::decide::decide;

    /// What is told then, whenever something was told last.
    fn told(doubts: &mut Doubts, clock: &Clock, state: &State, ahead: Span) -> Option<Request> {
        doubts.last = None;
        let mut asked = doubts.tell(clock, state, ahead)?.requests;
        asked.pop()
    }

    fn record(state: &mut State, request: &Request, clock: &Clock) {
        for deed in decide(state, request, clock.now()).deeds {
            state.fold(&deed);
        }
    }

    #[tokio::test]
    async fn an_alert_that_ends_by_itself_is_no_word_of_a_person() {
        let clock = Clock::kept(Span::from_hours(1));
        clock.started();
        let mut state = State::new("northwind".parse().unwrap());
        let mut doubts = Doubts::of(&clock);
        let (far, right) = (Span::from_hours(9), Span::default());
        let doubt = told(&mut doubts, &clock, &state, far).unwrap();
        record(&mut state, &doubt, &clock);
        assert!(told(&mut doubts, &clock, &state, far).is_none(), "the alert is open");
        let again = told(&mut doubts, &clock, &state, right).unwrap();
        // It jumps once more before that is decided.
        assert!(told(&mut doubts, &clock, &state, far).is_none());
        record(&mut state, &again, &clock);
        let doubt = told(&mut doubts, &clock, &state, far).expect("nobody has said that it is right");
        assert!(matches!(doubt.command, Command::Clock(ClockSight { believed: false, .. })));
        record(&mut state, &doubt, &clock);
        assert!(told(&mut doubts, &clock, &state, far).is_none() && doubts.shown);
    }
}
