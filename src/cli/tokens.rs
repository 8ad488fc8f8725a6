//! `deeds tokens`: who may come in. A secret is shown once, on standard output or in a file of its owner's alone.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use clap::{Args, Subcommand, ValueEnum};

use super::context::Context;
use super::output::{self, Output};
use super::status::Status;
use super::{reply, session, token};
use crate::api::{NewToken, TokenView};
use crate::client::Client;
use crate::domain::ids::TokenId;
use crate::domain::things::TokenClass;
use crate::domain::time::Span;

/// What is done with tokens.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a token; its secret is printed this once
    Create(Create),
    /// Every token of the workspace, without secrets
    List,
    /// End a token at once
    Revoke {
        /// The token's id, as in the list
        id: TokenId,
    },
}

/// A token to make.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  deeds tokens create agent intake --out intake.token\n  curl -H @intake.token http://127.0.0.1:4170/v1/scope\n  deeds tokens create reviewer sam --expires 90d --out sam.token"
)]
pub(crate) struct Create {
    /// What it allows
    class: Class,
    /// The agent's id or the person's name
    name: String,
    /// When it ends by itself: 12h, 90d
    #[arg(long, value_name = "SPAN")]
    expires: Option<Span>,
    /// Put it into a new file, readable by you alone, that `curl -H @FILE` takes
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// The four classes.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Class {
    /// A program
    Agent,
    /// Only looks
    Watcher,
    /// Answers what its queues hold
    Reviewer,
    /// Changes the map and the tokens
    Admin,
}

impl From<Class> for TokenClass {
    fn from(class: Class) -> Self {
        match class {
            Class::Agent => Self::Agent,
            Class::Watcher => Self::Watcher,
            Class::Reviewer => Self::Reviewer,
            Class::Admin => Self::Admin,
        }
    }
}

/// Runs it.
pub(super) fn run(context: &Context, command: Command) -> anyhow::Result<Status> {
    let out = context.out;
    session::with_client(context, async |client| match command {
        Command::Create(token) => create(out, client, token).await,
        Command::List => list(out, client).await,
        Command::Revoke { id } => reply::tell(out, &client.revoke_token(&id).await?),
    })
}

async fn create(out: Output, client: &Client, wanted: Create) -> anyhow::Result<Status> {
    // The file comes first: a token whose file can't be made would be lost.
    let file = wanted.out.as_deref().map(new_file).transpose()?;
    let made = make(client, &wanted).await;
    if let (Some(path), false) = (&wanted.out, matches!(&made, Ok(made) if made.token.is_some())) {
        std::fs::remove_file(path).unwrap_or_default();
    }
    let made = made?;
    let (Some(secret), Some(id)) = (&made.token, &made.id) else { return reply::tell(out, &made.reply) };
    if let (Some(mut file), Some(path)) = (file, &wanted.out) {
        file.write_all(token::header_file(secret).as_bytes())
            .and_then(|()| file.sync_all())
            .with_context(|| format!("{}: revoke {id} and create another token", path.display()))?;
        if out.json {
            output::json(&serde_json::json!({ "id": id, "file": path }))?;
        } else {
            out.faint(format!("token {id} is in {}", path.display()))?;
        }
    } else if out.json {
        output::json(&made)?;
    } else {
        output::line(secret)?;
    }
    Ok(Status::Done)
}

async fn make(client: &Client, wanted: &Create) -> anyhow::Result<crate::api::TokenMade> {
    let expires = match wanted.expires {
        Some(span) => Some(client.whoami().await?.server.now.plus(span)),
        None => None,
    };
    let token = NewToken { class: wanted.class.into(), name: Arc::from(wanted.name.as_str()), expires };
    Ok(client.create_token(&token).await?)
}

fn new_file(path: &Path) -> anyhow::Result<std::fs::File> {
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    made.map_err(|error| {
        super::status::Usage::error(format!(
            "{}: {error}; name a new file in a directory that you may write",
            path.display()
        ))
    })
}

async fn list(out: Output, client: &Client) -> anyhow::Result<Status> {
    let list = client.tokens().await?;
    if out.json {
        output::json(&list)?;
    } else {
        let rows: Vec<_> = list.tokens.iter().map(row).collect();
        out.table(&["ID", "CLASS", "NAME", "STATE", "MADE BY", "MADE", "ENDS"], &rows)?;
    }
    Ok(Status::Done)
}

fn row(token: &TokenView) -> Vec<String> {
    let state = match (token.live, token.revoked) {
        (true, _) => "live",
        (false, Some(_)) => "revoked",
        (false, None) => "expired",
    };
    vec![
        token.id.to_string(),
        token.class.as_str().to_owned(),
        token.name.to_string(),
        state.to_owned(),
        token.by.to_string(),
        token.at.to_string(),
        token.expires.map(|at| at.to_string()).unwrap_or_default(),
    ]
}
