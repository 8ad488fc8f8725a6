//! Every agent in one line: how alive it is, what is its own, how much of what it asked was stopped.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::AgentReadiness;
pub use super::gates::Known;
use super::gates::{self, Conflicts, open_conflicts};
use crate::domain::ids::{Actor, AgentId, PersonId, Seq};
use crate::domain::state::{AgentFacts, Board, Front, Stop};
use crate::domain::things::{Allowance, Doors, Limits, May, TokenClass, Usage};
use crate::domain::time::Time;

/// The days that a list of agents looks back on.
pub const LIST_DAYS: i64 = 7;

/// Every agent as it stands.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AgentList {
    /// When this was so.
    pub at: Time,
    /// After which deed.
    pub head: Seq,
    /// That every agent is paused: by whom, since when, until when, and why.
    pub all_paused: Option<Stop>,
    /// The agents of the map in its order, then those that act without being in it.
    pub agents: Vec<AgentLine>,
    /// Where the list goes on: the next page's `page`. None on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// One agent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AgentLine {
    /// What it does and owns.
    pub standing: Standing,
    /// Its gates; what each was found by is in `/v1/readiness?agent=…`.
    #[serde(flatten)]
    pub readiness: AgentReadiness,
}

/// What an agent does and owns.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Standing {
    /// What another system calls it, whose history was imported, where that is no agent's name.
    pub called: Option<Arc<str>>,
    /// The person accountable for it; none where the map does not know it.
    pub owner: Option<PersonId>,
    /// When it last acted.
    pub last: Option<Time>,
    /// Whether a person has stopped it.
    pub paused: bool,
    /// Patterns that it writes.
    pub writes: usize,
    /// Events that it owns.
    pub triggers: usize,
    /// Outputs that it publishes on.
    pub outputs: usize,
    /// Its deeds in the last 7 days.
    pub deeds: u32,
    /// Those that were refused, stale or failed.
    pub stopped: u32,
    /// Its approvals in the window of readiness: 28 days, or what the map says.
    pub approvals: u32,
    /// Those that were approved as they were.
    pub approved: u32,
    /// What waits in its work stream.
    pub open_work: usize,
    /// What is kept for its sake.
    #[serde(default)]
    pub kept: Usage,
    /// How many idempotency keys of it are kept; as of the past nobody knows.
    #[serde(default)]
    pub keys: u64,
    /// How many live tokens bear its name; as of the past nobody knows.
    #[serde(default)]
    pub tokens: usize,
    /// What it may have kept, as the settings are now and a person said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub may: Option<May>,
    /// What it may have kept beyond the settings.
    #[serde(default, skip_serializing_if = "Allowance::is_none")]
    pub allowance: Allowance,
    /// How often it was turned away, beside what has deeds of its own.
    #[serde(default)]
    pub turned_away: u64,
    /// By which doors it comes, and when it came by each first and last.
    #[serde(default)]
    pub doors: Doors,
}

impl Standing {
    /// Of a hundred approvals, how many were approved as they were; none where there were none.
    pub fn approved_percent(&self) -> Option<u32> {
        (self.approvals > 0).then(|| self.approved * 100 / self.approvals)
    }

    /// What is kept for its sake, and what may be, in words.
    pub fn keeps(&self) -> String {
        self.may.map_or_else(|| self.kept.to_string(), |may| may.beside(self.kept, self.keys))
    }
}

/// Every agent at `now`, with what only a server knows: keys, tokens, and how much may be kept.
pub fn agents(front: &Front, limits: &Limits, now: Time) -> AgentList {
    let lines = Lines::of(front, limits, now);
    let board = &front.board;
    AgentList {
        at: now,
        head: board.head,
        all_paused: board.halted.as_deref().cloned(),
        agents: everyone(board).map(|known| lines.line(known)).collect(),
        next: None,
    }
}

/// What the lines of agents are made of.
#[derive(Debug)]
pub struct Lines<'a> {
    front: &'a Front,
    limits: &'a Limits,
    now: Time,
    conflicts: Conflicts<'a>,
    /// How many live tokens bear each agent's name.
    tokens: BTreeMap<&'a str, usize>,
}

impl<'a> Lines<'a> {
    /// Those at `now`.
    pub fn of(front: &'a Front, limits: &'a Limits, now: Time) -> Self {
        let mut tokens: BTreeMap<&str, usize> = BTreeMap::new();
        for record in front.tokens.values().filter(|record| record.is_live(now)) {
            if record.token.class == TokenClass::Agent {
                *tokens.entry(&*record.token.name).or_default() += 1;
            }
        }
        Self { front, limits, now, conflicts: open_conflicts(&front.board), tokens }
    }

    /// One agent's. How its gates stand, and not by what that was found.
    pub fn line(&self, known: Known<'a>) -> AgentLine {
        let Self { front, now, .. } = *self;
        let agent = known.0;
        let mut readiness = gates::of(&front.board, now, known, &self.conflicts);
        for gate in &mut readiness.gates {
            gate.evidence.clear();
        }
        let standing = standing(&front.board, agent, now);
        let standing = Standing {
            keys: front.keys.get(&Actor::Agent(agent.clone())).map_or(0, |keys| *keys as u64),
            tokens: self.tokens.get(agent.as_str()).copied().unwrap_or_default(),
            may: Some(self.limits.with(standing.allowance)),
            ..standing
        };
        AgentLine { standing, readiness }
    }
}

/// Every agent of the map in its order, then those that act without being in it.
pub fn everyone(board: &Board) -> impl Iterator<Item = Known<'_>> {
    gates::everyone(board)
}

/// What one agent does and owns.
pub fn standing(board: &Board, agent: &AgentId, now: Time) -> Standing {
    let entry = board.map.agent(agent);
    let facts: Option<&AgentFacts> = board.agents.get(agent);
    let week = facts.map(|facts| facts.history.last_days(now, LIST_DAYS)).unwrap_or_default();
    let days = board.map.model().asked().window();
    let month = facts.map(|facts| facts.history.last_days(now, days)).unwrap_or_default();
    Standing {
        called: facts.and_then(|facts| facts.called.clone()),
        owner: entry.map(|entry| entry.owner.clone()),
        last: facts.filter(|facts| !facts.outcomes.is_empty()).map(|facts| facts.last),
        paused: facts.is_some_and(|facts| facts.paused.is_some()),
        writes: entry.map_or(0, |entry| entry.writes.len()),
        triggers: entry.map_or(0, |entry| entry.triggers.len()),
        outputs: entry.map_or(0, |entry| entry.outputs.len()),
        deeds: week.deeds.n,
        stopped: week.refused.n.saturating_add(week.failed.n),
        approvals: month.answers.all(),
        approved: month.answers.approved.n,
        open_work: board.works_by.get(agent).map_or(0, imbl::OrdSet::len),
        kept: board.usage(agent),
        keys: 0,
        tokens: 0,
        may: None,
        allowance: facts.map(|facts| facts.allowance).unwrap_or_default(),
        turned_away: facts.map_or(0, |facts| facts.turned_away),
        doors: facts.map(|facts| facts.doors).unwrap_or_default(),
    }
}
