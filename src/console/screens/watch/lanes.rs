//! Who has a lane, in which order, and what lies in its cells.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::window::Window;
use crate::console::tally::Tally;
use crate::console::widgets::Look;
use crate::domain::deed::Deed;
use crate::domain::ids::{Actor, AgentId};
use crate::domain::state::Board;

/// Lanes at most; the least active agents beyond have none.
pub(super) const LANES: usize = 200;

/// Whose deeds lie on a lane.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Lane {
    Agent(AgentId),
    /// Those of all people.
    People,
    /// Deeds' own: timers, alerts, and what follows from a decision.
    Deeds,
}

impl Lane {
    /// The lane of an actor.
    pub(super) fn of(actor: &Actor) -> Self {
        match actor {
            Actor::Agent(agent) => Self::Agent(agent.clone()),
            Actor::Person(_) => Self::People,
            Actor::Deeds => Self::Deeds,
        }
    }

    pub(super) fn name(&self) -> &str {
        match self {
            Self::Agent(agent) => agent.as_str(),
            Self::People => "people",
            Self::Deeds => "deeds' own",
        }
    }

    /// The name with the sign of whose deeds these are.
    pub(super) fn label(&self, look: Look<'_>) -> String {
        let [agent, person, deeds] = look.glyphs.classes;
        let sign = match self {
            Self::Agent(_) => agent,
            Self::People => person,
            Self::Deeds => deeds,
        };
        format!("{sign} {}", self.name())
    }

    /// The agent, if it is one's.
    pub(super) fn agent(&self) -> Option<&AgentId> {
        match self {
            Self::Agent(agent) => Some(agent),
            Self::People | Self::Deeds => None,
        }
    }

    /// What the log is filtered by to show only its deeds.
    pub(super) fn filter(&self) -> String {
        match self {
            Self::Agent(agent) => format!("class:agent actor:{agent}"),
            Self::People => "class:person".to_owned(),
            Self::Deeds => "class:deeds".to_owned(),
        }
    }
}

/// What is in sight: each lane's deeds by column.
#[derive(Debug, Default)]
pub(super) struct Grid {
    /// By lane and column; oldest first in each.
    cells: BTreeMap<Lane, BTreeMap<usize, Vec<Arc<Deed>>>>,
}

impl Grid {
    /// Puts deeds, oldest first, where they belong.
    pub(super) fn of<'a>(window: &Window, deeds: impl Iterator<Item = &'a Arc<Deed>>) -> Self {
        let mut grid = Self::default();
        for deed in deeds {
            if let Some(column) = window.column(deed.time) {
                let lane = grid.cells.entry(Lane::of(&deed.actor)).or_default();
                lane.entry(column).or_default().push(Arc::clone(deed));
            }
        }
        grid
    }

    /// The deeds of a cell, oldest first.
    pub(super) fn cell(&self, lane: &Lane, column: usize) -> &[Arc<Deed>] {
        self.cells.get(lane).and_then(|lane| lane.get(&column)).map_or(&[], Vec::as_slice)
    }

    /// The cells of a lane that have deeds.
    pub(super) fn lane(&self, lane: &Lane) -> impl DoubleEndedIterator<Item = (usize, &[Arc<Deed>])> {
        self.cells.get(lane).into_iter().flatten().map(|(column, deeds)| (*column, deeds.as_slice()))
    }

    /// Every deed in sight with its lane and column.
    pub(super) fn all(&self) -> impl Iterator<Item = (&Lane, usize, &Arc<Deed>)> {
        self.cells.iter().flat_map(|(lane, cells)| {
            cells.iter().flat_map(move |(column, deeds)| deeds.iter().map(move |deed| (lane, *column, deed)))
        })
    }

    /// The last column of a lane that has a deed.
    pub(super) fn newest(&self, lane: &Lane) -> Option<usize> {
        self.lane(lane).next_back().map(|(column, _)| column)
    }

    /// How a lane's deeds came out.
    pub(super) fn tally(&self, lane: &Lane) -> Tally {
        let mut tally = Tally::default();
        self.lane(lane).flat_map(|(_, deeds)| deeds).for_each(|deed| tally.count(deed.outcome));
        tally
    }
}

/// How the deeds of a cell came out.
pub(super) fn tally_of(deeds: &[Arc<Deed>]) -> Tally {
    let mut tally = Tally::default();
    for deed in deeds {
        tally.count(deed.outcome);
    }
    tally
}

/// The lanes in their order: agents by how much they did, the most active first; then those of the map that did nothing;
/// then people, and Deeds' own.
pub(super) fn order(board: &Board, count: impl Fn(&Lane) -> u64, seen: &BTreeSet<Lane>) -> Vec<Lane> {
    let mapped = board.map.model().agents.iter().map(|agent| Lane::Agent(agent.id.clone()));
    let mut agents: Vec<(u64, Lane)> = Vec::new();
    let all: BTreeSet<Lane> =
        mapped.chain(seen.iter().filter(|lane| lane.agent().is_some()).cloned()).collect();
    agents.extend(all.into_iter().map(|lane| (count(&lane), lane)));
    agents.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    agents.truncate(LANES);
    agents.into_iter().map(|(_, lane)| lane).chain([Lane::People, Lane::Deeds]).collect()
}

/// Gives agents that were not there a lane, after the other agents. Nothing moves.
pub(super) fn join(order: &mut Vec<Lane>, seen: impl Iterator<Item = Lane>) {
    for lane in seen {
        if !order.contains(&lane) && order.len() < LANES {
            let at = order.iter().rposition(|other| other.agent().is_some()).map_or(0, |at| at + 1);
            order.insert(at, lane);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newcomer_gets_a_lane_below_the_agents_and_nobody_moves() {
        let lane = |name: &str| Lane::Agent(AgentId::new(name).unwrap());
        let mut order = vec![lane("z"), lane("b"), Lane::People, Lane::Deeds];
        join(&mut order, [lane("a"), Lane::People, lane("b")].into_iter());
        assert_eq!(order, [lane("z"), lane("b"), lane("a"), Lane::People, Lane::Deeds]);
    }
}
