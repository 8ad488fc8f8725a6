//! May more agents join? The map that has them, against the team as it stands.
//!
//! What keeps them out: an overlap or another error of the map; infrastructure that the grown team must have and has not;
//! a gate of an agent with evidence against it; a gate that the table of stages asks for at this size and that does not
//! hold; two agents that would be calibrating at once. Too little evidence about a gate that the table does not ask for
//! at this size is told and keeps nobody out.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AgentReadiness, GateState, Missing, Stage, WINDOW_DAYS, gates, readiness, stages};
use crate::domain::ids::AgentId;
use crate::domain::map::{Finding, Lint, Map, Model, lint};
use crate::domain::state::Board;
use crate::domain::time::Time;

/// Whether the agents that a map adds may join, and what keeps them out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Joining {
    /// Agents that the map has and the one in force has not.
    pub newcomers: Vec<AgentId>,
    /// The stage now.
    pub stage: Stage,
    /// The stage with them.
    pub then: Stage,
    /// Where two agents would write, answer or publish the same, and what else is wrong with the map.
    pub overlaps: Vec<Overlap>,
    /// Gates that keep them out.
    pub failed: Vec<Missing>,
    /// Gates about which too little is known; they keep nobody out.
    pub told: Vec<Missing>,
    /// Agents that would be calibrating: live for less than four weeks. Two at once are one too many.
    pub calibrating: Vec<AgentId>,
    /// The answer.
    pub may_join: bool,
}

/// Something wrong with the map.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Overlap {
    /// The lint, such as `two-writers`.
    pub lint: String,
    /// What is wrong.
    pub words: String,
    /// A path that shows it: both match it.
    pub example: Option<String>,
    /// What to do about it.
    pub mend: String,
}

/// May the agents that this map adds join at `now`?
pub fn joining(board: &Board, with: &Model, now: Time) -> Joining {
    let errors = lint::check(with).into_iter().filter(Finding::is_error);
    let mut joining = Joining::of(board, with, errors.map(overlap).collect());
    if !joining.newcomers.is_empty() {
        joining.ask_the_team(board, with, now);
    }
    joining.may_join = joining.overlaps.is_empty() && joining.unmet().is_empty();
    joining
}

/// What is not met for the agents that this map adds, one line for each; none where it adds none. The map was checked
/// already.
pub fn unmet(board: &Board, with: &Model, now: Time) -> Vec<String> {
    let mut joining = Joining::of(board, with, Vec::new());
    if !joining.newcomers.is_empty() {
        joining.ask_the_team(board, with, now);
    }
    joining.unmet()
}

impl Joining {
    fn of(board: &Board, with: &Model, overlaps: Vec<Overlap>) -> Self {
        let model = board.map.model();
        let new = with.agents.iter().filter(|agent| model.agent(&agent.id).is_none());
        Self {
            newcomers: new.map(|agent| agent.id.clone()).collect(),
            stage: Stage::of(model.agents.len()),
            then: Stage::of(with.agents.len()),
            overlaps,
            failed: Vec::new(),
            told: Vec::new(),
            calibrating: Vec::new(),
            may_join: true,
        }
    }

    /// What is not met, beside what is wrong with the map itself: one line for each.
    pub fn unmet(&self) -> Vec<String> {
        let mut unmet: Vec<String> = self.failed.iter().map(|missing| missing.words.clone()).collect();
        if self.calibrating.len() > 1 {
            let names: Vec<&str> = self.calibrating.iter().map(AgentId::as_str).collect();
            unmet.push(format!(
                "{} would be calibrating at once: live for less than {WINDOW_DAYS} days",
                names.join(" and ")
            ));
        }
        unmet
    }

    fn ask_the_team(&mut self, board: &Board, with: &Model, now: Time) {
        let team = readiness(board, now);
        if !board.map.model().agents.is_empty() {
            self.failed.clone_from(&team.next);
        }
        for agent in team.agents.iter().filter(|agent| agent.in_map) {
            for missing in not_held(agent) {
                let known = self
                    .failed
                    .iter()
                    .any(|known| (&known.agent, known.gate) == (&missing.agent, missing.gate));
                match missing.state {
                    _ if known => {}
                    GateState::Fails => self.failed.push(missing),
                    GateState::TooLittle | GateState::Holds => self.told.push(missing),
                }
            }
        }
        let mut grown = board.clone();
        grown.map = Map::compile(Arc::new(with.clone()));
        for need in stages::infrastructure(&grown, self.then) {
            let words = format!("{}: {}", need.what, need.words);
            let missing = Missing { agent: None, gate: None, state: need.state, words };
            match need.state {
                GateState::Holds => {}
                GateState::Fails => self.failed.push(missing),
                GateState::TooLittle => self.told.push(missing),
            }
        }
        let young = with.agents.iter().filter(|agent| {
            let since = gates::live_since(Some(*agent), board.agents.get(&agent.id));
            gates::is_calibrating(since, now)
        });
        self.calibrating = young.map(|agent| agent.id.clone()).collect();
    }
}

fn not_held(agent: &AgentReadiness) -> impl Iterator<Item = Missing> {
    agent.gates.iter().filter(|gate| gate.state != GateState::Holds).map(|gate| Missing {
        agent: Some(agent.agent.clone()),
        gate: Some(gate.kind),
        state: gate.state,
        words: gates::words(&agent.agent, gate),
    })
}

fn overlap(finding: Finding) -> Overlap {
    Overlap {
        lint: Lint::code(finding.lint).to_owned(),
        words: finding.message,
        example: finding.example,
        mend: finding.mend,
    }
}
