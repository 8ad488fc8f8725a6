//! `[gateway.NAME]`: MCP servers behind the map that `deeds serve` has an address for. Secrets stand nowhere here: only where
//! they are to be found.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Wrong;
use crate::domain::ids::AgentId;
use crate::domain::map::nearest_name;

/// Most bytes of a name.
const NAME_BYTES: usize = 64;
const KEYS: [&str; 9] =
    ["command", "args", "env", "env_file", "url", "headers", "header_file", "directory", "as"];

/// How they stand in the file that shows every setting.
pub(super) const EXAMPLE: &str = r#"
# An MCP server behind the map, which `deeds serve` has at /mcp/crm for agents with their own tokens (docs/GATEWAY.md).
# [gateway.crm]
# command = "npx"                        # or url = "https://crm.example/mcp"
# args = ["-y", "@example/crm-mcp"]
# env = { CRM_TOKEN = "env:CRM_TOKEN" }  # or "file:crm.token"; env_file, a line for each; headers and header_file with url
# directory = "/srv/crm"                 # where it is started, and what file names among arguments are in
# as = "sales"                           # for this agent alone
"#;

/// A server behind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Described {
    /// The program and its arguments.
    pub command: Vec<String>,
    /// What it finds in its environment beside what every program needs.
    pub env: BTreeMap<String, Source>,
    /// More of that, in a file.
    pub env_file: Option<PathBuf>,
    /// The address of one that speaks Streamable HTTP.
    pub url: Option<String>,
    /// What every request to it carries.
    pub headers: BTreeMap<String, Source>,
    /// More of that, in a file.
    pub header_file: Option<PathBuf>,
    /// Where it is started, and what file names among arguments are in.
    pub directory: Option<PathBuf>,
    /// The one agent that it is for.
    pub agent: Option<AgentId>,
}

/// Where a secret is to be found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// In this variable of the environment.
    Variable(String),
    /// In this file.
    File(PathBuf),
}

/// Reads one; the key at which it is wrong, where it is at one.
pub(super) fn read<'t>(
    name: &str,
    table: &'t DeTable<'_>,
    path: &Path,
) -> Result<Described, (Option<&'t Spanned<DeValue<'t>>>, Wrong)> {
    let mut described = Described::default();
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.is_empty() || name.len() > NAME_BYTES || !name.chars().all(plain) {
        let mend = "use letters, digits and - _ ., up to 64 bytes".to_owned();
        return Err((None, Wrong(format!("`{}` is no name of a gateway", name.escape_debug()), mend)));
    }
    for (key, value) in table {
        let wrong = |wrong| (Some(value), wrong);
        set(&mut described, key.get_ref(), value.get_ref(), path).map_err(wrong)?;
    }
    let has_program = table.iter().any(|(key, _)| key.get_ref() == "command");
    match (!has_program, &described.url) {
        (true, None) => Err((
            None,
            Wrong(
                format!("the gateway `{name}` has no server"),
                "say command = \"…\" or url = \"https://…\"".to_owned(),
            ),
        )),
        (false, Some(_)) => Err((
            None,
            Wrong(format!("the gateway `{name}` has two servers"), "say command or url, not both".to_owned()),
        )),
        (true, Some(_)) | (false, None) => Ok(described),
    }
}

fn set(described: &mut Described, key: &str, value: &DeValue<'_>, path: &Path) -> Result<(), Wrong> {
    match key {
        // The program goes before its arguments, whichever comes first here.
        "command" => described.command.insert(0, text(key, value)?),
        "args" => {
            let DeValue::Array(all) = value else { return Err(shape(key, "[\"-y\", \"…\"]")) };
            for one in all {
                described.command.push(text(key, one.get_ref())?);
            }
        }
        "env" => described.env = sources(key, value, path)?,
        "env_file" => described.env_file = Some(beside(&text(key, value)?, path)),
        "url" => described.url = Some(text(key, value)?),
        "headers" => described.headers = sources(key, value, path)?,
        "header_file" => described.header_file = Some(beside(&text(key, value)?, path)),
        "directory" => described.directory = Some(beside(&text(key, value)?, path)),
        "as" => {
            let text = text(key, value)?;
            let mend = "write the id that it has on the map".to_owned();
            let agent = text.parse().map_err(|_| Wrong(format!("{text:?} is no agent's name"), mend))?;
            described.agent = Some(agent);
        }
        other => {
            let near = nearest_name(other, KEYS.into_iter());
            let mend = near.map_or_else(
                || format!("keys are {}", KEYS.join(", ")),
                |near| format!("did you mean `{near}`?"),
            );
            return Err(Wrong(format!("a gateway has no `{}`", other.escape_debug()), mend));
        }
    }
    Ok(())
}

fn shape(key: &str, like: &str) -> Wrong {
    Wrong(format!("`{key}` is of another kind"), format!("write {key} = {like}"))
}

fn text(key: &str, value: &DeValue<'_>) -> Result<String, Wrong> {
    let DeValue::String(text) = value else { return Err(shape(key, "\"…\"")) };
    Ok(text.to_string())
}

fn sources(key: &str, value: &DeValue<'_>, path: &Path) -> Result<BTreeMap<String, Source>, Wrong> {
    let like = "{ NAME = \"env:VARIABLE\" }, or \"file:PATH\", never the value itself";
    let DeValue::Table(all) = value else { return Err(shape(key, like)) };
    let mut found = BTreeMap::new();
    for (name, value) in all {
        let text = text(key, value.get_ref())?;
        let source = match text.split_once(':') {
            Some(("env", variable)) if !variable.is_empty() => Source::Variable(variable.to_owned()),
            Some(("file", file)) if !file.is_empty() => Source::File(beside(file, path)),
            // The text may be the secret itself: it is not told.
            Some(_) | None => return Err(shape(key, like)),
        };
        found.insert(name.get_ref().to_string(), source);
    }
    Ok(found)
}

/// Relative paths start at the file's directory.
fn beside(text: &str, path: &Path) -> PathBuf {
    let named = super::reading::expand_home(text);
    path.parent().map(|parent| parent.join(&named)).unwrap_or(named)
}
