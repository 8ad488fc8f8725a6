//! The schemas of the document, said so that generators of clients understand them: each under one name, a closed set of
//! words as one list, an object with free keys by what its values are, and each kind of a thing under a name of its own.
//! What fits them stays the same.

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json, json};

use super::{ANSWERED, ASKED};

/// Schemas by name, or one schema by keyword.
type Keyed = Map<String, Json>;

/// The types that requests have in another shape than answers, or that are made of such.
pub(super) fn apart(answered: &Keyed, asked: &Keyed) -> BTreeSet<String> {
    let mut apart = BTreeSet::new();
    loop {
        let differs = |name: &str, schema: &Json| {
            let mut schema = schema.clone();
            point(&mut schema, &apart);
            answered.get(name).is_some_and(|other| *other != schema)
        };
        let more = asked.iter().filter(|(name, schema)| !apart.contains(*name) && differs(name, schema));
        let more: Vec<String> = more.map(|(name, _)| name.clone()).collect();
        if more.is_empty() {
            return apart;
        }
        apart.extend(more);
    }
}

/// What the shape of a type in requests is called.
pub(super) fn asked_name(name: &str, apart: &BTreeSet<String>) -> String {
    if apart.contains(name) { format!("Asked{name}") } else { name.to_owned() }
}

/// Lets what leads to the shapes of requests lead to where they stand.
pub(super) fn point(json: &mut Json, apart: &BTreeSet<String>) {
    walk(json, &mut |schema| {
        if let Some(Json::String(link)) = schema.get_mut("$ref")
            && let Some(name) = link.strip_prefix('#').and_then(|link| link.strip_prefix(ASKED))
        {
            *link = link_to(&asked_name(name.trim_start_matches('/'), apart));
        }
    });
}

/// Says sets of words and free keys as generators understand them.
pub(super) fn plain(json: &mut Json) {
    walk(json, &mut |schema| {
        words(schema);
        free_keys(schema);
    });
}

/// Gives each kind of a thing a name of its own: that of the whole, and its word.
pub(super) fn name_kinds(schemas: &mut Keyed) {
    let whole = schemas.clone();
    let mut left: Vec<String> = schemas.keys().cloned().collect();
    while let Some(name) = left.pop() {
        let Some(Json::Object(mut schema)) = schemas.remove(&name) else { continue };
        spread(&mut schema, &whole);
        for union in ["oneOf", "anyOf"] {
            let Some(Json::Array(kinds)) = schema.get_mut(union) else { continue };
            let tag = tag(kinds);
            let mut mapping = Keyed::new();
            for kind in kinds.iter_mut() {
                let Some(word) = word(kind, tag.as_deref()) else { continue };
                let own = format!("{name}{}", pascal(&word));
                if schemas.contains_key(&own) {
                    continue;
                }
                let mut named = std::mem::replace(kind, json!({ "$ref": link_to(&own) }));
                if let Json::Object(named) = &mut named {
                    named.remove("title");
                }
                // What is one of several again is told by more than this word.
                if named.get("oneOf").or(named.get("$ref")).is_none() {
                    mapping.insert(word, json!(link_to(&own)));
                }
                schemas.insert(own.clone(), named);
                left.push(own);
            }
            if let Some(tag) = tag.filter(|_| mapping.len() == kinds.len()) {
                schema.insert("discriminator".to_owned(), json!({ "propertyName": tag, "mapping": mapping }));
            }
        }
        schemas.insert(name, Json::Object(schema));
    }
}

/// Calls it for every object, the inner ones first.
fn walk(json: &mut Json, change: &mut dyn FnMut(&mut Keyed)) {
    match json {
        Json::Object(object) => {
            for value in object.values_mut() {
                walk(value, change);
            }
            change(object);
        }
        Json::Array(values) => {
            for value in values {
                walk(value, change);
            }
        }
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
    }
}

fn link_to(name: &str) -> String {
    format!("#{ANSWERED}/{name}")
}

/// A word of its own for each of several texts becomes one list of words.
fn words(schema: &mut Keyed) {
    let Some(Json::Array(kinds)) = schema.get("oneOf") else { return };
    let (mut list, mut says) = (Vec::new(), Vec::new());
    for kind in kinds {
        match (kind.get("const"), kind.get("enum")) {
            (Some(Json::String(word)), _) => {
                list.push(json!(word));
                says.extend(
                    kind.get("description").and_then(Json::as_str).map(|say| format!("- `{word}`: {say}")),
                );
            }
            (_, Some(Json::Array(more))) => list.extend(more.iter().cloned()),
            _ => return,
        }
    }
    let before = schema.get("description").and_then(Json::as_str).unwrap_or_default();
    let says = format!("{before}\n\n{}", says.join("\n"));
    schema.remove("oneOf");
    schema.insert("description".to_owned(), json!(says.trim()));
    schema.insert("type".to_owned(), json!("string"));
    schema.insert("enum".to_owned(), json!(list));
}

/// Values under one pattern of keys and no others become values under any key, and a pattern for the keys.
fn free_keys(schema: &mut Keyed) {
    let Some(Json::Object(patterns)) = schema.get("patternProperties") else { return };
    let one = patterns.iter().next().map(|(pattern, values)| (json!({ "pattern": pattern }), values.clone()));
    let Some((pattern, values)) = one.filter(|_| patterns.len() == 1) else { return };
    if schema.get("additionalProperties") == Some(&json!(false)) && !schema.contains_key("properties") {
        schema.remove("patternProperties");
        schema.insert("propertyNames".to_owned(), pattern);
        schema.insert("additionalProperties".to_owned(), values);
    }
}

/// What is one of several and has keys beside them is one of several that each have those keys.
fn spread(schema: &mut Keyed, whole: &Keyed) {
    if !schema.contains_key("properties") {
        return;
    }
    if let Some(Json::String(link)) = schema.remove("$ref")
        && let Some(Json::Object(target)) = link.rsplit('/').next().and_then(|name| whole.get(name))
    {
        merge(schema, target);
    }
    let Some(Json::Array(mut kinds)) = schema.remove("oneOf") else { return };
    let mut common = std::mem::take(schema);
    schema.extend(common.remove("description").map(|says| ("description".to_owned(), says)));
    for kind in &mut kinds {
        if let Json::Object(kind) = kind {
            merge(kind, &common);
        }
    }
    schema.insert("oneOf".to_owned(), Json::Array(kinds));
}

/// Adds the keys of another schema to one; what both say stays.
fn merge(schema: &mut Keyed, other: &Keyed) {
    for (key, more) in other {
        match (schema.get_mut(key), more) {
            (Some(Json::Object(mine)), Json::Object(more)) if key == "properties" => {
                let absent = more.iter().filter(|(name, _)| !mine.contains_key(*name));
                let absent: Vec<_> = absent.map(|(name, value)| (name.clone(), value.clone())).collect();
                mine.extend(absent);
            }
            (Some(Json::Array(mine)), Json::Array(more)) if key == "required" => {
                mine.extend(more.iter().cloned());
            }
            (Some(_), _) => {}
            (None, more) => {
                schema.insert(key.clone(), more.clone());
            }
        }
    }
}

/// The key whose word tells each of them from the others.
fn tag(kinds: &[Json]) -> Option<String> {
    let keys = kinds.first()?.get("properties")?.as_object()?.keys();
    let tells = |key: &&String| {
        let words: BTreeSet<&str> = kinds.iter().filter_map(|kind| constant(kind, key)).collect();
        words.len() == kinds.len()
    };
    keys.into_iter().find(tells).cloned()
}

fn constant<'a>(kind: &'a Json, key: &str) -> Option<&'a str> {
    kind.get("properties")?.get(key)?.get("const")?.as_str()
}

/// What tells a kind from the others: the word under the tag, its title, or its only key.
fn word(kind: &Json, tag: Option<&str>) -> Option<String> {
    let said = tag.and_then(|tag| constant(kind, tag)).or_else(|| kind.get("title")?.as_str());
    let only = || {
        let mut keys = kind.get("properties")?.as_object()?.keys();
        keys.next().filter(|_| keys.next().is_none()).map(String::as_str)
    };
    said.or_else(only).map(str::to_owned)
}

/// `out-of-scope` as `OutOfScope`.
fn pascal(word: &str) -> String {
    let big = |part: &str| {
        let mut letters = part.chars();
        letters.next().map(|first| first.to_ascii_uppercase().to_string() + letters.as_str())
    };
    word.split(['-', '_', ' ']).filter_map(big).collect()
}
