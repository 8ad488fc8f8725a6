//! `deeds join`: a person makes their own token from an invitation, and keeps it.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;

use super::context::Context;
use super::datadir::{DataDir, read_small};
use super::status::{Status, Usage};
use super::{keys, output, reply, session};
use crate::api::{InvitationText, TokenText};

/// An invitation to take.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  deeds join sam.invitation --connect http://127.0.0.1:4170\n  deeds join sam.invitation --out sam.token\n\nAn admin makes the invitation with `deeds tokens invite`. It is taken once. The token lies in your data directory from\nthen on, so that `deeds --connect URL` signs you in; with --out it lies where you say."
)]
pub(crate) struct Join {
    /// The file with the invitation; it is no use afterwards
    file: PathBuf,
    /// Put the token into a new file, readable by you alone, instead of your data directory
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Name the key that you sign with, by its `.pub` file: it counts at once, where you have none yet
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
}

/// Runs it.
pub(super) fn run(context: &Context, join: &Join) -> anyhow::Result<Status> {
    let place = join.file.display();
    super::token::refuse_open(&join.file, "invitation")?;
    let text = read_small(&join.file)
        .map_err(|error| Usage::error(format!("{place}: {error}; name the file that you were given")))?;
    let invitation: InvitationText = text.parse().map_err(|_| {
        Usage::error(format!("{place}: this is no invitation; an admin makes one with `deeds tokens invite`"))
    })?;
    let key = join.key.as_deref().map(|file| keys::named(Some(file))).transpose()?;
    let (client, url) = session::stranger(context, &invitation.workspace)?;
    // The file comes first: a token that can't be kept would be lost.
    let keep = match &join.out {
        Some(file) => {
            drop(super::tokens::new_file(file)?);
            file.clone()
        }
        None => context.open_dir()?.remote_token_file(&url, &invitation.workspace),
    };
    let made = session::runtime()?.block_on(async { client.take_invitation(&invitation, key).await });
    let made = match (made, &join.out) {
        (Ok(made), _) if made.token.is_some() => made,
        (other, out) => {
            if let Some(file) = out {
                std::fs::remove_file(file).unwrap_or_default();
            }
            return reply::tell(context.out, &other?.reply);
        }
    };
    let token: TokenText = made.token.as_deref().unwrap_or_default().parse().context("the new token")?;
    DataDir::keep_token(&keep, &token)?;
    context.out.show(&serde_json::json!({ "id": token.id, "file": keep }), || {
        output::line(format!(
            "you are {} of {} with token {}; it is in {}",
            token.class.as_str(),
            token.workspace,
            token.id,
            keep.display()
        ))
    })?;
    Ok(Status::Done)
}
