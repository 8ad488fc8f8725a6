//! Names with `*` in them, as filters write them. Entity patterns are in `path`.

use std::fmt;

use super::super::path;

/// A name in which `*` stands for any run of characters, the empty one too.
#[derive(Clone)]
pub struct Glob {
    text: String,
    stars: Option<path::Glob>,
}

impl Glob {
    /// From its text; everything is a glob.
    pub fn new(text: &str) -> Self {
        Self { text: text.to_owned(), stars: path::Glob::new(text) }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The name, if only one can match.
    pub fn exact(&self) -> Option<&str> {
        self.stars.is_none().then_some(self.text.as_str())
    }

    /// Whether the whole name fits.
    pub fn matches(&self, name: &str) -> bool {
        self.stars.as_ref().map_or(self.text == name, |stars| stars.matches(name))
    }
}

impl PartialEq for Glob {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Glob {}

impl fmt::Debug for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, f)
    }
}

#[cfg(test)]
mod tests {
    use super::Glob;

    #[test]
    fn stars_stand_for_any_run() {
        for (glob, name, fits) in [
            ("write", "write", true),
            ("write", "writes", false),
            ("send_*", "send_upsell", true),
            ("send_*", "resend_upsell", false),
            ("*", "", true),
            ("a*a", "a", false),
            ("a*a", "aa", true),
            ("*b*b*", "abcb", true),
            ("*b*b*", "abc", false),
            ("beads/*/emma", "beads/crew/emma", true),
            ("", "", true),
            ("", "x", false),
        ] {
            assert_eq!(Glob::new(glob).matches(name), fits, "{glob} on {name}");
        }
    }
}
