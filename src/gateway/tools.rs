//! The tools of the server behind, as it lists them: told to Deeds where they changed, and known here for what the wire needs
//! of them, which is their arguments' names and whether they promise a shape of their results.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

use serde_json::value::RawValue;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::frame::members;
use super::link::Link;
use crate::domain::things::OfferedTool;

/// Most tools and pages that are looked at.
const MOST_TOOLS: usize = 2_000;
const MOST_PAGES: usize = 50;

/// What is known of them.
#[derive(Debug, Default)]
pub(super) struct Tools {
    pub(super) known: BTreeMap<String, Tool>,
    /// Of the lists as they came.
    digest: Option<[u8; 32]>,
}

/// What is known of one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Tool {
    /// The arguments that its schema names, each with whether it must be there.
    pub(super) arguments: BTreeMap<String, bool>,
    /// Whether it takes others beside them.
    pub(super) takes_more: bool,
    pub(super) has_output_schema: bool,
    /// What its server claims.
    pub(super) read_only: bool,
}

impl Tool {
    /// Its name and what is known of it.
    pub(super) fn read(raw: &RawValue) -> Option<(String, Self)> {
        let tool: Value = serde_json::from_str(raw.get()).ok()?;
        let schema = tool.get("inputSchema");
        let part = |key: &str| schema.and_then(|schema| schema.get(key));
        let required: Vec<&str> = part("required")
            .and_then(Value::as_array)
            .map(|names| names.iter().filter_map(Value::as_str).collect())
            .unwrap_or_default();
        let properties = part("properties").and_then(Value::as_object);
        let arguments = properties
            .map(|all| all.keys().map(|name| (name.clone(), required.contains(&name.as_str()))).collect());
        let known = Self {
            arguments: arguments.unwrap_or_default(),
            takes_more: properties.is_none() && part("additionalProperties") != Some(&Value::Bool(false)),
            has_output_schema: tool.get("outputSchema").is_some(),
            read_only: tool.pointer("/annotations/readOnlyHint") == Some(&Value::Bool(true)),
        };
        Some((tool.get("name")?.as_str()?.to_owned(), known))
    }
}

impl Link {
    /// Whether a tool promises a shape of its results; one that is not known may.
    pub(super) fn promises_a_shape(&self, tool: &str) -> bool {
        let tools = self.tools.lock().unwrap_or_else(PoisonError::into_inner);
        tools.known.get(tool).is_none_or(|tool| tool.has_output_schema)
    }

    /// What is known of a tool; the server behind is asked where nothing is known yet.
    pub(super) async fn tool(self: &Arc<Self>, name: &str) -> Option<Tool> {
        let known = || {
            let tools = self.tools.lock().unwrap_or_else(PoisonError::into_inner);
            (tools.known.get(name).cloned(), tools.digest.is_some())
        };
        match known() {
            (None, false) => {
                self.look_at_tools().await;
                known().0
            }
            (found, _) => found,
        }
    }

    /// Asks which tools there are, and tells Deeds where that changed. True where it is not what was known before.
    pub(super) async fn look_at_tools(self: &Arc<Self>) -> bool {
        let all = match self.list_tools().await {
            Ok(all) => all,
            Err(why) => {
                self.kept.say(&format!("its tools can't be told: {why}"));
                return false;
            }
        };
        let mut hasher = Sha256::new();
        for tool in &all {
            hasher.update(tool.get().as_bytes());
        }
        let digest: [u8; 32] = hasher.finalize().into();
        let known: BTreeMap<String, Tool> = all.iter().filter_map(|tool| Tool::read(tool)).collect();
        let offered = known
            .iter()
            .map(|(name, tool)| OfferedTool { name: name.as_str().into(), read_only: tool.read_only });
        let offered: Vec<OfferedTool> = offered.collect();
        let before = {
            let mut tools = self.tools.lock().unwrap_or_else(PoisonError::into_inner);
            tools.known = known;
            tools.digest.replace(digest)
        };
        if before == Some(digest) {
            return false;
        }
        if let Err(why) = self.judge.seen(offered).await {
            self.kept.say(&format!("Deeds was not told of its {} tools: {why}", all.len()));
        }
        before.is_some()
    }

    /// Every tool as it is listed, page by page.
    pub(super) async fn list_tools(self: &Arc<Self>) -> Result<Vec<Box<RawValue>>, String> {
        let mut all: Vec<Box<RawValue>> = Vec::new();
        let mut cursor: Option<Value> = None;
        for _ in 0..MOST_PAGES {
            let mut params = json!({});
            if let (Some(cursor), Some(params)) = (cursor.take(), params.as_object_mut()) {
                params.insert("cursor".to_owned(), cursor);
            }
            let answer = self.ask("tools/list", &self.with_meta(params)).await?;
            let [result] = members(text(&answer.bytes), ["result"]).map_err(|why| why.to_string())?;
            let result = result.ok_or_else(|| "it answers with an error".to_owned())?;
            let [tools, next] =
                members(result.get(), ["tools", "nextCursor"]).map_err(|why| why.to_string())?;
            let tools = tools.map_or("[]", RawValue::get);
            all.extend(serde_json::from_str::<Vec<Box<RawValue>>>(tools).map_err(|why| why.to_string())?);
            if all.len() > MOST_TOOLS {
                return Err(format!("there are more than {MOST_TOOLS}"));
            }
            cursor = next
                .and_then(|next| serde_json::from_str(next.get()).ok())
                .filter(|next| *next != Value::Null);
            if cursor.is_none() {
                return Ok(all);
            }
        }
        Err(format!("the list has more than {MOST_PAGES} pages"))
    }

    /// Parameters of the gateway's own question, with what the client says of the protocol in each of its own.
    pub(super) fn with_meta(&self, mut params: Value) -> Value {
        let meta = self.opening.lock().unwrap_or_else(PoisonError::into_inner).meta.clone();
        let meta = meta.and_then(|meta| serde_json::from_str::<Value>(meta.get()).ok());
        if let (Some(Value::Object(mut meta)), Some(params)) = (meta, params.as_object_mut()) {
            meta.remove("progressToken");
            params.insert("_meta".to_owned(), Value::Object(meta));
        }
        params
    }
}

/// A frame's text; it was read before, and so is one.
pub(super) fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or_default()
}
