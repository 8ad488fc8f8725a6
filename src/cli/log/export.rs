//! `deeds log --export`: every deed that a filter means, page by page, as lines of JSON or as a table for spreadsheets.

use std::io::{self, BufWriter, Write};

use anyhow::Context as _;
use indicatif::ProgressBar;

use crate::api::{PAGE_LIMIT, RawDeed, table};
use crate::cli::output::{Output, bar, escaped};
use crate::cli::status::Status;
use crate::client::{Client, ClientError, Direction, LedgerQuery};
use crate::domain::ids::Seq;
use crate::ledger::{Head, Identity, LedgerError, Record, Verifier, export};

/// Lines of JSON. Without a filter it is the whole chain byte for byte, which `deeds verify --export` takes.
pub(super) async fn jsonl(terminal: Output, client: &Client, filter: &str) -> anyhow::Result<Status> {
    if filter.is_empty() {
        return chain(terminal, client).await;
    }
    let mut out = BufWriter::new(io::stdout().lock());
    each(client, (filter, None), |raw| writeln!(out, "{}", escaped(raw.deed.get()))).await?;
    out.flush()?;
    Ok(Status::Done)
}

/// The whole chain. Where it does not hold, all of it comes nevertheless, and then that.
async fn chain(terminal: Output, client: &Client) -> anyhow::Result<Status> {
    let identity = identity(client).await?;
    let mut out = BufWriter::new(io::stdout().lock());
    let query = LedgerQuery { direction: Direction::Oldest, limit: 1, ..LedgerQuery::default() };
    let end = client.ledger(&query).await?.head;
    writeln!(out, "{}", export::heading(&identity, end.0))?;
    let mut verifier = Verifier::after(Head { seq: 0, hash: identity.genesis() });
    let mut broken = None;
    each(client, ("", Some(end)), |raw| {
        let bytes = raw.deed.get().as_bytes();
        if broken.is_none() {
            broken = verifier.check(raw.seq.0, raw.hash, bytes).err();
        }
        let line = export::line(&Record { seq: raw.seq.0, hash: raw.hash, bytes: bytes.to_vec().into() });
        writeln!(out, "{}", terminal.exact(&String::from_utf8_lossy(&line)))
    })
    .await?;
    out.flush()?;
    let Some(broken) = broken else { return Ok(Status::Done) };
    let place = format!("the ledger of {}", identity.workspace);
    Err(LedgerError::Corrupt { place, seq: Some(broken.seq()), reason: broken.to_string() }.into())
}

async fn identity(client: &Client) -> anyhow::Result<Identity> {
    let me = client.whoami().await?;
    let id = me.ledger.strip_prefix("urn:uuid:").unwrap_or(&me.ledger);
    let id = id.parse().context("the server's ledger has no UUID")?;
    Ok(Identity { id, workspace: me.workspace.to_string() })
}

/// A table.
pub(super) async fn csv(terminal: Output, client: &Client, filter: &str) -> anyhow::Result<Status> {
    let mut out = BufWriter::new(io::stdout().lock());
    writeln!(out, "{}", table::header())?;
    each(client, (filter, None), |raw| writeln!(out, "{}", terminal.exact(&table::row(raw)))).await?;
    out.flush()?;
    Ok(Status::Done)
}

/// Every deed that the filter means up to that one, else up to the head of now, oldest first.
async fn each(
    client: &Client,
    (filter, until): (&str, Option<Seq>),
    mut take: impl FnMut(&RawDeed) -> io::Result<()>,
) -> anyhow::Result<()> {
    let mut query = LedgerQuery {
        filter: filter.to_owned(),
        direction: Direction::Oldest,
        limit: PAGE_LIMIT,
        ..LedgerQuery::default()
    };
    let mut bar: Option<ProgressBar> = None;
    let mut end = until;
    loop {
        let page = match client.ledger(&query).await {
            // Deeds that carry much: fewer of them at once.
            Err(ClientError::TooLong { .. }) if query.limit > 1 => {
                query.limit /= 2;
                continue;
            }
            page => page?,
        };
        let end = *end.get_or_insert(page.head);
        let bar = bar.get_or_insert_with(|| self::bar(end.0, "{pos} of {len}"));
        let mut last: Option<Seq> = None;
        for raw in page.deeds.iter().filter(|raw| raw.seq <= end) {
            take(raw)?;
            last = Some(raw.seq);
        }
        bar.set_position(last.unwrap_or(end).0);
        match last {
            Some(last) if page.more && last < end => query.direction = Direction::After(last),
            Some(_) | None => break,
        }
    }
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    Ok(())
}
