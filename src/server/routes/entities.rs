//! Reading an entity: values, versions, owners, and what others did on it lately.

use super::ledger::MADE_OF;
use crate::domain::path::EntityPath;
use crate::domain::query;
use crate::domain::state::State;
use crate::server::answer::{Answer, ROW, absent, apart, json_of};
use crate::server::gate::Call;
use crate::server::past;

/// `GET /v1/entities/{path…}`. What is hidden from the caller looks like what does not exist. With `at` as it was then.
pub(in crate::server) async fn show(call: Call) -> Answer {
    let query = call.query()?;
    let entity = call.param::<EntityPath>("path")?;
    let reader = &call.caller.principal.actor;
    let size = |state: &State| {
        let size = state.entities.get(&entity).map_or(0, |entity| entity.size());
        usize::try_from(size).unwrap_or(usize::MAX)
    };
    let making;
    let (view, size) = match past::moment(&call, &query).await? {
        None => {
            let state = call.of_entity(&query, &entity).await?;
            let size = size(&state);
            making = call.making(MADE_OF * size).await;
            (apart(size, || query::read(&state, reader, &entity)), size)
        }
        Some(moment) => {
            let then = past::with_entity(&call.space, moment, &entity).await?;
            let now = call.present(&entity).await?;
            let size = size(&then);
            making = call.making(MADE_OF * size).await;
            (apart(size, || query::read_past(&then, &now, reader, &entity)), size)
        }
    };
    let view = view.ok_or_else(|| absent(format!("entity {entity} that you may read")))?;
    let answer = apart(size, || json_of(ROW + size, &view));
    drop(making);
    answer
}
