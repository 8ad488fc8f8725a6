//! What became of a history: counts, and what was left out, by reason.

use std::collections::BTreeMap;
use std::fmt::{self, Display};
use std::sync::Arc;

use serde::Serialize;

use super::summary::Contested;
use crate::domain::ids::AgentId;
use crate::domain::things::AlertKind;

/// Most reasons of which a report tells; lines with others are counted together.
pub(super) const KEPT_REASONS: usize = 50;
/// How many lines are named that were left out for one reason.
pub const KEPT_LINES: usize = 5;
/// How many names are told that are no agents' names.
pub(super) const KEPT_NAMES: usize = 200;

/// Alerts of one kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// How many there are.
    pub alerts: u64,
    /// How often they happened, all together.
    pub times: u64,
}

/// What became of a history.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    /// Lines taken now.
    pub taken: u64,
    /// Lines that an earlier import had taken.
    pub known: u64,
    /// Lines that could not be read.
    pub broken: LeftOut,
    /// Lines that the server refused.
    pub refused: LeftOut,
    /// Events that change nothing, most of them of types without a reading: kept as notes, by type.
    pub notes: BTreeMap<String, u64>,
    /// Names of the history that are no agents' names, and what they became; the first 200.
    pub names: BTreeMap<AgentId, Arc<str>>,
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

/// Lines that were left out, by reason.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// How many in all.
    pub lines: u64,
    /// Why, in the order in which it came first.
    pub reasons: Vec<Reason>,
}

/// Lines that were left out for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// Why.
    pub why: String,
    /// How many.
    pub lines: u64,
    /// The first of them, by number from 1.
    pub first: Vec<u64>,
    /// What exactly, of the first.
    pub detail: String,
}

impl LeftOut {
    pub(super) fn add(&mut self, line: u64, why: &str, detail: &str) {
        self.lines += 1;
        let at = self.reasons.iter().position(|reason| reason.why == why);
        let reason = if let Some(reason) = at.and_then(|at| self.reasons.get_mut(at)) {
            reason
        } else if self.reasons.len() < KEPT_REASONS {
            self.reasons.push(Reason {
                why: why.to_owned(),
                lines: 0,
                first: Vec::new(),
                detail: detail.to_owned(),
            });
            let Some(last) = self.reasons.last_mut() else { return };
            last
        } else {
            return;
        };
        reason.lines += 1;
        if reason.first.len() < KEPT_LINES {
            reason.first.push(line);
        }
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, word: &str) -> fmt::Result {
        for Reason { why, lines, first, detail } in &self.reasons {
            let named: Vec<String> = first.iter().map(ToString::to_string).collect();
            let more = if *lines > named.len() as u64 { ", …" } else { "" };
            let word_of = if *lines == 1 { "line" } else { "lines" };
            let detail = if detail.is_empty() { String::new() } else { format!(": {detail}") };
            writeln!(f, "{word:<10} {lines} {word_of} ({}{more}): {why}{detail}", named.join(", "))?;
        }
        let told: u64 = self.reasons.iter().map(|reason| reason.lines).sum();
        if self.lines > told {
            writeln!(f, "{word:<10} and {} more for other reasons", self.lines - told)?;
        }
        Ok(())
    }
}

impl Report {
    /// How many lines were left out.
    pub fn left_out(&self) -> u64 {
        self.broken.lines + self.refused.lines
    }

    pub(super) fn name(&mut self, agent: &AgentId, called: &Arc<str>) {
        if self.names.len() < KEPT_NAMES && !self.names.contains_key(agent) {
            self.names.insert(agent.clone(), Arc::clone(called));
        }
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
        for (agent, called) in &self.names {
            writeln!(f, "name       {called} acts as {agent}")?;
        }
        for (kind, events) in &self.notes {
            writeln!(f, "notes      {events} of type {kind:?}, which change nothing here: kept as notes")?;
        }
        self.broken.write(f, "broken")?;
        self.refused.write(f, "refused")
    }
}
