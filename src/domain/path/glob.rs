//! A text with `*` in it, matched within one segment or one field name.

/// A text in which `*` stands for any run of characters, also none.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Glob {
    /// What stands between the stars; one star means two pieces.
    pieces: Box<[Box<str>]>,
}

impl Glob {
    /// Reads a text; `None` when there is no star in it.
    pub(crate) fn new(text: &str) -> Option<Self> {
        text.contains('*').then(|| Self { pieces: text.split('*').map(Box::from).collect() })
    }

    /// The literal pieces between the stars.
    pub(crate) fn pieces(&self) -> impl ExactSizeIterator<Item = &str> + DoubleEndedIterator {
        self.pieces.iter().map(AsRef::as_ref)
    }

    /// Does the whole of `text` match?
    pub(crate) fn matches(&self, text: &str) -> bool {
        let mut pieces = self.pieces();
        let (Some(prefix), Some(suffix)) = (pieces.next(), pieces.next_back()) else { return false };
        let Some(mut rest) = text.strip_prefix(prefix).and_then(|rest| rest.strip_suffix(suffix)) else {
            return false;
        };
        for piece in pieces {
            let Some(at) = rest.find(piece) else { return false };
            rest = rest.get(at + piece.len()..).unwrap_or_default();
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_match_any_run() {
        let cases = [
            ("*", "", true),
            ("*", "abc", true),
            ("vip-*", "vip-7", true),
            ("vip-*", "vip-", true),
            ("vip-*", "vip", false),
            ("*-x", "a-x", true),
            ("a*a", "a", false),
            ("a*a", "aa", true),
            ("*b*b*", "abab", true),
            ("*b*b*", "aba", false),
            ("a*b*c", "abbc", true),
            ("a*bc*c", "abc", false),
            ("ü*", "über", true),
        ];
        for (glob, text, expected) in cases {
            assert_eq!(Glob::new(glob).unwrap().matches(text), expected, "{glob} on {text}");
        }
        assert_eq!(Glob::new("plain"), None);
    }
}
