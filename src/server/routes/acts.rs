//! Side effects outside: asked for before, closed after.

use crate::api::NoteBody;
use crate::domain::command::{Act, ActEnd, Command};
use crate::server::answer::Answer;
use crate::server::gate::Call;

/// `POST /v1/acts`
pub(in crate::server) async fn ask(call: Call) -> Answer {
    let act = call.parse::<Act>()?;
    call.command(Command::Act(act)).await
}

/// `POST /v1/acts/{n}/done`
pub(in crate::server) async fn done(call: Call) -> Answer {
    end(call, true).await
}

/// `POST /v1/acts/{n}/failed`
pub(in crate::server) async fn failed(call: Call) -> Answer {
    end(call, false).await
}

async fn end(call: Call, done: bool) -> Answer {
    let act = call.param("n")?;
    let NoteBody { note } = call.parse_or_default()?;
    call.command(Command::ActEnd(ActEnd { act, done, note })).await
}
