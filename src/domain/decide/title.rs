//! What is said of an input in one line. An object shows what tells it from others, not its first bytes.

use serde_json::{Map, Value as Json};

use crate::domain::value::Value;

/// Longest title, in characters.
const TITLE: usize = 160;
/// Longest telling value, so that the other keys have room.
const TELLING: usize = 110;
/// Keys that say what an object is about, the most telling first.
const KEYS: [&str; 14] = [
    "title",
    "subject",
    "summary",
    "question",
    "request",
    "message",
    "text",
    "body",
    "content",
    "description",
    "reason",
    "name",
    "key",
    "id",
];

/// Longest title of work, in characters.
const WORK: usize = 256;

/// The beginning of the title of work that would be longer than one may be.
pub(super) fn beginning(title: &str) -> Option<String> {
    title.chars().nth(WORK).map(|_| title.chars().take(WORK - 1).chain(std::iter::once('…')).collect())
}

/// An input in one line.
pub(super) fn one_line(input: &Value) -> String {
    let words = match input.json() {
        Json::Object(map) if !input.is_withheld() => object(&map).unwrap_or_else(|| input.plain()),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Array(_) | Json::Object(_) => {
            input.plain()
        }
    };
    cut(&words, TITLE)
}

/// The most telling value, then the others that are short: `my flight must move · booking=B7`.
fn object(map: &Map<String, Json>) -> Option<String> {
    let key = telling(map)?;
    let first = cut(&scalar(map.get(key)?)?, TELLING);
    let others = map.iter().filter(|(name, _)| *name != key);
    let others = others.filter_map(|(name, value)| Some(format!(" · {name}={}", scalar(value)?)));
    Some(std::iter::once(first).chain(others).collect())
}

/// A key that says what it is about; where there is none, that of the longest text.
fn telling(map: &Map<String, Json>) -> Option<&str> {
    let says = |key: &&str| map.get(*key).and_then(scalar).is_some_and(|text| !text.trim().is_empty());
    KEYS.into_iter().find(says).or_else(|| {
        let texts = map.iter().filter_map(|(key, value)| Some((key, value.as_str()?.len())));
        texts.max_by_key(|(_, length)| *length).map(|(key, _)| key.as_str())
    })
}

fn scalar(value: &Json) -> Option<String> {
    match value {
        Json::String(text) => Some(text.clone()),
        Json::Bool(_) | Json::Number(_) => Some(value.to_string()),
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    }
}

fn cut(words: &str, most: usize) -> String {
    words.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(most).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::one_line;
    use crate::domain::value::Value;

    #[test]
    fn an_object_shows_what_tells_it_apart() {
        let told = |json| one_line(&Value::new(&json).unwrap());
        assert_eq!(told(json!("  two\n words ")), "two words");
        assert_eq!(
            told(json!({"booking": "B7", "text": "my wife died", "n": 2, "of": [1]})),
            "my wife died · booking=B7 · n=2"
        );
        assert_eq!(told(json!({"a": "x", "b": "the longer one"})), "the longer one · a=x");
        assert_eq!(told(json!({"a": [1]})), r#"{"a":[1]}"#);
        assert_eq!(told(json!({"title": "", "id": 7})), "7 · title=");
    }
}
