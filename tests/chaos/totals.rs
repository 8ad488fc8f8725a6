//! What was done to servers, and what came of it, counted over all tests of this run.
#![expect(clippy::unwrap_used, reason = "what can't be told must not pass")]

use std::io::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

pub(crate) static KILLS: AtomicU64 = AtomicU64::new(0);
pub(crate) static CUTS: AtomicU64 = AtomicU64::new(0);
pub(crate) static ACKNOWLEDGED: AtomicU64 = AtomicU64::new(0);
static LOST: AtomicU64 = AtomicU64::new(0);
static DOUBLED: AtomicU64 = AtomicU64::new(0);
static WRONG: AtomicU64 = AtomicU64::new(0);
static FINE: AtomicU64 = AtomicU64::new(0);

/// What must not be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Something acknowledged is not there.
    Lost,
    /// Something asked once happened twice.
    Doubled,
    /// Something is otherwise than it was acknowledged.
    Wrong,
    /// A program said that all is well, and it was not.
    Fine,
}

/// Counts something more.
pub(crate) fn count(of: &AtomicU64, more: usize) {
    of.fetch_add(u64::try_from(more).unwrap(), Ordering::Relaxed);
}

/// Long enough for the proof of a release, instead of for an ordinary run.
pub(crate) fn long() -> bool {
    std::env::var("DEEDS_CHAOS").is_ok_and(|how| how == "long")
}

/// A fault with its place.
pub(crate) type Found = (Fault, String);

/// Counts a fault, where there is one, and ends the test with its place.
#[track_caller]
pub(crate) fn none(found: Result<(), Found>) {
    let Err((kind, place)) = found else { return };
    let counter = match kind {
        Fault::Lost => &LOST,
        Fault::Doubled => &DOUBLED,
        Fault::Wrong => &WRONG,
        Fault::Fine => &FINE,
    };
    count(counter, 1);
    say();
    panic!("{kind:?}: {place}");
}

/// Says how it stands, past the harness, which keeps what a passing test prints. Each test ends with it, so that the last line
/// is that of all.
pub(crate) fn say() {
    let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    let line = format!(
        "chaos: {} kills, {} power cuts, {} acknowledgements; lost {}, doubled {}, silently wrong {}, fine over a fault {}\n",
        of(&KILLS),
        of(&CUTS),
        of(&ACKNOWLEDGED),
        of(&LOST),
        of(&DOUBLED),
        of(&WRONG),
        of(&FINE)
    );
    std::io::stderr().write_all(line.as_bytes()).unwrap();
}
