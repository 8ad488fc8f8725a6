//! Reading an entity: values, versions, owners, and what others did on it lately.

use crate::domain::path::EntityPath;
use crate::domain::query;
use crate::server::answer::{Answer, absent, apart, json};
use crate::server::gate::Call;
use crate::server::past;

/// `GET /v1/entities/{path…}`. What is hidden from the caller looks like what does not exist. With `at` as it was then.
pub(in crate::server) async fn show(call: Call) -> Answer {
    let query = call.query()?;
    let entity = call.param::<EntityPath>("path")?;
    let reader = &call.caller.principal.actor;
    let view = match past::moment(&call, &query).await? {
        None => {
            let state = call.of_entity(&query, &entity).await?;
            apart(|| query::read(&state, reader, &entity))
        }
        Some(moment) => {
            let then = past::with_entity(&call.space, moment, &entity).await?;
            let now = call.present(&entity).await?;
            apart(|| query::read_past(&then, &now, reader, &entity))
        }
    };
    let view = view.ok_or_else(|| absent(format!("entity {entity} that you may read")))?;
    apart(|| json(&view))
}
