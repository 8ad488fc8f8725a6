//! What a person's hand does: a field that is set and held (RULES §4.8), for how long, and what stands still where all agents
//! are stopped (RULES §13.1).

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::ids::{ActNo, Actor, FanOutNo, Fence, PersonId, Seq, WorkNo};
use crate::domain::path::{EntityPath, FieldName, FieldPath};
use crate::domain::time::{Span, Time};

/// A field that a person holds.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HeldField {
    /// Which, of its entity.
    pub field: FieldName,
    /// Who set it.
    pub by: Actor,
    /// When.
    pub at: Time,
    /// Until when; until it is released, where nothing is said.
    pub until: Option<Time>,
    /// Why.
    pub reason: Arc<str>,
    /// The deed that set it.
    pub deed: Seq,
}

impl HeldField {
    /// Whether it holds at that time.
    pub fn is_live(&self, now: Time) -> bool {
        self.until.is_none_or(|until| now < until)
    }

    /// The field, on its entity.
    pub fn path(&self, entity: &EntityPath) -> FieldPath {
        FieldPath::new(entity.clone(), self.field.clone())
    }

    /// Until when, in words: a time, or `it is released`.
    pub fn until_words(&self) -> String {
        self.until.map_or_else(|| "it is released".to_owned(), |until| until.to_string())
    }

    /// The person who set it.
    pub fn person(&self) -> Option<&PersonId> {
        self.by.person()
    }
}

/// What agents had in hand when a person stopped them all. It stays as it is, and its time stands still.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct InFlight {
    /// Work that was taken.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub works: Vec<WorkNo>,
    /// Acts that may be under way outside.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub acts: Vec<ActNo>,
    /// Leases that are held.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub leases: Vec<Fence>,
    /// Fan-outs that are not joined.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fan_outs: Vec<FanOutNo>,
    /// How many more there are than are listed.
    pub more: u64,
}

/// For how long a person's override holds. In text `24h`, `released` or `none`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Lasts {
    /// For a time.
    For(Span),
    /// Until a person ends it.
    UntilReleased,
    /// Not at all: what was set may be written again at once.
    NotAtAll,
}

/// The words for it, and what stands for a time.
const WORDS: &str = "a length of time such as 24h, `released` or `none`";

impl FromStr for Lasts {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.trim() {
            "released" => Ok(Self::UntilReleased),
            "none" => Ok(Self::NotAtAll),
            span => match span.parse() {
                Ok(span) if span > Span::default() => Ok(Self::For(span)),
                Ok(_) | Err(_) => Err(format!("{text:?} is not {WORDS}")),
            },
        }
    }
}

impl TryFrom<String> for Lasts {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Lasts> for String {
    fn from(lasts: Lasts) -> Self {
        lasts.to_string()
    }
}

impl fmt::Display for Lasts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::For(span) => span.fmt(f),
            Self::UntilReleased => f.write_str("released"),
            Self::NotAtAll => f.write_str("none"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_long_it_holds_reads_back_as_written() {
        for text in ["2h30m", "released", "none"] {
            assert_eq!(text.parse::<Lasts>().unwrap().to_string(), text);
        }
        for wrong in ["", "0s", "for ever", "-1h"] {
            assert!(wrong.parse::<Lasts>().is_err(), "{wrong}");
        }
    }
}
