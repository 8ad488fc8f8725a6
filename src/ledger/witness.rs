//! Who remembers where a ledger ended, and what it means when the ledger does not: whatever has seen a head is a witness,
//! and a ledger that ends before it, or has another deed there, has lost something.

use std::fmt;

use super::Head;

/// Something that remembers a head of a ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witness {
    /// What it is, in words and with its place.
    pub what: String,
    /// The head that it has seen.
    pub head: Head,
}

/// What a ledger lacks that a witness has seen in it. Nothing is recorded after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    /// The ledger.
    pub place: String,
    /// Where it ends.
    pub end: u64,
    /// Who has seen most of what is not there.
    pub witness: Witness,
}

impl Lost {
    /// What of these witnesses' heads is not among the ledger's own, which ends at `end`; none if it holds them all.
    pub(super) fn of(place: &str, end: u64, heads: &[Head], witnesses: Vec<Witness>) -> Option<Self> {
        let contradicts = |witness: &Witness| witness.head.seq > 0 && !heads.contains(&witness.head);
        let most = witnesses.into_iter().filter(contradicts).max_by_key(|witness| witness.head.seq)?;
        Some(Self { place: place.to_owned(), end, witness: most })
    }

    /// The first and the last deed that are missing; none where another deed stands in the place of one that was seen.
    pub fn missing(&self) -> Option<(u64, u64)> {
        (self.witness.head.seq > self.end).then(|| (self.end.saturating_add(1), self.witness.head.seq))
    }

    /// What helps.
    pub fn mend(&self) -> &'static str {
        if self.missing().is_some() { Self::GONE } else { Self::ANOTHER }
    }

    /// What helps where deeds are missing.
    pub const GONE: &str = "stop the server and put ledger.db-wal back if it was moved or deleted, or `deeds restore` a backup into another directory; where the deeds are gone for good, an admin goes on with `deeds ledger accept-loss --reason …`";
    /// What helps where another deed is there than was seen.
    pub const ANOTHER: &str =
        "keep the files as they are, and `deeds restore` a backup into another directory";
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, end, witness: Witness { what, head } } = self;
        match self.missing() {
            Some((first, last)) => {
                let count = last.saturating_sub(*end);
                write!(
                    f,
                    "{place}: it ends at deed {end}, and {what} has seen deed {last}: {count} deeds are missing, {first} to {last}"
                )
            }
            None => write!(
                f,
                "{place}: deed {} is another than {what} has seen there: the history was written anew, or is another copy's",
                head.seq
            ),
        }?;
        write!(f, "; nothing is recorded meanwhile. {}", self.mend())
    }
}

impl std::error::Error for Lost {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::Hash;

    fn seen(seq: u64, hash: u8) -> Witness {
        Witness { what: format!("the witness of {seq}"), head: Head { seq, hash: Hash([hash; 32]) } }
    }

    #[test]
    fn whoever_has_seen_more_or_something_else_is_believed() {
        let heads = [seen(3, 3).head, seen(5, 5).head];
        let lost = |witnesses| Lost::of("w", 5, &heads, witnesses);
        assert_eq!(lost(vec![]), None);
        assert_eq!(lost(vec![seen(3, 3), seen(5, 5), seen(0, 9)]), None);
        let more = lost(vec![seen(3, 3), seen(7, 7), seen(9, 9)]).unwrap();
        assert_eq!(more.missing(), Some((6, 9)));
        assert!(more.to_string().contains("4 deeds are missing, 6 to 9"), "{more}");
        let other = lost(vec![seen(3, 4), seen(5, 5)]).unwrap();
        assert_eq!(other.missing(), None);
        assert!(other.to_string().contains("deed 3 is another"), "{other}");
    }
}
