//! Events: raised by whoever hears of them, claimed by agents that listen on their own.

use crate::domain::command::{Claim, Command, Raise};
use crate::server::answer::Answer;
use crate::server::gate::Call;

/// `POST /v1/events`
pub(in crate::server) async fn raise(call: Call) -> Answer {
    let raise = call.parse::<Raise>()?;
    call.command(Command::Raise(raise)).await
}

/// `POST /v1/claims`
pub(in crate::server) async fn claim(call: Call) -> Answer {
    let claim = call.parse::<Claim>()?;
    call.command(Command::Claim(claim)).await
}
