//! The table of what closed workspaces are: until when nothing happens in each, and what lists show of it. One file beside the
//! workspaces, a line for each closing; the last line of a workspace is the one that counts.
//!
//! It is disposable. A row is believed as long as the ledger is as it was when it was written, by its files or by its end in a database, else the ledger is
//! opened and asked; so a row that a power cut took, a ledger that was restored or written elsewhere cost a look and no deadline.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::spaces::Shown;
use crate::coordinator::Opened;
use crate::domain::decide;
use crate::domain::hash::hex;
use crate::domain::ids::WorkspaceId;
use crate::domain::state::Front;
use crate::domain::things::AlertKind;
use crate::domain::time::{Span, Time};
use crate::ledger::{Stamp, Store, open_file};

/// Most bytes of one line that are read.
const MOST_LINE: u64 = 16 * 1024;
/// Most secrets of one workspace that a row tells apart; of a workspace with more, any token opens it to be looked at.
const SECRETS: usize = 256;
/// The file is written anew when it has this many lines more than rows …
const SPARE: usize = 1_024;
/// … and so many times as many.
const TIMES: usize = 2;
/// How many digits of the checksum a line begins with.
const SUM: usize = 16;

/// What is known of a workspace that is closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Row {
    workspace: WorkspaceId,
    /// The ledger as it was.
    stamp: Stamp,
    /// The last deed.
    head: u64,
    /// Open inbox items.
    items: usize,
    /// Open alerts.
    alerts: usize,
    /// When something falls due next by the server's clock, in microseconds; none where nothing will.
    due: Option<i64>,
    /// When the last deed was recorded, in microseconds.
    recorded: i64,
    /// Whether the clock was doubted.
    doubted: bool,
    /// How far ahead of the machine's clock a person let its time go on, in microseconds.
    ahead: i64,
    /// The beginnings of the hashes of the secrets that open it; none where there are too many.
    secrets: Option<Vec<u64>>,
}

impl Row {
    /// Of the workspace that is closed now, with that state as its last, at that time of the server's clock. None where its ledger can't be told.
    pub(super) fn of(store: &Store, workspace: &WorkspaceId, front: &Front, now: Time) -> Option<Self> {
        let board = &front.board;
        let tokens = front.tokens.values().map(|record| &record.token.hash);
        let hashes = tokens.chain(front.invitations.values().map(|invitation| &invitation.hash));
        let few = front.tokens.len() + front.invitations.len() <= SECRETS;
        Some(Self {
            workspace: workspace.clone(),
            stamp: store.stamp(workspace).filter(|stamp| stamp.ends_at(front.head().0))?,
            head: front.head().0,
            items: board.items.len(),
            alerts: board.alerts.len(),
            due: due_by_clock(front, now).map(Time::micros),
            recorded: board.recorded.micros(),
            doubted: board.alerts.values().any(|alert| alert.kind == AlertKind::Clock),
            ahead: board.clock.lets_ahead().micros(),
            secrets: few.then(|| hashes.map(|hash| beginning(hash)).collect()),
        })
    }

    /// What the ledger was when it was closed.
    pub(super) fn stamp(&self) -> &Stamp {
        &self.stamp
    }

    /// When something falls due next, by the server's clock.
    pub(super) fn due(&self) -> Option<Time> {
        self.due.map(Time::from_micros)
    }

    /// Whether a secret with that hash may be one of its own.
    pub(super) fn may_know(&self, hash: &[u8; 32]) -> bool {
        let theirs = beginning(&hex(hash));
        self.secrets.as_ref().is_none_or(|secrets| secrets.contains(&theirs))
    }

    /// What lists show of it.
    pub(super) fn shown(&self) -> Shown {
        Shown { head: self.head, items: self.items, alerts: self.alerts }
    }

    /// Its time, for whoever keeps the clock.
    pub(super) fn opened(&self) -> Opened {
        Opened {
            recorded: Time::from_micros(self.recorded),
            was_doubted: self.doubted,
            ahead: Span::from_micros(self.ahead),
        }
    }

    fn line(&self) -> io::Result<String> {
        let text = serde_json::to_string(self)?;
        Ok(format!("{} {text}\n", sum(&text)))
    }

    fn parse(line: &str) -> Option<Self> {
        let (sum_of, text) = line.trim_end_matches('\n').split_once(' ')?;
        (sum_of == sum(text)).then_some(())?;
        serde_json::from_str(text).ok()
    }
}

/// When something falls due next by the server's clock: a workspace whose last deed is ahead of it stays so much ahead.
pub(super) fn due_by_clock(front: &Front, now: Time) -> Option<Time> {
    let early = front.board.recorded.since(now);
    decide::next_due_of(&front.board).map(|due| due.minus(early))
}

/// The first 64 bits of a hash in digits. Of a secret of 256 random bits they tell nothing.
fn beginning(hash: &str) -> u64 {
    hash.get(..16).and_then(|digits| u64::from_str_radix(digits, 16).ok()).unwrap_or_default()
}

fn sum(text: &str) -> String {
    let digest: [u8; 32] = Sha256::digest(text).into();
    hex(&digest).chars().take(SUM).collect()
}

/// The file, open to be written to.
#[derive(Debug)]
pub(super) struct Due {
    path: PathBuf,
    /// Absent where it could not be opened; it is tried again.
    file: Option<File>,
    lines: usize,
}

impl Due {
    /// What the file says of those of these workspaces whose ledgers are as they were then. What it lacks or what is damaged in it is
    /// passed over. Blocks.
    pub(super) fn read(store: &Store, there: &[WorkspaceId]) -> (Self, BTreeMap<WorkspaceId, Row>) {
        let path = store.due();
        let mut rows = BTreeMap::new();
        let mut lines = 0;
        if let Ok(file) = open_file(&path) {
            let mut reader = BufReader::new(file);
            let mut line = Vec::new();
            while (&mut reader).take(MOST_LINE).read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
                lines += 1;
                if let Some(row) = std::str::from_utf8(&line).ok().and_then(Row::parse) {
                    rows.insert(row.workspace.clone(), row);
                }
                line.clear();
            }
        }
        rows.retain(|workspace, _| there.binary_search(workspace).is_ok());
        let stamps = store.stamps(&rows.keys().cloned().collect::<Vec<_>>());
        rows.retain(|workspace, row| stamps.get(workspace) == Some(&row.stamp));
        (Self { path, file: None, lines }, rows)
    }

    /// Adds a row. Blocks. Without it the next start looks into the ledger.
    ///
    /// # Errors
    /// When the disk refuses it.
    pub(super) fn add(&mut self, row: &Row) -> io::Result<()> {
        let line = row.line()?;
        let mut file = match self.file.take() {
            Some(file) => file,
            None => owner_only(OpenOptions::new().create(true).append(true)).open(&self.path)?,
        };
        file.write_all(line.as_bytes())?;
        (self.file, self.lines) = (Some(file), self.lines + 1);
        Ok(())
    }

    /// Whether it has far more lines than there are workspaces.
    pub(super) fn is_long(&self, workspaces: usize) -> bool {
        self.lines > workspaces.saturating_mul(TIMES).saturating_add(SPARE)
    }

    /// Writes it anew with these rows; never half a file. Blocks.
    ///
    /// # Errors
    /// When the disk refuses it; what was there stays.
    pub(super) fn rewrite<'a>(&mut self, rows: impl Iterator<Item = &'a Row>) -> io::Result<()> {
        let draft = self.path.with_extension("due.new");
        let mut file = owner_only(OpenOptions::new().create(true).truncate(true).write(true)).open(&draft)?;
        let (mut text, mut lines) = (String::new(), 0);
        for row in rows {
            text.push_str(&row.line()?);
            lines += 1;
        }
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&draft, &self.path)?;
        (self.file, self.lines) = (None, lines);
        Ok(())
    }
}

/// What is made is its owner's alone; a pipe in its place is an error, and not waited at.
fn owner_only(options: &mut OpenOptions) -> &mut OpenOptions {
    use std::os::unix::fs::OpenOptionsExt as _;
    options.mode(0o600).custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed())
}
