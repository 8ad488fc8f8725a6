//! Why a command was not done, as stable codes with their next steps. One table for API, CLI, console and docs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $text:literal, $next:literal;)*) => {
        /// Why a command was refused, put aside or let through only because the workspace observes.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
        pub enum Code {
            $($(#[$doc])* #[serde(rename = $text)] $variant,)*
        }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The stable text on the wire.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// What the caller can do now.
            pub fn next(self) -> &'static str {
                match self { $(Self::$variant => $next,)* }
            }
        }
    };
}

codes! {
    /// A person paused the agent.
    Paused = "paused", "wait until a person resumes the agent; the pause names who and why";
    /// The token was revoked or has expired.
    TokenEnded = "token-ended", "ask an admin for a new token";
    /// A person froze the entity.
    Frozen = "frozen", "leave this entity alone until it is unfrozen";
    /// A person set the field and holds it.
    Held = "held", "the write waits as a proposal: whoever holds the field, or a reviewer of your queue, answers; read your work stream";
    /// The idempotency key was used with another body.
    KeyReused = "key-reused", "send this request under a new idempotency key";
    /// Another agent owns a changed field.
    NotOwner = "not-owner", "a change waits as a proposal in its owner's work: read your work stream for the answer; anything else is the owner's to do";
    /// Nobody owns a changed field.
    Unowned = "unowned", "a named person decides; read your work stream for the answer";
    /// The path is hidden from the agent.
    Hidden = "hidden", "leave this path alone; your zone does not include it";
    /// A changed field or a dependency came without a version.
    MissingVersion = "missing-version", "read the entity, then send `expected` with a version for every changed field";
    /// A version named by the caller is no longer current.
    Stale = "stale", "read again, decide again on the current values, then send the new versions";
    /// The entity was archived or deleted.
    Tombstone = "tombstone", "the entity is gone; read it to see who removed it and when, and drop or redirect the reference";
    /// The entity exists already.
    Exists = "exists", "read the entity and write to it instead of creating it";
    /// Agents do not change constants.
    Constant = "constant", "escalate: only a person changes this field";
    /// A progression does not go back.
    Backward = "backward", "send a later step of the progression, or escalate";
    /// The value is no step of the progression.
    NotAStep = "not-a-step", "send one of the steps that the map names for this field";
    /// Another agent goes first.
    Deferred = "deferred", "wait until the time given, read again, then ask again";
    /// Others still hold open work or acts on the entity.
    HeldOpen = "held-open", "wait until the named work and acts have ended";
    /// A precondition of the caller's role does not hold.
    NotAllowed = "not-allowed", "ask somebody whose role allows it";
    /// The decision is to be signed by the person.
    SignatureNeeded = "signature-needed", "sign it: `deeds` does with the key in your ssh-agent (`deeds keys` has those that count); by other ways send `Deeds-Signature: ask` first";
    /// The signature does not hold.
    SignatureWrong = "signature-wrong", "sign the statement as it stands in the message, with a key of yours that counts (`deeds keys`)";
    /// The person is not named on the queue.
    NotNamed = "not-named", "one of the reviewers named on the queue must answer";
    /// Agents do not decide.
    AgentToken = "agent-token", "a named person answers; use `escalate` to add what you know";
    /// Nobody approves what they raised.
    OwnCase = "own-case", "another reviewer named on the queue must answer";
    /// The item changed since it was shown.
    Changed = "changed", "look at the item again and answer what is shown now";
    /// Somebody else has claimed the item.
    Claimed = "claimed", "wait until the claim ends, ask the claimant to release it, or take it over with a reason";
    /// The thing is not in a state that allows this.
    WrongState = "wrong-state", "look at its present state; nothing was changed";
    /// No such thing.
    NotFound = "not-found", "check the number or the name; list what there is";
    /// The work belongs to another agent.
    NotYours = "not-yours", "only the agent that it belongs to can do that";
    /// The grant would overlap another agent's zone.
    Overlap = "overlap", "transfer it from the present owner (admins), or handle the case";
    /// The map in force is not the one the change was made for.
    MapMoved = "map-moved", "look at the map in force, redo the change on it, and send its version";
    /// The map has errors.
    MapBroken = "map-broken", "mend the findings and apply again; the map in force has not changed";
    /// The map lacks what answers have changed since the last one was put in force.
    TakesBack = "takes-back", "`deeds map pull FILE` writes them into the file; or apply it again with `--take-back`";
    /// Readiness asks for more before agents join, and no reason was given.
    ReasonNeeded = "reason-needed", "wait until the gates hold (`deeds readiness --with FILE` shows them), or apply again with a reason";
    /// The person does not answer for the map.
    NotAccountable = "not-accountable", "the map's governance owner or an admin must do this";
    /// What the answer did was used since.
    UsedSince = "used-since", "compensate by hand: the effects have been built upon";
    /// The agent keeps as much as it may.
    OverBudget = "over-budget", "end, complete or withdraw some of what waits for you, or wait until others have answered it, and ask again; an admin may allow more";
    /// The command is over a bound.
    OverBound = "over-bound", "go by the bound that the message names";
    /// What the map wants looked at before this goes out was not named.
    NoBasis = "no-basis", "read the fields that are named, decide on what they say, and send their versions in `depends_on`";
    /// It was done although something that it was based on had changed since it was allowed.
    OnOutdatedBasis = "on-outdated-basis", "read again; what has gone out can't be taken back, so tell whoever it reached where it was wrong";
    /// A command of a `together` did not go through, so none did.
    TogetherFailed = "together-failed", "mend the command named in `parts` and send all again";
    /// An earlier answer put inputs of this kind out of scope.
    OutOfScope = "out-of-scope", "do not send inputs of this kind; the rule names who decided that and why";
    /// Another agent holds a lease on it.
    Leased = "leased", "wait until the lease ends, read again, then ask again";
    /// The lease has ended, or another token is current.
    LeaseOver = "lease-over", "what you held has ended: read again, acquire a new lease, and use its token";
    /// The caller holds a lease and did not show its token.
    NoToken = "no-token", "send the fencing token of your lease in `lease`";
    /// The attempt is over: the work was taken again since.
    AttemptOver = "attempt-over", "leave the work to whoever has it now; where nobody has, take it again, and name the attempt that this is";
    /// The work was taken more than once, and the caller does not say which attempt is its own.
    NoAttempt = "no-attempt", "send your attempt in `attempt`: what `attempts` of the work said when you took it";
    /// Another agent is next in the sequence.
    NotYourTurn = "not-your-turn", "wait until the agent before you in the map's order has had its turn";
    /// The event is another's, or was claimed before.
    ClaimTaken = "claim-taken", "leave this event alone: its owner handles it";
    /// More than one agent answers the event.
    Collision = "collision", "a named person decides; read your work stream for the answer";
    /// The event would go round once more.
    Looping = "looping", "a named person decides; do not send the event again, and read your work stream for the answer";
    /// A person approves publications here.
    NeedsApproval = "needs-approval", "a named person approves; read your work stream for the answer";
    /// States that must not be true together are.
    Contradicted = "contradicted", "wait until a person has ruled or the states agree again, then ask again; with `wait` an act is woken";
    /// A person ruled otherwise on the question.
    Ruled = "ruled", "go by the ruling; where something has changed since, escalate with what you know";
    /// The same call is being forwarded, or one that changes the same.
    InFlight = "in-flight", "wait until it has ended, and call again: the very same call is not sent twice";
    /// The call was forwarded, and nobody knows how that ended.
    OutcomeUnknown = "outcome-unknown", "do not send it again, by no other way either: a named person says what happened";
    /// The call was forwarded, and has ended.
    Settled = "settled", "it was sent once; what came of it stands in the message";
    /// The map does not name the tool.
    Unmapped = "unmapped", "a named person decides what the tool does, where an item is named: send the same call again after that; else leave this tool alone";
    /// What the call is about can't be told from its arguments.
    Untold = "untold", "send it so that the map can tell what it is about: the message says what is missing";
    /// A handoff lacks what the receiver needs; an event, what tells it from others.
    Incomplete = "incomplete", "send the missing keys too";
    /// The task is locked by its owner's lease.
    Locked = "locked", "release the lease on the task, then hand it over";
    /// No attempts are left.
    OutOfAttempts = "out-of-attempts", "a named person decides; read your work stream for the answer";
    /// The same feedback came twice.
    NotConverging = "not-converging", "a named person decides; read your work stream for the answer";
    /// The value of that version is not known any more, or was withheld.
    NoValue = "no-value", "set the field to the value that you want instead";
}

impl Code {
    /// Whether its words may tell what is there, rather than what was asked for and what the map says of it.
    pub fn depends_on_state(self) -> bool {
        !matches!(
            self,
            Self::Paused
                | Self::TokenEnded
                | Self::KeyReused
                | Self::NotOwner
                | Self::Unowned
                | Self::Hidden
                | Self::MissingVersion
                | Self::NotAllowed
                | Self::OverBound
                | Self::OverBudget
                | Self::OutOfScope
                | Self::NoBasis
                | Self::Unmapped
                | Self::Untold
        )
    }
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}
