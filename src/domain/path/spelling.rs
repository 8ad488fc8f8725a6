//! One spelling of names: a letter with its accent is one sign (NFC), however it was typed or recorded.
//!
//! Paths, fields, patterns and templates are read by [`in_one`], wherever they are read: from a request, from a map, from
//! the ledger. So a record is found by its name whichever way somebody wrote it down. The bytes of what was recorded stay
//! as they are; only what is folded from them has one name.

use std::borrow::Cow;

use icu_normalizer::ComposingNormalizerBorrowed;

/// Reads a name in its one spelling. A few signs take more bytes in it: where the name would be too long for that, it is taken
/// as it stands, since what was recorded must be readable.
pub(super) fn in_one<T, E>(text: &str, read: impl Fn(&str) -> Result<T, E>) -> Result<T, E> {
    match in_one_spelling(text) {
        Cow::Borrowed(text) => read(text),
        Cow::Owned(composed) => read(&composed).or_else(|error| read(text).map_err(|_| error)),
    }
}

/// The text in NFC.
pub(crate) fn in_one_spelling(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    ComposingNormalizerBorrowed::new_nfc().normalize(text)
}

/// The same of a text that may be owned already.
pub(crate) fn composed(text: Cow<'_, str>) -> Cow<'_, str> {
    match in_one_spelling(&text) {
        Cow::Owned(one) => Cow::Owned(one),
        Cow::Borrowed(_) => text,
    }
}

#[cfg(test)]
mod tests {
    use crate::domain::path::entity::MAX_ENTITY_BYTES;
    use crate::domain::path::{EntityPath, FieldName, Pattern, Template};

    const COMPOSED: &str = "files/caf\u{e9}";
    const APART: &str = "files/cafe\u{301}";

    #[test]
    fn a_name_is_one_name_however_it_is_written() {
        let read = |text: &str| text.parse::<EntityPath>().unwrap();
        assert_eq!(read(APART), read(COMPOSED));
        assert_eq!(serde_json::from_str::<EntityPath>("\"files/cafe\u{301}\"").unwrap(), read(COMPOSED));
        assert_eq!("cafe\u{301}".parse::<FieldName>().unwrap().as_str(), "caf\u{e9}");
        assert_eq!("files/cafe\u{301}*".parse::<Pattern>().unwrap().as_str(), "files/caf\u{e9}*");
        let template: Template = "files/cafe\u{301}/{id}".parse().unwrap();
        assert_eq!(template.to_string(), "files/caf\u{e9}/{id}");
    }

    /// U+0958 is two signs in NFC, which take twice as many bytes.
    #[test]
    fn what_would_not_fit_in_its_one_spelling_is_read_as_it_stands() {
        let sign = "\u{958}";
        let fits = sign.repeat(MAX_ENTITY_BYTES / 6);
        assert_eq!(
            fits.parse::<EntityPath>().unwrap().as_str(),
            "\u{915}\u{93c}".repeat(MAX_ENTITY_BYTES / 6)
        );
        let long = sign.repeat(MAX_ENTITY_BYTES / 3);
        assert_eq!(long.parse::<EntityPath>().unwrap().as_str(), long);
    }
}
