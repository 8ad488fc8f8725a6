//! Waiting between tries: doubled up to a cap, with jitter so that many clients do not come back at once.

use std::time::Duration;

/// The waits between tries.
#[derive(Debug, Clone, Copy)]
pub struct Backoff {
    first: Duration,
    cap: Duration,
    tries: u32,
}

impl Backoff {
    /// Waits from `first` on, doubled up to `cap`.
    pub fn new(first: Duration, cap: Duration) -> Self {
        Self { first, cap, tries: 0 }
    }

    /// How long to wait now: between half and all of the present step.
    pub fn wait(&mut self) -> Duration {
        let step = self.first.saturating_mul(2_u32.saturating_pow(self.tries.min(16))).min(self.cap);
        self.tries = self.tries.saturating_add(1);
        let mut random = [0_u8; 4];
        // Without random bytes the waits are merely all alike.
        let _ = getrandom::fill(&mut random);
        step / 2 + (step / 2).mul_f64(f64::from(u32::from_le_bytes(random)) / f64::from(u32::MAX))
    }

    /// Begins anew after a success.
    pub fn reset(&mut self) {
        self.tries = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_the_cap_and_differ() {
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(2));
        let waits: Vec<_> = (0..12).map(|_| backoff.wait()).collect();
        assert!(waits[0] >= Duration::from_millis(50) && waits[0] <= Duration::from_millis(100));
        let capped = &waits[6..];
        assert!(capped.iter().all(|w| *w >= Duration::from_secs(1) && *w <= Duration::from_secs(2)));
        assert!(capped.windows(2).any(|pair| pair[0] != pair[1]));
        backoff.reset();
        assert!(backoff.wait() <= Duration::from_millis(100));
    }
}
