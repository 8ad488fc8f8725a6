//! What agents ask of each other: handoffs, fan-outs, leases, publications, conclusions.

use super::{Client, Result};
use crate::api::{
    AcquireBody, ConclusionList, FanOutList, LeaseList, OutputList, RenewBody, TaskList, TransferBody,
};
use crate::domain::command::{Conclude, FanOut, Handoff, Publish};
use crate::domain::ids::{AgentId, FanOutNo, Fence};
use crate::domain::path::EntityPath;
use crate::domain::reply::Reply;
use crate::domain::things::{FanOutState, LeaseTarget};
use crate::domain::time::Span;

impl Client {
    /// Hands a task over.
    pub async fn handoff(&self, handoff: &Handoff) -> Result<Reply> {
        self.post("/v1/handoffs").json(handoff)?.send().await
    }

    /// Tasks under way and ended; an agent gets those that it is or was a part of.
    pub async fn handoffs(&self) -> Result<TaskList> {
        self.get_then("/v1/handoffs").send().await
    }

    /// Starts independent pieces of work.
    pub async fn fan_out(&self, order: &FanOut) -> Result<Reply> {
        self.post("/v1/fan-outs").json(order)?.send().await
    }

    /// Fan-outs under way and joined; an agent gets its own.
    pub async fn fan_outs(&self) -> Result<FanOutList> {
        self.get_then("/v1/fan-outs").send().await
    }

    /// One fan-out, while it is kept.
    pub async fn fan_out_state(&self, no: FanOutNo) -> Result<FanOutState> {
        self.get(format!("/v1/fan-outs/{no}")).send().await
    }

    /// Locks a field, an entity or a task; the answer names the fencing token.
    pub async fn acquire_lease(&self, target: &LeaseTarget, ttl: Span) -> Result<Reply> {
        self.post("/v1/leases").json(&AcquireBody { target: target.clone(), ttl })?.send().await
    }

    /// Holds a lease longer, from now on.
    pub async fn renew_lease(&self, lease: Fence, ttl: Span) -> Result<Reply> {
        self.post(format!("/v1/leases/{lease}/renew")).json(&RenewBody { ttl })?.send().await
    }

    /// Gives a lease back.
    pub async fn release_lease(&self, lease: Fence) -> Result<Reply> {
        self.post(format!("/v1/leases/{lease}/release")).send().await
    }

    /// Gives a lease to another agent, under a new token.
    pub async fn transfer_lease(&self, lease: Fence, to: &AgentId) -> Result<Reply> {
        self.post(format!("/v1/leases/{lease}/transfer")).json(&TransferBody { to: to.clone() })?.send().await
    }

    /// The live leases; an agent gets its own, and others' on what it may read.
    pub async fn leases(&self) -> Result<LeaseList> {
        self.get_then("/v1/leases").send().await
    }

    /// Publishes on an output.
    pub async fn publish(&self, publish: &Publish) -> Result<Reply> {
        self.post("/v1/outputs").json(publish)?.send().await
    }

    /// The map's outputs with their publishers.
    pub async fn outputs(&self) -> Result<OutputList> {
        self.get_then("/v1/outputs").send().await
    }

    /// Says what the agent found out.
    pub async fn conclude(&self, conclude: &Conclude) -> Result<Reply> {
        self.post("/v1/conclusions").json(conclude)?.send().await
    }

    /// What was concluded, on one entity if one is named.
    pub async fn conclusions(&self, subject: Option<&EntityPath>) -> Result<ConclusionList> {
        self.get_then("/v1/conclusions").maybe("subject", subject).send().await
    }
}
