//! How far down a text is read. It never goes beyond the end, whatever was asked for.

use std::cell::Cell;
use std::ops::Range;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::{Look, clear, put_lines, put_right, row_of, spoken, styled};
use crate::console::action::Action;

/// The first line shown, and the rows there were, as of the last frame: drawing bounds it, since it knows how much there is.
#[derive(Debug, Clone, Default)]
pub struct Scroll {
    from: Cell<usize>,
    rows: Cell<usize>,
    lines: Cell<usize>,
}

impl Scroll {
    /// Moves by lines.
    pub fn by(&self, lines: isize) {
        self.from.set(self.from.get().saturating_add_signed(lines));
    }

    /// Does what a scrolling action asks for; says whether it was one.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "a text scrolls; every other action is somebody else's"
    )]
    pub fn act(&self, action: Action) -> bool {
        let page = isize::try_from(self.rows.get().max(2) - 1).unwrap_or(1);
        match action {
            Action::Down | Action::ScrollDown => self.by(1),
            Action::Up | Action::ScrollUp => self.by(-1),
            Action::PageDown => self.by(page),
            Action::PageUp => self.by(-page),
            _ => return false,
        }
        true
    }

    /// Whether there were more lines than rows, as of the last frame.
    pub fn overflows(&self) -> bool {
        self.lines.get() > self.rows.get()
    }

    /// Back to the first line.
    pub fn to_top(&self) {
        self.from.set(0);
    }

    /// The lines to draw of so many, in so many rows.
    pub fn window(&self, lines: usize, rows: usize) -> Range<usize> {
        let from = self.from.get().min(lines.saturating_sub(rows));
        self.from.set(from);
        self.rows.set(rows);
        self.lines.set(lines);
        from..(from + rows).min(lines)
    }

    /// Draws as many lines as there is room for. Where there are more below, the last row says how many and nothing else.
    pub fn draw(&self, buffer: &mut Buffer, area: Rect, look: Look<'_>, lines: &[Line<'_>]) {
        spoken::text(lines);
        let window = self.window(lines.len(), usize::from(area.height));
        let below = lines.len() - window.end;
        put_lines(buffer, area, lines.get(window).unwrap_or_default());
        draw_more(buffer, area, look, below);
    }
}

/// Says on the last row of an area how many lines there are below it; the one that it hides is one of them.
pub fn draw_more(buffer: &mut Buffer, area: Rect, look: Look<'_>, below: usize) {
    if below > 0 && area.height > 0 {
        let last = row_of(area, area.height - 1);
        clear(buffer, last);
        let more = styled(format!("{} {} more", look.glyphs.more[1], below + 1), look.theme.accent);
        put_right(buffer, last, 0, &more);
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
