//! The words of test files, off their two tables, for whoever writes one.

use serde::Serialize;

use super::expect::EXPECTATIONS;
use super::steps::VERBS;

/// A key of a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Word {
    /// The key.
    pub key: &'static str,
    /// What it takes.
    pub value: &'static str,
    /// What it does, or what it compares.
    pub sentence: &'static str,
    /// The keys that go with it: those that it needs first.
    pub with: Vec<&'static str>,
    /// Whether it is something to do, rather than something to expect.
    pub does: bool,
}

/// Every verb, then everything that can be expected.
pub fn words() -> Vec<Word> {
    let verbs = VERBS.iter().map(|verb| Word {
        key: verb.name,
        value: verb.kind.words(),
        sentence: verb.sentence,
        with: verb.needs.iter().chain(verb.takes).copied().collect(),
        does: true,
    });
    let expected = EXPECTATIONS.iter().map(|expected| Word {
        key: expected.name,
        value: expected.kind.words(),
        sentence: expected.sentence,
        with: Vec::new(),
        does: false,
    });
    verbs.chain(expected).collect()
}
