//! Which token to sign in with, and which workspace is meant.

use crate::api::TokenText;
use crate::cli::context::Context;
use crate::cli::datadir::DataDir;
use crate::cli::status::Usage;
use crate::cli::token;
use crate::client::Url;
use crate::config::TOKEN_VARIABLE;
use crate::domain::ids::{PersonId, WorkspaceId};

/// Who works here if the system doesn't say.
const SOMEBODY: &str = "you";

/// A token that was given, and whether a file did.
pub(super) struct Given {
    pub(super) token: TokenText,
    pub(super) from_file: bool,
}

/// The token that flag, environment or configuration give: the flag's file, then `DEEDS_TOKEN`, then the configured
/// file.
pub(super) fn given(context: &Context) -> anyhow::Result<Option<Given>> {
    let variable = std::env::var(TOKEN_VARIABLE).ok().filter(|text| !text.is_empty());
    let given = if let Some(file) = &context.token_file {
        Given { token: token::read(file)?, from_file: true }
    } else if let Some(text) = variable {
        Given { token: token::parse(&text, TOKEN_VARIABLE)?, from_file: false }
    } else if let Some(file) = &context.config.token_file {
        Given { token: token::read(file)?, from_file: true }
    } else {
        return Ok(None);
    };
    match &context.config.workspace {
        Some(wanted) if *wanted != given.token.workspace => Err(Usage::error(format!(
            "the token is for workspace `{}`, not for `{wanted}`; use a token of `{wanted}`, or leave --workspace out",
            given.token.workspace
        ))),
        Some(_) | None => Ok(Some(given)),
    }
}

/// The token kept for a workspace on a server elsewhere.
pub(super) fn kept(
    dir: Option<&DataDir>,
    url: &Url,
    wanted: Option<&WorkspaceId>,
) -> anyhow::Result<TokenText> {
    let mut tokens = all_kept(dir, url);
    if let Some(wanted) = wanted {
        tokens.retain(|token| token.workspace == *wanted);
    }
    tokens.into_iter().next().ok_or_else(|| {
        Usage::error(format!(
            "there is no token for {url} yet; name a file that holds one with --token-file, or set {TOKEN_VARIABLE}"
        ))
    })
}

/// Every token kept for a server elsewhere.
pub(super) fn all_kept(dir: Option<&DataDir>, url: &Url) -> Vec<TokenText> {
    let files = dir.map(|dir| dir.remote_token_files(url)).unwrap_or_default();
    files.iter().filter_map(|file| token::read(file).ok()).collect()
}

/// Most workspaces that are named where another one is asked for.
const MOST_NAMED: usize = 20;

/// The workspace that is meant: the one named, or the directory's first.
pub(super) fn choose(dir: &DataDir, wanted: Option<&WorkspaceId>) -> anyhow::Result<WorkspaceId> {
    let there = dir.workspaces()?;
    if let Some(why) = dir.store().lost_home().filter(|_| wanted.is_none() || there.is_empty()) {
        anyhow::bail!(why);
    }
    match wanted {
        Some(wanted) if there.contains(wanted) => return Ok(wanted.clone()),
        Some(wanted) => {
            let mut names: Vec<&str> = there.iter().map(WorkspaceId::as_str).take(MOST_NAMED).collect();
            if there.len() > names.len() {
                names.push("…");
            }
            return Err(Usage::error(format!(
                "there is no workspace `{wanted}` in {}, there are: {}; make it with `deeds workspaces create {wanted}`",
                dir.path().display(),
                names.join(", ")
            )));
        }
        None => {}
    }
    let home = dir.store().home().filter(|home| there.contains(home));
    home.or_else(|| there.first().cloned())
        .ok_or_else(|| anyhow::anyhow!("{}: there is no workspace here", dir.path().display()))
}

/// The person whose data directory it is: who founded it, as its ledger says. Where nothing is founded yet, the one in the
/// settings, or the account as the system names it; the environment's `USER` says nothing, since any process may set it.
///
/// # Errors
/// When the settings name somebody else than the directory's person.
pub(in crate::cli) fn user(context: &Context, dir: &DataDir) -> anyhow::Result<PersonId> {
    let wanted = context.config.person.as_ref();
    match dir.person() {
        Some(person) if wanted.is_none_or(|wanted| *wanted == person) => Ok(person),
        Some(person) => Err(Usage::error(format!(
            "{}: its person is {person}, whoever the settings name; others sign in with a token of their own (--token-file)",
            dir.path().display()
        ))),
        None => Ok(wanted.cloned().unwrap_or_else(account)),
    }
}

/// The person of a directory that is served.
pub(super) fn person_of(dir: &DataDir) -> PersonId {
    dir.person().unwrap_or_else(account)
}

/// The account of this process, as the system names it.
pub(in crate::cli) fn account() -> PersonId {
    let user = nix::unistd::User::from_uid(nix::unistd::Uid::effective()).ok().flatten();
    person(&user.map(|user| user.name).unwrap_or_default())
}

/// A name as a person's id: what an id can't hold is left out.
fn person(named: &str) -> PersonId {
    let kept: String = named
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '@' | '+'))
        .take(32)
        .collect();
    match PersonId::new(&kept).or_else(|_| PersonId::new(SOMEBODY)) {
        Ok(person) => person,
        Err(error) => unreachable!("`{SOMEBODY}` is a person's name: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn system_names_become_persons() {
        for (named, id) in [("dana", "dana"), ("DOMAIN\\Dana K", "DOMAINDanaK"), ("", "you"), ("∎", "you")]
        {
            assert_eq!(person(named).as_str(), id);
        }
    }
}
