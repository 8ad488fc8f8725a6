//! The deeds that a filter means, page by page into a file: as stored, one a line, or as a table.

use std::path::Path;

use tokio::fs::{File, OpenOptions};
use tokio::io::{AsyncWriteExt as _, BufWriter};

use super::carry::trouble;
use crate::api::{PAGE_LIMIT, RawDeed};
use crate::client::{Client, Direction, LedgerQuery};
use crate::console::ask::Trouble;
use crate::domain::deed::Deed;

/// The table's columns.
const COLUMNS: [&str; 11] =
    ["seq", "time", "recorded", "class", "actor", "action", "entity", "fields", "outcome", "code", "reason"];

/// Writes them; the result is how many.
///
/// # Errors
/// When the file is there already or can't be written, or the server does not answer. What was written stays.
pub(super) async fn export(client: &Client, filter: String, path: &Path) -> Result<u64, Trouble> {
    let table = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv"));
    let file_trouble = |error: std::io::Error| Trouble {
        what: format!("{} can't be written: {error}", path.display()),
        next: "name a file that is not there yet, in a directory that is".to_owned(),
    };
    let file = OpenOptions::new().write(true).create_new(true).open(path).await.map_err(file_trouble)?;
    let mut file: BufWriter<File> = BufWriter::new(file);
    if table {
        file.write_all(line_of(&COLUMNS.map(str::to_owned)).as_bytes()).await.map_err(file_trouble)?;
    }
    let mut query =
        LedgerQuery { filter, direction: Direction::Oldest, limit: PAGE_LIMIT, ..LedgerQuery::default() };
    let mut deeds = 0;
    loop {
        let page = client.ledger(&query).await.map_err(|error| trouble(&error))?;
        for raw in &page.deeds {
            let line = if table { row(raw) } else { format!("{}\n", raw.deed.get()) };
            file.write_all(line.as_bytes()).await.map_err(file_trouble)?;
            deeds += 1;
        }
        let Some(last) = page.deeds.last().filter(|_| page.more) else { break };
        query.direction = Direction::After(last.seq);
    }
    file.flush().await.map_err(file_trouble)?;
    Ok(deeds)
}

/// A deed as a row of the table; only its number where this version does not know its type.
fn row(raw: &RawDeed) -> String {
    let Ok(deed) = Deed::decode(raw.deed.get().as_bytes()) else {
        return line_of(&[raw.seq.to_string(), "a deed of a later version".to_owned()]);
    };
    let class = match &deed.actor {
        crate::domain::ids::Actor::Agent(_) => "agent",
        crate::domain::ids::Actor::Person(_) => "person",
        crate::domain::ids::Actor::Deeds => "deeds",
    };
    let fields: Vec<String> = deed.fields.iter().map(|field| format!("#{}", field.name)).collect();
    line_of(&[
        deed.seq.to_string(),
        deed.time.to_string(),
        deed.recorded.to_string(),
        class.to_owned(),
        deed.actor.to_string(),
        deed.action.to_string(),
        deed.subject.as_ref().map(ToString::to_string).unwrap_or_default(),
        fields.join(" "),
        deed.outcome.as_str().to_owned(),
        deed.code.map(|code| code.to_string()).unwrap_or_default(),
        deed.reason.as_deref().unwrap_or_default().to_owned(),
    ])
}

/// Cells as RFC 4180 has them.
fn line_of(cells: &[String]) -> String {
    let cells: Vec<String> = cells.iter().map(|cell| quoted(cell)).collect();
    format!("{}\r\n", cells.join(","))
}

/// A cell. Text from agents that a spreadsheet would take for a formula gets a `'` before it.
fn quoted(cell: &str) -> String {
    let guarded = match cell.chars().next() {
        Some('=' | '+' | '-' | '@' | '\t' | '\r') => format!("'{cell}"),
        Some(_) | None => cell.to_owned(),
    };
    if guarded.contains([',', '"', '\n', '\r']) {
        return format!("\"{}\"", guarded.replace('"', "\"\""));
    }
    guarded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_and_no_formula_gets_through() {
        let cells = ["plain", "a, \"b\"", "two\nlines", "=1+1", "-2", "#status"].map(str::to_owned);
        assert_eq!(line_of(&cells), "plain,\"a, \"\"b\"\"\",\"two\nlines\",'=1+1,'-2,#status\r\n");
    }
}
