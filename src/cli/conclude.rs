//! `deeds conclude`: what an agent found out. Two agents that differ are a contradiction.

use std::sync::Arc;

use clap::Args;

use super::context::Context;
use super::status::Status;
use super::{reply, session, value};
use crate::domain::command::Conclude;
use crate::domain::ids::Seq;
use crate::domain::path::EntityPath;

/// What was found out.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  deeds --token-file tokens/default.billing conclude crm/account/acme 'is invoice 88 paid' true --depends-on 'crm/account/acme#balance=4'"
)]
pub(crate) struct Command {
    /// The entity it is about
    subject: EntityPath,
    /// The question, in words that others would use too
    question: String,
    /// The answer: JSON, or plain text
    answer: String,
    /// What it was based on
    #[arg(long, value_name = "PATH=VERSION")]
    depends_on: Vec<String>,
    /// Why
    #[arg(long)]
    reason: Option<String>,
    /// The deed that led to it
    #[arg(long, value_name = "DEED")]
    cause: Option<Seq>,
}

/// Runs it.
pub(super) fn run(context: &Context, command: Command) -> anyhow::Result<Status> {
    let conclude = Conclude {
        subject: command.subject,
        question: Arc::from(command.question),
        answer: value::parse(&command.answer)?,
        depends_on: value::depends_on(&command.depends_on)?,
        reason: value::text(command.reason),
        cause: command.cause,
    };
    session::with_client(context, async |client| reply::tell(context.out, &client.conclude(&conclude).await?))
}
