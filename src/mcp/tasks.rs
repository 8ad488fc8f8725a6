//! Waiting for a person as an MCP task: the task's id is the item's number, and every question about it is answered from the
//! item as it stands in the ledger. Nothing is kept here, so that a restart forgets nothing.

use rmcp::ErrorData;
use rmcp::model::{DetailedTask, Extensions, Task, TaskPayload, TaskStatus};

use super::said;
use super::way::{Ask, Way};
use crate::api::{ItemView, Problem};
use crate::domain::ids::ItemNo;
use crate::domain::time::Time;

/// How often a client should ask, in milliseconds.
const ASK_EVERY_MS: u64 = 2_000;

/// The item that a task is. Another agent's is answered like one that is not there.
///
/// # Errors
/// When there is none, or nobody could be asked.
pub(super) async fn show<W: Way>(way: &W, from: &Extensions, id: &str) -> Result<ItemView, ErrorData> {
    let unknown = || ErrorData::invalid_params(format!("there is no task {id:.40}"), None);
    let no: ItemNo = id.parse().map_err(|_| unknown())?;
    let ask = Ask { method: "GET", path: format!("/v1/inbox/{no}"), ..Ask::default() };
    let answered = way.ask(from, ask).await;
    let bytes =
        answered.map_err(|problem| if problem.status == 404 { unknown() } else { failed(&problem) })?;
    serde_json::from_slice(&bytes).map_err(|error| ErrorData::internal_error(error.to_string(), None))
}

/// A problem as a protocol error, for requests that have no other form.
pub(super) fn failed(problem: &Problem) -> ErrorData {
    ErrorData::internal_error(problem.to_string(), serde_json::to_value(problem).ok())
}

/// The task that an item is.
pub(super) fn task(view: &ItemView) -> Task {
    let item = &view.item;
    let time = |time: Time| time.to_string();
    let changed =
        view.closed.as_ref().map_or(item.again.last().copied().unwrap_or(item.opened), |closed| closed.at);
    let (status, message) = match &view.closed {
        Some(_) => (TaskStatus::Completed, "decided".to_owned()),
        None => (
            TaskStatus::Working,
            format!("item {}: a person decides, due {}; it can't be withdrawn", item.no, item.due),
        ),
    };
    Task::new(item.no.to_string(), status, time(item.opened), time(changed))
        .with_status_message(message)
        .with_poll_interval_ms(ASK_EVERY_MS)
}

/// The same with how it was decided, where it was.
pub(super) fn detailed(view: &ItemView) -> DetailedTask {
    let result = || {
        let result = serde_json::to_value(said::decided(view).result()).unwrap_or_default();
        result.as_object().cloned().unwrap_or_default()
    };
    let payload = match &view.closed {
        Some(_) => TaskPayload::Completed { result: result() },
        None => TaskPayload::Working,
    };
    DetailedTask::new(task(view), payload)
}
