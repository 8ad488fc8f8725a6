//! Several commands of one caller, all or nothing.

use crate::domain::command::{Command, Together};
use crate::server::answer::Answer;
use crate::server::gate::Call;

/// `POST /v1/together`
pub(in crate::server) async fn all(call: Call) -> Answer {
    let together = call.parse::<Together>()?;
    super::writes::bounded(together.commands.len())?;
    call.command(Command::Together(together)).await
}
