//! The checks of a write and an act, each a question about the state with a value for an answer.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::lease;
use super::write::stale_on;
use crate::domain::code::Code;
use crate::domain::command::{Expected, NAME_BYTES, TEXT_BYTES, Write, WriteKind};
use crate::domain::ids::{Actor, AgentId, Seq, Version};
use crate::domain::map::{Condition, Defer, FieldKind, Map};
use crate::domain::path::{Bindings, EntityPath, FieldName, FieldPath};
use crate::domain::rule::kind::{self, Against};
use crate::domain::rule::whiles;
use crate::domain::state::State;
use crate::domain::things::{Field, FieldChange, Hold};
use crate::domain::time::Time;
use crate::domain::value::Value;

/// Somebody else goes first; who and until when only where the caller may see the subject.
#[derive(Debug, PartialEq)]
pub(super) struct GoesFirst {
    pub(super) to: Vec<AgentId>,
    pub(super) until: Option<Time>,
    pub(super) why: String,
    /// When the way is free at the latest, as far as is known; for waking, not for telling.
    pub(super) free_at: Option<Time>,
    /// The fields on which it depends; for waking, not for telling.
    pub(super) watches: Vec<FieldPath>,
    /// Those of them that the words tell of: whoever may not see one may not read the words.
    pub(super) told: Vec<FieldPath>,
}

impl GoesFirst {
    /// Without a word of the fields on which it depends, for a deed that others read who may not see them.
    pub(super) fn plainly(to: &[AgentId], subject: &EntityPath) -> String {
        let to: Vec<&str> = to.iter().map(AgentId::as_str).collect();
        let to = if to.is_empty() { "somebody else".to_owned() } else { to.join(", ") };
        format!("{to} goes first on {subject}")
    }
}

/// RULES §3.2, in words: a person has stopped the agent.
pub(super) fn paused(state: &State, agent: &AgentId) -> Option<String> {
    let stop = state.board.stop_of(agent)?;
    let whom = match &state.board.agents.get(agent).and_then(|facts| facts.paused.as_ref()) {
        Some(_) => agent.as_str(),
        None => "every agent",
    };
    let until = stop.until.map(|until| format!(" until {until}")).unwrap_or_default();
    Some(format!("{whom} was paused by {}{until}: {}", stop.by, stop.reason))
}

/// Why what is kept of an agent is not decided as its own now: a person has stopped it, or taken its tokens away.
pub(super) fn stopped(state: &State, agent: &AgentId, now: Time) -> Option<(Code, String)> {
    if let Some(why) = paused(state, agent) {
        return Some((Code::Paused, why));
    }
    let at = state.access.shut_out(agent, now)?;
    Some((Code::TokenEnded, format!("the last token of {agent} was revoked at {at}")))
}

/// RULES §2.2: nothing of the subject is for the agent to see, so that nothing is asked about it. Where a map is in force
/// this comes before every question that what is there could answer.
pub(super) fn unseen(state: &State, agent: &AgentId, entity: &EntityPath) -> bool {
    state.board.enforces() && state.board.map.hides_all_of(agent, entity)
}

/// Whether what is true of the entity as a whole is not for the agent to see: who froze or removed it, and who goes first.
pub(super) fn hides_whole(state: &State, agent: &AgentId, entity: &EntityPath) -> bool {
    state.board.map.is_hidden(agent, entity, &FieldName::whole())
}

/// That nothing of it can be seen, in words.
pub(super) fn unseen_words(entity: &EntityPath, agent: &AgentId) -> String {
    format!("{entity} is hidden from {agent}")
}

/// Whether a person's freeze, or that nothing of it can be seen, keeps the agent from the subject.
pub(super) fn kept_off(state: &State, agent: &AgentId, entity: &EntityPath) -> Option<(Code, String)> {
    if unseen(state, agent, entity) {
        return Some((Code::Hidden, unseen_words(entity, agent)));
    }
    frozen(state, agent, entity).map(|why| (Code::Frozen, why))
}

/// Check 2 of RULES §4.1, in words. Of what is hidden from the agent at most that it is frozen.
pub(super) fn frozen(state: &State, agent: &AgentId, entity: &EntityPath) -> Option<String> {
    let stop = state.board.frozen.get(entity).filter(|_| !unseen(state, agent, entity))?;
    if hides_whole(state, agent, entity) {
        return Some(format!("{entity} is frozen"));
    }
    let until = stop.until.map(|until| format!(" until {until}")).unwrap_or_default();
    Some(format!("{entity} was frozen by {}{until}: {}", stop.by, stop.reason))
}

/// Check 4: does a lease stand in the way? What concerns the entity as a whole concerns every lease on it.
pub(super) fn leased(state: &State, agent: &AgentId, write: &Write, now: Time) -> Option<(Code, String)> {
    if write.lease.is_none() && !state.board.holds.contains_key(&write.entity) {
        return None;
    }
    let whole = FieldName::whole();
    let (entity, token) = (&write.entity, write.lease);
    if write.kind == WriteKind::Update {
        return lease::in_the_way(state, agent, entity, &write.changes.keys(), token, now);
    }
    lease::in_the_way(state, agent, entity, &std::iter::once(&whole), token, now)
}

/// Check 6: the changed fields that have no expected version. `append` adds need none.
pub(super) fn missing(map: &Map, agent: &AgentId, write: &Write) -> Vec<FieldName> {
    // Whoever may not know the version of the whole can't name it either.
    let whole_seen = || !map.hides_version(agent, &write.entity);
    let named = |name: &FieldName| match &write.expected {
        Some(Expected::Entity(_)) => whole_seen(),
        Some(Expected::Fields(versions)) => versions.contains_key(name),
        None => false,
    };
    match write.kind {
        WriteKind::Create => Vec::new(),
        WriteKind::Update => {
            let free = |name: &&FieldName| !named(name) && !is_append(map, &write.entity, name);
            write.changes.keys().filter(free).cloned().collect()
        }
        WriteKind::Archive | WriteKind::Delete => {
            let whole = FieldName::whole();
            if named(&whole) { Vec::new() } else { vec![whole] }
        }
    }
}

/// Whether nothing that is written to the field puts back what was there: a list that grows, a status that moves forward.
pub(super) fn goes_one_way(map: &Map, entity: &EntityPath, name: &FieldName) -> bool {
    matches!(map.field_kind(entity, name), FieldKind::Append | FieldKind::Progression { .. })
}

/// Whether the field takes adds from every granted agent.
pub(super) fn is_append(map: &Map, entity: &EntityPath, name: &FieldName) -> bool {
    matches!(map.field_kind(entity, name), FieldKind::Append)
}

/// Check 7: the fields whose version is not the expected one, as they are now.
pub(super) fn outdated(state: &State, agent: Option<&AgentId>, write: &Write) -> Vec<FieldChange> {
    let entity = state.entities.get(&write.entity);
    // What the agent may not see is not there for it, also where it names a version of what it does not change.
    let hidden = |name: &FieldName| {
        agent.is_some_and(|agent| state.board.map.hides_version_of(agent, &write.entity, name))
    };
    let version_of = |name: &FieldName| {
        entity.filter(|_| !hidden(name)).map_or(Version(0), |entity| entity.version_of(name))
    };
    let now = |name: &FieldName, base| {
        let wanted = write.changes.get(name);
        told(state, agent, &write.entity, found(state, &write.entity, name, base, wanted))
    };
    match &write.expected {
        None => Vec::new(),
        Some(Expected::Entity(base)) if version_of(&FieldName::whole()) == *base => Vec::new(),
        Some(Expected::Entity(base)) => {
            let mut changes = vec![now(&FieldName::whole(), *base)];
            changes.extend(write.changes.keys().filter(|name| !name.is_whole()).map(|name| {
                let mut change = now(name, *base);
                change.base = None;
                change
            }));
            changes
        }
        Some(Expected::Fields(versions)) => versions
            .iter()
            .filter(|(name, base)| version_of(name) != **base)
            .map(|(name, base)| now(name, *base))
            .collect(),
    }
}

/// What the caller based itself on and is no longer so, as it is now. A reference to a tombstone is always outdated.
pub(super) fn outdated_reads(
    state: &State,
    agent: Option<&AgentId>,
    reads: &BTreeMap<FieldPath, Version>,
) -> Vec<FieldChange> {
    let is_outdated = |path: &FieldPath, base: Version| {
        // What the agent may not see is not there for it.
        let (map, entity, field) = (&state.board.map, &path.entity, &path.field);
        let hidden = agent.is_some_and(|agent| map.is_hidden(agent, entity, field));
        let uncounted = agent.is_some_and(|agent| map.hides_version_of(agent, entity, field));
        let known = state.entities.get(entity).filter(|_| !hidden);
        let gone = known.is_some_and(|known| known.gone.is_some());
        gone || known.filter(|_| !uncounted).map_or(Version(0), |known| known.version_of(field)) != base
    };
    let mut changes = Vec::new();
    for (path, base) in reads {
        if !is_outdated(path, *base) {
            continue;
        }
        let mut change = found(state, &path.entity, &path.field, *base, None);
        change.entity = Some(path.entity.clone());
        changes.push(told(state, agent, &path.entity, change));
    }
    changes
}

/// A field that was not looked at, as the agent would find it: with its version and who wrote it, without its value.
pub(super) fn unread(state: &State, agent: &AgentId, path: &FieldPath) -> FieldChange {
    let change = found(state, &path.entity, &path.field, Version(0), None);
    let change = FieldChange { entity: Some(path.entity.clone()), base: None, before: None, ..change };
    told(state, Some(agent), &path.entity, change)
}

/// What an agent may be told of a field: a hidden one is as if it were not there. People are told everything.
pub(super) fn told(
    state: &State,
    agent: Option<&AgentId>,
    entity: &EntityPath,
    mut change: FieldChange,
) -> FieldChange {
    let Some(agent) = agent else { return change };
    let map = &state.board.map;
    let hidden = map.is_hidden(agent, entity, &change.name);
    if hidden || map.hides_version_of(agent, entity, &change.name) {
        change.version = Version(0);
        change.before = None;
        // Who removed it is told to whoever may see the whole; who wrote last, to whom may see what was written.
        let gone = state.entities.get(entity).is_some_and(|entity| entity.gone.is_some());
        if hidden || !gone {
            change.by = None;
            change.at = None;
        }
    }
    change
}

/// What the author was stale on, in words, as far as the author may see it: in observe mode they go with the commit.
pub(super) fn seen_stale(
    state: &State,
    agent: &AgentId,
    subject: &EntityPath,
    fields: &[FieldChange],
) -> String {
    let seen = |field: &&FieldChange| {
        let entity = field.entity.as_ref().unwrap_or(subject);
        !state.board.map.is_hidden(agent, entity, &field.name)
    };
    let fields: Vec<FieldChange> = fields.iter().filter(seen).cloned().collect();
    stale_on(subject, &fields)
}

/// The field as it is now, against what the caller thought.
pub(super) fn found(
    state: &State,
    entity: &EntityPath,
    name: &FieldName,
    base: Version,
    wanted: Option<&Value>,
) -> FieldChange {
    let known = state.entities.get(entity);
    let field = known.and_then(|entity| entity.field(name));
    let newest =
        || known.and_then(|known| known.fields.iter().map(|(_, field)| field).max_by_key(|field| field.deed));
    let writer = if name.is_whole() { field.or_else(newest) } else { field };
    let gone = known.and_then(|known| known.gone.as_ref());
    FieldChange {
        entity: None,
        name: name.clone(),
        base: Some(base),
        version: known.map_or(Version(0), |known| known.version_of(name)),
        before: field.map(|field| field.value.clone()),
        after: wanted.cloned(),
        by: gone.map(|gone| gone.by.clone()).or_else(|| writer.map(|field| field.by.clone())),
        at: gone.map(|gone| gone.at).or_else(|| writer.map(|field| field.at)),
        unseen: false,
    }
}

/// Check 9: does the field's kind allow the new value, and this agent at this moment?
pub(super) fn kind_refusal(state: &State, agent: &AgentId, write: &Write) -> Option<(Code, String)> {
    let map = &state.board.map;
    let entity = state.entities.get(&write.entity);
    write.changes.iter().find_map(|(name, value)| {
        let field = entity.and_then(|entity| entity.field(name));
        let last = || field.and_then(last_agent);
        let values = (field.map(|field| &field.value), Some(value));
        let against = kind::against(map.field_kind(&write.entity, name), agent, values, last)?;
        let path = FieldPath::new(write.entity.clone(), name.clone());
        let steps = |order: &[Value]| order.iter().map(Value::plain).collect::<Vec<_>>().join(" → ");
        let (code, value) = (against.code(), value.plain());
        let why = match against {
            Against::Constant => format!("{path} is a constant; only people change it"),
            Against::NotAStep(order) => {
                format!("{path} moves along {}; {value} is none of these", steps(order))
            }
            Against::Backward(order) => {
                format!("{path} moves forward only, along {}; {value} is behind", steps(order))
            }
            Against::NotYourTurn { order, next } => {
                let last = last().map_or("nobody".to_owned(), ToString::to_string);
                format!("{path} goes along {}; {last} was last, {} is next", named(order), named(&next))
            }
        };
        Some((code, why))
    })
}

/// The agent that wrote the field last. People do not move the baton.
fn last_agent(field: &Field) -> Option<&AgentId> {
    field.runs.iter().rev().find_map(|run| run.by.agent())
}

/// Names in their order.
pub(super) fn named<T: std::fmt::Display>(agents: &[T]) -> String {
    agents.iter().map(ToString::to_string).collect::<Vec<_>>().join(" → ")
}

/// Check 10, RULES §4.4: does a rule say that somebody else goes first?
pub(super) fn goes_first(
    state: &State,
    agent: &AgentId,
    action: &str,
    subject: &EntityPath,
    now: Time,
) -> Option<GoesFirst> {
    let mut rules = state.board.map.defers(agent).iter().filter(|rule| rule.covers_action(action));
    let first = rules.find_map(|rule| yields(state, rule, subject, now))?;
    if hides_whole(state, agent, subject) {
        let why = GoesFirst::plainly(&[], subject);
        return Some(GoesFirst { to: Vec::new(), until: None, why, told: Vec::new(), ..first });
    }
    Some(first)
}

fn yields(state: &State, rule: &Defer, subject: &EntityPath, now: Time) -> Option<GoesFirst> {
    let other = rule.to.actor();
    let touched = |actor: &Actor| *actor == other;
    let last = state
        .entities
        .get(subject)
        .and_then(|entity| entity.last.iter().find(|(actor, _)| touched(actor)).map(|(_, at)| *at));
    let first = |until, why| {
        let (to, watches, told) = (rule.to.agent().cloned().into_iter().collect(), Vec::new(), Vec::new());
        Some(GoesFirst { to, until, why, free_at: until, watches, told })
    };
    let acted = if rule.to.agent().is_some() { "it acted" } else { "they acted" };
    if let (Some(within), Some(at)) = (rule.within, last)
        && now < at.plus(within)
    {
        let why = format!("{} goes first on {subject}: {acted} {} ago", other.name(), now.since(at).rough());
        return first(Some(at.plus(within)), why);
    }
    if rule.while_.is_some() {
        let on = whiles::met(state, rule, subject)?;
        let seen = on.fields.iter().all(|on| !state.board.map.is_hidden(&rule.agent, &on.entity, &on.field));
        let while_ = if seen { format!(" while {}", on.words) } else { String::new() };
        let first = first(None, format!("{} goes first on {subject}{while_}", other.name()))?;
        let told = if seen { on.fields.clone() } else { Vec::new() };
        return Some(GoesFirst { watches: on.fields, told, ..first });
    }
    if rule.within.is_none() && last.is_some() {
        return first(None, format!("{} goes first on {subject}", other.name()));
    }
    None
}

/// Whether a condition, with its rule's word on upper and lower case, is true under the bindings, and of which field.
pub(super) fn holds(
    state: &State,
    (condition, case): (&Condition, bool),
    bindings: &Bindings,
) -> Option<FieldPath> {
    let path = condition.template.fill(bindings)?;
    let entity = state.entities.get(&path.entity).filter(|entity| entity.gone.is_none())?;
    let field = entity.field(&path.field)?;
    condition.holds(&field.value, case).then_some(path)
}

/// Who else holds something open on the entity: an act on it, work that somebody waits for, or a live lease. What was
/// only based on it, and answers and notices, are no obstacle.
pub(super) fn held_open(state: &State, entity: &EntityPath, but: &AgentId, now: Time) -> Option<String> {
    let board = &state.board;
    board.holds_on(entity).find_map(|hold| match hold {
        Hold::Act(no) => {
            let act = board.acts.get(&no).filter(|act| act.subject == *entity && act.agent != *but)?;
            Some(format!("{} has act {no} open on {entity}", act.agent))
        }
        Hold::Work(no) => {
            let work = board.works.get(&no).filter(|work| work.agent != *but)?;
            Some(format!("{} has {} {no} open on {entity}", work.agent, work.kind.word()))
        }
        Hold::Lease(fence) => {
            let lease = board
                .leases
                .get(&fence)
                .filter(|lease| lease.is_live(board.agents_clock(now)) && lease.holder != *but)?;
            Some(lease::of_part_words(state, but, lease, entity))
        }
        Hold::Waiting(_) => None,
    })
}

/// Whether a free text of a command is over its bound, in words.
pub(super) fn too_long(name: &str, words: Option<&str>) -> Option<String> {
    words.filter(|words| words.len() > TEXT_BYTES)?;
    Some(format!("`{name}` is longer than {TEXT_BYTES} bytes"))
}

/// Whether the cause that a command names is no deed so far, in words.
pub(super) fn unknown_cause(state: &State, cause: Option<Seq>) -> Option<String> {
    unknown_deed(state, "cause", cause?)
}

/// The same of a deed that any key names: what is to come would be what its author makes of it later.
pub(super) fn unknown_deed(state: &State, key: &str, seq: Seq) -> Option<String> {
    (seq == Seq(0) || seq > state.head())
        .then(|| format!("`{key}` names deed {seq}, and the last one is {}", state.head()))
}

/// A name kept no longer than its bound.
pub(super) fn cut(name: &Arc<str>) -> Arc<str> {
    let kept = name.get(..name.floor_char_boundary(NAME_BYTES));
    kept.filter(|kept| kept.len() < name.len()).map_or_else(|| Arc::clone(name), Arc::from)
}

/// Text for a reason.
pub(super) fn text(words: impl AsRef<str>) -> Arc<str> {
    Arc::from(words.as_ref())
}
