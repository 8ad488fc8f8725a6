//! Random choices that can be made again: what fails says by which number.
#![expect(clippy::unwrap_used, reason = "what can't be set up can't be tested")]

use std::time::Duration;

/// Choices from one number (splitmix64).
pub(crate) struct Chance(u64);

impl Chance {
    /// From `DEEDS_CHAOS_SEED`, or from the system. Where the test fails, it says which.
    pub(crate) fn of(what: &str) -> Self {
        let said = std::env::var("DEEDS_CHAOS_SEED").map(|said| said.parse().unwrap());
        let seed = said.unwrap_or_else(|_| {
            let mut bytes = [0; 8];
            getrandom::fill(&mut bytes).unwrap();
            u64::from_ne_bytes(bytes)
        });
        eprintln!("{what}: DEEDS_CHAOS_SEED={seed}");
        Self(seed)
    }

    /// A number below this one, which is not 0.
    pub(crate) fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % most
    }

    /// Sleeps for a while shorter than this, and says for how long.
    pub(crate) fn sleep(&mut self, most: Duration) -> Duration {
        let micros = u64::try_from(most.as_micros()).unwrap().max(1);
        let slept = Duration::from_micros(self.below(micros));
        std::thread::sleep(slept);
        slept
    }
}
