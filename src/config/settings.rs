//! The table of settings: a row for each says how it is called, what it takes, what it is without being set, and what it is for.

use super::reading::{Wrong, put_flag, put_number, put_path, put_size, server_url, size_text, wrong};
use super::{Config, HookDefault, Timezone, theme_name, theme_names};
use crate::console::notify::Notify;
use crate::console::theme;
use crate::domain::time::Span;
use crate::ledger::engine::{Choice, ENGINES, Secret};

/// What a setting takes in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
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
pub(super) struct Setting {
    pub(super) key: &'static str,
    pub(super) variable: &'static str,
    pub(super) kind: Kind,
    /// Sets it from text; says what is wrong, and the mend.
    pub(super) set: fn(&mut Config, &str) -> Result<(), Wrong>,
    /// Its value, where it has one without being set.
    pub(super) default: fn(&Config) -> Option<String>,
    /// A value for the example file, where there is no default.
    pub(super) sample: &'static str,
    pub(super) doc: &'static str,
}

/// Every setting, in the order of the example file.
pub(super) const SETTINGS: &[Setting] = &[
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
        doc: "The database that keeps the ledgers where the engine is postgres; several hosts are tried in turn. Several databases, with spaces between them, share the workspaces.",
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
        key: "cluster.advertise",
        variable: "DEEDS_CLUSTER_ADVERTISE",
        kind: Kind::Text,
        set: |config, text| {
            config.cluster_advertise = Some(server_url(text)?);
            Ok(())
        },
        default: |_| None,
        sample: "https://deeds-1.internal:4170",
        doc: "Where the other nodes on the same database reach this one; where it listens, if that is neither loopback nor everywhere.",
    },
    Setting {
        key: "cluster.secret_file",
        variable: "DEEDS_CLUSTER_SECRET_FILE",
        kind: Kind::Path,
        set: |config, text| put_path(&mut config.cluster_secret, text),
        default: |_| None,
        sample: "/etc/deeds/cluster",
        doc: "A file that all nodes have alike, readable by you alone: at least 32 random characters. A node that speaks no TLS shows another one that it knows them before it is sent anything.",
    },
    Setting {
        key: "checkpoint.key_file",
        variable: "DEEDS_CHECKPOINT_KEY_FILE",
        kind: Kind::Path,
        set: |config, text| put_path(&mut config.checkpoint_key, text),
        default: |_| None,
        sample: "/etc/deeds/signing.key",
        doc: "The key that signs checkpoints, such as one that several nodes share: a copy of the first one's `signing.key`, readable by you alone. Without it each data directory has its own.",
    },
    Setting {
        key: "ledger.postgres_standbys",
        variable: "DEEDS_LEDGER_POSTGRES_STANDBYS",
        kind: Kind::Number,
        set: |config, text| put_number(&mut config.ledger_reached.standbys, text),
        default: |config| Some(config.ledger_reached.standbys.to_string()),
        sample: "",
        doc: "How many synchronous standbys the database is promised to have. Where it has fewer, servers and `deeds doctor` say so.",
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
