//! A step as a request, given how things stand: whose it is, which number it has, which version it is at.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;

use super::step::{
    AGENTS, ENTITIES, EVENTS, FIELDS, OFFERS, OUTPUTS, PEOPLE, Step, TARGETS, WORDS, What, Who, field_of,
};
use super::team;
use super::world::World;
use super::zones::Zones;
use deeds::domain::arguments::Arguments;
use deeds::domain::command::{
    AcceptLoss, Act, ActEnd, AlertStep, AlertVerb, Answered, ApplyMap, AskedKey, AwayStep, AwayVerb,
    BranchOrder, CallEnd, CallMade, CallOrder, CallStep, Claim, Command, Conclude, Escalate, Expected,
    FanOut, GuardNote, Handoff, ItemStep, ItemVerb, KeyStep, LeaseStep, MapReview, OfferZone, Override,
    OverrideVerb, Publish, Raise, RebaseClock, Request, ReviewStep, ReviewVerb, Take, Together, TokenStep,
    WorkStep, WorkVerb, Write, WriteKind,
};
use deeds::domain::ids::{
    ActNo, AgentId, AlertNo, Fence, IdempotencyKey, ItemNo, MapVersion, PersonId, Seq, TaskId, TokenId,
    Version, WorkNo,
};
use deeds::domain::map::{Does, Grant, OnExhausted, ToolRow};
use deeds::domain::path::{EntityPath, FieldName, FieldPath, Pattern};
use deeds::domain::state::State;
use deeds::domain::things::{
    Allowance, CallHow, Case, Invitation, Item, ItemAnswer, KnownKey, Lasts, Lease, LeaseTarget, OfferedTool,
    TaskStage, TokenClass, ToolsSeen, Until, WorkProduct,
};
use deeds::domain::time::Span;
use deeds::domain::value::Value;

/// The step as a request. None where it is none.
pub(crate) fn request(world: &World, step: &Step) -> Option<Request> {
    let who = match step.who {
        Who::Right => right(world, &step.what),
        Who::Some(who) => who,
    };
    let me = AGENTS.get(who).copied().unwrap_or("sales");
    let command = command(world, me, &step.what)?;
    let key = step.key.map(|(key, body)| {
        // Most bodies are what they are; some claim to be another.
        let digest = if body == 0 { format!("{command:?}") } else { format!("another {key}") };
        AskedKey::new(IdempotencyKey::new(&format!("key {key}")).unwrap(), Arc::from(digest))
    });
    Some(Request { key, ..Request::new(world.principal(who, step.old_token), command) })
}

/// The one whose it is, or who is good for it.
fn right(world: &World, what: &What) -> usize {
    let board = &world.state.board;
    let agent = |name: &str| AGENTS.iter().position(|agent| *agent == name).unwrap_or(0);
    let person = |name: &str, class: &str| {
        AGENTS.len() + PEOPLE.iter().position(|person| *person == (name, class)).unwrap_or(0)
    };
    match what {
        What::Write { entity, fields, .. } => {
            let zones = Zones::of(board.map.model());
            let field = field_of(*entity, fields[0].0);
            let may = |name: &&&str| zones.writes(name, ENTITIES[*entity], field);
            agent(AGENTS.iter().find(may).copied().unwrap_or("sales"))
        }
        What::Act { target: 4, .. } => {
            let zones = Zones::of(board.map.model());
            let may = |name: &&&str| zones.writes(name, "crm/account/acme", "plan");
            agent(AGENTS.iter().find(may).copied().unwrap_or("sales"))
        }
        What::Act { target, .. } => {
            agent(["sales", "support", "sales", "product", "sales", "product"][*target])
        }
        What::Call { verb, at, entity, .. } => agent(caller(world, *verb, *at, *entity)),
        What::ActEnd { at, .. } => nth(board.acts.values(), *at).map_or(0, |act| agent(act.agent.as_str())),
        What::Take { only, .. } => {
            nth(board.works.values(), only.unwrap_or(0)).map_or(0, |w| agent(w.agent.as_str()))
        }
        What::Work { at, .. } => nth(board.works.values(), *at).map_or(0, |work| agent(work.agent.as_str())),
        What::Handoff { task, .. } => {
            board.tasks.get(&task_id(*task)).map_or(usize::from(*task), |task| agent(task.owner.as_str()))
        }
        What::Lease { step: 0..=2, entity, field, task, at, .. } => {
            if *task {
                return board.tasks.get(&task_id(*at)).map_or(0, |task| agent(task.owner.as_str()));
            }
            let zones = Zones::of(board.map.model());
            let may = |name: &&&str| zones.writes(name, ENTITIES[*entity], field_of(*entity, *field));
            agent(AGENTS.iter().find(may).copied().unwrap_or("sales"))
        }
        What::Lease { at, .. } => {
            nth(board.leases.values(), *at).map_or(0, |lease| agent(lease.holder.as_str()))
        }
        What::Publish { output, thread, .. } => match (*output, thread % 2) {
            (0, _) | (2 | 3, 1) => agent("sales"),
            (1 | 2, _) => agent("support"),
            _ => agent("product"),
        },
        What::Claim { event, .. } => {
            agent(["support", "support", "sales", "product", "sourcing", "sales"][*event])
        }
        What::Together(parts) => parts.first().map_or(0, |part| right(world, part)),
        What::Away { hours, .. } => person(if hours % 3 == 0 { "sam" } else { "dana" }, "reviewer"),
        What::Offer { pattern, .. } => agent(owner_of(&world.state, OFFERS[*pattern])),
        What::Item { verb: 12, .. } | What::Revoke { whose: 1 } => person("dana", "admin"),
        What::Item { at, verb, .. } => person(answers(&world.state, *at, *verb), "reviewer"),
        What::Apply { .. } | What::Revoke { .. } => person("ada", "admin"),
        What::Guard { .. } => person("gus", "guard"),
        What::Review { queue: 1, .. } => person("sam", "reviewer"),
        What::Alert { .. } | What::Override { .. } | What::Review { .. } | What::MapReview { .. } => {
            person("dana", "reviewer")
        }
        // Now and then a person does, and decides the question.
        What::Conclude { answer: 0, .. } => person("dana", "reviewer"),
        What::Escalate { .. }
        | What::Raise { .. }
        | What::Conclude { .. }
        | What::FanOut { .. }
        | What::Pass { .. }
        | What::Days { .. } => 0,
        What::Burst { what, .. } => right(world, &what.0),
    }
}

/// Whose call it is.
fn caller(world: &World, verb: u8, at: u8, entity: usize) -> &str {
    let board = &world.state.board;
    match verb {
        14..=19 => {
            let mut calls = board.acts.values().filter(|act| act.call.is_some());
            calls.nth(usize::from(at) % 2).map_or("sales", |act| act.agent.as_str())
        }
        7 => "sales",
        8 => "product",
        // What is another's is asked by somebody else.
        20.. => "support",
        _ => {
            let zones = Zones::of(board.map.model());
            let may = |name: &&&str| zones.writes(name, ENTITIES[entity], call_field(entity));
            AGENTS.iter().find(may).copied().unwrap_or("sales")
        }
    }
}

/// Who owns all that the pattern covers.
fn owner_of(state: &State, pattern: &str) -> &'static str {
    let zones = Zones::of(state.board.map.model());
    let owns = |name: &&&str| zones.owns_sample(name, pattern);
    AGENTS.iter().find(owns).copied().unwrap_or("sales")
}

/// Who answers that item.
fn answers(state: &State, at: u8, verb: u8) -> &str {
    let Some(item) = item(state, at, verb) else { return "dana" };
    if let Case::ZoneOffer { from, .. } = &item.case {
        let owner = state.board.map.model().agents.iter().find(|agent| agent.id == *from);
        return owner.map_or("dana", |agent| agent.owner.as_str());
    }
    if item.queue.as_str() == "roadmap" { "sam" } else { "dana" }
}

fn nth<T>(all: impl ExactSizeIterator<Item = T>, at: u8) -> Option<T> {
    let mut all = all;
    let count = all.len();
    all.nth(usize::from(at) % count.max(1))
}

fn task_id(at: u8) -> TaskId {
    TaskId::new(&format!("draft-{}", at % 3)).unwrap()
}

fn entity(at: usize) -> EntityPath {
    ENTITIES[at % ENTITIES.len()].parse().unwrap()
}

fn agent(at: usize) -> AgentId {
    AgentId::new(AGENTS[at % AGENTS.len()]).unwrap()
}

fn text(words: &str) -> Arc<str> {
    Arc::from(words)
}

pub(crate) fn value(at: usize) -> Value {
    let json = [
        json!("trial"),
        json!("sourced"),
        json!("open"),
        json!("signed"),
        json!(null),
        json!({"b": [1, 2.5, "é"], "a": {}}),
        json!(7),
    ];
    Value::new(&json[at % json.len()]).unwrap()
}

fn version(state: &State, path: &FieldPath) -> Version {
    state.entities.get(&path.entity).map_or(Version(0), |entity| entity.version_of(&path.field))
}

/// The version of now, or one that is off.
fn named(state: &State, path: &FieldPath, off: u8) -> Version {
    let now = version(state, path);
    match off {
        0 => Version(now.0 + 1),
        1 => Version(now.0.saturating_sub(1)),
        _ => now,
    }
}

fn reads(state: &State, path: FieldPath, off: u8) -> BTreeMap<FieldPath, Version> {
    let version = named(state, &path, off);
    BTreeMap::from([(path, version)])
}

/// The entity, and of some also its fields, one by one; or one of them too few.
fn known(state: &State, entity: &EntityPath, off: u8) -> BTreeMap<FieldPath, Version> {
    let fields: &[&str] = match off {
        3 => &["plan"],
        4.. => &["plan", "health"],
        _ => &[],
    };
    let mut known = reads(state, FieldPath::whole(entity.clone()), off);
    let named = fields.iter().map(|name| entity.field(name.parse().unwrap()));
    known.extend(named.map(|path| (path.clone(), version(state, &path))));
    known
}

/// What a guard tells of an agent.
fn told(agent: usize, stopped: bool, paths: u16) -> Command {
    Command::Guard(GuardNote {
        agent: AgentId::new(AGENTS[agent]).unwrap(),
        by: Arc::from("git"),
        stopped,
        paths: (0..paths).map(|at| format!("files/{at}").parse().unwrap()).collect(),
        more: 0,
    })
}

fn command(world: &World, me: &str, what: &What) -> Option<Command> {
    let state = &world.state;
    let board = &state.board;
    Some(match what {
        What::Write { .. } => Command::Write(write(state, me, what)?),
        What::Take { limit, minutes, only } => Command::Take(Take {
            limit: u32::from(*limit),
            visibility: (*minutes > 0).then(|| Span::from_mins(i64::from(*minutes))),
            work: only.map(|at| nth(board.works.keys(), at).copied().unwrap_or(WorkNo(99))),
        }),
        What::Work { at, verb, note, attempt } => Command::Work(WorkStep {
            work: nth(board.works.keys(), *at).copied().unwrap_or(WorkNo(99)),
            step: WorkVerb::ALL[usize::from(*verb) % 5],
            note: Some(text(WORDS[usize::from(*note) % 4])),
            result: (*note == 0).then(|| value(6)),
            lease: None,
            attempt: match attempt {
                0 | 1 => nth(board.works.values(), *at).map(|work| work.attempts),
                2 => Some(1),
                _ => None,
            },
        }),
        What::Lease { .. } => Command::Lease(lease(state, what)?),
        What::Together(parts) => Command::Together(Together {
            commands: parts.iter().filter_map(|part| command(world, me, part)).collect(),
        }),
        What::Item { .. } => Command::Item(item_step(world, what)?),
        What::Alert { at, verb } => Command::Alert(AlertStep {
            alert: nth(board.alerts.keys(), *at).copied().unwrap_or(AlertNo(99)),
            step: [AlertVerb::Acknowledge, AlertVerb::Resolve, AlertVerb::Escalate][usize::from(*verb)],
            note: Some(text("seen")),
        }),
        What::Offer { pattern, to } => Command::OfferZone(offer(*pattern, *to)),
        What::Apply { shape, outdated } => Command::ApplyMap(ApplyMap {
            model: Arc::new(team::asking(*shape, world.enforce, world.asked)),
            if_version: if *outdated { MapVersion(board.map_version.0 + 1) } else { board.map_version },
            reason: None,
            planned: false,
            take_back: *shape % 2 == 0,
        }),
        What::Guard { agent, stopped, paths } => told(*agent, *stopped, *paths),
        What::MapReview { outdated } => {
            let version = outdated.then(|| MapVersion(board.map_version.0 + 1));
            Command::MapReview(MapReview { version, note: None })
        }
        What::Revoke { whose } => admins(world, state, *whose),
        What::Override { verb, at, lease } => Command::Override(override_of(state, *verb, *at, *lease)),
        What::Away { hours, back, .. } => {
            let until = (*hours > 0).then(|| Until::For(Span::from_hours(i64::from(*hours))));
            let step = if *back { AwayVerb::Return } else { AwayVerb::Leave { until } };
            Command::Away(AwayStep { person: None, step, note: None })
        }
        What::Review { queue, end } => Command::Review(ReviewStep {
            queue: ["ops", "roadmap", "nobody"][usize::from(*queue)].parse().unwrap(),
            step: if *end { ReviewVerb::End } else { ReviewVerb::Start },
            note: None,
            leave: (*end && *queue == 0).then(|| text("later")),
        }),
        What::Call { verb, at, entity, content } => {
            Command::Call(call_step(state, (*verb, *at), *entity, *content))
        }
        What::Act { .. }
        | What::ActEnd { .. }
        | What::Escalate { .. }
        | What::Raise { .. }
        | What::Claim { .. } => deeds_outside(state, what)?,
        What::Publish { .. } | What::Conclude { .. } | What::Handoff { .. } | What::FanOut { .. } => {
            words_to_others(state, what)?
        }
        What::Pass { .. } | What::Days { .. } | What::Burst { .. } => return None,
    })
}

fn offer(pattern: usize, to: usize) -> OfferZone {
    OfferZone {
        pattern: OFFERS[pattern].parse().unwrap(),
        to: agent(to),
        reason: text("they are at it anyway"),
    }
}

/// The field that a call on that entity changes.
fn call_field(entity: usize) -> &'static str {
    let field = field_of(entity, FIELDS.len());
    if field.is_empty() { "text" } else { field }
}

/// What is asked, told or ended of a call.
fn call_step(state: &State, (verb, at): (u8, u8), entity: usize, content: u8) -> CallStep {
    let path = ENTITIES[entity];
    let put = json!({"path": path, call_field(entity): (["trial", "open"][usize::from(content) % 2])});
    let (server, tool, arguments) = match verb {
        0 | 1 | 11 | 21 => ("fs", "look", json!({"path": path})),
        6 | 13 => ("fs", "ask_put", put),
        7 => ("mail", "post", json!({"thread": format!("t/{content}"), "body": "hello"})),
        8 => ("mail", "announce", json!({"thread": format!("t/{content}"), "body": "hello"})),
        9 => ("crm", ["merge", "split"][usize::from(content) % 2], json!({"path": path})),
        10 => ("fs", "put", json!({"path": "../out"})),
        _ => ("fs", "put", put),
    };
    let arguments = Arguments::parse(&arguments.to_string()).unwrap();
    let (server, tool): (Arc<str>, Arc<str>) = (text(server), text(tool));
    match verb {
        0 | 1 | 21 => CallStep::Made(CallMade {
            server,
            tool,
            arguments,
            root: None,
            how: if content == 0 { CallHow::Done } else { CallHow::Failed },
            ms: Some(u64::from(at) * 40_000),
            digest: None,
            head: (at % 2 == 0).then_some(state.head()),
        }),
        12 => CallStep::Offer(ToolsSeen {
            server,
            tools: vec![OfferedTool {
                name: text(["put", "look"][usize::from(content) % 2]),
                read_only: false,
            }],
        }),
        14..=19 => {
            let mut calls = state.board.acts.values().filter(|act| act.call.is_some());
            let act = calls.nth(usize::from(at) % 2).map_or(ActNo(99), |act| act.no);
            let how = [
                CallHow::Done,
                CallHow::Done,
                CallHow::Failed,
                CallHow::Unsent,
                CallHow::Unknown,
                CallHow::Done,
            ][usize::from(verb) - 14];
            CallStep::End(CallEnd { act, how, ms: Some(7), digest: None, note: None })
        }
        _ => CallStep::Make(CallOrder {
            server,
            tool,
            arguments,
            via: text(["gate-1", "gate-2"][usize::from(at) % 2]),
            root: None,
            verified: None,
        }),
    }
}

/// Acts, events, and what an agent can't decide.
fn deeds_outside(state: &State, what: &What) -> Option<Command> {
    let board = &state.board;
    Some(match what {
        What::Act { target, subject, off, wait } => {
            let subject = entity(*subject);
            Command::Act(Act {
                thread: (off % 2 == 1).then(|| text("thread")),
                target: text(TARGETS[*target]),
                depends_on: known(state, &subject, *off),
                subject,
                action: text("send_mail"),
                wait: *wait,
                reason: None,
                cause: None,
                call: None,
            })
        }
        What::ActEnd { at, done } => {
            let act = nth(board.acts.keys(), *at).copied().unwrap_or(ActNo(99));
            Command::ActEnd(ActEnd { act, done: *done, note: None })
        }
        What::Escalate { why, subject } => {
            let input = Value::text(["Is it ours?", "is  it OURS?", "is it paid?"][usize::from(*why)]);
            let why = ["the customer wants special terms", "a feeling", "spam"][usize::from(*why)];
            let subject = subject.map(entity);
            Command::Escalate(Escalate { input, subject, why: text(why), evidence: Vec::new() })
        }
        What::Raise { event, invoice, subject } => Command::Raise(Raise {
            event: text(EVENTS[*event]),
            attributes: attributes(*invoice),
            subject: subject.map(entity),
            reason: None,
            cause: None,
        }),
        What::Claim { event, key, invoice } => Command::Claim(Claim {
            event: text(EVENTS[*event]),
            key: text(&format!("message {key}")),
            attributes: attributes(*invoice),
            subject: Some(entity(0)),
            cause: None,
        }),
        _ => return None,
    })
}

/// What agents hand to each other, publish and conclude.
fn words_to_others(state: &State, what: &What) -> Option<Command> {
    Some(match what {
        What::Handoff { to, task, attempt, max, missing } => Command::Handoff(Handoff {
            on_exhausted: Some(OnExhausted::Abort).filter(|_| *task == 1),
            to: (*missing != 0).then(|| agent(*to)),
            task: Some(task_id(*task)),
            work_product: Some(WorkProduct { result: Some(value(5)), status: Some(text("draft")) }),
            context: (*missing != 1).then(|| value(0)),
            constraints: Some(value(4)),
            attempt: Some(u32::from(*attempt)),
            max_attempts: (*max > 0).then_some(u32::from(*max)),
            subject: Some(entity(usize::from(*task))),
            reason: None,
            cause: None,
        }),
        What::FanOut { branches, minutes, needed } => {
            let order = |(to, max): &(usize, u8)| BranchOrder {
                to: agent(*to),
                input: value(*to),
                max_attempts: (*max > 0).then_some(u32::from(*max)),
            };
            Command::FanOut(FanOut {
                branches: branches.iter().map(order).collect(),
                deadline: Span::from_mins(i64::from(*minutes)),
                needed: (*needed > 0).then_some(u32::from(*needed)),
                subject: None,
                reason: None,
                cause: None,
            })
        }
        What::Publish { output, thread, subject, off, body } => {
            let subject = subject.map(entity);
            let read = subject.clone().filter(|_| *off < 6).map(FieldPath::whole);
            Command::Publish(Publish {
                output: text(OUTPUTS[*output]),
                thread: (*thread > 0).then(|| text("thread")),
                body: value(*body),
                depends_on: match &subject {
                    Some(entity) if *off % 2 == 0 => known(state, entity, *off),
                    _ => read.map(|path| reads(state, path, *off)).unwrap_or_default(),
                },
                subject,
                action: (*off % 4 == 0).then(|| text("send_mail")),
                reason: None,
                cause: None,
            })
        }
        What::Conclude { subject, question, answer } => Command::Conclude(Conclude {
            subject: entity(*subject),
            question: text(["is it paid", "is it ours"][usize::from(*question)]),
            answer: value(*answer),
            depends_on: BTreeMap::new(),
            reason: None,
            cause: None,
        }),
        _ => return None,
    })
}

fn attributes(invoice: bool) -> BTreeMap<Arc<str>, Value> {
    let subject = if invoice { "your invoice 7" } else { "hello" };
    BTreeMap::from([(text("subject"), Value::text(subject))])
}

fn write(state: &State, me: &str, what: &What) -> Option<Write> {
    let What::Write { entity: at, fields, kind, based_on, off, lease } = what else { return None };
    let entity = entity(*at);
    let kind = match kind {
        0 => WriteKind::Create,
        1 => WriteKind::Archive,
        2 => WriteKind::Delete,
        _ => WriteKind::Update,
    };
    let changes: BTreeMap<FieldName, Value> = match kind {
        WriteKind::Create | WriteKind::Update => {
            fields.iter().map(|(name, to)| (field_of(*at, *name).parse().unwrap(), value(*to))).collect()
        }
        WriteKind::Archive | WriteKind::Delete => BTreeMap::new(),
    };
    let each = |name: &FieldName| (name.clone(), named(state, &entity.field(name.clone()), *off));
    let expected = match (kind, off) {
        (_, 2) => None,
        (WriteKind::Archive | WriteKind::Delete, _) | (_, 3) => {
            Some(Expected::Entity(named(state, &FieldPath::whole(entity.clone()), *off)))
        }
        _ => Some(Expected::Fields(changes.keys().map(each).collect())),
    };
    let depends_on =
        based_on.map(|at| reads(state, FieldPath::whole(self::entity(at)), *off)).unwrap_or_default();
    // The token that it holds there, one that it does not hold, or none.
    let here = |held: &&Arc<Lease>| {
        matches!(&held.target, LeaseTarget::Path(path) if path.entity == entity) && held.holder.as_str() == me
    };
    let own = state.board.leases.values().rev().find(here).map(|held| held.fence);
    let lease = match lease {
        0 => None,
        1 => Some(Fence(state.board.next.fence.0.saturating_sub(2))),
        _ => own,
    };
    Some(Write { entity, kind, changes, expected, depends_on, lease, reason: None, cause: None, call: None })
}

fn lease(state: &State, what: &What) -> Option<LeaseStep> {
    let What::Lease { step, at, entity: on, field, task, minutes, to } = what else { return None };
    let ttl = Span::from_mins(i64::from(*minutes));
    let held = nth(state.board.leases.keys(), *at).copied();
    let lease = held.unwrap_or(Fence(state.board.next.fence.0.saturating_sub(1 + u64::from(*at))));
    Some(match step {
        0..=2 => {
            let path = entity(*on).field(field_of(*on, *field).parse().unwrap());
            let target = if *task { LeaseTarget::Task(task_id(*at)) } else { LeaseTarget::Path(path) };
            LeaseStep::Acquire { target, ttl }
        }
        3 | 4 => LeaseStep::Renew { lease, ttl },
        5 => LeaseStep::Release { lease },
        _ => LeaseStep::Transfer { lease, to: agent(*to) },
    })
}

/// Which verbs of an item step take an answer back.
fn is_undo(verb: u8) -> bool {
    matches!(verb, 3 | 16 | 17)
}

/// The item that a step is about: an open one, or an answered one to undo.
fn item(state: &State, at: u8, verb: u8) -> Option<Arc<Item>> {
    if is_undo(verb) {
        let closed = &state.board.closed;
        // The latest answer is the one that can most likely be taken back.
        return closed
            .len()
            .checked_sub(1 + usize::from(at) % 3)
            .and_then(|at| closed.get(at))
            .map(|c| Arc::clone(&c.item));
    }
    nth(state.board.items.values(), at).cloned()
}

fn item_step(world: &World, what: &What) -> Option<ItemStep> {
    let What::Item { at, verb, other, seen_before, include } = what else { return None };
    let state = &world.state;
    let open = item(state, *at, *verb);
    let no = open.as_ref().map_or(ItemNo(99), |item| item.no);
    // What was opened and ended within one step nobody has seen before.
    let before = |item| world.seen.get(&item).filter(|_| *seen_before);
    let shown = open.as_ref().map(|item| before(item.no).unwrap_or(item));
    let answer = |answer: ItemAnswer| {
        let alike = open.iter().filter(|_| *include).flat_map(|item| state.board.alike(item));
        ItemVerb::Answer(Answered {
            answer,
            version: shown.map_or(0, |item| item.version),
            digest: shown.map_or_else(|| text(""), |item| item.digest()),
            include: alike.map(|other| other.no).take(2).collect(),
        })
    };
    let note = text("a person says so");
    let approval = open.as_ref().is_some_and(|item| item.case.is_approval());
    let conflict = open.as_ref().is_some_and(|item| matches!(item.case, Case::Conflict { .. }));
    let held = open.as_ref().is_some_and(|item| item.case.is_yes_or_no());
    let stuck = open.as_ref().is_some_and(|item| matches!(item.case, Case::Stuck { .. }));
    let step = match verb {
        0 => ItemVerb::Claim,
        1 => ItemVerb::Release,
        2 => ItemVerb::Reassign { to: ["sam", "dana", "eve", "ada"][other % 4].parse().unwrap() },
        verb if is_undo(*verb) => ItemVerb::Undo,
        4 | 5 if held => answer(ItemAnswer::Approve { note: None }),
        6 | 7 if held => answer(ItemAnswer::Reject { note }),
        4 | 5 if approval => answer(ItemAnswer::Approve { note: None }),
        6 if approval => answer(ItemAnswer::ApproveEdited { body: value(*other), note: None }),
        7 if approval => answer(ItemAnswer::Reject { note }),
        4..=9 if stuck => answer(ItemAnswer::SendOn {
            to: Some(agent(*other)).filter(|_| !other.is_multiple_of(3)),
            max_attempts: [None, Some(1), Some(5), Some(101)][other % 4],
            note: Some(note).filter(|_| other.is_multiple_of(2)),
        }),
        4..=6 if conflict => answer(ItemAnswer::Ruling {
            right: (*verb < 6).then(|| text(["sales", "support"][*other % 2])),
            value: (*verb == 6).then(|| value(*other)),
            note: None,
        }),
        4..=7 => answer(ItemAnswer::Expand {
            agent: if *other == 0 { nearest(open.as_deref()) } else { agent(*other) },
            grant: wanted(open.as_deref()),
            note: None,
        }),
        8 | 9 => answer(ItemAnswer::Handle { note, reply: Some(value(4)), to: None }),
        10 => answer(ItemAnswer::Handle { note, reply: None, to: Some(agent(*other)) }),
        11 => answer(ItemAnswer::OutOfScope { reason: note, rule: other % 2 == 0 }),
        12 => answer(ItemAnswer::Transfer {
            pattern: "crm/contact/*#status".parse().unwrap(),
            from: agent(3),
            to: agent(*other),
            note: None,
        }),
        13 => answer(ItemAnswer::Approve { note: None }),
        16 => ItemVerb::Leave { reason: note },
        17 => ItemVerb::TakeOver { reason: note },
        14 => answer(ItemAnswer::ApproveEdited { body: value(*other), note: None }),
        _ => answer(ItemAnswer::Reject { note }),
    };
    Some(ItemStep { item: no, step })
}

/// Whose zone the item suggests to expand.
fn nearest(item: Option<&Item>) -> AgentId {
    let suggested = item.and_then(|item| item.suggestion.as_ref()).map(|suggestion| suggestion.agent.clone());
    suggested.or_else(|| item.and_then(|item| item.raised_by.agent().cloned())).unwrap_or_else(|| agent(0))
}

/// What would settle the item.
fn wanted(item: Option<&Item>) -> Grant {
    match item.map(|item| &item.case) {
        Some(Case::UnownedField { write, .. }) => {
            let name = write.changes.keys().next().cloned().unwrap_or_else(FieldName::whole);
            Grant::Write(Pattern::exact(&write.entity.field(name)))
        }
        Some(Case::UnownedTarget { act }) => Grant::Output(act.target.to_string()),
        Some(Case::UnownedOutput { publish }) => Grant::Output(publish.output.to_string()),
        Some(Case::UnownedEvent { raise }) => Grant::Trigger(raise.event.to_string()),
        Some(Case::UnmappedCall { call, .. }) => {
            let row = ToolRow::new(&call.mark.server, &call.mark.tool, Does::Read);
            Grant::Tool(Box::new(ToolRow { entity: Some("{path}".to_owned()), ..row }))
        }
        Some(_) | None => Grant::Write("nowhere/*".parse().unwrap()),
    }
}

/// Keys that an admin names.
const KEYS: [&str; 3] = [
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINW5GltV4HCB+1iIBhoNYI2QJcuqFtaw8ifgzU/IdfyL",
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIz26lIfRTaL8d7fs2J577fNEwHJ5YqF4aVYWBhPohik",
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDwWePuIoeVzMaNp8H/Lll+ZN2oaXDOZpytSdN0oEdXQ",
];

/// What admins ask: an invitation, more room for an agent, keys, the end of a token.
fn admins(world: &World, state: &State, whose: usize) -> Command {
    let head = state.board.head.0;
    if let Some((person, key)) = known_key(state, |known| known.offered).filter(|_| head.is_multiple_of(2)) {
        return Command::Key(KeyStep::Confirm { person, key });
    }
    match head % 6 {
        4 => Command::Key(KeyStep::Add { key: KEYS[whose % KEYS.len()].parse().unwrap() }),
        5 => Command::Key(known_key(state, |_| true).map_or_else(
            || KeyStep::Revoke { person: "ada".parse().unwrap(), key: text("SHA256:none") },
            |(person, key)| KeyStep::Revoke { person, key },
        )),
        0 => Command::Token(TokenStep::Invite(Invitation {
            id: TokenId::new(&format!("i{head}")).unwrap(),
            class: TokenClass::Reviewer,
            name: text("eve"),
            hash: text("00"),
            until: state.board.recorded.plus(Span::from_days(2)),
            expires: None,
            vouched: false,
        })),
        1 => {
            let allowance = Allowance { open: Some(2_500), ..Allowance::default() };
            let step = OverrideVerb::Allow { agent: agent(whose), allowance };
            Command::Override(Override { step, reason: text("much to do"), lasts: None })
        }
        // That deeds behind the head are gone; now and then none of them is.
        2 if head % 12 == 2 => Command::AcceptLoss(AcceptLoss {
            through: Seq(head + u64::try_from(whose % 3).unwrap()),
            reason: text("the log was taken for rubbish"),
        }),
        3 if head % 12 == 3 => Command::RebaseClock(RebaseClock {
            from: Seq(head + 1),
            to: None,
            by: Some(Span::from_hours(1)),
            reason: text("the battery of the clock was empty"),
            read: None,
        }),
        _ => {
            let token = world.tokens[whose].last().cloned();
            let token = token.unwrap_or_else(|| TokenId::new("none").unwrap());
            Command::Token(TokenStep::Revoke { token })
        }
    }
}

/// A key that somebody has named, by its person and its fingerprint.
fn known_key(state: &State, fits: fn(&KnownKey) -> bool) -> Option<(PersonId, Arc<str>)> {
    let mut all =
        state.board.signers.iter().flat_map(|(who, signer)| signer.keys.iter().map(move |one| (who, one)));
    all.find(|(_, known)| fits(known)).map(|(person, known)| (person.clone(), known.key.fingerprint()))
}

fn override_of(state: &State, verb: u8, at: usize, lease: u8) -> Override {
    let path = entity(at).field(FIELDS[at % FIELDS.len()].parse().unwrap());
    let expected = version(state, &path);
    let value = value(at);
    let step = match verb {
        0 => OverrideVerb::Freeze { entity: path.entity },
        1 | 2 => {
            let entity = nth(state.board.frozen.keys(), lease).cloned().unwrap_or(path.entity);
            OverrideVerb::Unfreeze { entity }
        }
        3 if lease == 3 => OverrideVerb::PauseAll,
        3 | 4 | 6 if state.board.halted.is_some() => OverrideVerb::ResumeAll,
        3 if lease == 0 => OverrideVerb::Pause { agent: agent(at) },
        3 | 4 => {
            let mut paused = state.board.agents.iter().filter(|(_, facts)| facts.paused.is_some());
            OverrideVerb::Resume {
                agent: paused.next().map_or_else(|| agent(at), |(agent, _)| agent.clone()),
            }
        }
        5 => OverrideVerb::Revert { path, to: Version(expected.0.saturating_sub(1)), value, expected },
        6 | 7 => {
            let lease = nth(state.board.leases.keys(), lease).copied().unwrap_or(Fence(1));
            OverrideVerb::Unlock { lease }
        }
        8 if lease == 3 => {
            let held = state.board.held.iter().next();
            let held = held.and_then(|(entity, fields)| Some(entity.field(fields.first()?.field.clone())));
            OverrideVerb::Release { path: held.unwrap_or(path) }
        }
        _ => OverrideVerb::Set { path, value, expected },
    };
    let lasts =
        [None, Some(Lasts::UntilReleased), Some(Lasts::For(Span::from_mins(90))), Some(Lasts::NotAtAll)];
    let lasts = lasts[(at + usize::from(lease)) % lasts.len()];
    Override { step, reason: text("a person knows better"), lasts }
}

/// The item number of an escalated task.
pub(crate) fn escalated(stage: &TaskStage) -> Option<ItemNo> {
    match stage {
        TaskStage::Escalated { item } => Some(*item),
        TaskStage::Offered { .. }
        | TaskStage::Accepted { .. }
        | TaskStage::Returned { .. }
        | TaskStage::Done { .. }
        | TaskStage::Closed { .. }
        | TaskStage::Aborted => None,
    }
}
