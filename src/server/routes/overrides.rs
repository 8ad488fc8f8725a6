//! What people override: freeze, pause, set, and their reverses.

use crate::{
    domain::command::{Command, Override},
    server::{answer::Answer, gate::Call},
};

/// `POST /v1/overrides`
pub(in crate::server) async fn apply(call: Call) -> Answer {
    let step = call.parse::<Override>()?;
    call.command(Command::Override(step)).await
}
