//! Notifications by the terminal: which form it is known to understand, and the bytes.
//!
//! There are three forms, and a terminal that does not know one may show its text. So it is sent only where the terminal is
//! known by its name; where it is not, it rings.

use super::clipboard::Route;
use crate::console::untrusted::{self, Breaks};

/// Characters of a title, and of what it says.
const TITLE_MAX: usize = 60;
const TEXT_MAX: usize = 200;

/// A form of notifications.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// `OSC 9`: one text.
    Nine,
    /// `OSC 99`: a title and a text, each in a sequence of its own.
    NinetyNine,
    /// `OSC 777`: a title and a text.
    Urxvt,
}

/// How this terminal is notified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Way {
    /// None where nothing is known to be understood.
    form: Option<Form>,
    /// Whether there is a tmux between.
    tmux: bool,
}

/// A notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    pub title: String,
    /// What it is about. It may be an agent's words: it is shown as what it is.
    pub text: String,
}

impl Notice {
    /// Title and text, each in one line that a terminal or a desktop obeys nothing in.
    pub fn harmless(&self) -> (String, String) {
        (line(&self.title, TITLE_MAX), line(&self.text, TEXT_MAX))
    }
}

impl Way {
    /// As far as the environment tells; `lookup` is `|name| std::env::var(name).ok()` outside of tests. Within tmux what the
    /// terminal around it has set is left.
    pub fn from_environment(lookup: impl Fn(&str) -> Option<String>) -> Self {
        let is_set = |name: &str| lookup(name).is_some_and(|value| !value.is_empty());
        let (term, program) =
            (lookup("TERM").unwrap_or_default(), lookup("TERM_PROGRAM").unwrap_or_default());
        let iterm = program == "iTerm.app" || lookup("LC_TERMINAL").is_some_and(|name| name == "iTerm2");
        let form = if is_set("STY") {
            None
        } else if term.contains("kitty") || is_set("KITTY_WINDOW_ID") {
            Some(Form::NinetyNine)
        } else if iterm || program == "WarpTerminal" {
            Some(Form::Nine)
        } else if ["ghostty", "WezTerm"].contains(&program.as_str())
            || ["foot", "rxvt-unicode", "wezterm", "contour"].iter().any(|name| term.starts_with(name))
            || term.contains("ghostty")
            || ["WEZTERM_PANE", "GHOSTTY_RESOURCES_DIR"].iter().any(|name| is_set(name))
        {
            Some(Form::Urxvt)
        } else {
            None
        };
        Self { form, tmux: is_set("TMUX") }
    }

    /// Whether it is known to arrive: tmux lets it through only where it is set to.
    pub fn arrives(self, through: Route) -> bool {
        let held = self.tmux && matches!(through, Route::Tmux { passes: false, .. } | Route::Refused(_));
        self.form.is_some() && !held
    }

    /// The bytes that notify; a bell where no form is known.
    pub fn bytes(self, notice: &Notice) -> Vec<u8> {
        let (title, text) = notice.harmless();
        let plain = match self.form {
            None => return b"\x07".to_vec(),
            Some(Form::Nine) => format!("\x1b]9;{title}: {text}\x1b\\"),
            Some(Form::NinetyNine) => {
                format!("\x1b]99;i=deeds:d=0;{title}\x1b\\\x1b]99;i=deeds:p=body;{text}\x1b\\")
            }
            Some(Form::Urxvt) => format!("\x1b]777;notify;{title};{text}\x1b\\"),
        };
        if !self.tmux {
            return plain.into_bytes();
        }
        format!("\x1bPtmux;{}\x1b\\", plain.replace('\x1b', "\x1b\x1b")).into_bytes()
    }
}

/// Nothing in it ends the sequence or a part of it.
fn line(text: &str, most: usize) -> String {
    let shown = untrusted::visible(text, Breaks::Marked);
    let shown = untrusted::fit(&shown, most);
    shown.chars().filter(|c| !c.is_control()).map(|c| if c == ';' { ',' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn around(set: &[(&str, &str)]) -> Way {
        let found =
            |name: &str| set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        Way::from_environment(found)
    }

    fn sent(set: &[(&str, &str)], title: &str, text: &str) -> String {
        let notice = Notice { title: title.to_owned(), text: text.to_owned() };
        String::from_utf8(around(set).bytes(&notice)).unwrap()
    }

    #[test]
    fn each_terminal_gets_the_form_that_it_is_known_to_understand() {
        let to = |set: &[(&str, &str)]| sent(set, "deeds northwind", "1 case");
        let (nine, urxvt) =
            ("\x1b]9;deeds northwind: 1 case\x1b\\", "\x1b]777;notify;deeds northwind;1 case\x1b\\");
        let ninety_nine = "\x1b]99;i=deeds:d=0;deeds northwind\x1b\\\x1b]99;i=deeds:p=body;1 case\x1b\\";
        assert_eq!(to(&[("TERM", "xterm-256color"), ("TERM_PROGRAM", "iTerm.app")]), nine);
        assert_eq!(to(&[("TERM", "xterm-256color"), ("LC_TERMINAL", "iTerm2")]), nine);
        assert_eq!(to(&[("TERM", "xterm-kitty")]), ninety_nine);
        for known in ["foot", "foot-extra", "rxvt-unicode-256color", "xterm-ghostty"] {
            assert_eq!(to(&[("TERM", known)]), urxvt, "{known}");
        }
        // Nothing is known of these: they ring.
        for unknown in ["xterm-256color", "linux", "screen", ""] {
            assert_eq!(to(&[("TERM", unknown)]), "\x07");
            assert!(!around(&[("TERM", unknown)]).arrives(Route::Sent));
        }
    }

    #[test]
    fn within_tmux_it_is_wrapped_and_rings_where_it_would_be_held() {
        let set = [("TERM", "tmux-256color"), ("TMUX", "/tmp/t,1,0"), ("KITTY_WINDOW_ID", "1")];
        let wrapped = sent(&set, "deeds", "x");
        assert!(wrapped.starts_with("\x1bPtmux;\x1b\x1b]99;i=deeds:d=0;deeds\x1b\x1b\\"), "{wrapped:?}");
        assert!(wrapped.ends_with("x\x1b\x1b\\\x1b\\"), "{wrapped:?}");
        assert!(around(&set).arrives(Route::Tmux { takes: true, passes: true }));
        assert!(!around(&set).arrives(Route::Tmux { takes: true, passes: false }));
        assert!(around(&[("TERM", "xterm-kitty")]).arrives(Route::Sent));
    }

    /// An agent's words end no sequence and begin none.
    #[test]
    fn what_agents_wrote_stays_within_the_text() {
        for evil in ["a\x1b\\\x1b]0;evil\x07", "a\x07b", "a\u{9c}\u{9d}0;evil", "t;body;more", "a\nb\u{202e}"]
        {
            for term in ["xterm-kitty", "foot"] {
                let bytes = sent(&[("TERM", term)], evil, evil);
                let inner = bytes.replace("\x1b\\", "").replace("\x1b]99;", "").replace("\x1b]777;", "");
                assert!(!inner.chars().any(char::is_control), "{bytes:?}");
                assert!(!inner.contains('\u{202e}'), "{bytes:?}");
                let parts = bytes.matches(';').count();
                assert_eq!(parts, if term == "foot" { 3 } else { 4 }, "{bytes:?}");
            }
        }
        assert!(sent(&[("TERM", "foot")], "t", &"é".repeat(5000)).len() < 500);
    }
}
