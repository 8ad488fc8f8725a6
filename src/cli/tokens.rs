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
use super::{reply, session, token};
use crate::api::{NewInvitation, NewToken, TokenList, TokenView};
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
    /// Invite a person to make a token of their own, once and soon; the invitation is printed this once
    Invite(Invite),
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
    after_help = "Examples:\n  deeds tokens create agent intake --out intake.token\n  curl -H @intake.token http://127.0.0.1:4170/v1/scope\n  deeds tokens create watcher wall --expires 90d --out wall.token\n\nPeople who decide make their own: `deeds tokens invite`, `deeds join`."
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

/// A person to invite.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  deeds tokens invite reviewer sam --out sam.invitation\n  deeds tokens invite admin kim --within 2h --expires 90d\n\nHand the file to that person; `deeds join FILE` makes their token, once. A token in a person's name is made by nobody else."
)]
pub(crate) struct Invite {
    /// What the token will allow
    class: Invitee,
    /// The person's name
    name: Arc<str>,
    /// Until when it may be taken: 2h, 3d; a day if nothing is said, a week at most
    #[arg(long, value_name = "SPAN")]
    within: Option<Span>,
    /// When the token ends by itself: 12h, 90d
    #[arg(long, value_name = "SPAN")]
    expires: Option<Span>,
    /// Put the invitation into a new file, readable by you alone
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Who makes a token of their own.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Invitee {
    /// Only looks
    Watcher,
    /// Answers what its queues hold
    Reviewer,
    /// Changes the map and the tokens
    Admin,
}

impl From<Invitee> for TokenClass {
    fn from(class: Invitee) -> Self {
        match class {
            Invitee::Watcher => Self::Watcher,
            Invitee::Reviewer => Self::Reviewer,
            Invitee::Admin => Self::Admin,
        }
    }
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
        Command::Invite(invite) => {
            session::with_client(context, async |client| invited(out, client, invite).await)
        }
        Command::List => session::with_client(context, async |client| {
            let found = client.tokens().await?;
            let status = LIST.print(out, client, &found).await?;
            for one in found.invitations.iter().filter(|_| !out.json) {
                let (class, until) = (one.class.as_str(), one.until);
                out.faint(format!(
                    "{} is invited as {class}, until {until} (invitation {})",
                    one.name, one.id
                ))?;
            }
            Ok(status)
        }),
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
    warn(made.warning.as_deref());
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

async fn invited(out: Output, client: &Client, wanted: Invite) -> anyhow::Result<Status> {
    let file = wanted.out.as_deref().map(new_file).transpose()?;
    let now = client.whoami().await?.server.now;
    let invitation = NewInvitation {
        class: wanted.class.into(),
        name: wanted.name,
        until: wanted.within.map(|span| now.plus(span)),
        expires: wanted.expires.map(|span| now.plus(span)),
    };
    let made = client.invite(&invitation).await;
    if let (Some(path), false) = (&wanted.out, matches!(&made, Ok(made) if made.invitation.is_some())) {
        std::fs::remove_file(path).unwrap_or_default();
    }
    let made = made?;
    warn(made.warning.as_deref());
    let (Some(secret), Some(id)) = (&made.invitation, &made.id) else { return reply::tell(out, &made.reply) };
    if let (Some(mut file), Some(path)) = (file, &wanted.out) {
        file.write_all(format!("{secret}\n").as_bytes())
            .and_then(|()| file.sync_all())
            .with_context(|| format!("{}: revoke {id} and invite once more", path.display()))?;
        out.show(&serde_json::json!({ "id": id, "file": path, "until": made.until }), || {
            let (file, url) = (path.display(), client.base_url());
            out.faint(format!(
                "invitation {id} is in {file}, until {}; `deeds join {file} --connect {url}` takes it",
                list::maybe(made.until)
            ))
        })?;
    } else {
        out.show(&made, || output::line(secret))?;
    }
    Ok(Status::Done)
}

fn warn(warning: Option<&str>) {
    if let Some(warning) = warning {
        output::complain(format!("warning: {}", output::visible(warning)));
    }
}

async fn make(client: &Client, wanted: &Create) -> anyhow::Result<crate::api::TokenMade> {
    let expires = match wanted.expires {
        Some(span) => Some(client.whoami().await?.server.now.plus(span)),
        None => None,
    };
    let token = NewToken { class: wanted.class.into(), name: Arc::clone(&wanted.name), expires };
    Ok(client.create_token(&token).await?)
}

pub(super) fn new_file(path: &Path) -> anyhow::Result<std::fs::File> {
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
            match (token.live, token.revoked) {
                // Whoever has two may not know of the second.
                (true, _) if token.of_the_name > 1 => format!("live, 1 of {}", token.of_the_name),
                (true, _) => "live".to_owned(),
                (false, Some(_)) => "revoked".to_owned(),
                (false, None) => "expired".to_owned(),
            }
        }),
        of("MADE BY", |token| list::who(&token.by)),
        of("MADE", |token| token.at.to_string()),
        of("ENDS", |token| list::maybe(token.expires)),
    ],
};
