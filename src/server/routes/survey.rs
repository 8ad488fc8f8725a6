//! Long looks at the ledger that a map is the subject of: what one would have said to what has happened, or one
//! that is proposed from it.

use std::sync::Arc;

use crate::api::{InferView, LookLine, PLAN_DAYS, PlanView, Problem, ProblemCode, Window};
use crate::domain::deed::Deed;
use crate::domain::map::Map;
use crate::domain::survey::{Inferring, Planning};
use crate::server::answer::Answer;
use crate::server::gate::Call;
use crate::server::long_look::{self, Look};
use crate::server::routes::map::{broken, read};

/// `POST /v1/map/plan?days=…`: what the map in the body would have said to what has happened, as lines of JSON.
pub(in crate::server) async fn plan(call: Call) -> Answer {
    let query = call.query()?;
    let days = long_look::days_of(&query, Some(PLAN_DAYS))?;
    let new = Map::compile(read(&call).await?.applicable().map_err(broken)?);
    let state = call.front(&query).await?;
    if new.model().workspace != state.board.workspace {
        let here = &state.board.workspace;
        let detail = format!("the map is of workspace {}, this is {here}", new.model().workspace);
        return Err(Box::new(Problem::new(ProblemCode::MapBroken, detail).at("`workspace`")));
    }
    let planning = Planning::new(state.board.map.clone(), new);
    long_look::answer(&call, &state, days, Box::new(planning)).await
}

/// `POST /v1/map/infer?days=…`: a map proposed from what has happened, from all of it where nothing is said.
pub(in crate::server) async fn infer(call: Call) -> Answer {
    let query = call.query()?;
    let days = long_look::days_of(&query, None)?;
    let state = call.front(&query).await?;
    let inferring = Inferring::new(Arc::clone(state.board.map.model()));
    long_look::answer(&call, &state, days, Box::new(inferring)).await
}

impl Look for Inferring {
    fn consider(&mut self, deed: &Deed) {
        Inferring::consider(self, deed);
    }

    fn finish(self: Box<Self>, window: Window) -> LookLine {
        LookLine::Inferred { inferred: Box::new(InferView { window, inferred: Inferring::finish(*self) }) }
    }
}

impl Look for Planning {
    fn consider(&mut self, deed: &Deed) {
        Planning::consider(self, deed);
    }

    fn finish(self: Box<Self>, window: Window) -> LookLine {
        LookLine::Planned { plan: Box::new(PlanView { window, plan: Planning::finish(*self) }) }
    }
}
