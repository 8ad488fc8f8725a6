//! Signed heads: what the ledger said at a moment, in a form that others check without Deeds.
//!
//! A note is text with an Ed25519 signature below, as C2SP's `signed-note` has it; the text of a head is a `checkpoint` of
//! `tlog-checkpoint`: whose ledger, how many deeds, the hash of the last. Whoever keeps one elsewhere finds out later
//! whether the history was written anew since.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as BASE64;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use sha2::{Digest as _, Sha256};

use super::{Hash, Head};
use crate::domain::hash::hex;

/// What keys are called in notes.
const NAME: &str = "deeds";
/// `signed-note` has this byte for Ed25519.
const ED25519_TYPE: u8 = 1;
/// What a signature's line begins with.
const DASH: &str = "\u{2014} ";
/// What the text of a note about a key begins with.
const KEY_ORIGIN: &str = "deeds/key";
/// How many lines of text a note of a head has.
pub const HEAD_LINES: usize = 4;
/// And a note of a key.
const KEY_LINES: usize = 2;

/// Why a note does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// Not in the form of a note.
    #[error("it is no signed note ({0})")]
    Form(&'static str),
    /// None of its signatures is by a key that is known.
    #[error("it is signed by no key that is known")]
    Unknown,
    /// A signature by a known key is wrong.
    #[error("its signature is wrong: the text was changed")]
    Wrong,
}

/// A key that signs.
pub struct Signer {
    pair: Ed25519KeyPair,
}

impl fmt::Debug for Signer {
    /// Without the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({})", self.key())
    }
}

/// The public half of a key: `deeds+<id>+<base64>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteKey {
    public: [u8; 32],
}

impl Signer {
    /// From 32 secret bytes.
    ///
    /// # Errors
    /// Never for 32 bytes; what the library says otherwise.
    pub fn from_seed(seed: &[u8; 32]) -> Result<Self, NoteError> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| NoteError::Form("a bad key"))?;
        Ok(Self { pair })
    }

    /// Its public half.
    pub fn key(&self) -> NoteKey {
        let mut public = [0; 32];
        public.copy_from_slice(self.pair.public_key().as_ref());
        NoteKey { public }
    }

    /// The note with that text, which ends with a line's end.
    fn sign(&self, text: &str) -> String {
        let mut bytes = self.key().id().to_vec();
        bytes.extend_from_slice(self.pair.sign(text.as_bytes()).as_ref());
        format!("{text}\n{DASH}{NAME} {}\n", BASE64.encode(bytes))
    }

    /// A note that says where a ledger ended, and when that was so.
    pub fn head(&self, source: &str, head: Head, time: &str) -> String {
        let hash = BASE64.encode(head.hash.0);
        self.sign(&format!("{source}\n{}\n{hash}\ntime {time}\n", head.seq))
    }

    /// A note that says which key comes next.
    pub fn successor(&self, next: &NoteKey) -> String {
        self.sign(&format!("{KEY_ORIGIN}\n{next}\n"))
    }
}

impl NoteKey {
    fn id(&self) -> [u8; 4] {
        let mut hasher = Sha256::new();
        hasher.update(NAME);
        hasher.update(b"\n");
        hasher.update([ED25519_TYPE]);
        hasher.update(self.public);
        let digest: [u8; 32] = hasher.finalize().into();
        let [a, b, c, d, ..] = digest;
        [a, b, c, d]
    }
}

impl fmt::Display for NoteKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = vec![ED25519_TYPE];
        bytes.extend_from_slice(&self.public);
        write!(f, "{NAME}+{}+{}", hex(&self.id()), BASE64.encode(bytes))
    }
}

impl FromStr for NoteKey {
    type Err = NoteError;

    fn from_str(text: &str) -> Result<Self, NoteError> {
        let wrong = || NoteError::Form("a key looks like deeds+1a2b3c4d+AbC…");
        let mut parts = text.trim().splitn(3, '+');
        let (name, id, key) = (parts.next(), parts.next(), parts.next().ok_or_else(wrong)?);
        let bytes = BASE64.decode(key).map_err(|_| wrong())?;
        let (kind, public) = bytes.split_first().ok_or_else(wrong)?;
        let key = Self { public: public.try_into().map_err(|_| wrong())? };
        let fits = name == Some(NAME) && *kind == ED25519_TYPE && id == Some(&*hex(&key.id()));
        if fits { Ok(key) } else { Err(wrong()) }
    }
}

/// What a ledger's head was, as a note says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedHead {
    /// The ledger's identity.
    pub source: String,
    /// Where it ended.
    pub head: Head,
}

impl SignedHead {
    /// What a note says, signed by one of these keys.
    ///
    /// # Errors
    /// When it is no note of a head, or no known key signed this.
    pub fn read(note: &str, keys: &[NoteKey]) -> Result<Self, NoteError> {
        let mut lines = opened(note, keys)?.lines();
        let mut line = || lines.next().ok_or(NoteError::Form("a line is missing"));
        let source = line()?.to_owned();
        let seq = line()?.parse().map_err(|_| NoteError::Form("the second line is no number"))?;
        let hash = BASE64.decode(line()?).ok().and_then(|bytes| bytes.try_into().ok());
        let hash = hash.ok_or(NoteError::Form("the third line is no hash"))?;
        Ok(Self { source, head: Head { seq, hash: Hash(hash) } })
    }
}

/// The keys that follow from the first one: each is named in a note that the one before it signed.
///
/// # Errors
/// When the chain of notes does not hold.
pub fn succession(first: NoteKey, notes: &str) -> Result<Vec<NoteKey>, NoteError> {
    let mut keys = vec![first];
    for note in notes_of(notes, KEY_LINES) {
        let last = keys.last().cloned().into_iter().collect::<Vec<_>>();
        let text = opened(&note, &last)?;
        let next = text.strip_prefix(KEY_ORIGIN).ok_or(NoteError::Form("it names no key"))?;
        keys.push(next.parse()?);
    }
    Ok(keys)
}

/// The notes of a file, in which an empty line stands between any two, each with so many lines of text. What a crash left
/// unfinished is passed over.
pub fn notes_of(file: &str, lines: usize) -> impl Iterator<Item = String> {
    let mut text: Vec<&str> = Vec::new();
    file.lines().filter_map(move |line| {
        if line.starts_with(DASH) {
            let from = text.len().saturating_sub(lines);
            let whole = text.get(from..).unwrap_or_default().join("\n");
            text.clear();
            return Some(format!("{whole}\n\n{line}\n"));
        }
        if !line.is_empty() {
            text.push(line);
        }
        None
    })
}

/// The text of a note that one of the keys signed.
fn opened<'a>(note: &'a str, keys: &[NoteKey]) -> Result<&'a str, NoteError> {
    let form = NoteError::Form("no text with a signature below it");
    let (text, signatures) = note.split_once("\n\n").ok_or(form.clone())?;
    // The line's end belongs to what is signed.
    let text = note.get(..=text.len()).ok_or(form)?;
    for line in signatures.lines() {
        let signature = line.strip_prefix(DASH).and_then(|rest| rest.rsplit_once(' '));
        let bytes = signature.and_then(|(_, signature)| BASE64.decode(signature).ok());
        let Some((id, signature)) = bytes.as_deref().and_then(|bytes| bytes.split_first_chunk::<4>()) else {
            return Err(NoteError::Form("a signature can't be read"));
        };
        let Some(key) = keys.iter().find(|key| key.id() == *id) else { continue };
        let verified = UnparsedPublicKey::new(&ED25519, key.public).verify(text.as_bytes(), signature);
        return verified.map(|()| text).map_err(|_| NoteError::Wrong);
    }
    Err(NoteError::Unknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "urn:uuid:01234567-89ab-4cde-8f01-23456789abcd";

    fn signer(seed: u8) -> Signer {
        Signer::from_seed(&[seed; 32]).unwrap()
    }

    fn head(seq: u64) -> Head {
        Head { seq, hash: Hash([7; 32]) }
    }

    #[test]
    fn a_head_reads_back_and_no_other_key_or_text_passes() {
        let note = signer(1).head(SOURCE, head(12), "2026-11-28T09:00:00Z");
        let (ours, other) = (signer(1).key(), signer(2).key());
        let read = SignedHead::read(&note, &[other.clone(), ours.clone()]).unwrap();
        assert_eq!(read, SignedHead { source: SOURCE.to_owned(), head: head(12) });
        assert_eq!(SignedHead::read(&note, &[other]), Err(NoteError::Unknown));
        let changed = note.replace("\n12\n", "\n13\n");
        assert_eq!(SignedHead::read(&changed, std::slice::from_ref(&ours)), Err(NoteError::Wrong));
        assert!(matches!(SignedHead::read("", &[ours]), Err(NoteError::Form(_))));
    }

    #[test]
    fn notes_of_one_file_are_told_apart() {
        let notes = [1, 2, 3].map(|seq| signer(1).head(SOURCE, head(seq), "now"));
        let file = notes.join("\n");
        assert_eq!(notes_of(&file, HEAD_LINES).collect::<Vec<_>>(), notes);
        assert_eq!(notes_of("", HEAD_LINES).count(), 0);
        // One that a crash cut off is no note, and spoils none.
        let torn = format!("{file}\n{SOURCE}\n4\nabc\n{}", notes[0]);
        assert_eq!(notes_of(&torn, HEAD_LINES).count(), 4);
    }

    #[test]
    fn keys_follow_each_other() {
        let (first, second, third) = (signer(1), signer(2), signer(3));
        let notes = [first.successor(&second.key()), second.successor(&third.key())].join("\n");
        let keys = succession(first.key(), &notes).unwrap();
        assert_eq!(keys, [first.key(), second.key(), third.key()]);
        assert_eq!(first.key().to_string().parse(), Ok(first.key()));
        // One that nobody named does not come in.
        let forged = third.successor(&second.key());
        assert!(succession(first.key(), &forged).is_err());
    }
}
