//! A log of one JSON object a line, read into import commands; what a line means is its [`Format`]'s business. An event is known
//! by what it says: its number is only a name, for logs are pruned, renumbered, and put together from several tables.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;
use std::io::{self, BufRead, Read as _};
use std::sync::Arc;

use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};

use super::line::{Broken, Line};
use crate::domain::command::{Import, WriteKind};
use crate::domain::ids::EventDigest;

/// Longest line in bytes.
pub const LINE_BYTES: u64 = 8 * 1024 * 1024;
/// How many types without a reading are told apart.
const KEPT_TYPES: usize = 50;

/// How a line is read.
pub trait Format: Debug + Send + Sync {
    /// What the system is called whose log it is.
    fn system(&self) -> &str;

    /// What a line says, of the history of that name.
    ///
    /// # Errors
    /// Why it can't be taken.
    fn read(&self, text: &str, source: Arc<str>) -> Result<Read, Broken>;
}

/// What a line says.
#[derive(Debug)]
pub struct Read {
    /// The command, without its digest.
    pub import: Import,
    /// The event's name there, if it has one.
    pub name: Option<String>,
    /// The event's type there.
    pub kind: String,
    /// What it is known by: a list of all that it says, but for its name.
    pub said: Json,
}

/// Reads a log line by line. Blank lines are passed over.
#[derive(Debug)]
pub struct Events<R> {
    reader: R,
    format: Box<dyn Format>,
    line: u64,
    bytes: u64,
    source: Option<Arc<str>>,
    /// The names of the events that say the same, in their order.
    seen: HashMap<EventDigest, Vec<Option<String>>>,
    notes: BTreeMap<String, u64>,
}

impl<R: BufRead> Events<R> {
    /// From the log's beginning: its first line names the history, so that importing it again, or a longer version of
    /// it, adds nothing twice.
    pub fn new(reader: R, format: impl Format + 'static) -> Self {
        let format = Box::new(format);
        Self { reader, format, line: 0, bytes: 0, source: None, seen: HashMap::new(), notes: BTreeMap::new() }
    }

    /// The number of the line read last, from 1.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// How many bytes have been read.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Events that change nothing so far, by type.
    pub fn notes(&self) -> &BTreeMap<String, u64> {
        &self.notes
    }

    /// The next line's command, or why it has none; nothing at the end.
    ///
    /// # Errors
    /// When the file can't be read on.
    pub fn next_line(&mut self) -> io::Result<Option<Line>> {
        loop {
            let mut bytes = Vec::new();
            let read = self.reader.by_ref().take(LINE_BYTES).read_until(b'\n', &mut bytes)?;
            if read == 0 {
                return Ok(None);
            }
            self.line += 1;
            self.bytes += read as u64;
            if read as u64 == LINE_BYTES && bytes.last() != Some(&b'\n') {
                self.bytes += skip_line(&mut self.reader)?;
                let why = format!("it is longer than {LINE_BYTES} bytes");
                return Ok(Some(Line { number: self.line, read: Err(Broken::new(why, "")) }));
            }
            if !bytes.trim_ascii().is_empty() {
                let read = self.event(bytes.trim_ascii());
                return Ok(Some(Line { number: self.line, read }));
            }
        }
    }

    fn event(&mut self, bytes: &[u8]) -> Result<Import, Broken> {
        let system = self.format.system();
        let source = Arc::clone(self.source.get_or_insert_with(|| Import::source_name(system, bytes)));
        let text = std::str::from_utf8(bytes)
            .map_err(|error| Broken::new("it is not UTF-8", format!("byte {}", error.valid_up_to() + 1)))?;
        let mut read = self.format.read(text, source)?;
        read.import.digest = Some(self.digest(&read));
        if read.import.kind == WriteKind::Update && read.import.changes.is_empty() {
            let kind = if self.notes.len() < KEPT_TYPES { read.kind } else { "others".to_owned() };
            *self.notes.entry(kind).or_default() += 1;
        }
        Ok(read.import)
    }

    /// What is said twice under two names was two events, the second of them known as such.
    fn digest(&mut self, read: &Read) -> EventDigest {
        let names = self.seen.entry(digest(&read.said, 0)).or_default();
        let known = names.iter().position(|known| *known == read.name && known.is_some());
        let nth = known.unwrap_or_else(|| {
            names.push(read.name.clone());
            names.len() - 1
        });
        digest(&read.said, nth)
    }
}

/// The digest of what an event says, as the nth that says so.
fn digest(said: &Json, nth: usize) -> EventDigest {
    let mut all = said.as_array().cloned().unwrap_or_default();
    all.push(nth.into());
    let hash = Sha256::digest(serde_json::to_vec(&all).unwrap_or_default());
    EventDigest(hash.first_chunk().copied().unwrap_or_default())
}

/// Passes over the rest of a line and says how long it was.
fn skip_line(reader: &mut impl BufRead) -> io::Result<u64> {
    let mut skipped = 0;
    loop {
        let (done, used) = {
            let buffer = reader.fill_buf()?;
            match buffer.iter().position(|byte| *byte == b'\n') {
                Some(at) => (true, at + 1),
                None => (buffer.is_empty(), buffer.len()),
            }
        };
        reader.consume(used);
        skipped += used as u64;
        if done {
            return Ok(skipped);
        }
    }
}
