//! One spelling of what comes in: a letter with its accent is one sign (NFC), however it was typed.
//!
//! What is recorded keeps its bytes: only readers of requests and of maps ask for this, by [`incoming`].

use std::borrow::Cow;
use std::cell::Cell;

use icu_normalizer::ComposingNormalizerBorrowed;

thread_local! {
    /// Is what this thread reads on its way in?
    static INCOMING: Cell<bool> = const { Cell::new(false) };
}

/// Reads something that comes in: every path, field, pattern and template in it is taken in one spelling.
pub fn incoming<T>(read: impl FnOnce() -> T) -> T {
    /// Puts back what was, also where reading panics.
    struct Before(bool);
    impl Drop for Before {
        fn drop(&mut self) {
            INCOMING.set(self.0);
        }
    }
    let _before = Before(INCOMING.replace(true));
    read()
}

/// The text as it is to be taken.
pub(super) fn spelled(text: &str) -> Cow<'_, str> {
    if text.is_ascii() || !INCOMING.get() { Cow::Borrowed(text) } else { in_one_spelling(text) }
}

/// The text in NFC.
pub(crate) fn in_one_spelling(text: &str) -> Cow<'_, str> {
    ComposingNormalizerBorrowed::new_nfc().normalize(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::path::{EntityPath, Pattern};

    #[test]
    fn only_what_comes_in_is_taken_in_one_spelling() {
        let (composed, apart) = ("files/caf\u{e9}", "files/cafe\u{301}");
        let read = |text: &str| text.parse::<EntityPath>().unwrap();
        assert_ne!(read(apart), read(composed), "what is recorded keeps its bytes");
        assert_eq!(incoming(|| read(apart)), read(composed));
        assert_eq!(
            incoming(|| serde_json::from_str::<EntityPath>("\"files/cafe\u{301}\"").unwrap()),
            read(composed)
        );
        assert_eq!(
            incoming(|| "files/cafe\u{301}*".parse::<Pattern>().unwrap()).as_str(),
            "files/caf\u{e9}*"
        );
        assert_eq!(read(apart).as_str(), apart);
    }
}
