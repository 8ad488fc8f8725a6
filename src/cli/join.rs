//! `deeds join`: a person makes their own token from an invitation, and keeps it.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;

use super::context::Context;
use super::datadir::{DataDir, read_small};
use super::status::{Status, Usage};
use super::{output, reply, session};
use crate::api::{InvitationText, TokenText};
use crate::client::Url;
use crate::config::DEFAULT_PORT;

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
}

/// Runs it.
pub(super) fn run(context: &Context, join: &Join) -> anyhow::Result<Status> {
    let place = join.file.display();
    let text = read_small(&join.file)
        .map_err(|error| Usage::error(format!("{place}: {error}; name the file that you were given")))?;
    let invitation: InvitationText = text.parse().map_err(|_| {
        Usage::error(format!("{place}: this is no invitation; an admin makes one with `deeds tokens invite`"))
    })?;
    let url = match &context.config.connect {
        Some(url) => url.clone(),
        // The server of a data directory here, or where one usually is.
        None => match context.existing_dir().ok().and_then(|dir| dir.served()) {
            Some(served) => Url::parse(&format!("http://{}", served.address))?,
            None => Url::parse(&format!("http://127.0.0.1:{DEFAULT_PORT}"))?,
        },
    };
    // The file comes first: a token that can't be kept would be lost.
    let keep = match &join.out {
        Some(file) => {
            drop(super::tokens::new_file(file)?);
            file.clone()
        }
        None => context.open_dir()?.remote_token_file(&url, &invitation.workspace),
    };
    let made = session::runtime()?.block_on(async {
        let client = session::stranger(context, url.as_str(), &invitation.workspace)?;
        anyhow::Ok(client.take_invitation(&invitation).await?)
    });
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
