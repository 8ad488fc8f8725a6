//! Fan-outs, looked at by their starter. Who does a branch has it as work; people see all.

use std::cmp::Reverse;
use std::sync::Arc;

use crate::api::FanOutList;
use crate::domain::ids::FanOutNo;
use crate::domain::sight::Sight;
use crate::domain::state::Front;
use crate::domain::things::FanOutState;
use crate::server::answer::{Answer, absent, json};
use crate::server::gate::Call;

/// `GET /v1/fan-outs`: under way and joined, the newest first.
pub(in crate::server) async fn list(call: Call) -> Answer {
    let query = call.query()?;
    let state = call.front(&query).await?;
    let newest_first = |mut found: Vec<Arc<FanOutState>>| {
        found.sort_by_key(|one| Reverse(one.no));
        found
    };
    let seen = |one: &&Arc<FanOutState>| sees(&call, &state, one);
    json(&FanOutList {
        fan_outs: newest_first(state.board.fan_outs.values().filter(seen).cloned().collect()),
        ended: newest_first(state.board.ended_fan_outs.iter().filter(seen).cloned().collect()),
        seq: state.head(),
    })
}

/// `GET /v1/fan-outs/{n}`. Another agent's looks like one that does not exist.
pub(in crate::server) async fn show(call: Call) -> Answer {
    let query = call.query()?;
    let state = call.front(&query).await?;
    let no = call.param::<FanOutNo>("n")?;
    let ended = || state.board.ended_fan_outs.iter().rev().find(|one| one.no == no);
    let found = state.board.fan_outs.get(&no).or_else(ended).filter(|one| sees(&call, &state, one));
    json(found.ok_or_else(|| absent(format!("fan-out {no} that is still kept and that you may see")))?)
}

fn sees(call: &Call, state: &Front, one: &FanOutState) -> bool {
    call.caller.agent().is_none_or(|agent| Sight::now(agent, &state.board.map).sees_fan_out(one))
}
