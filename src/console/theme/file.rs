//! A person's own theme: a file of roles and their colours, laid over the chosen theme and held to the same contrast.
//!
//! When it is read again is the loop's matter.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;

use ratatui::style::{Color, Style};
use toml::{Spanned, Value};

use super::colour::{Rgb, SIXTEEN};
use super::fit::Ground;
use super::{Depth, Rank, Role, Theme};

/// The longest file that is read, in bytes.
const FILE_BYTES: u64 = 64 * 1024;
/// Names of the terminal's own colours, by their numbers.
const NAMES: [&str; 16] = [
    "black",
    "red",
    "green",
    "yellow",
    "blue",
    "magenta",
    "cyan",
    "white",
    "bright-black",
    "bright-red",
    "bright-green",
    "bright-yellow",
    "bright-blue",
    "bright-magenta",
    "bright-cyan",
    "bright-white",
];
/// The terminal's own text, or background.
const DEFAULT: &str = "default";

/// Roles, and the colours that a person gives them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Custom {
    roles: Vec<(Role, Color)>,
}

type File = BTreeMap<Spanned<String>, Spanned<Value>>;

impl Custom {
    /// Reads a file.
    ///
    /// # Errors
    /// Everything that is wrong with it, a line each: the place, the reason, the mend.
    pub fn load(path: &Path) -> Result<Self, String> {
        let shown = path.display();
        let mut text = String::new();
        let read = std::fs::File::open(path)
            .and_then(|file| file.take(FILE_BYTES + 1).read_to_string(&mut text))
            .map_err(|error| format!("{shown}: {error}; name a file of text that you may read"))?;
        if u64::try_from(read).unwrap_or(u64::MAX) > FILE_BYTES {
            return Err(format!("{shown}: it has more than {FILE_BYTES} bytes; name the right file"));
        }
        Self::parse(&shown.to_string(), &text)
    }

    fn parse(file: &str, text: &str) -> Result<Self, String> {
        let problem = |at: usize, reason: String| {
            let before = text.get(..at).unwrap_or_default();
            let line = before.matches('\n').count() + 1;
            let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
            format!("{file}:{line}:{column}: {reason}")
        };
        let roles: File = toml::from_str(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            problem(at, format!("{}; write lines like `accent = \"#88c0d0\"`", error.message()))
        })?;
        let mut read = Vec::new();
        let mut problems = Vec::new();
        for (name, value) in &roles {
            match (role(name.get_ref()), colour(value.get_ref())) {
                (Err(reason), _) => problems.push((name.span().start, reason)),
                (Ok(_), Err(reason)) => problems.push((value.span().start, reason)),
                (Ok(role), Ok(colour)) => read.push((role, colour)),
            }
        }
        if problems.is_empty() {
            return Ok(Self { roles: read });
        }
        problems.sort();
        let problems: Vec<String> = problems.into_iter().map(|(at, reason)| problem(at, reason)).collect();
        Err(problems.join("\n"))
    }

    /// Lays it over a theme; also tells each role that can't be read so, and stays as it was.
    pub(super) fn laid_over(
        &self,
        theme: Theme,
        ground: Option<&Ground>,
        depth: Depth,
    ) -> (Theme, Vec<String>) {
        let mut told = Vec::new();
        let mut laid = theme;
        // What text stands on comes last: it is measured against the text that there will be.
        let (behind, text): (Vec<_>, Vec<_>) =
            self.roles.iter().copied().partition(|(role, _)| role.rank() == Rank::Behind);
        for (role, wanted) in text.into_iter().chain(behind) {
            let measured = match as_told(wanted, depth) {
                None => {
                    Err("this terminal has sixteen colours, and none that is written like this".to_owned())
                }
                Some(colour) => measured(role, colour, &laid, ground).map(|()| colour),
            };
            match measured {
                Ok(colour) => laid = laid.with(role, colour),
                Err(why) => told.push(format!("{} stays as it was: {why}", role.name())),
            }
        }
        let pressed = self.roles.iter().any(|(role, _)| *role == Role::Active);
        if !pressed && let Some(accent) = laid.accent.fg {
            laid = laid.with(Role::Active, accent);
        }
        (laid, told)
    }
}

impl Theme {
    fn with(self, role: Role, colour: Color) -> Self {
        let changed = |style: Style| match (role.rank(), colour) {
            (Rank::Behind, _) => {
                Style::new().bg(colour).add_modifier(style.add_modifier.difference(super::Modifier::REVERSED))
            }
            (Rank::Text | Rank::Quiet, Color::Reset) => Style { fg: None, ..style },
            (Rank::Text | Rank::Quiet, _) => style.fg(colour),
        };
        self.each(|each, style| if each == role { changed(style) } else { style })
    }
}

/// Whether it can be read; nothing is said of colours that nobody knows.
fn measured(role: Role, colour: Color, theme: &Theme, ground: Option<&Ground>) -> Result<(), String> {
    let Some(ground) = ground else { return Ok(()) };
    let Some(value) = ground.value(colour) else { return Ok(()) };
    if let Some(least) = ground.least(role) {
        let ratio = ground.ratio(value);
        return if ratio >= least { Ok(()) } else { Err(format!("{ratio:.1}:1 where it needs {least}:1")) };
    }
    for text in Role::ALL {
        let (Some(least), of) = (ground.least(*text), text.of(theme).fg.or(theme.base.fg)) else { continue };
        let Some(on_it) = ground.value(of.unwrap_or(Color::Reset)) else { continue };
        let ratio = on_it.ratio(value);
        if ratio < least {
            return Err(format!("{} would be {ratio:.1}:1 on it where it needs {least}:1", text.name()));
        }
    }
    Ok(())
}

/// A colour as the terminal can be told it.
fn as_told(colour: Color, depth: Depth) -> Option<Color> {
    match (colour, depth) {
        (Color::Rgb(..) | Color::Indexed(_), Depth::Sixteen) => None,
        (Color::Rgb(red, green, blue), Depth::Cube) => {
            Rgb(red, green, blue).kept_in_cube(1.0, &[]).map(Color::Indexed)
        }
        (told, _) => Some(told),
    }
}

fn role(name: &str) -> Result<Role, String> {
    Role::ALL.iter().copied().find(|role| role.name() == name).ok_or_else(|| {
        let names: Vec<_> = Role::ALL.iter().map(|role| role.name()).collect();
        format!("there is no role `{name}`; the roles are {}", names.join(", "))
    })
}

/// `"#88c0d0"`, one of the names, or a number of the 256.
fn colour(value: &Value) -> Result<Color, String> {
    let read = match (value.as_str(), value.as_integer()) {
        (Some(DEFAULT), _) => Some(Color::Reset),
        (Some(text), _) => hex(text).or_else(|| named(text)),
        (None, Some(number)) => u8::try_from(number).ok().map(numbered),
        (None, None) => None,
    };
    read.ok_or_else(|| {
        format!(
            "{value} is no colour; write \"#88c0d0\", a number from 0 to 255, {DEFAULT}, or one of {}",
            NAMES.join(", ")
        )
    })
}

fn hex(text: &str) -> Option<Color> {
    let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6 && !digits.starts_with('+'))?;
    let [_, red, green, blue] = u32::from_str_radix(digits, 16).ok()?.to_be_bytes();
    Some(Color::Rgb(red, green, blue))
}

fn named(text: &str) -> Option<Color> {
    let at = NAMES.iter().position(|name| *name == text)?;
    SIXTEEN.get(at).copied()
}

fn numbered(number: u8) -> Color {
    SIXTEEN.get(usize::from(number)).copied().unwrap_or(Color::Indexed(number))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::theme::{Choice, Colours, Surroundings};

    fn parse(text: &str) -> Result<Custom, String> {
        Custom::parse("nord.toml", text)
    }

    /// A dark terminal that tells nothing of its sixteen.
    fn dark(depth: Depth) -> Surroundings {
        let colours = Colours {
            background: Some(Rgb(0x2e, 0x34, 0x40)),
            foreground: Some(Rgb(0xd8, 0xde, 0xe9)),
            ..Colours::default()
        };
        Surroundings { colours, depth, ..Surroundings::default() }
    }

    fn laid(text: &str, depth: Depth) -> (Theme, Vec<String>) {
        Theme::with_file(Choice::Auto, Some(&parse(text).unwrap()), dark(depth))
    }

    #[test]
    fn colours_are_written_in_three_ways() {
        let custom = parse(
            "accent = \"#88c0d0\"\nmuted = 244\ninfo = \"bright-blue\"\nbase = \"default\"\nwarning = 3\n",
        );
        let roles = [
            (Role::Accent, Color::Rgb(0x88, 0xc0, 0xd0)),
            (Role::Base, Color::Reset),
            (Role::Info, Color::LightBlue),
            (Role::Muted, Color::Indexed(244)),
            (Role::Warning, Color::Yellow),
        ];
        assert_eq!(custom.unwrap().roles, roles);
    }

    #[test]
    fn errors_have_place_reason_and_mend() {
        for (text, place, mend) in [
            ("accent = \"#88c0d\"\n", "nord.toml:1:10: ", "write \"#88c0d0\""),
            ("\nmuted = 256\n", "nord.toml:2:9: ", "0 to 255"),
            ("ascent = 1\n", "nord.toml:1:1: ", "the roles are base, subtle, muted, accent"),
            ("accent = \n", "nord.toml:1:", "write lines like"),
            ("accent = true\n", "nord.toml:1:10: ", "is no colour"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.starts_with(place) && error.contains(mend), "{error}");
        }
        let both = parse("accent = 999\nmuted = 999\n").unwrap_err();
        assert_eq!(both.lines().count(), 2);
    }

    #[test]
    fn what_can_be_read_is_taken_and_the_pressed_button_goes_with_the_accent() {
        let (theme, told) = laid("accent = \"#88c0d0\"\n", Depth::True);
        assert_eq!(told, Vec::<String>::new());
        assert_eq!(theme.accent.fg, Some(Color::Rgb(0x88, 0xc0, 0xd0)));
        assert_eq!(theme.active.fg, theme.accent.fg);
        let (theme, _) = laid("accent = \"#88c0d0\"\n", Depth::Cube);
        assert_eq!(theme.accent.fg, Some(Color::Indexed(110)));
    }

    #[test]
    fn what_can_not_be_read_is_told_and_stays() {
        let without = Theme::for_terminal(Choice::Auto, dark(Depth::True));
        let (theme, told) =
            laid("muted = \"#3b4252\"\ndanger = \"#bf616a\"\nselection = \"#d8dee9\"\n", Depth::True);
        assert_eq!(theme, without);
        let [danger, muted, selection] = &told[..] else { panic!("{told:?}") };
        assert!(danger.starts_with("danger stays as it was: ") && danger.ends_with("where it needs 4.5:1"));
        assert!(
            muted.starts_with("muted stays as it was: 1.") && muted.ends_with("where it needs 3:1"),
            "{muted}"
        );
        assert!(selection.contains("base would be 1.0:1 on it"), "{selection}");
        let (theme, told) = laid("accent = \"#88c0d0\"\n", Depth::Sixteen);
        assert_eq!(theme, Theme::for_terminal(Choice::Auto, dark(Depth::Sixteen)));
        assert!(told[0].contains("sixteen"), "{told:?}");
    }

    #[test]
    fn a_file_that_is_not_there_says_so() {
        let error = Custom::load(Path::new("/nowhere/nord.toml")).unwrap_err();
        assert!(error.starts_with("/nowhere/nord.toml: ") && error.contains("name a file"), "{error}");
    }
}
