//! What can be wrong with a map: one table of lints, and the checks that raise them.
//!
//! Each file holds the checks of one subject. They look at a model and name a `Spot`; where that is in a file is known
//! to `parse` only. How a finding is drawn is the command line's business.

mod conditions;
mod dead;
mod events;
mod fields;
mod names;
mod outputs;
mod people;
mod references;
mod tools;
mod writers;

use std::collections::HashMap;
use std::ops::Range;

use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use super::model::Model;
use super::overlaps::{Grant, GrantIndex, Taken};
use crate::domain::path::{Meeting, Pattern, Work, meet};

pub(crate) use people::GOVERNED_FROM;

/// Of one lint, how many findings are listed before the rest is left out.
pub const MAX_FINDINGS: usize = 100;

/// How much a finding weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Worth a look.
    Warning,
    /// The map can't be applied.
    Error,
}

/// One row of the table of lints.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Which.
    pub lint: Lint,
    /// As printed and as searched for.
    pub code: &'static str,
    /// How much it weighs.
    pub severity: Severity,
    /// Why it matters, in one line.
    pub why: &'static str,
    /// What to do about it.
    pub mend: &'static str,
}

macro_rules! lints {
    ($($lint:ident, $code:literal, $severity:ident, $why:literal, $mend:literal;)+) => {
        /// What can be wrong with a map.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Lint {
            $(#[doc = $why] $lint,)+
        }

        /// Every lint, once; the documentation is printed from it.
        pub const LINTS: &[Rule] = &[
            $(Rule { lint: Lint::$lint, code: $code, severity: Severity::$severity, why: $why, mend: $mend },)+
        ];

        impl Lint {
            /// Its row of the table.
            pub const fn rule(self) -> Rule {
                match self {
                    $(Self::$lint => Rule {
                        lint: self, code: $code, severity: Severity::$severity, why: $why, mend: $mend,
                    },)+
                }
            }
        }
    };
}

lints! {
    Syntax, "syntax", Error, "The file is not TOML.", "correct it where it is underlined";
    Types, "types", Error, "A value is missing or is not what its key takes.", "write it as the example shows";
    UnknownKey, "unknown-key", Error, "A key that nobody reads would be a rule that nobody keeps.", "correct its spelling or remove it";
    DuplicateName, "duplicate-name", Error, "Two entries with one name can't be told apart.", "rename one, or merge the two";
    TwoWriters, "two-writers", Error, "Two agents that write one field overwrite each other and both report success.", "give it one owner and let the other propose (`except` takes it out), let a mediator agent own it, or declare it `append`, `progression` or `sequenced` in a [[field]]";
    NotDecided, "not-decided", Error, "Whether two agents may write one field would take too long to find out, and is not known to be wrong or right.", "say it with fewer exceptions that have several `**` or stars, or with plain directories";
    TwoListeners, "two-listeners", Error, "An event that wakes two agents is answered twice.", "give the trigger to one of them, or add a [[route]] that says who answers when";
    UnownedEvent, "unowned-event", Error, "An event that nobody answers is dropped or guessed.", "add it to one agent's `triggers`, add a [[route]], or take the [[event]] out";
    KeyNeverThere, "key-never-there", Error, "An event that Deeds raises itself never has this attribute: each would be refused.", "name one that it has: `path`, `value`, `before` or `by` of a change, `due` of a schedule";
    UnreachableRoute, "unreachable-route", Error, "A route that is never taken is a rule that nobody keeps.", "put the narrower route first, or remove this one";
    CircularRoute, "circular-route", Error, "A sequence or a chain of events that comes back to where it was does not end.", "take one agent out of the circle, or let its event wait for a value that the circle does not set";
    TwoPublishers, "two-publishers", Error, "Two agents that publish on one output both answer, and nobody sees that until it went out twice.", "give the output to one of them, or name all of its publishers in their sequence in an [[output]] with `order`";
    UnownedField, "unowned-field", Error, "A field that the map relies on and nobody writes stays as it is.", "add it to one agent's `writes`, or take it out of the map";
    NoNamedReviewer, "no-named-reviewer", Error, "Without a named person an escalation reaches nobody.", "name a person as the `owner` of the queue";
    NoSchedule, "no-schedule", Error, "A queue that is never gone through fills up unseen.", "add `review = \"daily 09:00\"`";
    SharedQueueWithoutPriority, "shared-queue-without-priority", Error, "Where several agents escalate to one queue, somebody's items come first: say whose.", "add `priority` with the agents in their order, or give one of them a queue of its own";
    NoAgentOwner, "no-agent-owner", Error, "An agent that no person answers for can't be put right.", "add `owner` with a person's name";
    NoGovernanceOwner, "no-governance-owner", Error, "From the second agent on somebody must be accountable for the map itself.", "add `governance_owner` with a person's name at the top";
    UnknownAgent, "unknown-agent", Error, "The agent named here has no entry.", "correct the name, or add an [[agent]]";
    UnknownQueue, "unknown-queue", Error, "The queue named here has no entry.", "correct the name, or add a [[queue]]";
    CircularDefer, "circular-defer", Error, "Agents that yield to each other in a circle all wait for ever.", "let one of them go first: remove one of the rules";
    DeadGrant, "dead-grant", Error, "A grant that can never be used hides a mistake.", "remove the grant, or what defeats it";
    UnboundVariable, "unbound-variable", Error, "Clauses speak about the same things only through the same variables.", "use the same {variables} in every clause";
    AgentAsReviewer, "agent-as-reviewer", Error, "An agent can't answer: what comes there waits for ever.", "name the person who answers";
    QueuesWithoutPriority, "queues-without-priority", Warning, "Somebody who answers for two queues has two lists that both come first.", "add a [[person]] with `priority`, the queues in their order";
    PriorityLeavesOut, "priority-leaves-out", Warning, "Whoever is not in the order comes last, which nobody decided.", "add it to `priority` where it belongs";
    OtherWorkspace, "other-workspace", Warning, "A map is applied to the workspace that it names, and refused by any other.", "name this workspace in `workspace`, or `--workspace` the one that it is for";
    NoToken, "no-token", Warning, "A reviewer without a token can't answer anything.", "invite them with `deeds tokens invite reviewer NAME`";
    SignedWithoutKey, "signed-without-key", Error, "A decision that is to be signed, by people without a key, can't be made.", "let one of those who answer register a key (`deeds keys add`) before the map asks for it";
    IdleAgent, "idle-agent", Warning, "It owns nothing and routes nothing.", "give it a zone, events, a route or `escalates_when`, or remove it until it has one";
    AdjacentWriters, "adjacent-writers", Warning, "Two agents write different fields of one record: what one writes may contradict the other.", "verify that the fields are independent, or add a [[contradiction]]";
    LeftOpen, "left-open", Warning, "Something about patterns would take too long to find out, so it was not checked.", "say it with fewer exceptions that have several `**` or stars, or with plain directories";
    LookAlike, "look-alike", Warning, "Two names that look the same are not: whoever writes one of them means the other.", "write it one way: letters with accents as one sign, no space at the end, one case";
    Confusable, "confusable", Warning, "Of two names that are drawn alike one is approved in the other's place.", "rename one so that nobody takes it for the other";
    ReservedName, "reserved-name", Error, "A name that Deeds uses itself does not tell who it was.", "choose another name";
    ToolTwice, "tool-twice", Error, "Of two rows that name one tool only the first is ever read.", "put the narrower row first, or remove one";
    ToolLacks, "tool-lacks", Error, "What the tool does can't be told without this.", "add it, as docs/MAP.md shows for what the tool does";
    ToolIdle, "tool-idle", Error, "A key that means nothing for what the tool does would be a rule that nobody keeps.", "remove the key, or say otherwise what the tool does";
    ToolVerify, "tool-verify", Error, "What reads before a write has to be a tool that the map knows to read.", "add a [[tool]] with that name, `does = \"read\"` and the same entity, or remove `verify`";
    MapOverdue, "map-overdue", Warning, "The map has not been reviewed for longer than `review_every`.", "go through it, then record it with `deeds map reviewed`";
}

impl Lint {
    /// As printed.
    pub const fn code(self) -> &'static str {
        self.rule().code
    }

    /// How much it weighs.
    pub const fn severity(self) -> Severity {
        self.rule().severity
    }
}

impl Serialize for Lint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

/// One thing that is wrong with a map, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What kind of thing.
    pub lint: Lint,
    /// How much it weighs.
    pub severity: Severity,
    /// The line, from 1; 0 where the map was not read from a file.
    pub line: usize,
    /// The column in characters, from 1; 0 where the map was not read from a file.
    pub column: usize,
    /// What to underline, in bytes of the file.
    pub span: Range<usize>,
    /// What is wrong here.
    pub message: String,
    /// What to do about it.
    pub mend: String,
    /// A path that shows it, where there is one.
    pub example: Option<String>,
    /// Other places that have to do with it.
    pub also: Vec<Label>,
}

/// A place that explains a finding at another place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Label {
    /// What to underline, in bytes of the file.
    pub span: Range<usize>,
    /// What is there.
    pub message: String,
}

impl Finding {
    /// Does it keep the map from being applied?
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// The parts of a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Section {
    Root,
    Agent,
    Event,
    Route,
    Field,
    Output,
    Queue,
    Person,
    Defer,
    Contradiction,
    Basis,
    Tool,
}

/// A place in a model, which a file may have a span for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Spot {
    pub(crate) section: Section,
    pub(crate) index: usize,
    pub(crate) key: Option<&'static str>,
    pub(crate) item: Option<usize>,
}

impl Spot {
    pub(crate) fn entry(section: Section, index: usize) -> Self {
        Self { section, index, key: None, item: None }
    }

    pub(crate) fn key(self, key: &'static str) -> Self {
        Self { key: Some(key), ..self }
    }

    pub(crate) fn item(self, item: usize) -> Self {
        Self { item: Some(item), ..self }
    }
}

/// Something wrong at a spot, before the spot's place in a file is known.
#[derive(Clone, Debug)]
pub(crate) struct Issue {
    pub(crate) lint: Lint,
    pub(crate) spot: Spot,
    pub(crate) message: String,
    pub(crate) mend: Option<String>,
    pub(crate) example: Option<String>,
    pub(crate) also: Vec<(Spot, String)>,
}

impl Issue {
    fn new(lint: Lint, spot: Spot, message: impl Into<String>) -> Self {
        Self { lint, spot, message: message.into(), mend: None, example: None, also: Vec::new() }
    }
}

/// Issues so far, bounded for each lint.
#[derive(Default)]
pub(crate) struct Issues {
    list: Vec<Issue>,
    counts: HashMap<Lint, usize>,
}

impl Issues {
    fn push(&mut self, issue: Issue) {
        let count = self.counts.entry(issue.lint).or_default();
        *count += 1;
        if *count == MAX_FINDINGS + 1 {
            let message = format!("and more of these: only the first {MAX_FINDINGS} are listed");
            self.list.push(Issue { message, example: None, also: Vec::new(), ..issue });
        } else if *count <= MAX_FINDINGS {
            self.list.push(issue);
        }
    }

    /// Are there more of this lint than are listed, so that looking on is in vain?
    fn is_full(&self, lint: Lint) -> bool {
        self.counts.get(&lint).is_some_and(|count| *count > MAX_FINDINGS)
    }
}

/// The grants of a model, ready to be asked of, and what asking may still cost.
struct Grants {
    index: GrantIndex,
    taken: Taken,
    work: Work,
}

impl Grants {
    /// A path that the grant gives and the pattern matches.
    fn reach(&mut self, model: &Model, grant: Grant, pattern: &Pattern) -> Meeting {
        let Some((_, held)) = grant.find(model) else { return Meeting::Apart };
        meet(held, pattern, &self.taken.of_grant(grant), &mut self.work)
    }
}

/// Everything that is wrong with a model, in the order of the table.
pub(crate) fn issues(model: &Model) -> Vec<Issue> {
    let mut issues = Issues::default();
    let mut grants = Grants { index: GrantIndex::of(model), taken: Taken::of(model), work: Work::together() };
    references::check(model, &mut issues);
    people::check(model, &mut issues);
    writers::check(model, &mut grants, &mut issues);
    fields::check(model, &mut grants, &mut issues);
    dead::check(model, &mut grants, &mut issues);
    conditions::check(model, &mut issues);
    names::check(model, &mut issues);
    events::check(model, &mut issues);
    outputs::check(model, &mut issues);
    tools::check(model, &mut issues);
    issues.list
}

/// The first thing that is wrong with what a model says of tools, as "reason; mend".
pub(super) fn check_tools(model: &Model) -> Option<String> {
    let mut issues = Issues::default();
    tools::check(model, &mut issues);
    let first = issues.list.into_iter().next()?;
    let mend = first.mend.unwrap_or_else(|| first.lint.rule().mend.to_owned());
    Some(format!("{}; {mend}", first.message))
}

/// Checks a model that was not read from a file: the findings have no place in one.
pub fn check(model: &Model) -> Vec<Finding> {
    let place = |issue: Issue| Finding {
        lint: issue.lint,
        severity: issue.lint.severity(),
        line: 0,
        column: 0,
        span: 0..0,
        message: issue.message,
        mend: issue.mend.unwrap_or_else(|| issue.lint.rule().mend.to_owned()),
        example: issue.example,
        also: issue.also.into_iter().map(|(_, message)| Label { span: 0..0, message }).collect(),
    };
    issues(model).into_iter().map(place).collect()
}
