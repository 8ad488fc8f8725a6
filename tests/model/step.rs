//! What is tried: small steps that name things by their place among what is there, so that they shrink, and that are
//! tried by the right one and by the wrong one.

use proptest::prelude::*;

/// Everybody who asks, agents first: two of them are in no map, one of them is called like a person.
pub(crate) const AGENTS: [&str; 6] = ["sales", "support", "product", "sourcing", "stranger", "dana"];
/// People by name and class: two reviewers that queues name, one that none names, two admins, a watcher, a guard.
pub(crate) const PEOPLE: [(&str, &str); 7] = [
    ("dana", "reviewer"),
    ("sam", "reviewer"),
    ("eve", "reviewer"),
    ("ada", "admin"),
    ("dana", "admin"),
    ("wanda", "watcher"),
    ("gus", "guard"),
];
/// How many principals there are.
pub(crate) const EVERYBODY: usize = AGENTS.len() + PEOPLE.len();

pub(crate) const ENTITIES: [&str; 9] = [
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
pub(crate) const FIELDS: [&str; 6] = ["", "health", "plan", "stage", "status", "tag"];
pub(crate) const TARGETS: [&str; 6] =
    ["mail/sales", "mail/support", "chat/team", "news/site", "crm/account/acme#plan", "slack/none"];
pub(crate) const OUTPUTS: [&str; 6] =
    ["mail/sales", "mail/support", "chat/team", "mail/both", "news/site", "slack/none"];
pub(crate) const EVENTS: [&str; 6] =
    ["email.received", "ticket.opened", "deal.won", "report.due", "contact.found", "nobody.listens"];
/// What agents offer to each other: parts of what they own, all of it, and what they own a part of.
pub(crate) const OFFERS: [&str; 6] = [
    "crm/deal/*#stage",
    "crm/contact/*#status",
    "support/ticket/*",
    "crm/account/*#health",
    "crm/account/*#plan",
    "releases/*",
];
pub(crate) const WORDS: [&str; 4] = ["so it is", "Too  long", "too long", "the total is wrong"];

/// Who tries it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Who {
    /// The one whose it is, as far as there is one.
    Right,
    /// Somebody.
    Some(usize),
}

/// One request, or time that passes.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) who: Who,
    pub(crate) what: What,
    /// An idempotency key: which, and which body it claims to have.
    pub(crate) key: Option<(u8, u8)>,
    /// Speaks with the first token that it ever had.
    pub(crate) old_token: bool,
    /// Seconds that pass before.
    pub(crate) seconds: u16,
}

/// What is tried.
#[derive(Debug, Clone)]
pub(crate) enum What {
    Write {
        entity: usize,
        fields: Vec<(usize, usize)>,
        kind: u8,
        based_on: Option<usize>,
        off: u8,
        lease: u8,
    },
    Act {
        target: usize,
        subject: usize,
        off: u8,
        wait: bool,
    },
    ActEnd {
        at: u8,
        done: bool,
    },
    /// Something about a call of a tool.
    Call {
        verb: u8,
        at: u8,
        entity: usize,
        content: u8,
    },
    Escalate {
        why: u8,
        subject: Option<usize>,
    },
    Raise {
        event: usize,
        invoice: bool,
        subject: Option<usize>,
    },
    Claim {
        event: usize,
        key: u8,
        invoice: bool,
    },
    Take {
        limit: u8,
        minutes: u8,
        only: Option<u8>,
    },
    Work {
        at: u8,
        verb: u8,
        note: u8,
        attempt: u8,
    },
    Handoff {
        to: usize,
        task: u8,
        attempt: u8,
        max: u8,
        missing: u8,
    },
    FanOut {
        branches: Vec<(usize, u8)>,
        minutes: u16,
        needed: u8,
    },
    Lease {
        step: u8,
        at: u8,
        entity: usize,
        field: usize,
        task: bool,
        minutes: u16,
        to: usize,
    },
    Publish {
        output: usize,
        thread: u8,
        subject: Option<usize>,
        off: u8,
        body: usize,
    },
    Conclude {
        subject: usize,
        question: u8,
        answer: usize,
    },
    Together(Vec<Self>),
    Item {
        at: u8,
        verb: u8,
        other: usize,
        seen_before: bool,
        include: bool,
    },
    Alert {
        at: u8,
        verb: u8,
    },
    Apply {
        shape: usize,
        outdated: bool,
    },
    Guard {
        agent: usize,
        stopped: bool,
        paths: u16,
    },
    MapReview {
        outdated: bool,
    },
    Revoke {
        whose: usize,
    },
    /// A part of a zone for another agent.
    Offer {
        pattern: usize,
        to: usize,
    },
    Override {
        verb: u8,
        at: usize,
        lease: u8,
    },
    Away {
        back: bool,
        hours: u8,
    },
    Review {
        queue: u8,
        end: bool,
    },
    Pass {
        minutes: u16,
        ticks: bool,
    },
    /// Days go by, one by one or, where nothing ticks, at once.
    Days {
        days: u8,
        ticks: bool,
    },
    /// The first again and again, and each time after so many the second.
    Burst {
        what: Box<(Self, Self)>,
        times: u8,
        of_late: u8,
    },
}

fn write() -> impl Strategy<Value = What> {
    let any = prop::collection::vec((0..FIELDS.len(), 0..VALUES), 1..4);
    let fields = prop_oneof![2 => (0..VALUES).prop_map(|value| vec![(NATURAL, value)]), 1 => any];
    (0..ENTITIES.len(), fields, 0..14_u8, prop::option::weighted(0.3, 0..ENTITIES.len()), 0..12_u8, 0..6_u8)
        .prop_map(|(entity, fields, kind, based_on, off, lease)| What::Write {
            entity,
            fields,
            kind,
            based_on,
            off,
            lease,
        })
}

/// The record that one agent goes first on while another wants to act, among the entities.
const TICKET: usize = 4;
const DEAL: usize = 2;
/// What two agents may write, so that a lease on it can go from one to the other.
const LOG: usize = 5;
const CONTACT: usize = 3;
/// The output that two agents take turns on, among the outputs.
const CHAT: usize = 2;
/// Two publish there in turn, who both publish elsewhere as well.
const BOTH: usize = 3;
/// Stands for the field that the entity is mostly about.
const NATURAL: usize = FIELDS.len();

/// The field of a step on that entity.
pub(crate) fn field_of(entity: usize, field: usize) -> &'static str {
    let natural = ["plan", "plan", "stage", "status", "status", "", "", "tag", "plan"];
    FIELDS.get(field).copied().unwrap_or_else(|| natural[entity % natural.len()])
}

/// How many different values there are.
pub(crate) const VALUES: usize = 7;

/// Commands of agents that may be parts of a `together`.
fn of_agents() -> impl Strategy<Value = What> {
    let entity = 0..ENTITIES.len();
    let busy = prop_oneof![1 => Just(TICKET), 1 => entity.clone()];
    let act = (0..TARGETS.len(), busy, 0..8_u8, any::<bool>())
        .prop_map(|(target, subject, off, wait)| What::Act { target, subject, off, wait });
    let end = (0..8_u8, any::<bool>()).prop_map(|(at, done)| What::ActEnd { at, done });
    let escalate = (0..3_u8, prop::option::of(entity.clone()))
        .prop_map(|(why, subject)| What::Escalate { why, subject });
    let raise = (0..EVENTS.len(), any::<bool>(), prop::option::of(entity.clone()))
        .prop_map(|(event, invoice, subject)| What::Raise { event, invoice, subject });
    let claim = (0..EVENTS.len(), 0..3_u8, any::<bool>()).prop_map(|(event, key, invoice)| What::Claim {
        event,
        key,
        invoice,
    });
    let work = (0..12_u8, 0..5_u8, 0..4_u8, 0..6_u8).prop_map(|(at, verb, note, attempt)| What::Work {
        at,
        verb,
        note,
        attempt,
    });
    let handoff = (0..AGENTS.len(), 0..3_u8, 0..5_u8, 0..4_u8, 0..12_u8)
        .prop_map(|(to, task, attempt, max, missing)| What::Handoff { to, task, attempt, max, missing });
    let fan_out = (prop::collection::vec((0..AGENTS.len(), 0..3_u8), 0..4), 0..240_u16, 0..4_u8)
        .prop_map(|(branches, minutes, needed)| What::FanOut { branches, minutes, needed });
    let lease = (
        0..8_u8,
        0..4_u8,
        entity.clone(),
        0..=NATURAL,
        prop::bool::weighted(0.25),
        0..90_u16,
        0..AGENTS.len(),
    )
        .prop_map(|(step, at, entity, field, task, minutes, to)| What::Lease {
            step,
            at,
            entity,
            field,
            task,
            minutes,
            to,
        });
    let output = prop_oneof![1 => Just(CHAT), 3 => 0..OUTPUTS.len()];
    let publish = (output, 0..3_u8, prop::option::of(entity.clone()), 0..10_u8, 0..VALUES).prop_map(
        |(output, thread, subject, off, body)| What::Publish { output, thread, subject, off, body },
    );
    let conclude = (entity, 0..2_u8, 0..VALUES).prop_map(|(subject, question, answer)| What::Conclude {
        subject,
        question,
        answer,
    });
    prop_oneof![
        16 => write(), 5 => act, 2 => end, 2 => escalate, 5 => raise, 3 => claim, 12 => work, 8 => handoff,
        3 => fan_out, 9 => lease, 9 => publish, 2 => conclude,
    ]
}

fn of_people() -> impl Strategy<Value = What> {
    let item =
        (0..8_u8, 0..18_u8, 0..AGENTS.len(), prop::bool::weighted(0.2), prop::bool::weighted(0.3)).prop_map(
            |(at, verb, other, seen_before, include)| What::Item { at, verb, other, seen_before, include },
        );
    let alert = (0..8_u8, 0..3_u8).prop_map(|(at, verb)| What::Alert { at, verb });
    let apply = (0..super::team::SHAPES, prop::bool::weighted(0.2))
        .prop_map(|(shape, outdated)| What::Apply { shape, outdated });
    let gone_through = prop::bool::weighted(0.2).prop_map(|outdated| What::MapReview { outdated });
    let guard = (0..AGENTS.len(), any::<bool>(), prop_oneof![9 => 0..4_u16, 1 => 255..258_u16])
        .prop_map(|(agent, stopped, paths)| What::Guard { agent, stopped, paths });
    let revoke = (0..EVERYBODY).prop_map(|whose| What::Revoke { whose });
    let step = (0..9_u8, 0..ENTITIES.len() * FIELDS.len(), 0..4_u8)
        .prop_map(|(verb, at, lease)| What::Override { verb, at, lease });
    let review = (0..3_u8, any::<bool>()).prop_map(|(queue, end)| What::Review { queue, end });
    let away = (any::<bool>(), 0..9_u8).prop_map(|(back, hours)| What::Away { back, hours });
    prop_oneof![24 => item, 2 => away, 4 => alert, 2 => apply, 1 => gone_through, 1 => guard, 2 => revoke, 6 => step, 4 => review]
}

fn what() -> impl Strategy<Value = What> {
    let call = (0..24_u8, 0..6_u8, prop_oneof![2 => Just(0_usize), 1 => 0..ENTITIES.len()], 0..2_u8)
        .prop_map(|(verb, at, entity, content)| What::Call { verb, at, entity, content });
    let take = (1..4_u8, 0..30_u8, prop::option::weighted(0.2, 0..12_u8))
        .prop_map(|(limit, minutes, only)| What::Take { limit, minutes, only });
    let together = prop::collection::vec(of_agents(), 0..4).prop_map(What::Together);
    let pass =
        (0..400_u16, prop::bool::weighted(0.7)).prop_map(|(minutes, ticks)| What::Pass { minutes, ticks });
    let short = (0..12_u16, any::<bool>()).prop_map(|(minutes, ticks)| What::Pass { minutes, ticks });
    let offer = (0..OFFERS.len(), 0..AGENTS.len()).prop_map(|(pattern, to)| What::Offer { pattern, to });
    prop_oneof![60 => of_agents(), 12 => call, 26 => of_people(), 5 => offer, 8 => take, 4 => together, 3 => pass, 4 => short]
}

/// One step.
pub(crate) fn step() -> impl Strategy<Value = Step> {
    let who = prop_oneof![3 => Just(Who::Right), 1 => (0..EVERYBODY).prop_map(Who::Some)];
    let key = prop::option::weighted(0.15, (0..4_u8, 0..2_u8));
    (who, what(), key, prop::bool::weighted(0.05), 0..40_u16)
        .prop_map(|(who, what, key, old_token, seconds)| Step { who, what, key, old_token, seconds })
}

/// One step of a long life: what readiness is found by, and days.
pub(crate) fn life() -> impl Strategy<Value = Step> {
    let write = |entity: usize, off: u8| What::Write {
        entity,
        fields: vec![(NATURAL, off.into())],
        kind: 9,
        based_on: None,
        off,
        lease: 2,
    };
    let burst = (0..5_usize, 8..24_u8, 1..24_u8).prop_map(move |(entity, times, of_late)| What::Burst {
        what: Box::new((write(entity, 4), write(entity, 1))),
        times,
        of_late,
    });
    let speaks = (prop_oneof![Just(1_usize), Just(4)], 0..3_u8, 0..VALUES)
        .prop_map(|(output, thread, body)| What::Publish { output, thread, subject: None, off: 9, body });
    let answers = (0..3_u8, 3..9_u8, 0..AGENTS.len(), any::<bool>())
        .prop_map(|(at, verb, other, include)| What::Item { at, verb, other, seen_before: false, include });
    let days = (0..6_u8, prop::bool::weighted(0.8)).prop_map(|(days, ticks)| What::Days { days, ticks });
    let many = (6..40_u8).prop_map(|days| What::Days { days, ticks: true });
    let apply = (0..super::team::LIVES).prop_map(|shape| What::Apply { shape, outdated: false });
    let what = prop_oneof![
        8 => burst, 16 => speaks, 20 => answers, 10 => days, 2 => many, 3 => apply, 30 => what(),
    ];
    (prop::bool::weighted(0.9), 0..EVERYBODY, what, 0..4000_u16).prop_map(|(right, who, what, seconds)| {
        Step {
            who: if right { Who::Right } else { Who::Some(who) },
            what,
            key: None,
            old_token: false,
            seconds,
        }
    })
}

/// How many openings there are.
pub(crate) const OPENINGS: usize = 17;

/// The deal is on trial and its contact sourced; then both are written about.
fn clash() -> Vec<What> {
    let state = |entity, value| What::Write {
        entity,
        fields: vec![(NATURAL, value)],
        kind: 9,
        based_on: None,
        off: 9,
        lease: 0,
    };
    let send = |subject, wait| What::Act { target: 0, subject, off: 7, wait };
    vec![state(CONTACT, 1), state(DEAL, 0), send(DEAL, false), send(CONTACT, true)]
}

/// Calls of tools that go all their way.
fn calls(which: usize) -> Vec<What> {
    match which {
        // A call is approved, begun, not sent, begun again, and nobody knows how it ended.
        14 => vec![call(0), call(6), approve(), call(6), call(17), call(6), call(18)],
        // A foreign call is let by its owner, and done.
        15 => {
            vec![call(21), call(20), What::Work { at: 0, verb: 1, note: 0, attempt: 9 }, call(20), call(14)]
        }
        // A tool that the map does not name, and one whose arguments say nothing.
        _ => vec![call(9), call(10), call(11), call(12)],
    }
}

fn call(verb: u8) -> What {
    What::Call { verb, at: 0, entity: 0, content: 0 }
}

fn approve() -> What {
    What::Item { at: 0, verb: 4, other: 0, seen_before: false, include: false }
}

/// The first steps of a history: some lead to where chance alone comes too seldom.
pub(crate) fn opening(which: usize) -> Vec<Step> {
    let on = |output, thread| What::Publish { output, thread, subject: None, off: 9, body: 0 };
    let write = |entity, off, lease| What::Write {
        entity,
        fields: vec![(NATURAL, 2)],
        kind: 9,
        based_on: None,
        off,
        lease,
    };
    let whats = match which {
        // One agent publishes, the other is held, and the first goes on: the reviewer has to see that.
        0 => vec![on(CHAT, 1), on(BOTH, 2), on(CHAT, 1)],
        // A ticket is open: two others have to wait, for a time and while it is.
        1 => vec![
            write(TICKET, 9, 0),
            What::Act { target: 3, subject: TICKET, off: 7, wait: true },
            What::Act { target: 0, subject: TICKET, off: 7, wait: true },
        ],
        // A task that was returned once.
        2 => vec![
            What::Handoff { to: 1, task: 0, attempt: 1, max: 3, missing: 9 },
            What::Work { at: 0, verb: 4, note: 1, attempt: 0 },
        ],
        // A lease goes to another, and its first holder goes on as if it had not.
        3 => vec![
            What::Lease { step: 0, at: 0, entity: LOG, field: NATURAL, task: false, minutes: 30, to: 0 },
            What::Lease { step: 7, at: 0, entity: LOG, field: NATURAL, task: false, minutes: 0, to: 1 },
            write(LOG, 9, 1),
        ],
        // Work is taken until it is out of attempts, and the last time is over before any timer says so.
        4 => {
            let mut whats = vec![What::Raise { event: 3, invoice: false, subject: Some(0) }];
            for _ in 0..3 {
                whats.push(What::Take { limit: 1, minutes: 1, only: None });
                whats.push(What::Pass { minutes: 2, ticks: false });
            }
            whats
        }
        // An agent is stopped and goes on; a case is taken, given back, put out of scope for good, and that taken back.
        5 => vec![
            What::Override { verb: 3, at: 0, lease: 0 },
            What::Override { verb: 4, at: 0, lease: 0 },
            What::Escalate { why: 1, subject: None },
            What::Item { at: 0, verb: 0, other: 0, seen_before: false, include: false },
            What::Item { at: 0, verb: 1, other: 0, seen_before: false, include: false },
            What::Item { at: 0, verb: 11, other: 0, seen_before: false, include: false },
            What::Item { at: 0, verb: 3, other: 0, seen_before: false, include: false },
        ],
        // An agent writes from what it read long ago, until a person has to look.
        6 => [9, 1, 1, 1, 1, 1, 1, 9].map(|off| write(0, off, 0)).to_vec(),
        // What one agent has a lease on goes over to another, who acts on it.
        7 => vec![
            What::Lease { step: 0, at: 0, entity: 0, field: NATURAL, task: false, minutes: 90, to: 0 },
            What::Apply { shape: 1, outdated: false },
            What::Act { target: 4, subject: 8, off: 7, wait: false },
        ],
        // An input is closed for good, and comes again in other letters.
        8 => vec![
            What::Escalate { why: 0, subject: Some(0) },
            What::Item { at: 0, verb: 11, other: 0, seen_before: false, include: false },
            What::Escalate { why: 1, subject: Some(0) },
        ],
        // Two states that must not be true together are, and something is sent about one of them.
        9 => clash(),
        // One that comes first in an order has spoken, the next one goes on, and both again on the thread.
        10 => vec![on(CHAT, 1), on(CHAT, 2), on(CHAT, 2), on(CHAT, 1)],
        // Nobody goes through the map for a quarter.
        11 => [false, true].map(|ticks| What::Pass { minutes: 65_000, ticks }).to_vec(),
        // A zone is offered, and goes over; what the new owner does with it keeps the answer.
        12 => vec![
            What::Offer { pattern: 0, to: 1 },
            What::Item { at: 0, verb: 4, other: 0, seen_before: false, include: false },
            write(DEAL, 9, 0),
            What::Item { at: 0, verb: 3, other: 0, seen_before: false, include: false },
        ],
        14..=16 => calls(which),
        _ => Vec::new(),
    };
    whats
        .into_iter()
        .map(|what| Step { who: Who::Right, what, key: None, old_token: false, seconds: 5 })
        .collect()
}
