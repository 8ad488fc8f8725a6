//! A person's ruling on what agents differ in, RULES §11.6: what it is about, which side a name means, and what stands.

use crate::domain::path::EntityPath;
use crate::domain::things::{Alert, AlertKind, AlertSide, CONCLUDED, Concluded, says_the_same};
use crate::domain::value::Value;

/// What the sides of a contradiction differ in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dispute<'a> {
    /// What they answered to a question about an entity.
    Answers(&'a EntityPath, &'a str),
    /// States that the map says must not be true together.
    States,
}

/// What can be ruled on; nothing where the alert is no contradiction.
pub fn dispute(alert: &Alert) -> Option<Dispute<'_>> {
    if alert.kind != AlertKind::Contradiction {
        return None;
    }
    if alert.sides.iter().any(|side| *side.outcome != *CONCLUDED) {
        return Some(Dispute::States);
    }
    let subject = &alert.on.as_ref()?.entity;
    let same = alert.fingerprint.split_once('|')?.1;
    let question = same.strip_suffix(subject.as_str())?.strip_suffix('|')?;
    Some(Dispute::Answers(subject, question))
}

/// The side that a name means: of conclusions the last one of that author, of states a field, or the only one of that
/// author.
///
/// # Errors
/// Why it means none, or more than one.
pub fn side<'a>(alert: &'a Alert, right: &str) -> Result<&'a AlertSide, String> {
    let is_field = |side: &&AlertSide| side.path.as_ref().is_some_and(|path| path.to_string() == right);
    let states = dispute(alert) == Some(Dispute::States);
    if let Some(side) = alert.sides.iter().rev().find(|side| states && is_field(side)) {
        return Ok(side);
    }
    let mut theirs = alert.sides.iter().rev().filter(|side| side.actor.name() == right);
    let Some(last) = theirs.next() else {
        let named = |side: &AlertSide| match &side.path {
            Some(path) if states => format!("{} ({path})", side.actor),
            Some(_) | None => side.actor.to_string(),
        };
        let mut sides: Vec<String> = alert.sides.iter().map(named).collect();
        sides.sort_unstable();
        sides.dedup();
        return Err(format!("{right} is no side of it; they are {}", sides.join(", ")));
    };
    if states && theirs.any(|other| other.path != last.path) {
        return Err(format!("{right} wrote more than one of them: name the field that is right"));
    }
    Ok(last)
}

/// The ruling that decides a question.
pub fn standing<'a>(voices: impl DoubleEndedIterator<Item = &'a Concluded>) -> Option<&'a Concluded> {
    voices.rev().find(|voice| voice.ruling)
}

/// What an answer differs from: the ruling where there is one, else what others concluded last.
pub fn against<'a>(
    voices: impl DoubleEndedIterator<Item = &'a Concluded> + Clone,
    is_own: impl Fn(&Concluded) -> bool,
    answer: &Value,
) -> Vec<&'a Concluded> {
    let differs = |voice: &&Concluded| !says_the_same(&voice.answer, answer);
    match standing(voices.clone()) {
        Some(ruling) => Some(ruling).filter(differs).into_iter().collect(),
        None => voices.filter(|voice| !is_own(voice)).filter(differs).collect(),
    }
}
