//! Colour by role. Views name a role, never a colour; what a role looks like is decided here and nowhere else.
//!
//! The default is the terminal's own sixteen colours on its own background, as far as they can be read there: `fit` sees to
//! that, once. `file` reads a person's own.

mod colour;
pub mod file;
mod fit;
mod surroundings;
#[cfg(test)]
mod tests;

use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier, Style};

pub use self::colour::Rgb;
use self::file::Custom;
pub use self::surroundings::{Colours, Depth, Slot, Surroundings};

/// What `enter` would press.
const PRESSED: Modifier = Modifier::REVERSED.union(Modifier::BOLD);

/// How well a role must be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rank {
    /// At least 4.5:1 against the background.
    Text,
    /// At least 3:1.
    Quiet,
    /// It is what text stands on.
    Behind,
}

macro_rules! roles {
    ($($(#[doc = $doc:literal])* $field:ident $role:ident $name:literal $rank:ident;)*) => {
        /// What each role looks like.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub struct Theme {
            $($(#[doc = $doc])* pub $field: Style,)*
        }

        /// No style at all, for text that leaves the screen.
        pub static PLAIN: Theme = Theme { $($field: Style::new(),)* };

        /// A role, by its name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Role {
            $($(#[doc = $doc])* $role,)*
        }

        impl Role {
            /// All of them, in the order in which errors list them.
            pub const ALL: &'static [Self] = &[$(Self::$role,)*];

            /// Its name in theme files.
            pub fn name(self) -> &'static str {
                match self { $(Self::$role => $name,)* }
            }

            fn rank(self) -> Rank {
                match self { $(Self::$role => Rank::$rank,)* }
            }

            /// What it looks like in a theme.
            pub fn of(self, theme: &Theme) -> Style {
                match self { $(Self::$role => theme.$field,)* }
            }
        }

        impl Theme {
            /// The theme with each role changed.
            fn each(self, change: impl Fn(Role, Style) -> Style) -> Self {
                Self { $($field: change(Role::$role, self.$field),)* }
            }
        }
    };
}

roles! {
    /// Ordinary text.
    base Base "base" Text;
    /// Text of second rank: still read, not first.
    subtle Subtle "subtle" Text;
    /// Text of third rank: labels, units, ages.
    muted Muted "muted" Quiet;
    /// The one accent: where the reader is, and keys.
    accent Accent "accent" Text;
    /// Went through.
    success Success "success" Text;
    /// Needs attention soon.
    warning Warning "warning" Text;
    /// Refused, overdue, broken.
    danger Danger "danger" Text;
    /// For information.
    info Info "info" Text;
    /// Laid over the selected row.
    selection Selection "selection" Behind;
    /// Laid over the selected row of a list that has not the focus.
    selection_dim SelectionDim "selection-dim" Behind;
    /// Rules and frames.
    border Border "border" Quiet;
    /// Headings.
    title Title "title" Text;
    /// Characters of untrusted text that are shown by their number.
    escaped Escaped "escaped" Text;
    /// The button that `enter` would press, the active tab.
    active Active "active" Text;
}

/// A theme as chosen by a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Choice {
    /// From what the terminal says of itself.
    #[default]
    Auto,
    /// Light text on dark, in the terminal's colours.
    Dark,
    /// Dark text on light, in the terminal's colours.
    Light,
    /// Light text on dark, in colours of its own.
    TrueDark,
    /// Dark text on light, in colours of its own.
    TrueLight,
    /// At least 7:1, in colours of its own.
    HighContrast,
    /// Blue and orange instead of green and red.
    ColourSafe,
    /// No colour at all.
    Mono,
}

impl Choice {
    /// The names that configuration files and flags use, in the order in which help lists them.
    pub const NAMES: [(&'static str, Self); 8] = [
        ("auto", Self::Auto),
        ("dark", Self::Dark),
        ("light", Self::Light),
        ("true-dark", Self::TrueDark),
        ("true-light", Self::TrueLight),
        ("high-contrast", Self::HighContrast),
        ("colour-safe", Self::ColourSafe),
        ("mono", Self::Mono),
    ];

    /// The choice of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(known, _)| *known == name).map(|(_, choice)| *choice)
    }

    /// Whether it says that the background is light.
    pub fn light(self) -> Option<bool> {
        match self {
            Self::Light | Self::TrueLight => Some(true),
            Self::Dark | Self::TrueDark => Some(false),
            Self::Auto | Self::HighContrast | Self::ColourSafe | Self::Mono => None,
        }
    }
}

impl Theme {
    /// The theme for a choice on a given terminal. `NO_COLOR` outranks every choice.
    pub fn for_terminal(choice: Choice, around: Surroundings) -> Self {
        Self::with_file(choice, None, around).0
    }

    /// The same with a person's file laid over it, and what of that can't be shown. Where there are no colours, the file has
    /// none either.
    pub fn with_file(choice: Choice, file: Option<&Custom>, around: Surroundings) -> (Self, Vec<String>) {
        if around.no_color || choice == Choice::Mono {
            return (fit::without_dim(Self::mono(), around.colours), Vec::new());
        }
        let (theme, ground) = fit::fitted(choice, around);
        match file {
            Some(file) => file.laid_over(theme, ground.as_ref(), around.depth),
            None => (theme, Vec::new()),
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

    /// No colour and nothing dim, of which nobody knows whether it can be read.
    fn colourless() -> Self {
        Self { muted: Style::new(), border: Style::new(), ..Self::mono() }
    }

    /// Gives ordinary text its colour, where it is not the terminal's own: in every cell that has none.
    pub fn finish(&self, buffer: &mut Buffer) {
        let Some(text) = self.base.fg else { return };
        for cell in buffer.content.iter_mut().filter(|cell| cell.fg == Color::Reset) {
            cell.fg = text;
        }
    }

    /// With the terminal's own text instead of its greys, which are its background in some schemes.
    fn without_greys(self) -> Self {
        let grey = |colour| matches!(colour, Color::Gray | Color::DarkGray);
        self.each(|_, style| if style.fg.is_some_and(grey) { Style { fg: None, ..style } } else { style })
    }
}
