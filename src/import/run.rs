//! A whole history through the front door, in batches, with a report at the end. What a line means is its format's
//! business (`beads`), what becomes of it the server's.

use std::collections::BTreeMap;
use std::fmt::{self, Display};
use std::future::Future;
use std::io::{self, BufRead};

use serde::Serialize;

use super::beads::{BrokenLine, Events};
use super::{Contested, Summary};
use crate::domain::code::Code;
use crate::domain::command::{COMMANDS_PER_BATCH, Import};
use crate::domain::ids::Seq;
use crate::domain::outcome::Outcome;
use crate::domain::reply::Reply;
use crate::domain::things::AlertKind;

/// Most bytes of JSON in one batch; a body may have 1 MiB.
pub const BATCH_BYTES: usize = 900 * 1024;
/// Most broken or refused lines kept for the report; more are counted only.
pub const KEPT_LINES: usize = 1000;
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

/// Alerts of one kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// How many there are.
    pub alerts: u64,
    /// How often they happened, all together.
    pub times: u64,
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

/// What became of a history.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    /// Lines taken now.
    pub taken: u64,
    /// Lines that an earlier import had taken.
    pub known: u64,
    /// Lines that could not be read, and how many there are in all.
    pub broken: Vec<BrokenLine>,
    /// How many lines could not be read.
    pub broken_lines: u64,
    /// Lines that the server refused, up to [`KEPT_LINES`].
    pub refused: Vec<BrokenLine>,
    /// How many lines the server refused.
    pub refused_lines: u64,
    /// Deeds that came into the ledger meanwhile.
    pub deeds: u64,
    /// Entities in the history.
    pub entities: u64,
    /// Agents in the history.
    pub agents: u64,
    /// Entities that more than one agent touched.
    pub multi_writer_entities: u64,
    /// The fields that several agents wrote most often.
    pub contested: Vec<Contested>,
    /// The workspace's open alerts by kind.
    pub alerts: BTreeMap<AlertKind, Tally>,
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

/// Imports a beads log. `progress` is called after every batch.
///
/// # Errors
/// When the file can't be read on, the server can't be reached, or the workspace does not take histories.
pub async fn run<R: BufRead, D: Door>(
    mut events: Events<R>,
    door: &D,
    mut progress: impl FnMut(Progress),
) -> Result<Report, ImportError> {
    let before = look(door, 0).await?;
    let mut import = Running { door, report: Report::default(), summary: Summary::default(), probed: false };
    let mut batch = Batch::default();
    while let Some(line) =
        events.next_line().map_err(|source| ImportError::File { line: events.line(), source })?
    {
        match line {
            Ok(one) => {
                let size = serde_json::to_vec(&one).map_or(0, |json| json.len());
                if batch.is_full(size, import.probed) {
                    import.send(&mut batch).await?;
                    progress(import.progress(&events));
                }
                batch.push(events.line(), one, size);
            }
            Err(broken) => keep(&mut import.report.broken, &mut import.report.broken_lines, broken),
        }
    }
    import.send(&mut batch).await?;
    progress(import.progress(&events));
    let after = look(door, events.line()).await?;
    Ok(import.finish(&before, after))
}

async fn look<D: Door>(door: &D, line: u64) -> Result<Look, ImportError> {
    door.look().await.map_err(|error| ImportError::Door { line, reason: error.to_string() })
}

fn keep(kept: &mut Vec<BrokenLine>, all: &mut u64, line: BrokenLine) {
    *all += 1;
    if kept.len() < KEPT_LINES {
        kept.push(line);
    }
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
    async fn send(&mut self, batch: &mut Batch) -> Result<(), ImportError> {
        let Batch { numbers, lines, .. } = std::mem::take(batch);
        let Some(last) = numbers.last().copied() else { return Ok(()) };
        let stopped = |reason: String| ImportError::Door { line: last, reason };
        let replies = self.door.send(&lines).await.map_err(|error| stopped(error.to_string()))?;
        if replies.len() != lines.len() {
            return Err(stopped(format!("{} lines were sent but {} answered", lines.len(), replies.len())));
        }
        for ((number, line), reply) in numbers.into_iter().zip(&lines).zip(replies) {
            match reply {
                Ok(reply) if !self.probed && reply.code == Some(Code::WrongState) => {
                    return Err(ImportError::Closed { reason: said(&reply) });
                }
                Ok(reply) => self.count(number, line, &reply),
                Err(reason) => self.refused(number, reason),
            }
        }
        self.probed = true;
        Ok(())
    }

    fn count(&mut self, number: u64, line: &Import, reply: &Reply) {
        self.summary.add(line);
        if reply.outcome.is_refusal() {
            self.refused(number, said(reply));
        } else if reply.outcome == Outcome::Committed {
            self.report.taken += 1;
        } else {
            self.report.known += 1;
        }
    }

    fn refused(&mut self, line: u64, reason: String) {
        keep(&mut self.report.refused, &mut self.report.refused_lines, BrokenLine { line, reason });
    }

    fn progress<R: BufRead>(&self, events: &Events<R>) -> Progress {
        let left_out = self.report.broken_lines + self.report.refused_lines;
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

impl Display for Report {
    /// For people, a line a fact. Names in it come from the history: show them as untrusted text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "lines      {} taken, {} known already", self.taken, self.known)?;
        writeln!(f, "deeds      {}", self.deeds)?;
        writeln!(
            f,
            "entities   {}, {} with more than one writer",
            self.entities, self.multi_writer_entities
        )?;
        writeln!(f, "agents     {}", self.agents)?;
        for (kind, tally) in &self.alerts {
            writeln!(f, "alerts     {}: {}, {} times", kind.as_str(), tally.alerts, tally.times)?;
        }
        for one in &self.contested {
            let (entity, field) = (&one.entity, &one.field);
            writeln!(f, "contested  {entity} #{field}: {} writes by {} agents", one.writes, one.writers)?;
        }
        for (word, lines, all) in
            [("broken", &self.broken, self.broken_lines), ("refused", &self.refused, self.refused_lines)]
        {
            for line in lines {
                writeln!(f, "{word:<10} {line}")?;
            }
            let more = all.saturating_sub(lines.len() as u64);
            if more > 0 {
                writeln!(f, "{word:<10} and {more} more")?;
            }
        }
        Ok(())
    }
}
