//! The hash chain: how records are sealed, and how a stored chain is verified, record by record, without keeping any.
//!
//! `hash = SHA-256(hash of the record before ‖ bytes)`, over the bytes as stored. Nothing here parses them.

use bytes::Bytes;

use super::{Head, Record};

pub use crate::domain::hash::{BadHash, Hash, link};

/// Numbers and chains a batch onto `head`.
pub fn seal(head: Head, batch: Vec<Bytes>) -> Vec<Record> {
    let mut head = head;
    batch
        .into_iter()
        .map(|bytes| {
            head = Head { seq: head.seq + 1, hash: link(head.hash, &bytes) };
            Record { seq: head.seq, hash: head.hash, bytes }
        })
        .collect()
}

/// Where and how a chain does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// A number is missing, doubled or out of order.
    #[error("sequence {found} stands where {expected} belongs")]
    Sequence {
        /// The number that was due.
        expected: u64,
        /// The number that came.
        found: u64,
    },
    /// The bytes, the hash or a hash before it were changed.
    #[error("the hash of sequence {seq} does not fit its bytes and the record before")]
    Hash {
        /// The record.
        seq: u64,
    },
}

impl Broken {
    /// The first sequence number that does not hold.
    pub fn seq(&self) -> u64 {
        match self {
            Self::Sequence { expected, .. } => *expected,
            Self::Hash { seq } => *seq,
        }
    }
}

/// Follows a chain record by record. Used for a database, an export and a stream alike.
#[derive(Debug, Clone)]
pub struct Verifier {
    head: Head,
}

impl Verifier {
    /// Starts after `head`: a ledger's genesis, or a head that is already trusted.
    pub fn after(head: Head) -> Self {
        Self { head }
    }

    /// Takes the next record, or says why it does not continue the chain. A refused record changes nothing.
    pub fn check(&mut self, seq: u64, hash: Hash, bytes: &[u8]) -> Result<(), Broken> {
        let expected = self.head.seq + 1;
        if seq != expected {
            return Err(Broken::Sequence { expected, found: seq });
        }
        if link(self.head.hash, bytes) != hash {
            return Err(Broken::Hash { seq });
        }
        self.head = Head { seq, hash };
        Ok(())
    }

    /// How far the chain holds.
    pub fn head(&self) -> Head {
        self.head
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn start() -> Head {
        Head { seq: 0, hash: Hash([0; 32]) }
    }

    fn verify(records: &[Record]) -> Result<Head, Broken> {
        let mut verifier = Verifier::after(start());
        for record in records {
            verifier.check(record.seq, record.hash, &record.bytes)?;
        }
        Ok(verifier.head())
    }

    #[test]
    fn the_hash_is_the_published_formula() {
        // (head -c 32 /dev/zero; printf deed) | sha256sum
        let expected = "3ff0e3e4470ac6132ff26fe44922483eb629a5e849b0e926d2ba0910d1051896".parse().unwrap();
        assert_eq!(link(Hash([0; 32]), b"deed"), expected);
    }

    proptest! {
        #[test]
        fn a_sealed_batch_verifies_and_any_change_to_it_does_not(
            batch in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..40), 1..12),
            at in any::<prop::sample::Index>(),
            byte in any::<prop::sample::Index>(),
            bit in 0_u8..8,
            in_hash in any::<bool>(),
        ) {
            let mut records = seal(start(), batch.into_iter().map(Bytes::from).collect());
            prop_assert_eq!(verify(&records).map(|head| head.seq), Ok(records.len() as u64));
            let at = at.index(records.len());
            let record = &mut records[at];
            if in_hash {
                record.hash.0[byte.index(32)] ^= 1 << bit;
            } else {
                let mut bytes = record.bytes.to_vec();
                let byte = byte.index(bytes.len());
                bytes[byte] ^= 1 << bit;
                record.bytes = bytes.into();
            }
            prop_assert_eq!(verify(&records), Err(Broken::Hash { seq: at as u64 + 1 }));
        }

        #[test]
        fn a_record_left_out_doubled_or_moved_is_found(count in 3_u64..12, at in any::<prop::sample::Index>()) {
            let records = seal(start(), (0..count).map(|n| Bytes::from(n.to_string())).collect());
            let at = at.index(records.len() - 1);
            let mut without = records.clone();
            without.remove(at);
            prop_assert!(verify(&without).is_err());
            let mut doubled = records.clone();
            doubled.insert(at, records[at].clone());
            prop_assert!(verify(&doubled).is_err());
            let mut moved = records;
            moved.swap(at, at + 1);
            prop_assert!(verify(&moved).is_err());
        }
    }
}
