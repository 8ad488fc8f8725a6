//! The note of where a ledger ended last, in a file of its own beside it: one block of fixed size that is written over after
//! each commit, before anybody is told of it. It is not synced each time, so after a power cut it may be behind the ledger;
//! it is never ahead of it. So a ledger that ends before its note has lost something.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::store::{open_file, owner_only};
use super::{Hash, Head, LedgerError};

/// What is added to the name of the ledger's file.
const SUFFIX: &str = "-head";
/// How many bytes the file has: one block, which no system writes by halves.
const BYTES: usize = 512;
const TITLE: &str = "deeds head 1";

/// What a note says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Marked {
    /// There is none.
    Nothing,
    /// It is of the ledger with that `source`.
    Another(String),
    /// It is not as it was written.
    Damaged,
    /// The ledger had got there.
    At(Head),
}

/// The note of one ledger, open to be written over.
#[derive(Debug)]
pub(super) struct Mark {
    /// Absent where it could not be opened; it is tried again.
    file: Option<File>,
    source: String,
    path: PathBuf,
}

impl Mark {
    /// Of the ledger in that file, as the ledger with that `source`. Without the note it is as good as before: what fails
    /// is logged.
    pub(super) fn new(ledger: &Path, source: String) -> Self {
        Self { file: None, source, path: beside(ledger) }
    }

    /// Writes over what is there.
    pub(super) fn set(&mut self, head: Head) {
        let block = block(&self.source, head);
        let written = self.opened().and_then(|file| file.write_all_at(&block, 0));
        self.or_say("written", written);
    }

    /// Has it on the disk, where it was written.
    pub(super) fn sync(&self) {
        let synced = self.file.as_ref().map_or(Ok(()), File::sync_data);
        self.or_say("synced", synced);
    }

    fn opened(&mut self) -> io::Result<&mut File> {
        let file = self.file.take().map_or_else(
            || owner_only(OpenOptions::new().create(true).truncate(false).write(true)).open(&self.path),
            Ok,
        )?;
        Ok(self.file.insert(file))
    }

    fn or_say(&self, what: &str, done: io::Result<()>) {
        if let Err(error) = done {
            let place = self.path.display();
            tracing::warn!(%place, %error, "the note of the ledger's last head could not be {what}");
        }
    }
}

/// The file of the note beside the ledger's.
pub(super) fn beside(ledger: &Path) -> PathBuf {
    let mut name = ledger.file_name().unwrap_or_default().to_owned();
    name.push(SUFFIX);
    ledger.with_file_name(name)
}

/// What the note beside the ledger's file says of the ledger with that `source`.
pub(super) fn read(ledger: &Path, source: &str) -> Result<Marked, LedgerError> {
    let path = beside(ledger);
    let mut bytes = Vec::with_capacity(BYTES);
    let most = u64::try_from(BYTES).unwrap_or(u64::MAX).saturating_add(1);
    let read = open_file(&path).and_then(|file| file.take(most).read_to_end(&mut bytes));
    match read {
        // One that was made and not written yet says nothing.
        Ok(0) => Ok(Marked::Nothing),
        Ok(_) => Ok(parsed(&bytes, source)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Marked::Nothing),
        Err(error) => Err(LedgerError::of_system(&path, &error)),
    }
}

/// Puts a note of that head in the place of what is there, synced.
pub(super) fn put(ledger: &Path, source: &str, head: Head) -> Result<(), LedgerError> {
    let mut mark = Mark::new(ledger, source.to_owned());
    let block = block(source, head);
    let put = mark.opened().and_then(|file| file.write_all_at(&block, 0).and_then(|()| file.sync_all()));
    put.map_err(|error| LedgerError::of_system(&mark.path, &error))
}

fn block(source: &str, head: Head) -> Vec<u8> {
    let text = format!("{TITLE}\n{source}\n{}\n{}\n", head.seq, head.hash);
    let mut bytes = format!("{text}{}\n", checksum(&text)).into_bytes();
    bytes.resize(BYTES, b'\n');
    bytes
}

fn parsed(bytes: &[u8], source: &str) -> Marked {
    let head = || {
        let text = std::str::from_utf8(bytes).ok().filter(|text| text.len() == BYTES)?;
        let mut lines = text.lines();
        let (title, whose, seq, hash, sum) =
            (lines.next()?, lines.next()?, lines.next()?, lines.next()?, lines.next()?);
        let said = format!("{title}\n{whose}\n{seq}\n{hash}\n");
        let whole = title == TITLE && sum == checksum(&said).to_string();
        whole.then_some(())?;
        Some((whose.to_owned(), Head { seq: seq.parse().ok()?, hash: hash.parse().ok()? }))
    };
    match head() {
        Some((whose, head)) if whose == source => Marked::At(head),
        Some((whose, _)) => Marked::Another(whose),
        None => Marked::Damaged,
    }
}

fn checksum(text: &str) -> Hash {
    Hash(Sha256::digest(text).into())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_note_is_read_back_and_no_bit_of_it_can_be_flipped_unseen() {
        let directory = tempfile::tempdir().unwrap();
        let ledger = directory.path().join("ledger.db");
        let source = "urn:uuid:123e4567-e89b-42d3-a456-426614174000";
        assert_eq!(read(&ledger, source), Ok(Marked::Nothing));
        let mut mark = Mark::new(&ledger, source.to_owned());
        assert_eq!(read(&ledger, source), Ok(Marked::Nothing));
        mark.set(Head { seq: 1_000_000, hash: Hash([7; 32]) });
        let last = Head { seq: 9, hash: Hash([8; 32]) };
        mark.set(last);
        assert_eq!(read(&ledger, source), Ok(Marked::At(last)));
        assert_eq!(read(&ledger, "urn:uuid:another"), Ok(Marked::Another(source.to_owned())));
        let whole = fs::read(beside(&ledger)).unwrap();
        let said = whole.iter().rposition(|byte| *byte != b'\n').unwrap();
        for at in 0..=said {
            let mut bytes = whole.clone();
            bytes[at] ^= 1;
            let found = parsed(&bytes, source);
            assert_eq!(found, Marked::Damaged, "byte {at}");
        }
        assert_eq!(parsed(&whole[..100], source), Marked::Damaged);
    }
}
