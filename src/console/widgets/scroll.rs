//! How far down a text is read. It never goes beyond the end, whatever was asked for.

use std::cell::Cell;
use std::ops::Range;

/// The first line shown, as of the last frame: drawing bounds it, since it knows how much there is.
#[derive(Debug, Clone, Default)]
pub struct Scroll(Cell<usize>);

impl Scroll {
    /// Moves by lines.
    pub fn by(&self, lines: isize) {
        self.0.set(self.0.get().saturating_add_signed(lines));
    }

    /// Back to the first line.
    pub fn to_top(&self) {
        self.0.set(0);
    }

    /// The lines to draw of so many, in so many rows.
    pub fn window(&self, lines: usize, rows: usize) -> Range<usize> {
        let from = self.0.get().min(lines.saturating_sub(rows));
        self.0.set(from);
        from..(from + rows).min(lines)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn going_beyond_the_end_is_not_remembered() {
        let scroll = Scroll::default();
        scroll.by(100);
        assert_eq!(scroll.window(30, 10), 20..30);
        scroll.by(-1);
        assert_eq!(scroll.window(30, 10), 19..29);
        scroll.by(-100);
        assert_eq!(scroll.window(30, 10), 0..10);
        assert_eq!(scroll.window(3, 10), 0..3);
        assert_eq!(scroll.window(3, 0), 0..0);
    }
}
