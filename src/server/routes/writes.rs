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
    told(answers)
}

/// What a batch is answered. Where nothing of it got an answer by the rules, as on a full disk, all of it has that problem.
pub(in crate::server) fn told(answers: Vec<Result<coordinator::Answer, Box<Problem>>>) -> Answer {
    if answers.iter().all(Result::is_err) {
        let mut problems = answers.into_iter().filter_map(Result::err);
        let Some(first) = problems.next() else { return json(&in_order(Vec::new())) };
        // That it may have been recorded is what matters most.
        let unknown = problems.find(|problem| problem.is(ProblemCode::Unknown));
        return Err(unknown.filter(|_| !first.is(ProblemCode::Unknown)).unwrap_or(first));
    }
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
fn in_order(answers: Vec<Result<coordinator::Answer, Box<Problem>>>) -> BatchAnswer {
    let result = |answer: Result<coordinator::Answer, Box<Problem>>| match answer {
        Ok(answer) => BatchResult::Reply(Box::new(answer.reply)),
        Err(problem) => BatchResult::Problem(problem),
    };
    BatchAnswer { answers: answers.into_iter().map(result).collect() }
}
