//! In which timezone times are told.

use std::fmt;

use crate::domain::time::Zone;

/// Whose timezone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Timezone {
    /// That of the workspace's map: everybody who looks reads the same times.
    #[default]
    Workspace,
    /// This machine's.
    Local,
    /// One by its name in the tz database.
    Named(Zone),
}

impl Timezone {
    /// The one of that name.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "workspace" => Some(Self::Workspace),
            "local" => Some(Self::Local),
            name => name.parse().ok().map(Self::Named),
        }
    }
}

impl fmt::Display for Timezone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Workspace => f.write_str("workspace"),
            Self::Local => f.write_str("local"),
            Self::Named(zone) => f.write_str(zone.name()),
        }
    }
}
