//! One frame as a picture: an SVG in which each run of cells of one style is a piece of text. For documentation and reports.

use std::fmt::Write as _;

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};

use super::theme::Rgb;
use super::widgets::cells;

/// Size of a cell, and of the letters in it, in pixels.
const WIDE: f64 = 8.4;
const HIGH: f64 = 18.0;
const LETTER: f64 = 14.0;
/// From the top of a cell to the line that its letters stand on.
const LINE: f64 = 13.5;
/// Pixels around the frame.
const EDGE: f64 = 12.0;

/// A dark background and the text on it, for what is looked at elsewhere.
pub const DARK: (Rgb, Rgb) = (Rgb(16, 20, 27), Rgb(222, 226, 233));
/// The same, light.
pub const LIGHT: (Rgb, Rgb) = (Rgb(253, 253, 252), Rgb(30, 33, 38));

/// How the cells of a run look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Paint {
    text: Rgb,
    ground: Option<Rgb>,
    bold: bool,
    underlined: bool,
}

/// The frame as an SVG, on that background with that text where a cell says nothing else.
pub fn svg(buffer: &Buffer, ground: Rgb, text: Rgb) -> String {
    let (wide, high) = (f64::from(buffer.area.width) * WIDE, f64::from(buffer.area.height) * HIGH);
    let (wide, high) = (wide + 2.0 * EDGE, high + 2.0 * EDGE);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {wide:.0} {high:.0}\" width=\"{wide:.0}\" height=\"{high:.0}\" \
         font-family=\"DejaVu Sans Mono, Menlo, Consolas, monospace\" font-size=\"{LETTER}\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{}\"/>\n",
        hex(ground)
    );
    for row in 0..buffer.area.height {
        let mut column = 0;
        while column < buffer.area.width {
            column += run(&mut out, buffer, (column, row), (ground, text)).max(1);
        }
    }
    out.push_str("</svg>\n");
    out
}

/// Draws the cells from one on that look alike; how many columns they take.
fn run(out: &mut String, buffer: &Buffer, (column, row): (u16, u16), colours: (Rgb, Rgb)) -> u16 {
    let at = |column: u16| buffer.cell((buffer.area.x + column, buffer.area.y + row));
    let Some(first) = at(column).map(|cell| paint(cell, colours)) else { return 1 };
    let (mut letters, mut taken) = (String::new(), 0);
    while let Some(cell) = at(column + taken).filter(|cell| paint(cell, colours) == first) {
        letters.push_str(cell.symbol());
        taken += cells(unicode_width::UnicodeWidthStr::width(cell.symbol())).max(1);
    }
    let (x, y) = (EDGE + f64::from(column) * WIDE, EDGE + f64::from(row) * HIGH);
    let wide = f64::from(taken) * WIDE;
    if let Some(ground) = first.ground {
        _ = writeln!(
            out,
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{wide:.1}\" height=\"{HIGH}\" fill=\"{}\"/>",
            hex(ground)
        );
    }
    let mut at = 0;
    // Each word begins in its own cell, whatever the letters' font is.
    for word in letters.split(' ') {
        let columns = unicode_width::UnicodeWidthStr::width(word);
        if columns > 0 {
            let from = x + f64::from(cells(at)) * WIDE;
            draw_word(out, (from, y), f64::from(cells(columns)) * WIDE, word, first);
        }
        at += columns + 1;
    }
    taken
}

fn draw_word(out: &mut String, (x, y): (f64, f64), wide: f64, word: &str, paint: Paint) {
    let bold = if paint.bold { " font-weight=\"bold\"" } else { "" };
    let line = if paint.underlined { " text-decoration=\"underline\"" } else { "" };
    _ = writeln!(
        out,
        "<text x=\"{x:.1}\" y=\"{:.1}\" textLength=\"{wide:.1}\" fill=\"{}\"{bold}{line}>{}</text>",
        y + LINE,
        hex(paint.text),
        escaped(word)
    );
}

fn paint(cell: &Cell, (ground, text): (Rgb, Rgb)) -> Paint {
    let (own_text, own_ground) = (rgb(cell.fg), rgb(cell.bg));
    let reversed = cell.modifier.contains(Modifier::REVERSED);
    let (text, ground) = if reversed {
        (own_ground.unwrap_or(ground), Some(own_text.unwrap_or(text)))
    } else {
        (own_text.unwrap_or(text), own_ground)
    };
    let bold = cell.modifier.contains(Modifier::BOLD);
    Paint { text, ground, bold, underlined: cell.modifier.contains(Modifier::UNDERLINED) }
}

/// The colour of a cell; a picture is drawn in a theme of colours of its own, so that it has no other ones.
fn rgb(colour: Color) -> Option<Rgb> {
    if let Color::Rgb(red, green, blue) = colour { Some(Rgb(red, green, blue)) } else { None }
}

fn hex(Rgb(red, green, blue): Rgb) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    use super::*;

    #[test]
    fn runs_of_one_style_are_pieces_of_text_and_nothing_of_them_is_markup() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 12, 2));
        buffer.set_string(0, 0, "a <b> & ", Style::new());
        buffer.set_string(8, 0, "c", Style::new().fg(Color::Rgb(1, 2, 255)).add_modifier(Modifier::BOLD));
        buffer.set_string(0, 1, "漢x", Style::new().add_modifier(Modifier::REVERSED));
        let svg = svg(&buffer, Rgb(0, 0, 0), Rgb(255, 255, 255));
        assert!(
            svg.contains(">a</text>") && svg.contains("x=\"28.8\"") && svg.contains(">&lt;b&gt;</text>"),
            "{svg}"
        );
        assert!(svg.contains("fill=\"#0102ff\" font-weight=\"bold\">c</text>"), "{svg}");
        // The wide letter takes two cells; what is reversed has the text's colour behind it.
        assert!(svg.contains("width=\"25.2\" height=\"18\" fill=\"#ffffff\""), "{svg}");
        assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
    }
}
