//! From the deeds of a decision back to what was asked, in the numbers of the workspace in which it is asked again.

use super::pairs::Pairs;
use super::{agents, people, streams};
use crate::domain::command::{Command, Principal};
use crate::domain::deed::{Body, Deed};
use crate::domain::ids::{Actor, AgentId, PersonId, Version};
use crate::domain::path::FieldPath;
use crate::domain::state::State;
use crate::domain::things::TokenClass;

/// What a decision of the story was asked.
pub(super) enum Asked {
    /// This, by the caller: one after another where it can't be said at once.
    Commands(Vec<Command>),
    /// Something about what is not there here: which of it.
    Moot(&'static str),
    /// Its deeds do not tell it whole: what they lack.
    Untold(&'static str),
    /// Nothing that is asked again: the time does it, or the map that is rehearsed stands for it.
    Nothing,
}

impl From<Command> for Asked {
    fn from(command: Command) -> Self {
        Self::Commands(vec![command])
    }
}

/// A decision of the story, beside what there was then and what there is here.
pub(super) struct Scribe<'a> {
    /// Just before it, in the story.
    pub(super) there: &'a State,
    /// Here.
    pub(super) here: &'a State,
    pub(super) pairs: &'a Pairs,
    /// Its deeds.
    pub(super) group: &'a [Deed],
    /// The one that answered its caller.
    pub(super) deed: &'a Deed,
    /// Whether the maps of the story are put in force here, too.
    pub(super) its_maps: bool,
}

/// The deed that answered the caller. None where the time decided, or Deeds itself.
pub(super) fn primary(group: &[Deed]) -> Option<&Deed> {
    let keyed = group.iter().find(|deed| deed.key.is_some());
    let whole = || group.iter().find(|deed| closes(deed));
    let first = || group.iter().find(|deed| deed.actor != Actor::Deeds);
    keyed.or_else(whole).or_else(first)
}

/// Is it the last word of a decision whose other deeds may come before it?
fn closes(deed: &Deed) -> bool {
    let by_people = matches!(
        deed.body,
        Body::ItemAnswered(_) | Body::ItemUndone(()) | Body::BatchCommitted(()) | Body::BatchRefused(_)
    );
    // The first token of a workspace is nobody's deed.
    let by_anybody = matches!(deed.body, Body::MapApplied(_) | Body::TokenCreated(_) | Body::TokenRevoked(_));
    by_anybody || (by_people && deed.actor != Actor::Deeds)
}

/// What it was asked.
pub(super) fn asked(scribe: &Scribe<'_>) -> Asked {
    // The workspace is born here already.
    if scribe.deed.body.format().is_some() {
        return Asked::Nothing;
    }
    agents::asked(scribe)
        .or_else(|| streams::asked(scribe))
        .or_else(|| people::asked(scribe))
        .unwrap_or(Asked::Untold("a refusal that says nothing of what was asked"))
}

/// Who asked, as far as the story tells.
pub(super) fn principal(deed: &Deed, command: &Command, there: &State) -> Principal {
    let class = match &deed.actor {
        Actor::Agent(_) => TokenClass::Agent,
        Actor::Deeds => TokenClass::Admin,
        Actor::Person(person) => class_of(person, command, there),
    };
    Principal { actor: deed.actor.clone(), class, token: None }
}

fn class_of(person: &PersonId, command: &Command, there: &State) -> TokenClass {
    let theirs = |record: &&std::sync::Arc<crate::domain::things::TokenRecord>| {
        record.token.class == TokenClass::Admin && *record.token.name == *person.as_str()
    };
    let is_admin = there.access.tokens.values().any(|record| theirs(&record));
    let needs = !command.row().who.includes(TokenClass::Reviewer, &Actor::Person(person.clone()));
    if is_admin || needs { TokenClass::Admin } else { TokenClass::Reviewer }
}

impl Scribe<'_> {
    /// The agent that asked.
    pub(super) fn agent(&self) -> Option<&AgentId> {
        self.deed.actor.agent()
    }

    /// The person that asked.
    pub(super) fn person(&self) -> Option<&PersonId> {
        self.deed.actor.person()
    }

    /// The version here of what the caller named in the story.
    pub(super) fn version(&self, path: &FieldPath, then: Version) -> Version {
        self.pairs.version(path, then, self.there, self.here)
    }

    /// The version of now: what a careful caller has read.
    pub(super) fn latest(&self, path: &FieldPath) -> Version {
        super::pairs::version_in(self.here, &path.entity, &path.field)
    }

    /// For another deed of the same decision.
    pub(super) fn of<'b>(&'b self, deed: &'b Deed) -> Scribe<'b> {
        Scribe { deed, ..*self }
    }

    /// The reason, where the caller gave it.
    pub(super) fn reason(&self) -> Option<std::sync::Arc<str>> {
        let own = self.deed.code.is_none() && self.deed.verdict.is_none();
        self.deed.reason.clone().filter(|_| own)
    }
}
