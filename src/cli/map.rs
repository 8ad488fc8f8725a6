//! `deeds map`: check a file without any server, show the map in force, plan and apply a new one.

mod apply;
pub(super) mod check;
mod codeowners;
mod docs;
mod infer;
mod init;
mod plan;
mod pull;
mod test;

use std::fs::File;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Subcommand;

use super::context::Context;
use super::status::{Status, Usage};
use super::then::{self, Then};
use super::{hook, output, reply};
use crate::domain::command::{Command as Order, MapReview, OfferZone};
use crate::domain::ids::{AgentId, MapVersion};
use crate::domain::path::Pattern;

/// What is done with a map.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Say everything that is wrong with a map file, with its place and the mend
    #[command(
        after_help = "Examples:\n  deeds map check team.toml\n  deeds map check team.toml --json | jq '.findings[].code'\n\nExit status 1 if the map has errors and so can't be applied. Needs no server."
    )]
    Check {
        /// The map file
        file: PathBuf,
    },
    /// Play cases against a map, in memory: what is given, what is done, what must come of it
    Test(test::Arguments),
    /// Print the map in force as a file
    Show {
        /// An earlier version, while it is kept
        #[arg(long = "map-version", value_name = "N")]
        version: Option<MapVersion>,
        #[command(flatten)]
        then: Then,
    },
    /// Write the one document that everybody shares: who answers, writes, publishes, decides
    Docs(docs::Arguments),
    /// Propose a map from what has happened; what several agents wrote is left for you to decide
    Infer(infer::Arguments),
    /// Say what a map would have said to what has happened, before it is put in force
    Plan(plan::Arguments),
    /// Write a first map for this workspace, to go on from
    Init(init::Arguments),
    /// Write into a map file what answers in the inbox have changed since; it keeps its comments and its order
    Pull(pull::Arguments),
    /// Put a map in force, whole, if the one that it was made from still is
    Apply(apply::Arguments),
    /// Offer a part of your zone to another agent, as an agent; the person accountable for you confirms it
    #[command(
        after_help = "Examples:\n  deeds map offer 'crm/deal/*#stage' --to support --reason 'support closes them'\n\nIt becomes an item of the person accountable; `deeds inbox answer N approve` puts the changed map in force. Exit status 1 if it was refused."
    )]
    Offer {
        /// What shall go over
        pattern: Pattern,
        /// To which agent
        #[arg(long, value_name = "AGENT")]
        to: AgentId,
        /// Why
        #[arg(long)]
        reason: Arc<str>,
    },
    /// Make a map of what another system says about ownership
    #[command(subcommand)]
    Import(Import),
    /// Record that you went through the map in force and stand by it; it is overdue `review_every` later
    #[command(
        after_help = "Examples:\n  deeds map reviewed --note 'nothing to change'\n  deeds map reviewed --if-version 41     only if v41 is what is in force\n\nFor admins and the map's governance owner. Exit status 1 if it was refused."
    )]
    Reviewed {
        /// What is worth keeping of it
        #[arg(long)]
        note: Option<Arc<str>>,
        /// The version that you went through; the one in force if nothing is said
        #[arg(long, value_name = "N")]
        if_version: Option<MapVersion>,
    },
}

/// What a map is made of.
#[derive(Debug, Subcommand)]
pub(crate) enum Import {
    /// A repository's CODEOWNERS file, as GitHub reads it
    Codeowners(codeowners::Arguments),
}

/// Runs it.
pub(super) fn run(context: &Context, command: Command) -> anyhow::Result<Status> {
    let out = context.out;
    match command {
        Command::Check { file } => check::run(context, &file),
        Command::Test(arguments) => test::run(context, &arguments),
        Command::Show { version, then } => then::with_client(context, &then, async |client| {
            if out.json {
                output::json(&client.map(version).await?)?;
            } else {
                output::styled(out.exact(client.map_toml(version).await?.trim_end()))?;
            }
            hook::remember_map(context, client).await;
            Ok(Status::Done)
        }),
        Command::Docs(arguments) => docs::run(context, &arguments),
        Command::Infer(arguments) => infer::run(context, &arguments),
        Command::Plan(arguments) => plan::run(context, &arguments),
        Command::Import(Import::Codeowners(arguments)) => codeowners::run(context, &arguments),
        Command::Init(arguments) => init::run(context, &arguments),
        Command::Pull(arguments) => pull::run(context, &arguments),
        Command::Apply(arguments) => apply::run(context, &arguments),
        Command::Offer { pattern, to, reason } => {
            reply::ask(context, &Order::OfferZone(OfferZone { pattern, to, reason }))
        }
        Command::Reviewed { note, if_version } => {
            reply::ask(context, &Order::MapReview(MapReview { version: if_version, note }))
        }
    }
}

/// Writes a map into a new file; one that is there already is left as it is.
///
/// # Errors
/// When there is such a file, or it can't be written.
fn write_new(file: &Path, toml: &str) -> anyhow::Result<()> {
    let shown = file.display();
    let mut opened = File::create_new(file).map_err(|error| {
        if error.kind() == ErrorKind::AlreadyExists {
            return Usage::error(format!("{shown}: there is such a file already; name a new one"));
        }
        Usage::error(format!("{shown}: {error}; name a file that you may write"))
    })?;
    Ok(opened.write_all(toml.as_bytes())?)
}
