//! The filter language: one grammar for console, command line and API. It decides which deeds are meant; how they are
//! found fast is the index's business.
//!
//! `actor:intake outcome:refused,stale -entity:scratch/** since:2h "acme"`: terms are joined by *and*, `,` is *or*,
//! `-` negates, quotes hold texts together, and a term without a key is a case-folded substring of the visible text.

mod at;
mod complete;
mod facts;
mod glob;
mod parse;
#[cfg(test)]
pub(crate) mod sample;
#[cfg(test)]
mod tests;

use std::fmt;

use super::deed::Deed;
use super::path::{EntityPath, FieldName, Pattern};
use super::time::{Span, Time};

pub use at::{At, AtError};
pub use complete::{COMPLETIONS, Completion, Vocabulary, complete};
pub use facts::{Facts, TEXT_BYTES, TYPE_PREFIX, Touch, UNREADABLE, fold};
pub use glob::Glob;
pub use parse::{FILTER_BYTES, FILTER_TERMS, FilterError, TERM_CHOICES};

/// What a key's value looks like, for help and completion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A name, `*` for any run of characters.
    Name,
    /// One of a closed set of words, `*` for any run of characters.
    Word,
    /// An entity pattern as in the map.
    Entity,
    /// A number or a range `100..200`, open at either end.
    Number,
    /// An absolute time or a length of time before now.
    Time,
}

macro_rules! keys {
    ($($variant:ident = $name:literal, $kind:ident, $example:literal, $doc:literal;)*) => {
        /// What a term can ask about. Help, completion and docs are printed from this table.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Key {
            $(#[doc = $doc] $variant,)*
        }

        impl Key {
            /// Every key, in the order of the help.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// As it is written before the colon.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What its value looks like.
            pub fn kind(self) -> Kind {
                match self { $(Self::$variant => Kind::$kind,)* }
            }

            /// A whole term.
            pub fn example(self) -> &'static str {
                match self { $(Self::$variant => $example,)* }
            }

            /// One sentence for people.
            pub fn doc(self) -> &'static str {
                match self { $(Self::$variant => $doc,)* }
            }
        }
    };
}

keys! {
    Actor = "actor", Name, "actor:intake", "Who did it: an agent, a person, or `deeds` itself.";
    Class = "class", Word, "class:agent", "What kind of actor: agent, person or deeds.";
    Action = "action", Name, "action:send_*", "What was asked, in the caller's word.";
    Type = "type", Word, "type:write.committed", "The deed's type, with or without `deeds.`; `write.*` for a family.";
    Outcome = "outcome", Word, "outcome:refused,stale", "How it came out.";
    Code = "code", Word, "code:not-owner", "Why it was not done; in observe mode why it would not have been.";
    Entity = "entity", Entity, "entity:crm/contact/*", "The subject or an entity touched: a pattern as in the map, with `#field` if only that field is meant.";
    Field = "field", Name, "field:status", "A field touched or found, on any entity; \"\" is the whole-entity field.";
    Item = "item", Number, "item:1042", "The inbox item it made or concerns.";
    Alert = "alert", Number, "alert:88", "The alerts it raised or concerns.";
    Work = "work", Number, "work:12", "The work items it made or concerns.";
    Cause = "cause", Number, "cause:317", "What the deed of that number led to.";
    Seq = "seq", Number, "seq:100..200", "Its number in the ledger.";
    Map = "map", Number, "map:41..", "The version of the map it was decided under.";
    Since = "since", Time, "since:2h", "Happened at that time or later; 2h means two hours ago.";
    Until = "until", Time, "until:2026-02-14", "Happened at that time or earlier; a day, a minute or a second counts whole.";
}

/// A parsed filter. The empty one matches every deed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    terms: Vec<Term>,
}

/// One term: one of its choices must hold, or none of them where it is negated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// Whether it was written with `-`.
    pub negated: bool,
    /// What any one of must hold; never empty, and all of one key.
    pub choices: Vec<Choice>,
}

/// One thing that can hold of a deed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// A name or word of the deed is, or looks like, this.
    Name(NameKey, Glob),
    /// The subject or an entity touched is, or looks like, this.
    Entity(Pattern),
    /// A number of the deed is in the range.
    Number(NumberKey, Numbers),
    /// It happened at that time or later.
    Since(When),
    /// It happened at that time or earlier.
    Until(When),
    /// The visible text has this in it.
    Text(Text),
}

macro_rules! sub_keys {
    ($(#[$doc:meta])* $name:ident: $($variant:ident),*) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name {
            $(#[doc = concat!("[`Key::", stringify!($variant), "`].")] $variant,)*
        }

        impl $name {
            /// The key in the table.
            pub fn key(self) -> Key {
                match self { $(Self::$variant => Key::$variant,)* }
            }
        }
    };
}

sub_keys!(
    /// The keys whose value is a name or a word.
    NameKey: Actor, Class, Action, Type, Outcome, Code, Field
);
sub_keys!(
    /// The keys whose value is a number.
    NumberKey: Item, Alert, Work, Cause, Seq, Map
);

/// Numbers from `low` to `high`, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Numbers {
    /// The first.
    pub low: u64,
    /// The last; [`Numbers::MAX`] where the range is open.
    pub high: u64,
}

/// A time as it was written, and what it comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct When {
    /// The length of time before now, where it was written so: a saved filter stays relative.
    pub ago: Option<Span>,
    /// The point in time that is compared with, itself included.
    pub at: Time,
}

/// A text to look for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    shown: String,
    folded: String,
}

impl Filter {
    /// Reads a filter. `now` is what relative times count back from.
    ///
    /// # Errors
    /// Names the column, what is wrong there, and the mend.
    pub fn parse(text: &str, now: Time) -> Result<Self, FilterError> {
        parse::filter(text, now)
    }

    /// The terms; all of them must hold.
    pub fn terms(&self) -> &[Term] {
        &self.terms
    }

    /// Whether every deed matches.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// Whether the deed is meant.
    pub fn matches(&self, deed: &Deed) -> bool {
        let looks_at_text = self.terms.iter().any(|term| term.key().is_none());
        self.accepts(&if looks_at_text { Facts::of(deed) } else { Facts::without_text(deed) })
    }

    /// Whether a deed of these facts is meant.
    pub fn accepts(&self, facts: &Facts<'_>) -> bool {
        self.terms.iter().all(|term| term.accepts(facts))
    }
}

impl Term {
    /// The key, or none for a text.
    pub fn key(&self) -> Option<Key> {
        self.choices.first().and_then(Choice::key)
    }

    fn accepts(&self, facts: &Facts<'_>) -> bool {
        self.negated != self.choices.iter().any(|choice| choice.accepts(facts))
    }
}

impl Choice {
    fn key(&self) -> Option<Key> {
        match self {
            Self::Name(key, _) => Some(key.key()),
            Self::Entity(_) => Some(Key::Entity),
            Self::Number(key, _) => Some(key.key()),
            Self::Since(_) => Some(Key::Since),
            Self::Until(_) => Some(Key::Until),
            Self::Text(_) => None,
        }
    }

    fn accepts(&self, facts: &Facts<'_>) -> bool {
        match self {
            Self::Name(key, glob) => match key {
                NameKey::Actor => glob.matches(&facts.actor),
                NameKey::Class => glob.matches(&facts.class),
                NameKey::Action => glob.matches(&facts.action),
                NameKey::Type => glob.matches(&facts.kind),
                NameKey::Outcome => glob.matches(&facts.outcome),
                NameKey::Code => !facts.code.is_empty() && glob.matches(&facts.code),
                NameKey::Field => facts.touches.iter().any(|touch| glob.matches(&touch.field)),
            },
            Self::Entity(pattern) if pattern.field_text().is_some() => {
                facts.touches.iter().any(|touch| fits_field(pattern, &touch.entity, &touch.field))
            }
            Self::Entity(pattern) => facts.entities().any(|entity| fits_entity(pattern, entity)),
            Self::Number(key, range) => match key {
                NumberKey::Item => facts.item.is_some_and(|n| range.has(n)),
                NumberKey::Alert => facts.alerts.iter().any(|n| range.has(*n)),
                NumberKey::Work => facts.works.iter().any(|n| range.has(*n)),
                NumberKey::Cause => facts.cause.is_some_and(|seq| range.has(seq.0)),
                NumberKey::Seq => range.has(facts.seq.0),
                NumberKey::Map => range.has(facts.map),
            },
            Self::Since(when) => facts.time >= when.at,
            Self::Until(when) => facts.time <= when.at,
            Self::Text(text) => facts.text.contains(&text.folded),
        }
    }
}

/// Whether the entity fits, whatever the field.
pub fn fits_entity(pattern: &Pattern, entity: &str) -> bool {
    entity.parse::<EntityPath>().is_ok_and(|entity| pattern.matches_entity(&entity))
}

/// Whether the field of the entity fits.
pub fn fits_field(pattern: &Pattern, entity: &str, field: &str) -> bool {
    match (entity.parse::<EntityPath>(), field.parse::<FieldName>()) {
        (Ok(entity), Ok(field)) => pattern.matches(&entity, &field),
        (Err(_), _) | (_, Err(_)) => false,
    }
}

impl Numbers {
    /// The largest number that a filter can name.
    pub const MAX: u64 = i64::MAX.unsigned_abs();

    /// Whether the number is in the range.
    pub fn has(self, number: u64) -> bool {
        self.low <= number && number <= self.high
    }
}

impl Text {
    /// The text with its case folded, as [`Facts::text`] has it.
    pub fn folded(&self) -> &str {
        &self.folded
    }
}

impl fmt::Display for Filter {
    /// Writes the filter so that it reads back as the same.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, term) in self.terms.iter().enumerate() {
            if i > 0 {
                f.write_str(" ")?;
            }
            write!(f, "{term}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.negated {
            f.write_str("-")?;
        }
        if let Some(key) = self.key() {
            write!(f, "{}:", key.name())?;
        }
        for (i, choice) in self.choices.iter().enumerate() {
            if i > 0 {
                f.write_str(",")?;
            }
            match choice {
                Choice::Name(_, glob) => f.write_str(&parse::quoted(glob.as_str(), false))?,
                Choice::Entity(pattern) => f.write_str(&parse::quoted(pattern.as_str(), false))?,
                Choice::Number(_, range) => write!(f, "{range}")?,
                Choice::Since(when) | Choice::Until(when) => write!(f, "{when}")?,
                Choice::Text(text) => f.write_str(&parse::quoted(&text.shown, true))?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for Numbers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.low, self.high) {
            (low, high) if low == high => write!(f, "{low}"),
            (0, Self::MAX) => f.write_str(".."),
            (low, Self::MAX) => write!(f, "{low}.."),
            (0, high) => write!(f, "..{high}"),
            (low, high) => write!(f, "{low}..{high}"),
        }
    }
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.ago {
            Some(span) => write!(f, "{span}"),
            None => write!(f, "{}", self.at),
        }
    }
}
