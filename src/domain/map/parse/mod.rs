//! Reads the file that people write: every error at once, each with its place.
//!
//! `reader` takes single values out of tables, `entries` puts the parts of a map together. What is wrong with a map
//! that was read well is `lint`'s business; this module only knows where in the file that is.

mod entries;
mod places;
mod reader;

use places::{Lines, Places};
use toml::de::DeTable;

use super::lint::{self, Finding, Issue, Label, Lint};
use super::model::Model;
use crate::domain::path::in_one_spelling;

/// The largest file that is read, in bytes: some 700 owners with 500 rules each time, and read within a second or two.
pub const MAX_MAP_BYTES: usize = 4 << 20;

/// What a file says.
#[derive(Clone, Debug)]
pub struct Parsed {
    /// The map, where every part of it could be read. It may still have errors: ask `has_errors`.
    pub model: Option<Model>,
    /// What is wrong with it, in the order of the file.
    pub findings: Vec<Finding>,
}

impl Parsed {
    /// Is there anything that keeps the map from being applied?
    pub fn has_errors(&self) -> bool {
        self.model.is_none() || self.findings.iter().any(Finding::is_error)
    }

    /// The map, if nothing keeps it from being applied.
    pub fn applicable(self) -> Result<Model, Vec<Finding>> {
        if self.has_errors() {
            return Err(self.findings);
        }
        self.model.ok_or(self.findings)
    }
}

/// Reads a map and checks it.
pub fn parse(text: &str) -> Parsed {
    let lines = Lines::of(text);
    if text.len() > MAX_MAP_BYTES {
        let message = format!("the file has {} bytes, a map at most {MAX_MAP_BYTES}", text.len());
        let finding =
            lines.finding(Lint::Syntax, 0..0, message, Some("split the team into workspaces".to_owned()));
        return Parsed { model: None, findings: vec![finding] };
    }
    let (table, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        let mut findings: Vec<Finding> = errors
            .iter()
            .take(lint::MAX_FINDINGS)
            .map(|error| {
                lines.finding(Lint::Syntax, error.span().unwrap_or(0..0), error.message().to_owned(), None)
            })
            .collect();
        sort(&mut findings);
        return Parsed { model: None, findings };
    }
    let read = entries::read(table.get_ref(), &lines);
    let mut findings = read.findings;
    findings.extend(other_spellings(text, &lines));
    if let Some(model) = &read.model {
        let issues =
            lint::issues(model).into_iter().filter(|issue| !(read.lost && is_about_absence(issue.lint)));
        findings.extend(issues.map(|issue| place(issue, &read.places, &lines)));
    }
    sort(&mut findings);
    Parsed { model: read.model.filter(|_| read.complete), findings }
}

/// The lines with letters that are written in several signs: they are read as one.
fn other_spellings(text: &str, lines: &Lines<'_>) -> Vec<Finding> {
    let mut start = 0;
    let mut found = Vec::new();
    for line in text.split_inclusive('\n') {
        if !line.is_ascii() && found.len() < lint::MAX_FINDINGS && in_one_spelling(line) != line {
            let said = line.trim_end();
            let indent = said.len() - said.trim_start().len();
            let message = "a letter and its accent are two signs here (NFD); paths are read with one (NFC)";
            let span = start + indent..start + said.len();
            found.push(lines.finding(Lint::LookAlike, span, message.to_owned(), None));
        }
        start += line.len();
    }
    found
}

/// Where a part could not be read, that something is missing may only be due to that.
fn is_about_absence(lint: Lint) -> bool {
    matches!(
        lint,
        Lint::IdleAgent
            | Lint::UnownedField
            | Lint::UnknownAgent
            | Lint::UnknownQueue
            | Lint::UnownedEvent
            | Lint::UnreachableRoute
    )
}

fn sort(findings: &mut [Finding]) {
    findings.sort_by_key(|finding| (finding.span.start, finding.lint));
}

fn place(issue: Issue, places: &Places, lines: &Lines<'_>) -> Finding {
    let also =
        issue.also.into_iter().map(|(spot, message)| Label { span: places.find(spot), message }).collect();
    let finding = lines.finding(issue.lint, places.find(issue.spot), issue.message, issue.mend);
    Finding { example: issue.example, also, ..finding }
}

#[cfg(test)]
mod tests;
