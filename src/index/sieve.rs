//! In which stretches of the ledger a text may be. Every [`BLOCK`] deeds have a *sieve*: a set of bits, one for each run of three and
//! of six bytes of their texts, by its hash. A text can only be where the bits of all its runs are set. Whether it is there, the
//! texts say (`texts`).
//!
//! A sieve is one row while the ledger grows on; [`GROUP`] of them are then written across, the same bit of all blocks side by side, and
//! [`STACK`] groups again, so that few rows answer for all their blocks. Looking for a rare text costs by the number of stacks, which is
//! small however long the ledger is.

use std::ops::Range;

use rusqlite::{Connection, OptionalExtension, params};

use super::{IndexError, to_sql};

/// How many deeds share a sieve.
pub(super) const BLOCK: i64 = 128;
/// How many bits a sieve has.
const BITS: usize = 1 << 16;
/// How many blocks are written across together; their bits fill whole bytes.
pub(super) const GROUP: i64 = 480;
/// How many groups are written across together.
const STACK: i64 = 8;
/// The bytes of a row of what is written across: it fills a page.
const ROW: usize = 3_840;
/// How many runs of a text are looked up at most.
const LOOKED_UP: usize = 64;

/// Sieves that are written across, so many together.
#[derive(Debug)]
struct Across {
    /// Of how many blocks the same bit lies side by side, which is a line.
    blocks: i64,
    /// The statements that read and that write a row.
    read: &'static str,
    write: &'static str,
}

const GROUPS: Across = Across {
    blocks: GROUP,
    read: "SELECT lines FROM sieved WHERE row = ?",
    write: "INSERT OR REPLACE INTO sieved VALUES (?, ?)",
};
const STACKS: Across = Across {
    blocks: GROUP * STACK,
    read: "SELECT lines FROM stacked WHERE row = ?",
    write: "INSERT OR REPLACE INTO stacked VALUES (?, ?)",
};

impl Across {
    /// Where a block lies, in an index that has so many whole ones; none where it is a row of its own.
    fn of(block: i64, whole: i64) -> Option<&'static Self> {
        [&STACKS, &GROUPS]
            .into_iter()
            .find(|across| block.div_euclid(across.blocks) < whole.div_euclid(across.blocks))
    }

    /// The bytes of a line.
    fn line(&self) -> usize {
        usize::try_from(self.blocks / 8).unwrap_or_default()
    }

    /// How many lines a row has.
    fn lines(&self) -> usize {
        ROW / self.line()
    }

    /// The rows of the nth.
    fn rows(&self, nth: i64) -> Range<i64> {
        let rows = to_sql((BITS / self.lines()) as u64);
        nth * rows..(nth + 1) * rows
    }

    /// One of its rows.
    fn row(&self, connection: &Connection, row: i64) -> Result<Vec<u8>, IndexError> {
        let lines: Option<Vec<u8>> =
            connection.prepare_cached(self.read)?.query_row([row], |row| row.get(0)).optional()?;
        lines.filter(|lines| lines.len() == ROW).ok_or_else(|| IndexError::Wrong {
            what: format!("row {row} of the sieves of {} blocks is missing", self.blocks),
        })
    }

    /// Writes lines that follow each other, from that row on.
    fn put(&self, connection: &Connection, first: i64, lines: &[u8]) -> Result<(), IndexError> {
        let mut write = connection.prepare_cached(self.write)?;
        for (row, lines) in (first..).zip(lines.chunks(ROW)) {
            write.execute(params![row, lines])?;
        }
        Ok(())
    }
}

/// The block of a deed.
pub(super) fn block_of(seq: i64) -> i64 {
    (seq - 1).div_euclid(BLOCK)
}

/// The first and the last deed of a block.
pub(super) fn deeds_of(block: i64) -> (i64, i64) {
    (block * BLOCK + 1, (block + 1) * BLOCK)
}

/// Where the runs of a text have their bits: of three bytes, of six.
fn runs(text: &str, mut three: impl FnMut(usize), mut six: impl FnMut(usize)) {
    let mut window = 0_u64;
    for (at, byte) in text.bytes().enumerate() {
        window = (window << 8 | u64::from(byte)) & 0xffff_ffff_ffff;
        if at >= 2 {
            three(place((window & 0xff_ffff).wrapping_mul(0x9e37_79b9_7f4a_7c15)));
        }
        if at >= 5 {
            six(place(window.wrapping_add(1).wrapping_mul(0xd6e8_feb8_6659_fd93)));
        }
    }
}

fn place(hash: u64) -> usize {
    let [.., low, high] = hash.to_le_bytes();
    usize::from(u16::from_le_bytes([low, high]))
}

/// The sieve of one block as it fills.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sieve(Vec<u8>);

impl Default for Sieve {
    fn default() -> Self {
        Self(vec![0; BITS / 8])
    }
}

impl Sieve {
    /// Takes a text in.
    pub(super) fn add(&mut self, text: &str) {
        let bits = std::cell::Cell::from_mut(self.0.as_mut_slice()).as_slice_of_cells();
        let set = |at: usize| {
            if let Some(byte) = bits.get(at / 8) {
                byte.set(byte.get() | 1 << (at % 8));
            }
        };
        runs(text, set, set);
    }

    /// The sieve that a block has so far.
    pub(super) fn of(connection: &Connection, block: i64) -> Result<Option<Self>, IndexError> {
        let mut row = connection.prepare_cached("SELECT bits FROM sieve WHERE block = ?")?;
        Ok(row.query_row([block], |row| row.get(0).map(Self)).optional()?)
    }

    /// Writes it. The last of a group: all of the group are written across.
    pub(super) fn write(&self, connection: &Connection, block: i64, full: bool) -> Result<(), IndexError> {
        connection
            .prepare_cached("INSERT OR REPLACE INTO sieve VALUES (?, ?)")?
            .execute(params![block, self.0])?;
        if full && (block + 1) % GROUP == 0 { write_group(connection, block / GROUP) } else { Ok(()) }
    }
}

/// Writes the sieves of a group across. The last of a stack: all of the stack are.
fn write_group(connection: &Connection, group: i64) -> Result<(), IndexError> {
    GROUPS.put(connection, GROUPS.rows(group).start, &across(connection, group)?)?;
    connection.prepare_cached("DELETE FROM sieve WHERE block < ?")?.execute([(group + 1) * GROUP])?;
    if (group + 1) % STACK == 0 { write_stack(connection, group / STACK) } else { Ok(()) }
}

/// Writes the groups of a stack across.
fn write_stack(connection: &Connection, stack: i64) -> Result<(), IndexError> {
    let rows = GROUPS.rows(0).end;
    for nth in 0..rows {
        let mut lines = Vec::with_capacity(ROW * usize::try_from(STACK).unwrap_or_default());
        let groups = (stack * STACK..(stack + 1) * STACK)
            .map(|group| GROUPS.row(connection, GROUPS.rows(group).start + nth))
            .collect::<Result<Vec<_>, _>>()?;
        for at in (0..ROW).step_by(GROUPS.line()) {
            let same = groups.iter().filter_map(|group| group.get(at..at + GROUPS.line()));
            lines.extend(same.flatten());
        }
        STACKS.put(connection, STACKS.rows(stack).start + nth * STACK, &lines)?;
    }
    let end = GROUPS.rows((stack + 1) * STACK).start;
    connection.prepare_cached("DELETE FROM sieved WHERE row < ?")?.execute([end])?;
    Ok(())
}

/// The bits of a group's sieves, the same bit of all of them side by side.
fn across(connection: &Connection, group: i64) -> Result<Vec<u8>, IndexError> {
    let mut lines = vec![0_u8; BITS * GROUPS.line()];
    for nth in 0..GROUP {
        let Some(Sieve(bits)) = Sieve::of(connection, group * GROUP + nth)? else { continue };
        set_across(&mut lines, nth, &bits);
    }
    Ok(lines)
}

fn set_across(lines: &mut [u8], nth: i64, bits: &[u8]) {
    let (byte_of_line, bit) = (usize::try_from(nth / 8).unwrap_or_default(), 1 << (nth % 8));
    for (at, byte) in bits.iter().enumerate() {
        let mut left = *byte;
        while left != 0 {
            let line = at * 8 + usize::try_from(left.trailing_zeros()).unwrap_or_default();
            if let Some(there) = lines.get_mut(line * GROUPS.line() + byte_of_line) {
                *there |= bit;
            }
            left &= left - 1;
        }
    }
}

/// Looks for the blocks in which a text may be.
#[derive(Debug)]
pub(super) struct Sifter {
    /// The bits of the text's runs, the most telling first.
    bits: Vec<usize>,
    /// How many whole blocks there are.
    whole: i64,
    /// The blocks that were looked at together last, and which of them may have the text.
    last: Option<(Range<i64>, Vec<u8>)>,
}

impl Sifter {
    /// For a text in an index with deeds up to that one.
    pub(super) fn new(text: &str, head: i64) -> Self {
        let (mut threes, mut sixes) = (Vec::new(), Vec::new());
        runs(text, |at| threes.push(at), |at| sixes.push(at));
        sixes.truncate(LOOKED_UP);
        sixes.extend(threes.into_iter().take(LOOKED_UP));
        Self { bits: sixes, whole: head.div_euclid(BLOCK), last: None }
    }

    /// Whether the text may be in that block.
    pub(super) fn may_be_in(&mut self, connection: &Connection, block: i64) -> Result<bool, IndexError> {
        if self.bits.is_empty() {
            return Ok(true);
        }
        let Some(across) = Across::of(block, self.whole) else {
            let missing = || IndexError::Wrong { what: format!("the sieve of block {block} is missing") };
            let Sieve(sieve) = Sieve::of(connection, block)?.ok_or_else(missing)?;
            let is_set = |at: &usize| sieve.get(at / 8).is_some_and(|byte| byte & 1 << (at % 8) != 0);
            return Ok(self.bits.iter().all(is_set));
        };
        if self.last.as_ref().is_none_or(|(last, _)| !last.contains(&block)) {
            let nth = block.div_euclid(across.blocks);
            let blocks = nth * across.blocks..(nth + 1) * across.blocks;
            self.last = Some((blocks, self.among(connection, across, nth)?));
        }
        let nth = block.rem_euclid(across.blocks);
        let byte = usize::try_from(nth / 8).unwrap_or_default();
        let blocks = self.last.as_ref().and_then(|(_, blocks)| blocks.get(byte)).copied();
        Ok(blocks.is_some_and(|blocks| blocks & 1 << (nth % 8) != 0))
    }

    /// The blocks of the nth that may have it, a bit each.
    fn among(&self, connection: &Connection, across: &Across, nth: i64) -> Result<Vec<u8>, IndexError> {
        let mut blocks = vec![0xff; across.line()];
        for bit in &self.bits {
            let row = across.rows(nth).start + to_sql((bit / across.lines()) as u64);
            let lines = across.row(connection, row)?;
            let from = bit % across.lines() * across.line();
            for (block, here) in blocks.iter_mut().zip(lines.iter().skip(from)) {
                *block &= here;
            }
            if blocks.iter().all(|block| *block == 0) {
                break;
            }
        }
        Ok(blocks)
    }
}

/// Whether what is kept of a group, or of the blocks behind the last one, is what these sieves of its blocks make, in an index with
/// deeds up to that one.
pub(super) fn check(
    connection: &Connection,
    first: i64,
    sieves: &[Sieve],
    head: i64,
) -> Result<(), IndexError> {
    let wrong = || IndexError::Wrong {
        what: format!(
            "its full text finds other deeds than those that say it, from {} on",
            deeds_of(first).0
        ),
    };
    let Some(across) = Across::of(first, head.div_euclid(BLOCK)) else {
        for (block, sieve) in (first..).zip(sieves) {
            if Sieve::of(connection, block)?.as_ref() != Some(sieve) {
                return Err(wrong());
            }
        }
        return Ok(());
    };
    let mut due = vec![0_u8; BITS * GROUPS.line()];
    for (nth, Sieve(bits)) in (0..).zip(sieves) {
        set_across(&mut due, nth, bits);
    }
    let from = usize::try_from(first.rem_euclid(across.blocks) / 8).unwrap_or_default();
    let mut due = due.chunks(GROUPS.line());
    for row in across.rows(first.div_euclid(across.blocks)) {
        let lines = across.row(connection, row)?;
        for line in lines.chunks(across.line()) {
            if line.get(from..from + GROUPS.line()) != due.next() {
                return Err(wrong());
            }
        }
    }
    Ok(())
}
