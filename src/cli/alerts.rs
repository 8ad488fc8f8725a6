//! `deeds alerts`: detected conflicts, and what people do with them.

use clap::Subcommand;

use super::context::Context;
use super::output::{self, Output};
use super::status::Status;
use super::then::{self, Then};
use super::{reply, session};
use crate::client::Client;
use crate::domain::ids::AlertNo;
use crate::domain::things::{Alert, AlertState};
use crate::domain::time::Time;

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
        note: Option<String>,
    },
    /// End a conflict with a note
    Resolve {
        /// The alert's number
        alert: AlertNo,
        /// How it was settled
        #[arg(long)]
        note: String,
    },
    /// Put a conflict into the inbox
    Escalate {
        /// The alert's number
        alert: AlertNo,
        /// A note
        #[arg(long)]
        note: Option<String>,
    },
}

/// Runs it.
pub(super) fn run(context: &Context, command: Option<Command>, then: Then) -> anyhow::Result<Status> {
    let out = context.out;
    let command = command.unwrap_or(Command::List { all: false, then });
    session::with_client(context, async |client| match command {
        Command::List { all, then } => list(out, &then.look(client).await?, all).await,
        Command::Ack { alert, note } => {
            reply::tell(out, &client.alert_acknowledge(alert, note.as_deref()).await?)
        }
        Command::Resolve { alert, note } => reply::tell(out, &client.alert_resolve(alert, &note).await?),
        Command::Escalate { alert, note } => {
            reply::tell(out, &client.alert_escalate(alert, note.as_deref()).await?)
        }
    })
}

async fn list(out: Output, client: &Client, all: bool) -> anyhow::Result<Status> {
    let list = client.alerts(all).await?;
    if out.json {
        output::json(&list)?;
        return Ok(Status::Done);
    }
    then::tell(out, client)?;
    if list.alerts.is_empty() {
        out.faint("no open conflict")?;
    } else {
        let now = client.now().await?;
        let rows: Vec<_> = list.alerts.iter().map(|alert| row(alert, now)).collect();
        out.table(&["ALERT", "SEVERITY", "KIND", "ON", "WHO", "TIMES", "LAST", "STATE", "WHAT"], &rows)?;
    }
    Ok(Status::Done)
}

fn row(alert: &Alert, now: Time) -> Vec<String> {
    let who: Vec<&str> = alert.who.iter().map(crate::domain::ids::Actor::name).collect();
    vec![
        format!("#{}", alert.no),
        alert.severity.as_str().to_owned(),
        alert.kind.as_str().to_owned(),
        alert.on.as_ref().map(ToString::to_string).unwrap_or_default(),
        who.join(", "),
        alert.count.to_string(),
        format!("{} ago", now.since(alert.last).rough()),
        state(&alert.state).to_owned(),
        alert.title.to_string(),
    ]
}

fn state(state: &AlertState) -> &'static str {
    match state {
        AlertState::Open => "open",
        AlertState::Acknowledged { .. } => "seen",
        AlertState::Resolved { .. } => "resolved",
    }
}
