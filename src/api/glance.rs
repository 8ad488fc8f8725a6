//! A quick look at a body: is it so plain that nothing in it could be what readers of JSON disagree on? Most bodies are, and
//! need no strict reading beside the one that fits their shape. Whatever is in doubt gets that reading (see `body`).

use crate::domain::value::WITHHELD;

/// Longest body that is looked at so.
const BYTES: usize = 4_096;
/// Deepest nesting.
const LEVELS: usize = 8;
/// Most keys that are open at once.
const KEYS: usize = 32;
/// Most characters of a number. Integers of so many digits are well below 2^53.
const NUMBER: usize = 15;

/// Whether a strict reading of the body would refuse nothing, provided that it is JSON at all.
pub(super) fn is_plain(body: &[u8]) -> bool {
    body.len() <= BYTES && std::str::from_utf8(body).is_ok() && Glance::default().all(body).is_some()
}

/// The way through a body. A step that comes to None has met what is in doubt.
#[derive(Default)]
struct Glance<'a> {
    keys: [&'a [u8]; KEYS],
    /// How many keys are open.
    named: usize,
    /// How many there were where each open level began.
    begins: [usize; LEVELS],
    depth: usize,
}

impl<'a> Glance<'a> {
    fn all(mut self, mut rest: &'a [u8]) -> Option<()> {
        while let Some((byte, after)) = rest.split_first() {
            rest = match byte {
                b'"' => self.text(after)?,
                b'{' | b'[' => {
                    *self.begins.get_mut(self.depth)? = self.named;
                    self.depth += 1;
                    after
                }
                b'}' | b']' => {
                    self.depth = self.depth.checked_sub(1)?;
                    self.named = *self.begins.get(self.depth)?;
                    after
                }
                b'-' | b'0'..=b'9' => number(rest)?,
                _ => after,
            };
        }
        Some(())
    }

    /// A text without escapes; a key is one that a colon follows.
    fn text(&mut self, after: &'a [u8]) -> Option<&'a [u8]> {
        let end = after.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
        let (text, rest) = after.split_at_checked(end)?;
        let rest = rest.strip_prefix(b"\"")?;
        if rest.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b':') {
            // One key may be written in several ways that differ byte for byte (NFC and NFD).
            if text == WITHHELD.as_bytes() || !text.is_ascii() {
                return None;
            }
            let begin = *self.begins.get(self.depth.checked_sub(1)?)?;
            if self.keys.get(begin..self.named)?.contains(&text) {
                return None;
            }
            *self.keys.get_mut(self.named)? = text;
            self.named += 1;
        }
        Some(rest)
    }
}

/// A number that is short and has no exponent.
fn number(text: &[u8]) -> Option<&[u8]> {
    let other = |byte: &u8| !matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E');
    let (number, rest) = text.split_at_checked(text.iter().position(other).unwrap_or(text.len()))?;
    let plain = number.len() <= NUMBER && !number.iter().any(|byte| matches!(byte, b'e' | b'E'));
    plain.then_some(rest)
}
