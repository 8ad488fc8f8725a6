//! A whole history through the front door, in batches, with a report at the end. What a line means is its format's
//! business (`beads`, `mapped`), what becomes of it the server's.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::future::Future;
use std::io::{self, BufRead};

use super::events::Events;
use super::line::Doubt;
use super::order::History;
use super::report::{Report, Tally};
use super::summary::Summary;
use crate::domain::code::Code;
use crate::domain::command::{COMMANDS_PER_BATCH, Import};
use crate::domain::ids::Seq;
use crate::domain::outcome::Outcome;
use crate::domain::reply::Reply;
use crate::domain::things::AlertKind;

/// Most bytes of JSON in one batch; a body may have 1 MiB.
pub const BATCH_BYTES: usize = 900 * 1024;
/// How many contested fields the report names.
pub const KEPT_CONTESTED: usize = 10;

/// Where a history goes: a server's front door.
pub trait Door {
    /// Why it did not open.
    type Error: Display;

    /// Sends the lines; one answer for each, in order: what the rules say, or why the line could not be taken.
    fn send(
        &self,
        lines: &[Import],
    ) -> impl Future<Output = Result<Vec<Result<Reply, String>>, Self::Error>> + Send;

    /// What the workspace has now.
    fn look(&self) -> impl Future<Output = Result<Look, Self::Error>> + Send;
}

/// What a workspace has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Look {
    /// Its last deed.
    pub head: Seq,
    /// Its alerts that nobody has resolved.
    pub alerts: BTreeMap<AlertKind, Tally>,
}

/// How far an import has got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Bytes of the file read and sent.
    pub bytes: u64,
    /// Lines read.
    pub lines: u64,
    /// Lines that were broken or refused.
    pub left_out: u64,
}

/// Why an import ended early. What is in stays in; the same import goes on where it ended.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file can't be read on.
    #[error(
        "the file can't be read after line {line}: {source}; mend that and import again, what is in stays in"
    )]
    File {
        /// The last line read.
        line: u64,
        /// What the system said.
        source: io::Error,
    },
    /// The server did not answer.
    #[error("stopped at line {line}: {reason}; import again to go on, what is in stays in")]
    Door {
        /// The last line read.
        line: u64,
        /// What it said.
        reason: String,
    },
    /// The workspace does not take histories.
    #[error("nothing was imported: {reason}")]
    Closed {
        /// What it said.
        reason: String,
    },
}

/// Imports a log. `progress` is called after every batch.
///
/// # Errors
/// When the file can't be read on, the server can't be reached, or the workspace does not take histories.
pub async fn run<R: BufRead, D: Door>(
    events: Events<R>,
    door: &D,
    mut progress: impl FnMut(Progress),
) -> Result<Report, ImportError> {
    let before = look(door, 0).await?;
    let mut history = History::new(events);
    let mut import = Running { door, report: Report::default(), summary: Summary::default(), probed: false };
    let mut batch = Batch::default();
    let unreadable = |line, source| ImportError::File { line, source };
    while let Some(line) =
        history.next_line().map_err(|source| unreadable(history.events().line(), source))?
    {
        match line.read {
            Ok(one) => {
                let size = serde_json::to_vec(&one).map_or(0, |json| json.len());
                if batch.is_full(size, import.probed) {
                    import.send(&mut batch, &mut history).await?;
                    progress(import.progress(history.events()));
                }
                batch.push(line.number, one, size);
            }
            Err(broken) => import.report.broken.add(line.number, &broken.why, &broken.detail),
        }
    }
    import.send(&mut batch, &mut history).await?;
    progress(import.progress(history.events()));
    let after = look(door, history.events().line()).await?;
    import.report.notes.clone_from(history.events().notes());
    Ok(import.finish(&before, after))
}

async fn look<D: Door>(door: &D, line: u64) -> Result<Look, ImportError> {
    door.look().await.map_err(|error| ImportError::Door { line, reason: error.to_string() })
}

/// Lines that wait to be sent together.
#[derive(Default)]
struct Batch {
    numbers: Vec<u64>,
    lines: Vec<Import>,
    bytes: usize,
}

impl Batch {
    /// Whether a line of that size has to wait for the next batch. The very first line goes alone: a workspace that
    /// does not take histories refuses it, and is spared the rest.
    fn is_full(&self, size: usize, probed: bool) -> bool {
        let most = if probed { COMMANDS_PER_BATCH } else { 1 };
        !self.lines.is_empty() && (self.lines.len() >= most || self.bytes + size > BATCH_BYTES)
    }

    fn push(&mut self, number: u64, line: Import, size: usize) {
        self.numbers.push(number);
        self.lines.push(line);
        self.bytes += size;
    }
}

/// An import under way.
struct Running<'d, D> {
    door: &'d D,
    report: Report,
    summary: Summary,
    probed: bool,
}

impl<D: Door> Running<'_, D> {
    async fn send<R: BufRead>(
        &mut self,
        batch: &mut Batch,
        history: &mut History<R>,
    ) -> Result<(), ImportError> {
        let Batch { numbers, lines, .. } = std::mem::take(batch);
        let Some(last) = numbers.last().copied() else { return Ok(()) };
        let stopped = |reason: String| ImportError::Door { line: last, reason };
        let replies = self.door.send(&lines).await.map_err(|error| stopped(error.to_string()))?;
        if replies.len() != lines.len() {
            return Err(stopped(format!("{} lines were sent but {} answered", lines.len(), replies.len())));
        }
        for ((number, line), reply) in numbers.into_iter().zip(&lines).zip(replies) {
            let refused = match &reply {
                Ok(reply) if !self.probed && reply.code == Some(Code::WrongState) => {
                    return Err(ImportError::Closed { reason: said(reply) });
                }
                Ok(reply) => self.count(line, reply),
                Err(reason) => Some(("the server did not take it".to_owned(), reason.clone())),
            };
            if let Some((why, detail)) = refused {
                self.report.refused.add(number, &why, &detail);
                let fields = Some(line.changes.keys().cloned().collect());
                history.doubt(&Doubt { entity: line.entity.clone(), fields });
            }
        }
        self.probed = true;
        Ok(())
    }

    /// Why it was refused, if it was.
    fn count(&mut self, line: &Import, reply: &Reply) -> Option<(String, String)> {
        self.summary.add(line);
        if let Some(called) = &line.called {
            self.report.name(&line.actor, called);
        }
        if reply.outcome.is_refusal() {
            let code = reply.code.map_or("refused", Code::as_str);
            return Some((code.to_owned(), said(reply)));
        }
        if reply.outcome == Outcome::Committed {
            self.report.taken += 1;
        } else {
            self.report.known += 1;
        }
        None
    }

    fn progress<R: BufRead>(&self, events: &Events<R>) -> Progress {
        let left_out = self.report.left_out();
        Progress { bytes: events.bytes(), lines: events.line(), left_out }
    }

    fn finish(self, before: &Look, after: Look) -> Report {
        Report {
            deeds: after.head.0.saturating_sub(before.head.0),
            entities: self.summary.entities(),
            agents: self.summary.agents(),
            multi_writer_entities: self.summary.multi_writer_entities(),
            contested: self.summary.contested(KEPT_CONTESTED),
            alerts: after.alerts,
            ..self.report
        }
    }
}

fn said(reply: &Reply) -> String {
    let message = reply.message.as_deref().unwrap_or("it was refused");
    match reply.next.as_deref() {
        Some(next) => format!("{message}; {next}"),
        None => message.to_owned(),
    }
}
