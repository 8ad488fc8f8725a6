//! The values that are there when a case begins.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::reader::{Fault, Placed};
use crate::domain::path::{EntityPath, FieldName};
use crate::domain::value::Value;

/// A record with its fields.
pub(super) struct Given {
    pub(super) entity: EntityPath,
    pub(super) fields: BTreeMap<FieldName, Value>,
}

/// Reads them. A record that is no table is its own one field, as a file is.
pub(super) fn given(said: Option<&Placed>, faults: &mut Vec<Fault>) -> Vec<Given> {
    let Some(Placed { json: Json::Object(records), span }) = said else { return Vec::new() };
    let mut all = Vec::new();
    for (record, fields) in records {
        let read = || -> Result<Given, String> {
            let entity = record.parse().map_err(|error| format!("{error}"))?;
            let fields = match fields.as_object() {
                Some(fields) => fields.iter().map(field).collect::<Result<_, _>>()?,
                None => [(FieldName::whole(), value(fields)?)].into(),
            };
            Ok(Given { entity, fields })
        };
        match read() {
            Ok(given) => all.push(given),
            Err(why) => faults.push(Fault::new(span.clone(), why, "correct it")),
        }
    }
    all
}

fn field((name, json): (&String, &Json)) -> Result<(FieldName, Value), String> {
    Ok((name.parse().map_err(|error| format!("{error}"))?, value(json)?))
}

fn value(json: &Json) -> Result<Value, String> {
    Value::new(json).map_err(|error| error.to_string())
}
