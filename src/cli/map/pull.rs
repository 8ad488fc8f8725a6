//! `deeds map pull`: what answers in the inbox have changed of the map in force, written into one's own file, which keeps
//! its comments and its order.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Map as Object, Value as Json};
use toml_edit::{Array, ArrayOfTables, DocumentMut, Item, Table, Value};

use super::check;
use crate::cli::context::Context;
use crate::cli::replace::replace;
use crate::cli::status::{Status, Usage};
use crate::cli::{output, session};
use crate::domain::map::{self, Model, merge};

/// Which file.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  deeds map pull team.toml                what reviewers granted since, into the file\n  deeds map pull team.toml --dry-run      only say what it would be\n\nThe file keeps its comments and its order; what you changed in it stays. Exit status 1 if the map has errors."
)]
pub(crate) struct Arguments {
    /// The map file
    file: PathBuf,
    /// Only say what would be written
    #[arg(long)]
    dry_run: bool,
}

/// Asks what the file lacks, and writes it there.
pub(super) fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Status> {
    let (out, file) = (context.out, &arguments.file);
    let text = check::read(file)?;
    let parsed = map::parse(&text);
    if parsed.has_errors() {
        return check::report(out, file, &text, &parsed, &[]);
    }
    let Some(model) = parsed.model else { return Ok(Status::No) };
    session::with_client(context, async |client| {
        let checked = client.check_map(&text).await?;
        if out.json {
            output::json(&checked.takes_back)?;
        }
        let Some(pulled) = checked.pulled else {
            if !out.json {
                let shown = output::visible(&file.display().to_string());
                out.faint(format!("{shown} has all that answers have changed up to v{}", checked.version))?;
            }
            return Ok(Status::Done);
        };
        if !out.json {
            for change in &checked.takes_back {
                output::line(output::visible(change))?;
            }
        }
        if !arguments.dry_run {
            save(file, &text, &model, &pulled)?;
        }
        Ok(Status::Done)
    })
}

fn save(file: &Path, text: &str, before: &Model, after: &Model) -> anyhow::Result<()> {
    let written = write_into(text, before, after)?;
    // What was written says what it should, or nothing is.
    if map::parse(&written).model.as_ref() != Some(after) {
        return Err(Usage::error(
            "the file is written in a way that can't be kept; add by hand what `--dry-run` shows",
        ));
    }
    Ok(replace(file, &written)?)
}

/// The text of a map with what is different between two models of it, everything else as it was.
fn write_into(text: &str, before: &Model, after: &Model) -> anyhow::Result<String> {
    let mut document: DocumentMut = text.parse()?;
    let (before, after) = (object(before)?, object(after)?);
    for (key, value) in
        after.iter().filter(|(key, value)| !value.is_array() && before.get(*key) != Some(value))
    {
        document.insert(key, Item::Value(plain(value)));
    }
    for (section, names) in merge::CHANGED {
        let then = entries(&before, section);
        for entry in entries(&after, section) {
            let known = then.iter().find(|other| merge::is_of_one_name(names, other, entry));
            if known == Some(entry) {
                continue;
            }
            let list = document.entry(section).or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()));
            let Some(list) = list.as_array_of_tables_mut() else {
                return Err(Usage::error(format!(
                    "`{section}` is one inline list; begin each entry with [[{section}]]"
                )));
            };
            let text = |name: &str| entry.get(name).and_then(Json::as_str);
            let is =
                |table: &Table| names.iter().all(|name| table.get(name).and_then(Item::as_str) == text(name));
            let place = list.iter_mut().find(|table| is(table));
            match (place, known) {
                (Some(table), Some(known)) => change(table, known, entry),
                _ => list.push(new(entry)),
            }
        }
    }
    Ok(document.to_string())
}

/// What came into the lists of an entry, and what went out of them.
fn change(table: &mut Table, before: &Json, after: &Json) {
    let (Some(before), Some(after)) = (before.as_object(), after.as_object()) else { return };
    let nothing = Vec::new();
    let keys: Vec<&String> =
        after.keys().chain(before.keys().filter(|key| !after.contains_key(*key))).collect();
    for key in keys {
        let list = |entry: &Object<String, Json>| entry.get(key).map(|value| value.as_array().cloned());
        match (list(before), list(after)) {
            (was, is) if was == is && before.get(key) == after.get(key) => {}
            (Some(None) | None, Some(None)) => {
                if let Some(value) = after.get(key) {
                    table.insert(key, Item::Value(plain(value)));
                }
            }
            (was, is) => {
                let was = was.flatten().unwrap_or_else(|| nothing.clone());
                let is = is.flatten().unwrap_or_else(|| nothing.clone());
                items(table, key, &was, &is);
            }
        }
    }
}

fn items(table: &mut Table, key: &str, before: &[Json], after: &[Json]) {
    if after.is_empty() {
        table.remove(key);
        return;
    }
    let entry = table.entry(key).or_insert_with(|| Item::Value(Value::Array(Array::new())));
    let Some(array) = entry.as_array_mut() else { return };
    let has = |value: &Value| {
        value.as_str().is_some_and(|text| after.iter().any(|item| item.as_str() == Some(text)))
    };
    array.retain(has);
    for item in after.iter().filter(|item| !before.contains(item)).filter_map(Json::as_str) {
        push(array, item);
    }
}

/// Adds an item as the last one is written: on a line of its own where that has one, behind the comment that it has.
fn push(array: &mut Array, item: &str) {
    let end = array.len().checked_sub(1);
    let last = end.and_then(|end| array.get_mut(end));
    let prefix =
        last.as_ref().and_then(|last| last.decor().prefix()?.as_str()).unwrap_or_default().to_owned();
    if !prefix.contains('\n') {
        array.push(item);
        return;
    }
    let indent = prefix.rsplit('\n').next().unwrap_or_default();
    let mut before = format!("\n{indent}");
    if let Some(last) = last {
        let behind = last.decor().suffix().and_then(|suffix| suffix.as_str()).unwrap_or_default().to_owned();
        if behind.contains('#') {
            before = format!("{}\n{indent}", behind.trim_end());
        }
        last.decor_mut().set_suffix("");
    }
    let trailing = array.trailing().as_str().unwrap_or_default().to_owned();
    if trailing.contains('#') {
        before = format!("{}\n{indent}", trailing.trim_end());
    }
    array.set_trailing("\n");
    let mut value = Value::from(item);
    value.decor_mut().set_prefix(before);
    array.push_formatted(value);
    array.set_trailing_comma(true);
}

fn new(entry: &Json) -> Table {
    let mut table = Table::new();
    for (key, value) in entry.as_object().into_iter().flatten() {
        table.insert(key, Item::Value(plain(value)));
    }
    table
}

/// Texts, flags and lists of texts: all that answers change.
fn plain(value: &Json) -> Value {
    match value {
        Json::Bool(flag) => Value::from(*flag),
        Json::Array(items) => items.iter().map(plain).collect(),
        Json::String(text) => Value::from(text.as_str()),
        Json::Object(entries) => {
            let entries = entries.iter().map(|(key, value)| (key.as_str(), plain(value)));
            Value::InlineTable(entries.collect())
        }
        Json::Null | Json::Number(_) => Value::from(value.to_string()),
    }
}

fn object(model: &Model) -> anyhow::Result<Object<String, Json>> {
    let json = serde_json::to_value(model)?;
    Ok(json.as_object().cloned().unwrap_or_default())
}

fn entries<'a>(model: &'a Object<String, Json>, section: &str) -> &'a [Json] {
    model.get(section).and_then(Json::as_array).map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::map::{Grant, edit};

    const FILE: &str = r#"# The team of northwind. Ask dana before you change it.
workspace = "northwind"

[[queue]]   # first, since people come first
name = "ops"
owner = "dana"
review = "daily 09:00"

[[agent]]
id = "intake"   # reads the forms
owner = "dana"
writes = [
    "crm/contact/*#name",   # from the form
    "crm/lead/*",   # all but the important ones
]
except = ["crm/lead/vip-*"]
outputs = ["slack/leads"]   # one channel
"#;

    fn granted(model: &Model, agent: &str, grant: &Grant) -> Model {
        edit::grant(model, &agent.parse().unwrap(), grant, &"dana".parse().unwrap()).unwrap()
    }

    #[test]
    fn the_file_keeps_its_comments_and_its_order() {
        let before = map::parse(FILE).applicable().unwrap();
        let after = granted(&before, "intake", &Grant::Write("crm/contact/*#score".parse().unwrap()));
        let after = granted(&after, "intake", &Grant::Output("slack/ops".into()));
        let after = granted(&after, "scout", &Grant::Write("market/*".parse().unwrap()));
        let tool = serde_json::json!({"server": "crm", "name": "set", "does": "write", "entity": "crm/contact/{id}",
            "fields": {"name": "{properties.name}"}});
        let after = granted(&after, "intake", &Grant::Tool(serde_json::from_value(tool).unwrap()));
        let written = write_into(FILE, &before, &after).unwrap();
        assert_eq!(map::parse(&written).applicable().unwrap(), after, "{written}");
        insta::assert_snapshot!("pulled", written);
        for comment in
            FILE.lines().filter_map(|line| line.split_once('#')).filter(|(_, text)| text.starts_with(' '))
        {
            assert!(written.contains(comment.1), "{written}");
        }
    }
}
