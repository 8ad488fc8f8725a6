//! Readiness: how the agents and the team stand, and whether more agents may join.

use super::map::{broken, read};
use crate::api::Problem;
use crate::domain::ids::AgentId;
use crate::domain::map::nearest_name;
use crate::domain::readiness::{self, Team};
use crate::server::answer::{Answer, ROW, absent, apart, json};
use crate::server::gate::Call;
use crate::server::past;

/// `GET /v1/readiness`: the team as it stands; `agent` keeps one agent of it.
pub(in crate::server) async fn show(call: Call) -> Answer {
    let query = call.query()?;
    let agent: Option<AgentId> = query.get("agent")?;
    let state = call.front(&query).await?;
    let team = readiness::readiness(&state.board, past::now(&call, &query).await?);
    json(&match agent {
        Some(agent) => only(team, &agent)?,
        None => team,
    })
}

/// `GET /v1/agents`: every agent in one line.
pub(in crate::server) async fn agents(call: Call) -> Answer {
    let query = call.query()?;
    let state = call.front(&query).await?;
    let now = past::now(&call, &query).await?;
    apart(state.board.agents.len() * ROW, || {
        json(&readiness::agents::agents_of(&state, call.space.limits(), now))
    })
}

/// The team with one of its agents; a name that nobody has gets the nearest one.
fn only(mut team: Team, agent: &AgentId) -> Result<Team, Box<Problem>> {
    if team.agent(agent).is_none() {
        let names = team.agents.iter().map(|known| known.agent.as_str());
        let problem = absent(format!("agent {agent}: it is not in the map and has done nothing"));
        return Err(match nearest_name(agent.as_str(), names) {
            Some(near) => Box::new(problem.next(format!("did you mean {near}?"))),
            None => problem,
        });
    }
    team.agents.retain(|known| known.agent == *agent);
    Ok(team)
}

/// `POST /v1/readiness`: may the agents join that this map adds? The body is the file. A map with an overlap gets its
/// answer; only one that can't be read is a problem.
pub(in crate::server) async fn join(call: Call) -> Answer {
    call.query()?;
    let parsed = read(&call).await?;
    let Some(model) = parsed.model else { return Err(broken(parsed.findings)) };
    let state = call.space.handle().front();
    json(&readiness::joining(&state.board, &model, call.now()))
}
