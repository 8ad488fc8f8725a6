//! `deeds keys`: the SSH keys that people sign their decisions with.

use std::path::{Path, PathBuf};

use clap::Subcommand;

use super::context::Context;
use super::datadir::read_small;
use super::list::{List, of};
use super::status::{Status, Usage};
use super::{output, reply, session};
use crate::api::{KeyList, KeyView};
use crate::domain::command::{Command as Order, KeyStep};
use crate::domain::ids::PersonId;
use crate::domain::signature::{NAMESPACE, SignKey};
use crate::domain::time::{Span, Time};

/// What is done with keys.
#[derive(Debug, Subcommand)]
#[command(
    after_help = "Examples:\n  deeds keys add ~/.ssh/id_ed25519.pub   name a key of yours; without a file the one in your ssh-agent\n  deeds keys confirm sam SHA256:qz…      it is sam's; sam has told you so\n  deeds keys allowed-signers > allowed   what `ssh-keygen -Y verify` and `deeds verify --signatures` check by\n\nA first key counts when it comes with an invitation (`deeds join --key FILE`), a later one when an earlier one signs for\nit or another admin confirms it. `signed = true` on a [[queue]] of the map asks for signatures there."
)]
pub(crate) enum Command {
    /// Every key, and whose it is
    List,
    /// Name a key of your own
    Add {
        /// The file with its public half; the key in your ssh-agent if none is named
        file: Option<PathBuf>,
    },
    /// Say as an admin that a key that waits is the person's
    Confirm {
        /// Whose it is
        person: PersonId,
        /// The key's fingerprint, SHA256:…
        key: String,
    },
    /// End a key: what it signs from now on does not count
    Revoke {
        /// Whose it is
        person: PersonId,
        /// The key's fingerprint, SHA256:…
        key: String,
    },
    /// The keys that count, as a file of allowed signers
    AllowedSigners,
}

const LIST: List<KeyList, KeyView> = List {
    none: "nobody has named a key; `deeds keys add` does",
    rows: |list| list.keys.iter().collect(),
    columns: &[
        of("PERSON", |key| key.person.to_string()),
        of("KEY", |key| key.fingerprint.to_string()),
        of("KIND", |key| key.key.kind().to_owned()),
        of("COUNTS", |key| {
            let until = key.ended.map(|end| format!(", until {end}")).unwrap_or_default();
            if key.offered { "once confirmed".to_owned() } else { format!("from deed {}{until}", key.since) }
        }),
        of("SINCE", |key| key.at.to_string()),
    ],
};

/// Runs it.
pub(super) fn run(context: &Context, command: Command) -> anyhow::Result<Status> {
    match command {
        Command::List => session::with_client(context, async |client| {
            LIST.print(context.out, client, &client.keys().await?).await
        }),
        Command::Add { file } => {
            let key = named(file.as_deref())?;
            reply::ask(context, &Order::Key(KeyStep::Add { key }))
        }
        Command::Confirm { person, key } => {
            reply::ask(context, &Order::Key(KeyStep::Confirm { person, key: key.into() }))
        }
        Command::Revoke { person, key } => {
            reply::ask(context, &Order::Key(KeyStep::Revoke { person, key: key.into() }))
        }
        Command::AllowedSigners => session::with_client(context, async |client| {
            for one in client.keys().await?.keys.iter().filter(|one| !one.offered) {
                // A second later, so that what was signed in that very second still holds.
                let end = |end: Time| end.plus(Span::from_secs(1)).utc().format("%Y%m%d%H%M%SZ").to_string();
                let until = one.ended.map(|at| format!(",valid-before=\"{}\"", end(at))).unwrap_or_default();
                output::line(format!("{} namespaces=\"{NAMESPACE}\"{until} {}", one.person, one.key))?;
            }
            Ok(Status::Done)
        }),
    }
}

/// The key in that file; without a file the one that the ssh-agent has.
pub(super) fn named(file: Option<&Path>) -> anyhow::Result<SignKey> {
    if let Some(file) = file {
        let place = file.display();
        let text = read_small(file)
            .map_err(|error| Usage::error(format!("{place}: {error}; name the `.pub` file of your key")))?;
        let keys = text.lines().filter(|line| !line.trim().is_empty()).count();
        if keys > 1 {
            return Err(Usage::error(format!("{place}: it has {keys} lines; name a file with one key")));
        }
        return text.parse().map_err(|error| Usage::error(format!("{place}: {error}")));
    }
    let Some(agent) = session::agent_of_keys() else {
        let why = "no ssh-agent is there (SSH_AUTH_SOCK); start one, or name the `.pub` file of your key";
        return Err(Usage::error(why));
    };
    let mut keys = agent.keys()?;
    match (keys.pop(), keys.as_slice()) {
        (Some(key), []) => Ok(key),
        (None, _) => {
            Err(Usage::error("your ssh-agent has no key that can sign here; `ssh-add` gives it one"))
        }
        (Some(last), others) => {
            let all: Vec<String> =
                others.iter().chain([&last]).map(|key| key.fingerprint().to_string()).collect();
            Err(Usage::error(format!("your ssh-agent has {}; name the `.pub` file of one", all.join(", "))))
        }
    }
}
