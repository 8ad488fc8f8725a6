//! What texts and numbers that are read by hand look like on the wire, as JSON schemas: one row for each type.
//!
//! A pattern lets through everything that the type does; what it can't say (two dots for a segment, a month of 31 days)
//! the type refuses.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::hash::Hash;
use super::ids::{
    AGENT_ID_BYTES, ActNo, AgentId, AlertNo, FanOutNo, Fence, ItemNo, MapVersion, NAME_BYTES, PersonId,
    QueueName, Seq, TaskId, TokenId, Version, WorkNo, WorkspaceId,
};
use super::map::{Condition, Occasion, Schedule, While};
use super::path::{EntityPath, FieldName, FieldPath, MAX_ENTITY_BYTES, MAX_FIELD_BYTES, Pattern, Template};
use super::things::{Lasts, Until};
use super::time::{Span, Time};
use super::value::{MAX_SAFE_INTEGER, VALUE_BYTES, Value};

/// The longest path with a field.
const PATH_BYTES: usize = MAX_ENTITY_BYTES + 1 + MAX_FIELD_BYTES;

/// The longest condition: a path, a sign and a value.
const CONDITION_BYTES: usize = PATH_BYTES + 16 + VALUE_BYTES;

macro_rules! texts {
    ($($name:ident, $max:expr, $pattern:expr, [$($example:literal),+], $says:literal;)*) => {$(
        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({
                    "type": "string",
                    "pattern": $pattern,
                    "maxLength": $max,
                    "description": $says,
                    "examples": [$($example),+],
                })
            }
        }
    )*};
}

// Beyond ASCII, letters and digits of every script are taken: they lie between `ª` and the end of the third plane.
texts! {
    AgentId, AGENT_ID_BYTES, "^[A-Za-z0-9._/@ª-\u{3ffff}-]+$", ["intake"],
        "An agent's name.";
    PersonId, NAME_BYTES, "^[A-Za-z0-9._@+ª-\u{3ffff}-]+$", ["dana"],
        "A person's name.";
    QueueName, NAME_BYTES, "^[A-Za-z0-9._/ª-\u{3ffff}-]+$", ["inbox"],
        "A queue's name.";
    WorkspaceId, NAME_BYTES, "^[a-z0-9-]+$", ["northwind"],
        "A workspace's name.";
    TokenId, 32, "^[A-Za-z0-9]+$", ["a1b2"],
        "A token's public part.";
    TaskId, AGENT_ID_BYTES, "^[A-Za-z0-9._/@:#ª-\u{3ffff}-]+$", ["draft-7"],
        "A task's name.";
    EntityPath, MAX_ENTITY_BYTES, r"^[^/#*\x00-\x1f\x7f-\x9f]+(/[^/#*\x00-\x1f\x7f-\x9f]+)*$", ["crm/contact/acme"],
        "A record, file or queue.";
    FieldName, MAX_FIELD_BYTES, r"^[^/#*\x00-\x1f\x7f-\x9f]*$", ["status"],
        "A field; the empty name is the whole entity.";
    FieldPath, PATH_BYTES,
        r"^[^/#*\x00-\x1f\x7f-\x9f]+(/[^/#*\x00-\x1f\x7f-\x9f]+)*(#[^/#*\x00-\x1f\x7f-\x9f]+)?$",
        ["crm/contact/acme#status", "crm/contact/acme"],
        "A field of an entity; without `#` the entity as a whole.";
    Pattern, PATH_BYTES, r"^[^/#\x00-\x1f\x7f-\x9f]+(/[^/#\x00-\x1f\x7f-\x9f]+)*(#[^/#\x00-\x1f\x7f-\x9f]*)?$",
        ["crm/contact/*#status", "files/**"],
        "Fields of many entities: `*` within a segment or a field, `**` for any number of segments.";
    Template, PATH_BYTES, r"^[^/#*\x00-\x1f\x7f-\x9f]+(/[^/#*\x00-\x1f\x7f-\x9f]+)*(#[^/#*\x00-\x1f\x7f-\x9f]*)?$",
        ["crm/contact/{id}#status"],
        "A field whose entity has variables.";
    Condition, CONDITION_BYTES, "^.+ (=|!=|becomes) .+$", ["crm/contact/{id}#status = 'sourced'"],
        "A field and what it must be.";
    Occasion, CONDITION_BYTES, "^.+ ((=|!=|becomes) .+|created|changed|deleted)$",
        ["crm/lead/*#status becomes 'won'", "crm/contact/* created"],
        "What happens to a field or an entity, and raises an event.";
    Schedule, 32, "^(daily|weekdays|weekly (mon|tue|wed|thu|fri|sat|sun)) [0-2][0-9]:[0-5][0-9]$",
        ["weekdays 09:00"],
        "When something recurs, in the workspace's timezone.";
    Span, 1024, "^([0-9]+(w|d|h|m|s|ms))+$", ["24h", "1h30m"],
        "A length of time.";
    Lasts, 1024, "^(released|none|([0-9]+(w|d|h|m|s|ms))+)$", ["24h", "released"],
        "For how long a person's override holds: for a time, until it is ended, or not at all.";
    Until, 64, "^([0-9]{4}-[0-9]{2}-[0-9]{2}.*|([0-9]+(w|d|h|m|s|ms))+)$", ["2026-12-03", "3d"],
        "When something ends: a day, a time, or a length of time from now on.";
    Hash, 64, "^[0-9a-f]{64}$", ["0000000000000000000000000000000000000000000000000000000000000000"],
        "SHA-256 in the ledger's chain.";
}

impl JsonSchema for Time {
    fn schema_name() -> Cow<'static, str> {
        "Time".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "format": "date-time",
            "description": "A point in time; what is answered is in UTC with microseconds.",
            "examples": ["2026-02-14T08:11:00Z"],
        })
    }
}

impl JsonSchema for While {
    fn schema_name() -> Cow<'static, str> {
        "While".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let condition = generator.subschema_for::<Condition>();
        json_schema!({
            "description": "How long an agent yields: while an item on the subject is open, or while all of these are true.",
            "anyOf": [
                { "const": "escalated" },
                condition,
                { "type": "array", "items": condition, "minItems": 1 },
            ],
        })
    }
}

macro_rules! numbers {
    ($($name:ident, $says:literal;)*) => {$(
        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({
                    "type": "integer",
                    "minimum": 0,
                    "maximum": MAX_SAFE_INTEGER,
                    "description": $says,
                })
            }
        }
    )*};
}

numbers! {
    Seq, "A deed's place in its workspace's ledger, from 1.";
    Version, "A field's or tombstone's version; 0 was never written.";
    MapVersion, "The map's version; 0 is the one that a workspace is born with.";
    ItemNo, "An inbox item's number.";
    AlertNo, "An alert's number.";
    WorkNo, "A work item's number.";
    ActNo, "An act's number.";
    FanOutNo, "A fan-out's number.";
    Fence, "A lease's number and its fencing token.";
}

impl JsonSchema for Value {
    fn schema_name() -> Cow<'static, str> {
        "Value".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Any JSON: 64 KiB at most, 32 levels deep, integers up to 2^53, no NUL in texts. A value that \
                is kept elsewhere is `{\"withheld\": \"sha256:…\"}`.",
        })
    }
}
