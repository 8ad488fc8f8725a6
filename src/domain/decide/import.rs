//! Other systems' histories: each line is a write with its own time, decided in a workspace that observes.

use std::collections::BTreeMap;

use super::sheet::Sheet;
use super::verdict::text;
use super::write;
use crate::domain::code::Code;
use crate::domain::command::{Expected, FIELDS_PER_WRITE, Import, ImportChange, Write};
use crate::domain::deed::{Body, ImportMark};
use crate::domain::ids::{Actor, Seq, Version};
use crate::domain::outcome::Outcome;
use crate::domain::path::FieldName;
use crate::domain::state::State;
use crate::domain::things::FieldChange;
use crate::domain::value::Value;

/// Takes one line in; None where it is in already.
pub(super) fn decide(sheet: &mut Sheet<'_>, line: &Import) -> Option<Seq> {
    let state = sheet.snapshot();
    if state.imports.has(line) {
        return None;
    }
    let refuse = |sheet: &mut Sheet<'_>, code, why: &str| {
        Some(sheet.refuse_on(Body::WriteRefused(()), "import", &line.entity, (code, why)))
    };
    if state.board.enforces() {
        let why = "this workspace enforces; a history can only be imported into one that observes (mode = \"observe\")";
        return refuse(sheet, Code::WrongState, why);
    }
    if line.changes.len() > FIELDS_PER_WRITE {
        return refuse(sheet, Code::OverBound, "more than 64 fields in one line");
    }
    sheet.principal.actor = Actor::Agent(line.actor.clone());
    sheet.time = line.time;
    sheet.imported = true;
    let write = as_write(&state, line);
    let stale = differing(&state, line);
    let verdict =
        (!stale.is_empty()).then(|| (Code::Stale, Outcome::Stale, write::stale_words(&write, &stale)));
    let primary = write::commit(sheet, &state, &write, verdict);
    let alert =
        if stale.is_empty() { None } else { super::alert::would_be_stale(sheet, &state, primary, &stale) };
    if let Some(deed) = sheet.deed_mut(primary) {
        deed.refs.import = Some(Box::new(ImportMark {
            source: line.source.clone(),
            id: line.id,
            event: line.event.clone(),
            digest: line.digest,
            called: line.called.clone(),
        }));
        deed.refs.alerts.extend(alert);
        if deed.reason.is_none() {
            deed.reason = line.note.as_deref().map(text);
        }
    }
    Some(primary)
}

fn as_write(state: &State, line: &Import) -> Write {
    let entity = state.entities.get(&line.entity);
    let versions = line
        .changes
        .keys()
        .map(|name| (name.clone(), entity.map_or(Version(0), |entity| entity.version_of(name))))
        .collect();
    Write {
        entity: line.entity.clone(),
        kind: line.kind,
        changes: line.changes.iter().map(|(name, change)| (name.clone(), change.after.clone())).collect(),
        expected: Some(Expected::Fields(versions)),
        depends_on: BTreeMap::new(),
        lease: None,
        reason: line.note.clone(),
        cause: None,
        call: None,
    }
}

/// The fields that the writer saw otherwise than they were. What was never written here can't be compared.
fn differing(state: &State, line: &Import) -> Vec<FieldChange> {
    let Some(entity) = state.entities.get(&line.entity) else { return Vec::new() };
    let one = |(name, change): (&FieldName, &ImportChange)| {
        let field = entity.field(name)?;
        let seen: &Value = change.before.as_ref()?;
        (!field.value.is_what_was_seen(seen)).then(|| FieldChange {
            entity: None,
            name: name.clone(),
            base: Some(Version(field.version.0.saturating_sub(1))),
            version: field.version,
            before: Some(field.value.clone()),
            after: Some(change.after.clone()),
            by: Some(field.by.clone()),
            at: Some(field.at),
            unseen: false,
        })
    };
    line.changes.iter().filter_map(one).collect()
}
