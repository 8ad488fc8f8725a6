//! The shapes of calls of tools: what a gateway asks, and what it is told.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value as Json};

use super::{Problem, ProblemCode};
use crate::domain::arguments::Arguments;
use crate::domain::command::{CallMade, CallOrder};
use crate::domain::ids::{MapVersion, Seq};
use crate::domain::map::{Does, ToolRow, Unmapped};
use crate::domain::path::EntityPath;
use crate::domain::reply::Reply;
use crate::domain::things::{CallHow, CallState, ToolsSeen};

/// A call of a tool, asked for before it is forwarded.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CallBody {
    /// The server behind, by its name in the map.
    pub server: Arc<str>,
    /// The tool.
    pub tool: Arc<str>,
    /// Its arguments; none where nothing is said. Numbers of any size keep their digits.
    #[schemars(with = "Option<Map<String, Json>>")]
    pub arguments: Option<Box<RawValue>>,
    /// The gateway that forwards it: a name of its own for each of its processes.
    pub via: Arc<str>,
    /// The directory that file names among the arguments are in: `/home/x/repo/a.md` is `a.md` there.
    pub root: Option<Arc<str>>,
    /// The digest of what the tool of the map's `verify` returned just now.
    pub verified: Option<Arc<str>>,
}

/// A call that needed no leave and was forwarded: it reads, does nothing that the map is about, or is only recorded.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CallMadeBody {
    /// The server behind.
    pub server: Arc<str>,
    /// The tool.
    pub tool: Arc<str>,
    /// Its arguments; none where nothing is said.
    #[schemars(with = "Option<Map<String, Json>>")]
    pub arguments: Option<Box<RawValue>>,
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

/// How an allowed call ended.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CallEndBody {
    /// `done`: what it means is recorded. `failed`: nothing changed. `unsent`: forwarding never began, and it may be forwarded
    /// still. `unknown`: forwarding began, and a person says how it ended.
    pub how: CallHow,
    /// How long the server behind took, in milliseconds.
    pub ms: Option<u64>,
    /// The digest of its answer.
    pub digest: Option<Arc<str>>,
    /// What to keep of it.
    pub note: Option<Arc<str>>,
}

/// What would be said to a call.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CallAsked {
    /// The answer that it would get; its `deed`, `item`, `works` and `act` are only supposed.
    pub reply: Reply,
    /// What the map says that the tool does; nothing where it does not name it, or it can't be told what the call is about.
    pub does: Option<Does>,
    /// What the call is about.
    pub entity: Option<EntityPath>,
    /// What tells this call from others.
    pub digest: Arc<str>,
    /// The last deed that the answer knows: send it along once a read was forwarded.
    pub head: Seq,
}

/// What the map says of a server's tools.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ToolList {
    /// The rows that may name its tools, in their order: the first that names a tool counts.
    pub tools: Vec<ToolRow>,
    /// What is done with a call of a tool that no row names.
    pub unmapped: Unmapped,
    /// What the servers behind gateways offer, as they said last: of this one, where one is named.
    pub offered: Vec<Arc<ToolsSeen>>,
    /// The version of the map: another one in any reply means that this is to be asked again.
    pub map_version: MapVersion,
    /// How far the answer looks.
    pub seq: Seq,
    /// Where the list goes on: the next page's `page`. None on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Calls, the latest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CallList {
    /// The calls.
    pub calls: Vec<Arc<CallState>>,
    /// How far the answer looks.
    pub seq: Seq,
    /// Where the list goes on: the next page's `page`. None on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

fn arguments(raw: Option<&RawValue>) -> Result<Arguments, Box<Problem>> {
    let Some(raw) = raw else { return Ok(Arguments::none()) };
    Arguments::parse(raw.get())
        .map_err(|error| Box::new(Problem::new(ProblemCode::BadBody, error.to_string()).at("`arguments`")))
}

impl CallBody {
    /// What is asked.
    ///
    /// # Errors
    /// When the arguments are none.
    pub fn order(self) -> Result<CallOrder, Box<Problem>> {
        let arguments = arguments(self.arguments.as_deref())?;
        let Self { server, tool, via, root, verified, .. } = self;
        Ok(CallOrder { server, tool, arguments, via, root, verified })
    }
}

impl CallMadeBody {
    /// What is told.
    ///
    /// # Errors
    /// When the arguments are none.
    pub fn made(self) -> Result<CallMade, Box<Problem>> {
        let arguments = arguments(self.arguments.as_deref())?;
        let Self { server, tool, root, how, ms, digest, head, .. } = self;
        Ok(CallMade { server, tool, arguments, root, how, ms, digest, head })
    }
}
