//! Outputs, listed with their publishers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::api::{OutputList, OutputView, Queued};
use crate::domain::ids::{AgentId, Seq};
use crate::domain::key::key;
use crate::domain::map::Output;
use crate::domain::rule::conversation;
use crate::domain::state::Board;
use crate::domain::things::{Brief as _, WaitingPublication};
use crate::server::answer::{Answer, json};
use crate::server::gate::Call;
use crate::server::pages::Page;

/// How much of what waits is told of each output.
const WAITING: usize = 64;

/// `GET /v1/outputs`: those that the map or an agent's zone names, by name.
pub(in crate::server) async fn list(call: Call) -> Answer {
    let query = call.query()?;
    let page = Page::of(&call, &query).await?;
    let board = &page.front.board;
    // Of who spoke last an agent learns where it takes turns itself: about what that was may be hidden from it.
    let tells = |name: &str| call.caller.agent().is_none_or(|agent| board.map.has_output(agent, name));
    let model = board.map.model();
    let rules: BTreeMap<&str, &Output> =
        model.outputs.iter().map(|output| (output.name.as_str(), output)).collect();
    let zones = model.agents.iter().flat_map(|agent| agent.outputs.iter().map(String::as_str));
    let names: BTreeSet<&str> = rules.keys().copied().chain(zones).collect();
    let mut queued: BTreeMap<&str, Vec<(Seq, &WaitingPublication)>> = BTreeMap::new();
    for (deed, one) in &board.queued {
        if call.caller.agent().is_none_or(|agent| one.agent == *agent) {
            queued.entry(&*one.publish.output).or_default().push((*deed, &**one));
        }
    }
    let waits = |name: &str| queued.get(name).map(Vec::as_slice).unwrap_or_default();
    let show = |name| Some(view(board, name, rules.get(name).copied(), tells(name), waits(name)));
    let taken = page.take(&call, names, show);
    json(&OutputList { outputs: taken.rows, seq: page.front.head(), next: taken.next })
}

fn view(
    board: &Board,
    name: &str,
    rule: Option<&Output>,
    tells: bool,
    waits: &[(Seq, &WaitingPublication)],
) -> OutputView {
    let order = rule.map(|rule| rule.order.as_slice()).unwrap_or_default();
    let agents = || board.map.model().agents.iter().filter(|agent| board.map.has_output(&agent.id, name));
    let publishers: Vec<AgentId> =
        if order.is_empty() { agents().map(|agent| agent.id.clone()).collect() } else { order.to_vec() };
    OutputView {
        name: Arc::from(name),
        publishers,
        in_turn: !order.is_empty(),
        needs_approval: rule.is_some_and(|rule| rule.needs_approval),
        thread_window: conversation::window(&board.map, name),
        last: board.threads.get(&key(&[name])).filter(|_| tells).cloned(),
        more: waits.len().saturating_sub(WAITING),
        waiting: waits.iter().take(WAITING).map(|(deed, queued)| waiting(*deed, queued)).collect(),
    }
}

fn waiting(deed: Seq, queued: &WaitingPublication) -> Queued {
    let mut body = queued.publish.body.clone();
    body.shorten();
    Queued {
        deed,
        agent: queued.agent.clone(),
        thread: queued.publish.thread.clone(),
        subject: queued.publish.subject.clone(),
        body,
        since: queued.since,
        until: queued.until,
    }
}
