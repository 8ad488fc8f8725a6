//! `deeds fan-outs`: independent pieces of work at once, joined with failures as values.

use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, Subcommand};

use super::context::Context;
use super::list::{self, List, of};
use super::output::Output;
use super::status::{Status, Usage};
use super::then::Then;
use super::{reply, session, value};
use crate::api::FanOutList;
use crate::client::Client;
use crate::domain::command::{BranchOrder, Command as Order, FanOut};
use crate::domain::ids::FanOutNo;
use crate::domain::path::EntityPath;
use crate::domain::things::{Branch, FanOutState};
use crate::domain::time::{Span, Time};

/// What is done with fan-outs; a list if nothing is said.
#[derive(Debug, Subcommand)]
#[command(
    after_help = "Examples:\n  deeds fan-outs list\n  deeds fan-outs show 3\n  deeds --token-file tokens/default.research fan-outs start --branch 'reader=\"chapter 1\"' --branch reader2=x --deadline 1h --needed 1"
)]
pub(crate) enum Command {
    /// Under way and joined, the newest first
    List,
    /// One fan-out with its branches
    Show {
        /// Its number
        fan_out: FanOutNo,
    },
    /// Start one
    #[command(
        after_help = "Examples:\n  deeds fan-outs start --file order.json\n  deeds fan-outs start --branch reader=x --deadline 1h\n\nThe file is the body of POST /v1/fan-outs."
    )]
    Start(Start),
}

/// What is started: a file, or flags.
#[derive(Debug, Args)]
pub(crate) struct Start {
    /// A file with all of it, as JSON
    #[arg(long, value_name = "FILE", conflicts_with_all = ["branch", "deadline", "needed", "subject", "reason"])]
    file: Option<PathBuf>,
    /// A piece: who does it, and what it is as JSON or plain text
    #[arg(long, value_name = "AGENT=INPUT")]
    branch: Vec<String>,
    /// After how long it is joined, whatever is missing
    #[arg(long, value_name = "SPAN")]
    deadline: Option<Span>,
    /// How many branches must succeed; all if nothing is said
    #[arg(long, value_name = "N")]
    needed: Option<u32>,
    /// The entity it is about
    #[arg(long, value_name = "ENTITY")]
    subject: Option<EntityPath>,
    /// Why
    #[arg(long)]
    reason: Option<Arc<str>>,
}

/// Runs it.
pub(super) fn run(context: &Context, command: Option<Command>) -> anyhow::Result<Status> {
    let out = context.out;
    match command.unwrap_or(Command::List) {
        Command::List => LIST.run(context, &Then::default(), Client::fan_outs),
        Command::Show { fan_out } => session::with_client(context, async |client| {
            let one = client.fan_out_state(fan_out).await?;
            out.show(&one, || print(out, &one))?;
            Ok(Status::Done)
        }),
        Command::Start(start) => reply::ask(context, &Order::FanOut(build(start)?)),
    }
}

fn build(start: Start) -> anyhow::Result<FanOut> {
    if let Some(file) = start.file {
        return value::order(&file);
    }
    let deadline = start.deadline.filter(|_| !start.branch.is_empty());
    let Some(deadline) = deadline else {
        return Err(Usage::error("say --file, or --deadline and at least one --branch"));
    };
    let branches = start.branch.iter().map(|text| branch(text)).collect::<anyhow::Result<_>>()?;
    Ok(FanOut {
        branches,
        deadline,
        needed: start.needed,
        subject: start.subject,
        reason: start.reason,
        cause: None,
    })
}

fn branch(text: &str) -> anyhow::Result<BranchOrder> {
    let wrong = |why: &str| Usage::error(format!("--branch {text}: {why}; use --branch agent=input"));
    let (to, input) = text.split_once('=').ok_or_else(|| wrong("there is no `=`"))?;
    let to = to.parse().map_err(|error| wrong(&format!("{error}")))?;
    Ok(BranchOrder { to, input: value::parse(input)?, max_attempts: None })
}

const LIST: List<FanOutList, FanOutState> = List {
    none: "nothing was fanned out",
    rows: |found| found.fan_outs.iter().chain(&found.ended).map(AsRef::as_ref).collect(),
    columns: &[
        of("FAN-OUT", |one| format!("#{}", one.no)),
        of("AGENT", |one| one.agent.to_string()),
        of("BRANCHES", |one| one.branches.len().to_string()),
        of("OK", |one| one.succeeded().to_string()),
        of("FAILED", |one| {
            let failed = |branch: &&Branch| branch.end.as_ref().is_some_and(|end| !end.ok);
            one.branches.iter().filter(failed).count().to_string()
        }),
        of("NEEDED", |one| one.needed.to_string()),
        of("DEADLINE", |one| one.deadline.to_string()),
        of("JOINED", |one| joined(one.joined)),
        of("WHY", |one| list::maybe(one.reason.as_deref())),
    ],
};

fn joined(at: Option<Time>) -> String {
    at.map_or_else(|| "not yet".to_owned(), |at| at.to_string())
}

fn print(out: Output, one: &FanOutState) -> anyhow::Result<()> {
    let (all, done) = (one.branches.len(), one.succeeded());
    out.facts([
        ("fan-out", Some(format!("#{} of {}, deed {}", one.no, one.agent, one.deed))),
        ("subject", one.subject.as_ref().map(ToString::to_string)),
        ("why", one.reason.as_ref().map(ToString::to_string)),
        ("needed", Some(format!("{} of {all}, {done} so far", one.needed))),
        ("deadline", Some(one.deadline.to_string())),
        ("joined", Some(joined(one.joined))),
    ])?;
    for (index, branch) in one.branches.iter().enumerate() {
        out.fact(&format!("branch {index}"), &end(branch, one.joined.is_some()))?;
    }
    Ok(())
}

fn end(branch: &Branch, joined: bool) -> String {
    let who = format!("{}, work #{}", branch.to, branch.work);
    let Some(end) = &branch.end else {
        return format!("{who}: {}", if joined { "missed the deadline" } else { "under way" });
    };
    let word = if end.ok { "succeeded" } else { "failed" };
    let result = end.result.as_ref().map(|result| format!("\n{}", result.plain())).unwrap_or_default();
    let note = end.note.as_ref().map(|note| format!("\n{note}")).unwrap_or_default();
    format!("{who}: {word} at attempt {}, {}{result}{note}", end.attempts, end.at)
}
