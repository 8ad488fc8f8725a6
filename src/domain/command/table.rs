//! One row for each command, with every fact about it. What a column says is derived from here and stated nowhere else:
//! the enum and its names, who may ask, what a `together` takes, how a refusal is recorded, who decides.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    AcceptLoss, Act, ActEnd, AlertStep, ApplyMap, AwayStep, CallStep, Claim, Conclude, Escalate, FanOut,
    GuardNote, Handoff, Import, ItemStep, KeyStep, LeaseStep, MapReview, OfferZone, Override, Publish, Raise,
    RebaseClock, ReviewStep, Take, Together, TokenStep, WorkStep, Write,
};
use crate::domain::ids::Actor;
use crate::domain::things::{ClockSight, TokenClass, TurnedAway};

/// The table, handed to the macro that is named. The last two columns are read where the rules live (`decide`): the
/// function that decides, and the deed type of a refusal that comes before anything is decided.
///
/// Name and payload = its `do`, its word in lists: who may ask, part of a `together` or alone, what it does to what is
/// there, what asking twice does.
macro_rules! commands {
    ($to:ident) => {
        $to! {
            /// Change fields of an entity, or the entity as a whole.
            Write(write: Write) = "write", "write": Agents Part Replaces More Values
                => write::decide, WriteRefused(());
            /// May this side effect go ahead?
            Act(act: Act) = "act", "act": Agents Part Adds More Waits
                => act::decide, ActRefused(act::order(act));
            /// How an allowed act ended.
            ActEnd(end: ActEnd) = "act-end", "act end": Agents Part Adds Same Nothing
                => act::end, WorkRefused(());
            /// What the caller can't decide.
            Escalate(escalate: Escalate) = "escalate", "escalate": Agents Part Adds More Waits
                => inbox::escalate, WriteRefused(());
            /// A part of the caller's zone for another agent, which the person accountable confirms.
            OfferZone(offer: OfferZone) = "offer-zone", "offer zone": Agents Alone Adds Same Waits
                => zone::offer, ItemRefused(());
            /// Something happened that wakes an agent.
            Raise(raise: Raise) = "raise", "raise": Heralds Part Adds More Waits
                => trigger::raise, EventRefused(Box::new(trigger::raised(raise)));
            /// Is this event the caller's to handle?
            Claim(claim: Claim) = "claim", "claim event": Agents Part Adds Same Waits
                => trigger::claim, ClaimRefused(Box::new(trigger::mark(claim)));
            /// Take what waits in the caller's work stream.
            Take(take: Take) = "take", "take": Agents Alone Adds More Nothing
                => work::take, WorkRefused(());
            /// Something done to a work item.
            Work(step: WorkStep) = "work", "work": Agents Part Replaces Same Nothing
                => work::decide, WorkRefused(());
            /// Hand a task over.
            Handoff(handoff: Handoff) = "handoff", "hand over": Agents Part Adds More Waits
                => handoff::decide, HandoffRefused(());
            /// Independent pieces of work at once.
            FanOut(order: FanOut) = "fan-out", "fan out": Agents Part Adds More Waits
                => fan_out::decide, FanOutRefused(());
            /// Something done to a lease.
            Lease(step: LeaseStep) = "lease", "lease": Agents Part Replaces More Waits
                => lease::decide, LeaseRefused(());
            /// A publication on an output.
            Publish(publish: Publish) = "publish", "publish": Agents Part Adds More Waits
                => output::decide, OutputRefused(Box::new(output::publication(publish)));
            /// What the caller found out.
            Conclude(conclude: Conclude) = "conclude", "conclude": Heralds Part Adds Same Memory
                => conclude::decide, ConclusionRefused(());
            /// A call of a tool: may it be forwarded, how did it end?
            Call(step: CallStep) = "call", "call": Agents Alone Replaces More Values
                => call::decide, CallRefused(Box::new(call::mark(step)));
            /// Several commands of one caller, all or nothing.
            Together(together: Together) = "together", "together": Agents Alone Replaces More Values
                => together::decide, WriteRefused(());
            /// Something done to an inbox item.
            Item(step: ItemStep) = "item", "item": Deciders Alone Replaces Same Nothing
                => inbox::decide, ItemRefused(());
            /// Something done to an alert.
            Alert(step: AlertStep) = "alert", "alert": Deciders Alone Adds Same Nothing
                => alert::decide, AlertRefused(());
            /// A map to put in force.
            ApplyMap(apply: ApplyMap) = "apply-map", "apply map": Admins Alone Replaces Same Nothing
                => map::decide, MapRefused(());
            /// A person went through the map in force.
            MapReview(review: MapReview) = "map-review", "review map": Deciders Alone Adds More Nothing
                => map::review, MapRefused(());
            /// A token to create or revoke.
            Token(step: TokenStep) = "token", "token": Admins Alone Replaces More Nothing
                => token::decide, TokenRefused(());
            /// A key that a person signs with.
            Key(step: KeyStep) = "key", "key": Deciders Alone Replaces Same Nothing
                => key::decide, KeyRefused(());
            /// Deeds that are missing from the ledger are gone for good, and it goes on without them.
            AcceptLoss(accept: AcceptLoss) = "accept-loss", "accept loss": Admins Alone Adds Same Nothing
                => loss::decide, LossRefused(());
            /// What was recorded under a wrong clock moves, and time goes on from the right one.
            RebaseClock(rebase: RebaseClock) = "rebase-clock", "rebase clock": Admins Alone Replaces Same Nothing
                => clock::rebase, ClockRefused(());
            /// A person overrides.
            Override(step: Override) = "override", "override": Deciders Alone Replaces Same Nothing
                => overrides::decide, OverrideRefused(());
            /// A session over a queue begins or ends.
            Review(step: ReviewStep) = "review", "review": Deciders Alone Adds Same Nothing
                => review::decide, ReviewRefused(());
            /// A person goes away, or is back.
            Away(step: AwayStep) = "away", "away": Deciders Alone Replaces Same Nothing
                => away::decide, AbsenceRefused(());
            /// What a guard saw, or stopped, for an agent.
            Guard(note: GuardNote) = "guard", "guard": Guards Alone Adds More Nothing
                => guard::decide, GuardRefused(());
            /// One line of another system's history.
            Import(line: Import) = "import", "import": Admins Alone Replaces Same Nothing
                => import::decide, WriteRefused(());
            /// Time went by; only Deeds itself says so.
            Tick = "tick", "tick": Deeds Alone Adds Same Nothing
                => tick::decide, WriteRefused(());
            /// What was turned away at the door lately, counted; only Deeds itself says so.
            TurnAway(turned: TurnedAway) = "turn-away", "turn away": Deeds Alone Adds More Nothing
                => door::tell, WriteRefused(());
            /// What the machine's clock shows, and whether it is believed; only Deeds itself says so.
            Clock(sight: ClockSight) = "clock", "clock": Deeds Alone Adds Same Nothing
                => clock::tell, WriteRefused(());
        }
    };
}
pub(in crate::domain) use commands;

/// Who may ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asker {
    /// Agents, under an agent's token.
    Agents,
    /// Whoever hears of an event, or finds something out, may say so; watchers only look.
    Heralds,
    /// People who decide.
    Deciders,
    /// Admins.
    Admins,
    /// Guards, under a guard's token.
    Guards,
    /// Deeds itself.
    Deeds,
}

impl Asker {
    /// The classes of tokens that may ask.
    pub const fn classes(self) -> &'static [TokenClass] {
        match self {
            Self::Agents => &[TokenClass::Agent],
            Self::Heralds => &[TokenClass::Agent, TokenClass::Reviewer, TokenClass::Admin],
            Self::Deciders => &[TokenClass::Reviewer, TokenClass::Admin],
            Self::Admins => &[TokenClass::Admin],
            Self::Guards => &[TokenClass::Guard],
            Self::Deeds => &[],
        }
    }

    /// Whether this caller may ask.
    pub fn includes(self, class: TokenClass, actor: &Actor) -> bool {
        match self {
            Self::Agents => class == TokenClass::Agent && actor.agent().is_some(),
            Self::Heralds | Self::Deciders | Self::Admins | Self::Guards => self.classes().contains(&class),
            Self::Deeds => *actor == Actor::Deeds,
        }
    }

    /// In words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Agents => "agents",
            Self::Heralds => "agents, reviewers and admins",
            Self::Deciders => "reviewers and admins",
            Self::Admins => "admins",
            Self::Guards => "guards",
            Self::Deeds => "Deeds itself",
        }
    }
}

/// Whether a command may stand in a `together`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// It may be a part.
    Part,
    /// It stands alone.
    Alone,
}

/// What a command can do to what is there. The ledger keeps everything; this is about what is in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Nothing: it only reads. No command does today; questions have addresses of their own.
    Reads,
    /// It only adds.
    Adds,
    /// It can overwrite or take away.
    Replaces,
}

/// What a command does that is asked a second time, under another key and with the same words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Again {
    /// Nothing more than the first time: it is refused, or comes to the same.
    Same,
    /// It happens once more, or may.
    More,
}

/// What a command may keep beyond its deed, RULES §16.1; most of it stands in the lists of the board.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeps {
    /// Nothing: it ends or changes what is there, or is a person's.
    Nothing,
    /// What it says is remembered for a time.
    Memory,
    /// Something waits until it has ended.
    Waits,
    /// Values; what is not the caller's own to set waits.
    Values,
}

/// A row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommandRow {
    /// Which command.
    pub kind: CommandKind,
    /// Its name as the `do` of a body.
    pub name: &'static str,
    /// Its word in lists.
    pub word: &'static str,
    /// What it is for, in a sentence.
    pub sentence: &'static str,
    /// Who may ask.
    pub who: Asker,
    /// Whether it may stand in a `together`.
    pub place: Place,
    /// What it can do to what is there.
    pub effect: Effect,
    /// What asking twice does.
    pub again: Again,
    /// What it may keep for its caller's sake.
    pub keeps: Keeps,
}

macro_rules! declare {
    ($(
        #[doc = $sentence:literal]
        $kind:ident $(($_it:ident: $payload:ty))? = $name:literal, $word:literal:
            $who:ident $place:ident $effect:ident $again:ident $keeps:ident
            => $($_decides:ident)::+, $_refused:ident($_of:expr);
    )*) => {
        /// Everything that can be asked of a workspace.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(tag = "do")]
        pub enum Command {
            $(#[doc = $sentence] #[serde(rename = $name)] $kind $(($payload))?,)*
        }

        /// The commands, without what is asked.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum CommandKind {
            $(#[doc = $sentence] $kind,)*
        }

        impl Command {
            /// Which one it is.
            pub const fn kind(&self) -> CommandKind {
                match self { $(Self::$kind { .. } => CommandKind::$kind,)* }
            }
        }

        impl CommandKind {
            /// Every command.
            pub const ALL: &'static [Self] = &[$(Self::$kind),*];

            /// Its row.
            pub const fn row(self) -> &'static CommandRow {
                match self {
                    $(Self::$kind => const { &CommandRow {
                        kind: Self::$kind,
                        name: $name,
                        word: $word,
                        sentence: $sentence.trim_ascii(),
                        who: Asker::$who,
                        place: Place::$place,
                        effect: Effect::$effect,
                        again: Again::$again,
                        keeps: Keeps::$keeps,
                    } },)*
                }
            }
        }
    };
}
commands!(declare);

impl Command {
    /// Its row.
    pub const fn row(&self) -> &'static CommandRow {
        self.kind().row()
    }

    /// The word for it in lists: what is done to an item has words of its own.
    pub fn word(&self) -> &'static str {
        if let Self::Item(step) = self { step.step.word() } else { self.row().word }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Words and names tell commands apart, and a body that names one is read as that one.
    #[test]
    fn a_command_is_known_by_its_name() {
        let rows = || CommandKind::ALL.iter().map(|kind| kind.row());
        for row in rows() {
            assert_eq!(rows().filter(|other| other.name == row.name || other.word == row.word).count(), 1);
            assert!(row.sentence.ends_with(['.', '?']) && !row.sentence.starts_with(' '), "{}", row.sentence);
            let read = serde_json::from_value::<Command>(serde_json::json!({"do": row.name}));
            let other = read.as_ref().is_ok_and(|command| command.kind() != row.kind);
            let unknown = read.as_ref().is_err_and(|error| error.to_string().contains("unknown variant"));
            assert!(!other && !unknown, "{}: {read:?}", row.name);
        }
    }

    /// What agents may put together is theirs to ask, and nothing that holds others.
    #[test]
    fn parts_are_agents_commands() {
        for row in CommandKind::ALL.iter().map(|kind| kind.row()) {
            let agents = row.who.includes(TokenClass::Agent, &Actor::Agent("sales".parse().unwrap()));
            assert!(agents || row.place == Place::Alone, "{}", row.name);
        }
        assert_eq!(CommandKind::Together.row().place, Place::Alone);
    }

    /// What people ask keeps nothing on an agent's budget.
    #[test]
    fn only_agents_have_budgets() {
        for row in CommandKind::ALL.iter().map(|kind| kind.row()) {
            let agents = row.who.includes(TokenClass::Agent, &Actor::Agent("sales".parse().unwrap()));
            assert!(agents || row.keeps == Keeps::Nothing, "{}", row.name);
        }
    }
}
