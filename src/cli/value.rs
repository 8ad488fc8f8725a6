//! Values, and what is named by a key, as people type them.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde::de::DeserializeOwned;

use super::context::read_text;
use super::status::Usage;
use crate::api::Problem;
use crate::domain::ids::Version;
use crate::domain::path::FieldPath;
use crate::domain::value::Value;

/// The longest file that is read as a command's body.
const BODY_FILE: u64 = 1024 * 1024;

/// JSON where it is JSON, a text otherwise.
pub(super) fn parse(text: &str) -> anyhow::Result<Value> {
    let json = serde_json::from_str(text).unwrap_or_else(|_| serde_json::Value::from(text));
    Value::new(&json).map_err(|error| Usage::error(error.to_string()))
}

/// `key=value` pairs; a key comes once.
pub(super) fn attributes(pairs: &[String]) -> anyhow::Result<BTreeMap<Arc<str>, Value>> {
    let mut found = BTreeMap::new();
    for pair in pairs {
        let (key, value) = split(pair, "--attr")?;
        if found.insert(Arc::from(key), parse(value)?).is_some() {
            return Err(Usage::error(format!("--attr {pair}: `{key}` comes twice; name it once")));
        }
    }
    Ok(found)
}

/// `path=version` pairs: what something was based on.
pub(super) fn depends_on(pairs: &[String]) -> anyhow::Result<BTreeMap<FieldPath, Version>> {
    let mut found = BTreeMap::new();
    for pair in pairs {
        let (path, version) = split(pair, "--depends-on")?;
        let wrong = |error: &dyn std::fmt::Display| {
            Usage::error(format!("--depends-on {pair}: {error}; use crm/contact/acme#status=3"))
        };
        let path = path.parse::<FieldPath>().map_err(|error| wrong(&error))?;
        found.insert(path, version.parse::<Version>().map_err(|error| wrong(&error))?);
    }
    Ok(found)
}

/// At the last `=`, since paths and keys may have one.
fn split<'a>(pair: &'a str, flag: &str) -> anyhow::Result<(&'a str, &'a str)> {
    let parts = if flag == "--attr" { pair.split_once('=') } else { pair.rsplit_once('=') };
    parts
        .filter(|(key, _)| !key.is_empty())
        .ok_or_else(|| Usage::error(format!("{flag} {pair}: there is no `=`; use {flag} name=value")))
}

/// The same of what may be absent.
pub(super) fn maybe(text: Option<&str>) -> anyhow::Result<Option<Value>> {
    text.map(parse).transpose()
}

/// What is sent out: said, or in a JSON file.
pub(super) fn body(said: Option<&str>, file: Option<&Path>, nothing: &str) -> anyhow::Result<Value> {
    match (said, file) {
        (Some(text), _) => parse(text),
        (None, Some(file)) => in_file(file),
        (None, None) => Err(Usage::error(nothing)),
    }
}

/// A value from a JSON file.
fn in_file(file: &Path) -> anyhow::Result<Value> {
    let text = read_text(file, BODY_FILE)?;
    crate::api::parse(text.as_bytes()).map_err(|problem| unread(file, &problem))
}

/// A command from a JSON file, read as strictly as the server reads it.
pub(super) fn order<T: DeserializeOwned>(file: &Path) -> anyhow::Result<T> {
    let text = read_text(file, BODY_FILE)?;
    crate::api::parse_object(text.as_bytes()).map_err(|problem| unread(file, &problem))
}

fn unread(file: &Path, problem: &Problem) -> anyhow::Error {
    let place = problem.place.as_deref().unwrap_or("the file");
    Usage::error(format!("{}: {place}: {}; {}", file.display(), problem.detail, problem.next))
}
