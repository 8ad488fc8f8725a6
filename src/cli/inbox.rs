//! `deeds inbox`: the decisions that people owe. What an answer does is decided by the server; its preview is shown first.

mod answer;
mod show;

use std::sync::Arc;

use clap::Subcommand;

use super::context::Context;
use super::list::{self, List, at, of};
use super::reply;
use super::status::Status;
use super::then::{self, Then};
use crate::api::ItemList;
use crate::domain::command::{Command as Order, ItemStep, ItemVerb};
use crate::domain::ids::{ItemNo, PersonId, QueueName};
use crate::domain::things::Item;
use crate::domain::time::Time;

/// What is done with the inbox.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// What waits for a decision: overdue first, then critical, then due soon; each by priority and by deadline
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
    /// Answer a case: expand, handle, out-of-scope or transfer; what waits for a yes: approve, approve-edited or reject
    Answer(answer::Arguments),
    /// Take a case
    Claim {
        /// The item's number
        item: ItemNo,
    },
    /// Take a case from whoever has it; for those who may answer it, and for the governance owner
    TakeOver {
        /// The item's number
        item: ItemNo,
        /// Why
        #[arg(long)]
        reason: Arc<str>,
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
    /// Leave a case for later, knowingly: a review has gone through it
    Leave {
        /// The item's number
        item: ItemNo,
        /// Why
        #[arg(long)]
        reason: Arc<str>,
    },
    /// Take an answer back, while nothing was built on it
    Undo {
        /// The item's number
        item: ItemNo,
    },
}

/// Runs it.
pub(super) fn run(context: &Context, command: Command) -> anyhow::Result<Status> {
    let (item, step) = match command {
        Command::List { queue, then } => {
            return then::with_client(context, &then, async |client| {
                let mut found = client.inbox().await?;
                found.items.retain(|item| queue.as_ref().is_none_or(|queue| item.queue == *queue));
                list::tell_paused(context.out, found.all_paused.as_ref())?;
                LIST.print(context.out, client, &found).await
            });
        }
        Command::Show { item, then } => {
            return then::with_client(context, &then, async |client| {
                show::run(context.out, client, item).await
            });
        }
        Command::Answer(arguments) => return answer::run(context, arguments),
        Command::Claim { item } => (item, ItemVerb::Claim),
        Command::TakeOver { item, reason } => (item, ItemVerb::TakeOver { reason }),
        Command::Release { item } => (item, ItemVerb::Release),
        Command::Reassign { item, to } => (item, ItemVerb::Reassign { to }),
        Command::Leave { item, reason } => (item, ItemVerb::Leave { reason }),
        Command::Undo { item } => (item, ItemVerb::Undo),
    };
    reply::ask(context, &Order::Item(ItemStep { item, step }))
}

const LIST: List<ItemList, Item> = List {
    none: "nothing waits for a decision",
    rows: |found| found.items.iter().map(AsRef::as_ref).collect(),
    columns: &[
        of("ITEM", |item| format!("#{}", item.no)),
        at("DUE", due),
        of("QUEUE", |item| item.queue.to_string()),
        of("FROM", |item| list::who(&item.raised_by)),
        of("CASE", |item| {
            let joined = if item.joined > 0 { format!(" ×{}", item.joined + 1) } else { String::new() };
            format!("{}{joined}", item.title)
        }),
        of("ABOUT", |item| list::maybe(item.subject.as_ref())),
        of("TAKEN BY", |item| list::maybe(item.claimed_by.as_ref().or(item.assigned_to.as_ref()))),
    ],
};

/// How long is left, in words.
fn due(item: &Item, now: Time) -> String {
    if item.is_overdue(now) {
        return format!("overdue {}", now.since(item.due).rough());
    }
    item.due.since(now).rough()
}
