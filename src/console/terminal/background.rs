//! Asks the terminal for its background colour, before the first frame and with a short time limit.
//!
//! The question is followed by one that every terminal answers (device attributes), so that a terminal which does not know
//! colours is recognised at once. An answer that comes too late arrives as keys; [`LateAnswer`] takes it out again.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::time::{Duration, Instant};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use rustix::event::{PollFd, PollFlags, poll};

use super::hangup::timespec;
use crate::console::theme::Rgb;

/// How long the first frame waits for the answer.
pub const LIMIT: Duration = Duration::from_millis(100);
/// How much longer it waits when the second question has been answered before the first: some answer out of order.
const OUT_OF_ORDER: Duration = Duration::from_millis(30);
/// Bytes read at most while waiting; more is somebody typing or pasting.
const READ_MAX: usize = 4096;
/// `OSC 11 ; ? ST`, then primary device attributes.
const QUESTION: &[u8] = b"\x1b]11;?\x1b\\\x1b[c";
/// Characters of a late answer at most.
const LATE_MAX: usize = 48;

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Answer {
    /// The background, where the terminal told it.
    pub background: Option<Rgb>,
    /// Whether the second question was answered.
    complete: bool,
    /// The beginning of an answer that was cut off by the time limit, from its number on.
    begun: Option<String>,
}

/// Asks, in raw mode and before anything else reads the terminal.
///
/// # Errors
/// When the terminal can't be written or read.
pub fn ask() -> io::Result<Answer> {
    let mut out = super::output()?;
    out.write_all(QUESTION)?;
    let mut input = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    let mut seen = Vec::new();
    let mut deadline = Instant::now() + LIMIT;
    let mut extended = false;
    loop {
        let answer = parse(&seen);
        if answer.complete && !extended {
            extended = true;
            deadline = deadline.min(Instant::now() + OUT_OF_ORDER);
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if (answer.complete && answer.background.is_some()) || left.is_zero() || seen.len() >= READ_MAX {
            return Ok(answer);
        }
        let mut watched = [PollFd::new(&input, PollFlags::IN)];
        let ready = poll(&mut watched, Some(&timespec(left))).unwrap_or(0);
        let [watched] = watched;
        if ready == 0 || !watched.revents().contains(PollFlags::IN) {
            return Ok(answer);
        }
        let mut chunk = [0_u8; 256];
        let read = input.read(&mut chunk)?;
        seen.extend_from_slice(chunk.get(..read).unwrap_or_default());
        if read == 0 {
            return Ok(parse(&seen));
        }
    }
}

/// Reads both answers out of whatever has come in.
fn parse(seen: &[u8]) -> Answer {
    let text = String::from_utf8_lossy(seen);
    let rest = text.split("\x1b]").skip(1).find(|rest| rest.starts_with("11;") || "11;".starts_with(rest));
    let end = rest.and_then(|rest| rest.find(['\x07', '\x1b']));
    let body = rest.and_then(|rest| rest.get(..end?)).and_then(|body| body.strip_prefix("11;"));
    let background = body.and_then(parse_colour);
    let begun = rest.filter(|_| end.is_none()).map(str::to_owned);
    let complete = text.split("\x1b[?").skip(1).any(|rest| {
        let parameters = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';');
        parameters.starts_with('c')
    });
    Answer { background, complete, begun }
}

/// `rgb:ffff/ffff/ffff` with one to four hex digits a channel, or `rgba:` with one more.
fn parse_colour(text: &str) -> Option<Rgb> {
    let channels = text.strip_prefix("rgb:").or_else(|| text.strip_prefix("rgba:"))?;
    let mut channels = channels.split('/').map(|digits| {
        let value = u32::from_str_radix(digits, 16).ok()?;
        let max = 16_u32.checked_pow(u32::try_from(digits.len()).ok()?)? - 1;
        u8::try_from(value * 255 / max.max(1)).ok()
    });
    Some(Rgb(channels.next()??, channels.next()??, channels.next()??))
}

/// Takes a late answer out of the stream of keys: alt-`]`, `11;rgb:…`, then bell, or alt-`\`.
#[derive(Debug, Default)]
pub struct LateAnswer {
    expected: bool,
    taken: Option<String>,
}

/// What became of a key.
#[derive(Debug, PartialEq, Eq)]
pub enum Sifted {
    /// A person's key.
    Key,
    /// Part of a late answer: to be forgotten.
    Swallowed,
    /// The end of a late answer.
    Background(Rgb),
}

impl LateAnswer {
    /// Looks for an answer only where one may still come.
    pub fn expected_after(answer: &Answer) -> Self {
        Self { expected: answer.background.is_none(), taken: answer.begun.clone() }
    }

    /// Decides about one key.
    pub fn sift(&mut self, key: &KeyEvent) -> Sifted {
        let alt = key.modifiers.contains(KeyModifiers::ALT);
        let Some(taken) = &mut self.taken else {
            if self.expected && alt && key.code == KeyCode::Char(']') {
                self.taken = Some(String::new());
                return Sifted::Swallowed;
            }
            return Sifted::Key;
        };
        let bell = key.code == KeyCode::Char('g') && key.modifiers.contains(KeyModifiers::CONTROL);
        let ends = bell || (alt && key.code == KeyCode::Char('\\'));
        if ends {
            let colour = taken.strip_prefix("11;").and_then(parse_colour);
            *self = Self::default();
            return colour.map_or(Sifted::Swallowed, Sifted::Background);
        }
        if let KeyCode::Char(c) = key.code
            && (c.is_ascii_hexdigit() || ";:/rgb".contains(c))
            && taken.len() < LATE_MAX
        {
            taken.push(c);
            return Sifted::Swallowed;
        }
        *self = Self::default();
        Sifted::Key
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_in_any_company_and_order() {
        let colour = |seen: &[u8]| parse(seen).background;
        assert_eq!(colour(b"j\x1b]11;rgb:1616/1818/1d1d\x07\x1b[?62;22c"), Some(Rgb(0x16, 0x18, 0x1d)));
        assert_eq!(colour(b"\x1b[?62;22c\x1b]11;rgb:ff/ff/ff\x1b\\"), Some(Rgb(255, 255, 255)));
        assert_eq!(colour(b"\x1b]11;rgb:zz/0/0\x07"), None);
        assert!(parse(b"\x1b[?1;2c").complete);
        assert!(!parse(b"\x1b]11;rgb:16").complete);
        assert_eq!(parse(b""), Answer::default());
    }

    #[test]
    fn an_answer_cut_off_by_the_limit_never_becomes_keys() {
        for (cut, rest) in [("\x1b]", "11;rgb:ff/ff/ff"), ("\x1b]11;rgb:f", "f/ff/ff")] {
            let mut late = LateAnswer::expected_after(&parse(cut.as_bytes()));
            for c in rest.chars() {
                let key = KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE);
                assert_eq!(late.sift(&key), Sifted::Swallowed);
            }
            let bell = KeyEvent::new(KeyCode::Char('g'), KeyModifiers::CONTROL);
            assert_eq!(late.sift(&bell), Sifted::Background(Rgb(255, 255, 255)));
        }
    }

    #[test]
    fn a_late_answer_never_becomes_keys() {
        let mut late = LateAnswer::expected_after(&Answer::default());
        let key = |code, modifiers| KeyEvent::new(code, modifiers);
        assert_eq!(late.sift(&key(KeyCode::Char('j'), KeyModifiers::NONE)), Sifted::Key);
        assert_eq!(late.sift(&key(KeyCode::Char(']'), KeyModifiers::ALT)), Sifted::Swallowed);
        for c in "11;rgb:ffff/ffff/ffff".chars() {
            assert_eq!(late.sift(&key(KeyCode::Char(c), KeyModifiers::NONE)), Sifted::Swallowed);
        }
        assert_eq!(
            late.sift(&key(KeyCode::Char('\\'), KeyModifiers::ALT)),
            Sifted::Background(Rgb(255, 255, 255))
        );
        assert_eq!(late.sift(&key(KeyCode::Char('e'), KeyModifiers::NONE)), Sifted::Key);
    }
}
