//! The board: what people look at. Folded from deeds alone, so a console keeps its own copy up to date from the stream.
//!
//! Field values and tokens do not live here (see `entities`, `access`).

use std::cmp::Ordering;
use std::sync::Arc;

use imbl::{OrdMap, OrdSet, Vector};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::recent::dated;
use super::{Accounts, Dependency, History, Lasting, MADE, MapCare, Recent, Tail, Thing, Timer};
use crate::domain::ids::{
    ActNo, Actor, AgentId, AlertNo, FanOutNo, Fence, ItemNo, MapVersion, PersonId, QueueName, Seq, TaskId,
    TokenId, WorkNo, WorkspaceId,
};
use crate::domain::map::{Map, Mode, Model};
use crate::domain::outcome::Outcome;
use crate::domain::path::EntityPath;
use crate::domain::sight::Sight;
use crate::domain::things::{
    Alert, Allowance, CallState, ClaimHeld, ClockKept, ClosedItem, Concluded, Doors, ENDED, FanOutState,
    HeldField, Hold, Item, LastPublication, Lease, Occurred, OpenAct, PastAnswers, QueueReviews, Rounds,
    ScopeRule, Seat, SeenThere, Signer, Task, ToolsSeen, WaitingAct, WaitingPublication, Work,
};
use crate::domain::time::Time;

/// Answered items kept for undo and for looking back.
pub const CLOSED: usize = 256;
/// Resolved alerts kept for looking back.
pub const RESOLVED: usize = 256;
/// Map versions kept for looking back.
pub const MAPS: usize = 50;

/// What people look at. What is looked at seldom is boxed: the board is moved about in futures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Board {
    /// The workspace's name.
    pub workspace: WorkspaceId,
    /// The last deed folded in.
    pub head: Seq,
    /// When that was recorded.
    pub recorded: Time,
    /// The format of the deeds from here on.
    pub format: u32,
    /// When it was raised last; never, where the workspace was born in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raised: Option<Time>,
    /// The map in force.
    pub map: Map,
    /// Its version.
    pub map_version: MapVersion,
    /// How the map came to be, oldest first.
    pub maps: Tail<MapStep, MAPS>,
    /// The map in force less what answers in the inbox have given, where they have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unanswered: Option<Arc<Model>>,
    /// Open inbox items.
    pub items: OrdMap<ItemNo, Arc<Item>>,
    /// Answered items, oldest first.
    pub closed: Tail<Arc<ClosedItem>, CLOSED>,
    /// How items were answered before, by likeness; the likenesses that were answered last.
    #[serde(with = "dated")]
    pub past: Recent<PastAnswers>,
    /// What is closed on arrival.
    pub rules: Vector<Arc<ScopeRule>>,
    /// Open and acknowledged alerts.
    pub alerts: OrdMap<AlertNo, Arc<Alert>>,
    /// Resolved alerts, oldest first.
    pub resolved: Tail<Arc<Alert>, RESOLVED>,
    /// The open alert of each fingerprint.
    pub fingerprints: OrdMap<Arc<str>, AlertNo>,
    /// Open work items of all agents.
    pub works: OrdMap<WorkNo, Arc<Work>>,
    /// The numbers of each agent's open work items.
    pub works_by: OrdMap<AgentId, OrdSet<WorkNo>>,
    /// Acts that may go ahead and have not ended.
    pub acts: OrdMap<ActNo, Arc<OpenAct>>,
    /// Everybody who ever acted, with counts.
    pub agents: OrdMap<AgentId, AgentFacts>,
    /// Entities that people froze.
    pub frozen: OrdMap<EntityPath, Stop>,
    /// Set while a person has stopped every agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub halted: Option<Box<Stop>>,
    /// People who are away.
    #[serde(default, skip_serializing_if = "OrdMap::is_empty")]
    pub away: OrdMap<PersonId, Stop>,
    /// The tokens with which people decide.
    #[serde(default, skip_serializing_if = "OrdMap::is_empty")]
    pub seats: OrdMap<TokenId, Seat>,
    /// Whose signature counts.
    #[serde(default, skip_serializing_if = "OrdMap::is_empty")]
    pub signers: OrdMap<PersonId, Arc<Signer>>,
    /// Fields that people set and hold, by their entity.
    #[serde(default)]
    pub held: OrdMap<EntityPath, Vec<HeldField>>,
    /// What falls due, the next first.
    pub timers: OrdSet<(Time, Timer)>,
    /// When ends were set that were set anew since what they are of came into being; of an item it is the end of its claim.
    #[serde(default, skip_serializing_if = "OrdMap::is_empty")]
    pub timed: OrdMap<Arc<str>, Time>,
    /// The machine's clock, as the last words about it left it.
    #[serde(default, skip_serializing_if = "ClockKept::is_default")]
    pub clock: Box<ClockKept>,
    /// What agents hold open on each entity: work, acts, leases, acts that wait.
    pub holds: OrdMap<EntityPath, OrdSet<Hold>>,
    /// Tasks under way, by name.
    pub tasks: OrdMap<TaskId, Arc<Task>>,
    /// Tasks that ended, oldest first.
    pub ended_tasks: Box<Tail<Arc<Task>, ENDED>>,
    /// Fan-outs under way.
    pub fan_outs: OrdMap<FanOutNo, Arc<FanOutState>>,
    /// Fan-outs that were joined, oldest first.
    pub ended_fan_outs: Box<Tail<Arc<FanOutState>, ENDED>>,
    /// Leases that were granted and not given back. One past its time is void, even before its timer says so.
    pub leases: OrdMap<Fence, Arc<Lease>>,
    /// The lease on each task that has one.
    pub task_leases: OrdMap<TaskId, Fence>,
    /// Acts that wait until the way is free, by the deed that deferred them.
    pub waiting: OrdMap<Seq, Arc<WaitingAct>>,
    /// Publications that wait for their agent's turn, by the deed that deferred them.
    #[serde(default, skip_serializing_if = "OrdMap::is_empty")]
    pub queued: OrdMap<Seq, Arc<WaitingPublication>>,
    /// The last publication on each thread, by output and thread (`key`), and on each output as a whole.
    pub threads: Recent<LastPublication>,
    /// The same on outputs with an order, known for a time whatever else goes out.
    #[serde(default, skip_serializing_if = "Lasting::is_empty")]
    pub turns: Box<Lasting<LastPublication>>,
    /// Who has each conversation (`Conversation::spoken`), for as long as the window then was.
    #[serde(default, skip_serializing_if = "Lasting::is_empty")]
    pub talks: Box<Lasting<LastPublication>>,
    /// Who holds the claim of each event, by name and key (`key`).
    pub claims: Recent<ClaimHeld>,
    /// The same of those that are known for a time, whatever else is claimed.
    #[serde(default, skip_serializing_if = "Lasting::is_empty")]
    pub occurrences: Box<Lasting<ClaimHeld>>,
    /// What became of occurrences that were raised, by the event's name and what tells them apart (`key`).
    #[serde(default, skip_serializing_if = "Lasting::is_empty")]
    pub occurred: Box<Lasting<Occurred, Arc<str>>>,
    /// How often two agents have woken each other about each entity, since something of it changed.
    #[serde(default, skip_serializing_if = "Recent::is_empty")]
    pub rounds: Box<Recent<Rounds>>,
    /// When the last stale writes of an agent to a field were (`in_vain_key`).
    #[serde(default, skip_serializing_if = "Recent::is_empty")]
    pub in_vain: Box<Recent<Vector<Time>>>,
    /// The open item in which what an agent writes to a field waits, under the same key.
    #[serde(default, skip_serializing_if = "OrdMap::is_empty")]
    pub converging: OrdMap<Arc<str>, ItemNo>,
    /// What was concluded last, by subject and question (`key`), the latest of each actor.
    pub conclusions: Recent<Vector<Concluded>>,
    /// The same, known for a time whatever else is concluded.
    #[serde(default, skip_serializing_if = "Lasting::is_empty")]
    pub concluded: Box<Lasting<Vector<Concluded>>>,
    /// The tasks whose names are known for a time after they ended, with how they did.
    #[serde(default, skip_serializing_if = "Lasting::is_empty")]
    pub ended_names: Box<Lasting<Arc<str>>>,
    /// When each scheduled event is raised next.
    pub schedules: OrdMap<Arc<str>, Time>,
    /// The reviews of each queue.
    pub reviews: OrdMap<QueueName, QueueReviews>,
    /// Where the latest calls of tools stand, by agent and digest (`call_key`).
    #[serde(default, skip_serializing_if = "Recent::is_empty")]
    pub calls: Box<Recent<Arc<CallState>>>,
    /// The open act of each call that is approved or under way, under the same key.
    #[serde(default, skip_serializing_if = "OrdMap::is_empty")]
    pub called: OrdMap<Arc<str>, ActNo>,
    /// The latest calls that needed no leave.
    #[serde(default, skip_serializing_if = "Tail::is_empty")]
    pub made: Box<Tail<Arc<CallState>, MADE>>,
    /// What agents have read by way of servers (`seen_key`).
    #[serde(default, skip_serializing_if = "Recent::is_empty")]
    pub seen_there: Box<Recent<SeenThere>>,
    /// What servers behind gateways offer.
    #[serde(default, skip_serializing_if = "OrdMap::is_empty")]
    pub offered: OrdMap<Arc<str>, Arc<ToolsSeen>>,
    /// The last act that was allowed to each target.
    pub targets: Box<Recent<Seq>>,
    /// Who relies on whose fields, by both names (`key`).
    pub dependencies: Box<Recent<Dependency>>,
    /// Who went through the map as a whole, and when.
    pub care: MapCare,
    /// Deeds so far by outcome.
    pub outcomes: OrdMap<Outcome, u64>,
    /// What waits for each agent's sake.
    #[serde(default)]
    pub accounts: Box<Accounts>,
    /// What is here without its payload, as a console has it; nothing on a server.
    #[serde(default, skip_serializing_if = "OrdSet::is_empty")]
    pub cut: OrdSet<Thing>,
    /// The next free numbers.
    pub next: Next,
}

/// The next free numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Next {
    /// Of inbox items.
    pub item: ItemNo,
    /// Of alerts.
    pub alert: AlertNo,
    /// Of work items.
    pub work: WorkNo,
    /// Of acts.
    pub act: ActNo,
    /// Of rules.
    pub rule: u64,
    /// Of fan-outs.
    pub fan_out: FanOutNo,
    /// Of leases.
    pub fence: Fence,
}

impl Default for Next {
    /// Before the first of each.
    fn default() -> Self {
        Self {
            item: ItemNo(1),
            alert: AlertNo(1),
            work: WorkNo(1),
            act: ActNo(1),
            rule: 1,
            fan_out: FanOutNo(1),
            fence: Fence(1),
        }
    }
}

/// One version of the map.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MapStep {
    /// The version.
    pub version: MapVersion,
    /// The deed.
    pub deed: Seq,
    /// When.
    pub at: Time,
    /// Who decided it.
    pub by: Actor,
    /// What changed, in words.
    pub changes: Vec<String>,
    /// Why.
    pub reason: Option<Arc<str>>,
    /// From which case.
    pub item: Option<ItemNo>,
    /// The map as it was then.
    pub model: Arc<Model>,
}

/// What is known of an agent from its deeds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentFacts {
    /// When it first acted.
    pub first: Time,
    /// When it last acted.
    pub last: Time,
    /// Its last deed.
    pub deed: Seq,
    /// Its deeds by outcome.
    pub outcomes: OrdMap<Outcome, u64>,
    /// Set while a person has stopped it.
    pub paused: Option<Stop>,
    /// How often people stepped in on what is its own.
    #[serde(default)]
    pub interventions: u64,
    /// When they did last.
    #[serde(default)]
    pub last_intervention: Option<Time>,
    /// What another system calls it, whose history was imported, where that is no agent's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub called: Option<Arc<str>>,
    /// What it may keep beyond the settings.
    #[serde(default, skip_serializing_if = "Allowance::is_none")]
    pub allowance: Allowance,
    /// How often it was turned away at the door, beside what has deeds of its own.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub turned_away: u64,
    /// By which doors it comes.
    #[serde(default, skip_serializing_if = "Doors::is_empty")]
    pub doors: Doors,
    /// Its last days.
    #[serde(default)]
    pub history: Arc<History>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// A person's stop of an agent, of all, or of an entity; or that they stopped, which is that they are away.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Stop {
    /// Who.
    pub by: Actor,
    /// When.
    pub at: Time,
    /// Why.
    pub reason: Arc<str>,
    /// When it ends by itself; until a person ends it, where nothing is said.
    pub until: Option<Time>,
}

impl Stop {
    /// By whom, since when, until when and why, in words.
    pub fn words(&self) -> String {
        let until = self.until.map(|until| format!(" until {until}")).unwrap_or_default();
        format!("by {} since {}{until}: {}", self.by, self.at, self.reason)
    }
}

impl Board {
    /// A workspace before its first deed.
    pub fn new(workspace: WorkspaceId) -> Self {
        let map = Map::compile(Model::empty(workspace.clone()));
        Self {
            workspace,
            head: Seq(0),
            recorded: Time::default(),
            format: 1,
            raised: None,
            map,
            map_version: MapVersion(0),
            maps: Tail::default(),
            unanswered: None,
            items: OrdMap::new(),
            closed: Tail::default(),
            past: Recent::default(),
            rules: Vector::new(),
            alerts: OrdMap::new(),
            resolved: Tail::default(),
            fingerprints: OrdMap::new(),
            works: OrdMap::new(),
            works_by: OrdMap::new(),
            acts: OrdMap::new(),
            agents: OrdMap::new(),
            frozen: OrdMap::new(),
            halted: None,
            away: OrdMap::new(),
            seats: OrdMap::new(),
            signers: OrdMap::new(),
            held: OrdMap::new(),
            timers: OrdSet::new(),
            timed: OrdMap::new(),
            clock: Box::default(),
            holds: OrdMap::new(),
            tasks: OrdMap::new(),
            ended_tasks: Box::default(),
            fan_outs: OrdMap::new(),
            ended_fan_outs: Box::default(),
            leases: OrdMap::new(),
            task_leases: OrdMap::new(),
            waiting: OrdMap::new(),
            queued: OrdMap::new(),
            threads: Recent::default(),
            turns: Box::default(),
            talks: Box::default(),
            claims: Recent::default(),
            occurrences: Box::default(),
            occurred: Box::default(),
            rounds: Box::default(),
            in_vain: Box::default(),
            converging: OrdMap::new(),
            conclusions: Recent::default(),
            concluded: Box::default(),
            ended_names: Box::default(),
            schedules: OrdMap::new(),
            reviews: OrdMap::new(),
            calls: Box::default(),
            called: OrdMap::new(),
            made: Box::default(),
            seen_there: Box::default(),
            offered: OrdMap::new(),
            targets: Box::default(),
            dependencies: Box::default(),
            care: MapCare::default(),
            outcomes: OrdMap::new(),
            accounts: Box::default(),
            cut: OrdSet::new(),
            next: Next::default(),
        }
    }

    /// Whether checks refuse, or only record what they would have refused.
    pub fn enforces(&self) -> bool {
        self.map.model().mode == Mode::Enforce
    }

    /// The map in force less what answers in the inbox have given, whoever has put a file with it in force since.
    pub fn before_answers(&self) -> &Model {
        self.unanswered.as_deref().unwrap_or_else(|| self.map.model())
    }

    /// What the agent may see of what happened under that version of the map; none where that is not kept any more.
    pub fn sight<'a>(&'a self, agent: &'a AgentId, then: MapVersion) -> Option<Sight<'a>> {
        if then == self.map_version {
            return Some(Sight::now(agent, &self.map));
        }
        let step = self.maps.iter().rev().find(|step| step.version == then)?;
        Some(Sight::then(agent, &self.map, &step.model))
    }

    /// The same of what a deed left behind.
    pub fn sight_of<'a>(&'a self, agent: &'a AgentId, deed: Seq) -> Option<Sight<'a>> {
        self.sight(agent, self.maps.iter().rev().find(|step| step.deed <= deed)?.version)
    }

    /// The answered item with that number, if it is still kept.
    pub fn closed_item(&self, no: ItemNo) -> Option<&Arc<ClosedItem>> {
        self.closed.iter().rev().find(|closed| closed.item.no == no)
    }

    /// Open items that the same answer would settle too.
    pub fn settled_like<'a>(&'a self, item: &'a Item, of_scope: bool) -> impl Iterator<Item = &'a Arc<Item>> {
        self.items.values().filter(move |other| other.no != item.no && item.is_settled_like(other, of_scope))
    }

    /// Other open items about the same subject.
    pub fn about_the_same<'a>(&'a self, item: &'a Item) -> impl Iterator<Item = &'a Arc<Item>> {
        let same = move |other: &&Arc<Item>| {
            other.no != item.no && item.subject.is_some() && other.subject == item.subject
        };
        self.items.values().filter(same)
    }

    /// Open items of the same scope (`Item::alike`), the item itself not among them.
    pub fn alike<'a>(&'a self, item: &'a Item) -> impl Iterator<Item = &'a Arc<Item>> {
        self.items.values().filter(move |other| other.no != item.no && other.alike == item.alike)
    }

    /// The time as agents have it: while a person has stopped them all it stands still.
    pub fn agents_clock(&self, now: Time) -> Time {
        self.halted.as_ref().map_or(now, |halt| halt.at.min(now))
    }

    /// The stop that an agent is under: its own, or everybody's.
    pub fn stop_of(&self, agent: &AgentId) -> Option<&Stop> {
        let own = self.agents.get(agent).and_then(|facts| facts.paused.as_ref());
        own.or(self.halted.as_deref())
    }

    /// Whether a person is away at that time, and how.
    pub fn absence(&self, person: &PersonId, now: Time) -> Option<&Stop> {
        self.away.get(person).filter(|away| away.until.is_none_or(|until| now < until))
    }

    /// Whether a person has a token to decide with. Where nobody has, as in a workspace that no token was made for yet,
    /// that tells nothing about anybody.
    pub fn has_seat(&self, person: &PersonId, now: Time) -> bool {
        let model = self.map.model();
        let theirs = |seat: &Seat| model.person_of(&seat.person) == person && seat.is_live(now);
        self.seats.is_empty() || self.seats.values().any(theirs)
    }

    /// Who can decide as an admin.
    pub fn admins(&self, now: Time) -> impl Iterator<Item = &PersonId> {
        let model = self.map.model();
        let live = self.seats.values().filter(move |seat| seat.admin && seat.is_live(now));
        live.map(|seat| model.person_of(&seat.person))
    }

    /// Whether a person has an admin's token.
    pub fn is_admin(&self, person: &PersonId, now: Time) -> bool {
        self.admins(now).any(|admin| admin == person)
    }

    /// The fields of an entity that people hold at that time.
    pub fn held_on(&self, entity: &EntityPath, now: Time) -> impl Iterator<Item = &HeldField> {
        self.held.get(entity).into_iter().flatten().filter(move |held| held.is_live(now))
    }

    /// Who holds the claim of an occurrence, by the event's name and its key (`key`).
    pub fn claim(&self, occurrence: &str, now: Time) -> Option<&ClaimHeld> {
        self.occurrences.get(occurrence, now).or_else(|| self.claims.get(occurrence))
    }

    /// Who went out last there, by output and thread (`key`).
    pub fn last_there(&self, key: &str, now: Time) -> Option<&LastPublication> {
        self.turns.get(key, now).or_else(|| self.threads.get(key))
    }

    /// What was concluded last, by subject and question (`key`).
    pub fn conclusion(&self, key: &str, now: Time) -> Option<&Vector<Concluded>> {
        self.concluded.get(key, now).or_else(|| self.conclusions.get(key))
    }

    /// What was concluded last, by subject and question (`key`), from that key on, in order; what is known for a time before the rest.
    pub fn conclusions_from<'a>(
        &'a self,
        from: &'a str,
    ) -> impl Iterator<Item = (&'a Arc<str>, &'a Vector<Concluded>)> {
        let mut lasting = self.concluded.since(from).peekable();
        let mut recent = self.conclusions.since(from).peekable();
        std::iter::from_fn(move || {
            let order = match (lasting.peek(), recent.peek()) {
                (Some((one, _)), Some((other, _))) => one.cmp(other),
                (Some(_), None) => Ordering::Less,
                (None, _) => Ordering::Greater,
            };
            if order.is_eq() {
                recent.next();
            }
            if order.is_gt() { recent.next() } else { lasting.next() }
        })
    }

    /// How a task of that name ended that may not be begun anew yet.
    pub fn ended(&self, task: &TaskId, now: Time) -> Option<&str> {
        let recent =
            || self.ended_tasks.iter().find(|ended| ended.id == *task).map(|ended| ended.stage.word());
        self.ended_names.get(task.as_str(), now).map(|how| &**how).or_else(recent)
    }

    /// What agents hold open on an entity.
    pub fn holds_on(&self, entity: &EntityPath) -> impl Iterator<Item = Hold> {
        self.holds.get(entity).into_iter().flatten().copied()
    }

    /// The live leases on an entity or one of its fields.
    pub fn leases_on<'a>(
        &'a self,
        entity: &'a EntityPath,
        now: Time,
    ) -> impl Iterator<Item = &'a Arc<Lease>> {
        let lease = |hold| match hold {
            Hold::Lease(fence) => self.leases.get(&fence),
            Hold::Work(_) | Hold::Act(_) | Hold::Waiting(_) => None,
        };
        let now = self.agents_clock(now);
        self.holds_on(entity).filter_map(lease).filter(move |lease| lease.is_live(now))
    }

    /// The live lease on a task.
    pub fn lease_on_task(&self, task: &TaskId, now: Time) -> Option<&Arc<Lease>> {
        let fence = self.task_leases.get(task)?;
        self.leases.get(fence).filter(|lease| lease.is_live(self.agents_clock(now)))
    }

    /// The open work on an entity that somebody waits for; what only tells is not among it.
    pub fn works_on<'a>(&'a self, entity: &EntityPath) -> impl Iterator<Item = &'a Arc<Work>> {
        let held = self.holds.get(entity).into_iter().flatten();
        held.filter_map(|hold| match hold {
            Hold::Work(no) => self.works.get(no),
            Hold::Act(_) | Hold::Lease(_) | Hold::Waiting(_) => None,
        })
    }

    /// The open work of one agent, oldest first.
    pub fn work_of<'a>(&'a self, agent: &AgentId) -> impl DoubleEndedIterator<Item = &'a Arc<Work>> {
        self.works_by.get(agent).into_iter().flatten().filter_map(|no| self.works.get(no))
    }
}
