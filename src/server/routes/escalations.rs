//! What an agent can't decide.

use crate::domain::command::{Command, Escalate};
use crate::server::answer::Answer;
use crate::server::gate::Call;

/// `POST /v1/escalations`
pub(in crate::server) async fn raise(call: Call) -> Answer {
    let escalate = call.parse::<Escalate>()?;
    call.command(Command::Escalate(escalate)).await
}
