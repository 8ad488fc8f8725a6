//! What agents ask of their work streams: what waits, taking it, and being done with it; events that bring work.

use std::time::Duration;

use super::{Client, Result};
use crate::api::{TakeBody, TakenWork, WorkList, WorkStepBody};
use crate::domain::command::{Claim, Raise, WorkStep};
use crate::domain::ids::{AgentId, WorkNo};
use crate::domain::reply::Reply;

impl Client {
    /// Says that something happened; it goes to the one agent that it wakes.
    pub async fn raise(&self, raise: &Raise) -> Result<Reply> {
        self.post("/v1/events").json(raise)?.send().await
    }

    /// Asks whether an event that the agent heard of by itself is its to handle.
    pub async fn claim_event(&self, claim: &Claim) -> Result<Reply> {
        self.post("/v1/claims").json(claim)?.send().await
    }

    /// The agent's open work with numbers above `after`; waits up to `wait` for some to come.
    pub async fn work(&self, after: WorkNo, wait: Duration) -> Result<WorkList> {
        let ask = self.get_then("/v1/work").query("after", after).patient(wait);
        let ask = if wait.is_zero() { ask } else { ask.query("wait", format!("{}ms", wait.as_millis())) };
        ask.send().await
    }

    /// The open work of any agent, for people.
    pub async fn work_of(&self, agent: &AgentId) -> Result<WorkList> {
        self.get_then("/v1/work").query("agent", agent).query("after", WorkNo(0)).send().await
    }

    /// Takes what waits; where the body says so, waits for it.
    pub async fn take(&self, body: &TakeBody) -> Result<TakenWork> {
        let wait = body.wait.map_or(0, |wait| u64::try_from(wait.micros()).unwrap_or(0));
        self.post("/v1/work/take").json(body)?.patient(Duration::from_micros(wait)).send().await
    }

    /// Completes, accepts, declines, fails or returns a work item.
    pub async fn work_step(&self, step: &WorkStep) -> Result<Reply> {
        let body = WorkStepBody { note: step.note.clone(), result: step.result.clone(), lease: step.lease };
        self.post(format!("/v1/work/{}/{}", step.work, step.step.as_str())).json(&body)?.send().await
    }
}
