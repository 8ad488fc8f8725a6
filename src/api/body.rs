//! Strict reading of JSON bodies: one pass refuses what readers of JSON disagree on (duplicate keys, NUL, integers that
//! lose digits, depth, sheer count), the second one fits the shape and names the place where it does not. A body in which a
//! glance finds nothing of that kind is spared the first one, unless the second one fails.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashSet;
use std::fmt;

use serde::de::{self, DeserializeOwned, DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde_json::Value as Json;

use super::{Problem, ProblemCode, glance};
use crate::domain::path::composed;
use crate::domain::value::{MAX_SAFE_INTEGER, WITHHELD, poses_as_withheld};

/// Deepest nesting of a body.
pub const DEPTH: usize = 32;
/// Most keys and array elements of a body, all levels together.
pub const ENTRIES: usize = 100_000;
/// Up to this many keys an object is searched for duplicates one by one.
const FEW_KEYS: usize = 16;
/// 2^53 as a floating-point number.
const SAFE_FLOAT: f64 = 9_007_199_254_740_992.0;

/// Reads a body.
///
/// # Errors
/// A problem that names the place.
pub fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Box<Problem>> {
    if !glance::is_plain(body) {
        check(body)?;
    }
    fit(body)
}

/// Reads a body that is an object. An array of its values in the right order would fit a shape as well; nobody means
/// that.
///
/// # Errors
/// A problem that names the place.
pub fn parse_object<T: DeserializeOwned>(body: &[u8]) -> Result<T, Box<Problem>> {
    if body.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{') {
        check(body)?;
        let problem = Problem::new(ProblemCode::BadBody, "it is no object; send one with named keys");
        return Err(Box::new(problem.at("the body itself")));
    }
    parse(body)
}

/// Reads a body that is an object, in which numbers may be of any size: for whoever keeps their digits.
///
/// # Errors
/// A problem that names the place.
pub fn parse_exact<T: DeserializeOwned>(body: &[u8]) -> Result<T, Box<Problem>> {
    check_with(body, true)?;
    if body.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{') {
        let problem = Problem::new(ProblemCode::BadBody, "it is no object; send one with named keys");
        return Err(Box::new(problem.at("the body itself")));
    }
    fit(body)
}

fn fit<T: DeserializeOwned>(body: &[u8]) -> Result<T, Box<Problem>> {
    if let Ok(value) = serde_json::from_slice(body) {
        return Ok(value);
    }
    // What is no JSON at all is said first.
    check(body)?;
    // Keeping track of the path costs as much as the reading, so that is done only for who needs it.
    let mut json = serde_json::Deserializer::from_slice(body);
    serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        let place = if path == "." { "the body itself".to_owned() } else { path };
        Box::new(Problem::new(ProblemCode::BadBody, without_position(&error.into_inner())).at(place))
    })
}

/// What `serde_json` says, without its line and column: the place is said by its path.
fn without_position(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rsplit_once(" at line ") {
        Some((text, _)) => text.to_owned(),
        None => text,
    }
}

/// The JSON of a body however it was written: keys sorted, no spaces, each number in one form. Nothing stands for the empty
/// object, as in bodies that may be left out. None where it is no JSON.
pub fn understood(body: &[u8]) -> Option<Vec<u8>> {
    if body.is_empty() {
        return Some(b"{}".to_vec());
    }
    let mut json = serde_json::from_slice(body).ok()?;
    one_form(&mut json);
    serde_json::to_vec(&json).ok()
}

/// Any bytes as a body: what a glance takes for plain the strict reading refuses in nothing, and what is understood of a body stays
/// the same when it is written so and read again.
#[cfg(any(test, fuzzing))]
pub(crate) fn any_body(body: &[u8]) {
    use crate::domain::command::{Command, Write};

    let read = serde_json::from_slice::<de::IgnoredAny>(body).is_ok();
    if read && glance::is_plain(body) {
        assert!(check(body).is_ok(), "passes for plain: {:?}", String::from_utf8_lossy(body));
    }
    if parse::<Json>(body).is_ok() {
        let form = understood(body);
        let again = form.as_deref().and_then(understood);
        // A fraction may be read by its last digit otherwise than it is written; of the same bytes the form is still the same.
        let fractions = body.contains(&b'.') || body.iter().any(|byte| matches!(byte, b'e' | b'E'));
        assert!(again.is_some() && (fractions || again == form), "{:?}", String::from_utf8_lossy(body));
    }
    for told in [
        parse_object::<Write>(body).map(drop),
        parse::<Vec<Write>>(body).map(drop),
        parse::<Command>(body).map(drop),
        parse_exact::<super::EvaluationsBody>(body).and_then(|asked| match asked.questions() {
            Ok(each) => each.iter().try_for_each(|one| one.evaluation().map(drop)),
            Err(one) => one.evaluation().map(drop),
        }),
    ] {
        if let Err(problem) = told {
            assert!(problem.status < 500, "{problem:?}");
        }
    }
}

/// Whole numbers are written as such: `1.0` and `1e0` as `1`.
fn one_form(json: &mut Json) {
    match json {
        Json::Number(number) => {
            let whole = number.as_f64().filter(|float| number.is_f64() && float.fract() == 0.0);
            if let Some(whole) = whole.and_then(|float| format!("{float:.0}").parse::<i64>().ok()) {
                *number = whole.into();
            }
        }
        Json::Array(items) => items.iter_mut().for_each(one_form),
        Json::Object(entries) => entries.values_mut().for_each(one_form),
        Json::Null | Json::Bool(_) | Json::String(_) => {}
    }
}

/// The first pass.
fn check(body: &[u8]) -> Result<(), Box<Problem>> {
    check_with(body, false)
}

fn check_with(body: &[u8], large: bool) -> Result<(), Box<Problem>> {
    let walk = Walk { found: RefCell::new(None), entries: RefCell::new(0), large };
    let mut json = serde_json::Deserializer::from_slice(body);
    let outcome = Node { walk: &walk, depth: 0 }.deserialize(&mut json).and_then(|()| json.end());
    let Err(error) = outcome else { return Ok(()) };
    let place = format!("line {}, column {}", error.line(), error.column());
    let problem = match walk.found.into_inner() {
        Some((code, detail)) => Problem::new(code, detail),
        None if body.is_empty() => Problem::new(ProblemCode::BadJson, "the body is empty"),
        None => Problem::new(ProblemCode::BadJson, without_position(&error)),
    };
    Err(Box::new(problem.at(place)))
}

/// What was found wrong, beside what the parser says.
struct Walk {
    found: RefCell<Option<(ProblemCode, String)>>,
    entries: RefCell<usize>,
    /// Whether integers may be beyond 2^53.
    large: bool,
}

impl Walk {
    fn refuse<E: de::Error>(&self, code: ProblemCode, detail: String) -> E {
        let error = E::custom(&detail);
        *self.found.borrow_mut() = Some((code, detail));
        error
    }

    fn count<E: de::Error>(&self) -> Result<(), E> {
        let mut entries = self.entries.borrow_mut();
        *entries += 1;
        if *entries > ENTRIES {
            let detail = format!("it has more than {ENTRIES} keys and elements");
            return Err(self.refuse(ProblemCode::OverBound, detail));
        }
        Ok(())
    }
}

/// One value on the way.
#[derive(Clone, Copy)]
struct Node<'a> {
    walk: &'a Walk,
    depth: usize,
}

impl Node<'_> {
    fn deeper<E: de::Error>(self) -> Result<Self, E> {
        if self.depth >= DEPTH {
            let detail = format!("it is nested deeper than {DEPTH} levels");
            return Err(self.walk.refuse(ProblemCode::TooDeep, detail));
        }
        Ok(Self { depth: self.depth + 1, ..self })
    }

    fn integer<E: de::Error>(self, magnitude: u64, shown: impl fmt::Display) -> Result<(), E> {
        if magnitude > MAX_SAFE_INTEGER && !self.walk.large {
            let detail = format!("the integer {shown} is beyond 2^53");
            return Err(self.walk.refuse(ProblemCode::LargeInteger, detail));
        }
        Ok(())
    }

    fn text<E: de::Error>(self, text: &str) -> Result<(), E> {
        if text.bytes().any(|byte| byte == 0) {
            return Err(self.walk.refuse(ProblemCode::Nul, "a text has a NUL character".to_owned()));
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = ();

    fn deserialize<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<(), E> {
        self.integer(number, number)
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<(), E> {
        self.integer(number.unsigned_abs(), number)
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<(), E> {
        // Integers beyond 64 bits arrive here; a fraction never has that size.
        if number.abs() > SAFE_FLOAT {
            return self.integer(u64::MAX, number);
        }
        Ok(())
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<(), E> {
        self.text(text)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        let node = self.deeper()?;
        while elements.next_element_seed(node)?.is_some() {
            self.walk.count()?;
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let node = self.deeper()?;
        let (mut keys, mut count, mut withheld) = (Keys::default(), 0_usize, None);
        while let Some(Key(key)) = entries.next_key::<Key<'de>>()? {
            count += 1;
            self.walk.count()?;
            self.text(&key)?;
            let is_withheld = key == WITHHELD;
            // Two spellings of one name are one name (`path::spelling`).
            if let Err(key) = keys.insert(composed(key)) {
                let detail = format!("the key {key:?} is named twice in one object");
                return Err(self.walk.refuse(ProblemCode::DuplicateKey, detail));
            }
            if is_withheld {
                withheld = entries.next_value_seed(Digest(node))?;
            } else {
                entries.next_value_seed(node)?;
            }
        }
        if withheld.is_some_and(|text| poses_as_withheld(&text, count == 1)) {
            let detail = "an object with `withheld` has that key alone, and in it \"sha256:\" and 64 lower-case digits";
            return Err(self.walk.refuse(ProblemCode::BadBody, detail.to_owned()));
        }
        Ok(())
    }
}

/// What stands under `withheld`, where it is a text; looked at like everything else.
struct Digest<'a>(Node<'a>);

impl<'de> DeserializeSeed<'de> for Digest<'_> {
    type Value = Option<String>;

    fn deserialize<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<Option<String>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Digest<'_> {
    type Value = Option<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Option<String>, E> {
        Ok(None)
    }

    fn visit_unit<E>(self) -> Result<Option<String>, E> {
        Ok(None)
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Option<String>, E> {
        self.0.visit_u64(number).map(|()| None)
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Option<String>, E> {
        self.0.visit_i64(number).map(|()| None)
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Option<String>, E> {
        self.0.visit_f64(number).map(|()| None)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Option<String>, E> {
        self.0.visit_str(text).map(|()| Some(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, elements: A) -> Result<Option<String>, A::Error> {
        self.0.visit_seq(elements).map(|()| None)
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<Option<String>, A::Error> {
        self.0.visit_map(entries).map(|()| None)
    }
}

/// A key, borrowed from the body where it has no escapes.
struct Key<'de>(Cow<'de, str>);

impl<'de> de::Deserialize<'de> for Key<'de> {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = Key<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Key<'de>, E> {
                Ok(Key(text.into()))
            }

            fn visit_str<E>(self, text: &str) -> Result<Key<'de>, E> {
                Ok(Key(text.to_owned().into()))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

/// The keys of one object so far.
#[derive(Default)]
struct Keys<'de> {
    few: Vec<std::borrow::Cow<'de, str>>,
    many: HashSet<std::borrow::Cow<'de, str>>,
}

impl<'de> Keys<'de> {
    fn insert(&mut self, key: std::borrow::Cow<'de, str>) -> Result<(), String> {
        if self.few.contains(&key) || self.many.contains(&key) {
            return Err(key.into_owned());
        }
        if self.few.len() < FEW_KEYS {
            self.few.push(key);
        } else {
            self.many.insert(key);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn refused(body: &str) -> (String, String) {
        let problem = parse::<serde_json::Value>(body.as_bytes()).unwrap_err();
        (problem.code.into_owned(), problem.place.unwrap())
    }

    #[test]
    fn what_readers_disagree_on_is_refused_with_its_place() {
        let deep = format!("{}1{}", "[".repeat(40), "]".repeat(40));
        for (body, code, place) in [
            (r#"{"a":1,"a":2}"#, "duplicate-key", "line 1, column 10"),
            (r#"{"a":{"b":1,"\u0062":2}}"#, "duplicate-key", "line 1, column 20"),
            (r#"{"\u00e9":1,"e\u0301":2}"#, "duplicate-key", "line 1, column 21"),
            (r#"{"a":"x\u0000"}"#, "nul", "line 1, column 14"),
            (r#"{"a\u0000":1}"#, "nul", "line 1, column 10"),
            (r#"{"a":9007199254740993}"#, "large-integer", "line 1, column 21"),
            (r#"{"a":-9007199254740993}"#, "large-integer", "line 1, column 22"),
            ("[1e99]", "large-integer", "line 1, column 5"),
            ("[99999999999999999999999]", "large-integer", "line 1, column 24"),
            (&deep, "too-deep", "line 1, column 33"),
            (r#"{"withheld":"sha256:00","z":1}"#, "bad-body", "line 1, column 30"),
            (r#"{"a":[{"\u0077ithheld":"sha256:"}]}"#, "bad-body", "line 1, column 33"),
            ("{\"a\":\n }", "bad-json", "line 2, column 2"),
            ("", "bad-json", "line 1, column 0"),
            ("{} {}", "bad-json", "line 1, column 4"),
        ] {
            assert_eq!(refused(body), (code.to_owned(), place.to_owned()), "{body}");
        }
        let long = format!("[{}1]", "1,".repeat(ENTRIES));
        assert_eq!(refused(&long).0, "over-bound");
    }

    #[test]
    fn one_body_has_one_form() {
        let form = |body: &str| String::from_utf8(understood(body.as_bytes()).unwrap()).unwrap();
        let one = r#"{"a":[1,-2,0.5],"b":{"c":"é","d":0}}"#;
        for body in [
            r#"{"b":{"d":0,"c":"é"},"a":[1,-2,0.5]}"#,
            r#" { "a" : [ 1.0, -2e0, 5e-1 ], "b": {"c": "\u00e9", "d": -0.0} }"#,
            one,
        ] {
            assert_eq!(form(body), one);
        }
        assert_eq!(form(""), "{}");
        assert_ne!(form(r#"{"a":"1"}"#), form(r#"{"a":1}"#));
        assert_ne!(form(r#"{"a":null}"#), form("{}"));
        assert_eq!(understood(b"workspace = 'acme'"), None);
    }

    #[test]
    fn plain_bodies_are_seen_as_plain() {
        for body in [
            r#"{"entity":"crm/contact/1","changes":{"a":1,"b":-2.5},"expected":{"a":1},"list":[{"a":1},{"a":2}]}"#,
            r#"{"e": "true é", "b" : [true, null]}"#,
            "[]",
        ] {
            assert!(glance::is_plain(body.as_bytes()) && check(body.as_bytes()).is_ok(), "{body}");
        }
        for body in [
            r#"{"a":1,"a" :2}"#,
            r#"{"a":"\u0000"}"#,
            "[1e99]",
            "[9007199254740993]",
            "{\"é\":1,\"e\u{301}\":2}",
        ] {
            assert!(!glance::is_plain(body.as_bytes()), "{body}");
        }
    }

    proptest! {
        #[test]
        fn nothing_that_is_refused_passes_for_plain(
            parts in prop::collection::vec(prop::sample::select(PARTS.as_slice()), 0..40),
        ) {
            let body = parts.concat();
            let read = serde_json::from_str::<serde::de::IgnoredAny>(&body).is_ok();
            if read && glance::is_plain(body.as_bytes()) {
                prop_assert!(check(body.as_bytes()).is_ok(), "{}", body);
            }
        }

        #[test]
        fn no_object_with_a_key_twice_passes_for_plain(
            keys in prop::collection::vec("[ab]{1,2}", 0..8),
            wrap in any::<bool>(),
        ) {
            let entries: Vec<String> = keys.iter().map(|key| format!("\"{key}\" : {{\"{key}\":[]}}")).collect();
            let body = format!("{{{}}}", entries.join(","));
            let body = if wrap { format!("[{body},{body}]") } else { body };
            prop_assert_eq!(glance::is_plain(body.as_bytes()), check(body.as_bytes()).is_ok());
        }
    }

    /// What bodies are put together from.
    const PARTS: [&str; 18] = [
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"a\"",
        "\"b\"",
        "\"a\":",
        "\"b\" :1",
        "\"\\u0000\"",
        "1",
        "-0.5",
        "1e99",
        "9007199254740993",
        "null",
        " ",
        "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
    ];

    #[test]
    fn values_without_keys_are_no_object() {
        for body in ["[]", " [\"a note\"]", "null", "7"] {
            let problem = parse_object::<crate::api::NoteBody>(body.as_bytes()).unwrap_err();
            assert_eq!(
                (problem.code.as_ref(), problem.place.as_deref()),
                ("bad-body", Some("the body itself"))
            );
        }
        assert!(parse_object::<crate::api::NoteBody>(b" {}").is_ok());
    }

    #[test]
    fn many_keys_are_still_looked_at() {
        let keys: Vec<String> = (0..100).map(|n| format!("\"k{n}\":{n}")).collect();
        let body = format!("{{{},\"k77\":1}}", keys.join(","));
        assert_eq!(refused(&body).0, "duplicate-key");
    }

    #[test]
    fn a_shape_that_does_not_fit_is_named_by_its_path() {
        let body = br#"{"entity":"a/b","changes":{"x":1},"depends_on":{"c#d":"one"}}"#;
        let problem = parse::<crate::domain::command::Write>(body).unwrap_err();
        assert_eq!((problem.code.as_ref(), problem.place.as_deref()), ("bad-body", Some("depends_on.c#d")));
        let problem = parse::<crate::domain::command::Write>(br#"{"entity":"a//b"}"#).unwrap_err();
        assert_eq!(problem.place.as_deref(), Some("entity"));
    }
}
