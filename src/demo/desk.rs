//! One agent's way in: what it can ask of the server, and how that can go wrong. The real one is an HTTP client.

use std::time::Duration;

use super::stage::Moment;
use crate::domain::command::Command;
use crate::domain::ids::AgentId;
use crate::domain::path::EntityPath;
use crate::domain::query::EntityView;
use crate::domain::reply::Reply;
use crate::domain::things::Work;

/// Why there was no answer. A refusal by a rule is an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    /// Nobody answers there at the moment.
    Away(String),
    /// The token does not open the door any more.
    ShownOut(AgentId),
    /// The request is not one: a defect of the story.
    Broken(String),
}

/// What an agent can ask.
pub(super) trait Desk {
    /// A record with its versions; none where it may not be seen.
    async fn read(&mut self, entity: &EntityPath) -> Result<Option<EntityView>, Fault>;
    /// Anything that leaves a deed.
    async fn ask(&mut self, command: &Command) -> Result<Reply, Fault>;
    /// Its own open work, oldest first.
    async fn work(&mut self) -> Result<Vec<Work>, Fault>;
    /// Lets so much of the server's time go by.
    async fn rest(&mut self, time: Duration);
    /// The moment of the team's time that has come. A server with a clock of its own needs not be told.
    fn at(&mut self, _moment: Moment) {}
}
