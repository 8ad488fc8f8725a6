//! The moments that are being read page by page: each kept until nobody has asked for a page of it for a while.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::domain::ids::{Actor, Seq};
use crate::domain::readiness::Team;
use crate::domain::state::Front;
use crate::domain::time::Time;

/// Most moments of one workspace at once; beyond it the one that was used longest ago goes.
const MOST: usize = 32;
/// Most that one caller keeps: beyond it a moment of its own goes, and nobody else's.
const OF_ONE: usize = 4;
/// For how long one is kept after a page of it was asked for.
const LIFE: Duration = Duration::from_mins(1);

#[derive(Debug)]
struct Pin {
    front: Arc<Front>,
    /// It was looked at as the past, and has no more than the board.
    then: bool,
    used: Instant,
    /// Who asked for it first.
    by: Actor,
    /// How the team stood then: it is worked out as a whole, and read in pages.
    team: Option<(Time, Arc<Team>)>,
}

impl Pin {
    fn is(&self, seq: Seq, then: bool) -> bool {
        self.front.head() == seq && self.then == then
    }
}

/// Those of one workspace. A board that is kept shares everything with the present but what has changed since.
#[derive(Debug)]
pub(super) struct Pins {
    pins: Mutex<Vec<Pin>>,
    life: Duration,
}

impl Default for Pins {
    fn default() -> Self {
        Self { pins: Mutex::default(), life: LIFE }
    }
}

impl Pins {
    fn all(&self) -> MutexGuard<'_, Vec<Pin>> {
        self.pins.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a moment, more pages of which are to come.
    pub(super) fn keep(self: &Arc<Self>, front: Arc<Front>, then: bool, by: &Actor) {
        let seq = front.head();
        if self.get(seq, then).is_some() {
            return;
        }
        let mut pins = self.all();
        pins.sort_by_key(|pin| pin.used);
        let own = |pin: &&Pin| pin.by == *by;
        if pins.iter().filter(own).count() >= OF_ONE {
            let oldest = pins.iter().position(|pin| pin.by == *by);
            oldest.map(|at| pins.remove(at));
        } else if pins.len() >= MOST {
            pins.remove(0);
        }
        pins.push(Pin { front, then, used: Instant::now(), by: by.clone(), team: None });
        drop(pins);
        let kept = Arc::clone(self);
        tokio::spawn(async move {
            while kept.is_used(seq, then) {
                sleep(kept.life).await;
            }
        });
    }

    /// A moment, while it is kept.
    pub(super) fn get(&self, seq: Seq, then: bool) -> Option<Arc<Front>> {
        let mut pins = self.all();
        let pin = pins.iter_mut().find(|pin| pin.is(seq, then))?;
        pin.used = Instant::now();
        Some(Arc::clone(&pin.front))
    }

    /// How the team stood at a moment that is kept, where that is known.
    pub(super) fn team(&self, seq: Seq, then: bool, now: Time) -> Option<Arc<Team>> {
        let pins = self.all();
        let (at, team) = pins.iter().find(|pin| pin.is(seq, then))?.team.as_ref()?;
        (*at == now).then(|| Arc::clone(team))
    }

    /// Keeps that with its moment.
    pub(super) fn keep_team(&self, seq: Seq, then: bool, team: Arc<Team>) {
        if let Some(pin) = self.all().iter_mut().find(|pin| pin.is(seq, then)) {
            pin.team = Some((team.at, team));
        }
    }

    /// Lets go of a moment that nobody has asked for lately; says whether it stays.
    fn is_used(&self, seq: Seq, then: bool) -> bool {
        let mut pins = self.all();
        pins.retain(|pin| !pin.is(seq, then) || pin.used.elapsed() < self.life);
        pins.iter().any(|pin| pin.is(seq, then))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::WorkspaceId;
    use crate::domain::state::Board;

    fn moment(seq: u64) -> Arc<Front> {
        let board = Board::new(WorkspaceId::new("tallyfern").unwrap());
        Arc::new(Front::of_board(Board { head: Seq(seq), ..board }))
    }

    #[tokio::test]
    async fn a_moment_stays_while_it_is_asked_for_and_their_number_is_bounded() {
        let life = Duration::from_millis(400);
        let pins = Arc::new(Pins { life, ..Pins::default() });
        let caller = |number: u64| Actor::Agent(format!("wall-{number}").parse().unwrap());
        pins.keep(moment(1), false, &caller(0));
        for _ in 0..4 {
            sleep(life / 4).await;
            assert!(pins.get(Seq(1), false).is_some());
        }
        sleep(life * 3).await;
        assert!(pins.all().is_empty(), "it went by itself");
        pins.keep(moment(100), false, &caller(7));
        pins.keep(moment(100), true, &caller(7));
        assert_eq!(pins.all().len(), 2, "the past has less in it");
        for seq in 1..=40 {
            pins.keep(moment(seq), false, &caller(0));
        }
        assert!(
            pins.get(Seq(100), false).is_some() && pins.get(Seq(36), false).is_none(),
            "one caller takes its own places"
        );
        for seq in 1..=40 {
            pins.keep(moment(seq), false, &caller(seq));
        }
        assert!(
            pins.all().len() == MOST
                && pins.get(Seq(8), false).is_none()
                && pins.get(Seq(40), false).is_some()
        );
    }
}
