//! Tasks, listed. An agent sees those that it is or was a part of; people see all.

use std::cmp::Reverse;
use std::sync::Arc;

use crate::api::TaskList;
use crate::domain::sight::Sight;
use crate::domain::things::Task;
use crate::server::answer::{Answer, json};
use crate::server::gate::Call;

/// `GET /v1/handoffs`: tasks under way and ended, the one that changed last first.
pub(in crate::server) async fn list(call: Call) -> Answer {
    let query = call.query()?;
    let state = call.front(&query).await?;
    let agent = call.caller.agent();
    let seen = |task: &Arc<Task>| match agent {
        Some(agent) => Sight::now(agent, &state.board.map).task(task),
        None => Some(Arc::clone(task)),
    };
    let newest_first = |mut tasks: Vec<Arc<Task>>| {
        tasks.sort_by_key(|task| Reverse(task.deed));
        tasks
    };
    json(&TaskList {
        tasks: newest_first(state.board.tasks.values().filter_map(seen).collect()),
        ended: newest_first(state.board.ended_tasks.iter().filter_map(seen).collect()),
        seq: state.head(),
    })
}
