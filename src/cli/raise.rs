//! `deeds raise`: says that something happened; the one agent that it wakes gets it as work.

use std::sync::Arc;

use clap::Args;

use super::context::Context;
use super::status::Status;
use super::{reply, session, value};
use crate::domain::command::Raise;
use crate::domain::ids::Seq;
use crate::domain::path::EntityPath;

/// What happened.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  deeds raise email.received --attr subject='re: invoice 88' --subject crm/contact/acme\n  deeds raise report.due\n\nExit status 1 if it was refused. An event that nobody owns, or more than one agent, waits in the inbox."
)]
pub(crate) struct Command {
    /// The event's name
    event: String,
    /// What routes are chosen by and the agent is told; JSON, or plain text
    #[arg(long = "attr", value_name = "KEY=VALUE")]
    attributes: Vec<String>,
    /// The entity it is about
    #[arg(long, value_name = "ENTITY")]
    subject: Option<EntityPath>,
    /// Why it is raised
    #[arg(long)]
    reason: Option<String>,
    /// The deed that led to it
    #[arg(long, value_name = "DEED")]
    cause: Option<Seq>,
}

/// Runs it.
pub(super) fn run(context: &Context, command: Command) -> anyhow::Result<Status> {
    let raise = Raise {
        event: Arc::from(command.event),
        attributes: value::attributes(&command.attributes)?,
        subject: command.subject,
        reason: value::text(command.reason),
        cause: command.cause,
    };
    session::with_client(context, async |client| reply::tell(context.out, &client.raise(&raise).await?))
}
