//! Columns with width rules. Where room is short, the columns that matter least go first.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::{Look, pad, spoken, styled, width};

/// Blanks between two columns.
const GAP: usize = 2;
/// Cells of every column where a row is heard and not seen.
const HEARD: usize = 400;

/// How wide a column is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Width {
    /// Exactly so many cells.
    Exact(usize),
    /// At least so many, and a share of what is left by weight.
    Fill {
        /// Least cells.
        min: usize,
        /// Share of the rest.
        weight: usize,
    },
}

/// Which end a cell is aligned to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Align {
    /// Text.
    #[default]
    Left,
    /// Numbers and times left.
    Right,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// The heading.
    pub title: &'static str,
    pub width: Width,
    /// Its alignment.
    pub align: Align,
    /// 0 stays always; of the others the highest goes first.
    pub rank: u8,
}

impl Column {
    /// A column of exact width that stays.
    pub const fn exact(title: &'static str, cells: usize) -> Self {
        Self { title, width: Width::Exact(cells), align: Align::Left, rank: 0 }
    }

    /// A column that takes a share of the room.
    pub const fn fill(title: &'static str, min: usize, weight: usize) -> Self {
        Self { title, width: Width::Fill { min, weight }, align: Align::Left, rank: 0 }
    }

    /// Aligned to the right.
    #[must_use]
    pub const fn right(self) -> Self {
        Self { align: Align::Right, ..self }
    }

    /// Gone when room is short, highest rank first.
    #[must_use]
    pub const fn rank(self, rank: u8) -> Self {
        Self { rank, ..self }
    }

    fn least(&self) -> usize {
        match self.width {
            Width::Exact(cells) => cells,
            Width::Fill { min, .. } => min,
        }
    }
}

/// Columns laid out for a width.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    columns: Vec<Column>,
    /// Cells of each column; `None` where it has no room.
    cells: Vec<Option<usize>>,
}

impl Layout {
    /// Lays columns out for so many cells.
    pub fn new(columns: &[Column], room: usize) -> Self {
        if spoken::is_heard() {
            return Self { columns: columns.to_vec(), cells: vec![Some(HEARD); columns.len()] };
        }
        let mut shown = vec![true; columns.len()];
        let needed = |shown: &[bool]| {
            let kept = columns.iter().zip(shown).filter(|(_, shown)| **shown);
            let (count, sum) =
                kept.fold((0, 0), |(count, sum), (column, _)| (count + 1, sum + column.least()));
            sum + GAP * usize::saturating_sub(count, 1)
        };
        while needed(&shown) > room {
            let worst =
                columns.iter().enumerate().filter(|(at, c)| c.rank > 0 && shown.get(*at) == Some(&true));
            let Some((at, _)) = worst.max_by_key(|(_, column)| column.rank) else { break };
            if let Some(shown) = shown.get_mut(at) {
                *shown = false;
            }
        }
        let mut rest = room.saturating_sub(needed(&shown));
        let kept = |at: usize| shown.get(at).copied().unwrap_or(false);
        let weights =
            columns.iter().enumerate().filter(|(at, _)| kept(*at)).map(|(_, column)| weight(column));
        let mut weights_left: usize = weights.sum();
        let cells = columns.iter().enumerate().map(|(at, column)| {
            if !kept(at) {
                return None;
            }
            let share = (rest * weight(column)).checked_div(weights_left).unwrap_or(0);
            rest -= share;
            weights_left -= weight(column);
            Some(column.least() + share)
        });
        Self { cells: cells.collect(), columns: columns.to_vec() }
    }

    /// The cells of a column, `None` where it has no room.
    pub fn cells(&self, column: usize) -> Option<usize> {
        self.cells.get(column).copied().flatten()
    }

    /// A text for a column, cut to its room.
    pub fn cell(&self, look: Look<'_>, column: usize, text: &str, style: Style) -> Line<'static> {
        look.line(text, self.cells(column).unwrap_or(0), style)
    }

    /// The headings.
    pub fn header(&self, look: Look<'_>) -> Line<'static> {
        let titles = self.columns.iter().map(|column| styled(column.title, look.theme.muted));
        self.row(look, titles)
    }

    /// A row out of one line for each column; those without room are passed over.
    pub fn row(&self, look: Look<'_>, cells: impl IntoIterator<Item = Line<'static>>) -> Line<'static> {
        if spoken::is_heard() {
            return self.named(cells);
        }
        let mut spans: Vec<Span<'static>> = Vec::new();
        for ((cell, column), room) in cells.into_iter().zip(&self.columns).zip(&self.cells) {
            let Some(room) = room else { continue };
            if !spans.is_empty() {
                spans.push(Span::raw(" ".repeat(GAP)));
            }
            let before = room.saturating_sub(width(&cell));
            match column.align {
                Align::Left => spans.extend(pad(cell, *room, look.glyphs.cut).spans),
                Align::Right => {
                    spans.push(Span::raw(" ".repeat(before)));
                    spans.extend(pad(cell, room - before, look.glyphs.cut).spans);
                }
            }
        }
        Line::from(spans)
    }

    /// A row as it is read out: each cell that has something by the name of its column.
    fn named(&self, cells: impl IntoIterator<Item = Line<'static>>) -> Line<'static> {
        let mut spans: Vec<Span<'static>> = Vec::new();
        for (cell, column) in cells.into_iter().zip(&self.columns) {
            let words = spoken::words(&cell);
            if !words.is_empty() {
                let title = column.title.to_lowercase();
                let title = if title == "×" { "times" } else { title.as_str() };
                // What says itself what it is, is not called so twice.
                let named = words.strip_prefix(title).is_some_and(|rest| rest.starts_with(' '));
                let words = if named { words } else { format!("{title} {words}") };
                spans.extend([Span::raw(words), Span::raw("  ")]);
            }
        }
        Line::from(spans)
    }
}

fn weight(column: &Column) -> usize {
    match column.width {
        Width::Exact(_) => 0,
        Width::Fill { weight, .. } => weight,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::widgets::tests::with_look;

    static COLUMNS: [Column; 4] = [
        Column::exact("DUE", 5).right(),
        Column::exact("Q", 4).rank(2),
        Column::exact("FROM", 6).rank(1),
        Column::fill("CASE", 8, 1),
    ];

    fn row(room: usize) -> String {
        with_look(|look| {
            let cells = ["2h10m", "ops", "follow-up", "reply outside templates"];
            Layout::new(&COLUMNS, room).row(look, cells.map(Line::from)).to_string()
        })
    }

    #[test]
    fn the_least_important_columns_go_first() {
        assert_eq!(row(40), "2h10m  ops   follo…  reply outside temp…");
        assert_eq!(row(24), "2h10m  follo…  reply ou…");
        assert_eq!(row(15), "2h10m  reply o…");
        assert_eq!(row(3).chars().count(), 15);
    }

    #[test]
    fn numbers_stand_right() {
        with_look(|look| {
            let layout = Layout::new(&COLUMNS, 40);
            assert_eq!(layout.header(look).to_string().trim_end(), "  DUE  Q     FROM    CASE");
            let line = layout.row(look, ["3h".into(), "".into(), "a".into(), "b".into()]);
            assert_eq!(line.to_string().trim_end(), "   3h        a       b");
        });
    }
}
