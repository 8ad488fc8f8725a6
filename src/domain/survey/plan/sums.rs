//! Adding up: by agent and kind of thing, with a few examples each.

use std::collections::HashMap;

use super::case::{Asked, Case};
use super::side::Part;
use super::{AgentSums, Counts, EXAMPLES, Example, Fate, Kind, PlanRow, ROWS, Turn};
use crate::domain::deed::Deed;
use crate::domain::ids::AgentId;

/// What makes two parts belong to one row.
#[derive(Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct RowKey {
    turn: Turn,
    agent: Option<AgentId>,
    kind: Kind,
    what: String,
    was: Fate,
    would: Fate,
    already: bool,
}

#[derive(Debug, Default)]
struct Sum {
    times: u64,
    examples: Vec<Example>,
}

/// The sums so far.
#[derive(Debug, Default)]
pub(super) struct Sums {
    rows: HashMap<RowKey, Sum>,
    agents: HashMap<Option<AgentId>, Counts>,
    counts: Counts,
    already: Counts,
    left_out: u64,
}

/// The sums by agent, and over all of them.
pub(super) struct ByAgent {
    pub(super) list: Vec<AgentSums>,
    pub(super) counts: Counts,
    pub(super) already: Counts,
}

impl Sums {
    pub(super) fn add(&mut self, deed: &Deed, case: &Case<'_>, turn: Turn, already: bool, parts: Vec<Part>) {
        if already {
            *self.already.of_mut(turn) += 1;
        } else {
            *self.counts.of_mut(turn) += 1;
            let agent = parts.first().and_then(|part| part.agent.clone());
            *self.agents.entry(agent).or_default().of_mut(turn) += 1;
        }
        for part in parts {
            let Part { agent, what, path, fate: would } = part;
            let (kind, was) = (case.asked.kind(), case.was.clone());
            let key = RowKey { turn, agent, kind, what, was, would, already };
            if self.rows.len() >= ROWS && !self.rows.contains_key(&key) {
                self.left_out += 1;
                continue;
            }
            let sum = self.rows.entry(key).or_default();
            sum.times += 1;
            if sum.examples.len() < EXAMPLES {
                let subject = deed.subject.clone();
                sum.examples.push(Example { seq: deed.seq, time: deed.time, subject, path });
            }
        }
    }

    pub(super) fn finish(self) -> (ByAgent, Vec<PlanRow>, u64) {
        let row = |(key, sum): (RowKey, Sum)| {
            let RowKey { turn, agent, kind, what, was, would, already } = key;
            PlanRow { turn, agent, kind, what, was, would, already, times: sum.times, examples: sum.examples }
        };
        let mut rows: Vec<PlanRow> = self.rows.into_iter().map(row).collect();
        rows.sort_by(|a, b| {
            let first = (a.already, a.turn).cmp(&(b.already, b.turn)).then(b.times.cmp(&a.times));
            first
                .then_with(|| (&a.agent, &a.what, a.kind).cmp(&(&b.agent, &b.what, b.kind)))
                .then_with(|| (&a.was, &a.would).cmp(&(&b.was, &b.would)))
        });
        let sums = |(agent, counts)| AgentSums { agent, counts };
        let mut list: Vec<AgentSums> = self.agents.into_iter().map(sums).collect();
        list.sort_by(|a, b| b.counts.all().cmp(&a.counts.all()).then_with(|| a.agent.cmp(&b.agent)));
        (ByAgent { list, counts: self.counts, already: self.already }, rows, self.left_out)
    }
}

impl Asked<'_> {
    fn kind(&self) -> Kind {
        match self {
            Self::Write { .. } | Self::Untold => Kind::Write,
            Self::Act { .. } => Kind::Act,
            Self::Event { .. } => Kind::Event,
            Self::Claim { .. } => Kind::Claim,
            Self::Publication { .. } => Kind::Publication,
            Self::Escalation { .. } => Kind::Escalation,
        }
    }
}
