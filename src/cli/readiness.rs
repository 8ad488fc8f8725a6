//! `deeds readiness`: the gates of each agent with their evidence, the team's stage and what is missing; with a map, whether
//! the agents that it adds may join.

use std::path::{Path, PathBuf};

use clap::Args;

use super::context::Context;
use super::map::check;
use super::output::{self, Output};
use super::session;
use super::status::Status;
use super::then::{self, Then};
use crate::client::Client;
use crate::domain::ids::AgentId;
use crate::domain::map;
use crate::domain::readiness::{AgentReadiness, Evidence, Gate, GateState, Joining, Missing, STAGES, Team};

/// Whose readiness, and for what.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  deeds readiness                       every agent, the team's stage and what is missing\n  deeds readiness intake                one agent, with all evidence\n  deeds readiness --with grown.toml     may the agents join that this map adds?\n\nExit status 1 if an agent of the map may not join yet; without --with it is 0."
)]
pub(crate) struct Command {
    /// One agent only
    agent: Option<AgentId>,
    /// A map with more agents: may they join?
    #[arg(long, value_name = "MAP", conflicts_with_all = ["agent", "at"])]
    with: Option<PathBuf>,
    #[command(flatten)]
    then: Then,
}

/// Runs it.
pub(super) fn run(context: &Context, command: &Command) -> anyhow::Result<Status> {
    let out = context.out;
    if let Some(file) = &command.with {
        return may_join(context, file);
    }
    then::with_client(context, &command.then, async |client| stand(out, client, command.agent.as_ref()).await)
}

async fn stand(out: Output, client: &Client, agent: Option<&AgentId>) -> anyhow::Result<Status> {
    let team = client.readiness(agent).await?;
    if out.json {
        output::json(&team)?;
        return Ok(Status::Done);
    }
    then::tell(out, client)?;
    if team.agents.is_empty() {
        out.faint("the map has no agent, and none has done anything yet")?;
    } else {
        let rows: Vec<_> = team.agents.iter().flat_map(|one| rows(one, agent.is_some())).collect();
        out.table(&["AGENT", "GATE", "", "WHY", "EVIDENCE"], &rows)?;
    }
    output::line("")?;
    out.fact("asked", &team.asked.to_string())?;
    tell_stage(out, &team)?;
    Ok(Status::Done)
}

/// A row for each gate; the agent's name is on the first one.
fn rows(agent: &AgentReadiness, all: bool) -> Vec<Vec<String>> {
    let name = |at: usize| if at == 0 { agent.agent.to_string() } else { String::new() };
    let row = |(at, gate): (usize, &Gate)| {
        let most = if all { gate.evidence.len() } else { 1 };
        let evidence: Vec<String> = gate.evidence.iter().rev().take(most).rev().map(told).collect();
        let state = gate.state.as_str().to_owned();
        vec![name(at), gate.kind.to_string(), state, gate.words.clone(), evidence.join("; ")]
    };
    agent.gates.iter().enumerate().map(row).collect()
}

/// `agent intake: owner dana`, `deed 317: the last one`.
fn told(evidence: &Evidence) -> String {
    let place = evidence.deed.map(|deed| format!("deed {deed}")).or_else(|| evidence.place.clone());
    place.map_or_else(|| evidence.words.clone(), |place| format!("{place}: {}", evidence.words))
}

fn tell_stage(out: Output, team: &Team) -> anyhow::Result<()> {
    let row = team.stage.row();
    out.fact(
        "stage",
        &format!("{} of {} ({}: {})", team.stage.number(), STAGES.len(), row.name, row.agents),
    )?;
    for need in &team.infrastructure {
        out.fact(mark(need.state), &format!("{}: {}", need.what, need.words))?;
    }
    out.fact("next agent", row.gate)?;
    if team.next.is_empty() {
        out.fact("", "nothing keeps one out")?;
    }
    for missing in &team.next {
        tell_missing(out, missing)?;
    }
    Ok(())
}

fn tell_missing(out: Output, missing: &Missing) -> anyhow::Result<()> {
    out.fact(mark(missing.state), &missing.words)
}

/// A word in the first column.
fn mark(state: GateState) -> &'static str {
    match state {
        GateState::Holds => "there",
        GateState::Fails => "missing",
        GateState::TooLittle => "too little",
    }
}

fn may_join(context: &Context, file: &Path) -> anyhow::Result<Status> {
    let out = context.out;
    let text = check::read(file)?;
    let parsed = map::parse(&text);
    if parsed.model.is_none() {
        return check::report(out, file, &text, &parsed, &[]);
    }
    session::with_client(context, async |client| {
        let joining = client.joining(&text).await?;
        out.show(&joining, || tell_joining(out, &joining))?;
        Ok(if joining.may_join { Status::Done } else { Status::No })
    })
}

fn tell_joining(out: Output, joining: &Joining) -> anyhow::Result<()> {
    let names: Vec<&str> = joining.newcomers.iter().map(AgentId::as_str).collect();
    let who = if names.is_empty() { "nobody: the map adds no agent".to_owned() } else { names.join(", ") };
    out.fact("joining", &who)?;
    out.fact("asked", &joining.asked.to_string())?;
    if joining.stage != joining.then {
        out.fact("stage", &format!("{} now, {} then", joining.stage.number(), joining.then.number()))?;
    }
    for overlap in &joining.overlaps {
        out.fact("overlap", &format!("{}: {}", overlap.lint, overlap.words))?;
        if let Some(example) = &overlap.example {
            out.fact("", &format!("for example: {example}"))?;
        }
        out.fact("", &format!("mend: {}", overlap.mend))?;
    }
    for missing in &joining.failed {
        tell_missing(out, missing)?;
    }
    for reads in &joining.reads {
        let writes: Vec<String> = reads.writes.iter().map(ToString::to_string).collect();
        out.fact(
            "relies",
            &format!(
                "{} may read what {} writes: {}, such as {}",
                reads.reader,
                reads.writer,
                writes.join(", "),
                reads.example
            ),
        )?;
    }
    if joining.calibrating.len() > 1 {
        let names: Vec<&str> = joining.calibrating.iter().map(AgentId::as_str).collect();
        out.fact("calibrating", &format!("{} at once: let one become stable first", names.join(", ")))?;
    }
    let answer = if joining.may_join { "yes: nothing keeps them out" } else { "no, not yet" };
    out.fact("may join", answer)
}
