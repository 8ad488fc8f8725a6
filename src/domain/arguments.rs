//! The arguments of a tool call: JSON in one form, so that one call has one digest however it is spelled. Other texts that
//! travel as JSON are `value`'s.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};

use super::hash::hex;
use super::value::{MAX_SAFE_INTEGER, VALUE_DEPTH};

/// Most bytes of the arguments of one call.
pub const ARGUMENTS_BYTES: usize = 512 * 1024;
/// Where ECMAScript begins to write whole numbers with an exponent.
const PLAIN_DIGITS: i64 = 21;

/// An object in the form of RFC 8785: keys sorted, no spaces, each number as a double is written. A number that a double
/// can't hold keeps its text.
#[derive(Clone, PartialEq, Eq)]
pub struct Arguments(Arc<str>);

/// Why a text is no arguments, and the mend.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArgumentsError {
    /// Over [`ARGUMENTS_BYTES`].
    #[error("the arguments take {0} bytes, at most 524288 are taken; pass a file or a reference instead")]
    TooLarge(usize),
    /// Nested too deep.
    #[error("the arguments are nested deeper than 32 levels; flatten them")]
    TooDeep,
    /// A key that stands twice.
    #[error("the key {0:?} stands twice in one object; send it once")]
    Twice(String),
    /// No object, or no JSON.
    #[error("the arguments are no JSON object: {0}; send one with named keys")]
    NotJson(String),
}

/// A JSON value with its numbers as they are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Json {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number in its one form.
    Number(String),
    /// A text.
    Text(String),
    /// A list.
    List(Vec<Self>),
    /// An object.
    Object(BTreeMap<String, Self>),
}

impl Arguments {
    /// None at all: `{}`.
    pub fn none() -> Self {
        Self(Arc::from("{}"))
    }

    /// Reads the text of an object.
    ///
    /// # Errors
    /// When it is none, has a key twice, or breaks a bound.
    pub fn parse(text: &str) -> Result<Self, ArgumentsError> {
        if text.len() > ARGUMENTS_BYTES {
            return Err(ArgumentsError::TooLarge(text.len()));
        }
        match read(text, 0)? {
            json @ Json::Object(_) => Ok(Self(Arc::from(json.to_string()))),
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::Text(_) | Json::List(_) => {
                Err(ArgumentsError::NotJson("it is another kind of value".to_owned()))
            }
        }
    }

    /// The text in its one form.
    pub fn as_json(&self) -> &str {
        &self.0
    }

    /// The arguments by name.
    pub fn by_name(&self) -> BTreeMap<String, Json> {
        match read(&self.0, 0) {
            Ok(Json::Object(entries)) => entries,
            Ok(_) | Err(_) => BTreeMap::new(),
        }
    }

    /// What tells this call of a tool from others: the SHA-256 of `{"arguments":…,"server":…,"tool":…}` in the same form,
    /// in hexadecimal digits.
    pub fn digest(&self, server: &str, tool: &str) -> Arc<str> {
        let text = |text: &str| Json::Text(text.to_owned()).to_string();
        let whole =
            format!("{{\"arguments\":{},\"server\":{},\"tool\":{}}}", self.0, text(server), text(tool));
        hex(&Sha256::digest(whole))
    }
}

impl Json {
    /// The value at a path such as `a.b`.
    pub fn at<'a>(entries: &'a BTreeMap<String, Self>, path: &str) -> Option<&'a Self> {
        if let Some(whole) = entries.get(path) {
            return Some(whole);
        }
        let (first, rest) = path.split_once('.')?;
        match entries.get(first)? {
            Self::Object(inner) => Self::at(inner, rest),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::Text(_) | Self::List(_) => None,
        }
    }

    /// The same for readers that hold no more than a double: a number beyond that is a text.
    pub fn plain(&self) -> serde_json::Value {
        match self {
            Self::Null => serde_json::Value::Null,
            Self::Bool(flag) => (*flag).into(),
            Self::Number(text) => {
                let number = serde_json::from_str::<serde_json::Number>(text).ok();
                let whole =
                    |number: &serde_json::Number| number.as_i64().map(i64::unsigned_abs).or(number.as_u64());
                let kept = number.filter(|number| {
                    whole(number).is_none_or(|whole| whole <= MAX_SAFE_INTEGER)
                        && canonical(&number.to_string()) == *text
                });
                kept.map_or_else(|| text.clone().into(), serde_json::Value::Number)
            }
            Self::Text(text) => text.clone().into(),
            Self::List(items) => items.iter().map(Self::plain).collect(),
            Self::Object(entries) => {
                entries.iter().map(|(name, value)| (name.clone(), value.plain())).collect()
            }
        }
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |text: &str| serde_json::Value::from(text).to_string();
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(flag) => write!(f, "{flag}"),
            Self::Number(number) => f.write_str(number),
            Self::Text(one) => f.write_str(&text(one)),
            Self::List(items) => {
                f.write_str("[")?;
                for (at, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if at > 0 { "," } else { "" })?;
                }
                f.write_str("]")
            }
            Self::Object(entries) => {
                let mut sorted: Vec<(&String, &Self)> = entries.iter().collect();
                sorted.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
                f.write_str("{")?;
                for (at, (name, value)) in sorted.into_iter().enumerate() {
                    write!(f, "{}{}:{value}", if at > 0 { "," } else { "" }, text(name))?;
                }
                f.write_str("}")
            }
        }
    }
}

/// An object whose values are not read yet.
struct Entries<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Entries<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reading;
        impl<'de> Visitor<'de> for Reading {
            type Value = Entries<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Entries<'de>, A::Error> {
                let mut all = Vec::new();
                while let Some(entry) = entries.next_entry()? {
                    all.push(entry);
                }
                Ok(Entries(all))
            }
        }
        deserializer.deserialize_map(Reading)
    }
}

fn read(text: &str, depth: usize) -> Result<Json, ArgumentsError> {
    if depth > VALUE_DEPTH {
        return Err(ArgumentsError::TooDeep);
    }
    let no = |error: serde_json::Error| ArgumentsError::NotJson(error.to_string());
    match text.trim_start().as_bytes().first() {
        Some(b'{') => {
            let mut all = BTreeMap::new();
            for (name, value) in serde_json::from_str::<Entries<'_>>(text).map_err(no)?.0 {
                let value = read(value.get(), depth + 1)?;
                if all.insert(name.clone(), value).is_some() {
                    return Err(ArgumentsError::Twice(name));
                }
            }
            Ok(Json::Object(all))
        }
        Some(b'[') => {
            let items = serde_json::from_str::<Vec<&RawValue>>(text).map_err(no)?;
            items
                .into_iter()
                .map(|item| read(item.get(), depth + 1))
                .collect::<Result<_, _>>()
                .map(Json::List)
        }
        Some(b'"') => serde_json::from_str(text).map(Json::Text).map_err(no),
        Some(b't' | b'f') => serde_json::from_str(text).map(Json::Bool).map_err(no),
        Some(b'n') => serde_json::from_str::<()>(text).map(|()| Json::Null).map_err(no),
        Some(_) | None => {
            let number = serde_json::from_str::<&RawValue>(text).map_err(no)?;
            Ok(Json::Number(canonical(number.get())))
        }
    }
}

/// A number as ECMAScript writes the double that it is; its own text where no double is exactly what it says.
fn canonical(text: &str) -> String {
    let as_written = || text.to_owned();
    let Some(said) = Decimal::of(text) else { return as_written() };
    let float = text.parse::<f64>().unwrap_or(f64::INFINITY);
    if !float.is_finite() || Decimal::of(&format!("{float:e}")).as_ref() != Some(&said) {
        return as_written();
    }
    said.to_string()
}

/// `0.digits × 10^point`, without zeros at either end of the digits.
#[derive(Debug, PartialEq, Eq)]
struct Decimal {
    negative: bool,
    digits: String,
    point: i64,
}

impl Decimal {
    fn of(text: &str) -> Option<Self> {
        let (negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let exponent = exponent.strip_prefix('+').unwrap_or(exponent).parse::<i64>().ok()?;
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = format!("{whole}{fraction}");
        let kept = all.trim_start_matches('0');
        if kept.is_empty() {
            return Some(Self { negative: false, digits: String::new(), point: 0 });
        }
        let leading = i64::try_from(all.len() - kept.len()).ok()?;
        let point = exponent.checked_add(i64::try_from(whole.len()).ok()?)?.checked_sub(leading)?;
        Some(Self { negative, digits: kept.trim_end_matches('0').to_owned(), point })
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (digits, point) = (&self.digits, self.point);
        if digits.is_empty() {
            return f.write_str("0");
        }
        if self.negative {
            f.write_str("-")?;
        }
        let zeros = |count: i64| "0".repeat(usize::try_from(count).unwrap_or_default());
        let length = i64::try_from(digits.len()).unwrap_or(i64::MAX);
        let split = |at: i64| {
            digits.split_at_checked(usize::try_from(at).unwrap_or_default()).unwrap_or((digits, ""))
        };
        if (length..=PLAIN_DIGITS).contains(&point) {
            return write!(f, "{digits}{}", zeros(point - length));
        }
        if (1..=PLAIN_DIGITS).contains(&point) {
            let (whole, fraction) = split(point);
            return write!(f, "{whole}.{fraction}");
        }
        if (-5..=0).contains(&point) {
            return write!(f, "0.{}{digits}", zeros(-point));
        }
        let (first, rest) = split(1);
        let dot = if rest.is_empty() { "" } else { "." };
        let sign = if point > 0 { "+" } else { "-" };
        write!(f, "{first}{dot}{rest}e{sign}{}", (point - 1).abs())
    }
}

impl fmt::Debug for Arguments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Arguments {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match serde_json::from_str::<&RawValue>(&self.0) {
            Ok(raw) => raw.serialize(serializer),
            Err(error) => Err(serde::ser::Error::custom(error)),
        }
    }
}

/// By way of the tree: whoever needs each digit of large numbers parses the text.
impl<'de> Deserialize<'de> for Arguments {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = serde_json::Value::deserialize(deserializer)?;
        Self::parse(&json.to_string()).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one_form(text: &str) -> String {
        Arguments::parse(text).unwrap().as_json().to_owned()
    }

    /// The examples of RFC 8785, and what no double holds.
    #[test]
    fn numbers_have_one_form() {
        for (written, form) in [
            ("333333333.33333329", "333333333.3333333"),
            ("1E30", "1e+30"),
            ("4.50", "4.5"),
            ("2e-3", "0.002"),
            ("0.000000000000000000000000001", "1e-27"),
            ("1.0", "1"),
            ("-0", "0"),
            ("-0.0", "0"),
            ("1e21", "1e+21"),
            ("123e18", "123000000000000000000"),
            ("0.000001", "0.000001"),
            ("1e-7", "1e-7"),
            ("9007199254740993", "9007199254740993"),
            ("12345678901234567890123", "12345678901234567890123"),
            ("1e400", "1e400"),
            ("0.1", "0.1"),
            ("56.0", "56"),
        ] {
            // The first loses a digit that a double can't hold, so that it stays as it is here.
            let form = if written == "333333333.33333329" { written } else { form };
            assert_eq!(one_form(&format!("{{\"n\":{written}}}")), format!("{{\"n\":{form}}}"));
        }
    }

    #[test]
    fn keys_are_sorted_as_the_rfc_sorts_them() {
        let text = r#"{ "€":1, "\r":2, "\ufb33":3, "1":4, "😀":5, "\u0080":6, "ö":7, "a":[{"b":1,"a":"\u000f\n\"\\/"}] }"#;
        let form = "{\"\\r\":2,\"1\":4,\"a\":[{\"a\":\"\\u000f\\n\\\"\\\\/\",\"b\":1}],\"\u{80}\":6,\"ö\":7,\"€\":1,\"😀\":5,\"\u{fb33}\":3}";
        assert_eq!(one_form(text), form);
    }

    #[test]
    fn a_call_is_known_by_all_of_it() {
        let call = |text: &str| Arguments::parse(text).unwrap().digest("crm", "update");
        assert_eq!(call(r#"{"b":1.0,"a":"x"}"#), call(" {\"a\" : \"\\u0078\", \"b\":1}"));
        for other in [r#"{"a":"x"}"#, r#"{"a":"x","b":2}"#, r#"{"a":"x","b":"1"}"#] {
            assert_ne!(call(r#"{"a":"x","b":1}"#), call(other));
        }
        assert_ne!(call(r#"{"n":12345678901234567890123}"#), call(r#"{"n":12345678901234567890124}"#));
        let empty = Arguments::none();
        assert_ne!(empty.digest("a", "b"), empty.digest("b", "a"));
        let plain =
            |number: &str| Arguments::parse(&format!("{{\"n\":{number}}}")).unwrap().by_name()["n"].plain();
        assert_eq!(plain("12345678901234567890123"), "12345678901234567890123");
        assert_eq!(plain("7"), 7);
        assert_eq!(plain("0.5"), 0.5);
    }

    #[test]
    fn what_is_no_arguments_is_told() {
        let no = |text: &str| Arguments::parse(text).unwrap_err().to_string();
        assert!(no(r#"{"a":1,"a":2}"#).contains("twice"));
        assert!(no("[]").contains("no JSON object") && no("{").contains("no JSON object"));
        assert!(no(&format!("{{\"a\":{}1{}}}", "[".repeat(40), "]".repeat(40))).contains("deeper"));
        assert!(no(&format!("{{\"a\":\"{}\"}}", "x".repeat(ARGUMENTS_BYTES))).contains("bytes"));
    }
}
