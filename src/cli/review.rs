//! `deeds review`: sessions over a queue, and whether the scheduled ones were held.

use clap::{Args, Subcommand};

use super::context::Context;
use super::output::{self, Output};
use super::status::{Status, Usage};
use super::{reply, session, value};
use crate::api::ReviewView;
use crate::client::Client;
use crate::domain::command::{ReviewStep, ReviewVerb};
use crate::domain::ids::QueueName;
use crate::domain::time::Time;

/// What is done with reviews; their status if nothing is said.
#[derive(Debug, Subcommand)]
#[command(
    after_help = "Examples:\n  deeds review status\n  deeds review start ops\n  deeds review end ops --note 'two cases handed to sam'"
)]
pub(crate) enum Command {
    /// Begin a session over a queue
    Start(Which),
    /// End it: it was held
    End(Which),
    /// Every queue: who answers, when it is due, what was held and missed
    Status {
        /// Only this queue
        queue: Option<QueueName>,
    },
}

/// Which queue, with a note.
#[derive(Debug, Args)]
pub(crate) struct Which {
    /// The queue
    queue: QueueName,
    /// What is worth keeping of it
    #[arg(long)]
    note: Option<String>,
}

/// Runs it.
pub(super) fn run(context: &Context, command: Option<Command>) -> anyhow::Result<Status> {
    let out = context.out;
    session::with_client(context, async |client| match command.unwrap_or(Command::Status { queue: None }) {
        Command::Start(which) => step(out, client, ReviewVerb::Start, which).await,
        Command::End(which) => step(out, client, ReviewVerb::End, which).await,
        Command::Status { queue } => status(out, client, queue.as_ref()).await,
    })
}

async fn step(out: Output, client: &Client, step: ReviewVerb, which: Which) -> anyhow::Result<Status> {
    let review = ReviewStep { queue: which.queue, step, note: value::text(which.note) };
    reply::tell(out, &client.review(&review).await?)
}

async fn status(out: Output, client: &Client, queue: Option<&QueueName>) -> anyhow::Result<Status> {
    let mut found = client.reviews().await?;
    found.reviews.retain(|view| queue.is_none_or(|queue| view.queue == *queue));
    if let Some(queue) = queue.filter(|_| found.reviews.is_empty()) {
        return Err(Usage::error(format!("the map has no queue {queue}; `deeds review status` lists them")));
    }
    if out.json {
        output::json(&found)?;
    } else if found.reviews.is_empty() {
        out.faint("the map has no queue")?;
    } else {
        let now = client.whoami().await?.server.now;
        let rows: Vec<_> = found.reviews.iter().map(|view| row(view, now)).collect();
        let header =
            ["QUEUE", "OWNER", "DEPUTIES", "SCHEDULE", "WAITING", "NEXT", "HELD", "MISSED", "LAST", "NOW"];
        out.table(&header, &rows)?;
    }
    Ok(Status::Done)
}

fn row(view: &ReviewView, now: Time) -> Vec<String> {
    let deputies: Vec<&str> = view.deputies.iter().map(crate::domain::ids::PersonId::as_str).collect();
    let known = &view.reviews;
    let next = known.due.map(|due| {
        if due <= now {
            format!("due for {}", now.since(due).rough())
        } else {
            format!("in {}", due.since(now).rough())
        }
    });
    let last = known.last.as_ref().map(|last| {
        format!("{} ago by {}, {} answered", now.since(last.ended).rough(), last.by, last.answered)
    });
    let open = known
        .open
        .as_ref()
        .map(|open| format!("{} since {}, {} answered", open.by, now.since(open.at).rough(), open.answered));
    vec![
        view.queue.to_string(),
        view.owner.to_string(),
        deputies.join(", "),
        view.schedule.map(|schedule| schedule.to_string()).unwrap_or_default(),
        view.waiting.to_string(),
        next.unwrap_or_default(),
        known.held.to_string(),
        known.missed.to_string(),
        last.unwrap_or_default(),
        open.unwrap_or_default(),
    ]
}
