//! Numbers as pictures: deadlines, progress, histograms.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::{Look, thousands};

/// A bar of so many cells, `part` of `whole` of it full: `███████░`.
pub fn bar(look: Look<'_>, cells: usize, part: u64, whole: u64, style: Style) -> Line<'static> {
    let full = match whole {
        0 => 0,
        whole => {
            let scaled = u128::from(part.min(whole)) * cells as u128 / u128::from(whole);
            // A bar that is not empty shows at least one cell, and only a full one shows all.
            let scaled = usize::try_from(scaled).unwrap_or(cells);
            if part > 0 { scaled.max(1).min(cells) } else { 0 }
        }
    };
    Line::from(vec![
        Span::styled(look.glyphs.bar_full.repeat(full), style),
        Span::styled(look.glyphs.bar_empty.repeat(cells - full), look.theme.muted),
    ])
}

/// The bar of a deadline: full when all the time is used up; calm, then warning from three quarters, then danger.
pub fn deadline(look: Look<'_>, cells: usize, used: u64, whole: u64) -> Line<'static> {
    bar(look, cells, used, whole, deadline_style(look, used, whole))
}

/// The role of a deadline of which `used` of `whole` has gone by.
pub fn deadline_style(look: Look<'_>, used: u64, whole: u64) -> Style {
    if used >= whole {
        look.theme.danger
    } else if u128::from(used) * 4 >= u128::from(whole) * 3 {
        look.theme.warning
    } else {
        look.theme.success
    }
}

/// Work under way, with its count: `████░░░░  1,204 of 3,000`.
pub fn progress(look: Look<'_>, cells: usize, done: u64, of: u64) -> Line<'static> {
    let mut line = bar(look, cells, done, of, look.theme.accent);
    let text = format!("  {} of {}", thousands(done), thousands(of));
    line.spans.push(Span::styled(text, look.theme.subtle));
    line
}

/// One column of a histogram: how much, and its role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bin {
    /// How many.
    pub count: u64,
    /// The colour of the worst in it.
    pub style: Style,
    /// Whether it is inside the selected range.
    pub selected: bool,
}

/// A strip of one row: the latest bins that fit, each as high as its share of the highest.
pub fn histogram(look: Look<'_>, cells: usize, bins: &[Bin]) -> Line<'static> {
    let shown = bins.get(bins.len().saturating_sub(cells)..).unwrap_or(bins);
    let highest = shown.iter().map(|bin| bin.count).max().unwrap_or(0).max(1);
    let spans = shown.iter().map(|bin| {
        let steps = look.glyphs.heights.len() as u128;
        let height =
            usize::try_from((u128::from(bin.count) * steps).div_ceil(u128::from(highest))).unwrap_or(1);
        let sign = look.glyphs.heights.get(height.saturating_sub(1)).copied().unwrap_or(" ");
        let style = if bin.count == 0 { look.theme.muted } else { bin.style };
        let style = if bin.selected { style.patch(look.theme.selection) } else { style };
        Span::styled(sign, style)
    });
    Line::from(spans.collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::widgets::tests::with_look;

    #[test]
    fn bars_are_full_only_when_they_are() {
        with_look(|look| {
            let text = |part, whole| bar(look, 8, part, whole, look.theme.base).to_string();
            assert_eq!(text(0, 10), "░░░░░░░░");
            assert_eq!(text(1, 1000), "█░░░░░░░");
            assert_eq!(text(999, 1000), "███████░");
            assert_eq!(text(1000, 1000), "████████");
            assert_eq!(text(5000, 1000), "████████");
            assert_eq!(text(5, 0), "░░░░░░░░");
        });
    }

    #[test]
    fn a_deadline_warns_at_three_quarters() {
        with_look(|look| {
            assert_eq!(deadline_style(look, 74, 100), look.theme.success);
            assert_eq!(deadline_style(look, 75, 100), look.theme.warning);
            assert_eq!(deadline_style(look, 100, 100), look.theme.danger);
        });
    }

    #[test]
    fn progress_has_a_count() {
        with_look(|look| assert_eq!(progress(look, 4, 1204, 3000).to_string(), "█░░░  1,204 of 3,000"));
    }

    #[test]
    fn a_histogram_shows_the_latest() {
        with_look(|look| {
            let bins: Vec<_> =
                [9, 0, 1, 4, 8].map(|count| Bin { count, style: look.theme.base, selected: false }).to_vec();
            assert_eq!(histogram(look, 4, &bins).to_string(), "▁▁▄█");
            assert_eq!(histogram(look, 9, &[]).to_string(), "");
        });
    }
}
