//! What is different between two maps, in words and as lines with a sign.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map as Object, Value as Json};

use super::model::Model;

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    /// More, less, or other than before.
    pub sign: Sign,
    /// Of what: `follow-up.triggers`, or `agent` for a whole entry.
    pub subject: String,
    /// What came, went or changed: `reply.legal`, `24h → 8h`.
    pub value: String,
    /// The same as a sentence without its full stop.
    pub words: String,
}

/// Which way a map changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Sign {
    /// `+`
    Added,
    /// `-`
    Removed,
    /// `~`
    Changed,
}

impl fmt::Display for Change {
    /// As a line: `+ follow-up.triggers reply.legal`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.sign {
            Sign::Added => '+',
            Sign::Removed => '-',
            Sign::Changed => '~',
        };
        write!(f, "{sign} {} {}", self.subject, self.value)
    }
}

/// A section of the file, and the keys that name an entry of it.
const SECTIONS: &[(&str, &[&str])] = &[
    ("agent", &["id"]),
    ("event", &["name"]),
    ("route", &["event", "when", "agent"]),
    ("field", &["path"]),
    ("output", &["name"]),
    ("queue", &["name"]),
    ("person", &["id"]),
    ("defer", &["agent", "to"]),
    ("contradiction", &["name"]),
    ("basis", &["actions"]),
    ("tool", &["server", "name"]),
];

/// The one table whose values are lists: each item is said with what it is of.
const OWN: &str = "except_of";

/// Lists whose order means something: they change as a whole.
const ORDERED: &[&str] = &["order", "priority", "then"];

/// What an entry's key means, for a value that came and one that went; `{who}` and `{what}` are filled in.
const WORDS: &[(&str, &str, &str)] = &[
    ("agent.writes", "`{who}` may write `{what}`", "`{who}` may no longer write `{what}`"),
    (
        "agent.except",
        "`{who}` no longer has `{what}`",
        "`{what}` is no longer taken out of what `{who}` writes",
    ),
    (
        "agent.except_of",
        "`{who}` no longer has `{what}`",
        "`{what}` is no longer taken out of what `{who}` writes",
    ),
    ("agent.triggers", "`{who}` answers `{what}`", "`{who}` no longer answers `{what}`"),
    ("agent.outputs", "`{who}` publishes to `{what}`", "`{who}` no longer publishes to `{what}`"),
    ("agent.reads", "`{who}` may read `{what}`", "`{who}` may no longer read `{what}`"),
    ("agent.hidden", "`{what}` is hidden from `{who}`", "`{what}` is no longer hidden from `{who}`"),
    (
        "contradiction.stops",
        "`{what}` waits while `{who}` is open",
        "`{what}` no longer waits while `{who}` is open",
    ),
    ("queue.deputies", "`{what}` may answer in `{who}`", "`{what}` no longer answers in `{who}`"),
];

/// Every difference, in the order of the file's sections; none where the maps say the same.
pub fn difference(old: &Model, new: &Model) -> Vec<Change> {
    let (old, new) = (object(old), object(new));
    let mut changes = Vec::new();
    let scalars = |model: &Object<String, Json>| {
        model
            .iter()
            .filter(|(_, value)| !value.is_array())
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect()
    };
    keys("map", "map", &scalars(&old), &scalars(&new), &mut changes);
    for (section, names) in SECTIONS {
        let (before, after) = (entries(&old, section, names), entries(&new, section, names));
        let order = listed(&old, section, names).into_iter().chain(listed(&new, section, names));
        let mut seen = BTreeSet::new();
        for name in order.filter(|name| seen.insert(name.clone())) {
            entry(section, &name, before.get(&name), after.get(&name), &mut changes);
        }
    }
    changes
}

fn object(model: &Model) -> Object<String, Json> {
    match serde_json::to_value(model) {
        Ok(Json::Object(object)) => object,
        Ok(_) | Err(_) => Object::new(),
    }
}

/// The names of a section's entries, in order; the second of one name is called `name (2)`.
fn listed(model: &Object<String, Json>, section: &str, names: &[&str]) -> Vec<String> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let items = model.get(section).and_then(Json::as_array).map_or(&[][..], Vec::as_slice);
    let name = |item: &Json| {
        let parts: Vec<String> = names.iter().filter_map(|key| item.get(key)).map(text).collect();
        parts.join(" → ")
    };
    items
        .iter()
        .map(|item| {
            let name = name(item);
            let count = counts.entry(name.clone()).or_default();
            *count += 1;
            if *count == 1 { name } else { format!("{name} ({count})") }
        })
        .collect()
}

fn entries(
    model: &Object<String, Json>,
    section: &str,
    names: &[&str],
) -> BTreeMap<String, Object<String, Json>> {
    let items = model.get(section).and_then(Json::as_array).map_or(&[][..], Vec::as_slice);
    let without_name = |item: &Json| {
        let keys = item.as_object().into_iter().flatten();
        keys.filter(|(key, _)| !names.contains(&key.as_str()))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect()
    };
    listed(model, section, names).into_iter().zip(items.iter().map(without_name)).collect()
}

fn entry(
    section: &str,
    name: &str,
    before: Option<&Object<String, Json>>,
    after: Option<&Object<String, Json>>,
    changes: &mut Vec<Change>,
) {
    let whole = |sign, words: &str| Change {
        sign,
        subject: section.to_owned(),
        value: name.to_owned(),
        words: format!("the {section} `{name}` {words}"),
    };
    let empty = Object::new();
    match (before, after) {
        (None, Some(_)) => changes.push(whole(Sign::Added, "is new")),
        (Some(_), None) => changes.push(whole(Sign::Removed, "is gone")),
        (Some(_), Some(_)) | (None, None) => {}
    }
    keys(section, name, before.unwrap_or(&empty), after.unwrap_or(&empty), changes);
}

/// The differences of one entry, key by key.
fn keys(
    section: &str,
    name: &str,
    before: &Object<String, Json>,
    after: &Object<String, Json>,
    changes: &mut Vec<Change>,
) {
    let all: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    for key in all {
        let (old, new) = (before.get(key), after.get(key));
        if old == new {
            continue;
        }
        let subject = format!("{name}.{key}");
        let is_set = |value: Option<&Json>| {
            value.is_none_or(|value| value.is_array() || key == OWN) && !ORDERED.contains(&key.as_str())
        };
        if is_set(old) && is_set(new) {
            let items = |value: Option<&Json>| -> Vec<String> {
                let own = value.and_then(Json::as_object).into_iter().flatten().flat_map(|(of, taken)| {
                    let taken = taken.as_array().into_iter().flatten();
                    taken.map(move |item| format!("{} of {of}", text(item)))
                });
                value.and_then(Json::as_array).into_iter().flatten().map(text).chain(own).collect()
            };
            let (old, new) = (items(old), items(new));
            let say = |sign, item: &String| Change {
                sign,
                subject: subject.clone(),
                value: item.clone(),
                words: words(section, key, sign, name, item),
            };
            changes
                .extend(old.iter().filter(|item| !new.contains(item)).map(|item| say(Sign::Removed, item)));
            changes.extend(new.iter().filter(|item| !old.contains(item)).map(|item| say(Sign::Added, item)));
            continue;
        }
        let (sign, value, words) = match (old.map(text), new.map(text)) {
            (None, Some(new)) => (Sign::Added, new.clone(), format!("{key} of `{name}` is `{new}`")),
            (Some(old), None) => {
                (Sign::Removed, old.clone(), format!("{key} of `{name}` is no longer `{old}`"))
            }
            (Some(old), Some(new)) => (
                Sign::Changed,
                format!("{old} → {new}"),
                format!("{key} of `{name}` was `{old}` and is `{new}`"),
            ),
            (None, None) => continue,
        };
        changes.push(Change { sign, subject, value, words });
    }
}

fn words(section: &str, key: &str, sign: Sign, who: &str, what: &str) -> String {
    let row = WORDS.iter().find(|(of, _, _)| of.split_once('.') == Some((section, key)));
    let sentence = match (row, sign) {
        (Some((_, added, _)), Sign::Added) => *added,
        (Some((_, _, removed)), Sign::Removed) => *removed,
        (None, Sign::Added) => "{key} of `{who}` has `{what}`",
        (None, Sign::Removed) => "{key} of `{who}` no longer has `{what}`",
        (_, Sign::Changed) => "{key} of `{who}` is `{what}`",
    };
    // The names come last: what they contain is not a place to fill in.
    let mut filled = String::new();
    let mut rest = sentence;
    while let Some((before, after)) = rest.split_once('{') {
        let (place, tail) = after.split_once('}').unwrap_or((after, ""));
        filled.push_str(before);
        filled.push_str(match place {
            "who" => who,
            "what" => what,
            _ => key,
        });
        rest = tail;
    }
    filled + rest
}

/// A value as people read it.
fn text(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        Json::Array(items) => items.iter().map(text).collect::<Vec<_>>().join(", "),
        Json::Object(object) => {
            let pairs: Vec<String> =
                object.iter().map(|(key, value)| format!("{key} = {}", text(value))).collect();
            pairs.join(", ")
        }
        Json::Null | Json::Bool(_) | Json::Number(_) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::map::edit::{self, Grant};

    fn lines(changes: &[Change]) -> Vec<String> {
        changes.iter().map(ToString::to_string).collect()
    }

    fn model() -> Model {
        let text = include_str!("../../../assets/maps/northwind.toml");
        crate::domain::map::parse(text).model.unwrap()
    }

    #[test]
    fn nothing_changed_nothing_said() {
        assert_eq!(difference(&model(), &model()), []);
    }

    #[test]
    fn a_grant_is_one_line() {
        let (agent, person) = ("follow-up".parse().unwrap(), "dana".parse().unwrap());
        let next = edit::grant(&model(), &agent, &Grant::Trigger("reply.legal".into()), &person).unwrap();
        let changes = difference(&model(), &next);
        assert_eq!(lines(&changes), ["+ follow-up.triggers reply.legal"]);
        assert_eq!(changes[0].words, "`follow-up` answers `reply.legal`");
        assert_eq!(lines(&difference(&next, &model())), ["- follow-up.triggers reply.legal"]);
    }

    #[test]
    fn every_part_is_compared() {
        let old = model();
        let mut new = old.clone();
        new.mode = crate::domain::map::Mode::Observe;
        new.agents[0].except.clear();
        new.agents.remove(6);
        new.queues[0].sla = crate::domain::time::Span::from_hours(8);
        new.queues[0].priority.reverse();
        new.routes[0].then.clear();
        new.contradictions[0].name = "{who} two truths".into();
        let shown = lines(&difference(&old, &new));
        let expected = [
            "~ map.mode enforce → observe",
            "- intake.except crm/lead/vip-*",
            "- agent reporting",
            "- reporting.writes reports/**",
            "~ ops.sla 1d → 8h",
            "~ ops.priority intake, follow-up, reporting → reporting, follow-up, intake",
            "- contradiction double truth",
            "+ contradiction {who} two truths",
        ];
        for line in expected {
            assert!(shown.iter().any(|shown| shown == line), "{line} in {shown:#?}");
        }
        assert!(
            shown
                .iter()
                .any(|line| line.starts_with("- email.received → ") && line.ends_with(".then reporting")),
            "{shown:#?}"
        );
    }

    #[test]
    fn a_new_agent_is_shown_with_its_zone() {
        let (agent, person) = ("scout".parse().unwrap(), "dana".parse().unwrap());
        let wanted = Grant::Write("market/*".parse().unwrap());
        let next = edit::grant(&model(), &agent, &wanted, &person).unwrap();
        let shown = lines(&difference(&model(), &next));
        assert_eq!(shown[..3], ["+ agent scout", "+ scout.owner dana", "+ scout.writes market/*"]);
        assert!(shown[3].starts_with("~ ops.priority "));
    }
}
