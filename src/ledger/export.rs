//! A ledger as lines of JSON, for people and other tools, and its verification without a database.
//!
//! The first line says which ledger it is and how many deeds follow: `{"ledger":"urn:uuid:…","workspace":"…","format":2,"deeds":1}`.
//! Every other line is a record: `{"seq":1,"hash":"…","deed":…}`, with the deed's bytes exactly as stored. Format 1 does not say how
//! many there are; it is read still.

use std::io::{BufRead, Read};

use bytes::{BufMut, Bytes, BytesMut};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use thiserror::Error;

use super::chain::Broken;
use super::{Hash, Head, Identity, MAX_RECORD_BYTES, Record, Verifier};

const FORMAT: u32 = 2;
/// The one that does not say how many deeds there are.
const OPEN_ENDED: u32 = 1;
const URN: &str = "urn:uuid:";
/// What is to be said of an export that does not tell its end.
pub const OPEN_END: &str = "made by an earlier version, it does not say how many deeds there are: were it cut off after one of them, that would not show";
/// The longest line that is read: a record and its envelope.
const MAX_LINE_BYTES: usize = MAX_RECORD_BYTES + 1_024;

/// Why an export does not verify. Every message names the line.
#[derive(Debug, Error)]
pub enum ExportError {
    /// The file could not be read.
    #[error("line {line}: reading failed: {source}")]
    Read {
        /// The line, from 1.
        line: u64,
        /// What the system said.
        source: std::io::Error,
    },
    /// The line is not what belongs there.
    #[error("line {line}: {reason}; export the ledger again with `deeds log --export`")]
    Line {
        /// The line, from 1.
        line: u64,
        /// What does not fit.
        reason: String,
    },
    /// The chain does not hold.
    #[error("line {line}: {broken}; the export was changed, get it again from its source")]
    Broken {
        /// The line, from 1.
        line: u64,
        /// Where and how.
        broken: Broken,
    },
    /// Deeds are missing at its end, or there are too many.
    #[error("cut off: it says {said} deeds, {there} are there; get the export again from its source")]
    CutOff {
        /// How many it says.
        said: u64,
        /// How many there are.
        there: u64,
    },
}

/// An export that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exported {
    /// Which ledger it is of.
    pub identity: Identity,
    /// Where it ends.
    pub head: Head,
    /// Whether it says itself where it ends. One of an earlier version does not: cut at the end of a line, it holds all the same.
    pub tells_end: bool,
}

#[derive(Serialize, Deserialize)]
struct Heading {
    ledger: String,
    workspace: String,
    format: u32,
    deeds: Option<u64>,
}

#[derive(Deserialize)]
struct Line<'a> {
    seq: u64,
    hash: String,
    #[serde(borrow)]
    deed: &'a RawValue,
}

/// The first line, without its line end, of an export of so many deeds.
pub fn heading(identity: &Identity, deeds: u64) -> String {
    let workspace = serde_json::Value::from(identity.workspace.as_str());
    let source = identity.source();
    format!(r#"{{"ledger":"{source}","workspace":{workspace},"format":{FORMAT},"deeds":{deeds}}}"#)
}

/// One record's line, without its line end.
pub fn line(record: &Record) -> Bytes {
    let envelope = format!(r#"{{"seq":{},"hash":"{}","deed":"#, record.seq, record.hash);
    let mut line = BytesMut::with_capacity(envelope.len() + record.bytes.len() + 1);
    line.put(envelope.as_bytes());
    line.put(record.bytes.as_ref());
    line.put_u8(b'}');
    line.freeze()
}

/// Verifies an export from its first line on, and says where it ends.
pub fn verify(input: impl BufRead) -> Result<Exported, ExportError> {
    read_all(input, |_| Ok(()))
}

/// The same, and shows the bytes of each deed; what `each` says against one is told with its line.
///
/// # Errors
/// When it is no export, its chain does not hold, or `each` refuses a deed.
pub fn read_all(
    input: impl BufRead,
    mut each: impl FnMut(&[u8]) -> Result<(), String>,
) -> Result<Exported, ExportError> {
    let mut lines = Lines { input, number: 0, buffer: Vec::new() };
    let (identity, said) = match lines.next()? {
        Some((line, text)) => parse_heading(line, text)?,
        None => return Err(ExportError::Line { line: 1, reason: "there is no heading".to_owned() }),
    };
    let mut verifier = Verifier::after(Head { seq: 0, hash: identity.genesis() });
    while let Some((line, text)) = lines.next()? {
        let wrong = |reason: String| ExportError::Line { line, reason };
        let record: Line<'_> = serde_json::from_slice(text).map_err(|error| wrong(error.to_string()))?;
        let hash: Hash = record.hash.parse().map_err(|error| wrong(format!("`hash`: {error}")))?;
        verifier
            .check(record.seq, hash, record.deed.get().as_bytes())
            .map_err(|broken| ExportError::Broken { line, broken })?;
        each(record.deed.get().as_bytes()).map_err(wrong)?;
    }
    let head = verifier.head();
    match said.filter(|said| *said != head.seq) {
        Some(said) => Err(ExportError::CutOff { said, there: head.seq }),
        None => Ok(Exported { identity, head, tells_end: said.is_some() }),
    }
}

/// Which ledger it is of, and how many deeds it says that there are.
fn parse_heading(line: u64, text: &[u8]) -> Result<(Identity, Option<u64>), ExportError> {
    let wrong = |reason: String| ExportError::Line { line, reason };
    let heading: Heading =
        serde_json::from_slice(text).map_err(|error| wrong(format!("not an export's heading: {error}")))?;
    let says = match heading.format {
        FORMAT => heading.deeds.is_some(),
        OPEN_ENDED => heading.deeds.is_none(),
        format => {
            return Err(wrong(format!("format {format} is unknown, {OPEN_ENDED} and {FORMAT} are read")));
        }
    };
    if !says {
        return Err(wrong(format!("`deeds` says how many there are in format {FORMAT}, and in no other")));
    }
    let id = heading.ledger.strip_prefix(URN).unwrap_or_default().parse();
    let id = id.map_err(|error| wrong(format!("`ledger` is not `{URN}…`: {error}")))?;
    Ok((Identity { id, workspace: heading.workspace }, heading.deeds))
}

/// Lines with a bound on their length and their numbers from 1.
struct Lines<R> {
    input: R,
    number: u64,
    buffer: Vec<u8>,
}

impl<R: BufRead> Lines<R> {
    fn next(&mut self) -> Result<Option<(u64, &[u8])>, ExportError> {
        self.number += 1;
        self.buffer.clear();
        let line = self.number;
        let bound = u64::try_from(MAX_LINE_BYTES).unwrap_or(u64::MAX);
        let read = Read::take(&mut self.input, bound)
            .read_until(b'\n', &mut self.buffer)
            .map_err(|source| ExportError::Read { line, source })?;
        match self.buffer.last() {
            None => Ok(None),
            Some(b'\n') => Ok(Some((line, self.buffer.trim_ascii_end()))),
            Some(_) if read == MAX_LINE_BYTES => {
                Err(ExportError::Line { line, reason: format!("longer than {MAX_LINE_BYTES} bytes") })
            }
            Some(_) => Ok(Some((line, &self.buffer))),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ledger::{LedgerId, chain};

    fn identity() -> Identity {
        Identity { id: LedgerId::from_bytes([3; 16]), workspace: "north \"wind\"".to_owned() }
    }

    fn export(deeds: &[&'static str]) -> Vec<u8> {
        let start = Head { seq: 0, hash: identity().genesis() };
        let mut text = heading(&identity(), deeds.len() as u64).into_bytes();
        for record in
            chain::seal(start, deeds.iter().map(|deed| Bytes::from_static(deed.as_bytes())).collect())
        {
            text.push(b'\n');
            text.extend_from_slice(&line(&record));
        }
        text
    }

    #[test]
    fn an_export_verifies_with_the_bytes_as_they_are() {
        let text = export(&[r#"{ "b" : 1.0,  "a":2}"#, r#"{"later":"ü"}"#]);
        let found = verify(text.as_slice()).unwrap();
        assert_eq!((found.identity, found.head.seq, found.tells_end), (identity(), 2, true));
        assert!(String::from_utf8(text).unwrap().contains(r#""deed":{ "b" : 1.0,  "a":2}}"#));
    }

    #[test]
    fn an_empty_file_and_a_foreign_one_are_refused_with_the_line() {
        for (text, expected) in [
            ("", "line 1: there is no heading"),
            ("{}", "line 1: not an export's heading"),
            ("{\"ledger\":\"urn:uuid:x\",\"workspace\":\"w\",\"format\":1}", "line 1: `ledger` is not"),
            ("{\"ledger\":\"\",\"workspace\":\"w\",\"format\":9}", "line 1: format 9 is unknown"),
        ] {
            let error = verify(text.as_bytes()).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
        }
    }

    /// Also at the end of a line, where the chain holds as far as it goes.
    #[test]
    fn one_that_is_cut_off_is_told_wherever_it_was_cut() {
        let text = export(&[r#"{"a":1}"#, r#"{"b":[2]}"#, r#"{"c":"x"}"#]);
        let lines: Vec<usize> = (1..text.len()).filter(|at| text[*at] == b'\n').collect();
        assert_eq!(lines.len(), 3);
        for (there, at) in lines.into_iter().enumerate() {
            let error = verify(&text[..at]).unwrap_err().to_string();
            assert!(error.contains(&format!("it says 3 deeds, {there} are there")), "{error}");
        }
        for at in 1..text.len() {
            assert!(verify(&text[..at]).is_err(), "{at}");
        }
    }

    #[test]
    fn one_of_before_is_read_and_its_end_cannot_be_told() {
        let text = String::from_utf8(export(&[r#"{"a":1}"#])).unwrap();
        let before = text.replace(r#""format":2,"deeds":1"#, r#""format":1"#);
        let found = verify(before.as_bytes()).unwrap();
        assert_eq!((found.head.seq, found.tells_end), (1, false));
    }

    proptest! {
        #[test]
        fn no_bit_of_an_export_can_be_flipped_unseen(at in any::<prop::sample::Index>(), bit in 0_u8..8) {
            let mut text = export(&[r#"{"a":1}"#, r#"{"b":[2]}"#, r#"{"c":"x"}"#]);
            let whole = verify(text.as_slice()).unwrap();
            let at = at.index(text.len());
            text[at] ^= 1 << bit;
            // Flipping a line end's bits may leave white space, which says the same.
            if let Ok(found) = verify(text.as_slice()) {
                prop_assert_eq!(found, whole);
                prop_assert!(text[at].is_ascii_whitespace());
            }
        }
    }
}
