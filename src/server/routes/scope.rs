//! An agent's own place in the map; people name the agent.

use crate::api::{Problem, ProblemCode};
use crate::domain::ids::AgentId;
use crate::domain::query;
use crate::server::answer::{Answer, json};
use crate::server::gate::Call;

/// `GET /v1/scope`
pub(in crate::server) async fn show(call: Call) -> Answer {
    let query = call.query()?;
    let state = call.front(&query).await?;
    let agent = agent_meant(&call, query.get("agent")?)?;
    json(&query::scope(&state.board, &agent))
}

/// An agent asks about itself; people name whom they mean.
pub(in crate::server) fn agent_meant(call: &Call, named: Option<AgentId>) -> Result<AgentId, Box<Problem>> {
    let place = "query, `agent`";
    match (call.caller.agent(), named) {
        (Some(agent), None) => Ok(agent.clone()),
        (Some(agent), Some(named)) if *agent == named => Ok(named),
        (Some(_), Some(_)) => {
            let problem = Problem::new(ProblemCode::NotAllowed, "an agent's token asks about itself only");
            Err(Box::new(problem.at(place)))
        }
        (None, Some(named)) => Ok(named),
        (None, None) => {
            let problem = Problem::new(ProblemCode::BadParameter, "a person names the agent that is meant");
            Err(Box::new(problem.at(place)))
        }
    }
}
