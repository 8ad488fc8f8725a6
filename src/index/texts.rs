//! The visible texts of the deeds, and finding those that say something. In which stretch they may be, the sieves say (`sieve`).
//!
//! The texts of deeds that follow each other are kept together in parts, each one row. A part never goes beyond its block.

use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::posts::{put_number, take_number};
use super::sieve::{self, GROUP, Sieve, Sifter, block_of, deeds_of};
use super::{IndexError, to_sql};

/// From this many bytes on a part is full.
const PART_BYTES: usize = 16 * 1024;
/// How many parts, spread over the whole ledger, tell how frequent a text is.
const SAMPLE: u64 = 16;
/// Whether a deed `d` has a text, in SQL.
pub(super) const SAYS: &str =
    "coalesce((SELECT says(x.lengths, x.said, d.seq - x.first, ?) FROM text x WHERE x.first <= d.seq
    ORDER BY x.first DESC LIMIT 1), 0)";

/// A part as it is kept: the first deed, how long each deed's text is, and the texts, one behind the other.
#[derive(Debug, Default)]
struct Part {
    first: i64,
    deeds: i64,
    lengths: Vec<u8>,
    said: String,
}

impl Part {
    /// Columns `first`, `deeds`, `lengths`, `said`.
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self { first: row.get(0)?, deeds: row.get(1)?, lengths: row.get(2)?, said: row.get(3)? })
    }

    fn is_full(&self) -> bool {
        self.said.len() >= PART_BYTES
    }

    fn push(&mut self, text: &str) {
        put_number(&mut self.lengths, text.len() as u64);
        self.said.push_str(text);
        self.deeds += 1;
    }

    /// Its texts with their deeds.
    fn texts(&self) -> Result<Vec<(i64, &str)>, IndexError> {
        let texts: Vec<_> = (self.first..).zip(texts(&self.lengths, &self.said)).collect();
        let whole: usize = texts.iter().map(|(_, text)| text.len()).sum();
        if whole == self.said.len() && i64::try_from(texts.len()) == Ok(self.deeds) {
            return Ok(texts);
        }
        Err(IndexError::Wrong { what: format!("the texts from {} on can't be read", self.first) })
    }
}

/// The texts of a part, as far as it can be read.
fn texts<'p>(mut lengths: &'p [u8], mut said: &'p str) -> impl Iterator<Item = &'p str> {
    std::iter::from_fn(move || {
        let length = usize::try_from(take_number(&mut lengths)?).ok()?;
        let (text, rest) = said.split_at_checked(length)?;
        said = rest;
        Some(text)
    })
}

/// Writes texts behind those that are there.
#[derive(Debug, Default)]
pub(super) struct Texts {
    part: Part,
    sieve: Sieve,
    /// The last deed.
    last: i64,
}

impl Texts {
    /// Goes on after that deed.
    pub(super) fn after(connection: &Connection, last: i64) -> Result<Self, IndexError> {
        let block = block_of(last + 1);
        let begun = Sieve::of(connection, block)?;
        let tail = connection
            .prepare_cached("SELECT first, deeds, lengths, said FROM text ORDER BY first DESC LIMIT 1")?
            .query_row([], Part::read)
            .optional()?
            .filter(|tail| {
                !tail.is_full() && block_of(tail.first) == block && tail.first + tail.deeds == last + 1
            });
        let part = tail.unwrap_or_else(|| Part { first: last + 1, ..Part::default() });
        Ok(Self { part, sieve: begun.unwrap_or_default(), last })
    }

    /// The next deed's text.
    pub(super) fn push(&mut self, connection: &Connection, text: &str) -> Result<(), IndexError> {
        self.part.push(text);
        self.sieve.add(text);
        self.last += 1;
        let (_, end) = deeds_of(block_of(self.last));
        if self.last == end {
            std::mem::take(&mut self.sieve).write(connection, block_of(end), true)?;
        }
        if self.last == end || self.part.is_full() {
            self.write_part(connection)?;
        }
        Ok(())
    }

    /// Writes what is not written yet.
    pub(super) fn finish(mut self, connection: &Connection) -> Result<(), IndexError> {
        let (_, end) = deeds_of(block_of(self.last));
        if self.last != end {
            self.sieve.write(connection, block_of(self.last), false)?;
        }
        if self.part.deeds > 0 { self.write_part(connection) } else { Ok(()) }
    }

    fn write_part(&mut self, connection: &Connection) -> Result<(), IndexError> {
        let Part { first, deeds, lengths, said } = &self.part;
        let sql = "INSERT OR REPLACE INTO text VALUES (?, ?, ?, ?)";
        connection.prepare_cached(sql)?.execute(params![first, deeds, lengths, said])?;
        self.part = Part { first: self.last + 1, ..Part::default() };
        Ok(())
    }
}

/// Teaches a connection [`SAYS`].
pub(super) fn teach(connection: &Connection) -> Result<(), IndexError> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    Ok(connection.create_scalar_function("says", 4, flags, says)?)
}

/// Whether the nth text of a part has a text in it: `says(lengths, said, nth, text)`.
fn says(context: &Context<'_>) -> rusqlite::Result<bool> {
    let (lengths, said) = (context.get_raw(0).as_blob()?, context.get_raw(1).as_str()?);
    let (nth, wanted) = (context.get::<usize>(2)?, context.get_raw(3).as_str()?);
    Ok(texts(lengths, said).nth(nth).is_some_and(|text| text.contains(wanted)))
}

/// The texts of the deeds between two, both included, in order.
pub(super) fn between(
    connection: &Connection,
    (low, high): (i64, i64),
) -> Result<Vec<(i64, String)>, IndexError> {
    let mut found = Vec::new();
    for block in block_of(low)..=block_of(high) {
        for part in parts(connection, block)? {
            let texts = part.texts()?.into_iter().filter(|(seq, _)| (low..=high).contains(seq));
            found.extend(texts.map(|(seq, text)| (seq, text.to_owned())));
        }
    }
    Ok(found)
}

/// The parts of a block in order.
fn parts(connection: &Connection, block: i64) -> Result<Vec<Part>, IndexError> {
    let (low, high) = deeds_of(block);
    let mut statement = connection.prepare_cached(
        "SELECT first, deeds, lengths, said FROM text WHERE first BETWEEN ? AND ? ORDER BY first",
    )?;
    let rows = statement.query_map([low, high], Part::read)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// About how many deeds have a text in them.
pub(super) fn estimate(connection: &Connection, folded: &str, head: u64) -> Result<u64, IndexError> {
    let mut statement = connection.prepare_cached(
        "SELECT first, deeds, lengths, said FROM text WHERE first <= ? ORDER BY first DESC LIMIT 1",
    )?;
    let step = (head / SAMPLE).max(1);
    let (mut found, mut of) = (0_u64, 0_u64);
    for nth in 0..SAMPLE.min(head) {
        let part = statement.query_row([to_sql(head - nth * step)], Part::read).optional()?;
        let Some(part) = part else { continue };
        of += super::from_sql(part.deeds);
        found += part.saying(folded)?.len() as u64;
    }
    // What the sample does not have is taken for half as frequent as what it has once.
    Ok((2 * found).max(1).saturating_mul(head) / (2 * of.max(1)))
}

impl Part {
    /// The deeds of it that have a text in them.
    fn saying(&self, folded: &str) -> Result<Vec<i64>, IndexError> {
        // Most parts that are looked at in vain are done with one look.
        if !self.said.contains(folded) {
            return Ok(Vec::new());
        }
        let texts = self.texts()?.into_iter();
        Ok(texts.filter(|(_, text)| text.contains(folded)).map(|(seq, _)| seq).collect())
    }
}

/// Goes through the deeds that have a text in them, block by block.
#[derive(Debug)]
pub(super) struct Cursor<'c> {
    connection: &'c Connection,
    folded: String,
    sifter: Sifter,
    /// The blocks that are left.
    blocks: std::ops::Range<i64>,
    newest_first: bool,
}

impl<'c> Cursor<'c> {
    /// For the deeds between the two, both included, of an index up to `head`. The first and the last block count whole.
    pub(super) fn new(
        connection: &'c Connection,
        folded: &str,
        (low, high): (i64, i64),
        head: i64,
        newest_first: bool,
    ) -> Self {
        let blocks = block_of(low.max(1))..block_of(high.min(head)) + 1;
        let sifter = Sifter::new(folded, head);
        Self { connection, folded: folded.to_owned(), sifter, blocks, newest_first }
    }

    /// The next of them, in order whichever way they are gone through; may be empty. None at the end.
    pub(super) fn next(&mut self) -> Result<Option<Vec<i64>>, IndexError> {
        loop {
            let next = if self.newest_first { self.blocks.next_back() } else { self.blocks.next() };
            let Some(block) = next else { return Ok(None) };
            if self.sifter.may_be_in(self.connection, block)? {
                let mut found = Vec::new();
                for part in parts(self.connection, block)? {
                    found.extend(part.saying(&self.folded)?);
                }
                return Ok(Some(found));
            }
        }
    }
}

/// Whether the sieves are those of the texts. Reads both whole.
pub(super) fn check(connection: &Connection, head: i64) -> Result<(), IndexError> {
    let blocks = if head > 0 { block_of(head) + 1 } else { 0 };
    let mut first = 0;
    while first < blocks {
        let of_group = first..(first + GROUP).min(blocks);
        let mut sieves = Vec::new();
        for block in of_group.clone() {
            let mut sieve = Sieve::default();
            for part in parts(connection, block)? {
                part.texts()?.into_iter().for_each(|(_, text)| sieve.add(text));
            }
            sieves.push(sieve);
        }
        sieve::check(connection, first, &sieves, head)?;
        first = of_group.end;
    }
    Ok(())
}
