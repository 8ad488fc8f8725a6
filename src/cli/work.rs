//! `deeds work`: what waits in agents' work streams; for people to see, for agents to get through.

use std::{sync::Arc, time::Duration};

use clap::{Args, Subcommand};

use super::arguments::Context;
use super::output::{self, Output};
use super::reply;
use super::session;
use super::status::{Status, Usage};
use crate::client::Client;
use crate::domain::command::{WorkStep, WorkVerb};
use crate::domain::ids::{AgentId, WorkNo};
use crate::domain::state::{TokenClass, Work};

/// Whose work, and what is done with it.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
#[command(
    after_help = "Examples:\n  deeds work --agent billing\n  deeds --token-file tokens/default.billing work\n  deeds --token-file tokens/default.billing work accept 12"
)]
pub(crate) struct Command {
    /// One agent's work; with an agent's own token there is no need to say
    #[arg(long)]
    agent: Option<AgentId>,
    #[command(subcommand)]
    step: Option<Step>,
}

/// What an agent does with an item of its work.
#[derive(Debug, Subcommand)]
enum Step {
    /// Make a proposed change as the owner's own write
    Accept {
        /// The work item's number
        work: WorkNo,
        /// A note
        #[arg(long)]
        note: Option<String>,
    },
    /// Do not make a proposed change
    Decline {
        /// The work item's number
        work: WorkNo,
        /// Why
        #[arg(long)]
        note: String,
    },
    /// Be done with an item
    Complete {
        /// The work item's number
        work: WorkNo,
        /// A note
        #[arg(long)]
        note: Option<String>,
    },
}

/// Runs it.
pub(super) fn run(context: &Context, command: Command) -> anyhow::Result<Status> {
    let out = context.out;
    session::with_client(context, async |client| match command.step {
        None => list(out, client, command.agent).await,
        Some(Step::Accept { work, note }) => step(out, client, work, WorkVerb::Accept, note).await,
        Some(Step::Decline { work, note }) => step(out, client, work, WorkVerb::Decline, Some(note)).await,
        Some(Step::Complete { work, note }) => step(out, client, work, WorkVerb::Complete, note).await,
    })
}

async fn step(
    out: Output,
    client: &Client,
    work: WorkNo,
    step: WorkVerb,
    note: Option<String>,
) -> anyhow::Result<Status> {
    let step = WorkStep { work, step, note: note.map(Arc::from), result: None };
    reply::tell(out, &client.work_step(&step).await?)
}

async fn list(out: Output, client: &Client, agent: Option<AgentId>) -> anyhow::Result<Status> {
    let own = client.token().class == TokenClass::Agent;
    let works: Vec<_> = match agent {
        Some(_) if own => {
            return Err(Usage::error(
                "an agent sees its own work only; leave --agent out, or sign in as a person",
            ));
        }
        Some(agent) => client.work_of(&agent).await?.works,
        None if own => client.work(WorkNo(0), Duration::ZERO).await?.works,
        None => client.board().await?.board.works.values().cloned().collect(),
    };
    if out.json {
        output::json(&works)?;
    } else if works.is_empty() {
        out.faint("no open work")?;
    } else {
        let rows: Vec<_> = works.iter().map(|work| row(work)).collect();
        out.table(&["WORK", "AGENT", "KIND", "ON", "SINCE", "WHAT"], &rows)?;
    }
    Ok(Status::Done)
}

fn row(work: &Work) -> Vec<String> {
    vec![
        format!("#{}", work.no),
        work.agent.to_string(),
        work.kind.word().to_owned(),
        work.subject.as_ref().map(ToString::to_string).unwrap_or_default(),
        work.at.to_string(),
        work.title.to_string(),
    ]
}
