//! The real desk: an ordinary HTTP client with an agent's token.

use std::time::Duration;

use super::desk::{Desk, Fault};
use crate::api::TakeBody;
use crate::client::{Client, ClientError};
use crate::domain::command::{Command, LeaseStep};
use crate::domain::ids::{AgentId, WorkNo};
use crate::domain::path::EntityPath;
use crate::domain::query::EntityView;
use crate::domain::reply::Reply;
use crate::domain::things::Work;

/// How long after its time what falls due has happened at the latest.
const SETTLES: Duration = Duration::from_millis(400);

/// An agent with its client.
pub(super) struct Wire {
    agent: AgentId,
    client: Client,
}

impl Wire {
    pub(super) fn new(agent: AgentId, client: Client) -> Self {
        Self { agent, client }
    }

    /// What stands between the agent and an answer.
    fn fault(&self, error: &ClientError) -> Fault {
        if error.is_unreachable() {
            return Fault::Away(error.to_string());
        }
        match error.problem().map(|problem| problem.status) {
            Some(401) => Fault::ShownOut(self.agent.clone()),
            Some(408 | 429 | 500..) => Fault::Away(error.to_string()),
            Some(_) | None => Fault::Broken(error.to_string()),
        }
    }
}

impl Desk for Wire {
    async fn read(&mut self, entity: &EntityPath) -> Result<Option<EntityView>, Fault> {
        match self.client.read(entity).await {
            Ok(view) => Ok(Some(view)),
            Err(error) if matches!(error.problem(), Some(problem) if matches!(problem.status, 403 | 404)) => {
                Ok(None)
            }
            Err(error) => Err(self.fault(&error)),
        }
    }

    async fn ask(&mut self, command: &Command) -> Result<Reply, Fault> {
        let client = &self.client;
        let answer = match command {
            Command::Write(write) => client.write(write).await,
            Command::Act(act) => client.act(act).await,
            Command::ActEnd(end) if end.done => client.act_done(end.act, end.note.as_deref()).await,
            Command::ActEnd(end) => client.act_failed(end.act, end.note.as_deref()).await,
            Command::Escalate(escalate) => client.escalate(escalate).await,
            Command::Work(step) => client.work_step(step).await,
            Command::Together(together) => client.together(together).await,
            Command::Raise(raise) => client.raise(raise).await,
            Command::Claim(claim) => client.claim_event(claim).await,
            Command::Take(take) => {
                let limit = Some(take.limit);
                let body = TakeBody { limit, visibility: take.visibility, work: take.work, wait: None };
                client.take(&body).await.map(|taken| taken.reply)
            }
            Command::Handoff(handoff) => client.handoff(handoff).await,
            Command::FanOut(order) => client.fan_out(order).await,
            Command::Lease(LeaseStep::Acquire { target, ttl }) => client.acquire_lease(target, *ttl).await,
            Command::Lease(LeaseStep::Renew { lease, ttl }) => client.renew_lease(*lease, *ttl).await,
            Command::Lease(LeaseStep::Release { lease }) => client.release_lease(*lease).await,
            Command::Lease(LeaseStep::Transfer { lease, to }) => client.transfer_lease(*lease, to).await,
            Command::Publish(publish) => client.publish(publish).await,
            Command::Conclude(conclude) => client.conclude(conclude).await,
            Command::Review(_)
            | Command::Item(_)
            | Command::Alert(_)
            | Command::ApplyMap(_)
            | Command::MapReview(_)
            | Command::Token(_)
            | Command::Override(_)
            | Command::Import(_)
            | Command::Tick => return Err(Fault::Broken("agents do not ask this".to_owned())),
        };
        answer.map_err(|error| self.fault(&error))
    }

    async fn rest(&mut self, time: Duration) {
        if !time.is_zero() {
            // The server sees that time is over at its next look at its clock.
            tokio::time::sleep(time + SETTLES).await;
        }
    }

    async fn work(&mut self) -> Result<Vec<Work>, Fault> {
        match self.client.work(WorkNo(0), Duration::ZERO).await {
            Ok(list) => Ok(list.works.into_iter().map(|work| (*work).clone()).collect()),
            Err(error) => Err(self.fault(&error)),
        }
    }
}
