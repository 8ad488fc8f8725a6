//! What the console would run in, as far as the environment tells.

use std::io::{self, IsTerminal as _};

use super::finding::{Check, Finding};

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
        Err(error) => Check::of(Finding::TerminalUnknown, WHAT, format!("its size can't be told: {error}")),
        Ok((width, height)) => {
            let found = format!("{width}×{height}");
            if width < LEAST.0 || height < LEAST.1 {
                return Check::of(Finding::TerminalSmall, WHAT, found);
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
        None | Some("dumb") => Check::of(Finding::TerminalUnknown, WHAT, "TERM is not set, or dumb"),
        Some(term) if set("TMUX").is_some() => {
            let copying = "copying needs `set -s set-clipboard on` there";
            let theme = "before 3.4 it does not tell the background, and `theme` has to say dark or light";
            Check::fine(WHAT, format!("{term} in tmux; {copying}; {theme}"))
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
    Check::of(Finding::LettersPlain, WHAT, found)
}

fn editor() -> Check {
    let named = ["VISUAL", "EDITOR"].into_iter().find_map(|name| std::env::var(name).ok());
    match named.filter(|value| !value.trim().is_empty()) {
        Some(editor) => Check::fine("editor", editor),
        None => Check::of(Finding::EditorUnset, "editor", "neither VISUAL nor EDITOR is set"),
    }
}
