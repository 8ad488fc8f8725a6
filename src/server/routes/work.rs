//! An agent's work stream: listed, waited for, and done with.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, timeout_at};

use super::scope::agent_meant;
use crate::{
    api::{Problem, ProblemCode, WorkList, WorkStepBody},
    domain::{
        command::{Command, WorkStep, WorkVerb},
        ids::{AgentId, WorkNo},
        state::State,
        time::Span,
    },
    server::{
        answer::{Answer, json},
        auth::live,
        gate::Call,
    },
};

/// The longest wait for work to come.
const LONGEST_WAIT: Span = Span::from_secs(60);

/// `GET /v1/work?after=…&wait=20s`: open work above that number, oldest first; waits for some to come.
pub(in crate::server) async fn list(call: Call) -> Answer {
    let query = call.query(&["agent", "after", "wait", "min_seq"])?;
    let agent = agent_meant(&call, query.get("agent")?)?;
    let after = query.get::<WorkNo>("after")?.unwrap_or_default();
    let wait = query.get::<Span>("wait")?.unwrap_or_default();
    if wait > LONGEST_WAIT {
        let problem = Problem::new(ProblemCode::BadParameter, "at most 60s are waited");
        return Err(Box::new(problem.at("query, `wait`")));
    }
    let mut state = call.state(&query).await?;
    if wait > Span::default() {
        let _place = call.space.watch_place()?;
        let until = Instant::now() + Duration::from_micros(u64::try_from(wait.micros()).unwrap_or(0));
        state = wait_for_work(&call, &agent, after, state, until).await?;
    }
    json(&WorkList { works: open_work(&state, &agent, after).cloned().collect(), seq: state.head() })
}

fn open_work<'a>(
    state: &'a State,
    agent: &'a AgentId,
    after: WorkNo,
) -> impl Iterator<Item = &'a Arc<crate::domain::state::Work>> {
    state.board.work_of(agent).filter(move |work| work.no > after)
}

/// The state once there is work, or at the end of the wait.
async fn wait_for_work(
    call: &Call,
    agent: &AgentId,
    after: WorkNo,
    mut state: Arc<State>,
    until: Instant,
) -> Result<Arc<State>, Box<Problem>> {
    let mut closing = call.app.closing.clone();
    while open_work(&state, agent, after).next().is_none() {
        let next = call.space.handle().reached(state.head().next());
        tokio::select! {
            _ = closing.wait_for(|closing| *closing) => return Ok(state),
            reached = timeout_at(until, next) => match reached {
                Ok(news) => state = news,
                Err(_) => return Ok(state),
            },
        }
        // What came after the token ended is not for it.
        if let Some(record) = state.access.tokens.get(&call.caller.record.token.id) {
            live(record, call.app.clock().now())?;
        }
    }
    Ok(state)
}

/// `POST /v1/work/{n}/complete`
pub(in crate::server) async fn complete(call: Call) -> Answer {
    step(call, WorkVerb::Complete).await
}

/// `POST /v1/work/{n}/accept`
pub(in crate::server) async fn accept(call: Call) -> Answer {
    step(call, WorkVerb::Accept).await
}

/// `POST /v1/work/{n}/decline`
pub(in crate::server) async fn decline(call: Call) -> Answer {
    step(call, WorkVerb::Decline).await
}

async fn step(call: Call, step: WorkVerb) -> Answer {
    let work = call.param("n")?;
    let WorkStepBody { note, result } = call.parse_or_default()?;
    call.command(Command::Work(WorkStep { work, step, note, result })).await
}
