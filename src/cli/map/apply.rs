//! `deeds map apply`: the difference to the map in force, then compare-and-set on its version.

use std::path::PathBuf;

use clap::Args;

use super::check;
use crate::api::MapChecked;
use crate::cli::context::Context;
use crate::cli::status::Status;
use crate::cli::{hook, output, reply, session};
use crate::domain::ids::MapVersion;
use crate::domain::map;

/// Which map, and why.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  deeds map apply team.toml --reason 'billing joins'\n  deeds map apply team.toml --dry-run\n  deeds map apply team.toml --if-version 41     only if nobody changed the map since v41\n  deeds map apply team.toml --take-back        although reviewers have granted since what it lacks\n\nExit status 1 if the map has errors, or another map came in force meanwhile; nothing is half-applied."
)]
pub(crate) struct Arguments {
    /// The map file
    file: PathBuf,
    /// Why it changes
    #[arg(long)]
    reason: Option<String>,
    /// The version that the file was made from; the one in force if nothing is said
    #[arg(long, value_name = "N")]
    if_version: Option<MapVersion>,
    /// Only say what would change
    #[arg(long)]
    dry_run: bool,
    /// Take back what answers in the inbox have changed, where the file lacks it
    #[arg(long)]
    take_back: bool,
}

/// What readiness asks for and is not met, and how to go on all the same.
fn warn(checked: &MapChecked, arguments: &Arguments) {
    // Where it is sent, the answer says it.
    let told = arguments.dry_run && !arguments.take_back;
    for change in checked.takes_back.iter().filter(|_| told) {
        output::complain(format!("takes back what an answer changed: {}", output::visible(change)));
    }
    if !checked.takes_back.is_empty() && told {
        output::complain(
            "`deeds map pull FILE` writes it into the file; --take-back applies it all the same",
        );
    }
    for unmet in &checked.unmet {
        output::complain(format!("warning: {}", output::visible(unmet)));
    }
    if checked.needs_reason && arguments.reason.is_none() {
        output::complain(
            "it is applied only with a reason, which is recorded: add --reason 'why they join all the same'",
        );
    }
}

/// Checks here, compares there, applies.
pub(super) fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Status> {
    let out = context.out;
    let text = check::read(&arguments.file)?;
    let parsed = map::parse(&text);
    if parsed.has_errors() {
        return check::report(out, &arguments.file, &text, &parsed, &[]);
    }
    session::with_client(context, async |client| {
        let checked = client.check_map(&text).await?;
        if arguments.dry_run && out.json {
            output::json(&checked)?;
        }
        if !out.json {
            for change in &checked.changes {
                output::line(output::visible(change))?;
            }
            if checked.changes.is_empty() {
                out.faint(format!("nothing changes for agents and queues against v{}", checked.version))?;
            }
        }
        warn(&checked, arguments);
        if arguments.dry_run {
            return Ok(Status::Done);
        }
        let made_for = arguments.if_version.unwrap_or(checked.version);
        let reply = client
            .put_map(&text, made_for, arguments.reason.as_deref(), (false, arguments.take_back))
            .await?;
        hook::remember_map(context, client).await;
        reply::tell(out, &reply)
    })
}
