//! In which stretches of the ledger a text may be. Every [`BLOCK`] deeds have a *sieve*: a set of bits, one for each run of three and
//! of six bytes of their texts, by its hash. A text can only be where the bits of all its runs are set. Whether it is there, the
//! texts say (`texts`).
//!
//! A sieve is one row while the ledger grows on; [`GROUP`] of them are then written across, the same bit of all blocks side by side, so that
//! few rows answer for [`GROUP`] blocks. Looking for a rare text costs by the number of groups, which is small however long the ledger is.

use rusqlite::{Connection, OptionalExtension, params};

use super::IndexError;

/// How many deeds share a sieve.
pub(super) const BLOCK: i64 = 128;
/// How many bits a sieve has.
const BITS: usize = 1 << 16;
/// How many blocks are written across together; their bits fill whole bytes.
const GROUP: i64 = 480;
/// The bytes of one bit of all blocks of a group.
const LINE: usize = 60;
/// How many bits lie in one row of a group: the row fills a page.
const LINES: usize = 64;
/// How many runs of a text are looked up at most.
const LOOKED_UP: usize = 64;

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
        if full && (block + 1) % GROUP == 0 { write_across(connection, block / GROUP) } else { Ok(()) }
    }
}

/// Writes the sieves of a group across.
fn write_across(connection: &Connection, group: i64) -> Result<(), IndexError> {
    let lines = across(connection, group)?;
    let mut write = connection.prepare_cached("INSERT OR REPLACE INTO sieved VALUES (?, ?)")?;
    for (row, lines) in rows_of(group).zip(lines.chunks(LINES * LINE)) {
        write.execute(params![row, lines])?;
    }
    connection.prepare_cached("DELETE FROM sieve WHERE block < ?")?.execute([(group + 1) * GROUP])?;
    Ok(())
}

/// The bits of a group's sieves, the same bit of all of them side by side.
fn across(connection: &Connection, group: i64) -> Result<Vec<u8>, IndexError> {
    let mut lines = vec![0_u8; BITS * LINE];
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
            if let Some(there) = lines.get_mut(line * LINE + byte_of_line) {
                *there |= bit;
            }
            left &= left - 1;
        }
    }
}

fn rows_of(group: i64) -> impl Iterator<Item = i64> {
    let rows = i64::try_from(BITS / LINES).unwrap_or_default();
    group * rows..(group + 1) * rows
}

/// Looks for the blocks in which a text may be.
#[derive(Debug)]
pub(super) struct Sifter {
    /// The bits of the text's runs, the most telling first.
    bits: Vec<usize>,
    /// How many groups are written across.
    groups: i64,
    /// The group that was looked at last, and its blocks that may have the text.
    last: Option<(i64, Vec<u8>)>,
}

impl Sifter {
    /// For a text in an index with deeds up to that one.
    pub(super) fn new(text: &str, head: i64) -> Self {
        let (mut threes, mut sixes) = (Vec::new(), Vec::new());
        runs(text, |at| threes.push(at), |at| sixes.push(at));
        sixes.truncate(LOOKED_UP);
        sixes.extend(threes.into_iter().take(LOOKED_UP));
        Self { bits: sixes, groups: head.div_euclid(BLOCK * GROUP), last: None }
    }

    /// Whether the text may be in that block.
    pub(super) fn may_be_in(&mut self, connection: &Connection, block: i64) -> Result<bool, IndexError> {
        if self.bits.is_empty() {
            return Ok(true);
        }
        let (group, nth) = (block.div_euclid(GROUP), block.rem_euclid(GROUP));
        if group >= self.groups {
            let missing = || IndexError::Wrong { what: format!("the sieve of block {block} is missing") };
            let Sieve(sieve) = Sieve::of(connection, block)?.ok_or_else(missing)?;
            let is_set = |at: &usize| sieve.get(at / 8).is_some_and(|byte| byte & 1 << (at % 8) != 0);
            return Ok(self.bits.iter().all(is_set));
        }
        if self.last.as_ref().is_none_or(|(last, _)| *last != group) {
            self.last = Some((group, self.in_group(connection, group)?));
        }
        let byte = usize::try_from(nth / 8).unwrap_or_default();
        let blocks = self.last.as_ref().and_then(|(_, blocks)| blocks.get(byte)).copied();
        Ok(blocks.is_some_and(|blocks| blocks & 1 << (nth % 8) != 0))
    }

    /// The blocks of a group that may have it, a bit each.
    fn in_group(&self, connection: &Connection, group: i64) -> Result<Vec<u8>, IndexError> {
        let mut statement = connection.prepare_cached("SELECT lines FROM sieved WHERE row = ?")?;
        let mut blocks = vec![0xff; LINE];
        for bit in &self.bits {
            let row = rows_of(group).nth(bit / LINES).unwrap_or_default();
            let mut rows = statement.query([row])?;
            let from = bit % LINES * LINE;
            let line = match rows.next()? {
                Some(row) => row.get_ref(0)?.as_blob().ok().and_then(|lines| lines.get(from..from + LINE)),
                None => None,
            };
            let Some(line) = line else {
                return Err(IndexError::Wrong { what: format!("row {row} of the sieves is missing") });
            };
            for (block, here) in blocks.iter_mut().zip(line) {
                *block &= here;
            }
            if blocks.iter().all(|block| *block == 0) {
                break;
            }
        }
        Ok(blocks)
    }
}

/// Whether what is kept of a group, or of the blocks behind the last one, is what these sieves of its blocks make.
pub(super) fn check(
    connection: &Connection,
    first: i64,
    sieves: &[Sieve],
    across: bool,
) -> Result<(), IndexError> {
    let wrong = || IndexError::Wrong {
        what: format!(
            "its full text finds other deeds than those that say it, from {} on",
            deeds_of(first).0
        ),
    };
    if !across {
        for (block, sieve) in (first..).zip(sieves) {
            if Sieve::of(connection, block)?.as_ref() != Some(sieve) {
                return Err(wrong());
            }
        }
        return Ok(());
    }
    let mut lines = vec![0_u8; BITS * LINE];
    for (nth, Sieve(bits)) in (0..).zip(sieves) {
        set_across(&mut lines, nth, bits);
    }
    let mut statement = connection.prepare_cached("SELECT lines FROM sieved WHERE row = ?")?;
    for (row, due) in rows_of(first / GROUP).zip(lines.chunks(LINES * LINE)) {
        let here: Option<Vec<u8>> = statement.query_row([row], |row| row.get(0)).optional()?;
        if here.as_deref() != Some(due) {
            return Err(wrong());
        }
    }
    Ok(())
}

/// Where the groups end that are written across, and how many blocks one has, for deeds up to that one.
pub(super) fn groups(head: i64) -> (i64, i64) {
    (head.div_euclid(BLOCK * GROUP), GROUP)
}
