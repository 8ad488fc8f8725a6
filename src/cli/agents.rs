//! `deeds agents`: who acts here, how lately, how much of it was stopped, and how its gates stand.

use clap::Args;

use super::context::Context;
use super::list::{self, List, at, of};
use super::status::Status;
use super::then::{self, Then};
use crate::domain::readiness::GateState;
use crate::domain::readiness::agents::{AgentLine, AgentList};

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
    then::with_client(context, &command.then, async |client| {
        let found = client.agents().await?;
        list::tell_paused(context.out, found.all_paused.as_ref())?;
        LIST.print(context.out, client, &found).await
    })
}

const LIST: List<AgentList, AgentLine> = List {
    none: "the map has no agent, and none has done anything yet",
    rows: |found| found.agents.iter().collect(),
    columns: &[
        of("AGENT", |one| match &one.standing.called {
            Some(called) => format!("{} ({called})", one.readiness.agent),
            None => one.readiness.agent.to_string(),
        }),
        of("OWNER", |one| {
            one.standing.owner.as_ref().map_or_else(|| "not in the map".to_owned(), ToString::to_string)
        }),
        at("LAST DEED", |one, now| match (one.standing.last, one.standing.paused) {
            (_, true) => "paused".to_owned(),
            (None, false) => "never".to_owned(),
            (Some(last), false) => format!("{} ago", now.since(last).rough()),
        }),
        of("ZONE", |AgentLine { standing, .. }| {
            format!(
                "{} writes, {} triggers, {} outputs",
                standing.writes, standing.triggers, standing.outputs
            )
        }),
        of("DEEDS 7D", |one| one.standing.deeds.to_string()),
        of("STOPPED 7D", |one| one.standing.stopped.to_string()),
        of("APPROVED", |one| {
            list::maybe(one.standing.approved_percent().map(|percent| format!("{percent}%")))
        }),
        of("OPEN WORK", |one| one.standing.open_work.to_string()),
        of("KEPT", |one| one.standing.keeps()),
        of("TURNED AWAY", |one| one.standing.turned_away.to_string()),
        of("GATES", |one| one.readiness.gates.iter().map(|gate| sign(gate.state)).collect()),
    ],
};

fn sign(state: GateState) -> char {
    match state {
        GateState::Holds => '+',
        GateState::Fails => '-',
        GateState::TooLittle => '?',
    }
}
