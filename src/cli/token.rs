//! Tokens on this side of the wire: read from files or the environment, kept in files. A secret is never in an argument,
//! an error or a log.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::datadir::read_small;
use super::status::Usage;
use crate::api::TokenText;
use crate::domain::ids::WorkspaceId;

/// How a token stands in a file, so that `curl -H @FILE` sends it.
const HEADER: &str = "Authorization: Bearer ";

/// The text of a file that `curl -H @FILE` takes.
pub(super) fn header_file(secret: &str) -> String {
    format!("{HEADER}{secret}\n")
}

/// A token as it is written, with or without the header's name. `place` is told in the error, the text is not.
pub(super) fn parse(text: &str, place: &str) -> anyhow::Result<TokenText> {
    let text = text.trim();
    let text = text.strip_prefix(HEADER).unwrap_or(text);
    text.parse().map_err(|error| {
        Usage::error(format!("{place}: {error}; an admin makes one with `deeds tokens create`"))
    })
}

/// The token in a file; not in one that others may read, for it may be theirs by now.
pub(super) fn read(path: &Path) -> anyhow::Result<TokenText> {
    refuse_open(path, "token")?;
    look(path)
}

/// What a file says that a token is kept in.
#[derive(Debug)]
pub(super) enum Kept {
    /// This token.
    Token(TokenText),
    /// Something that is no token: it was cut, or overwritten.
    Damaged,
    /// There is no such file.
    Nothing,
}

impl Kept {
    /// The same where a token of that workspace is to be kept: another's opens something else, without a word.
    pub(super) fn of(self, workspace: &WorkspaceId) -> Self {
        match self {
            Self::Token(token) if token.workspace != *workspace => Self::Damaged,
            kept @ (Self::Token(_) | Self::Damaged | Self::Nothing) => kept,
        }
    }
}

/// The token that is kept in a file here; an error where others may read the file, or the system does not let it be read.
pub(super) fn kept(path: &Path) -> anyhow::Result<Kept> {
    refuse_open(path, "token")?;
    match read_small(path) {
        Ok(text) => Ok(parse(&text, "").map_or(Kept::Damaged, Kept::Token)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Kept::Nothing),
        Err(error) if matches!(error.kind(), ErrorKind::InvalidData | ErrorKind::FileTooLarge) => {
            Ok(Kept::Damaged)
        }
        Err(error) => Err(Usage::error(format!(
            "{}: {error}; see to it that you may read it, or delete it",
            path.display()
        ))),
    }
}

/// Refuses a file with a secret that others may read.
pub(super) fn refuse_open(path: &Path, secret: &str) -> anyhow::Result<()> {
    if let Ok(about) = fs::metadata(path)
        && about.is_file()
        && about.permissions().mode() & 0o077 != 0
    {
        let (place, mode) = (path.display(), about.permissions().mode() & 0o777);
        return Err(Usage::error(format!(
            "{place}: it has mode {mode:o}, so that others may read the {secret} in it; `chmod 600 {place}`, and make it anew where somebody may have"
        )));
    }
    Ok(())
}

/// The same whoever may read it, to know whose it is.
pub(super) fn look(path: &Path) -> anyhow::Result<TokenText> {
    let place = path.display().to_string();
    let text = read_small(path)
        .map_err(|error| Usage::error(format!("{place}: {error}; name a token file that you may read")))?;
    parse(&text, &place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_from_either_form_and_not_repeated_in_errors() {
        let text = format!("deeds_admin_north-wind_a1_{}", "ab".repeat(32));
        for form in [text.clone(), format!("{text}\n"), header_file(&text)] {
            assert_eq!(parse(&form, "x").unwrap().expose(), text);
        }
        let error = parse("deeds_admin_north-wind_a1_hunter2", "the file").unwrap_err().to_string();
        assert!(error.starts_with("the file: ") && !error.contains("hunter2"), "{error}");
    }
}
