//! How an answer of the rules is told: what came of it, why not, and what to do now.

use super::output::{self, Output, visible};
use super::status::Status;
use crate::domain::reply::Reply;

/// Prints the answer; a refusal is the answer no.
pub(super) fn tell(out: Output, reply: &Reply) -> anyhow::Result<Status> {
    if out.json {
        output::json(reply)?;
    } else {
        for line in lines(reply) {
            output::line(line)?;
        }
    }
    Ok(status(reply))
}

/// The exit status that goes with it.
pub(super) fn status(reply: &Reply) -> Status {
    if reply.is_done() { Status::Done } else { Status::No }
}

fn lines(reply: &Reply) -> Vec<String> {
    let mut first = format!("{}, deed {}", reply.outcome.as_str(), reply.deed);
    if let Some(code) = reply.code {
        first = format!("{} ({code}), deed {}", reply.outcome.as_str(), reply.deed);
    }
    if let Some(message) = &reply.message {
        first = format!("{first}: {}", visible(message));
    }
    let mut lines = vec![first];
    for field in &reply.fields {
        let by = field.by.as_ref().map(|by| format!(" by {}", visible(&by.to_string()))).unwrap_or_default();
        let value =
            field.value.as_ref().map(|value| format!(" = {}", visible(&value.plain()))).unwrap_or_default();
        lines.push(format!("  {} v{}{value}{by}", visible(&field.path.to_string()), field.version));
    }
    if let Some(item) = reply.item {
        lines.push(format!("  inbox item #{item}"));
    }
    if let Some(next) = reply.next.as_ref().filter(|_| !reply.is_done()) {
        lines.push(format!("  next: {}", visible(next)));
    }
    lines
}
