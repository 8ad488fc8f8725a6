//! The tree of commands as people type it, and what all commands share.

use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand};

use super::datadir::DataDir;
use super::output::Output;
use super::then::Then;
use super::{
    agents, alerts, backup, claim, conclude, console, demo, doctor, entity, fan_outs, handoffs, hook, import,
    inbox, leases, log, man, map, outputs, overrides, raise, readiness, review, serve, tokens, trace, verify,
    who_owns, work, workspaces,
};
use crate::client::Url;
use crate::config::{self, Config};
use crate::domain::ids::WorkspaceId;

const EXAMPLES: &str = "\
Examples:
  deeds                                   open the console; a server for agents runs inside it
  deeds demo                              the same on three sample teams at work
  deeds inbox list                        what waits for a person's decision
  deeds log 'outcome:refused since:2h'    what was refused in the last two hours
  deeds who-owns 'crm/contact/acme#status'
  deeds --connect http://host:4170 --token-file ~/token

Exit status: 0 done, 1 the answer is no, 2 used wrongly, 3 could not reach or failed.
Settings: flags go before DEEDS_* in the environment, those before the configuration file.";

/// Who may write what in a team of agents: decided, recorded and shown.
#[derive(Debug, Parser)]
#[command(name = "deeds", version, about = "Who may write what in a team of agents: decided, recorded and shown", after_help = EXAMPLES, max_term_width = 110)]
#[command(subcommand_negates_reqs = true, disable_help_subcommand = true)]
pub(crate) struct Arguments {
    /// What all commands take.
    #[command(flatten)]
    pub(crate) global: Global,
    /// What the console takes.
    #[command(flatten)]
    pub(crate) console: ConsoleFlags,
    /// The command; the console without one.
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// The commands; each lives in a file of its own.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Three sample teams at work, and the console on them
    Demo(demo::Command),
    /// The server alone, until it is asked to stop
    Serve(serve::Command),
    /// The decisions that people owe: list, show, answer, undo
    #[command(subcommand)]
    Inbox(inbox::Command),
    /// The ledger: filtered, followed, exported
    Log(log::Command),
    /// What happened to a record or a field; what led to a deed, and what it led to
    Trace(trace::Command),
    /// What a record holds, now or at an earlier time
    Entity(entity::Command),
    /// Who may write a field, who answers for it, what it holds now
    WhoOwns(who_owns::Command),
    /// Detected conflicts: list, acknowledge, resolve, send to the inbox
    #[command(args_conflicts_with_subcommands = true)]
    Alerts {
        #[command(flatten)]
        then: Then,
        #[command(subcommand)]
        command: Option<alerts::Command>,
    },
    /// Sessions over a queue: status, start, end
    Review {
        #[command(subcommand)]
        command: Option<review::Command>,
    },
    /// What waits in the agents' work streams: list, take, complete, accept, decline, fail, return
    Work(work::Command),
    /// Say that something happened; the agent that it wakes gets it as work
    Raise(raise::Command),
    /// Ask whether an event that an agent heard of by itself is its to handle
    Claim(claim::Command),
    /// Tasks that go from agent to agent: list, show, give
    Handoffs {
        #[command(subcommand)]
        command: Option<handoffs::Command>,
    },
    /// Independent pieces of work at once: list, show, start
    FanOuts {
        #[command(subcommand)]
        command: Option<fan_outs::Command>,
    },
    /// Bounded-time locks: list, acquire, renew, release, transfer
    Leases {
        #[command(subcommand)]
        command: Option<leases::Command>,
    },
    /// Where agents publish: list, publish
    Outputs {
        #[command(subcommand)]
        command: Option<outputs::Command>,
    },
    /// Tell what an agent found out
    Conclude(conclude::Command),
    /// Who acts here: liveness, owner, zone, what was stopped, gates
    Agents(agents::Command),
    /// How far each agent and the team are; with --with, whether more agents may join
    Readiness(readiness::Command),
    /// The ownership map: check a file, show the map in force, plan and apply a new one, record a review
    #[command(subcommand)]
    Map(map::Command),
    /// Step in: freeze, pause, set, revert, unlock; each with a reason
    #[command(subcommand)]
    Override(overrides::Command),
    /// Who may come in: create, list and revoke tokens
    #[command(subcommand)]
    Tokens(tokens::Command),
    /// The teams on one server: list, create
    Workspaces {
        #[command(subcommand)]
        command: Option<workspaces::Command>,
    },
    /// Guards for coding agents: whether a change to a file is in the agent's zone
    #[command(subcommand)]
    Hook(hook::Command),
    /// Take in another system's history
    #[command(subcommand)]
    Import(import::Command),
    /// Verify the ledger's hash chain, from the database or from an export
    Verify(verify::Command),
    /// Copy every ledger into one file, also while a server runs
    Backup(backup::Command),
    /// Bring a backup into an empty data directory, and verify it
    Restore(backup::RestoreCommand),
    /// What is wrong here, and the mend
    #[command(after_help = doctor::EXAMPLES)]
    Doctor,
    /// Print the manual pages
    Man(man::Command),
    /// Print one frame of the console as text
    Screen(console::ScreenCommand),
    /// Print shell completions
    #[command(
        after_help = "Examples:\n  deeds completions bash > ~/.local/share/bash-completion/completions/deeds\n  deeds completions zsh > \"${fpath[1]}/_deeds\"\n  deeds completions fish > ~/.config/fish/completions/deeds.fish"
    )]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// What all commands take.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Where and who")]
pub(crate) struct Global {
    /// Where ledgers and tokens are kept
    #[arg(long, global = true, value_name = "DIR", display_order = 900)]
    pub(crate) data_dir: Option<PathBuf>,
    /// A server elsewhere, instead of the one in this process
    #[arg(long, global = true, value_name = "URL", value_parser = config::parse_server_url, display_order = 901)]
    pub(crate) connect: Option<Url>,
    /// A file that holds the token to sign in with
    #[arg(long, global = true, value_name = "FILE", display_order = 902)]
    pub(crate) token_file: Option<PathBuf>,
    /// Send the token to a server on another machine although there is no TLS
    #[arg(long, global = true, display_order = 903)]
    pub(crate) allow_plaintext: bool,
    /// The workspace: one team of agents
    #[arg(long, short, global = true, value_name = "NAME", display_order = 903)]
    pub(crate) workspace: Option<WorkspaceId>,
    /// The configuration file
    #[arg(long, global = true, value_name = "FILE", display_order = 904)]
    pub(crate) config: Option<PathBuf>,
    /// Print JSON for programs instead of text for people
    #[arg(long, global = true, display_order = 905)]
    pub(crate) json: bool,
}

/// What the console takes.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Console")]
pub(crate) struct ConsoleFlags {
    /// Colours
    #[arg(long, value_name = "NAME", value_parser = ["auto", "dark", "light", "colour-safe", "mono"])]
    pub(crate) theme: Option<String>,
    /// Plain ASCII instead of lines and symbols
    #[arg(long)]
    pub(crate) ascii: bool,
    /// Leave the mouse to the terminal
    #[arg(long)]
    pub(crate) no_mouse: bool,
    /// Keys laid over the built-in ones
    #[arg(long, value_name = "FILE")]
    pub(crate) keymap: Option<PathBuf>,
}

impl ConsoleFlags {
    /// These, and where they say nothing, what was said before the command.
    fn over(&self, before: &Self) -> Self {
        Self {
            theme: self.theme.clone().or_else(|| before.theme.clone()),
            ascii: self.ascii || before.ascii,
            no_mouse: self.no_mouse || before.no_mouse,
            keymap: self.keymap.clone().or_else(|| before.keymap.clone()),
        }
    }
}

/// What a command runs with.
#[derive(Debug, Clone)]
pub(crate) struct Context {
    /// The settings, flags laid over them.
    pub(crate) config: Config,
    /// The configuration file that was read, if there is one.
    pub(crate) config_file: Option<PathBuf>,
    /// The data directory that a flag names; the demo asks for no other.
    pub(crate) data_dir_flag: Option<PathBuf>,
    /// The token file that a flag names; it goes before the environment.
    pub(crate) token_file: Option<PathBuf>,
    /// Where answers go.
    pub(crate) out: Output,
}

impl Arguments {
    /// What the console is told: before the command, and after it where the command opens one.
    pub(crate) fn console_flags(&self) -> ConsoleFlags {
        match &self.command {
            Some(Command::Demo(demo)) => demo.console.over(&self.console),
            Some(_) | None => self.console.clone(),
        }
    }
}

impl Context {
    /// Reads the configuration and lays the flags over it.
    ///
    /// # Errors
    /// At the first thing that is wrong with the configuration.
    pub(crate) fn new(global: &Global, console: &ConsoleFlags) -> anyhow::Result<Self> {
        let environment = |name: &str| std::env::var(name).ok();
        let mut config = config::load(global.config.as_deref(), environment)?;
        if let Some(data_dir) = &global.data_dir {
            config.data_dir = Some(data_dir.clone());
            // Who names a directory here means that one, whatever server the file names.
            config.connect = None;
        }
        lay_over(&mut config.connect, global.connect.as_ref());
        lay_over(&mut config.workspace, global.workspace.as_ref());
        lay_over(&mut config.token_file, global.token_file.as_ref());
        lay_over(&mut config.keymap, console.keymap.as_ref());
        if let Some(theme) = console.theme.as_deref().and_then(crate::console::theme::Choice::named) {
            config.theme = theme;
        }
        config.allow_plaintext |= global.allow_plaintext;
        config.ascii |= console.ascii;
        config.mouse &= !console.no_mouse;
        let meant = config::file_meant(global.config.as_deref(), environment);
        Ok(Self {
            config,
            config_file: meant.map(|(path, _)| path).filter(|path| path.exists()),
            data_dir_flag: global.data_dir.clone(),
            token_file: global.token_file.clone(),
            out: Output::stdout(global.json),
        })
    }

    /// The data directory that is meant, made if there is none.
    ///
    /// # Errors
    /// When none is named and the platform names none, or it can't be used.
    pub(crate) fn open_dir(&self) -> anyhow::Result<DataDir> {
        Ok(DataDir::open(&self.data_dir()?, self.config.ledger_engine)?)
    }

    /// The data directory that is meant, as it is.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) fn existing_dir(&self) -> anyhow::Result<DataDir> {
        Ok(DataDir::existing(&self.data_dir()?, self.config.ledger_engine)?)
    }

    /// Where the data directory is that is meant.
    ///
    /// # Errors
    /// When none is named and the platform names none.
    pub(crate) fn data_dir(&self) -> anyhow::Result<PathBuf> {
        if let Some(data_dir) = &self.config.data_dir {
            return Ok(data_dir.clone());
        }
        let dirs = directories::ProjectDirs::from("", "", "deeds");
        dirs.map(|dirs| dirs.data_local_dir().to_owned()).ok_or_else(|| {
            super::status::Usage::error(
                "there is no home directory to keep data in; name a directory with --data-dir",
            )
        })
    }
}

fn lay_over<T: Clone>(setting: &mut Option<T>, flag: Option<&T>) {
    if let Some(value) = flag {
        *setting = Some(value.clone());
    }
}

/// A file that a person named, as text.
///
/// # Errors
/// When it can't be read, is not text, or is longer than `max` bytes.
pub(crate) fn read_text(path: &Path, max: u64) -> anyhow::Result<String> {
    use std::io::Read as _;

    let shown = path.display();
    let file = std::fs::File::open(path).map_err(|error| {
        super::status::Usage::error(format!("{shown}: {error}; name a file that you may read"))
    })?;
    let mut bytes = Vec::new();
    file.take(max + 1).read_to_end(&mut bytes).map_err(|error| {
        super::status::Usage::error(format!("{shown}: {error}; name a file that you may read"))
    })?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > max {
        return Err(super::status::Usage::error(format!(
            "{shown}: it has more than {max} bytes; name the right file"
        )));
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        super::status::Usage::error(format!("{shown}: byte {at} is not UTF-8 text; save the file as UTF-8"))
    })
}
