//! `deeds inbox answer`: the preview of an answer, then the answer itself, with proof of what was shown.

use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, Subcommand};
use serde::Serialize;

use crate::api::ItemView;
use crate::cli::context::Context;
use crate::cli::output::{self, Output};
use crate::cli::status::{Status, Usage};
use crate::cli::{reply, session, value};
use crate::client::Client;
use crate::domain::command::{Answered, Command, ItemStep, ItemVerb};
use crate::domain::decide::Preview;
use crate::domain::ids::{AgentId, ItemNo};
use crate::domain::map::{Grant, ToolRow};
use crate::domain::path::Pattern;
use crate::domain::things::ItemAnswer;

const EXAMPLES: &str = "\
Examples:
  deeds inbox answer 7 expand                        as suggested
  deeds inbox answer 7 --dry-run expand              only say what it would do
  deeds inbox answer 7 --alike expand                settle the cases alike too
  deeds inbox answer 7 expand --agent intake --writes 'crm/contact/*#score'
  deeds inbox answer 7 handle 'wrote to them myself'
  deeds inbox answer 7 handle 'billing does this one' --to billing
  deeds inbox answer 9 ruling support                support's side of a contradiction is right
  deeds inbox answer 9 ruling --value 'in part'       neither is: this is
  deeds inbox answer 7 out-of-scope 'we do not sell to schools' --rule
  deeds inbox answer 7 transfer --pattern 'crm/deal/*#stage' --from sales --to billing
  deeds inbox answer 9 send-on 'keep to the template'  another attempt at a task that leads nowhere
  deeds inbox answer 9 send-on --to editor --attempts 5
  deeds inbox answer 8 approve                       the publication goes out as it is
  deeds inbox answer 8 approve-edited 'Dear Ann, …'  it goes out with another body
  deeds inbox answer 8 reject 'wrong tone'
  deeds inbox answer 7 --digest 3f2a… expand         only if the case is still what `inbox show` printed

Exit status 1 if the answer was refused, or can't be given.";

/// Which item, and how it is answered.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The item's number
    item: ItemNo,
    /// Only say what the answer would do
    #[arg(long)]
    dry_run: bool,
    /// Settle the cases alike by the same answer
    #[arg(long)]
    alike: bool,
    /// Answer only if the case is still the one with this digest (or its beginning)
    #[arg(long, value_name = "DIGEST")]
    digest: Option<String>,
    #[command(subcommand)]
    answer: Answer,
}

/// The answers.
#[derive(Debug, Subcommand)]
enum Answer {
    /// An agent's zone grows; its stored input is decided again at once
    Expand {
        /// Whose zone; the suggested agent's if nothing is said
        #[arg(long)]
        agent: Option<AgentId>,
        #[command(flatten)]
        grant: GrantArguments,
        /// Why
        #[arg(long)]
        note: Option<Arc<str>>,
    },
    /// A person handles this case; the scope stays
    Handle {
        /// How
        note: Arc<str>,
        /// What the waiting agent is told, as JSON or as plain text
        #[arg(long)]
        reply: Option<String>,
        /// Who is given this one event, where nobody or more than one answers it
        #[arg(long, value_name = "AGENT")]
        to: Option<AgentId>,
    },
    /// Which side of a contradiction is right; both are told, and later conclusions are held against it
    Ruling {
        /// The side: whoever said so, or the field that does
        #[arg(required_unless_present = "value", conflicts_with = "value")]
        right: Option<Arc<str>>,
        /// What is right where no side is, as JSON or as plain text
        #[arg(long)]
        value: Option<String>,
        /// Why
        #[arg(long)]
        note: Option<Arc<str>>,
    },
    /// None of the team's business
    OutOfScope {
        /// Why
        reason: Arc<str>,
        /// Close this very input on arrival from now on
        #[arg(long)]
        rule: bool,
    },
    /// A task that leads nowhere is offered again
    SendOn {
        /// A word for the next attempt, which goes along as feedback
        note: Option<Arc<str>>,
        /// To whom; to whoever had it last if nothing is said
        #[arg(long, value_name = "AGENT")]
        to: Option<AgentId>,
        /// How many attempts there are from now on; one more, where none is left, if nothing is said
        #[arg(long, value_name = "NUMBER")]
        attempts: Option<u32>,
    },
    /// What another agent owns goes over; admins only
    Transfer {
        /// What
        #[arg(long)]
        pattern: Pattern,
        /// From whom
        #[arg(long)]
        from: AgentId,
        /// To whom; the agent that raised the case if nothing is said
        #[arg(long)]
        to: Option<AgentId>,
        /// Why
        #[arg(long)]
        note: Option<Arc<str>>,
    },
    /// What waits for a yes goes ahead: a publication, an act, a write to a held field, a zone that is offered
    Approve {
        /// A word to the agent
        #[arg(long)]
        note: Option<Arc<str>>,
    },
    /// A publication goes out with another body
    ApproveEdited {
        /// What goes out: JSON, or plain text
        #[arg(required_unless_present = "file", conflicts_with = "file")]
        body: Option<String>,
        /// A JSON file that is the body
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
        /// A word to the agent
        #[arg(long)]
        note: Option<Arc<str>>,
    },
    /// What waits for a yes does not go ahead, and why
    Reject {
        /// Why
        note: Arc<str>,
    },
}

/// By what a zone grows.
#[derive(Debug, Args)]
#[group(multiple = false)]
struct GrantArguments {
    /// Fields, as a pattern of the map
    #[arg(long, value_name = "PATTERN")]
    writes: Option<Pattern>,
    /// An event that wakes it
    #[arg(long, value_name = "EVENT")]
    triggers: Option<String>,
    /// A destination that it publishes to
    #[arg(long, value_name = "NAME")]
    outputs: Option<String>,
    /// What a tool means, as a row of the map in JSON
    #[arg(long, value_name = "JSON", value_parser = tool_row)]
    tool: Option<Box<ToolRow>>,
}

fn tool_row(text: &str) -> Result<Box<ToolRow>, serde_json::Error> {
    serde_json::from_str(text)
}

impl GrantArguments {
    fn given(self) -> Option<Grant> {
        let writes = self.writes.map(Grant::Write);
        let tool = self.tool.map(Grant::Tool);
        writes.or(self.triggers.map(Grant::Trigger)).or(self.outputs.map(Grant::Output)).or(tool)
    }
}

/// What `--dry-run --json` prints.
#[derive(Serialize)]
struct Planned<'a> {
    item: ItemNo,
    answer: &'a ItemAnswer,
    preview: &'a Preview,
}

/// Previews, then answers.
pub(super) fn run(context: &Context, arguments: Arguments) -> anyhow::Result<Status> {
    session::with_client(context, async |client| answer(context.out, client, arguments).await)
}

async fn answer(out: Output, client: &Client, arguments: Arguments) -> anyhow::Result<Status> {
    let item = arguments.item;
    let view = client.item(item).await?;
    // What is answered, and may be signed, is what is here, whatever digest a server says that it has.
    anyhow::ensure!(
        view.digest == view.item.digest(),
        "the server shows #{item} with the digest of something else: nothing was answered"
    );
    if let Some(digest) = &arguments.digest
        && (digest.len() < 8 || !view.digest.starts_with(digest.as_str()))
    {
        output::line(format!(
            "the case is not the one with digest {digest}; look at it with `deeds inbox show {item}`"
        ))?;
        return Ok(Status::No);
    }
    let answer = build(&view, arguments.answer)?;
    let mut preview = client.preview(item, &answer, &[]).await?;
    let include = if arguments.alike { std::mem::take(&mut preview.settles) } else { Vec::new() };
    if !include.is_empty() {
        // What is shown is what is given.
        preview = client.preview(item, &answer, &include).await?;
    }
    if !out.json {
        print(out, &preview)?;
    } else if arguments.dry_run || preview.obstacle.is_some() {
        output::json(&Planned { item, answer: &answer, preview: &preview })?;
    }
    if preview.obstacle.is_some() {
        return Ok(Status::No);
    }
    if arguments.dry_run {
        return Ok(Status::Done);
    }
    let answered = Answered { answer, version: view.item.version, digest: Arc::clone(&view.digest), include };
    reply::tell(out, &client.ask(&Command::Item(ItemStep { item, step: ItemVerb::Answer(answered) })).await?)
}

fn build(view: &ItemView, answer: Answer) -> anyhow::Result<ItemAnswer> {
    Ok(match answer {
        Answer::Expand { agent, grant, note } => {
            let suggestion = view.item.suggestion.as_ref();
            let agent = agent.or_else(|| suggestion.map(|suggestion| suggestion.agent.clone()));
            let grant = grant.given().or_else(|| suggestion.map(|suggestion| suggestion.grant.clone()));
            let nothing = || {
                Usage::error(
                    "nothing is suggested for this case; say --agent, and --writes, --triggers or --outputs",
                )
            };
            ItemAnswer::Expand { agent: agent.ok_or_else(nothing)?, grant: grant.ok_or_else(nothing)?, note }
        }
        Answer::Handle { note, reply, to } => {
            ItemAnswer::Handle { note, reply: value::maybe(reply.as_deref())?, to }
        }
        Answer::Ruling { right, value, note } => {
            ItemAnswer::Ruling { right, value: value::maybe(value.as_deref())?, note }
        }
        Answer::OutOfScope { reason, rule } => ItemAnswer::OutOfScope { reason, rule },
        Answer::SendOn { note, to, attempts } => ItemAnswer::SendOn { to, max_attempts: attempts, note },
        Answer::Transfer { pattern, from, to, note } => {
            let to = to.or_else(|| view.item.raised_by.agent().cloned());
            let to = to.ok_or_else(|| Usage::error("no agent raised this case; say --to"))?;
            ItemAnswer::Transfer { pattern, from, to, note }
        }
        Answer::Approve { note } => ItemAnswer::Approve { note },
        Answer::ApproveEdited { body, file, note } => {
            let body = value::body(body.as_deref(), file.as_deref(), "say what goes out, or --file")?;
            ItemAnswer::ApproveEdited { body, note }
        }
        Answer::Reject { note } => ItemAnswer::Reject { note },
    })
}

fn print(out: Output, preview: &Preview) -> anyhow::Result<()> {
    if let Some((before, after)) = preview.map {
        out.fact("map", &format!("v{before} → v{after}"))?;
    }
    for change in &preview.changes {
        out.fact("", change)?;
    }
    if let Some(obstacle) = &preview.obstacle {
        out.fact("no", obstacle)?;
    }
    if !preview.settles.is_empty() {
        let items: Vec<String> = preview.settles.iter().map(|item| format!("#{item}")).collect();
        out.fact("alike", &format!("{} (settled too with --alike)", items.join(" ")))?;
    }
    for one in &preview.closes {
        let how = if one.open { "waits" } else { "answered before" };
        let times = if one.times > 1 { format!(" ×{}", one.times) } else { String::new() };
        out.fact("closes", &format!("#{} {}{times} ({how})", one.item, one.title))?;
    }
    for line in &preview.then {
        out.fact("then", line)?;
    }
    Ok(())
}
