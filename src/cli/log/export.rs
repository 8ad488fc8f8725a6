//! `deeds log --export`: every deed that a filter means, page by page, as lines of JSON or as a table for spreadsheets.

use std::io::{self, BufWriter, Write};

use anyhow::Context as _;
use indicatif::ProgressBar;

use crate::api::{PAGE_LIMIT, RawDeed};
use crate::cli::output::{Output, escaped};
use crate::cli::status::Status;
use crate::cli::verify::bar;
use crate::client::{Client, Direction, LedgerQuery};
use crate::domain::deed::Deed;
use crate::domain::ids::Seq;
use crate::ledger::{Identity, Record, export};

const COLUMNS: [&str; 16] = [
    "seq",
    "time",
    "recorded",
    "class",
    "actor",
    "action",
    "type",
    "entity",
    "fields",
    "outcome",
    "code",
    "reason",
    "map_version",
    "cause",
    "item",
    "alerts",
];

/// Lines of JSON. Without a filter it is the whole chain byte for byte, which `deeds verify --export` takes.
pub(super) async fn jsonl(terminal: Output, client: &Client, filter: &str) -> anyhow::Result<Status> {
    let mut out = BufWriter::new(io::stdout().lock());
    if filter.is_empty() {
        writeln!(out, "{}", export::heading(&identity(client).await?))?;
    }
    let whole = filter.is_empty();
    each(client, filter, |raw| {
        if whole {
            let bytes = raw.deed.get().as_bytes().to_vec().into();
            let line = export::line(&Record { seq: raw.seq.0, hash: raw.hash, bytes });
            return writeln!(out, "{}", terminal.exact(&String::from_utf8_lossy(&line)));
        }
        writeln!(out, "{}", escaped(raw.deed.get()))
    })
    .await?;
    out.flush()?;
    Ok(Status::Done)
}

async fn identity(client: &Client) -> anyhow::Result<Identity> {
    let me = client.whoami().await?;
    let id = me.ledger.strip_prefix("urn:uuid:").unwrap_or(&me.ledger);
    let id = id.parse().context("the server's ledger has no UUID")?;
    Ok(Identity { id, workspace: me.workspace.to_string() })
}

/// A table. Cells that a spreadsheet would take for a formula begin with an apostrophe.
pub(super) async fn csv(terminal: Output, client: &Client, filter: &str) -> anyhow::Result<Status> {
    let mut out = BufWriter::new(io::stdout().lock());
    writeln!(out, "{}", COLUMNS.join(","))?;
    each(client, filter, |raw| {
        let cells = Deed::decode(raw.deed.get().as_bytes())
            .map_or_else(|_| vec![raw.seq.to_string()], |deed| cells(&deed));
        let row = cells.iter().map(|cell| quoted(cell)).collect::<Vec<_>>().join(",");
        writeln!(out, "{}", terminal.exact(&row))
    })
    .await?;
    out.flush()?;
    Ok(Status::Done)
}

fn cells(deed: &Deed) -> Vec<String> {
    let class = match &deed.actor {
        crate::domain::ids::Actor::Agent(_) => "agent",
        crate::domain::ids::Actor::Person(_) => "person",
        crate::domain::ids::Actor::Deeds => "deeds",
    };
    let fields: Vec<String> =
        deed.fields.iter().map(|field| format!("{}@{}", field.name, field.version)).collect();
    let alerts: Vec<String> = deed.refs.alerts.iter().map(ToString::to_string).collect();
    vec![
        deed.seq.to_string(),
        deed.time.to_string(),
        deed.recorded.to_string(),
        class.to_owned(),
        deed.actor.to_string(),
        deed.action.to_string(),
        deed.body.type_name().to_owned(),
        deed.subject.as_ref().map(ToString::to_string).unwrap_or_default(),
        fields.join(" "),
        deed.outcome.as_str().to_owned(),
        deed.code.map(|code| code.to_string()).unwrap_or_default(),
        deed.reason.as_deref().unwrap_or_default().to_owned(),
        deed.map_version.to_string(),
        deed.cause.map(|cause| cause.to_string()).unwrap_or_default(),
        deed.refs.item.map(|item| item.to_string()).unwrap_or_default(),
        alerts.join(" "),
    ]
}

/// A cell as RFC 4180 has it, and harmless in a spreadsheet.
fn quoted(cell: &str) -> String {
    let formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let cell = if formula { format!("'{cell}") } else { cell.to_owned() };
    if cell.contains([',', '"', '\n', '\r']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell }
}

/// Every deed that the filter means up to the head of now, oldest first.
async fn each(
    client: &Client,
    filter: &str,
    mut take: impl FnMut(&RawDeed) -> io::Result<()>,
) -> anyhow::Result<()> {
    let mut query = LedgerQuery {
        filter: filter.to_owned(),
        direction: Direction::Oldest,
        limit: PAGE_LIMIT,
        ..LedgerQuery::default()
    };
    let mut bar: Option<ProgressBar> = None;
    let mut end = None;
    loop {
        let page = client.ledger(&query).await?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_and_harmless() {
        for (cell, written) in [
            ("plain", "plain"),
            ("a,b", "\"a,b\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
            ("@x,y", "\"'@x,y\""),
        ] {
            assert_eq!(quoted(cell), written);
        }
    }
}
