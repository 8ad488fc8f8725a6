//! The guard that a server has: for hosts that ask it by HTTP rather than run the command. It decides by the same judge and
//! with the same memory, by the map in force, and looks at files of its own machine.

use std::path::Path;
use std::sync::Arc;

use super::host::{answered, stopped};
use super::judge::{self, Asked, Decided};
use super::known::Known;
use crate::cli::datadir::DataDir;
use crate::cli::output::visible;
use crate::config::{Config, HookDefault};
use crate::domain::ids::AgentId;
use crate::domain::path::EntityPath;
use crate::hook::Dialect;
use crate::server::{Guard, Guarded, ToolCall};

/// What the settings say of hooks.
#[derive(Debug, Clone)]
pub(in crate::cli) struct Settings {
    agent: Option<AgentId>,
    prefix: EntityPath,
    default: HookDefault,
}

impl From<&Config> for Settings {
    fn from(config: &Config) -> Self {
        let (agent, prefix) = (config.hook_agent.clone(), config.hook_prefix.clone());
        Self { agent, prefix, default: config.hook_default }
    }
}

/// The guard over a data directory.
pub(in crate::cli) fn guard(dir: &DataDir, settings: &Settings) -> Arc<dyn Guard> {
    Arc::new(ByFiles { dir: dir.clone(), settings: settings.clone() })
}

#[derive(Debug)]
struct ByFiles {
    dir: DataDir,
    settings: Settings,
}

impl Guard for ByFiles {
    fn decide(&self, call: ToolCall) -> Option<Guarded> {
        let dialect = Dialect::named(&call.host)?;
        let (dir, settings) = (self.dir.clone(), self.settings.clone());
        let decided = answered(self.settings.default, move || decide(&dir, settings, dialect, &call));
        let said = decided.answer.map_or_else(|| serde_json::json!({}), |answer| dialect.said(&answer));
        Some(Guarded { said, note: decided.note })
    }

    fn undecided(&self, host: &str, why: &str) -> Option<serde_json::Value> {
        let dialect = Dialect::named(host)?;
        Some(dialect.said(&stopped(self.settings.default, visible(why))))
    }
}

fn decide(
    dir: &DataDir,
    settings: Settings,
    dialect: &'static Dialect,
    call: &ToolCall,
) -> Result<Decided, String> {
    let Some(said) = dialect.read(&call.body)? else { return Ok(Decided::default()) };
    for place in [&call.project, &said.cwd].into_iter().flatten() {
        is_here(place)?;
    }
    let asked = Asked {
        agent: call.agent.clone().or(settings.agent),
        prefix: call.prefix.as_ref().unwrap_or(&settings.prefix),
        project: call.project.as_deref(),
        home: call.home.as_deref(),
        memory: Some(dir),
        map: &|| Ok(Known::in_force(call.map.clone(), call.version)),
    };
    judge::decide(&asked, dialect, &said)
}

/// Where there is no such folder the agent works on another machine, or in another place of the same name.
fn is_here(place: &Path) -> Result<(), String> {
    if place.is_absolute() && place.is_dir() {
        return Ok(());
    }
    Err(format!(
        "{} is no folder that the server can look into; where the agent works elsewhere, let it run the command `deeds hook`",
        place.display()
    ))
}
