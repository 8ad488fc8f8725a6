//! The body of an override: one flat object whose keys depend on its step. What is missing or too much for a step is
//! named by its key. The value of a revert never travels: the server finds it in the ledger.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Problem, ProblemCode};
use crate::domain::command::{Override, OverrideVerb};
use crate::domain::ids::{AgentId, Fence, Version};
use crate::domain::path::{EntityPath, FieldPath};
use crate::domain::things::{Allowance, Lasts};
use crate::domain::value::{Value, some};

/// What a person overrides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OverrideWord {
    /// All agents keep off an entity.
    Freeze,
    /// They may touch it again.
    Unfreeze,
    /// An agent stops.
    Pause,
    /// It goes on.
    Resume,
    /// An agent may keep more.
    Allow,
    /// Every agent stops.
    PauseAll,
    /// All go on.
    ResumeAll,
    /// Sets a field.
    Set,
    /// Sets a field back to an earlier version.
    Revert,
    /// Lets go of a field that was set.
    Release,
    /// Ends a lease by force.
    Unlock,
}

impl OverrideWord {
    /// The word on every surface.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Freeze => "freeze",
            Self::Unfreeze => "unfreeze",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Allow => "allow",
            Self::PauseAll => "pause-all",
            Self::ResumeAll => "resume-all",
            Self::Set => "set",
            Self::Revert => "revert",
            Self::Release => "release",
            Self::Unlock => "unlock",
        }
    }

    /// The keys that go with it, beside `step` and `reason`.
    fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Freeze => &["entity", "for"],
            Self::Unfreeze => &["entity"],
            Self::Pause => &["agent", "for"],
            Self::Resume => &["agent"],
            Self::Allow => &["agent", "bytes", "open", "keys"],
            Self::PauseAll => &["for"],
            Self::ResumeAll => &[],
            Self::Set => &["path", "value", "expected", "for"],
            Self::Revert => &["path", "to", "expected", "for"],
            Self::Release => &["path"],
            Self::Unlock => &["lease"],
        }
    }
}

/// The body of `POST /v1/overrides`.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OverrideBody {
    /// What.
    pub step: OverrideWord,
    /// Why.
    pub reason: Arc<str>,
    /// Which entity is frozen or unfrozen.
    pub entity: Option<EntityPath>,
    /// Which agent is paused or resumed.
    pub agent: Option<AgentId>,
    /// Which field is set, reverted or released.
    pub path: Option<FieldPath>,
    /// To what it is set.
    #[serde(default, deserialize_with = "some")]
    pub value: Option<Value>,
    /// The version whose value it gets back.
    pub to: Option<Version>,
    /// The version it starts from.
    pub expected: Option<Version>,
    /// Which lease is ended.
    pub lease: Option<Fence>,
    /// How many bytes the agent may keep.
    pub bytes: Option<u64>,
    /// How many things of it may be open.
    pub open: Option<u64>,
    /// How many idempotency keys of it are kept.
    pub keys: Option<u64>,
    /// For how long it lasts: a time such as `24h`; of what is set, `released` or `none` too.
    #[serde(rename = "for")]
    pub lasts: Option<Lasts>,
}

/// What a body asks: a command as it stands, or one whose value is to be found first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OverrideAsked {
    /// Whole.
    Step(OverrideVerb),
    /// A revert without its value.
    Revert {
        /// Which field.
        path: FieldPath,
        /// The version whose value it gets.
        to: Version,
        /// The version it starts from.
        expected: Version,
    },
}

impl OverrideBody {
    fn new(step: OverrideWord, reason: &Arc<str>) -> Self {
        Self {
            step,
            reason: Arc::clone(reason),
            entity: None,
            agent: None,
            path: None,
            value: None,
            to: None,
            expected: None,
            lease: None,
            bytes: None,
            open: None,
            keys: None,
            lasts: None,
        }
    }

    /// What it asks.
    ///
    /// # Errors
    /// A problem that names the key that is missing, or too much for this step.
    pub fn asked(&self) -> Result<OverrideAsked, Box<Problem>> {
        self.nothing_beside()?;
        let word = self.step;
        let step = match word {
            OverrideWord::Freeze => {
                OverrideVerb::Freeze { entity: need(word, "entity", self.entity.as_ref())? }
            }
            OverrideWord::Unfreeze => {
                OverrideVerb::Unfreeze { entity: need(word, "entity", self.entity.as_ref())? }
            }
            OverrideWord::Pause => OverrideVerb::Pause { agent: need(word, "agent", self.agent.as_ref())? },
            OverrideWord::Resume => OverrideVerb::Resume { agent: need(word, "agent", self.agent.as_ref())? },
            OverrideWord::Allow => OverrideVerb::Allow {
                agent: need(word, "agent", self.agent.as_ref())?,
                allowance: Allowance { bytes: self.bytes, open: self.open, keys: self.keys },
            },
            OverrideWord::PauseAll => OverrideVerb::PauseAll,
            OverrideWord::ResumeAll => OverrideVerb::ResumeAll,
            OverrideWord::Set => OverrideVerb::Set {
                path: need(word, "path", self.path.as_ref())?,
                value: need(word, "value", self.value.as_ref())?,
                expected: need(word, "expected", self.expected.as_ref())?,
            },
            OverrideWord::Revert => {
                return Ok(OverrideAsked::Revert {
                    path: need(word, "path", self.path.as_ref())?,
                    to: need(word, "to", self.to.as_ref())?,
                    expected: need(word, "expected", self.expected.as_ref())?,
                });
            }
            OverrideWord::Release => OverrideVerb::Release { path: need(word, "path", self.path.as_ref())? },
            OverrideWord::Unlock => OverrideVerb::Unlock { lease: need(word, "lease", self.lease.as_ref())? },
        };
        Ok(OverrideAsked::Step(step))
    }

    /// Whether no key came that another step takes.
    fn nothing_beside(&self) -> Result<(), Box<Problem>> {
        let there = [
            ("entity", self.entity.is_some()),
            ("agent", self.agent.is_some()),
            ("path", self.path.is_some()),
            ("value", self.value.is_some()),
            ("to", self.to.is_some()),
            ("expected", self.expected.is_some()),
            ("lease", self.lease.is_some()),
            ("bytes", self.bytes.is_some()),
            ("open", self.open.is_some()),
            ("keys", self.keys.is_some()),
            ("for", self.lasts.is_some()),
        ];
        let keys = self.step.keys();
        match there.into_iter().find(|(key, there)| *there && !keys.contains(key)) {
            None => Ok(()),
            Some((key, _)) => {
                let takes = if keys.is_empty() { "nothing but a reason".to_owned() } else { keys.join(", ") };
                let detail = format!("`{}` takes {takes}, and no `{key}`", self.step.as_str());
                Err(Box::new(Problem::new(ProblemCode::BadBody, detail).at(key)))
            }
        }
    }
}

fn need<T: Clone>(step: OverrideWord, key: &str, value: Option<&T>) -> Result<T, Box<Problem>> {
    value.cloned().ok_or_else(|| {
        let detail = format!("`{}` needs `{key}`", step.as_str());
        Box::new(Problem::new(ProblemCode::BadBody, detail).at(key))
    })
}

impl From<&Override> for OverrideBody {
    fn from(order: &Override) -> Self {
        let body = |word| Self { lasts: order.lasts, ..Self::new(word, &order.reason) };
        match &order.step {
            OverrideVerb::Freeze { entity } => {
                Self { entity: Some(entity.clone()), ..body(OverrideWord::Freeze) }
            }
            OverrideVerb::Unfreeze { entity } => {
                Self { entity: Some(entity.clone()), ..body(OverrideWord::Unfreeze) }
            }
            OverrideVerb::Pause { agent } => Self { agent: Some(agent.clone()), ..body(OverrideWord::Pause) },
            OverrideVerb::Resume { agent } => {
                Self { agent: Some(agent.clone()), ..body(OverrideWord::Resume) }
            }
            OverrideVerb::Allow { agent, allowance } => Self {
                agent: Some(agent.clone()),
                bytes: allowance.bytes,
                open: allowance.open,
                keys: allowance.keys,
                ..body(OverrideWord::Allow)
            },
            OverrideVerb::PauseAll => body(OverrideWord::PauseAll),
            OverrideVerb::ResumeAll => body(OverrideWord::ResumeAll),
            OverrideVerb::Set { path, value, expected } => Self {
                path: Some(path.clone()),
                value: Some(value.clone()),
                expected: Some(*expected),
                ..body(OverrideWord::Set)
            },
            OverrideVerb::Revert { path, to, value: _, expected } => {
                Self { lasts: order.lasts, ..Self::revert(path, *to, *expected, &order.reason) }
            }
            OverrideVerb::Release { path } => {
                Self { path: Some(path.clone()), ..body(OverrideWord::Release) }
            }
            OverrideVerb::Unlock { lease } => Self { lease: Some(*lease), ..body(OverrideWord::Unlock) },
        }
    }
}

impl OverrideBody {
    /// A revert, whose value the server finds.
    pub fn revert(path: &FieldPath, to: Version, expected: Version, reason: &Arc<str>) -> Self {
        let path = Some(path.clone());
        Self { path, to: Some(to), expected: Some(expected), ..Self::new(OverrideWord::Revert, reason) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::parse;

    fn place(body: &str) -> String {
        let asked = parse::<OverrideBody>(body.as_bytes()).and_then(|body| body.asked());
        asked.unwrap_err().place.unwrap()
    }

    #[test]
    fn what_is_missing_or_too_much_is_named() {
        assert_eq!(place(r#"{"step":"freeze","reason":"x"}"#), "entity");
        assert_eq!(place(r#"{"step":"pause","reason":"x","agent":"a","lease":1}"#), "lease");
        assert_eq!(
            place(r#"{"step":"revert","reason":"x","path":"a#b","to":1,"expected":2,"value":3}"#),
            "value"
        );
        assert_eq!(place(r#"{"step":"set","reason":"x","path":"a#b","value":3,"expectd":2}"#), "expectd");
    }

    #[test]
    fn null_is_a_value_to_set() {
        let body = r#"{"step":"set","reason":"x","path":"a#b","value":null,"expected":2}"#;
        let body: OverrideBody = parse(body.as_bytes()).unwrap();
        let Ok(OverrideAsked::Step(step)) = body.asked() else { panic!("{body:?}") };
        assert!(matches!(&step, OverrideVerb::Set { value, .. } if value.is_null()));
        let order = Override { step, reason: Arc::clone(&body.reason), lasts: body.lasts };
        assert_eq!(OverrideBody::from(&order), body);
    }
}
