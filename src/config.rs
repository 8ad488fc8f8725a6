//! What a person can set: defaults < file < environment < flags, one table of settings, one `Config`.
//!
//! The file `config.example.toml` is printed from the same table ([`example`]). Flags are laid over by `cli`. What a
//! setting does lives where it is used; secrets are never settings, only the files that hold them.

mod file;
mod gateways;
mod reading;
mod timezone;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use thiserror::Error;

pub use self::gateways::{Described, Source};
use self::reading::{Wrong, put_flag, put_number, put_path, put_size, server_url, size_text, wrong};
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
use crate::ledger::engine::{Choice, ENGINES, Engine, Reached, Secret};

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

/// What a setting takes in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A text.
    Text,
    /// A text that names a file or directory, relative to the configuration file.
    Path,
    /// `true` or `false`.
    Flag,
    /// A whole number.
    Number,
}

/// One row of the table of settings.
struct Setting {
    key: &'static str,
    variable: &'static str,
    kind: Kind,
    /// Sets it from text; says what is wrong, and the mend.
    set: fn(&mut Config, &str) -> Result<(), Wrong>,
    /// Its value, where it has one without being set.
    default: fn(&Config) -> Option<String>,
    /// A value for the example file, where there is no default.
    sample: &'static str,
    doc: &'static str,
}

const SETTINGS: &[Setting] = &[
    Setting {
        key: "data_dir",
        variable: "DEEDS_DATA_DIR",
        kind: Kind::Path,
        set: |config, text| put_path(&mut config.data_dir, text),
        default: |_| None,
        sample: "~/.local/share/deeds",
        doc: "Where ledgers, tokens and snapshots are kept. Without it, the platform's data directory.",
    },
    Setting {
        key: "workspace",
        variable: "DEEDS_WORKSPACE",
        kind: Kind::Text,
        set: |config, text| {
            let mend = "use a-z, 0-9 and -, up to 64 bytes";
            config.workspace = Some(text.parse().map_err(|_| wrong("a workspace name", text, mend))?);
            Ok(())
        },
        default: |_| None,
        sample: "northwind",
        doc: "The workspace to open: one team of agents, its map and its ledger.",
    },
    Setting {
        key: "person",
        variable: "DEEDS_PERSON",
        kind: Kind::Text,
        set: |config, text| {
            let mend = "use letters, digits, and . _ - @ +, up to 64 bytes";
            let named = text.parse().ok().filter(|_| !text.starts_with('-'));
            config.person = Some(named.ok_or_else(|| wrong("a person's name", text, mend))?);
            Ok(())
        },
        default: |_| None,
        sample: "dana",
        doc: "Who founds the data directory and is its first admin; the account's name without it. Once founded, it has that person.",
    },
    Setting {
        key: "connect",
        variable: "DEEDS_CONNECT",
        kind: Kind::Text,
        set: |config, text| {
            config.connect = Some(server_url(text)?);
            Ok(())
        },
        default: |_| None,
        sample: "http://10.0.0.7:4170",
        doc: "A server elsewhere (`deeds serve`), instead of the one inside this process.",
    },
    Setting {
        key: "token_file",
        variable: "DEEDS_TOKEN_FILE",
        kind: Kind::Path,
        set: |config, text| put_path(&mut config.token_file, text),
        default: |_| None,
        sample: "~/.config/deeds/token",
        doc: "A file that holds the token to sign in with, readable by you alone. DEEDS_TOKEN in the environment goes first.",
    },
    Setting {
        key: "allow_plaintext",
        variable: "DEEDS_ALLOW_PLAINTEXT",
        kind: Kind::Flag,
        set: |config, text| put_flag(&mut config.allow_plaintext, text),
        default: |config| Some(config.allow_plaintext.to_string()),
        sample: "",
        doc: "Send the token to a server on another machine although there is no TLS. A tunnel (ssh -L) is better.",
    },
    Setting {
        key: "listen",
        variable: "DEEDS_LISTEN",
        kind: Kind::Text,
        set: |config, text| {
            let mend = "write an address and a port, such as 127.0.0.1:4170";
            config.listen = text.parse().map_err(|_| wrong("an address to listen on", text, mend))?;
            Ok(())
        },
        default: |config| Some(config.listen.to_string()),
        sample: "",
        doc: "Where agents reach the server. If the port is taken, another one is, and Deeds says which.",
    },
    Setting {
        key: "tls.cert",
        variable: "DEEDS_TLS_CERT",
        kind: Kind::Path,
        set: |config, text| put_path(&mut config.tls_cert, text),
        default: |_| None,
        sample: "/etc/deeds/tls.crt",
        doc: "The certificate that `deeds serve` speaks TLS with, in PEM. It is read again when it changes.",
    },
    Setting {
        key: "tls.key",
        variable: "DEEDS_TLS_KEY",
        kind: Kind::Path,
        set: |config, text| put_path(&mut config.tls_key, text),
        default: |_| None,
        sample: "/etc/deeds/tls.key",
        doc: "The certificate's key, in PEM.",
    },
    Setting {
        key: "tls.self_signed",
        variable: "DEEDS_TLS_SELF_SIGNED",
        kind: Kind::Flag,
        set: |config, text| put_flag(&mut config.tls_self_signed, text),
        default: |config| Some(config.tls_self_signed.to_string()),
        sample: "",
        doc: "Whether `deeds serve` speaks TLS with a certificate of its own. It prints the fingerprint, and consoles remember it.",
    },
    Setting {
        key: "ledger.engine",
        variable: "DEEDS_LEDGER_ENGINE",
        kind: Kind::Text,
        set: |config, text| {
            let mend = format!("use one of {}", ENGINES.each_ref().map(|engine| engine.name).join(", "));
            config.ledger_engine =
                Choice::named(text).ok_or_else(|| wrong("an engine that keeps ledgers", text, &mend))?;
            Ok(())
        },
        default: |config| Some(config.ledger_engine.name.to_owned()),
        sample: "",
        doc: "The engine that keeps the ledgers. sqlite: a file for each workspace in the data directory. postgres: a database.",
    },
    Setting {
        key: "ledger.postgres",
        variable: "DEEDS_LEDGER_POSTGRES",
        kind: Kind::Text,
        set: |config, text| {
            config.ledger_reached.postgres = Some(Secret(text.to_owned()));
            Ok(())
        },
        default: |_| None,
        sample: "postgresql://deeds@db-1:5432,db-2:5432/deeds?target_session_attrs=read-write",
        doc: "The database that keeps the ledgers where the engine is postgres; several hosts are tried in turn.",
    },
    Setting {
        key: "ledger.postgres_password_file",
        variable: "DEEDS_LEDGER_POSTGRES_PASSWORD_FILE",
        kind: Kind::Path,
        set: |config, text| put_path(&mut config.ledger_reached.password_file, text),
        default: |_| None,
        sample: "~/.config/deeds/postgres",
        doc: "A file that holds the password for it, readable by you alone.",
    },
    Setting {
        key: "budget.agent_rate",
        variable: "DEEDS_BUDGET_AGENT_RATE",
        kind: Kind::Number,
        set: |config, text| {
            let rate = text.parse().ok().filter(|rate| *rate > 0);
            config.rate = Some(rate.ok_or_else(|| wrong("a number of requests", text, "write it like 200"))?);
            Ok(())
        },
        default: |_| None,
        sample: "200",
        doc: "Requests in a second that are taken of one agent. Without it there is no such limit: turns are fair all the same.",
    },
    Setting {
        key: "budget.agent",
        variable: "DEEDS_BUDGET_AGENT",
        kind: Kind::Text,
        set: |config, text| put_size(&mut config.limits.agent.bytes, text),
        default: |config| Some(size_text(config.limits.agent.bytes)),
        sample: "",
        doc: "Bytes kept for one agent: what waits and is remembered for its sake. Values in its zone are not among them.",
    },
    Setting {
        key: "budget.agent_open",
        variable: "DEEDS_BUDGET_AGENT_OPEN",
        kind: Kind::Number,
        set: |config, text| put_number(&mut config.limits.agent.open, text),
        default: |config| Some(config.limits.agent.open.to_string()),
        sample: "",
        doc: "Things of one agent that may be open: proposals and other work, items, acts, leases, tasks, fan-outs, alerts.",
    },
    Setting {
        key: "budget.agent_keys",
        variable: "DEEDS_BUDGET_AGENT_KEYS",
        kind: Kind::Number,
        set: |config, text| put_number(&mut config.limits.agent_keys, text),
        default: |config| Some(config.limits.agent_keys.to_string()),
        sample: "",
        doc: "Idempotency keys of one agent that are kept, for a day each.",
    },
    Setting {
        key: "budget.keys",
        variable: "DEEDS_BUDGET_KEYS",
        kind: Kind::Number,
        set: |config, text| put_number(&mut config.limits.keys, text),
        default: |config| Some(config.limits.keys.to_string()),
        sample: "",
        doc: "Idempotency keys of a workspace that are kept; a person may have a quarter of them.",
    },
    Setting {
        key: "budget.workspace",
        variable: "DEEDS_BUDGET_WORKSPACE",
        kind: Kind::Text,
        set: |config, text| put_size(&mut config.limits.workspace.bytes, text),
        default: |config| Some(size_text(config.limits.workspace.bytes)),
        sample: "",
        doc: "Bytes kept for all agents of a workspace. Half of it is every agent's of the map in equal parts, whatever the others keep.",
    },
    Setting {
        key: "budget.workspace_open",
        variable: "DEEDS_BUDGET_WORKSPACE_OPEN",
        kind: Kind::Number,
        set: |config, text| put_number(&mut config.limits.workspace.open, text),
        default: |config| Some(config.limits.workspace.open.to_string()),
        sample: "",
        doc: "The same in open things.",
    },
    Setting {
        key: "budget.entities",
        variable: "DEEDS_BUDGET_ENTITIES",
        kind: Kind::Number,
        set: |config, text| put_number(&mut config.limits.entities, text),
        default: |config| Some(config.limits.entities.to_string()),
        sample: "",
        doc: "Entities of a workspace. At most so many come by agents.",
    },
    Setting {
        key: "budget.values",
        variable: "DEEDS_BUDGET_VALUES",
        kind: Kind::Text,
        set: |config, text| put_size(&mut config.limits.values, text),
        default: |config| Some(size_text(config.limits.values)),
        sample: "",
        doc: "Bytes of values of a workspace.",
    },
    Setting {
        key: "budget.scratch",
        variable: "DEEDS_BUDGET_SCRATCH",
        kind: Kind::Text,
        set: |config, text| put_size(&mut config.limits.scratch, text),
        default: |config| Some(size_text(config.limits.scratch)),
        sample: "",
        doc: "Bytes of values in the scratch of one agent.",
    },
    Setting {
        key: "workspaces.most",
        variable: "DEEDS_WORKSPACES_MOST",
        kind: Kind::Number,
        set: |config, text| put_number(&mut config.keeping.most, text),
        default: |config| Some(config.keeping.most.to_string()),
        sample: "",
        doc: "Workspaces that a server may have; 0 is no limit.",
    },
    Setting {
        key: "workspaces.open",
        variable: "DEEDS_WORKSPACES_OPEN",
        kind: Kind::Number,
        set: |config, text| put_number(&mut config.keeping.open, text),
        default: |config| Some(config.keeping.open.to_string()),
        sample: "",
        doc: "Workspaces that are open at once. For one more the one that was used longest ago is closed; those in use never are.",
    },
    Setting {
        key: "workspaces.idle",
        variable: "DEEDS_WORKSPACES_IDLE",
        kind: Kind::Text,
        set: |config, text| {
            let idle = text.parse();
            config.keeping.idle =
                idle.map_err(|_| wrong("a span of time", text, "write it like 10min or 30s"))?;
            Ok(())
        },
        default: |config| Some(config.keeping.idle.to_string()),
        sample: "",
        doc: "How long a workspace stays open that nobody asks for. The home always does.",
    },
    Setting {
        key: "values.cache",
        variable: "DEEDS_VALUES_CACHE",
        kind: Kind::Text,
        set: |config, text| put_size(&mut config.values_cache, text),
        default: |config| Some(size_text(config.values_cache)),
        sample: "",
        doc: "Memory for values and idempotency keys of all workspaces together; the others lie in the data directory, in `image`.",
    },
    Setting {
        key: "clock.jump",
        variable: "DEEDS_CLOCK_JUMP",
        kind: Kind::Text,
        set: |config, text| {
            let jump = text.parse().ok().filter(|jump: &Span| jump.micros() > 0);
            config.clock_jump =
                jump.ok_or_else(|| wrong("a span of time", text, "write it like 1h or 30min"))?;
            Ok(())
        },
        default: |config| Some(config.clock_jump.to_string()),
        sample: "",
        doc: "How far the machine's clock may jump and is still believed. Beyond it time goes on from before, until a person says that the clock is right.",
    },
    Setting {
        key: "keymap",
        variable: "DEEDS_KEYMAP",
        kind: Kind::Path,
        set: |config, text| put_path(&mut config.keymap, text),
        default: |_| None,
        sample: "keymap.toml",
        doc: "Keys laid over the built-in ones; the console's help (`?`) names every key and action.",
    },
    Setting {
        key: "theme",
        variable: "DEEDS_THEME",
        kind: Kind::Text,
        set: |config, text| {
            let mend = format!("use one of {}", theme_names());
            config.theme = theme::Choice::named(text).ok_or_else(|| wrong("a theme", text, &mend))?;
            Ok(())
        },
        default: |config| Some(theme_name(config.theme).to_owned()),
        sample: "",
        doc: "Colours: auto, dark, light (the terminal's own, where they can be read), true-dark, true-light, high-contrast, colour-safe or mono. NO_COLOR in the environment is respected.",
    },
    Setting {
        key: "theme_file",
        variable: "DEEDS_THEME_FILE",
        kind: Kind::Path,
        set: |config, text| put_path(&mut config.theme_file, text),
        default: |_| None,
        sample: "theme.toml",
        doc: "Your own colours laid over the theme: lines like `accent = \"#88c0d0\"`, with a name (bright-blue) or a number up to 255 too. What can't be read on your background is told and left as it was. It is read again when it changes.",
    },
    Setting {
        key: "timezone",
        variable: "DEEDS_TIMEZONE",
        kind: Kind::Text,
        set: |config, text| {
            config.timezone = Timezone::named(text).ok_or_else(|| {
                let mend = "use workspace, local, or a name of the tz database such as Europe/Madrid";
                wrong("a timezone", text, mend)
            })?;
            Ok(())
        },
        default: |config| Some(config.timezone.to_string()),
        sample: "",
        doc: "In which timezone the console tells times: workspace (as its map says), local (this machine's), or one by its name.",
    },
    Setting {
        key: "ascii",
        variable: "DEEDS_ASCII",
        kind: Kind::Flag,
        set: |config, text| put_flag(&mut config.ascii, text),
        default: |config| Some(config.ascii.to_string()),
        sample: "",
        doc: "Plain ASCII instead of lines and symbols, for terminals and fonts that lack them.",
    },
    Setting {
        key: "linear",
        variable: "DEEDS_LINEAR",
        kind: Kind::Flag,
        set: |config, text| put_flag(&mut config.linear, text),
        default: |config| Some(config.linear.to_string()),
        sample: "",
        doc: "The console as lines that are only ever added to, for screen readers: each view and each box in words, without boxes, colours or a cursor that moves.",
    },
    Setting {
        key: "mouse",
        variable: "DEEDS_MOUSE",
        kind: Kind::Flag,
        set: |config, text| put_flag(&mut config.mouse, text),
        default: |config| Some(config.mouse.to_string()),
        sample: "",
        doc: "Whether the console takes the mouse. Without it, the terminal's own selection works as always.",
    },
    Setting {
        key: "title",
        variable: "DEEDS_TITLE",
        kind: Kind::Flag,
        set: |config, text| put_flag(&mut config.title, text),
        default: |config| Some(config.title.to_string()),
        sample: "",
        doc: "Whether the window's title says what waits: the workspace, its cases and conflicts. The title from before comes back at the end, where the terminal keeps it.",
    },
    Setting {
        key: "links",
        variable: "DEEDS_LINKS",
        kind: Kind::Flag,
        set: |config, text| put_flag(&mut config.links, text),
        default: |config| Some(config.links.to_string()),
        sample: "",
        doc: "Whether http and https addresses on the console's screen are links, where the terminal is known to have them. They lead to exactly what is shown.",
    },
    Setting {
        key: "notify",
        variable: "DEEDS_NOTIFY",
        kind: Kind::Text,
        set: |config, text| {
            let mend = format!("use one of {}", Notify::NAMES.map(|(name, _)| name).join(", "));
            config.notify = Notify::named(text).ok_or_else(|| wrong("a way to be told", text, &mend))?;
            Ok(())
        },
        default: |config| Some(config.notify.name().to_owned()),
        sample: "",
        doc: "How the console tells you of a new critical alert and of a case that becomes overdue while you look elsewhere: off, bell, terminal (a notification, where the terminal is known to show them, else the bell) or desktop (this machine's).",
    },
    Setting {
        key: "keep",
        variable: "DEEDS_KEEP",
        kind: Kind::Flag,
        set: |config, text| put_flag(&mut config.keep, text),
        default: |config| Some(config.keep.to_string()),
        sample: "",
        doc: "Whether the console keeps for its next start where you were, saved and recent filters, bookmarks, and texts that were typed and not sent: in $XDG_STATE_HOME/deeds/console.json (on macOS beside the data), for you alone.",
    },
    Setting {
        key: "synchronized_output",
        variable: "DEEDS_SYNCHRONIZED_OUTPUT",
        kind: Kind::Flag,
        set: |config, text| put_flag(&mut config.synchronized_output, text),
        default: |config| Some(config.synchronized_output.to_string()),
        sample: "",
        doc: "Sends each frame as one update. Turn it off if your terminal shows stray characters.",
    },
    Setting {
        key: "hook.default",
        variable: "DEEDS_HOOK_DEFAULT",
        kind: Kind::Text,
        set: |config, text| {
            let named = HookDefault::NAMES.into_iter().find(|(name, _)| *name == text);
            let (_, meant) = named.ok_or_else(|| wrong("an answer", text, "use one of allow, deny, ask"))?;
            config.hook_default = meant;
            Ok(())
        },
        default: |config| Some(config.hook_default.name().to_owned()),
        sample: "",
        doc: "What `deeds hook` answers where it can't decide: allow, deny or ask. The git hook takes ask as deny; with allow, Claude Code still goes by its own permissions.",
    },
    Setting {
        key: "hook.agent",
        variable: "DEEDS_AGENT",
        kind: Kind::Text,
        set: |config, text| {
            let mend = "write the id that it has on the map";
            config.hook_agent = Some(text.parse().map_err(|_| wrong("an agent's name", text, mend))?);
            Ok(())
        },
        default: |_| None,
        sample: "docs-writer",
        doc: "The agent whose changes `deeds hook` looks at. The git hook also takes it from `git config deeds.agent`.",
    },
    Setting {
        key: "hook.prefix",
        variable: "DEEDS_HOOK_PREFIX",
        kind: Kind::Text,
        set: |config, text| {
            let mend = "write it like files or repo/backend";
            config.hook_prefix = text.parse().map_err(|_| wrong("a place on the map", text, mend))?;
            Ok(())
        },
        default: |config| Some(config.hook_prefix.to_string()),
        sample: "",
        doc: "Where a repository's files are on the map: docs/plan.md is files/docs/plan.md.",
    },
];

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
