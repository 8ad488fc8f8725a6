//! May an agent do something? For whoever guards a door of their own, RULES §21: it is decided as if the agent asked now, and
//! thrown away. What it may see is the map's to say.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Answer, call, decide, verdict, write};
use crate::domain::code::Code;
use crate::domain::command::{
    CallOrder, CallStep, Claim, Command, Principal, Publish, Request, Write, WriteKind,
};
use crate::domain::ids::{Actor, AgentId, PersonId, QueueName};
use crate::domain::map::FieldKind;
use crate::domain::outcome::Outcome;
use crate::domain::path::{EntityPath, FieldName, FieldPath};
use crate::domain::reply::Reply;
use crate::domain::state::State;
use crate::domain::things::{TokenClass, TokenRecord};
use crate::domain::time::Time;
use crate::domain::value::Value;

/// What is asked.
#[derive(Debug, Clone)]
pub enum Question {
    /// May it see this? Of an entity as a whole: all of it.
    Read(FieldPath),
    /// May it do this to the entity or the field, on what is there now? Without a value: change it at all.
    Write(WriteKind, FieldPath, Option<Value>),
    /// Is the event its to handle? With an empty key: an occurrence that nobody has heard of yet.
    Claim(Claim),
    /// May the call be forwarded, by whoever tells of no reads? What it has not read there counts as read just now.
    Call(CallOrder),
    /// May it publish this?
    Publish(Publish),
}

/// What would be said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct May {
    /// Whether it may go ahead now.
    pub allowed: bool,
    /// Why not; or why it may only because the workspace does no more than observe.
    pub why: Option<Why>,
}

/// Why not, whose it is, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Why {
    /// As a code.
    pub code: Code,
    /// The outcome it would have had, where the workspace only observes.
    pub verdict: Option<Outcome>,
    /// In words.
    pub reason: Arc<str>,
    /// What the agent can do.
    pub next: Arc<str>,
    /// Whose it is.
    pub owners: Vec<AgentId>,
    /// The people accountable for them.
    pub people: Vec<PersonId>,
    /// The queue where a person decides: the first owner's, else the agent's.
    pub queue: QueueName,
    /// Until when somebody else goes first.
    pub until: Option<Time>,
}

/// What would be said to the agent. Nothing is said that it would not be told itself.
pub fn may(state: &State, agent: &AgentId, question: Question, now: Time) -> May {
    let no = |(code, reason): (Code, String)| refused(state, agent, (code, reason), Vec::new());
    let is_its = |record: &Arc<TokenRecord>| {
        record.token.class == TokenClass::Agent && *record.token.name == *agent.as_str()
    };
    if state.board.map.agent(agent).is_none() && !state.access.tokens.values().any(is_its) {
        return no((Code::NotFound, format!("no agent here is called {agent}")));
    }
    let stopped = verdict::stopped(state, agent, now);
    let command = match question {
        Question::Read(path) => {
            // Who is paused may look.
            let stopped = stopped.filter(|(code, _)| *code != Code::Paused);
            return stopped.map_or_else(|| reads(state, agent, &path), no);
        }
        Question::Write(kind, path, value) => Command::Write(wish(state, agent, (kind, path, value), now)),
        Question::Claim(claim) if claim.key.is_empty() => {
            Command::Claim(Claim { key: Arc::from(now.to_string()), ..claim })
        }
        Question::Claim(claim) => Command::Claim(claim),
        Question::Call(order) => Command::Call(CallStep::Make(order)),
        Question::Publish(publish) => Command::Publish(publish),
    };
    if let Some(stopped) = stopped {
        return no(stopped);
    }
    let supposed = if let Command::Call(CallStep::Make(order)) = &command {
        call::as_read(state, agent, order)
    } else {
        Cow::Borrowed(state)
    };
    let actor = Actor::Agent(agent.clone());
    let principal = Principal { actor, class: TokenClass::Agent, token: None };
    // It shows no key, so that no earlier answer is repeated.
    let Answer::Reply(reply) = decide(&supposed, &Request::new(principal, command), now).answer else {
        return May::default();
    };
    said(state, agent, *reply)
}

fn reads(state: &State, agent: &AgentId, FieldPath { entity, field }: &FieldPath) -> May {
    let map = &state.board.map;
    let (reason, next) = if map.is_hidden(agent, entity, field) {
        let path = FieldPath::new(entity.clone(), field.clone());
        (format!("{path} is hidden from {agent}"), Code::Hidden.next())
    } else if field.is_whole() && map.hides_any_of(agent, entity) {
        let next = "name the `field` that is read, and ask for each by itself";
        (format!("some fields of {entity} are hidden from {agent}"), next)
    } else {
        return May { allowed: true, why: None };
    };
    let owners = map.owners(entity, field).into_iter().cloned().collect();
    let mut no = refused(state, agent, (Code::Hidden, reason), owners);
    if let Some(why) = &mut no.why {
        why.next = Arc::from(next);
    }
    no
}

/// The write as whoever has just read what is there would ask for it.
fn wish(
    state: &State,
    agent: &AgentId,
    (kind, path, value): (WriteKind, FieldPath, Option<Value>),
    now: Time,
) -> Write {
    let FieldPath { entity, field } = path;
    let changes = if kind == WriteKind::Update {
        let value = value.unwrap_or_else(|| takes(state, &entity, &field));
        BTreeMap::from([(field, value)])
    } else {
        BTreeMap::new()
    };
    let lease = state.board.leases_on(&entity, now).find(|lease| lease.holder == *agent);
    let lease = lease.map(|lease| lease.fence);
    let (depends_on, reason, cause, call, expected) = (BTreeMap::new(), None, None, None, None);
    let wish = Write { entity, kind, changes, expected, depends_on, lease, reason, cause, call };
    write::on_what_is_there(state, agent, wish)
}

/// A value that the field takes now, whatever it will be.
fn takes(state: &State, entity: &EntityPath, field: &FieldName) -> Value {
    match state.board.map.field_kind(entity, field) {
        FieldKind::Progression { order } => {
            let known = state.entities.get(entity);
            let now = known.and_then(|known| known.field(field)).map(|field| field.value.clone());
            now.filter(|now| order.contains(now))
                .or_else(|| order.first().cloned())
                .unwrap_or_else(Value::null)
        }
        FieldKind::Owned | FieldKind::Append | FieldKind::Constant | FieldKind::Sequenced { .. } => {
            Value::null()
        }
    }
}

fn said(state: &State, agent: &AgentId, reply: Reply) -> May {
    let allowed = matches!(reply.outcome, Outcome::Committed | Outcome::Allowed);
    let Some(code) = reply.code else { return May { allowed, why: None } };
    let reason = reply.message.as_deref().unwrap_or_default().to_owned();
    let waits = matches!(reply.outcome, Outcome::Proposed | Outcome::Escalated | Outcome::Deferred);
    let next = reply.next.unwrap_or_else(|| Arc::from(code.next()));
    let may = refused(state, agent, (code, reason), reply.owners);
    let why = may.why.map(|why| Why {
        verdict: reply.verdict,
        next: if waits {
            Arc::from(format!("nothing waits yet; asked of Deeds itself: {next}"))
        } else {
            next
        },
        until: reply.until,
        ..why
    });
    May { allowed, why }
}

/// A no with the code's own next step, and who answers for it.
fn refused(state: &State, agent: &AgentId, (code, reason): (Code, String), owners: Vec<AgentId>) -> May {
    let map = &state.board.map;
    let people = map.people_of(&owners);
    let queue = map.queue_of(owners.first().unwrap_or(agent)).name.clone();
    let (reason, next) = (Arc::from(reason), Arc::from(code.next()));
    let why = Why { code, verdict: None, reason, next, owners, people, queue, until: None };
    May { allowed: false, why: Some(why) }
}
