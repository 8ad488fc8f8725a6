//! `deeds hook capture`: the form of a call without what is in it, for a report of a host that says something new.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use serde_json::Value;

use super::host::read;
use crate::cli::output;
use crate::cli::status::{Status, Usage};

/// Texts that are names of the host's own, and no contents.
const KEPT: [&str; 4] = ["hook_event_name", "tool_name", "permission_mode", "agent_type"];

/// Where the form goes.
#[derive(Debug, Args)]
pub(crate) struct Capture {
    /// Add it to this file, as a line, and print nothing: so it can stand as a hook itself
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
}

/// Reads a call from standard input and tells its form.
pub(super) fn run(capture: &Capture) -> anyhow::Result<Status> {
    let bytes = read().map_err(Usage::error)?;
    let said: Value = serde_json::from_slice(&bytes)
        .map_err(|error| Usage::error(format!("what is on standard input is no JSON: {error}")))?;
    let form = form("", &said);
    let Some(file) = &capture.to else {
        output::line(serde_json::to_string_pretty(&form)?)?;
        return Ok(Status::Done);
    };
    let shown = || file.display().to_string();
    let opened = OpenOptions::new().create(true).append(true).mode(0o600).open(file);
    opened.with_context(shown)?.write_all(format!("{form}\n").as_bytes()).with_context(shown)?;
    Ok(Status::Done)
}

/// The same keys and kinds of values; of a text how long it is.
fn form(key: &str, value: &Value) -> Value {
    match value {
        Value::Object(all) => all.iter().map(|(key, one)| (key.clone(), form(key, one))).collect(),
        Value::Array(all) => all.iter().map(|one| form("", one)).collect(),
        Value::String(text) if KEPT.contains(&key) => Value::String(text.clone()),
        Value::String(text) => Value::String(format!("{} bytes", text.len())),
        Value::Number(number) => {
            Value::String(if number.is_f64() { "a number" } else { "a whole number" }.to_owned())
        }
        Value::Null | Value::Bool(_) => value.clone(),
    }
}
