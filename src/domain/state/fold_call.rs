//! Folding calls of tools: where each stands, what agents have read by way of servers, what servers offer. No rules here.

use std::sync::Arc;

use super::{Board, Thing, Timer};
use crate::domain::deed::{Body, Deed};
use crate::domain::ids::{ActNo, AgentId, ItemNo, WorkNo};
use crate::domain::key::key;
use crate::domain::path::EntityPath;
use crate::domain::things::{
    Call, CallBegun, CallHow, CallStage, CallState, EndedCall, Item, ItemAnswer, MadeCall, OpenAct, OpenCall,
    SeenThere, ToolsSeen, Work, WorkKind,
};
use crate::domain::time::Time;

/// Most servers whose tools are known.
pub const OFFERING: usize = 256;
/// How many of the latest calls that needed no leave are known.
pub const MADE: usize = 1_000;

/// Under which the board knows what an agent has read.
pub fn seen_key(agent: &AgentId, server: &str, entity: &EntityPath) -> Arc<str> {
    key(&[agent.as_str(), server, entity.as_str()])
}

impl Board {
    /// Where the call with that key stands.
    pub fn call(&self, key: &str) -> Option<&Arc<CallState>> {
        self.calls.get(key)
    }

    /// The act of the call with that key, while it is open.
    pub fn open_call(&self, key: &str) -> Option<&Arc<OpenAct>> {
        self.acts.get(self.called.get(key)?)
    }

    /// Every call that is known, in no order.
    pub fn calls_known(&self) -> impl Iterator<Item = &Arc<CallState>> {
        self.calls.iter().map(|(_, call)| call).chain(self.made.iter())
    }

    fn stands(
        &mut self,
        deed: &Deed,
        call: &Call,
        entity: Option<&EntityPath>,
        change: impl FnOnce(&mut CallState),
    ) {
        let key = call.key();
        let mut state = CallState {
            agent: call.agent.clone(),
            mark: call.mark.clone(),
            does: call.does,
            entity: entity.cloned(),
            stage: CallStage::Pending,
            deed: deed.seq,
            at: deed.recorded,
            item: None,
            work: None,
            act: None,
            by: None,
            note: None,
            ms: None,
            until: None,
        };
        change(&mut state);
        self.calls.set(key, deed.seq, Arc::new(state));
    }

    /// A call waits in an item. One of which nobody knows how it ended stands there by its own deed.
    pub(super) fn call_waits_in(&mut self, deed: &Deed, item: &Item) {
        let Some(call) = item.case.call() else { return };
        if matches!(item.case, crate::domain::things::Case::UnknownOutcome { .. }) {
            return;
        }
        self.stands(deed, call, item.subject.as_ref(), |state| state.item = Some(item.no));
    }

    /// A call waits as a proposal.
    pub(super) fn call_is_proposed(&mut self, deed: &Deed, work: &Work) {
        let WorkKind::Proposal { write, .. } = &work.kind else { return };
        let Some(call) = &write.call else { return };
        self.stands(deed, call, Some(&write.entity), |state| state.work = Some(work.no));
    }

    /// The item in which a call waits was answered: what was not let go ahead must not be done.
    pub(super) fn call_is_answered(&mut self, deed: &Deed, item: &Item, answer: &ItemAnswer) {
        let Some(call) = item.case.call() else { return };
        let key = call.key();
        let Some(known) = self.calls.get(&key).cloned() else { return };
        let pending = known.stage == CallStage::Pending && known.item == Some(item.no);
        let no = match answer {
            ItemAnswer::Reject { .. } | ItemAnswer::Handle { .. } | ItemAnswer::OutOfScope { .. } => true,
            ItemAnswer::Expand { .. }
            | ItemAnswer::Transfer { .. }
            | ItemAnswer::Ruling { .. }
            | ItemAnswer::SendOn { .. }
            | ItemAnswer::Approve { .. }
            | ItemAnswer::ApproveEdited { .. } => false,
        };
        if pending && !no {
            // It was decided anew, and waits for nobody: the next time it is asked it is decided like any other.
            self.calls.remove(&key);
            return;
        }
        let changed = CallState {
            stage: if pending { CallStage::Rejected } else { known.stage },
            item: Some(item.no),
            by: Some(deed.actor.clone()),
            note: answer.note().cloned().or_else(|| known.note.clone()),
            deed: deed.seq,
            at: deed.recorded,
            ..CallState::clone(&known)
        };
        self.calls.set(key, deed.seq, Arc::new(changed));
    }

    /// A proposal has ended: accepted its call is approved by now, declined it must not be done, withdrawn nobody asks.
    pub(super) fn proposed_call_ends(&mut self, deed: &Deed, no: WorkNo) {
        let Some(work) = self.works.get(&no).cloned() else { return };
        let WorkKind::Proposal { write, .. } = &work.kind else { return };
        let Some(key) = write.call.as_ref().map(|call| call.key()) else { return };
        let Some(known) = self.calls.get(&key).cloned() else { return };
        let waits = known.stage == CallStage::Pending && known.work == Some(no);
        let stage = match (&deed.body, waits) {
            (Body::WorkDeclined(()), true) => CallStage::Rejected,
            (Body::WorkAccepted(()), _) => known.stage,
            (_, true) => {
                self.calls.remove(&key);
                return;
            }
            (_, false) => return,
        };
        let changed = CallState {
            stage,
            by: Some(deed.actor.clone()),
            note: deed.reason.clone(),
            deed: deed.seq,
            at: deed.recorded,
            ..CallState::clone(&known)
        };
        self.calls.set(key, deed.seq, Arc::new(changed));
    }

    /// The act of a call was opened, or goes on.
    pub(super) fn call_goes_on(&mut self, deed: &Deed, act: &OpenAct, open: &OpenCall) {
        let key = open.call.key();
        self.called.insert(Arc::clone(&key), act.no);
        let (item, work, by) =
            self.calls.get(&key).map(|known| (known.item, known.work, known.by.clone())).unwrap_or_default();
        self.stands(deed, &open.call, Some(&act.subject), |state| {
            state.stage = match (&open.item, &open.begun) {
                (Some(_), _) => CallStage::Unknown,
                (None, Some(_)) => CallStage::Begun,
                (None, None) => CallStage::Approved,
            };
            (state.item, state.work, state.by) = (open.item.or(item), work, by);
            state.act = Some(act.no);
            state.until = open.until;
            if let Body::ActUnknown(()) = deed.body {
                state.note.clone_from(&deed.reason);
            }
        });
    }

    pub(super) fn begin_act(&mut self, deed: &Deed, begun: &CallBegun) {
        self.retime(deed, |open| {
            open.begun = Some(begun.clone());
            Some(begun.until)
        });
    }

    pub(super) fn free_act<P>(&mut self, deed: &Deed, _: &P) {
        self.retime(deed, |open| {
            open.begun = None;
            open.approved.as_ref().map(|approved| approved.until)
        });
    }

    pub(super) fn lose_act<P>(&mut self, deed: &Deed, _: &P) {
        let item: Option<ItemNo> = deed.refs.item;
        self.retime(deed, |open| {
            open.item = item;
            None
        });
    }

    /// The call of an act goes on, and has another end than before.
    fn retime(&mut self, deed: &Deed, change: impl FnOnce(&mut OpenCall) -> Option<Time>) {
        let Some(no) = deed.refs.act else { return };
        let Some(mut act) = self.acts.get(&no).cloned() else { return };
        let changed = Arc::make_mut(&mut act);
        let Some(open) = changed.call.as_deref_mut() else { return };
        let until = change(open);
        open.until = until;
        if let Some(before) = std::mem::replace(&mut changed.until, until) {
            self.timers.remove(&(before, Timer::Act(no)));
        }
        if let Some(until) = until {
            self.timers.insert((until, Timer::Act(no)));
        }
        self.set_anew(&Thing::Act(no), deed.recorded);
        self.acts.insert(no, Arc::clone(&act));
        self.tally(Thing::Act(no));
        if let Some(open) = &act.call {
            self.call_goes_on(deed, &act, open);
        }
    }

    /// The call of an act that has ended otherwise than by being forwarded.
    pub(super) fn call_lapses(&mut self, deed: &Deed, no: ActNo) {
        let Some(act) = self.acts.get(&no).cloned() else { return };
        let Some(open) = &act.call else { return };
        self.call_is_over(deed, &act, open, CallStage::Expired, None);
    }

    pub(super) fn end_call(&mut self, deed: &Deed, end: &EndedCall) {
        let Some(no) = deed.refs.act else { return };
        if let Some(act) = self.acts.get(&no).cloned()
            && let Some(open) = &act.call
        {
            let stage = if end.how == CallHow::Done { CallStage::Done } else { CallStage::Failed };
            self.call_is_over(deed, &act, open, stage, Some(end));
        }
        self.drop_act(no);
    }

    fn call_is_over(
        &mut self,
        deed: &Deed,
        act: &OpenAct,
        open: &OpenCall,
        stage: CallStage,
        end: Option<&EndedCall>,
    ) {
        let key = open.call.key();
        self.called.remove(&key);
        let known = self.calls.get(&key).cloned();
        let sent = end.is_some_and(|end| end.how != CallHow::Unsent);
        self.stands(deed, &open.call, Some(&act.subject), |state| {
            if let Some(known) = &known {
                (state.item, state.work, state.by) = (known.item, known.work, known.by.clone());
            }
            state.stage = stage;
            state.act = Some(act.no);
            state.note.clone_from(&deed.reason);
            state.ms = end.and_then(|end| end.ms);
            state.until = open.approved.as_ref().filter(|_| sent).map(|approved| approved.until);
        });
    }

    pub(super) fn see_there(&mut self, deed: &Deed, made: &MadeCall) {
        let Some(agent) = deed.actor.agent() else { return };
        let mark = &made.end.mark;
        if let (Some(head), Some(entity)) = (made.head, &deed.subject) {
            let seen = SeenThere { head, tool: Arc::clone(&mark.tool), answer: made.end.answer.clone() };
            self.seen_there.set(seen_key(agent, &mark.server, entity), deed.seq, seen);
        }
        self.made.push_back(Arc::new(CallState {
            agent: agent.clone(),
            mark: mark.clone(),
            does: made.does,
            entity: deed.subject.clone(),
            stage: if made.end.how == CallHow::Done { CallStage::Done } else { CallStage::Failed },
            deed: deed.seq,
            at: deed.recorded,
            item: None,
            work: None,
            act: None,
            by: None,
            note: None,
            ms: made.end.ms,
            until: None,
        }));
    }

    pub(super) fn offer_tools(&mut self, _: &Deed, seen: &ToolsSeen) {
        self.offered.insert(Arc::clone(&seen.server), Arc::new(seen.clone()));
    }
}
