//! Asks the terminal for its colours, before the first frame and with a short time limit: background, text, and its sixteen.
//!
//! The questions are followed by one that every terminal answers (device attributes), so that a terminal which does not know
//! colours is recognised at once. An answer that comes too late arrives as keys; [`LateAnswer`] takes it out again.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::time::{Duration, Instant};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use rustix::event::{PollFd, PollFlags, poll};

use super::hangup::timespec;
use crate::console::theme::{Colours, Rgb, Slot};

/// How long the first frame waits for the answer.
pub const LIMIT: Duration = Duration::from_millis(100);
/// How much longer it waits when the second question has been answered before the first: some answer out of order.
const OUT_OF_ORDER: Duration = Duration::from_millis(30);
/// Bytes read at most while waiting; more is somebody typing or pasting.
const READ_MAX: usize = 4096;
/// Primary device attributes.
const LAST_QUESTION: &str = "\x1b[c";
/// Characters of a late answer at most.
const LATE_MAX: usize = 48;

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Answer {
    /// The colours that the terminal told.
    pub colours: Colours,
    /// Whether the last question was answered.
    complete: bool,
    /// The beginning of an answer that was cut off by the time limit, from its number on.
    begun: Option<String>,
}

impl Answer {
    /// Whether the terminal is so near that an answer, or the beginning of one, came before the first frame.
    pub fn is_in_time(&self) -> bool {
        self.complete || self.begun.is_some() || self.colours != Colours::default()
    }

    /// Whether everything that comes has come.
    fn is_all(&self) -> bool {
        self.complete && self.colours.background.is_some()
    }
}

/// `OSC 11 ; ? ST` for the background, the same of the text and the sixteen, then the last one.
fn questions() -> String {
    let mut text = "\x1b]11;?\x1b\\\x1b]10;?\x1b\\".to_owned();
    for index in 0..16 {
        // Writing to a string can't fail.
        _ = write!(text, "\x1b]4;{index};?\x1b\\");
    }
    text + LAST_QUESTION
}

/// Asks, in raw mode and before anything else reads the terminal.
///
/// # Errors
/// When the terminal can't be written or read.
pub fn ask() -> io::Result<Answer> {
    // The Linux console answers none of them, and old ones print them.
    if std::env::var_os("TERM").is_some_and(|term| term == "linux") {
        return Ok(Answer::default());
    }
    let mut out = super::output()?;
    out.write_all(questions().as_bytes())?;
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
        if answer.is_all() || left.is_zero() || seen.len() >= READ_MAX {
            return Ok(answer);
        }
        let mut watched = [PollFd::new(&input, PollFlags::IN)];
        let ready = poll(&mut watched, Some(&timespec(left))).unwrap_or(0);
        let [watched] = watched;
        if ready == 0 || !watched.revents().contains(PollFlags::IN) {
            return Ok(answer);
        }
        let mut chunk = [0_u8; 1024];
        let read = input.read(&mut chunk)?;
        seen.extend_from_slice(chunk.get(..read).unwrap_or_default());
        if read == 0 {
            return Ok(parse(&seen));
        }
    }
}

/// Reads the answers out of whatever has come in.
fn parse(seen: &[u8]) -> Answer {
    let text = String::from_utf8_lossy(seen);
    let mut answer = Answer::default();
    for rest in text.split("\x1b]").skip(1) {
        match rest.find(['\x07', '\x1b']).and_then(|end| rest.get(..end)) {
            Some(body) => {
                if let Some((slot, colour)) = parse_answer(body) {
                    answer.colours.told(slot, colour);
                }
            }
            None if begins_one(rest) => answer.begun = Some(rest.to_owned()),
            None => {}
        }
    }
    answer.complete = text.split("\x1b[?").skip(1).any(|rest| {
        let parameters = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';');
        parameters.starts_with('c')
    });
    answer
}

/// `11;rgb:…`, `10;rgb:…` or `4;7;rgb:…`.
fn parse_answer(body: &str) -> Option<(Slot, Rgb)> {
    let (number, rest) = body.split_once(';')?;
    match number {
        "11" => Some((Slot::Background, parse_colour(rest)?)),
        "10" => Some((Slot::Foreground, parse_colour(rest)?)),
        "4" => {
            let (index, colour) = rest.split_once(';')?;
            let index = index.parse().ok().filter(|index| *index < 16)?;
            Some((Slot::Palette(index), parse_colour(colour)?))
        }
        _ => None,
    }
}

/// Whether an answer of ours may go on like this.
fn begins_one(text: &str) -> bool {
    ["11;", "10;", "4;"].iter().any(|ours| text.starts_with(ours) || ours.starts_with(text))
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

/// Takes late answers out of the stream of keys: alt-`]`, `11;rgb:…`, then bell, or alt-`\`.
#[derive(Debug, Default)]
pub struct LateAnswer {
    /// How many may still come.
    expected: usize,
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
    Told(Slot, Rgb),
}

impl LateAnswer {
    /// Looks for as many answers as have not come: also where the last question was answered, since some answer out of order.
    pub fn expected_after(answer: &Answer) -> Self {
        Self { expected: answer.colours.untold(), taken: answer.begun.clone() }
    }

    /// Decides about one key.
    pub fn sift(&mut self, key: &KeyEvent) -> Sifted {
        let alt = key.modifiers.contains(KeyModifiers::ALT);
        let Some(taken) = &mut self.taken else {
            if self.expected > 0 && alt && key.code == KeyCode::Char(']') {
                self.taken = Some(String::new());
                return Sifted::Swallowed;
            }
            return Sifted::Key;
        };
        let bell = key.code == KeyCode::Char('g') && key.modifiers.contains(KeyModifiers::CONTROL);
        if bell || (alt && key.code == KeyCode::Char('\\')) {
            let told = parse_answer(taken);
            self.taken = None;
            self.expected = self.expected.saturating_sub(1);
            return told.map_or(Sifted::Swallowed, |(slot, colour)| Sifted::Told(slot, colour));
        }
        if let KeyCode::Char(c) = key.code
            && (c.is_ascii_hexdigit() || ";:/rgb".contains(c))
            && taken.len() < LATE_MAX
        {
            taken.push(c);
            if begins_one(taken) {
                return Sifted::Swallowed;
            }
        }
        self.taken = None;
        Sifted::Key
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_in_any_company_and_order() {
        let colour = |seen: &[u8]| parse(seen).colours.background;
        assert_eq!(colour(b"j\x1b]11;rgb:1616/1818/1d1d\x07\x1b[?62;22c"), Some(Rgb(0x16, 0x18, 0x1d)));
        assert_eq!(colour(b"\x1b[?62;22c\x1b]11;rgb:ff/ff/ff\x1b\\"), Some(Rgb(255, 255, 255)));
        assert_eq!(colour(b"\x1b]11;rgb:zz/0/0\x07"), None);
        assert!(parse(b"\x1b[?1;2c").complete);
        assert!(!parse(b"\x1b]11;rgb:16").complete);
        assert_eq!(parse(b""), Answer::default());
    }

    #[test]
    fn every_colour_is_asked_for_and_read() {
        assert!(questions().ends_with("\x1b]4;15;?\x1b\\\x1b[c"));
        let seen = "\x1b]10;rgb:aa/aa/aa\x07\x1b]4;0;rgb:0000/0000/0000\x1b\\\x1b]4;15;rgb:ff/fe/fd\x07\x1b]4;16;rgb:1/1/1\x07";
        let answer = parse(seen.as_bytes());
        assert_eq!(answer.colours.foreground, Some(Rgb(170, 170, 170)));
        assert_eq!(answer.colours.palette[0], Some(Rgb(0, 0, 0)));
        assert_eq!(answer.colours.palette[15], Some(Rgb(255, 254, 253)));
        assert_eq!(answer.colours.background, None);
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
            assert_eq!(late.sift(&bell), Sifted::Told(Slot::Background, Rgb(255, 255, 255)));
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
            Sifted::Told(Slot::Background, Rgb(255, 255, 255))
        );
        assert_eq!(late.sift(&key(KeyCode::Char('e'), KeyModifiers::NONE)), Sifted::Key);
        assert_eq!(late.sift(&key(KeyCode::Char(']'), KeyModifiers::ALT)), Sifted::Swallowed);
        for c in "4;7;rgb:1/2/3".chars() {
            assert_eq!(late.sift(&key(KeyCode::Char(c), KeyModifiers::NONE)), Sifted::Swallowed);
        }
        let bell = key(KeyCode::Char('g'), KeyModifiers::CONTROL);
        assert_eq!(late.sift(&bell), Sifted::Told(Slot::Palette(7), Rgb(17, 34, 51)));
        assert_eq!(late.sift(&key(KeyCode::Char('e'), KeyModifiers::NONE)), Sifted::Key);
    }
}
