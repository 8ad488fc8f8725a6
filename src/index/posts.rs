//! The deeds of each term, in order. A list is cut into pieces and a piece is one row, so that a batch writes few rows however many
//! deeds it has: what they share, such as an outcome, is one row for hundreds of them.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{IndexError, from_sql};

// In what is asked here `+?` stands for a term: for a bare `?` in the place of a constant that the order depends on, SQLite compiles
// the statement again and again as what is bound changes.

/// Most deeds of one piece …
const PIECE_DEEDS: i64 = 512;
/// … and most bytes of it: its row stays within a page.
const PIECE_BYTES: usize = 900;

/// A piece as it is kept: the first deed, and from each to the next as a number of one to nine bytes.
#[derive(Debug, Default)]
struct Piece {
    first: i64,
    last: i64,
    deeds: i64,
    steps: Vec<u8>,
}

impl Piece {
    fn beginning(first: i64) -> Self {
        Self { first, last: first, deeds: 1, steps: Vec::new() }
    }

    /// Columns `first`, `last`, `deeds`, `steps`.
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self { first: row.get(0)?, last: row.get(1)?, deeds: row.get(2)?, steps: row.get(3)? })
    }

    fn is_full(&self) -> bool {
        self.deeds >= PIECE_DEEDS || self.steps.len() >= PIECE_BYTES
    }

    /// Takes a later deed.
    fn push(&mut self, seq: i64) {
        put_number(&mut self.steps, from_sql(seq - self.last));
        self.last = seq;
        self.deeds += 1;
    }

    /// Its deeds in order.
    fn seqs(&self) -> Result<Vec<i64>, IndexError> {
        let (mut seqs, mut at) = (vec![self.first], self.first);
        let mut steps = self.steps.as_slice();
        while let Some(step) = take_number(&mut steps) {
            at = at.saturating_add_unsigned(step);
            seqs.push(at);
        }
        let whole = steps.is_empty() && at == self.last && i64::try_from(seqs.len()) == Ok(self.deeds);
        if whole && seqs.is_sorted_by(|one, next| one < next) {
            return Ok(seqs);
        }
        Err(IndexError::Wrong { what: format!("a list of deeds from {} on can't be read", self.first) })
    }
}

/// Writes a number, seven bits a byte, the low ones first.
pub(super) fn put_number(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    bytes.push(number.to_le_bytes()[0]);
}

/// Reads the next such number; none at the end, and where the bytes are none.
pub(super) fn take_number(bytes: &mut &[u8]) -> Option<u64> {
    let (mut number, mut shift) = (0, 0);
    let mut rest = *bytes;
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        number |= u64::from(byte & 0x7f).checked_shl(shift)?;
        shift += 7;
        if byte & 0x80 == 0 {
            *bytes = rest;
            return Some(number);
        }
    }
    None
}

/// Adds deeds, all later than those it has and in order, to a term's list.
pub(super) fn add(connection: &Connection, term: i64, seqs: &[i64]) -> Result<(), IndexError> {
    let mut tail = connection.prepare_cached(
        "SELECT first, last, deeds, steps FROM post WHERE term = +? ORDER BY first DESC LIMIT 1",
    )?;
    let mut piece = tail.query_row([term], Piece::read).optional()?.filter(|tail| !tail.is_full());
    let mut write = connection.prepare_cached("INSERT OR REPLACE INTO post VALUES (?, ?, ?, ?, ?)")?;
    let mut write = |Piece { first, last, deeds, steps }: &Piece| {
        write.execute(params![term, first, last, deeds, steps]).map(drop)
    };
    for seq in seqs {
        piece = Some(match piece {
            Some(mut piece) if !piece.is_full() => {
                piece.push(*seq);
                piece
            }
            full => {
                full.as_ref().map_or(Ok(()), &mut write)?;
                Piece::beginning(*seq)
            }
        });
    }
    piece.as_ref().map_or(Ok(()), &mut write)?;
    Ok(())
}

/// The deeds of a term between two, both included, in order.
pub(super) fn between(
    connection: &Connection,
    term: i64,
    between: (i64, i64),
) -> Result<Vec<i64>, IndexError> {
    let mut cursor = Cursor::new(connection, term, between, false);
    let mut all = Vec::new();
    while let Some(seqs) = cursor.next()? {
        all.extend(seqs);
    }
    Ok(all)
}

/// Goes through a term's list, piece by piece.
#[derive(Debug)]
pub(super) struct Cursor<'c> {
    connection: &'c Connection,
    term: i64,
    /// What is left.
    between: (i64, i64),
    newest_first: bool,
    begun: bool,
}

impl<'c> Cursor<'c> {
    /// Those of the term's deeds that lie between the two, both included.
    pub(super) fn new(
        connection: &'c Connection,
        term: i64,
        between: (i64, i64),
        newest_first: bool,
    ) -> Self {
        Self { connection, term, between, newest_first, begun: false }
    }

    /// The next of them, in order whichever way they are gone through; may be empty. None at the end.
    pub(super) fn next(&mut self) -> Result<Option<Vec<i64>>, IndexError> {
        let (low, high) = self.between;
        if low > high {
            return Ok(None);
        }
        let Some(piece) = self.piece(low, high)? else { return Ok(None) };
        let mut seqs = piece.seqs()?;
        if self.newest_first {
            self.between.1 = piece.first - 1;
        } else {
            self.between.0 = piece.last.max(low).saturating_add(1);
        }
        if piece.first < low || piece.last > high {
            seqs.retain(|seq| (low..=high).contains(seq));
        }
        Ok(Some(seqs))
    }

    fn piece(&mut self, low: i64, high: i64) -> Result<Option<Piece>, IndexError> {
        let before = "SELECT first, last, deeds, steps FROM post WHERE term = +? AND first <= ?
            ORDER BY first DESC LIMIT 1";
        let one = |sql: &str, bound: i64| {
            self.connection.prepare_cached(sql)?.query_row([self.term, bound], Piece::read).optional()
        };
        if self.newest_first {
            return Ok(one(before, high)?.filter(|piece| piece.last >= low));
        }
        if !std::mem::replace(&mut self.begun, true)
            && let Some(piece) = one(before, low)?
            && piece.last >= low
        {
            return Ok(Some(piece));
        }
        let after = "SELECT first, last, deeds, steps FROM post WHERE term = +? AND first >= ?
            ORDER BY first LIMIT 1";
        Ok(one(after, low)?.filter(|piece| piece.first <= high))
    }
}
