//! Who may write a path, and who answers for it.

use crate::domain::path::FieldPath;
use crate::domain::query;
use crate::server::answer::{Answer, json};
use crate::server::gate::Call;
use crate::server::past;

/// `GET /v1/who-owns?path=…`; with `at` as it was then.
pub(in crate::server) async fn show(call: Call) -> Answer {
    let query = call.query()?;
    let path = query.need::<FieldPath>("path")?;
    let reader = &call.caller.principal.actor;
    let Some(moment) = past::moment(&call, &query).await? else {
        return json(&query::who_owns(&call.of_entity(&query, &path.entity).await?, reader, &path));
    };
    let then = past::with_entity(&call.space, moment, &path.entity).await?;
    let mut ownership = query::who_owns(&then, reader, &path);
    ownership.field.take_if(|_| past::hidden(&call, &call.space.handle().front(), &path.entity, &path.field));
    json(&ownership)
}
