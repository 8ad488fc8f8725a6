//! Puts the parts of a map together, section by section.

use std::collections::BTreeMap;
use std::ops::Range;
use std::str::FromStr;

use chrono::NaiveDate;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::places::{EntryPlace, Lines, Places};
use super::reader::{Entry, Fault, name, plain};
use crate::domain::ids::{AgentId, PersonId, QueueName, WorkspaceId};
use crate::domain::map::ahead::Ahead;
use crate::domain::map::asked::{MOST_APPROVALS, MOST_DAYS, Thresholds};
use crate::domain::map::condition::{Condition, Occasion, Op};
use crate::domain::map::lint::{Finding, Lint, Section};
use crate::domain::map::model::{
    Agent, Basis, Contradiction, DEFAULT_SLA, Defer, Event, FieldKind, FieldRule, Mode, Model, OnExhausted,
    Output, Person, Queue, Route, SignedFor,
};
use crate::domain::map::schedule::Schedule;
use crate::domain::map::tool::{AllFields, Does, ToolFields, ToolRow, Unmapped, pieces};
use crate::domain::map::whiles::{ESCALATED, While};
use crate::domain::path::{Pattern, Template};
use crate::domain::time::Span;
use crate::domain::value::Value;

/// The keys of each section, as `deeds map check` knows them.
const ROOT: &[&str] = &[
    "workspace",
    "timezone",
    "governance_owner",
    "review_every",
    "mode",
    "thread_window",
    "wake_ups",
    "on_exhausted",
    "signed",
    "readiness",
    "agent",
    "event",
    "route",
    "field",
    "output",
    "queue",
    "person",
    "defer",
    "contradiction",
    "basis",
    "unmapped",
    "tool",
];
const READINESS: &[&str] = &["days", "approvals", "rate"];
const AGENT: &[&str] = &[
    "id",
    "role",
    "owner",
    "live_since",
    "triggers",
    "writes",
    "except",
    "reads",
    "hidden",
    "outputs",
    "escalates_to",
    "escalates_when",
    "except_of",
];
const EVENT: &[&str] = &["name", "schedule", "on", "key", "case"];
const ROUTE: &[&str] = &["event", "when", "agent", "then", "case"];
const FIELD: &[&str] = &["path", "kind", "order"];
const OUTPUT: &[&str] = &["name", "order", "needs_approval", "thread_window", "internal"];
const QUEUE: &[&str] = &["name", "owner", "deputies", "sla", "review", "grace", "priority", "signed"];
const PERSON: &[&str] = &["id", "account", "timezone", "priority"];
const DEFER: &[&str] = &["agent", "to", "actions", "within", "while", "case"];
const CONTRADICTION: &[&str] = &["name", "all", "stops", "case"];
const BASIS: &[&str] = &["actions", "needs"];
const TOOL: &[&str] = &[
    "server",
    "name",
    "does",
    "entity",
    "output",
    "thread",
    "target",
    "verify",
    "withhold",
    "hold",
    "timeout",
    "approval_for",
    "approve",
    "fields",
];

/// The most wake-ups without a change that a map may allow.
const MOST_WAKE_UPS: u32 = 1_000;

/// What was read, as far as it could be.
pub(super) struct Read {
    /// Whatever could be read, so that the lints find what else is wrong; `None` without a workspace.
    pub(super) model: Option<Model>,
    /// Could everything be read?
    pub(super) complete: bool,
    /// Is an entry, or a value of one, missing from the model because it could not be read?
    pub(super) lost: bool,
    pub(super) places: Places,
    pub(super) findings: Vec<Finding>,
}

/// Most entries of one kind in a map: what is asked of them all together has a bound.
const MAX_ENTRIES: usize = 10_000;

/// Reads a whole file.
pub(super) fn read(table: &DeTable<'_>, lines: &Lines<'_>) -> Read {
    let mut file =
        File { table, lines, places: Places::default(), findings: Vec::new(), complete: true, lost: false };
    let model = file.root().map(|root| Model {
        agents: file.section(Section::Agent, "agent", "[[agent]]", agent),
        events: file.section(Section::Event, "event", "[[event]]", event),
        routes: file.section(Section::Route, "route", "[[route]]", route),
        fields: file.section(Section::Field, "field", "[[field]]", field),
        outputs: file.section(Section::Output, "output", "[[output]]", output),
        queues: file.section(Section::Queue, "queue", "[[queue]]", queue),
        people: file.section(Section::Person, "person", "[[person]]", person),
        defers: file.section(Section::Defer, "defer", "[[defer]]", defer),
        contradictions: file.section(
            Section::Contradiction,
            "contradiction",
            "[[contradiction]]",
            contradiction,
        ),
        bases: file.section(Section::Basis, "basis", "[[basis]]", basis),
        tools: file.section(Section::Tool, "tool", "[[tool]]", tool),
        ..root
    });
    let model = model.map(with_people_ahead);
    Read { model, complete: file.complete, lost: file.lost, places: file.places, findings: file.findings }
}

struct File<'r, 'i> {
    table: &'r DeTable<'i>,
    lines: &'r Lines<'i>,
    places: Places,
    findings: Vec<Finding>,
    complete: bool,
    lost: bool,
}

impl<'i> File<'_, 'i> {
    /// The keys at the top. Where the workspace is missing a name stands in, so that the lints still find what else is
    /// wrong; such a model never leaves this module.
    fn root(&mut self) -> Option<Model> {
        let mut entry = self.entry(self.table, "the map", 0..0);
        entry.only(ROOT);
        let workspace = entry.required("workspace", "a workspace's name", id::<WorkspaceId>);
        let timezone = entry.text("timezone", "a name such as \"Europe/Madrid\"", name);
        let governance_owner = entry.text("governance_owner", "a person's name", id);
        let review_every = entry.text("review_every", "a length of time such as \"90d\"", id);
        let mode = entry.text("mode", "\"observe\" or \"enforce\"", mode).unwrap_or_default();
        let thread_window = entry.text("thread_window", A_SPAN, id);
        let wake_ups = entry.count("wake_ups", MOST_WAKE_UPS);
        let on_exhausted = entry.text("on_exhausted", "\"escalate\" or \"abort\"", exhausted);
        let signed = entry.text("signed", "\"irreversible\" or \"all\"", signed_for);
        let unmapped =
            entry.text("unmapped", "\"ask\", \"deny\" or \"record\"", unmapped).unwrap_or_default();
        let (good, place) = (entry.good, entry.place);
        self.complete &= good;
        self.places.insert(Section::Root, 0, place);
        let readiness = self.thresholds();
        let blank = Model::empty(workspace.or_else(|| "unnamed".parse().ok())?);
        let timezone = timezone.unwrap_or_else(|| blank.timezone.clone());
        Some(Model {
            timezone,
            governance_owner,
            review_every,
            mode,
            thread_window,
            wake_ups,
            on_exhausted,
            readiness,
            signed,
            unmapped,
            ..blank
        })
    }

    /// What is asked of an agent: a table of its own.
    fn thresholds(&mut self) -> Option<Thresholds> {
        let value = self.table.get("readiness")?;
        let DeValue::Table(table) = value.get_ref() else {
            self.complete = false;
            let mend = Some("write a line [readiness] and `days`, `approvals` or `rate` below it".to_owned());
            let message = "`readiness` takes keys of its own".to_owned();
            self.findings.push(self.lines.finding(Lint::Types, value.span(), message, mend));
            return None;
        };
        let mut entry = self.entry(table, "[readiness]", value.span());
        entry.only(READINESS);
        let usual = Thresholds::default();
        let asked = Thresholds {
            days: entry.count("days", MOST_DAYS).unwrap_or(usual.days),
            approvals: entry.count("approvals", MOST_APPROVALS).unwrap_or(usual.approvals),
            rate: entry.rate("rate").unwrap_or(usual.rate),
        };
        let good = entry.good;
        self.complete &= good;
        Some(asked)
    }

    /// The entries of one section that could be read.
    fn section<T>(
        &mut self,
        section: Section,
        key: &'static str,
        called: &'static str,
        read: impl Fn(&mut Entry<'_, 'i>) -> Option<T>,
    ) -> Vec<T> {
        let Some(value) = self.table.get(key) else { return Vec::new() };
        let mut all = Vec::new();
        let DeValue::Array(items) = value.get_ref() else {
            self.not_entries(value.span(), key);
            return all;
        };
        if items.len() > MAX_ENTRIES {
            let message = format!("there are {} of {called}, a map has at most {MAX_ENTRIES}", items.len());
            let mend = Some("split the team into workspaces".to_owned());
            self.findings.push(self.lines.finding(Lint::Syntax, value.span(), message, mend));
            (self.complete, self.lost) = (false, true);
            return all;
        }
        for item in items {
            let DeValue::Table(table) = item.get_ref() else {
                self.not_entries(item.span(), key);
                continue;
            };
            let mut entry = self.entry(table, called, item.span());
            let read = read(&mut entry);
            let (good, lost, place) = (entry.good, entry.lost, entry.place);
            self.complete &= good;
            self.lost |= lost || read.is_none();
            if let Some(read) = read {
                self.places.insert(section, all.len(), place);
                all.push(read);
            }
        }
        all
    }

    fn not_entries(&mut self, span: Range<usize>, key: &str) {
        (self.complete, self.lost) = (false, true);
        let message = format!("`{key}` takes entries");
        let mend = Some(format!("begin each with a line [[{key}]]"));
        self.findings.push(self.lines.finding(Lint::Types, span, message, mend));
    }

    fn entry<'e>(
        &'e mut self,
        table: &'e DeTable<'i>,
        called: &'static str,
        span: Range<usize>,
    ) -> Entry<'e, 'i> {
        let place = EntryPlace { span, ..EntryPlace::default() };
        Entry {
            table,
            called,
            place,
            lines: self.lines,
            findings: &mut self.findings,
            good: true,
            lost: false,
        }
    }
}

/// Anything whose parser says "reason; mend".
fn id<T: FromStr<Err: std::fmt::Display>>(text: &str) -> Result<T, Fault> {
    text.parse().map_err(Fault::said)
}

fn pattern(text: &str) -> Result<Pattern, Fault> {
    text.parse::<Pattern>().map_err(Fault::from)
}

/// A name that is taken letter by letter, where many would expect a pattern.
fn exact(text: &str) -> Result<String, Fault> {
    if text.contains('*') {
        return Err(Fault::said(
            "an output is a name, in which `*` stands for itself; write each output out",
        ));
    }
    name(text)
}

fn mode(text: &str) -> Result<Mode, Fault> {
    match text {
        "observe" => Ok(Mode::Observe),
        "enforce" => Ok(Mode::Enforce),
        _ => Err(Fault::said(format!("{text:?} is not a mode; write \"observe\" or \"enforce\""))),
    }
}

fn exhausted(text: &str) -> Result<OnExhausted, Fault> {
    match text {
        "escalate" => Ok(OnExhausted::Escalate),
        "abort" => Ok(OnExhausted::Abort),
        _ => Err(Fault::said(format!("{text:?} does not say how it ends; write \"escalate\" or \"abort\""))),
    }
}

fn signed_for(text: &str) -> Result<SignedFor, Fault> {
    match text {
        "irreversible" => Ok(SignedFor::Irreversible),
        "all" => Ok(SignedFor::All),
        _ => Err(Fault::said(format!(
            "{text:?} does not say which decisions are signed; write \"irreversible\" or \"all\""
        ))),
    }
}

fn unmapped(text: &str) -> Result<Unmapped, Fault> {
    match text {
        "ask" => Ok(Unmapped::Ask),
        "deny" => Ok(Unmapped::Deny),
        "record" => Ok(Unmapped::Record),
        _ => Err(Fault::said(format!(
            "{text:?} does not say what is done with a tool that no row names; write \"ask\", \"deny\" or \"record\""
        ))),
    }
}

fn does(text: &str) -> Result<Does, Fault> {
    match text {
        "read" => Ok(Does::Read),
        "write" => Ok(Does::Write),
        "act" => Ok(Does::Act),
        "publish" => Ok(Does::Publish),
        "nothing" => Ok(Does::Nothing),
        _ => Err(Fault::said(format!(
            "{text:?} is nothing that a tool does; write \"read\", \"write\", \"act\", \"publish\" or \"nothing\""
        ))),
    }
}

/// A text with `{arguments}` in it.
fn filled(text: &str) -> Result<String, Fault> {
    pieces(text).map_err(Fault::said)?;
    name(text)
}

/// Conditions about what is true; `becomes` is about what happens.
fn state(text: &str) -> Result<Condition, Fault> {
    let condition: Condition = text.parse().map_err(Fault::from)?;
    if condition.op == Op::Becomes {
        return Err(Fault::said("`becomes` is a change, not a state; write ` = ` or ` != `"));
    }
    Ok(condition)
}

fn occasion(text: &str) -> Result<Occasion, Fault> {
    text.parse::<Occasion>().map_err(Fault::from)
}

const A_PERSON: &str = "a person's name";
const AN_AGENT: &str = "an agent's id";
const A_PATTERN: &str = "a pattern such as \"crm/contact/*#name\"";
const A_CHANGE: &str =
    "what happens, such as \"crm/contact/* created\" or \"crm/contact/*#status becomes 'contacted'\"";
const A_SPAN: &str = "a length of time such as \"24h\"";
const A_SCHEDULE: &str = "a schedule such as \"daily 09:00\"";
const A_NAME: &str = "a name";
const A_SERVER: &str = "a server's name as the gateway has it";

fn agent(entry: &mut Entry<'_, '_>) -> Option<Agent> {
    entry.only(AGENT);
    let id_read = entry.required("id", AN_AGENT, id::<AgentId>);
    if entry.table.get("owner").is_none() {
        entry.missing(Lint::NoAgentOwner, "owner", None);
    }
    // Where the owner is missing somebody stands in, so that the lints see the agent; such a model is never handed out.
    let owner = entry.text("owner", A_PERSON, id::<PersonId>).or_else(|| "nobody".parse().ok());
    let mut agent = Agent::new(id_read?, owner?);
    agent.role = entry.text("role", "a text", plain).unwrap_or_default();
    agent.live_since = date(entry, "live_since");
    agent.triggers = entry.list("triggers", "an event's name", name);
    agent.writes = entry.list("writes", A_PATTERN, pattern);
    agent.except = entry.list("except", A_PATTERN, pattern);
    if entry.table.get("reads").is_some() {
        agent.reads = entry.list("reads", A_PATTERN, pattern);
    }
    agent.hidden = entry.list("hidden", A_PATTERN, pattern);
    agent.outputs = entry.list("outputs", "an output's name", exact);
    agent.escalates_to = entry.text("escalates_to", "a queue's name", id::<QueueName>);
    agent.escalates_when = entry.list("escalates_when", "a reason", plain);
    agent.except_of = own_exceptions(entry, &agent.writes);
    Some(agent)
}

/// `except_of`: for a pattern of `writes`, what is taken out of that one.
fn own_exceptions(entry: &mut Entry<'_, '_>, writes: &[Pattern]) -> BTreeMap<Pattern, Vec<Pattern>> {
    let mut all = BTreeMap::new();
    for (grant, span, taken) in entry.lists("except_of", A_PATTERN, pattern) {
        if !writes.contains(&grant) {
            let message = format!("`except_of` takes something out of `{grant}`, which is not in `writes`");
            let mend = "name a pattern of `writes` as it stands there, or remove this".to_owned();
            entry.wrong(Lint::Types, span, message, Some(mend));
        } else if !taken.is_empty() {
            all.insert(grant, taken);
        }
    }
    all
}

/// A day, written as a TOML date or as a text.
fn date(entry: &mut Entry<'_, '_>, key: &'static str) -> Option<NaiveDate> {
    const WANTED: &str = "a day such as 2026-09-01";
    let value = entry.value(key)?;
    let day = match value.get_ref() {
        DeValue::Datetime(at) if at.time.is_none() => at.date.and_then(|date| {
            NaiveDate::from_ymd_opt(i32::from(date.year), u32::from(date.month), u32::from(date.day))
        }),
        DeValue::String(text) => text.parse().ok(),
        DeValue::Datetime(_)
        | DeValue::Integer(_)
        | DeValue::Float(_)
        | DeValue::Boolean(_)
        | DeValue::Array(_)
        | DeValue::Table(_) => None,
    };
    if day.is_none() {
        entry.refuse(key, value, WANTED);
    }
    day
}

fn event(entry: &mut Entry<'_, '_>) -> Option<Event> {
    entry.only(EVENT);
    let name = entry.required("name", A_NAME, name);
    let schedule = entry.text("schedule", A_SCHEDULE, id);
    let on = entry.text("on", A_CHANGE, occasion);
    let key = entry.text("key", "an attribute's name such as \"message_id\"", self::name);
    let case = entry.flag("case");
    Some(Event { name: name?, schedule, on, key, case })
}

fn route(entry: &mut Entry<'_, '_>) -> Option<Route> {
    entry.only(ROUTE);
    let event = entry.required("event", "an event's name", name);
    let when = globs(entry, "when");
    let agent = entry.required("agent", AN_AGENT, id::<AgentId>);
    let then = entry.list("then", AN_AGENT, id);
    let case = entry.flag("case");
    Some(Route { event: event?, when, agent: agent?, then, case })
}

/// Attributes and what they must match.
fn globs(entry: &mut Entry<'_, '_>, key: &'static str) -> BTreeMap<String, String> {
    const WANTED: &str = "a table such as { subject = \"*invoice*\" }";
    let mut all = BTreeMap::new();
    let Some(value) = entry.value(key) else { return all };
    let DeValue::Table(table) = value.get_ref() else {
        entry.refuse(key, value, WANTED);
        return all;
    };
    for (attribute, glob) in table {
        if let DeValue::String(text) = glob.get_ref() {
            all.insert(attribute.get_ref().to_string(), text.to_string());
        } else {
            entry.refuse(key, glob, "texts for its attributes");
        }
    }
    all
}

fn field(entry: &mut Entry<'_, '_>) -> Option<FieldRule> {
    const KINDS: [&str; 5] = ["owned", "append", "progression", "sequenced", "constant"];
    entry.only(FIELD);
    let path = entry.required("path", A_PATTERN, pattern);
    let kind = entry.text("kind", "a kind", |text| match KINDS.into_iter().find(|kind| *kind == text) {
        Some(kind) => Ok(kind),
        None => Err(Fault::said(format!("{text:?} is not a kind; write one of {}", KINDS.join(", ")))),
    });
    let kind = match kind {
        Some("append") => FieldKind::Append,
        Some("constant") => FieldKind::Constant,
        Some("progression") => {
            let order = entry.items("order", "a text, a number, true or false", scalar);
            in_order(entry, order.len(), "add `order` with the values from first to last");
            FieldKind::Progression { order }
        }
        Some("sequenced") => {
            let agents: Vec<AgentId> = entry.list("order", AN_AGENT, id);
            in_order(entry, agents.len(), "add `order` with the agents from first to last");
            FieldKind::Sequenced { agents }
        }
        Some(_) | None => FieldKind::Owned,
    };
    let ordered = matches!(kind, FieldKind::Progression { .. } | FieldKind::Sequenced { .. });
    if let Some(order) = entry.table.get("order").filter(|_| !ordered) {
        let message = format!("an {} field has no `order`", kind.as_str());
        let mend = Some("make it a `progression` or `sequenced`, or remove `order`".to_owned());
        entry.wrong(Lint::Types, order.span(), message, mend);
    }
    Some(FieldRule { path: path?, kind })
}

fn in_order(entry: &mut Entry<'_, '_>, items: usize, mend: &str) {
    if items < 2 {
        let span = entry.table.get("order").map_or(entry.place.span.clone(), Spanned::span);
        entry.wrong(Lint::Types, span, "an order needs at least two steps", Some(mend.to_owned()));
    }
}

/// One value of a progression.
fn scalar(entry: &mut Entry<'_, '_>, item: &Spanned<DeValue<'_>>) -> Option<Value> {
    let json = match item.get_ref() {
        DeValue::String(text) => Some(serde_json::Value::from(text.as_ref())),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).ok().map(Into::into),
        DeValue::Float(number) => number.as_str().parse::<f64>().ok().map(Into::into),
        DeValue::Boolean(flag) => Some((*flag).into()),
        DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => None,
    };
    let value = json.and_then(|json| Value::new(&json).ok());
    if value.is_none() {
        let mend = Some("write texts, numbers, true or false".to_owned());
        entry.wrong(Lint::Types, item.span(), "this can't be a step of an order", mend);
    }
    value
}

fn output(entry: &mut Entry<'_, '_>) -> Option<Output> {
    entry.only(OUTPUT);
    let name = entry.required("name", A_NAME, exact);
    let order = entry.list("order", AN_AGENT, id);
    let needs_approval = entry.flag("needs_approval");
    let thread_window = entry.text("thread_window", A_SPAN, id);
    let internal = entry.flag("internal");
    Some(Output { name: name?, order, needs_approval, thread_window, internal })
}

fn queue(entry: &mut Entry<'_, '_>) -> Option<Queue> {
    entry.only(QUEUE);
    let name = entry.required("name", "a queue's name", id::<QueueName>);
    if entry.table.get("owner").is_none() {
        entry.missing(Lint::NoNamedReviewer, "owner", None);
    }
    // Stands in for a missing owner, as in `agent`.
    let owner = entry.text("owner", A_PERSON, id::<PersonId>).or_else(|| "nobody".parse().ok());
    let deputies = entry.list("deputies", A_PERSON, id);
    let sla = entry.text("sla", A_SPAN, id).unwrap_or(DEFAULT_SLA);
    let review = entry.text("review", A_SCHEDULE, id::<Schedule>);
    let grace = entry.text("grace", A_SPAN, id);
    let priority = entry.list("priority", AN_AGENT, id);
    let signed = entry.flag("signed");
    Some(Queue { name: name?, owner: owner?, deputies, sla, review, grace, priority, signed })
}

fn person(entry: &mut Entry<'_, '_>) -> Option<Person> {
    entry.only(PERSON);
    let id_read = entry.required("id", A_PERSON, id::<PersonId>);
    let account = entry.text("account", "the name that their tokens are made for", id::<PersonId>);
    let timezone = entry.text("timezone", "a name such as \"Europe/Madrid\"", name);
    let priority = entry.list("priority", "a queue's name", id::<QueueName>);
    Some(Person { id: id_read?, account, timezone, priority })
}

fn defer(entry: &mut Entry<'_, '_>) -> Option<Defer> {
    entry.only(DEFER);
    let agent = entry.required("agent", AN_AGENT, id::<AgentId>);
    let to = entry.required("to", "an agent's id or a person's name", id::<Ahead>);
    let actions = entry.list("actions", "an action such as \"send_*\"", name);
    let within = entry.text::<Span, _>("within", A_SPAN, id);
    let while_ = while_(entry);
    if entry.table.get("within").is_none() && entry.table.get("while").is_none() {
        let mend = Some("add `within = \"5m\"`, or `while` with a condition, or both".to_owned());
        let span = entry.place.span.clone();
        entry.wrong(Lint::Types, span, "nothing says for how long the agent yields", mend);
    }
    let case = entry.flag("case");
    Some(Defer { agent: agent?, to: to?, actions, within, while_, case })
}

/// Who goes first is a person where no agent has that name and the map names such a person.
fn with_people_ahead(mut model: Model) -> Model {
    let is_person = |to: &Ahead| {
        let name = to.name();
        let agent = model.agents.iter().any(|agent| agent.id.as_str() == name);
        !agent && model.names_person(name)
    };
    let people: Vec<bool> = model.defers.iter().map(|defer| is_person(&defer.to)).collect();
    for (defer, _) in model.defers.iter_mut().zip(people).filter(|(_, is)| *is) {
        if let Ok(person) = defer.to.name().parse() {
            defer.to = Ahead::Person(person);
        }
    }
    model
}

/// An open item, one condition, or a list of them.
fn while_(entry: &mut Entry<'_, '_>) -> Option<While> {
    const WANTED: &str = "\"escalated\" or a condition such as \"support/ticket/{id}#status = 'open'\"";
    if let Some(DeValue::Array(items)) = entry.table.get("while").map(Spanned::get_ref) {
        let listed = items.len();
        let clauses = entry.list("while", WANTED, state);
        if listed == 0 {
            let span = entry.place.span.clone();
            entry.wrong(Lint::Types, span, "`while` has no condition", Some("name one".to_owned()));
        }
        return (listed > 0 && clauses.len() == listed).then_some(While::All(clauses));
    }
    entry.text("while", WANTED, |text| match text {
        ESCALATED => Ok(While::Escalated),
        _ => state(text).map(|one| While::All(vec![one])),
    })
}

fn contradiction(entry: &mut Entry<'_, '_>) -> Option<Contradiction> {
    entry.only(CONTRADICTION);
    let name = entry.required("name", A_NAME, name);
    let all = entry.list("all", "a condition such as \"crm/contact/{id}#status = 'sourced'\"", state);
    let listed = match entry.table.get("all").map(Spanned::get_ref) {
        Some(DeValue::Array(items)) => items.len(),
        Some(_) => usize::MAX,
        None => 0,
    };
    if listed < 2 {
        let mend = Some("add `all` with two conditions or more".to_owned());
        let span = entry.table.get("all").map_or(entry.place.span.clone(), Spanned::span);
        entry.wrong(Lint::Types, span, "a contradiction needs at least two conditions", mend);
    }
    let stops = entry.list("stops", "an action such as \"send_*\"", self::name);
    let case = entry.flag("case");
    Some(Contradiction { name: name?, all, stops, case })
}

fn basis(entry: &mut Entry<'_, '_>) -> Option<Basis> {
    entry.only(BASIS);
    let actions = entry.list("actions", "an action such as \"send_*\"", name);
    let needs = entry.list("needs", "a field such as \"crm/customer/{id}#health\"", id::<Template>);
    if !matches!(entry.table.get("needs").map(Spanned::get_ref), Some(DeValue::Array(items)) if !items.is_empty())
    {
        let mend = Some("add `needs` with the fields that are to be read first".to_owned());
        let span = entry.table.get("needs").map_or(entry.place.span.clone(), Spanned::span);
        entry.wrong(Lint::Types, span, "nothing says what is to be known", mend);
    }
    (!needs.is_empty()).then_some(Basis { actions, needs })
}

fn tool(entry: &mut Entry<'_, '_>) -> Option<ToolRow> {
    entry.only(TOOL);
    let server = entry.required("server", A_SERVER, name);
    let named = entry.required("name", "a tool's name, or a pattern such as \"send_*\"", name);
    let does = entry.required("does", "what the tool does, such as \"write\"", does);
    let entity = entry.text("entity", "an entity such as \"crm/contact/{id}\"", filled);
    let output = entry.text("output", "an output's name", exact);
    let thread = entry.text("thread", "a conversation such as \"{thread_id}\"", filled);
    let target = entry.text("target", "an output or a path, such as \"{channel}\"", filled);
    let verify = entry.text("verify", "the name of a tool that reads", name);
    let withhold = entry.list("withhold", "an argument's name", name);
    let hold = entry.text("hold", A_SPAN, id);
    let timeout = entry.text("timeout", A_SPAN, id);
    let approval_for = entry.text("approval_for", A_SPAN, id);
    let approve = entry.flag("approve");
    let fields = tool_fields(entry);
    Some(ToolRow {
        entity,
        output,
        thread,
        target,
        verify,
        withhold,
        hold,
        timeout,
        approval_for,
        approve,
        fields,
        ..ToolRow::new(&server?, &named?, does?)
    })
}

/// `"*"`, or a table that says where each field comes from.
fn tool_fields(entry: &mut Entry<'_, '_>) -> Option<ToolFields> {
    if let Some(DeValue::Table(_)) = entry.table.get("fields").map(Spanned::get_ref) {
        return Some(ToolFields::Named(entry.texts(
            "fields",
            "an argument such as \"{status}\"",
            id,
            filled,
        )));
    }
    entry.text(
        "fields",
        "\"*\", or a table such as { status = \"{properties.status}\" }",
        |text| match text {
            "*" => Ok(ToolFields::All(AllFields::All)),
            _ => Err(Fault::said(
                "`*` stands for every other argument; write that, or name the fields in a table",
            )),
        },
    )
}
