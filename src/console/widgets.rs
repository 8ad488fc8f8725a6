//! What views are built of. Widgets know no domain: they get lines, numbers and a [`Look`], and draw within their area.
//!
//! Every one of them draws something sensible, or nothing, in any area down to 0×0.

pub mod bars;
pub mod chrome;
pub mod diff;
pub mod facts;
pub mod form;
pub mod help;
pub mod list;
pub mod modal;
pub mod pane;
pub mod picker;
pub mod prompt;
pub mod reading;
pub mod scroll;
pub mod spoken;
pub mod table;
pub mod tree;

use std::borrow::Cow;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::glyphs::{self, Glyphs};
use super::theme::{self, Theme};
use super::untrusted;
use crate::domain::ids::Actor;
use crate::domain::time::Zone;

/// How everything looks: roles and signs.
#[derive(Debug, Clone, Copy)]
pub struct Look<'a> {
    /// Styles by role.
    pub theme: &'a Theme,
    /// Signs.
    pub glyphs: &'a Glyphs,
    /// In which times are told.
    pub zone: Zone,
}

/// For text that leaves the screen: no style at all, signs of ASCII only.
pub static PLAIN: Look<'static> = Look { theme: &theme::PLAIN, glyphs: &glyphs::ASCII, zone: Zone::UTC };

impl Look<'_> {
    /// Who did something: the sign of what they are, and the name, which an agent and a person may share.
    pub fn who(&self, actor: &Actor) -> String {
        let [agent, person, deeds] = self.glyphs.classes;
        let sign = match actor {
            Actor::Agent(_) => agent,
            Actor::Person(_) => person,
            Actor::Deeds => deeds,
        };
        format!("{sign} {}", actor.name())
    }

    /// A text from anywhere in at most so many cells, shown as what it is: escapes stand out.
    pub fn spans(&self, text: &str, room: usize, style: Style) -> Vec<Span<'static>> {
        untrusted::fit_spans(text, room, style, self.theme.escaped)
    }

    /// The same as a line.
    pub fn line(&self, text: &str, room: usize, style: Style) -> Line<'static> {
        Line::from(self.spans(text, room, style))
    }

    /// The same over several lines of so many cells, at most so many.
    pub fn wrap(&self, text: &str, room: usize, most: usize, style: Style) -> Vec<Line<'static>> {
        untrusted::wrap(text, room, most, style, self.theme.escaped)
    }
}

/// A line of the console's own words in one style.
pub fn styled(words: impl Into<Cow<'static, str>>, style: Style) -> Line<'static> {
    Line::from(Span::styled(words, style))
}

/// Lines as plain text, without trailing blanks.
pub fn plain_text(lines: &[Line<'_>]) -> String {
    let lines: Vec<String> = lines.iter().map(|line| line.to_string().trim_end().to_owned()).collect();
    lines.join("\n")
}

/// Takes rows off the top of an area: those, and the rest.
pub fn cut_top(area: Rect, rows: u16) -> (Rect, Rect) {
    let rows = rows.min(area.height);
    (Rect { height: rows, ..area }, Rect { y: area.y + rows, height: area.height - rows, ..area })
}

/// Takes rows off the bottom of an area: the rest, and those.
pub fn cut_bottom(area: Rect, rows: u16) -> (Rect, Rect) {
    let rows = rows.min(area.height);
    cut_top(area, area.height - rows)
}

/// One row of an area; none of it where there is no such row.
pub fn row_of(area: Rect, row: u16) -> Rect {
    cut_top(cut_top(area, row).1, 1).0
}

/// Draws a line on one row of an area, cut at its right end.
pub fn put(buffer: &mut Buffer, area: Rect, row: u16, line: &Line<'_>) {
    put_at(buffer, area, row, 0, line);
}

/// Draws a line on one row of an area from a column on, cut at the area's right end.
pub fn put_at(buffer: &mut Buffer, area: Rect, row: u16, column: u16, line: &Line<'_>) {
    let area = area.intersection(buffer.area);
    if row >= area.height || column >= area.width {
        return;
    }
    buffer.set_line(area.x + column, area.y + row, line, area.width - column);
}

/// Draws a line at the right end of one row of an area.
pub fn put_right(buffer: &mut Buffer, area: Rect, row: u16, line: &Line<'_>) {
    put_at(buffer, area, row, area.width.saturating_sub(cells(width(line))), line);
}

/// Draws lines from the top of an area; returns how many rows were used.
pub fn put_lines(buffer: &mut Buffer, area: Rect, lines: &[Line<'_>]) -> u16 {
    let mut row = 0;
    for line in lines.iter().take(usize::from(area.height)) {
        put(buffer, area, row, line);
        row += 1;
    }
    row
}

/// Empties an area, so that what is drawn next covers what was there.
pub fn clear(buffer: &mut Buffer, area: Rect) {
    let area = area.intersection(buffer.area);
    for y in area.top()..area.bottom() {
        for x in area.left()..area.right() {
            if let Some(cell) = buffer.cell_mut((x, y)) {
                cell.reset();
            }
        }
    }
}

/// Lays a selection over one row of an area. Where the theme selects by reversing, the row's own colours give way, since
/// they would become patches of background.
pub fn select_row(buffer: &mut Buffer, area: Rect, row: u16, selection: Style) {
    if row >= area.height {
        return;
    }
    let line = Rect { y: area.y + row, height: 1, ..area };
    let style = if selection.add_modifier.contains(Modifier::REVERSED) {
        selection.fg(Color::Reset).bg(Color::Reset).remove_modifier(Modifier::DIM)
    } else {
        selection
    };
    buffer.set_style(line, style);
}

/// The cells that a line takes.
pub fn width(line: &Line<'_>) -> usize {
    line.spans.iter().map(|span| UnicodeWidthStr::width(span.content.as_ref())).sum()
}

/// A line cut to so many cells, with the cut shown.
pub fn clip(line: Line<'static>, cells: usize, cut: &'static str) -> Line<'static> {
    if width(&line) <= cells {
        return line;
    }
    let room = cells.saturating_sub(UnicodeWidthStr::width(cut));
    let mut spans = Vec::new();
    let mut used = 0;
    for span in line.spans {
        let mut kept = String::new();
        for c in span.content.chars() {
            let wide = UnicodeWidthChar::width(c).unwrap_or(0);
            if used + wide > room {
                kept.push_str(if cells == 0 { "" } else { cut });
                spans.push(Span::styled(kept, span.style));
                return Line::from(spans);
            }
            used += wide;
            kept.push(c);
        }
        spans.push(Span::styled(kept, span.style));
    }
    Line::from(spans)
}

/// A line without its first cells; half of a wide character becomes a blank.
pub fn skip(line: Line<'static>, cells: usize) -> Line<'static> {
    let mut spans = Vec::new();
    let mut passed = 0;
    for span in line.spans {
        let mut kept = String::new();
        for c in span.content.chars() {
            let wide = UnicodeWidthChar::width(c).unwrap_or(0);
            if passed >= cells {
                kept.push(c);
            } else if passed + wide > cells {
                kept.push_str(&" ".repeat(passed + wide - cells));
            }
            passed += wide;
        }
        if !kept.is_empty() {
            spans.push(Span::styled(kept, span.style));
        }
    }
    Line::from(spans)
}

/// A line filled with blanks up to so many cells, or cut to them.
pub fn pad(line: Line<'static>, cells: usize, cut: &'static str) -> Line<'static> {
    let mut line = clip(line, cells, cut);
    let missing = cells.saturating_sub(width(&line));
    if missing > 0 {
        line.spans.push(Span::raw(" ".repeat(missing)));
    }
    line
}

/// A line that gives way, and one at the right end of so many cells that does not.
pub fn ends(left: Line<'static>, right: Line<'static>, cells: usize, cut: &'static str) -> Line<'static> {
    let gap = if width(&right) > 0 { 2 } else { 0 };
    let mut line = pad(left, cells.saturating_sub(width(&right) + gap), cut);
    line.spans.push(Span::raw(" ".repeat(gap)));
    line.spans.extend(right.spans);
    clip(line, cells, cut)
}

/// As the terminal's numbers are: saturated at what fits.
pub fn cells(count: usize) -> u16 {
    u16::try_from(count).unwrap_or(u16::MAX)
}

/// `1204` as `1,204`.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::console::glyphs::UNICODE;

    pub(crate) fn with_look<T>(run: impl FnOnce(Look<'_>) -> T) -> T {
        let theme = Theme::dark();
        run(Look { theme: &theme, glyphs: &UNICODE, zone: Zone::UTC })
    }

    pub(crate) fn drawn(width: u16, height: u16, draw: impl FnOnce(&mut Buffer, Rect, Look<'_>)) -> String {
        let area = Rect::new(0, 0, width, height);
        let mut buffer = Buffer::empty(area);
        with_look(|look| draw(&mut buffer, area, look));
        crate::console::testing::text(&buffer)
    }

    #[test]
    fn lines_are_cut_and_padded_by_cells() {
        let line = |text: &'static str| Line::from(text);
        assert_eq!(clip(line("hello"), 5, "…").to_string(), "hello");
        assert_eq!(clip(line("hello"), 4, "…").to_string(), "hel…");
        assert_eq!(clip(line("漢字漢"), 4, "…").to_string(), "漢…");
        assert_eq!(clip(line("hello"), 0, "…").to_string(), "");
        assert_eq!(pad(line("漢"), 4, "…").to_string(), "漢  ");
        assert_eq!(skip(line("hello"), 2).to_string(), "llo");
        assert_eq!(skip(line("漢字"), 1).to_string(), " 字");
    }

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(thousands(0), "0");
        assert_eq!(thousands(999), "999");
        assert_eq!(thousands(12_408_113), "12,408,113");
    }

    #[test]
    fn nothing_is_drawn_outside() {
        let text = drawn(4, 1, |buffer, area, _| {
            put(buffer, area, 3, &Line::from("below"));
            put_at(buffer, area, 0, 9, &Line::from("right"));
            put(buffer, Rect::new(2, 0, 90, 90), 0, &Line::from("wide"));
        });
        assert_eq!(text, "  wi\n");
    }
}
