//! Fits the roles of a theme to a terminal, once: every role keeps its contrast against the background.
//!
//! A role keeps one of the terminal's own sixteen colours where the terminal told it and it can be read. Else it gets the
//! nearest colour that can be, of 24 bits or of the cube; where there are but sixteen, the terminal's own text, bold or
//! underlined: glyph and word say what it is. Of a background that nobody told, nothing is painted on it at all.

use ratatui::style::{Color, Modifier, Style};

use super::colour::{Rgb, SIXTEEN, indexed, number_of};
use super::surroundings::{Colours, Depth, Surroundings};
use super::{Choice, Rank, Role, Theme};

/// Ratios that text has at least, and what is of third rank.
const LEAST: (f64, f64) = (4.5, 3.0);
/// The same of the theme of high contrast.
const LEAST_HIGH: (f64, f64) = (7.0, 4.5);
/// What is taken for the background where only its lightness is known: lighter, or darker, than those of most schemes, so
/// that what can be read here can be read there.
const ASSUMED_DARK: Rgb = Rgb(0x3f, 0x3f, 0x3f);
const ASSUMED_LIGHT: Rgb = Rgb(0xe4, 0xe4, 0xe4);
/// Shades, in percent, that the band of the selection may be off the background, the best first.
const BANDS: [u32; 3] = [10, 8, 6];
/// What the band of a list without the focus is off it at most.
const DIM_BAND: u32 = 6;
/// How far on the way to the background text of third rank is, in percent, where it has no grey that will do.
const FADED: u32 = 30;
/// Half of the way to the background: what terminals make of dim text.
const DIMMED: u32 = 50;

/// The sixteen where the terminal does not tell its own, or a theme brings them.
const ON_DARK: [Rgb; 16] = [
    Rgb(0x1d, 0x1f, 0x21),
    Rgb(0xe0, 0x6c, 0x6c),
    Rgb(0x8f, 0xb5, 0x73),
    Rgb(0xe0, 0xb0, 0x60),
    Rgb(0x6f, 0x9f, 0xd8),
    Rgb(0xb2, 0x94, 0xbb),
    Rgb(0x6f, 0xc2, 0xb4),
    Rgb(0xc5, 0xc8, 0xc6),
    Rgb(0x80, 0x86, 0x90),
    Rgb(0xff, 0x7b, 0x72),
    Rgb(0xa8, 0xd6, 0x8a),
    Rgb(0xf2, 0xcc, 0x60),
    Rgb(0x8a, 0xb8, 0xff),
    Rgb(0xd2, 0xa8, 0xff),
    Rgb(0x8b, 0xe0, 0xd4),
    Rgb(0xff, 0xff, 0xff),
];
const ON_LIGHT: [Rgb; 16] = [
    Rgb(0x00, 0x00, 0x00),
    Rgb(0xb0, 0x20, 0x20),
    Rgb(0x2f, 0x7d, 0x32),
    Rgb(0x94, 0x62, 0x00),
    Rgb(0x1f, 0x5f, 0xb0),
    Rgb(0x7b, 0x3f, 0xa0),
    Rgb(0x0b, 0x7a, 0x75),
    Rgb(0x55, 0x5b, 0x63),
    Rgb(0x76, 0x7c, 0x85),
    Rgb(0xb0, 0x20, 0x20),
    Rgb(0x2f, 0x7d, 0x32),
    Rgb(0x94, 0x62, 0x00),
    Rgb(0x1f, 0x5f, 0xb0),
    Rgb(0x7b, 0x3f, 0xa0),
    Rgb(0x0b, 0x7a, 0x75),
    Rgb(0x10, 0x10, 0x10),
];

/// What a role is measured against, and with what it can be told.
#[derive(Debug, Clone)]
pub(super) struct Ground {
    colours: Colours,
    depth: Depth,
    /// What text stands on: the background, and the band of the selection.
    on: Vec<Rgb>,
    light: bool,
    /// Whether the theme brings its own colours.
    own: bool,
    least: (f64, f64),
    /// How much of white or black the selection's band has.
    band: Option<u32>,
}

/// The theme, fitted, and what it was measured against; `None` of a terminal of which nothing is known.
pub(super) fn fitted(choice: Choice, around: Surroundings) -> (Theme, Option<Ground>) {
    let said = choice.light();
    let Some(light) = said.or(around.light()) else {
        return (Theme::colourless(), None);
    };
    let recipe = match (choice == Choice::ColourSafe, light) {
        (true, _) => Theme::colour_safe(light),
        (false, true) => Theme::light(),
        (false, false) => Theme::dark(),
    };
    if around.colours.background.is_none() && around.depth == Depth::Sixteen {
        // Nothing can be measured: whoever says that it is dark, or light, is taken at their word, but for the greys.
        return if said.is_some() { (recipe.without_greys(), None) } else { (Theme::colourless(), None) };
    }
    let mut ground = Ground::of(choice, around, light);
    let base = ground.base();
    ground.choose_band(base);
    let text = ground.value(base.fg.unwrap_or(Color::Reset));
    let theme = recipe.each(|role, style| ground.fit(role, style, text));
    (ground.banded(Theme { base, ..theme }), Some(ground))
}

impl Ground {
    fn of(choice: Choice, around: Surroundings, light: bool) -> Self {
        let assumed = if light { ASSUMED_LIGHT } else { ASSUMED_DARK };
        Self {
            colours: around.colours,
            depth: around.depth,
            on: vec![around.colours.background.unwrap_or(assumed)],
            light,
            own: matches!(choice, Choice::TrueDark | Choice::TrueLight | Choice::HighContrast),
            least: if choice == Choice::HighContrast { LEAST_HIGH } else { LEAST },
            band: None,
        }
    }

    /// What a role has at least; nothing of what is no text.
    pub(super) fn least(&self, role: Role) -> Option<f64> {
        match role.rank() {
            Rank::Text => Some(self.least.0),
            Rank::Quiet => Some(self.least.1),
            Rank::Behind => None,
        }
    }

    /// The value of a colour, where it is known.
    pub(super) fn value(&self, colour: Color) -> Option<Rgb> {
        if let Color::Rgb(red, green, blue) = colour {
            return Some(Rgb(red, green, blue));
        }
        if colour == Color::Reset {
            return self.colours.foreground;
        }
        match (number_of(colour), colour) {
            (Some(index), _) => self.colours.palette.get(index).copied().flatten(),
            (None, Color::Indexed(index)) => indexed(index),
            (None, _) => None,
        }
    }

    /// The lowest ratio of a colour against what it may stand on.
    pub(super) fn ratio(&self, colour: Rgb) -> f64 {
        self.on.iter().map(|ground| colour.ratio(*ground)).fold(f64::MAX, f64::min)
    }

    /// The colour as this terminal can be told it; `None` where it has only its sixteen.
    pub(super) fn told(&self, wanted: Rgb, least: f64) -> Option<Color> {
        match self.depth {
            Depth::True => Some(wanted.kept(least, &self.on).into()),
            Depth::Cube => wanted.kept_in_cube(least, &self.on).map(Color::Indexed),
            Depth::Sixteen => None,
        }
    }

    /// Ordinary text: the terminal's own, unless that can't be read, or is not known and the theme brings one.
    fn base(&self) -> Style {
        let brought = self.on.first().filter(|_| self.own).map(|ground| ground.pole());
        let text = self.colours.foreground.or(brought);
        let own = self.colours.foreground.is_some_and(|text| text.keeps(self.least.0, &self.on));
        let told = text.filter(|_| !own).and_then(|text| self.told(text, self.least.0));
        told.map_or_else(Style::new, |colour| Style::new().fg(colour))
    }

    /// A band as strong as ordinary text allows; only where the terminal told its colours, and can be told any.
    fn choose_band(&mut self, base: Style) {
        let (Depth::True, Some(background)) = (self.depth, self.colours.background) else { return };
        let Some(text) = self.value(base.fg.unwrap_or(Color::Reset)) else { return };
        let band = |percent: u32| background.mixed(background.pole(), percent);
        self.band = BANDS.into_iter().find(|percent| text.ratio(band(*percent)) >= self.least.0);
        self.on.extend(self.band.map(band));
    }

    fn fit(&self, role: Role, style: Style, text: Option<Rgb>) -> Style {
        let (Some(colour), Some(least)) = (style.fg, self.least(role)) else { return style };
        if twin(colour).is_none() && !self.own {
            return self.fit_grey(role, style, (colour, least), text);
        }
        let candidates = [Some(colour), twin(colour)];
        let of_palette = candidates.into_iter().flatten();
        let hued = |rgb: &Rgb| twin(colour).is_none() || rgb.is_chromatic();
        if !self.own || self.depth == Depth::Sixteen {
            let fits =
                |it: &Color| self.value(*it).is_some_and(|rgb| hued(&rgb) && rgb.keeps(least, &self.on));
            if let Some(fits) = of_palette.clone().find(fits) {
                return style.fg(fits);
            }
        }
        let known = of_palette.filter(|_| !self.own).filter_map(|it| self.value(it)).find(hued);
        let brought = if self.light { ON_LIGHT } else { ON_DARK };
        let brought = number_of(colour).and_then(|index| brought.get(index).copied());
        let wanted = known.or(brought).and_then(|wanted| self.told(wanted, least));
        wanted.map_or_else(|| role.of(&Theme::colourless()), |wanted| style.fg(wanted))
    }

    /// Text of second and third rank never stands out more than text does: in some schemes the greys are brighter.
    fn fit_grey(&self, role: Role, style: Style, (colour, least): (Color, f64), text: Option<Rgb>) -> Style {
        let most = text.map_or(f64::MAX, |text| self.ratio(text));
        let value = self.value(colour);
        if value.is_some_and(|value| value.keeps(least, &self.on) && self.ratio(value) <= most) {
            return style;
        }
        let background = self.on.first().copied();
        let faded = text.zip(background).map(|(text, background)| text.mixed(background, FADED));
        let brought = if self.light { ON_LIGHT } else { ON_DARK };
        let brought = number_of(colour).and_then(|index| brought.get(index).copied());
        let wanted = if role == Role::Subtle { text } else { faded };
        match wanted.or(brought).and_then(|wanted| self.told(wanted, least)) {
            Some(wanted) => style.fg(wanted),
            None => role.of(&Theme::colourless()),
        }
    }

    fn banded(&self, theme: Theme) -> Theme {
        let (Some(percent), Some(background)) = (self.band, self.colours.background) else { return theme };
        let band = |percent| Style::new().bg(background.mixed(background.pole(), percent).into());
        Theme {
            selection: band(percent).add_modifier(Modifier::BOLD),
            selection_dim: band(percent.min(DIM_BAND)),
            ..theme
        }
    }
}

/// The same hue, brighter or less bright.
fn twin(colour: Color) -> Option<Color> {
    let index = number_of(colour).filter(|index| !matches!(index % 8, 0 | 7))?;
    SIXTEEN.get(index ^ 8).copied()
}

/// A theme without colours, its dim text at full strength where dim can't be read.
pub(super) fn without_dim(theme: Theme, colours: Colours) -> Theme {
    let (Some(text), Some(background)) = (colours.foreground, colours.background) else { return theme };
    if text.mixed(background, DIMMED).ratio(background) >= LEAST.1 {
        return theme;
    }
    theme.each(|_, style| Style { add_modifier: style.add_modifier.difference(Modifier::DIM), ..style })
}
