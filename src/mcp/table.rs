//! The tools, a row each: what a model that has never heard of Deeds reads, and the addresses that a call goes to. Schemas
//! come from the addresses' own types, hints from the rows of the commands.

use std::sync::{Arc, LazyLock};

use rmcp::model::{JsonObject, Tool, ToolAnnotations};
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Value as Json, json};

use super::call::LONGEST_WAIT;
use super::slim::slim;
use crate::api::{self, Address, PARAMETERS, Parameter, Takes};
use crate::domain::command::{Again, Effect};

/// The argument that makes a call safe to repeat.
pub(super) const KEY: &str = "key";
/// The argument that says how long to wait.
pub(super) const SECONDS: &str = "seconds";
/// The argument that says which of several things is meant.
const HOW: &str = "how";

/// One tool.
#[derive(Debug, Clone, Copy)]
pub struct ToolRow {
    /// Its name.
    pub name: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// What it is for, when to call it, and what comes back.
    pub says: &'static str,
    /// The addresses it goes to, by the word that says which where there are several.
    pub goes: &'static [(&'static str, &'static str)],
    /// The argument that is the key in the path.
    pub key: Option<(&'static str, &'static str)>,
    /// The arguments that stand in the query.
    pub asks: &'static [&'static str],
}

macro_rules! tools {
    ($($name:literal $title:literal [$($word:ident $goes:ident),+] ($($key:literal $key_says:literal)?)
        [$($asks:literal),*] $says:literal;)*) => {
        /// Every tool, in the order in which an agent needs them.
        pub const TOOLS: &[ToolRow] = &[$(ToolRow {
            name: $name,
            title: $title,
            says: $says,
            goes: &[$((stringify!($word), stringify!($goes))),+],
            key: tools!(@key $($key $key_says)?),
            asks: &[$($asks),*],
        }),*];
    };
    (@key) => { None };
    (@key $key:literal $says:literal) => { Some(($key, $says)) };
}

tools! {
    "my_zone" "What is mine" [it Scope] () []
        "Tells who you are in the team: what you may write, which events are yours, where you publish, what you escalate, and whether a person has paused you. Call it first, and again when an answer names a newer `map_version`.";
    "who_owns" "Who owns this" [it WhoOwns] () ["path"]
        "Tells which agent may write a record or field (`crm/contact/42` or `crm/contact/42#status`), and which person answers for it. Call it before you plan a change to what may not be yours.";
    "read_record" "Read a record" [it Entity] ("entity" "The record, such as `crm/contact/42`.") []
        "Reads a record or file: the value and version of each field, its owner, and what others did on it lately. Always call it before write_fields; the versions go into `expected` there.";
    "write_fields" "Change a record" [it Write] () []
        "Changes fields of a record that you have just read; `expected` holds the versions you read (0: never written). Comes back committed with the new versions; stale: somebody was faster, so read again and think again; proposed: the owner of the field decides; escalated: a person does. Don't try another way round.";
    "ask_before_acting" "May I do this" [it Act] () []
        "Asks before a side effect that can't be taken back: sending, calling, paying, deploying. Do it only when the outcome is allowed, then call act_ended with the number in `answer.act`. Otherwise don't do it, and follow `next`.";
    "act_ended" "It was done, or failed" [done ActDone, failed ActFailed] ("act" "The number that ask_before_acting gave in `answer.act`.") []
        "Says how a side effect ended that ask_before_acting allowed. Call it once for each, also when it failed: others wait for it.";
    "publish" "Publish" [it Publish] () []
        "Sends something out on an output of the team, such as a mail thread or a channel. Deeds keeps two agents from answering the same conversation. Comes back committed when it is out; escalated when a person approves it first; deferred when another agent goes first. Never send it yourself as well.";
    "escalate" "Hand it to a person" [it Escalate] () []
        "Hands what you can't or may not decide to the person named for it, with the input as you received it. Use it rather than guess. Go on with other work; `wait` with `answer.item` tells the decision.";
    "raise_event" "Say that something happened" [it Raise] () []
        "Says that something happened (`email.received`, `invoice.overdue`). Deeds gives it to the one agent whose job it is, as work. Don't do that job yourself.";
    "claim_event" "Is this event mine" [it Claim] () []
        "Asks whether an event that you heard of by yourself (a webhook, a mailbox) is yours to handle. Call it before you react; react only if the outcome says that it is yours. `key` of the body names the occurrence, the same for everybody who hears of it, such as a message id.";
    "my_work" "What waits for me" [it Work] () ["after"]
        "Lists what waits for you, oldest first, without taking it: events, proposals of others to change what you own, tasks, notices. take_work takes it.";
    "take_work" "Take work" [it Take] () []
        "Takes the oldest work that waits for you; until `until` no other process of yours gets it. With `wait` (`\"20s\"`, a minute at most) it waits for some to come. Then do it and call finish_work. Proposals and tasks are taken on with finish_work `accept`.";
    "finish_work" "Work is done, accepted or given back"
        [complete WorkComplete, accept WorkAccept, decline WorkDecline, fail WorkFail, return WorkReturn]
        ("work" "The work's number.") []
        "Says how a piece of work went. complete: done. accept: make the change that another agent proposes to what you own, or take over a task. decline: don't make it; say why in `note`. fail: tried and failed; it is tried again. return: give it back; a task goes to its giver with your `note` as feedback.";
    "hand_over" "Hand a task over" [it Handoff] () []
        "Hands a task to another agent with everything that it needs: what was done, what it must know, what it must keep to, which attempt this is. Comes back refused with the names of what is missing.";
    "lock" "Lock something for a while" [it LeaseAcquire] () []
        "Locks a field, a record or a task of yours for a time (`ttl` such as `\"5m\"`), when several steps must not be disturbed. Give the number in `answer.lease` as `lease` in your writes. unlock it when done; it ends by itself at the latest.";
    "renew_lock" "Keep a lock longer" [it LeaseRenew] ("lease" "The lock's number.") []
        "Keeps a lock for another `ttl` from now on. Refused when it is over: then stop, and lock anew.";
    "unlock" "Unlock" [it LeaseRelease] ("lease" "The lock's number.") []
        "Gives a lock back, so that others can go on. Call it as soon as you are done with what you locked.";
    "conclude" "Say what you found out" [it Conclude] () []
        "Records what you found out about a record: a question and your answer. Deeds tells when another agent came to another answer; then don't act on yours until it is settled.";
    "wait" "Wait for an answer or for work" [item Item, work Work] ("item" "The item that a person decides, as an answer named it in `item`.") ["after"]
        "With `item`: waits until a person has decided it, and tells how; with `seconds` 0 it only looks. Without: waits for new work with a number above `after`. Comes back pending when nothing happened: go on with other work and call it again later.";
}

/// The tool of that name.
pub(super) fn tool(name: &str) -> Option<&'static ToolRow> {
    TOOLS.iter().find(|tool| tool.name == name)
}

/// The tools as they are listed.
pub fn listed() -> &'static [Tool] {
    static LISTED: LazyLock<Vec<Tool>> = LazyLock::new(|| TOOLS.iter().map(ToolRow::listed).collect());
    &LISTED
}

impl ToolRow {
    /// Whether it waits for something to happen.
    pub(super) fn waits(&self) -> bool {
        self.name == "wait"
    }

    /// The addresses it goes to.
    pub fn addresses(&self) -> impl Iterator<Item = &'static Address> {
        self.goes.iter().filter_map(|(_, name)| api::address(name))
    }

    fn listed(&self) -> Tool {
        let hints = ToolAnnotations::with_title(self.title)
            .read_only(self.addresses().all(|row| row.command.is_none()))
            .destructive(self.has(|row| row.effect == Effect::Replaces))
            .idempotent(!self.has(|row| row.again == Again::More))
            .open_world(false);
        Tool::new(self.name, self.says, Arc::new(self.input()))
            .with_title(self.title)
            .with_raw_output_schema(Arc::new(output()))
            .with_annotations(hints)
    }

    fn has(&self, fact: impl Fn(&crate::domain::command::CommandRow) -> bool) -> bool {
        self.addresses().filter_map(|row| row.command).any(|command| fact(command.row()))
    }

    /// What it takes: the address's own body, and beside it what stands in path, query and headers there.
    fn input(&self) -> JsonObject {
        let mut schemas =
            SchemaSettings::draft2020_12().with(|with| with.inline_subschemas = true).into_generator();
        let mut properties = JsonObject::new();
        let mut required = Vec::new();
        for row in self.addresses() {
            let body = match row.takes {
                Takes::Nothing | Takes::Toml => continue,
                Takes::Json(schema) | Takes::MaybeJson(schema) => schema(&mut schemas).to_value(),
            };
            properties.extend(body.get("properties").and_then(Json::as_object).cloned().unwrap_or_default());
            if self.goes.len() == 1 {
                required.extend(body.get("required").and_then(Json::as_array).cloned().unwrap_or_default());
            }
        }
        for name in self.asks {
            let row = self.addresses().find_map(|row| row.parameters.iter().find(|(one, _)| one == name));
            if let Some((parameter, (_, needed))) = parameter(name).zip(row) {
                properties.insert((*name).to_owned(), described(parameter, parameter.says, &mut schemas));
                required.extend(needed.then(|| json!(name)));
            }
        }
        if let Some((name, says)) = self.key {
            let in_path = self.addresses().find_map(|row| key_of(row.path)).and_then(parameter);
            let schema = in_path.map(|parameter| described(parameter, says, &mut schemas));
            properties.insert(name.to_owned(), schema.unwrap_or_default());
            required.extend((!self.waits()).then(|| json!(name)));
        }
        self.beside(&mut properties, &mut required);
        let object = json!({
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": false,
        });
        slim(object).as_object().cloned().unwrap_or_default()
    }

    /// The arguments that no address has.
    fn beside(&self, properties: &mut JsonObject, required: &mut Vec<Json>) {
        if self.waits() {
            let schema = json!({
                "type": "integer", "minimum": 0, "maximum": LONGEST_WAIT, "default": 20,
                "description": "How many seconds to wait; 50 at most.",
            });
            properties.insert(SECONDS.to_owned(), schema);
        } else if self.goes.len() > 1 {
            let words: Vec<&str> = self.goes.iter().map(|(word, _)| *word).collect();
            let schema = json!({ "type": "string", "enum": words, "description": "What you say of it." });
            properties.insert(HOW.to_owned(), schema);
            required.push(json!(HOW));
        }
        // Claims have a key of their own, which says the same.
        if self.addresses().any(|row| row.command.is_some()) && !properties.contains_key(KEY) {
            let says = "Your own name for this call. Under one key it is done once: repeat a call whose answer was lost.";
            let schema = json!({ "type": "string", "minLength": 1, "maxLength": 240, "description": says });
            properties.insert(KEY.to_owned(), schema);
        }
    }

    /// Whether an argument named `key` is the body's own.
    pub(super) fn has_own_key(&self) -> bool {
        self.name == "claim_event"
    }
}

/// What comes back of every tool; the server's instructions say what the words mean.
fn output() -> JsonObject {
    let text = json!({ "type": "string" });
    let schema = json!({
        "type": "object",
        "properties": { "outcome": text, "code": text, "reason": text, "next": text, "answer": { "type": "object" } },
        "required": ["outcome", "reason", "next", "answer"],
    });
    schema.as_object().cloned().unwrap_or_default()
}

fn described(parameter: &Parameter, says: &str, schemas: &mut SchemaGenerator) -> Json {
    let mut schema = (parameter.schema)(schemas).to_value();
    if let Some(object) = schema.as_object_mut() {
        object.insert("description".to_owned(), json!(says));
    }
    schema
}

fn parameter(name: &str) -> Option<&'static Parameter> {
    PARAMETERS.iter().find(|parameter| parameter.name == name)
}

/// The key in a path, in its braces.
fn key_of(path: &'static str) -> Option<&'static str> {
    path.find('{').and_then(|from| path.get(from..)).map(|rest| rest.split('/').next().unwrap_or(rest))
}
