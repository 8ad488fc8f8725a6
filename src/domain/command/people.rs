//! What people do: items, alerts, maps, tokens, overrides and reviews, RULES §12 and RULES §13.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::ids::{
    AgentId, AlertNo, Fence, ItemNo, MapVersion, PersonId, QueueName, Seq, TokenId, Version,
};
use crate::domain::map::Model;
use crate::domain::path::{EntityPath, FieldPath};
use crate::domain::signature::SignKey;
use crate::domain::things::{Allowance, Invitation, ItemAnswer, Lasts, Token, Until};
use crate::domain::time::{Span, Time};
use crate::domain::value::Value;

/// Something a person does with an inbox item.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ItemStep {
    /// The item.
    pub item: ItemNo,
    /// What.
    #[serde(flatten)]
    pub step: ItemVerb,
}

/// What can be done with an inbox item.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "step", rename_all = "lowercase")]
pub enum ItemVerb {
    /// Take it.
    Claim,
    /// Take it from whoever has it, with a reason.
    #[serde(rename = "take-over")]
    TakeOver {
        /// Why.
        reason: Arc<str>,
    },
    /// Give it back.
    Release,
    /// Hand it to another reviewer named on its queue.
    Reassign {
        /// To whom.
        to: PersonId,
    },
    /// Leave it for later, knowingly.
    Leave {
        /// Why.
        reason: Arc<str>,
    },
    /// Answer it.
    Answer(Answered),
    /// Take the answer back.
    Undo,
}

impl ItemVerb {
    /// The word of the step; of an answer its own.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Claim => "claim",
            Self::TakeOver { .. } => "take over",
            Self::Release => "release",
            Self::Reassign { .. } => "reassign",
            Self::Leave { .. } => "leave",
            Self::Answer(answered) => answered.answer.word(),
            Self::Undo => "undo",
        }
    }
}

/// An answer, with proof of what was shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Answered {
    /// The answer.
    pub answer: ItemAnswer,
    /// The item's version as shown.
    pub version: u64,
    /// The digest of the material as shown.
    pub digest: Arc<str>,
    /// Items alike that are settled by the same answer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub include: Vec<ItemNo>,
}

/// Something a person does with an alert.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AlertStep {
    /// The alert.
    pub alert: AlertNo,
    /// What.
    pub step: AlertVerb,
    /// A note; required to resolve.
    pub note: Option<Arc<str>>,
}

/// What can be done with an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AlertVerb {
    /// Seen.
    Acknowledge,
    /// Ended, with a note.
    Resolve,
    /// Into the inbox.
    Escalate,
}

/// A map to put in force.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApplyMap {
    /// The map, already parsed and free of errors.
    pub model: Arc<Model>,
    /// The version it was made for: compare-and-set.
    pub if_version: MapVersion,
    /// Why.
    pub reason: Option<Arc<str>>,
    /// Whether its effects were looked at on past deeds first.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub planned: bool,
    /// Whether what answers have changed is taken back where this one does not have it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub take_back: bool,
}

/// A person went through the map in force as a whole, and stands by it.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MapReview {
    /// The version that was gone through; the one in force where nothing is said.
    pub version: Option<MapVersion>,
    /// What is worth keeping of it.
    pub note: Option<Arc<str>>,
}

/// An admin goes on without deeds that the ledger lost, RULES §13.6.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AcceptLoss {
    /// The last deed that is missing, as it was shown.
    pub through: Seq,
    /// What happened.
    pub reason: Arc<str>,
}

/// What was recorded under a wrong clock moves back, and time goes on from the right one, RULES §3.8.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RebaseClock {
    /// The first deed that was recorded under the wrong clock; all from there on were.
    pub from: Seq,
    /// What time it is; as `by` says, where nothing is said.
    pub to: Option<Time>,
    /// How far ahead the clock was; as the open alert about the clock says, where neither is said.
    pub by: Option<Span>,
    /// Why.
    pub reason: Arc<str>,
    /// When the first deed was recorded, and the one before it, as the ledger says; whoever reads the ledger puts it in.
    #[serde(skip)]
    pub read: Option<(Option<Time>, Time)>,
}

/// Most entities that one of a guard's reports names; the others it counts.
pub const GUARD_PATHS: usize = 256;

/// What a guard saw, or stopped, RULES §13.4.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GuardNote {
    /// Which agent.
    pub agent: AgentId,
    /// Which guard: `claude-code`, `git`.
    pub by: Arc<str>,
    /// Whether it stopped it; else it saw it, and let it be.
    #[serde(default)]
    pub stopped: bool,
    /// The entities that it was about.
    pub paths: Vec<EntityPath>,
    /// How many more there were, which are not named.
    #[serde(default)]
    pub more: u32,
}

/// A token to create or revoke. The secret never gets here, only its hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "step", rename_all = "lowercase")]
pub enum TokenStep {
    /// Make one known.
    Create(Token),
    /// Ask a person to make one of their own.
    Invite(Invitation),
    /// The person does; the server has seen the invitation's secret.
    Redeem {
        /// From which invitation.
        invitation: TokenId,
        /// The token.
        token: Token,
        /// The first key that the person signs with.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<SignKey>,
    },
    /// End one, or an invitation that was not taken.
    Revoke {
        /// Which.
        token: TokenId,
    },
}

/// A key that a person signs with, RULES §13.5.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "step", rename_all = "lowercase", deny_unknown_fields)]
pub enum KeyStep {
    /// The caller's own: it counts at once where an earlier one signs for it, else once another admin has confirmed it.
    Add {
        /// The public key.
        key: SignKey,
    },
    /// It is the person's, says another admin.
    Confirm {
        /// Whose.
        person: PersonId,
        /// Which, by its fingerprint `SHA256:…`.
        key: Arc<str>,
    },
    /// It counts no more, or never did.
    Revoke {
        /// Whose.
        person: PersonId,
        /// Which, by its fingerprint.
        key: Arc<str>,
    },
}

/// A person overrides, RULES §13.1; each needs a reason.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Override {
    /// What.
    #[serde(flatten)]
    pub step: OverrideVerb,
    /// Why.
    pub reason: Arc<str>,
    /// For how long it holds: what was set and reverted for a day where nothing is said, a stop until it is ended.
    pub lasts: Option<Lasts>,
}

/// What a person can override.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "step", rename_all = "lowercase")]
pub enum OverrideVerb {
    /// All agents keep off the entity.
    Freeze {
        /// Which.
        entity: EntityPath,
    },
    /// They may touch it again.
    Unfreeze {
        /// Which.
        entity: EntityPath,
    },
    /// The agent stops.
    Pause {
        /// Who.
        agent: AgentId,
    },
    /// It goes on.
    Resume {
        /// Who.
        agent: AgentId,
    },
    /// The agent may keep more than the settings say; what is not named is as they say.
    Allow {
        /// Who.
        agent: AgentId,
        /// How much.
        #[serde(default)]
        allowance: Allowance,
    },
    /// Every agent stops, and its timers stand still.
    #[serde(rename = "pause-all")]
    PauseAll,
    /// All go on from where they stood.
    #[serde(rename = "resume-all")]
    ResumeAll,
    /// Sets a field.
    Set {
        /// Which.
        path: FieldPath,
        /// To what.
        value: Value,
        /// The version it starts from.
        expected: Version,
    },
    /// Sets a field back to an earlier version: a new version with the old value.
    Revert {
        /// Which.
        path: FieldPath,
        /// The version whose value it gets.
        to: Version,
        /// That value, as the ledger has it: the caller of the rules looks it up.
        value: Value,
        /// The version it starts from.
        expected: Version,
    },
    /// Lets go of a field that was set: its owners write it again.
    Release {
        /// Which.
        path: FieldPath,
    },
    /// Ends a lease by force; its token is void from now on.
    Unlock {
        /// Which.
        lease: Fence,
    },
}

/// A session over a queue, RULES §13.2.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReviewStep {
    /// Which queue.
    pub queue: QueueName,
    /// What.
    pub step: ReviewVerb,
    /// What is worth keeping of it.
    pub note: Option<Arc<str>>,
    /// Where it ends: why what waits still is left for later.
    pub leave: Option<Arc<str>>,
}

/// What can be done with a review.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ReviewVerb {
    /// It begins.
    Start,
    /// It ends.
    End,
}

/// A person goes away, or is back, RULES §12.3.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AwayStep {
    /// Who; whoever asks, where nothing is said.
    pub person: Option<PersonId>,
    /// What.
    #[serde(flatten)]
    pub step: AwayVerb,
    /// What others should know of it.
    pub note: Option<Arc<str>>,
}

/// Whether somebody goes or comes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "step", rename_all = "lowercase")]
pub enum AwayVerb {
    /// Deputies answer at once meanwhile.
    Leave {
        /// Until when; until they are back, where nothing is said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<Until>,
    },
    /// Everything is as before.
    Return,
}
