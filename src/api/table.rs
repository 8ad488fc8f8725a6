//! Deeds as a table for spreadsheets, a row for each: what `deeds log --export csv` prints and the console's export writes.
//! Rows are as RFC 4180 has them, with the line ends of the system's other tools.

use super::RawDeed;
use crate::domain::deed::Deed;
use crate::domain::ids::Actor;

/// Its name, and what a deed has in it.
type Column = (&'static str, fn(&Deed) -> String);

const COLUMNS: [Column; 16] = [
    ("seq", |deed| deed.seq.to_string()),
    ("time", |deed| deed.time.to_string()),
    ("recorded", |deed| deed.recorded.to_string()),
    ("class", |deed| class(&deed.actor).to_owned()),
    ("actor", |deed| deed.actor.to_string()),
    ("action", |deed| deed.action.to_string()),
    ("type", |deed| deed.body.type_name().to_owned()),
    ("entity", |deed| text(deed.subject.as_ref())),
    ("fields", |deed| words(deed.fields.iter().map(|field| format!("{}@{}", field.name, field.version)))),
    ("outcome", |deed| deed.outcome.as_str().to_owned()),
    ("code", |deed| text(deed.code)),
    ("reason", |deed| text(deed.reason.as_deref())),
    ("map_version", |deed| deed.map_version.to_string()),
    ("cause", |deed| text(deed.cause)),
    ("item", |deed| text(deed.refs.item)),
    ("alerts", |deed| words(deed.refs.alerts.iter().map(ToString::to_string))),
];

/// The first line, without its line end.
pub fn header() -> String {
    line(COLUMNS.iter().map(|(name, _)| (*name).to_owned()))
}

/// A deed's line, without its line end. Of one that this version does not know: what any reader of `CloudEvents` sees.
pub fn row(raw: &RawDeed) -> String {
    let Ok(deed) = Deed::decode(raw.deed.get().as_bytes()) else { return unknown(raw) };
    line(COLUMNS.iter().map(|(_, cell)| cell(&deed)))
}

fn unknown(raw: &RawDeed) -> String {
    let json: serde_json::Value = serde_json::from_str(raw.deed.get()).unwrap_or_default();
    let said = |key: &str| json.get(key).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
    line(COLUMNS.iter().map(|(name, _)| match *name {
        "seq" => raw.seq.to_string(),
        "time" | "type" => said(name),
        "recorded" => said("recordedtime"),
        "entity" => said("subject"),
        _ => String::new(),
    }))
}

fn class(actor: &Actor) -> &'static str {
    match actor {
        Actor::Agent(_) => "agent",
        Actor::Person(_) => "person",
        Actor::Deeds => "deeds",
    }
}

fn text(cell: Option<impl ToString>) -> String {
    cell.map(|cell| cell.to_string()).unwrap_or_default()
}

fn words(words: impl Iterator<Item = String>) -> String {
    words.collect::<Vec<_>>().join(" ")
}

fn line(cells: impl Iterator<Item = String>) -> String {
    cells.map(|cell| quoted(&cell)).collect::<Vec<_>>().join(",")
}

/// A cell. Text from agents that a spreadsheet would take for a formula gets an apostrophe before it.
fn quoted(cell: &str) -> String {
    let formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let cell = if formula { format!("'{cell}") } else { cell.to_owned() };
    // A spreadsheet of another country takes the semicolon for the end of a cell.
    if cell.contains([',', ';', '"', '\n', '\r']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::Seq;

    #[test]
    fn cells_are_quoted_and_no_formula_gets_through() {
        for (cell, written) in [
            ("plain", "plain"),
            ("a,b", "\"a,b\""),
            ("a;=1+1", "\"a;=1+1\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("two\nlines", "\"two\nlines\""),
            ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
            ("-2", "'-2"),
            ("@x,y", "\"'@x,y\""),
            ("#status", "#status"),
        ] {
            assert_eq!(quoted(cell), written);
        }
    }

    #[test]
    fn every_row_has_every_column() {
        let row_of = |json: &str| {
            row(&RawDeed {
                seq: Seq(7),
                hash: "0".repeat(64).parse().unwrap(),
                deed: serde_json::value::RawValue::from_string(json.to_owned()).unwrap(),
            })
        };
        let known = include_str!("../../tests/golden/deeds.write.committed.json");
        let later = r#"{"type": "deeds.of.tomorrow", "time": "2026-11-28T08:00:00Z", "subject": "crm/a"}"#;
        assert_eq!(row_of(later), "7,2026-11-28T08:00:00Z,,,,,deeds.of.tomorrow,crm/a,,,,,,,,");
        for line in [row_of(later), row_of(known)] {
            assert_eq!(line.split(',').count(), header().split(',').count(), "{line}");
        }
    }
}
