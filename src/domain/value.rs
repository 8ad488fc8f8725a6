//! Field values: bounded JSON kept as its compact text, so that equality, storage and hashing agree.

use std::fmt;
use std::sync::Arc;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{self, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use super::time::same_instant;

/// Most bytes of one value as compact JSON (RULES §16).
pub const VALUE_BYTES: usize = 64 * 1024;
/// Deepest nesting of one value.
pub const VALUE_DEPTH: usize = 32;
/// Largest integer that every JSON reader keeps exactly; send larger ones as strings.
pub const MAX_SAFE_INTEGER: u64 = 1 << 53;

/// The one key of a withheld value: `{"withheld": "sha256:…"}`.
pub const WITHHELD: &str = "withheld";
/// How the digest in it begins.
const SHA256: &str = "sha256:";

/// A checked JSON value in canonical compact text: object keys sorted, integers within 2^53, no NUL.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Value(Arc<str>);

/// Why JSON is not a value, and the mend.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    /// Over [`VALUE_BYTES`].
    #[error(
        "the value takes {0} bytes, at most 65536 are kept; store the record elsewhere and send {{\"withheld\": \"sha256:…\"}}"
    )]
    TooLarge(usize),
    /// Over [`VALUE_DEPTH`].
    #[error("the value is nested deeper than 32 levels; flatten it")]
    TooDeep,
    /// Beyond 2^53.
    #[error("the integer {0} is beyond 2^53 and would lose digits; send it as a string")]
    Integer(String),
    /// A NUL character in a text.
    #[error("a text has a NUL character; remove it")]
    Nul,
    /// A digest that is none.
    #[error("`withheld` must be \"sha256:\" and 64 lower-case hexadecimal digits")]
    Withheld,
}

impl Value {
    /// Checks a JSON value and keeps its compact text.
    ///
    /// # Errors
    /// When the value breaks a bound of RULES §1.3.
    pub fn new(json: &serde_json::Value) -> Result<Self, ValueError> {
        check(json, 0)?;
        let text = json.to_string();
        if text.len() > VALUE_BYTES {
            return Err(ValueError::TooLarge(text.len()));
        }
        Ok(Self(Arc::from(text)))
    }

    /// A text value.
    pub fn text(text: &str) -> Self {
        Self(Arc::from(serde_json::Value::from(text).to_string()))
    }

    /// A value that was checked before and kept as its [`Self::as_json`].
    pub fn kept(json: &str) -> Self {
        Self(Arc::from(json))
    }

    /// JSON `null`: what a field that was never written reads as.
    pub fn null() -> Self {
        Self(Arc::from("null"))
    }

    /// Whether it is JSON `null`.
    pub fn is_null(&self) -> bool {
        &*self.0 == "null"
    }

    /// The compact JSON text.
    pub fn as_json(&self) -> &str {
        &self.0
    }

    /// The parsed JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.0).unwrap_or(serde_json::Value::Null)
    }

    /// The value as people read it: a string without its quotes, everything else as JSON.
    pub fn plain(&self) -> String {
        if let Some(text) = self.bare_text() {
            return text.to_owned();
        }
        match self.json() {
            serde_json::Value::String(text) => text,
            serde_json::Value::Null
            | serde_json::Value::Bool(_)
            | serde_json::Value::Number(_)
            | serde_json::Value::Array(_)
            | serde_json::Value::Object(_) => self.0.as_ref().to_owned(),
        }
    }

    /// The text of a string that needed no escape.
    fn bare_text(&self) -> Option<&str> {
        let inner = self.0.strip_prefix('"')?.strip_suffix('"')?;
        (!inner.bytes().any(|byte| byte == b'\\')).then_some(inner)
    }

    /// Whether another system's history means this value, which names what was seen: of points in time the instant counts,
    /// as exactly as both say it, not how it is spelled.
    pub fn is_what_was_seen(&self, seen: &Self) -> bool {
        let instants = || match (seen.json(), self.json()) {
            (serde_json::Value::String(one), serde_json::Value::String(other)) => same_instant(&one, &other),
            _ => false,
        };
        self == seen || instants()
    }

    /// Whether it is the other one, upper and lower case of a text aside.
    pub fn is_but_for_case(&self, other: &Self) -> bool {
        // What is escaped in the text of a string stays what it is: an escape has lower case already.
        self == other
            || self.0.starts_with('"')
                && other.0.starts_with('"')
                && self.0.to_lowercase() == other.0.to_lowercase()
    }

    /// Whether only the digest of the value is kept here: `{"withheld": "sha256:…"}`.
    pub fn is_withheld(&self) -> bool {
        let said = self.0.strip_prefix("{\"withheld\":\"").and_then(|rest| rest.strip_suffix("\"}"));
        said.and_then(|said| said.strip_prefix(SHA256)).is_some_and(is_digest)
    }
}

/// Whether an object with the key `withheld`, and this text under it, only looks as if its value were kept elsewhere. In
/// recorded deeds it may stand, and is what it is; nobody sends one any more.
pub fn poses_as_withheld(text: &str, alone: bool) -> bool {
    text.strip_prefix(SHA256).is_some_and(|digest| !alone || !is_digest(digest))
}

/// 64 lower-case hexadecimal digits.
fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn check(json: &serde_json::Value, depth: usize) -> Result<(), ValueError> {
    use serde_json::Value as Json;
    if depth > VALUE_DEPTH {
        return Err(ValueError::TooDeep);
    }
    match json {
        Json::Null | Json::Bool(_) => Ok(()),
        Json::Number(n) => {
            let large = n.as_u64().is_some_and(|n| n > MAX_SAFE_INTEGER)
                || n.as_i64().is_some_and(|n| n.unsigned_abs() > MAX_SAFE_INTEGER);
            if large { Err(ValueError::Integer(n.to_string())) } else { Ok(()) }
        }
        Json::String(text) => {
            if text.contains('\0') {
                Err(ValueError::Nul)
            } else {
                Ok(())
            }
        }
        Json::Array(items) => items.iter().try_for_each(|item| check(item, depth + 1)),
        Json::Object(map) => {
            if map.len() == 1
                && let Some(digest) = map.get(WITHHELD)
            {
                let digest = digest.as_str().and_then(|d| d.strip_prefix(SHA256)).unwrap_or_default();
                return if is_digest(digest) { Ok(()) } else { Err(ValueError::Withheld) };
            }
            map.iter().try_for_each(|(key, item)| {
                if key.contains('\0') {
                    return Err(ValueError::Nul);
                }
                check(item, depth + 1)
            })
        }
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.plain())
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Most values are short texts and flags: they need no parser to be written as they stand.
        if let Some(text) = self.bare_text() {
            return serializer.serialize_str(text);
        }
        match &*self.0 {
            "null" => return serializer.serialize_unit(),
            "true" => return serializer.serialize_bool(true),
            "false" => return serializer.serialize_bool(false),
            _ => {}
        }
        // Raw text is written as it stands: a deed's bytes carry the value without a second formatting.
        match serde_json::from_str::<&RawValue>(&self.0) {
            Ok(raw) => raw.serialize(serializer),
            Err(error) => Err(serde::ser::Error::custom(error)),
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reading)
    }
}

/// Reads a value. Most are short texts that need no escape and are made at once, the others by way of the tree.
struct Reading;

impl Reading {
    fn tree<E: de::Error>(json: impl Into<serde_json::Value>) -> Result<Value, E> {
        Value::new(&json.into()).map_err(E::custom)
    }
}

impl<'de> Visitor<'de> for Reading {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any valid JSON value")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Value, E> {
        let plain = |byte: u8| byte >= b' ' && byte != b'"' && byte != b'\\';
        if text.len() + 2 > VALUE_BYTES || !text.bytes().all(plain) {
            return Self::tree(text);
        }
        let mut json = String::with_capacity(text.len() + 2);
        json.push('"');
        json.push_str(text);
        json.push('"');
        Ok(Value(Arc::from(json)))
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::null())
    }

    fn visit_bool<E: de::Error>(self, bool: bool) -> Result<Value, E> {
        Ok(Value(Arc::from(if bool { "true" } else { "false" })))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Value, E> {
        Self::tree(number)
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Value, E> {
        Self::tree(number)
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Value, E> {
        Self::tree(number)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Value, A::Error> {
        Self::tree(serde_json::Value::deserialize(SeqAccessDeserializer::new(items))?)
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<Value, A::Error> {
        Self::tree(serde_json::Value::deserialize(MapAccessDeserializer::new(entries))?)
    }
}

/// For an optional value in a record: `null` is a value, and not the absence of one.
pub(crate) fn some<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn bounds_are_said() {
        assert_eq!(Value::new(&json!("a\0b")), Err(ValueError::Nul));
        assert!(matches!(Value::new(&json!(u64::MAX)), Err(ValueError::Integer(_))));
        assert!(matches!(Value::new(&json!("x".repeat(VALUE_BYTES))), Err(ValueError::TooLarge(_))));
        let mut deep = json!(1);
        for _ in 0..40 {
            deep = json!([deep]);
        }
        assert_eq!(Value::new(&deep), Err(ValueError::TooDeep));
        assert_eq!(Value::new(&json!({"withheld": "sha256:zz"})), Err(ValueError::Withheld));
    }

    /// What only looks like a withheld value blocked the way back to what stood there.
    #[test]
    fn a_fake_of_a_withheld_value_is_none() {
        let digest = format!("sha256:{}", "0a".repeat(32));
        assert!(Value::new(&json!({"withheld": digest})).unwrap().is_withheld());
        for fake in [
            json!({"withheld": digest, "z": 1}),
            json!({"withheld": "sha256:", "z": 1}),
            json!([{"withheld": digest}]),
            json!({"withheld ": digest}),
        ] {
            assert!(!Value::new(&fake).unwrap().is_withheld(), "{fake}");
        }
        assert!(poses_as_withheld(&digest, false) && poses_as_withheld("sha256:00", true));
        assert!(!poses_as_withheld(&digest, true) && !poses_as_withheld("a text", false));
    }

    #[test]
    fn values_are_written_as_they_stand() {
        let values = [
            json!("plain"),
            json!("é \u{202e} \u{7f}"),
            json!("a \"quoted\" \\ word"),
            json!("tab\tand\u{1b}"),
            json!(""),
            json!(null),
            json!(true),
            json!(false),
            json!(7),
            json!(-0.5),
            json!(1e300),
            json!([1, "x"]),
            json!({"a": null, "b": ["\\"]}),
            json!("\\"),
            json!("\""),
        ];
        for json in values {
            let value = Value::new(&json).unwrap();
            assert_eq!(serde_json::to_string(&value).unwrap(), value.as_json());
            assert_eq!(value.as_json(), json.to_string());
            assert_eq!(serde_json::from_str::<Value>(value.as_json()).unwrap(), value);
            if let Some(text) = json.as_str() {
                assert_eq!(value.plain(), text);
            }
        }
    }

    #[test]
    fn text_is_canonical() {
        let value: Value = serde_json::from_str(r#"{ "b": 1, "a": "é" }"#).unwrap();
        assert_eq!(value.as_json(), r#"{"a":"é","b":1}"#);
        assert_eq!(serde_json::to_string(&value).unwrap(), value.as_json());
    }
}
