//! The text of a token, `deeds_<class>_<workspace>_<id>_<secret>`. Its secret shows in no debug output and no log; only
//! [`TokenText::expose`] writes it, once, for the person who asked for the token.

use std::fmt::{self, Write as _};
use std::str::FromStr;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use crate::domain::hash::hex;
use crate::domain::ids::{TokenId, WorkspaceId};
use crate::domain::things::TokenClass;

/// What every token begins with, so that people and scanners know one when they see it.
pub const PREFIX: &str = "deeds";

const SECRET_BYTES: usize = 32;

/// 256 random bits.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret([u8; SECRET_BYTES]);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// A token, parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenText {
    /// What it allows, as it says itself; the workspace's record decides.
    pub class: TokenClass,
    /// Which workspace it opens.
    pub workspace: WorkspaceId,
    /// Its public part.
    pub id: TokenId,
    secret: Secret,
}

/// The text is no token. What it was is not said: it may be one with a typing error.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "this is not a token; one looks like deeds_<class>_<workspace>_<id>_<secret> and is shown once when it is created"
)]
pub struct BadToken;

impl TokenText {
    /// A new token from fresh random bytes; `id` is its public part.
    pub fn new(class: TokenClass, workspace: WorkspaceId, id: TokenId, secret: [u8; SECRET_BYTES]) -> Self {
        Self { class, workspace, id, secret: Secret(secret) }
    }

    /// SHA-256 of the secret, as the workspace keeps it.
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.secret.0).into()
    }

    /// The same in hexadecimal.
    pub fn hash_text(&self) -> Arc<str> {
        hex(&self.hash())
    }

    /// The whole token with its secret: for the answer that creates it, and for the header that uses it.
    pub fn expose(&self) -> String {
        let mut text = format!("{PREFIX}_{}_{}_{}_", self.class.as_str(), self.workspace, self.id);
        for byte in self.secret.0 {
            // Writing to a String can't fail.
            let _ = write!(text, "{byte:02x}");
        }
        text
    }
}

/// An invitation with its secret, `deeds_invitation_<workspace>_<id>_<secret>`: not a token, it opens nothing but itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvitationText {
    /// Into which workspace.
    pub workspace: WorkspaceId,
    /// Its public part.
    pub id: TokenId,
    secret: Secret,
}

/// What an invitation's text has where a token's has its class.
const INVITATION: &str = "invitation";

impl InvitationText {
    /// The same random bytes as an invitation.
    pub fn of(token: TokenText) -> Self {
        Self { workspace: token.workspace, id: token.id, secret: token.secret }
    }

    /// SHA-256 of the secret, as the workspace keeps it.
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.secret.0).into()
    }

    /// The whole of it, for whoever is invited.
    pub fn expose(&self) -> String {
        format!("{PREFIX}_{INVITATION}_{}_{}_{}", self.workspace, self.id, hex(&self.secret.0))
    }
}

impl FromStr for InvitationText {
    type Err = BadToken;

    fn from_str(text: &str) -> Result<Self, BadToken> {
        // Read as a token is, but for its class.
        let rest = text.trim().strip_prefix(PREFIX).and_then(|rest| rest.strip_prefix('_'));
        let rest = rest.and_then(|rest| rest.strip_prefix(INVITATION)).ok_or(BadToken)?;
        format!("{PREFIX}_{}{rest}", TokenClass::Watcher.as_str()).parse().map(Self::of)
    }
}

impl fmt::Display for TokenText {
    /// Without the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}_{}_{}_{}_…", self.class.as_str(), self.workspace, self.id)
    }
}

impl FromStr for TokenText {
    type Err = BadToken;

    fn from_str(text: &str) -> Result<Self, BadToken> {
        let mut parts = text.trim().split('_');
        let mut part = || parts.next().ok_or(BadToken);
        if part()? != PREFIX {
            return Err(BadToken);
        }
        let class = part()?;
        let class = TokenClass::ALL.into_iter().find(|one| one.as_str() == class).ok_or(BadToken)?;
        let workspace = WorkspaceId::new(part()?).map_err(|_| BadToken)?;
        let id = TokenId::new(part()?).map_err(|_| BadToken)?;
        let secret = part()?.parse::<super::Hash>().map_err(|_| BadToken)?;
        if parts.next().is_some() {
            return Err(BadToken);
        }
        Ok(Self { class, workspace, id, secret: Secret(secret.0) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> TokenText {
        let workspace = WorkspaceId::new("north-wind").unwrap();
        TokenText::new(TokenClass::Agent, workspace, TokenId::new("a1b2").unwrap(), [0xab; 32])
    }

    #[test]
    fn a_token_reads_back_as_written() {
        let text = sample().expose();
        assert!(text.starts_with("deeds_agent_north-wind_a1b2_abab"));
        assert_eq!(text.parse(), Ok(sample()));
        for bad in [
            "",
            "deeds",
            "deeds_agent_w_a_00",
            &text[1..],
            &format!("{text}_x"),
            &text.replace("agent", "god"),
        ] {
            assert_eq!(bad.parse::<TokenText>(), Err(BadToken), "{bad}");
        }
    }

    #[test]
    fn the_secret_is_shown_nowhere() {
        let token = sample();
        for text in [format!("{token:?}"), token.to_string(), BadToken.to_string()] {
            assert!(!text.contains("abab"), "{text}");
        }
    }
}
