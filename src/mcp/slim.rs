//! A schema as a model needs it: what only a validator reads is left out. It is in the model's context all the time, regular
//! expressions have dialects, and the server checks everything itself.

use serde_json::{Map, Value as Json, json};

/// What no model reads.
const LEFT_OUT: [&str; 5] = ["pattern", "maximum", "minLength", "maxLength", "format"];

/// The same schema with less in it; it allows no less.
pub(super) fn slim(schema: Json) -> Json {
    match schema {
        Json::Object(object) => {
            let object = object.into_iter().filter(|(name, value)| !is_left_out(name, value));
            let object = object.map(|(name, value)| (name, slim(value))).collect();
            Json::Object(enumerated(without_null(named(object))))
        }
        Json::Array(items) => Json::Array(items.into_iter().map(slim).collect()),
        other @ (Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_)) => other,
    }
}

/// A property may have such a name; then it is a schema and no bound.
fn is_left_out(name: &str, value: &Json) -> bool {
    LEFT_OUT.contains(&name) && !value.is_object()
}

/// Keys that must look so are any keys.
fn named(mut object: Map<String, Json>) -> Map<String, Json> {
    if let Some(Json::Object(by_pattern)) = object.remove("patternProperties") {
        let any = by_pattern.into_iter().next().map_or(Json::Bool(true), |(_, schema)| schema);
        object.insert("additionalProperties".to_owned(), any);
    }
    object
}

/// What may be left out need not be said to be null as well.
fn without_null(mut object: Map<String, Json>) -> Map<String, Json> {
    if let Some(Json::Array(types)) = object.get_mut("type") {
        types.retain(|one| one != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            object.insert("type".to_owned(), only);
        }
    }
    if let Some(Json::Array(any)) = object.get_mut("anyOf") {
        any.retain(|one| *one != json!({ "type": "null" }));
        if let [Json::Object(only)] = any.as_slice() {
            let only = only.clone();
            object.remove("anyOf");
            for (name, value) in only {
                object.entry(name).or_insert(value);
            }
        }
    }
    object
}

/// Several words are a list of words.
fn enumerated(mut object: Map<String, Json>) -> Map<String, Json> {
    let words =
        |all: &Vec<Json>| all.iter().map(|one| one.get("const").cloned()).collect::<Option<Vec<Json>>>();
    if let Some(words) = object.get("oneOf").and_then(Json::as_array).and_then(words) {
        object.remove("oneOf");
        object.insert("type".to_owned(), json!("string"));
        object.insert("enum".to_owned(), Json::Array(words));
    }
    object
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_validator_reads_is_left_out() {
        let schema = json!({
            "type": "object",
            "properties": {
                "pattern": { "type": ["string", "null"], "pattern": "^a$", "description": "Which." },
                "op": { "description": "What.", "oneOf": [{ "const": "a", "type": "string" }, { "const": "b", "type": "string" }] },
                "by": { "description": "Who.", "anyOf": [{ "type": "integer", "maximum": 7, "description": "No." }, { "type": "null" }] },
                "all": { "type": "object", "additionalProperties": false, "patternProperties": { "^x$": { "type": "integer" } } },
            },
        });
        let wanted = json!({
            "type": "object",
            "properties": {
                "pattern": { "type": "string", "description": "Which." },
                "op": { "description": "What.", "type": "string", "enum": ["a", "b"] },
                "by": { "description": "Who.", "type": "integer" },
                "all": { "type": "object", "additionalProperties": { "type": "integer" } },
            },
        });
        assert_eq!(slim(schema), wanted);
    }
}
