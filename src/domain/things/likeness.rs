//! When two cases are the same one: kind, subject and what was asked, folded (RULES §12.1). Grouping by scope is `Item::alike`.

use std::mem::discriminant;
use std::sync::Arc;

use serde_json::{Value as Json, json};
use sha2::{Digest as _, Sha256};

use super::{Case, Item};
use crate::domain::hash::hex;
use crate::domain::ids::Actor;
use crate::domain::path::EntityPath;
use crate::domain::value::Value;

/// Hexadecimal digits of a likeness: half a SHA-256.
const DIGITS: usize = 32;

/// Words without regard to case and white space.
pub fn folded(words: &str) -> String {
    words.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

/// Whether two values say the same: case and white space aside in every text of them, and `1.0` is `1`.
pub fn says_the_same(one: &Value, other: &Value) -> bool {
    one == other || fold(one.json()) == fold(other.json())
}

impl Item {
    /// Items with the same likeness are the same case, whoever raised them.
    pub fn likeness(&self) -> Arc<str> {
        likeness(&self.case, &self.raised_by, self.subject.as_ref())
    }

    /// Whether an answer to this one may settle the other too: one about the scope what the same scope settles, any other
    /// what is the same case.
    pub fn is_settled_like(&self, other: &Self, of_scope: bool) -> bool {
        if of_scope {
            return self.alike == other.alike;
        }
        self.subject == other.subject
            && discriminant(&self.case) == discriminant(&other.case)
            && self.likeness() == other.likeness()
    }
}

/// The likeness of what was asked. It can't be told apart from what rules of before named by its form: `input|…`.
pub fn likeness(case: &Case, raised_by: &Actor, subject: Option<&EntityPath>) -> Arc<str> {
    let asked = json!([case.word(), subject, fold(asked(case, raised_by))]);
    let digest = hex(&Sha256::digest(asked.to_string()));
    Arc::from(format!("input|{}", digest.get(..DIGITS).unwrap_or(&digest)))
}

/// What was asked, without versions, reasons and causes: those tell one time from another, not one case.
fn asked(case: &Case, raised_by: &Actor) -> Json {
    match case {
        Case::UnownedField { write, .. } => json!([write.kind, write.changes]),
        // What goes through is its agent's own.
        Case::HeldField { write, .. } => json!([raised_by, write.kind, write.changes]),
        Case::ZoneOffer { pattern, from, to, .. } => json!([pattern, from, to]),
        Case::UnownedTarget { act } => json!([act.target, act.action, act.thread]),
        Case::ActApproval { act, .. } => json!([raised_by, act.target, act.action, act.thread]),
        Case::UnownedOutput { publish } => {
            json!([publish.output, publish.thread, publish.action, publish.body])
        }
        Case::Approval { publish, .. } => {
            json!([raised_by, publish.output, publish.thread, publish.action, publish.body])
        }
        Case::Escalation { input } => input.json(),
        Case::UnownedEvent { raise } | Case::TriggerCollision { raise, .. } | Case::Loop { raise, .. } => {
            json!([raise.event, raise.attributes])
        }
        Case::UnmappedCall { call, .. } => json!([call.mark.server, call.mark.tool, call.mark.digest]),
        // Each of these is looked at by itself.
        Case::UnknownOutcome { act, .. } => json!(act),
        Case::Conflict { alert } => json!(alert),
        Case::MapOverdue { alert } => json!(alert),
        Case::GivenUp { work } => json!(work.no),
        Case::Stuck { task, .. } => json!(task.id),
    }
}

/// Below this a number without a fraction is exact.
const WHOLE: f64 = 9_007_199_254_740_992.0;

fn fold(json: Json) -> Json {
    match json {
        Json::String(text) => Json::String(folded(&text)),
        Json::Array(items) => items.into_iter().map(fold).collect(),
        Json::Object(map) => map.into_iter().map(|(key, value)| (key, fold(value))).collect(),
        // 1.0 is 1.
        Json::Number(number) if number.is_f64() => {
            let whole = number.as_f64().filter(|value| value.fract() == 0.0 && value.abs() < WHOLE);
            whole
                .and_then(|value| format!("{value:.0}").parse::<i64>().ok())
                .map_or(Json::Number(number), Json::from)
        }
        Json::Null | Json::Bool(_) | Json::Number(_) => json,
    }
}
