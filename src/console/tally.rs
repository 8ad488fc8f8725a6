//! How many deeds came out how, and which of them most needs a look: for what is counted in cells.

use std::collections::BTreeMap;

use crate::domain::outcome::Outcome;

/// How many deeds of a cell or a lane came out how.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// By outcome.
    pub outcomes: BTreeMap<Outcome, u64>,
    /// Of a kind that this version does not know.
    pub other: u64,
}

impl Tally {
    /// One more.
    pub fn count(&mut self, outcome: Outcome) {
        *self.outcomes.entry(outcome).or_insert(0) += 1;
    }

    /// Those of another too.
    pub fn add(&mut self, other: &Self) {
        for (outcome, count) in &other.outcomes {
            *self.outcomes.entry(*outcome).or_insert(0) += count;
        }
        self.other += other.other;
    }

    /// All of them.
    pub fn total(&self) -> u64 {
        self.outcomes.values().sum::<u64>() + self.other
    }

    /// Those that were not done.
    pub fn refused(&self) -> u64 {
        self.outcomes.iter().filter(|(outcome, _)| outcome.is_refusal()).map(|(_, count)| count).sum()
    }

    /// The one that most needs attention; none where there is nothing.
    pub fn worst(&self) -> Option<Outcome> {
        self.outcomes.keys().copied().max_by_key(|outcome| gravity(*outcome))
    }

    /// `12 committed, 2 refused`.
    pub fn words(&self) -> String {
        let mut parts: Vec<String> =
            self.outcomes.iter().map(|(outcome, count)| format!("{count} {}", outcome.as_str())).collect();
        if self.other > 0 {
            parts.push(format!("{} of a later version", self.other));
        }
        parts.join(", ")
    }
}

/// How much an outcome needs attention: of several in a cell the gravest gives the mark.
fn gravity(outcome: Outcome) -> u8 {
    match outcome {
        Outcome::Recorded => 0,
        Outcome::Allowed => 1,
        Outcome::Committed => 2,
        Outcome::Proposed => 3,
        Outcome::Escalated => 4,
        Outcome::Deferred => 5,
        Outcome::Opened => 6,
        Outcome::Failed => 7,
        Outcome::Stale => 8,
        Outcome::Refused => 9,
    }
}

/// Whether several of them in one cell may be shown as a number: nothing in it needs a look.
pub fn is_calm(outcome: Outcome) -> bool {
    gravity(outcome) <= gravity(Outcome::Committed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_the_gravest_gives_the_mark() {
        let mut tally = Tally::default();
        tally.count(Outcome::Committed);
        tally.count(Outcome::Refused);
        tally.count(Outcome::Recorded);
        assert_eq!((tally.worst(), tally.total(), tally.refused()), (Some(Outcome::Refused), 3, 1));
        assert_eq!(tally.words(), "1 committed, 1 refused, 1 recorded");
        assert!(!is_calm(Outcome::Opened) && is_calm(Outcome::Committed));
    }
}
