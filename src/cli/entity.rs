//! `deeds entity`: what a record holds, now or then.

use clap::Args;

use super::context::Context;
use super::list;
use super::output::Output;
use super::status::Status;
use super::then::{self, Then};
use crate::client::Client;
use crate::domain::path::{EntityPath, FieldName};
use crate::domain::query::{EntityView, FieldView};

/// Which record, and of when.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  deeds entity crm/contact/acme\n  deeds entity crm/contact/acme --at -2h\n  deeds entity crm/contact/acme --at 4711 --json\n\nExit status 1 if nothing is known of it."
)]
pub(crate) struct Command {
    /// The record
    entity: EntityPath,
    #[command(flatten)]
    then: Then,
}

/// Runs it.
pub(super) fn run(context: &Context, command: &Command) -> anyhow::Result<Status> {
    let out = context.out;
    then::with_client(context, &command.then, async |client| {
        let view = client.read(&command.entity).await?;
        let status = if view.version.0 == 0 { Status::No } else { Status::Done };
        out.show(&view, || tell(out, client, &view))?;
        Ok(status)
    })
}

/// Which fields people hold.
fn held(view: &EntityView) -> Option<String> {
    let hands = view.fields.values().filter_map(|field| field.held.as_ref());
    let words: Vec<String> = hands
        .map(|held| format!("#{} by {} until {}: {}", held.field, held.by, held.until_words(), held.reason))
        .collect();
    (!words.is_empty()).then(|| words.join("; "))
}

fn tell(out: Output, client: &Client, view: &EntityView) -> anyhow::Result<()> {
    then::tell(out, client)?;
    let owner = view.owner.as_ref().map_or_else(|| "nobody".to_owned(), ToString::to_string);
    let gone = view.gone.as_ref().map(|gone| format!("by {}, {}, deed {}", gone.by, gone.at, gone.deed));
    let deleted = view.gone.as_ref().is_some_and(|gone| gone.deleted);
    out.facts([
        ("entity", Some(format!("{} v{}", view.entity, view.version))),
        ("owner", Some(owner)),
        (if deleted { "deleted" } else { "archived" }, gone),
        ("frozen", view.frozen.as_ref().map(|stop| format!("by {}, {}: {}", stop.by, stop.at, stop.reason))),
        ("held", held(view)),
    ])?;
    if view.fields.is_empty() {
        return out.faint("nothing is written there");
    }
    let row = |(name, field): (&FieldName, &FieldView)| {
        vec![
            if name.is_whole() { "(the whole)".to_owned() } else { format!("#{name}") },
            field.value.plain(),
            format!("v{}", field.version),
            list::who(&field.by),
            field.at.to_string(),
            field.owner.as_ref().map(ToString::to_string).unwrap_or_default(),
        ]
    };
    let rows: Vec<_> = view.fields.iter().map(row).collect();
    out.table(&["FIELD", "VALUE", "VERSION", "BY", "AT", "OWNER"], &rows)
}
