//! Which of many histories go into a corpus: whole ledgers always, and of those that tests played the few that together
//! show all that any of them shows.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value as Json;

use super::pack::Ledger;

/// Names whose value says which variant of a payload stands there: what follows from it stands under it.
const VARIANTS: [&str; 7] = ["do", "is", "kind", "stage", "step", "verb", "what"];
/// Names whose value is one of a few words.
const WORDS: [&str; 7] = ["code", "end", "how", "mode", "on_exhausted", "outcome", "verdict"];
/// What holds names and values of callers, which say nothing.
const CALLERS: [&str; 14] = [
    "after",
    "attributes",
    "before",
    "body",
    "changes",
    "constraints",
    "context",
    "depends_on",
    "expected",
    "input",
    "reply",
    "result",
    "sides",
    "value",
];
/// Random histories that are kept for their length.
const LONG: usize = 3;

/// The ledgers to keep.
pub(crate) fn choose(folder: &Path) -> Vec<Ledger> {
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let mut candidates: Vec<Ledger> = paths
        .iter()
        .map(|path| Ledger {
            name: path.file_stem().unwrap().to_str().unwrap().to_owned(),
            text: fs::read_to_string(path).unwrap(),
            expected: String::new(),
        })
        .collect();
    candidates.sort_by_key(|ledger| ledger.text.len());
    let (mut chosen, mut rest): (Vec<_>, Vec<_>) =
        candidates.into_iter().partition(|ledger| ledger.text.starts_with("{\"ledger\":"));
    let long = |ledger: &Ledger| ledger.name.starts_with("model");
    while chosen.iter().filter(|ledger| long(ledger)).count() < LONG
        && let Some(at) = rest.iter().rposition(long)
    {
        chosen.push(rest.remove(at));
    }
    let mut shown: BTreeSet<String> = chosen.iter().flat_map(shows).collect();
    let mut rest: Vec<(Ledger, BTreeSet<String>)> = rest
        .into_iter()
        .map(|ledger| {
            let shows = shows(&ledger);
            (ledger, shows)
        })
        .collect();
    loop {
        rest.retain(|(_, shows)| !shows.is_subset(&shown));
        // The one that shows most that is new for its size.
        let worth = |(ledger, shows): &(Ledger, BTreeSet<String>)| {
            shows.difference(&shown).count() * 1_000_000 / (ledger.text.len() + 4_000)
        };
        let Some((at, _)) = rest.iter().enumerate().max_by_key(|(_, it)| worth(it)) else { break };
        let (mut ledger, _) = rest.remove(at);
        cut(&mut ledger, &shown);
        shown.extend(shows(&ledger));
        chosen.push(ledger);
    }
    chosen.sort_by(|a, b| a.name.cmp(&b.name));
    chosen
}

/// Ends a history with the last decision that shows something new.
fn cut(ledger: &mut Ledger, shown: &BTreeSet<String>) {
    let mut seen = shown.clone();
    let (mut end, mut decision) = (0, String::new());
    for (at, line) in ledger.text.lines().enumerate() {
        let deed: Json = serde_json::from_str(line).unwrap();
        let before = seen.len();
        add(&deed, &mut seen);
        let correlation = deed["correlationid"].as_str().unwrap();
        if seen.len() > before || correlation == decision {
            end = at + 1;
            correlation.clone_into(&mut decision);
        }
    }
    ledger.text = ledger.text.lines().take(end).flat_map(|line| [line, "\n"]).collect();
}

/// The shapes of a ledger's deeds: each name with all names around it, and which variant it is.
fn shows(ledger: &Ledger) -> BTreeSet<String> {
    let mut shapes = BTreeSet::new();
    for line in ledger.text.lines() {
        let line: Json = serde_json::from_str(line).unwrap();
        add(line.get("deed").unwrap_or(&line), &mut shapes);
    }
    shapes
}

fn add(deed: &Json, shapes: &mut BTreeSet<String>) {
    if let Some(kind) = deed["type"].as_str() {
        shape(kind, &deed["data"], shapes);
    }
}

fn shape(place: &str, json: &Json, shapes: &mut BTreeSet<String>) {
    match json {
        Json::Object(inside) => {
            let word = |names: &[&str]| names.iter().find_map(|name| inside.get(*name)?.as_str());
            let variant = word(&VARIANTS).filter(|_| place.contains('/'));
            let place = variant.map_or_else(|| place.to_owned(), |variant| format!("{place}:{variant}"));
            for (name, value) in inside {
                let place = format!("{place}/{name}");
                if let Some(word) = value.as_str().filter(|_| WORDS.contains(&name.as_str())) {
                    shapes.insert(format!("{place}={word}"));
                } else if !CALLERS.contains(&name.as_str()) {
                    shape(&place, value, shapes);
                }
                shapes.insert(place);
            }
        }
        Json::Array(inside) => inside.iter().for_each(|json| shape(place, json, shapes)),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
    }
}
