//! The deeds that a filter means, page by page into a file: as stored, one a line, or as a table.

use std::path::Path;

use tokio::fs::{File, OpenOptions};
use tokio::io::{AsyncWriteExt as _, BufWriter};

use super::carry::trouble;
use crate::api::{PAGE_LIMIT, table};
use crate::client::{Client, Direction, LedgerQuery};
use crate::console::ask::Trouble;

/// Writes them; the result is how many.
///
/// # Errors
/// When the file is there already or can't be written, or the server does not answer. What was written stays.
pub(super) async fn export(client: &Client, filter: String, path: &Path) -> Result<u64, Trouble> {
    let as_table = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv"));
    let file_trouble = |error| file_trouble(path, &error);
    let mut file = create(path).await?;
    if as_table {
        file.write_all(format!("{}\n", table::header()).as_bytes()).await.map_err(file_trouble)?;
    }
    let mut query =
        LedgerQuery { filter, direction: Direction::Oldest, limit: PAGE_LIMIT, ..LedgerQuery::default() };
    let mut deeds = 0;
    loop {
        let page = client.ledger(&query).await.map_err(|error| trouble(&error))?;
        for raw in &page.deeds {
            let line = if as_table { table::row(raw) } else { raw.deed.get().to_owned() };
            file.write_all(format!("{line}\n").as_bytes()).await.map_err(file_trouble)?;
            deeds += 1;
        }
        let Some(last) = page.deeds.last().filter(|_| page.more) else { break };
        query.direction = Direction::After(last.seq);
    }
    file.flush().await.map_err(file_trouble)?;
    Ok(deeds)
}

/// Writes a text into a file of its own.
///
/// # Errors
/// When the file is there already or can't be written.
pub(super) async fn save(path: &Path, text: &str) -> Result<(), Trouble> {
    let mut file = create(path).await?;
    file.write_all(text.as_bytes()).await.map_err(|error| file_trouble(path, &error))?;
    file.flush().await.map_err(|error| file_trouble(path, &error))
}

async fn create(path: &Path) -> Result<BufWriter<File>, Trouble> {
    let file = OpenOptions::new().write(true).create_new(true).open(path).await;
    file.map(BufWriter::new).map_err(|error| file_trouble(path, &error))
}

fn file_trouble(path: &Path, error: &std::io::Error) -> Trouble {
    Trouble {
        what: format!("{} can't be written: {error}", path.display()),
        next: "name a file that is not there yet, in a directory that is".to_owned(),
    }
}
