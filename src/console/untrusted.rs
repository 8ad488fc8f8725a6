//! The one way by which text from agents reaches the screen.
//!
//! Control characters, escapes, bidi controls, zero-width and tag characters are shown (`‹U+202E›`): never obeyed, never
//! silently dropped. Letters that terminals draw in widths of their own are shown in a form that is as wide everywhere:
//!
//! | as sent | as shown | |
//! |---|---|---|
//! | a flag, two regional indicators | `‹DE›` | |
//! | a skin tone | `‹tone4›` after what it colours | by Fitzpatrick's scale: 2 (for 1 and 2) to 6 |
//! | emoji joined into one | `👩+💻` | the joiner is the `+` |
//! | a keycap | `‹1›` | |
//! | a sign with U+FE0F or U+FE0E, of those that take one | the sign | ⚠️ is ordinary text |
//!
//! The original is one key away, as bytes. Where there is nothing but ASCII ([`in_ascii`]), everything else is shown by its
//! number (`<U+00E9>`). What does not live here: styling (callers choose it) and the limits of what the server accepts.

use std::cell::Cell;

use ratatui::buffer::{Buffer, CellWidth as _};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Combining marks in a row that are still drawn onto their letter; any further one is shown as its number.
const MARKS_ON_ONE_LETTER: usize = 3;
/// Wrapped lines produced at most when the caller names no smaller bound.
pub const WRAP_LINES_MAX: usize = 10_000;
/// Bytes on one line of the hex view.
pub const HEX_ROW_BYTES: usize = 16;
const JOINER: char = '\u{200d}';
const KEYCAP: char = '\u{20e3}';
/// The first skin tone, the second of Fitzpatrick's scale.
const TONES: std::ops::RangeInclusive<char> = '\u{1f3fb}'..='\u{1f3ff}';
const FLAG_LETTERS: std::ops::RangeInclusive<char> = '\u{1f1e6}'..='\u{1f1ff}';

thread_local! {
    static ASCII: Cell<bool> = const { Cell::new(false) };
}

/// Runs something on whose text nothing but ASCII comes out, if asked to; on this thread.
pub fn in_ascii<T>(ascii: bool, run: impl FnOnce() -> T) -> T {
    let before = ASCII.replace(ascii);
    let result = run();
    ASCII.set(before);
    result
}

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

/// A JSON text with the control characters that it names by their numbers as themselves: so they are shown once, and as
/// everywhere. What reads like such a number within a text of it stays what it is.
pub fn json(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        out.push_str(before);
        let number = after.strip_prefix('u').and_then(|digits| digits.get(..4));
        let named = number.and_then(|digits| u32::from_str_radix(digits, 16).ok()).and_then(char::from_u32);
        if let Some(control) = named.filter(|c| c.is_control()) {
            out.push(control);
            rest = after.get(5..).unwrap_or_default();
        } else {
            // The character after a backslash belongs to it, a second backslash too.
            let next = after.chars().next();
            out.push('\\');
            out.extend(next);
            rest = after.get(next.map_or(0, char::len_utf8)..).unwrap_or_default();
        }
    }
    out + rest
}

/// The displayable pieces of `text`: what a reader takes for one character each, or what stands for it. A text drawn cell by
/// cell takes as many cells as its pieces say.
pub fn pieces(text: &str, breaks: Breaks) -> impl Iterator<Item = Piece> + '_ {
    let mut rest = text;
    let mut parts = Vec::new().into_iter();
    std::iter::from_fn(move || {
        loop {
            if let Some(part) = parts.next() {
                return Some(part);
            }
            let first = rest.chars().next()?;
            // Most text is ASCII, of which nothing combines with what is.
            let ascii = first.is_ascii() && rest.as_bytes().get(1).is_none_or(u8::is_ascii);
            let cluster = if ascii { rest.get(..1)? } else { rest.graphemes(true).next()? };
            rest = rest.get(cluster.len()..)?;
            if cluster.len() == first.len_utf8() {
                return Some(alone(first, rest, breaks));
            }
            parts = parts_of(cluster).into_iter();
        }
    })
}

/// A character that nothing combines with.
fn alone(c: char, after: &str, breaks: Breaks) -> Piece {
    if c == '\n' && breaks == Breaks::Marked && !ASCII.get() {
        return Piece { text: "↵".to_owned(), escaped: true, width: 1 };
    }
    // What would read like one of our own escapes is one itself, from its first character on.
    if c == quotes().0 && imitates(after) {
        return escape(c);
    }
    if TONES.contains(&c) {
        return tone(c);
    }
    match UnicodeWidthChar::width(c) {
        Some(1..) if is_drawn(c) => {
            let text = c.to_string();
            Piece { width: usize::from(text.as_str().cell_width()), text, escaped: false }
        }
        Some(_) | None => escape(c),
    }
}

/// Whether a terminal can draw it as itself, alone or with what follows.
fn is_drawn(c: char) -> bool {
    !is_hidden(c) && !FLAG_LETTERS.contains(&c) && (c.is_ascii() || !ASCII.get())
}

/// Several characters that are one to their reader.
fn parts_of(cluster: &str) -> Vec<Piece> {
    if let Some(whole) = flag(cluster).or_else(|| keycap(cluster)) {
        return vec![whole];
    }
    let mut parts: Vec<Piece> = Vec::new();
    let mut chars = cluster.chars().peekable();
    let (mut before, mut marks) = (None, MARKS_ON_ONE_LETTER);
    while let Some(c) = chars.next() {
        let joins =
            c == JOINER && before.is_some_and(is_sign) && chars.peek().is_some_and(|next| is_sign(*next));
        let width = UnicodeWidthChar::width(c).filter(|_| is_drawn(c));
        if before.is_some_and(|sign| takes_selector(sign, c)) {
            // It changes how its sign looks, on some terminals, and not what it is.
        } else if joins {
            parts.push(Piece { text: "+".to_owned(), escaped: true, width: 1 });
        } else if TONES.contains(&c) {
            parts.push(tone(c));
        } else if width.is_some_and(|width| width > 0 || marks < MARKS_ON_ONE_LETTER) {
            marks = if width == Some(0) { marks + 1 } else { 0 };
            grow(&mut parts, c);
        } else {
            marks = MARKS_ON_ONE_LETTER;
            parts.push(escape(c));
        }
        before = Some(c);
    }
    parts
}

/// Gives each letter of a cluster that has several a cell of its own. Terminals draw them in as many cells, or in fewer; as
/// one they would be drawn over by their first cell alone, and leave the others behind.
pub fn separate(buffer: &mut Buffer) {
    // No single letter has more bytes.
    let of_several = |cell: &ratatui::buffer::Cell| cell.symbol().len() > 4;
    if !buffer.content.iter().any(of_several) {
        return;
    }
    let area = buffer.area;
    for y in area.top()..area.bottom() {
        for x in area.left()..area.right() {
            let Some(cell) = buffer.cell((x, y)).filter(|cell| of_several(cell)) else { continue };
            let (letters, whole) = (letters(cell.symbol()), cell.clone());
            let wide = letters.iter().map(|letter| letter.as_str().cell_width()).sum::<u16>();
            if letters.len() < 2 || wide != whole.symbol().cell_width() || x + wide > area.right() {
                continue;
            }
            let mut at = x;
            for letter in letters {
                if let Some(cell) = buffer.cell_mut((at, y)) {
                    *cell = whole.clone();
                    cell.set_symbol(&letter);
                }
                at += letter.as_str().cell_width();
            }
        }
    }
}

/// The letters of a cluster, each with the marks on it.
fn letters(cluster: &str) -> Vec<String> {
    let mut letters: Vec<String> = Vec::new();
    for c in cluster.chars() {
        match letters.last_mut() {
            Some(last) if UnicodeWidthChar::width(c) == Some(0) => last.push(c),
            Some(_) | None => letters.push(c.to_string()),
        }
    }
    letters
}

/// Adds a character to the last piece, which is drawn as one with it, or begins another.
fn grow(parts: &mut Vec<Piece>, c: char) {
    match parts.last_mut() {
        Some(last) if !last.escaped => last.text.push(c),
        Some(_) | None => parts.push(Piece { text: c.to_string(), escaped: false, width: 0 }),
    }
    if let Some(last) = parts.last_mut() {
        last.width = usize::from(last.text.as_str().cell_width());
    }
}

/// Whether it may be one of the signs that are joined into one. Letters are not: some scripts join theirs by the same sign.
fn is_sign(c: char) -> bool {
    !c.is_alphanumeric()
        && (!is_hidden(c) || c == '\u{fe0f}')
        && (u32::from(c) >= 0x2000 || TONES.contains(&c))
}

/// Whether `selector` follows a sign of which there are two forms, and chooses one.
fn takes_selector(sign: char, selector: char) -> bool {
    let wide = |text: &[char]| UnicodeWidthStr::width(text.iter().collect::<String>().as_str());
    matches!(selector, '\u{fe0e}' | '\u{fe0f}')
        && ['\u{fe0e}', '\u{fe0f}'].iter().any(|each| wide(&[sign, *each]) != wide(&[sign]))
}

/// A flag by its two letters.
fn flag(cluster: &str) -> Option<Piece> {
    let letter = |c: char| {
        let at = u32::from(c).checked_sub(u32::from(*FLAG_LETTERS.start()))?;
        char::from_u32(u32::from('A') + at).filter(char::is_ascii_uppercase)
    };
    let letters: Option<String> = cluster.chars().map(letter).collect();
    letters.filter(|letters| letters.len() == 2).map(|letters| quoted(&letters))
}

/// A keycap by what is on it.
fn keycap(cluster: &str) -> Option<Piece> {
    let on_it = cluster.strip_suffix(KEYCAP)?;
    let on_it = on_it.strip_suffix('\u{fe0f}').unwrap_or(on_it);
    (on_it.len() == 1).then(|| quoted(on_it))
}

fn tone(c: char) -> Piece {
    let at = u32::from(c).saturating_sub(u32::from(*TONES.start()));
    quoted(&format!("tone{}", at + 2))
}

/// Whether what follows an opening quote makes of it one of our own escapes.
fn imitates(after: &str) -> bool {
    if after.starts_with('U') || after.starts_with("tone") {
        return true;
    }
    let Some((within, _)) = after.split_once(quotes().1) else { return false };
    match within.as_bytes() {
        [one] => one.is_ascii(),
        [one, two] => one.is_ascii_uppercase() && two.is_ascii_uppercase(),
        _ => false,
    }
}

/// What our own escapes stand in.
fn quotes() -> (char, char) {
    if ASCII.get() { ('<', '>') } else { ('‹', '›') }
}

/// The sign that text was cut.
fn cut_sign() -> &'static str {
    if ASCII.get() { "~" } else { "…" }
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
    quoted(&format!("U+{:04X}", u32::from(c)))
}

fn quoted(text: &str) -> Piece {
    let (open, close) = quotes();
    let text = format!("{open}{text}{close}");
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
                out.push(Piece { text: cut_sign().to_owned(), escaped: false, width: 1 });
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
        let mut used = 0;
        let fits = |cluster: &&str| {
            used += usize::from(cluster.cell_width());
            used < width
        };
        let kept: String = text.graphemes(true).take_while(fits).collect();
        *last = Line::from(vec![Span::styled(kept, plain), Span::styled(cut_sign(), plain)]);
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
        check("a\u{fe0f}", "a‹U+FE0F›");
        check("\u{fe0f}", "‹U+FE0F›");
    }

    /// The clipboard gets the same: what is pasted into a shell hides nothing and sends nothing.
    #[test]
    fn several_lines_stay_lines() {
        assert_eq!(visible_lines("a\u{202e}b\nc\u{1b}[201~\r\nd"), "a‹U+202E›b\nc‹U+001B›[201~‹U+000D›\nd");
    }

    #[test]
    fn text_that_imitates_an_escape_is_told_apart() {
        check("‹U+202E›", "‹U+2039›U+202E›");
        check("‹quoted› ‹Q.E.D.›", "‹quoted› ‹Q.E.D.›");
        check("‹DE› ‹tone4› ‹1›", "‹U+2039›DE› ‹U+2039›tone4› ‹U+2039›1›");
    }

    #[test]
    fn what_terminals_draw_in_widths_of_their_own_is_shown_as_wide_everywhere() {
        check("\u{26a0}\u{fe0f} heart ❤\u{fe0f}", "⚠ heart ❤");
        check("❤\u{fe0f}\u{fe0f}", "❤‹U+FE0F›");
        check("🇩🇪🇫🇷", "‹DE›‹FR›");
        check("🇩", "‹U+1F1E9›");
        check("👍🏽 ok", "👍‹tone4› ok");
        check("🏽", "‹tone4›");
        check("👨\u{200d}👩\u{200d}👧", "👨+👩+👧");
        check("👩🏻\u{200d}💻", "👩‹tone2›+💻");
        check("🏳\u{fe0f}\u{200d}🌈", "🏳+🌈");
        check("1\u{fe0f}\u{20e3}#\u{20e3}", "‹1›‹#›");
        check("👨\u{200d}", "👨‹U+200D›");
        check("a\u{200d}b", "a‹U+200D›b");
        check("क्\u{200d}ष", "क्‹U+200D›ष");
        check("plain 👍 ok", "plain 👍 ok");
        // England's flag carries its letters as tags, which could carry anything.
        check("🏴\u{e0067}", "🏴‹U+E0067›");
    }

    #[test]
    fn where_there_is_only_ascii_nothing_else_comes_out() {
        let shown = |text: &str| in_ascii(true, || visible(text, Breaks::Marked));
        assert_eq!(shown("café → 漢"), "caf<U+00E9> <U+2192> <U+6F22>");
        assert_eq!(shown("\u{1b}[31m\n"), "<U+001B>[31m<U+000A>");
        assert_eq!(shown("🇩🇪 👍🏽 1\u{fe0f}\u{20e3}"), "<DE> <U+1F44D><tone4> <1>");
        assert_eq!(shown("<U+00E9> <br> a<b"), "<U+003C>U+00E9> <br> a<b");
        assert_eq!(in_ascii(true, || fit("ÄÖÜ", 12)), "<U+00C4>~");
        assert_eq!(visible("café", Breaks::Shown), "café");
    }

    #[test]
    fn letters_that_are_one_to_their_reader_have_a_cell_each() {
        let mut buffer = Buffer::with_lines(["नि e\u{301} 👍x"]);
        separate(&mut buffer);
        let cell = |x| buffer.cell((x, 0)).unwrap().symbol();
        assert_eq!(
            [cell(0), cell(1), cell(2), cell(3), cell(5), cell(7)],
            ["न", "ि", " ", "e\u{301}", "👍", "x"]
        );
        assert_eq!(buffer.area.width, 8);
    }

    #[test]
    fn a_control_character_in_json_is_escaped_once() {
        let shown = |text: &str| visible(&json(text), Breaks::Shown);
        assert_eq!(shown(r#"{"a":"\u001b[2J\u0007"}"#), r#"{"a":"‹U+001B›[2J‹U+0007›"}"#);
        assert_eq!(shown(r#""\\u001b \n \u00e9 \""#), r#""\\u001b \n \u00e9 \""#);
        assert_eq!(shown(r"\u00"), r"\u00");
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
        assert_eq!(fit("two\r\nlines", 20), "two‹U+000D›↵lines");
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

    /// Letters with marks, of scripts that stack and join, emoji of every kind, and what is hidden.
    fn hostile() -> impl Strategy<Value = String> {
        let some = [
            "a",
            " ",
            "é",
            "e\u{301}",
            "漢",
            "ﾊﾟ",
            "각",
            "\u{1100}",
            "\u{1161}",
            "\u{11a8}",
            "नि",
            "क्ष",
            "กำ",
            "ก",
            "\u{e33}",
            "ক",
            "\u{9cd}",
            "ក",
            "\u{17d2}",
            "لا",
            "ا",
            "\u{64e}",
            "א",
            "ល",
            "🇩",
            "🇪",
            "👍",
            "🏽",
            "👨",
            "\u{200d}",
            "👩",
            "⚠",
            "\u{fe0f}",
            "\u{fe0e}",
            "1",
            "\u{20e3}",
            "❤",
            "🏴",
            "\u{e0067}",
            "\u{e007f}",
            "\u{1b}",
            "\u{202e}",
            "‹",
            "›",
            "U",
            "\u{301}",
            "\u{1f3fb}",
            "©",
            "⌚",
            "\r",
            "\n",
            "\u{d4e}",
            "\u{111c2}",
            "\u{1f1e6}",
            "ꟸ",
            "\u{a4f8}",
            "\u{a4fc}",
            "☺",
            "𓀀",
        ];
        prop::collection::vec(prop::sample::select(some.to_vec()), 0..24).prop_map(|parts| parts.concat())
    }

    /// What a text takes in cells when it is drawn.
    fn drawn(text: &str) -> usize {
        let mut buffer = ratatui::buffer::Buffer::empty(ratatui::layout::Rect::new(0, 0, 2000, 1));
        usize::from(buffer.set_stringn(0, 0, text, 2000, Style::new()).0)
    }

    proptest! {
        #[test]
        fn a_text_takes_the_cells_that_its_pieces_say(text in hostile(), any in any::<String>(), width in 1usize..60) {
            for text in [&text, &any] {
                for ascii in [false, true] {
                    in_ascii(ascii, || {
                        let parts: Vec<Piece> = pieces(text, Breaks::Marked).collect();
                        let said: usize = parts.iter().map(|part| part.width).sum();
                        let whole = visible(text, Breaks::Marked);
                        assert_eq!(drawn(&whole), said, "{text:?} as {whole:?}");
                        assert!(drawn(&fit(text, width)) <= width, "{text:?}");
                        assert!(!ascii || whole.is_ascii(), "{whole:?}");
                        assert!(!whole.chars().any(|c| is_hidden(c) || TONES.contains(&c) || FLAG_LETTERS.contains(&c)));
                    });
                }
            }
        }

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
            let cells = drawn(&cut);
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
