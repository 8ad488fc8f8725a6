//! One key press, written as people write it in a keymap file: `j`, `J`, `enter`, `ctrl-l`, `shift-tab`, `f5`.

mod places;

use std::fmt;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// A key with its modifiers, normalised: capital letters carry no shift.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd)]
pub struct Key {
    pub code: KeyCode,
    /// Control and alt; shift only on keys that have no capital.
    pub modifiers: KeyModifiers,
}

const NAMED: [(&str, KeyCode); 16] = [
    ("enter", KeyCode::Enter),
    ("esc", KeyCode::Esc),
    ("tab", KeyCode::Tab),
    ("shift-tab", KeyCode::BackTab),
    ("space", KeyCode::Char(' ')),
    ("up", KeyCode::Up),
    ("down", KeyCode::Down),
    ("left", KeyCode::Left),
    ("right", KeyCode::Right),
    ("pgup", KeyCode::PageUp),
    ("pgdn", KeyCode::PageDown),
    ("home", KeyCode::Home),
    ("end", KeyCode::End),
    ("backspace", KeyCode::Backspace),
    ("delete", KeyCode::Delete),
    ("insert", KeyCode::Insert),
];

impl Key {
    /// A key without modifiers.
    pub const fn plain(code: KeyCode) -> Self {
        Self { code, modifiers: KeyModifiers::NONE }
    }

    /// A letter, digit or sign.
    pub const fn char(c: char) -> Self {
        Self::plain(KeyCode::Char(c))
    }

    /// Reads a key as written in a keymap file.
    ///
    /// # Errors
    /// Says what is wrong and what would be right.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut rest = text;
        let mut modifiers = KeyModifiers::NONE;
        loop {
            if let Some(after) = rest.strip_prefix("ctrl-").filter(|after| !after.is_empty()) {
                modifiers |= KeyModifiers::CONTROL;
                rest = after;
            } else if let Some(after) = rest.strip_prefix("alt-").filter(|after| !after.is_empty()) {
                modifiers |= KeyModifiers::ALT;
                rest = after;
            } else {
                break;
            }
        }
        let code = named(rest)
            .or_else(|| function_key(rest))
            .or_else(|| one_char(rest))
            .ok_or_else(|| unknown_key(text))?;
        refuse_twins(text, Self { code, modifiers })
    }

    /// Whether it is a letter with control.
    pub fn is_ctrl_letter(self) -> bool {
        self.modifiers.contains(KeyModifiers::CONTROL) && matches!(self.code, KeyCode::Char(_))
    }

    /// Whether alt is held.
    pub fn has_alt(self) -> bool {
        self.modifiers.contains(KeyModifiers::ALT)
    }
}

impl From<KeyEvent> for Key {
    fn from(event: KeyEvent) -> Self {
        let mut modifiers = event.modifiers & (KeyModifiers::CONTROL | KeyModifiers::ALT);
        if event.code == KeyCode::Esc {
            // Two quick presses of escape arrive as alt with escape.
            modifiers = KeyModifiers::NONE;
        }
        Self { code: event.code, modifiers }
    }
}

impl From<Key> for KeyEvent {
    fn from(key: Key) -> Self {
        Self::new(key.code, key.modifiers)
    }
}

impl fmt::Display for Key {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "crossterm's enum: keys that have no name in a keymap file"
    )]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.modifiers.contains(KeyModifiers::CONTROL) {
            f.write_str("ctrl-")?;
        }
        if self.modifiers.contains(KeyModifiers::ALT) {
            f.write_str("alt-")?;
        }
        if let Some((name, _)) = NAMED.iter().find(|(_, code)| *code == self.code) {
            return f.write_str(name);
        }
        match self.code {
            KeyCode::Char(c) => write!(f, "{c}"),
            KeyCode::F(n) => write!(f, "f{n}"),
            _ => f.write_str("?key"),
        }
    }
}

/// Terminals send the same bytes for some keys; the one that can't be told apart is refused.
fn refuse_twins(text: &str, key: Key) -> Result<Key, String> {
    let KeyCode::Char(c) = key.code else { return Ok(key) };
    if !key.modifiers.contains(KeyModifiers::CONTROL) {
        return Ok(key);
    }
    match c {
        'i' => Err(format!("`{text}` is the same as `tab` in a terminal; write `tab`")),
        'm' => Err(format!("`{text}` is the same as `enter` in a terminal; write `enter`")),
        'A'..='Z' => Err(format!(
            "`{text}`: a terminal can't tell ctrl with a capital from ctrl with a small letter; write `ctrl-{}`",
            c.to_ascii_lowercase()
        )),
        _ => Ok(key),
    }
}

fn named(text: &str) -> Option<KeyCode> {
    let text = match text {
        "backtab" => "shift-tab",
        "return" => "enter",
        "escape" => "esc",
        "pageup" => "pgup",
        "pagedown" => "pgdn",
        "del" => "delete",
        other => other,
    };
    NAMED.iter().find(|(name, _)| *name == text).map(|(_, code)| *code)
}

fn function_key(text: &str) -> Option<KeyCode> {
    let number: u8 = text.strip_prefix('f')?.parse().ok()?;
    (1..=24).contains(&number).then_some(KeyCode::F(number))
}

fn one_char(text: &str) -> Option<KeyCode> {
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        (Some(c), None) if !c.is_control() && !c.is_whitespace() => Some(KeyCode::Char(c)),
        _ => None,
    }
}

fn unknown_key(text: &str) -> String {
    format!(
        "`{text}` is not a key; write one character (`j`, `?`), a name ({}), `f1` to `f24`, or one of these after `ctrl-` or `alt-`",
        NAMED.map(|(name, _)| name).join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_as_they_are_written() {
        for text in
            ["j", "J", "?", "-", "enter", "space", "shift-tab", "ctrl-l", "alt-x", "ctrl-alt-d", "f5", "é"]
        {
            assert_eq!(Key::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(Key::parse("backtab").unwrap(), Key::parse("shift-tab").unwrap());
    }

    #[test]
    fn what_is_no_key_is_said() {
        for text in ["", "jj", "ctrl-", "f0", "f25", "hyper-x", " ", "\n"] {
            assert!(Key::parse(text).unwrap_err().contains("is not a key"), "{text:?}");
        }
        assert!(Key::parse("ctrl-i").unwrap_err().contains("write `tab`"));
        assert!(Key::parse("ctrl-m").unwrap_err().contains("write `enter`"));
        assert!(Key::parse("ctrl-D").unwrap_err().contains("write `ctrl-d`"));
    }

    #[test]
    fn events_are_normalised() {
        let shifted = KeyEvent::new(KeyCode::Char('J'), KeyModifiers::SHIFT);
        assert_eq!(Key::from(shifted), Key::parse("J").unwrap());
        let backtab = KeyEvent::new(KeyCode::BackTab, KeyModifiers::SHIFT);
        assert_eq!(Key::from(backtab), Key::parse("shift-tab").unwrap());
    }
}
