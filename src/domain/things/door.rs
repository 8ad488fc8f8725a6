//! By which door a request came: what stands between an agent and the rules.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::time::Time;

/// A door. Who says nothing came by HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Door {
    /// The agent's own requests, and the commands.
    Http,
    /// Deeds' own tools, by MCP.
    Mcp,
    /// Another server's tools, behind a gateway.
    Gateway,
    /// A guard where the agent works.
    Hook,
}

impl Door {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Http, Self::Mcp, Self::Gateway, Self::Hook];

    /// The word, on every surface.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Mcp => "mcp",
            Self::Gateway => "gateway",
            Self::Hook => "hook",
        }
    }
}

/// When somebody came by a door.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Came {
    /// The first time.
    pub first: Time,
    /// The last time.
    pub last: Time,
}

/// The doors by which an agent came.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Doors {
    /// By its own requests.
    pub http: Option<Came>,
    /// By Deeds' own tools.
    pub mcp: Option<Came>,
    /// By tools behind a gateway.
    pub gateway: Option<Came>,
    /// Past a guard.
    pub hook: Option<Came>,
}

impl Doors {
    /// Somebody came by it at that time.
    pub fn came(&mut self, door: Door, at: Time) {
        let came = self.of_mut(door).get_or_insert(Came { first: at, last: at });
        came.first = came.first.min(at);
        came.last = came.last.max(at);
    }

    /// Those that somebody came by.
    pub fn seen(&self) -> impl Iterator<Item = (Door, Came)> + '_ {
        let of = |door| match door {
            Door::Http => self.http,
            Door::Mcp => self.mcp,
            Door::Gateway => self.gateway,
            Door::Hook => self.hook,
        };
        Door::ALL.into_iter().filter_map(move |door| Some((door, of(door)?)))
    }

    /// Every time that is kept.
    pub fn times(&mut self) -> impl Iterator<Item = &mut Time> {
        let doors = [&mut self.http, &mut self.mcp, &mut self.gateway, &mut self.hook];
        doors.into_iter().flatten().flat_map(|came| [&mut came.first, &mut came.last])
    }

    /// Whether nobody came.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn of_mut(&mut self, door: Door) -> &mut Option<Came> {
        match door {
            Door::Http => &mut self.http,
            Door::Mcp => &mut self.mcp,
            Door::Gateway => &mut self.gateway,
            Door::Hook => &mut self.hook,
        }
    }
}
