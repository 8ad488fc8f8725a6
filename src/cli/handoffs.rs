//! `deeds handoffs`: tasks that go from agent to agent: listed, shown with every return, handed over.

use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, Subcommand};

use super::context::Context;
use super::list::{self, List, of};
use super::output::{self, Output};
use super::status::Status;
use super::then::Then;
use super::{reply, session, value};
use crate::api::TaskList;
use crate::client::Client;
use crate::domain::command::{Command as Order, Handoff};
use crate::domain::ids::{Actor, AgentId, TaskId};
use crate::domain::map::OnExhausted;
use crate::domain::path::EntityPath;
use crate::domain::things::{Task, TaskStage, WorkProduct};
use crate::domain::value::Value;

/// What is done with tasks; a list if nothing is said.
#[derive(Debug, Subcommand)]
#[command(
    after_help = "Examples:\n  deeds handoffs list\n  deeds handoffs show draft-7\n  deeds --token-file tokens/default.writer handoffs give --file handoff.json\n\nThe receiver accepts, completes or returns it with `deeds work`."
)]
pub(crate) enum Command {
    /// Tasks under way and ended, the one that changed last first
    List,
    /// One task: who has it, what was handed over, and every return so far
    Show {
        /// The task
        task: TaskId,
    },
    /// Hand a task over
    #[command(
        after_help = "Examples:\n  deeds handoffs give --to reviewer --task draft-7 --result 'docs/draft.md' --status drafted --context 'launch on Monday' --constraints '[]' --attempt 1\n  deeds handoffs give --file handoff.json\n\nThe file is the body of POST /v1/handoffs. What is missing is refused with the keys named, exit status 1."
    )]
    Give(Box<Give>),
}

/// What is handed over: a file, or flags.
#[derive(Debug, Args)]
pub(crate) struct Give {
    /// A file with all of it, as JSON
    #[arg(long, value_name = "FILE", conflicts_with_all = ["to", "task", "result", "status", "context", "constraints", "attempt", "max_attempts", "on_exhausted", "subject", "reason"])]
    file: Option<PathBuf>,
    /// To whom
    #[arg(long, value_name = "AGENT")]
    to: Option<AgentId>,
    /// Which task
    #[arg(long)]
    task: Option<TaskId>,
    /// What was done so far, or where it is: JSON, or plain text
    #[arg(long)]
    result: Option<String>,
    /// How far it is
    #[arg(long)]
    status: Option<Arc<str>>,
    /// What the receiver must know: JSON, or plain text
    #[arg(long)]
    context: Option<String>,
    /// What it must keep to: JSON, or plain text
    #[arg(long)]
    constraints: Option<String>,
    /// Which attempt this is, from 1
    #[arg(long, value_name = "N")]
    attempt: Option<u32>,
    /// How many attempts there are; 3 if nothing is said
    #[arg(long, value_name = "N")]
    max_attempts: Option<u32>,
    /// What happens when none is left: escalate or abort; as before, or as the map says, if nothing is said
    #[arg(long, value_name = "HOW", value_parser = exhausted)]
    on_exhausted: Option<OnExhausted>,
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
        Command::List => LIST.run(context, &Then::default(), Client::handoffs),
        Command::Show { task } => {
            session::with_client(context, async |client| show(out, client, &task).await)
        }
        Command::Give(give) => reply::ask(context, &Order::Handoff(build(*give)?)),
    }
}

fn exhausted(text: &str) -> Result<OnExhausted, String> {
    match text {
        "escalate" => Ok(OnExhausted::Escalate),
        "abort" => Ok(OnExhausted::Abort),
        _ => Err("say escalate or abort".to_owned()),
    }
}

fn build(give: Give) -> anyhow::Result<Handoff> {
    if let Some(file) = give.file {
        return value::order(&file);
    }
    let product = WorkProduct { result: value::maybe(give.result.as_deref())?, status: give.status };
    Ok(Handoff {
        to: give.to,
        task: give.task,
        work_product: (product != WorkProduct::default()).then_some(product),
        context: value::maybe(give.context.as_deref())?,
        constraints: value::maybe(give.constraints.as_deref())?,
        attempt: give.attempt,
        max_attempts: give.max_attempts,
        on_exhausted: give.on_exhausted,
        subject: give.subject,
        reason: give.reason,
        cause: None,
    })
}

const LIST: List<TaskList, Task> = List {
    none: "no task was handed over",
    rows: |found| found.tasks.iter().chain(&found.ended).map(AsRef::as_ref).collect(),
    columns: &[
        of("TASK", |task| task.id.to_string()),
        of("STAGE", |task| task.stage.word().to_owned()),
        of("OWNER", |task| task.owner.to_string()),
        of("FROM", |task| task.order.from.to_string()),
        of("TO", |task| task.order.to.to_string()),
        of("ATTEMPT", |task| task.tries("/")),
        of("SINCE", |task| task.at.to_string()),
        of("ON", |task| list::maybe(task.subject.as_ref())),
    ],
};

async fn show(out: Output, client: &Client, id: &TaskId) -> anyhow::Result<Status> {
    let found = client.handoffs().await?;
    let Some(task) = found.tasks.iter().chain(&found.ended).find(|task| task.id == *id) else {
        output::complain(format!(
            "there is no task {id} that is kept and that you may see; `deeds handoffs list` has them"
        ));
        return Ok(Status::No);
    };
    out.show(task, || print(out, task))?;
    Ok(Status::Done)
}

fn print(out: Output, task: &Task) -> anyhow::Result<()> {
    let order = &task.order;
    let product = &order.work_product;
    out.facts([
        ("task", Some(task.id.to_string())),
        ("stage", Some(format!("{}{}", task.stage.word(), detail(&task.stage)))),
        ("owner", Some(task.owner.to_string())),
        ("attempt", Some(task.tries(" of "))),
        ("subject", task.subject.as_ref().map(ToString::to_string)),
        ("handed", Some(format!("{} to {}, attempt {}", order.from, order.to, order.attempt))),
        ("status", product.status.as_ref().map(ToString::to_string)),
        ("product", product.result.as_ref().map(Value::plain)),
        ("context", Some(order.context.plain())),
        ("constraints", Some(order.constraints.plain())),
    ])?;
    if order.left_out > 0 {
        out.fact("earlier", &format!("{} before these are left out", order.left_out))?;
    }
    for hand in &order.earlier {
        let (context, kept) = (hand.context.plain(), hand.constraints.plain());
        let words = format!(
            "{} to {}, attempt {}\ncontext {context}\nconstraints {kept}",
            hand.from, hand.to, hand.attempt
        );
        out.fact("earlier", &words)?;
    }
    if order.returns_left_out > 0 {
        out.fact("returned", &format!("{} before these are left out", order.returns_left_out))?;
    }
    for back in &task.history {
        let (attempt, by) = (back.attempt, &back.by);
        // A person gives nothing back: it is a word that goes along with the attempt.
        let (how, who) = match by {
            Actor::Agent(_) => ("returned", format!("attempt {attempt} by {by}")),
            Actor::Person(_) | Actor::Deeds => ("said", format!("by {by} for attempt {attempt}")),
        };
        out.fact(how, &format!("{who}, {}, deed {}\n{}", back.at, back.deed, back.text))?;
    }
    out.fact("changed", &format!("{}, deed {}", task.at, task.deed))
}

fn detail(stage: &TaskStage) -> String {
    match stage {
        TaskStage::Offered { to, work } => format!(" to {to}, work #{work}"),
        TaskStage::Accepted { work } | TaskStage::Returned { work } => format!(", work #{work}"),
        TaskStage::Escalated { item } | TaskStage::Closed { item } => format!(", inbox item #{item}"),
        TaskStage::Done { result: Some(result) } => format!(": {}", result.plain()),
        TaskStage::Done { result: None } | TaskStage::Aborted => String::new(),
    }
}
