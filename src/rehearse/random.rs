//! Chance that a seed decides: the same seed gives the same sequence on every machine.

/// `SplitMix64` (Steele, Lea, Flood 2014): small, fast, and good enough for who does what next.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// The sequence of a seed, for one team: teams do not take numbers from each other.
    pub fn new(seed: u64, team: &str) -> Self {
        // FNV-1a over the team's name.
        let name = team.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Self(seed ^ name)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 to `bound - 1`; 0 where there is nothing to choose from.
    pub fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 { 0 } else { self.next() % bound }
    }

    /// One of the list; none of an empty one.
    pub fn one_of<'a, T>(&mut self, list: &'a [T]) -> Option<&'a T> {
        let at = usize::try_from(self.below(list.len() as u64)).ok()?;
        list.get(at)
    }

    /// A time between the two, in microseconds.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        let width = u64::try_from(high.saturating_sub(low)).unwrap_or(0);
        low + i64::try_from(self.below(width)).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_decides() {
        let take = |seed, team: &str| {
            let mut random = Random::new(seed, team);
            (0..32).map(|_| random.below(1000)).collect::<Vec<_>>()
        };
        assert_eq!(take(7, "northwind"), take(7, "northwind"));
        assert_ne!(take(7, "northwind"), take(8, "northwind"));
        assert_ne!(take(7, "northwind"), take(7, "solo"));
        assert_eq!(Random::new(1, "").one_of::<u8>(&[]), None);
    }
}
