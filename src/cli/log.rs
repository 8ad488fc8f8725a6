//! `deeds log`: the ledger, filtered, followed, exported.

mod export;

use clap::{Args, ValueEnum};

use super::console::kept;
use super::context::Context;
use super::output::{self, Output};
use super::signals::Signals;
use super::status::Status;
use super::{deeds, session};
use crate::api::{PAGE_LIMIT, RawDeed};
use crate::client::{Client, Direction, LedgerQuery, StreamEvent, StreamFrom};
use crate::domain::filter::Key;
use crate::domain::ids::Seq;

/// How many deeds are shown if nothing is said.
const LIMIT: u32 = 50;

/// What of the ledger is shown.
#[derive(Debug, Args)]
#[command(after_help = help())]
pub(crate) struct Command {
    /// Which deeds; all of them if nothing is said
    filter: Vec<String>,
    /// The filter that your console keeps under this name; words beside it narrow it
    #[arg(long, value_name = "NAME")]
    saved: Option<String>,
    /// Go on with what happens from now on
    #[arg(long, short)]
    follow: bool,
    /// How many deeds, the newest ones
    #[arg(long, short = 'n', default_value_t = LIMIT)]
    limit: u32,
    /// Every deed to standard output: `jsonl` (without a filter it can be verified) or `csv`
    #[arg(long, value_name = "FORMAT", conflicts_with_all = ["follow", "limit"])]
    export: Option<Format>,
}

/// How deeds are exported.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    /// One JSON document a line
    Jsonl,
    /// A table for spreadsheets
    Csv,
}

fn help() -> String {
    let mut text = "\
Examples:
  deeds log 'actor:intake outcome:refused since:2h'
  deeds log 'entity:crm/contact/* \"acme\"' --follow
  deeds log --saved 'what sales did' since:2h
  deeds log --export jsonl > deeds.jsonl && deeds verify --export deeds.jsonl
  deeds log 'since:7d' --export csv > week.csv

The filter, `key:value` with quotes around blanks; `-` negates, `,` is or, other words are searched for:
"
    .to_owned();
    text.extend(Key::ALL.iter().map(|key| format!("  {:<26} {}\n", key.example(), key.doc())));
    text
}

/// Runs it.
pub(super) fn run(context: &Context, command: &Command) -> anyhow::Result<Status> {
    let out = context.out;
    let mut filter = command.filter.join(" ");
    session::with_session(context, async |session| {
        let client = &session.client;
        if let Some(name) = &command.saved {
            let saved = kept::saved(context, &client.whoami().await?.ledger, name)?;
            filter = [saved, filter].join(" ");
        }
        if !filter.is_empty() {
            deeds::index_caught_up(client).await?;
        }
        match command.export {
            Some(Format::Jsonl) => export::jsonl(out, client, &filter).await,
            Some(Format::Csv) => export::csv(out, client, &filter).await,
            None => {
                let last = show(out, client, &filter, command.limit).await?;
                if !command.follow {
                    return Ok(Status::Done);
                }
                let mut signals = Signals::listen();
                session.take_over_when_free(&context.config);
                tokio::select! {
                    status = follow(out, client, filter, last) => status,
                    () = signals.asked_to_stop() => Ok(Status::Done),
                }
            }
        }
    })
}

/// Prints the newest deeds, and says up to which deed it looked.
async fn show(out: Output, client: &Client, filter: &str, limit: u32) -> anyhow::Result<Seq> {
    let mut left = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut pages: Vec<Vec<RawDeed>> = Vec::new();
    let mut direction = Direction::Newest;
    let mut head = None;
    while left > 0 || head.is_none() {
        let wanted = left.clamp(1, PAGE_LIMIT);
        let query =
            LedgerQuery { filter: filter.to_owned(), direction, limit: wanted, ..LedgerQuery::default() };
        let mut page = client.ledger(&query).await?;
        head.get_or_insert(page.head);
        page.deeds.truncate(left);
        left -= page.deeds.len();
        let more = page.more;
        let first = page.deeds.first().map(|deed| deed.seq);
        pages.push(page.deeds);
        match first {
            Some(first) if more => direction = Direction::Before(first),
            Some(_) | None => break,
        }
    }
    if !out.json {
        out.faint(deeds::HEADING)?;
    }
    for raw in pages.iter().rev().flatten() {
        if out.json {
            output::json_text(raw.deed.get())?;
        } else {
            output::line(deeds::line(raw))?;
        }
    }
    Ok(head.unwrap_or_default())
}

/// Prints deeds as they come, across restarts of the server, until it is told to stop.
async fn follow(out: Output, client: &Client, filter: String, after: Seq) -> anyhow::Result<Status> {
    let mut stream = client.stream(StreamFrom { after, hash: None, filter });
    let mut down = false;
    while let Some(event) = stream.next().await {
        match event {
            StreamEvent::Deed { bytes, deed, seq, .. } => match (out.json, deed) {
                (false, Some(deed)) => output::line(deeds::of(&deed))?,
                (false, None) => output::line(deeds::unknown(seq, &String::from_utf8_lossy(&bytes)))?,
                (true, _) => output::json_text(&String::from_utf8_lossy(&bytes))?,
            },
            StreamEvent::Connected { .. } if down => {
                output::complain("connected again");
                down = false;
            }
            StreamEvent::Disconnected { why, .. } if !down => {
                output::complain(format!("{why}; trying again"));
                down = true;
            }
            StreamEvent::Connected { .. }
            | StreamEvent::Progress { .. }
            | StreamEvent::Disconnected { .. } => {}
            StreamEvent::Rewritten { seq, why } => {
                anyhow::bail!(
                    "the ledger there is not the one followed so far, from deed {seq} on: {why}; look at it with `deeds verify`"
                );
            }
            StreamEvent::Refused(problem) => return Err(crate::client::ClientError::Problem(problem).into()),
        }
    }
    Ok(Status::Done)
}
