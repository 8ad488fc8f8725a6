//! Tokens on this side of the wire: read from files or the environment, kept in files, never printed but once.

use std::fmt;
use std::path::Path;

use super::datadir::read_small;
use super::status::Usage;
use crate::domain::ids::WorkspaceId;

/// How a token stands in a file, so that `curl -H @FILE` sends it.
const HEADER: &str = "Authorization: Bearer ";

/// A token with its secret. It can't be printed by accident.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl Secret {
    /// A token as it is written: `deeds_<class>_<workspace>_<id>_<secret>`, with or without the header's name.
    ///
    /// # Errors
    /// When the text is no token. The text itself is not in the error.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        let text = text.trim();
        let text = text.strip_prefix(HEADER).unwrap_or(text).trim();
        let secret = Self(text.to_owned());
        let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
        if plain && text.len() < 1_024 && secret.parts().is_some() {
            return Ok(secret);
        }
        Err("it holds no token of the form deeds_<class>_<workspace>_<id>_<secret>")
    }

    /// The token from a file.
    ///
    /// # Errors
    /// When there is none that can be read.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        let shown = path.display();
        let text = read_small(path).map_err(|error| {
            Usage::error(format!("{shown}: {error}; name a token file that you may read"))
        })?;
        Self::parse(&text).map_err(|reason| {
            Usage::error(format!("{shown}: {reason}; ask an admin for one (`deeds tokens create`)"))
        })
    }

    /// The token itself. For the wire, and for the one time it is shown.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    /// The text of a file that `curl -H @FILE` takes.
    pub(crate) fn header_file(&self) -> String {
        format!("{HEADER}{}\n", self.0)
    }

    /// The workspace that it opens.
    pub(crate) fn workspace(&self) -> Option<WorkspaceId> {
        self.parts().and_then(|(_, workspace)| workspace.parse().ok())
    }

    /// Class and workspace.
    fn parts(&self) -> Option<(&str, &str)> {
        let mut parts = self.0.split('_');
        let (prefix, class, workspace) = (parts.next()?, parts.next()?, parts.next()?);
        let (id, secret) = (parts.next()?, parts.next()?);
        (prefix == "deeds" && !id.is_empty() && !secret.is_empty() && parts.next().is_none())
            .then_some((class, workspace))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_from_either_form_and_never_shown() {
        let text = "deeds_admin_north-wind_a1_s3cret";
        for form in [text.to_owned(), format!("{text}\n"), format!("Authorization: Bearer {text}\n")] {
            let secret = Secret::parse(&form).unwrap();
            assert_eq!(secret.expose(), text);
            assert_eq!(secret.workspace().unwrap().as_str(), "north-wind");
            assert!(!format!("{secret:?}").contains("s3cret"));
        }
        for bad in ["", "hunter2", "deeds_admin_x", "deeds_admin_x_1_2_3", "deeds_a_b_c_d\u{7f}"] {
            assert!(Secret::parse(bad).is_err(), "{bad:?}");
        }
    }
}
