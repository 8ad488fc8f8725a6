//! Colours as numbers: how far two are apart (WCAG's relative luminance and contrast ratio), and the nearest that is far
//! enough from what is behind it. What a role looks like is not decided here.

use ratatui::style::Color;

/// Steps in which a colour goes towards white or black until it can be read.
const STEPS: u32 = 40;
/// The first colour of the cube of 256-colour terminals; those below are whatever the person has set.
const CUBE: u8 = 16;
/// Values of a channel in the cube.
const LEVELS: [u8; 6] = [0, 95, 135, 175, 215, 255];
/// Between the largest and the smallest channel: below that a colour counts as a grey.
const CHROMA: u8 = 32;

/// A colour as the terminal reports it, 8 bits a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rgb(pub u8, pub u8, pub u8);

const BLACK: Rgb = Rgb(0, 0, 0);
const WHITE: Rgb = Rgb(255, 255, 255);

impl Rgb {
    /// Whether text on it must be dark.
    pub fn is_light(self) -> bool {
        self.pole() == BLACK
    }

    /// White or black: whichever can be read better on it. One of them always has more than 4.5:1.
    pub(super) fn pole(self) -> Self {
        if self.ratio(WHITE) >= self.ratio(BLACK) { WHITE } else { BLACK }
    }

    /// Whether it has a hue.
    pub(super) fn is_chromatic(self) -> bool {
        let channels = [self.0, self.1, self.2];
        let most = channels.into_iter().max().unwrap_or_default();
        let least = channels.into_iter().min().unwrap_or_default();
        most - least >= CHROMA
    }

    /// WCAG's relative luminance, from 0 (black) to 1 (white).
    fn luminance(self) -> f64 {
        let linear = |channel: u8| {
            let share = f64::from(channel) / 255.0;
            if share <= 0.040_45 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(self.0) + 0.7152 * linear(self.1) + 0.0722 * linear(self.2)
    }

    /// WCAG's contrast ratio of two colours, from 1 to 21.
    pub fn ratio(self, other: Self) -> f64 {
        let (a, b) = (self.luminance(), other.luminance());
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    /// Whether it keeps this ratio against each of these.
    pub(super) fn keeps(self, least: f64, on: &[Self]) -> bool {
        on.iter().all(|ground| self.ratio(*ground) >= least)
    }

    /// Mixed with `other`, `percent` of it.
    pub(super) fn mixed(self, other: Self, percent: u32) -> Self {
        let channel = |a: u8, b: u8| {
            let sum = u32::from(a) * (100 - percent) + u32::from(b) * percent;
            u8::try_from(sum / 100).unwrap_or(u8::MAX)
        };
        Self(channel(self.0, other.0), channel(self.1, other.1), channel(self.2, other.2))
    }

    /// The nearest to it, on the way to white or black, that keeps the ratio; the end of that way where none does.
    pub(super) fn kept(self, least: f64, on: &[Self]) -> Self {
        let end = on.first().map_or(WHITE, |ground| ground.pole());
        let steps = (0..=STEPS).map(|step| self.mixed(end, step * 100 / STEPS));
        steps.into_iter().find(|colour| colour.keeps(least, on)).unwrap_or(end)
    }

    /// The nearest colour of the cube that keeps the ratio, nearest to what would be told of 24 bits.
    pub(super) fn kept_in_cube(self, least: f64, on: &[Self]) -> Option<u8> {
        let wanted = self.kept(least, on);
        let far = |index: &u8| indexed(*index).map_or(u32::MAX, |colour| wanted.distance(colour));
        (CUBE..=u8::MAX).filter(|index| indexed(*index).is_some_and(|it| it.keeps(least, on))).min_by_key(far)
    }

    fn distance(self, other: Self) -> u32 {
        let square = |a: u8, b: u8| u32::from(a.abs_diff(b)).pow(2);
        2 * square(self.0, other.0) + 4 * square(self.1, other.1) + 3 * square(self.2, other.2)
    }
}

impl From<Rgb> for Color {
    fn from(Rgb(red, green, blue): Rgb) -> Self {
        Self::Rgb(red, green, blue)
    }
}

/// The colour of that number in the cube and its greys; the first sixteen are the person's own.
pub(super) fn indexed(index: u8) -> Option<Rgb> {
    let at = index.checked_sub(CUBE)?;
    if at >= 216 {
        let grey = 8 + (at - 216) * 10;
        return Some(Rgb(grey, grey, grey));
    }
    let level = |step: u8| LEVELS.get(usize::from(step % 6)).copied();
    Some(Rgb(level(at / 36)?, level(at / 6)?, level(at)?))
}

/// The terminal's own colours, by their numbers.
pub(super) const SIXTEEN: [Color; 16] = [
    Color::Black,
    Color::Red,
    Color::Green,
    Color::Yellow,
    Color::Blue,
    Color::Magenta,
    Color::Cyan,
    Color::Gray,
    Color::DarkGray,
    Color::LightRed,
    Color::LightGreen,
    Color::LightYellow,
    Color::LightBlue,
    Color::LightMagenta,
    Color::LightCyan,
    Color::White,
];

/// The number of one of them.
pub(super) fn number_of(colour: Color) -> Option<usize> {
    SIXTEEN.into_iter().position(|known| known == colour)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_those_of_wcag() {
        let near = |a: f64, b: f64| (a - b).abs() < 0.01;
        assert!(near(WHITE.ratio(BLACK), 21.0));
        assert!(near(Rgb(0x77, 0x77, 0x77).ratio(WHITE), 4.48));
        assert!(near(Rgb(0x76, 0x76, 0x76).ratio(WHITE), 4.54));
        // Solarized: its text and its "bright black" on its dark background.
        let ground = Rgb(0x00, 0x2b, 0x36);
        assert!(near(Rgb(0x83, 0x94, 0x96).ratio(ground), 4.75));
        assert!(near(ground.ratio(ground), 1.0));
    }

    #[test]
    fn the_cube_is_that_of_xterm() {
        assert_eq!(indexed(15), None);
        assert_eq!(indexed(16), Some(BLACK));
        assert_eq!(indexed(67), Some(Rgb(95, 135, 175)));
        assert_eq!(indexed(231), Some(WHITE));
        assert_eq!(indexed(232), Some(Rgb(8, 8, 8)));
        assert_eq!(indexed(255), Some(Rgb(238, 238, 238)));
    }

    #[test]
    fn on_any_ground_something_can_be_read() {
        for grey in (0..=255).step_by(5) {
            let on = [Rgb(grey, grey, grey)];
            for wanted in [Rgb(grey, grey, grey), Rgb(200, 30, 30), Rgb(30, 200, 30), Rgb(30, 30, 200)] {
                assert!(wanted.kept(4.5, &on).keeps(4.5, &on), "{grey} {wanted:?}");
                let index = wanted.kept_in_cube(4.5, &on).unwrap();
                assert!(indexed(index).unwrap().keeps(4.5, &on), "{grey} {wanted:?}");
            }
        }
    }
}
