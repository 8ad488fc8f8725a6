//! `deeds review`: sessions over a queue, and whether the scheduled ones were held.

use std::sync::Arc;

use clap::{Args, Subcommand};

use super::context::Context;
use super::list::{self, List, at, of};
use super::output::Output;
use super::status::{Status, Usage};
use super::{reply, session};
use crate::api::{ReviewList, ReviewView};
use crate::client::Client;
use crate::domain::command::{Command as Order, ReviewStep, ReviewVerb};
use crate::domain::ids::{PersonId, QueueName};
use crate::domain::things::{CameTo, ReviewRound};
use crate::domain::time::Time;

/// What is done with reviews; their status if nothing is said.
#[derive(Debug, Subcommand)]
#[command(
    after_help = "Examples:\n  deeds review status\n  deeds review start ops pay\n  deeds review end ops pay --note 'two cases handed to sam'\n  deeds review end ops --leave 'legal answers on Friday'"
)]
pub(crate) enum Command {
    /// Begin a session over a queue
    Start(Several),
    /// End it, and see what is left
    End(End),
    /// Every queue: who answers, when it is due, what was held and missed
    Status {
        /// Only this queue
        queue: Option<QueueName>,
    },
}

/// Which queues, with a note.
#[derive(Debug, Args)]
pub(crate) struct Several {
    /// The queues, one or more
    #[arg(required = true)]
    queues: Vec<QueueName>,
    /// What is worth keeping of it
    #[arg(long)]
    note: Option<Arc<str>>,
}

/// What ends, and what becomes of the rest.
#[derive(Debug, Args)]
pub(crate) struct End {
    #[command(flatten)]
    which: Several,
    /// Why what waits still is left for later: a review has gone through it then
    #[arg(long, value_name = "REASON")]
    leave: Option<Arc<str>>,
}

/// Runs it.
pub(super) fn run(context: &Context, command: Option<Command>) -> anyhow::Result<Status> {
    let (Several { queues, note }, step, leave) = match command.unwrap_or(Command::Status { queue: None }) {
        Command::Start(which) => (which, ReviewVerb::Start, None),
        Command::End(End { which, leave }) => (which, ReviewVerb::End, leave),
        Command::Status { queue } => {
            return session::with_client(context, async |client| {
                status(context.out, client, queue.as_ref()).await
            });
        }
    };
    let mut all = Status::Done;
    for queue in queues {
        let (note, leave) = (note.clone(), leave.clone());
        let one = reply::ask(context, &Order::Review(ReviewStep { queue, step, note, leave }))?;
        if one != Status::Done {
            all = one;
        }
    }
    Ok(all)
}

async fn status(out: Output, client: &Client, queue: Option<&QueueName>) -> anyhow::Result<Status> {
    let mut found = client.reviews().await?;
    found.reviews.retain(|view| queue.is_none_or(|queue| view.queue == *queue));
    if let Some(queue) = queue.filter(|_| found.reviews.is_empty()) {
        return Err(Usage::error(format!("the map has no queue {queue}; `deeds review status` lists them")));
    }
    LIST.print(out, client, &found).await
}

const LIST: List<ReviewList, ReviewView> = List {
    none: "the map has no queue",
    rows: |found| found.reviews.iter().collect(),
    columns: &[
        of("QUEUE", |view| view.queue.to_string()),
        at("OWNER", |view, now| named(view, &view.owner, now)),
        at("DEPUTIES", |view, now| {
            view.deputies.iter().map(|deputy| named(view, deputy, now)).collect::<Vec<_>>().join(", ")
        }),
        of("SCHEDULE", |view| list::maybe(view.schedule)),
        of("WAITING", |view| view.waiting.to_string()),
        at("NEXT", |view, now| match &view.reviews.round {
            Some(round) => under_way(round, now),
            None => list::maybe(view.reviews.due.map(|due| next(due, now))),
        }),
        of("HELD", |view| view.reviews.held.to_string()),
        // Of those that are remembered one by one.
        of("LATE", |view| view.reviews.turns.iter().filter(|turn| turn.late).count().to_string()),
        of("MISSED", |view| view.reviews.missed.to_string()),
        at("BEFORE", |view, now| {
            list::maybe(
                view.reviews
                    .turns
                    .back()
                    .map(|turn| format!("{}, due {} ago", turn.how(), now.since(turn.due).rough())),
            )
        }),
        at("LAST", |view, now| {
            list::maybe(view.reviews.last.as_ref().map(|last| {
                let came_to = came_to(&last.came_to);
                let (ago, took) = (now.since(last.ended).rough(), last.ended.since(last.began).rough());
                format!(
                    "{ago} ago by {} in {took}, {} answered{came_to}, {} left",
                    last.by, last.answered, last.left
                )
            }))
        }),
        at("NOW", |view, now| {
            list::maybe(view.reviews.open.as_ref().map(|open| {
                format!("{} since {}, {} answered", open.by, now.since(open.at).rough(), open.answered)
            }))
        }),
    ],
};

/// What else a session came to: `, 1 handed on, map v41 to v43`.
fn came_to(came_to: &CameTo) -> String {
    let counts = [
        (came_to.alike, "of them along with one alike"),
        (came_to.handed_on, "handed on"),
        (came_to.put_off, "left with a reason"),
    ];
    let mut words: Vec<String> = counts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, how)| format!(", {count} {how}"))
        .collect();
    words.extend(
        came_to
            .map
            .map(|(before, after)| format!(", map v{before} to v{after}: {}", came_to.changes.join(" "))),
    );
    words.concat()
}

/// A person, and whether they are away.
fn named(view: &ReviewView, person: &PersonId, now: Time) -> String {
    let Some(away) = view.away.get(person) else { return person.to_string() };
    let for_long = away.until.map(|until| format!(" {}", until.since(now).rough())).unwrap_or_default();
    format!("{person} (away{for_long})")
}

/// A scheduled one that has begun.
fn under_way(round: &ReviewRound, now: Time) -> String {
    let late = if round.is_late_by(now) { ", late" } else { "" };
    format!("due for {}{late}, {} left", now.since(round.due).rough(), round.waiting.len())
}

fn next(due: Time, now: Time) -> String {
    if due <= now {
        format!("due for {}", now.since(due).rough())
    } else {
        format!("in {}", due.since(now).rough())
    }
}
