//! `deeds map test`: plays the cases of test files, and tells which came out otherwise, like a failing test. Needs no server.

mod junit;
mod show;

use std::collections::BTreeMap;
use std::fs::write;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use crate::cli::context::{Context, read_text};
use crate::cli::output::visible;
use crate::cli::status::{Status, Usage};
use crate::domain::map::parse::MAX_MAP_BYTES;
use crate::rehearse::{CaseReport, Coverage, Fault, Suite, words};

/// Which files, and what is written beside the answer.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  deeds map test team.test.toml\n  deeds map test tests/*.toml --junit report.xml\n  deeds map test team.test.toml --json | jq '.files[].cases[] | select(.failure)'\n  deeds map test --words               every key of a step, and what it takes\n\nExit status 1 if a case fails. Needs no server. docs/TESTING-MAPS.md says how a test file is written."
)]
pub(crate) struct Arguments {
    /// The test files
    #[arg(required_unless_present = "words")]
    files: Vec<PathBuf>,
    /// Write what came of it as `JUnit` XML too, for CI
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Print the words of test files instead
    #[arg(long, conflicts_with = "files")]
    words: bool,
}

/// What came of all files.
#[derive(Debug, Serialize)]
struct Report {
    passed: usize,
    failed: usize,
    files: Vec<Played>,
    coverage: Vec<OfMap>,
}

/// What came of one file.
#[derive(Debug, Serialize)]
struct Played {
    file: String,
    /// What keeps it from being a test.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    faults: Vec<PlacedFault>,
    cases: Vec<CaseReport>,
    #[serde(skip)]
    text: String,
}

/// A fault with its line.
#[derive(Debug, Serialize)]
struct PlacedFault {
    line: usize,
    #[serde(flatten)]
    fault: Fault,
}

/// What of a map all files touched.
#[derive(Debug, Serialize)]
struct OfMap {
    map: String,
    #[serde(flatten)]
    coverage: Coverage,
}

impl Played {
    fn failed(&self) -> usize {
        self.cases.iter().filter(|case| case.failure.is_some()).count()
    }
}

/// Plays them all.
pub(super) fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Status> {
    let out = context.out;
    if arguments.words {
        return show::vocabulary(out, &words());
    }
    let mut coverage: BTreeMap<PathBuf, OfMap> = BTreeMap::new();
    let mut files = Vec::new();
    for file in &arguments.files {
        files.push(play(file, &mut coverage)?);
    }
    let failed = files.iter().map(Played::failed).sum();
    let cases: usize = files.iter().map(|file| file.cases.len()).sum();
    let broken = files.iter().any(|file| !file.faults.is_empty());
    let report = Report { passed: cases - failed, failed, files, coverage: coverage.into_values().collect() };
    if let Some(path) = &arguments.junit {
        let shown = path.display();
        write(path, junit::document(&report))
            .map_err(|error| Usage::error(format!("{shown}: {error}; name a file that you may write")))?;
    }
    out.show(&report, || show::report(out, &report))?;
    Ok(if failed == 0 && !broken { Status::Done } else { Status::No })
}

fn play(file: &Path, coverage: &mut BTreeMap<PathBuf, OfMap>) -> anyhow::Result<Played> {
    let most = u64::try_from(MAX_MAP_BYTES).unwrap_or(u64::MAX);
    let text = read_text(file, most)?;
    let beside = file.parent().unwrap_or(Path::new("."));
    let map = |name: &str| read_text(&beside.join(name), most).map_err(|error| format!("{error:#}"));
    let name = file.display().to_string();
    let suite = match Suite::read(&text, &map) {
        Ok(suite) => suite,
        Err(faults) => {
            let line = |at: usize| text.get(..at).unwrap_or(&text).matches('\n').count() + 1;
            let placed = |fault: Fault| PlacedFault { line: line(fault.span.start), fault };
            let faults = faults.into_iter().map(placed).collect();
            return Ok(Played { file: name, faults, cases: Vec::new(), text });
        }
    };
    let played = suite.play();
    let map = beside.join(&suite.map);
    let known = map.canonicalize().unwrap_or_else(|_| map.clone());
    let of_map = coverage
        .entry(known)
        .or_insert_with(|| OfMap { map: visible(&map.display().to_string()), coverage: Coverage::default() });
    of_map.coverage.merge(&played.coverage);
    Ok(Played { file: name, faults: Vec::new(), cases: played.cases, text })
}
