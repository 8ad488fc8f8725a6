//! The only reader of the wall clock. Everything else is told the time.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::watch;

use crate::domain::time::Time;

/// The longest sleep without a look at the clock, which people and time servers may set.
const LONGEST_SLEEP: Duration = Duration::from_mins(1);

/// Where a coordinator gets its time from.
#[derive(Debug, Clone, Default)]
pub enum Clock {
    /// The machine's.
    #[default]
    System,
    /// One that stands still until it is moved, for tests and simulations.
    Manual(Arc<watch::Sender<Time>>),
}

impl Clock {
    /// A clock that stands still at `start` until [`Clock::set`].
    pub fn manual(start: Time) -> Self {
        Self::Manual(Arc::new(watch::Sender::new(start)))
    }

    /// The time now. It may go back; the coordinator sees to it that recorded times don't.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the wall clock")]
    pub fn now(&self) -> Time {
        match self {
            Self::System => {
                let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                Time::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
            }
            Self::Manual(clock) => *clock.borrow(),
        }
    }

    /// Sets a manual clock, on or back; the machine's is left alone.
    pub fn set(&self, now: Time) {
        match self {
            Self::System => {}
            Self::Manual(clock) => {
                clock.send_replace(now);
            }
        }
    }

    /// Waits until the clock shows `due`.
    pub async fn reach(&self, due: Time) {
        match self {
            Self::System => loop {
                let left = due.since(self.now()).micros();
                if left == 0 {
                    return;
                }
                let left = Duration::from_micros(u64::try_from(left).unwrap_or(u64::MAX));
                tokio::time::sleep(left.min(LONGEST_SLEEP)).await;
            },
            // The sender is held by `self`, so waiting can't fail.
            Self::Manual(clock) => {
                clock.subscribe().wait_for(|now| *now >= due).await.map(drop).unwrap_or_default();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::Span;

    #[tokio::test]
    async fn a_manual_clock_wakes_its_waiters_when_it_is_moved_far_enough() {
        let clock = Clock::manual(Time::from_micros(5));
        clock.reach(Time::from_micros(5)).await;
        let waiter = {
            let clock = clock.clone();
            tokio::spawn(async move { clock.reach(Time::from_micros(100)).await })
        };
        clock.set(Time::from_micros(99));
        tokio::task::yield_now().await;
        assert!(!waiter.is_finished());
        clock.set(Time::from_micros(100));
        waiter.await.unwrap();
        assert_eq!(clock.now(), Time::from_micros(100));
    }

    #[tokio::test]
    async fn the_systems_clock_goes_on() {
        let before = Clock::System.now();
        Clock::System.reach(before.plus(Span::from_micros(3_000))).await;
        assert!(Clock::System.now() >= before.plus(Span::from_micros(3_000)));
    }
}
