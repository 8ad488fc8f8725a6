//! Where in the file things are: lines, columns, and the span of each part of the model.

use std::collections::HashMap;
use std::ops::Range;

use crate::domain::map::lint::{Finding, Lint, Section, Spot};

/// The file's text, by line.
pub(super) struct Lines<'t> {
    text: &'t str,
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    pub(super) fn of(text: &'t str) -> Self {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { text, starts }
    }

    pub(super) fn text(&self, span: Range<usize>) -> &'t str {
        self.text.get(span).unwrap_or_default()
    }

    /// Line and column of a byte, both from 1; the column in characters.
    fn position(&self, at: usize) -> (usize, usize) {
        let line = self.starts.partition_point(|start| *start <= at).max(1);
        let start = self.starts.get(line - 1).copied().unwrap_or_default();
        let column = self.text.get(start..at).map_or(at - start, |before| before.chars().count());
        (line, column + 1)
    }

    pub(super) fn finding(
        &self,
        lint: Lint,
        span: Range<usize>,
        message: String,
        mend: Option<String>,
    ) -> Finding {
        let (row, column) = self.position(span.start);
        let mend = mend.unwrap_or_else(|| lint.rule().mend.to_owned());
        Finding {
            lint,
            severity: lint.severity(),
            line: row,
            column,
            span,
            message,
            mend,
            example: None,
            also: Vec::new(),
        }
    }
}

/// The spans of the parts of a model, by their place in the model.
#[derive(Default)]
pub(super) struct Places {
    entries: HashMap<(Section, usize), EntryPlace>,
}

/// The spans of one entry.
#[derive(Clone, Default)]
pub(super) struct EntryPlace {
    pub(super) span: Range<usize>,
    pub(super) keys: HashMap<&'static str, (Range<usize>, Vec<Range<usize>>)>,
}

impl Places {
    pub(super) fn insert(&mut self, section: Section, index: usize, place: EntryPlace) {
        self.entries.insert((section, index), place);
    }

    /// As near as the file has it: the item, else its key's value, else the entry.
    pub(super) fn find(&self, spot: Spot) -> Range<usize> {
        let Some(entry) = self.entries.get(&(spot.section, spot.index)) else { return 0..0 };
        let Some((value, items)) = spot.key.and_then(|key| entry.keys.get(key)) else {
            return entry.span.clone();
        };
        spot.item.and_then(|item| items.get(item)).unwrap_or(value).clone()
    }
}
