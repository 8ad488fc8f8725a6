//! Budgets: how much may be kept for an agent's sake, and how it is measured. What is kept is counted by folding; how much may
//! be is a setting, which no deed carries and `fold` never reads.

use std::io;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::code::Code;
use crate::domain::ids::{Actor, AgentId, Seq};
use crate::domain::time::{Span, Time};

/// What one thing takes beside its own text: its number, its places in lists.
const OVERHEAD: u64 = 64;

/// What is kept for somebody's sake.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Usage {
    /// Bytes of what waits and of what is remembered, as JSON.
    pub bytes: u64,
    /// What waits: proposals and other work, items, acts, leases, tasks, fan-outs, alerts.
    pub open: u64,
}

impl Usage {
    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self { bytes: self.bytes + other.bytes, open: self.open + other.open }
    }

    /// What is left without the other.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        Self { bytes: self.bytes.saturating_sub(other.bytes), open: self.open.saturating_sub(other.open) }
    }
}

impl std::fmt::Display for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}, {} open", size(self.bytes), self.open)
    }
}

/// A number of bytes as people read it.
fn size(bytes: u64) -> String {
    let tenths = bytes.saturating_mul(10) / MIB;
    if tenths > 0 {
        format!("{}.{} MiB", tenths / 10, tenths % 10)
    } else {
        format!("{} KiB", bytes.div_ceil(1024))
    }
}

impl May {
    /// What is kept beside what may be: `0.4 MiB of 16.0 MiB, 12 of 2000 open, 3 of 20000 keys`.
    pub fn beside(&self, kept: Usage, keys: u64) -> String {
        let (bytes, most) = (size(kept.bytes), size(self.bytes));
        format!("{bytes} of {most}, {} of {} open, {keys} of {} keys", kept.open, self.open, self.keys)
    }
}

/// How much may be kept, RULES §16.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// For one agent.
    pub agent: Usage,
    /// Idempotency keys of one agent.
    pub agent_keys: u64,
    /// Idempotency keys of a workspace; a person may have a quarter of them.
    pub keys: u64,
    /// For all agents of a workspace.
    pub workspace: Usage,
    /// Entities of a workspace.
    pub entities: u64,
    /// Bytes of their values.
    pub values: u64,
    /// Bytes of values in the scratch of one agent.
    pub scratch: u64,
    /// Whether refusals at the door are counted; where not, each has a deed, as in a rehearsal that is compared with memory.
    pub counts_refusals: bool,
}

/// How many workspaces a server has, and has open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keeping {
    /// Most workspaces; 0 is no limit.
    pub most: u64,
    /// Most that are open at once.
    pub open: u64,
    /// How long one stays open that nobody asks for.
    pub idle: Span,
}

impl Default for Keeping {
    fn default() -> Self {
        Self { most: 0, open: 256, idle: Span::from_micros(10 * 60 * 1_000_000) }
    }
}

/// A mebibyte.
const MIB: u64 = 1024 * 1024;

impl Default for Limits {
    fn default() -> Self {
        Self {
            agent: Usage { bytes: 16 * MIB, open: 2_000 },
            agent_keys: 20_000,
            keys: 1_000_000,
            workspace: Usage { bytes: 256 * MIB, open: 50_000 },
            entities: 1_000_000,
            values: 1024 * MIB,
            scratch: 16 * MIB,
            counts_refusals: true,
        }
    }
}

/// What a person gave an agent beyond the settings; the larger of both counts.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Allowance {
    /// Bytes kept.
    pub bytes: Option<u64>,
    /// Open things.
    pub open: Option<u64>,
    /// Idempotency keys.
    pub keys: Option<u64>,
}

impl Allowance {
    /// Whether it is none.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

/// What one agent may have kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct May {
    /// Bytes.
    pub bytes: u64,
    /// Open things.
    pub open: u64,
    /// Idempotency keys.
    pub keys: u64,
}

impl Limits {
    /// What an agent may have kept to which a person gave that beyond the settings.
    pub fn with(&self, more: Allowance) -> May {
        May {
            bytes: self.agent.bytes.max(more.bytes.unwrap_or_default()),
            open: self.agent.open.max(more.open.unwrap_or_default()),
            keys: self.agent_keys.max(more.keys.unwrap_or_default()),
        }
    }
}

/// An agent may keep more, or as much as the settings say again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Allowed {
    /// Which.
    pub agent: AgentId,
    /// How much.
    #[serde(flatten)]
    pub allowance: Allowance,
}

/// Requests of one caller that were turned away for one reason, beside the one that has a deed of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TurnedAway {
    /// Who asked.
    pub who: Actor,
    /// Why not.
    pub code: Code,
    /// How many more.
    pub count: u64,
    /// The deed of the first.
    pub first: Seq,
    /// When that was.
    pub since: Time,
}

/// How many bytes something is kept as: its JSON, and what it takes beside.
pub fn weight<T: Serialize + ?Sized>(thing: &T) -> u64 {
    let mut counter = Counter(OVERHEAD);
    // What is kept has been written as JSON before: it can be.
    serde_json::to_writer(&mut counter, thing).unwrap_or_default();
    counter.0
}

/// Counts what is written.
struct Counter(u64);

impl io::Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
