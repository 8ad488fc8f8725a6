//! Readiness: how the agents and the team stand, and whether more agents may join.

use serde::Serialize;

use super::map::{broken, read};
use crate::api::Problem;
use crate::domain::ids::AgentId;
use crate::domain::map::nearest_name;
use crate::domain::readiness::agents::{AgentList, Lines, everyone};
use crate::domain::readiness::{self, AgentReadiness, Missing, Team};
use crate::domain::state::Dependency;
use crate::server::answer::{Answer, ROW, absent, apart, json};
use crate::server::gate::Call;
use crate::server::pages::Page;

/// `GET /v1/readiness`: the team as it stands; `agent` keeps one agent of it. Its lists come one after another.
pub(in crate::server) async fn show(call: Call) -> Answer {
    let query = call.query()?;
    let agent: Option<AgentId> = query.get("agent")?;
    let page = Page::of(&call, &query).await?;
    let board = &page.front.board;
    let mut team = apart(board.agents.len() * ROW, || readiness::readiness(board, page.now));
    if let Some(agent) = agent {
        team = only(team, &agent)?;
    }
    let agents = team.agents.drain(..).map(Part::Agent);
    let next = team.next.drain(..).map(Part::Missing);
    let taken =
        page.take(&call, agents.chain(next).chain(team.dependencies.drain(..).map(Part::Relies)), Some);
    team.next_page = taken.next;
    for part in taken.rows {
        match part {
            Part::Agent(agent) => team.agents.push(agent),
            Part::Missing(missing) => team.next.push(missing),
            Part::Relies(dependency) => team.dependencies.push(dependency),
        }
    }
    json(&team)
}

/// A row of one of a team's lists.
#[derive(Serialize)]
#[serde(untagged)]
enum Part {
    Agent(AgentReadiness),
    Missing(Missing),
    Relies(Dependency),
}

/// `GET /v1/agents`: every agent in one line.
pub(in crate::server) async fn agents(call: Call) -> Answer {
    let query = call.query()?;
    let page = Page::of(&call, &query).await?;
    let front = &page.front;
    let lines = Lines::of(front, call.space.limits(), page.now);
    let taken = page.take(&call, everyone(&front.board), |known| Some(lines.line(known)));
    json(&AgentList {
        at: page.now,
        head: front.head(),
        all_paused: front.board.halted.as_deref().cloned(),
        agents: taken.rows,
        next: taken.next,
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
