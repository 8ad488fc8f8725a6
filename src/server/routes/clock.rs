//! What would move if what was recorded under a wrong clock did.

use crate::api::ClockPreview;
use crate::coordinator::SubmitError;
use crate::domain::command::RebaseClock;
use crate::domain::decide::foreseen_rebase;
use crate::server::answer::{Answer, json, unseen, unsubmitted};
use crate::server::gate::Call;

/// `POST /v1/clock/preview`: what a re-basing would record.
pub(in crate::server) async fn preview(call: Call) -> Answer {
    let mut asked = call.parse::<RebaseClock>()?;
    let handle = call.space.handle();
    let read = handle.times_of(asked.from).await;
    asked.read = read.map_err(|trouble| unsubmitted(&SubmitError::Unavailable(trouble)))?;
    let by = call.caller.principal.clone();
    let worked = handle.suppose(move |state, now| foreseen_rebase(state, &by, &asked, now)).await;
    let (rebased, refused) = match worked.map_err(|error| unseen(&error))? {
        Ok(rebased) => (Some(rebased), None),
        Err(refused) => (None, Some(refused)),
    };
    let (code, obstacle) = refused.unzip();
    json(&ClockPreview { rebased, obstacle, code })
}
