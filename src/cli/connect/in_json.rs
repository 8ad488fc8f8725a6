//! Entries in JSON, also with comments and commas after the last: everything else stays as it is written.

use jsonc_parser::ParseOptions;
use jsonc_parser::cst::{CstArray, CstInputValue, CstNode, CstObject, CstObjectProp, CstRootNode};
use serde_json::Value;

use super::entry::{Entry, find, rank};

/// What programs that read comments and commas after the last take; nothing beyond.
fn options() -> ParseOptions {
    ParseOptions {
        allow_comments: true,
        allow_trailing_commas: true,
        allow_loose_object_property_names: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    }
}

fn parse(text: &str) -> Result<CstRootNode, String> {
    let root = CstRootNode::parse(text, &options())
        .map_err(|error| format!("{}:{}: {}", error.line_display(), error.column_display(), error.kind()))?;
    if root.to_string() == text { Ok(root) } else { Err("1:1: it can't be kept as it is written".to_owned()) }
}

pub(super) fn value(text: &str) -> Result<Value, String> {
    let value = parse(text)?.to_serde_value();
    Ok(value.unwrap_or_else(|| Value::Object(serde_json::Map::new())))
}

pub(super) fn enter(text: &str, entries: &mut [Entry]) -> Result<String, String> {
    let root = parse(text)?;
    // Places are those of the text as it was.
    let fits = root.value().is_none() || root.object_value().is_some();
    if !fits {
        return Err("1:1: it is no object, as it has to be".to_owned());
    }
    for entry in entries.iter() {
        check(&root, entry)?;
    }
    for entry in entries {
        put(&root, entry).ok_or("1:1: it can't be entered as the file is written")?;
    }
    Ok(root.to_string())
}

/// Whether what is on the way to an entry is what it has to be.
fn check(root: &CstRootNode, entry: &Entry) -> Result<(), String> {
    let Some((last, parents)) = entry.path.split_last() else { return Ok(()) };
    let Some(mut object) = root.object_value() else { return Ok(()) };
    for key in parents {
        let Some(there) = one(&object, key)? else { return Ok(()) };
        object = there.object_value().ok_or_else(|| no(&there, "object"))?;
    }
    match one(&object, last)? {
        Some(there) if entry.listed && there.array_value().is_none() => Err(no(&there, "list")),
        Some(_) | None => Ok(()),
    }
}

/// Puts an entry in its place, and takes down what stood there.
fn put(root: &CstRootNode, entry: &mut Entry) -> Option<()> {
    let (last, parents) = entry.path.split_last()?;
    let start = root.object_value_or_create()?;
    let object = parents.iter().try_fold(start, |object, key| object.object_value_or_create(key))?;
    let (there, new) = (object.get(last), input(&entry.value));
    entry.was = there.as_ref().filter(|_| !entry.listed).and_then(|there| there.value()?.to_serde_value());
    match (there, entry.listed) {
        (Some(there), true) => drop(there.array_value()?.append(new)),
        (Some(there), false) => there.set_value(new),
        (None, true) => drop(object.append(last, CstInputValue::Array(vec![new]))),
        (None, false) => drop(object.append(last, new)),
    }
    Some(())
}

pub(super) fn take_out(text: &str, entries: &[&Entry], before: &Value) -> Result<String, String> {
    let root = parse(text)?;
    for entry in entries {
        let Some((last, parents)) = entry.path.split_last() else { continue };
        let Some(property) = inside(&root, parents).and_then(|object| object.get(last)) else { continue };
        match (&entry.was, property.array_value().filter(|_| entry.listed)) {
            (_, Some(list)) => {
                remove(&list, &entry.value);
                prune(&root, &entry.path, before);
            }
            (Some(was), None) => property.set_value(input(was)),
            (None, None) => {
                property.remove();
                prune(&root, parents, before);
            }
        }
    }
    Ok(root.to_string())
}

fn remove(list: &CstArray, value: &Value) {
    let same = |element: &CstNode| element.to_serde_value().as_ref() == Some(value);
    if let Some(element) = list.elements().into_iter().rev().find(same) {
        element.remove();
    }
}

/// Takes away what is empty at the end of those keys, and what that leaves empty, as far as it was not there before.
fn prune(root: &CstRootNode, path: &[String], before: &Value) {
    let Some((last, parents)) = path.split_last() else { return };
    let Some(property) = inside(root, parents).and_then(|object| object.get(last)) else { return };
    let is_empty =
        property.value().is_some_and(|value| value.children_exclude_trivia_and_tokens().is_empty());
    if is_empty && find(before, path).is_none() {
        property.remove();
        prune(root, parents, before);
    }
}

/// The object at the end of those keys.
fn inside(root: &CstRootNode, path: &[String]) -> Option<CstObject> {
    path.iter().try_fold(root.object_value()?, |object, key| object.object_value(key))
}

/// The property of that name. Of two, readers take one or the other: nothing is entered there.
fn one(object: &CstObject, key: &str) -> Result<Option<CstObjectProp>, String> {
    let named = |property: &CstObjectProp| property.decoded_name().as_deref() == Some(key);
    let mut found = object.properties().into_iter().filter(named);
    let first = found.next();
    match found.next() {
        Some(second) => Err(format!("{}: `{key}` is there twice; take one of them out", place(&second))),
        None => Ok(first),
    }
}

fn no(property: &CstObjectProp, what: &str) -> String {
    let name = property.decoded_name().unwrap_or_default();
    format!("{}: `{name}` is no {what}, as it has to be", place(property))
}

/// In which line and column it begins.
fn place(property: &CstObjectProp) -> String {
    let mut before = String::new();
    let mut node = Some(CstNode::from(property.clone()));
    while let Some(at) = node {
        let parts: Vec<String> = at.previous_siblings().map(|sibling| sibling.to_string()).collect();
        before.insert_str(0, &parts.into_iter().rev().collect::<String>());
        node = at.parent().map(CstNode::from);
    }
    let (lines, last) = (before.matches('\n').count(), before.rsplit('\n').next().unwrap_or_default());
    format!("{}:{}", lines + 1, last.chars().count() + 1)
}

/// As it is written.
fn input(value: &Value) -> CstInputValue {
    match value {
        Value::Null => CstInputValue::Null,
        Value::Bool(flag) => CstInputValue::Bool(*flag),
        Value::Number(number) => CstInputValue::Number(number.to_string()),
        Value::String(text) => CstInputValue::String(text.clone()),
        Value::Array(items) => CstInputValue::Array(items.iter().map(input).collect()),
        Value::Object(entries) => {
            let mut entries: Vec<(String, CstInputValue)> =
                entries.iter().map(|(key, value)| (key.clone(), input(value))).collect();
            entries.sort_by_key(|(key, _)| rank(key));
            CstInputValue::Object(entries)
        }
    }
}
