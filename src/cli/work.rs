//! `deeds work`: what waits in agents' work streams; for people to see, for agents to get through.

use std::sync::Arc;
use std::time::Duration;

use clap::{Args, Subcommand};

use super::context::Context;
use super::list::{self, List, at, of};
use super::output::{self, Output};
use super::status::{Status, Usage};
use super::then::{self, Then};
use super::{reply, session, value};
use crate::api::TakeBody;
use crate::client::Client;
use crate::domain::command::{Command as Order, WorkStep, WorkVerb};
use crate::domain::ids::{AgentId, Fence, WorkNo};
use crate::domain::state::{Thing, Whole};
use crate::domain::things::{TokenClass, Work};
use crate::domain::time::{Span, Time};

/// Whose work, and what is done with it.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
#[command(
    after_help = "Examples:\n  deeds work --agent billing\n  deeds --token-file tokens/default.billing work\n  deeds --token-file tokens/default.billing work take --wait 30s --json\n  deeds --token-file tokens/default.billing work accept 12\n  deeds --token-file tokens/default.billing work complete 14 --result '{\"sent\": true}'"
)]
pub(crate) struct Command {
    /// One agent's work; with an agent's own token there is no need to say
    #[arg(long)]
    agent: Option<AgentId>,
    #[command(flatten)]
    then: Then,
    #[command(subcommand)]
    step: Option<Doing>,
}

/// What an agent does with its work.
#[derive(Debug, Subcommand)]
enum Doing {
    /// Take what waits: nobody else of the same name sees it until the time is over
    #[command(after_help = "Exit status 1 if nothing was there to take.")]
    Take {
        /// At most this many, oldest first
        #[arg(long, default_value_t = 1)]
        limit: u32,
        /// For how long, such as 10m; five minutes if nothing is said
        #[arg(long = "for", value_name = "SPAN")]
        visibility: Option<Span>,
        /// Only this item
        #[arg(long, value_name = "WORK")]
        work: Option<WorkNo>,
        /// How long to wait for some to come, a minute at most
        #[arg(long, value_name = "SPAN")]
        wait: Option<Span>,
    },
    /// Be done with an item
    Complete {
        #[command(flatten)]
        item: Item,
        /// What came of it: JSON, or plain text
        #[arg(long)]
        result: Option<String>,
    },
    /// Make a proposed change as the owner's own write; take over the task of a handoff
    Accept {
        #[command(flatten)]
        item: Item,
        /// The fencing token of the lease that you hold on what changes
        #[arg(long)]
        lease: Option<Fence>,
    },
    /// Do not make a proposed change
    Decline {
        #[command(flatten)]
        which: Which,
        /// Why
        #[arg(long)]
        note: Arc<str>,
    },
    /// Say that it was tried and failed; it is tried again while attempts are left
    Fail {
        #[command(flatten)]
        which: Which,
        /// How it failed
        #[arg(long)]
        note: Arc<str>,
    },
    /// Give an item back: taken work waits again; a handoff goes back to its giver with the note as feedback
    Return {
        #[command(flatten)]
        item: Item,
    },
}

/// Which item, with a note.
#[derive(Debug, Args)]
struct Item {
    #[command(flatten)]
    which: Which,
    /// A note
    #[arg(long)]
    note: Option<Arc<str>>,
}

/// Which item, and which attempt of it.
#[derive(Debug, Args)]
struct Which {
    /// The work item's number
    work: WorkNo,
    /// Your attempt: the number before the slash under TRY when you took it
    #[arg(long, value_name = "TRY")]
    attempt: Option<u32>,
}

/// Runs it.
pub(super) fn run(context: &Context, command: Command) -> anyhow::Result<Status> {
    let out = context.out;
    let step = match command.step {
        None => {
            return then::with_client(context, &command.then, async |client| {
                list(out, client, command.agent).await
            });
        }
        Some(Doing::Take { limit, visibility, work, wait }) => {
            let body = TakeBody { limit: Some(limit), visibility, work, wait };
            return session::with_client(context, async |client| take(out, client, &body).await);
        }
        Some(Doing::Complete { item, result }) => {
            let result = value::maybe(result.as_deref())?;
            WorkStep { result, ..step(WorkVerb::Complete, item.which, item.note) }
        }
        Some(Doing::Accept { item, lease }) => {
            WorkStep { lease, ..step(WorkVerb::Accept, item.which, item.note) }
        }
        Some(Doing::Decline { which, note }) => step(WorkVerb::Decline, which, Some(note)),
        Some(Doing::Fail { which, note }) => step(WorkVerb::Fail, which, Some(note)),
        Some(Doing::Return { item }) => step(WorkVerb::Return, item.which, item.note),
    };
    reply::ask(context, &Order::Work(step))
}

fn step(step: WorkVerb, Which { work, attempt }: Which, note: Option<Arc<str>>) -> WorkStep {
    WorkStep { work, step, note, result: None, lease: None, attempt }
}

async fn take(out: Output, client: &Client, body: &TakeBody) -> anyhow::Result<Status> {
    let taken = client.take(body).await?;
    let status = if taken.works.is_empty() { Status::No } else { reply::status(&taken.reply) };
    if out.json {
        output::json(&taken)?;
    } else if !taken.reply.is_done() {
        return reply::tell(out, &taken.reply);
    } else if taken.works.is_empty() {
        out.faint("nothing waits")?;
    } else {
        // Whatever the clock says, all of it is taken.
        let works: Vec<&Work> = taken.works.iter().map(AsRef::as_ref).collect();
        LIST.table(out, &works, Time::default())?;
        if let Some(until) = taken.until {
            out.faint(format!("yours until {until}"))?;
        }
    }
    Ok(status)
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
        None => everybodys(client).await?,
    };
    LIST.print(out, client, &works).await
}

/// All open work. The board has it by its beginning, where it is long.
async fn everybodys(client: &Client) -> anyhow::Result<Vec<Arc<Work>>> {
    let mut board = client.board().await?.board;
    for thing in std::mem::take(&mut board.cut) {
        if let Thing::Work(_) = thing
            && let Some(Whole::Work(work)) = client.whole(&thing).await?
        {
            board.works.insert(work.no, work);
        }
    }
    Ok(board.works.values().cloned().collect())
}

const LIST: List<Vec<Arc<Work>>, Work> = List {
    none: "no open work",
    rows: |works| works.iter().map(AsRef::as_ref).collect(),
    columns: &[
        of("WORK", |work| format!("#{}", work.no)),
        of("AGENT", |work| work.agent.to_string()),
        of("KIND", |work| work.kind.word().to_owned()),
        of("ON", |work| list::maybe(work.subject.as_ref())),
        of("SINCE", |work| work.at.to_string()),
        of("TRY", |work| {
            let told = work.kind.asks() || work.attempts > 0;
            list::maybe(told.then(|| format!("{}/{}", work.attempts, work.max_attempts)))
        }),
        at("STATE", |work, now| if work.is_taken(now) { "taken" } else { "waits" }.to_owned()),
        of("WHAT", |work| work.title.to_string()),
    ],
};
