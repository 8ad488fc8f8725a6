//! A test file: the map that it is about, and its cases. What is wrong with it is said in place.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use toml::de::DeTable;

use super::clock::{self, When};
use super::expect::EXPECTATIONS;
use super::given::{Given, given};
use super::reader::{Entry, Fault, Kind, Placed};
use super::steps::{KEYS, VERBS, Verb};
use crate::domain::command::Principal;
use crate::domain::ids::{Actor, PersonId};
use crate::domain::map::{self, Model, Queue, nearest_name};
use crate::domain::things::TokenClass;
use crate::domain::time::Time;

/// A test file that was read.
pub struct Suite {
    /// The map's file, as the test file names it.
    pub map: String,
    /// The map.
    pub model: Arc<Model>,
    /// Its cases.
    pub cases: Vec<Case>,
    /// The file, to show what was expected in its own words.
    pub(super) text: String,
}

/// One case: it begins with an empty workspace, and ends at the first step that comes out otherwise.
pub struct Case {
    /// What it shows.
    pub name: String,
    pub(super) span: Range<usize>,
    pub(super) begins: Time,
    pub(super) given: Vec<Given>,
    pub(super) steps: Vec<Step>,
}

/// One step: who does what, when, and what must come of it.
pub(super) struct Step {
    pub(super) span: Range<usize>,
    pub(super) who: Option<Principal>,
    pub(super) at: Option<When>,
    pub(super) verb: Option<&'static Verb>,
    pub(super) keys: BTreeMap<&'static str, Placed>,
    /// The map of `apply`.
    pub(super) map: Option<Arc<Model>>,
}

const HEAD: &[(&str, Kind)] = &[
    ("map", Kind::Text),
    ("begins", Kind::Moment),
    ("admins", Kind::Names),
    ("given", Kind::Records),
    ("case", Kind::Tables),
];
const CASE: &[(&str, Kind)] =
    &[("name", Kind::Text), ("begins", Kind::Moment), ("given", Kind::Records), ("steps", Kind::Tables)];

/// What reads a file that a test file names; an error in words.
pub(super) type Files<'a> = &'a dyn Fn(&str) -> Result<String, String>;

/// What all steps of a file are read with.
struct Reading<'a> {
    model: Arc<Model>,
    admins: BTreeSet<String>,
    files: Files<'a>,
    faults: Vec<Fault>,
}

impl Suite {
    /// Reads a test file; `files` reads the maps that it names, as they stand in it.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn read(text: &str, files: Files<'_>) -> Result<Self, Vec<Fault>> {
        let (table, errors) = DeTable::parse_recoverable(text);
        if !errors.is_empty() {
            let fault = |error: &toml::de::Error| {
                let mend = "correct it where it is underlined";
                Fault::new(error.span().unwrap_or(0..0), error.message(), mend)
            };
            return Err(errors.iter().map(fault).collect());
        }
        let mut faults = Vec::new();
        let head = Entry { table: table.get_ref(), span: 0..0 };
        let keys = head.read("the head of a test file", HEAD, &mut faults);
        let Some(map) = keys.get("map") else {
            faults.push(Fault::new(0..0, "the file names no map", "add `map = \"map.toml\"` at its top"));
            return Err(faults);
        };
        let name = map.json.as_str().unwrap_or_default().to_owned();
        let model = match model(&name, files) {
            Ok(model) => model,
            Err((message, mend)) => {
                faults.push(Fault::new(map.span.clone(), message, mend));
                return Err(faults);
            }
        };
        let admins = super::desk::texts(keys.get("admins").map(|admins| &admins.json));
        let admins = admins.map(str::to_owned).collect();
        let mut reading = Reading { model: Arc::clone(&model), admins, files, faults };
        let cases = head.tables("case").iter().map(|entry| reading.case(entry, &keys)).collect();
        if !reading.faults.is_empty() {
            reading.faults.sort_by_key(|fault| fault.span.start);
            return Err(reading.faults);
        }
        Ok(Self { map: name, model, cases, text: text.to_owned() })
    }
}

fn model(name: &str, files: Files<'_>) -> Result<Arc<Model>, (String, String)> {
    let text = files(name).map_err(|why| (why, "name a map that you may read".to_owned()))?;
    map::parse(&text).applicable().map(Arc::new).map_err(|findings| {
        let errors = findings.iter().filter(|finding| finding.is_error());
        let first = errors.clone().next().map(|finding| finding.message.clone()).unwrap_or_default();
        let message = format!("{name} can't be applied, it has {} errors: {first}", errors.count());
        (message, format!("`deeds map check {name}` shows where"))
    })
}

type Keys = BTreeMap<&'static str, Placed>;

impl Reading<'_> {
    fn case(&mut self, entry: &Entry<'_, '_>, head: &Keys) -> Case {
        let keys = entry.read("[[case]]", CASE, &mut self.faults);
        let name = keys.get("name").and_then(|name| name.json.as_str()).unwrap_or_default().to_owned();
        if name.trim().is_empty() {
            self.faults.push(Fault::new(entry.span.clone(), "a case has no name", "add `name = \"…\"`"));
        }
        let begins = keys.get("begins").or_else(|| head.get("begins"));
        let begins = begins.and_then(|begins| When::read(begins.json.as_str()?));
        let usual = clock::usual(&self.model);
        let begins = begins.and_then(|when| when.instant(usual, &self.model)).unwrap_or(usual);
        let mut values = given(head.get("given"), &mut self.faults);
        values.extend(given(keys.get("given"), &mut self.faults));
        let steps = entry.tables("steps").iter().map(|entry| self.step(entry)).collect();
        Case { name, span: entry.span.clone(), begins, given: values, steps }
    }

    fn step(&mut self, entry: &Entry<'_, '_>) -> Step {
        let verbs = VERBS.iter().map(|verb| (verb.name, verb.kind));
        let expected = EXPECTATIONS.iter().map(|expected| (expected.name, expected.kind));
        let known: Vec<(&str, Kind)> = KEYS.iter().copied().chain(verbs).chain(expected).collect();
        let before = self.faults.len();
        let keys = entry.read("a step", &known, &mut self.faults);
        let named: Vec<&Verb> = VERBS.iter().filter(|verb| keys.contains_key(verb.name)).collect();
        let verb = named.first().copied();
        if let [one, other, ..] = named.as_slice() {
            let message = format!("a step does one thing, this says `{}` and `{}`", one.name, other.name);
            self.faults.push(Fault::new(entry.span.clone(), message, "make two steps of it"));
        } else if self.faults.len() == before {
            self.faults.extend(misfit(verb, &keys, &entry.span));
        }
        let at = keys.get("at").and_then(|at| When::read(at.json.as_str()?));
        let who = keys.get("by").and_then(|by| self.who(by));
        let map = if verb.is_some_and(|verb| verb.name == "apply") { self.apply(&keys) } else { None };
        Step { span: entry.span.clone(), who, at, verb, keys, map }
    }

    fn apply(&mut self, keys: &Keys) -> Option<Arc<Model>> {
        let file = keys.get("apply")?;
        match model(file.json.as_str().unwrap_or_default(), self.files) {
            Ok(model) => Some(model),
            Err((message, mend)) => {
                self.faults.push(Fault::new(file.span.clone(), message, mend));
                None
            }
        }
    }

    /// Who does it: an agent of the map, or a person that it or the head of the file names. Anybody else says which.
    fn who(&mut self, by: &Placed) -> Option<Principal> {
        let text = by.json.as_str().unwrap_or_default();
        let people = people(&self.model, &self.admins);
        let is_agent = self.model.agents.iter().any(|agent| agent.id.as_str() == text);
        let read = if let Some(name) = text.strip_prefix("agent:") {
            name.parse().map(Actor::Agent).map_err(|error| format!("{error}"))
        } else if let Some(name) = text.strip_prefix("person:") {
            name.parse().map(Actor::Person).map_err(|error| format!("{error}"))
        } else if is_agent {
            text.parse().map(Actor::Agent).map_err(|error| format!("{error}"))
        } else if people.contains(text) {
            text.parse().map(Actor::Person).map_err(|error| format!("{error}"))
        } else {
            let agents = self.model.agents.iter().map(|agent| agent.id.as_str());
            let near = nearest_name(text, agents.chain(people.iter().map(String::as_str)));
            let mend = match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("write `agent:{text}` or `person:{text}` for somebody whom it does not know"),
            };
            Err(format!("the map names nobody {text:?}; {mend}"))
        };
        match read {
            Ok(actor) => {
                let class = match &actor {
                    Actor::Person(person) if self.admins.contains(person.as_str()) => TokenClass::Admin,
                    Actor::Person(_) => TokenClass::Reviewer,
                    Actor::Agent(_) | Actor::Deeds => TokenClass::Agent,
                };
                Some(Principal { actor, class, token: None })
            }
            Err(why) => {
                let (message, mend) = why.rsplit_once("; ").unwrap_or((&why, "correct it"));
                self.faults.push(Fault::new(by.span.clone(), message, mend));
                None
            }
        }
    }
}

/// Everybody whom the map or the file knows as a person.
fn people(model: &Model, admins: &BTreeSet<String>) -> BTreeSet<String> {
    let owners = model.agents.iter().map(|agent| &agent.owner);
    let reviewers = model.queues.iter().flat_map(Queue::reviewers);
    let named = model.people.iter().map(|person| &person.id);
    let all = owners.chain(reviewers).chain(named).chain(&model.governance_owner);
    all.map(PersonId::to_string).chain(admins.iter().cloned()).collect()
}

/// What does not go together in a step.
fn misfit(verb: Option<&Verb>, keys: &Keys, span: &Range<usize>) -> Vec<Fault> {
    let mut faults = Vec::new();
    let Some(verb) = verb else {
        for (key, value) in keys {
            let of_answer = EXPECTATIONS.iter().any(|expected| expected.name == *key && expected.of_answer);
            if of_answer || KEYS.iter().any(|(name, _)| name == key && *name != "at") {
                let message =
                    format!("`{key}` belongs to something that is done, and this step does nothing");
                faults.push(Fault::new(value.span.clone(), message, "say what is done, such as `write`"));
            }
        }
        return faults;
    };
    let missing = verb.needs.iter().copied().chain(["by"]).filter(|key| !keys.contains_key(key));
    for key in missing {
        faults.push(Fault::new(
            span.clone(),
            format!("`{}` needs `{key}`", verb.name),
            format!("add `{key} = …`"),
        ));
    }
    let takes =
        |key: &&str| verb.takes.contains(key) || verb.needs.contains(key) || ["by", "at"].contains(key);
    for (key, value) in keys {
        if KEYS.iter().any(|(name, _)| name == key) && !takes(key) {
            let takes: Vec<&str> = verb.needs.iter().chain(verb.takes).copied().collect();
            let mend = if takes.is_empty() {
                "remove it".to_owned()
            } else {
                format!("it takes {}", takes.join(", "))
            };
            faults.push(Fault::new(value.span.clone(), format!("`{}` takes no `{key}`", verb.name), mend));
        }
    }
    faults
}

/// A text of the file as it stands, for those who are told of it.
pub(super) fn written(text: &str, span: &Range<usize>) -> String {
    text.get(span.clone()).unwrap_or_default().to_owned()
}

/// The line of a byte, from 1.
pub(super) fn line_of(text: &str, at: usize) -> usize {
    text.get(..at).unwrap_or(text).matches('\n').count() + 1
}
