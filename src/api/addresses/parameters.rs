//! What stands in paths, queries and headers: one row for each name, with its shape and a sentence.

use std::fmt::Display;
use std::str::FromStr;

use schemars::{Schema, SchemaGenerator, json_schema};

use super::{SchemaOf, schema};
use crate::api::{MOST_DAYS, Problem, ProblemCode};
use crate::domain::hash::Hash;
use crate::domain::ids::{AgentId, MapVersion, QueueName, Seq, TaskId, TokenId};
use crate::domain::path::{EntityPath, FieldPath, Pattern};
use crate::domain::things::Door;
use crate::domain::time::{Span, Time};
use crate::domain::value::MAX_SAFE_INTEGER;

/// Where a parameter stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In the path.
    Path,
    /// In the query.
    Query,
    /// In a header.
    Header,
}

/// One row.
#[derive(Debug, Clone, Copy)]
pub struct Parameter {
    /// The name in the rows of addresses.
    pub name: &'static str,
    /// The name as it travels.
    pub text: &'static str,
    /// Where it stands.
    pub place: Place,
    /// Its shape.
    pub schema: SchemaOf,
    /// What it says.
    pub says: &'static str,
}

/// The parameter of that name.
pub(in crate::api) fn named(name: &str) -> Option<&'static Parameter> {
    PARAMETERS.iter().find(|parameter| parameter.name == name)
}

macro_rules! parameters {
    ($($name:literal $place:ident $text:literal $schema:expr, $says:literal;)*) => {
        /// Every parameter.
        pub const PARAMETERS: &[Parameter] = &[$(Parameter {
            name: $name,
            text: $text,
            place: Place::$place,
            schema: $schema,
            says: $says,
        }),*];
    };
}

parameters! {
    "{n}" Path "n" number, "Its number.";
    "{fence}" Path "fence" number, "The lease's fencing token.";
    "{seq}" Path "seq" number, "The deed's number.";
    "{queue}" Path "queue" schema::<QueueName>, "The queue's name.";
    "{id}" Path "id" schema::<TokenId>, "The token's public part.";
    "{host}" Path "host" text, "The host of the coding agent, as `deeds hook` calls it.";
    "{*task}" Path "task" schema::<TaskId>, "The task's name; its slashes may stand as they are.";
    "{*thing}" Path "thing" text, "What it is and which: `item/12`, `task/onboard-acme`.";
    "{*path}" Path "path" schema::<EntityPath>, "The entity; its slashes may stand as they are.";

    "if_match" Header "If-Match" text, "The map's version that this one was made from, in quotes.";
    "idempotency_key" Header "Idempotency-Key" key,
        "The same key with the same body gets the first answer again, for 24 hours.";
    "traceparent" Header "traceparent" text, "W3C trace context; it is kept with the deed.";
    "door" Header "Deeds-Door" schema::<Door>,
        "By which door the agent came, for people to see; `http` where nothing is said.";
    "project" Header "Deeds-Project" text, "The folder in which the coding agent was started; where nothing is said, the call's `cwd` counts.";
    "home" Header "Deeds-Home" text, "The folder that `~` is.";
    "last_event_id" Header "Last-Event-ID" schema::<Seq>, "The deed that the stream goes on behind; goes before `after`.";

    "include" Query "include" text, "The items alike that it would settle too: numbers apart by commas.";
    "min_seq" Query "min_seq" schema::<Seq>, "Wait until the answer includes this deed.";
    "page" Query "page" text, "A page after the first, as the one before names it under `next`. The other parameters stay as they were.";
    "at" Query "at" text, "As it was: after a deed (`4711`), at a time (RFC 3339, `2026-02-14`, `08:11`), or so long ago (`-2h`).";
    "agent" Query "agent" schema::<AgentId>, "Which agent.";
    "prefix" Query "prefix" schema::<EntityPath>, "Where the repository's files are on the map; the setting `hook.prefix` where nothing is said.";
    "after" Query "after" number, "Only what is behind this number.";
    "before" Query "before" number, "Only what is before this deed.";
    "around" Query "around" number, "Half of them up to this deed, half after it.";
    "limit" Query "limit" number, "How many at most.";
    "count" Query "count" flag, "Whether to count what the filter means.";
    "filter" Query "filter" text, "Which deeds, in the language of `deeds log`; every one where nothing is said.";
    "from" Query "from" schema::<Time>, "When the first bucket begins; an hour before the end where nothing is said.";
    "to" Query "to" schema::<Time>, "When the last bucket ends; now where nothing is said.";
    "buckets" Query "buckets" number, "How many buckets.";
    "pattern" Query "pattern" schema::<Pattern>, "Which fields.";
    "nonce" Query "nonce" schema::<Hash>, "A random number of 64 hexadecimal digits.";
    "entity" Query "entity" schema::<FieldPath>, "Which entity; with `#` one field of it, where that is asked for.";
    "deed" Query "deed" schema::<Seq>, "Which deed.";
    "path" Query "path" schema::<FieldPath>, "Which entity or field.";
    "server" Query "server" text, "Which server behind a gateway, by its name in the map.";
    "digest" Query "digest" text, "Which call, by what tells it from others.";
    "subject" Query "subject" schema::<EntityPath>, "About which entity.";
    "within" Query "within" schema::<Span>, "How far back.";
    "wait" Query "wait" schema::<Span>, "How long to wait where nothing is there yet; a minute at most.";
    "resolved" Query "resolved" flag, "Whether those that ended and are kept come too.";
    "version" Query "version" schema::<MapVersion>, "Which version; the one in force where nothing is said.";
    "days" Query "days" days, "How many days back.";
    "reason" Query "reason" text, "Why.";
    "take_back" Query "take_back" flag, "Whether what answers have changed is taken back, where this one lacks it.";
    "planned" Query "planned" flag, "Whether its effects were looked at on past deeds first.";
}

fn number(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "integer", "minimum": 0, "maximum": MAX_SAFE_INTEGER })
}

fn days(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "integer", "minimum": 1, "maximum": MOST_DAYS })
}

fn flag(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "boolean" })
}

fn text(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string" })
}

fn key(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "minLength": 1, "maxLength": 240 })
}

/// The text of a parameter as what it should be.
///
/// # Errors
/// A problem that names the parameter.
pub fn fit<T: FromStr<Err: Display>>(name: &str, text: &str) -> Result<T, Box<Problem>> {
    text.parse().map_err(|error: T::Err| {
        let shown: String = text.chars().take(80).collect();
        let detail = format!("{shown:?}: {error}");
        Box::new(Problem::new(ProblemCode::BadParameter, detail).at(format!("`{name}`")))
    })
}
