//! The only reader of the wall clock. Everything else is told the time.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::watch;

use super::believed::{Believed, Opened, Shown};
use crate::domain::time::{Span, Time};

/// The longest sleep without a look at the clock, which people and time servers may set.
const LONGEST_SLEEP: Duration = Duration::from_mins(1);

/// How often it is looked at where nothing else does.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// Where a coordinator gets its time from.
#[derive(Debug, Clone, Default)]
pub enum Clock {
    /// The machine's.
    #[default]
    System,
    /// The machine's as far as it is believed, for whatever serves.
    Kept(Arc<Kept>),
    /// One that stands still until it is moved, for tests and simulations.
    Manual(Arc<watch::Sender<Time>>),
}

/// The machine's clock, watched.
#[derive(Debug)]
pub struct Kept {
    bound: Span,
    believed: Mutex<Believed>,
    doubted: watch::Sender<bool>,
}

impl Clock {
    /// The machine's, which is not believed where it jumps further than `bound`.
    pub fn kept(bound: Span) -> Self {
        Self::Kept(Arc::new(Kept {
            bound,
            believed: Mutex::new(Believed::new(bound)),
            doubted: watch::Sender::new(false),
        }))
    }

    /// A clock that stands still at `start` until [`Clock::set`].
    pub fn manual(start: Time) -> Self {
        Self::Manual(Arc::new(watch::Sender::new(start)))
    }

    /// The time now. It may go back; the coordinator sees to it that recorded times don't.
    pub fn now(&self) -> Time {
        match self {
            Self::System => wall(),
            Self::Kept(kept) => kept.change(|believed| believed.now(shown())),
            Self::Manual(clock) => *clock.borrow(),
        }
    }

    /// A ledger was opened. Where the clock was doubted then, that stays so.
    pub(super) fn opened(&self, ledger: Opened) {
        if let Self::Kept(kept) = self {
            kept.change(|believed| believed.opened(ledger, shown()));
        }
    }

    /// Of ledgers that were not opened it is known how they would be.
    pub fn known(&self, ledgers: &[Opened]) {
        if let Self::Kept(kept) = self
            && !ledgers.is_empty()
        {
            kept.change(|believed| believed.opened_all(ledgers, shown()));
        }
    }

    /// A deed has set a workspace's time right. One that stands still is moved by who made it.
    pub(super) fn rebased(&self, right: Time) {
        if let Self::Kept(kept) = self {
            kept.change(|believed| believed.rebased(right, shown()));
        }
    }

    /// How far it may be off and is still believed; none where it always is.
    pub(super) fn bound(&self) -> Option<Span> {
        let Self::Kept(kept) = self else { return None };
        Some(kept.bound)
    }

    /// All ledgers that there are have been opened.
    pub fn started(&self) {
        if let Self::Kept(kept) = self {
            kept.change(Believed::started);
        }
    }

    /// What the machine's clock shows, where it is not believed.
    pub fn doubt(&self) -> Option<Time> {
        let Self::Kept(kept) = self else { return None };
        let doubted = *kept.doubted.borrow();
        doubted.then(wall)
    }

    /// A person says that the machine's clock is right.
    pub(super) fn believe(&self) {
        if let Self::Kept(kept) = self {
            kept.change(|believed| believed.believe(shown()));
        }
    }

    /// Is told whenever it is believed no more, or again; never, where it is not watched.
    pub(super) fn watched(&self) -> Option<watch::Receiver<bool>> {
        let Self::Kept(kept) = self else { return None };
        Some(kept.doubted.subscribe())
    }

    /// Looks at it from time to time, so that a jump shows although nothing happens. Never ends.
    pub async fn follow(&self) {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            self.now();
        }
    }

    /// Sets a manual clock, on or back; the machine's is left alone.
    pub fn set(&self, now: Time) {
        match self {
            Self::System | Self::Kept(_) => {}
            Self::Manual(clock) => {
                clock.send_replace(now);
            }
        }
    }

    /// Waits until the clock shows `due`.
    pub async fn reach(&self, due: Time) {
        match self {
            Self::System | Self::Kept(_) => loop {
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

impl Kept {
    /// Looks, and tells whoever watches where something changed.
    fn change<T>(&self, look: impl FnOnce(&mut Believed) -> T) -> T {
        let mut believed: MutexGuard<'_, Believed> =
            self.believed.lock().unwrap_or_else(PoisonError::into_inner);
        let come_to = look(&mut believed);
        let doubted = believed.is_doubted();
        drop(believed);
        self.doubted.send_if_modified(|before| std::mem::replace(before, doubted) != doubted);
        come_to
    }
}

fn shown() -> Shown {
    Shown { wall: wall(), monotonic: monotonic() }
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the wall clock")]
fn wall() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Time::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

/// Since some moment; it goes on while the machine sleeps, where the system has such a clock.
fn monotonic() -> Duration {
    use rustix::time::{ClockId, clock_gettime};

    #[cfg(target_os = "linux")]
    let shown = clock_gettime(ClockId::Boottime);
    #[cfg(not(target_os = "linux"))]
    let shown = clock_gettime(ClockId::Monotonic);
    let seconds = u64::try_from(shown.tv_sec).unwrap_or_default();
    Duration::new(seconds, u32::try_from(shown.tv_nsec).unwrap_or_default())
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
