//! How answers and problems become HTTP responses. Handlers return [`Answer`] and nothing else.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use serde::Serialize;

use crate::api::{Problem, ProblemCode};
use crate::coordinator::{self, LookError, SubmitError, Trouble};
use crate::domain::code::Code;
use crate::domain::filter::FilterError;
use crate::index::IndexError;
use crate::ledger::LedgerError;

/// What a handler comes to.
pub(super) type Answer = Result<Response, Box<Problem>>;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const PROBLEM: HeaderValue = HeaderValue::from_static("application/problem+json");

/// A JSON answer.
pub(super) fn json<T: Serialize>(value: &T) -> Answer {
    json_of(ROW, value)
}

/// One of about so many bytes: its memory is taken at once, and not doubled until it is enough.
pub(super) fn json_of<T: Serialize>(bytes: usize, value: &T) -> Answer {
    let mut bytes = Vec::with_capacity(bytes);
    serde_json::to_writer(&mut bytes, value)
        .map_err(|error| Box::new(Problem::new(ProblemCode::Defect, error.to_string())))?;
    let mut response = Response::new(Body::from(bytes));
    response.headers_mut().insert(header::CONTENT_TYPE, JSON);
    Ok(response)
}

/// From so many bytes on something is worked on apart: some tenths of a millisecond.
const LARGE: usize = 32 * 1024;
/// About what a row of a list takes, in bytes.
pub(super) const ROW: usize = 512;

/// Works on something of about so many bytes; where that takes long, another thread serves the others meanwhile. For small things
/// threads would cost more than they save: a flood of looks made a hundred.
pub(super) fn apart<T>(bytes: usize, work: impl FnOnce() -> T) -> T {
    use tokio::runtime::{Handle, RuntimeFlavor};

    if bytes >= LARGE && Handle::current().runtime_flavor() == RuntimeFlavor::MultiThread {
        tokio::task::block_in_place(work)
    } else {
        work()
    }
}

/// A text answer of another type.
pub(super) fn text(kind: &'static str, text: String) -> Response {
    let mut response = Response::new(Body::from(text));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

/// A reply of the coordinator; a retry that was answered again says so in a header.
pub(super) fn reply(answer: &coordinator::Answer) -> Answer {
    let mut response = json(&answer.reply)?;
    if answer.reply.code == Some(Code::OverBudget) {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("60"));
    }
    Ok(if answer.replayed { replayed(response) } else { response })
}

/// The same, of what was answered before.
pub(super) fn replayed(mut response: Response) -> Response {
    response.headers_mut().insert("idempotent-replayed", HeaderValue::from_static("true"));
    response
}

/// A problem as a response.
pub(super) fn refuse(problem: &Problem) -> Response {
    let bytes = serde_json::to_vec(problem).unwrap_or_default();
    let mut response = Response::new(Body::from(bytes));
    *response.status_mut() =
        StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, PROBLEM);
    match problem.status {
        401 => {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        429 if problem.is(ProblemCode::TooManyFailures) => {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("60"));
        }
        429 | 503 => {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        _ => {}
    }
    response
}

/// Why a command got no answer from the rules.
pub(super) fn unsubmitted(error: &SubmitError) -> Box<Problem> {
    let code = match error {
        SubmitError::Overloaded | SubmitError::Contended => ProblemCode::Overloaded,
        SubmitError::Share => ProblemCode::TooManyAtOnce,
        SubmitError::Unavailable(trouble) => untroubled(trouble),
        SubmitError::NotLost(_) => ProblemCode::NothingLost,
        SubmitError::Unfit(_) => ProblemCode::BadBody,
        SubmitError::Unknown(_) => ProblemCode::Unknown,
        SubmitError::Defect(_) => ProblemCode::Defect,
        SubmitError::Closed => ProblemCode::Closing,
    };
    Box::new(Problem::new(code, error.to_string()))
}

/// What kind of problem it is that nothing can be recorded.
fn untroubled(trouble: &Trouble) -> ProblemCode {
    match trouble {
        Trouble::Lost(_) => ProblemCode::LedgerLost,
        Trouble::Ledger(error) if error.is_gone() => ProblemCode::LedgerGone,
        Trouble::Ledger(_)
        | Trouble::WentBack { .. }
        | Trouble::LookOnly(_)
        | Trouble::Values(_)
        | Trouble::Unreadable { .. } => ProblemCode::Unavailable,
    }
}

/// Why values could not be looked at.
pub(super) fn unseen(error: &LookError) -> Box<Problem> {
    let code = match error {
        LookError::Overloaded => ProblemCode::Overloaded,
        LookError::Unavailable(_) => ProblemCode::Unavailable,
        LookError::Defect(_) => ProblemCode::Defect,
        LookError::Closed => ProblemCode::Closing,
    };
    Box::new(Problem::new(code, error.to_string()))
}

/// Why the ledger could not be read.
pub(super) fn unread(error: &LedgerError) -> Box<Problem> {
    Box::new(Problem::new(ProblemCode::Unavailable, error.to_string()))
}

/// Why the index did not answer.
pub(super) fn unindexed(error: &IndexError) -> Box<Problem> {
    Box::new(Problem::new(ProblemCode::IndexUnavailable, error.to_string()))
}

/// Why a filter could not be read.
pub(super) fn unfiltered(error: &FilterError) -> Box<Problem> {
    let problem = Problem::new(ProblemCode::BadFilter, error.reason.clone());
    Box::new(problem.at(format!("filter, column {}", error.column)).next(error.mend.clone()))
}

/// No such thing.
pub(super) fn absent(what: impl std::fmt::Display) -> Box<Problem> {
    Box::new(Problem::new(ProblemCode::NotFound, format!("there is no {what}")))
}

/// A defect, with what is known of it.
pub(super) fn defect(what: impl std::fmt::Display) -> Box<Problem> {
    Box::new(Problem::new(ProblemCode::Defect, what.to_string()))
}
