//! Whatever agents and people ask, in whatever order: replay gives the same state, no version is given twice, and in
//! enforce mode nobody's write lands outside its zone.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::world::{TEAM, World, keyed, request, watched};
use deeds::domain::command::{
    Act, ActEnd, AlertStep, AlertVerb, Answered, Command, Escalate, Expected, ItemStep, ItemVerb, Override,
    OverrideVerb, Together, WorkStep, WorkVerb, Write, WriteKind,
};
use deeds::domain::deed::Body;
use deeds::domain::ids::{ActNo, Actor, AlertNo, ItemNo, Version, WorkNo};
use deeds::domain::map::{Authority, Grant};
use deeds::domain::outcome::Outcome;
use deeds::domain::path::{EntityPath, FieldName, FieldPath, Pattern};
use deeds::domain::state::State;
use deeds::domain::things::{Case, ItemAnswer, Lasts};
use deeds::domain::time::Span;
use deeds::domain::value::Value;

const AGENTS: [&str; 5] = ["sales", "support", "product", "sourcing", "stranger"];
const PEOPLE: [&str; 5] = ["dana", "sam", "dana!", "eve", "ada"];
const ENTITIES: [&str; 9] = [
    "crm/account/acme",
    "crm/account/vip-1",
    "crm/deal/acme",
    "crm/contact/acme",
    "support/ticket/acme",
    "shared/log",
    "files/draft",
    "releases/r1",
    "nowhere/x",
];
const FIELDS: [&str; 6] = ["", "health", "plan", "stage", "status", "tag"];
const TARGETS: [&str; 5] =
    ["mail/sales", "mail/support", "crm/account/acme#plan", "slack/none", "releases/r1"];

/// One thing that somebody tries, small enough to shrink.
#[derive(Debug, Clone)]
enum Try {
    Write {
        who: usize,
        entity: usize,
        fields: Vec<(usize, usize)>,
        kind: u8,
        based_on: Option<usize>,
        off: u8,
    },
    Act {
        who: usize,
        target: usize,
        subject: usize,
        off: u8,
    },
    ActEnd {
        who: usize,
        at: u8,
        done: bool,
    },
    Escalate {
        who: usize,
        why: u8,
        subject: Option<usize>,
    },
    Work {
        who: usize,
        at: u8,
        step: u8,
    },
    Together {
        who: usize,
        tries: Vec<Try>,
    },
    Item {
        who: usize,
        at: u8,
        what: u8,
        other: usize,
        outdated: bool,
    },
    Alert {
        who: usize,
        at: u8,
        step: u8,
    },
    Override {
        who: usize,
        what: u8,
        at: usize,
    },
    Pass {
        minutes: u16,
    },
}

fn tries() -> impl Strategy<Value = Try> {
    let agent = 0..AGENTS.len();
    let person = 0..PEOPLE.len();
    let entity = 0..ENTITIES.len();
    let fields = prop::collection::vec((0..FIELDS.len(), 0..VALUES), 1..4);
    let write = (agent.clone(), entity.clone(), fields, 0..12_u8, prop::option::of(entity.clone()), 0..8_u8)
        .prop_map(|(who, entity, fields, kind, based_on, off)| Try::Write {
            who,
            entity,
            fields,
            kind,
            based_on,
            off,
        });
    let act = (agent.clone(), 0..TARGETS.len(), entity.clone(), 0..6_u8)
        .prop_map(|(who, target, subject, off)| Try::Act { who, target, subject, off });
    let plain = prop_oneof![12 => write, 3 => act];
    let together = (agent.clone(), prop::collection::vec(plain.clone(), 0..4))
        .prop_map(|(who, tries)| Try::Together { who, tries });
    prop_oneof![
        30 => plain,
        3 => together,
        3 => (agent.clone(), 0..4_u8, any::<bool>()).prop_map(|(who, at, done)| Try::ActEnd { who, at, done }),
        3 => (agent.clone(), 0..3_u8, prop::option::of(entity.clone()))
            .prop_map(|(who, why, subject)| Try::Escalate { who, why, subject }),
        8 => (agent, 0..6_u8, 0..3_u8).prop_map(|(who, at, step)| Try::Work { who, at, step }),
        12 => (person.clone(), 0..6_u8, 0..10_u8, 0..AGENTS.len(), prop::bool::weighted(0.1))
            .prop_map(|(who, at, what, other, outdated)| Try::Item { who, at, what, other, outdated }),
        3 => (person.clone(), 0..6_u8, 0..3_u8).prop_map(|(who, at, step)| Try::Alert { who, at, step }),
        3 => (person, 0..6_u8, entity).prop_map(|(who, what, at)| Try::Override { who, what, at }),
        5 => (0..600_u16).prop_map(|minutes| Try::Pass { minutes }),
    ]
}

const VALUES: usize = 7;

fn value(at: usize) -> Value {
    let json = [
        serde_json::json!("trial"),
        serde_json::json!("sourced"),
        serde_json::json!("open"),
        serde_json::json!("signed"),
        serde_json::json!(null),
        serde_json::json!({"b": [1, 2.5, "é"], "a": {}}),
        serde_json::json!(7),
    ];
    Value::new(&json[at]).unwrap()
}

fn entity(at: usize) -> EntityPath {
    ENTITIES[at].parse().unwrap()
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

fn plain(state: &State, attempt: &Try) -> Option<Command> {
    Some(match attempt {
        Try::Write { entity: at, fields, kind, based_on, off, .. } => {
            let entity = entity(*at);
            let kind = match kind {
                0 => WriteKind::Create,
                1 => WriteKind::Archive,
                2 => WriteKind::Delete,
                _ => WriteKind::Update,
            };
            let changes: BTreeMap<FieldName, Value> = match kind {
                WriteKind::Create | WriteKind::Update => {
                    fields.iter().map(|(name, at)| (FIELDS[*name].parse().unwrap(), value(*at))).collect()
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
            let read = based_on.map(|at| FieldPath::whole(self::entity(at)));
            let depends_on = read.into_iter().map(|path| (path.clone(), named(state, &path, *off))).collect();
            Command::Write(Write {
                entity,
                kind,
                changes,
                expected,
                depends_on,
                lease: None,
                reason: None,
                cause: None,
                call: None,
            })
        }
        Try::Act { target, subject, off, .. } => {
            let subject = entity(*subject);
            let read = FieldPath::whole(subject.clone());
            let depends_on = BTreeMap::from([(read.clone(), named(state, &read, *off))]);
            Command::Act(Act {
                thread: None,
                target: TARGETS[*target].into(),
                subject,
                action: "send_it".into(),
                depends_on,
                wait: false,
                reason: None,
                cause: None,
                call: None,
            })
        }
        _ => return None,
    })
}

/// Who tries it, and as what command, given how things stand.
fn command(state: &State, attempt: &Try) -> Option<(&'static str, Command)> {
    let board = &state.board;
    let nth = |at: u8, count: usize| usize::from(at) % count.max(1);
    Some(match attempt {
        Try::Write { who, .. } | Try::Act { who, .. } => (AGENTS[*who], plain(state, attempt)?),
        Try::Together { who, tries } => {
            let commands = tries.iter().filter_map(|attempt| plain(state, attempt)).collect();
            (AGENTS[*who], Command::Together(Together { commands }))
        }
        Try::ActEnd { who, at, done } => {
            let act = board.acts.values().nth(nth(*at, board.acts.len()));
            let who = act.map_or(AGENTS[*who], |act| name_of(act.agent.as_str()));
            let act = act.map_or(ActNo(99), |act| act.no);
            (who, Command::ActEnd(ActEnd { act, done: *done, note: None }))
        }
        Try::Escalate { who, why, subject } => {
            let why = ["the customer wants special terms", "a feeling", "spam"][usize::from(*why)].into();
            let subject = subject.map(entity);
            (
                AGENTS[*who],
                Command::Escalate(Escalate { input: value(5), subject, why, evidence: Vec::new() }),
            )
        }
        Try::Work { who, at, step } => {
            let work = board.works.values().nth(nth(*at, board.works.len()));
            let step = [WorkVerb::Accept, WorkVerb::Complete, WorkVerb::Decline][usize::from(*step)];
            let who = work.map_or(AGENTS[*who], |work| name_of(work.agent.as_str()));
            let work = work.map_or(WorkNo(99), |work| work.no);
            (
                who,
                Command::Work(WorkStep {
                    work,
                    step,
                    note: Some("so it is".into()),
                    result: None,
                    lease: None,
                    attempt: None,
                }),
            )
        }
        Try::Item { who, at, what, other, outdated } => {
            (PEOPLE[*who], Command::Item(item(state, *at, *what, AGENTS[*other], *outdated)))
        }
        Try::Alert { who, at, step } => {
            let alert = board.alerts.keys().nth(nth(*at, board.alerts.len())).copied();
            let step = [AlertVerb::Acknowledge, AlertVerb::Resolve, AlertVerb::Escalate][usize::from(*step)];
            let alert = alert.unwrap_or(AlertNo(99));
            (PEOPLE[*who], Command::Alert(AlertStep { alert, step, note: Some("seen".into()) }))
        }
        Try::Override { who, what, at } => (PEOPLE[*who], Command::Override(override_of(state, *what, *at))),
        Try::Pass { .. } => ("deeds", Command::Tick),
    })
}

/// The agent's name for as long as the test runs.
fn name_of(agent: &str) -> &'static str {
    AGENTS.iter().find(|name| **name == agent).copied().unwrap_or("stranger")
}

fn item(state: &State, at: u8, what: u8, agent: &str, outdated: bool) -> ItemStep {
    let board = &state.board;
    let open = board.items.values().nth(usize::from(at) % board.items.len().max(1)).cloned();
    let no = open.as_ref().map_or(ItemNo(1), |item| item.no);
    let agent = agent.parse().unwrap();
    let answer = |answer: ItemAnswer| {
        let include = open.iter().flat_map(|item| board.alike(item)).map(|other| other.no).take(2).collect();
        ItemVerb::Answer(Answered {
            answer,
            version: open.as_ref().map_or(0, |item| item.version + u64::from(outdated)),
            digest: open.as_ref().map_or_else(|| "".into(), |item| item.digest()),
            include,
        })
    };
    let wanted = match open.as_ref().map(|item| &item.case) {
        Some(Case::UnownedField { write, .. }) => {
            let name = write.changes.keys().next().cloned().unwrap_or_else(FieldName::whole);
            Grant::Write(Pattern::exact(&write.entity.field(name)))
        }
        Some(Case::UnownedTarget { act }) => Grant::Output(act.target.to_string()),
        Some(Case::UnownedOutput { publish }) => Grant::Output(publish.output.to_string()),
        Some(Case::UnownedEvent { raise }) => Grant::Trigger(raise.event.to_string()),
        Some(
            Case::Escalation { .. }
            | Case::HeldField { .. }
            | Case::ZoneOffer { .. }
            | Case::Conflict { .. }
            | Case::MapOverdue { .. }
            | Case::TriggerCollision { .. }
            | Case::Loop { .. }
            | Case::Approval { .. }
            | Case::ActApproval { .. }
            | Case::UnmappedCall { .. }
            | Case::UnknownOutcome { .. }
            | Case::GivenUp { .. }
            | Case::Stuck { .. },
        )
        | None => Grant::Write("nowhere/*".parse().unwrap()),
    };
    let closed = board.closed.iter().nth(usize::from(at) % board.closed.len().max(1));
    let step = match what {
        0 => ItemVerb::Claim,
        1 => ItemVerb::Release,
        2 => ItemVerb::Reassign { to: "sam".parse().unwrap() },
        3 => return ItemStep { item: closed.map_or(no, |closed| closed.item.no), step: ItemVerb::Undo },
        4..=6 if matches!(open.as_ref().map(|item| &item.case), Some(Case::Stuck { .. })) => {
            let to = Some(agent).filter(|_| !at.is_multiple_of(3));
            answer(ItemAnswer::SendOn { to, max_attempts: Some(u32::from(at)), note: Some("again".into()) })
        }
        4 | 5 => answer(ItemAnswer::Expand { agent, grant: wanted, note: None }),
        6 => answer(ItemAnswer::Handle { note: "done".into(), reply: Some(Value::null()), to: None }),
        7 => answer(ItemAnswer::OutOfScope { reason: "not ours".into(), rule: true }),
        8 if at % 2 == 1 => ItemVerb::Leave { reason: "not today".into() },
        8 => answer(ItemAnswer::OutOfScope { reason: "not now".into(), rule: false }),
        _ => answer(ItemAnswer::Transfer {
            pattern: "crm/contact/*#status".parse().unwrap(),
            from: "sourcing".parse().unwrap(),
            to: agent,
            note: None,
        }),
    };
    ItemStep { item: no, step }
}

fn override_of(state: &State, what: u8, at: usize) -> Override {
    let agent = AGENTS[at % AGENTS.len()].parse().unwrap();
    let path = entity(at).field(FIELDS[at % FIELDS.len()].parse().unwrap());
    let step = match what {
        0 => OverrideVerb::Freeze { entity: entity(at) },
        1 => OverrideVerb::Unfreeze { entity: entity(at) },
        2 if at.is_multiple_of(5) => OverrideVerb::PauseAll,
        3 if state.board.halted.is_some() => OverrideVerb::ResumeAll,
        2 => OverrideVerb::Pause { agent },
        3 => OverrideVerb::Resume { agent },
        _ => OverrideVerb::Set { expected: version(state, &path), path, value: value(at % VALUES) },
    };
    let lasts = at.is_multiple_of(3).then_some(Lasts::NotAtAll);
    Override { step, reason: "a person knows better".into(), lasts }
}

/// What the small model keeps: which versions were given, and whether any write was foreign.
#[derive(Default)]
struct Model {
    given: BTreeSet<(EntityPath, FieldName, Version)>,
}

impl Model {
    /// Looks at what one request led to, with the state before it.
    fn look(&mut self, before: &State, world: &World, from: usize) {
        let mut state = before.clone();
        for deed in &world.deeds[from..] {
            let is_write = matches!(
                deed.body,
                Body::WriteCommitted(())
                    | Body::EntityCreated(())
                    | Body::EntityArchived(())
                    | Body::EntityDeleted(())
            );
            if is_write && deed.outcome == Outcome::Committed {
                let entity = deed.subject.clone().unwrap();
                for field in &deed.fields {
                    let key = (entity.clone(), field.name.clone(), field.version);
                    assert!(self.given.insert(key), "a version was given twice: {deed:?}");
                    if let (Actor::Agent(agent), true) = (&deed.actor, state.board.enforces()) {
                        let authority = state.board.map.authority(agent, &entity, &field.name);
                        assert_eq!(authority, Authority::Granted, "a foreign write: {deed:?}");
                    }
                }
            }
            state.fold(deed);
        }
    }
}

fn run(map_toml: &str, tries: &[Try]) {
    let mut world = World::new(map_toml);
    let mut model = Model::default();
    for (at, attempt) in tries.iter().enumerate() {
        let minutes = if let Try::Pass { minutes } = attempt { i64::from(*minutes) } else { 0 };
        world.pass(Span::from_secs(1 + 60 * minutes));
        let Some((who, command)) = command(&world.state, attempt) else { continue };
        let before = world.state.clone();
        let from = world.deeds.len();
        // One in five comes with a key, and each key twice.
        let request = if at % 5 == 0 {
            keyed(who, command, &format!("key {}", at % 10), &format!("{attempt:?}"))
        } else {
            request(who, command)
        };
        world.send(&request);
        model.look(&before, &world, from);
    }
    world.verify();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, max_shrink_iters: 4000, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_when_rules_are_enforced(tries in prop::collection::vec(tries(), 1..90)) {
        run(TEAM, &tries);
    }

    #[test]
    fn whatever_happens_when_rules_are_observed(tries in prop::collection::vec(tries(), 1..60)) {
        run(&watched(), &tries);
    }
}

/// The random steps reach what they are meant to reach: otherwise the properties would hold of nothing.
#[test]
fn the_steps_reach_most_deed_types() {
    use proptest::{strategy::ValueTree as _, test_runner::TestRunner};
    let mut runner = TestRunner::deterministic();
    let mut seen = BTreeSet::new();
    for _ in 0..150 {
        let tries = prop::collection::vec(tries(), 80).new_tree(&mut runner).unwrap().current();
        let mut world = World::new(TEAM);
        for attempt in &tries {
            let minutes = if let Try::Pass { minutes } = attempt { i64::from(*minutes) } else { 0 };
            world.pass(Span::from_secs(1 + 60 * minutes));
            if let Some((who, command)) = command(&world.state, attempt) {
                world.send(&request(who, command));
            }
        }
        seen.extend(world.deeds.iter().map(|deed| deed.body.type_name()));
    }
    // All the others are driven by the model-based test.
    let driven = [
        "workspace",
        "scope",
        "write",
        "entity",
        "act",
        "work",
        "item",
        "rule",
        "alert",
        "agent",
        "override",
        "batch",
    ];
    let modelled = ["taken", "failed", "returned", "lapsed", "exhausted", "refused"]
        .map(|verb| format!("deeds.work.{verb}"));
    let is_driven = |name: &&&str| {
        driven.iter().any(|noun| name.starts_with(&format!("deeds.{noun}.")))
            && !modelled.iter().any(|one| one == **name)
            && !matches!(
                **name,
                "deeds.workspace.created"
                    | "deeds.act.woken"
                    | "deeds.act.begun"
                    | "deeds.act.freed"
                    | "deeds.act.unknown"
                    | "deeds.item.revised"
                    | "deeds.agent.allowed"
            )
    };
    let unseen: Vec<&&str> =
        Body::TYPES.iter().filter(is_driven).filter(|name| !seen.contains(**name)).collect();
    assert!(unseen.is_empty(), "never reached: {unseen:?}");
}
