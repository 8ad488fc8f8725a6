//! Readiness: how the agents and the team stand, and whether more agents may join.

use std::sync::Arc;

use serde::Serialize;

use super::map::{broken, read};
use crate::api::Problem;
use crate::domain::ids::AgentId;
use crate::domain::map::nearest_name;
use crate::domain::readiness::agents::{AgentList, Lines, everyone};
use crate::domain::readiness::{self, AgentReadiness, Missing, Team};
use crate::domain::state::Dependency;
use crate::server::answer::{Answer, absent, json};
use crate::server::gate::Call;
use crate::server::pages::Page;

/// `GET /v1/readiness`: the team as it stands; `agent` keeps one agent of it. Its lists come one after another.
pub(in crate::server) async fn show(call: Call) -> Answer {
    let query = call.query()?;
    let agent: Option<AgentId> = query.get("agent")?;
    let page = Page::of(&call, &query).await?;
    let whole = page.team(&call);
    let of_one = agent.map(|agent| only(&whole, &agent)).transpose()?;
    let agents = of_one.map_or(whole.agents.as_slice(), std::slice::from_ref);
    let rows = agents.iter().map(Part::Agent);
    let rows = rows.chain(whole.next.iter().map(Part::Missing));
    let taken = page.take(&call, rows.chain(whole.dependencies.iter().map(Part::Relies)), Some);
    if taken.next.is_some() {
        page.keep_team(&call, Arc::clone(&whole));
    }
    let (agents, next, dependencies) = (Vec::new(), Vec::new(), Vec::new());
    let (infrastructure, map) = (whole.infrastructure.clone(), whole.map.clone());
    let Team { at, head, asked, stage, .. } = *whole;
    let next_page = taken.next;
    let mut team =
        Team { at, head, asked, stage, agents, infrastructure, next, dependencies, map, next_page };
    for part in taken.rows {
        match part {
            Part::Agent(agent) => team.agents.push(agent.clone()),
            Part::Missing(missing) => team.next.push(missing.clone()),
            Part::Relies(dependency) => team.dependencies.push(dependency.clone()),
        }
    }
    json(&team)
}

/// A row of one of a team's lists.
#[derive(Serialize)]
#[serde(untagged)]
enum Part<'a> {
    Agent(&'a AgentReadiness),
    Missing(&'a Missing),
    Relies(&'a Dependency),
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

/// One agent of the team; a name that nobody has gets the nearest one.
fn only<'a>(team: &'a Team, agent: &AgentId) -> Result<&'a AgentReadiness, Box<Problem>> {
    team.agent(agent).ok_or_else(|| {
        let names = team.agents.iter().map(|known| known.agent.as_str());
        let problem = absent(format!("agent {agent}: it is not in the map and has done nothing"));
        match nearest_name(agent.as_str(), names) {
            Some(near) => Box::new(problem.next(format!("did you mean {near}?"))),
            None => problem,
        }
    })
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
