//! From a tool's arguments to a request. The arguments go on as they came: nothing is rounded, sorted or left out.

use std::collections::BTreeMap;
use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use rmcp::RoleServer;
use rmcp::service::RequestContext;
use serde_json::value::RawValue;

use super::table::{KEY, SECONDS, ToolRow};
use super::way::{Ask, Way};
use crate::api::{self, Address, Problem, ProblemCode, Takes};

/// The longest wait of one call, in seconds: clients give up on a call after a minute.
pub(super) const LONGEST_WAIT: u64 = 50;
/// What stands as it is in a path or a query.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b':');

/// The arguments that are left, as they came.
type Left = BTreeMap<String, Box<RawValue>>;

/// The request that a call means.
///
/// # Errors
/// A problem that names the argument.
pub(super) fn ask<W: Way>(
    tool: &ToolRow,
    way: &W,
    context: &RequestContext<RoleServer>,
) -> Result<Ask, Box<Problem>> {
    let Some(raw) = way.arguments(context) else {
        return Err(unfit(
            "arguments",
            "the call names something twice, or is not written as JSON".to_owned(),
        ));
    };
    let mut left: Left = api::parse_object(raw.get().as_bytes())?;
    let mut ask = Ask {
        key: if tool.has_own_key() { None } else { text(&mut left, KEY)? },
        traceparent: context.meta.get_traceparent().map(str::to_owned),
        ..Ask::default()
    };
    let row = address(tool, &mut left)?;
    ask.method = row.method;
    ask.path = path(tool, row, &mut left)?;
    let mut query = Vec::new();
    for name in tool.asks {
        if let Some(value) = plain(&mut left, name)? {
            query.push(format!("{name}={}", encoded(&value)));
        }
    }
    if tool.waits() {
        let seconds = plain(&mut left, SECONDS)?.map(|text| text.parse()).transpose();
        let seconds: u64 = seconds.map_err(|error| unfit(SECONDS, format!("{error}")))?.unwrap_or(20);
        if seconds > LONGEST_WAIT {
            return Err(unfit(SECONDS, format!("at most {LONGEST_WAIT} are waited")));
        }
        ask.wait = Duration::from_secs(seconds);
        query.push(format!("wait={seconds}s"));
    }
    if !query.is_empty() {
        ask.path = format!("{}?{}", ask.path, query.join("&"));
    }
    match row.takes {
        Takes::Nothing => none_left(&left)?,
        Takes::Json(_) | Takes::MaybeJson(_) | Takes::Toml => {
            let body = serde_json::to_vec(&left).map_err(|error| unfit("arguments", error.to_string()))?;
            ask.body = Some(body);
        }
    }
    if row.command.is_none() && ask.key.take().is_some() {
        return Err(unfit(KEY, "this tool only looks, and needs none".to_owned()));
    }
    Ok(ask)
}

/// Where it goes: where the tool goes to several, the argument in between says which.
fn address(tool: &ToolRow, left: &mut Left) -> Result<&'static Address, Box<Problem>> {
    let name = match tool.goes {
        [(_, name)] => *name,
        several if tool.waits() => {
            let by_item = left.contains_key("item");
            several.iter().find(|(word, _)| (*word == "item") == by_item).map_or("Work", |(_, name)| *name)
        }
        several => {
            let how = text(left, "how")?.unwrap_or_default();
            let found = several.iter().find(|(word, _)| *word == how).map(|(_, name)| *name);
            found.ok_or_else(|| {
                let words: Vec<&str> = several.iter().map(|(word, _)| *word).collect();
                unfit("how", format!("it is one of {}", words.join(", ")))
            })?
        }
    };
    api::address(name).ok_or_else(|| unfit("the tool", format!("{name} has no address")))
}

/// The path with its key.
fn path(tool: &ToolRow, row: &Address, left: &mut Left) -> Result<String, Box<Problem>> {
    let Some(((before, rest), name)) = row.path.split_once('{').zip(tool.key.map(|(name, _)| name)) else {
        return Ok(row.path.to_owned());
    };
    let key = plain(left, name)?.ok_or_else(|| unfit(name, "it is missing".to_owned()))?;
    let (whole, after) = rest.split_once('}').unwrap_or((rest, ""));
    let key = if whole.starts_with('*') {
        entity_path(&key).map_err(|why| unfit(name, why))?
    } else {
        encoded(&key)
    };
    Ok(format!("{before}{key}{after}"))
}

/// An entity's path as it stands in a URL.
pub(super) fn entity_path(text: &str) -> Result<String, String> {
    let entity: crate::domain::path::EntityPath = text.parse().map_err(|error| format!("{error}"))?;
    let parts: Vec<String> = entity.segments().map(encoded).collect();
    Ok(parts.join("/"))
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, PLAIN).to_string()
}

/// An argument that is a text or a number, as text.
fn plain(left: &mut Left, name: &str) -> Result<Option<String>, Box<Problem>> {
    let Some(raw) = left.remove(name) else { return Ok(None) };
    match serde_json::from_str(raw.get()) {
        Ok(serde_json::Value::String(text)) => Ok(Some(text)),
        Ok(serde_json::Value::Number(number)) => Ok(Some(number.to_string())),
        Ok(serde_json::Value::Null) => Ok(None),
        Ok(_) | Err(_) => Err(unfit(name, "it is a text or a number".to_owned())),
    }
}

/// An argument that is a text.
fn text(left: &mut Left, name: &str) -> Result<Option<String>, Box<Problem>> {
    let Some(raw) = left.remove(name) else { return Ok(None) };
    serde_json::from_str(raw.get()).map_err(|_| unfit(name, "it is a text".to_owned()))
}

fn none_left(left: &Left) -> Result<(), Box<Problem>> {
    match left.keys().next() {
        Some(name) => Err(unfit(name, "this tool has no such argument".to_owned())),
        None => Ok(()),
    }
}

fn unfit(place: &str, why: String) -> Box<Problem> {
    Box::new(Problem::new(ProblemCode::BadBody, why).at(place))
}
