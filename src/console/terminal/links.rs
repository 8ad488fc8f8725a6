//! Addresses on the screen as links of the terminal's own (`OSC 8`). The target is exactly the text that is shown: found in
//! the cells that are written, it can't lead anywhere else, whoever wrote it.

use std::ops::Range;

use ratatui::buffer::Cell;
use ratatui::layout::Size;
use unicode_width::UnicodeWidthStr;

/// How addresses begin that are links.
const SCHEMES: [&str; 2] = ["https://", "http://"];
/// What an address may be of, beside ASCII letters and digits.
const OF_ADDRESS: &str = "-._~:/?#[]@!$&'()*+,;=%";
/// What ends a sentence rather than an address.
const AFTER: &str = ".,:;!?'";
/// From these versions on they know links.
const TMUX: (u32, u32) = (3, 4);
const VTE: u32 = 5000;

/// Whether the terminal is known to have links; `lookup` is `|name| std::env::var(name).ok()` outside of tests.
pub fn are_known(lookup: impl Fn(&str) -> Option<String>) -> bool {
    let value = |name: &str| lookup(name).unwrap_or_default();
    let (term, program) = (value("TERM"), value("TERM_PROGRAM"));
    if !value("TMUX").is_empty() || program == "tmux" {
        // tmux takes them in, and hands them on where the terminal around it has them.
        let version = value("TERM_PROGRAM_VERSION");
        let (major, minor) = version.split_once('.').unwrap_or((&version, "0"));
        let minor: String = minor.chars().take_while(char::is_ascii_digit).collect();
        return (major.parse().unwrap_or(0), minor.parse().unwrap_or(0)) >= TMUX;
    }
    if !value("STY").is_empty() || term == "linux" || term == "dumb" {
        return false;
    }
    let vte = value("VTE_VERSION").parse().is_ok_and(|version: u32| version >= VTE);
    vte || ["iTerm.app", "WezTerm", "ghostty", "vscode"].contains(&program.as_str())
        || ["xterm-kitty", "foot", "alacritty", "xterm-ghostty", "wezterm"]
            .iter()
            .any(|name| term.starts_with(name))
        || !value("WT_SESSION").is_empty()
}

/// An address in a row.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Link {
    /// Its cells.
    at: Range<u16>,
    target: String,
}

/// A row of the screen as the terminal has it.
#[derive(Debug, Clone, Default)]
struct Row {
    cells: Vec<Cell>,
    links: Vec<Link>,
}

/// What is on the screen, with its links.
#[derive(Debug, Default)]
pub struct Links {
    rows: Vec<Row>,
    width: u16,
}

impl Links {
    /// The screen is empty.
    pub fn clear(&mut self) {
        self.rows.clear();
    }

    /// Takes in cells that change. What is to be written: these, and those that belong to another link than before.
    pub fn take<'a>(
        &mut self,
        size: Size,
        content: impl Iterator<Item = (u16, u16, &'a Cell)>,
    ) -> Vec<(u16, u16, Cell)> {
        if self.width != size.width || self.rows.len() != usize::from(size.height) {
            let row = Row { cells: vec![Cell::default(); usize::from(size.width)], links: Vec::new() };
            (self.rows, self.width) = (vec![row; usize::from(size.height)], size.width);
        }
        let mut written: Vec<(u16, u16, Cell)> = content.map(|(x, y, cell)| (x, y, cell.clone())).collect();
        let mut touched: Vec<u16> = written.iter().map(|(_, y, _)| *y).collect();
        touched.dedup();
        for (x, y, cell) in &written {
            if let Some(row) = self.rows.get_mut(usize::from(*y)) {
                row.put(*x, cell);
            }
        }
        let count = written.len();
        for y in touched {
            let Some(row) = self.rows.get_mut(usize::from(y)) else { continue };
            for x in row.find() {
                let is_there = |(at, of, _): &(u16, u16, Cell)| (*at, *of) == (x, y);
                let known = written.get(..count).is_some_and(|written| written.iter().any(is_there));
                if let Some(cell) = row.cells.get(usize::from(x)).filter(|_| !known) {
                    written.push((x, y, cell.clone()));
                }
            }
        }
        written.sort_by_key(|(x, y, _)| (*y, *x));
        written
    }

    /// Where a cell leads.
    pub fn at(&self, x: u16, y: u16) -> Option<&str> {
        let row = self.rows.get(usize::from(y))?;
        row.links.iter().find(|link| link.at.contains(&x)).map(|link| link.target.as_str())
    }
}

impl Row {
    fn put(&mut self, x: u16, cell: &Cell) {
        let wide = cell.symbol().width();
        for (at, place) in self.cells.iter_mut().enumerate().skip(usize::from(x)).take(wide.max(1)) {
            place.clone_from(cell);
            if at > usize::from(x) {
                // The rest of a wide letter.
                place.set_symbol("");
            }
        }
    }

    /// Finds its links anew; the cells that belong to another one than before.
    fn find(&mut self) -> Vec<u16> {
        let links = links(&self.cells);
        if links == self.links {
            return Vec::new();
        }
        let before = std::mem::replace(&mut self.links, links);
        let at = |links: &[Link], x: u16| {
            links.iter().find(|link| link.at.contains(&x)).map(|link| link.target.clone())
        };
        let own = |link: &Link| link.at.clone();
        let mut cells: Vec<u16> = before.iter().chain(&self.links).flat_map(own).collect();
        cells.sort_unstable();
        cells.dedup();
        cells.retain(|x| at(&before, *x) != at(&self.links, *x));
        cells
    }
}

/// The addresses in a row of cells.
fn links(cells: &[Cell]) -> Vec<Link> {
    // A byte for each cell, so that places in it are places in the row; what is not ASCII is none of an address.
    let bytes: Vec<u8> = cells
        .iter()
        .map(|cell| match cell.symbol().as_bytes() {
            [byte] if byte.is_ascii() => *byte,
            _ => 0,
        })
        .collect();
    let text = String::from_utf8(bytes).unwrap_or_default();
    let mut found = Vec::new();
    let mut from = 0;
    while let Some((begins, scheme)) = next(&text, from) {
        let rest = text.get(begins..).unwrap_or_default();
        let is_of = |c: char| c.is_ascii_alphanumeric() || OF_ADDRESS.contains(c);
        let whole = rest.find(|c| !is_of(c)).unwrap_or(rest.len());
        from = begins + whole.max(1);
        let before = text.get(..begins).unwrap_or_default().chars().next_back();
        let goes_on = cells.get(begins + whole).is_some_and(|cell| is_part(cell.symbol()));
        let address = trimmed(rest.get(..whole).unwrap_or_default());
        let has_host =
            address.get(scheme..).is_some_and(|host| host.starts_with(|c: char| c.is_ascii_alphanumeric()));
        if goes_on || !has_host || before.is_some_and(|c| c.is_ascii_alphanumeric()) {
            continue;
        }
        let ends = begins + address.len();
        if let (Ok(begins), Ok(ends)) = (u16::try_from(begins), u16::try_from(ends)) {
            found.push(Link { at: begins..ends, target: address.to_owned() });
        }
    }
    found
}

/// Where the next address begins, and how long its scheme is.
fn next(text: &str, from: usize) -> Option<(usize, usize)> {
    let rest = text.get(from..)?;
    let found = SCHEMES.iter().filter_map(|scheme| Some((rest.find(scheme)? + from, scheme.len())));
    found.min_by_key(|(at, _)| *at)
}

/// Whether an address goes on in a cell that it can't be of: it is cut there, or something in it is shown by its number.
fn is_part(symbol: &str) -> bool {
    !matches!(symbol, "" | " " | "\"" | ">" | "<" | "`" | "|" | "}" | "│" | "┃" | "»" | "”" | "’")
}

/// Without what ends the sentence that it stands in: stops, and brackets that it did not open.
fn trimmed(mut address: &str) -> &str {
    loop {
        let Some(last) = address.chars().next_back() else { return address };
        let opened =
            |open: char, close: char| address.matches(open).count() >= address.matches(close).count();
        let ends = match last {
            ')' => !opened('(', ')'),
            ']' => !opened('[', ']'),
            other => AFTER.contains(other),
        };
        if !ends {
            return address;
        }
        address = address.strip_suffix(last).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use ratatui::buffer::Buffer;
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    use super::*;

    fn row(text: &str) -> Vec<Cell> {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 100, 1));
        buffer.set_string(0, 0, text, Style::new());
        buffer.content
    }

    fn targets(text: &str) -> Vec<String> {
        links(&row(text)).into_iter().map(|link| link.target).collect()
    }

    #[test]
    fn an_address_leads_to_what_is_shown_and_nowhere_else() {
        let found = [
            ("see https://a.example/x?y=1#z.", "https://a.example/x?y=1#z"),
            ("(http://a.example/wiki/B_(c))", "http://a.example/wiki/B_(c)"),
            ("│ https://a.example:8080/ │", "https://a.example:8080/"),
            ("漢字 https://a.example", "https://a.example"),
            ("\"https://a.example\"", "https://a.example"),
        ];
        for (text, target) in found {
            assert_eq!(targets(text), [target], "{text}");
            let cells = row(text);
            for link in links(&cells) {
                let shown: String = cells[usize::from(link.at.start)..usize::from(link.at.end)]
                    .iter()
                    .map(Cell::symbol)
                    .collect();
                assert_eq!(shown, link.target, "{text}");
            }
        }
        assert_eq!(targets("http://a.example https://b.example"), ["http://a.example", "https://b.example"]);
        // Cut, escaped, of letters that look alike, of another scheme, within a word, of nothing.
        for none in [
            "https://a.example/lo…",
            "https://a.example/‹U+202E›x",
            "https://аpple.example",
            "javascript:alert(1)",
            "file:///etc/passwd",
            "xhttps://a.example",
            "https://",
            "https:// a",
            "https://]",
        ] {
            assert_eq!(targets(none), Vec::<String>::new(), "{none}");
        }
    }

    /// What stays on the screen and belongs to another address now is written again.
    #[test]
    fn a_longer_address_is_written_whole() {
        let size = Size { width: 100, height: 1 };
        let mut links = Links::default();
        let changed = |before: &str, after: &str| -> Vec<(u16, u16, Cell)> {
            let (before, after) = (row(before), row(after));
            let other =
                (0_u16..).zip(before.into_iter().zip(after)).filter(|(_, (before, after))| before != after);
            other.map(|(x, (_, cell))| (x, 0, cell)).collect()
        };
        let mut take = |before: &str, after: &str| -> Vec<u16> {
            let cells = changed(before, after);
            let written = links.take(size, cells.iter().map(|(x, y, cell)| (*x, *y, cell)));
            written.into_iter().map(|(x, ..)| x).collect()
        };
        assert_eq!(take("", "https://a.b").len(), 11);
        assert_eq!(take("https://a.b", "https://a.b/c"), (0..13).collect::<Vec<_>>());
        assert_eq!(
            take("https://a.b/c", "https://a.b/c and more"),
            (14..17).chain(18..22).collect::<Vec<_>>()
        );
        assert_eq!(take("https://a.b/c and more", "https://a.b/… and more"), (0..13).collect::<Vec<_>>());
        assert_eq!(links.at(0, 0), None);
    }

    #[test]
    fn links_are_made_where_the_terminal_is_known_to_have_them() {
        let known = |set: &[(&str, &str)]| {
            are_known(|name| {
                set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
            })
        };
        for yes in [
            &[("TERM", "xterm-kitty")][..],
            &[("TERM", "xterm-256color"), ("VTE_VERSION", "7600")],
            &[("TERM", "xterm-256color"), ("TERM_PROGRAM", "iTerm.app")],
            &[
                ("TERM", "tmux-256color"),
                ("TMUX", "x"),
                ("TERM_PROGRAM", "tmux"),
                ("TERM_PROGRAM_VERSION", "3.5a"),
            ],
        ] {
            assert!(known(yes), "{yes:?}");
        }
        for no in [
            &[("TERM", "xterm-256color")][..],
            &[("TERM", "linux"), ("VTE_VERSION", "7600")],
            &[("TERM", "xterm-256color"), ("VTE_VERSION", "4900")],
            &[
                ("TERM", "xterm-256color"),
                ("TMUX", "x"),
                ("TERM_PROGRAM", "tmux"),
                ("TERM_PROGRAM_VERSION", "3.3a"),
            ],
            &[("TERM", "screen"), ("STY", "1"), ("VTE_VERSION", "7600")],
            &[],
        ] {
            assert!(!known(no), "{no:?}");
        }
    }
}
