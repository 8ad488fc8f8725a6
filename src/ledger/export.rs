//! A ledger as lines of JSON, for people and other tools, and its verification without a database.
//!
//! The first line says which ledger it is: `{"ledger":"urn:uuid:…","workspace":"…","format":1}`. Every other line is a
//! record: `{"seq":1,"hash":"…","deed":…}`, with the deed's bytes exactly as stored.

use std::io::{BufRead, Read};

use bytes::{BufMut, Bytes, BytesMut};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use thiserror::Error;

use super::chain::Broken;
use super::{Hash, Head, Identity, MAX_RECORD_BYTES, Record, Verifier};

const FORMAT: u32 = 1;
const URN: &str = "urn:uuid:";
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
}

#[derive(Serialize, Deserialize)]
struct Heading {
    ledger: String,
    workspace: String,
    format: u32,
}

#[derive(Deserialize)]
struct Line<'a> {
    seq: u64,
    hash: String,
    #[serde(borrow)]
    deed: &'a RawValue,
}

/// The first line, without its line end.
pub fn heading(identity: &Identity) -> String {
    let workspace = serde_json::Value::from(identity.workspace.as_str());
    format!(r#"{{"ledger":"{}","workspace":{workspace},"format":{FORMAT}}}"#, identity.source())
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
pub fn verify(input: impl BufRead) -> Result<(Identity, Head), ExportError> {
    read_all(input, |_| Ok(()))
}

/// The same, and shows the bytes of each deed; what `each` says against one is told with its line.
///
/// # Errors
/// When it is no export, its chain does not hold, or `each` refuses a deed.
pub fn read_all(
    input: impl BufRead,
    mut each: impl FnMut(&[u8]) -> Result<(), String>,
) -> Result<(Identity, Head), ExportError> {
    let mut lines = Lines { input, number: 0, buffer: Vec::new() };
    let identity = match lines.next()? {
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
    Ok((identity, verifier.head()))
}

fn parse_heading(line: u64, text: &[u8]) -> Result<Identity, ExportError> {
    let wrong = |reason: String| ExportError::Line { line, reason };
    let heading: Heading =
        serde_json::from_slice(text).map_err(|error| wrong(format!("not an export's heading: {error}")))?;
    if heading.format != FORMAT {
        return Err(wrong(format!("format {} is unknown, {FORMAT} is read", heading.format)));
    }
    let id = heading.ledger.strip_prefix(URN).unwrap_or_default().parse();
    let id = id.map_err(|error| wrong(format!("`ledger` is not `{URN}…`: {error}")))?;
    Ok(Identity { id, workspace: heading.workspace })
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
        let mut text = heading(&identity()).into_bytes();
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
        let (found, head) = verify(text.as_slice()).unwrap();
        assert_eq!((found, head.seq), (identity(), 2));
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
