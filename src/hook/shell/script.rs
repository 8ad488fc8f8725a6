//! The scripts of `sed`, as far as it matters whether they write or run something besides the files that they are given.

use std::iter::Peekable;
use std::str::Chars;

type Script<'a> = Peekable<Chars<'a>>;

/// Whether a command of the script writes a file or runs a program.
pub(super) fn of_sed_does_more(script: &str) -> bool {
    let mut chars = script.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            // An address, or text that is looked for.
            '/' => skip_to(&mut chars, '/', true),
            '\\' => {
                if let Some(mark) = chars.next() {
                    skip_to(&mut chars, mark, true);
                }
            }
            's' if replacement(&mut chars, true).is_none_or(|flags| flags.contains(['w', 'e'])) => {
                return true;
            }
            'y' => drop(replacement(&mut chars, false)),
            'w' | 'W' | 'e' => return true,
            // Text, a label or a file that is read, up to the end of the line.
            'a' | 'i' | 'c' | ':' | 'b' | 't' | 'T' | 'r' | 'R' | '#' => {
                let mut before = char;
                for next in chars.by_ref() {
                    if next == '\n' && before != '\\' || next == ';' && matches!(char, 'b' | 't' | 'T') {
                        break;
                    }
                    before = next;
                }
            }
            _ => {}
        }
    }
    false
}

/// Whether a program of `perl` is nothing but replacements, which run nothing.
pub(super) fn only_replaces(program: &str) -> bool {
    let mut chars = program.chars().peekable();
    loop {
        while chars.next_if(|char| char.is_whitespace() || *char == ';').is_some() {}
        let Some(char) = chars.next() else { return true };
        let kind = match (char, chars.peek()) {
            ('t', Some('r')) => chars.next().unwrap_or_default(),
            (char, _) => char,
        };
        // Brackets would nest, and `@{…}` and `(?{…})` run what is in them.
        let plain =
            matches!(kind, 's' | 'y' | 'r') && chars.peek().is_some_and(|mark| "/|,#!:%".contains(*mark));
        if !plain || program.contains("@{") || program.contains("${") || program.contains("(?") {
            return false;
        }
        if replacement(&mut chars, false).is_none_or(|flags| flags.contains('e')) {
            return false;
        }
        if !chars.peek().is_none_or(|char| char.is_whitespace() || *char == ';') {
            return false;
        }
    }
}

/// What stands behind `s/…/…/`; none where it does not end.
fn replacement(chars: &mut Script<'_>, sets: bool) -> Option<String> {
    let mark = chars.next()?;
    skip_to(chars, mark, sets);
    skip_to(chars, mark, false);
    let mut flags = String::new();
    while let Some(flag) = chars.next_if(char::is_ascii_alphanumeric) {
        flags.push(flag);
    }
    Some(flags)
}

/// Behind the next such mark that stands for itself; with `sets`, one within `[…]` is a character.
fn skip_to(chars: &mut Script<'_>, mark: char, sets: bool) {
    while let Some(char) = chars.next() {
        match char {
            '\\' => drop(chars.next()),
            '[' if sets && mark != '[' => {
                let mut set = chars.clone();
                set.next_if_eq(&'^');
                set.next_if_eq(&']');
                if set.find(|char| matches!(char, ']' | '\n')) == Some(']') {
                    *chars = set;
                }
            }
            char if char == mark => return,
            _ => {}
        }
    }
}
