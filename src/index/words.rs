//! Where to look for a text: its trigrams, and which of them are rare. Whether the text is there is for the query to compare.

use rusqlite::{Connection, params};

use super::{IndexError, from_sql};

/// How many trigrams of a text are looked at.
const TRIGRAMS: usize = 32;
/// How many of them, the rarest, say where to look for the text. The long lists of common ones would say little more.
const RAREST: usize = 3;
/// How many of the last deeds with a trigram are looked at for how frequent it is.
const SAMPLE: i64 = 32;

/// A full-text query for the deeds that may have a text, and about how many they are; none where the text is too short to
/// have a trigram.
pub(super) fn rarest(
    connection: &Connection,
    folded: &str,
    head: u64,
) -> Result<Option<(String, u64)>, IndexError> {
    let mut sampled = Vec::new();
    for trigram in trigrams(folded).into_iter().take(TRIGRAMS) {
        sampled.push((frequency(connection, &trigram, head)?, trigram));
    }
    sampled.sort_unstable();
    sampled.truncate(RAREST);
    let estimate = sampled.first().map(|(estimate, _)| *estimate);
    let words: Vec<String> = sampled.into_iter().map(|(_, trigram)| trigram).collect();
    Ok(estimate.map(|estimate| (words.join(" AND "), estimate)))
}

/// How many deeds have a trigram, if it was always as frequent as in the last of them.
fn frequency(connection: &Connection, trigram: &str, head: u64) -> Result<u64, IndexError> {
    let (found, oldest): (i64, Option<i64>) = connection
        .prepare_cached(
            "SELECT count(*), min(rowid) FROM
               (SELECT rowid FROM words WHERE words MATCH ? ORDER BY rowid DESC LIMIT ?)",
        )?
        .query_row(params![trigram, SAMPLE], |row| Ok((row.get(0)?, row.get(1)?)))?;
    if found < SAMPLE {
        return Ok(from_sql(found));
    }
    let stretch = (head + 1).saturating_sub(from_sql(oldest.unwrap_or_default()));
    Ok(from_sql(SAMPLE).saturating_mul(head) / stretch.max(1))
}

/// The different trigrams of a text, quoted for a full-text query.
fn trigrams(folded: &str) -> Vec<String> {
    let chars: Vec<char> = folded.chars().collect();
    let quoted = |window: &[char]| format!("\"{}\"", window.iter().collect::<String>().replace('"', "\"\""));
    let mut all: Vec<String> = chars.windows(3).map(quoted).collect();
    all.sort_unstable();
    all.dedup();
    all
}
