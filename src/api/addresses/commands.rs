//! The addresses that are commands and nothing else. How a path's key and a body become a command, and how a command
//! becomes a key and a body again, is one statement: the same words, once an expression and once a pattern.

use serde::Serialize;

use super::{Access, Address, Answers, By, Kind, Takes, column, key_of, schema};
use crate::api::{
    AcquireBody, AwayBody, BackBody, NoteBody, OverrideBody, ReasonBody, ReassignBody, RenewBody,
    SessionBody, TransferBody, WorkStepBody, fit, parse_object,
};
use crate::domain::command::{
    AcceptLoss, Act, ActEnd, AlertStep, AlertVerb, Answered, AwayStep, AwayVerb, Claim, Command, CommandKind,
    Conclude, Escalate, FanOut, GuardNote, Handoff, ItemStep, ItemVerb, KeyStep, LeaseStep, MapReview,
    OfferZone, Publish, Raise, RebaseClock, ReviewStep, ReviewVerb, TokenStep, WorkStep, WorkVerb, Write,
};
use crate::domain::ids::{ActNo, AlertNo, Fence, ItemNo, QueueName, TokenId, WorkNo};
use crate::domain::reply::Reply;

/// A command as it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    path: &'static str,
    /// The HTTP method.
    pub method: &'static str,
    key: Option<String>,
    /// The body, which is JSON.
    pub body: Option<Vec<u8>>,
}

impl Sent {
    /// The path with its key, written as `encoded` writes a segment.
    pub fn path(&self, encoded: impl Fn(&str) -> String) -> String {
        let key = || Some((self.path.split_once('{')?, self.key.as_ref()?));
        let Some(((before, rest), key)) = key() else { return self.path.to_owned() };
        let after = rest.split_once('}').map_or("", |(_, after)| after);
        format!("{before}{}{after}", encoded(key))
    }

    fn post<T: Serialize>(path: &'static str, body: &T) -> serde_json::Result<Option<Self>> {
        Ok(Some(Self { path, method: "POST", key: None, body: Some(serde_json::to_vec(body)?) }))
    }
}

macro_rules! commands {
    (beside { $($rest:tt)* }
     $($name:ident $method:ident $path:literal [$($key:ident: $Key:ty)?] $takes:ident [$($body:tt)*]
        $command:ident $fields:tt, $says:literal;)*) => {
        pub(super) const ROWS: &[Address] = &[$(Address {
            name: stringify!($name),
            method: stringify!($method),
            path: $path,
            who: Access(CommandKind::$command.row().who.classes()),
            kind: Kind::Command,
            command: Some(CommandKind::$command),
            takes: commands!(@takes $takes [$($body)*]),
            parameters: &[],
            answers: Answers::Json(schema::<Reply>),
            says: $says,
            by: By::Rules(|parts| {
                $(let $key: $Key = fit(key_of($path).unwrap_or_default(), parts.key)?;)?
                commands!(@read $takes parts [$($body)*]);
                Ok(Command::$command $fields)
            }),
        }),*];

        /// A command as it is sent; none where it is more than a path and a JSON body, or only Deeds itself says it.
        ///
        /// # Errors
        /// When it can't be written as JSON.
        pub fn sent(command: Command) -> serde_json::Result<Option<Sent>> {
            match command {
                $(Command::$command $fields => Ok(Some(Sent {
                    path: $path,
                    method: stringify!($method),
                    key: commands!(@key $($key)?),
                    body: commands!(@write $takes [$($body)*]),
                })),)*
                $($rest)*
            }
        }
    };
    (@takes none []) => { Takes::Nothing };
    (@takes $takes:ident [$($body:tt)*]) => { column!(takes $takes commands!(@type $($body)*)) };
    (@type $name:ident: $body:ident) => { $body };
    (@type $body:ident { $($field:tt)* }) => { $body };
    (@value $name:ident: $body:ident) => { $name };
    (@value $body:ident { $($field:tt)* }) => { $body { $($field)* } };
    (@read none $parts:ident []) => {};
    (@read json $parts:ident [$($body:tt)*]) => {
        let commands!(@value $($body)*) = parse_object::<commands!(@type $($body)*)>($parts.body)?;
    };
    (@read maybe $parts:ident [$($body:tt)*]) => {
        let commands!(@value $($body)*) = match $parts.body {
            [] => <commands!(@type $($body)*)>::default(),
            body => parse_object(body)?,
        };
    };
    (@key) => { None };
    (@key $key:ident) => { Some($key.to_string()) };
    (@write none []) => { None };
    (@write $takes:ident [$($body:tt)*]) => { Some(serde_json::to_vec(&commands!(@value $($body)*))?) };
}

commands! {
    beside {
        Command::Together(together) => Sent::post("/v1/together", &together),
        Command::Override(order) => Sent::post("/v1/overrides", &OverrideBody::from(&order)),
        Command::Take(_)
        | Command::ApplyMap(_)
        | Command::Token(TokenStep::Create(_) | TokenStep::Invite(_) | TokenStep::Redeem { .. })
        | Command::Import(_)
        | Command::TurnAway(_)
        | Command::Clock(_)
        | Command::Tick => Ok(None),
    }

    Write POST "/v1/writes" [] json [write: Write] Write(write),
        "Changes fields of an entity, or the entity as a whole.";
    Act POST "/v1/acts" [] json [act: Act] Act(act),
        "Asks before a side effect outside.";
    ActDone POST "/v1/acts/{n}/done" [act: ActNo] maybe [NoteBody { note }]
        ActEnd(ActEnd { act, done: true, note }),
        "Says that an allowed act was done.";
    ActFailed POST "/v1/acts/{n}/failed" [act: ActNo] maybe [NoteBody { note }]
        ActEnd(ActEnd { act, done: false, note }),
        "Says that an allowed act failed.";
    Escalate POST "/v1/escalations" [] json [escalate: Escalate] Escalate(escalate),
        "Hands over what the agent can't decide.";
    OfferZone POST "/v1/zone-offers" [] json [offer: OfferZone] OfferZone(offer),
        "Offers a part of the agent's zone to another; the person accountable for it confirms.";
    Raise POST "/v1/events" [] json [raise: Raise] Raise(raise),
        "Says that something happened; it goes to the one agent that it wakes.";
    Claim POST "/v1/claims" [] json [claim: Claim] Claim(claim),
        "Asks whether an event that the agent heard of by itself is its to handle.";
    WorkComplete POST "/v1/work/{n}/complete" [work: WorkNo] maybe [WorkStepBody { note, result, lease, attempt }]
        Work(WorkStep { work, step: WorkVerb::Complete, note, result, lease, attempt }),
        "Is done with a work item.";
    WorkAccept POST "/v1/work/{n}/accept" [work: WorkNo] maybe [WorkStepBody { note, result, lease, attempt }]
        Work(WorkStep { work, step: WorkVerb::Accept, note, result, lease, attempt }),
        "Makes a proposed change, or takes over the task of a handoff.";
    WorkDecline POST "/v1/work/{n}/decline" [work: WorkNo] maybe [WorkStepBody { note, result, lease, attempt }]
        Work(WorkStep { work, step: WorkVerb::Decline, note, result, lease, attempt }),
        "Does not make a proposed change; the note says why.";
    WorkFail POST "/v1/work/{n}/fail" [work: WorkNo] maybe [WorkStepBody { note, result, lease, attempt }]
        Work(WorkStep { work, step: WorkVerb::Fail, note, result, lease, attempt }),
        "Says that work was tried and failed; it is tried again while attempts are left.";
    WorkReturn POST "/v1/work/{n}/return" [work: WorkNo] maybe [WorkStepBody { note, result, lease, attempt }]
        Work(WorkStep { work, step: WorkVerb::Return, note, result, lease, attempt }),
        "Gives work back; a handoff goes to its giver, with the note as feedback.";
    Handoff POST "/v1/handoffs" [] json [handoff: Handoff] Handoff(handoff),
        "Hands a task over.";
    FanOut POST "/v1/fan-outs" [] json [order: FanOut] FanOut(order),
        "Starts independent pieces of work.";
    LeaseAcquire POST "/v1/leases" [] json [AcquireBody { target, ttl }]
        Lease(LeaseStep::Acquire { target, ttl }),
        "Locks a field, an entity or a task; the answer names the fencing token.";
    LeaseRenew POST "/v1/leases/{fence}/renew" [lease: Fence] json [RenewBody { ttl }]
        Lease(LeaseStep::Renew { lease, ttl }),
        "Holds a lease longer, from now on.";
    LeaseRelease POST "/v1/leases/{fence}/release" [lease: Fence] none []
        Lease(LeaseStep::Release { lease }),
        "Gives a lease back.";
    LeaseTransfer POST "/v1/leases/{fence}/transfer" [lease: Fence] json [TransferBody { to }]
        Lease(LeaseStep::Transfer { lease, to }),
        "Gives a lease to another agent, under a new token.";
    Publish POST "/v1/outputs" [] json [publish: Publish] Publish(publish),
        "Publishes on an output.";
    Conclude POST "/v1/conclusions" [] json [conclude: Conclude] Conclude(conclude),
        "Says what the agent found out; a person's word decides the question.";
    ItemAnswer POST "/v1/inbox/{n}/answer" [item: ItemNo] json [answered: Answered]
        Item(ItemStep { item, step: ItemVerb::Answer(answered) }),
        "Answers an item, with proof of what was shown.";
    ItemClaim POST "/v1/inbox/{n}/claim" [item: ItemNo] none []
        Item(ItemStep { item, step: ItemVerb::Claim }),
        "Takes an item.";
    ItemTakeOver POST "/v1/inbox/{n}/take-over" [item: ItemNo] json [ReasonBody { reason }]
        Item(ItemStep { item, step: ItemVerb::TakeOver { reason } }),
        "Takes an item from whoever has it, with a reason.";
    ItemLeave POST "/v1/inbox/{n}/leave" [item: ItemNo] json [ReasonBody { reason }]
        Item(ItemStep { item, step: ItemVerb::Leave { reason } }),
        "Leaves an item for later, knowingly: a review has gone through it.";
    ItemRelease POST "/v1/inbox/{n}/release" [item: ItemNo] none []
        Item(ItemStep { item, step: ItemVerb::Release }),
        "Gives an item back.";
    ItemReassign POST "/v1/inbox/{n}/reassign" [item: ItemNo] json [ReassignBody { to }]
        Item(ItemStep { item, step: ItemVerb::Reassign { to } }),
        "Hands an item to another reviewer named on its queue.";
    ItemUndo POST "/v1/inbox/{n}/undo" [item: ItemNo] none []
        Item(ItemStep { item, step: ItemVerb::Undo }),
        "Takes an answer back.";
    AlertAcknowledge POST "/v1/alerts/{n}/acknowledge" [alert: AlertNo] maybe [NoteBody { note }]
        Alert(AlertStep { alert, step: AlertVerb::Acknowledge, note }),
        "Says that an alert was seen.";
    AlertResolve POST "/v1/alerts/{n}/resolve" [alert: AlertNo] maybe [NoteBody { note }]
        Alert(AlertStep { alert, step: AlertVerb::Resolve, note }),
        "Ends an alert with a note.";
    AlertEscalate POST "/v1/alerts/{n}/escalate" [alert: AlertNo] maybe [NoteBody { note }]
        Alert(AlertStep { alert, step: AlertVerb::Escalate, note }),
        "Puts an alert into the inbox.";
    KeyStep POST "/v1/keys" [] json [step: KeyStep] Key(step),
        "Names a key that the caller signs with; confirms another's, or ends one.";
    AcceptLoss POST "/v1/ledger/accept-loss" [] json [accept: AcceptLoss] AcceptLoss(accept),
        "Goes on without deeds that are missing from the ledger.";
    ClockRebase POST "/v1/clock/rebase" [] json [rebase: RebaseClock] RebaseClock(rebase),
        "Moves what was recorded under a wrong clock, and lets time go on from the right one.";
    ReviewStart POST "/v1/reviews/{queue}/start" [queue: QueueName] maybe [SessionBody { note, leave }]
        Review(ReviewStep { queue, step: ReviewVerb::Start, note, leave }),
        "Begins a session over a queue.";
    ReviewEnd POST "/v1/reviews/{queue}/end" [queue: QueueName] maybe [SessionBody { note, leave }]
        Review(ReviewStep { queue, step: ReviewVerb::End, note, leave }),
        "Ends a session over a queue, and says what is left.";
    AwayBegin POST "/v1/away" [] maybe [AwayBody { person, until, note }]
        Away(AwayStep { person, step: AwayVerb::Leave { until }, note }),
        "Says that a person is away; their deputies answer at once meanwhile.";
    AwayEnd POST "/v1/back" [] maybe [BackBody { person, note }]
        Away(AwayStep { person, step: AwayVerb::Return, note }),
        "Says that a person is back.";
    MapReviewed POST "/v1/map/reviewed" [] maybe [review: MapReview] MapReview(review),
        "Records that a person went through the map in force and stands by it.";
    Guard POST "/v1/guard" [] json [note: GuardNote] Guard(note),
        "Records what a guard saw or stopped where an agent works.";
    TokenRevoke DELETE "/v1/tokens/{id}" [token: TokenId] none [] Token(TokenStep::Revoke { token }),
        "Ends a token.";
}
