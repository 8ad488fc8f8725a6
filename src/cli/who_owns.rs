//! `deeds who-owns`: who may write a field, who answers for it, and what it holds now.

use clap::Args;

use super::context::Context;
use super::hook;
use super::output::Output;
use super::status::Status;
use super::then::{self, Then};
use crate::client::Client;
use crate::domain::path::FieldPath;
use crate::domain::query::Ownership;
use crate::domain::things::HeldField;

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
        out.show(&ownership, || tell(out, client, &ownership))?;
        hook::remember_map(context, client).await;
        Ok(if ownership.owners.is_empty() { Status::No } else { Status::Done })
    })
}

fn tell(out: Output, client: &Client, ownership: &Ownership) -> anyhow::Result<()> {
    then::tell(out, client)?;
    let names = |names: Vec<String>| if names.is_empty() { "nobody".to_owned() } else { names.join(", ") };
    let people = names(ownership.people.iter().map(ToString::to_string).collect());
    let value = ownership.field.as_ref();
    out.facts([
        ("path", Some(ownership.path.to_string())),
        ("owner", Some(names(ownership.owners.iter().map(ToString::to_string).collect()))),
        ("answers", (!ownership.people.is_empty()).then_some(people)),
        ("kind", Some(ownership.kind.clone())),
        ("queue", Some(ownership.queue.to_string())),
        ("map", Some(format!("v{}", ownership.map_version))),
        (
            "value",
            value.map(|now| format!("{} (v{} by {}, {})", now.value.plain(), now.version, now.by, now.at)),
        ),
        (
            "no access",
            (!ownership.no_access.is_empty())
                .then(|| names(ownership.no_access.iter().map(ToString::to_string).collect())),
        ),
        ("held", value.and_then(|now| now.held.as_ref()).map(hand)),
    ])
}

/// A person's hand on the field: whose, and until when.
fn hand(held: &HeldField) -> String {
    format!("by {} until {}: {}", held.by, held.until_words(), held.reason)
}
