//! Writes, RULES §4: authority, versions, kinds, defer rules; then the commit and what it sets off.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::sheet::Sheet;
use super::{affected, alert, call, converge, held, propose, trigger, verdict};
use crate::domain::code::Code;
use crate::domain::command::{DEPENDENCIES, Expected, FIELDS_PER_WRITE, Write, WriteKind};
use crate::domain::deed::{Body, Deed, Refs};
use crate::domain::ids::{Actor, AgentId, Seq, Version};
use crate::domain::outcome::Outcome;
use crate::domain::path::{FieldName, FieldPath};
use crate::domain::rule::zone::Zones;
use crate::domain::state::State;
use crate::domain::things::{AlertKind, Case, Entity, FieldChange};
use crate::domain::time::Time;
use crate::domain::value::{VALUE_BYTES, Value};

/// Why a write does not go through, in the order of the checks.
enum Stop {
    /// Check 3 of RULES §4.1.
    Zones(Zones),
    /// Check 11.
    Held(held::InTheWay),
    /// Checks 4 to 10: code, outcome, reason, and the fields as they are now.
    Rule { code: Code, outcome: Outcome, why: String, fields: Vec<FieldChange>, refs: Box<Refs> },
}

/// Decides a write by the caller.
pub(super) fn decide(sheet: &mut Sheet<'_>, write: &Write) -> Seq {
    let agent = sheet.principal.actor.agent().cloned();
    let Some(agent) = agent else {
        return sheet.refuse_on(
            refused(),
            word(write),
            &write.entity,
            (Code::NotAllowed, "only agents write"),
        );
    };
    let unknown = verdict::unknown_cause(sheet.state(), write.cause);
    if let Some(why) = unknown.filter(|_| over_bound(write).is_none()) {
        return sheet.refuse_on(refused(), word(write), &write.entity, (Code::NotFound, &why));
    }
    decide_as(sheet, &agent, write)
}

/// Decides a write as this agent's: its own, an accepted proposal, or a stored input decided again.
pub(super) fn decide_as(sheet: &mut Sheet<'_>, agent: &AgentId, write: &Write) -> Seq {
    if let Some(why) = over_bound(write) {
        return sheet.refuse_on(refused(), word(write), &write.entity, (Code::OverBound, &why));
    }
    let state = sheet.snapshot();
    let state = anew(&state, write);
    if let Some(why) = verdict::frozen(&state, agent, &write.entity) {
        return sheet.refuse_on(refused(), word(write), &write.entity, (Code::Frozen, &why));
    }
    let hand = || held::in_the_way(&state, agent, write, sheet.now).map(Stop::Held);
    let stop = check(&state, agent, write, sheet.now).or_else(hand);
    if !state.board.enforces() {
        return observe(sheet, &state, agent, write, stop);
    }
    if let Some(Stop::Zones(zones)) = &stop {
        return propose::decide(sheet, &state, agent, write, zones);
    }
    if let Some((item, path)) = converge::waiting(&state, agent, write) {
        return converge::wait(sheet, &state, agent, write, (item, &path));
    }
    match stop {
        None => commit(sheet, &state, write, None),
        Some(Stop::Held(hand)) => held::propose(sheet, &state, agent, write, hand),
        Some(stop) => refuse(sheet, &state, agent, write, stop),
    }
}

/// What stands in the way of a write that a person approves: all that stands in its way but the person's own hand.
pub(super) fn obstacle(state: &State, agent: &AgentId, write: &Write, now: Time) -> Option<(Code, String)> {
    if let Some(stopped) = verdict::stopped(state, agent, now) {
        return Some(stopped);
    }
    if let Some(why) = verdict::frozen(state, agent, &write.entity) {
        return Some((Code::Frozen, why));
    }
    let state = anew(state, write);
    match check(&state, agent, write, now).filter(|_| state.board.enforces())? {
        Stop::Zones(zones) => {
            let code = zones.verdict().map_or(Code::NotOwner, |(code, _)| code);
            Some((code, propose::zone_words(write, &zones)))
        }
        Stop::Rule { code, why, .. } => Some((code, why)),
        Stop::Held(_) => None,
    }
}

/// What stands in the way of a write whose owner has agreed.
pub(super) struct Hindrance {
    pub(super) code: Code,
    pub(super) outcome: Outcome,
    pub(super) why: String,
    pub(super) fields: Vec<FieldChange>,
}

/// What stands in the way of a write that was agreed on in that deed: everything but whose it is, and the hands that people had
/// on it then.
pub(super) fn hindrance(
    state: &State,
    agent: &AgentId,
    write: &Write,
    (agreed, now): (Seq, Time),
) -> Option<Hindrance> {
    let plain = |code, why| Some(Hindrance { code, outcome: Outcome::Refused, why, fields: Vec::new() });
    if let Some(why) = verdict::frozen(state, agent, &write.entity) {
        return plain(Code::Frozen, why);
    }
    let state = anew(state, write);
    let found = check_rest(&state, agent, write, now).filter(|_| state.board.enforces());
    if let Some(Stop::Rule { code, outcome, why, fields, .. }) = found {
        return Some(Hindrance { code, outcome, why, fields });
    }
    let hand = held::in_the_way(&state, agent, write, now).filter(|hand| hand.is_newer(agreed))?;
    plain(Code::Held, hand.why)
}

/// The state as the write finds it: of a record that was deleted, without the fields of before (RULES §4.3).
fn anew<'a>(state: &'a State, write: &Write) -> Cow<'a, State> {
    let is_back = matches!(write.kind, WriteKind::Create | WriteKind::Update);
    let entity = state.entities.get(&write.entity).filter(|entity| is_back && entity.is_deleted());
    let Some(entity) = entity else { return Cow::Borrowed(state) };
    let mut entity = Entity::clone(entity);
    entity.begin_anew();
    let mut state = state.clone();
    state.entities.insert(write.entity.clone(), Arc::new(entity));
    Cow::Owned(state)
}

/// The write on the versions that the agent would find now.
pub(super) fn on_what_is_there(state: &State, agent: &AgentId, write: Write) -> Write {
    let there = anew(state, &write);
    let version = |name: &FieldName| {
        let known = there.entities.get(&write.entity);
        let known = known.filter(|_| !there.board.map.hides_version_of(agent, &write.entity, name));
        (name.clone(), known.map_or(Version(0), |known| known.version_of(name)))
    };
    let whole = (write.kind != WriteKind::Update).then(FieldName::whole);
    let expected = Expected::Fields(write.changes.keys().chain(&whole).map(version).collect());
    drop(there);
    Write { expected: Some(expected), ..write }
}

fn over_bound(write: &Write) -> Option<String> {
    let fields = write.changes.len();
    let reads = write.depends_on.len();
    if fields > FIELDS_PER_WRITE {
        return Some(format!("{fields} fields in one write; at most {FIELDS_PER_WRITE}"));
    }
    if write.kind == WriteKind::Update && fields == 0 {
        return Some("`changes` is empty: name at least one field and its value".to_owned());
    }
    if let Some(why) = verdict::too_long("reason", write.reason.as_deref()) {
        return Some(why);
    }
    (reads > DEPENDENCIES).then(|| format!("{reads} entries in `depends_on`; at most {DEPENDENCIES}"))
}

/// Checks 3 to 10 of RULES §4.1 in their order.
fn check(state: &State, agent: &AgentId, write: &Write, now: Time) -> Option<Stop> {
    let map = &state.board.map;
    let zones = Zones::of(map, agent, write);
    if zones.verdict().is_some() {
        return Some(Stop::Zones(zones));
    }
    check_rest(state, agent, write, now)
}

/// Checks 4 to 10.
fn check_rest(state: &State, agent: &AgentId, write: &Write, now: Time) -> Option<Stop> {
    let map = &state.board.map;
    if let Some((code, why)) = verdict::leased(state, agent, write, now) {
        return Some(rule(code, Outcome::Refused, why));
    }
    if let Some(why) = call::in_flight(state, agent, write) {
        return Some(rule(Code::InFlight, Outcome::Refused, why));
    }
    if let Some(stop) = check_existence(state, agent, write, now) {
        return Some(stop);
    }
    let missing = verdict::missing(map, agent, write);
    if !missing.is_empty() {
        let names: Vec<String> = missing
            .iter()
            .map(|name| FieldPath::new(write.entity.clone(), name.clone()).to_string())
            .collect();
        let why = format!("no version named for {}: there are no blind writes", names.join(", "));
        return Some(rule(Code::MissingVersion, Outcome::Refused, why));
    }
    let outdated = verdict::outdated(state, Some(agent), write);
    if !outdated.is_empty() {
        let why = stale_words(write, &outdated);
        return Some(Stop::Rule {
            code: Code::Stale,
            outcome: Outcome::Stale,
            why,
            fields: outdated,
            refs: Box::default(),
        });
    }
    let reads = verdict::outdated_reads(state, Some(agent), &write.depends_on);
    if !reads.is_empty() {
        let why = stale_words(write, &reads);
        return Some(Stop::Rule {
            code: Code::Stale,
            outcome: Outcome::Stale,
            why,
            fields: reads,
            refs: Box::default(),
        });
    }
    if let Some((code, why)) = verdict::kind_refusal(state, agent, write) {
        return Some(rule(code, Outcome::Refused, why));
    }
    let first = verdict::goes_first(state, agent, word(write), &write.entity, now)?;
    let refs = Refs { owners: first.to, until: first.until, based_on: first.told, ..Refs::default() };
    Some(Stop::Rule {
        code: Code::Deferred,
        outcome: Outcome::Deferred,
        why: first.why,
        fields: Vec::new(),
        refs: Box::new(refs),
    })
}

fn rule(code: Code, outcome: Outcome, why: String) -> Stop {
    Stop::Rule { code, outcome, why, fields: Vec::new(), refs: Box::default() }
}

/// Is the entity there, gone, or held open by others, where that matters to the write?
fn check_existence(state: &State, agent: &AgentId, write: &Write, now: Time) -> Option<Stop> {
    let known = state.entities.get(&write.entity);
    let gone = known.and_then(|entity| entity.gone.as_ref());
    match (write.kind, known, gone) {
        (WriteKind::Create, Some(_), None) => {
            Some(rule(Code::Exists, Outcome::Refused, format!("{} exists already", write.entity)))
        }
        (WriteKind::Update | WriteKind::Archive | WriteKind::Delete, Some(entity), Some(gone)) => {
            let how = if gone.deleted { "deleted" } else { "archived" };
            let told = !verdict::hides_whole(state, agent, &write.entity);
            let field = FieldChange {
                entity: None,
                name: FieldName::whole(),
                base: None,
                version: entity.version,
                before: None,
                after: None,
                by: told.then(|| gone.by.clone()),
                at: told.then_some(gone.at),
                unseen: false,
            };
            let by = if told { format!(" by {}", gone.by) } else { String::new() };
            let why = format!("{} was {how}{by}", write.entity);
            let fields = vec![verdict::told(state, Some(agent), &write.entity, field)];
            Some(Stop::Rule {
                code: Code::Tombstone,
                outcome: Outcome::Stale,
                why,
                fields,
                refs: Box::default(),
            })
        }
        (WriteKind::Archive | WriteKind::Delete, _, None) => {
            let why = verdict::held_open(state, &write.entity, agent, now)?;
            Some(rule(Code::HeldOpen, Outcome::Refused, why))
        }
        _ => None,
    }
}

/// `based on crm/contact/acme#health v40, now v41 by support`.
pub(super) fn stale_words(write: &Write, fields: &[FieldChange]) -> String {
    stale_on(&write.entity, fields)
}

/// The same for a subject that is no write.
pub(super) fn stale_on(subject: &crate::domain::path::EntityPath, fields: &[FieldChange]) -> String {
    let one = |field: &FieldChange| {
        let path =
            FieldPath::new(field.entity.clone().unwrap_or_else(|| subject.clone()), field.name.clone());
        let base = field.base.unwrap_or_default();
        let by = field.by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
        if field.version == base {
            format!("{path} v{base} is gone{by}")
        } else {
            format!("{path} v{base}, now v{}{by}", field.version)
        }
    };
    let words: Vec<String> = fields.iter().filter(|field| field.base.is_some()).map(one).collect();
    if words.is_empty() {
        return "based on what has changed since".to_owned();
    }
    format!("based on {}", words.join("; "))
}

fn refuse(sheet: &mut Sheet<'_>, state: &State, agent: &AgentId, write: &Write, stop: Stop) -> Seq {
    let Stop::Rule { code, outcome, why, fields, refs } = stop else {
        return propose::decide(sheet, state, agent, write, &Zones::default());
    };
    let mut deed = draft(sheet, write, refused(), outcome);
    deed.code = Some(code);
    deed.because(&why);
    deed.fields = if fields.is_empty() { wanted(state, agent, write) } else { fields };
    deed.refs = *refs;
    let primary = sheet.push(deed);
    alert::stale(sheet, state, primary);
    if code == Code::Stale {
        converge::after(sheet, state, agent, primary);
    }
    primary
}

/// Observe mode: the write goes through, and the verdict it would have had is kept with its alert.
fn observe(sheet: &mut Sheet<'_>, state: &State, agent: &AgentId, write: &Write, stop: Option<Stop>) -> Seq {
    let Some(stop) = stop else { return commit(sheet, state, write, None) };
    let (code, verdict, why) = match &stop {
        Stop::Zones(zones) => {
            let (code, outcome) = zones.verdict().unwrap_or((Code::Unowned, Outcome::Escalated));
            (code, outcome, propose::zone_words(write, zones))
        }
        // It names no field, so that whoever may see the deed may not see what is said of one.
        Stop::Held(_) if write.changes.is_empty() => {
            (Code::Held, Outcome::Proposed, format!("a person holds a field of {}", write.entity))
        }
        Stop::Held(hand) => (Code::Held, Outcome::Proposed, hand.why.clone()),
        Stop::Rule { code: Code::Stale, outcome, fields, .. } => {
            (Code::Stale, *outcome, verdict::seen_stale(state, agent, &write.entity, fields))
        }
        Stop::Rule { code: Code::Deferred, outcome, refs, .. } => {
            (Code::Deferred, *outcome, verdict::GoesFirst::plainly(&refs.owners, &write.entity))
        }
        Stop::Rule { code, outcome, why, .. } => (*code, *outcome, why.clone()),
    };
    let primary = commit(sheet, state, write, Some((code, verdict, why)));
    let raised = match &stop {
        Stop::Zones(zones) => alert::not_owner(sheet, state, write, zones, primary),
        Stop::Rule { outcome: Outcome::Stale, fields, .. } => {
            alert::would_be_stale(sheet, state, primary, fields)
        }
        Stop::Rule { .. } | Stop::Held(_) => None,
    };
    alert::note(sheet, primary, raised);
    primary
}

/// The commit: new versions, then what it sets off.
pub(super) fn commit(
    sheet: &mut Sheet<'_>,
    state: &State,
    write: &Write,
    verdict: Option<(Code, Outcome, String)>,
) -> Seq {
    if let Some(call) = &write.call {
        return call::allow_write(sheet, state, (write, call), verdict);
    }
    let state = anew(state, write);
    let changes = committed(&state, write, false);
    put(sheet, &state, write, changes, verdict)
}

/// The same with values of before: a list that only grows gets the shorter one back.
pub(super) fn restore(sheet: &mut Sheet<'_>, state: &State, write: &Write) -> Seq {
    let changes = committed(state, write, true);
    put(sheet, state, write, changes, None)
}

fn put(
    sheet: &mut Sheet<'_>,
    state: &State,
    write: &Write,
    changes: Result<Vec<FieldChange>, String>,
    verdict: Option<(Code, Outcome, String)>,
) -> Seq {
    let body = match write.kind {
        WriteKind::Update => Body::WriteCommitted(()),
        WriteKind::Create => Body::EntityCreated(()),
        WriteKind::Archive => Body::EntityArchived(()),
        WriteKind::Delete => Body::EntityDeleted(()),
    };
    let changes = match changes {
        Ok(changes) => changes,
        Err(why) => return sheet.refuse_on(refused(), word(write), &write.entity, (Code::OverBound, &why)),
    };
    let mut deed = draft(sheet, write, body, Outcome::Committed);
    deed.reason.clone_from(&write.reason);
    if let Some((code, verdict, why)) = verdict {
        deed.code = Some(code);
        deed.verdict = Some(verdict);
        deed.because(write.reason.as_ref().map_or_else(|| why.clone(), |reason| format!("{reason} ({why})")));
    }
    deed.fields = changes;
    mark_unseen(sheet, state, &mut deed);
    deed.refs.based_on = write.depends_on.keys().cloned().collect();
    let primary = sheet.push(deed);
    let back = !matches!(write.kind, WriteKind::Archive | WriteKind::Delete);
    if back
        && state.entities.get(&write.entity).is_some_and(|entity| entity.is_deleted())
        && let Some(deed) = sheet.deed_mut(primary)
    {
        deed.decided.get_or_insert_default().anew = true;
    }
    alert::after_commit(sheet, state, primary);
    alert::cascade(sheet, state, primary);
    trigger::after_commit(sheet, state, primary);
    affected::after_commit(sheet, state, primary);
    primary
}

/// Marks what the author may not see of its own commit, as a workspace that only observes lets it through: its answer is as
/// if nothing had been there.
fn mark_unseen(sheet: &Sheet<'_>, state: &State, deed: &mut Deed) {
    let (Some(agent), Some(entity)) = (deed.actor.agent(), &deed.subject) else { return };
    if sheet.imported {
        return;
    }
    for change in &mut deed.fields {
        change.unseen = state.board.map.hides_version_of(agent, entity, &change.name);
    }
}

/// The fields with their versions after the commit.
fn committed(state: &State, write: &Write, back: bool) -> Result<Vec<FieldChange>, String> {
    let entity = state.entities.get(&write.entity);
    let whole_version = entity.map_or(Version(0), |entity| entity.version).next();
    let mut changes = Vec::with_capacity(write.changes.len().max(1));
    for (name, value) in &write.changes {
        let field = entity.and_then(|entity| entity.field(name));
        let base = field.map_or(Version(0), |field| field.version);
        let next = entity.map_or(base.next(), |entity| entity.next_version_of(name));
        let after = if !back && verdict::is_append(&state.board.map, &write.entity, name) {
            appended(field.map(|field| &field.value), value, name)?
        } else {
            value.clone()
        };
        changes.push(FieldChange {
            entity: None,
            name: name.clone(),
            base: Some(base),
            version: if name.is_whole() { whole_version } else { next },
            before: field.map(|field| field.value.clone()),
            after: Some(after),
            by: None,
            at: None,
            unseen: false,
        });
    }
    if write.kind != WriteKind::Update && !write.changes.contains_key(&FieldName::whole()) {
        changes.push(FieldChange {
            entity: None,
            name: FieldName::whole(),
            base: entity.map(|entity| entity.version),
            version: whole_version,
            before: None,
            after: None,
            by: None,
            at: None,
            unseen: false,
        });
    }
    Ok(changes)
}

/// An `append` field is a list that grows; nothing in it is overwritten.
fn appended(list: Option<&Value>, item: &Value, name: &FieldName) -> Result<Value, String> {
    let mut items = match list.map(Value::json) {
        Some(serde_json::Value::Array(items)) => items,
        Some(serde_json::Value::Null) | None => Vec::new(),
        Some(single) => vec![single],
    };
    items.push(item.json());
    Value::new(&serde_json::Value::Array(items)).map_err(|_| {
        format!(
            "#{} would grow past {VALUE_BYTES} bytes; start a new entity for further entries",
            name.as_str()
        )
    })
}

/// The fields of a write that did not go through: what is there, as far as the agent may see it, and what was wanted.
pub(super) fn wanted(state: &State, agent: &AgentId, write: &Write) -> Vec<FieldChange> {
    let entity = state.entities.get(&write.entity);
    let named = |name: &FieldName| match &write.expected {
        Some(Expected::Fields(versions)) => versions.get(name).copied(),
        Some(Expected::Entity(_)) | None => None,
    };
    let one = |(name, value): (&FieldName, &Value)| {
        let change = FieldChange {
            entity: None,
            name: name.clone(),
            base: named(name),
            version: entity.map_or(Version(0), |entity| entity.version_of(name)),
            before: None,
            after: Some(value.clone()),
            by: None,
            at: None,
            unseen: false,
        };
        verdict::told(state, Some(agent), &write.entity, change)
    };
    write.changes.iter().map(one).collect()
}

pub(super) fn draft(sheet: &Sheet<'_>, write: &Write, body: Body, outcome: Outcome) -> Deed {
    let mut deed = sheet.draft(body, word(write), outcome);
    deed.subject = Some(write.entity.clone());
    deed.cause = write.cause;
    deed
}

pub(super) fn refused() -> Body {
    Body::WriteRefused(())
}

/// The word for a write in lists.
pub(super) fn word(write: &Write) -> &'static str {
    match write.kind {
        WriteKind::Update => "write",
        WriteKind::Create => "create",
        WriteKind::Archive => "archive",
        WriteKind::Delete => "delete",
    }
}

/// A stored write as the case of an item; `partial` where there was more in it.
pub(super) fn case(write: &Write, partial: bool) -> Case {
    Case::UnownedField { write: write.clone(), partial }
}

/// Its reason where it is decided again: not where that may speak of more than is written now; it stands in the first deed.
pub(super) fn reason_again(write: &Write, partial: bool) -> Option<Arc<str>> {
    write.reason.clone().filter(|_| !partial)
}

/// A write of single values, as people's overrides and undo make it.
pub(super) fn simple(path: &FieldPath, value: Value, expected: Version, cause: Option<Seq>) -> Write {
    Write {
        entity: path.entity.clone(),
        kind: WriteKind::Update,
        changes: BTreeMap::from([(path.field.clone(), value)]),
        expected: Some(Expected::Fields(BTreeMap::from([(path.field.clone(), expected)]))),
        depends_on: BTreeMap::new(),
        lease: None,
        reason: None,
        cause,
        call: None,
    }
}

/// The alert kind of a stale deed: its own versions, or what it was based on.
pub(super) fn stale_kind(fields: &[FieldChange]) -> AlertKind {
    if fields.iter().any(|field| field.entity.is_some() || field.base.is_none()) {
        AlertKind::StaleRead
    } else {
        AlertKind::StaleWrite
    }
}

/// Whether the actor is this agent.
pub(super) fn is(actor: &Actor, agent: &AgentId) -> bool {
    actor.agent() == Some(agent)
}
