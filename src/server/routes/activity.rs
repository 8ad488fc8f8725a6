//! What others did on an entity lately: cheap enough to ask before every act.

use crate::domain::path::EntityPath;
use crate::domain::query;
use crate::domain::time::Span;
use crate::server::answer::{Answer, json};
use crate::server::gate::Call;

/// `GET /v1/activity?entity=…&within=…`, newest first.
pub(in crate::server) async fn list(call: Call) -> Answer {
    let query = call.query()?;
    let entity = query.need::<EntityPath>("entity")?;
    let state = call.of_entity(&query, &entity).await?;
    let since = query::look_back(call.app.clock().now(), query.get::<Span>("within")?);
    json(&query::activity(&state, &call.caller.principal.actor, &entity, since))
}
