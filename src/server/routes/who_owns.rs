//! Who may write a path, and who answers for it.

use crate::{
    domain::{path::FieldPath, query},
    server::{
        answer::{Answer, json},
        gate::Call,
    },
};

/// `GET /v1/who-owns?path=…`
pub(in crate::server) async fn show(call: Call) -> Answer {
    let query = call.query(&["path", "min_seq"])?;
    let state = call.state(&query).await?;
    let path = query.need::<FieldPath>("path")?;
    json(&query::who_owns(&state, &call.caller.principal.actor, &path))
}
