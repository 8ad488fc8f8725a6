//! What can be expected of a step: one row for each key, with what it takes and how it is compared. The page on tests
//! prints its table from here.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::desk::texts;
use super::reader::{Kind, state_word};
use super::world::World;
use crate::domain::deed::{Body, Deed};
use crate::domain::ids::AgentId;
use crate::domain::outcome::Outcome;
use crate::domain::path::{EntityPath, FieldPath};
use crate::domain::readiness::readiness;
use crate::domain::reply::Reply;
use crate::domain::things::Item;
use crate::domain::time::Span;

/// Something that can be expected.
pub(super) struct Expectation {
    /// The key.
    pub(super) name: &'static str,
    /// What it takes.
    pub(super) kind: Kind,
    /// Whether it is about the answer, so that there must be one.
    pub(super) of_answer: bool,
    /// What it compares, in a few words.
    pub(super) sentence: &'static str,
    /// What came instead, in words.
    pub(super) check: fn(&Came<'_>, &Json) -> Result<(), String>,
}

/// What came of a step.
pub(super) struct Came<'a> {
    /// The answer.
    pub(super) reply: Option<&'a Reply>,
    /// Where it looked at something: whether it was shown it.
    pub(super) seen: Option<bool>,
    /// Every deed since the step before: what fell due, and what was done.
    pub(super) deeds: &'a [Deed],
    /// The workspace by then.
    pub(super) world: &'a World,
}

const fn of(
    (name, kind): (&'static str, Kind),
    of_answer: bool,
    sentence: &'static str,
    check: fn(&Came<'_>, &Json) -> Result<(), String>,
) -> Expectation {
    Expectation { name, kind, of_answer, sentence, check }
}

/// Everything that can be expected.
#[rustfmt::skip]
pub(super) const EXPECTATIONS: &[Expectation] = &[
    of(("expect", Kind::Came), true, "the outcome, and the code where one is named; what was asked goes through where nothing is said", outcome),
    of(("verdict", Kind::Outcome), true, "while it observes: what the outcome would be if it enforced", verdict),
    of(("because", Kind::Text), true, "words of the reason", because),
    of(("owners", Kind::Names), true, "the owners that the answer names", owners),
    of(("sees", Kind::Flag), true, "whether the reader is shown the record, or the field", sees),
    of(("wakes", Kind::Names), false, "the agents that got something to do; [] for nobody", wakes),
    of(("tells", Kind::Names), false, "the agents that were told something; [] for nobody", tells),
    of(("raises", Kind::Names), false, "the events that came up; [] for none", raises),
    of(("publishes", Kind::Names), false, "the outputs on which something went out; [] for none", publishes),
    of(("opens", Kind::Items), false, "the items that came for people: queue, kind, on, title, why (a part of it), due; [] for none", opens),
    of(("alerts", Kind::Alerts), false, "the kinds of alerts that opened or counted up; [] for none", alerts),
    of(("deeds", Kind::Names), false, "types of deeds that must be among those left, such as \"item.overdue\"", deeds),
    of(("values", Kind::Values), false, "what fields hold then", values),
    of(("gone", Kind::Paths), false, "records that are not there then, or not any more", gone),
    of(("items", Kind::Count), false, "how many items are open then", items),
    of(("open_alerts", Kind::Alerts), false, "the kinds of alerts that are open then; [] for none", open_alerts),
    of(("work", Kind::Table), false, "how much waits then in the streams of these agents: { intake = 1 }", work),
    of(("tasks", Kind::Table), false, "how far tasks are then: { \"draft-7\" = \"accepted\" }", tasks),
    of(("gates", Kind::Gates), false, "how gates of readiness stand then: holds, fails or too little", gates),
    of(("stage", Kind::Count), false, "the stage of the team then, 1 to 5", stage),
    of(("map_version", Kind::Count), false, "the version of the map in force then", map_version),
];

/// The answer in the words of `expect`.
pub(super) fn words(reply: &Reply) -> String {
    let code = reply.code.map(|code| format!(" {code}")).unwrap_or_default();
    format!("{}{code}", reply.outcome.as_str())
}

fn told<'a>(came: &'a Came<'_>) -> Result<&'a Reply, String> {
    came.reply.ok_or_else(|| "nothing was asked".to_owned())
}

fn equal(so: bool, came: impl Into<String>) -> Result<(), String> {
    if so { Ok(()) } else { Err(came.into()) }
}

/// The same names, in whatever order.
fn same(mut came: Vec<String>, wanted: &Json) -> Result<(), String> {
    let mut wanted: Vec<&str> = texts(Some(wanted)).collect();
    wanted.sort_unstable();
    wanted.dedup();
    came.sort_unstable();
    came.dedup();
    equal(came.iter().map(String::as_str).eq(wanted), list(&came))
}

fn list(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

fn outcome(came: &Came<'_>, wanted: &Json) -> Result<(), String> {
    let wanted = wanted.as_str().unwrap_or_default();
    let reply = told(came)?;
    let fits = if wanted.contains(' ') { words(reply) == wanted } else { reply.outcome.as_str() == wanted };
    equal(fits, words(reply))
}

fn verdict(came: &Came<'_>, wanted: &Json) -> Result<(), String> {
    let verdict = told(came)?.verdict.map(Outcome::as_str);
    equal(verdict == wanted.as_str(), verdict.unwrap_or("none: it is what was done"))
}

fn because(came: &Came<'_>, wanted: &Json) -> Result<(), String> {
    let message = told(came)?.message.as_deref().unwrap_or_default();
    let so = message.contains(wanted.as_str().unwrap_or_default());
    equal(so, if message.is_empty() { "no reason" } else { message })
}

fn owners(came: &Came<'_>, wanted: &Json) -> Result<(), String> {
    same(told(came)?.owners.iter().map(AgentId::to_string).collect(), wanted)
}

fn sees(came: &Came<'_>, wanted: &Json) -> Result<(), String> {
    let seen = came.seen.ok_or("nothing was read")?;
    let words = if seen { "it is shown" } else { "it is not: as if it were not there" };
    equal(Some(seen) == wanted.as_bool(), words)
}

fn queued(came: &Came<'_>, asks: bool) -> Vec<String> {
    let work = |deed: &Deed| {
        let Body::WorkQueued(work) = &deed.body else { return None };
        (work.kind.asks() == asks).then(|| work.agent.to_string())
    };
    came.deeds.iter().filter_map(work).collect()
}

fn wakes(came: &Came<'_>, wanted: &Json) -> Result<(), String> {
    same(queued(came, true), wanted)
}

fn tells(came: &Came<'_>, wanted: &Json) -> Result<(), String> {
    same(queued(came, false), wanted)
}

fn raises(came: &Came<'_>, wanted: &Json) -> Result<(), String> {
    let event = |deed: &Deed| {
        let (Body::EventRaised(raised) | Body::EventEscalated(raised)) = &deed.body else { return None };
        Some(raised.event.to_string())
    };
    same(came.deeds.iter().filter_map(event).collect(), wanted)
}

fn publishes(came: &Came<'_>, wanted: &Json) -> Result<(), String> {
    let output = |deed: &Deed| {
        let Body::OutputPublished(said) = &deed.body else { return None };
        Some(said.output.to_string())
    };
    same(came.deeds.iter().filter_map(output).collect(), wanted)
}

fn opens(came: &Came<'_>, wanted: &Json) -> Result<(), String> {
    let opened = |deed: &Deed| {
        let Body::ItemOpened(item) = &deed.body else { return None };
        Some(item.clone())
    };
    let opened: Vec<_> = came.deeds.iter().filter_map(opened).collect();
    let one = std::slice::from_ref(wanted);
    let wanted = wanted.as_array().map_or(one, Vec::as_slice);
    let fits = opened.len() == wanted.len()
        && wanted.iter().zip(&opened).all(|(wanted, item)| {
            let table = wanted.as_object();
            table.is_some_and(|table| table.iter().all(|(key, value)| item_fits(item, key, value)))
        });
    let words: Vec<String> = opened.iter().map(|item| item_words(item)).collect();
    equal(fits, list(&words))
}

fn item_fits(item: &Item, key: &str, wanted: &Json) -> bool {
    let wanted = wanted.as_str().unwrap_or_default();
    match key {
        "queue" => item.queue.as_str() == wanted,
        "kind" => item.case.word() == wanted,
        "on" => item.subject.as_ref().map(EntityPath::as_str) == Some(wanted),
        "title" => item.title.contains(wanted),
        "why" => item.why.contains(wanted),
        "due" => wanted.parse() == Ok(item.due.since(item.opened)),
        _ => false,
    }
}

fn item_words(item: &Item) -> String {
    let due: Span = item.due.since(item.opened);
    let on = item.subject.as_ref().map(|on| format!(" on {on}")).unwrap_or_default();
    format!(
        "#{} {}{on} in {}, due in {due}: {}: {}",
        item.no,
        item.case.word(),
        item.queue,
        item.title,
        item.why
    )
}

fn alerts(came: &Came<'_>, wanted: &Json) -> Result<(), String> {
    let board = &came.world.state.board;
    let kind = |deed: &Deed| -> Vec<String> {
        if let Body::AlertOpened(alert) | Body::AlertReopened(alert) = &deed.body {
            return vec![alert.kind.as_str().to_owned()];
        }
        if !matches!(deed.body, Body::AlertCounted(_)) {
            return Vec::new();
        }
        let known = deed.refs.alerts.iter().filter_map(|no| board.alerts.get(no));
        known.map(|alert| alert.kind.as_str().to_owned()).collect()
    };
    same(came.deeds.iter().flat_map(kind).collect(), wanted)
}

fn deeds(came: &Came<'_>, wanted: &Json) -> Result<(), String> {
    let types: Vec<String> = came.deeds.iter().map(type_of).collect();
    let missing = texts(Some(wanted)).any(|wanted| !types.iter().any(|name| name == wanted));
    equal(!missing, list(&types))
}

/// A deed's type without the prefix that all have.
fn type_of(deed: &Deed) -> String {
    let name = deed.body.type_name();
    name.strip_prefix("deeds.").unwrap_or(name).to_owned()
}

fn values(came: &Came<'_>, wanted: &Json) -> Result<(), String> {
    let mut other = Vec::new();
    for (path, wanted) in wanted.as_object().into_iter().flatten() {
        let Ok(field) = path.parse::<FieldPath>() else { continue };
        let entity = came.world.state.entities.get(&field.entity).filter(|entity| entity.gone.is_none());
        let value = entity.and_then(|entity| entity.field(&field.field)).map(|field| field.value.json());
        if value.as_ref() != Some(wanted) {
            let value = value.map_or_else(|| "nothing".to_owned(), |value| value.to_string());
            other.push(format!("{path} is {value}"));
        }
    }
    equal(other.is_empty(), list(&other))
}

fn gone(came: &Came<'_>, wanted: &Json) -> Result<(), String> {
    let there = |path: &&str| {
        let entity = path.parse::<EntityPath>().ok().and_then(|path| came.world.state.entities.get(&path));
        entity.is_some_and(|entity| entity.gone.is_none())
    };
    let there: Vec<String> =
        texts(Some(wanted)).filter(there).map(|path| format!("{path} is there")).collect();
    equal(there.is_empty(), list(&there))
}

fn items(came: &Came<'_>, wanted: &Json) -> Result<(), String> {
    let items = &came.world.state.board.items;
    let words: Vec<String> = items.values().map(|item| item_words(item)).collect();
    equal(wanted.as_u64() == u64::try_from(items.len()).ok(), format!("{}: {}", items.len(), list(&words)))
}

fn open_alerts(came: &Came<'_>, wanted: &Json) -> Result<(), String> {
    let alerts = came.world.state.board.alerts.values();
    same(alerts.map(|alert| alert.kind.as_str().to_owned()).collect(), wanted)
}

fn work(came: &Came<'_>, wanted: &Json) -> Result<(), String> {
    let board = &came.world.state.board;
    table(wanted, |agent| {
        let agent: AgentId = agent.parse().ok()?;
        Some(json!(board.work_of(&agent).filter(|work| work.kind.asks()).count()))
    })
}

fn tasks(came: &Came<'_>, wanted: &Json) -> Result<(), String> {
    let (board, now) = (&came.world.state.board, came.world.now());
    table(wanted, |task| {
        let task = task.parse().ok()?;
        let open = board.tasks.get(&task).map(|task| task.stage.word());
        Some(json!(open.or_else(|| board.ended(&task, now))?))
    })
}

/// Compares what is named in a table with what is found by that name.
fn table(wanted: &Json, found: impl Fn(&str) -> Option<Json>) -> Result<(), String> {
    let mut other = Vec::new();
    for (name, wanted) in wanted.as_object().into_iter().flatten() {
        let found = found(name);
        if found.as_ref() != Some(wanted) {
            let found = found.map_or_else(|| "unknown".to_owned(), |found| plain(&found));
            other.push(format!("{name}: {found}"));
        }
    }
    equal(other.is_empty(), list(&other))
}

fn plain(json: &Json) -> String {
    json.as_str().map_or_else(|| json.to_string(), str::to_owned)
}

fn gates(came: &Came<'_>, wanted: &Json) -> Result<(), String> {
    let team = readiness(&came.world.state.board, came.world.now());
    let mut other = Vec::new();
    for (agent, gates) in wanted.as_object().into_iter().flatten() {
        let known = team.agents.iter().find(|one| one.agent.as_str() == agent);
        let known: BTreeMap<&str, _> = known
            .map(|one| one.gates.iter().map(|gate| (gate.kind.as_str(), gate)).collect())
            .unwrap_or_default();
        for (name, wanted) in gates.as_object().into_iter().flatten() {
            match known.get(name.as_str()) {
                Some(gate) if Some(state_word(gate.state)) == wanted.as_str() => {}
                Some(gate) => {
                    other.push(format!("{agent}: {name} {}: {}", state_word(gate.state), gate.words));
                }
                None => other.push(format!("{agent}: unknown")),
            }
        }
    }
    equal(other.is_empty(), list(&other))
}

fn stage(came: &Came<'_>, wanted: &Json) -> Result<(), String> {
    let stage = u8::from(readiness(&came.world.state.board, came.world.now()).stage);
    equal(wanted.as_u64() == Some(u64::from(stage)), stage.to_string())
}

fn map_version(came: &Came<'_>, wanted: &Json) -> Result<(), String> {
    let version = came.world.state.board.map_version.0;
    equal(wanted.as_u64() == Some(version), version.to_string())
}
