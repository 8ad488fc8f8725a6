//! Readiness, RULES §14: how far each agent and the team are, computed from the board alone, each gate with what it
//! was found by. So it works live, as of the past, and offline; nothing here decides anything.
//!
//! `gates` holds what is asked of an agent, `stages` what is asked of the team, `joining` whether more agents may come.
//! What has not been seen is said as such and is never a pass. What counts as a coordination failure is decided in one
//! place, `AlertKind::is_coordination_failure`.

pub mod agents;
mod gates;
mod joining;
mod seats;
mod stages;

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ids::{AgentId, MapVersion, Seq};
use super::map::{Finding, Lint, Thresholds};
use super::state::{Board, CareMark, Dependency};
use super::time::Time;

pub use joining::{Joining, Overlap, Reads, joining, unmet};
pub use seats::{without_key, without_token};
pub use stages::{STAGES, StageRow};

/// Fewest deeds in each of two windows that are compared. (The rule names no number: below it one refusal more or less
/// would decide.)
pub const DEEDS: u32 = 20;

/// A team as it stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Team {
    /// When this was so.
    pub at: Time,
    /// After which deed.
    pub head: Seq,
    /// What is asked of an agent, by the map or as is usual.
    #[serde(default)]
    pub asked: Thresholds,
    /// The stage, from the number of agents in the map.
    pub stage: Stage,
    /// The agents of the map in its order, then those that act without being in it.
    pub agents: Vec<AgentReadiness>,
    /// What must be there at this stage and those before it.
    pub infrastructure: Vec<Need>,
    /// What the way to the next agent asks for and is not met; empty where it is.
    pub next: Vec<Missing>,
    /// Who relies on whose fields, the most used first.
    pub dependencies: Vec<Dependency>,
    /// The map and when it was last gone through.
    pub map: MapStanding,
    /// Where the lists go on, as a server tells them: the next page's `page`. None on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_page: Option<String>,
}

/// An agent as it stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AgentReadiness {
    /// Who.
    pub agent: AgentId,
    /// Whether the map knows it.
    pub in_map: bool,
    /// Since when it works: its first deed, or the map's `live_since` where that is later.
    pub live_since: Option<Time>,
    /// Every gate, in the order of the table.
    pub gates: Vec<Gate>,
}

/// One gate of one agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Gate {
    /// Which.
    pub kind: GateKind,
    /// How it stands.
    pub state: GateState,
    /// Why, in one line.
    pub words: String,
    /// What it was found by.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Evidence>,
}

/// What is asked of an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum GateKind {
    /// Live for four weeks, and no person stepped in.
    Stable,
    /// What it publishes is approved as it is.
    Trusted,
    /// It is not stopped or sent back more often than before.
    Consistent,
    /// The map says what it does, and the map is current.
    Documented,
    /// A named person goes through its queue on schedule.
    Reviewed,
    /// No collision, no coordination failure.
    Quiet,
}

/// How a gate stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum GateState {
    /// It is met.
    Holds,
    /// There is evidence against it.
    Fails,
    /// Too little evidence: not met, and nothing speaks against it.
    TooLittle,
}

/// What a gate was found by.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// The deed, or the last of several.
    pub deed: Option<Seq>,
    /// The place in the map, such as `agent intake`.
    pub place: Option<String>,
    /// What is there.
    pub words: String,
}

/// A team's stage, 1 to 5.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(into = "u8", try_from = "u8")]
pub enum Stage {
    /// One agent.
    Single,
    /// Two.
    Small,
    /// Three.
    Three,
    /// Four to six.
    Operating,
    /// Seven or more.
    Full,
}

/// One piece of infrastructure that a stage needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Need {
    /// The stage that asks for it first.
    pub stage: Stage,
    /// What.
    pub what: String,
    /// Whether it is there.
    pub state: GateState,
    /// How one knows.
    pub words: String,
}

/// What the way to the next agent asks for and is not met.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Missing {
    /// Whose, where it is an agent's.
    pub agent: Option<AgentId>,
    /// Which gate of that agent.
    pub gate: Option<GateKind>,
    /// Whether something speaks against it, or too little is known.
    pub state: GateState,
    /// What is missing.
    pub words: String,
}

/// The map in force and when it was last gone through.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MapStanding {
    /// Its version.
    pub version: MapVersion,
    /// When it was last put in force as a whole.
    pub applied: Option<CareMark>,
    /// When a person last went through it.
    pub reviewed: Option<CareMark>,
    /// When it is overdue; never where it does not say how often it is gone through.
    pub due: Option<Time>,
    /// Whether it is.
    pub overdue: bool,
}

/// How the team stands at `now`.
pub fn readiness(board: &Board, now: Time) -> Team {
    let model = board.map.model();
    let agents = gates::of_all(board, now);
    let stage = Stage::of(model.agents.len());
    let infrastructure = stages::infrastructure(board, stage);
    let next = stages::next(board, &agents, now);
    let mut dependencies: Vec<Dependency> =
        board.dependencies.iter().map(|(_, dependency)| dependency.clone()).collect();
    dependencies.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.reader.cmp(&b.reader)));
    let map = map_standing(board, now);
    let asked = model.asked();
    Team {
        at: now,
        head: board.head,
        asked,
        stage,
        agents,
        infrastructure,
        next,
        dependencies,
        map,
        next_page: None,
    }
}

/// When the map was last gone through, and whether it is overdue.
pub fn map_standing(board: &Board, now: Time) -> MapStanding {
    let due = board.care.due(board.map.model().gone_through_every());
    MapStanding {
        version: board.map_version,
        applied: board.care.applied.clone(),
        reviewed: board.care.reviewed.clone(),
        due,
        overdue: due.is_some_and(|due| due <= now),
    }
}

/// The map in force is overdue: the finding, which no file has a place for.
pub fn overdue(board: &Board, now: Time) -> Option<Finding> {
    let standing = map_standing(board, now);
    let due = standing.due.filter(|_| standing.overdue)?;
    let message = match board.care.last() {
        Some(mark) => format!(
            "map v{} is overdue since {}: it was last gone through on {} by {}",
            standing.version,
            gates::date(due),
            gates::date(mark.at),
            mark.by
        ),
        None => format!("map v{} is overdue since {}", standing.version, gates::date(due)),
    };
    let rule = Lint::MapOverdue.rule();
    Some(Finding {
        lint: Lint::MapOverdue,
        severity: rule.severity,
        line: 0,
        column: 0,
        span: 0..0,
        message,
        mend: rule.mend.to_owned(),
        example: None,
        also: Vec::new(),
    })
}

impl Team {
    /// The agent of that name.
    pub fn agent(&self, id: &AgentId) -> Option<&AgentReadiness> {
        self.agents.iter().find(|agent| agent.agent == *id)
    }
}

impl AgentReadiness {
    /// One of its gates.
    pub fn gate(&self, kind: GateKind) -> Option<&Gate> {
        self.gates.iter().find(|gate| gate.kind == kind)
    }

    /// Whether every gate is met.
    pub fn is_ready(&self) -> bool {
        self.gates.iter().all(|gate| gate.state == GateState::Holds)
    }

    /// Whether it is still being set up: live for less than the window.
    pub fn is_calibrating(&self, asked: Thresholds, now: Time) -> bool {
        gates::is_calibrating(self.live_since, asked, now)
    }
}

impl GateKind {
    /// Every gate, in the order of the table.
    pub const ALL: [Self; 6] =
        [Self::Stable, Self::Trusted, Self::Consistent, Self::Documented, Self::Reviewed, Self::Quiet];

    /// The word on every screen.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stable => "stable",
            Self::Trusted => "trusted",
            Self::Consistent => "consistent",
            Self::Documented => "documented",
            Self::Reviewed => "reviewed",
            Self::Quiet => "quiet",
        }
    }

    /// When it holds, as RULES §14.1 has it.
    pub fn rule(self, asked: Thresholds) -> String {
        let Thresholds { days, approvals, rate } = asked;
        match self {
            Self::Stable => format!(
                "live {days} days or more, with no manual intervention on its zone in the last {days} (a handled case \
                 counts, an expanded zone does not)"
            ),
            Self::Trusted => format!(
                "more than {rate} of at least {approvals} approvals in {days} days were approved without edits, or of the \
                 last {approvals}; an agent with no output that needs approval passes"
            ),
            Self::Consistent => format!(
                "refusals, returns and failures a hundred deeds are not half as high again as in the {days} days before"
            ),
            Self::Documented => {
                "triggers, writes or outputs, escalation and owner are in the map, and the map is not overdue"
                    .to_owned()
            }
            Self::Reviewed => format!(
                "its queue has a named owner, the last scheduled review was held, and 90% of those in {days} days"
            ),
            Self::Quiet => {
                format!("no open collision, and no coordination failure in the last {} days", asked.quiet())
            }
        }
    }
}

impl GateState {
    /// The words on every screen.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::Fails => "fails",
            Self::TooLittle => "too little evidence",
        }
    }
}

impl Evidence {
    fn deed(deed: Seq, words: impl Into<String>) -> Self {
        Self { deed: (deed != Seq(0)).then_some(deed), place: None, words: words.into() }
    }

    fn place(place: impl Into<String>, words: impl Into<String>) -> Self {
        Self { deed: None, place: Some(place.into()), words: words.into() }
    }
}

impl fmt::Display for GateKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl From<Stage> for u8 {
    fn from(stage: Stage) -> Self {
        stage.number()
    }
}

impl TryFrom<u8> for Stage {
    type Error = String;
    fn try_from(number: u8) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|stage| stage.number() == number);
        found.ok_or_else(|| format!("{number} is not a stage; they are 1 to 5"))
    }
}
