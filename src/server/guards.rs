//! Who decides the calls of tools that hosts of coding agents ask about by HTTP. How hosts speak and what their calls reach on
//! this machine is not known here: the guard is given, as the way to other nodes is.

use std::fmt::Debug;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value as Json;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::domain::command::GuardNote;
use crate::domain::ids::{AgentId, MapVersion};
use crate::domain::map::Map;
use crate::domain::path::EntityPath;

/// As many calls are decided at once: each has a thread, and looks at files.
const AT_ONCE: usize = 8;

/// A use of a tool.
#[derive(Debug)]
pub struct ToolCall {
    /// The host of the coding agent.
    pub host: String,
    /// The agent of the map, where it is named.
    pub agent: Option<AgentId>,
    /// Where the repository's files are on the map, where that is said.
    pub prefix: Option<EntityPath>,
    /// Where the coding agent was started, where that is said.
    pub project: Option<PathBuf>,
    /// What `~` is, where that is said.
    pub home: Option<PathBuf>,
    /// What the host says.
    pub body: Bytes,
    /// The map in force.
    pub map: Map,
    /// Its version.
    pub version: MapVersion,
    /// Keeps others waiting as long as something works on it, also when nobody waits for that any more.
    pub turn: OwnedSemaphorePermit,
}

/// What a use of a tool comes to.
#[derive(Debug)]
pub struct Guarded {
    /// In the host's own form.
    pub said: Json,
    /// What is to be recorded.
    pub note: Option<GuardNote>,
}

/// Decides calls of tools by the files of this machine.
pub trait Guard: Debug + Send + Sync {
    /// Decides one, and takes some seconds at most. None where the host is not known.
    fn decide(&self, call: ToolCall) -> Option<Guarded>;
    /// What that host is told where nothing was decided, for this reason; it is never that the tool may be used. None where the
    /// host is not known.
    fn undecided(&self, host: &str, why: &str) -> Option<Json>;
}

/// The guard, and who waits for it.
#[derive(Debug)]
pub(super) struct Guards {
    pub(super) guard: Option<Arc<dyn Guard>>,
    pub(super) turns: Arc<Semaphore>,
}

impl Guards {
    pub(super) fn new(guard: Option<Arc<dyn Guard>>) -> Self {
        Self { guard, turns: Arc::new(Semaphore::new(AT_ONCE)) }
    }
}
