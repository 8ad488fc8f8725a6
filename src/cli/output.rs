//! What commands print: tables for people, JSON for programs, colour only on a terminal. Text that came from agents is
//! made visible before it is printed to a person; JSON carries it as it is, escaped.

use std::io::{self, IsTerminal, Write};

use comfy_table::{ContentArrangement, Table};
use serde::Serialize;

use crate::console::untrusted::{self, Breaks};

/// Narrower than this, a table isn't squeezed into the terminal.
const MIN_TABLE_WIDTH: u16 = 60;
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
    width: Option<u16>,
}

impl Output {
    /// Standard output as it is.
    pub(crate) fn stdout(json: bool) -> Self {
        let terminal = io::stdout().is_terminal();
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let width = crossterm::terminal::size().ok().map(|(width, _)| width).filter(|_| terminal);
        Self { json, colour: terminal && !plain, width }
    }

    /// A heading, or what explains the lines before it.
    ///
    /// # Errors
    /// When standard output can't be written.
    pub(crate) fn faint(self, text: impl AsRef<str>) -> anyhow::Result<()> {
        if self.colour { line(format!("{DIM}{}{RESET}", text.as_ref())) } else { line(text) }
    }

    /// A label and what belongs to it, for details.
    ///
    /// # Errors
    /// When standard output can't be written.
    pub(crate) fn fact(self, label: &str, text: &str) -> anyhow::Result<()> {
        let text = visible_lines(text).replace('\n', "\n            ");
        if self.colour {
            return line(format!("{DIM}{label:<11}{RESET} {text}"));
        }
        line(format!("{label:<11} {text}"))
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
    text.split('\n').map(visible).collect::<Vec<_>>().join("\n")
}

/// One line of text of our own making.
///
/// # Errors
/// When standard output can't be written.
pub(crate) fn line(text: impl AsRef<str>) -> anyhow::Result<()> {
    Ok(writeln!(io::stdout().lock(), "{}", text.as_ref())?)
}

/// Anything as indented JSON.
///
/// # Errors
/// When standard output can't be written.
pub(crate) fn json(value: &impl Serialize) -> anyhow::Result<()> {
    line(serde_json::to_string_pretty(value)?)
}

/// Anything as one line of JSON.
///
/// # Errors
/// When standard output can't be written.
pub(crate) fn json_line(value: &impl Serialize) -> anyhow::Result<()> {
    line(serde_json::to_string(value)?)
}
