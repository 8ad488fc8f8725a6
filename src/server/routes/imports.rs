//! Another system's history, line by line, each decided on its own.

use super::writes::{bounded, told};
use crate::domain::command::{Command, Import};
use crate::server::answer::Answer;
use crate::server::gate::Call;

/// `POST /v1/imports`: an array of lines. A line that is in already adds nothing.
pub(in crate::server) async fn batch(call: Call) -> Answer {
    let lines = call.parse_all::<Import>()?;
    bounded(lines.len())?;
    let answers = call.submit_all(lines.into_iter().map(Command::Import).collect()).await?;
    told(answers)
}
