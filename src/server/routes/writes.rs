//! A batch of writes, each decided on its own.

use crate::api::{BATCH_WRITES, BatchAnswer, BatchResult, Problem, ProblemCode};
use crate::coordinator;
use crate::domain::command::{Command, Write};
use crate::server::answer::{Answer, ROW, apart, json};
use crate::server::gate::Call;

/// `POST /v1/writes:batch`: an array of writes.
pub(in crate::server) async fn batch(call: Call) -> Answer {
    let writes = call.parse_all::<Write>()?;
    bounded(writes.len())?;
    let answers = call.submit_all(writes.into_iter().map(Command::Write).collect()).await?;
    apart(answers.len() * ROW, || json(&in_order(answers)))
}

/// Refuses a batch that is too long.
pub(in crate::server) fn bounded(count: usize) -> Result<(), Box<Problem>> {
    if count <= BATCH_WRITES {
        return Ok(());
    }
    let detail = format!("the batch has {count} commands, at most {BATCH_WRITES} are taken");
    Err(Box::new(Problem::new(ProblemCode::OverBound, detail).at("the body itself")))
}

/// Answers and problems as they travel.
pub(in crate::server) fn in_order(answers: Vec<Result<coordinator::Answer, Box<Problem>>>) -> BatchAnswer {
    let result = |answer: Result<coordinator::Answer, Box<Problem>>| match answer {
        Ok(answer) => BatchResult::Reply(Box::new(answer.reply)),
        Err(problem) => BatchResult::Problem(problem),
    };
    BatchAnswer { answers: answers.into_iter().map(result).collect() }
}
