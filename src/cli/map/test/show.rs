//! What came of test files, for people: each case in a line, and under a failure the step as the file has it.

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

use super::{OfMap, Played, Report};
use crate::cli::map::check::Shown;
use crate::cli::output::{self, Output, visible};
use crate::cli::status::Status;
use crate::rehearse::{CaseReport, Failure, Word};

/// Most entries of a map that are named as not touched; the rest are counted.
const NAMED: usize = 40;

/// Tells all of it.
pub(super) fn report(out: Output, report: &Report) -> anyhow::Result<()> {
    let renderer = if out.colour { Renderer::styled() } else { Renderer::plain() };
    let renderer = renderer.decor_style(DecorStyle::Unicode);
    for played in &report.files {
        output::line(visible(&played.file))?;
        for case in &played.cases {
            let word = if case.failure.is_some() { "FAIL" } else { "ok  " };
            output::line(format!("  {word}  {}", visible(&case.name)))?;
        }
        output::line("")?;
        faults(&renderer, played)?;
        for case in &played.cases {
            if let Some(failure) = &case.failure {
                failed(&renderer, played, case, failure)?;
            }
        }
    }
    for of_map in &report.coverage {
        coverage(of_map)?;
    }
    let broken = report.files.iter().filter(|file| !file.faults.is_empty()).count();
    let broken = if broken == 0 { String::new() } else { format!(", {broken} files can't be read as tests") };
    output::line(format!("{} passed, {} failed{broken}", report.passed, report.failed))
}

fn faults(renderer: &Renderer, played: &Played) -> anyhow::Result<()> {
    let path = visible(&played.file);
    let source = Shown::of(&played.text);
    for placed in &played.faults {
        let primary = AnnotationKind::Primary.span(source.span(&placed.fault.span));
        let snippet = Snippet::source(source.text.as_str()).path(&path).annotation(primary);
        let message = visible(&placed.fault.message);
        let mend = visible(&placed.fault.mend);
        let group = Level::ERROR.primary_title(message).element(snippet).element(Level::HELP.message(mend));
        output::styled(renderer.render(&[group]))?;
        output::line("")?;
    }
    Ok(())
}

fn failed(renderer: &Renderer, played: &Played, case: &CaseReport, failure: &Failure) -> anyhow::Result<()> {
    let path = visible(&played.file);
    let source = Shown::of(&played.text);
    let label = visible(&failure.came);
    let primary = AnnotationKind::Primary.span(source.span(&failure.span)).label(label);
    let mut snippet = Snippet::source(source.text.as_str()).path(&path).annotation(primary);
    let said = failure.differences.iter().filter(|difference| difference.span != failure.span);
    snippet = snippet.annotations(
        said.map(|difference| AnnotationKind::Context.span(source.span(&difference.span)).label("expected")),
    );
    let mut group = Level::ERROR.primary_title(visible(&case.name)).element(snippet);
    for difference in &failure.differences {
        let (expected, came) = (visible(&difference.expected), visible(&difference.came));
        let told = format!("{}: expected {expected}, came {came}", difference.key);
        group = group.element(Level::NOTE.message(told));
    }
    if let Some(reason) = &failure.reason {
        group = group.element(Level::NOTE.message(format!("the reason: {}", visible(reason))));
    }
    group = group.element(Level::NOTE.message(format!("it was {}", failure.at)));
    output::styled(renderer.render(&[group]))?;
    output::line("")
}

fn coverage(of_map: &OfMap) -> anyhow::Result<()> {
    let (touched, all) = (of_map.coverage.touched(), of_map.coverage.entries.len());
    output::line(format!("{}: {touched} of {all} grants, routes and rules touched", of_map.map))?;
    for what in of_map.coverage.missing().take(NAMED) {
        output::line(format!("  no case touches  {}", visible(what)))?;
    }
    let more = (all - touched).saturating_sub(NAMED);
    if more > 0 {
        output::line(format!("  and {more} more"))?;
    }
    output::line("")
}

/// The words of test files.
pub(super) fn vocabulary(out: Output, words: &[Word]) -> anyhow::Result<Status> {
    out.show(&words, || {
        for (does, title) in [(true, "What can be done"), (false, "What can be expected")] {
            output::line(title)?;
            for word in words.iter().filter(|word| word.does == does) {
                let with = if word.with.is_empty() {
                    String::new()
                } else {
                    format!("\n{:15}with {}", "", word.with.join(", "))
                };
                output::line(format!(
                    "  {:<12} {}\n{:15}takes {}{with}",
                    word.key, word.sentence, "", word.value
                ))?;
            }
            output::line("")?;
        }
        Ok(())
    })?;
    Ok(Status::Done)
}
