//! Entries in TOML: everything else stays as it is written. Lists of what is entered are not known here.

use serde_json::Value;
use toml_edit::{DocumentMut, Item, Table, TableLike};

use super::entry::{Entry, find, rank};

fn parse(text: &str) -> Result<DocumentMut, String> {
    text.parse().map_err(|error: toml_edit::TomlError| placed(text, error.span(), error.message()))
}

fn placed(text: &str, span: Option<std::ops::Range<usize>>, why: &str) -> String {
    let before = span.and_then(|span| text.get(..span.start)).unwrap_or_default();
    let last = before.rsplit('\n').next().unwrap_or_default();
    format!("{}:{}: {}", before.matches('\n').count() + 1, last.chars().count() + 1, why.replace('\n', ", "))
}

pub(super) fn value(text: &str) -> Result<Value, String> {
    toml::from_str(text).map_err(|error| placed(text, error.span(), error.message()))
}

pub(super) fn enter(text: &str, entries: &mut [Entry]) -> Result<String, String> {
    let (mut document, all) = (parse(text)?, value(text)?);
    for entry in entries.iter_mut() {
        entry.was = find(&all, &entry.path).cloned();
        put(document.as_table_mut(), &entry.path, &entry.value)?;
    }
    Ok(with_ends_of(text, &document))
}

pub(super) fn take_out(text: &str, entries: &[&Entry], before: &Value) -> Result<String, String> {
    let mut document = parse(text)?;
    for entry in entries {
        match &entry.was {
            Some(was) => put(document.as_table_mut(), &entry.path, was)?,
            None => remove(document.as_table_mut(), &entry.path, before),
        }
    }
    Ok(with_ends_of(text, &document))
}

/// Puts a value at the end of those keys; tables on the way are made.
fn put(table: &mut dyn TableLike, path: &[String], value: &Value) -> Result<(), String> {
    let Some((key, rest)) = path.split_first() else { return Ok(()) };
    if rest.is_empty() {
        let item = item(key, value)?;
        // What stands behind the old value on its line, and before it, stays.
        match (table.get_mut(key), item) {
            (Some(Item::Value(old)), Item::Value(mut new)) => {
                *new.decor_mut() = old.decor().clone();
                *old = new;
            }
            (_, item) => drop(table.insert(key, item)),
        }
        return Ok(());
    }
    let inside = table.entry(key).or_insert_with(|| {
        let mut table = Table::new();
        table.set_implicit(true);
        Item::Table(table)
    });
    let inside =
        inside.as_table_like_mut().ok_or_else(|| format!("1:1: `{key}` is no table, as it has to be"))?;
    put(inside, rest, value)
}

/// A value as a program writes it.
fn item(key: &str, value: &Value) -> Result<Item, String> {
    let alone = serde_json::Map::from_iter([(key.to_owned(), value.clone())]);
    let text = toml::to_string(&alone).map_err(|error| format!("1:1: {error}"))?;
    let item = parse(&text)?.remove(key).unwrap_or_default();
    Ok(match item {
        Item::Table(mut table) => {
            // Behind all others, with a blank line before it.
            table.set_position(None);
            table.decor_mut().set_prefix("\n");
            table.sort_values_by(|one, _, other, _| rank(one).cmp(&rank(other)));
            Item::Table(table)
        }
        other @ (Item::None | Item::Value(_) | Item::ArrayOfTables(_)) => other,
    })
}

/// Takes out what is at the end of those keys, and what that leaves empty, as far as it was not there before.
fn remove(table: &mut dyn TableLike, path: &[String], before: &Value) {
    let Some((key, rest)) = path.split_first() else { return };
    let inside = if rest.is_empty() { None } else { table.get_mut(key).and_then(Item::as_table_like_mut) };
    let goes = match inside {
        None => rest.is_empty(),
        Some(inside) => {
            let before = before.get(key).unwrap_or(&Value::Null);
            remove(inside, rest, before);
            inside.is_empty() && before.is_null()
        }
    };
    if goes {
        table.remove(key);
    }
}

/// The document with line ends as the text before has them.
fn with_ends_of(text: &str, document: &DocumentMut) -> String {
    let new = document.to_string();
    let new = if text.is_empty() { new.trim_start().to_owned() } else { new };
    if text.contains("\r\n") { new.replace("\r\n", "\n").replace('\n', "\r\n") } else { new }
}
