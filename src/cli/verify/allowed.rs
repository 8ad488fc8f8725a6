//! A file of allowed signers, as `ssh-keygen` has it (ALLOWED SIGNERS): who may sign with which key, for what, and when. What it
//! says and is not read here is an error, not passed over.

use std::path::Path;

use chrono::NaiveDateTime;

use crate::cli::context::read_text;
use crate::cli::status::Usage;
use crate::domain::signature::{NAMESPACE, SignKey};
use crate::domain::time::Time;

/// Most bytes of such a file.
const MAX_BYTES: u64 = 4 * 1024 * 1024;

/// The lines of a file.
pub(super) struct Allowed {
    lines: Vec<Line>,
}

struct Line {
    /// Names; with `*` and `?` as patterns, with `!` those that are not meant.
    principals: Vec<String>,
    namespaces: Option<Vec<String>>,
    after: Option<i64>,
    before: Option<i64>,
    key: SignKey,
}

impl Allowed {
    /// Reads a file.
    ///
    /// # Errors
    /// The line that is not understood.
    pub(super) fn read(path: &Path) -> anyhow::Result<Self> {
        let text = read_text(path, MAX_BYTES)?;
        let lines = text.lines().enumerate().map(|(at, line)| (at + 1, line.trim()));
        let mut found = Vec::new();
        for (number, line) in lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#')) {
            let wrong = |why| Usage::error(format!("{}, line {number}: {why}", path.display()));
            found.push(Line::read(line).map_err(wrong)?);
        }
        Ok(Self { lines: found })
    }

    /// Whether that person may sign with the key at that time.
    pub(super) fn allows(&self, person: &str, key: &SignKey, at: Time) -> bool {
        let at = at.utc().timestamp();
        self.lines.iter().any(|line| {
            line.key == *key
                && is_listed(&line.principals, person)
                && line.namespaces.as_ref().is_none_or(|names| is_listed(names, NAMESPACE))
                && line.after.is_none_or(|after| after <= at)
                && line.before.is_none_or(|before| at < before)
        })
    }
}

impl Line {
    fn read(line: &str) -> Result<Self, String> {
        let (principals, rest) = word(line);
        let mut new = Self {
            principals: listed(principals),
            namespaces: None,
            after: None,
            before: None,
            // Stands in until the key is read.
            key: rest.parse().or_else(|_| word(rest).1.parse()).map_err(|error| format!("{error}"))?,
        };
        if rest.parse::<SignKey>().is_err() {
            for option in options(word(rest).0) {
                new.take(&option)?;
            }
        }
        Ok(new)
    }

    fn take(&mut self, option: &str) -> Result<(), String> {
        let (name, value) = option.split_once('=').unwrap_or((option, ""));
        let value = value.trim_matches('"');
        match name.to_ascii_lowercase().as_str() {
            "namespaces" => self.namespaces = Some(listed(value)),
            "valid-after" => self.after = Some(moment(value)?),
            "valid-before" => self.before = Some(moment(value)?),
            "cert-authority" => {
                return Err("certificates are not read here; name the keys themselves".to_owned());
            }
            other => return Err(format!("the option {other:?} is not known")),
        }
        Ok(())
    }
}

/// The first word, where blanks between quotes are part of it, and the rest.
fn word(text: &str) -> (&str, &str) {
    let mut quoted = false;
    let end = text.find(|sign: char| {
        quoted ^= sign == '"';
        sign.is_ascii_whitespace() && !quoted
    });
    text.split_at_checked(end.unwrap_or(text.len()))
        .map_or((text, ""), |(first, rest)| (first, rest.trim_start()))
}

/// Options apart by commas, which may stand between quotes too.
fn options(text: &str) -> Vec<String> {
    let mut quoted = false;
    let part = |sign: char| {
        quoted ^= sign == '"';
        sign == ',' && !quoted
    };
    text.split(part).map(str::to_owned).collect()
}

fn listed(text: &str) -> Vec<String> {
    text.trim_matches('"').split(',').map(|name| name.trim().to_owned()).collect()
}

/// Whether a list of patterns has the name: one that begins with `!` takes it out.
fn is_listed(patterns: &[String], name: &str) -> bool {
    let denied =
        patterns.iter().filter_map(|pattern| pattern.strip_prefix('!')).any(|one| matches(one, name));
    !denied && patterns.iter().any(|pattern| matches(pattern, name))
}

/// `*` is any text, `?` one sign.
fn matches(pattern: &str, name: &str) -> bool {
    let mut signs = pattern.chars();
    match signs.next() {
        None => name.is_empty(),
        Some('*') => {
            let rest = signs.as_str();
            name.char_indices()
                .map(|(at, _)| at)
                .chain([name.len()])
                .any(|at| name.get(at..).is_some_and(|name| matches(rest, name)))
        }
        Some(sign) => {
            let mut name = name.chars();
            name.next().is_some_and(|first| sign == '?' || sign == first)
                && matches(signs.as_str(), name.as_str())
        }
    }
}

/// `YYYYMMDD` or `YYYYMMDDHHMM[SS]` with a `Z`: in UTC, so that it means the same wherever it is read.
fn moment(text: &str) -> Result<i64, String> {
    let digits = text.strip_suffix('Z').ok_or_else(|| {
        format!("{text:?} is a time of wherever this is read; write it in UTC, with a Z at its end")
    })?;
    let whole = match digits.len() {
        8 => format!("{digits}000000"),
        12 => format!("{digits}00"),
        _ => digits.to_owned(),
    };
    NaiveDateTime::parse_from_str(&whole, "%Y%m%d%H%M%S")
        .map(|time| time.and_utc().timestamp())
        .map_err(|_| format!("{text:?} is no time as 20260131Z or 20260131120000Z"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINW5GltV4HCB+1iIBhoNYI2QJcuqFtaw8ifgzU/IdfyL";

    #[test]
    fn lines_say_who_for_what_and_when() {
        let day = |text: &str| text.parse::<Time>().unwrap();
        let allows = |line: &str, person: &str, at: &str| {
            let allowed = Allowed { lines: vec![Line::read(line).unwrap()] };
            allowed.allows(person, &KEY.parse().unwrap(), day(at))
        };
        let now = "2026-06-01T00:00:00Z";
        assert!(allows(&format!("dana {KEY} a comment"), "dana", now));
        assert!(allows(&format!("kim,d*a namespaces=\"git,deeds\" {KEY}"), "dana", now));
        assert!(!allows(&format!("*,!dana {KEY}"), "dana", now));
        assert!(!allows(&format!("dana namespaces=\"git\" {KEY}"), "dana", now));
        let dated = format!("dana valid-after=\"20260101Z\",valid-before=\"202607011200Z\" {KEY}");
        assert!(allows(&dated, "dana", now));
        assert!(!allows(&dated, "dana", "2025-12-31T23:59:59Z"));
        assert!(!allows(&dated, "dana", "2026-07-01T12:00:00Z"));
        for broken in
            ["dana", "dana ssh-ed25519 AAAA", "dana valid-after=\"20260101\" ", "dana cert-authority "]
        {
            assert!(
                Line::read(&format!("{broken}{}", if broken.ends_with(' ') { KEY } else { "" })).is_err()
            );
        }
    }
}
