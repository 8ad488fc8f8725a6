//! A guard's way to a server that runs already: under a token of its own class, which is kept beside the person's. The
//! person's own token is used once, to make that one.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::signin::person_of;
use super::{Place, Session, runtime, signin, workspace_named};
use crate::api::{NewToken, TokenText};
use crate::cli::context::Context;
use crate::cli::datadir::DataDir;
use crate::cli::token;
use crate::client::{self, Client, ClientError};
use crate::domain::things::TokenClass;

/// What an unknown token and one that has ended are answered with.
const NO_ENTRY: u16 = 401;

/// Asks a server that is running already, as a guard, and waits no longer than this; `None` where no server runs.
pub(in crate::cli) fn ask_as_guard<T>(
    context: &Context,
    limit: Duration,
    work: impl AsyncFnOnce(&Client) -> client::Result<T>,
) -> anyhow::Result<Option<T>> {
    let asked = async {
        let Some(session) = Session::guarding(context).await? else { return Ok(None) };
        let result = work(&session.client).await;
        session.end().await;
        Ok(Some(result?))
    };
    let runtime = runtime()?;
    let result = runtime.block_on(async { tokio::time::timeout(limit, asked).await });
    // A name that is still being looked up holds nobody up.
    runtime.shutdown_background();
    result.unwrap_or_else(|_| Err(anyhow::anyhow!("the server does not answer within {limit:?}")))
}

impl Session {
    /// Reaches a server that is running already, with the guard's token; with one that is made now, where there is none or
    /// it is good no more.
    async fn guarding(context: &Context) -> anyhow::Result<Option<Self>> {
        if let Some(file) = kept(context).filter(|file| file.exists()) {
            let own = Context { token_file: Some(file), ..context.clone() };
            match Self::running(&own).await {
                Err(error) if is_over(&error) => {}
                found => return found,
            }
        }
        let Some(mut session) = Self::running(context).await? else { return Ok(None) };
        session.become_guard(context).await?;
        Ok(Some(session))
    }

    /// Goes on under a guard's token, where this one may make it. Any other than an admin's stays: it was given for this.
    async fn become_guard(&mut self, context: &Context) -> anyhow::Result<()> {
        if let Some(new) = self.make_guard(context).await? {
            self.client = self.client.signed_by(new);
        }
        Ok(())
    }

    /// Makes sure that a guard finds a token of its own.
    pub(in crate::cli) async fn provide_guard(&self, context: &Context) -> anyhow::Result<()> {
        let there = kept(context).is_some_and(|file| file.exists());
        if there { Ok(()) } else { self.make_guard(context).await.map(drop) }
    }

    async fn make_guard(&self, context: &Context) -> anyhow::Result<Option<TokenText>> {
        if self.client.token().class != TokenClass::Admin {
            return Ok(None);
        }
        let dir = match &self.place {
            Place::Local { dir, .. } => dir.clone(),
            Place::Remote { .. } => context.open_dir()?,
        };
        let person = person_of(&dir);
        let name = Arc::from(person.as_str());
        let wanted = NewToken { class: TokenClass::Guard, name, expires: None };
        let made = self.client.create_token(&wanted).await?;
        let Some(secret) = made.token else {
            let why = made.reply.message.as_deref().unwrap_or("the server says nothing more");
            anyhow::bail!("no token could be made for the guard: {why}");
        };
        let new = token::parse(&secret, "the new token")?;
        let url = match &self.place {
            Place::Local { .. } => None,
            Place::Remote { url, .. } => Some(url),
        };
        let file = dir.guard_token_file(url, &new.workspace, &person);
        DataDir::keep_token(&file, &new)?;
        Ok(Some(new))
    }
}

/// Where the guard's token is kept for the workspace that is meant, if that can be told.
pub(in crate::cli) fn kept(context: &Context) -> Option<PathBuf> {
    let dir = context.existing_dir().ok()?;
    let url = context.config.connect.as_ref();
    let workspace = workspace_named(context).or_else(|| match url {
        None => signin::choose(&dir, None).ok(),
        Some(url) => signin::kept(Some(&dir), url, None).ok().map(|token| token.workspace),
    })?;
    Some(dir.guard_token_file(url, &workspace, &person_of(&dir)))
}

fn is_over(error: &anyhow::Error) -> bool {
    let problem = error.downcast_ref::<ClientError>().and_then(ClientError::problem);
    problem.is_some_and(|problem| problem.status == NO_ENTRY)
}
