//! `deeds tokens`: who may come in. A secret is shown once, on standard output or in a file of its owner's alone.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use clap::{Args, Subcommand, ValueEnum};

use super::context::Context;
use super::list::{self, List, of};
use super::output::{self, Output};
use super::status::Status;
use super::then::Then;
use super::{reply, session, token};
use crate::api::{NewToken, TokenList, TokenView};
use crate::client::Client;
use crate::domain::command::{Command as Order, TokenStep};
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
    name: Arc<str>,
    /// When it ends by itself: 12h, 90d
    #[arg(long, value_name = "SPAN")]
    expires: Option<Span>,
    /// Put it into a new file, readable by you alone, that `curl -H @FILE` takes
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// The five classes.
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
    /// For hooks: looks at the map, records what it saw or stopped
    Guard,
}

impl From<Class> for TokenClass {
    fn from(class: Class) -> Self {
        match class {
            Class::Agent => Self::Agent,
            Class::Watcher => Self::Watcher,
            Class::Reviewer => Self::Reviewer,
            Class::Admin => Self::Admin,
            Class::Guard => Self::Guard,
        }
    }
}

/// Runs it.
pub(super) fn run(context: &Context, command: Command) -> anyhow::Result<Status> {
    let out = context.out;
    match command {
        Command::Create(token) => {
            session::with_client(context, async |client| create(out, client, token).await)
        }
        Command::List => LIST.run(context, &Then::default(), Client::tokens),
        Command::Revoke { id } => reply::ask(context, &Order::Token(TokenStep::Revoke { token: id })),
    }
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
        out.show(&serde_json::json!({ "id": id, "file": path }), || {
            out.faint(format!("token {id} is in {}", path.display()))
        })?;
    } else {
        out.show(&made, || output::line(secret))?;
    }
    Ok(Status::Done)
}

async fn make(client: &Client, wanted: &Create) -> anyhow::Result<crate::api::TokenMade> {
    let expires = match wanted.expires {
        Some(span) => Some(client.whoami().await?.server.now.plus(span)),
        None => None,
    };
    let token = NewToken { class: wanted.class.into(), name: Arc::clone(&wanted.name), expires };
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

const LIST: List<TokenList, TokenView> = List {
    none: "there is no token",
    rows: |found| found.tokens.iter().collect(),
    columns: &[
        of("ID", |token| token.id.to_string()),
        of("CLASS", |token| token.class.as_str().to_owned()),
        of("NAME", |token| token.name.to_string()),
        of("STATE", |token| {
            let state = match (token.live, token.revoked) {
                (true, _) => "live",
                (false, Some(_)) => "revoked",
                (false, None) => "expired",
            };
            state.to_owned()
        }),
        of("MADE BY", |token| token.by.to_string()),
        of("MADE", |token| token.at.to_string()),
        of("ENDS", |token| list::maybe(token.expires)),
    ],
};
