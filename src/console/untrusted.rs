//! The one way by which text from agents reaches the screen.
//!
//! Control characters, escapes, bidi controls, zero-width and tag characters are shown (`‹U+202E›`): never obeyed, never
//! silently dropped. What does not live here: styling (callers choose it) and the limits of what the server accepts.

use ratatui::style::Style;
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthChar;

/// Combining marks in a row that are still drawn onto their letter; any further one is shown as its number.
const MARKS_ON_ONE_LETTER: usize = 3;
/// Wrapped lines produced at most when the caller names no smaller bound.
pub const WRAP_LINES_MAX: usize = 10_000;
/// Bytes on one line of the hex view.
pub const HEX_ROW_BYTES: usize = 16;

/// A stretch of displayable text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// What to draw: free of anything that a terminal would obey or hide.
    pub text: String,
    /// Whether this stands for a character that can't be drawn as itself.
    pub escaped: bool,
    /// Cells taken.
    pub width: usize,
}

/// How line breaks inside the text are treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Breaks {
    /// Shown in place as `‹U+000A›`.
    Shown,
    /// Shown in place as one cell, `↵`: for previews of several lines in one row.
    Marked,
}

/// The whole of `text` in one displayable line.
pub fn visible(text: &str, breaks: Breaks) -> String {
    pieces(text, breaks).map(|piece| piece.text).collect()
}

/// The same with its line breaks kept.
pub fn visible_lines(text: &str) -> String {
    text.split('\n').map(|line| visible(line, Breaks::Shown)).collect::<Vec<_>>().join("\n")
}

/// `text` in one line of at most `width` cells, cut with `…` where it is longer.
pub fn fit(text: &str, width: usize) -> String {
    fit_pieces(text, width).into_iter().map(|piece| piece.text).collect()
}

/// As [`fit`], styled: escapes stand out in `marked`.
pub fn fit_spans(text: &str, width: usize, plain: Style, marked: Style) -> Vec<Span<'static>> {
    join(fit_pieces(text, width), plain, marked)
}

/// `text` over several lines: split at its own line breaks, wrapped at `width` cells, at most `max_lines`, the last cut with `…`.
pub fn wrap(text: &str, width: usize, max_lines: usize, plain: Style, marked: Style) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    let width = width.max(1);
    for part in split_lines(text) {
        for row in wrap_one(part, width) {
            if lines.len() == max_lines.min(WRAP_LINES_MAX) {
                mark_cut(&mut lines, width, plain);
                return lines;
            }
            lines.push(Line::from(join(row, plain, marked)));
        }
    }
    lines
}

/// The displayable pieces of `text`, one for each character (with its combining marks following as pieces of width 0).
pub fn pieces(text: &str, breaks: Breaks) -> impl Iterator<Item = Piece> + '_ {
    let mut chars = text.chars().peekable();
    let mut marks = MARKS_ON_ONE_LETTER;
    std::iter::from_fn(move || {
        let c = chars.next()?;
        if c == '\n' && breaks == Breaks::Marked {
            marks = MARKS_ON_ONE_LETTER;
            return Some(Piece { text: "↵".to_owned(), escaped: true, width: 1 });
        }
        // A literal `‹U+` would read like one of our own escapes, so its first character is escaped itself.
        let looks_like_ours = c == '‹' && chars.peek() == Some(&'U');
        Some(match UnicodeWidthChar::width(c) {
            Some(0) if !is_hidden(c) && marks < MARKS_ON_ONE_LETTER => {
                marks += 1;
                Piece { text: c.to_string(), escaped: false, width: 0 }
            }
            Some(width) if width > 0 && !is_hidden(c) && !looks_like_ours => {
                marks = 0;
                Piece { text: c.to_string(), escaped: false, width }
            }
            Some(_) | None => {
                marks = MARKS_ON_ONE_LETTER;
                escape(c)
            }
        })
    })
}

/// Whether a character must never reach the terminal as itself.
pub fn is_hidden(c: char) -> bool {
    if c.is_control() {
        return true;
    }
    matches!(u32::from(c),
        // Soft hyphen, joiners, fillers and other marks that take no room or look like nothing.
        0x00AD | 0x034F | 0x061C | 0x115F..=0x1160 | 0x17B4..=0x17B5 | 0x180B..=0x180F | 0x2800 | 0x3164 | 0xFFA0
        // Arabic, Syriac and Kaithi signs that enclose or format what follows.
        | 0x0600..=0x0605 | 0x06DD | 0x070F | 0x0890..=0x0891 | 0x08E2 | 0x110BD | 0x110CD
        // Zero width, bidi marks, line and paragraph separators, embeddings, overrides, isolates, invisible operators.
        | 0x200B..=0x200F | 0x2028..=0x202E | 0x2060..=0x206F | 0xFEFF
        // Variation selectors, interlinear annotations, shorthand and musical formats, hieroglyph formats.
        | 0xFE00..=0xFE0F | 0xFFF0..=0xFFFB | 0x13430..=0x1343F | 0x1BCA0..=0x1BCA3 | 0x1D173..=0x1D17A
        // Tags, variation selectors of the second kind, and the rest of that plane.
        | 0xE0000..=0xE0FFF
        // Private use: a font may draw anything there.
        | 0xE000..=0xF8FF | 0xF0000..=0x0010_FFFF)
}

/// One row of the hex view: offset, sixteen bytes, and their ASCII.
fn hex_row(bytes: &[u8], row: usize) -> Option<String> {
    use std::fmt::Write as _;
    let start = row.checked_mul(HEX_ROW_BYTES)?;
    let chunk = bytes.get(start..)?.chunks(HEX_ROW_BYTES).next()?;
    let mut line = format!("{start:08x}  ");
    for at in 0..HEX_ROW_BYTES {
        match chunk.get(at) {
            Some(byte) => _ = write!(line, "{byte:02x} "),
            None => line.push_str("   "),
        }
        if at == HEX_ROW_BYTES / 2 - 1 {
            line.push(' ');
        }
    }
    line.push(' ');
    line.extend(chunk.iter().map(|byte| if (0x20..0x7f).contains(byte) { char::from(*byte) } else { '.' }));
    Some(line)
}

/// All rows of the hex view.
pub fn hex(bytes: &[u8]) -> impl Iterator<Item = String> + '_ {
    (0..bytes.len().div_ceil(HEX_ROW_BYTES)).filter_map(|row| hex_row(bytes, row))
}

fn escape(c: char) -> Piece {
    let text = format!("‹U+{:04X}›", u32::from(c));
    let width = text.chars().count();
    Piece { text, escaped: true, width }
}

fn fit_pieces(text: &str, width: usize) -> Vec<Piece> {
    let mut out: Vec<Piece> = Vec::new();
    let mut used = 0;
    for piece in pieces(text, Breaks::Marked) {
        if used + piece.width > width {
            while used + 1 > width {
                let Some(last) = out.pop() else { break };
                used -= last.width;
            }
            if width > 0 {
                out.push(Piece { text: "…".to_owned(), escaped: false, width: 1 });
            }
            return out;
        }
        used += piece.width;
        out.push(piece);
    }
    out
}

/// The lines of a text; a carriage return before the break belongs to the break, any other one is shown.
fn split_lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
}

fn wrap_one(line: &str, width: usize) -> Vec<Vec<Piece>> {
    let mut rows = Vec::new();
    let mut row: Vec<Piece> = Vec::new();
    let mut used = 0;
    for piece in pieces(line, Breaks::Shown).flat_map(|piece| narrow(piece, width)) {
        if used + piece.width > width {
            if piece.text == " " {
                // The blank at which a line is wrapped is the break itself.
                rows.push(std::mem::take(&mut row));
                used = 0;
                continue;
            }
            let rest = split_at_blank(&mut row);
            rows.push(std::mem::replace(&mut row, rest));
            used = row.iter().map(|piece| piece.width).sum();
            if used + piece.width > width {
                rows.push(std::mem::take(&mut row));
                used = 0;
            }
        }
        used += piece.width;
        row.push(piece);
    }
    rows.push(row);
    rows
}

/// An escape wider than the room is cut into single characters, so that it is never lost.
fn narrow(piece: Piece, width: usize) -> Vec<Piece> {
    if piece.width <= width {
        return vec![piece];
    }
    if piece.escaped {
        return piece.text.chars().map(|c| Piece { text: c.to_string(), escaped: true, width: 1 }).collect();
    }
    vec![Piece { text: "?".to_owned(), escaped: true, width: 1 }]
}

/// Takes what follows the last blank off a row, so that words stay whole; nothing where that would leave a short row.
fn split_at_blank(row: &mut Vec<Piece>) -> Vec<Piece> {
    match row.iter().rposition(|piece| piece.text == " ") {
        Some(at) if at * 3 >= row.len() => row.split_off(at + 1),
        Some(_) | None => Vec::new(),
    }
}

fn mark_cut(lines: &mut [Line<'static>], width: usize, plain: Style) {
    if let Some(last) = lines.last_mut() {
        let text: String = last.spans.iter().map(|span| span.content.as_ref()).collect();
        let kept: String = {
            let mut used = 0;
            text.chars()
                .take_while(|c| {
                    used += UnicodeWidthChar::width(*c).unwrap_or(0);
                    used < width
                })
                .collect()
        };
        *last = Line::from(vec![Span::styled(kept, plain), Span::styled("…", plain)]);
    }
}

fn join(pieces: Vec<Piece>, plain: Style, marked: Style) -> Vec<Span<'static>> {
    let mut spans: Vec<(String, bool)> = Vec::new();
    for piece in pieces {
        match spans.last_mut() {
            Some((text, escaped)) if *escaped == piece.escaped => text.push_str(&piece.text),
            Some(_) | None => spans.push((piece.text, piece.escaped)),
        }
    }
    spans
        .into_iter()
        .map(|(text, escaped)| Span::styled(text, if escaped { marked } else { plain }))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(input: &str, expected: &str) {
        assert_eq!(visible(input, Breaks::Shown), expected, "shown for {input:?}");
    }

    #[test]
    fn what_a_terminal_would_obey_is_shown() {
        check("plain text, æøå 漢字", "plain text, æøå 漢字");
        check("\u{1b}[31mred", "‹U+001B›[31mred");
        check("a\u{202e}gpj.exe", "a‹U+202E›gpj.exe");
        check("pay\u{200b}pal", "pay‹U+200B›pal");
        check("tag\u{e0041}", "tag‹U+E0041›");
        check("c1 \u{9b}2J", "c1 ‹U+009B›2J");
        check("two\nlines\r\n", "two‹U+000A›lines‹U+000D›‹U+000A›");
        check("bell\u{7}\t\u{7f}", "bell‹U+0007›‹U+0009›‹U+007F›");
        check("heart ❤\u{fe0f}", "heart ❤‹U+FE0F›");
    }

    /// The clipboard gets the same: what is pasted into a shell hides nothing and sends nothing.
    #[test]
    fn several_lines_stay_lines() {
        assert_eq!(visible_lines("a\u{202e}b\nc\u{1b}[201~\r\nd"), "a‹U+202E›b\nc‹U+001B›[201~‹U+000D›\nd");
    }

    #[test]
    fn text_that_imitates_an_escape_is_told_apart() {
        check("‹U+202E›", "‹U+2039›U+202E›");
        check("‹quoted›", "‹quoted›");
    }

    #[test]
    fn piles_of_marks_are_bounded() {
        check("e\u{301}", "e\u{301}");
        check("\u{301}e", "‹U+0301›e");
        check("e\u{301}\u{301}\u{301}\u{301}", "e\u{301}\u{301}\u{301}‹U+0301›");
    }

    #[test]
    fn cutting_keeps_to_the_width() {
        assert_eq!(fit("hello world", 8), "hello w…");
        assert_eq!(fit("hello", 5), "hello");
        assert_eq!(fit("漢字漢字", 4), "漢…");
        assert_eq!(fit("漢字漢字", 5), "漢字…");
        assert_eq!(fit("anything", 1), "…");
        assert_eq!(fit("anything", 0), "");
        assert_eq!(fit("two\nlines", 20), "two↵lines");
    }

    #[test]
    fn wrapping_splits_at_blanks_and_bounds_the_lines() {
        let text = |lines: Vec<Line<'_>>| lines.iter().map(ToString::to_string).collect::<Vec<_>>();
        let style = Style::new();
        assert_eq!(text(wrap("one two three", 8, 9, style, style)), ["one two ", "three"]);
        assert_eq!(text(wrap("a\nb\r\nc", 8, 9, style, style)), ["a", "b", "c"]);
        assert_eq!(text(wrap("a b c d e f g h", 4, 2, style, style)), ["a b ", "c d…"]);
        assert_eq!(text(wrap("\u{202e}", 3, 9, style, style)), ["‹U+", "202", "E›"]);
    }

    #[test]
    fn hex_shows_every_byte() {
        assert_eq!(
            hex_row("Hi\u{1b}!".as_bytes(), 0).unwrap(),
            "00000000  48 69 1b 21                                       Hi.!"
        );
        assert_eq!(hex_row(b"", 0), None);
        assert_eq!(hex(&[0; 17]).count(), 2);
    }

    proptest! {
        #[test]
        fn nothing_hidden_ever_comes_out(text in "(\\PC|[\\x00-\\x1f\\x7f-\\x9f]|\u{200b}|\u{202e}|\u{e0041}|\u{2066}|\u{feff}|\n){0,60}", width in 0usize..80) {
            for shown in [visible(&text, Breaks::Shown), visible(&text, Breaks::Marked), fit(&text, width)] {
                prop_assert!(!shown.chars().any(is_hidden), "{shown:?}");
            }
        }

        #[test]
        fn a_cut_is_a_prefix_of_the_whole(text in any::<String>(), width in 0usize..60) {
            let whole = visible(&text, Breaks::Marked);
            let cut = fit(&text, width);
            let cells: usize = cut.chars().filter_map(UnicodeWidthChar::width).sum();
            prop_assert!(cells <= width);
            if cut != whole {
                let kept = cut.strip_suffix('…').unwrap_or(&cut);
                prop_assert!(whole.starts_with(kept), "{kept:?} of {whole:?}");
            }
        }

        #[test]
        fn different_texts_look_different(a in "[‹›U+0-9A-F\u{202e}\u{200b}x]{0,12}", b in "[‹›U+0-9A-F\u{202e}\u{200b}x]{0,12}") {
            prop_assume!(a != b);
            prop_assert_ne!(visible(&a, Breaks::Shown), visible(&b, Breaks::Shown));
        }

        #[test]
        fn wrapping_loses_nothing(text in "[a-z \u{202e}漢]{0,80}", width in 2usize..30) {
            let style = Style::new();
            let lines = wrap(&text, width, WRAP_LINES_MAX, style, style);
            let joined: String = lines.iter().map(ToString::to_string).collect();
            prop_assert_eq!(joined.replace(' ', ""), visible(&text, Breaks::Shown).replace(' ', ""));
            prop_assert!(lines.iter().all(|line| line.width() <= width));
        }
    }
}
