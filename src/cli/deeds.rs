//! Deeds as lines and rows for people. A deed that this version does not know is shown by its number and its type.

use std::borrow::Cow;

use super::list;
use super::output::visible;
use crate::api::RawDeed;
use crate::client::{Client, LedgerQuery};
use crate::domain::deed::Deed;
use crate::domain::ids::Seq;
use crate::domain::things::FieldChange;

/// Waits until searches include everything that is in the ledger now: what a person has just done is to be found.
pub(super) async fn index_caught_up(client: &Client) -> anyhow::Result<()> {
    let head = client.ledger(&LedgerQuery { limit: 1, ..LedgerQuery::default() }).await?.head;
    let filter = format!("seq:{head}");
    client.ledger(&LedgerQuery { filter, limit: 1, min_seq: Some(head), ..LedgerQuery::default() }).await?;
    Ok(())
}

/// The heading over deeds, each on one line.
pub(super) const HEADING: &str =
    "    SEQ TIME                     ACTOR              ACTION           OUTCOME    ENTITY, FIELDS, WHY";

/// A deed on one line, from its stored bytes.
pub(super) fn line(raw: &RawDeed) -> String {
    match Deed::decode(raw.deed.get().as_bytes()) {
        Ok(deed) => of(&deed),
        Err(_) => unknown(raw.seq, raw.deed.get()),
    }
}

/// A deed of a later version: what any `CloudEvents` reader sees.
pub(super) fn unknown(seq: Seq, json: &str) -> String {
    let json: serde_json::Value = serde_json::from_str(json).unwrap_or_default();
    let said = |key: &str| visible(json.get(key).and_then(serde_json::Value::as_str).unwrap_or("?"));
    format!("{seq:>7} {:<24} a newer version's {} {}", said("time"), said("type"), said("subject"))
}

/// A deed on one line.
pub(super) fn of(deed: &Deed) -> String {
    let time = deed.time.utc().format("%Y-%m-%d %H:%M:%S%.3f");
    let (actor, outcome) = (list::who(&deed.actor), deed.outcome.as_str());
    // The columns stay where they are; what they cut stands in `deeds show`.
    let head = format!(
        "{:>7} {time}  {:<18} {:<16} {outcome:<10} ",
        deed.seq,
        cut(&actor, 18),
        cut(&deed.action, 16)
    );
    visible(format!("{head}{}", what(deed)).trim_end())
}

/// A text in so many columns.
fn cut(text: &str, columns: usize) -> Cow<'_, str> {
    if text.chars().count() <= columns {
        return Cow::Borrowed(text);
    }
    text.chars().take(columns - 1).chain(['…']).collect::<String>().into()
}

fn what(deed: &Deed) -> String {
    let mut parts = Vec::new();
    if let Some(subject) = &deed.subject {
        parts.push(subject.to_string());
    }
    parts.extend(deed.fields.iter().map(field));
    if let Some(item) = deed.refs.item {
        parts.push(format!("item #{item}"));
    }
    for alert in &deed.refs.alerts {
        parts.push(format!("alert #{alert}"));
    }
    if let Some(code) = deed.code {
        parts.push(format!("[{code}]"));
    }
    if let Some(reason) = &deed.reason {
        parts.push(reason.to_string());
    }
    parts.join(" ")
}

fn field(field: &FieldChange) -> String {
    let name = if field.name.is_whole() { String::new() } else { format!("#{}", field.name) };
    match field.base {
        Some(base) if base != field.version => format!("{name} {base}→{}", field.version),
        Some(_) | None => format!("{name} v{}", field.version),
    }
}
