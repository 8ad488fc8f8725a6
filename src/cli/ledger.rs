//! `deeds ledger`: what a person does when a ledger does not hold what was seen in it.

use std::sync::Arc;

use clap::Subcommand;

use super::console::seen;
use super::context::Context;
use super::status::{Status, Usage};
use super::{output, reply, session};
use crate::domain::command::{self, AcceptLoss};

/// What is done.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Go on without deeds that are missing and gone for good, as an admin; the ledger says so from then on
    #[command(
        after_help = "Examples:\n  deeds ledger accept-loss --reason 'the write-ahead log was deleted on 3 March'\n\nBefore that: is there a backup with them, or the file ledger.db-wal? Where deeds are missing `deeds doctor` says which. What was acknowledged in\nthem is gone, and their numbers are given to other deeds; each console refuses to decide until its person has said `deeds ledger confirm`."
    )]
    AcceptLoss {
        /// What happened
        #[arg(long)]
        reason: Arc<str>,
    },
    /// Take the history that the server has for the right one, though it does not continue what your console saw
    Confirm,
}

/// Runs it.
pub(super) fn run(context: &Context, command: Command) -> anyhow::Result<Status> {
    match command {
        Command::AcceptLoss { reason } => accept(context, reason),
        Command::Confirm => confirm(context),
    }
}

fn accept(context: &Context, reason: Arc<str>) -> anyhow::Result<Status> {
    if reason.trim().is_empty() {
        return Err(Usage::error("a loss is accepted with a reason: say in --reason what happened"));
    }
    session::with_session(context, async |session| {
        let who = session.client.whoami().await?;
        let Some(loss) = who.trouble.and_then(|trouble| trouble.missing) else {
            let why = format!("{}: no deed is missing, so that there is no loss to accept", who.workspace);
            return Err(Usage::error(why));
        };
        let accept = command::Command::AcceptLoss(AcceptLoss { through: loss.last, reason });
        let told = reply::tell(context.out, &session.client.ask(&accept).await?)?;
        if told != Status::Done {
            return Ok(told);
        }
        context.out.faint(format!(
            "deeds {} to {} are gone; others bear their numbers from now on. Each console's person confirms that with `deeds ledger confirm`",
            loss.first, loss.last
        ))?;
        Ok(told)
    })
}

fn confirm(context: &Context) -> anyhow::Result<Status> {
    session::with_session(context, async |session| {
        let workspace = session.client.token().workspace.clone();
        let (place, file) = seen::place(context, session);
        let seen = file.as_deref().and_then(|file| seen::forget(file, &place, &workspace));
        let listed = session.client.workspaces().await?;
        let head = listed.workspaces.iter().find(|one| one.workspace == workspace).map(|one| one.head);
        let out =
            serde_json::json!({ "workspace": workspace, "seen": seen.map(|seen| seen.seq), "head": head });
        context.out.show(&out, || match (seen, head) {
            (Some(seen), Some(head)) => output::line(format!(
                "{workspace}: deed {} was seen here; the server has {head}, and its history is the right one from now on",
                seen.seq
            )),
            (None | Some(_), _) => {
                output::line(format!("{workspace}: no deed was seen here yet, so that there is nothing to confirm"))
            }
        })?;
        Ok(Status::Done)
    })
}
