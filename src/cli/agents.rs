//! `deeds agents`: who acts here, how lately, how much of it was stopped, and how its gates stand.

use clap::Args;

use super::context::Context;
use super::output;
use super::status::Status;
use super::then::{self, Then};
use crate::domain::readiness::agents::Standing;
use crate::domain::readiness::{AgentReadiness, GateState};
use crate::domain::time::Time;

/// Which agents.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  deeds agents\n  deeds agents --json | jq '.agents[] | select(.standing.paused)'\n\nGates: + holds, - fails, ? too little evidence, in the order of `deeds readiness`."
)]
pub(crate) struct Command {
    #[command(flatten)]
    then: Then,
}

/// Runs it.
pub(super) fn run(context: &Context, command: &Command) -> anyhow::Result<Status> {
    let out = context.out;
    then::with_client(context, &command.then, async |client| {
        let list = client.agents().await?;
        if out.json {
            output::json(&list)?;
            return Ok(Status::Done);
        }
        then::tell(out, client)?;
        if list.agents.is_empty() {
            out.faint("the map has no agent, and none has done anything yet")?;
        } else {
            let rows: Vec<_> =
                list.agents.iter().map(|one| row(&one.readiness, &one.standing, list.at)).collect();
            let header = [
                "AGENT",
                "OWNER",
                "LAST DEED",
                "ZONE",
                "DEEDS 7D",
                "STOPPED 7D",
                "APPROVED",
                "OPEN WORK",
                "GATES",
            ];
            out.table(&header, &rows)?;
        }
        Ok(Status::Done)
    })
}

fn row(readiness: &AgentReadiness, standing: &Standing, now: Time) -> Vec<String> {
    let last = match (standing.last, standing.paused) {
        (_, true) => "paused".to_owned(),
        (None, false) => "never".to_owned(),
        (Some(last), false) => format!("{} ago", now.since(last).rough()),
    };
    let zone =
        format!("{} writes, {} triggers, {} outputs", standing.writes, standing.triggers, standing.outputs);
    let approved = standing.approved_percent().map_or_else(String::new, |percent| format!("{percent}%"));
    vec![
        readiness.agent.to_string(),
        standing.owner.as_ref().map_or_else(|| "not in the map".to_owned(), ToString::to_string),
        last,
        zone,
        standing.deeds.to_string(),
        standing.stopped.to_string(),
        approved,
        standing.open_work.to_string(),
        readiness.gates.iter().map(|gate| sign(gate.state)).collect(),
    ]
}

fn sign(state: GateState) -> char {
    match state {
        GateState::Holds => '+',
        GateState::Fails => '-',
        GateState::TooLittle => '?',
    }
}
