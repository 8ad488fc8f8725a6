//! `deeds trace`: everything that happened to a record or a field, or what led to a deed and what it led to.

use std::str::FromStr;

use clap::Args;

use super::context::Context;
use super::output::{self, Output};
use super::status::Status;
use super::{deeds, session};
use crate::api::PAGE_LIMIT;
use crate::client::Client;
use crate::domain::ids::Seq;
use crate::domain::path::FieldPath;

/// What is traced.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  deeds trace 'crm/contact/acme#status'   the history of a field\n  deeds trace crm/contact/acme            the history of a record\n  deeds trace 317                         causes and effects of deed 317\n\nExit status 1 if there is nothing."
)]
pub(crate) struct Command {
    /// A path, or a deed's number
    what: What,
    /// How many deeds of a path, the newest ones
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
}

/// A path or a number.
#[derive(Debug, Clone)]
enum What {
    Deed(Seq),
    Path(FieldPath),
}

impl FromStr for What {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(seq) = text.parse() {
            return Ok(Self::Deed(seq));
        }
        text.parse().map(Self::Path).map_err(|error: crate::domain::path::PathError| error.to_string())
    }
}

/// Runs it.
pub(super) fn run(context: &Context, command: &Command) -> anyhow::Result<Status> {
    let out = context.out;
    session::with_client(context, async |client| {
        deeds::index_caught_up(client).await?;
        match &command.what {
            What::Deed(seq) => chain(out, client, *seq).await,
            What::Path(path) => {
                let limit = usize::try_from(command.limit).unwrap_or(PAGE_LIMIT);
                history(out, client, path, limit).await
            }
        }
    })
}

async fn history(out: Output, client: &Client, path: &FieldPath, limit: usize) -> anyhow::Result<Status> {
    let page = client.trace_entity(path, None, limit).await?;
    let status = if page.deeds.is_empty() { Status::No } else { Status::Done };
    out.show(&page, || {
        if page.deeds.is_empty() {
            return out.faint(format!("nothing has happened to {path}"));
        }
        out.faint(deeds::HEADING)?;
        for raw in &page.deeds {
            output::line(deeds::line(raw))?;
        }
        if page.more { out.faint("… and earlier ones; --limit shows more") } else { Ok(()) }
    })?;
    Ok(status)
}

async fn chain(out: Output, client: &Client, seq: Seq) -> anyhow::Result<Status> {
    let chain = client.trace_deed(seq).await?;
    if out.json {
        output::json(&chain)?;
        return Ok(Status::Done);
    }
    out.faint(deeds::HEADING)?;
    for raw in &chain.causes {
        output::line(format!("  {}", deeds::line(raw)))?;
    }
    output::line(format!("> {}", deeds::line(&chain.deed)))?;
    for effect in &chain.effects {
        let depth = usize::try_from(effect.depth).unwrap_or_default();
        output::line(format!("  {}└ {}", "  ".repeat(depth), deeds::line(&effect.deed).trim_start()))?;
    }
    if chain.cut {
        out.faint("… the chain goes on beyond what is shown")?;
    }
    Ok(Status::Done)
}
