//! Names and numbers as newtypes, parsed once at the edge and valid ever after. Paths live in `path`.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::value::MAX_SAFE_INTEGER;

/// Longest agent id in bytes (RULES §1.1).
pub const AGENT_ID_BYTES: usize = 128;
/// Longest workspace, queue or person name in bytes.
pub const NAME_BYTES: usize = 64;

/// Why a text is not an id: what it should have been, the text, and the mend.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not {what}: {why}; use {mend}")]
pub struct IdError {
    what: &'static str,
    text: String,
    why: &'static str,
    mend: &'static str,
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $what:literal, $max:expr, $allowed:expr, $mend:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// Parses and checks the text.
            ///
            /// # Errors
            /// Says which rule the text breaks and what to use instead.
            pub fn new(text: &str) -> Result<Self, IdError> {
                let wrong = |why| IdError { what: $what, text: text.chars().take(80).collect(), why, mend: $mend };
                if text.is_empty() {
                    return Err(wrong("it is empty"));
                }
                if text.len() > $max {
                    return Err(wrong("it is too long"));
                }
                if !text.chars().all($allowed) {
                    return Err(wrong("it has a character that is not allowed"));
                }
                Ok(Self(Arc::from(text)))
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::new(text)
            }
        }
        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                Self::new(&text)
            }
        }
        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0.as_ref().to_owned()
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", &*self.0)
            }
        }
        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

name!(
    /// A program that acts: letters, digits and `. _ - / @`, up to 128 bytes.
    AgentId, "an agent id", AGENT_ID_BYTES,
    |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '/' | '@'),
    "letters, digits and . _ - / @, up to 128 bytes"
);
name!(
    /// A named person: reviewer, watcher or admin.
    PersonId, "a person's name", NAME_BYTES,
    |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '@' | '+'),
    "letters, digits and . _ - @ +, up to 64 bytes"
);
name!(
    /// A decision queue of the map.
    QueueName, "a queue name", NAME_BYTES,
    |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '/'),
    "letters, digits and . _ - /, up to 64 bytes"
);
name!(
    /// One team of agents, its map and its ledger. Also the ledger's file name and a part of each token, hence ASCII
    /// lower case without `_`.
    WorkspaceId, "a workspace name", NAME_BYTES,
    |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-',
    "a-z, 0-9 and -, up to 64 bytes"
);
name!(
    /// The caller's own name for a request, so that a retry gets the first answer.
    IdempotencyKey, "an idempotency key", 256,
    |c: char| !c.is_control(),
    "up to 256 bytes of printable text"
);
name!(
    /// The public part of a token; never the secret.
    TokenId, "a token id", 32,
    |c: char| c.is_ascii_alphanumeric(),
    "letters and digits"
);

name!(
    /// A piece of work that is handed from agent to agent, in its first owner's own word.
    TaskId, "a task id", AGENT_ID_BYTES,
    |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '/' | '@' | ':' | '#'),
    "letters, digits and . _ - / @ : #, up to 128 bytes"
);

macro_rules! number {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl $name {
            /// The number that follows.
            #[must_use]
            pub fn next(self) -> Self {
                Self(self.0 + 1)
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                let number = text.trim_start_matches('#').parse().ok();
                number.filter(|number| *number <= MAX_SAFE_INTEGER).map(Self).ok_or_else(|| IdError {
                    what: "a number",
                    text: text.chars().take(80).collect(),
                    why: "it is no whole number from 0 to 2^53",
                    mend: "its digits",
                })
            }
        }
    };
}

/// What an event of another system's history says: 128 bits of a SHA-256, as 32 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EventDigest(pub [u8; 16]);

impl TryFrom<String> for EventDigest {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let digits = text.len() == 32 && text.bytes().all(|digit| digit.is_ascii_hexdigit());
        let number = u128::from_str_radix(&text, 16).ok().filter(|_| digits);
        number
            .map(|number| Self(number.to_be_bytes()))
            .ok_or("the digest of an event is 32 hexadecimal digits")
    }
}

impl From<EventDigest> for String {
    fn from(digest: EventDigest) -> Self {
        format!("{:032x}", u128::from_be_bytes(digest.0))
    }
}

impl fmt::Debug for EventDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from(*self))
    }
}

number!(/** A deed's place in its workspace's ledger; the first deed has 1. */ Seq);
number!(/** A field's or tombstone's version; 0 means never written. */ Version);
number!(/** The map's version; 0 is the map a workspace is born with. */ MapVersion);
number!(/** An inbox item's number, shown as `#1042`. */ ItemNo);
number!(/** An alert's number. */ AlertNo);
number!(/** A work item's number. */ WorkNo);
number!(/** An act's number. */ ActNo);
number!(/** A fan-out's number. */ FanOutNo);
number!(/** A lease's number and its fencing token: it grows with every grant in the workspace. */ Fence);

/// Who did something. An agent and a person may share a name; the class tells them apart.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "class", content = "name", rename_all = "lowercase", deny_unknown_fields)]
pub enum Actor {
    /// A program, known by its token.
    Agent(AgentId),
    /// A named person.
    Person(PersonId),
    /// Deeds itself: timers, alerts and what follows from a decision.
    Deeds,
}

impl Actor {
    /// The name as shown in lists; Deeds itself is `deeds`.
    pub fn name(&self) -> &str {
        match self {
            Self::Agent(id) => id.as_str(),
            Self::Person(id) => id.as_str(),
            Self::Deeds => "deeds",
        }
    }

    /// The agent, if it is one.
    pub fn agent(&self) -> Option<&AgentId> {
        match self {
            Self::Agent(id) => Some(id),
            Self::Person(_) | Self::Deeds => None,
        }
    }

    /// The person, if it is one.
    pub fn person(&self) -> Option<&PersonId> {
        match self {
            Self::Person(id) => Some(id),
            Self::Agent(_) | Self::Deeds => None,
        }
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agent_ids_allow_what_real_teams_use() {
        for good in ["intake", "beads/crew/emma", "a@b.c", "follow-up_2"] {
            assert_eq!(AgentId::new(good).unwrap().as_str(), good);
        }
        for bad in ["", "a b", "a#b", "x\u{202e}"] {
            assert!(AgentId::new(bad).is_err(), "{bad:?}");
        }
        assert!(AgentId::new(&"x".repeat(129)).is_err());
    }

    #[test]
    fn numbers_parse_with_a_hash() {
        assert_eq!("#1042".parse(), Ok(ItemNo(1042)));
    }
}
