//! What a map says, every part parsed. JSON in deeds and snapshots, TOML for people.
//!
//! The shape is the file's shape: key for key what docs/MAP.md shows. Reading the file with places for errors is
//! `parse`'s business; a model that was read from a deed is taken as it stands.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};

use super::ahead::Ahead;
use super::asked::Thresholds;
use super::condition::{Condition, Occasion};
use super::schedule::Schedule;
use super::tool::{ToolRow, Unmapped};
use super::whiles::While;
use crate::domain::ids::{AgentId, PersonId, QueueName, WorkspaceId};
use crate::domain::path::{self, EntityPath, FieldPath, Glob, Pattern, Template, overlap};
use crate::domain::time::Span;
use crate::domain::value::Value;

/// How long an item may wait where its queue says nothing.
pub const DEFAULT_SLA: Span = Span::from_hours(24);
/// How long after its time a review is held in time, where its queue says nothing.
pub const DEFAULT_GRACE: Span = Span::from_hours(1);
/// How often a map of several agents is gone through, where it says nothing.
pub const DEFAULT_REVIEW: Span = Span::from_days(90);
/// From so many agents on a map is a team's.
const TEAM_FROM: usize = 2;
/// The queue of a map that nobody has written yet.
pub const DEFAULT_QUEUE: &str = "inbox";

/// One version of a workspace's ownership map.
#[serde_with::skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Model {
    /// Whose map this is.
    pub workspace: WorkspaceId,
    /// In which schedules are read; an IANA name.
    #[serde(default = "utc", skip_serializing_if = "is_utc")]
    pub timezone: String,
    /// Accountable for this map; required from the fourth agent on.
    pub governance_owner: Option<PersonId>,
    /// The map is overdue after this; from the second agent on 90 days without it.
    pub review_every: Option<Span>,
    /// Refuse, or only record what would have been refused.
    #[serde(default)]
    pub mode: Mode,
    /// For how long one voice has a conversation, where an output says nothing else; an hour without it.
    pub thread_window: Option<Span>,
    /// How often two agents may wake each other about one entity while nothing changes; 8 without it.
    pub wake_ups: Option<u32>,
    /// What happens to a task that is out of attempts, where its giver does not say; a person decides without it.
    pub on_exhausted: Option<OnExhausted>,
    /// What is asked of an agent before the next one joins, where it is not the usual.
    pub readiness: Option<Thresholds>,
    /// Which decisions people sign beside those of the queues that say so.
    pub signed: Option<SignedFor>,
    /// Who acts.
    #[serde(default, rename = "agent", skip_serializing_if = "Vec::is_empty")]
    pub agents: Vec<Agent>,
    /// Events that somebody must own.
    #[serde(default, rename = "event", skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<Event>,
    /// Where two agents could answer the same event; the first that fits wins.
    #[serde(default, rename = "route", skip_serializing_if = "Vec::is_empty")]
    pub routes: Vec<Route>,
    /// Fields that are not plainly owned; the first that fits wins.
    #[serde(default, rename = "field", skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldRule>,
    /// Destinations with rules of their own.
    #[serde(default, rename = "output", skip_serializing_if = "Vec::is_empty")]
    pub outputs: Vec<Output>,
    /// Who answers; the first takes what names no queue.
    #[serde(default, rename = "queue", skip_serializing_if = "Vec::is_empty")]
    pub queues: Vec<Queue>,
    /// What is known of people.
    #[serde(default, rename = "person", skip_serializing_if = "Vec::is_empty")]
    pub people: Vec<Person>,
    /// Who yields to whom.
    #[serde(default, rename = "defer", skip_serializing_if = "Vec::is_empty")]
    pub defers: Vec<Defer>,
    /// What must not be true together.
    #[serde(default, rename = "contradiction", skip_serializing_if = "Vec::is_empty")]
    pub contradictions: Vec<Contradiction>,
    /// What must have been read before something goes out.
    #[serde(default, rename = "basis", skip_serializing_if = "Vec::is_empty")]
    pub bases: Vec<Basis>,
    /// What is done with a call of a tool that no row names.
    #[serde(default, skip_serializing_if = "is_ask")]
    pub unmapped: Unmapped,
    /// What tools behind the gateway mean; the first that names one wins.
    #[serde(default, rename = "tool", skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<ToolRow>,
}

/// What a workspace does with what its map forbids.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Record what would have been refused.
    Observe,
    /// Refuse it.
    #[default]
    Enforce,
}

/// Which decisions people sign, whatever their queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SignedFor {
    /// What takes no way back: what goes out with the answer.
    Irreversible,
    /// All of them.
    All,
}

/// What happens to work that is out of attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnExhausted {
    /// A named person decides.
    #[default]
    Escalate,
    /// It ends as failed.
    Abort,
}

/// One `[[agent]]`: a program, its zone, and who answers for it.
#[serde_with::skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Agent {
    /// Its name.
    pub id: AgentId,
    /// What it is responsible for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub role: String,
    /// The person accountable for it.
    pub owner: PersonId,
    /// The first day it worked.
    #[schemars(with = "Option<String>")]
    pub live_since: Option<NaiveDate>,
    /// Events that it owns.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub triggers: Vec<String>,
    /// Fields that it writes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub writes: Vec<Pattern>,
    /// Taken out of `writes`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub except: Vec<Pattern>,
    /// What it reads; everything where it says nothing.
    #[serde(default = "everything", skip_serializing_if = "is_everything")]
    pub reads: Vec<Pattern>,
    /// What it has no access to at all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hidden: Vec<Pattern>,
    /// Destinations that it publishes to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outputs: Vec<String>,
    /// Where its undecided inputs go; the first queue where it says nothing.
    pub escalates_to: Option<QueueName>,
    /// For which reasons it is expected to escalate.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub escalates_when: Vec<String>,
    /// Taken out of one of `writes` alone, by that one.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub except_of: BTreeMap<Pattern, Vec<Pattern>>,
}

impl Agent {
    /// An agent that owns nothing yet.
    pub fn new(id: AgentId, owner: PersonId) -> Self {
        Self {
            id,
            role: String::new(),
            owner,
            live_since: None,
            triggers: Vec::new(),
            writes: Vec::new(),
            except: Vec::new(),
            reads: everything(),
            hidden: Vec::new(),
            outputs: Vec::new(),
            escalates_to: None,
            escalates_when: Vec::new(),
            except_of: BTreeMap::new(),
        }
    }

    /// What is taken out of this grant and of no other.
    pub fn own_exceptions(&self, grant: &Pattern) -> &[Pattern] {
        self.except_of.get(grant).map_or(&[], Vec::as_slice)
    }

    /// Everything that is taken out of this grant.
    pub fn taken_from(&self, grant: &Pattern) -> Vec<Pattern> {
        self.except.iter().chain(self.own_exceptions(grant)).cloned().collect()
    }

    /// Does the grant give a path of the pattern's, or may it?
    pub fn may_write(&self, grant: &Pattern, pattern: &Pattern) -> bool {
        overlap(grant, &self.taken_from(grant), pattern, &[]).may_be()
    }

    /// Does the agent surely write all of the pattern, less this? A grant whose own exceptions reach into it counts for
    /// nothing here.
    pub fn writes_all(&self, pattern: &Pattern, less: &[Pattern]) -> bool {
        let whole = |grant: &&Pattern| {
            self.own_exceptions(grant).iter().all(|taken| overlap(taken, &[], pattern, less).is_apart())
        };
        let grants: Vec<Pattern> = self.writes.iter().filter(whole).cloned().collect();
        path::covers(&grants, &self.except, pattern, less)
    }

    /// Is the path in its zone?
    pub fn has(&self, path: &FieldPath) -> bool {
        let any = |patterns: &[Pattern]| patterns.iter().any(|pattern| pattern.matches_path(path));
        let gives = |grant: &&Pattern| grant.matches_path(path) && !any(self.own_exceptions(grant));
        self.writes.iter().any(|grant| gives(&grant)) && !any(&self.except)
    }

    /// Takes a grant out, with its own exceptions.
    pub(crate) fn drop_grants(&mut self, goes: impl Fn(&Pattern) -> bool) {
        self.writes.retain(|grant| !goes(grant));
        self.except_of.retain(|grant, _| !goes(grant));
    }
}

/// One `[[event]]`.
#[serde_with::skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Event {
    /// Its name.
    pub name: String,
    /// When Deeds raises it itself.
    pub schedule: Option<Schedule>,
    /// Which change raises it.
    pub on: Option<Occasion>,
    /// The attribute that tells one occurrence from another.
    pub key: Option<String>,
    /// Upper and lower case are two things.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub case: bool,
}

/// One `[[route]]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Route {
    /// For which event.
    pub event: String,
    /// Attributes and the globs they must match.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub when: BTreeMap<String, String>,
    /// Who answers.
    pub agent: AgentId,
    /// Who comes after, in sequence.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub then: Vec<AgentId>,
    /// Upper and lower case are two things.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub case: bool,
}

/// One `[[field]]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FieldRule {
    /// Which fields.
    pub path: Pattern,
    /// How they are written.
    #[serde(flatten)]
    pub kind: FieldKind,
}

/// How a field may be written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum FieldKind {
    /// One writer; the default.
    Owned,
    /// Any granted agent adds, nothing is overwritten.
    Append,
    /// Moves forward only, whoever of the granted agents writes it.
    Progression {
        /// From first to last.
        #[serde(serialize_with = "plain_json")]
        order: Vec<Value>,
    },
    /// The named agents write in that order, each after the one before.
    Sequenced {
        /// From first to last.
        #[serde(rename = "order")]
        agents: Vec<AgentId>,
    },
    /// Changed by people only.
    Constant,
}

impl FieldKind {
    /// As the map writes it.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Owned => "owned",
            Self::Append => "append",
            Self::Progression { .. } => "progression",
            Self::Sequenced { .. } => "sequenced",
            Self::Constant => "constant",
        }
    }

    /// May several agents hold a grant on such a field?
    pub fn takes_several_writers(&self) -> bool {
        match self {
            Self::Append | Self::Sequenced { .. } | Self::Progression { .. } => true,
            Self::Owned | Self::Constant => false,
        }
    }
}

/// One `[[output]]`.
#[serde_with::skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Output {
    /// Its name.
    pub name: String,
    /// Several publishers, in this sequence; without it exactly one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub order: Vec<AgentId>,
    /// A person approves each publication.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub needs_approval: bool,
    /// For how long one voice has a conversation that it begins or goes on here.
    pub thread_window: Option<Span>,
    /// The team's own, such as a report: it opens no conversation.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub internal: bool,
}

/// One `[[queue]]`: the people who answer.
#[serde_with::skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Queue {
    /// Its name.
    pub name: QueueName,
    /// Answers for the queue.
    pub owner: PersonId,
    /// Answer when the owner is away or past half the time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deputies: Vec<PersonId>,
    /// How long an item may wait.
    #[serde(default = "default_sla")]
    pub sla: Span,
    /// When the queue is gone through.
    pub review: Option<Schedule>,
    /// How long after its time a review may still be held in time.
    pub grace: Option<Span>,
    /// Whose items come first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub priority: Vec<AgentId>,
    /// Whether who decides here signs for it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub signed: bool,
}

impl Queue {
    /// A queue that one person reviews daily at nine, within a day.
    pub fn new(name: QueueName, owner: PersonId) -> Self {
        Self {
            name,
            owner,
            deputies: Vec::new(),
            sla: DEFAULT_SLA,
            review: Schedule::daily(9, 0),
            grace: None,
            priority: Vec::new(),
            signed: false,
        }
    }

    /// How long after its time a review is held in time.
    pub fn grace(&self) -> Span {
        self.grace.unwrap_or(DEFAULT_GRACE)
    }

    /// The named reviewers: the owner, then the deputies.
    pub fn reviewers(&self) -> impl Iterator<Item = &PersonId> {
        std::iter::once(&self.owner).chain(&self.deputies)
    }

    /// May this person answer here?
    pub fn is_reviewer(&self, person: &PersonId) -> bool {
        self.reviewers().any(|reviewer| reviewer == person)
    }
}

/// One `[[person]]`: what the map knows of somebody. Who has none is named by account.
#[serde_with::skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Person {
    /// Their name in the map.
    pub id: PersonId,
    /// The name that their tokens are made for, where it is another.
    pub account: Option<PersonId>,
    /// In which their days begin; the map's where they say nothing. An IANA name.
    pub timezone: Option<String>,
    /// Which of their queues comes first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub priority: Vec<QueueName>,
}

/// One `[[defer]]`: `agent` yields to `to`.
#[serde_with::skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Defer {
    /// Who yields.
    pub agent: AgentId,
    /// To whom.
    #[schemars(with = "String")]
    pub to: Ahead,
    /// In which actions; everything where it says nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<String>,
    /// For how long after the other's last deed on the subject.
    pub within: Option<Span>,
    /// As long as this holds; `{id}` is the subject's last segment.
    #[serde(rename = "while")]
    pub while_: Option<While>,
    /// Upper and lower case are two things.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub case: bool,
}

impl Defer {
    /// Is this action one in which the agent yields?
    pub fn covers_action(&self, action: &str) -> bool {
        covers(&self.actions, action)
    }
}

/// Does a text match another in which `*` stands for any run of characters?
pub fn text_matches(pattern: &str, text: &str) -> bool {
    Glob::new(pattern).map_or(pattern == text, |glob| glob.matches(text))
}

impl Route {
    /// Does the glob of an attribute match its text?
    pub(crate) fn is_met(&self, glob: &str, text: &str) -> bool {
        if self.case {
            text_matches(glob, text)
        } else {
            text_matches(&glob.to_lowercase(), &text.to_lowercase())
        }
    }
}

/// One `[[contradiction]]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Contradiction {
    /// Its name.
    pub name: String,
    /// What must not hold all together.
    pub all: Vec<Condition>,
    /// Which acts and publications on what it is about wait while it is open.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stops: Vec<String>,
    /// Upper and lower case are two things.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub case: bool,
}

impl Contradiction {
    /// Does this action wait while it is open?
    pub fn stops_action(&self, action: &str) -> bool {
        !self.stops.is_empty() && covers(&self.stops, action)
    }
}

/// One `[[basis]]`: nothing of the sort goes out without having looked at these fields.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Basis {
    /// Which actions; everything that goes out where it says nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<String>,
    /// The fields whose versions are to be named; the subject says what the variables stand for.
    pub needs: Vec<Template>,
}

impl Basis {
    /// The fields to be named where this is done about the subject. None where the rule is about other subjects.
    pub fn needed(&self, action: &str, subject: Option<&EntityPath>) -> Vec<FieldPath> {
        if !covers(&self.actions, action) {
            return Vec::new();
        }
        let bound = subject.and_then(|subject| self.needs.iter().find_map(|need| need.bind_entity(subject)));
        let bound = bound.unwrap_or_default();
        self.needs.iter().filter_map(|need| need.fill(&bound)).collect()
    }
}

/// Do these patterns speak of the action? All do that name none.
fn covers(actions: &[String], action: &str) -> bool {
    actions.is_empty() || actions.iter().any(|pattern| text_matches(pattern, action))
}

impl Model {
    /// The map of a workspace that nobody has written one for: enforce, no agents, one queue that this person answers.
    pub fn default_for(workspace: WorkspaceId, person: PersonId) -> Self {
        let queues = DEFAULT_QUEUE.parse().ok().map(|name| Queue::new(name, person));
        Self { queues: queues.into_iter().collect(), ..Self::empty(workspace) }
    }

    /// A map that says nothing.
    pub(crate) fn empty(workspace: WorkspaceId) -> Self {
        Self {
            workspace,
            timezone: utc(),
            governance_owner: None,
            review_every: None,
            mode: Mode::default(),
            thread_window: None,
            wake_ups: None,
            on_exhausted: None,
            signed: None,
            readiness: None,
            agents: Vec::new(),
            events: Vec::new(),
            routes: Vec::new(),
            fields: Vec::new(),
            outputs: Vec::new(),
            queues: Vec::new(),
            people: Vec::new(),
            defers: Vec::new(),
            contradictions: Vec::new(),
            bases: Vec::new(),
            unmapped: Unmapped::default(),
            tools: Vec::new(),
        }
    }

    /// How often the map is gone through: as it says, or from the second agent on every quarter.
    pub fn gone_through_every(&self) -> Option<Span> {
        self.review_every.or_else(|| (self.agents.len() >= TEAM_FROM).then_some(DEFAULT_REVIEW))
    }

    /// What is asked of an agent before the next one joins.
    pub fn asked(&self) -> Thresholds {
        self.readiness.unwrap_or_default()
    }

    /// The agent of that name.
    pub fn agent(&self, id: &AgentId) -> Option<&Agent> {
        self.agents.iter().find(|agent| agent.id == *id)
    }

    /// Does the map name this person: as somebody's owner, on a queue, or in an entry of their own?
    pub fn names_person(&self, name: &str) -> bool {
        let owners = self.agents.iter().map(|agent| &agent.owner).chain(&self.governance_owner);
        let reviewers = self.queues.iter().flat_map(Queue::reviewers);
        let mut all = owners.chain(reviewers).chain(self.people.iter().map(|person| &person.id));
        all.any(|person| person.as_str() == name)
    }

    /// What the map knows of a person.
    pub fn person(&self, id: &PersonId) -> Option<&Person> {
        self.people.iter().find(|person| person.id == *id)
    }

    /// Who has that account: the person of the map, or the account itself where it has none.
    pub fn person_of<'a>(&'a self, account: &'a PersonId) -> &'a PersonId {
        let of = |person: &&Person| person.account.as_ref() == Some(account);
        self.people.iter().find(of).map_or(account, |person| &person.id)
    }

    /// The timezone in which a person's days begin.
    pub fn zone_of(&self, id: &PersonId) -> chrono_tz::Tz {
        let own = self.person(id).and_then(|person| person.timezone.as_deref());
        own.and_then(|name| name.parse().ok()).unwrap_or_else(|| self.zone())
    }

    /// The timezone in which schedules are read; UTC where the name is none that is known, which the lints refuse.
    pub fn zone(&self) -> chrono_tz::Tz {
        self.timezone.parse().unwrap_or(chrono_tz::UTC)
    }

    /// The queue that an agent's undecided inputs go to.
    pub fn queue_of(&self, agent: &AgentId) -> Option<&Queue> {
        let named = self.agent(agent).and_then(|agent| agent.escalates_to.as_ref());
        named
            .and_then(|name| self.queues.iter().find(|queue| queue.name == *name))
            .or_else(|| self.queues.first())
    }

    /// The map as a file that `parse` reads back to the same model.
    pub fn to_toml(&self) -> String {
        // Every part serialises to strings, integers, booleans, lists and tables, so that this cannot fail; should it
        // ever, the reason is in the file instead of a panic.
        toml::to_string(self).unwrap_or_else(|error| format!("# this map can't be shown: {error}\n"))
    }
}

fn utc() -> String {
    "UTC".to_owned()
}

fn is_utc(timezone: &String) -> bool {
    timezone == "UTC"
}

pub(crate) fn everything() -> Vec<Pattern> {
    vec![Pattern::everything()]
}

fn is_everything(reads: &Vec<Pattern>) -> bool {
    *reads == everything()
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
fn is_ask(unmapped: &Unmapped) -> bool {
    *unmapped == Unmapped::Ask
}

fn default_sla() -> Span {
    DEFAULT_SLA
}

/// Values as ordinary JSON, which other formats can write too.
fn plain_json<S: Serializer>(values: &[Value], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(values.iter().map(Value::json))
}
