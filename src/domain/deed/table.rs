//! One row for each deed type, with every fact about it: its payload and stored name, who may see it and whose values it
//! carries, what it does to entities and to the board, how lists show it.
//!
//! Types are add-only (RULES §18). A golden file for each of them under `tests/golden/` guards the bytes.

use serde_json::value::RawValue;

use super::audience::Audience;
use super::{
    BatchFailure, BranchResult, Deed, DeedError, ItemClosed, NewFormat, NewMap, NewWorkspace, ScopeChange,
    ScopeTransfer, Taken, TaskResult, about, carried, wire,
};
use crate::domain::ids::{AgentId, FanOutNo, PersonId, QueueName, Seq, TaskId, TokenId};
use crate::domain::things::{
    ActOrder, Alert, AlertSide, Allowed, CallBegun, CallMark, Case, ClaimMark, ClockSight, Conclusion,
    EndedCall, FanOutState, GuardReport, HandoffOrder, InFlight, Invitation, Item, Lease, Loss, MadeCall,
    PersonKey, Publication, RaisedEvent, Rebased, ReviewEnd, ReviewHeld, ReviewMiss, ReviewPlan, ScopeRule,
    Task, Token, ToolsSeen, TurnedAway, Work,
};
use crate::domain::time::Time;
use crate::domain::value::Value;

/// The table by families, each with its word in lists, handed to the macro that is named. A row is
///
/// `Variant(payload) = stored name => audience carried, entity board, listed about;`
///
/// - audience: which agents may see it ([`Audience`]); people see everything;
/// - carried: the paths whose values the payload carries, a function of `carried`. The two guard what is hidden: there
///   is no default for either;
/// - entity: what it does to its entity ([`Touches`]);
/// - board: the function of `Board` that folds it;
/// - listed: whether lists call it by its family's word or by the action that was asked for ([`Listed`]);
/// - about: what lists say it was about, a function of `about`.
macro_rules! bodies {
    ($to:ident) => {
        $to! {
            Map "map" {
                /// A workspace was born before there were formats, with its first map.
                WorkspaceCreated(Box<NewWorkspace>) = "deeds.workspace.created"
                    => People no_values, Nothing begin, Family workspace;
                /// A workspace was born, with its first map and the format of its deeds.
                WorkspaceFounded(Box<NewWorkspace>) = "deeds.workspace.founded"
                    => People no_values, Nothing begin, Family workspace;
                /// A map was put in force.
                MapApplied(Box<NewMap>) = "deeds.map.applied"
                    => People no_values, Nothing apply_map, Family map;
                /// A person went through the map in force and stands by it.
                MapReviewed(()) = "deeds.map.reviewed"
                    => People no_values, Nothing mark_reviewed, Family map_review;
                /// The map in force was not gone through in time.
                MapOverdue(()) = "deeds.map.overdue"
                    => People no_values, Nothing mark_overdue, Family map_review;
                /// A map was not put in force.
                MapRefused(()) = "deeds.map.refused" => People no_values, Nothing ignore, Family fields;
                /// An agent's zone grew.
                ScopeExpanded(ScopeChange) = "deeds.scope.expanded"
                    => People no_values, Nothing expand_zone, Family more;
                /// An expansion was taken back.
                ScopeRevoked(ScopeChange) = "deeds.scope.revoked"
                    => People no_values, Nothing revoke_zone, Family less;
                /// A part of a zone went to another agent.
                ScopeTransferred(ScopeTransfer) = "deeds.scope.transferred"
                    => People no_values, Nothing move_zone, Family transfer;
            }
            Write "write" {
                /// Fields were changed.
                WriteCommitted(()) = "deeds.write.committed"
                    => Readers no_values, Fields hold_fields, Action fields;
                /// A change waits for its owners.
                WriteProposed(()) = "deeds.write.proposed" => Readers no_values, Tried ignore, Action fields;
                /// A change waits for a person.
                WriteEscalated(()) = "deeds.write.escalated"
                    => Readers no_values, Tried ignore, Action fields;
                /// A change was not made.
                WriteRefused(()) = "deeds.write.refused"
                    => Readers no_values, Tried try_in_vain, Action fields;
            }
            Entity "entity" {
                /// An entity came into being.
                EntityCreated(()) = "deeds.entity.created" => Readers no_values, Fields ignore, Action fields;
                /// An entity was put away; its tombstone has the entity's version.
                EntityArchived(()) = "deeds.entity.archived"
                    => Readers no_values, Archived ignore, Action fields;
                /// An entity was deleted; its tombstone has the entity's version.
                EntityDeleted(()) = "deeds.entity.deleted"
                    => Readers no_values, Deleted ignore, Action fields;
            }
            Act "act" {
                /// A side effect outside may go ahead.
                ActAllowed(ActOrder) = "deeds.act.allowed" => Readers called, Tried open_act, Family act;
                /// A side effect outside was stopped.
                ActRefused(ActOrder) = "deeds.act.refused" => Readers no_values, Tried ignore, Family act;
                /// A side effect outside must wait.
                ActDeferred(ActOrder) = "deeds.act.deferred"
                    => Readers waits, Tried let_act_wait, Family act;
                /// A side effect was done.
                ActDone(()) = "deeds.act.done" => Readers no_values, Tried end_act, Action fields;
                /// A side effect failed.
                ActFailed(()) = "deeds.act.failed" => Readers no_values, Tried end_act, Action fields;
                /// The approved call of a tool is being forwarded.
                ActBegun(Box<CallBegun>) = "deeds.act.begun" => Readers no_values, Tried begin_act, Action fields;
                /// The forwarding of an approved call never began: it may be forwarded still.
                ActFreed(()) = "deeds.act.freed" => Readers no_values, Tried free_act, Action fields;
                /// The forwarding of a call began, and nobody knows how it ended.
                ActUnknown(()) = "deeds.act.unknown" => Readers no_values, Tried lose_act, Action fields;
                /// An act that waited may be asked for again; the number is the deed that deferred it.
                ActWoken(Seq) = "deeds.act.woken" => Named no_values, Nothing wake_act, Action waited;
            }
            Call "call" {
                /// A call that changes nothing of the map's may be forwarded.
                CallAllowed(Box<CallMark>) = "deeds.call.allowed"
                    => Author no_values, Nothing ignore, Family called;
                /// A call waits for a person, or for the owner of what it is about.
                CallEscalated(Box<CallMark>) = "deeds.call.escalated"
                    => Author no_values, Nothing ignore, Family called;
                /// A call is not forwarded, or not once more.
                CallRefused(Box<CallMark>) = "deeds.call.refused"
                    => Author no_values, Nothing ignore, Family called;
                /// An allowed call was forwarded, and how it ended.
                CallEnded(Box<EndedCall>) = "deeds.call.ended"
                    => Readers no_values, Tried end_call, Family ended_call;
                /// A call that needed no leave was forwarded, and how it ended.
                CallMade(Box<MadeCall>) = "deeds.call.made"
                    => Author no_values, Nothing see_there, Family made_call;
                /// What a server behind a gateway offers has changed.
                ToolsOffered(Box<ToolsSeen>) = "deeds.tools.offered"
                    => Author no_values, Nothing offer_tools, Family offered;
            }
            Work "work" {
                /// Something came into an agent's work stream.
                WorkQueued(Box<Work>) = "deeds.work.queued" => One work, Nothing queue_work, Family work;
                /// A proposal was accepted by its owner.
                WorkAccepted(()) = "deeds.work.accepted" => Named no_values, Nothing end_work, Action fields;
                /// A proposal was declined by its owner.
                WorkDeclined(()) = "deeds.work.declined" => Named no_values, Nothing end_work, Action fields;
                /// A work item was done with, and what came of it.
                WorkCompleted(Option<Value>) = "deeds.work.completed"
                    => Named its_subject, Nothing end_work, Action fields;
                /// A work item was taken back before it was used.
                WorkWithdrawn(()) = "deeds.work.withdrawn"
                    => Named no_values, Nothing end_work, Action fields;
                /// Work was taken; nobody else sees it until the time is over.
                WorkTaken(Box<Taken>) = "deeds.work.taken"
                    => Named no_values, Nothing take_work, Family work_nos;
                /// An attempt failed; the work waits again.
                WorkFailed(()) = "deeds.work.failed" => Named no_values, Nothing end_attempt, Family work_nos;
                /// Work was given back; it waits again.
                WorkReturned(()) = "deeds.work.returned"
                    => Named no_values, Nothing end_attempt, Family work_nos;
                /// The time of a taker is over; the work waits again.
                WorkLapsed(()) = "deeds.work.lapsed" => Named no_values, Nothing end_attempt, Family work_nos;
                /// Work is out of attempts: a person decides, or it ended as failed.
                WorkExhausted(()) = "deeds.work.exhausted"
                    => Named no_values, Nothing end_work, Family work_nos;
                /// Work waits for long; the reason says whether its agent is alive.
                WorkUnheeded(()) = "deeds.work.unheeded"
                    => People no_values, Nothing leave_work_alone, Family work_nos;
                /// Something asked of a work item was not done.
                WorkRefused(()) = "deeds.work.refused" => Author no_values, Nothing ignore, Action fields;
            }
            Event "event" {
                /// An event was raised and went to its owner.
                EventRaised(Box<RaisedEvent>) = "deeds.event.raised"
                    => Named event, Nothing wake, Family event;
                /// An event waits for a person: nobody owns it, or more than one.
                EventEscalated(Box<RaisedEvent>) = "deeds.event.escalated"
                    => Named event, Nothing schedule_next, Family event;
                /// An event was not taken in.
                EventRefused(Box<RaisedEvent>) = "deeds.event.refused"
                    => Author event, Nothing schedule_next, Family event;
            }
            Claim "claim" {
                /// An event is the claimant's to handle.
                ClaimGranted(Box<ClaimMark>) = "deeds.claim.granted"
                    => Named no_values, Nothing grant_claim, Family claim;
                /// An event is not the claimant's to handle.
                ClaimRefused(Box<ClaimMark>) = "deeds.claim.refused"
                    => Author no_values, Nothing await_claim, Family claim;
            }
            Handoff "handoff" {
                /// A task was offered to another agent.
                HandoffOffered(Box<HandoffOrder>) = "deeds.handoff.offered"
                    => Named handed, Nothing offer_task, Family offer;
                /// A task has a new owner.
                HandoffAccepted(TaskId) = "deeds.handoff.accepted"
                    => Named no_values, Nothing accept_task, Family task_id;
                /// A task went back to its giver; its history has the feedback.
                HandoffReturned(Box<Task>) = "deeds.handoff.returned"
                    => Named task, Nothing change_task, Family task;
                /// A task is done.
                HandoffCompleted(Box<TaskResult>) = "deeds.handoff.completed"
                    => Named its_subject, Nothing complete_task, Family result;
                /// A task is with a person: it is out of attempts, or does not converge.
                HandoffEscalated(Box<Task>) = "deeds.handoff.escalated"
                    => Named task, Nothing change_task, Family task;
                /// Something asked of a task was not done.
                HandoffRefused(()) = "deeds.handoff.refused"
                    => Author no_values, Nothing ignore, Family fields;
                /// A person's answer ended a task.
                TaskClosed(TaskId) = "deeds.task.closed"
                    => Named no_values, Nothing close_task, Family task_id;
                /// A task was out of attempts, and ended with that.
                TaskAborted(Box<Task>) = "deeds.task.aborted"
                    => Named task, Nothing abort_task, Family task;
                /// A person's answer offered a task again.
                TaskSentOn(Box<Task>) = "deeds.task.sent-on"
                    => Named task, Nothing change_task, Family task;
            }
            FanOut "fan-out" {
                /// Independent pieces of work were started.
                FanOutOpened(Box<FanOutState>) = "deeds.fan-out.opened"
                    => Named its_subject, Nothing open_fan_out, Family fan_out;
                /// A piece of a fan-out ended.
                BranchEnded(Box<BranchResult>) = "deeds.branch.ended"
                    => Named its_subject, Nothing end_branch, Family branch;
                /// A fan-out is over: its starter is told every branch's result or failure.
                FanOutJoined(FanOutNo) = "deeds.fan-out.joined"
                    => Named no_values, Nothing join_fan_out, Family joined;
                /// A fan-out was not started.
                FanOutRefused(()) = "deeds.fan-out.refused"
                    => Author no_values, Nothing ignore, Family fields;
            }
            Lease "lease" {
                /// A lease was granted.
                LeaseGranted(Box<Lease>) = "deeds.lease.granted"
                    => Named no_values, Nothing grant_lease, Family lease;
                /// A lease runs longer.
                LeaseRenewed(Time) = "deeds.lease.renewed"
                    => Named no_values, Nothing renew_lease, Family lease_no;
                /// A lease was given back.
                LeaseReleased(()) = "deeds.lease.released"
                    => Named no_values, Nothing end_lease, Family lease_no;
                /// A lease went to another agent under a new token.
                LeaseTransferred(Box<Lease>) = "deeds.lease.transferred"
                    => Named no_values, Nothing grant_lease, Family lease;
                /// A lease ended by time.
                LeaseLapsed(()) = "deeds.lease.lapsed" => Named no_values, Nothing end_lease, Family lease_no;
                /// A person ended a lease.
                LeaseRevoked(()) = "deeds.lease.revoked"
                    => Named no_values, Version end_lease, Family lease_no;
                /// Something asked of a lease was not done.
                LeaseRefused(()) = "deeds.lease.refused" => Author no_values, Nothing ignore, Family lease_no;
            }
            Output "publish" {
                /// Something was published.
                OutputPublished(Box<Publication>) = "deeds.output.published"
                    => Readers its_subject, Tried publish_last, Family publication;
                /// A publication waits for a person.
                OutputHeld(Box<Publication>) = "deeds.output.held"
                    => Author its_subject, Tried end_waiting, Family publication;
                /// A publication waits for its agent's turn.
                OutputDeferred(Box<Publication>) = "deeds.output.deferred"
                    => Author its_subject, Tried let_wait, Family publication;
                /// Something was not published.
                OutputRefused(Box<Publication>) = "deeds.output.refused"
                    => Author its_subject, Tried end_waiting, Family publication;
            }
            Conclusion "conclude" {
                /// An agent found something out.
                ConclusionDrawn(Box<Conclusion>) = "deeds.conclusion.drawn"
                    => Readers its_subject, Tried conclude, Family conclusion;
                /// A conclusion was not taken in.
                ConclusionRefused(()) = "deeds.conclusion.refused"
                    => Author no_values, Nothing ignore, Family fields;
            }
            Item "item" {
                /// A decision is owed by a named person.
                ItemOpened(Box<Item>) = "deeds.item.opened" => People item, Nothing open_item, Family item;
                /// More of the same reached an item.
                ItemJoined(()) = "deeds.item.joined" => People no_values, Nothing join_item, Family item_no;
                /// A reviewer took an item.
                ItemClaimed(()) = "deeds.item.claimed"
                    => People no_values, Nothing claim_item, Action item_no;
                /// A reviewer gave an item back.
                ItemReleased(()) = "deeds.item.released"
                    => People no_values, Nothing release_item, Action item_no;
                /// An item went to another named reviewer.
                ItemReassigned(PersonId) = "deeds.item.reassigned"
                    => People no_values, Nothing reassign_item, Action item_no;
                /// A reviewer knowingly left an item for later.
                ItemLeft(()) = "deeds.item.left" => People no_values, Nothing leave_item, Action item_no;
                /// A person answered.
                ItemAnswered(Box<ItemClosed>) = "deeds.item.answered"
                    => People answer, Nothing close_items, Action item_no;
                /// An answer was taken back.
                ItemUndone(()) = "deeds.item.undone"
                    => People no_values, Nothing reopen_items, Action item_no;
                /// What an item shows has changed since it was opened.
                ItemRevised(Box<Case>) = "deeds.item.revised"
                    => People case, Nothing revise_item, Family item_no;
                /// Something asked of an item was not done.
                ItemRefused(()) = "deeds.item.refused" => People no_values, Nothing ignore, Action item_no;
                /// Three quarters of an item's time are gone.
                ItemWarned(()) = "deeds.item.warned"
                    => People no_values, Nothing warn_of_item, Family item_no;
                /// An item is past its deadline.
                ItemOverdue(()) = "deeds.item.overdue"
                    => People no_values, Nothing pass_deadline, Family item_no;
            }
            Review "review" {
                /// A session over a queue began.
                ReviewStarted(QueueName) = "deeds.review.started"
                    => People no_values, Nothing start_review, Family review;
                /// A session over a queue ended.
                ReviewEnded(Box<ReviewEnd>) = "deeds.review.ended"
                    => People no_values, Nothing end_review, Family review_end;
                /// A scheduled review has begun: what waits now is to be gone through.
                ReviewScheduled(Box<ReviewPlan>) = "deeds.review.scheduled"
                    => People no_values, Nothing begin_round, Family review_plan;
                /// A scheduled review is late.
                ReviewDelayed(QueueName) = "deeds.review.delayed"
                    => People no_values, Nothing delay_round, Family review_late;
                /// Everything that waited when a scheduled review began has been gone through.
                ReviewHeld(Box<ReviewHeld>) = "deeds.review.held"
                    => People no_values, Nothing hold_round, Family review_held;
                /// A scheduled review was not held in time.
                ReviewMissed(Box<ReviewMiss>) = "deeds.review.missed"
                    => People no_values, Nothing miss_review, Family review_miss;
                /// Something asked of a review was not done.
                ReviewRefused(()) = "deeds.review.refused" => People no_values, Nothing ignore, Family fields;
            }
            Absence "away" {
                /// A person is away; deputies answer at once meanwhile.
                AbsenceBegun(PersonId) = "deeds.absence.begun"
                    => People no_values, Nothing leave, Action person;
                /// A person is back.
                AbsenceEnded(PersonId) = "deeds.absence.ended"
                    => People no_values, Nothing come_back, Action person;
                /// Somebody's absence was not taken down.
                AbsenceRefused(()) = "deeds.absence.refused"
                    => People no_values, Nothing ignore, Action fields;
            }
            Rule "rule" {
                /// An answer became a rule for inputs to come.
                RuleAdded(Box<ScopeRule>) = "deeds.rule.added"
                    => People no_values, Nothing add_rule, Action rule;
                /// A rule was taken back.
                RuleRemoved(u64) = "deeds.rule.removed"
                    => People no_values, Nothing remove_rule, Action rule_no;
            }
            Alert "alert" {
                /// A conflict was detected.
                AlertOpened(Box<Alert>) = "deeds.alert.opened"
                    => People alert, Nothing open_alert, Family alert;
                /// The same conflict happened again.
                AlertCounted(Box<AlertSide>) = "deeds.alert.counted"
                    => People alert_side, Nothing count_alert, Family alert_no;
                /// A person has seen an alert.
                AlertAcknowledged(()) = "deeds.alert.acknowledged"
                    => People no_values, Nothing acknowledge_alert, Action alert_no;
                /// A person resolved an alert.
                AlertResolved(()) = "deeds.alert.resolved"
                    => People no_values, Nothing resolve_alert, Action alert_no;
                /// A resolved alert is open again.
                AlertReopened(Box<Alert>) = "deeds.alert.reopened"
                    => People alert, Nothing reopen_alert, Family alert;
                /// Something asked of an alert was not done.
                AlertRefused(()) = "deeds.alert.refused" => People no_values, Nothing ignore, Action alert_no;
            }
            Token "token" {
                /// A token came into being; only its hash is kept.
                TokenCreated(Box<Token>) = "deeds.token.created"
                    => People no_values, Nothing seat, Action token;
                /// A person was asked to make a token of their own.
                TokenInvited(Box<Invitation>) = "deeds.token.invited"
                    => People no_values, Nothing ignore, Action invitation;
                /// A token ended, or an invitation.
                TokenRevoked(TokenId) = "deeds.token.revoked"
                    => People no_values, Nothing unseat, Action token_id;
                /// Something asked of a token was not done.
                TokenRefused(()) = "deeds.token.refused" => People no_values, Nothing ignore, Action fields;
                /// Requests were turned away at the door; the first of them has a deed of its own.
                DoorRefused(Box<TurnedAway>) = "deeds.door.refused"
                    => People no_values, Nothing turn_away, Action turned_away;
                /// The machine's clock is not believed: time goes on from when it was.
                ClockDoubted(ClockSight) = "deeds.clock.doubted"
                    => People no_values, Nothing doubt_clock, Action clock;
                /// The machine's clock is believed again.
                ClockBelieved(ClockSight) = "deeds.clock.believed"
                    => People no_values, Nothing believe_clock, Action clock;
                /// What was recorded under a wrong clock has moved, and time goes on from the right one.
                ClockRebased(Box<Rebased>) = "deeds.clock.rebased"
                    => People no_values, Nothing rebase, Action rebased;
                /// Nothing was moved.
                ClockRefused(()) = "deeds.clock.refused" => People no_values, Nothing ignore, Action fields;
            }
            Key "key" {
                /// A key is a person's from now on: what they sign with it counts.
                KeyAdded(Box<PersonKey>) = "deeds.key.added"
                    => People no_values, Nothing add_key, Action person_key;
                /// A person names a key, which counts once another admin has confirmed it.
                KeyOffered(Box<PersonKey>) = "deeds.key.offered"
                    => People no_values, Nothing offer_key, Action person_key;
                /// A key counts no more.
                KeyRevoked(Box<PersonKey>) = "deeds.key.revoked"
                    => People no_values, Nothing revoke_key, Action person_key;
                /// Something asked of a key was not done.
                KeyRefused(()) = "deeds.key.refused" => People no_values, Nothing ignore, Action fields;
            }
            Loss "loss" {
                /// The ledger lost deeds, and goes on without them.
                LossAccepted(Box<Loss>) = "deeds.loss.accepted"
                    => People no_values, Nothing ignore, Action loss;
                /// A loss was not accepted.
                LossRefused(()) = "deeds.loss.refused" => People no_values, Nothing ignore, Action fields;
            }
            Guard "guard" {
                /// A guard saw an agent do what is not its own to do, and let it be.
                GuardSaw(Box<GuardReport>) = "deeds.guard.seen"
                    => People no_values, Nothing ignore, Family guarded;
                /// A guard stopped an agent from what is not its own to do.
                GuardStopped(Box<GuardReport>) = "deeds.guard.stopped"
                    => People no_values, Nothing ignore, Family guarded;
                /// What a guard told was not taken down.
                GuardRefused(()) = "deeds.guard.refused" => People no_values, Nothing ignore, Family fields;
            }
            Override "override" {
                /// A person stopped an agent.
                AgentPaused(AgentId) = "deeds.agent.paused"
                    => One no_values, Nothing pause_agent, Action agent;
                /// A person let an agent go on.
                AgentResumed(AgentId) = "deeds.agent.resumed"
                    => One no_values, Nothing resume_agent, Action agent;
                /// An agent may keep more than the settings say, or no more than that again.
                AgentAllowed(Box<Allowed>) = "deeds.agent.allowed"
                    => People no_values, Nothing allow_agent, Action allowed;
                /// A person stopped every agent.
                WorkspacePaused(Box<InFlight>) = "deeds.workspace.paused"
                    => People no_values, Nothing pause_all, Action fields;
                /// Every agent goes on.
                WorkspaceResumed(()) = "deeds.workspace.resumed"
                    => People no_values, Nothing resume_all, Action fields;
                /// A person froze an entity.
                EntityFrozen(()) = "deeds.entity.frozen" => Readers no_values, Version freeze, Action fields;
                /// A person unfroze an entity.
                EntityUnfrozen(()) = "deeds.entity.unfrozen"
                    => Readers no_values, Version unfreeze, Action fields;
                /// A field that a person held is its owners' again.
                FieldReleased(()) = "deeds.field.released"
                    => Readers no_values, Tried release_fields, Action fields;
                /// An override was not done.
                OverrideRefused(()) = "deeds.override.refused"
                    => People no_values, Nothing ignore, Action fields;
            }
            Format "format" {
                /// The deeds from here on are of a newer format.
                FormatRaised(Box<NewFormat>) = "deeds.format.raised"
                    => People no_values, Nothing raise_format, Action format;
            }
            Batch "together" {
                /// Several commands went through together.
                BatchCommitted(()) = "deeds.batch.committed"
                    => Author no_values, Nothing ignore, Action fields;
                /// Several commands did not go through, none of them.
                BatchRefused(Box<BatchFailure>) = "deeds.batch.refused"
                    => Author no_values, Nothing ignore, Action fields;
            }
        }
    };
}
pub(in crate::domain) use bodies;

/// What a deed does to the entity that is its subject. Only a change of fields makes an entity known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Touches {
    /// Nothing.
    Nothing,
    /// Somebody tried, or did something about it: it is remembered as the last that happened.
    Tried,
    /// A person stepped in: what was read of it before is no longer current.
    Version,
    /// Its fields change.
    Fields,
    /// It is put away.
    Archived,
    /// It is deleted.
    Deleted,
}

/// What lists call a deed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listed {
    /// By its family's word.
    Family,
    /// By the action that was asked for.
    Action,
}

/// A row of the table, as far as it does not depend on the payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeedRow {
    /// The stored name: the CloudEvents type, `deeds.<noun>.<past participle>`.
    pub name: &'static str,
    /// What happened, in a sentence.
    pub sentence: &'static str,
    /// Which others belong to it.
    pub family: Family,
    /// Which agents may see it.
    pub audience: Audience,
    /// What it does to its entity.
    pub touches: Touches,
    /// What lists call it.
    pub listed: Listed,
}

macro_rules! declare {
    ($($family:ident $word:literal { $(
        #[doc = $sentence:literal]
        $kind:ident($payload:ty) = $name:literal
            => $audience:ident $carried:ident, $touches:ident $_board:ident, $listed:ident $about:ident;
    )* })*) => {
        /// The closed set of deed types; each carries what only it needs.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Body {
            $($(#[doc = $sentence] $kind($payload),)*)*
        }

        /// The families of deed types.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Family {
            $(#[doc = concat!("Listed as `", $word, "`.")] $family,)*
        }

        impl Family {
            /// The word for its deeds in lists.
            pub const fn word(self) -> &'static str {
                match self { $(Self::$family => $word,)* }
            }
        }

        impl Body {
            /// Every type name, in the order of the table.
            pub const TYPES: &'static [&'static str] = &[$($($name),*),*];

            /// Its row.
            pub const fn row(&self) -> &'static DeedRow {
                match self {
                    $($(Self::$kind(_) => const { &DeedRow {
                        name: $name,
                        sentence: $sentence.trim_ascii(),
                        family: Family::$family,
                        audience: Audience::$audience,
                        touches: Touches::$touches,
                        listed: Listed::$listed,
                    } },)*)*
                }
            }

            pub(in crate::domain) fn detail(&self) -> serde_json::Result<Option<Box<RawValue>>> {
                match self { $($(Self::$kind(payload) => wire::to_raw(payload),)*)* }
            }

            pub(super) fn from_detail(name: &str, detail: Option<&RawValue>) -> Result<Self, DeedError> {
                let json = detail.map_or("null", RawValue::get);
                match name {
                    $($($name => Ok(Self::$kind(serde_json::from_str(json)?)),)*)*
                    other => Err(DeedError::UnknownType(other.to_owned())),
                }
            }
        }

        impl Deed {
            /// The paths whose values the payload carries, beside the deed's own `fields`.
            pub(super) fn carried(&self) -> Vec<carried::Carried> {
                match &self.body { $($(Body::$kind(payload) => carried::$carried(self, payload),)*)* }
            }

            /// What it was about, for lists, in two parts: the second is what counts.
            pub fn about(&self) -> (String, String) {
                match &self.body { $($(Body::$kind(payload) => about::$about(self, payload),)*)* }
            }
        }
    };
}
bodies!(declare);
