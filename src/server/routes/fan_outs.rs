//! Fan-outs, looked at by their starter. Who does a branch has it as work; people see all.

use std::cmp::Reverse;
use std::sync::Arc;

use crate::api::FanOutList;
use crate::domain::ids::FanOutNo;
use crate::domain::sight::Sight;
use crate::domain::state::{Front, Thing};
use crate::domain::things::FanOutState;
use crate::server::answer::{Answer, absent, json};
use crate::server::gate::Call;
use crate::server::pages::Page;

/// `GET /v1/fan-outs`: under way, then joined, the newest first.
pub(in crate::server) async fn list(call: Call) -> Answer {
    let query = call.query()?;
    let page = Page::of(&call, &query).await?;
    let board = &page.front.board;
    let mut ended: Vec<&Arc<FanOutState>> = board.ended_fan_outs.iter().collect();
    ended.sort_unstable_by_key(|one| Reverse(one.no));
    let all = board.fan_outs.values().rev().chain(ended).filter(|one| sees(&call, &page.front, one));
    let taken = page.take_brief(&call, all, |one| Some(Arc::clone(one)), |one| Thing::FanOut(one.no));
    let under_way = |one: &Arc<FanOutState>| board.fan_outs.contains_key(&one.no);
    let (fan_outs, ended) = taken.rows.into_iter().partition(under_way);
    json(&FanOutList { fan_outs, ended, seq: page.front.head(), cut: taken.cut, next: taken.next })
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
