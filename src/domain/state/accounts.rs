//! What is kept for each agent's sake: one entry for each thing that waits, and their sums. No rules here: how much may be
//! kept is `decide`'s to ask.

use std::fmt;
use std::str::FromStr;

use imbl::OrdMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Board;
use crate::domain::deed::Deed;
use crate::domain::ids::{ActNo, AgentId, AlertNo, FanOutNo, Fence, ItemNo, Seq, TaskId, WorkNo};
use crate::domain::things::{AlertKind, Usage, Work, WorkKind, weight};

/// Something that waits on the board.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Thing {
    /// An inbox item.
    Item(ItemNo),
    /// An alert.
    Alert(AlertNo),
    /// A work item.
    Work(WorkNo),
    /// An act that may go ahead.
    Act(ActNo),
    /// An act that waits; the deed that deferred it.
    Waiting(Seq),
    /// A publication that waits; the deed that deferred it.
    Queued(Seq),
    /// A lease.
    Lease(Fence),
    /// A task.
    Task(TaskId),
    /// A fan-out.
    FanOut(FanOutNo),
}

impl fmt::Display for Thing {
    /// What it is and which, as an address has it: `item/12`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Item(no) => write!(f, "item/{no}"),
            Self::Alert(no) => write!(f, "alert/{no}"),
            Self::Work(no) => write!(f, "work/{no}"),
            Self::Act(no) => write!(f, "act/{no}"),
            Self::Waiting(deed) => write!(f, "waiting/{deed}"),
            Self::Queued(deed) => write!(f, "queued/{deed}"),
            Self::Lease(fence) => write!(f, "lease/{fence}"),
            Self::Task(id) => write!(f, "task/{id}"),
            Self::FanOut(no) => write!(f, "fan-out/{no}"),
        }
    }
}

impl FromStr for Thing {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        fn which<T: FromStr<Err: fmt::Display>>(text: &str) -> Result<T, String> {
            text.parse().map_err(|error: T::Err| error.to_string())
        }
        let (kind, key) = text.split_once('/').ok_or("say what and which, such as item/12")?;
        Ok(match kind {
            "item" => Self::Item(which(key)?),
            "alert" => Self::Alert(which(key)?),
            "work" => Self::Work(which(key)?),
            "act" => Self::Act(which(key)?),
            "waiting" => Self::Waiting(which(key)?),
            "queued" => Self::Queued(which(key)?),
            "lease" => Self::Lease(which(key)?),
            "task" => Self::Task(which(key)?),
            "fan-out" => Self::FanOut(which(key)?),
            _ => return Err(format!("no {kind} is on a board")),
        })
    }
}

/// One thing: for whose sake it is kept, and how large it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    by: Option<AgentId>,
    bytes: u64,
}

/// What waits, for whose sake.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Accounts {
    entries: OrdMap<Thing, Entry>,
    of: OrdMap<AgentId, Account>,
    all: Usage,
    /// The command whose deeds are folded, and the agent that asked it.
    asker: Option<(Seq, AgentId)>,
}

/// The sums of one agent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Account {
    usage: Usage,
    alerts: u64,
}

/// As it is written: the sums follow from the entries.
#[derive(Serialize, Deserialize)]
struct Stored {
    entries: Vec<(Thing, Entry)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    asker: Option<(Seq, AgentId)>,
}

impl Serialize for Accounts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let entries = self.entries.iter().map(|(thing, entry)| (thing.clone(), entry.clone())).collect();
        Stored { entries, asker: self.asker.clone() }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Accounts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let stored = Stored::deserialize(deserializer)?;
        let mut accounts = Self { asker: stored.asker, ..Self::default() };
        for (thing, entry) in stored.entries {
            accounts.put(thing, Some(entry));
        }
        Ok(accounts)
    }
}

impl Accounts {
    /// What waits for an agent's sake.
    pub fn of(&self, agent: &AgentId) -> Usage {
        self.of.get(agent).map(|account| account.usage).unwrap_or_default()
    }

    /// How many alerts are open that it set off.
    pub fn alerts_of(&self, agent: &AgentId) -> u64 {
        self.of.get(agent).map(|account| account.alerts).unwrap_or_default()
    }

    /// Every agent for whose sake something waits.
    pub fn agents(&self) -> impl Iterator<Item = (&AgentId, Usage)> {
        self.of.iter().map(|(agent, account)| (agent, account.usage))
    }

    /// All that waits, whoever it is for.
    pub fn all(&self) -> Usage {
        self.all
    }

    /// Everything that waits: for whose sake, and how large it is.
    pub fn entries(&self) -> impl Iterator<Item = (&Thing, Option<&AgentId>, u64)> {
        self.entries.iter().map(|(thing, entry)| (thing, entry.by.as_ref(), entry.bytes))
    }

    /// Sets, changes or takes away what is known of a thing.
    fn put(&mut self, thing: Thing, entry: Option<Entry>) {
        let alert = u64::from(matches!(thing, Thing::Alert(_)));
        let new = entry.clone();
        let old = match entry {
            Some(entry) => self.entries.insert(thing, entry),
            None => self.entries.remove(&thing),
        };
        if let Some(Entry { by, bytes }) = old {
            let usage = Usage { bytes, open: 1 };
            self.all = self.all.minus(usage);
            if let Some(by) = by {
                let mut account = self.of.get(&by).copied().unwrap_or_default();
                account.usage = account.usage.minus(usage);
                account.alerts = account.alerts.saturating_sub(alert);
                if account == Account::default() {
                    self.of.remove(&by);
                } else {
                    self.of.insert(by, account);
                }
            }
        }
        if let Some(Entry { by, bytes }) = new {
            let usage = Usage { bytes, open: 1 };
            self.all = self.all.plus(usage);
            if let Some(by) = by {
                let account = self.of.entry(by).or_default();
                account.usage = account.usage.plus(usage);
                account.alerts += alert;
            }
        }
    }
}

impl Board {
    /// What is kept for an agent's sake: what waits, and what is remembered for a time.
    pub fn usage(&self, agent: &AgentId) -> Usage {
        let remembered = self.turns.bytes(agent)
            + self.talks.bytes(agent)
            + self.occurrences.bytes(agent)
            + self.concluded.bytes(agent)
            + self.ended_names.bytes(agent);
        self.accounts.of(agent).plus(Usage { bytes: remembered, open: 0 })
    }

    /// What is kept for all agents together, or somewhat more: what waits for nobody's sake is among it.
    pub fn usage_of_all(&self) -> Usage {
        let remembered = self.turns.all_bytes()
            + self.talks.all_bytes()
            + self.occurrences.all_bytes()
            + self.concluded.all_bytes()
            + self.ended_names.all_bytes();
        self.accounts.all().plus(Usage { bytes: remembered, open: 0 })
    }

    /// Whose command it is that the deed is of. Where several follow from one, the first agent's deed says it.
    pub(super) fn note_asker(&mut self, deed: &Deed) {
        if self.accounts.asker.as_ref().is_some_and(|(command, _)| *command != deed.correlation) {
            self.accounts.asker = None;
        }
        if self.accounts.asker.is_none() {
            self.accounts.asker = deed.actor.agent().map(|agent| (deed.correlation, agent.clone()));
        }
    }

    /// Takes down a thing as it is now on the board, or that it is there no more.
    pub(super) fn tally(&mut self, thing: Thing) {
        let known = self.accounts.entries.get(&thing).map(|entry| entry.by.clone());
        // Alerts and some work do not say who set them off: whoever asked when they came.
        let asker = || self.accounts.asker.as_ref().map(|(_, agent)| agent.clone());
        let entry = self.sized(&thing).map(|(whose, bytes)| Entry {
            by: match whose {
                Whose::Asker => known.unwrap_or_else(asker),
                Whose::Own(by) => by.cloned(),
            },
            bytes,
        });
        self.accounts.put(thing, entry);
    }

    /// What there is of a thing on the board.
    fn sized(&self, thing: &Thing) -> Option<(Whose<'_>, u64)> {
        Some(match thing {
            Thing::Item(no) => {
                let item = self.items.get(no)?;
                (Whose::Own(item.raised_by.agent()), weight(&**item))
            }
            Thing::Alert(no) => {
                let alert = self.alerts.get(no)?;
                // That somebody keeps too much is not on its account: it could not come out of it by itself.
                let own = matches!(alert.kind, AlertKind::OverBudget | AlertKind::Suppressed);
                (if own { Whose::Own(None) } else { Whose::Asker }, weight(&**alert))
            }
            Thing::Work(no) => {
                let work = self.works.get(no)?;
                (giver(work), weight(&**work))
            }
            Thing::Act(no) => {
                let act = self.acts.get(no)?;
                (Whose::Own(Some(&act.agent)), weight(&**act))
            }
            Thing::Waiting(deed) => {
                let act = self.waiting.get(deed)?;
                (Whose::Own(Some(&act.agent)), weight(&**act))
            }
            Thing::Queued(deed) => {
                let said = self.queued.get(deed)?;
                (Whose::Own(Some(&said.agent)), weight(&**said))
            }
            Thing::Lease(fence) => {
                let lease = self.leases.get(fence)?;
                (Whose::Own(Some(&lease.holder)), weight(&**lease))
            }
            Thing::Task(task) => {
                let task = self.tasks.get(task)?;
                (Whose::Own(Some(&task.order.from)), weight(&**task))
            }
            Thing::FanOut(no) => {
                let fan_out = self.fan_outs.get(no)?;
                (Whose::Own(Some(&fan_out.agent)), weight(&**fan_out))
            }
        })
    }

    /// Everything that waits, to be counted anew.
    pub fn things(&self) -> impl Iterator<Item = (Thing, u64)> {
        let of = |thing: Thing| self.sized(&thing).map(|(_, bytes)| (thing, bytes));
        let items = self.items.keys().copied().map(Thing::Item);
        let alerts = self.alerts.keys().copied().map(Thing::Alert);
        let works = self.works.keys().copied().map(Thing::Work);
        let acts = self.acts.keys().copied().map(Thing::Act);
        let waiting = self.waiting.keys().copied().map(Thing::Waiting);
        let queued = self.queued.keys().copied().map(Thing::Queued);
        let leases = self.leases.keys().copied().map(Thing::Lease);
        let tasks = self.tasks.keys().cloned().map(Thing::Task);
        let fan_outs = self.fan_outs.keys().copied().map(Thing::FanOut);
        items
            .chain(alerts)
            .chain(works)
            .chain(acts)
            .chain(waiting)
            .chain(queued)
            .chain(leases)
            .chain(tasks)
            .chain(fan_outs)
            .filter_map(of)
    }
}

/// For whose sake work waits: whoever wants it done; of what only tells, and of what came back, whoever it is told.
fn giver(work: &Work) -> Whose<'_> {
    match &work.kind {
        WorkKind::Proposal { from, .. } => Whose::Own(from.agent()),
        WorkKind::Handoff { order, .. } => Whose::Own(Some(&order.from)),
        WorkKind::Dispatch { .. } | WorkKind::Branch { .. } => Whose::Asker,
        WorkKind::Decision { .. }
        | WorkKind::Ruling { .. }
        | WorkKind::Notice { .. }
        | WorkKind::Returned { .. }
        | WorkKind::Join { .. }
        | WorkKind::Changed { .. }
        | WorkKind::Free { .. } => Whose::Own(Some(&work.agent)),
    }
}

/// For whose sake a thing is kept.
enum Whose<'a> {
    /// It says so itself; nobody's where no agent has it.
    Own(Option<&'a AgentId>),
    /// Whoever asked for the command that it came with.
    Asker,
}
