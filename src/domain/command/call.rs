//! Calls of tools by way of a gateway: may it be forwarded, how did it end, what was read, what is on offer.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::arguments::Arguments;
use crate::domain::ids::{ActNo, Seq};
use crate::domain::things::{CallHow, ToolsSeen};

/// Most tools of one server that are taken down.
pub const TOOLS: usize = 1_000;

/// Something about a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "step", rename_all = "lowercase")]
pub enum CallStep {
    /// May it be forwarded?
    Make(CallOrder),
    /// How an allowed one ended.
    End(CallEnd),
    /// One that needed no leave was forwarded.
    Made(CallMade),
    /// What a server offers.
    Offer(ToolsSeen),
}

/// A call of a tool, asked for before it is forwarded.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CallOrder {
    /// The server behind, by its name in the map.
    pub server: Arc<str>,
    /// The tool.
    pub tool: Arc<str>,
    /// Its arguments.
    #[schemars(with = "serde_json::Map<String, serde_json::Value>")]
    pub arguments: Arguments,
    /// The gateway that forwards it.
    pub via: Arc<str>,
    /// The directory that file names among the arguments are in: `/home/x/repo/a.md` is `a.md` there.
    pub root: Option<Arc<str>>,
    /// The digest of what the tool of the map's `verify` returned just now.
    pub verified: Option<Arc<str>>,
}

/// How an allowed call ended.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CallEnd {
    /// The act that it is.
    pub act: ActNo,
    /// How.
    pub how: CallHow,
    /// How long the server behind took, in milliseconds.
    pub ms: Option<u64>,
    /// The digest of its answer.
    pub digest: Option<Arc<str>>,
    /// What to keep of it.
    pub note: Option<Arc<str>>,
}

/// A call that needed no leave and was forwarded.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CallMade {
    /// The server behind.
    pub server: Arc<str>,
    /// The tool.
    pub tool: Arc<str>,
    /// Its arguments.
    #[schemars(with = "serde_json::Map<String, serde_json::Value>")]
    pub arguments: Arguments,
    /// The directory that file names among the arguments are in.
    pub root: Option<Arc<str>>,
    /// How it ended: `done`, or `failed`, which of a read counts as having looked.
    pub how: CallHow,
    /// How long it took, in milliseconds.
    pub ms: Option<u64>,
    /// The digest of its answer.
    pub digest: Option<Arc<str>>,
    /// The last deed before it was forwarded: `head` of the answer to `/v1/calls/ask`. Without it, what others wrote while it was
    /// on its way counts as not seen.
    pub head: Option<Seq>,
}
