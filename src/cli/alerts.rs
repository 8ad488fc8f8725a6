//! `deeds alerts`: detected conflicts, and what people do with them.

use std::sync::Arc;

use clap::Subcommand;

use super::context::Context;
use super::list::{self, List, at, of};
use super::reply;
use super::status::Status;
use super::then::Then;
use crate::api::AlertList;
use crate::domain::command::{AlertStep, AlertVerb, Command as Order};
use crate::domain::ids::AlertNo;
use crate::domain::things::{Alert, AlertState};

/// What is done with alerts; a list if nothing is said.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Open and acknowledged conflicts, the worst first
    List {
        /// The resolved ones that are kept, too
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        then: Then,
    },
    /// Say that a conflict was seen
    Ack {
        /// The alert's number
        alert: AlertNo,
        /// A note
        #[arg(long)]
        note: Option<Arc<str>>,
    },
    /// End a conflict with a note
    Resolve {
        /// The alert's number
        alert: AlertNo,
        /// How it was settled
        #[arg(long)]
        note: Arc<str>,
    },
    /// Put a conflict into the inbox
    Escalate {
        /// The alert's number
        alert: AlertNo,
        /// A note
        #[arg(long)]
        note: Option<Arc<str>>,
    },
}

/// Runs it.
pub(super) fn run(context: &Context, command: Option<Command>, then: Then) -> anyhow::Result<Status> {
    let (alert, step, note) = match command.unwrap_or(Command::List { all: false, then }) {
        Command::List { all, then } => {
            return LIST.run(context, &then, async |client| client.alerts(all).await);
        }
        Command::Ack { alert, note } => (alert, AlertVerb::Acknowledge, note),
        Command::Resolve { alert, note } => (alert, AlertVerb::Resolve, Some(note)),
        Command::Escalate { alert, note } => (alert, AlertVerb::Escalate, note),
    };
    reply::ask(context, &Order::Alert(AlertStep { alert, step, note }))
}

const LIST: List<AlertList, Alert> = List {
    none: "no open conflict",
    rows: |found| found.alerts.iter().map(AsRef::as_ref).collect(),
    columns: &[
        of("ALERT", |alert| format!("#{}", alert.no)),
        of("SEVERITY", |alert| alert.severity.as_str().to_owned()),
        of("KIND", |alert| alert.kind.as_str().to_owned()),
        of("ON", |alert| list::maybe(alert.on.as_ref())),
        of("WHO", |alert| alert.who.iter().map(list::who).collect::<Vec<_>>().join(", ")),
        of("MET", |alert| alert.count.to_string()),
        at("LAST", |alert, now| format!("{} ago", now.since(alert.last).rough())),
        of("STATE", |alert| state(&alert.state).to_owned()),
        of("WHAT", |alert| alert.title.to_string()),
    ],
};

fn state(state: &AlertState) -> &'static str {
    match state {
        AlertState::Open => "open",
        AlertState::Acknowledged { .. } => "seen",
        AlertState::Resolved { .. } => "resolved",
    }
}
