//! The map that a hook goes by: a file that is named, a server that runs already, or the map that was seen last.
//!
//! A hook must not hold anybody up: a server has a second, none is started, no lock is waited for. The map seen last is
//! a map file like any other in the data directory, whose first line says which version it is and when it was seen.

use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::api::{MapView, TokenText};
use crate::cli::context::{Context, read_text};
use crate::cli::datadir::DataDir;
use crate::cli::output::visible;
use crate::cli::session;
use crate::coordinator::Clock;
use crate::domain::command::{Command, GUARD_PATHS, GuardNote};
use crate::domain::ids::{AgentId, MapVersion, WorkspaceId};
use crate::domain::map::parse::MAX_MAP_BYTES;
use crate::domain::map::{self, Map};
use crate::domain::path::EntityPath;
use crate::domain::things::TokenClass;
use crate::domain::time::{Span, Time};

/// How long a server may take to show its map.
const ASK_WAIT: Duration = Duration::from_secs(1);
/// A map seen more recently than this needs no new date.
const SEEN_LATELY: Span = Span::from_mins(1);
/// How the first line of a map seen last begins.
const FIRST_LINE: &str = "# The map that deeds saw last: ";
/// What the first line may add to a map's own bytes.
const FIRST_LINE_BYTES: u64 = 1024;

/// A map, and where it is from.
pub(super) struct Known {
    pub(super) map: Map,
    /// Where it is from, as a clause.
    pub(super) from: String,
    /// It may not be the one in force.
    pub(super) offline: bool,
    /// A server runs, which can be told what comes of it.
    live: bool,
}

/// What is known of a map seen last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Stamp {
    version: MapVersion,
    at: Time,
}

/// The map to go by; why there is none, as a clause.
pub(super) fn find(context: &Context, file: Option<&Path>) -> Result<Known, String> {
    if let Some(file) = file {
        return from_file(file);
    }
    let asked = session::ask_as_guard(context, ASK_WAIT, async |client| {
        client.map(None).await.map(|view| (view, client.token().clone()))
    });
    let why = match asked {
        Ok(Some((view, token))) => {
            if let Err(error) = keep(context, &token, &view) {
                crate::cli::output::complain(format!("the map could not be kept for later: {error:#}"));
            }
            return Ok(Known::in_force(Map::compile(view.model), view.version));
        }
        Ok(None) => "no server runs".to_owned(),
        Err(error) => visible(&format!("{error:#}")),
    };
    last(context, &why)
}

impl Known {
    /// As a server says.
    pub(super) fn in_force(map: Map, version: MapVersion) -> Self {
        let from = format!("map v{version} of {}", map.model().workspace);
        Self { map, from, offline: false, live: true }
    }

    /// What a server is to record of what was stopped, or seen and let be; none where it can't be told.
    pub(super) fn note(&self, by: &str, agent: &AgentId, paths: Vec<EntityPath>) -> Option<GuardNote> {
        let more = u32::try_from(paths.len().saturating_sub(GUARD_PATHS)).unwrap_or(u32::MAX);
        (self.live && !paths.is_empty()).then(|| GuardNote {
            agent: agent.clone(),
            by: by.into(),
            stopped: !self.observes(),
            paths: paths.into_iter().take(GUARD_PATHS).collect(),
            more,
        })
    }
}

/// Tells the server. Who can't has lost nothing else: the answer stands without.
pub(super) fn tell(context: &Context, note: GuardNote) {
    let told = session::ask_as_guard(context, ASK_WAIT, async |client| {
        // Another token than a guard's was given, which may not tell.
        if client.token().class != TokenClass::Guard {
            return Ok(());
        }
        client.ask(&Command::Guard(note)).await.map(drop)
    });
    if let Err(error) = told {
        tracing::warn!(error = format!("{error:#}"), "what the guard found could not be recorded");
    }
}

/// A map file that a person named.
fn from_file(file: &Path) -> Result<Known, String> {
    let text = read_text(file, max_bytes()).map_err(|error| format!("{error:#}"))?;
    let shown = visible(&file.display().to_string());
    match map::parse(&text).applicable() {
        Ok(model) => Ok(Known { map: Map::compile(model), from: shown, offline: false, live: false }),
        Err(_) => Err(format!("{shown} is not a map that could be applied; see `deeds map check`")),
    }
}

/// The map that was seen last, where nobody answers, for this reason.
fn last(context: &Context, why: &str) -> Result<Known, String> {
    let none = |more: &str| {
        format!("{why}, and no map is known from earlier{more}; start `deeds`, or name one with --map")
    };
    let dir = context.existing_dir().map_err(|_| none(""))?;
    let workspace = workspace(context, &dir).map_err(|more| none(&more))?;
    let file = dir.map_file(context.config.connect.as_ref(), &workspace);
    let shown = file.display();
    let text = read_text(&file, max_bytes() + FIRST_LINE_BYTES).map_err(|_| none(&format!(" ({shown})")))?;
    let damaged = || none(&format!(": {shown} is damaged"));
    let seen = seen(&text).ok_or_else(damaged)?;
    // It was in force; what lints say of it today is no reason not to go by it.
    let model = map::parse(&text).model.ok_or_else(damaged)?;
    let age = Clock::System.now().since(seen.at).rough();
    let from = format!("the last known map, v{} of {workspace}, seen {age} ago, as {why}", seen.version);
    Ok(Known { map: Map::compile(model), from, offline: true, live: false })
}

/// Which of the maps that were seen is meant.
fn workspace(context: &Context, dir: &DataDir) -> Result<WorkspaceId, String> {
    if let Some(named) = session::workspace_named(context) {
        return Ok(named);
    }
    let known = dir.known_maps(context.config.connect.as_ref());
    // Asked of a database only where it matters: it may be away.
    let is_asked = context.config.connect.is_none() && known.len() > 1;
    let home = is_asked.then(|| dir.store().home()).flatten().filter(|home| known.contains(home));
    match (home, known.as_slice()) {
        (Some(home), _) => Ok(home),
        (None, [one]) => Ok(one.clone()),
        (None, []) => Err(String::new()),
        (None, _) => Err(" for sure: there are several; name the workspace with --workspace".to_owned()),
    }
}

fn seen(text: &str) -> Option<Stamp> {
    serde_json::from_str(text.lines().next()?.strip_prefix(FIRST_LINE)?).ok()
}

/// Keeps a map as the one seen last.
pub(super) fn keep(context: &Context, token: &TokenText, view: &MapView) -> anyhow::Result<()> {
    let dir = context.open_dir()?;
    let file = dir.map_file(context.config.connect.as_ref(), &token.workspace);
    let now = Stamp { version: view.version, at: Clock::System.now() };
    let text = view.model.to_toml();
    if let Ok(there) = read_text(&file, max_bytes() + FIRST_LINE_BYTES)
        && let Some(seen) = seen(&there)
        && seen.version == now.version
        && now.at.since(seen.at) < SEEN_LATELY
        && there.split_once('\n').is_some_and(|(_, map)| map == text)
    {
        return Ok(());
    }
    dir.make_maps()?;
    DataDir::replace(&file, &format!("{FIRST_LINE}{}\n{text}", serde_json::to_string(&now)?))?;
    Ok(())
}

fn max_bytes() -> u64 {
    u64::try_from(MAX_MAP_BYTES).unwrap_or(u64::MAX)
}
