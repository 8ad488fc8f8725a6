//! The moments whose boards are being read page by page: each kept until nobody has asked for a page of it for a while.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::domain::ids::{Actor, Seq};
use crate::domain::state::Front;

/// Most moments of one workspace at once; beyond it the one that was used longest ago goes.
const MOST: usize = 32;
/// Most that one caller keeps: beyond it a moment of its own goes, and nobody else's.
const OF_ONE: usize = 4;
/// For how long one is kept after a page of it was asked for.
const LIFE: Duration = Duration::from_mins(1);

#[derive(Debug)]
struct Pin {
    front: Arc<Front>,
    used: Instant,
    /// Who asked for it first.
    by: Actor,
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
    pub(super) fn keep(self: &Arc<Self>, front: Arc<Front>, by: &Actor) {
        let seq = front.head();
        if self.get(seq).is_some() {
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
        pins.push(Pin { front, used: Instant::now(), by: by.clone() });
        drop(pins);
        let kept = Arc::clone(self);
        tokio::spawn(async move {
            while kept.is_used(seq) {
                sleep(kept.life).await;
            }
        });
    }

    /// The board of a moment, while it is kept.
    pub(super) fn get(&self, seq: Seq) -> Option<Arc<Front>> {
        let mut pins = self.all();
        let pin = pins.iter_mut().find(|pin| pin.front.head() == seq)?;
        pin.used = Instant::now();
        Some(Arc::clone(&pin.front))
    }

    /// Lets go of a moment that nobody has asked for lately; says whether it stays.
    fn is_used(&self, seq: Seq) -> bool {
        let mut pins = self.all();
        pins.retain(|pin| pin.front.head() != seq || pin.used.elapsed() < self.life);
        pins.iter().any(|pin| pin.front.head() == seq)
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
        pins.keep(moment(1), &caller(0));
        for _ in 0..4 {
            sleep(life / 4).await;
            assert!(pins.get(Seq(1)).is_some());
        }
        sleep(life * 3).await;
        assert!(pins.all().is_empty(), "it went by itself");
        pins.keep(moment(100), &caller(7));
        for seq in 1..=40 {
            pins.keep(moment(seq), &caller(0));
        }
        assert!(
            pins.get(Seq(100)).is_some() && pins.get(Seq(36)).is_none(),
            "one caller takes its own places"
        );
        for seq in 1..=40 {
            pins.keep(moment(seq), &caller(seq));
        }
        assert!(pins.all().len() == MOST && pins.get(Seq(8)).is_none() && pins.get(Seq(40)).is_some());
    }
}
