//! What is asked of the team: five stages by the number of agents, what must be there, and the way to the next agent.

use std::collections::BTreeMap;

use super::gates::{date, times, words};
use super::{AgentReadiness, GateState, Missing, Need, Stage, map_standing};
use crate::domain::ids::AgentId;
use crate::domain::map::Model;
use crate::domain::map::schedule::Days;
use crate::domain::state::Board;
use crate::domain::time::Time;

/// One row of the table of stages, RULES §14.2.
#[derive(Debug, Clone, Copy)]
pub struct StageRow {
    /// Which.
    pub stage: Stage,
    /// Its name.
    pub name: &'static str,
    /// From this many agents on.
    pub from: usize,
    /// How many agents, in words.
    pub agents: &'static str,
    /// What the way to the next agent asks for.
    pub gate: &'static str,
}

/// The table of stages.
pub const STAGES: [StageRow; 5] = [
    StageRow {
        stage: Stage::Single,
        name: "single",
        from: 0,
        agents: "1 agent",
        gate: "every gate of the agent",
    },
    StageRow {
        stage: Stage::Small,
        name: "small",
        from: 2,
        agents: "2 agents",
        gate: "every gate of both, each queue in use reviewed daily",
    },
    StageRow {
        stage: Stage::Three,
        name: "small",
        from: 3,
        agents: "3 agents",
        gate: "every gate of all three",
    },
    StageRow {
        stage: Stage::Operating,
        name: "operating",
        from: 4,
        agents: "4 to 6 agents",
        gate: "every gate of each agent, the map gone through on schedule",
    },
    StageRow {
        stage: Stage::Full,
        name: "full",
        from: 7,
        agents: "7 or more agents",
        gate: "every gate of each agent",
    },
];

impl Stage {
    /// Every stage.
    pub const ALL: [Self; 5] = [Self::Single, Self::Small, Self::Three, Self::Operating, Self::Full];

    /// The stage of a team of that many agents; a team of none is at the first.
    pub fn of(agents: usize) -> Self {
        STAGES.iter().rev().find(|row| agents >= row.from).map_or(Self::Single, |row| row.stage)
    }

    /// 1 to 5.
    pub fn number(self) -> u8 {
        match self {
            Self::Single => 1,
            Self::Small => 2,
            Self::Three => 3,
            Self::Operating => 4,
            Self::Full => 5,
        }
    }

    /// Its row of the table.
    pub fn row(self) -> StageRow {
        let [single, small, three, operating, full] = STAGES;
        match self {
            Self::Single => single,
            Self::Small => small,
            Self::Three => three,
            Self::Operating => operating,
            Self::Full => full,
        }
    }
}

/// What must be there at this stage and those before it, and whether it is.
pub(super) fn infrastructure(board: &Board, stage: Stage) -> Vec<Need> {
    let all = [
        documents(board),
        named_reviewer(board),
        routing(board),
        need(Stage::Small, "the shared ledger", GateState::Holds, format!("{} deeds", board.head)),
        read_permissions(board),
        governance(board),
        data_dependencies(board),
        shared_resources(board),
        cadence(board),
        planned_changes(board),
    ];
    all.into_iter().filter(|need| need.stage <= stage).collect()
}

fn need(stage: Stage, what: &str, state: GateState, words: impl Into<String>) -> Need {
    Need { stage, what: what.to_owned(), state, words: words.into() }
}

fn there(yes: bool) -> GateState {
    if yes { GateState::Holds } else { GateState::Fails }
}

/// `a, b and 3 more`.
fn names(list: &[&str]) -> String {
    match list {
        [first, second, third, rest @ ..] if !rest.is_empty() => {
            format!("{first}, {second}, {third} and {} more", rest.len())
        }
        _ => list.join(", "),
    }
}

fn documents(board: &Board) -> Need {
    let model = board.map.model();
    let bare: Vec<&str> = model
        .agents
        .iter()
        .filter(|agent| {
            let routed =
                model.routes.iter().any(|route| route.agent == agent.id || route.then.contains(&agent.id));
            (agent.triggers.is_empty() && !routed) || (agent.writes.is_empty() && agent.outputs.is_empty())
        })
        .map(|agent| agent.id.as_str())
        .collect();
    let what = "trigger and write documents";
    if model.agents.is_empty() {
        return need(Stage::Single, what, GateState::Fails, "the map has no agent");
    }
    if bare.is_empty() {
        let words = format!("map v{} says what wakes each agent and what it writes", board.map_version);
        return need(Stage::Single, what, GateState::Holds, words);
    }
    need(Stage::Single, what, GateState::Fails, format!("missing for {}", names(&bare)))
}

fn named_reviewer(board: &Board) -> Need {
    let what = "a queue with a named reviewer";
    let queues: Vec<String> =
        board.map.model().queues.iter().map(|queue| format!("{} ({})", queue.name, queue.owner)).collect();
    let list: Vec<&str> = queues.iter().map(String::as_str).collect();
    let words = if list.is_empty() { "the map has no queue".to_owned() } else { names(&list) };
    need(Stage::Single, what, there(!list.is_empty()), words)
}

/// Events that several agents listen to, and no route decides.
fn undecided_events(model: &Model) -> Vec<&str> {
    let mut listeners: BTreeMap<&str, usize> = BTreeMap::new();
    for event in model.agents.iter().flat_map(|agent| &agent.triggers) {
        *listeners.entry(event).or_default() += 1;
    }
    let routed = |event: &str| model.routes.iter().any(|route| route.event == event);
    listeners.into_iter().filter(|(event, n)| *n > 1 && !routed(event)).map(|(event, _)| event).collect()
}

fn routing(board: &Board) -> Need {
    let model = board.map.model();
    let open = undecided_events(model);
    let words = if open.is_empty() {
        let routes = u32::try_from(model.routes.len()).unwrap_or(u32::MAX);
        format!("every event has one answer ({})", times(routes, "route"))
    } else {
        format!("no route decides {}", names(&open))
    };
    need(Stage::Small, "routing rules", there(open.is_empty()), words)
}

fn read_permissions(board: &Board) -> Need {
    let model = board.map.model();
    let everything = crate::domain::map::model::everything();
    let said =
        model.agents.iter().filter(|agent| agent.reads != everything || !agent.hidden.is_empty()).count();
    let words = match said {
        0 => "the map says nothing: say what each agent `reads`, or what is `hidden` from it".to_owned(),
        n => format!("{n} of {} agents read less than everything", model.agents.len()),
    };
    need(Stage::Small, "read permissions", there(said > 0), words)
}

fn data_dependencies(board: &Board) -> Need {
    let what = "cross-agent data-dependency audit";
    let mut pairs: Vec<_> = board.dependencies.iter().map(|(_, dependency)| dependency).collect();
    pairs.sort_by_key(|dependency| std::cmp::Reverse(dependency.count));
    let Some(most) = pairs.first() else {
        let words = "no deed has named what it was based on: agents must send `depends_on`";
        return need(Stage::Three, what, GateState::Fails, words);
    };
    let pairs = times(u32::try_from(pairs.len()).unwrap_or(u32::MAX), "pair");
    let words = format!("{pairs}; most often {} acts on {} of {}", most.reader, most.example, most.owner);
    need(Stage::Three, what, GateState::Holds, words)
}

fn governance(board: &Board) -> Need {
    let what = "governance document and its named owner";
    let owner = board.map.model().governance_owner.as_ref();
    let words = owner.map_or_else(
        || "nobody is accountable for the map: set `governance_owner`".to_owned(),
        |owner| format!("map v{}, {owner}", board.map_version),
    );
    need(Stage::Small, what, there(owner.is_some()), words)
}

fn shared_resources(board: &Board) -> Need {
    let model = board.map.model();
    let mut open: Vec<&str> = undecided_events(model);
    let mut publishers: BTreeMap<&str, usize> = BTreeMap::new();
    for output in model.agents.iter().flat_map(|agent| &agent.outputs) {
        *publishers.entry(output).or_default() += 1;
    }
    let ordered =
        |name: &str| model.outputs.iter().any(|output| output.name == name && !output.order.is_empty());
    open.extend(publishers.into_iter().filter(|(name, n)| *n > 1 && !ordered(name)).map(|(name, _)| name));
    let shared = |name: &str| {
        model
            .agents
            .iter()
            .filter(|agent| model.queue_of(&agent.id).is_some_and(|queue| queue.name.as_str() == name))
            .count()
            > 1
    };
    let unranked =
        model.queues.iter().filter(|queue| queue.priority.is_empty() && shared(queue.name.as_str()));
    open.extend(unranked.map(|queue| queue.name.as_str()));
    let words = if open.is_empty() {
        "every event, output and queue that several share has its rule".to_owned()
    } else {
        format!("no rule for {}", names(&open))
    };
    need(Stage::Operating, "routing for every shared resource", there(open.is_empty()), words)
}

fn cadence(board: &Board) -> Need {
    let every = board.map.model().review_every;
    let words = every.map_or_else(
        || "the map does not say how often it is gone through: set `review_every`".to_owned(),
        |every| format!("the map is gone through every {every}"),
    );
    need(Stage::Full, "a review cadence of its own", there(every.is_some()), words)
}

fn planned_changes(board: &Board) -> Need {
    let what = "every map change planned before it is applied";
    match &board.care.applied {
        Some(mark) if mark.planned => {
            need(Stage::Full, what, GateState::Holds, format!("the last one was, by {}", mark.by))
        }
        Some(mark) => {
            let words = format!("the last one, of {}, was applied without `deeds map plan`", date(mark.at));
            need(Stage::Full, what, GateState::Fails, words)
        }
        None => need(Stage::Full, what, GateState::TooLittle, "no map was applied yet"),
    }
}

/// What keeps the next agent out: what the gates ask for, and what must be there with one agent more.
pub(super) fn next(board: &Board, agents: &[AgentReadiness], now: Time) -> Vec<Missing> {
    let mut next = missing(board, agents, now);
    let team = board.map.model().agents.len();
    if team > 0 {
        // The map that has the next agent may bring it.
        next.extend(
            absent(board, Stage::of(team + 1)).map(|missing| Missing {
                words: format!("with one agent more: {}", missing.words),
                ..missing
            }),
        );
    }
    next
}

/// What must be there at a stage and is not.
pub(super) fn absent(board: &Board, stage: Stage) -> impl Iterator<Item = Missing> {
    infrastructure(board, stage).into_iter().filter(|need| need.state != GateState::Holds).map(|need| {
        Missing {
            agent: None,
            gate: None,
            state: need.state,
            words: format!("{}: {}", need.what, need.words),
        }
    })
}

/// What the gates ask for at this size and is not met: every gate of each agent, and what the table has beside them.
pub(super) fn missing(board: &Board, agents: &[AgentReadiness], now: Time) -> Vec<Missing> {
    let team: Vec<&AgentReadiness> = agents.iter().filter(|agent| agent.in_map).collect();
    if team.is_empty() {
        return vec![Missing {
            agent: None,
            gate: None,
            state: GateState::TooLittle,
            words: "the map has no agent yet".to_owned(),
        }];
    }
    let mut missing: Vec<Missing> = team.iter().flat_map(|agent| not_held(agent)).collect();
    match Stage::of(team.len()) {
        Stage::Small => missing.extend(not_daily(board)),
        Stage::Operating => missing.extend(map_on_schedule(board, now)),
        Stage::Single | Stage::Three | Stage::Full => {}
    }
    missing
}

fn not_held(agent: &AgentReadiness) -> impl Iterator<Item = Missing> {
    agent.gates.iter().filter(|gate| gate.state != GateState::Holds).map(|gate| Missing {
        agent: Some(agent.agent.clone()),
        gate: Some(gate.kind),
        state: gate.state,
        words: words(&agent.agent, gate),
    })
}

/// Queues that agents escalate to and that are not gone through every working day.
fn not_daily(board: &Board) -> Vec<Missing> {
    let model = board.map.model();
    let used = |name: &str| model.agents.iter().any(|agent| queue_name(model, &agent.id) == Some(name));
    let rare = model.queues.iter().filter(|queue| used(queue.name.as_str())).filter(|queue| {
        !queue.review.is_some_and(|schedule| matches!(schedule.days, Days::Daily | Days::Weekdays))
    });
    rare.map(|queue| Missing {
        agent: None,
        gate: None,
        state: GateState::Fails,
        words: format!("the queue {} is not reviewed daily", queue.name),
    })
    .collect()
}

fn queue_name<'a>(model: &'a Model, agent: &AgentId) -> Option<&'a str> {
    model.queue_of(agent).map(|queue| queue.name.as_str())
}

fn map_on_schedule(board: &Board, now: Time) -> Option<Missing> {
    let standing = map_standing(board, now);
    let words = match (standing.due, standing.overdue) {
        (None, _) => "the map has no schedule: set `review_every`".to_owned(),
        (Some(due), true) => format!("the map is overdue since {}: `deeds map reviewed`", date(due)),
        (Some(_), false) => return None,
    };
    Some(Missing { agent: None, gate: None, state: GateState::Fails, words })
}
