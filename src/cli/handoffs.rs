//! `deeds handoffs`: tasks that go from agent to agent: listed, shown with every return, handed over.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::context::Context;
use super::output::{self, Output};
use super::status::Status;
use super::{reply, session, value};
use crate::client::Client;
use crate::domain::command::Handoff;
use crate::domain::ids::{AgentId, TaskId};
use crate::domain::path::EntityPath;
use crate::domain::things::{Task, TaskStage, WorkProduct};

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
    #[arg(long, value_name = "FILE", conflicts_with_all = ["to", "task", "result", "status", "context", "constraints", "attempt", "max_attempts", "subject", "reason"])]
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
    status: Option<String>,
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
    /// The entity it is about
    #[arg(long, value_name = "ENTITY")]
    subject: Option<EntityPath>,
    /// Why
    #[arg(long)]
    reason: Option<String>,
}

/// Runs it.
pub(super) fn run(context: &Context, command: Option<Command>) -> anyhow::Result<Status> {
    let out = context.out;
    match command.unwrap_or(Command::List) {
        Command::List => session::with_client(context, async |client| list(out, client).await),
        Command::Show { task } => {
            session::with_client(context, async |client| show(out, client, &task).await)
        }
        Command::Give(give) => {
            let handoff = build(*give)?;
            session::with_client(context, async |client| reply::tell(out, &client.handoff(&handoff).await?))
        }
    }
}

fn build(give: Give) -> anyhow::Result<Handoff> {
    if let Some(file) = give.file {
        return value::order(&file);
    }
    let json = |text: Option<String>| text.as_deref().map(value::parse).transpose();
    let product = WorkProduct { result: json(give.result)?, status: value::text(give.status) };
    Ok(Handoff {
        to: give.to,
        task: give.task,
        work_product: (product != WorkProduct::default()).then_some(product),
        context: json(give.context)?,
        constraints: json(give.constraints)?,
        attempt: give.attempt,
        max_attempts: give.max_attempts,
        subject: give.subject,
        reason: value::text(give.reason),
        cause: None,
    })
}

async fn list(out: Output, client: &Client) -> anyhow::Result<Status> {
    let found = client.handoffs().await?;
    if out.json {
        output::json(&found)?;
    } else if found.tasks.is_empty() && found.ended.is_empty() {
        out.faint("no task was handed over")?;
    } else {
        let rows: Vec<_> = found.tasks.iter().chain(&found.ended).map(|task| row(task)).collect();
        out.table(&["TASK", "STAGE", "OWNER", "FROM", "TO", "ATTEMPT", "SINCE", "ON"], &rows)?;
    }
    Ok(Status::Done)
}

fn row(task: &Task) -> Vec<String> {
    vec![
        task.id.to_string(),
        task.stage.word().to_owned(),
        task.owner.to_string(),
        task.order.from.to_string(),
        task.order.to.to_string(),
        format!("{}/{}", task.attempt, task.max_attempts),
        task.at.to_string(),
        task.subject.as_ref().map(ToString::to_string).unwrap_or_default(),
    ]
}

async fn show(out: Output, client: &Client, id: &TaskId) -> anyhow::Result<Status> {
    let found = client.handoffs().await?;
    let Some(task) = found.tasks.iter().chain(&found.ended).find(|task| task.id == *id) else {
        output::complain(format!(
            "there is no task {id} that is kept and that you may see; `deeds handoffs list` has them"
        ));
        return Ok(Status::No);
    };
    if out.json {
        output::json(task)?;
    } else {
        print(out, task)?;
    }
    Ok(Status::Done)
}

fn print(out: Output, task: &Task) -> anyhow::Result<()> {
    let order = &task.order;
    out.fact("task", task.id.as_str())?;
    out.fact("stage", &format!("{}{}", task.stage.word(), detail(&task.stage)))?;
    out.fact("owner", task.owner.as_str())?;
    out.fact("attempt", &format!("{} of {}", task.attempt, task.max_attempts))?;
    if let Some(subject) = &task.subject {
        out.fact("subject", subject.as_str())?;
    }
    out.fact("handed", &format!("{} to {}, attempt {}", order.from, order.to, order.attempt))?;
    if let Some(status) = &order.work_product.status {
        out.fact("status", status)?;
    }
    if let Some(result) = &order.work_product.result {
        out.fact("product", &result.plain())?;
    }
    out.fact("context", &order.context.plain())?;
    out.fact("constraints", &order.constraints.plain())?;
    for back in &task.history {
        let words = format!(
            "attempt {} by {}, {}, deed {}\n{}",
            back.attempt, back.by, back.at, back.deed, back.text
        );
        out.fact("returned", &words)?;
    }
    out.fact("changed", &format!("{}, deed {}", task.at, task.deed))
}

fn detail(stage: &TaskStage) -> String {
    match stage {
        TaskStage::Offered { to, work } => format!(" to {to}, work #{work}"),
        TaskStage::Accepted { work } | TaskStage::Returned { work } => format!(", work #{work}"),
        TaskStage::Escalated { item } | TaskStage::Closed { item } => format!(", inbox item #{item}"),
        TaskStage::Done { result: Some(result) } => format!(": {}", result.plain()),
        TaskStage::Done { result: None } => String::new(),
    }
}
