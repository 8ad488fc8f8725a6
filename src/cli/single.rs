//! Commands that ask one thing and need no more than their arguments: `deeds raise` says that something happened, `claim`
//! asks whether an event is this agent's, `conclude` tells what was found out.

use std::sync::Arc;

use clap::Args;

use super::value;
use crate::domain::command::{self, Command};
use crate::domain::ids::Seq;
use crate::domain::path::EntityPath;

/// What happened.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  deeds raise email.received --attr subject='re: invoice 88' --subject crm/contact/acme\n  deeds raise report.due\n\nExit status 1 if it was refused. An event that nobody owns, or more than one agent, waits in the inbox."
)]
pub(crate) struct Raise {
    /// The event's name
    event: Arc<str>,
    /// What routes are chosen by and the agent is told; JSON, or plain text
    #[arg(long = "attr", value_name = "KEY=VALUE")]
    attributes: Vec<String>,
    /// The entity it is about
    #[arg(long, value_name = "ENTITY")]
    subject: Option<EntityPath>,
    /// Why it is raised
    #[arg(long)]
    reason: Option<Arc<str>>,
    /// The deed that led to it
    #[arg(long, value_name = "DEED")]
    cause: Option<Seq>,
}

impl Raise {
    /// What it asks.
    pub(super) fn command(self) -> anyhow::Result<Command> {
        Ok(Command::Raise(command::Raise {
            event: self.event,
            attributes: value::attributes(&self.attributes)?,
            subject: self.subject,
            reason: self.reason,
            cause: self.cause,
        }))
    }
}

/// Which event.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  deeds --token-file tokens/default.billing claim email.received message-8812 --attr subject='re: invoice 88'\n\nExit status 0 if the event is yours, 1 if it is not."
)]
pub(crate) struct Claim {
    /// The event's name
    event: Arc<str>,
    /// Which occurrence: the same for everybody who hears of it, such as a message id
    key: Arc<str>,
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

impl Claim {
    /// What it asks.
    pub(super) fn command(self) -> anyhow::Result<Command> {
        Ok(Command::Claim(command::Claim {
            event: self.event,
            key: self.key,
            attributes: value::attributes(&self.attributes)?,
            subject: self.subject,
            cause: self.cause,
        }))
    }
}

/// What was found out.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  deeds --token-file tokens/default.billing conclude crm/account/acme 'is invoice 88 paid' true --depends-on 'crm/account/acme#balance=4'\n  deeds conclude crm/account/acme 'is invoice 88 paid' false --reason 'the bank says so'   a person's: it decides"
)]
pub(crate) struct Conclude {
    /// The entity it is about
    subject: EntityPath,
    /// The question, in words that others would use too
    question: Arc<str>,
    /// The answer: JSON, or plain text
    answer: String,
    /// What it was based on
    #[arg(long, value_name = "PATH=VERSION")]
    depends_on: Vec<String>,
    /// Why
    #[arg(long)]
    reason: Option<Arc<str>>,
    /// The deed that led to it
    #[arg(long, value_name = "DEED")]
    cause: Option<Seq>,
}

impl Conclude {
    /// What it asks.
    pub(super) fn command(self) -> anyhow::Result<Command> {
        Ok(Command::Conclude(command::Conclude {
            subject: self.subject,
            question: self.question,
            answer: value::parse(&self.answer)?,
            depends_on: value::depends_on(&self.depends_on)?,
            reason: self.reason,
            cause: self.cause,
        }))
    }
}
