//! What answers in the inbox have changed of a map, laid onto another map: so that a file that was written without it takes
//! none of it back unseen, whoever has put another file with it in force since.

use serde_json::{Map as Object, Value as Json};

use super::diff::{Change, difference};
use super::model::Model;

/// The sections in which answers change something, and what names an entry there.
pub const CHANGED: &[(&str, &[&str])] =
    &[("agent", &["id"]), ("queue", &["name"]), ("tool", &["server", "name"])];

/// Whether two entries of a section are of one name.
pub fn is_of_one_name(names: &[&str], one: &Json, other: &Json) -> bool {
    names.iter().all(|name| one.get(name) == other.get(name))
}

/// `file` with all that is in `now` and was not in `base`, and without what is gone since. None where no map has that
/// form, which no answer leads to.
pub fn onto(base: &Model, now: &Model, file: &Model) -> Option<Model> {
    let (base, now) = (object(base)?, object(now)?);
    let mut merged = object(file)?;
    for (key, value) in now.iter().filter(|(key, value)| !value.is_array() && base.get(*key) != Some(value)) {
        merged.insert(key.clone(), value.clone());
    }
    for (section, names) in CHANGED {
        let (before, after) = (entries(&base, section), entries(&now, section));
        let is = |entry: &Json, other: &Json| is_of_one_name(names, entry, other);
        let found = |entry: &Json, all: &[Json]| all.iter().find(|other| is(entry, other)).cloned();
        let mut theirs = entries(&merged, section);
        for entry in &after {
            let mine = theirs.iter_mut().find(|other| is(entry, other));
            match (mine, found(entry, &before)) {
                (Some(mine), Some(before)) => lay(&before, entry, mine),
                // Both made it known: what answers gave it is added to what the file says.
                (Some(mine), None) => lay(&Json::Null, entry, mine),
                (None, None) => theirs.push(entry.clone()),
                // The file takes out what it knew: that is its own change.
                (None, Some(_)) => {}
            }
        }
        if !theirs.is_empty() {
            merged.insert((*section).to_owned(), Json::Array(theirs));
        }
    }
    serde_json::from_value(Json::Object(merged)).ok()
}

/// `file`, put in force after `now`, less what answers gave of it: `without` is the same of `now`. What answers took away and
/// `file` lacks too is there again.
pub fn unanswered(without: &Model, now: &Model, file: &Model) -> Option<Model> {
    let mut bare = object(&onto(now, without, file)?)?;
    let (before, known) = (object(now)?, object(without)?);
    for (section, names) in CHANGED {
        let is = |entry: &Json, other: &Json| is_of_one_name(names, entry, other);
        let (before, known) = (entries(&before, section), entries(&known, section));
        let mut theirs = entries(&bare, section);
        theirs.retain_mut(|mine| {
            // Whom an answer made known has of the file what came to it there.
            let Some(joined) = before.iter().find(|entry| is(entry, mine)) else { return true };
            if known.iter().any(|entry| is(entry, mine)) {
                return true;
            }
            lay(joined, &Json::Object(Object::new()), mine);
            mine.as_object().is_some_and(|mine| mine.values().any(Json::is_array))
        });
        if theirs.is_empty() {
            bare.remove(*section);
        } else {
            bare.insert((*section).to_owned(), Json::Array(theirs));
        }
    }
    serde_json::from_value(Json::Object(bare)).ok()
}

/// What a map takes back of what answers have changed since `base`: the difference from it to the same with that.
pub fn taken_back(base: &Model, now: &Model, file: &Model) -> Vec<Change> {
    onto(base, now, file).map(|merged| difference(file, &merged)).unwrap_or_default()
}

/// Lays what became of an entry onto another one of that name: what came into its lists and what went out of them.
fn lay(before: &Json, after: &Json, mine: &mut Json) {
    let (Json::Object(after), Json::Object(mine)) = (after, mine) else { return };
    let empty = Vec::new();
    let list = |entry: &Json, key: &str| entry.get(key).and_then(Json::as_array).cloned().unwrap_or_default();
    let keys: Vec<String> =
        after.keys().cloned().chain(before.as_object().into_iter().flat_map(Object::keys).cloned()).collect();
    for key in keys {
        let now = after.get(&key).and_then(Json::as_array).unwrap_or(&empty);
        let then = list(before, &key);
        let came: Vec<&Json> = now.iter().filter(|item| !then.contains(item)).collect();
        let went: Vec<&Json> = then.iter().filter(|item| !now.contains(item)).collect();
        if came.is_empty() && went.is_empty() {
            continue;
        }
        let mut items = mine.get(&key).and_then(Json::as_array).cloned().unwrap_or_default();
        items.retain(|item| !went.contains(&item));
        items.extend(came.into_iter().filter(|item| !items.contains(item)).cloned().collect::<Vec<_>>());
        if items.is_empty() {
            mine.remove(&key);
        } else {
            mine.insert(key, Json::Array(items));
        }
    }
}

fn object(model: &Model) -> Option<Object<String, Json>> {
    match serde_json::to_value(model) {
        Ok(Json::Object(object)) => Some(object),
        Ok(_) | Err(_) => None,
    }
}

fn entries(model: &Object<String, Json>, section: &str) -> Vec<Json> {
    model.get(section).and_then(Json::as_array).cloned().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::map::{Does, Grant, ToolRow, edit, parse};

    const FILE: &str = "
workspace = \"w\"
governance_owner = \"dana\"
[[agent]]
id = \"intake\"
owner = \"dana\"
writes = [\"crm/contact/*#name\", \"crm/lead/*\"]
except = [\"crm/lead/vip-*\"]
[[queue]]
name = \"ops\"
owner = \"dana\"
review = \"daily 09:00\"
";

    fn model(text: &str) -> Model {
        parse(text).applicable().unwrap()
    }

    fn grant(model: &Model, agent: &str, pattern: &str) -> Model {
        let dana = "dana".parse().unwrap();
        edit::grant(model, &agent.parse().unwrap(), &Grant::Write(pattern.parse().unwrap()), &dana).unwrap()
    }

    #[test]
    fn what_answers_gave_is_laid_onto_a_file_that_went_on_meanwhile() {
        let base = model(FILE);
        let now = grant(
            &grant(&grant(&base, "intake", "crm/contact/*#score"), "scout", "market/*"),
            "intake",
            "crm/lead/vip-*",
        );
        let file = model(&FILE.replace("\"crm/lead/*\"]", "\"crm/lead/*\", \"crm/deal/*\"]"));
        let merged = onto(&base, &now, &file).unwrap();
        let words: Vec<String> = taken_back(&base, &now, &file).iter().map(ToString::to_string).collect();
        assert_eq!(
            words,
            [
                "- intake.except crm/lead/vip-*",
                "+ intake.writes crm/contact/*#score",
                "+ intake.writes crm/lead/vip-*",
                "+ agent scout",
                "+ scout.owner dana",
                "+ scout.writes market/*",
                "+ ops.priority intake, scout",
            ],
        );
        let intake = merged.agent(&"intake".parse().unwrap()).unwrap();
        assert_eq!(intake.writes.len(), 5, "the file's own grant stays: {:?}", intake.writes);
        assert!(taken_back(&base, &now, &merged).is_empty(), "what was pulled takes nothing back");
        assert_eq!(onto(&base, &now, &merged), Some(merged));
    }

    /// What a tool means was said by an answer: a file that was written before keeps it.
    #[test]
    fn a_tool_that_an_answer_named_is_kept() {
        let base = model(FILE);
        let row = ToolRow { entity: Some("crm/{id}".to_owned()), ..ToolRow::new("crm", "get", Does::Read) };
        let (intake, dana) = ("intake".parse().unwrap(), "dana".parse().unwrap());
        let now = edit::grant(&base, &intake, &Grant::Tool(Box::new(row)), &dana).unwrap();
        let taken = taken_back(&base, &now, &base);
        assert_eq!(taken[0].to_string(), "+ tool crm → get", "{taken:?}");
        let merged = onto(&base, &now, &base).unwrap();
        assert_eq!(merged.tools, now.tools);
        assert_eq!(unanswered(&base, &now, &merged), Some(base));
    }

    #[test]
    fn where_no_answer_changed_anything_nothing_is_taken_back() {
        let base = model(FILE);
        let other =
            model(&FILE.replace("\"crm/lead/*\"]", "]").replace("except = [\"crm/lead/vip-*\"]\n", ""));
        assert!(taken_back(&base, &base, &other).is_empty());
        assert_eq!(onto(&base, &base, &other), Some(other));
    }

    #[test]
    fn what_the_file_takes_out_as_a_whole_is_its_own_change() {
        let base = model(FILE);
        let now = grant(&base, "intake", "crm/contact/*#score");
        let without = model(&FILE.replace("id = \"intake\"", "id = \"reception\""));
        assert!(taken_back(&base, &now, &without).is_empty());
    }

    #[test]
    fn what_answers_gave_stays_theirs_when_a_file_has_it() {
        let base = model(FILE);
        let now = grant(&grant(&base, "intake", "crm/contact/*#score"), "scout", "market/*");
        let pulled = onto(&base, &now, &base).unwrap();
        let without = unanswered(&base, &now, &pulled).unwrap();
        assert_eq!(without, base);
        let old = taken_back(&without, &pulled, &base);
        assert_eq!(old.len(), 5, "an old file takes it back: {old:?}");
        assert!(taken_back(&without, &pulled, &pulled).is_empty());

        // What the file adds is its own, and what it took out on purpose is gone.
        let own = grant(&pulled, "scout", "media/*");
        let without = unanswered(&without, &pulled, &own).unwrap();
        let words: Vec<String> =
            taken_back(&without, &own, &pulled).iter().map(ToString::to_string).collect();
        assert!(words.is_empty(), "{words:?}");
        assert_eq!(unanswered(&without, &own, &base), Some(base.clone()));
    }
}
