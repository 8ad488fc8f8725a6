//! Whether one agent more may join, as RULES §14.2 and §14.3 have it, held against what the program says.

use std::collections::BTreeSet;

use super::lives::Life;
use super::verdicts::Asked;
use deeds::domain::ids::AgentId;
use deeds::domain::map::{Agent, Model};
use deeds::domain::readiness::{GateKind, GateState, Missing, joining, readiness};
use deeds::domain::state::Board;
use deeds::domain::time::Span;

/// A gate of somebody that does not hold.
type Unmet = BTreeSet<(String, &'static str, String)>;

impl Asked<'_> {
    /// Every gate of each agent in the map is asked for, and the way to the next agent says what keeps it out.
    pub(super) fn check_next(&self, board: &Board) {
        let nobody = Life::default();
        let mut unmet = Unmet::new();
        for agent in self.model.agents.iter().map(|agent| &agent.id) {
            let life = self.lives.each.get(agent).unwrap_or(&nobody);
            for kind in GateKind::ALL {
                let state = self.gate(kind, agent, life).0;
                if state != GateState::Holds {
                    unmet.insert((agent.to_string(), kind.as_str(), state.as_str().to_owned()));
                }
            }
        }
        let team = readiness(board, self.now);
        assert_eq!(gates(&team.next), unmet, "{:#?}", team.next);
        let grown = with_one_more(self.model);
        let answer = joining(board, &grown, self.now);
        assert_eq!(answer.newcomers, [newcomer()]);
        // An answer may have made somebody an agent who is called like a reviewer, which is wrong with the map already.
        let named = |agent: &AgentId| self.model.names_person(agent.as_str());
        let sound = !self.model.agents.iter().any(|agent| named(&agent.id));
        assert!(answer.overlaps.is_empty() || !sound, "a newcomer on fields of its own: {answer:#?}");
        assert_eq!(gates(&answer.failed), unmet, "{:#?}", answer.failed);
        let young = |agent: &AgentId| {
            let life = self.lives.each.get(agent).unwrap_or(&nobody);
            !self.is_live_for(agent, life, Span::from_days(self.days()))
        };
        let calibrating: BTreeSet<AgentId> =
            grown.agents.iter().map(|agent| agent.id.clone()).filter(young).collect();
        assert_eq!(answer.calibrating.iter().cloned().collect::<BTreeSet<_>>(), calibrating);
        assert_eq!(
            answer.may_join,
            answer.overlaps.is_empty() && answer.failed.is_empty() && calibrating.len() < 2,
            "{answer:#?}"
        );
        if team.next.is_empty() && sound {
            // Agents that are young are not stable, so there is none beside the newcomer.
            assert!(answer.may_join, "nothing keeps it out: {answer:#?}");
        }
    }
}

fn gates(missing: &[Missing]) -> Unmet {
    let gate = |one: &Missing| {
        Some((one.agent.as_ref()?.to_string(), one.gate?.as_str(), one.state.as_str().to_owned()))
    };
    missing.iter().filter_map(gate).collect()
}

fn newcomer() -> AgentId {
    AgentId::new("newcomer").unwrap()
}

/// The map with one agent more, on an event and on fields of its own.
fn with_one_more(model: &Model) -> Model {
    let mut grown = model.clone();
    let mut agent = Agent::new(newcomer(), model.agents[0].owner.clone());
    agent.triggers = vec!["newcomer.called".to_owned()];
    agent.writes = vec!["newcomer/*".parse().unwrap()];
    grown.agents.push(agent);
    for queue in grown.queues.iter_mut().filter(|queue| !queue.priority.is_empty()).take(1) {
        queue.priority.push(newcomer());
    }
    grown
}
