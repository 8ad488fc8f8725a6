//! Tasks, listed and shown. An agent sees those that it is or was a part of; people see all.

use std::cmp::Reverse;
use std::sync::Arc;

use crate::api::{TaskList, TaskView};
use crate::domain::ids::TaskId;
use crate::domain::rule::ordered::Ordered;
use crate::domain::sight::Sight;
use crate::domain::state::{Board, Front, Thing};
use crate::domain::things::Task;
use crate::server::answer::{Answer, ROW, absent, apart, json};
use crate::server::gate::Call;
use crate::server::orders::Latest;
use crate::server::pages::Page;

/// `GET /v1/handoffs`: tasks under way, then those that ended, the one that changed last first.
pub(in crate::server) async fn list(call: Call) -> Answer {
    let query = call.query()?;
    let page = Page::of(&call, &query).await?;
    let board = &page.front.board;
    let follow = |tasks: &mut Ordered<TaskId, Task, Latest>| {
        apart(board.tasks.len() * ROW, || tasks.follow(&board.tasks, |task| Reverse(task.deed)));
    };
    let open = call.space.orders().tasks.at((), &page, follow);
    let mut ended: Vec<&Arc<Task>> = board.ended_tasks.iter().collect();
    ended.sort_unstable_by_key(|task| Reverse(task.deed));
    let all = open.rows().map(Err).chain(ended.into_iter().map(Ok));
    let seen = |task: Result<&Arc<Task>, &TaskId>| {
        as_seen(&call, &page.front, task.or_else(|id| board.tasks.get(id).ok_or(id)).ok()?)
    };
    let taken = page.take_brief(&call, all, seen, |task| Thing::Task(task.id.clone()));
    let under_way = |task: &Arc<Task>| is_under_way(board, task);
    let (tasks, ended) = taken.rows.into_iter().partition(under_way);
    json(&TaskList { tasks, ended, seq: page.front.head(), cut: taken.cut, next: taken.next })
}

/// `GET /v1/handoffs/{task}`: with all that it carries; an ended one while it is kept. One that an agent has no part in looks
/// like one that does not exist.
pub(in crate::server) async fn show(call: Call) -> Answer {
    let query = call.query()?;
    let id = call.param::<TaskId>("task")?;
    let state = call.front(&query).await?;
    let ended = || state.board.ended_tasks.iter().rfind(|task| task.id == id);
    let task = state.board.tasks.get(&id).or_else(ended).and_then(|task| as_seen(&call, &state, task));
    let task = task.ok_or_else(|| absent(format!("task {id} that is still kept and that you may see")))?;
    json(&TaskView { task, seq: state.head() })
}

/// A name may be used again: by its deed it is known which of them this one is.
fn is_under_way(board: &Board, task: &Task) -> bool {
    board.tasks.get(&task.id).is_some_and(|open| open.deed == task.deed)
}

fn as_seen(call: &Call, state: &Front, task: &Arc<Task>) -> Option<Arc<Task>> {
    match call.caller.agent() {
        Some(agent) => Sight::now(agent, &state.board.map).task(task),
        None => Some(Arc::clone(task)),
    }
}
