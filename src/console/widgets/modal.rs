//! A box over the view, with buttons. The button that `enter` presses is the safe one until the person chooses another.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::scroll::Scroll;
use super::{Look, cells, clear, clip, put, put_at, spoken, styled};

/// Cells of the frame and of the blanks inside of it, left and right together.
const SIDES: u16 = 4;

/// Buttons, one of them chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Buttons {
    labels: Vec<String>,
    chosen: usize,
}

impl Buttons {
    /// The first is the safe one (`cancel`), and chosen at the start.
    pub fn safe_first(labels: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { labels: labels.into_iter().map(Into::into).collect(), chosen: 0 }
    }

    /// Which one `enter` presses.
    pub fn chosen(&self) -> usize {
        self.chosen
    }

    /// The word on it.
    pub fn label(&self) -> &str {
        self.labels.get(self.chosen).map_or("", String::as_str)
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.labels.len()
    }

    pub fn choose(&mut self, at: usize) {
        self.chosen = at.min(self.labels.len().saturating_sub(1));
    }

    /// The buttons on a line. The chosen one stands out by its brackets and by the sign of the key that presses it; where no
    /// key would press one, none looks as if.
    pub fn line(&self, look: Look<'_>, pressed: bool) -> Line<'static> {
        let mut spans = Vec::new();
        for (at, label) in self.labels.iter().enumerate() {
            if at > 0 {
                spans.push(Span::raw("  "));
            }
            if pressed && at == self.chosen {
                spans.push(Span::styled(format!("[ {label} {} ]", look.glyphs.enter), look.theme.active));
            } else {
                spans.push(Span::styled(format!("  {label}  "), look.theme.subtle));
            }
        }
        Line::from(spans)
    }
}

/// A box with a title.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    /// On the upper edge.
    pub title: &'a str,
    /// Widest outer width.
    pub width: u16,
}

impl Frame<'_> {
    /// Draws the frame for so many rows inside, in the middle of `screen`, and empties it; the result is the inner area.
    pub fn draw(&self, buffer: &mut Buffer, screen: Rect, look: Look<'_>, rows: u16) -> Rect {
        spoken::open(self.title);
        let screen = screen.intersection(buffer.area);
        let wide = self.width.min(screen.width);
        let high = rows.saturating_add(2).min(screen.height);
        let area = Rect {
            x: screen.x + (screen.width - wide) / 2,
            y: screen.y + (screen.height - high) / 2,
            width: wide,
            height: high,
        };
        // A blank on each side keeps the frame apart from the text that it covers.
        let around = Rect { x: area.x.saturating_sub(1), width: area.width.saturating_add(2), ..area };
        clear(buffer, around.intersection(screen));
        draw_edges(buffer, area, look, self.title);
        Rect {
            x: area.x + (SIDES / 2).min(area.width),
            y: area.y + 1.min(area.height),
            width: area.width.saturating_sub(SIDES),
            height: area.height.saturating_sub(2),
        }
    }

    /// Draws a box with lines to read.
    pub fn draw_text(
        &self,
        buffer: &mut Buffer,
        screen: Rect,
        look: Look<'_>,
        lines: &[Line<'static>],
        scroll: &Scroll,
    ) {
        let inner = self.draw(buffer, screen, look, cells(lines.len()));
        scroll.draw(buffer, inner, look, lines);
    }

    /// The columns that it has for text.
    pub fn room(&self, screen: Rect) -> usize {
        usize::from(self.width.min(screen.width).saturating_sub(SIDES))
    }
}

fn draw_edges(buffer: &mut Buffer, area: Rect, look: Look<'_>, title: &str) {
    if area.width < 2 || area.height < 2 {
        return;
    }
    let [top_left, top_right, bottom_left, bottom_right] = look.glyphs.corners;
    let across = usize::from(area.width) - 2;
    let edge = |left: &'static str, right: &'static str| {
        styled(format!("{left}{}{right}", look.glyphs.rule.repeat(across)), look.theme.border)
    };
    put(buffer, area, 0, &edge(top_left, top_right));
    put(buffer, area, area.height - 1, &edge(bottom_left, bottom_right));
    for row in 1..area.height - 1 {
        let wall = styled(look.glyphs.wall, look.theme.border);
        put_at(buffer, area, row, 0, &wall);
        put_at(buffer, area, row, area.width - 1, &wall);
    }
    if !title.is_empty() && across > 4 {
        // The rule below it has left its colour in the cells.
        let plain = Style::reset().patch(look.theme.title);
        let title = styled(format!(" {title} "), plain);
        put_at(buffer, area, 0, 2, &clip(title, across - 2, look.glyphs.cut));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::widgets::put_right;
    use crate::console::widgets::tests::drawn;

    #[test]
    fn the_safe_button_is_chosen_and_says_so() {
        let mut buttons = Buttons::safe_first(["cancel", "expand"]);
        let text = |buttons: &Buttons| {
            drawn(40, 1, |buffer, area, look| put_right(buffer, area, 0, &buttons.line(look, true)))
        };
        assert_eq!(text(&buttons).trim(), "[ cancel ⏎ ]    expand");
        buttons.choose(1);
        assert!(text(&buttons).contains("cancel    [ expand ⏎ ]"));
        buttons.choose(7);
        assert_eq!(buttons.chosen(), 1);
    }

    #[test]
    fn a_box_fits_any_screen() {
        for width in 0..30 {
            for height in 0..9 {
                drawn(width, height, |buffer, area, look| {
                    let frame = Frame { title: "title", width: 24 };
                    let scroll = Scroll::default();
                    frame.draw_text(buffer, area, look, &[Line::from("a line"), Line::from("b")], &scroll);
                });
            }
        }
    }
}
