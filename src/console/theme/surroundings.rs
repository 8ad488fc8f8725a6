//! What is known of the terminal before the first frame: what the environment says, and what the terminal answered.

use super::colour::Rgb;

/// How many colours a terminal can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Depth {
    /// Its own sixteen.
    #[default]
    Sixteen,
    /// Its own sixteen and the cube.
    Cube,
    /// Any.
    True,
}

/// Which colour a terminal was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slot {
    Background,
    Foreground,
    /// One of the sixteen, from 0.
    Palette(u8),
}

/// The colours of a terminal, as far as they are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Colours {
    pub background: Option<Rgb>,
    pub foreground: Option<Rgb>,
    /// The sixteen.
    pub palette: [Option<Rgb>; 16],
}

impl Colours {
    /// How many of them are not known.
    pub fn untold(&self) -> usize {
        let all = self.palette.iter().chain([&self.background, &self.foreground]);
        all.filter(|colour| colour.is_none()).count()
    }

    /// Takes what the terminal said of one of them.
    pub fn told(&mut self, slot: Slot, colour: Rgb) {
        let place = match slot {
            Slot::Background => Some(&mut self.background),
            Slot::Foreground => Some(&mut self.foreground),
            Slot::Palette(index) => self.palette.get_mut(usize::from(index)),
        };
        if let Some(place) = place {
            *place = Some(colour);
        }
    }
}

/// What is known of the terminal before the first frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Surroundings {
    /// Its colours: told by itself, or known of its kind.
    pub colours: Colours,
    /// Whether `COLORFGBG` says that the background is light.
    pub light_by_environment: Option<bool>,
    /// `NO_COLOR` is set to something.
    pub no_color: bool,
    /// By `COLORTERM` and `TERM`.
    pub depth: Depth,
}

impl Surroundings {
    /// Reads the environment's part; `lookup` is `|name| std::env::var(name).ok()` outside of tests.
    pub fn from_environment(lookup: impl Fn(&str) -> Option<String>) -> Self {
        let term = lookup("TERM").unwrap_or_default();
        let light_by_environment = lookup("COLORFGBG").and_then(|value| light_from_colorfgbg(&value));
        Self {
            colours: if term == "linux" { LINUX } else { Colours::default() },
            light_by_environment,
            no_color: lookup("NO_COLOR").is_some_and(|value| !value.is_empty()),
            depth: depth(&term, &lookup("COLORTERM").unwrap_or_default()),
        }
    }

    /// With what the terminal told, which goes before what is known of its kind.
    #[must_use]
    pub fn with(self, told: Colours) -> Self {
        if told == Colours::default() { self } else { Self { colours: told, ..self } }
    }

    /// Whether the background is light, where that is known.
    pub(super) fn light(self) -> Option<bool> {
        self.colours.background.map(Rgb::is_light).or(self.light_by_environment)
    }
}

fn depth(term: &str, colorterm: &str) -> Depth {
    // The Linux console takes more colours than it has, and shows others.
    if term == "linux" {
        return Depth::Sixteen;
    }
    if colorterm == "truecolor" || colorterm == "24bit" || term.ends_with("-direct") {
        return Depth::True;
    }
    let known = ["kitty", "alacritty", "foot", "wezterm", "ghostty"];
    if term.contains("256color") || known.iter().any(|name| term.contains(name)) {
        return Depth::Cube;
    }
    Depth::Sixteen
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

/// The Linux console answers no question; these are the colours that it starts with.
pub(super) const LINUX: Colours = Colours {
    background: Some(Rgb(0, 0, 0)),
    foreground: Some(Rgb(0xaa, 0xaa, 0xaa)),
    palette: [
        Some(Rgb(0x00, 0x00, 0x00)),
        Some(Rgb(0xaa, 0x00, 0x00)),
        Some(Rgb(0x00, 0xaa, 0x00)),
        Some(Rgb(0xaa, 0x55, 0x00)),
        Some(Rgb(0x00, 0x00, 0xaa)),
        Some(Rgb(0xaa, 0x00, 0xaa)),
        Some(Rgb(0x00, 0xaa, 0xaa)),
        Some(Rgb(0xaa, 0xaa, 0xaa)),
        Some(Rgb(0x55, 0x55, 0x55)),
        Some(Rgb(0xff, 0x55, 0x55)),
        Some(Rgb(0x55, 0xff, 0x55)),
        Some(Rgb(0xff, 0xff, 0x55)),
        Some(Rgb(0x55, 0x55, 0xff)),
        Some(Rgb(0xff, 0x55, 0xff)),
        Some(Rgb(0x55, 0xff, 0xff)),
        Some(Rgb(0xff, 0xff, 0xff)),
    ],
};
