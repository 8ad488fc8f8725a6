//! The gateway: any MCP server behind the map. An agent's client speaks to it as to that server; every call of a tool is
//! decided by Deeds before it is sent on, everything else passes byte for byte.
//!
//! `frame` reads of a frame what has to be known, `link` knows whose each frame is, `call` is the way of a call, `judge` asks
//! Deeds, `child` and `http` are the server behind, `stdio` and `front` the client in front. No rule lives here.

mod behind;
mod call;
mod check;
mod child;
mod events;
mod frame;
mod front;
mod http;
mod judge;
mod kept;
mod lines;
mod link;
mod stdio;
mod tools;
mod words;

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::mpsc;

use self::behind::Behind;
use self::child::Child;
use self::http::Http;
use self::judge::Judge;
use self::kept::Kept;
use self::link::Link;

use crate::domain::ids::AgentId;

pub use self::behind::{Secret, Target};
pub use self::check::{Checked, Finding};
#[cfg(any(test, fuzzing))]
pub(crate) use self::frame::any_frame;
pub use self::front::{Heard, Sessions};
pub use self::judge::{NoAnswer, Way};
pub use self::kept::Tell;
pub use self::stdio::serve as serve_stdio;

/// A server behind that `deeds serve` has an address for.
#[derive(Debug, Clone)]
pub struct Served {
    /// Its name, in the address and on the map.
    pub name: Arc<str>,
    /// Where it is.
    pub target: Target,
    /// The directory that file names among arguments are in.
    pub root: Option<Arc<str>>,
    /// The one agent that it is for; without one, whoever has an agent's token.
    pub agent: Option<AgentId>,
    /// Where the last of what it says is kept.
    pub kept: Option<PathBuf>,
}

/// A gateway to one server for one agent.
pub struct Gateway {
    /// How the server behind is called on the map.
    pub server: Arc<str>,
    /// Where it is.
    pub target: Target,
    /// Who this gateway is, in the deeds of the calls that it forwards.
    pub via: Arc<str>,
    /// The directory that file names among arguments are in.
    pub root: Option<Arc<str>>,
    /// The way to Deeds, under the agent's own token.
    pub door: Arc<dyn Way>,
    /// Hears what is said of the server behind, and what it says.
    pub tell: Tell,
    /// Where the last of that is kept.
    pub kept: Option<PathBuf>,
}

impl Gateway {
    /// A link to the server, whose frames for the client go there.
    fn link(&self, front: mpsc::Sender<Bytes>) -> Result<Arc<Link>, String> {
        let judge = Judge::new(
            Arc::clone(&self.door),
            Arc::clone(&self.server),
            Arc::clone(&self.via),
            self.root.clone(),
        );
        let kept = Arc::new(Kept::new(Arc::clone(&self.tell), self.kept.clone()));
        let link = Arc::new(Link::new(judge, kept, front));
        let behind = match &self.target {
            Target::Program { command, .. } => {
                let program = command.first().map_or("", String::as_str);
                let child = Child::start(&link, &self.target);
                Behind::Child(child.map_err(|error| format!("{program} can't be started: {error}"))?)
            }
            Target::Url { url, headers } => Behind::Http(Http::new(url, headers)?),
        };
        link.lead_to(behind);
        Ok(link)
    }
}
