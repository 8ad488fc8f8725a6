//! What a person can set: defaults < file < environment < flags, one table of settings, one `Config`.
//!
//! The file `config.example.toml` is printed from the same table ([`example`]). Flags are laid over by `cli`. What a
//! setting does lives where it is used; secrets are never settings, only the files that hold them.

mod file;
mod gateways;
mod reading;
mod settings;
mod timezone;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use thiserror::Error;

pub use self::gateways::{Described, Source};
use self::reading::{Wrong, server_url};
use self::settings::{Kind, SETTINGS, Setting};
pub use self::timezone::Timezone;
use crate::client::Url;
use crate::console::notify::Notify;
use crate::console::theme;
use crate::domain::ids::{AgentId, PersonId, WorkspaceId};
use crate::domain::path::EntityPath;
use crate::domain::state::CACHE;
use crate::domain::things::{Keeping, Limits};
use crate::domain::time::Span;
use crate::ledger::LedgerError;
use crate::ledger::engine::{Choice, ENGINES, Engine, Reached};

/// The port that agents find Deeds at, unless it is taken.
pub const DEFAULT_PORT: u16 = 4170;
/// How far the machine's clock may jump and is still believed.
pub const CLOCK_JUMP: Span = Span::from_hours(1);
/// The largest configuration file that is read, in bytes.
pub const MAX_CONFIG_BYTES: u64 = 64 * 1024;
/// Names the configuration file in the environment.
pub const CONFIG_VARIABLE: &str = "DEEDS_CONFIG";
/// Holds a token in the environment, for programs that are started with one.
pub const TOKEN_VARIABLE: &str = "DEEDS_TOKEN";

/// Everything that a person can set.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a setting of its own")]
pub struct Config {
    /// Where ledgers, tokens and snapshots are kept; the platform's data directory if nothing is said.
    pub data_dir: Option<PathBuf>,
    /// The workspace to open.
    pub workspace: Option<WorkspaceId>,
    /// Who founds the data directory; the account's name if nothing is said.
    pub person: Option<PersonId>,
    /// A server elsewhere, instead of the one in this process.
    pub connect: Option<Url>,
    /// A file that holds the token to sign in with.
    pub token_file: Option<PathBuf>,
    /// Send the token to a server on another machine although there is no TLS.
    pub allow_plaintext: bool,
    /// Where the server listens; another port is taken if this one is in use.
    pub listen: SocketAddr,
    /// The certificate that `deeds serve` speaks TLS with.
    pub tls_cert: Option<PathBuf>,
    /// Its key.
    pub tls_key: Option<PathBuf>,
    /// Speak TLS with a certificate of one's own.
    pub tls_self_signed: bool,
    /// What keeps the ledgers.
    pub ledger_engine: &'static Choice,
    /// With what it is reached.
    pub ledger_reached: Reached,
    /// Where other nodes on the same database reach this one.
    pub cluster_advertise: Option<Url>,
    /// A file with the secret by which nodes know each other in plaintext.
    pub cluster_secret: Option<PathBuf>,
    /// The file of the key that signs heads, where it is not the data directory's.
    pub checkpoint_key: Option<PathBuf>,
    /// Requests in a second that are taken of one agent.
    pub rate: Option<u32>,
    /// How much is kept for agents.
    pub limits: Limits,
    /// How many workspaces there are, and are open.
    pub keeping: Keeping,
    /// Memory for values and idempotency keys, in bytes.
    pub values_cache: u64,
    /// How far the machine's clock may jump and is still believed.
    pub clock_jump: Span,
    /// Keys laid over the built-in ones.
    pub keymap: Option<PathBuf>,
    /// The console's colours.
    pub theme: theme::Choice,
    /// In which timezone the console tells times.
    pub timezone: Timezone,
    /// A person's own colours laid over them.
    pub theme_file: Option<PathBuf>,
    /// Plain ASCII instead of lines and symbols.
    pub ascii: bool,
    /// Whether the console is read out in lines.
    pub linear: bool,
    /// Whether the console takes the mouse.
    pub mouse: bool,
    /// Whether the window's title says what waits.
    pub title: bool,
    /// Whether addresses in the console are links.
    pub links: bool,
    /// How a person is told of what can't wait.
    pub notify: Notify,
    /// Whether a console keeps where its person was and what they typed.
    pub keep: bool,
    /// Whether frames are sent as synchronized updates.
    pub synchronized_output: bool,
    /// What a hook answers that can't decide.
    pub hook_default: HookDefault,
    /// The agent that hooks ask for.
    pub hook_agent: Option<AgentId>,
    /// Where a repository's files are on the map.
    pub hook_prefix: EntityPath,
    /// MCP servers behind the map, by their names.
    pub gateways: BTreeMap<String, Described>,
}

/// What a hook answers that can't decide, such as where no map is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HookDefault {
    /// Nothing stops the change here.
    Allow,
    /// It does not.
    Deny,
    /// A person is asked; it does not go through where there is nobody to ask.
    #[default]
    Ask,
}

impl HookDefault {
    const NAMES: [(&str, Self); 3] = [("allow", Self::Allow), ("deny", Self::Deny), ("ask", Self::Ask)];

    /// Its name in settings.
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, known)| *known == self).map_or("ask", |(name, _)| name)
    }
}

/// Where a repository's files are on the map unless something else is said.
const FILES: &str = "files";

impl Config {
    /// What keeps the ledgers, as the settings say. Nothing is connected.
    ///
    /// # Errors
    /// When they lack what the engine needs.
    pub fn engine(&self) -> Result<Arc<dyn Engine>, LedgerError> {
        (self.ledger_engine.open)(&self.ledger_reached)
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data_dir: None,
            workspace: None,
            person: None,
            connect: None,
            token_file: None,
            allow_plaintext: false,
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), DEFAULT_PORT),
            tls_cert: None,
            tls_key: None,
            tls_self_signed: false,
            ledger_engine: {
                let [first, ..] = &ENGINES;
                first
            },
            ledger_reached: Reached::default(),
            cluster_advertise: None,
            cluster_secret: None,
            checkpoint_key: None,
            rate: None,
            limits: Limits::default(),
            keeping: Keeping::default(),
            values_cache: CACHE,
            clock_jump: CLOCK_JUMP,
            keymap: None,
            theme: theme::Choice::default(),
            timezone: Timezone::default(),
            theme_file: None,
            ascii: false,
            linear: false,
            mouse: true,
            title: true,
            links: true,
            notify: Notify::default(),
            keep: true,
            synchronized_output: true,
            hook_default: HookDefault::default(),
            hook_agent: None,
            hook_prefix: match FILES.parse() {
                Ok(prefix) => prefix,
                Err(error) => unreachable!("`{FILES}` is a path: {error}"),
            },
            gateways: BTreeMap::new(),
        }
    }
}

/// Why a configuration can't be used: the place, the reason and the mend.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{place}: {reason}; {mend}")]
pub struct ConfigError {
    /// `file:line:column`, a variable, or the file alone.
    pub place: String,
    /// What is wrong there.
    pub reason: String,
    /// What to do about it.
    pub mend: String,
}

/// Reads the configuration: the defaults, the file, the environment. `named` is the file that a flag names; without
/// one it is the one that `DEEDS_CONFIG` names, or the platform's, which need not exist.
///
/// # Errors
/// At the first thing that is wrong, with its place.
pub fn load(
    named: Option<&Path>,
    environment: impl Fn(&str) -> Option<String>,
) -> Result<Config, ConfigError> {
    let mut config = Config::default();
    if let Some((path, must)) = file_meant(named, &environment) {
        file::lay_over(&mut config, &path, must)?;
    }
    for setting in SETTINGS {
        if let Some(text) = environment(setting.variable).filter(|text| !text.is_empty()) {
            (setting.set)(&mut config, &text).map_err(|Wrong(reason, mend)| ConfigError {
                place: setting.variable.to_owned(),
                reason,
                mend,
            })?;
        }
    }
    Ok(config)
}

/// The configuration file that is read, and whether it must be there: the one named, else the environment's, else the
/// platform's.
pub fn file_meant(
    named: Option<&Path>,
    environment: impl Fn(&str) -> Option<String>,
) -> Option<(PathBuf, bool)> {
    let variable = environment(CONFIG_VARIABLE).filter(|path| !path.is_empty()).map(PathBuf::from);
    match named.map(Path::to_owned).or(variable) {
        Some(path) => Some((path, true)),
        None => platform_file().map(|path| (path, false)),
    }
}

/// A server's URL as people write it.
///
/// # Errors
/// Says what is wrong with it, and the mend.
pub fn parse_server_url(text: &str) -> Result<Url, String> {
    server_url(text).map_err(|Wrong(reason, mend)| format!("{reason}; {mend}"))
}

/// The file that is read if none is named.
pub fn platform_file() -> Option<PathBuf> {
    directories::ProjectDirs::from("", "", "deeds").map(|dirs| dirs.config_dir().join("config.toml"))
}

/// The file that shows every setting with its default.
pub fn example() -> String {
    let defaults = Config::default();
    let place =
        "$XDG_CONFIG_HOME/deeds/config.toml (on macOS ~/Library/Application Support/deeds/config.toml)";
    let mut text = format!(
        "# Deeds: every setting, with its default. Deeds runs without this file.\n\
         #\n\
         # Put it at {place},\n\
         # or name it with --config or {CONFIG_VARIABLE}. A variable in the environment goes before the file, a flag\n\
         # before both. Relative paths start at the file's directory.\n"
    );
    for setting in SETTINGS {
        let value = (setting.default)(&defaults);
        let off = if value.is_some() { "" } else { "# " };
        let value = value.unwrap_or_else(|| setting.sample.to_owned());
        let value = match setting.kind {
            Kind::Flag | Kind::Number => value,
            Kind::Text | Kind::Path => format!("{value:?}"),
        };
        let doc = format!("# {} ({})", setting.doc, setting.variable);
        let line = format!("{off}{} = {value}", setting.key);
        text.push_str(&["", &doc, &line, ""].join("\n"));
    }
    text.push_str(gateways::EXAMPLE);
    text
}

fn theme_name(choice: theme::Choice) -> &'static str {
    theme::Choice::NAMES.iter().find(|(_, known)| *known == choice).map_or("auto", |(name, _)| name)
}

/// Every theme's name, for help and errors.
pub fn theme_names() -> String {
    theme::Choice::NAMES.map(|(name, _)| name).join(", ")
}

#[cfg(test)]
mod tests;
