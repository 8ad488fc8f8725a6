//! The fields of an answer: which there are, and what stands in them at the start.

use std::sync::Arc;

use super::answer_text;
use super::kind::Kind;
use crate::console::widgets::form::Field;
use crate::domain::map::Grant;
use crate::domain::path::{FieldPath, Pattern};
use crate::domain::rule::ruling::{self, Dispute};
use crate::domain::state::Board;
use crate::domain::things::{Case, Item, Work, WorkKind};
use crate::domain::value::Value;

/// Labels of the fields.
pub(super) const AGENT: &str = "agent";
pub(super) const GRANTS: &str = "grants";
pub(super) const NOTE: &str = "note";
pub(super) const REASON: &str = "reason";
pub(super) const REPLY: &str = "reply";
pub(super) const TO: &str = "to";
pub(super) const ATTEMPTS: &str = "attempts";
pub(super) const BODY: &str = "body";
pub(super) const RIGHT: &str = "right";
pub(super) const VALUE: &str = "value";
pub(super) const RULE: &str = "rule";
pub(super) const INCLUDE: &str = "include";

/// The fields of an answer to these cases.
pub(super) fn of(kind: Kind, items: &[Arc<Item>], board: &Board) -> Vec<Field> {
    // Others can be included where there are any, and where they are not marked one by one.
    let also = |item: &Arc<Item>| board.settled_like(item, kind.is_of_scope()).next().is_some();
    let alike = items.len() == 1 && items.first().is_some_and(also);
    let include = |on| {
        alike.then_some(Field::tick(INCLUDE, "settle the cases alike by the same answer", on)).into_iter()
    };
    let first = items.first();
    match kind {
        Kind::Expand | Kind::Transfer => {
            let (agent, grants) = first.map(|item| proposed(item)).unwrap_or_default();
            let agent = Field::needed(AGENT, &agent, "say whose zone grows: the name of an agent");
            let grants = Field::needed(GRANTS, &grants, answer_text::HOW);
            [agent, grants].into_iter().chain(include(kind == Kind::Expand)).collect()
        }
        Kind::Handle => {
            let note = Field::needed(NOTE, "", "say in the note how you handled it");
            let event = items.iter().all(|item| is_event(&item.case));
            let to = event.then_some(Field::optional(TO, "nobody: you see to it yourself"));
            [note, Field::optional(REPLY, "none")].into_iter().chain(to).chain(include(false)).collect()
        }
        Kind::Ruling => {
            let sides = first.and_then(|item| sides(board, item)).unwrap_or_default();
            let right = Field::choice(RIGHT, "space chooses the side that is right", sides);
            vec![
                right,
                Field::optional(VALUE, "where no side is right: what is"),
                Field::optional(NOTE, "none"),
            ]
        }
        Kind::OutOfScope => {
            let reason = Field::needed(REASON, "", "say in the reason why it is nobody's business");
            let rule = Field::tick(RULE, "close this very input on arrival from now on", false);
            [reason, rule].into_iter().chain(include(false)).collect()
        }
        Kind::SendOn => {
            vec![
                Field::optional(TO, "whoever had it last"),
                Field::optional(ATTEMPTS, "as many as there were; one more where none is left"),
                Field::optional(NOTE, "none: a word goes along as feedback"),
            ]
        }
        // Every publication is looked at by itself.
        Kind::Approve => vec![Field::optional(NOTE, "none")],
        Kind::ApproveEdited => {
            let body = first.and_then(|item| body(item)).map(Value::plain).unwrap_or_default();
            let missing = "the body is empty: say what goes out, or reject it";
            vec![Field::needed(BODY, &body, missing), Field::optional(NOTE, "none")]
        }
        Kind::Reject => {
            vec![Field::needed(NOTE, "", "say in the note why it does not go out: its agent reads that")]
        }
        Kind::Leave => vec![Field::needed(REASON, "", "say in the reason what it waits for")],
        Kind::Undo | Kind::HandOn => Vec::new(),
    }
}

/// The sides of a contradiction, each by how an answer names it and in words.
pub(super) fn sides(board: &Board, item: &Item) -> Option<Vec<(Arc<str>, String)>> {
    let alert = item.case.alert().and_then(|no| board.alerts.get(&no))?;
    let states = ruling::dispute(alert)? == Dispute::States;
    let mut sides: Vec<(Arc<str>, String)> = Vec::new();
    // Of each the last word.
    for side in alert.sides.iter().rev() {
        let path = side.path.as_ref().filter(|_| states).map(ToString::to_string);
        let name: Arc<str> = Arc::from(path.as_deref().unwrap_or(side.actor.name()));
        if sides.iter().any(|(other, _)| *other == name) {
            continue;
        }
        let value = side.value.as_ref().map(Value::plain).unwrap_or_default();
        let words = match path {
            Some(path) => format!("{path} is {value}, by {}", side.actor),
            None => format!("{} says {value}", side.actor),
        };
        sides.push((name, words));
    }
    sides.reverse();
    Some(sides)
}

/// What is typed as a value: JSON, or plain text.
pub(super) fn read_value(text: &str) -> Option<Value> {
    let json = || serde_json::from_str(text).ok().and_then(|json: serde_json::Value| Value::new(&json).ok());
    (!text.is_empty()).then(|| json().unwrap_or_else(|| Value::text(text)))
}

/// Whether the case is an event that can be given to an agent.
fn is_event(case: &Case) -> bool {
    let dispatch = |work: &Work| matches!(work.kind, WorkKind::Dispatch { .. });
    matches!(case, Case::UnownedEvent { .. } | Case::TriggerCollision { .. } | Case::Loop { .. })
        || matches!(case, Case::GivenUp { work } if dispatch(work))
}

/// What an approval would publish.
fn body(item: &Item) -> Option<&Value> {
    if let Case::Approval { publish, .. } = &item.case { Some(&publish.body) } else { None }
}

/// An edited body: text where it was text, else JSON as it was.
///
/// # Errors
/// Where it is no JSON any more.
pub(super) fn read_body(item: Option<&Arc<Item>>, text: &str) -> Result<Value, String> {
    let json = item.and_then(|item| body(item)).map(Value::json);
    if json.is_none_or(|json| json.is_string()) {
        return Ok(Value::text(text));
    }
    let json: serde_json::Value = serde_json::from_str(text)
        .map_err(|error| format!("the body was JSON and is none any more: {error}; mend it"))?;
    Value::new(&json).map_err(|error| error.to_string())
}

/// Whose zone to expand by what: as suggested, else what was asked for.
fn proposed(item: &Item) -> (String, String) {
    if let Some(suggested) = &item.suggestion {
        return (suggested.agent.to_string(), suggested.grant.to_string());
    }
    let agent = item.raised_by.agent().map(ToString::to_string).unwrap_or_default();
    let grant = match &item.case {
        Case::UnownedField { write, .. } => {
            let field = write.changes.keys().next().cloned();
            let path = field.map(|field| FieldPath::new(write.entity.clone(), field));
            Grant::Write(path.map_or_else(|| Pattern::entity(&write.entity), |path| Pattern::exact(&path)))
        }
        Case::UnownedTarget { act } => Grant::Output(act.target.to_string()),
        Case::UnownedOutput { publish } => Grant::Output(publish.output.to_string()),
        Case::UnownedEvent { raise } => Grant::Trigger(raise.event.to_string()),
        Case::Escalation { .. }
        | Case::HeldField { .. }
        | Case::ZoneOffer { .. }
        | Case::Conflict { .. }
        | Case::MapOverdue { .. }
        | Case::TriggerCollision { .. }
        | Case::Loop { .. }
        | Case::Approval { .. }
        | Case::ActApproval { .. }
        | Case::UnmappedCall { .. }
        | Case::UnknownOutcome { .. }
        | Case::GivenUp { .. }
        | Case::Stuck { .. } => return (agent, String::new()),
    };
    (agent, grant.to_string())
}
