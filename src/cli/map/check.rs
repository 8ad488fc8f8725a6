//! `deeds map check`: findings drawn under the lines of the file, or as JSON.

use std::ops::Range;
use std::path::Path;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use serde::Serialize;

use crate::api::ProblemFinding;
use crate::cli::context::{Context, read_text};
use crate::cli::output::{self, Output, visible, visible_lines};
use crate::cli::session;
use crate::cli::status::Status;
use crate::domain::ids::AgentId;
use crate::domain::map::parse::MAX_MAP_BYTES;
use crate::domain::map::{self, Finding, Lint, Parsed, Severity};
use crate::domain::path::Pattern;

/// Reads the file, says what is wrong with it, and answers whether it could be applied.
pub(super) fn run(context: &Context, file: &Path) -> anyhow::Result<Status> {
    let text = read(file)?;
    report(context.out, file, &text, &map::parse(&text), &elsewhere(context, &text))
}

/// What only a server knows: whether the map in force is overdue, who has no token, whether it is another workspace's. Nobody is waited for, and none is started for it.
fn elsewhere(context: &Context, text: &str) -> Vec<ProblemFinding> {
    let found = session::if_running(context, async |client| client.check_map(text).await);
    let known_there = [Lint::MapOverdue, Lint::NoToken, Lint::OtherWorkspace, Lint::SignedWithoutKey];
    let known_there = known_there.map(Lint::code);
    let theirs = |finding: &ProblemFinding| known_there.contains(&finding.lint.as_str());
    found.map(|checked| checked.findings.into_iter().filter(theirs).collect()).unwrap_or_default()
}

/// Whether the server would not put it in force, although the file alone has nothing against it.
fn is_refused(elsewhere: &[ProblemFinding]) -> bool {
    elsewhere.iter().any(|finding| finding.severity == "error")
}

/// Says what was found here and elsewhere, and answers whether the map could be applied.
pub(in crate::cli) fn report(
    out: Output,
    file: &Path,
    text: &str,
    parsed: &Parsed,
    elsewhere: &[ProblemFinding],
) -> anyhow::Result<Status> {
    if out.json {
        output::json(&Report::of(file, parsed, elsewhere))?;
    } else {
        print(out, file, text, &parsed.findings)?;
        for finding in elsewhere {
            output::line(format!("{}[{}]: {}", finding.severity, finding.lint, visible(&finding.message)))?;
            output::line(format!("  help: {}", visible(&finding.mend)))?;
            output::line("")?;
        }
        for line in closed(parsed) {
            output::line(visible(&line))?;
        }
        output::line(summary(file, parsed, elsewhere))?;
    }
    Ok(if parsed.has_errors() || is_refused(elsewhere) { Status::No } else { Status::Done })
}

/// Resources to which some agents have no access.
fn closed(parsed: &Parsed) -> Vec<String> {
    let Some(model) = parsed.model.as_ref().filter(|_| !parsed.has_errors()) else { return Vec::new() };
    let all = map::closed_resources(model);
    let names =
        |agents: &[&AgentId]| agents.iter().map(|agent| agent.as_str()).collect::<Vec<_>>().join(", ");
    let line = |(resource, agents): &(_, Vec<_>)| format!("no access to {resource}: {}", names(agents));
    let mut lines: Vec<String> = all.iter().take(CLOSED).map(line).collect();
    if all.len() > CLOSED {
        lines.push(format!("and {} more; `deeds map docs` has all of them", all.len() - CLOSED));
    }
    if !lines.is_empty() {
        lines.push(String::new());
    }
    lines
}

/// Most resources that are listed with those who have no access.
const CLOSED: usize = 20;

/// The text of a map file.
pub(in crate::cli) fn read(file: &Path) -> anyhow::Result<String> {
    read_text(file, u64::try_from(MAX_MAP_BYTES).unwrap_or(u64::MAX))
}

/// Draws the findings.
fn print(out: Output, file: &Path, text: &str, findings: &[Finding]) -> anyhow::Result<()> {
    let renderer = if out.colour { Renderer::styled() } else { Renderer::plain() };
    let renderer = renderer.decor_style(DecorStyle::Unicode);
    let path = visible(&file.display().to_string());
    let source = Shown::of(text);
    for finding in findings {
        output::styled(renderer.render(&groups(finding, &path, &source)))?;
        output::line("")?;
    }
    Ok(())
}

fn groups<'a>(finding: &'a Finding, path: &'a str, source: &'a Shown) -> Vec<Group<'a>> {
    let level = match finding.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Info => Level::INFO,
    };
    let also = finding
        .also
        .iter()
        .map(|label| AnnotationKind::Context.span(source.span(&label.span)).label(visible(&label.message)));
    let snippet = Snippet::source(source.text.as_str())
        .path(path)
        .annotation(AnnotationKind::Primary.span(source.span(&finding.span)).label(finding.lint.rule().why))
        .annotations(also);
    let first = level.primary_title(visible(&finding.message)).id(finding.lint.code()).element(snippet);
    let example = finding
        .example
        .as_ref()
        .map(|example| Level::NOTE.message(format!("both match, for example: {}", visible(example))));
    let mend = Level::HELP.message(visible_lines(&finding.mend));
    vec![first.elements(example).element(mend)]
}

fn summary(file: &Path, parsed: &Parsed, elsewhere: &[ProblemFinding]) -> String {
    let count = |severity| parsed.findings.iter().filter(|finding| finding.severity == severity).count();
    let counts = [
        (count(Severity::Error), "error", "errors"),
        (count(Severity::Warning) + elsewhere.len(), "warning", "warnings"),
        (count(Severity::Info), "note", "notes"),
    ];
    let counts: Vec<String> = counts
        .into_iter()
        .filter(|(count, ..)| *count > 0)
        .map(|(count, one, many)| format!("{count} {}", if count == 1 { one } else { many }))
        .collect();
    let counts = if counts.is_empty() { "nothing wrong".to_owned() } else { counts.join(", ") };
    let end = match (&parsed.model, parsed.has_errors() || is_refused(elsewhere)) {
        (_, true) => "it can't be applied as it is".to_owned(),
        (Some(model), false)
            if elsewhere.iter().any(|finding| finding.lint == Lint::OtherWorkspace.code()) =>
        {
            format!("it is of {}, and can't be applied in this workspace", model.workspace)
        }
        (Some(model), false) => {
            let agents = model.agents.len();
            let s = if agents == 1 { "" } else { "s" };
            format!("workspace {}, {agents} agent{s}; apply it with `deeds map apply`", model.workspace)
        }
        (None, false) => "it says nothing".to_owned(),
    };
    format!("{}: {counts}; {end}", file.display())
}

/// The findings for programs.
#[derive(Serialize)]
struct Report<'a> {
    file: String,
    applicable: bool,
    findings: Vec<FindingRow<'a>>,
    /// What the server knows of the map in force.
    #[serde(skip_serializing_if = "<[ProblemFinding]>::is_empty")]
    in_force: &'a [ProblemFinding],
    /// Resources to which some agents have no access.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    no_access: Vec<NoAccess<'a>>,
}

#[derive(Serialize)]
struct NoAccess<'a> {
    path: &'a Pattern,
    agents: Vec<&'a AgentId>,
}

#[derive(Serialize)]
struct FindingRow<'a> {
    code: &'static str,
    why: &'static str,
    #[serde(flatten)]
    finding: &'a Finding,
}

impl<'a> Report<'a> {
    fn of(file: &Path, parsed: &'a Parsed, in_force: &'a [ProblemFinding]) -> Self {
        let row = |finding: &'a Finding| FindingRow {
            code: finding.lint.code(),
            why: finding.lint.rule().why,
            finding,
        };
        Self {
            file: file.display().to_string(),
            applicable: !parsed.has_errors() && !is_refused(in_force),
            findings: parsed.findings.iter().map(row).collect(),
            in_force,
            no_access: parsed
                .model
                .iter()
                .flat_map(map::closed_resources)
                .map(|(path, agents)| NoAccess { path, agents })
                .collect(),
        }
    }
}

/// The file's text with its control characters made visible, byte for byte the same length, so that spans hold.
pub(super) struct Shown {
    pub(super) text: String,
}

impl Shown {
    pub(super) fn of(text: &str) -> Self {
        let plain = |c: char| if is_plain(c) { c.to_string() } else { "?".repeat(c.len_utf8()) };
        Self { text: text.chars().map(plain).collect() }
    }

    /// A span that lies on the boundaries of characters.
    pub(super) fn span(&self, span: &Range<usize>) -> Range<usize> {
        let mut start = span.start.min(self.text.len());
        while !self.text.is_char_boundary(start) {
            start -= 1;
        }
        let mut end = span.end.clamp(start, self.text.len());
        while !self.text.is_char_boundary(end) {
            end += 1;
        }
        start..end
    }
}

fn is_plain(c: char) -> bool {
    matches!(c, '\n' | '\t' | '\r') || !(c.is_control() || crate::console::untrusted::is_hidden(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_hold_over_hidden_characters() {
        let shown = Shown::of("a\u{202e}b é");
        assert_eq!(shown.text, "a???b é");
        assert_eq!(shown.span(&(4..5)), 4..5);
        assert_eq!(shown.span(&(6..7)), 6..8);
        assert_eq!(shown.span(&(90..99)), 8..8);
    }
}
