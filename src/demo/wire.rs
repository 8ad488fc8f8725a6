//! The real desk: an ordinary HTTP client with an agent's token.

use std::time::Duration;

use super::desk::{Desk, Fault};
use crate::client::{Client, ClientError};
use crate::domain::command::Command;
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
        self.client.ask(command).await.map_err(|error| self.fault(&error))
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
