//! Text onto the clipboard by `OSC 52`, and what becomes of it: a terminal never answers whether it took it.
//!
//! tmux takes what programs in it send only where it is set to (`set-clipboard on`), and lets through what is wrapped for
//! the terminal around it only where it is set to that (`allow-passthrough`). So it is asked once, beside the console.

use std::process::{Command, Stdio};
use std::thread;

use base64::Engine as _;

/// Text put on the clipboard at most; terminals cut or refuse more.
const COPY_MAX: usize = 74_994;
/// What tmux is asked: two of its options, by its own client, of the pane that this runs in.
const TMUX_OPTIONS: &str = "#{set-clipboard} #{allow-passthrough}";

/// What becomes of what is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Route {
    /// The terminal gets it, and does not say what it does with it.
    #[default]
    Sent,
    /// tmux is asked what it does; until then all forms are sent.
    Asking,
    /// As tmux is set.
    Tmux {
        /// It takes it into its buffer, and hands it on.
        takes: bool,
        /// It lets the wrapped form through.
        passes: bool,
    },
    /// It is known to come to nothing, for this reason.
    Refused(&'static str),
}

impl Route {
    /// As far as the environment tells; `lookup` is `|name| std::env::var(name).ok()` outside of tests.
    pub fn from_environment(lookup: impl Fn(&str) -> Option<String>) -> Self {
        let is_set = |name: &str| lookup(name).is_some_and(|value| !value.is_empty());
        if is_set("TMUX") {
            return Self::Asking;
        }
        if is_set("STY") {
            return Self::Refused("GNU screen passes nothing on to the clipboard");
        }
        match lookup("TERM").unwrap_or_default().as_str() {
            "linux" => Self::Refused("the Linux console has no clipboard"),
            "dumb" | "ansi" | "vt100" | "vt102" | "vt220" => Self::Refused("this terminal has no clipboard"),
            _ if lookup("TERM_PROGRAM").is_some_and(|name| name == "Apple_Terminal") => {
                Self::Refused("Terminal.app takes nothing from programs")
            }
            _ => Self::Sent,
        }
    }

    /// What became of it, in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Sent | Self::Asking => "sent to the terminal for its clipboard",
            Self::Tmux { takes: true, .. } => "in tmux's buffer, and sent on to the terminal",
            Self::Tmux { passes: true, .. } => "sent through tmux to the terminal for its clipboard",
            Self::Tmux { .. } => "not copied: tmux keeps it; `tmux set -s set-clipboard on` lets it through",
            Self::Refused(why) => why,
        }
    }

    /// Whether it is known that nothing was copied.
    pub fn is_refused(self) -> bool {
        matches!(self, Self::Refused(_) | Self::Tmux { takes: false, passes: false })
    }

    /// The bytes that send it: plain, and wrapped for what is around tmux where that may come through.
    pub fn bytes(self, text: &str) -> Vec<u8> {
        let mut cut = text.len().min(COPY_MAX);
        while !text.is_char_boundary(cut) {
            cut -= 1;
        }
        let encoded = base64::engine::general_purpose::STANDARD.encode(text.get(..cut).unwrap_or_default());
        let plain = format!("\x1b]52;c;{encoded}\x07");
        match self {
            Self::Asking | Self::Tmux { passes: true, .. } => {
                format!("{plain}\x1bPtmux;\x1b{plain}\x1b\\").into_bytes()
            }
            Self::Sent | Self::Tmux { passes: false, .. } | Self::Refused(_) => plain.into_bytes(),
        }
    }
}

/// Asks tmux how it is set, in a thread of its own, and hands the answer on. Nothing comes where it does not say.
pub fn ask_tmux(tell: impl FnOnce(Route) + Send + 'static) {
    let ask = move || {
        let mut tmux = Command::new("tmux");
        tmux.arg("display-message").arg("-p");
        if let Some(pane) = std::env::var_os("TMUX_PANE") {
            tmux.arg("-t").arg(pane);
        }
        let answer = tmux.arg(TMUX_OPTIONS).stdin(Stdio::null()).stderr(Stdio::null()).output();
        let route = answer.ok().and_then(|answer| read(&String::from_utf8_lossy(&answer.stdout)));
        if let Some(route) = route {
            tell(route);
        }
    };
    // Without the thread it stays unknown, and both forms are sent.
    _ = thread::Builder::new().name("ask-tmux".to_owned()).spawn(ask);
}

/// `external 0`, or with words instead of numbers; before tmux 3.3 there is one option, and everything wrapped comes through.
fn read(answer: &str) -> Option<Route> {
    let mut words = answer.split_whitespace();
    let takes = match words.next()? {
        "on" | "2" => true,
        "external" | "off" | "0" | "1" => false,
        _ => return None,
    };
    let passes = !matches!(words.next(), Some("0" | "off"));
    Some(Route::Tmux { takes, passes })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn around(set: &[(&str, &str)]) -> Route {
        let found =
            |name: &str| set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        Route::from_environment(found)
    }

    #[test]
    fn what_is_known_of_a_terminal_is_said() {
        assert_eq!(around(&[("TERM", "xterm-256color")]), Route::Sent);
        assert_eq!(around(&[("TERM", "tmux-256color"), ("TMUX", "/tmp/tmux-0/default,1,0")]), Route::Asking);
        assert!(around(&[("TERM", "linux")]).words().contains("Linux console"));
        assert!(around(&[("TERM", "screen"), ("STY", "1.pts")]).is_refused());
        assert!(around(&[("TERM", "xterm"), ("TERM_PROGRAM", "Apple_Terminal")]).is_refused());
    }

    #[test]
    fn tmux_is_taken_at_its_word() {
        let read = |answer| read(answer).unwrap();
        assert_eq!(read("external 0\n"), Route::Tmux { takes: false, passes: false });
        assert_eq!(read("on off\n"), Route::Tmux { takes: true, passes: false });
        assert_eq!(read("off all\n"), Route::Tmux { takes: false, passes: true });
        assert_eq!(read("external\n"), Route::Tmux { takes: false, passes: true });
        assert_eq!(super::read("no server running"), None);
        assert!(read("external 0").is_refused() && read("external 0").words().contains("set-clipboard on"));
        assert!(!read("on 0").is_refused() && read("on 0").words().contains("tmux's buffer"));
    }

    #[test]
    fn the_plain_form_is_always_sent_and_the_wrapped_one_where_it_may_come_through() {
        let sent = |route: Route| String::from_utf8(route.bytes("hi")).unwrap();
        let (plain, wrapped) =
            ("\x1b]52;c;aGk=\x07", "\x1b]52;c;aGk=\x07\x1bPtmux;\x1b\x1b]52;c;aGk=\x07\x1b\\");
        assert_eq!(sent(Route::Sent), plain);
        assert_eq!(sent(Route::Tmux { takes: true, passes: false }), plain);
        assert_eq!(sent(Route::Tmux { takes: false, passes: true }), wrapped);
        assert_eq!(sent(Route::Asking), wrapped);
        assert!(sent(Route::Refused("no")).len() < 20);
        let long = "é".repeat(COPY_MAX);
        assert!(Route::Sent.bytes(&long).len() < COPY_MAX * 4 / 3 + 20);
    }
}
