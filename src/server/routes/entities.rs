//! Reading an entity: values, versions, owners, and what others did on it lately.

use crate::{
    domain::{path::EntityPath, query},
    server::{
        answer::{Answer, absent, json},
        gate::Call,
    },
};

/// `GET /v1/entities/{path…}`. What is hidden from the caller looks like what does not exist.
pub(in crate::server) async fn show(call: Call) -> Answer {
    let query = call.query(&["min_seq"])?;
    let state = call.state(&query).await?;
    let entity = call.param::<EntityPath>("path")?;
    let view = query::read(&state, &call.caller.principal.actor, &entity);
    json(&view.ok_or_else(|| absent(format!("entity {entity} that you may read")))?)
}
