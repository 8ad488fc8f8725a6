//! What commands print: tables for people, JSON for programs, colour only on a terminal. Text that came from agents or a
//! server is made visible before it is printed to a person; JSON carries it escaped, so that it is the same JSON and a
//! terminal still obeys none of it.

use std::borrow::Cow;
use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use comfy_table::{ContentArrangement, Table};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use crate::console::untrusted::{self, Breaks};

/// Narrower than this, a table isn't squeezed into the terminal.
const MIN_TABLE_WIDTH: u16 = 60;
/// How often a progress bar is drawn anew.
const BAR_EVERY: Duration = Duration::from_millis(100);
const BOLD: &str = "\x1b[1m";
const DIM: &str = "\x1b[2m";
const RESET: &str = "\x1b[0m";

/// Where a command's answer goes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    /// JSON instead of tables.
    pub(crate) json: bool,
    /// Standard output is a terminal that takes colour.
    pub(crate) colour: bool,
    /// Standard output is a terminal.
    pub(crate) terminal: bool,
    width: Option<u16>,
}

impl Output {
    /// Standard output as it is.
    pub(crate) fn stdout(json: bool) -> Self {
        let terminal = io::stdout().is_terminal();
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let width = crossterm::terminal::size().ok().map(|(width, _)| width).filter(|_| terminal);
        Self { json, colour: terminal && !plain, terminal, width }
    }

    /// A heading, or what explains the lines before it.
    ///
    /// # Errors
    /// When standard output can't be written.
    pub(crate) fn faint(self, text: impl AsRef<str>) -> anyhow::Result<()> {
        let text = harmless(text.as_ref());
        if self.colour { styled(format!("{DIM}{text}{RESET}")) } else { styled(text) }
    }

    /// What was found: as JSON for programs, or as people are told.
    ///
    /// # Errors
    /// When standard output can't be written.
    pub(crate) fn show(
        self,
        found: &impl Serialize,
        tell: impl FnOnce() -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        if self.json { json(found) } else { tell() }
    }

    /// Labels and what belongs to them, as far as there is something.
    ///
    /// # Errors
    /// When standard output can't be written.
    pub(crate) fn facts<const N: usize>(self, facts: [(&str, Option<String>); N]) -> anyhow::Result<()> {
        for (label, text) in facts {
            if let Some(text) = text {
                self.fact(label, &text)?;
            }
        }
        Ok(())
    }

    /// A label and what belongs to it, for details.
    ///
    /// # Errors
    /// When standard output can't be written.
    pub(crate) fn fact(self, label: &str, text: &str) -> anyhow::Result<()> {
        let text = visible_lines(text).replace('\n', "\n            ");
        if self.colour {
            return styled(format!("{DIM}{label:<11}{RESET} {text}"));
        }
        styled(format!("{label:<11} {text}"))
    }

    /// What must reach a file or a pipe byte for byte; a terminal gets it with everything in it visible.
    pub(crate) fn exact(self, text: &str) -> Cow<'_, str> {
        if self.terminal { harmless(text) } else { Cow::Borrowed(text) }
    }

    /// A table for people; its cells are made visible here.
    ///
    /// # Errors
    /// When standard output can't be written.
    pub(crate) fn table(self, header: &[&str], rows: &[Vec<String>]) -> anyhow::Result<()> {
        let mut table = Table::new();
        table.load_style(comfy_table::presets::NOTHING).set_header(header.to_vec());
        if let Some(width) = self.width.filter(|width| *width >= MIN_TABLE_WIDTH) {
            table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
        }
        for row in rows {
            table.add_row(row.iter().map(|cell| visible(cell)).collect::<Vec<_>>());
        }
        let mut out = io::stdout().lock();
        for (number, line) in table.lines().enumerate() {
            let line = line.strip_prefix(' ').unwrap_or(&line).trim_end();
            if self.colour && number == 0 {
                writeln!(out, "{BOLD}{line}{RESET}")?;
            } else {
                writeln!(out, "{line}")?;
            }
        }
        Ok(())
    }
}

/// Text that may have come from an agent, on one line, with everything in it visible.
pub(crate) fn visible(text: &str) -> String {
    untrusted::visible(text, Breaks::Marked)
}

/// The same, with its line breaks kept.
pub(crate) fn visible_lines(text: &str) -> String {
    untrusted::visible_lines(text)
}

/// What hides in a text shown, its line breaks kept. The last guard before a terminal: doing it twice changes nothing.
pub(crate) fn harmless(text: &str) -> Cow<'_, str> {
    let hidden = |c: char| c != '\n' && untrusted::is_hidden(c);
    if !text.contains(hidden) {
        return Cow::Borrowed(text);
    }
    let shown = |c: char| if hidden(c) { visible(c.encode_utf8(&mut [0; 4])) } else { c.to_string() };
    Cow::Owned(text.chars().map(shown).collect())
}

/// The same TOML of quoted strings and comments with everything escaped that a reader would not see.
pub(crate) fn escaped_toml(toml: &str) -> Cow<'_, str> {
    let hidden = |c: char| c != '\n' && untrusted::is_hidden(c);
    if !toml.contains(hidden) {
        return Cow::Borrowed(toml);
    }
    let shown = |c: char| if hidden(c) { format!("\\U{:08X}", u32::from(c)) } else { c.to_string() };
    Cow::Owned(toml.chars().map(shown).collect())
}

/// The same JSON with everything escaped that a terminal would obey or hide. Outside of strings JSON has only blanks.
pub(crate) fn escaped(json: &str) -> Cow<'_, str> {
    let hidden = |c: char| c != '\n' && untrusted::is_hidden(c);
    if !json.contains(hidden) {
        return Cow::Borrowed(json);
    }
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '\t' | '\r' => text.push(' '),
            c if hidden(c) => {
                text.extend(c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")));
            }
            c => text.push(c),
        }
    }
    Cow::Owned(text)
}

/// A line of text. What agents said in it was made visible by the caller, who knows where it begins and ends; what was
/// forgotten is shown all the same.
///
/// # Errors
/// When standard output can't be written.
pub(crate) fn line(text: impl AsRef<str>) -> anyhow::Result<()> {
    styled(harmless(text.as_ref()))
}

/// A line with colours in it, whose other text was made visible before.
///
/// # Errors
/// When standard output can't be written.
pub(crate) fn styled(text: impl AsRef<str>) -> anyhow::Result<()> {
    Ok(writeln!(io::stdout().lock(), "{}", text.as_ref())?)
}

/// What went wrong or happened beside the answer, to standard error. Servers have a say in it.
pub(crate) fn complain(text: impl AsRef<str>) {
    // Who can't be told on standard error can't be told at all.
    writeln!(io::stderr().lock(), "deeds: {}", harmless(text.as_ref())).unwrap_or_default();
}

/// JSON that came as text, on one line.
///
/// # Errors
/// When standard output can't be written.
pub(crate) fn json_text(json: &str) -> anyhow::Result<()> {
    styled(escaped(json))
}

/// Anything as indented JSON.
///
/// # Errors
/// When standard output can't be written.
pub(crate) fn json(value: &impl Serialize) -> anyhow::Result<()> {
    json_text(&serde_json::to_string_pretty(value)?)
}

/// Anything as one line of JSON.
///
/// # Errors
/// When standard output can't be written.
pub(crate) fn json_line(value: &impl Serialize) -> anyhow::Result<()> {
    json_text(&serde_json::to_string(value)?)
}

/// A bar on standard error, where that is a terminal.
pub(crate) fn bar(length: u64, what: &str) -> ProgressBar {
    let template =
        if length > 0 { format!("{{wide_bar}} {what} {{eta}}") } else { format!("{{spinner}} {what}") };
    let style = ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = if length > 0 { ProgressBar::new(length) } else { ProgressBar::new_spinner() };
    bar.set_style(style);
    bar.enable_steady_tick(BAR_EVERY);
    bar
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escaped_json_is_the_same_json() {
        let said = "e\u{1b}[2J c1 \u{9b} bidi \u{202e} zero \u{200b} tag \u{e0041} two\nlines é 漢";
        for json in
            [serde_json::to_string(said).unwrap(), format!("{{\r\n\t{}: 1}}", serde_json::json!(said))]
        {
            let escaped = escaped(&json);
            assert!(!escaped.chars().any(|c| c != '\n' && untrusted::is_hidden(c)), "{escaped:?}");
            let read = |json: &str| serde_json::from_str::<serde_json::Value>(json).unwrap();
            assert_eq!(read(&escaped), read(&json));
        }
    }

    #[test]
    fn the_last_guard_keeps_lines_and_what_was_shown_before() {
        assert_eq!(harmless("a\nb"), "a\nb");
        assert_eq!(harmless("a\u{202e}b\r"), "a‹U+202E›b‹U+000D›");
        let once = visible("\u{9b} ‹U+202E›");
        assert_eq!(harmless(&once), once);
    }
}
