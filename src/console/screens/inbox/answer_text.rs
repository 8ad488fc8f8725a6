//! A grant as people type it: `writes crm/contact/*#score`, `triggers reply.legal`, `outputs slack/leads`, `tool {…}`.

use crate::domain::map::Grant;

/// How a grant is written.
pub(super) const HOW: &str =
    "write `writes PATH`, `triggers EVENT`, `outputs NAME` or `tool {…}` with the row as JSON";

/// Reads what was typed.
///
/// # Errors
/// What is wrong, and how it is written.
pub(super) fn read_grant(text: &str) -> Result<Grant, String> {
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let rest = rest.trim();
    if rest.is_empty() {
        return Err(format!("the grant says nothing; {HOW}"));
    }
    match word {
        "writes" | "write" => rest.parse().map(Grant::Write).map_err(|error| format!("{error}")),
        "triggers" | "trigger" => Ok(Grant::Trigger(rest.to_owned())),
        "outputs" | "output" => Ok(Grant::Output(rest.to_owned())),
        "tool" => serde_json::from_str(rest).map(Grant::Tool).map_err(|error| format!("{error}; {HOW}")),
        other => Err(format!("`{other}` is nothing that can be granted; {HOW}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOOL: &str = r#"tool {"server":"crm","name":"get","does":"read","entity":"crm/{id}"}"#;

    #[test]
    fn grants_read_back_as_written() {
        for text in ["writes crm/contact/*#score", "triggers reply.legal", "outputs slack/leads", TOOL] {
            assert_eq!(read_grant(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_grant_is_said() {
        for text in ["", "writes", "owns x", "writes a//b", "tool {}"] {
            assert!(read_grant(text).is_err(), "{text:?}");
        }
    }
}
