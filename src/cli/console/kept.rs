//! The file of what a person's console keeps from one start to the next, and the thread that writes it.
//!
//! Several consoles may have it at once. Each lays its changes onto what the file has by then, under a lock, and puts the
//! new file in the old one's place: no half file, and nothing of the others is lost. What the file means is
//! `console::kept`'s.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, OpenOptions};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use crate::cli::context::Context;
use crate::cli::datadir::DataDir;
use crate::cli::status::Usage;
use crate::console::kept::{Keeper, Kept, Note};
use crate::coordinator::Clock;

/// Its file in the platform's directory for state.
pub(in crate::cli) const FILE: &str = "console.json";
/// The version of its shape.
const VERSION: u32 = 1;
/// Ledgers of which something is kept.
const LEDGERS: usize = 256;
/// Bytes of the file; beyond them the ledgers that were used least lately go.
const FILE_BYTES: usize = 4 * 1024 * 1024;
/// How long changes are gathered before they are written: what is typed is there this soon after a sudden end.
const GATHER: Duration = Duration::from_millis(300);
/// The newest changes that wait where nothing can be written.
const UNWRITTEN: usize = 1_000;
/// How long the end waits until the last changes are written.
const LAST: Duration = Duration::from_millis(500);

/// The file.
#[derive(Debug, Serialize, Deserialize)]
struct File {
    version: u32,
    /// By the `urn:uuid:…` of each.
    #[serde(default)]
    ledgers: BTreeMap<String, Kept>,
    /// What a later version keeps beside them.
    #[serde(flatten)]
    later: Map<String, Value>,
}

impl Default for File {
    fn default() -> Self {
        Self { version: VERSION, ledgers: BTreeMap::new(), later: Map::new() }
    }
}

/// The thread that writes, until nobody has anything to be kept.
#[derive(Debug)]
pub(in crate::cli) struct Writing {
    ended: Receiver<()>,
}

impl Writing {
    /// Waits until all is written. Whoever hands on changes must be gone by now.
    pub(in crate::cli) fn end(self) {
        // The thread ends by hanging up. On a medium that hangs, the last keys are not worth a console that does not end.
        _ = self.ended.recv_timeout(LAST);
    }
}

/// Where a person's console keeps what it keeps; none where the platform names no place.
pub(in crate::cli) fn place(context: &Context) -> Option<PathBuf> {
    let dirs = directories::ProjectDirs::from("", "", "deeds").filter(|_| context.config.keep)?;
    let dir = dirs.state_dir().unwrap_or_else(|| dirs.data_local_dir());
    Some(dir.join(FILE))
}

/// The filter that is kept under a name, of a ledger by its `urn:uuid:…`.
///
/// # Errors
/// When there is none, with the names that there are.
pub(in crate::cli) fn saved(context: &Context, ledger: &str, name: &str) -> anyhow::Result<String> {
    let file = place(context).map(|file| read(&file)).transpose()?.unwrap_or_default();
    let saved = file.ledgers.get(ledger).map(|kept| kept.saved.clone()).unwrap_or_default();
    let names: Vec<&str> = saved.keys().map(String::as_str).collect();
    saved.get(name).cloned().ok_or_else(|| match names.as_slice() {
        [] => Usage::error("the console keeps no filter of this workspace; `s` in its log keeps one"),
        names => Usage::error(format!("the console keeps no filter {name:?}; it keeps {}", names.join(", "))),
    })
}

/// Reads what was kept, and begins to write what changes of it.
pub(in crate::cli) fn begin(file: PathBuf) -> std::io::Result<(Keeper, Writing)> {
    let (tell, troubles) = unbounded_channel();
    let before = read(&file).unwrap_or_else(|why| {
        // Nobody hears it where the console has ended meanwhile.
        _ = tell.send(why.to_string());
        File::default()
    });
    let (notes, noted) = mpsc::channel();
    let (hang_up, ended) = mpsc::channel();
    thread::Builder::new().name("kept".to_owned()).spawn(move || {
        write_all(&file, &noted, &tell);
        drop(hang_up);
    })?;
    Ok((Keeper { before: before.ledgers, notes, troubles }, Writing { ended }))
}

/// Writes changes as they come, some together; tells once for each reason why it can't.
fn write_all(file: &Path, noted: &Receiver<Note>, tell: &UnboundedSender<String>) {
    let mut told = String::new();
    let mut unwritten = Vec::new();
    while let Ok(first) = noted.recv() {
        unwritten.push(first);
        let until = Instant::now() + GATHER;
        while let Ok(note) = noted.recv_timeout(until.saturating_duration_since(Instant::now())) {
            unwritten.push(note);
        }
        let why = match write(file, &unwritten) {
            Ok(mended) => {
                unwritten.clear();
                mended.unwrap_or_default()
            }
            // They are tried again with the next ones.
            Err(why) => why.to_string(),
        };
        if !why.is_empty() && why != told {
            _ = tell.send(why.clone());
            told = why;
        }
        unwritten.drain(..unwritten.len().saturating_sub(UNWRITTEN));
    }
}

/// Lays changes onto what the file has by now. Says so where it was broken and is set aside.
fn write(path: &Path, notes: &[Note]) -> anyhow::Result<Option<String>> {
    let in_words = |error: std::io::Error| anyhow::anyhow!("nothing is kept: {}: {error}", path.display());
    if let Some(dir) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(in_words)?;
    }
    let mut lock = path.as_os_str().to_owned();
    lock.push(".lock");
    let lock = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(lock);
    let lock = lock.map_err(in_words)?;
    // Not everything that holds files lets them be locked; then the last one to write wins.
    lock.lock().unwrap_or_default();
    let (mut file, mended) = match read(path) {
        Ok(file) => (file, None),
        Err(Wrong::Broken(why)) => {
            let aside = set_aside(path).map_err(in_words)?;
            (File::default(), Some(format!("{why}; it is set aside as {}", aside.display())))
        }
        Err(other) => anyhow::bail!("{other}"),
    };
    let now = Clock::System.now().micros();
    for note in notes {
        let kept = file.ledgers.entry(note.ledger.clone()).or_default();
        kept.workspace.clone_from(&note.workspace);
        kept.take(&note.change, now);
    }
    let text = bounded(&mut file)?;
    DataDir::replace(path, &text).map_err(|error| anyhow::anyhow!("nothing is kept: {error}"))?;
    Ok(mended)
}

/// The file's text; beyond the bounds the ledgers that were used least lately go.
fn bounded(file: &mut File) -> anyhow::Result<String> {
    loop {
        let text = serde_json::to_string(&file)?;
        if file.ledgers.len() <= LEDGERS && text.len() <= FILE_BYTES {
            return Ok(text);
        }
        let oldest = file.ledgers.iter().min_by_key(|(_, kept)| kept.used).map(|(ledger, _)| ledger.clone());
        match oldest.filter(|_| file.ledgers.len() > 1) {
            Some(oldest) => _ = file.ledgers.remove(&oldest),
            None => anyhow::bail!("nothing is kept: it is more than {FILE_BYTES} bytes"),
        }
    }
}

/// Why the file can't be read.
#[derive(Debug, thiserror::Error)]
enum Wrong {
    /// It is not what it should be.
    #[error("{0}")]
    Broken(String),
    /// It is, to somebody else; or it can't be reached. It stays as it is.
    #[error("nothing is kept: {0}")]
    Closed(String),
}

fn read(path: &Path) -> Result<File, Wrong> {
    let place = path.display();
    if !path.try_exists().map_err(|error| Wrong::Closed(format!("{place}: {error}")))? {
        return Ok(File::default());
    }
    let length = fs::metadata(path).map_or(0, |about| about.len());
    if length > 2 * FILE_BYTES as u64 {
        return Err(Wrong::Broken(format!("{place}: {length} bytes are more than a console keeps")));
    }
    let text = fs::read(path).map_err(|error| Wrong::Closed(format!("{place}: {error}")))?;
    let file: File = serde_json::from_slice(&text).map_err(|error| {
        Wrong::Broken(format!("{place} can't be read, so what was kept is lost: {error}"))
    })?;
    if file.version > VERSION {
        let why = format!("{place} is of a later version of deeds; use that one, or remove the file");
        return Err(Wrong::Closed(why));
    }
    Ok(file)
}

/// Puts a broken file beside, under a name that is free.
fn set_aside(path: &Path) -> std::io::Result<PathBuf> {
    let mut aside = path.as_os_str().to_owned();
    aside.push(format!(".broken-{}", Clock::System.now().micros() / 1_000_000));
    let aside = PathBuf::from(aside);
    fs::rename(path, &aside)?;
    Ok(aside)
}
