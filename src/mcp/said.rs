//! What comes back of a call: outcome, reason and next step in words, and beside them the answer as HTTP has it. A refusal by
//! a rule is such a result like any other; only a call that was wrong in itself, or reached nobody, is marked as an error.

use bytes::Bytes;
use rmcp::model::{CallToolResult, ContentBlock};
use serde_json::{Map, Value as Json, json};

use super::table::ToolRow;
use crate::api::{ItemView, Problem, ProblemCode};
use crate::domain::ids::ItemNo;
use crate::domain::outcome::Outcome;
use crate::domain::reply::Reply;
use crate::domain::things::{ClosedItem, ItemAnswer};

/// Words of answers that mean addresses, and what a model calls instead.
const WORDS: [(&str, &str); 6] = [
    ("`GET /v1/work` has", "`my_work` has"),
    (
        "`GET /v1/handoffs` has the task with its stage and owner: go on from there",
        "go on from the stage that the reason names",
    ),
    (
        "`GET /v1/leases` has those that are live: renew your own, or acquire anew",
        "renew_lock your own while it is live, or lock anew",
    ),
    ("read your work stream", "look with `my_work`"),
    ("acquire a new lease, and use its token", "lock anew, and send the new number as `lease`"),
    ("send the fencing token of your lease in `lease`", "send your lock's number as `lease`"),
];

/// A result.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Said {
    outcome: &'static str,
    code: Option<String>,
    reason: String,
    next: String,
    answer: Json,
    is_error: bool,
    /// The item that a person has to decide.
    waits_for: Option<ItemNo>,
}

/// The result of an answer.
pub(super) fn of(tool: &ToolRow, answered: Result<Bytes, Box<Problem>>) -> Said {
    let bytes = match answered {
        Ok(bytes) => bytes,
        Err(told) => return problem(&told),
    };
    let answer: Json = match serde_json::from_slice(&bytes) {
        Ok(answer) => answer,
        Err(error) => return problem(&Problem::new(ProblemCode::Defect, error.to_string())),
    };
    if tool.addresses().any(|row| row.command.is_some()) {
        let reply = answer.get("reply").unwrap_or(&answer);
        return match serde_json::from_value::<Reply>(reply.clone()) {
            Ok(reply) => replied(&reply, answer),
            Err(error) => problem(&Problem::new(ProblemCode::Defect, error.to_string())),
        };
    }
    if tool.waits() { waited(answer) } else { found(answer) }
}

/// The result of what could not be answered.
pub(super) fn problem(problem: &Problem) -> Said {
    let place = problem.place.as_ref().map(|place| format!(" (at {place})")).unwrap_or_default();
    Said {
        outcome: "error",
        code: Some(problem.code.to_string()),
        reason: format!("{}: {}{place}", problem.title, problem.detail),
        next: problem.next.to_string(),
        answer: serde_json::to_value(problem).unwrap_or_default(),
        is_error: true,
        waits_for: None,
    }
}

/// The result of a command.
fn replied(reply: &Reply, answer: Json) -> Said {
    let pending = matches!(reply.outcome, Outcome::Escalated | Outcome::Proposed | Outcome::Deferred);
    let waits_for = reply.item.filter(|_| pending);
    let mut next = reply.next.as_deref().map_or_else(|| usual(reply).to_owned(), in_tools);
    if let Some(item) = waits_for {
        next = format!("{next}; go on with other work meanwhile: `wait` with `item` {item} tells the answer");
    }
    Said {
        outcome: reply.outcome.as_str(),
        code: reply.code.map(|code| code.to_string()),
        reason: reply.message.as_deref().unwrap_or(done(reply.outcome)).to_owned(),
        next,
        answer,
        is_error: false,
        waits_for,
    }
}

/// The result of a look.
fn found(answer: Json) -> Said {
    let nothing = answer.get("works").and_then(Json::as_array).is_some_and(Vec::is_empty);
    let (reason, next) = if nothing {
        ("nothing waits for you", "go on with what you are at, or `wait` for work")
    } else {
        ("this is how it is now", "go by it; read again before you change anything later")
    };
    let last = answer.get("works").and_then(Json::as_array).and_then(|works| works.last()?.get("no"));
    let more = last.filter(|_| answer.get("next").is_some());
    let next = match more {
        Some(no) => format!("{next}; more waits behind these: ask again with `after` {no}"),
        None => next.to_owned(),
    };
    said("found", reason, next, answer)
}

/// The result of a wait: for the answer to an item, or for work.
fn waited(answer: Json) -> Said {
    if let Ok(view) = serde_json::from_value::<ItemView>(answer.clone()) {
        return decided(&view);
    }
    let nothing = answer.get("works").and_then(Json::as_array).is_none_or(Vec::is_empty);
    if nothing {
        return said(
            "pending",
            "nothing came",
            "go on with what you are at, or wait again".to_owned(),
            answer,
        );
    }
    said("found", "work waits for you", "take_work takes it".to_owned(), answer)
}

/// How an item stands.
pub(super) fn decided(view: &ItemView) -> Said {
    let answer = serde_json::to_value(view).unwrap_or_default();
    let Some(closed) = &view.closed else {
        let reason = format!("a person has not decided it yet: {}", view.item.title);
        let next = format!("go on with other work; `wait` with `item` {} again later", view.item.no);
        return Said { reason, ..said("pending", "", next, answer) };
    };
    let (how, next) = in_words(&closed.answer);
    Said { reason: reason(closed, how), ..said("answered", "", next.to_owned(), answer) }
}

fn reason(closed: &ClosedItem, how: &str) -> String {
    let note = match &closed.answer {
        ItemAnswer::Expand { note, .. }
        | ItemAnswer::Transfer { note, .. }
        | ItemAnswer::Ruling { note, .. }
        | ItemAnswer::SendOn { note, .. }
        | ItemAnswer::Approve { note }
        | ItemAnswer::ApproveEdited { note, .. } => note.as_deref(),
        ItemAnswer::Handle { note, .. } | ItemAnswer::Reject { note } => Some(&**note),
        ItemAnswer::OutOfScope { reason, .. } => Some(&**reason),
    };
    let note = note.map(|note| format!(": {note}")).unwrap_or_default();
    format!("{} {how}{note}", closed.by)
}

/// An answer in words, and what its agent does then.
fn in_words(answer: &ItemAnswer) -> (&'static str, &'static str) {
    match answer {
        ItemAnswer::Expand { .. } => {
            ("made the zone larger", "what waited was decided again; read the record, then go on")
        }
        ItemAnswer::Transfer { .. } => {
            ("gave it to another owner", "what waited was decided again; read the record, then go on")
        }
        ItemAnswer::Handle { .. } => {
            ("handled it", "take it as done by a person; where the answer has a `reply`, go by that")
        }
        ItemAnswer::Ruling { .. } => ("ruled", "go by the ruling"),
        ItemAnswer::OutOfScope { .. } => ("put it out of scope", "drop it, and don't ask the same again"),
        ItemAnswer::SendOn { .. } => {
            ("sent the task on", "the task is with its next owner; go on with other work")
        }
        ItemAnswer::Approve { .. } => ("approved it", "it is out; don't send it again"),
        ItemAnswer::ApproveEdited { .. } => {
            ("approved it with changes", "it is out as changed; go by that text")
        }
        ItemAnswer::Reject { .. } => {
            ("rejected it", "it did not go out; mend what the note says, then publish anew")
        }
    }
}

fn said(outcome: &'static str, reason: &str, next: String, answer: Json) -> Said {
    Said { outcome, code: None, reason: reason.to_owned(), next, answer, is_error: false, waits_for: None }
}

/// Words for addresses as words for tools.
fn in_tools(text: &str) -> String {
    WORDS.iter().fold(text.to_owned(), |text, (address, tool)| text.replace(address, tool))
}

/// What an outcome is where nothing else is said.
fn done(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Committed => "it was done",
        Outcome::Allowed => "it may go ahead",
        Outcome::Proposed => "the change waits for its owner",
        Outcome::Escalated => "a person decides",
        Outcome::Deferred => "another agent goes first",
        Outcome::Stale => "it was based on what is no longer so",
        Outcome::Refused => "a rule forbids it",
        Outcome::Failed => "it was tried and failed",
        Outcome::Opened => "it was opened",
        Outcome::Recorded => "it was recorded",
    }
}

/// What comes next where nothing else is said.
fn usual(reply: &Reply) -> &'static str {
    match reply.outcome {
        Outcome::Committed => "nothing more; where fields changed, their new versions are in `answer.fields`",
        Outcome::Allowed if reply.act.is_some() => "do it now, once; then say with act_ended how it ended",
        Outcome::Allowed if reply.lease.is_some() => {
            "go on; send `answer.lease` as `lease` with your writes, and unlock when you are done"
        }
        Outcome::Allowed => "go on",
        Outcome::Proposed | Outcome::Escalated => "go on with other work; `my_work` tells the answer",
        Outcome::Deferred => "go on with other work, and ask again later",
        Outcome::Stale => "read again, decide again, and send the new versions",
        Outcome::Refused => "leave it, or escalate if it must be done",
        Outcome::Failed | Outcome::Opened | Outcome::Recorded => "nothing more",
    }
}

impl Said {
    /// The item that a person has to decide first.
    pub(super) fn item(&self) -> Option<ItemNo> {
        self.waits_for
    }

    /// As a tool's result: structured, and the same as text for models whose clients know no other.
    pub(super) fn result(&self) -> CallToolResult {
        let code = self.code.as_ref().map(|code| format!(" ({code})")).unwrap_or_default();
        let text = format!("{}{code}: {}\nnext: {}\n{}", self.outcome, self.reason, self.next, self.answer);
        let mut structured = Map::new();
        structured.insert("outcome".to_owned(), json!(self.outcome));
        if let Some(code) = &self.code {
            structured.insert("code".to_owned(), json!(code));
        }
        structured.insert("reason".to_owned(), json!(self.reason));
        structured.insert("next".to_owned(), json!(self.next));
        structured.insert("answer".to_owned(), self.answer.clone());
        let content = vec![ContentBlock::text(text)];
        let mut result =
            if self.is_error { CallToolResult::error(content) } else { CallToolResult::success(content) };
        result.structured_content = Some(Json::Object(structured));
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::code::Code;

    /// What a model is told to do next is a tool, not an address.
    #[test]
    fn next_steps_name_tools() {
        for code in Code::ALL {
            let next = in_tools(code.next());
            assert!(!next.contains("/v1/") && !next.contains("work stream"), "{code}: {next}");
        }
        let sentences = include_str!("../domain/reply.rs");
        for (address, _) in WORDS.iter().filter(|(address, _)| address.contains("/v1/")) {
            assert!(sentences.contains(address), "no answer says {address:?} any more");
        }
    }
}
