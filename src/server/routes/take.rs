//! Taking work: waits until something is there that nobody has taken, then takes it.

use std::sync::Arc;

use super::work::{as_seen, news, wait_until};
use crate::api::{ProblemCode, TakeBody, TakenWork};
use crate::domain::command::{Command, Take};
use crate::domain::ids::AgentId;
use crate::domain::sight::Sight;
use crate::domain::state::Front;
use crate::domain::things::Work;
use crate::domain::time::{Span, Time};
use crate::server::answer::{Answer, json};
use crate::server::gate::Call;

/// `POST /v1/work/take`: the works that were taken, in full. Where nothing comes within `wait` there are none. The wait
/// ends early when the token does, or with the server.
pub(in crate::server) async fn take(call: Call) -> Answer {
    let body = call.parse_or_default::<TakeBody>()?;
    let take = body.take();
    let until = wait_until(body.wait.unwrap_or_default(), ProblemCode::BadBody, "wait")?;
    let agent = call.caller.agent().filter(|_| body.wait.unwrap_or_default() > Span::default());
    let _place = agent.map(|_| call.space.watch_place(&call.caller.principal)).transpose()?;
    let mut state = call.space.handle().front();
    let mut over = agent.is_none();
    loop {
        if let Some(agent) = agent {
            while !over && !is_ready(&state, agent, &take, call.app.clock().now()) {
                match news(&call, state.head(), until).await? {
                    Some(news) => state = news,
                    None => over = true,
                }
            }
        }
        let taken = submit(&call, take.clone()).await?;
        // Another process of the same agent may have been faster.
        if over || !taken.works.is_empty() || !taken.reply.is_done() {
            return json(&taken);
        }
        // What came after this was decided is news, though the answer's state may have it already.
        match news(&call, taken.reply.deed, until).await? {
            Some(news) => state = news,
            None => return json(&taken),
        }
    }
}

/// Whether there is something to take, or an answer other than that there is nothing.
fn is_ready(state: &Front, agent: &AgentId, take: &Take, now: Time) -> bool {
    if state.board.stop_of(agent).is_some() {
        return true;
    }
    if let Some(no) = take.work {
        let named = state.board.works.get(&no).filter(|work| work.agent == *agent);
        return named.is_none_or(|work| !work.is_taken(now));
    }
    let sight = Sight::now(agent, &state.board.map);
    state.board.work_of(agent).any(|work| !work.is_taken(now) && sight.sees_work(work))
}

async fn submit(call: &Call, take: Take) -> Result<TakenWork, Box<crate::api::Problem>> {
    let reply = call.submit(Command::Take(take)).await?.reply;
    let state = call.space.handle().reached(reply.deed).await;
    let mine = |work: &Arc<Work>| call.caller.agent() == Some(&work.agent) && work.taken_until.is_some();
    let taken = reply.works.iter().filter_map(|no| state.board.works.get(no)).filter(|work| mine(work));
    let seen = taken.filter_map(|work| as_seen(call, &state, work));
    let works: Vec<Arc<Work>> = if reply.is_done() { seen.collect() } else { Vec::new() };
    let until = works.iter().filter_map(|work| work.taken_until).min();
    Ok(TakenWork { works, until, reply, seq: state.head() })
}
