//! How a name is drawn: two that are drawn alike are taken for one another, whatever signs they are written with, and some names
//! would be taken for Deeds' own words.

use unicode_security::confusable_detection::skeleton;

use super::in_one_spelling;

/// What no new agent or person is called: on screens and in deeds these are Deeds' own words for who did something.
pub const RESERVED: [&str; 5] = ["deeds", "people", "everyone", "everybody", "anybody"];

/// What is drawn alike is one text here (the skeleton of Unicode's UTS 39), case aside: a capital `I` is drawn like `l` and is the
/// same as `i`, so that all three are one.
pub fn drawn(name: &str) -> String {
    let lower = in_one_spelling(name).to_lowercase();
    skeleton(&lower).map(|c| if c == 'i' { 'l' } else { c }).collect()
}

/// The reserved name that it is, or is drawn like. What begins like an option of a command is none for anybody.
pub fn reserved(name: &str) -> Option<&'static str> {
    let looks = drawn(name);
    if looks.starts_with('-') {
        return Some("an option");
    }
    RESERVED.into_iter().find(|word| drawn(word) == looks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_drawn_alike_are_one() {
        for (one, other) in [
            ("dana", "d\u{430}na"),
            ("dana", "Dana"),
            ("pay", "p\u{430}\u{443}"),
            ("caf\u{e9}", "cafe\u{301}"),
            ("modern", "modem"),
            ("agent-1", "agent-l"),
            ("paul", "pauI"),
            ("IVAN", "ivan"),
            ("dana", "D\u{410}N\u{410}"),
        ] {
            assert_eq!(drawn(one), drawn(other), "{one} {other}");
        }
        for (one, other) in [("dana", "dane"), ("sales", "sale"), ("a/b", "a-b"), ("eve", "ev\u{e9}")] {
            assert_ne!(drawn(one), drawn(other), "{one} {other}");
        }
    }

    #[test]
    fn words_of_its_own_are_reserved() {
        for name in
            ["deeds", "Deeds", "d\u{435}eds", "people", "EVERYBODY", "PeopIe", "--help", "-x", "\u{2010}x"]
        {
            assert!(reserved(name).is_some(), "{name}");
        }
        for name in ["dana", "deeds-bot", "people-ops", "body"] {
            assert_eq!(reserved(name), None, "{name}");
        }
    }
}
