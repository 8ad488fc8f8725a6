//! `deeds clock`: what was recorded under a wrong clock is set right.

use std::sync::Arc;

use clap::{Args, Subcommand};

use super::context::Context;
use super::output::{self, Output};
use super::status::Status;
use super::{reply, session};
use crate::api::ClockPreview;
use crate::domain::command::{self, RebaseClock};
use crate::domain::ids::Seq;
use crate::domain::things::Rebased;
use crate::domain::time::{Span, Time};

/// What is done.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Move what was recorded under a wrong clock, as an admin, and let time go on from the right one
    #[command(
        after_help = "Examples:\n  deeds clock rebase --from 120 --reason 'the battery of the clock was empty' --dry-run\n  deeds clock rebase --from 120 --by 3650d --reason '…'          the clock was so far ahead\n  deeds clock rebase --from 120 --to 2026-03-03T09:00:00Z --reason '…'\n\nEvery lease, deadline and other end that was set from that deed on moves, and so does when each of them was recorded as far as rules and screens\nask for it. The deeds keep their bytes: `recordedtime` in them is what the clock showed. Set the machine's clock right first."
    )]
    Rebase(Rebase),
}

/// What moves, and how far.
#[derive(Debug, Args)]
pub(crate) struct Rebase {
    /// The first deed that was recorded under the wrong clock; all from there on were
    #[arg(long, value_name = "SEQ")]
    from: u64,
    /// How far ahead the clock was; as the open alert about the clock says, where neither this nor --to is said
    #[arg(long, value_name = "SPAN", conflicts_with = "to")]
    by: Option<Span>,
    /// What time it is
    #[arg(long, value_name = "TIME")]
    to: Option<Time>,
    /// What was wrong
    #[arg(long)]
    reason: Arc<str>,
    /// Only say what would move
    #[arg(long)]
    dry_run: bool,
}

/// Runs it.
pub(super) fn run(context: &Context, command: Command) -> anyhow::Result<Status> {
    let Command::Rebase(Rebase { from, by, to, reason, dry_run }) = command;
    let asked = RebaseClock { from: Seq(from), to, by, reason, read: None };
    if !dry_run {
        return reply::ask(context, &command::Command::RebaseClock(asked));
    }
    session::with_client(context, async |client| tell(context.out, &client.clock_preview(&asked).await?))
}

fn tell(out: Output, preview: &ClockPreview) -> anyhow::Result<Status> {
    out.show(preview, || {
        if let Some(rebased) = &preview.rebased {
            lines(rebased).iter().try_for_each(output::line)?;
        }
        preview.obstacle.iter().try_for_each(|why| output::line(format!("refused: {}", output::visible(why))))
    })?;
    Ok(if preview.rebased.is_some() { Status::Done } else { Status::No })
}

fn lines(rebased: &Rebased) -> Vec<String> {
    let Rebased { from, since, was, now, moves, more } = rebased;
    let mut lines = vec![format!(
        "it would be {now} and not {was}: what was set from deed {from} on (recorded at {since}) moves {} back",
        rebased.back()
    )];
    let move_of = |(what, was, now): (&str, &Time, &Time)| {
        format!("  {} is over at {now}, not at {was}", output::visible(what))
    };
    lines.extend(moves.iter().map(|moved| move_of((&moved.what, &moved.was, &moved.now))));
    if *more > 0 {
        lines.push(format!("  and {more} more"));
    }
    lines
}
