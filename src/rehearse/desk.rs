//! From a step to a command, as a careful caller makes it: the versions of now are named unless it goes by what it
//! remembers, items with what is shown of them, work and leases by what they are about.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map as Object, Value as Json, json};

use super::file::Step;
use super::steps::Verb;
use super::world::World;
use crate::domain::command::{ApplyMap, Command, Principal};
use crate::domain::ids::{AgentId, Version};
use crate::domain::path::{EntityPath, FieldPath};
use crate::domain::query::{EntityView, read as look};
use crate::domain::things::{LeaseTarget, Work, WorkKind};

/// For how long a lease is taken where nothing is said.
const TTL: &str = "10m";

/// What a step does.
pub(super) enum Doing {
    /// Asks the rules.
    Ask(Box<Command>),
    /// Looks at a record, or at one of its fields.
    Read(FieldPath),
}

/// What each has read in this case, and when last.
pub(super) type Memory = BTreeMap<(String, EntityPath), Option<EntityView>>;

/// A step about to be done: what it says, and what is there.
pub(super) struct Desk<'a> {
    pub(super) step: &'a Step,
    pub(super) who: &'a Principal,
    pub(super) world: &'a World,
    pub(super) memory: &'a Memory,
}

impl Desk<'_> {
    /// What it does.
    pub(super) fn make(&self, verb: &Verb) -> Result<Doing, String> {
        let read = |(who, _): &(String, EntityPath)| *who == *self.who.actor.name();
        if self.flag("from_memory") && !self.memory.keys().any(read) {
            return Err(format!("{} has read nothing in this case that it could go by", self.who.actor));
        }
        (verb.make)(self)
    }

    fn get(&self, key: &str) -> Option<&Json> {
        self.step.keys.get(key).map(|placed| &placed.json)
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.get(key).and_then(Json::as_str)
    }

    fn flag(&self, key: &str) -> bool {
        self.get(key).and_then(Json::as_bool).unwrap_or_default()
    }

    /// What the verb's own key says.
    fn verb(&self) -> Result<&Json, String> {
        let name = self.step.verb.map(|verb| verb.name).unwrap_or_default();
        self.get(name).ok_or_else(|| format!("`{name}` says nothing"))
    }

    fn verb_text(&self) -> Result<&str, String> {
        self.verb()?.as_str().ok_or_else(|| "its verb takes a text".to_owned())
    }

    fn entity(&self) -> Result<EntityPath, String> {
        self.verb_text()?.parse().map_err(|error| format!("{error}"))
    }

    fn agent(&self) -> Result<&AgentId, String> {
        self.who.actor.agent().ok_or_else(|| format!("{} is no agent", self.who.actor))
    }

    /// A command with these keys; those that are missing are left out.
    fn ask<const N: usize>(
        &self,
        name: &str,
        own: [(&str, Json); N],
        keys: &[(&str, &str)],
    ) -> Result<Doing, String> {
        let mut body = Object::new();
        body.insert("do".to_owned(), Json::from(name));
        body.extend(own.into_iter().map(|(key, value)| (key.to_owned(), value)));
        let said =
            keys.iter().filter_map(|(key, as_key)| Some(((*as_key).to_owned(), self.get(key)?.clone())));
        body.extend(said);
        asked(Json::Object(body))
    }

    /// The version of a field, or of a record as a whole, as the caller has it: what it has read and goes by, else as it is.
    fn version(&self, path: &FieldPath) -> Version {
        let known = self.memory.get(&(self.who.actor.to_string(), path.entity.clone()));
        let view = match known.filter(|_| self.flag("from_memory")) {
            Some(remembered) => remembered.clone(),
            None => look(&self.world.state, &self.who.actor, &path.entity),
        };
        let Some(view) = view else { return Version(0) };
        if path.field.is_whole() {
            return view.version;
        }
        view.fields.get(&path.field).map(|field| field.version).unwrap_or_default()
    }

    fn based_on(&self) -> Result<Json, String> {
        let mut versions = Object::new();
        for path in texts(self.get("based_on")) {
            let path: FieldPath = path.parse().map_err(|error| format!("{error}"))?;
            versions.insert(path.to_string(), Json::from(self.version(&path).0));
        }
        Ok(Json::Object(versions))
    }

    fn lease_target(&self) -> Result<LeaseTarget, String> {
        let text = self.verb_text()?;
        let target = match text.strip_prefix("task:") {
            Some(task) => json!({"task": task}),
            None => json!({"path": text}),
        };
        serde_json::from_value(target).map_err(|error| error.to_string())
    }

    fn fence(&self) -> Result<u64, String> {
        let (agent, target) = (self.agent()?, self.lease_target()?);
        let mut leases = self.world.state.board.leases.values();
        let mine = leases.find(|lease| lease.holder == *agent && lease.target == target);
        // One that it never had, or has no more, is refused by its number.
        Ok(mine.map_or(0, |lease| lease.fence.0))
    }

    /// The oldest work of the caller's stream that is meant.
    fn work(&self) -> Result<&Work, String> {
        let (agent, of) = (self.agent()?, self.verb_text()?);
        let subject = self.text("on");
        let is_about = |work: &&Arc<Work>| {
            subject.is_none_or(|on| work.subject.as_ref().is_some_and(|subject| subject.as_str() == on))
        };
        let mut works = self.world.state.board.work_of(agent);
        works.find(|work| means(work, of) && is_about(work)).map(|work| &**work).ok_or_else(|| {
            let open = self.world.state.board.work_of(agent).map(|work| format!("{:?}", name_of(work)));
            let open: Vec<String> = open.collect();
            let open = if open.is_empty() { "nothing".to_owned() } else { open.join(", ") };
            format!("there is no {of:?} in the stream of {agent}, which has {open}")
        })
    }
}

fn asked(body: Json) -> Result<Doing, String> {
    serde_json::from_value(body)
        .map(|command| Doing::Ask(Box::new(command)))
        .map_err(|error| error.to_string())
}

/// One text or several.
pub(super) fn texts(json: Option<&Json>) -> impl Iterator<Item = &str> {
    let all = json.map(|json| json.as_array().map_or(std::slice::from_ref(json), Vec::as_slice));
    all.unwrap_or_default().iter().filter_map(Json::as_str)
}

/// What a test file calls an item of a stream.
pub(super) fn name_of(work: &Work) -> String {
    match &work.kind {
        WorkKind::Dispatch { event, .. } => event.to_string(),
        WorkKind::Handoff { order, .. } => order.task.to_string(),
        WorkKind::Returned { task, .. } => task.to_string(),
        WorkKind::Branch { input, .. } => input.plain(),
        WorkKind::Proposal { write, .. } => write.entity.to_string(),
        WorkKind::Decision { .. }
        | WorkKind::Notice { .. }
        | WorkKind::Ruling { .. }
        | WorkKind::Join { .. }
        | WorkKind::Changed { .. }
        | WorkKind::Free { .. } => work.kind.word().to_owned(),
    }
}

fn means(work: &Work, of: &str) -> bool {
    name_of(work) == of || work.kind.word() == of
}

pub(super) fn read(desk: &Desk<'_>) -> Result<Doing, String> {
    Ok(Doing::Read(desk.verb_text()?.parse().map_err(|error| format!("{error}"))?))
}

pub(super) fn write(desk: &Desk<'_>) -> Result<Doing, String> {
    let entity = desk.entity()?;
    let mut changes = desk.get("set").and_then(Json::as_object).cloned().unwrap_or_default();
    if let Some(text) = desk.get("text") {
        changes.insert(String::new(), text.clone());
    }
    let mut expected = Object::new();
    for name in changes.keys() {
        let field = name.parse().map_err(|error| format!("{error}"))?;
        let version = desk.version(&FieldPath::new(entity.clone(), field));
        expected.insert(name.clone(), Json::from(version.0));
    }
    put(desk, "update", [("changes", Json::Object(changes)), ("expected", Json::Object(expected))])
}

pub(super) fn create(desk: &Desk<'_>) -> Result<Doing, String> {
    let mut changes = desk.get("set").and_then(Json::as_object).cloned().unwrap_or_default();
    if let Some(text) = desk.get("text") {
        changes.insert(String::new(), text.clone());
    }
    put(desk, "create", [("changes", Json::Object(changes))])
}

pub(super) fn archive(desk: &Desk<'_>) -> Result<Doing, String> {
    remove(desk, "archive")
}

pub(super) fn delete(desk: &Desk<'_>) -> Result<Doing, String> {
    remove(desk, "delete")
}

fn remove(desk: &Desk<'_>, op: &str) -> Result<Doing, String> {
    let version = desk.version(&FieldPath::whole(desk.entity()?));
    put(desk, op, [("expected", Json::from(version.0))])
}

fn put<const N: usize>(desk: &Desk<'_>, op: &str, own: [(&str, Json); N]) -> Result<Doing, String> {
    let entity = desk.entity()?;
    let mut body = Object::new();
    body.insert("do".to_owned(), Json::from("write"));
    body.insert("op".to_owned(), Json::from(op));
    body.insert("entity".to_owned(), Json::from(entity.as_str()));
    body.insert("depends_on".to_owned(), desk.based_on()?);
    body.extend(own.into_iter().map(|(key, value)| (key.to_owned(), value)));
    if desk.flag("with_token") {
        let agent = desk.agent()?;
        let held = |target: &LeaseTarget| matches!(target, LeaseTarget::Path(path) if path.entity == entity);
        let mut leases = desk.world.state.board.leases.values();
        let fence = leases.find(|lease| lease.holder == *agent && held(&lease.target));
        body.insert("lease".to_owned(), Json::from(fence.map_or(0, |lease| lease.fence.0)));
    }
    if let Some(why) = desk.get("why") {
        body.insert("reason".to_owned(), why.clone());
    }
    asked(Json::Object(body))
}

pub(super) fn act(desk: &Desk<'_>) -> Result<Doing, String> {
    let keys =
        [("on", "subject"), ("action", "action"), ("thread", "thread"), ("wait", "wait"), ("why", "reason")];
    desk.ask("act", [("target", desk.verb()?.clone()), ("depends_on", desk.based_on()?)], &keys)
}

pub(super) fn done(desk: &Desk<'_>) -> Result<Doing, String> {
    end_act(desk, true)
}

pub(super) fn failed(desk: &Desk<'_>) -> Result<Doing, String> {
    end_act(desk, false)
}

fn end_act(desk: &Desk<'_>, done: bool) -> Result<Doing, String> {
    let (agent, target) = (desk.agent()?, desk.verb_text()?);
    let mut acts = desk.world.state.board.acts.values();
    let open = acts.find(|act| act.agent == *agent && *act.target == *target);
    let open = open.ok_or_else(|| format!("{agent} has no act open on {target}"))?;
    desk.ask("act-end", [("act", Json::from(open.no.0)), ("done", Json::from(done))], &[("why", "note")])
}

pub(super) fn publish(desk: &Desk<'_>) -> Result<Doing, String> {
    let body = desk.get("body").cloned().unwrap_or_else(|| Json::from("…"));
    let own = [("output", desk.verb()?.clone()), ("body", body), ("depends_on", desk.based_on()?)];
    let keys = [("thread", "thread"), ("on", "subject"), ("action", "action"), ("why", "reason")];
    desk.ask("publish", own, &keys)
}

pub(super) fn escalate(desk: &Desk<'_>) -> Result<Doing, String> {
    desk.ask("escalate", [("input", desk.verb()?.clone())], &[("on", "subject"), ("why", "why")])
}

pub(super) fn conclude(desk: &Desk<'_>) -> Result<Doing, String> {
    let own = [("question", desk.verb()?.clone()), ("depends_on", desk.based_on()?)];
    desk.ask("conclude", own, &[("on", "subject"), ("found", "answer"), ("why", "reason")])
}

pub(super) fn raise(desk: &Desk<'_>) -> Result<Doing, String> {
    let keys = [("with", "attributes"), ("on", "subject"), ("why", "reason")];
    desk.ask("raise", [("event", desk.verb()?.clone())], &keys)
}

pub(super) fn claim(desk: &Desk<'_>) -> Result<Doing, String> {
    let keys = [("key", "key"), ("with", "attributes"), ("on", "subject")];
    desk.ask("claim", [("event", desk.verb()?.clone())], &keys)
}

pub(super) fn take(desk: &Desk<'_>) -> Result<Doing, String> {
    desk.ask("take", [("work", Json::from(desk.work()?.no.0))], &[])
}

macro_rules! of_work {
    ($($name:ident = $step:literal;)*) => {
        $(pub(super) fn $name(desk: &Desk<'_>) -> Result<Doing, String> {
            let work = desk.work()?;
            let own = [
                ("work", Json::from(work.no.0)),
                ("step", Json::from($step)),
                ("attempt", Json::from(work.attempts)),
            ];
            desk.ask("work", own, &[("result", "result"), ("why", "note")])
        })*
    };
}
of_work! {
    complete = "complete";
    accept = "accept";
    decline = "decline";
    fail = "fail";
    give_back = "return";
}

pub(super) fn hand_over(desk: &Desk<'_>) -> Result<Doing, String> {
    let or = |key: &str, other: Json| desk.get(key).cloned().unwrap_or(other);
    let product = json!({"result": desk.get("result"), "status": or("status", "done".into())});
    let own = [
        ("task", desk.verb()?.clone()),
        ("work_product", product),
        ("context", or("context", json!({}))),
        ("constraints", or("constraints", json!([]))),
        ("attempt", or("attempt", 1.into())),
    ];
    desk.ask(
        "handoff",
        own,
        &[("to", "to"), ("max_attempts", "max_attempts"), ("on", "subject"), ("why", "reason")],
    )
}

pub(super) fn fan_out(desk: &Desk<'_>) -> Result<Doing, String> {
    let keys = [("within", "deadline"), ("needed", "needed"), ("on", "subject"), ("why", "reason")];
    desk.ask("fan-out", [("branches", desk.verb()?.clone())], &keys)
}

fn ttl(desk: &Desk<'_>) -> Json {
    desk.get("for").cloned().unwrap_or_else(|| Json::from(TTL))
}

pub(super) fn lease(desk: &Desk<'_>) -> Result<Doing, String> {
    let target = serde_json::to_value(desk.lease_target()?).map_err(|error| error.to_string())?;
    desk.ask("lease", [("step", "acquire".into()), ("target", target), ("ttl", ttl(desk))], &[])
}

pub(super) fn renew(desk: &Desk<'_>) -> Result<Doing, String> {
    desk.ask("lease", [("step", "renew".into()), ("lease", desk.fence()?.into()), ("ttl", ttl(desk))], &[])
}

pub(super) fn release(desk: &Desk<'_>) -> Result<Doing, String> {
    desk.ask("lease", [("step", "release".into()), ("lease", desk.fence()?.into())], &[])
}

pub(super) fn transfer(desk: &Desk<'_>) -> Result<Doing, String> {
    desk.ask("lease", [("step", "transfer".into()), ("lease", desk.fence()?.into())], &[("to", "to")])
}

pub(super) fn answer(desk: &Desk<'_>) -> Result<Doing, String> {
    let items = &desk.world.state.board.items;
    let named = desk.get("item").and_then(Json::as_u64);
    let item = match named {
        Some(no) => items.values().find(|item| item.no.0 == no),
        None => items.values().next_back(),
    };
    let no = item.map(|item| item.no.0).or(named).ok_or("no item is open")?;
    let why = desk.get("why").cloned();
    let answer = match desk.verb()?.as_str() {
        Some("expand") => {
            let suggestion = item.and_then(|item| item.suggestion.as_ref());
            let suggestion = suggestion.ok_or("nothing is suggested there; write the answer as a table")?;
            json!({"kind": "expand", "agent": suggestion.agent, "grant": suggestion.grant, "note": why})
        }
        Some(word) => {
            let note = if word == "out-of-scope" { "reason" } else { "note" };
            let mut answer = Object::new();
            answer.insert("kind".to_owned(), Json::from(word));
            answer.extend(why.map(|why| (note.to_owned(), why)));
            Json::Object(answer)
        }
        None => desk.verb()?.clone(),
    };
    let own = [
        ("item", Json::from(no)),
        ("step", Json::from("answer")),
        ("answer", answer),
        ("version", Json::from(item.map_or(0, |item| item.version))),
        ("digest", Json::from(item.map(|item| item.digest()).unwrap_or_default().to_string())),
    ];
    desk.ask("item", own, &[("include", "include")])
}

pub(super) fn undo(desk: &Desk<'_>) -> Result<Doing, String> {
    desk.ask("item", [("item", desk.verb()?.clone()), ("step", "undo".into())], &[])
}

pub(super) fn start_review(desk: &Desk<'_>) -> Result<Doing, String> {
    desk.ask("review", [("queue", desk.verb()?.clone()), ("step", "start".into())], &[("why", "note")])
}

pub(super) fn end_review(desk: &Desk<'_>) -> Result<Doing, String> {
    let own = [("queue", desk.verb()?.clone()), ("step", "end".into())];
    desk.ask("review", own, &[("why", "note"), ("leave", "leave")])
}

macro_rules! overrides {
    ($($name:ident = $step:literal $key:literal;)*) => {
        $(pub(super) fn $name(desk: &Desk<'_>) -> Result<Doing, String> {
            let own = [("step", Json::from($step)), ($key, desk.verb()?.clone())];
            desk.ask("override", own, &[("why", "reason"), ("for", "lasts")])
        })*
    };
}
overrides! {
    freeze = "freeze" "entity";
    unfreeze = "unfreeze" "entity";
    pause = "pause" "agent";
    resume = "resume" "agent";
}

pub(super) fn set_by_hand(desk: &Desk<'_>) -> Result<Doing, String> {
    let path: FieldPath = desk.verb_text()?.parse().map_err(|error| format!("{error}"))?;
    let own = [
        ("step", Json::from("set")),
        ("path", desk.verb()?.clone()),
        ("expected", Json::from(desk.version(&path).0)),
    ];
    desk.ask("override", own, &[("value", "value"), ("why", "reason"), ("for", "lasts")])
}

pub(super) fn apply(desk: &Desk<'_>) -> Result<Doing, String> {
    let model = desk.step.map.clone().ok_or("its map could not be read")?;
    let reason = desk.text("why").map(Arc::from);
    let if_version = desk.world.state.board.map_version;
    let apply = ApplyMap { model, if_version, reason, planned: false, take_back: false };
    Ok(Doing::Ask(Box::new(Command::ApplyMap(apply))))
}

pub(super) fn send(desk: &Desk<'_>) -> Result<Doing, String> {
    asked(desk.verb()?.clone())
}
