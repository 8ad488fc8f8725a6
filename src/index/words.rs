//! Where to look for a text: its trigrams, and which of them are rare. Whether the text is there is for the query to compare.

use std::collections::BTreeSet;

use rusqlite::Connection;

use super::{IndexError, to_sql};

/// How many trigrams of a text are weighed.
const TRIGRAMS: usize = 64;
/// How many of them, the rarest, say where to look for the text. The long lists of common ones would say little more.
const RAREST: usize = 3;
/// How many deeds, spread over the whole ledger, tell how frequent a trigram is.
const SAMPLE: u64 = 128;

/// A full-text query for the deeds that may have a text, and about how many they are; none where the text is too short to
/// have a trigram.
pub(super) fn rarest(
    connection: &Connection,
    folded: &str,
    head: u64,
) -> Result<Option<(String, u64)>, IndexError> {
    let mut weighed: Vec<(u64, String)> = trigrams(folded).into_iter().map(|trigram| (0, trigram)).collect();
    let mut text = connection.prepare_cached("SELECT folded FROM text WHERE seq = ?")?;
    let step = (head / SAMPLE).max(1);
    for nth in 0..SAMPLE.min(head) {
        let mut rows = text.query([to_sql(head - nth * step)])?;
        let Some(row) = rows.next()? else { continue };
        let folded = row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?;
        for (found, trigram) in &mut weighed {
            *found += u64::from(folded.contains(trigram.as_str()));
        }
    }
    weighed.sort_unstable();
    weighed.truncate(RAREST);
    let Some((rarest, _)) = weighed.first() else { return Ok(None) };
    // What the sample does not have is taken for half as frequent as what it has once.
    let estimate = (2 * rarest).max(1).saturating_mul(head) / (2 * SAMPLE);
    let words: Vec<String> = weighed.iter().map(|(_, trigram)| quoted(trigram)).collect();
    Ok(Some((words.join(" AND "), estimate)))
}

/// The different trigrams of a text.
fn trigrams(folded: &str) -> BTreeSet<String> {
    let chars: Vec<char> = folded.chars().collect();
    chars.windows(3).take(TRIGRAMS).map(|window| window.iter().collect()).collect()
}

/// As a full-text query has it.
fn quoted(trigram: &str) -> String {
    format!("\"{}\"", trigram.replace('"', "\"\""))
}
