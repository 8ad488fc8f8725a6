//! `/openapi.json`: the rows of `addresses` as `OpenAPI` 3.1, with the schemas of the types that they name. What is asked
//! has schemas apart from what is answered, since requests are read strictly and answers leave out what is absent.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use schemars::generate::SchemaSettings;
use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::{Value as Json, json};

use super::Problem;
use super::addresses::{ADDRESSES, Address, Answers, By, Kind, Parameter, Place, Takes, named};
use super::long_look::NDJSON;

/// Where the schemas of answers stand.
const ANSWERED: &str = "/components/schemas";
/// Where those of requests do: in one schema of their own.
const ASKED: &str = "/components/schemas/Asked/$defs";
/// What every problem is answered with.
const PROBLEM: &str = "#/components/responses/Problem";

/// The document.
pub static OPENAPI: LazyLock<Json> = LazyLock::new(document);

/// The schemas on the way.
struct Schemas {
    asked: SchemaGenerator,
    answered: SchemaGenerator,
}

fn document() -> Json {
    let settings = SchemaSettings::draft2020_12;
    let mut schemas = Schemas {
        asked: settings().for_deserialize().with(|one| one.definitions_path = ASKED.into()).into_generator(),
        answered: settings()
            .for_serialize()
            .with(|one| one.definitions_path = ANSWERED.into())
            .into_generator(),
    };
    let mut paths: BTreeMap<String, BTreeMap<String, Json>> = BTreeMap::new();
    // What is spoken at the address of MCP has a document of its own, the protocol's.
    for row in ADDRESSES.iter().filter(|row| !matches!(row.by, By::Mcp)) {
        let path = paths.entry(row.path.replace("{*", "{")).or_default();
        path.insert(row.method.to_lowercase(), schemas.operation(row));
    }
    let problem = schemas.answered.subschema_for::<Problem>();
    let mut components = schemas.answered.take_definitions(true);
    components.insert(
        "Asked".to_owned(),
        json!({ "description": "What requests are made of.", "$defs": schemas.asked.take_definitions(true) }),
    );
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Deeds",
            "version": env!("CARGO_PKG_VERSION"),
            "license": { "name": "Apache 2.0", "identifier": "Apache-2.0" },
            "description": "A refusal by a rule is an answer with status 200; a broken request is a problem.",
        },
        "servers": [{ "url": "/" }],
        "security": [{ "token": [] }],
        "paths": paths,
        "components": {
            "schemas": components,
            "responses": {
                "Problem": {
                    "description": "The request could not be answered. Nothing is recorded.",
                    "content": { "application/problem+json": { "schema": problem } },
                },
            },
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "It names the workspace and who asks; `deeds tokens create` makes one.",
                },
            },
        },
    })
}

impl Schemas {
    fn operation(&mut self, row: &Address) -> Json {
        let answered = json!({
            "200": { "description": "What is said to it.", "content": self.answer(row.answers) },
            "default": { "$ref": PROBLEM },
        });
        let keys = [
            ("operationId", json!(row.name)),
            ("summary", json!(row.says)),
            ("description", json!(described(row))),
            ("parameters", json!(self.parameters(row))),
            ("requestBody", json!(self.body(row.takes))),
            ("responses", answered),
            ("security", if row.kind == Kind::Open { json!([]) } else { Json::Null }),
        ];
        keys.into_iter().filter(|(_, value)| !value.is_null()).collect()
    }

    fn parameters(&mut self, row: &Address) -> Vec<Json> {
        let key = row.path.split_inclusive('/').map(|part| (part.trim_end_matches('/'), true));
        let key = key.filter(|(part, _)| part.starts_with('{'));
        let kept = [("idempotency_key", false), ("traceparent", false), ("door", false)];
        let kept = kept.into_iter().filter(|_| row.kind == Kind::Command);
        let names = key.chain(row.parameters.iter().copied()).chain(kept);
        names.filter_map(|(name, needed)| Some(self.parameter(named(name)?, needed))).collect()
    }

    fn parameter(&mut self, parameter: &Parameter, needed: bool) -> Json {
        let place = match parameter.place {
            Place::Path => "path",
            Place::Query => "query",
            Place::Header => "header",
        };
        json!({
            "name": parameter.text,
            "in": place,
            "required": needed,
            "description": parameter.says,
            "schema": (parameter.schema)(&mut self.asked),
        })
    }

    fn body(&mut self, takes: Takes) -> Option<Json> {
        let (kind, schema, required) = match takes {
            Takes::Nothing => return None,
            Takes::Json(schema) => ("application/json", schema(&mut self.asked), true),
            Takes::MaybeJson(schema) => ("application/json", schema(&mut self.asked), false),
            Takes::Toml => ("application/toml", text(), true),
        };
        Some(json!({ "required": required, "content": { kind: { "schema": schema } } }))
    }

    fn answer(&mut self, answers: Answers) -> Json {
        let answered = &mut self.answered;
        match answers {
            Answers::Json(schema) => json!({ "application/json": { "schema": schema(answered) } }),
            Answers::JsonOrToml(schema) => json!({
                "application/json": { "schema": schema(answered) },
                "application/toml": { "schema": text() },
            }),
            Answers::Lines(schema) => json!({ NDJSON: { "schema": text(), "x-line": schema(answered) } }),
            Answers::Text(kind) => json!({ kind: { "schema": text() } }),
        }
    }
}

fn text() -> Schema {
    json_schema!({ "type": "string" })
}

/// Who may ask, and what becomes of it.
fn described(row: &Address) -> String {
    let who = match row.kind {
        Kind::Open => "Needs no token.".to_owned(),
        Kind::Read => format!("For {}.", row.who),
        Kind::Command => format!("For {}. It is recorded, and so is a refusal.", row.who),
    };
    match row.takes {
        Takes::Nothing => who,
        Takes::Json(_) | Takes::MaybeJson(_) | Takes::Toml => {
            format!("{who} The body has at most {} bytes.", row.body_bytes())
        }
    }
}
