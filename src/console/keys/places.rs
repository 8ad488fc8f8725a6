//! The letter of a layout without Latin letters, as the Latin letter on the same key of the keyboard: commands are found by
//! their place. Terminals send the letter and not the key, so this is a table of layouts.

use crossterm::event::KeyCode;

use super::Key;

/// The letters in their places, row by row.
const LATIN: [&str; 3] = ["qwertyuiop[]", "asdfghjkl;'", "zxcvbnm,./"];
/// The same places elsewhere. Where two layouts have a letter in different places, the first one counts.
const LAYOUTS: [[&str; 3]; 7] = [
    // Russian
    ["йцукенгшщзхъ", "фывапролджэ", "ячсмитьбю."],
    // Ukrainian
    ["йцукенгшщзхї", "фівапролджє", "ячсмитьбю."],
    // Greek
    [";ςερτυθιοπ[]", "ασδφγηξκλ΄'", "ζχψωβνμ,./"],
    // Hebrew
    ["/'קראטוןםפ][", "שדגכעיחלךף,", "זסבהנמצתץ."],
    // Arabic
    ["ضصثقفغعهخحجد", "شسيبلاتنمكط", "ئءؤرﻻىةوزظ"],
    // Georgian
    ["ქწერტყუიოპ[]", "ასდფგჰჯკლ;'", "ზხცვბნმ,./"],
    // Armenian, phonetic
    ["քոեռտըւիօպ[]", "ասդֆգհյկլ;'", "զղցվբնմ,./"],
];

impl Key {
    /// The Latin key in the same place; none where it is Latin itself, or in no table.
    pub fn by_place(self) -> Option<Self> {
        let KeyCode::Char(typed) = self.code else { return None };
        if typed.is_ascii() {
            return None;
        }
        let small = typed.to_lowercase().next()?;
        let mut rows = LAYOUTS.iter().flat_map(|layout| layout.iter().zip(LATIN));
        let latin = rows.find_map(|(row, latin)| latin.chars().nth(row.chars().position(|c| c == small)?))?;
        let latin = if small == typed { latin } else { latin.to_ascii_uppercase() };
        Some(Self { code: KeyCode::Char(latin), ..self })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_is_the_key_in_its_place() {
        for (typed, means) in [
            ('у', Some('e')),
            ('У', Some('E')),
            ('ш', Some('i')),
            ('θ', Some('u')),
            ('ע', Some('g')),
            ('e', None),
            ('é', None),
        ] {
            assert_eq!(Key::char(typed).by_place(), means.map(Key::char), "{typed}");
        }
        assert_eq!(Key::parse("ctrl-з").unwrap().by_place(), Some(Key::parse("ctrl-p").unwrap()));
    }

    #[test]
    fn every_row_has_its_places() {
        for (layout, row, latin) in LAYOUTS
            .iter()
            .flat_map(|layout| layout.iter().zip(LATIN).map(move |(row, latin)| (layout, row, latin)))
        {
            assert!(row.chars().count() >= latin.chars().count() - 1, "{row} of {layout:?}");
        }
    }
}
