//! May more agents join? The map that has them, against the team as it stands.
//!
//! What keeps them out: an overlap or another error of the map; what the way to the next agent asks for, where there is a
//! team, and does not hold (too little evidence is no pass); infrastructure that the grown team must have and has not;
//! two agents that would be calibrating at once.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Missing, Stage, gates, stages};
use crate::domain::ids::AgentId;
use crate::domain::map::{Finding, Lint, Map, Model, Thresholds, lint};
use crate::domain::path::{self, FieldPath, Pattern};
use crate::domain::state::Board;
use crate::domain::time::Time;

/// Whether the agents that a map adds may join, and what keeps them out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Joining {
    /// Agents that the map has and the one in force has not.
    pub newcomers: Vec<AgentId>,
    /// What is asked of an agent, by the map in force or as is usual.
    #[serde(default)]
    pub asked: Thresholds,
    /// The stage now.
    pub stage: Stage,
    /// The stage with them.
    pub then: Stage,
    /// Where two agents would write, answer or publish the same, and what else is wrong with the map.
    pub overlaps: Vec<Overlap>,
    /// Gates that keep them out.
    pub failed: Vec<Missing>,
    /// What newcomers may read of what others write: whom they will rely on. It keeps nobody out.
    #[serde(default)]
    pub reads: Vec<Reads>,
    /// Agents that would be calibrating: live for less than four weeks. Two at once are one too many.
    pub calibrating: Vec<AgentId>,
    /// The answer.
    pub may_join: bool,
}

/// A newcomer may read what another agent writes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reads {
    /// The newcomer.
    pub reader: AgentId,
    /// Who writes it.
    pub writer: AgentId,
    /// What of it, as the writer's grants have it.
    pub writes: Vec<Pattern>,
    /// A path that shows it.
    pub example: FieldPath,
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
            asked: model.asked(),
            stage: Stage::of(model.agents.len()),
            then: Stage::of(with.agents.len()),
            overlaps,
            failed: Vec::new(),
            reads: reads(model, with),
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
                "{} would be calibrating at once: live for less than {} days",
                names.join(" and "),
                self.asked.days
            ));
        }
        unmet
    }

    fn ask_the_team(&mut self, board: &Board, with: &Model, now: Time) {
        if !board.map.model().agents.is_empty() {
            self.failed = stages::missing(board, &gates::of_all(board, now), now);
        }
        let mut grown = board.clone();
        grown.map = Map::compile(Arc::new(with.clone()));
        self.failed.extend(stages::absent(&grown, self.then));
        let young = with.agents.iter().filter(|agent| {
            let since = gates::live_since(Some(*agent), board.agents.get(&agent.id));
            gates::is_calibrating(since, self.asked, now)
        });
        self.calibrating = young.map(|agent| agent.id.clone()).collect();
    }
}

/// What each newcomer may read of what each other agent writes.
fn reads(model: &Model, with: &Model) -> Vec<Reads> {
    let mut found = Vec::new();
    for reader in with.agents.iter().filter(|agent| model.agent(&agent.id).is_none()) {
        for writer in with.agents.iter().filter(|agent| agent.id != reader.id) {
            let shown = |grant: &Pattern| {
                let mut may = reader.reads.iter();
                may.find_map(|reads| {
                    path::overlap(grant, &writer.taken_from(grant), reads, &reader.hidden).path()
                })
            };
            let read: Vec<(&Pattern, FieldPath)> =
                writer.writes.iter().filter_map(|grant| Some((grant, shown(grant)?))).collect();
            let Some((_, example)) = read.first() else { continue };
            found.push(Reads {
                reader: reader.id.clone(),
                writer: writer.id.clone(),
                writes: read.iter().map(|(grant, _)| (*grant).clone()).collect(),
                example: example.clone(),
            });
        }
    }
    found
}

fn overlap(finding: Finding) -> Overlap {
    Overlap {
        lint: Lint::code(finding.lint).to_owned(),
        words: finding.message,
        example: finding.example,
        mend: finding.mend,
    }
}
