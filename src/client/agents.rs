//! What agents ask of records: write, act, escalate, read. Their work, tasks, leases and outputs are in the files beside.

use std::sync::Arc;

use super::send::segment;
use super::{Client, Result};
use crate::api::NoteBody;
use crate::domain::command::{Act, Escalate, Together, Write};
use crate::domain::ids::ActNo;
use crate::domain::path::{EntityPath, FieldPath};
use crate::domain::query::{EntityView, Ownership, Scope};
use crate::domain::reply::Reply;
use crate::domain::things::Touch;
use crate::domain::time::Span;

impl Client {
    /// Changes fields of an entity, or the entity as a whole.
    pub async fn write(&self, write: &Write) -> Result<Reply> {
        self.post("/v1/writes").json(write)?.send().await
    }

    /// Several commands, all or nothing.
    pub async fn together(&self, together: &Together) -> Result<Reply> {
        self.post("/v1/together").json(together)?.send().await
    }

    /// Asks before a side effect outside.
    pub async fn act(&self, act: &Act) -> Result<Reply> {
        self.post("/v1/acts").json(act)?.send().await
    }

    /// Says that an allowed act was done.
    pub async fn act_done(&self, act: ActNo, note: Option<&str>) -> Result<Reply> {
        self.post(format!("/v1/acts/{act}/done")).json(&noted(note))?.send().await
    }

    /// Says that an allowed act failed.
    pub async fn act_failed(&self, act: ActNo, note: Option<&str>) -> Result<Reply> {
        self.post(format!("/v1/acts/{act}/failed")).json(&noted(note))?.send().await
    }

    /// Hands over what the agent can't decide.
    pub async fn escalate(&self, escalate: &Escalate) -> Result<Reply> {
        self.post("/v1/escalations").json(escalate)?.send().await
    }

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
}

pub(super) fn noted(note: Option<&str>) -> NoteBody {
    NoteBody { note: note.map(Arc::from) }
}

fn entity_url(entity: &EntityPath) -> String {
    let mut url = "/v1/entities".to_owned();
    for part in entity.segments() {
        url.push('/');
        url.push_str(&segment(part));
    }
    url
}
