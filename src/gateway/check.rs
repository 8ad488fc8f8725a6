//! The rows of the map held against the tools that a server really has.

use std::collections::BTreeSet;

use serde_json::json;
use tokio::sync::mpsc;

use super::Gateway;
use super::tools::Tool;
use crate::api::ToolList;
use crate::domain::map::ToolRow;
use crate::domain::map::tool::{Piece, pieces};

/// The protocol that a check speaks.
const VERSION: &str = "2025-11-25";
/// Frames of the server that nobody reads here.
const QUEUE: usize = 64;

/// What is wrong, in a sentence, and the mend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Which row or tool.
    pub about: String,
    /// What is wrong with it.
    pub why: String,
    /// What to do about it.
    pub mend: String,
}

/// What a check came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// How many tools the server has.
    pub tools: usize,
    /// How many rows there are for it.
    pub rows: usize,
    /// What is wrong.
    pub findings: Vec<Finding>,
}

impl Gateway {
    /// Asks the server for its tools and holds the rows of the map against them.
    ///
    /// # Errors
    /// When the server or Deeds can't be asked.
    pub async fn check(&self) -> Result<Checked, String> {
        let (front, mut frames) = mpsc::channel(QUEUE);
        let link = self.link(front)?;
        let unread = tokio::spawn(async move { while frames.recv().await.is_some() {} });
        let asked = Box::pin(async {
            let client = json!({ "name": "deeds", "version": env!("CARGO_PKG_VERSION") });
            let hello = json!({ "protocolVersion": VERSION, "capabilities": {}, "clientInfo": client });
            link.ask("initialize", &hello).await?;
            link.tell("notifications/initialized").await;
            let tools = link.list_tools().await?;
            let rows = link.judge.rows().await.map_err(|why| why.to_string())?;
            Ok::<_, String>((tools, rows))
        })
        .await;
        if let Some(behind) = link.behind() {
            behind.end().await;
        }
        unread.abort();
        let (tools, rows) = asked?;
        let tools: Vec<(String, Tool)> = tools.iter().filter_map(|tool| Tool::read(tool)).collect();
        Ok(Checked {
            tools: tools.len(),
            rows: rows.tools.len(),
            findings: held(&self.server, &tools, &rows),
        })
    }
}

/// What does not fit.
fn held(server: &str, tools: &[(String, Tool)], list: &ToolList) -> Vec<Finding> {
    let mut found = Vec::new();
    for row in &list.tools {
        let named: Vec<&(String, Tool)> = tools.iter().filter(|(name, _)| row.names(server, name)).collect();
        if named.is_empty() {
            let mend = "correct its name, or take it out";
            found.push(finding(row, "no tool of the server has that name", mend));
        }
        // Only of those that it counts for: the first row that names a tool wins.
        let first = |name: &str| list.tools.iter().find(|one| one.names(server, name)) == Some(row);
        for (name, tool) in named.into_iter().filter(|(name, _)| first(name)) {
            arguments(row, (name, tool), &mut found);
            verify(row, (name, tool), tools, &mut found);
        }
    }
    for (name, _) in tools {
        let rows: Vec<&ToolRow> = list.tools.iter().filter(|row| row.names(server, name)).collect();
        let how = format!("{:?}", list.unmapped).to_lowercase();
        let (why, mend) = match rows.as_slice() {
            [] => (format!("no row names it: unmapped = \"{how}\" goes"), "add a [[tool]] for it"),
            // One by its name, before those that name whatever is left.
            [first, rest @ ..] if rest.iter().all(|row| row.name != *name && first.name == *name) => continue,
            rows => (format!("{} rows name it: the first counts", rows.len()), "let one of them name it"),
        };
        found.push(Finding { about: format!("{server}/{name}"), why, mend: mend.to_owned() });
    }
    found
}

fn finding(row: &ToolRow, why: impl Into<String>, mend: &str) -> Finding {
    Finding { about: row.to_string(), why: why.into(), mend: mend.to_owned() }
}

/// Whether a schema has each argument that the row's texts are filled from; of a nested one its outermost name.
fn arguments(row: &ToolRow, (name, tool): (&str, &Tool), found: &mut Vec<Finding>) {
    let withheld = row.withhold.iter().map(|argument| ("withhold", argument.as_str()));
    let mut wanted: BTreeSet<(&str, &str)> = withheld.collect();
    for (key, template) in row.templates() {
        // A text that can't be parsed is the map's own finding.
        wanted.extend(pieces(template).unwrap_or_default().into_iter().filter_map(|piece| match piece {
            Piece::Argument(argument) => Some((key, argument)),
            Piece::Text(_) => None,
        }));
    }
    for (key, argument) in wanted {
        let outermost = argument.split('.').next().unwrap_or(argument);
        let has = |name: &str| tool.arguments.contains_key(name);
        if !tool.takes_more && !has(argument) && !has(outermost) {
            let names: Vec<&str> = tool.arguments.keys().map(String::as_str).collect();
            let why = format!("`{key}` names the argument `{argument}`, which `{name}` does not have");
            found.push(finding(row, why, &format!("its arguments are {}", names.join(", "))));
        }
    }
}

/// Whether what reads again just before is there, and can be called with what the call has.
fn verify(row: &ToolRow, (name, tool): (&str, &Tool), tools: &[(String, Tool)], found: &mut Vec<Finding>) {
    let Some(verify) = &row.verify else { return };
    let Some((_, reader)) = tools.iter().find(|(name, _)| name == verify) else {
        let why = format!("`verify` names `{verify}`, which the server does not have");
        return found.push(finding(row, why, "name a tool that reads"));
    };
    let lacks =
        reader.arguments.iter().find(|(argument, must)| **must && !tool.arguments.contains_key(*argument));
    if let Some((argument, _)) = lacks {
        let why = format!("`{verify}` needs the argument `{argument}`, which `{name}` does not have");
        found.push(finding(row, why, "name another tool that reads"));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::*;
    use crate::domain::ids::{MapVersion, Seq};
    use crate::domain::map::{Does, Unmapped};

    fn tool(name: &str, arguments: &[&str]) -> (String, Tool) {
        let properties: serde_json::Map<_, _> =
            arguments.iter().map(|name| ((*name).to_owned(), json!({ "type": "string" }))).collect();
        let schema = json!({ "type": "object", "properties": properties, "required": arguments });
        let text = json!({ "name": name, "inputSchema": schema }).to_string();
        Tool::read(&RawValue::from_string(text).unwrap()).unwrap()
    }

    #[test]
    fn rows_are_held_against_what_there_is() {
        let row = |name: &str, does, entity: &str| ToolRow {
            entity: Some(entity.to_owned()),
            ..ToolRow::new("crm", name, does)
        };
        let write =
            |verify: &str| ToolRow { verify: Some(verify.to_owned()), ..row("set", Does::Write, "crm/{id}") };
        let tools = [tool("get", &["id"]), tool("set", &["id", "status"]), tool("find", &["text"])];
        let said = |rows: &[ToolRow]| {
            let list = ToolList {
                tools: rows.to_vec(),
                unmapped: Unmapped::Ask,
                offered: Vec::new(),
                map_version: MapVersion(1),
                seq: Seq(1),
                next: None,
            };
            held("crm", &tools, &list)
                .into_iter()
                .map(|one| format!("{}: {}", one.about, one.why))
                .collect::<Vec<_>>()
        };
        let get = row("get", Does::Read, "crm/{id}");
        let find = ToolRow::new("crm", "find", Does::Nothing);
        let [rest, some] = ["*", "g*"].map(|name| ToolRow::new("crm", name, Does::Nothing));
        assert_eq!(said(&[get.clone(), write("get"), find.clone()]), Vec::<String>::new());
        assert_eq!(said(&[get.clone(), write("get"), find.clone(), rest]), Vec::<String>::new());
        for (rows, wanted) in [
            (vec![some, get.clone(), write("get"), find.clone()], "2 rows name it"),
            (vec![get.clone(), find.clone()], "no row names it: unmapped = \"ask\""),
            (vec![get.clone(), write("get"), find.clone(), find.clone()], "2 rows name it"),
            (
                vec![get.clone(), write("get"), find.clone(), row("sat", Does::Write, "crm/{id}")],
                "no tool of the server",
            ),
            (
                vec![row("get", Does::Read, "crm/{key.a}"), write("get"), find.clone()],
                "`key.a`, which `get` does not have",
            ),
            (vec![get.clone(), write("fetch"), find.clone()], "`fetch`, which the server does not have"),
            (vec![get.clone(), write("find"), find], "`find` needs the argument `text`"),
        ] {
            let said = said(&rows);
            assert!(said.len() == 1 && said[0].contains(wanted), "{wanted}: {said:?}");
        }
    }
}
