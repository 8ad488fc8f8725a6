//! `deeds map docs`: the one shared document of a map, from a file or from the map in force.

use std::path::PathBuf;

use clap::Args;

use super::check;
use crate::cli::context::Context;
use crate::cli::status::{Status, Usage};
use crate::cli::{hook, output, session};
use crate::domain::map;
use crate::domain::survey::document;

/// Of which map, and where to.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  deeds map docs > OWNERSHIP.md              of the map in force\n  deeds map docs team.toml --out OWNERSHIP.md   of a file; needs no server\n\nThe same map gives the same document. A file that is there is replaced. Exit status 1 if the map has errors."
)]
pub(crate) struct Arguments {
    /// The map file; the map in force if none is named
    file: Option<PathBuf>,
    /// A file for the document, instead of standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Reads the map, writes the document.
pub(super) fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Status> {
    let Some(file) = &arguments.file else {
        return session::with_client(context, async |client| {
            let view = client.map(None).await?;
            let status = write(context, arguments, &document(&view.model, Some(view.version)))?;
            hook::remember_map(context, client).await;
            Ok(status)
        });
    };
    let text = check::read(file)?;
    let parsed = map::parse(&text);
    match parsed.model.as_ref().filter(|_| !parsed.has_errors()) {
        Some(model) => write(context, arguments, &document(model, None)),
        None => check::report(context.out, file, &text, &parsed, &[]),
    }
}

/// Names from the map are read by people here, in the file too: nothing hides in them.
fn write(context: &Context, arguments: &Arguments, page: &str) -> anyhow::Result<Status> {
    let page = &*output::harmless(page);
    if let Some(file) = &arguments.out {
        std::fs::write(file, page).map_err(|error| {
            Usage::error(format!("{}: {error}; name a file that you may write", file.display()))
        })?;
    }
    if context.out.json {
        output::json(&serde_json::json!({ "markdown": page }))?;
    } else if arguments.out.is_none() {
        output::styled(page.trim_end())?;
    }
    Ok(Status::Done)
}
