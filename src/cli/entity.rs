//! `deeds entity`: what a record holds, now or then.

use clap::Args;

use super::context::Context;
use super::output;
use super::status::Status;
use super::then::{self, Then};
use crate::domain::path::EntityPath;
use crate::domain::query::EntityView;

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
        if out.json {
            output::json(&view)?;
            return Ok(status);
        }
        then::tell(out, client)?;
        out.fact("entity", &format!("{} v{}", view.entity, view.version))?;
        out.fact("owner", &view.owner.as_ref().map_or_else(|| "nobody".to_owned(), ToString::to_string))?;
        for (word, what) in stops(&view) {
            out.fact(word, &what)?;
        }
        if view.fields.is_empty() {
            out.faint("nothing is written there")?;
            return Ok(status);
        }
        let rows: Vec<Vec<String>> = view
            .fields
            .iter()
            .map(|(name, field)| {
                vec![
                    if name.is_whole() { "(the whole)".to_owned() } else { format!("#{name}") },
                    field.value.plain(),
                    format!("v{}", field.version),
                    field.by.to_string(),
                    field.at.to_string(),
                    field.owner.as_ref().map(ToString::to_string).unwrap_or_default(),
                ]
            })
            .collect();
        out.table(&["FIELD", "VALUE", "VERSION", "BY", "AT", "OWNER"], &rows)?;
        Ok(status)
    })
}

fn stops(view: &EntityView) -> Vec<(&'static str, String)> {
    let gone = view.gone.as_ref().map(|gone| {
        let word = if gone.deleted { "deleted" } else { "archived" };
        (word, format!("by {}, {}, deed {}", gone.by, gone.at, gone.deed))
    });
    let frozen =
        view.frozen.as_ref().map(|stop| ("frozen", format!("by {}, {}: {}", stop.by, stop.at, stop.reason)));
    gone.into_iter().chain(frozen).collect()
}
