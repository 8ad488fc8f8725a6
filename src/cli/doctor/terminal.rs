//! What the console would run in, as far as the environment tells.

use std::io::{self, IsTerminal as _};

use super::Check;

/// Narrower or lower than this the console shows a sentence.
const LEAST: (u16, u16) = (40, 10);
/// From here on it shows everything.
const FULL: (u16, u16) = (120, 24);

pub(super) fn checks() -> Vec<Check> {
    vec![size(), colours(), letters(), editor()]
}

fn size() -> Check {
    const WHAT: &str = "terminal";
    if !io::stdout().is_terminal() {
        return Check::fine(WHAT, "standard output is none; the console needs one, commands do not");
    }
    match crossterm::terminal::size() {
        Err(error) => Check::note(WHAT, format!("its size can't be told: {error}"), "set COLUMNS and LINES"),
        Ok((width, height)) => {
            let found = format!("{width}×{height}");
            if width < LEAST.0 || height < LEAST.1 {
                return Check::note(WHAT, found, "make it larger: the console needs 40×10");
            }
            if width < FULL.0 || height < FULL.1 {
                return Check::fine(
                    WHAT,
                    format!("{found}; from 120 columns on lists and details stand side by side"),
                );
            }
            Check::fine(WHAT, found)
        }
    }
}

fn colours() -> Check {
    const WHAT: &str = "colours";
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    if set("NO_COLOR").is_some() {
        return Check::fine(WHAT, "none: NO_COLOR is set; states stay glyph and word");
    }
    match set("TERM").as_deref() {
        None | Some("dumb") => {
            Check::note(WHAT, "TERM is not set, or dumb", "set TERM to what your terminal is")
        }
        Some(term) if set("TMUX").is_some() => {
            Check::fine(WHAT, format!("{term} in tmux; copying needs `set -g set-clipboard on` there"))
        }
        Some(term) => Check::fine(WHAT, term.to_owned()),
    }
}

fn letters() -> Check {
    const WHAT: &str = "letters";
    let named = ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
    let locale = named.unwrap_or_default();
    let folded = locale.to_lowercase();
    if folded.contains("utf-8") || folded.contains("utf8") {
        return Check::fine(WHAT, locale);
    }
    let found =
        if locale.is_empty() { "no locale is set".to_owned() } else { format!("{locale} is not UTF-8") };
    Check::note(WHAT, found, "set LANG to a UTF-8 locale such as C.UTF-8, or start the console with --ascii")
}

fn editor() -> Check {
    let named = ["VISUAL", "EDITOR"].into_iter().find_map(|name| std::env::var(name).ok());
    match named.filter(|value| !value.trim().is_empty()) {
        Some(editor) => Check::fine("editor", editor),
        None => Check::note(
            "editor",
            "neither VISUAL nor EDITOR is set",
            "set EDITOR: `E` on the Map opens the map in it",
        ),
    }
}
