//! `deeds map infer`: a map proposed from what has happened, as a file that a person goes on with.

use std::path::{Path, PathBuf};

use clap::Args;

use super::plan::{Bar, looked_at};
use crate::api::{InferView, MOST_DAYS};
use crate::cli::context::Context;
use crate::cli::output::{self, Output};
use crate::cli::session;
use crate::cli::status::{Status, Usage};

/// How much of the history, and where to.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  deeds map infer --out team.toml\n  deeds map infer --days 30 | less\n  deeds map infer --json | jq '.contested'\n\nWho made nearly all writes to a kind of field gets it. What several made is marked CONTESTED with their shares and left\nfor you; until it is decided `deeds map check` names it. Exit status 1 if nothing has happened yet."
)]
pub(crate) struct Arguments {
    /// How many days back, by the time of recording
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST_DAYS)))]
    days: Option<u32>,
    /// Everything that ever happened, which is also what is meant if nothing is said
    #[arg(long, conflicts_with = "days")]
    all: bool,
    /// A new file for the map, instead of standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Asks for it, writes it down, says what is left to do.
pub(super) fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Status> {
    let out = context.out;
    if let Some(file) = arguments.out.as_deref().filter(|file| file.exists()) {
        // Told before the long look, not after it.
        return Err(Usage::error(format!(
            "{}: there is such a file already; name a new one",
            file.display()
        )));
    }
    session::with_client(context, async |client| {
        let bar = Bar::default();
        let days = arguments.days.filter(|_| !arguments.all);
        let view = client.infer_map(days, |looked| bar.tell(looked)).await;
        bar.end();
        let view = view?;
        if view.inferred.agents == 0 {
            let looked = looked_at(&view.window, view.inferred.deeds);
            output::complain(format!(
                "nothing to propose: no agent has written, acted, published or answered an event in {looked}"
            ));
            return Ok(Status::No);
        }
        write(out, arguments.out.as_deref(), &view)?;
        Ok(Status::Done)
    })
}

fn write(out: Output, file: Option<&Path>, view: &InferView) -> anyhow::Result<()> {
    // Names come from what agents wrote: in the file a person sees what they are.
    let toml = output::escaped_toml(&view.inferred.toml);
    if let Some(file) = file {
        super::write_new(file, &toml)?;
    }
    if out.json {
        return output::json(view);
    }
    if file.is_none() {
        output::styled(toml.trim_end())?;
    }
    tell(view, file);
    Ok(())
}

/// What came of it, beside the file.
fn tell(view: &InferView, file: Option<&Path>) {
    let found = &view.inferred;
    let shown = file.map_or_else(|| "the map".to_owned(), |file| file.display().to_string());
    output::complain(format!("looked at {}", looked_at(&view.window, found.deeds)));
    output::complain(format!(
        "{} agents; {} granted, {} contested",
        found.agents,
        found.granted,
        found.contested.len()
    ));
    if found.left_out > 0 {
        output::complain(format!("{} deeds are not in it: too many agents or names", found.left_out));
    }
    if found.contested.is_empty() {
        output::complain(format!("look through {shown}, then `deeds map plan` and `deeds map apply` it"));
    } else {
        output::complain(format!(
            "decide in {shown} what is marked CONTESTED; `deeds map check` says what is left, `deeds map plan` what it would stop"
        ));
    }
}
