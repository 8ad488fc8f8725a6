//! Conditions of the map: a field and what it must be, such as `crm/contact/{id}#status = 'sourced'`; and what happens to
//! an entity, such as `crm/contact/* created`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::domain::path::{PathError, Pattern, Template};
use crate::domain::value::Value;

/// The attribute of an event that a change raised: which field.
pub const PATH: &str = "path";
/// The attribute with its new value.
pub const VALUE: &str = "value";
/// The attribute with the value before.
pub const BEFORE: &str = "before";
/// The attribute that names who changed it.
pub const BY: &str = "by";
/// What an event has that a change of a field raised.
const ON_CHANGE: [&str; 4] = [PATH, VALUE, BEFORE, BY];
/// The attribute of an event that is about an entity: the fields that were changed.
pub const FIELDS: &str = "fields";
/// The attribute that says which kind of write it was.
pub const ACTION: &str = "action";
/// What an event has that a write to an entity raised.
const ON_ENTITY: [&str; 4] = [PATH, FIELDS, ACTION, BY];
/// The attribute of a scheduled event: when it was due.
pub const DUE: &str = "due";

/// How a field is compared, RULES §2.8.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    /// `=`
    Is,
    /// `!=`
    IsNot,
    /// `becomes`: it is, and was something else before.
    Becomes,
}

impl Op {
    /// As the map writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Is => "=",
            Self::IsNot => "!=",
            Self::Becomes => "becomes",
        }
    }

    fn holds(self, actual: &Value, wanted: &Value, case: bool) -> bool {
        let is = if case { actual == wanted } else { actual.is_but_for_case(wanted) };
        match self {
            Self::Is | Self::Becomes => is,
            Self::IsNot => !is,
        }
    }
}

/// A condition about one entity that variables name: a clause of a contradiction, the `while` of a defer rule.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Condition {
    /// Which field.
    pub template: Template,
    /// Compared how.
    pub op: Op,
    /// With what.
    pub value: Value,
}

/// A condition about every entity that a pattern matches: what raises an event.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Occasion {
    /// Which fields.
    pub pattern: Pattern,
    /// What happens there.
    pub when: Happens,
}

/// What happens, where it raises an event.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Happens {
    /// A field is, is not, or becomes a value.
    Value(Op, Value),
    /// An entity comes into being, or comes back.
    Created,
    /// What is there becomes another: fields of an entity, or the one field that the pattern names.
    Changed,
    /// An entity is archived or deleted.
    Deleted,
}

impl Happens {
    /// As the map writes it, where that is one word.
    fn word(&self) -> Option<&'static str> {
        match self {
            Self::Value(..) => None,
            Self::Created => Some("created"),
            Self::Changed => Some("changed"),
            Self::Deleted => Some("deleted"),
        }
    }
}

impl Condition {
    /// Does it hold for a field that has this value? A field that was never written is `null`. With `case` upper and
    /// lower case are two things.
    pub fn holds(&self, value: &Value, case: bool) -> bool {
        self.op.holds(value, &self.value, case)
    }
}

impl Occasion {
    /// Is it one of an entity as a whole, raised once for a write whatever the number of its fields?
    pub fn is_of_entity(&self) -> bool {
        match self.when {
            Happens::Value(..) => false,
            Happens::Created | Happens::Deleted => true,
            Happens::Changed => self.pattern.names_no_field(),
        }
    }

    /// Is this change of a field one that it waits for? With `case` upper and lower case are two things.
    pub fn is_change(&self, before: &Value, after: &Value, case: bool) -> bool {
        match &self.when {
            Happens::Value(op, wanted) => {
                op.holds(after, wanted, case) && (*op != Op::Becomes || !op.holds(before, wanted, case))
            }
            Happens::Changed => before != after,
            Happens::Created | Happens::Deleted => false,
        }
    }

    /// The attributes that its event has.
    pub fn attributes(&self) -> [&'static str; 4] {
        if self.is_of_entity() { ON_ENTITY } else { ON_CHANGE }
    }

    /// Can one agent that goes on writing meet it again and again?
    pub(super) fn comes_again(&self) -> bool {
        match self.when {
            Happens::Value(op, _) => op == Op::IsNot,
            Happens::Changed => true,
            Happens::Created | Happens::Deleted => false,
        }
    }
}

/// Why a text is not a condition: place (a byte offset), reason and mend.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at byte {at}, {reason}; {mend}")]
pub struct ConditionError {
    /// Byte offset into the text.
    pub at: usize,
    /// What is wrong.
    pub reason: String,
    /// What to do.
    pub mend: &'static str,
}

const EXAMPLE: &str = "write it as `crm/contact/{id}#status = 'sourced'`";

impl ConditionError {
    /// The same where something that happens was to be read.
    fn of_occasion(self) -> Self {
        if self.mend != EXAMPLE {
            return self;
        }
        let reason = format!("{}, nor ` created`, ` changed` or ` deleted` at its end", self.reason);
        Self {
            reason,
            mend: "write it as `crm/contact/*#status becomes 'won'` or `crm/contact/* created`",
            ..self
        }
    }
}

impl From<PathError> for ConditionError {
    fn from(error: PathError) -> Self {
        Self { at: error.at, reason: error.reason.to_owned(), mend: error.mend }
    }
}

/// Path, operator and value of a condition.
fn split(text: &str) -> Result<(&str, Op, Value), ConditionError> {
    let ops = [(" != ", Op::IsNot), (" = ", Op::Is), (" becomes ", Op::Becomes)];
    let first = ops
        .into_iter()
        .filter_map(|(sign, op)| Some((text.find(sign)?, sign, op)))
        .min_by_key(|found| found.0);
    let Some((at, sign, op)) = first else {
        let reason = "there is no ` = `, ` != ` or ` becomes ` with spaces around it".to_owned();
        return Err(ConditionError { at: text.len(), reason, mend: EXAMPLE });
    };
    let (path, value) = (text.get(..at).unwrap_or_default(), text.get(at + sign.len()..).unwrap_or_default());
    Ok((path.trim_end(), op, read_value(value.trim(), at + sign.len())?))
}

fn read_value(text: &str, at: usize) -> Result<Value, ConditionError> {
    let inner = text.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
    if let Some(inner) = inner.filter(|inner| !inner.contains('\'')) {
        return Ok(Value::text(inner));
    }
    let error =
        |reason| ConditionError { at, reason, mend: "compare with 'text', a number, true, false or null" };
    let json: serde_json::Value =
        serde_json::from_str(text).map_err(|_| error(format!("{text:?} is not a value")))?;
    if json.is_array() || json.is_object() {
        return Err(error("a list or an object can't be compared".to_owned()));
    }
    Value::new(&json).map_err(|refused| error(refused.to_string()))
}

fn show_value(value: &Value) -> String {
    match value.json() {
        serde_json::Value::String(text) if !text.contains('\'') => format!("'{text}'"),
        serde_json::Value::String(_)
        | serde_json::Value::Null
        | serde_json::Value::Bool(_)
        | serde_json::Value::Number(_)
        | serde_json::Value::Array(_)
        | serde_json::Value::Object(_) => value.as_json().to_owned(),
    }
}

impl FromStr for Condition {
    type Err = ConditionError;

    fn from_str(text: &str) -> Result<Self, ConditionError> {
        let (path, op, value) = split(text)?;
        Ok(Self { template: path.parse()?, op, value })
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.template, self.op.as_str(), show_value(&self.value))
    }
}

impl FromStr for Occasion {
    type Err = ConditionError;

    fn from_str(text: &str) -> Result<Self, ConditionError> {
        let words = [Happens::Created, Happens::Changed, Happens::Deleted].into_iter();
        let found = words.filter_map(|when| {
            let path = text.strip_suffix(when.word()?)?.strip_suffix(' ')?;
            Some((path.trim_end(), when))
        });
        let Some((path, when)) = found.last() else {
            let (path, op, value) = split(text).map_err(ConditionError::of_occasion)?;
            return Ok(Self { pattern: path.parse()?, when: Happens::Value(op, value) });
        };
        let pattern: Pattern = path.parse()?;
        if when != Happens::Changed && !pattern.names_no_field() {
            let (at, reason) = (path.find('#').unwrap_or_default(), "a field is neither created nor deleted");
            let mend = "leave the field out, or wait for it with `changed`";
            return Err(ConditionError { at, reason: reason.to_owned(), mend });
        }
        Ok(Self { pattern, when })
    }
}

impl fmt::Display for Occasion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.when {
            Happens::Value(op, value) => write!(f, "{} {} {}", self.pattern, op.as_str(), show_value(value)),
            Happens::Created | Happens::Changed | Happens::Deleted => {
                write!(f, "{} {}", self.pattern, self.when.word().unwrap_or_default())
            }
        }
    }
}

/// Text in and out of JSON for both kinds of condition.
macro_rules! condition_json {
    ($name:ident) => {
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

condition_json!(Condition);
condition_json!(Occasion);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_read_back_as_written() {
        let cases = [
            "crm/contact/{id}#status = 'sourced'",
            "crm/contact/{id}#score != 7",
            "a/{b}#c = true",
            "a/{b}#c != null",
            "a#c = \"it's\"",
            "a#c = 'x = y'",
        ];
        for text in cases {
            assert_eq!(text.parse::<Condition>().unwrap().to_string(), text);
        }
        let occasion: Occasion = "crm/contact/*#status becomes 'contacted'".parse().unwrap();
        assert_eq!(occasion.to_string(), "crm/contact/*#status becomes 'contacted'");
        assert_eq!(occasion.when, Happens::Value(Op::Becomes, Value::text("contacted")));
        let words =
            ["crm/contact/* created", "crm/** changed", "crm/contact/*#status changed", "files/a b deleted"];
        for text in words.into_iter().chain(["a#b = 'not created'"]) {
            assert_eq!(text.parse::<Occasion>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn fields_are_neither_created_nor_deleted() {
        for (text, at) in
            [("crm/a#b created", 5), ("crm/a#* deleted", 5), ("crm/acreated", 12), ("a//b changed", 2)]
        {
            let error = text.parse::<Occasion>().unwrap_err();
            assert_eq!(error.at, at, "{text}: {error}");
        }
    }

    #[test]
    fn conditions_hold_for_equal_values() {
        let is: Condition = "a#b = 'x'".parse().unwrap();
        assert!(is.holds(&Value::text("x"), true));
        assert!(is.holds(&Value::text("X"), false) && !is.holds(&Value::text("X"), true));
        assert!(!is.holds(&Value::null(), false));
        let is_not: Condition = "a#b != 'x'".parse().unwrap();
        assert!(is_not.holds(&Value::null(), false));
        assert!(is_not.holds(&Value::text("X"), true) && !is_not.holds(&Value::text("X"), false));
    }

    #[test]
    fn bad_conditions_name_the_place() {
        let cases = [
            ("a#b", 3),
            ("a#b='x'", 7),
            ("a#b = x", 6),
            ("a#b = [1]", 6),
            ("a#b = 'x", 6),
            ("a/*#b = 'x'", 2),
            ("a//b = 1", 2),
            ("a#b = 9007199254740993", 6),
        ];
        for (text, at) in cases {
            let error = text.parse::<Condition>().unwrap_err();
            assert_eq!(error.at, at, "{text}: {error}");
        }
    }
}
