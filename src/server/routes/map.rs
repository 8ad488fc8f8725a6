//! The map: shown as JSON or as the file, checked, and put in force by compare-and-set on its version.

use std::sync::Arc;

use axum::http::{HeaderValue, header};

use crate::api::{MapChecked, MapView, Problem, ProblemCode, ProblemFinding, ProblemLabel, fit};
use crate::domain::command::{ApplyMap, Command};
use crate::domain::ids::MapVersion;
use crate::domain::map::lint::{Finding, Label, Lint, Severity};
use crate::domain::map::parse::{Parsed, parse};
use crate::domain::map::{Model, difference, merge};
use crate::domain::readiness;
use crate::domain::state::{Board, Front};
use crate::server::answer::{Answer, absent, defect, json, text};
use crate::server::gate::Call;

/// `GET /v1/map`: JSON, or TOML where that is accepted first; an earlier version while it is kept.
pub(in crate::server) async fn show(call: Call) -> Answer {
    let query = call.query()?;
    let state = call.front(&query).await?;
    let (version, model) = version_meant(&state, query.get("version")?)?;
    let accepts = call.header("accept")?.unwrap_or_default();
    let mut response = if accepts.trim_start().starts_with("application/toml") {
        text("application/toml; charset=utf-8", model.to_toml())
    } else {
        json(&MapView { version, model, seq: state.head() })?
    };
    let tag = HeaderValue::try_from(format!("\"{version}\"")).ok();
    response.headers_mut().extend(tag.map(|tag| (header::ETAG, tag)));
    Ok(response)
}

fn version_meant(
    state: &Front,
    version: Option<MapVersion>,
) -> Result<(MapVersion, Arc<Model>), Box<Problem>> {
    let board = &state.board;
    match version.filter(|version| *version != board.map_version) {
        None => Ok((board.map_version, Arc::clone(board.map.model()))),
        Some(version) => {
            let step = board.maps.iter().rev().find(|step| step.version == version);
            let step = step.ok_or_else(|| absent(format!("map v{version} that is still kept")))?;
            Ok((version, Arc::clone(&step.model)))
        }
    }
}

/// `PUT /v1/map` with `If-Match: "<version>"`: the body is the file. A map with errors is a problem with its findings.
pub(in crate::server) async fn apply(call: Call) -> Answer {
    let query = call.query()?;
    let if_version = made_for(&call)?;
    let model = read(&call).await?.applicable().map_err(broken)?;
    let reason = query.text("reason").map(Arc::from);
    let planned = query.get("planned")?.unwrap_or(false);
    let take_back = query.get("take_back")?.unwrap_or(false);
    let model = Arc::new(model);
    call.command(Command::ApplyMap(ApplyMap { model, if_version, reason, planned, take_back })).await
}

/// The map in the body, read and checked on a thread of its own: a big one takes its time, and keeps nobody waiting, nor
/// the server from ending.
pub(in crate::server) async fn read(call: &Call) -> Result<Parsed, Box<Problem>> {
    let text = call.text()?.to_owned();
    let turn = call.space.map_turn().await;
    let work = move || {
        let parsed = parse(&text);
        drop(turn);
        parsed
    };
    let read = tokio::task::spawn_blocking(work).await;
    read.map_err(|error| defect(format!("reading the map broke off: {error}")))
}

/// A map that can't be applied, with everything that was found in it.
pub(in crate::server) fn broken(findings: Vec<Finding>) -> Box<Problem> {
    let errors = findings.iter().filter(|finding| finding.severity == Severity::Error).count();
    let detail = format!("{errors} of its {} findings are errors", findings.len());
    let mut problem = Problem::new(ProblemCode::MapBroken, detail);
    if let Some(first) = findings.iter().find(|finding| finding.severity == Severity::Error) {
        problem = problem.at(format!("line {}, column {}", first.line, first.column));
    }
    problem.findings = findings.into_iter().map(finding).collect();
    Box::new(problem)
}

fn made_for(call: &Call) -> Result<MapVersion, Box<Problem>> {
    let Some(tag) = call.header("if-match")? else {
        let problem = Problem::new(ProblemCode::VersionNeeded, "the request has no `If-Match` header");
        return Err(Box::new(problem.at("header If-Match")));
    };
    fit("If-Match", tag.trim().trim_matches('"').trim_start_matches('v'))
}

/// `POST /v1/map/check`: what is wrong with a map, and what it would change.
pub(in crate::server) async fn check(call: Call) -> Answer {
    call.query()?;
    let parsed = read(&call).await?;
    let state = call.space.handle().front();
    let no_key = |model: &Model| readiness::without_key(&state.board, model, call.now());
    let no_key = parsed.model.as_ref().map(no_key).unwrap_or_default();
    let applicable = !parsed.has_errors() && no_key.is_empty();
    let now = call.now();
    let board = &state.board;
    let changes = parsed.model.as_ref().map(|model| difference(board.map.model(), model));
    let unmet = parsed.model.as_ref().filter(|_| applicable);
    let unmet = unmet.map(|model| readiness::unmet(board, model, now)).unwrap_or_default();
    let overdue = readiness::overdue(board, now);
    let no_token = parsed.model.as_ref().map(|model| readiness::without_token(board, model, now));
    let elsewhere = parsed.model.as_ref().and_then(|model| elsewhere(board, model));
    let known_here = overdue.into_iter().chain(no_token.into_iter().flatten()).chain(no_key).chain(elsewhere);
    let (base, in_force) = (board.before_answers(), board.map.model());
    let pulled = parsed.model.as_ref().and_then(|model| merge::onto(base, in_force, model));
    let lacks = |model: &Model| pulled.as_ref().map(|pulled| difference(model, pulled)).unwrap_or_default();
    let takes_back: Vec<String> =
        parsed.model.iter().flat_map(lacks).map(|change| change.to_string()).collect();
    json(&MapChecked {
        pulled: pulled.filter(|_| !takes_back.is_empty()).map(Arc::new),
        takes_back,
        applicable,
        findings: parsed.findings.into_iter().chain(known_here).map(finding).collect(),
        version: board.map_version,
        changes: changes.unwrap_or_default().iter().map(ToString::to_string).collect(),
        needs_reason: !unmet.is_empty() && !board.map.model().agents.is_empty(),
        unmet,
    })
}

/// The file is the map of another workspace.
fn elsewhere(board: &Board, model: &Model) -> Option<Finding> {
    let rule = Lint::OtherWorkspace.rule();
    (model.workspace != board.workspace).then(|| Finding {
        lint: Lint::OtherWorkspace,
        severity: rule.severity,
        line: 0,
        column: 0,
        span: 0..0,
        message: format!("it is the map of {}, and this workspace is {}", model.workspace, board.workspace),
        mend: rule.mend.to_owned(),
        example: None,
        also: Vec::new(),
    })
}

/// A finding as it travels.
fn finding(finding: Finding) -> ProblemFinding {
    let Finding { lint, severity, line, column, span, message, mend, example, also } = finding;
    let severity = match severity {
        Severity::Info => "info",
        Severity::Warning => "warning",
        Severity::Error => "error",
    };
    let label = |Label { span, message }: Label| ProblemLabel { span, message };
    ProblemFinding {
        lint: lint.code().to_owned(),
        severity: severity.to_owned(),
        line,
        column,
        span,
        message,
        mend,
        example,
        also: also.into_iter().map(label).collect(),
    }
}
