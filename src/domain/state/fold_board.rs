//! Folding a deed into the board: a small method for each change, named in the row of the deed type. No rules here.

use std::sync::Arc;

use super::fold_history::{count_own, happened};
use super::{Board, MapStep, Stop, Thing, Timer, recorded};
use crate::domain::deed::table::bodies;
use crate::domain::deed::{
    Body, Deed, ItemClosed, NewFormat, NewMap, NewWorkspace, ScopeChange, ScopeTransfer, Touches,
};
use crate::domain::ids::{Actor, AgentId, ItemNo, MapVersion, Seq};
use crate::domain::map::{Map, Model, edit, merge};
use crate::domain::path::{EntityPath, FieldName, FieldPath};
use crate::domain::things::{
    AGAIN, ActOrder, Alert, AlertSide, AlertState, Allowed, Case, ClosedItem, Door, Effects, HeldField,
    IN_VAIN, IN_VAIN_ALIKE, Item, ItemAnswer, Likely, OpenAct, OpenReview, PastAnswers, SIDES, ScopeRule,
    TurnedAway, in_vain_key, suppressed_of,
};

macro_rules! fold {
    ($($family:ident $_word:literal { $(
        #[doc = $_sentence:literal]
        $kind:ident($_payload:ty) = $_name:literal
            => $_audience:ident $_carried:ident, $_touches:ident $board:ident, $_listed:ident $_about:ident;
    )* })*) => {
        impl Board {
            /// Takes in the next deed.
            pub fn fold(&mut self, deed: &Deed) {
                let deed = &*recorded::completed(self, deed);
                self.note_asker(deed);
                self.note_signed(deed);
                self.count(deed);
                self.end_rounds(deed);
                self.talks.forget(deed.recorded);
                self.occurrences.forget(deed.recorded);
                self.occurred.forget(deed.recorded);
                self.turns.forget(deed.recorded);
                self.concluded.forget(deed.recorded);
                self.ended_names.forget(deed.recorded);
                match &deed.body { $($(Body::$kind(payload) => Self::$board(self, deed, payload),)*)* }
                self.count_suppressed(deed);
                self.stand_still();
            }
        }
    };
}
bodies!(fold);

impl Board {
    /// What many types do to the board: nothing but to be counted.
    fn ignore<P>(_: &mut Self, _: &Deed, _: &P) {}

    /// Something of an entity has changed: whoever woke each other about it begins anew.
    fn end_rounds(&mut self, deed: &Deed) {
        let Some(subject) = deed.subject.as_ref().filter(|_| !self.rounds.is_empty()) else { return };
        let ends = match deed.body.row().touches {
            Touches::Fields => {
                deed.fields.iter().any(|change| change.after.is_some() && change.after != change.before)
            }
            Touches::Archived | Touches::Deleted => true,
            Touches::Nothing | Touches::Tried | Touches::Version => false,
        };
        if ends {
            self.rounds.remove(subject.as_ref());
        }
    }

    fn begin(&mut self, deed: &Deed, born: &NewWorkspace) {
        self.format = born.format;
        self.mark_applied(deed, false);
        self.put_map(deed, born.version, Arc::clone(&born.model), vec!["the first map".to_owned()]);
    }

    fn raise_format(&mut self, deed: &Deed, new: &NewFormat) {
        self.format = new.format;
        self.raised = Some(deed.recorded);
        self.reschedule(&new.timetable);
    }

    fn apply_map(&mut self, deed: &Deed, new: &NewMap) {
        self.mark_applied(deed, new.planned);
        self.put_map(deed, new.version, Arc::clone(&new.model), new.changes.clone());
    }

    fn expand_zone(&mut self, deed: &Deed, change: &ScopeChange) {
        let mut model =
            edit::add_grant(self.map.model(), &change.agent, &change.grant, change.newcomer.as_ref());
        model.governance_owner = change.governs.clone().or(model.governance_owner);
        let words = format!("+ {}.{}", change.agent, change.grant);
        self.put_map(deed, change.version, Arc::new(model), vec![words]);
    }

    fn revoke_zone(&mut self, deed: &Deed, change: &ScopeChange) {
        let gone = change.newcomer.is_some();
        let mut model = edit::remove_grant(self.map.model(), &change.agent, &change.grant, gone);
        if change.lifted {
            model = edit::except_again(&model, &change.agent, &change.grant);
        }
        if change.governs.is_some() {
            model.governance_owner = None;
        }
        let words = format!("- {}.{}", change.agent, change.grant);
        self.put_map(deed, change.version, Arc::new(model), vec![words]);
    }

    fn move_zone(&mut self, deed: &Deed, change: &ScopeTransfer) {
        let model = edit::move_grant(self.map.model(), &change.pattern, &change.from, &change.to);
        let words = format!("{} goes from {} to {}", change.pattern, change.from, change.to);
        self.put_map(deed, change.version, Arc::new(model), vec![words]);
    }

    fn end_act<P>(&mut self, deed: &Deed, _: &P) {
        if let Some(no) = deed.refs.act {
            self.call_lapses(deed, no);
            self.drop_act(no);
        }
    }

    fn join_item<P>(&mut self, deed: &Deed, _: &P) {
        self.change_item(deed, |item| {
            item.joined += 1;
            item.again.push(deed.recorded);
            let more = item.again.len().saturating_sub(AGAIN);
            item.again.drain(..more);
        });
    }

    fn revise_item(&mut self, deed: &Deed, case: &Case) {
        self.revise(deed, |item| item.case = case.clone());
    }

    fn add_rule(&mut self, _: &Deed, rule: &ScopeRule) {
        self.next.rule = self.next.rule.max(rule.no + 1);
        self.rules.push_back(Arc::new(rule.clone()));
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "all that fold a deed are called alike")]
    fn remove_rule(&mut self, _: &Deed, no: &u64) {
        self.rules.retain(|rule| rule.no != *no);
    }

    fn acknowledge_alert<P>(&mut self, deed: &Deed, _: &P) {
        self.change_alert(deed, |alert| {
            alert.state = AlertState::Acknowledged { by: deed.actor.clone(), at: deed.recorded };
        });
    }

    fn pause_agent(&mut self, deed: &Deed, agent: &AgentId) {
        if let Some(until) = deed.refs.until {
            self.timers.insert((until, Timer::Paused(agent.clone())));
        }
        self.agents.entry(agent.clone()).or_default().paused = Some(stop(deed));
    }

    fn resume_agent(&mut self, _: &Deed, agent: &AgentId) {
        let stop = self.agents.entry(agent.clone()).or_default().paused.take();
        if let Some(until) = stop.and_then(|stop| stop.until) {
            self.timers.remove(&(until, Timer::Paused(agent.clone())));
        }
    }

    fn allow_agent(&mut self, _: &Deed, allowed: &Allowed) {
        self.agents.entry(allowed.agent.clone()).or_default().allowance = allowed.allowance;
    }

    fn turn_away(&mut self, _: &Deed, turned: &TurnedAway) {
        if let Some(agent) = turned.who.agent() {
            self.agents.entry(agent.clone()).or_default().turned_away += turned.count;
        }
    }

    /// Alerts that are not shown one by one are counted on the one that tells so of whoever set them off.
    fn count_suppressed(&mut self, deed: &Deed) {
        let Some(more) = deed.decided.as_ref().and_then(|decided| decided.suppressed) else { return };
        let Some(no) = self.fingerprints.get(suppressed_of(deed.actor.agent()).as_str()).copied() else {
            return;
        };
        if let Some(alert) = self.alerts.get_mut(&no) {
            let alert = Arc::make_mut(alert);
            alert.count += more;
            alert.last = deed.recorded;
            self.tally(Thing::Alert(no));
        }
    }

    fn freeze<P>(&mut self, deed: &Deed, _: &P) {
        if let Some(entity) = &deed.subject {
            if let Some(until) = deed.refs.until {
                self.timers.insert((until, Timer::Frozen(entity.clone())));
            }
            self.frozen.insert(entity.clone(), stop(deed));
        }
    }

    /// The presence of `held` alone says that a person's hand is on the fields: what nobody held then is held by nobody.
    fn hold_fields<P>(&mut self, deed: &Deed, _: &P) {
        let Some(entity) = deed.subject.as_ref().filter(|_| deed.refs.held) else { return };
        for change in &deed.fields {
            self.lift_hand(entity, &change.name);
            if let Some(until) = deed.refs.until {
                let path = FieldPath::new(entity.clone(), change.name.clone());
                self.timers.insert((until, Timer::Held(path)));
            }
            let Stop { by, at, reason, until } = stop(deed);
            let field = change.name.clone();
            let held = HeldField { field, by, at, until, reason, deed: deed.seq };
            self.held.entry(entity.clone()).or_default().push(held);
        }
    }

    /// A write from versions that were no longer current, where the deed says that it counts: when the last ones to each of
    /// its fields were.
    fn try_in_vain<P>(&mut self, deed: &Deed, _: &P) {
        let counts = deed.decided.as_ref().is_some_and(|decided| decided.in_vain);
        let (Some(agent), Some(entity), true) = (deed.actor.agent(), &deed.subject, counts) else { return };
        for change in deed.fields.iter().filter(|change| change.is_outdated()) {
            let key = in_vain_key(agent, &FieldPath::new(entity.clone(), change.name.clone()));
            let mut times = self.in_vain.get(&key).cloned().unwrap_or_default();
            times.push_back(deed.recorded);
            if times.len() > IN_VAIN {
                times.pop_front();
            }
            self.in_vain.set(key, deed.seq, times);
        }
    }

    fn release_fields<P>(&mut self, deed: &Deed, _: &P) {
        let Some(entity) = &deed.subject else { return };
        for change in &deed.fields {
            self.lift_hand(entity, &change.name);
        }
    }

    fn lift_hand(&mut self, entity: &EntityPath, name: &FieldName) {
        let Some(fields) = self.held.get_mut(entity) else { return };
        let Some(at) = fields.iter().position(|held| held.field == *name) else { return };
        if let Some(until) = fields.remove(at).until {
            let path = FieldPath::new(entity.clone(), name.clone());
            self.timers.remove(&(until, Timer::Held(path)));
        }
        if fields.is_empty() {
            self.held.remove(entity);
        }
    }

    fn unfreeze<P>(&mut self, deed: &Deed, _: &P) {
        if let Some(entity) = &deed.subject {
            let stop = self.frozen.remove(entity);
            if let Some(until) = stop.and_then(|stop| stop.until) {
                self.timers.remove(&(until, Timer::Frozen(entity.clone())));
            }
        }
    }

    fn count(&mut self, deed: &Deed) {
        self.head = deed.seq;
        self.recorded = deed.recorded;
        self.count_intervention(deed);
        *self.outcomes.entry(deed.outcome).or_insert(0) += 1;
        self.count_for_others(deed);
        self.count_dependencies(deed);
        self.count_guarded(deed);
        let Actor::Agent(agent) = &deed.actor else { return };
        let facts = self.agents.entry(agent.clone()).or_default();
        count_own(Arc::make_mut(&mut facts.history), deed);
        // What is imported may come in any order.
        if facts.deed == Seq(0) || happened(deed) < facts.first {
            facts.first = happened(deed);
        }
        if let Some(called) = deed.refs.import.as_ref().and_then(|mark| mark.called.as_ref()) {
            facts.called = Some(Arc::clone(called));
        }
        facts.last = facts.last.max(deed.time);
        facts.deed = deed.seq;
        // What Deeds itself did for it, and what is imported, came by no door.
        if deed.token.is_some() {
            facts.doors.came(deed.door.unwrap_or(Door::Http), happened(deed));
        }
        *facts.outcomes.entry(deed.outcome).or_insert(0) += 1;
    }

    /// A guard saw an agent that the map knows.
    fn count_guarded(&mut self, deed: &Deed) {
        let (Body::GuardSaw(report) | Body::GuardStopped(report)) = &deed.body else { return };
        if self.map.agent(&report.agent).is_some() || self.agents.contains_key(&report.agent) {
            self.agents.entry(report.agent.clone()).or_default().doors.came(Door::Hook, happened(deed));
        }
    }

    /// A person's step on what is an agent's own: the deed names the agents concerned as `owners`.
    fn count_intervention(&mut self, deed: &Deed) {
        if !deed.decided.as_ref().is_some_and(|decided| decided.intervention) {
            return;
        }
        for agent in &deed.refs.owners {
            let facts = self.agents.entry(agent.clone()).or_default();
            facts.interventions += 1;
            facts.last_intervention = Some(deed.recorded);
            self.mark(agent, deed, |history| &mut history.interventions);
        }
    }

    fn put_map(&mut self, deed: &Deed, version: MapVersion, model: Arc<Model>, changes: Vec<String>) {
        self.keep_unanswered(deed.refs.item.is_some(), &model);
        self.map = Map::compile(Arc::clone(&model));
        self.map_version = version;
        self.watch_map();
        if let Some(timetable) = deed.decided.as_ref().and_then(|decided| decided.timetable.as_deref()) {
            self.reschedule(timetable);
        }
        self.maps.push_back(MapStep {
            version,
            deed: deed.seq,
            at: deed.recorded,
            by: deed.actor.clone(),
            changes,
            reason: deed.reason.clone(),
            item: deed.refs.item,
            model,
        });
    }

    /// What is put in force as a whole has what answers gave before from them still.
    fn keep_unanswered(&mut self, answer: bool, model: &Arc<Model>) {
        let without = match (self.unanswered.take(), answer) {
            (None, false) => return,
            (Some(without), true) => Some(without),
            (None, true) => Some(Arc::clone(self.map.model())),
            (Some(without), false) => merge::unanswered(&without, self.map.model(), model).map(Arc::new),
        };
        self.unanswered = without.filter(|without| without != model);
    }

    fn open_act(&mut self, deed: &Deed, order: &ActOrder) {
        let caller = order.call.as_ref().map(|open| &open.call.agent);
        let (Some(no), Some(agent), Some(subject)) =
            (deed.refs.act, caller.or(deed.actor.agent()), &deed.subject)
        else {
            return;
        };
        self.next.act = self.next.act.max(no.next());
        self.targets.set(Arc::clone(&order.target), deed.seq, deed.seq);
        if let Some(said) = &order.conversation {
            self.speak(deed, &order.target, said.thread.as_ref());
            self.converse(deed, &order.target, said);
        }
        let act = OpenAct {
            no,
            agent: agent.clone(),
            subject: subject.clone(),
            target: Arc::clone(&order.target),
            action: Arc::from(&*deed.action),
            based_on: order.based_on.clone(),
            at: deed.recorded,
            deed: deed.seq,
            until: match &order.call {
                Some(open) => open.until,
                None => deed.decided.as_ref().and_then(|decided| decided.alarm),
            },
            call: order.call.clone(),
        };
        if let Some(until) = act.until {
            self.timers.insert((until, Timer::Act(no)));
        }
        self.hold_act(&act);
        if let Some(open) = &order.call {
            self.call_goes_on(deed, &act, open);
        }
        self.acts.insert(no, Arc::new(act));
        self.tally(Thing::Act(no));
    }

    fn open_alert(&mut self, deed: &Deed, alert: &Alert) {
        self.count_failure(deed, alert);
        self.reopen_alert(deed, alert);
    }

    fn reopen_alert(&mut self, _: &Deed, alert: &Alert) {
        self.next.alert = self.next.alert.max(alert.no.next());
        self.resolved.retain(|old| old.no != alert.no);
        // One that is open again does not take it from a newer one.
        if self.fingerprints.get(&alert.fingerprint).is_none_or(|no| *no < alert.no) {
            self.fingerprints.insert(Arc::clone(&alert.fingerprint), alert.no);
        }
        self.alerts.insert(alert.no, Arc::new(alert.clone()));
        self.tally(Thing::Alert(alert.no));
    }

    fn change_alert(&mut self, deed: &Deed, change: impl FnOnce(&mut Alert)) {
        let Some(no) = deed.refs.alerts.first().copied() else { return };
        if let Some(alert) = self.alerts.get_mut(&no) {
            change(Arc::make_mut(alert));
            self.tally(Thing::Alert(no));
        }
    }

    /// The same conflict again: its item shows one side more than before.
    fn count_alert(&mut self, deed: &Deed, side: &AlertSide) {
        let decided = deed.decided.as_ref();
        let severity = decided.and_then(|decided| decided.severity);
        let title = decided.and_then(|decided| decided.title.clone());
        self.change_alert(deed, |alert| {
            add_side(alert, side);
            alert.title = title.unwrap_or_else(|| Arc::clone(&alert.title));
            alert.severity = severity.unwrap_or(alert.severity);
        });
        let alert = deed.refs.alerts.first().and_then(|no| self.alerts.get(no)).cloned();
        if let Some(alert) = &alert {
            self.count_failure(deed, alert);
        }
        let Some(no) = alert.and_then(|alert| alert.item) else { return };
        if let Some(item) = self.items.get_mut(&no) {
            Arc::make_mut(item).version += 1;
            self.tally(Thing::Item(no));
        }
    }

    fn resolve_alert<P>(&mut self, deed: &Deed, _: &P) {
        let Some(mut alert) = deed.refs.alerts.first().and_then(|no| self.alerts.remove(no)) else { return };
        self.tally(Thing::Alert(alert.no));
        let ended = Arc::make_mut(&mut alert);
        ended.state = AlertState::Resolved { by: deed.actor.clone(), at: deed.recorded };
        ended.note.clone_from(&deed.reason);
        self.accept_clock(&alert);
        // After the window a newer alert has the fingerprint; it keeps it.
        if self.fingerprints.get(&alert.fingerprint) == Some(&alert.no) {
            self.fingerprints.remove(&alert.fingerprint);
        }
        self.resolved.push_back(alert);
    }

    fn open_item(&mut self, deed: &Deed, item: &Item) {
        self.call_waits_in(deed, item);
        self.next.item = self.next.item.max(item.no.next());
        if let Some(no) = item.case.alert()
            && let Some(alert) = self.alerts.get_mut(&no)
        {
            Arc::make_mut(alert).item = Some(item.no);
            self.tally(Thing::Alert(no));
        }
        self.timers.insert((item.warn_at, Timer::Item(item.no)));
        self.items.insert(item.no, Arc::new(item.clone()));
        self.tally(Thing::Item(item.no));
        self.wait_in(item);
    }

    /// What its agent writes to that field waits in it.
    fn wait_in(&mut self, item: &Item) {
        if let Some(key) = item.alike.strip_prefix(IN_VAIN_ALIKE) {
            self.converging.insert(Arc::from(key), item.no);
        }
    }

    pub(super) fn change_item(&mut self, deed: &Deed, change: impl FnOnce(&mut Item)) {
        let Some(no) = deed.refs.item else { return };
        if let Some(item) = self.items.get_mut(&no) {
            change(Arc::make_mut(item));
            self.tally(Thing::Item(no));
        }
    }

    /// Something else is to be answered, or by another hand.
    pub(super) fn revise(&mut self, deed: &Deed, change: impl FnOnce(&mut Item)) {
        self.change_item(deed, |item| {
            change(item);
            item.version += 1;
        });
    }

    /// The first timer of an item went off: its warning, which sets the next one.
    fn warn_of_item<P>(&mut self, deed: &Deed, _: &P) {
        let Some(item) = deed.refs.item.and_then(|no| self.items.get_mut(&no)) else { return };
        let item = Arc::make_mut(item);
        item.warned = true;
        self.timers.remove(&(item.warn_at, Timer::Item(item.no)));
        let no = item.no;
        self.timers.insert((item.due, Timer::Item(no)));
        self.tally(Thing::Item(no));
    }

    /// The other one: its deadline.
    fn pass_deadline<P>(&mut self, deed: &Deed, _: &P) {
        let Some(item) = deed.refs.item.and_then(|no| self.items.get_mut(&no)) else { return };
        let item = Arc::make_mut(item);
        item.overdue = true;
        let no = item.no;
        self.timers.remove(&(item.due, Timer::Item(no)));
        self.tally(Thing::Item(no));
    }

    fn close_items(&mut self, deed: &Deed, closed: &ItemClosed) {
        let Some(no) = deed.refs.item else { return };
        if let Some(queue) = self.items.get(&no).map(|item| item.queue.clone()) {
            self.count_in_review(deed, &queue, |open| {
                open.answered += closed.effects.included.len() as u64 + 1;
                open.came_to.count(&closed.answer, &closed.effects);
            });
        }
        let mut all: Vec<_> =
            self.close_item(deed, no, closed, closed.effects.clone(), None).into_iter().collect();
        for other in &closed.effects.included {
            all.extend(self.close_item(deed, *other, closed, Effects::default(), Some(no)));
        }
        self.closed.push_all(all);
    }

    fn close_item(
        &mut self,
        deed: &Deed,
        no: ItemNo,
        closed: &ItemClosed,
        effects: Effects,
        with: Option<ItemNo>,
    ) -> Option<Arc<ClosedItem>> {
        self.forget_claim(no);
        self.gone_through(no);
        let item = self.items.remove(&no)?;
        self.call_is_answered(deed, &item, &closed.answer);
        self.tally(Thing::Item(no));
        self.timers.remove(&(item.warn_at, Timer::Item(no)));
        self.timers.remove(&(item.due, Timer::Item(no)));
        if let Case::Loop { raise, .. } = &item.case
            && let Some(subject) = &raise.subject
        {
            self.rounds.remove(subject.as_ref());
        }
        if let Some(key) = item.alike.strip_prefix(IN_VAIN_ALIKE) {
            self.in_vain.remove(key);
            self.converging.remove(key);
        }
        let mut past = self.past.get(&item.alike).cloned().unwrap_or_default();
        past.count(&closed.answer, 1);
        past.last = Some(Arc::from(format!("{} by {}", closed.answer.word(), deed.actor)));
        self.past.set(Arc::clone(&item.alike), deed.seq, past);
        self.count_approval(&item, &closed.answer, (deed.recorded, Some(deed.seq)));
        Some(Arc::new(ClosedItem {
            item,
            answer: closed.answer.clone(),
            by: deed.actor.clone(),
            at: deed.recorded,
            deed: deed.seq,
            effects,
            settled_with: with,
        }))
    }

    fn reopen_items<P>(&mut self, deed: &Deed, _: &P) {
        let Some(no) = deed.refs.item else { return };
        let back = |closed: &ClosedItem| closed.item.no == no || closed.settled_with == Some(no);
        let reopened: Vec<_> = self.closed.iter().filter(|closed| back(closed)).cloned().collect();
        self.closed.retain(|closed| !back(closed));
        for closed in reopened {
            self.call_waits_in(deed, &closed.item);
            self.past.change(&closed.item.alike, |past| past.count(&closed.answer, -1));
            self.count_approval(&closed.item, &closed.answer, (closed.at, None));
            if closed.settled_with.is_none() && closed.effects.map.is_some() {
                let back = |open: &mut OpenReview| open.came_to.take_back(&closed.answer);
                self.count_in_review(deed, &closed.item.queue, back);
            }
            if let Some(ruled) = &closed.effects.ruling {
                self.take_ruling_back(ruled);
            }
            let mut item = (*closed.item).clone();
            item.version += 1;
            if !item.overdue {
                let at = if item.warned { item.due } else { item.warn_at };
                self.timers.insert((at, Timer::Item(item.no)));
            }
            if let Some(until) = item.claim_until {
                self.timers.insert((until, Timer::Claim(item.no)));
            }
            self.wait_in(&item);
            let no = item.no;
            self.items.insert(no, Arc::new(item));
            self.tally(Thing::Item(no));
        }
    }
}

impl PastAnswers {
    fn count(&mut self, answer: &ItemAnswer, by: i64) {
        let slot = match Likely::of(answer) {
            Likely::Expand => &mut self.expand,
            Likely::Handle => &mut self.handle,
            Likely::Ruling => &mut self.ruling,
            Likely::OutOfScope => &mut self.out_of_scope,
            Likely::SendOn => &mut self.sent_on,
            Likely::Approve => &mut self.approve,
            Likely::ApproveEdited => &mut self.edited,
            Likely::Reject => &mut self.reject,
        };
        *slot = slot.saturating_add_signed(by);
    }
}

/// The same conflict again: the first two sides stay, then the latest ones.
fn add_side(alert: &mut Alert, side: &AlertSide) {
    alert.count += 1;
    alert.last = alert.last.max(side.at);
    if !alert.who.contains(&side.actor) {
        alert.who.push(side.actor.clone());
    }
    if alert.sides.len() >= SIDES {
        alert.sides.remove(2);
    }
    alert.sides.push(side.clone());
}

pub(super) fn stop(deed: &Deed) -> Stop {
    Stop {
        by: deed.actor.clone(),
        at: deed.recorded,
        reason: deed.reason.clone().unwrap_or_else(|| Arc::from("")),
        until: deed.refs.until,
    }
}
