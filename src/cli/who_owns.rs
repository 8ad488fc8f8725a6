//! `deeds who-owns`: who may write a field, who answers for it, and what it holds now.

use clap::Args;

use super::context::Context;
use super::hook;
use super::output::{self, Output};
use super::status::Status;
use super::then::{self, Then};
use crate::client::Client;
use crate::domain::path::FieldPath;
use crate::domain::query::Ownership;

/// What is asked about.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  deeds who-owns 'crm/contact/acme#status'\n  deeds who-owns docs/plan.md\n  deeds who-owns docs/plan.md --at -2d\n\nExit status 1 if nobody owns it."
)]
pub(crate) struct Command {
    /// A field (`entity#field`), or an entity as a whole
    path: FieldPath,
    #[command(flatten)]
    then: Then,
}

/// Runs it.
pub(super) fn run(context: &Context, command: &Command) -> anyhow::Result<Status> {
    let out = context.out;
    then::with_client(context, &command.then, async |client| {
        let ownership = client.who_owns(&command.path).await?;
        if out.json {
            output::json(&ownership)?;
        } else {
            tell(out, client, &ownership)?;
        }
        hook::remember_map(context, client).await;
        Ok(if ownership.owners.is_empty() { Status::No } else { Status::Done })
    })
}

fn tell(out: Output, client: &Client, ownership: &Ownership) -> anyhow::Result<()> {
    then::tell(out, client)?;
    let names = |names: Vec<String>| if names.is_empty() { "nobody".to_owned() } else { names.join(", ") };
    out.fact("path", &ownership.path.to_string())?;
    out.fact("owner", &names(ownership.owners.iter().map(ToString::to_string).collect()))?;
    if !ownership.people.is_empty() {
        out.fact("answers", &names(ownership.people.iter().map(ToString::to_string).collect()))?;
    }
    out.fact("kind", &ownership.kind)?;
    out.fact("queue", ownership.queue.as_str())?;
    out.fact("map", &format!("v{}", ownership.map_version))?;
    if let Some(field) = &ownership.field {
        let words = format!("{} (v{} by {}, {})", field.value.plain(), field.version, field.by, field.at);
        out.fact("value", &words)?;
    }
    Ok(())
}
