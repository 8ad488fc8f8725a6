//! What all commands share: the flags that all of them take, the settings that come of them, the data directory that is
//! meant, and the files that a person names.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use clap::builder::PossibleValuesParser;

use super::datadir::DataDir;
use super::output::Output;
use super::status::Usage;
use crate::api::Fingerprint;
use crate::client::Url;
use crate::config::{self, Config};
use crate::console::theme::Choice;
use crate::domain::ids::{AgentId, WorkspaceId};

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
    /// The certificate of the server elsewhere, as `deeds serve` printed it; it is remembered
    #[arg(long, global = true, value_name = "SHA256", display_order = 903)]
    pub(crate) tls_fingerprint: Option<Fingerprint>,
    /// The ledger to sign decisions for at this server, where another one is remembered; it is from then on
    #[arg(long, global = true, value_name = "LEDGER", display_order = 903)]
    pub(crate) sign_for: Option<Arc<str>>,
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
    #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(Choice::NAMES.map(|(name, _)| name)))]
    pub(crate) theme: Option<String>,
    /// Plain ASCII instead of lines and symbols
    #[arg(long)]
    pub(crate) ascii: bool,
    /// Lines in words that are only added to, for screen readers
    #[arg(long)]
    pub(crate) linear: bool,
    /// Leave the mouse to the terminal
    #[arg(long)]
    pub(crate) no_mouse: bool,
    /// Keys laid over the built-in ones
    #[arg(long, value_name = "FILE")]
    pub(crate) keymap: Option<PathBuf>,
}

impl ConsoleFlags {
    /// These, and where they say nothing, what was said before the command.
    pub(crate) fn over(&self, before: &Self) -> Self {
        Self {
            theme: self.theme.clone().or_else(|| before.theme.clone()),
            ascii: self.ascii || before.ascii,
            linear: self.linear || before.linear,
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
    /// The certificate of the server elsewhere, as a flag says it.
    pub(crate) tls_fingerprint: Option<Fingerprint>,
    /// The ledger to sign for, as a flag says it.
    pub(crate) sign_for: Option<Arc<str>>,
    /// The agent that a command is asked as, by the admin of a workspace here.
    pub(crate) as_agent: Option<AgentId>,
    /// Where answers go.
    pub(crate) out: Output,
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
        if let Some(theme) = console.theme.as_deref().and_then(Choice::named) {
            config.theme = theme;
        }
        config.allow_plaintext |= global.allow_plaintext;
        config.ascii |= console.ascii;
        config.linear |= console.linear;
        config.mouse &= !console.no_mouse;
        let meant = config::file_meant(global.config.as_deref(), environment);
        Ok(Self {
            config,
            config_file: meant.map(|(path, _)| path).filter(|path| path.exists()),
            data_dir_flag: global.data_dir.clone(),
            token_file: global.token_file.clone(),
            tls_fingerprint: global.tls_fingerprint,
            sign_for: global.sign_for.clone(),
            as_agent: None,
            out: Output::stdout(global.json),
        })
    }

    /// The data directory that is meant, made if there is none.
    ///
    /// # Errors
    /// When none is named and the platform names none, or it can't be used.
    pub(crate) fn open_dir(&self) -> anyhow::Result<DataDir> {
        Ok(self.signed(DataDir::open(&self.data_dir()?, self.config.engine()?)?))
    }

    /// The data directory that is meant, as it is.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) fn existing_dir(&self) -> anyhow::Result<DataDir> {
        Ok(self.signed(DataDir::existing(&self.data_dir()?, self.config.engine()?)?))
    }

    /// The data directory that is meant, whosever it is and whoever may enter.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) fn dir_however(&self) -> anyhow::Result<DataDir> {
        Ok(self.signed(DataDir::however(&self.data_dir()?, self.config.engine()?)?))
    }

    fn signed(&self, dir: DataDir) -> DataDir {
        dir.signed_with(self.config.checkpoint_key.as_deref())
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
            Usage::error("there is no home directory to keep data in; name a directory with --data-dir")
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
    let file = std::fs::File::open(path)
        .map_err(|error| Usage::error(format!("{shown}: {error}; name a file that you may read")))?;
    let mut bytes = Vec::new();
    file.take(max + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| Usage::error(format!("{shown}: {error}; name a file that you may read")))?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > max {
        return Err(Usage::error(format!("{shown}: it has more than {max} bytes; name the right file")));
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        Usage::error(format!("{shown}: byte {at} is not UTF-8 text; save the file as UTF-8"))
    })
}
