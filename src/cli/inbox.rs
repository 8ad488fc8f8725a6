//! `deeds inbox`: the decisions that people owe. What an answer does is decided by the server; its preview is shown first.

mod answer;
mod show;

use clap::Subcommand;

use super::context::Context;
use super::output::{self, Output};
use super::status::Status;
use super::then::{self, Then};
use super::{reply, session};
use crate::api::ItemList;
use crate::client::Client;
use crate::domain::ids::{ItemNo, PersonId, QueueName};
use crate::domain::things::Item;
use crate::domain::time::Time;

/// What is done with the inbox.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// What waits for a decision, the next deadline first
    List {
        /// Only this queue
        #[arg(long)]
        queue: Option<QueueName>,
        #[command(flatten)]
        then: Then,
    },
    /// One case, whole: input, reason, evidence, what is alike, what is suggested
    Show {
        /// The item's number
        item: ItemNo,
        #[command(flatten)]
        then: Then,
    },
    /// Answer a case: expand, handle, out-of-scope or transfer; a publication: approve, approve-edited or reject
    Answer(answer::Arguments),
    /// Take a case
    Claim {
        /// The item's number
        item: ItemNo,
    },
    /// Give a case back
    Release {
        /// The item's number
        item: ItemNo,
    },
    /// Hand a case to another reviewer named on its queue
    Reassign {
        /// The item's number
        item: ItemNo,
        /// To whom
        to: PersonId,
    },
    /// Take an answer back, while nothing was built on it
    Undo {
        /// The item's number
        item: ItemNo,
    },
}

/// Runs it.
pub(super) fn run(context: &Context, command: Command) -> anyhow::Result<Status> {
    let out = context.out;
    session::with_client(context, async |client| match command {
        Command::List { queue, then } => list(out, &then.look(client).await?, queue.as_ref()).await,
        Command::Show { item, then } => show::run(out, &then.look(client).await?, item).await,
        Command::Answer(arguments) => answer::run(out, client, arguments).await,
        Command::Claim { item } => reply::tell(out, &client.claim(item).await?),
        Command::Release { item } => reply::tell(out, &client.release(item).await?),
        Command::Reassign { item, to } => reply::tell(out, &client.reassign(item, &to).await?),
        Command::Undo { item } => reply::tell(out, &client.undo(item).await?),
    })
}

async fn list(out: Output, client: &Client, queue: Option<&QueueName>) -> anyhow::Result<Status> {
    let ItemList { mut items, seq } = client.inbox().await?;
    items.retain(|item| queue.is_none_or(|queue| item.queue == *queue));
    if out.json {
        output::json(&ItemList { items, seq })?;
        return Ok(Status::Done);
    }
    then::tell(out, client)?;
    if items.is_empty() {
        out.faint("nothing waits for a decision")?;
        return Ok(Status::Done);
    }
    let now = client.now().await?;
    let rows: Vec<_> = items.iter().map(|item| row(item, now)).collect();
    out.table(&["ITEM", "DUE", "QUEUE", "FROM", "CASE", "TAKEN BY"], &rows)?;
    Ok(Status::Done)
}

fn row(item: &Item, now: Time) -> Vec<String> {
    let joined = if item.joined > 0 { format!(" ×{}", item.joined + 1) } else { String::new() };
    let taken = item.claimed_by.as_ref().or(item.assigned_to.as_ref());
    vec![
        format!("#{}", item.no),
        due(item, now),
        item.queue.to_string(),
        item.raised_by.to_string(),
        format!("{}{joined}", item.title),
        taken.map(ToString::to_string).unwrap_or_default(),
    ]
}

/// How long is left, in words.
fn due(item: &Item, now: Time) -> String {
    if item.overdue || item.due <= now {
        return format!("overdue {}", now.since(item.due).rough());
    }
    item.due.since(now).rough()
}
