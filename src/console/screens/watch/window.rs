//! The stretch of time that is shown, cut into cells that never shift: a cell begins where its number says, whatever the
//! window's end, so that a mark moves only by whole cells and only when one has passed.

use crate::domain::time::{Span, Time};

/// How much time a window covers, by choice, and its name.
const SCALES: [(i64, &str); 6] =
    [(1, "1 m"), (5, "5 m"), (15, "15 m"), (60, "1 h"), (6 * 60, "6 h"), (24 * 60, "1 d")];
/// The scale at the start: 15 minutes.
const FIRST: usize = 2;
/// Cells of a window before the first frame has told the width.
pub(super) const COLUMNS: usize = 60;
const MILLI: i64 = 1_000;
const MINUTE_MILLIS: i64 = 60_000;

/// Which of the scales.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Scale(usize);

impl Default for Scale {
    fn default() -> Self {
        Self(FIRST)
    }
}

impl Scale {
    /// How much time.
    pub(super) fn span(self) -> Span {
        Span::from_mins(SCALES.get(self.0).map_or(15, |(minutes, _)| *minutes))
    }

    pub(super) fn name(self) -> &'static str {
        SCALES.get(self.0).map_or("", |(_, name)| *name)
    }

    /// The shortest one, up to the usual one, in which everything since a moment can be seen.
    pub(super) fn since(first: Time, now: Time) -> Self {
        // A history that was taken in is older than the workspace.
        if first > now {
            return Self(FIRST);
        }
        let fits = |scale: &usize| Self(*scale).span() >= now.since(first);
        Self((0..FIRST).find(fits).unwrap_or(FIRST))
    }

    /// The next one; none where there is no further.
    pub(super) fn next(self, wider: bool) -> Option<Self> {
        let next = if wider { self.0 + 1 } else { self.0.checked_sub(1)? };
        (next < SCALES.len()).then_some(Self(next))
    }
}

/// Cells side by side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    /// Microseconds of a cell.
    cell: i64,
    /// The number of the first cell: how many lie between it and the beginning of time.
    first: i64,
    /// How many cells.
    pub(super) columns: usize,
}

impl Window {
    /// The window of a scale that ends with the cell in which a moment lies, in at most so many columns. As many cells as
    /// divide the time without a rest, so that the window is as long as it says; from a minute on in whole minutes, as the
    /// server counts.
    pub(super) fn ending(at: Time, scale: Scale, room: usize) -> Self {
        let millis = scale.span().micros() / MILLI;
        let fits = |columns: usize| {
            let count = i64::try_from(columns).ok().filter(|count| *count > 0 && millis % count == 0)?;
            let cell = millis / count;
            (cell < MINUTE_MILLIS || cell % MINUTE_MILLIS == 0).then_some((columns, cell * MILLI))
        };
        let (columns, cell) = (1..=room).rev().find_map(fits).unwrap_or((1, scale.span().micros()));
        let last = at.micros().div_euclid(cell);
        Self { cell, first: last + 1 - i64::try_from(columns).unwrap_or(1), columns }
    }

    /// How long a cell is.
    pub(super) fn cell(&self) -> Span {
        Span::from_micros(self.cell)
    }

    /// Where a column begins.
    pub(super) fn start_of(&self, column: usize) -> Time {
        let at = self.first.saturating_add(i64::try_from(column).unwrap_or(0));
        Time::from_micros(at.saturating_mul(self.cell))
    }

    /// Where it begins.
    pub(super) fn from(&self) -> Time {
        self.start_of(0)
    }

    /// Where the next window would begin.
    pub(super) fn to(&self) -> Time {
        self.start_of(self.columns)
    }

    /// The column of a moment; none outside.
    pub(super) fn column(&self, at: Time) -> Option<usize> {
        let column = at.micros().div_euclid(self.cell) - self.first;
        usize::try_from(column).ok().filter(|column| *column < self.columns)
    }

    /// Columns and labels of round times, so many cells apart at least.
    pub(super) fn ticks(&self, apart: usize) -> Vec<(usize, Time)> {
        const STEPS: [i64; 14] = [5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 21_600];
        let least = self.cell.saturating_mul(i64::try_from(apart).unwrap_or(i64::MAX));
        let step =
            STEPS.iter().map(|secs| secs * 1_000_000).find(|step| *step >= least).unwrap_or(least.max(1));
        let mut tick = self.from().micros().div_euclid(step) * step;
        let mut ticks = Vec::new();
        while tick < self.to().micros() {
            let at = Time::from_micros(tick);
            ticks.extend(self.column(at).map(|column| (column, at)));
            tick = tick.saturating_add(step);
        }
        ticks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Time {
        text.parse().unwrap()
    }

    #[test]
    fn every_scale_is_as_long_as_it_says_in_any_width() {
        let now = time("2026-11-20T09:04:11Z");
        let mut scale = Scale(0);
        loop {
            for room in 0..240 {
                let window = Window::ending(now, scale, room);
                assert_eq!(window.to().since(window.from()), scale.span(), "{} in {room}", scale.name());
                assert!(window.columns <= room.max(1));
                assert_eq!(window.column(now), Some(window.columns - 1));
            }
            // Not much of the room is lost.
            assert!(Window::ending(now, scale, 84).columns >= 60, "{}", scale.name());
            let Some(next) = scale.next(true) else { break };
            scale = next;
        }
        assert_eq!(scale.name(), "1 d");
    }

    #[test]
    fn a_mark_moves_by_whole_cells_when_one_has_passed() {
        let deed = time("2026-11-20T09:00:00Z");
        let column = |now: &str| Window::ending(time(now), Scale::default(), 60).column(deed);
        assert_eq!(column("2026-11-20T09:04:00Z"), Some(43));
        assert_eq!(column("2026-11-20T09:04:14.999Z"), Some(43));
        assert_eq!(column("2026-11-20T09:04:15Z"), Some(42));
        assert_eq!(column("2026-11-20T09:20:00Z"), None);
        assert_eq!(column("2026-11-20T08:59:59Z"), None);
    }

    #[test]
    fn the_axis_has_round_times() {
        let window = Window::ending(time("2026-11-20T09:04:11Z"), Scale::default(), 60);
        let ticks = window.ticks(10);
        let words: Vec<String> = ticks.iter().map(|(_, at)| at.utc().format("%H:%M").to_string()).collect();
        assert_eq!(words, ["08:50", "08:55", "09:00"]);
    }
}
