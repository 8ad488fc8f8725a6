//! The fields of an answer: which there are, and what stands in them at the start.

use std::sync::Arc;

use super::answer_text::grant_text;
use super::kind::Kind;
use crate::console::widgets::prompt::Prompt;
use crate::domain::map::Grant;
use crate::domain::path::{FieldPath, Pattern};
use crate::domain::state::Board;
use crate::domain::things::{Case, Item};
use crate::domain::value::Value;

/// A line of text, or a box to tick.
#[derive(Debug, Clone)]
pub(super) enum Field {
    Text { label: &'static str, prompt: Prompt, needed: bool },
    Tick { label: &'static str, on: bool },
}

/// The fields of an answer to these cases.
pub(super) fn of(kind: Kind, items: &[Arc<Item>], board: &Board) -> Vec<Field> {
    let text = |label, text: &str, needed| Field::Text { label, prompt: Prompt::with_text(text), needed };
    // Others can be included where there are any, and where they are not marked one by one.
    let alike = items.len() == 1 && items.first().is_some_and(|item| board.alike(item).next().is_some());
    let include = |on| alike.then_some(Field::Tick { label: "include", on });
    let first = items.first();
    let mut fields = match kind {
        Kind::Expand | Kind::Transfer => {
            let (agent, grant) = first.map(|item| proposed(item)).unwrap_or_default();
            vec![text("agent", &agent, true), text("grants", &grant, true)]
        }
        Kind::Handle => {
            let mut fields = vec![text("note", "", true), text("reply", "", false)];
            if items.iter().all(|item| is_event(&item.case)) {
                fields.push(text("to", "", false));
            }
            fields
        }
        Kind::OutOfScope => vec![text("reason", "", true), Field::Tick { label: "rule", on: false }],
        Kind::Approve => vec![text("note", "", false)],
        Kind::ApproveEdited => {
            let body = first.and_then(|item| body(item)).map(Value::plain).unwrap_or_default();
            vec![text("body", &body, true), text("note", "", false)]
        }
        Kind::Reject => vec![text("note", "", true)],
        Kind::Undo => Vec::new(),
    };
    match kind {
        Kind::Expand => fields.extend(include(true)),
        Kind::Transfer | Kind::Handle | Kind::OutOfScope => fields.extend(include(false)),
        // Every publication is looked at by itself.
        Kind::Approve | Kind::ApproveEdited | Kind::Reject | Kind::Undo => {}
    }
    fields
}

/// Whether the case is an event that can be given to an agent.
fn is_event(case: &Case) -> bool {
    matches!(case, Case::UnownedEvent { .. } | Case::TriggerCollision { .. })
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
        return (suggested.agent.to_string(), grant_text(&suggested.grant));
    }
    let agent = item.raised_by.agent().map(ToString::to_string).unwrap_or_default();
    let grant = match &item.case {
        Case::UnownedField { write } => {
            let field = write.changes.keys().next().cloned();
            let path = field.map(|field| FieldPath::new(write.entity.clone(), field));
            let pattern = path.map_or_else(|| Pattern::entity(&write.entity), |path| Pattern::exact(&path));
            grant_text(&Grant::Write(pattern))
        }
        Case::UnownedTarget { act } => grant_text(&Grant::Output(act.target.to_string())),
        Case::UnownedOutput { publish } => grant_text(&Grant::Output(publish.output.to_string())),
        Case::UnownedEvent { raise } => grant_text(&Grant::Trigger(raise.event.to_string())),
        Case::Escalation { .. }
        | Case::Conflict { .. }
        | Case::TriggerCollision { .. }
        | Case::Approval { .. }
        | Case::GivenUp { .. }
        | Case::Stuck { .. } => String::new(),
    };
    (agent, grant)
}
