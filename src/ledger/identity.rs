//! Which ledger this is: a UUID made with the file, and the workspace that it records.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

use super::Hash;

/// A ledger's UUID (version 4), made when the ledger is created and never changed.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct LedgerId([u8; 16]);

impl LedgerId {
    /// A fresh one from the system's random bytes.
    pub fn random() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes)?;
        let [_, _, _, _, _, _, version, _, variant, ..] = &mut bytes;
        *version = (*version & 0x0f) | 0x40;
        *variant = (*variant & 0x3f) | 0x80;
        Ok(Self(bytes))
    }

    /// From its sixteen bytes.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Its sixteen bytes.
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for LedgerId {
    /// The usual form: `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, byte) in self.0.iter().enumerate() {
            if matches!(at, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for LedgerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LedgerId({self})")
    }
}

/// The text is not a UUID.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a UUID such as 123e4567-e89b-42d3-a456-426614174000")]
pub struct BadLedgerId(String);

impl FromStr for LedgerId {
    type Err = BadLedgerId;

    fn from_str(text: &str) -> Result<Self, BadLedgerId> {
        let digits: Option<Vec<u8>> = text
            .chars()
            .filter(|c| *c != '-')
            .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
            .collect();
        let bytes: Option<[u8; 16]> = digits.and_then(|digits| {
            let (pairs, rest) = digits.as_chunks::<2>();
            let bytes: Vec<u8> = pairs.iter().map(|[high, low]| high << 4 | low).collect();
            if rest.is_empty() { bytes.try_into().ok() } else { None }
        });
        match bytes.map(Self) {
            Some(id) if id.to_string().eq_ignore_ascii_case(text) => Ok(id),
            Some(_) | None => Err(BadLedgerId(text.to_owned())),
        }
    }
}

/// What a ledger is: its UUID and its workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The ledger's UUID.
    pub id: LedgerId,
    /// The workspace's name.
    pub workspace: String,
}

impl Identity {
    /// The `source` of every deed in it: `urn:uuid:…`.
    pub fn source(&self) -> String {
        format!("urn:uuid:{}", self.id)
    }

    /// The hash that the first record is chained to: SHA-256 of `deeds ledger\n`, the source, `\n` and the workspace.
    /// So a ledger whose identity was changed, or that got another ledger's records, does not verify.
    pub fn genesis(&self) -> Hash {
        let mut hasher = Sha256::new();
        hasher.update(b"deeds ledger\n");
        hasher.update(self.source());
        hasher.update(b"\n");
        hasher.update(&self.workspace);
        Hash(hasher.finalize().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_back_from_its_text_and_from_nothing_else() {
        let id = LedgerId::random().unwrap();
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(id.to_string().to_uppercase().parse(), Ok(id));
        assert_eq!(&id.to_string()[14..15], "4");
        for wrong in ["", "x", "123e4567e89b42d3a456426614174000", "123e4567-e89b-42d3-a456-42661417400g"] {
            assert!(wrong.parse::<LedgerId>().is_err(), "{wrong} was taken");
        }
    }

    #[test]
    fn the_genesis_is_bound_to_id_and_workspace() {
        let one = Identity { id: LedgerId::from_bytes([7; 16]), workspace: "northwind".to_owned() };
        let other_id = Identity { id: LedgerId::from_bytes([8; 16]), ..one.clone() };
        let other_name = Identity { workspace: "southwind".to_owned(), ..one.clone() };
        assert_ne!(one.genesis(), other_id.genesis());
        assert_ne!(one.genesis(), other_name.genesis());
        assert_eq!(one.genesis(), one.clone().genesis());
    }
}
