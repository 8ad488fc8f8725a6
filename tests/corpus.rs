//! Ledgers that earlier versions wrote, and what those versions made of them. What is recorded stays: every later
//! version reads the same bytes and folds them to the same values, versions, map, tokens, leases, items, work, acts and
//! answers to keys, and to the same of everything else that a state has.
//!
//! `tests/corpus/README.md` says what is in a corpus and how one is written. Nothing in it is ever changed: where a later
//! version adds something to what a state has, its name goes into [`ADDED`]; where it counts a statistic in another way,
//! into [`MAY_DIFFER`].

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops at the first thing that is not as it says"
)]

#[path = "corpus/pack.rs"]
mod pack;
#[path = "corpus/select.rs"]
mod select;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Map, Value as Json, json};

use self::pack::Ledger;
use deeds::domain::deed::{Deed, Origin};
use deeds::domain::reply::Reply;
use deeds::domain::state::{Board, State};
use deeds::domain::time::{Span, Time};
use deeds::ledger::export;

/// The versions whose ledgers are kept, each with a folder under `tests/corpus`.
const VERSIONS: [&str; 4] = ["286fd76", "471f3c7", "e30dd65", "cadfac6"];

/// Statistics that a later version counts in another way, and advice that it words better, since that is its own and not
/// recorded: places in the rendering, `*` for any one step. Nothing that a decision is made on may stand here.
const MAY_DIFFER: [&str; 1] = ["answers/*/answer/next"];

/// What states have by now that those of earlier versions had not, in the same form.
const ADDED: [&str; 19] = [
    "board/clock",
    "board/timed",
    "board/seats/*/since",
    "board/format",
    "board/held",
    "board/seats",
    "board/signers",
    "board/items/*/again",
    "board/closed/*/item/again",
    "links/ring/*/at",
    "links/ring/*/depth",
    "board/unanswered",
    "board/care/alarm",
    "board/care/told",
    "board/accounts",
    "board/reviews/*/open/came_to",
    "board/reviews/*/last/came_to",
    "board/agents/*/doors",
    "board/past/*/deed",
];

/// Most differences of one ledger that are told.
const TOLD: usize = 20;

fn folder(version: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(version)
}

/// The deeds of a ledger. Those that came from a whole export are verified with their chain first.
fn deeds(ledger: &Ledger) -> Vec<Deed> {
    let mut lines = ledger.text.lines().peekable();
    let exported = lines.next_if(|line| line.starts_with("{\"ledger\":")).is_some();
    if exported {
        export::verify(ledger.text.as_bytes()).unwrap_or_else(|error| panic!("{}: {error}", ledger.name));
    }
    let mut deeds = Vec::new();
    for line in lines {
        let bytes = if exported { inside(line) } else { line };
        let deed = Deed::decode(bytes.as_bytes())
            .unwrap_or_else(|error| panic!("{}, deed {}: {error}", ledger.name, deeds.len() + 1));
        let envelope: Json = serde_json::from_str(bytes).unwrap();
        let origin = Origin {
            source: Arc::from(envelope["source"].as_str().unwrap()),
            workspace: workspace(&deeds, &deed),
        };
        let again = String::from_utf8(deed.encode(&origin).unwrap()).unwrap();
        assert_eq!(again, bytes, "{}, deed {}: written in another form", ledger.name, deed.seq);
        deeds.push(deed);
    }
    deeds
}

/// The deed inside a line of an export: `{"seq":1,"hash":"…","deed":…}`.
fn inside(line: &str) -> &str {
    let (_, deed) = line.split_once(",\"deed\":").unwrap();
    deed.strip_suffix('}').unwrap()
}

fn workspace(before: &[Deed], deed: &Deed) -> deeds::domain::ids::WorkspaceId {
    let first = &before.first().unwrap_or(deed).body;
    let Some(model) = first.model() else { panic!("a ledger begins with {}", first.type_name()) };
    model.workspace.clone()
}

/// All that the deeds come to, by section: everything on the board, values and versions, tokens, imports, chains of
/// causes, keys, and what each key is answered.
fn rendering(deeds: &[Deed]) -> Json {
    let workspace = workspace(&[], &deeds[0]);
    let (mut state, mut board) = (State::new(workspace.clone()), Board::new(workspace));
    let mut entities = State::new(state.board.workspace.clone());
    for deed in deeds {
        state.fold(deed);
        board.fold(deed);
        entities.fold_values(deed);
    }
    assert_eq!(board, state.board, "the board folded alone differs");
    assert_eq!(entities.entities, state.entities, "the values folded alone differ");
    let mut whole: Map<String, Json> = serde_json::from_slice(&state.to_bytes().unwrap()).unwrap();
    let answers = state.access.kept().map(|kept| {
        let deed = &deeds[usize::try_from(kept.answer.deed.0).unwrap() - 1];
        json!({"actor": kept.actor, "key": kept.key, "answer": Reply::of(deed)})
    });
    whole.insert("answers".to_owned(), answers.collect());
    // By which folding passes over what is in an entity already; earlier versions had no such number.
    for entity in whole["entities"].as_object_mut().unwrap().values_mut() {
        let last = entity["recent"].as_array().unwrap().last().map(|touch| touch["deed"].as_u64());
        let own = entity.as_object_mut().unwrap().remove("deed").map(|deed| deed.as_u64());
        assert!(own >= last, "an entity has an older number than its last deed");
    }
    let agents = whole["board"]["agents"].as_object_mut().unwrap();
    for facts in agents.values_mut() {
        facts["history"] = by_days(&facts["history"]);
    }
    Json::Object(whole)
}

/// An agent's history as it was kept once: counts of UTC days, with the last deed of each. Now each instant is kept.
fn by_days(history: &Json) -> Json {
    let mut days: BTreeMap<i64, Map<String, Json>> = BTreeMap::new();
    for (what, track) in history.as_object().unwrap() {
        let marks = ["past", "recent"].into_iter().flat_map(|part| track[part].as_array().unwrap());
        for mark in marks {
            let at: Time = serde_json::from_value(mark[0].clone()).unwrap();
            let day = at.micros().div_euclid(Span::from_days(1).micros());
            let counts = days.entry(day).or_insert_with(|| Map::from_iter([("day".to_owned(), json!(day))]));
            let count = counts.entry(what).or_insert_with(|| json!({"last": 0, "n": 0}));
            let n = count["n"].as_u64().unwrap() + mark[1].as_u64().unwrap();
            *count = json!({"last": count["last"].as_u64().max(mark[2].as_u64()), "n": n});
        }
    }
    let newest =
        days.pop_last().map_or_else(|| Map::from_iter([("day".to_owned(), json!(0))]), |(_, day)| day);
    json!({"newest": newest, "past": days.into_values().collect::<Vec<_>>()})
}

/// Every place at which two renderings differ.
fn differences(place: &str, before: &Json, now: &Json, told: &mut Vec<String>) {
    if before == now || MAY_DIFFER.iter().any(|pattern| fits(pattern, place)) {
        return;
    }
    // A name with a slash in it is one step, as JSON pointers write it.
    let step = |name: &str| name.replace('/', "~1");
    let inside = |name: &str| if place.is_empty() { step(name) } else { format!("{place}/{}", step(name)) };
    match (before, now) {
        (Json::Object(before), Json::Object(now)) => {
            for (name, value) in before {
                differences(&inside(name), value, now.get(name).unwrap_or(&Json::Null), told);
            }
            for (name, value) in now.iter().filter(|(name, _)| !before.contains_key(*name)) {
                let place = inside(name);
                if !ADDED.iter().any(|pattern| fits(pattern, &place)) {
                    told.push(format!("{place}: was not there, is {value}"));
                }
            }
        }
        (Json::Array(before), Json::Array(now)) if before.len() == now.len() => {
            for (at, (before, now)) in before.iter().zip(now).enumerate() {
                differences(&inside(&at.to_string()), before, now, told);
            }
        }
        _ => told.push(format!("{place}: was {before}, is {now}")),
    }
}

/// Whether a place, `a/b/c`, is the one that the pattern means: `a/*/c`, and all below it.
fn fits(pattern: &str, place: &str) -> bool {
    let mut steps = place.split('/');
    pattern.split('/').all(|wanted| steps.next().is_some_and(|step| wanted == "*" || wanted == step))
}

#[test]
fn ledgers_of_earlier_versions_come_to_what_they_came_to() {
    let mut wrong = Vec::new();
    for version in VERSIONS {
        for ledger in pack::read(&folder(version)) {
            let before: Json = serde_json::from_str(&ledger.expected).unwrap();
            let mut told = Vec::new();
            differences("", &before, &rendering(&deeds(&ledger)), &mut told);
            let more = told.len().saturating_sub(TOLD);
            told.truncate(TOLD);
            wrong.extend(told.iter().map(|told| format!("{version}/{}: {told:.300}", ledger.name)));
            if more > 0 {
                wrong.push(format!("{version}/{}: and {more} more", ledger.name));
            }
        }
    }
    assert!(wrong.is_empty(), "what was recorded has another effect:\n{}", wrong.join("\n"));
}

/// The corpus is worth its name: every type of that time is in it, and so are the ledgers of whole teams.
#[test]
fn every_type_is_in_the_corpus() {
    let mut types: BTreeMap<String, usize> = BTreeMap::new();
    let ledgers = pack::read(&folder("286fd76"));
    for deed in ledgers.iter().flat_map(deeds) {
        *types.entry(deed.body.type_name().to_owned()).or_default() += 1;
    }
    let golden = std::fs::read_dir(folder("../golden")).unwrap().count();
    assert_eq!(types.len(), 93, "{types:#?}");
    assert!(golden >= 93, "types are add-only");
    for name in ["demo-northwind", "demo-solo", "demo-tallyfern", "import"] {
        assert!(ledgers.iter().any(|ledger| ledger.name.starts_with(name)), "there is no {name}");
    }
}

#[test]
fn a_difference_is_told_with_its_place() {
    let before = json!({"items": {"1": {"title": "a", "who": ["x", "y"]}}, "count": 1});
    let now = json!({"items": {"1": {"title": "b", "who": ["x", "z"], "new": 1}}, "count": 1});
    let mut told = Vec::new();
    differences("", &before, &now, &mut told);
    let wanted = [
        "items/1/title: was \"a\", is \"b\"",
        "items/1/who/1: was \"y\", is \"z\"",
        "items/1/new: was not there, is 1",
    ];
    assert_eq!(told, wanted);
    assert!(fits("board/agents/*/history", "board/agents/sales/history/past/1"));
    assert!(!fits("board/agents/*/history", "board/agents/sales"));
}

/// Packs the ledgers in the folder that `DEEDS_CORPUS` names into the one that `DEEDS_CORPUS_PACK` names, with what this
/// version makes of them. Of the tests' histories it takes those that show something which no other one shows.
#[test]
#[ignore = "writes a corpus; see tests/corpus/README.md"]
fn a_corpus_is_packed() {
    let from = PathBuf::from(std::env::var_os("DEEDS_CORPUS").unwrap());
    let to = PathBuf::from(std::env::var_os("DEEDS_CORPUS_PACK").unwrap());
    let mut chosen = select::choose(&from);
    for ledger in &mut chosen {
        ledger.expected = serde_json::to_string_pretty(&rendering(&deeds(ledger))).unwrap();
    }
    pack::write(&to, &chosen);
}
