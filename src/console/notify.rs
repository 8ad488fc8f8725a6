//! How a person is told of what can't wait while they look elsewhere, and the desktop's way.

use super::terminal::notice::Notice;

/// How a person is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Notify {
    /// The screen says it, and nothing else does.
    Off,
    /// The terminal rings.
    #[default]
    Bell,
    /// The terminal shows a notification, where it is known to; else it rings.
    Terminal,
    /// The desktop that this machine has shows it.
    Desktop,
}

impl Notify {
    /// By the names in settings.
    pub const NAMES: [(&str, Self); 4] =
        [("off", Self::Off), ("bell", Self::Bell), ("terminal", Self::Terminal), ("desktop", Self::Desktop)];

    /// The one of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(known, _)| *known == name).map(|(_, notify)| *notify)
    }

    /// Its name in settings.
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, known)| *known == self).map_or("bell", |(name, _)| name)
    }
}

/// Asks the desktop to show it, which may take long: to be called where nobody waits.
///
/// # Errors
/// In words: there is no desktop, or none that answers.
pub fn on_desktop(notice: &Notice) -> Result<(), String> {
    let (title, text) = notice.harmless();
    // Some desktops take what they show for markup.
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let shown = notify_rust::Notification::new().appname("deeds").summary(&title).body(&text).show();
    shown.map(|_| ()).map_err(|error| {
        format!("the desktop shows no notifications ({error}); set `notify` to terminal or bell")
    })
}
