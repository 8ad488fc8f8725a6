//! Colour by role. Views name a role, never a colour; what a role looks like is decided here and nowhere else.
//!
//! The default is the terminal's own sixteen colours on its own background. Only the selection's band may be mixed from the
//! background that the terminal reported, so that it is calm on any scheme.

use ratatui::style::{Color, Modifier, Style};

/// What `enter` would press.
const PRESSED: Modifier = Modifier::REVERSED.union(Modifier::BOLD);

/// What each role looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Theme {
    /// Ordinary text.
    pub base: Style,
    /// Text of second rank: still read, not first.
    pub subtle: Style,
    /// Text of third rank: labels, units, ages.
    pub muted: Style,
    /// The one accent: where the reader is, and keys.
    pub accent: Style,
    /// Went through.
    pub success: Style,
    /// Needs attention soon.
    pub warning: Style,
    /// Refused, overdue, broken.
    pub danger: Style,
    /// For information.
    pub info: Style,
    /// Laid over the selected row.
    pub selection: Style,
    /// Laid over the selected row of a list that has not the focus.
    pub selection_dim: Style,
    /// Rules and frames.
    pub border: Style,
    /// Headings.
    pub title: Style,
    /// Characters of untrusted text that are shown by their number.
    pub escaped: Style,
    /// The button that `enter` would press, the active tab.
    pub active: Style,
}

/// No style at all, for text that leaves the screen.
pub static PLAIN: Theme = Theme {
    base: Style::new(),
    subtle: Style::new(),
    muted: Style::new(),
    accent: Style::new(),
    success: Style::new(),
    warning: Style::new(),
    danger: Style::new(),
    info: Style::new(),
    selection: Style::new(),
    selection_dim: Style::new(),
    border: Style::new(),
    title: Style::new(),
    escaped: Style::new(),
    active: Style::new(),
};

/// A theme as chosen by a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Choice {
    /// From what the terminal says of itself.
    #[default]
    Auto,
    /// Light text on dark.
    Dark,
    /// Dark text on light.
    Light,
    /// Blue and orange instead of green and red.
    ColourSafe,
    /// No colour at all.
    Mono,
}

impl Choice {
    /// The names that configuration files and flags use, in the order in which help lists them.
    pub const NAMES: [(&'static str, Self); 5] = [
        ("auto", Self::Auto),
        ("dark", Self::Dark),
        ("light", Self::Light),
        ("colour-safe", Self::ColourSafe),
        ("mono", Self::Mono),
    ];

    /// The choice of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(known, _)| *known == name).map(|(_, choice)| *choice)
    }
}

/// A colour as the terminal reports it, 8 bits a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rgb(pub u8, pub u8, pub u8);

impl Rgb {
    /// Whether text on it must be dark.
    pub fn is_light(self) -> bool {
        // Perceived lightness after ITU-R BT.601.
        299 * u32::from(self.0) + 587 * u32::from(self.1) + 114 * u32::from(self.2) > 127_500
    }

    /// Mixed with `other`, `percent` of it.
    fn mixed(self, other: Self, percent: u32) -> Self {
        let channel = |a: u8, b: u8| {
            let sum = u32::from(a) * (100 - percent) + u32::from(b) * percent;
            u8::try_from(sum / 100).unwrap_or(u8::MAX)
        };
        Self(channel(self.0, other.0), channel(self.1, other.1), channel(self.2, other.2))
    }
}

/// What is known of the terminal before the first frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Surroundings {
    /// The background that the terminal reported.
    pub background: Option<Rgb>,
    /// Whether `COLORFGBG` says that the background is light.
    pub light_by_environment: Option<bool>,
    /// `NO_COLOR` is set to something.
    pub no_color: bool,
    /// `COLORTERM` promises 24-bit colour.
    pub true_color: bool,
}

impl Surroundings {
    /// Reads the environment's part; `lookup` is `|name| std::env::var(name).ok()` outside of tests.
    pub fn from_environment(lookup: impl Fn(&str) -> Option<String>) -> Self {
        let light_by_environment = lookup("COLORFGBG").and_then(|value| light_from_colorfgbg(&value));
        Self {
            background: None,
            light_by_environment,
            no_color: lookup("NO_COLOR").is_some_and(|value| !value.is_empty()),
            true_color: lookup("COLORTERM").is_some_and(|value| value == "truecolor" || value == "24bit"),
        }
    }

    fn is_light(self) -> bool {
        self.background.map(Rgb::is_light).or(self.light_by_environment).unwrap_or(false)
    }
}

/// `15;0` is light on dark: the last number is the background's.
fn light_from_colorfgbg(value: &str) -> Option<bool> {
    let background: u8 = value.rsplit(';').next()?.parse().ok()?;
    match background {
        0..=6 | 8 => Some(false),
        7 | 9..=15 => Some(true),
        _ => None,
    }
}

impl Theme {
    /// The theme for a choice on a given terminal. `NO_COLOR` outranks every choice.
    pub fn for_terminal(choice: Choice, around: Surroundings) -> Self {
        if around.no_color {
            return Self::mono();
        }
        let theme = match choice {
            Choice::Mono => return Self::mono(),
            Choice::Light => Self::light(),
            Choice::Auto if around.is_light() => Self::light(),
            Choice::Dark | Choice::Auto => Self::dark(),
            Choice::ColourSafe => Self::colour_safe(around.is_light()),
        };
        match around.background {
            Some(background) if around.true_color => theme.banded(background),
            Some(_) | None => theme,
        }
    }

    /// Light text on the terminal's own dark background.
    pub fn dark() -> Self {
        Self {
            subtle: Style::new().fg(Color::Gray),
            muted: Style::new().fg(Color::DarkGray),
            accent: Style::new().fg(Color::LightCyan),
            success: Style::new().fg(Color::LightGreen),
            warning: Style::new().fg(Color::LightYellow),
            danger: Style::new().fg(Color::LightRed),
            info: Style::new().fg(Color::LightBlue),
            selection: Style::new().add_modifier(Modifier::REVERSED),
            selection_dim: Style::new().add_modifier(Modifier::UNDERLINED),
            border: Style::new().fg(Color::DarkGray),
            title: Style::new().add_modifier(Modifier::BOLD),
            escaped: Style::new().fg(Color::LightMagenta),
            active: Style::new().fg(Color::LightCyan).add_modifier(PRESSED),
            ..PLAIN
        }
    }

    /// Dark text on the terminal's own light background.
    pub fn light() -> Self {
        Self {
            subtle: Style::new(),
            accent: Style::new().fg(Color::Blue),
            success: Style::new().fg(Color::Green),
            warning: Style::new().fg(Color::Yellow),
            danger: Style::new().fg(Color::Red),
            info: Style::new().fg(Color::Cyan),
            escaped: Style::new().fg(Color::Magenta),
            active: Style::new().fg(Color::Blue).add_modifier(PRESSED),
            ..Self::dark()
        }
    }

    /// Distinguishable without telling red from green: blue is good, yellow is attention, magenta is bad.
    pub fn colour_safe(light: bool) -> Self {
        let (base, good, bad) = if light {
            (Self::light(), Color::Blue, Color::Magenta)
        } else {
            (Self::dark(), Color::LightBlue, Color::LightMagenta)
        };
        let accent = if light { Color::Cyan } else { Color::LightCyan };
        Self {
            accent: Style::new().fg(accent),
            active: Style::new().fg(accent).add_modifier(PRESSED),
            success: Style::new().fg(good),
            danger: Style::new().fg(bad).add_modifier(Modifier::BOLD),
            info: Style::new(),
            escaped: Style::new().add_modifier(Modifier::UNDERLINED),
            ..base
        }
    }

    /// No colour: reverse, bold, dim and underline only.
    pub fn mono() -> Self {
        let with = |modifier| Style::new().add_modifier(modifier);
        Self {
            muted: with(Modifier::DIM),
            accent: with(Modifier::BOLD),
            warning: with(Modifier::BOLD),
            danger: with(Modifier::BOLD.union(Modifier::UNDERLINED)),
            selection: with(Modifier::REVERSED),
            selection_dim: with(Modifier::UNDERLINED),
            border: with(Modifier::DIM),
            title: with(Modifier::BOLD),
            escaped: with(Modifier::UNDERLINED),
            active: with(PRESSED),
            ..PLAIN
        }
    }

    /// With selection bands a shade off the background that the terminal reported.
    fn banded(self, background: Rgb) -> Self {
        let toward = if background.is_light() { Rgb(0, 0, 0) } else { Rgb(255, 255, 255) };
        let band = |percent| {
            let Rgb(r, g, b) = background.mixed(toward, percent);
            Style::new().bg(Color::Rgb(r, g, b))
        };
        Self { selection: band(14).add_modifier(Modifier::BOLD), selection_dim: band(8), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roles(theme: &Theme) -> Vec<Style> {
        vec![
            theme.base,
            theme.subtle,
            theme.muted,
            theme.accent,
            theme.success,
            theme.warning,
            theme.danger,
            theme.info,
            theme.selection,
            theme.selection_dim,
            theme.border,
            theme.title,
            theme.escaped,
            theme.active,
        ]
    }

    #[test]
    fn no_color_outranks_every_choice_and_has_no_colour() {
        let around = Surroundings {
            background: Some(Rgb(0, 0, 0)),
            no_color: true,
            true_color: true,
            ..Surroundings::default()
        };
        for (_, choice) in Choice::NAMES {
            let theme = Theme::for_terminal(choice, around);
            assert!(roles(&theme).iter().all(|style| style.fg.is_none() && style.bg.is_none()));
            assert!(theme.selection.add_modifier.contains(Modifier::REVERSED));
        }
    }

    #[test]
    fn light_and_dark_come_from_the_terminal_then_the_environment() {
        let with = |background, fgbg: Option<&str>| {
            let around = Surroundings::from_environment(|name| {
                (name == "COLORFGBG").then(|| fgbg.map(str::to_owned)).flatten()
            });
            Theme::for_terminal(Choice::Auto, Surroundings { background, ..around })
        };
        assert_eq!(with(None, None), Theme::dark());
        assert_eq!(with(Some(Rgb(250, 250, 240)), Some("15;0")), Theme::light());
        assert_eq!(with(None, Some("0;15")), Theme::light());
        assert_eq!(with(None, Some("15;default;0")), Theme::dark());
        assert_eq!(with(None, Some("rubbish")), Theme::dark());
    }

    #[test]
    fn the_default_keeps_to_the_terminals_own_sixteen_colours() {
        for theme in [Theme::dark(), Theme::light(), Theme::colour_safe(true), Theme::colour_safe(false)] {
            for style in roles(&theme) {
                for colour in [style.fg, style.bg].into_iter().flatten() {
                    assert!(!matches!(colour, Color::Rgb(..) | Color::Indexed(_)), "{colour:?}");
                }
            }
        }
    }

    #[test]
    fn the_colour_safe_theme_uses_neither_red_nor_green() {
        for theme in [Theme::colour_safe(true), Theme::colour_safe(false)] {
            for style in roles(&theme) {
                assert!(!matches!(
                    style.fg,
                    Some(Color::Red | Color::Green | Color::LightRed | Color::LightGreen)
                ));
            }
        }
    }
}
