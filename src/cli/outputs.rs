//! `deeds outputs`: where agents publish, and publishing there.

use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, Subcommand};

use super::context::Context;
use super::list::{self, List, of};
use super::status::Status;
use super::then::Then;
use super::{reply, value};
use crate::api::{OutputList, OutputView, Queued};
use crate::client::Client;
use crate::domain::command::{Command as Order, Publish};
use crate::domain::ids::{AgentId, Seq};
use crate::domain::path::EntityPath;

/// What is done with outputs; a list if nothing is said.
#[derive(Debug, Subcommand)]
#[command(
    after_help = "Examples:\n  deeds outputs list\n  deeds --token-file tokens/default.billing outputs publish slack/billing 'invoice 88 is paid' --thread 88"
)]
pub(crate) enum Command {
    /// The map's outputs: who publishes, in which order, what was published last
    List,
    /// Publish on an output
    #[command(
        after_help = "Examples:\n  deeds outputs publish mail/billing 'thank you' --thread m-8812 --subject crm/account/acme --depends-on 'crm/account/acme#balance=4'\n  deeds outputs publish mail/billing --file mail.json\n\nExit status 0 if it went out or waits for a person's approval, 1 if it was refused."
    )]
    Publish(PublishArguments),
}

/// What is published.
#[derive(Debug, Args)]
pub(crate) struct PublishArguments {
    /// The destination
    output: Arc<str>,
    /// What is published: JSON, or plain text
    #[arg(required_unless_present = "file", conflicts_with = "file")]
    body: Option<String>,
    /// A JSON file that is the body
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// The conversation in it
    #[arg(long)]
    thread: Option<Arc<str>>,
    /// The entity it is about
    #[arg(long, value_name = "ENTITY")]
    subject: Option<EntityPath>,
    /// A word for it that defer rules know; `publish` if nothing is said
    #[arg(long)]
    action: Option<Arc<str>>,
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

/// Runs it.
pub(super) fn run(context: &Context, command: Option<Command>) -> anyhow::Result<Status> {
    match command.unwrap_or(Command::List) {
        Command::List => LIST.run(context, &Then::default(), Client::outputs),
        Command::Publish(publish) => reply::ask(context, &Order::Publish(publish.order()?)),
    }
}

impl PublishArguments {
    pub(super) fn order(self) -> anyhow::Result<Publish> {
        let nothing = "say what is published, or --file";
        Ok(Publish {
            output: self.output,
            thread: self.thread,
            body: value::body(self.body.as_deref(), self.file.as_deref(), nothing)?,
            subject: self.subject,
            action: self.action,
            depends_on: value::depends_on(&self.depends_on)?,
            reason: self.reason,
            cause: self.cause,
        })
    }
}

const LIST: List<OutputList, OutputView> = List {
    none: "the map names no output",
    rows: |found| found.outputs.iter().collect(),
    columns: &[
        of("OUTPUT", |output| output.name.to_string()),
        of("PUBLISHERS", |output| {
            let names: Vec<&str> = output.publishers.iter().map(AgentId::as_str).collect();
            names.join(if output.in_turn { " → " } else { ", " })
        }),
        of("APPROVAL", |output| if output.needs_approval { "needed" } else { "" }.to_owned()),
        of("WINDOW", |output| list::maybe(output.thread_window)),
        of("LAST", |output| {
            let last = output.last.as_ref();
            list::maybe(last.map(|last| format!("{} by {}, deed {}", last.at, last.by, last.deed)))
        }),
        of("WAITING", |output| {
            let one =
                |queued: &Queued| format!("{} until {}, deed {}", queued.agent, queued.until, queued.deed);
            output.waiting.iter().map(one).collect::<Vec<_>>().join("; ")
        }),
    ],
};
