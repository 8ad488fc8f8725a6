//! Cells to bytes, with as few of them as the change needs: colours of the terminal's own sixteen by their short codes, the
//! cursor moved only where the next cell is not where it already is.

use std::fmt::Write as _;

use ratatui::buffer::Cell;
use ratatui::style::{Color, Modifier};
use unicode_width::UnicodeWidthStr;

const ATTRIBUTES: [(Modifier, &str); 9] = [
    (Modifier::BOLD, ";1"),
    (Modifier::DIM, ";2"),
    (Modifier::ITALIC, ";3"),
    (Modifier::UNDERLINED, ";4"),
    (Modifier::SLOW_BLINK, ";5"),
    (Modifier::RAPID_BLINK, ";6"),
    (Modifier::REVERSED, ";7"),
    (Modifier::HIDDEN, ";8"),
    (Modifier::CROSSED_OUT, ";9"),
];

/// From here on terminals differ, by the year of their tables.
const FIRST_EMOJI: char = '\u{1f000}';

#[derive(Clone, Copy, PartialEq, Eq)]
struct Pen {
    fg: Color,
    bg: Color,
    modifier: Modifier,
}

const PLAIN: Pen = Pen { fg: Color::Reset, bg: Color::Reset, modifier: Modifier::empty() };

/// Appends the bytes that draw the given cells; the pen is plain before and after, and no link is open.
pub fn paint<'a, 'l>(
    out: &mut Vec<u8>,
    content: impl Iterator<Item = (u16, u16, &'a Cell)>,
    link: impl Fn(u16, u16) -> Option<&'l str>,
) {
    let mut text = String::new();
    let mut pen = PLAIN;
    let mut open: Option<&str> = None;
    // Where the terminal's cursor stands after the last cell.
    let mut at: Option<(u16, u16)> = None;
    for (x, y, cell) in content {
        if at != Some((x, y)) {
            move_to(&mut text, at, x, y);
        }
        let target = link(x, y);
        if open != target {
            link_to(&mut text, target);
            open = target;
        }
        let wanted = Pen { fg: cell.fg, bg: cell.bg, modifier: cell.modifier };
        change(&mut text, pen, wanted);
        pen = wanted;
        text.push_str(cell.symbol());
        let wide = u16::try_from(cell.symbol().width()).unwrap_or(1);
        at = is_sure(cell.symbol()).then(|| (x.saturating_add(wide), y));
    }
    if open.is_some() {
        link_to(&mut text, None);
    }
    if pen != PLAIN {
        text.push_str("\x1b[m");
    }
    out.extend_from_slice(text.as_bytes());
}

/// What follows leads there, or nowhere.
fn link_to(text: &mut String, target: Option<&str>) {
    _ = write!(text, "\x1b]8;;{}\x1b\\", target.unwrap_or_default());
}

/// Whether every terminal moves its cursor by as many cells for it. After what is not sure the place is named anew, so that
/// a terminal of another opinion spoils one cell, and not the row.
fn is_sure(symbol: &str) -> bool {
    let mut chars = symbol.chars();
    let first = chars.next();
    first.is_some_and(|first| first < FIRST_EMOJI) && chars.next().is_none()
}

fn move_to(text: &mut String, from: Option<(u16, u16)>, x: u16, y: u16) {
    // Writing to a string can't fail. At the right margin a terminal's cursor hangs in the last column, so only moves within a
    // row that go on to the right, from where a cell has been left, are relative.
    _ = match from {
        Some((at, row)) if row == y && at < x && x - at < 4 => write!(text, "\x1b[{}C", x - at),
        Some(_) | None => write!(text, "\x1b[{};{}H", u32::from(y) + 1, u32::from(x) + 1),
    };
}

fn change(text: &mut String, from: Pen, to: Pen) {
    if from == to {
        return;
    }
    if to == PLAIN {
        text.push_str("\x1b[m");
        return;
    }
    let mut codes = String::new();
    if from.modifier == to.modifier {
        if from.fg != to.fg {
            colour(&mut codes, to.fg, 30);
        }
        if from.bg != to.bg {
            colour(&mut codes, to.bg, 40);
        }
        text.push_str("\x1b[");
        text.push_str(codes.trim_start_matches(';'));
    } else {
        for (modifier, code) in ATTRIBUTES {
            if to.modifier.contains(modifier) {
                codes.push_str(code);
            }
        }
        if to.fg != Color::Reset {
            colour(&mut codes, to.fg, 30);
        }
        if to.bg != Color::Reset {
            colour(&mut codes, to.bg, 40);
        }
        // A leading empty parameter is 0: everything off first.
        text.push_str("\x1b[");
        text.push_str(if codes.is_empty() { "0" } else { &codes });
    }
    text.push('m');
}

/// Appends `;` and the code of a colour; `base` is 30 for the text and 40 for what is behind it.
#[expect(clippy::wildcard_enum_match_arm, reason = "the sixteen have one short code each")]
fn colour(codes: &mut String, colour: Color, base: u8) {
    let bright = base + 60;
    let code = match colour {
        Color::Reset => base + 9,
        Color::Black => base,
        Color::Red => base + 1,
        Color::Green => base + 2,
        Color::Yellow => base + 3,
        Color::Blue => base + 4,
        Color::Magenta => base + 5,
        Color::Cyan => base + 6,
        Color::Gray => base + 7,
        Color::DarkGray => bright,
        Color::LightRed => bright + 1,
        Color::LightGreen => bright + 2,
        Color::LightYellow => bright + 3,
        Color::LightBlue => bright + 4,
        Color::LightMagenta => bright + 5,
        Color::LightCyan => bright + 6,
        Color::White => bright + 7,
        Color::Indexed(_) | Color::Rgb(..) => base + 8,
    };
    _ = match colour {
        Color::Indexed(index) => write!(codes, ";{code};5;{index}"),
        Color::Rgb(r, g, b) => write!(codes, ";{code};2;{r};{g};{b}"),
        _ => write!(codes, ";{code}"),
    };
}

#[cfg(test)]
mod tests {
    use ratatui::buffer::Buffer;
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    use super::*;

    fn painted(before: &Buffer, after: &Buffer) -> String {
        let mut out = Vec::new();
        paint(&mut out, before.diff(after).into_iter(), |_, _| None);
        String::from_utf8(out).unwrap()
    }

    fn two() -> (Buffer, Buffer) {
        let area = Rect::new(0, 0, 10, 2);
        (Buffer::empty(area), Buffer::empty(area))
    }

    #[test]
    fn neighbours_need_no_move_and_the_pen_is_put_down() {
        let (before, mut after) = two();
        after.set_string(2, 1, "ab", Style::new().fg(Color::LightCyan));
        after.set_string(4, 1, "c", Style::new());
        after.set_string(6, 1, "漢d", Style::new().fg(Color::Red).add_modifier(Modifier::BOLD));
        assert_eq!(painted(&before, &after), "\x1b[2;3H\x1b[96mab\x1b[mc\x1b[1C\x1b[;1;31m漢d\x1b[m");
    }

    #[test]
    fn a_link_is_opened_and_closed_once() {
        let (before, mut after) = two();
        after.set_string(0, 0, "ab", Style::new().fg(Color::Red));
        after.set_string(2, 0, "cd", Style::new());
        let mut out = Vec::new();
        let link = |x, _| (1..=2).contains(&x).then_some("http://a");
        paint(&mut out, before.diff(&after).into_iter(), link);
        let expected = "\x1b[1;1H\x1b[31ma\x1b]8;;http://a\x1b\\b\x1b[mc\x1b]8;;\x1b\\d";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn after_what_may_be_wider_elsewhere_the_place_is_named() {
        let (before, mut after) = two();
        after.set_string(0, 0, "a👍b", Style::new());
        after.set_string(0, 1, "e\u{301}x", Style::new());
        assert_eq!(painted(&before, &after), "\x1b[1;1Ha👍\x1b[1;4Hb\x1b[2;1He\u{301}\x1b[2;2Hx");
    }

    #[test]
    fn colours_change_alone_where_nothing_else_does() {
        let (before, mut after) = two();
        after.set_string(0, 0, "a", Style::new().fg(Color::Red));
        after.set_string(1, 0, "b", Style::new().fg(Color::Rgb(1, 2, 3)).bg(Color::Indexed(7)));
        after.set_string(2, 0, "c", Style::new().bg(Color::Indexed(7)));
        assert_eq!(painted(&before, &after), "\x1b[1;1H\x1b[31ma\x1b[38;2;1;2;3;48;5;7mb\x1b[39mc\x1b[m");
    }

    #[test]
    fn a_terminal_shows_what_was_meant() {
        let area = Rect::new(0, 0, 10, 2);
        let size = |cells: u16| std::num::NonZeroU16::new(cells).unwrap();
        let (mut shown, mut buffer) = (vt100::Parser::new(size(2), size(10), 0), Buffer::empty(area));
        let steps = [
            (0, 0, "hello", Modifier::BOLD),
            (3, 0, "漢字", Modifier::REVERSED),
            (9, 0, "x", Modifier::empty()),
            (0, 1, "end", Modifier::UNDERLINED),
            (1, 0, "E", Modifier::DIM),
        ];
        for (x, y, text, modifier) in steps {
            let before = buffer.clone();
            buffer.set_string(x, y, text, Style::reset().add_modifier(modifier));
            shown.process(painted(&before, &buffer).as_bytes());
        }
        assert_eq!(shown.screen().contents(), "hEl漢字  x\nend");
        let cell = |x, y| shown.screen().cell(y, x).unwrap().clone();
        assert!(cell(0, 0).bold() && cell(3, 0).inverse() && !cell(3, 0).bold() && cell(0, 1).underline());
        assert!(!cell(9, 0).inverse() && !cell(9, 0).bold());
    }
}
