//! `deeds outputs`: where agents publish, and publishing there.

use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, Subcommand};

use super::context::Context;
use super::output::{self, Output};
use super::status::{Status, Usage};
use super::{reply, session, value};
use crate::api::OutputView;
use crate::client::Client;
use crate::domain::command::Publish;
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
    output: String,
    /// What is published: JSON, or plain text
    #[arg(required_unless_present = "file", conflicts_with = "file")]
    body: Option<String>,
    /// A JSON file that is the body
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// The conversation in it
    #[arg(long)]
    thread: Option<String>,
    /// The entity it is about
    #[arg(long, value_name = "ENTITY")]
    subject: Option<EntityPath>,
    /// A word for it that defer rules know; `publish` if nothing is said
    #[arg(long)]
    action: Option<String>,
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
pub(super) fn run(context: &Context, command: Option<Command>) -> anyhow::Result<Status> {
    let out = context.out;
    match command.unwrap_or(Command::List) {
        Command::List => session::with_client(context, async |client| list(out, client).await),
        Command::Publish(arguments) => {
            let publish = build(arguments)?;
            session::with_client(context, async |client| reply::tell(out, &client.publish(&publish).await?))
        }
    }
}

fn build(arguments: PublishArguments) -> anyhow::Result<Publish> {
    let body = match (&arguments.body, &arguments.file) {
        (Some(text), _) => value::parse(text)?,
        (None, Some(file)) => value::in_file(file)?,
        (None, None) => return Err(Usage::error("say what is published, or --file")),
    };
    Ok(Publish {
        output: Arc::from(arguments.output),
        thread: value::text(arguments.thread),
        body,
        subject: arguments.subject,
        action: value::text(arguments.action),
        depends_on: value::depends_on(&arguments.depends_on)?,
        reason: value::text(arguments.reason),
        cause: arguments.cause,
    })
}

async fn list(out: Output, client: &Client) -> anyhow::Result<Status> {
    let found = client.outputs().await?;
    if out.json {
        output::json(&found)?;
    } else if found.outputs.is_empty() {
        out.faint("the map names no output")?;
    } else {
        let rows: Vec<_> = found.outputs.iter().map(row).collect();
        out.table(&["OUTPUT", "PUBLISHERS", "APPROVAL", "WINDOW", "LAST"], &rows)?;
    }
    Ok(Status::Done)
}

fn row(output: &OutputView) -> Vec<String> {
    let names: Vec<&str> = output.publishers.iter().map(AgentId::as_str).collect();
    let last = output.last.as_ref();
    vec![
        output.name.to_string(),
        names.join(if output.in_turn { " → " } else { ", " }),
        if output.needs_approval { "needed" } else { "" }.to_owned(),
        output.thread_window.map(|window| window.to_string()).unwrap_or_default(),
        last.map(|last| format!("{} by {}, deed {}", last.at, last.by, last.deed)).unwrap_or_default(),
    ]
}
