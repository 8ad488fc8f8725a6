//! The signs that the console draws with, as data: one table for Unicode terminals, one for `--ascii`.
//!
//! Every sign takes as many cells in a table as its text has; those of the Unicode table are single-width everywhere.

use ratatui::buffer::Buffer;

/// One set of signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Glyphs {
    /// Link state: live.
    pub live: &'static str,
    /// Link state: reconnecting.
    pub reconnecting: &'static str,
    /// Link state: only looking.
    pub read_only: &'static str,
    /// Link state: the server's history does not continue the one seen before.
    pub rewritten: &'static str,
    /// Before a moment of the past.
    pub then: &'static str,
    /// Before the selected row.
    pub cursor: &'static str,
    /// Before a marked row.
    pub marked: &'static str,
    /// Something went through.
    pub ok: &'static str,
    /// Something was refused.
    pub refused: &'static str,
    /// Something went to somebody else.
    pub passed_on: &'static str,
    /// Something needs attention.
    pub attention: &'static str,
    /// Something of which too little is known.
    pub unknown: &'static str,
    /// Something is under way or recorded for information.
    pub info: &'static str,
    /// An opened branch.
    pub open: &'static str,
    /// A closed branch.
    pub closed: &'static str,
    /// Between places: `northwind ▸ inbox`.
    pub into: &'static str,
    /// From a value to the next.
    pub arrow: &'static str,
    /// Two that alternate.
    pub swap: &'static str,
    pub times: &'static str,
    /// Nothing there.
    pub none: &'static str,
    /// Between small facts on one line.
    pub dot: &'static str,
    /// The enter key.
    pub enter: &'static str,
    /// Full part of a bar.
    pub bar_full: &'static str,
    /// Empty part of a bar.
    pub bar_empty: &'static str,
    /// Eight heights of a histogram, lowest first.
    pub heights: [&'static str; 8],
    /// Horizontal rule.
    pub rule: &'static str,
    /// Vertical rule.
    pub wall: &'static str,
    /// Corners: top left, top right, bottom left, bottom right.
    pub corners: [&'static str; 4],
    /// Tree: a branch that has a next one, the last branch, and the line that passes by.
    pub branches: [&'static str; 3],
    /// Lines by the ends that they have: up 1, down 2, left 4, right 8; the first has none.
    pub lines: [&'static str; 16],
    /// Where a line leads: up, down, left, right.
    pub heads: [&'static str; 4],
    /// Before a name: an agent's, a person's, Deeds' own. No name has one of these before it.
    pub classes: [&'static str; 3],
    /// Two sides of a timeline: first and second.
    pub sides: [&'static str; 2],
    /// A box that is ticked, and one that is not.
    pub tick: [&'static str; 2],
    /// More is above, more is below.
    pub more: [&'static str; 2],
    /// Where text was cut.
    pub cut: &'static str,
}

/// For terminals that draw Unicode.
pub const UNICODE: Glyphs = Glyphs {
    live: "●",
    reconnecting: "◌",
    read_only: "■",
    rewritten: "≠",
    then: "◷",
    cursor: "▌",
    marked: "◆",
    ok: "✓",
    refused: "✗",
    passed_on: "»",
    attention: "!",
    unknown: "?",
    info: "·",
    open: "▾",
    closed: "▸",
    into: "▸",
    arrow: "→",
    swap: "⇄",
    times: "×",
    none: "·",
    dot: "·",
    enter: "⏎",
    bar_full: "█",
    bar_empty: "░",
    heights: ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"],
    rule: "─",
    wall: "│",
    corners: ["╭", "╮", "╰", "╯"],
    branches: ["├─", "└─", "│ "],
    lines: [" ", "│", "│", "│", "─", "┘", "┐", "┤", "─", "└", "┌", "├", "─", "┴", "┬", "┼"],
    heads: ["▴", "▾", "◂", "▸"],
    classes: ["◇", "☺", "§"],
    sides: ["●", "○"],
    tick: ["[x]", "[ ]"],
    more: ["↑", "↓"],
    cut: "…",
};

/// For terminals and fonts that draw nothing but ASCII.
pub const ASCII: Glyphs = Glyphs {
    live: "*",
    reconnecting: "~",
    read_only: "#",
    rewritten: "!",
    then: "@",
    cursor: ">",
    marked: "*",
    ok: "+",
    refused: "x",
    passed_on: ">>",
    attention: "!",
    unknown: "?",
    info: ".",
    open: "v",
    closed: ">",
    into: ">",
    arrow: "->",
    swap: "<>",
    times: "x",
    none: ".",
    dot: "-",
    enter: "enter",
    bar_full: "#",
    bar_empty: "-",
    heights: [".", ".", ":", ":", "+", "+", "#", "#"],
    rule: "-",
    wall: "|",
    corners: ["+", "+", "+", "+"],
    branches: ["|-", "`-", "| "],
    lines: [" ", "|", "|", "|", "-", "+", "+", "+", "-", "+", "+", "+", "-", "+", "+", "+"],
    heads: ["^", "v", "<", ">"],
    classes: ["%", "@", "="],
    sides: ["@", "o"],
    tick: ["[x]", "[ ]"],
    more: ["^", "v"],
    cut: "~",
};

/// For what is read out: a word where the sign says something that no word beside it does, else nothing.
pub const WORDS: Glyphs = Glyphs {
    live: "",
    reconnecting: "",
    read_only: "",
    rewritten: "",
    then: "",
    cursor: "",
    marked: "",
    ok: "",
    refused: "",
    passed_on: "",
    attention: "",
    unknown: "?",
    info: "",
    open: "open",
    closed: "closed",
    into: "",
    arrow: " to ",
    swap: " and ",
    times: "times ",
    none: "none",
    dot: ",",
    enter: "",
    bar_full: "",
    bar_empty: "",
    heights: [""; 8],
    rule: " ",
    wall: " ",
    corners: [" "; 4],
    branches: ["", "", ""],
    lines: [" "; 16],
    heads: [" "; 4],
    classes: ["agent", "person", ""],
    sides: ["first", "second"],
    tick: ["ticked", "not ticked"],
    more: ["above", "below"],
    cut: "...",
};

impl Glyphs {
    /// Every sign of the table, for tests and for checking a font.
    pub fn all(&self) -> Vec<&'static str> {
        let single = [
            self.live,
            self.reconnecting,
            self.read_only,
            self.rewritten,
            self.then,
            self.cursor,
            self.marked,
            self.ok,
            self.refused,
            self.passed_on,
            self.attention,
            self.unknown,
            self.info,
            self.open,
            self.closed,
            self.into,
            self.arrow,
            self.swap,
            self.times,
            self.none,
            self.dot,
            self.enter,
            self.bar_full,
            self.bar_empty,
            self.rule,
            self.wall,
            self.cut,
        ];
        let many = [
            &self.heights[..],
            &self.corners,
            &self.branches,
            &self.lines,
            &self.heads,
            &self.classes,
            &self.sides,
            &self.tick,
            &self.more,
        ];
        single.into_iter().chain(many.into_iter().flatten().copied()).collect()
    }
}

/// What a cell has whose sign has no counterpart of its own.
const OTHER: &str = "?";

/// Makes every cell ASCII: signs become their counterparts, whatever else is left over a question mark. Text has been made
/// readable before (`untrusted::in_ascii`).
pub fn to_ascii(buffer: &mut Buffer) {
    for cell in buffer.content.iter_mut().filter(|cell| !cell.symbol().is_ascii()) {
        let sign = counterpart(cell.symbol());
        cell.set_symbol(sign);
    }
}

fn counterpart(sign: &str) -> &'static str {
    let pairs = UNICODE.all().into_iter().zip(ASCII.all());
    let found = pairs.filter(|(_, plain)| plain.len() == 1).find(|(known, _)| *known == sign);
    found.map_or(OTHER, |(_, plain)| plain)
}

#[cfg(test)]
mod tests {
    use unicode_width::UnicodeWidthChar;

    use super::*;

    #[test]
    fn every_sign_is_single_width() {
        for sign in UNICODE.all() {
            assert!(sign.chars().all(|c| c.width() == Some(1)), "{sign:?}");
        }
    }

    #[test]
    fn nothing_but_ascii_is_left_in_a_buffer() {
        let mut buffer = Buffer::with_lines(["a × b · c 漢字 é"]);
        to_ascii(&mut buffer);
        assert_eq!(crate::console::testing::text(&buffer), "a x b . c ? ?  ?\n");
    }

    #[test]
    fn the_ascii_table_is_ascii() {
        for sign in ASCII.all() {
            assert!(sign.is_ascii() && !sign.is_empty(), "{sign:?}");
        }
    }
}
