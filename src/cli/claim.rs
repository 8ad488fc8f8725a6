//! `deeds claim`: for agents that listen on their own: is this event mine to handle?

use std::sync::Arc;

use clap::Args;

use super::context::Context;
use super::status::Status;
use super::{reply, session, value};
use crate::domain::command::Claim;
use crate::domain::ids::Seq;
use crate::domain::path::EntityPath;

/// Which event.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  deeds --token-file tokens/default.billing claim email.received message-8812 --attr subject='re: invoice 88'\n\nExit status 0 if the event is yours, 1 if it is not."
)]
pub(crate) struct Command {
    /// The event's name
    event: String,
    /// Which occurrence: the same for everybody who hears of it, such as a message id
    key: String,
    /// What routes are chosen by; JSON, or plain text
    #[arg(long = "attr", value_name = "KEY=VALUE")]
    attributes: Vec<String>,
    /// The entity it is about
    #[arg(long, value_name = "ENTITY")]
    subject: Option<EntityPath>,
    /// The deed that led to it
    #[arg(long, value_name = "DEED")]
    cause: Option<Seq>,
}

/// Runs it.
pub(super) fn run(context: &Context, command: Command) -> anyhow::Result<Status> {
    let claim = Claim {
        event: Arc::from(command.event),
        key: Arc::from(command.key),
        attributes: value::attributes(&command.attributes)?,
        subject: command.subject,
        cause: command.cause,
    };
    session::with_client(context, async |client| reply::tell(context.out, &client.claim_event(&claim).await?))
}
