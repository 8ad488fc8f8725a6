//! What agents look at: records and who owns them, their work, tasks, leases, outputs, conclusions; and taking work.

use std::sync::Arc;
use std::time::Duration;

use super::send::segment;
use super::{Client, Result};
use crate::api::{
    ConclusionList, FanOutList, LeaseList, OutputList, TakeBody, TakenWork, TaskList, WorkList,
};
use crate::domain::ids::{AgentId, FanOutNo, WorkNo};
use crate::domain::path::{EntityPath, FieldPath};
use crate::domain::query::{EntityView, Ownership, Scope};
use crate::domain::things::{FanOutState, Touch};
use crate::domain::time::Span;

impl Client {
    /// The agent's own place in the map.
    pub async fn scope(&self) -> Result<Scope> {
        self.get_then("/v1/scope").send().await
    }

    /// An entity's values, versions, owners, and what others did on it lately.
    pub async fn read(&self, entity: &EntityPath) -> Result<EntityView> {
        self.get_then(entity_url(entity)).send().await
    }

    /// What others did on the entity lately, newest first.
    pub async fn activity(&self, entity: &EntityPath, within: Option<Span>) -> Result<Vec<Arc<Touch>>> {
        self.get("/v1/activity").query("entity", entity).maybe("within", within).send().await
    }

    /// Who owns a path.
    pub async fn who_owns(&self, path: &FieldPath) -> Result<Ownership> {
        self.get_then("/v1/who-owns").query("path", path).send().await
    }

    /// The agent's open work with numbers above `after`; waits up to `wait` for some to come.
    pub async fn work(&self, after: WorkNo, wait: Duration) -> Result<WorkList> {
        let waits = (!wait.is_zero()).then(|| format!("{}ms", wait.as_millis()));
        let ask = || self.get_then("/v1/work").query("after", after).patient(wait);
        self.list(|| ask().maybe("wait", waits.as_ref())).await
    }

    /// The open work of any agent, for people.
    pub async fn work_of(&self, agent: &AgentId) -> Result<WorkList> {
        self.list(|| self.get_then("/v1/work").query("agent", agent).query("after", WorkNo(0))).await
    }

    /// Takes what waits; where the body says so, waits for it.
    pub async fn take(&self, body: &TakeBody) -> Result<TakenWork> {
        let wait = body.wait.map_or(0, |wait| u64::try_from(wait.micros()).unwrap_or(0));
        self.post("/v1/work/take").json(body)?.patient(Duration::from_micros(wait)).send().await
    }

    /// Tasks under way and ended; an agent gets those that it is or was a part of.
    pub async fn handoffs(&self) -> Result<TaskList> {
        self.list(|| self.get_then("/v1/handoffs")).await
    }

    /// Fan-outs under way and joined; an agent gets its own.
    pub async fn fan_outs(&self) -> Result<FanOutList> {
        self.list(|| self.get_then("/v1/fan-outs")).await
    }

    /// One fan-out, while it is kept.
    pub async fn fan_out_state(&self, no: FanOutNo) -> Result<FanOutState> {
        self.get(format!("/v1/fan-outs/{no}")).send().await
    }

    /// The live leases; an agent gets its own, and others' on what it may read.
    pub async fn leases(&self) -> Result<LeaseList> {
        self.list(|| self.get_then("/v1/leases")).await
    }

    /// The map's outputs with their publishers.
    pub async fn outputs(&self) -> Result<OutputList> {
        self.list(|| self.get_then("/v1/outputs")).await
    }

    /// What was concluded, on one entity if one is named.
    pub async fn conclusions(&self, subject: Option<&EntityPath>) -> Result<ConclusionList> {
        self.list(|| self.get_then("/v1/conclusions").maybe("subject", subject)).await
    }
}

fn entity_url(entity: &EntityPath) -> String {
    let mut url = "/v1/entities".to_owned();
    for part in entity.segments() {
        url.push('/');
        url.push_str(&segment(part));
    }
    url
}
