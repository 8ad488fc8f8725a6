//! Texts with stars, found by how they end or begin: of very many a word is held against few.

use std::collections::HashMap;

use crate::domain::path::Glob;

/// Texts with stars, each with the place that it leads to.
#[derive(Clone, Debug, Default)]
pub(super) struct Globs {
    by_end: Ends,
    /// Those that end in a star.
    by_start: Ends,
}

/// Those that have a text at their end, by it.
#[derive(Clone, Debug, Default)]
struct Ends {
    lengths: Vec<usize>,
    by: HashMap<Box<str>, Vec<(Glob, u32)>>,
}

impl Globs {
    /// Where the text leads; there, where it is not known yet.
    pub(super) fn place(&mut self, glob: &Glob, there: u32) -> u32 {
        let end = glob.pieces().next_back().unwrap_or_default();
        let (ends, key) = if end.is_empty() {
            (&mut self.by_start, glob.pieces().next().unwrap_or_default())
        } else {
            (&mut self.by_end, end)
        };
        if !ends.lengths.contains(&key.len()) {
            ends.lengths.push(key.len());
        }
        let like = ends.by.entry(Box::from(key)).or_default();
        if let Some((_, known)) = like.iter().find(|(known, _)| known == glob) {
            return *known;
        }
        like.push((glob.clone(), there));
        there
    }

    /// Calls `found` with the place of each that matches the word; says how many were looked at.
    pub(super) fn matching(&self, word: &str, mut found: impl FnMut(u32)) -> u64 {
        let ends =
            self.by_end.lengths.iter().filter_map(|length| word.get(word.len().checked_sub(*length)?..));
        let starts = self.by_start.lengths.iter().filter_map(|length| word.get(..*length));
        let like =
            ends.map(|end| self.by_end.by.get(end)).chain(starts.map(|start| self.by_start.by.get(start)));
        let mut looked = 0;
        for like in like {
            looked += 1;
            for (glob, place) in like.into_iter().flatten() {
                looked += 1;
                if glob.matches(word) {
                    found(*place);
                }
            }
        }
        looked
    }
}
