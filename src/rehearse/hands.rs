//! Who lives in a rehearsal: agents that do what their zones let them, and people who go through their queues. What they
//! choose is a seed's to say; what comes of it is the rules'.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::random::Random;
use super::world::World;
use crate::domain::command::{
    Answered, Command, Escalate, Expected, ItemStep, ItemVerb, MapReview, Principal, Publish, Raise, Request,
    ReviewStep, ReviewVerb, Take, WorkStep, WorkVerb, Write, WriteKind,
};
use crate::domain::ids::{Actor, AgentId, ItemNo, PersonId, QueueName, Version, WorkNo};
use crate::domain::map::{Agent, Authority, Event, FieldKind, Model};
use crate::domain::path::{EntityPath, FieldName, FieldPath, Pattern};
use crate::domain::query::read;
use crate::domain::reply::Reply;
use crate::domain::things::{Case, Item, ItemAnswer, TokenClass, WorkKind};
use crate::domain::value::Value;

/// How many records of a kind a team has to do with.
const RECORDS: u64 = 24;
/// Most items of its stream that an agent goes through at once.
const AT_ONCE: usize = 8;

/// Everybody, and the workspace that they are in.
pub(super) struct Hands {
    pub(super) world: World,
    pub(super) random: Random,
    /// How often in a thousand turns an agent does what is not its own.
    pub(super) trouble: u64,
    /// How often it asks a person.
    pub(super) questions: u64,
    counter: u64,
}

impl Hands {
    pub(super) fn new(world: World, random: Random) -> Self {
        Self { world, random, trouble: 0, questions: 0, counter: 0 }
    }

    pub(super) fn count(&mut self) -> u64 {
        self.counter += 1;
        self.counter
    }

    pub(super) fn chance(&mut self, in_a_thousand: u64) -> bool {
        self.random.below(1000) < in_a_thousand
    }

    fn ask(&mut self, actor: Actor, class: TokenClass, command: Command) -> Option<Reply> {
        let principal = Principal { actor, class, token: None };
        self.world.send(&Request::new(principal, command))
    }

    pub(super) fn as_agent(&mut self, agent: &AgentId, command: Command) -> Option<Reply> {
        self.ask(Actor::Agent(agent.clone()), TokenClass::Agent, command)
    }

    fn as_person(&mut self, person: &PersonId, command: Command) -> Option<Reply> {
        self.ask(Actor::Person(person.clone()), TokenClass::Reviewer, command)
    }

    pub(super) fn model(&self) -> Arc<Model> {
        Arc::clone(self.world.state.board.map.model())
    }

    /// One turn of an agent: mostly a write, sometimes a publication or an act, a lock or a handover, seldom a question.
    pub(super) fn turn(&mut self, agent: &Agent) {
        if self.chance(self.trouble) {
            return self.meddle(agent);
        }
        if self.chance(self.questions) && !agent.escalates_when.is_empty() {
            return self.escalate(agent);
        }
        match self.random.below(100) {
            80.. if !agent.outputs.is_empty() => self.act(agent),
            55.. if !agent.outputs.is_empty() => self.publish(agent),
            0..6 => self.hand_over(agent),
            6..14 => self.lock(agent),
            _ => self.write(agent),
        }
    }

    fn write(&mut self, agent: &Agent) {
        let Some(pattern) = self.random.one_of(&agent.writes).cloned() else { return };
        let Some(path) = self.path(&pattern) else { return };
        let map = &self.world.state.board.map;
        if map.authority(&agent.id, &path.entity, &path.field) == Authority::Granted {
            self.set(&agent.id, &path);
        }
    }

    /// A write to what is another's.
    fn meddle(&mut self, agent: &Agent) {
        let model = self.model();
        let others: Vec<&Agent> = model.agents.iter().filter(|other| other.id != agent.id).collect();
        let grants = self.random.one_of(&others).map(|other| other.writes.clone()).unwrap_or_default();
        let Some(pattern) = self.random.one_of(&grants).cloned() else { return };
        if let Some(path) = self.path(&pattern) {
            self.set(&agent.id, &path);
        }
    }

    pub(super) fn set(&mut self, agent: &AgentId, path: &FieldPath) {
        let Some(value) = self.value(path) else { return };
        let expected = self.version(agent, path);
        let write = Write {
            entity: path.entity.clone(),
            kind: WriteKind::Update,
            changes: [(path.field.clone(), value)].into(),
            expected: Some(Expected::Fields([(path.field.clone(), expected)].into())),
            depends_on: BTreeMap::new(),
            lease: self.token(agent, &path.entity),
            reason: None,
            cause: None,
            call: None,
        };
        self.as_agent(agent, Command::Write(write));
    }

    pub(super) fn version(&self, agent: &AgentId, path: &FieldPath) -> Version {
        let view = read(&self.world.state, &Actor::Agent(agent.clone()), &path.entity);
        let Some(view) = view else { return Version(0) };
        if path.field.is_whole() {
            return view.version;
        }
        view.fields.get(&path.field).map(|field| field.version).unwrap_or_default()
    }

    /// A value that the field takes next; none where it takes no more.
    fn value(&mut self, path: &FieldPath) -> Option<Value> {
        let state = &self.world.state;
        let now = state.entities.get(&path.entity).and_then(|entity| entity.field(&path.field));
        let now = now.map(|field| field.value.clone());
        match state.board.map.field_kind(&path.entity, &path.field) {
            FieldKind::Progression { order } => {
                let at = now.and_then(|now| order.iter().position(|step| *step == now));
                order.get(at.map_or(0, |at| at + 1)).cloned()
            }
            FieldKind::Constant => now.is_none().then(|| Value::text("set once")),
            FieldKind::Sequenced { .. } => None,
            FieldKind::Owned | FieldKind::Append => {
                let on = state.board.map.occasions_on(&path.entity, &path.field).next();
                let told = on.and_then(|event| event.on.as_ref()).and_then(|on| quoted(&on.to_string()));
                match told {
                    Some(told) if self.random.below(4) == 0 => Some(Value::text(&told)),
                    Some(_) | None => Some(Value::text(&format!("value {}", self.count()))),
                }
            }
        }
    }

    /// A path that the pattern covers.
    pub(super) fn path(&mut self, pattern: &Pattern) -> Option<FieldPath> {
        let number = self.random.below(RECORDS);
        let fill = |text: &str, with: &str| text.replace("**", with).replace('*', with);
        let entity: EntityPath = fill(pattern.entity_text(), &number.to_string()).parse().ok()?;
        let field: FieldName = match pattern.field_text() {
            Some(field) => fill(field, "note").parse().ok()?,
            None if pattern.entity_text().contains('*') => "note".parse().ok()?,
            None => FieldName::whole(),
        };
        Some(FieldPath::new(entity, field))
    }

    fn publish(&mut self, agent: &Agent) {
        let Some(output) = self.random.one_of(&agent.outputs).cloned() else { return };
        let thread = Arc::from(format!("thread {}", self.count()));
        let model = self.model();
        let needed = model.bases.iter().flat_map(|basis| basis.needed("publish", None));
        let depends_on = needed.map(|path| (path.clone(), self.version(&agent.id, &path))).collect();
        let publish = Publish {
            output: Arc::from(output),
            thread: Some(thread),
            body: Value::text("what there is to say"),
            subject: None,
            action: None,
            depends_on,
            reason: None,
            cause: None,
        };
        self.as_agent(&agent.id, Command::Publish(publish));
    }

    fn escalate(&mut self, agent: &Agent) {
        let Some(why) = self.random.one_of(&agent.escalates_when).cloned() else { return };
        let input = Value::text(&format!("case {}", self.count()));
        let escalate = Escalate { input, subject: None, why: Arc::from(why), evidence: Vec::new() };
        self.as_agent(&agent.id, Command::Escalate(escalate));
    }

    /// Goes through an agent's stream.
    pub(super) fn sweep(&mut self, agent: &AgentId) {
        self.end_acts(agent);
        self.unlock(agent);
        let open = self.world.state.board.work_of(agent).take(AT_ONCE);
        let open: Vec<(WorkNo, WorkKind)> = open.map(|work| (work.no, work.kind.clone())).collect();
        for (no, kind) in open {
            match kind {
                WorkKind::Proposal { .. } => {
                    let wanted = self.chance(700);
                    let accepted = wanted && self.step(agent, no, WorkVerb::Accept);
                    if !accepted {
                        self.step(agent, no, WorkVerb::Decline);
                    }
                }
                WorkKind::Dispatch { .. } | WorkKind::Branch { .. } => {
                    let take = Take { limit: 1, visibility: None, work: Some(no) };
                    self.as_agent(agent, Command::Take(take));
                    self.step(agent, no, WorkVerb::Complete);
                }
                WorkKind::Handoff { .. } => {
                    self.step(agent, no, WorkVerb::Accept);
                    // A team that is new does not hand everything over well.
                    let returned = self.trouble > 0 && self.chance(150);
                    self.step(agent, no, if returned { WorkVerb::Return } else { WorkVerb::Complete });
                }
                WorkKind::Decision { .. }
                | WorkKind::Ruling { .. }
                | WorkKind::Notice { .. }
                | WorkKind::Returned { .. }
                | WorkKind::Join { .. }
                | WorkKind::Changed { .. }
                | WorkKind::Free { .. } => _ = self.step(agent, no, WorkVerb::Complete),
            }
        }
    }

    fn step(&mut self, agent: &AgentId, work: WorkNo, step: WorkVerb) -> bool {
        let attempt = self.world.state.board.works.get(&work).map(|work| work.attempts);
        let note = Some(Arc::from("so it is"));
        let step = WorkStep { work, step, note, result: None, lease: None, attempt };
        self.as_agent(agent, Command::Work(step)).is_some_and(|reply| reply.is_done())
    }

    /// Something happens outside that the map declares.
    pub(super) fn raise(&mut self, event: &Event, person: &PersonId) {
        let model = self.model();
        let routes: Vec<_> = model.routes.iter().filter(|route| route.event == event.name).collect();
        let mut attributes: BTreeMap<Arc<str>, Value> = BTreeMap::new();
        for (name, glob) in self.random.one_of(&routes).into_iter().flat_map(|route| &route.when) {
            attributes.insert(Arc::from(name.as_str()), Value::text(&glob.replace('*', "some")));
        }
        if let Some(key) = &event.key {
            attributes.insert(Arc::from(key.as_str()), Value::text(&format!("occurrence {}", self.count())));
        }
        let raise = Raise {
            event: Arc::from(event.name.as_str()),
            attributes,
            subject: None,
            reason: None,
            cause: None,
        };
        self.as_person(person, Command::Raise(raise));
    }

    /// A person goes through a queue as a whole.
    pub(super) fn review(&mut self, queue: &QueueName, person: &PersonId) {
        let step = |step, leave| ReviewStep { queue: queue.clone(), step, note: None, leave };
        self.as_person(person, Command::Review(step(ReviewVerb::Start, None)));
        let open = self.world.state.board.items.values().filter(|item| item.queue == *queue);
        let open: Vec<ItemNo> = open.map(|item| item.no).collect();
        for no in open {
            self.answer(no, person);
        }
        let leave = self.world.state.board.items.values().any(|item| item.queue == *queue);
        let leave = leave.then(|| Arc::from("the rest waits for tomorrow"));
        self.as_person(person, Command::Review(step(ReviewVerb::End, leave)));
    }

    fn answer(&mut self, no: ItemNo, person: &PersonId) {
        // An answer to another may have settled it.
        let Some(item) = self.world.state.board.items.get(&no).cloned() else { return };
        let answer = self.choose(&item);
        let answered = Answered { answer, version: item.version, digest: item.digest(), include: Vec::new() };
        let step = ItemStep { item: no, step: ItemVerb::Answer(answered) };
        if !self.as_person(person, Command::Item(step)).is_some_and(|reply| reply.is_done()) {
            let leave = ItemVerb::Leave { reason: Arc::from("not today") };
            self.as_person(person, Command::Item(ItemStep { item: no, step: leave }));
        }
    }

    fn choose(&mut self, item: &Item) -> ItemAnswer {
        let note: Arc<str> = Arc::from("as we do it");
        match (&item.case, &item.suggestion) {
            (Case::Approval { .. } | Case::ActApproval { .. }, _) => match self.random.below(100) {
                0..94 => ItemAnswer::Approve { note: None },
                94..98 if matches!(item.case, Case::Approval { .. }) => {
                    ItemAnswer::ApproveEdited { body: Value::text("the same, shorter"), note: None }
                }
                _ => ItemAnswer::Reject { note },
            },
            (Case::Conflict { alert }, _) => {
                let alert = self.world.state.board.alerts.get(alert);
                let side = alert.and_then(|alert| alert.sides.first());
                let right = side.map(|side| match &side.path {
                    Some(path) => path.to_string(),
                    None => side.actor.to_string(),
                });
                ItemAnswer::Ruling { right: right.map(Arc::from), value: None, note: Some(note) }
            }
            (
                Case::UnownedField { .. } | Case::UnownedTarget { .. } | Case::UnownedOutput { .. },
                Some(near),
            ) => {
                let (agent, grant) = (near.agent.clone(), near.grant.clone());
                ItemAnswer::Expand { agent, grant, note: Some(note) }
            }
            (_, _) => ItemAnswer::Handle { note, reply: None, to: None },
        }
    }

    /// The map is gone through where it is due.
    pub(super) fn care(&mut self, person: &PersonId) {
        self.as_person(person, Command::MapReview(MapReview::default()));
    }
}

/// What stands in quotes in a condition.
fn quoted(text: &str) -> Option<String> {
    let (_, rest) = text.split_once('\'')?;
    let (quoted, _) = rest.rsplit_once('\'')?;
    Some(quoted.to_owned())
}
