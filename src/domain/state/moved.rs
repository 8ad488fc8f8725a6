//! What was recorded under a wrong clock moves: every time in the state that was set from one deed on, RULES §3.8. No rules here.
//!
//! An instant at which something happened moves where it is not before the first such deed. An end moves where it was set from that
//! deed on: ends that were set before, under the right clock, stay.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Access, Board, History, Links, Stop, Thing, Timer};
use crate::domain::deed::Deed;
use crate::domain::ids::{AgentId, Seq};
use crate::domain::things::{
    Alert, AlertKind, AlertState, Branch, CallState, Case, ClockSight, ClosedItem, Entity, FanOutState,
    Feedback, Item, Lease, OpenAct, QueueReviews, Rebase, Rebased, Signer, Task, TokenRecord, WaitingAct,
    WaitingPublication, Work, WorkKind,
};
use crate::domain::time::{Span, Time};

/// For how long the name of an ended task is known; of such a name nothing else says when it was set.
const NAMES_KNOWN: Span = Span::from_days(7);

/// How times have moved, by the deeds that moved them. What lies outside memory moves when it is read.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Moves(Arc<Vec<(Seq, Shift)>>);

impl Moves {
    /// Times move by that deed, too.
    pub(super) fn add(&mut self, deed: Seq, rebased: &Rebased) {
        Arc::make_mut(&mut self.0).push((deed, Shift::of(rebased)));
    }

    /// An entity as it is after all that came after its last deed.
    pub(super) fn of_entity(&self, mut entity: Arc<Entity>) -> Arc<Entity> {
        for (deed, shift) in self.0.iter() {
            if *deed > entity.deed && shift.is_in(&entity) {
                let entity = Arc::make_mut(&mut entity);
                shift.entity(entity);
                entity.deed = *deed;
            }
        }
        entity
    }

    /// An instant of that deed as it is after all that came with it and after it.
    pub(super) fn at(&self, deed: Seq, mut at: Time) -> Time {
        for (_, shift) in self.0.iter().filter(|(by, _)| *by >= deed) {
            shift.past(&mut at);
        }
        at
    }
}

/// How times move.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Shift {
    from: Seq,
    since: Time,
    back: Span,
}

impl Shift {
    fn of(rebased: &Rebased) -> Self {
        Self { from: rebased.from, since: rebased.since, back: rebased.back() }
    }

    fn is_within(&self, at: Time) -> bool {
        at >= self.since
    }

    /// An instant at which something happened.
    fn past(&self, at: &mut Time) {
        if self.is_within(*at) {
            *at = at.minus(self.back);
        }
    }

    /// Instants.
    fn pasts<'a>(&self, all: impl IntoIterator<Item = &'a mut Time>) {
        for at in all {
            self.past(at);
        }
    }

    /// Ends, where they were set within.
    fn ends<'a>(&self, is_within: bool, all: impl IntoIterator<Item = &'a mut Time>) {
        for at in all.into_iter().filter(|_| is_within) {
            *at = at.minus(self.back);
        }
    }

    fn stop(&self, stop: &mut Stop) {
        let within = self.is_within(stop.at);
        self.past(&mut stop.at);
        self.ends(within, &mut stop.until);
    }

    fn feedback(&self, history: &mut [Feedback]) {
        self.pasts(history.iter_mut().map(|back| &mut back.at));
    }

    fn work(&self, within: bool, work: &mut Work) {
        self.past(&mut work.at);
        self.pasts(work.history.iter_mut().map(|attempt| &mut attempt.at));
        self.ends(within, work.taken_until.iter_mut().chain(&mut work.alarm));
        match &mut work.kind {
            WorkKind::Handoff { history, .. }
            | WorkKind::Returned { history, .. }
            | WorkKind::Notice { history, .. } => self.feedback(history),
            WorkKind::Join { branches, .. } => self.pasts(branch_ends(branches)),
            WorkKind::Proposal { .. }
            | WorkKind::Decision { .. }
            | WorkKind::Ruling { .. }
            | WorkKind::Dispatch { .. }
            | WorkKind::Branch { .. }
            | WorkKind::Changed { .. }
            | WorkKind::Free { .. } => {}
        }
    }

    fn task(&self, task: &mut Task) {
        self.past(&mut task.at);
        self.feedback(&mut task.history);
    }

    fn item(&self, claimed: bool, item: &mut Item) {
        let within = self.is_within(item.opened);
        self.past(&mut item.opened);
        self.pasts(&mut item.again);
        self.ends(within, [&mut item.warn_at, &mut item.due]);
        self.ends(claimed, &mut item.claim_until);
        if let Case::Stuck { task, .. } = &mut item.case {
            self.task(task);
        }
        if let Case::GivenUp { work } = &mut item.case {
            self.work(self.is_within(work.at), work);
        }
    }

    fn closed(&self, closed: &mut ClosedItem) {
        let opened = self.is_within(closed.item.opened);
        self.past(&mut closed.at);
        self.item(opened, Arc::make_mut(&mut closed.item));
    }

    fn alert(&self, alert: &mut Alert) {
        self.pasts([&mut alert.first, &mut alert.last]);
        self.pasts(alert.sides.iter_mut().map(|side| &mut side.at));
        match &mut alert.state {
            AlertState::Open => {}
            AlertState::Acknowledged { at, .. } | AlertState::Resolved { at, .. } => self.past(at),
        }
    }

    fn fan_out(&self, within: bool, fan_out: &mut FanOutState) {
        self.past(&mut fan_out.opened);
        self.ends(within, [&mut fan_out.deadline]);
        self.pasts(&mut fan_out.joined);
        self.pasts(branch_ends(&mut fan_out.branches));
    }

    fn history(&self, history: &mut History) {
        for track in history.tracks() {
            Arc::make_mut(track).change(|at| self.past(at));
        }
    }

    /// What a schedule comes to next the deed says; a round that has begun under the wrong clock is none.
    fn reviews(&self, reviews: &mut QueueReviews) {
        self.pasts(reviews.open.iter_mut().map(|open| &mut open.at));
        if let Some(last) = &mut reviews.last {
            self.pasts([&mut last.began, &mut last.ended]);
            if let Some(turn) = &mut last.counts {
                self.pasts([&mut turn.due, &mut turn.next, &mut turn.late]);
            }
        }
        reviews.round.take_if(|round| round.deed >= self.from);
        self.pasts(reviews.turns.iter_mut().map(|turn| &mut turn.due));
    }

    fn is_in(&self, entity: &Entity) -> bool {
        entity.recent.iter().any(|touch| self.is_within(touch.at))
            || entity.last.iter().any(|(_, at)| self.is_within(*at))
            || entity.gone.as_ref().is_some_and(|gone| self.is_within(gone.at))
            || entity.fields.iter().any(|(_, field)| self.is_within(field.at))
    }

    fn entity(&self, entity: &mut Entity) {
        self.pasts(entity.gone.iter_mut().map(|gone| &mut gone.at));
        self.pasts(entity.last.iter_mut().map(|(_, at)| at));
        self.pasts(entity.recent.iter_mut().map(|touch| &mut Arc::make_mut(touch).at));
        for (_, field) in &mut entity.fields {
            self.past(&mut field.at);
            self.pasts(field.runs.iter_mut().map(|run| &mut run.at));
        }
    }
}

impl Board {
    /// When a thing ends was said anew.
    pub(super) fn set_anew(&mut self, thing: &Thing, at: Time) {
        self.timed.insert(Arc::from(thing.to_string()), at);
    }

    pub(super) fn doubt_clock(&mut self, _: &Deed, sight: &ClockSight) {
        self.clock.doubted = Some(*sight);
    }

    pub(super) fn believe_clock(&mut self, _: &Deed, _: &ClockSight) {
        (self.clock.doubted, self.clock.ahead) = (None, None);
    }

    /// The end of an alert about the clock, which a person said: it is right, or time may go on ahead of it.
    pub(super) fn accept_clock(&mut self, alert: &Alert) {
        if alert.kind != AlertKind::Clock {
            return;
        }
        let Some(sight) = self.clock.doubted.take() else { return };
        let ahead = sight.now.since(sight.machine);
        self.clock.ahead = (ahead > Span::default()).then_some(ahead.micros());
    }

    /// What falls due at another time once that has moved, with the time at which it does now.
    pub fn moves(&self, rebased: &Rebased) -> impl Iterator<Item = &(Time, Timer)> {
        let shift = Shift::of(rebased);
        self.timers.iter().filter(move |(_, timer)| self.was_set_within(&shift, timer))
    }

    pub(super) fn rebase(&mut self, deed: &Deed, rebased: &Rebased) {
        let shift = Shift::of(rebased);
        self.recorded = rebased.now;
        (self.clock.doubted, self.clock.ahead) = (None, None);
        self.clock.rebased.push(Rebase { from: rebased.from, deed: deed.seq, back: shift.back.micros() });
        // What was set when is asked before anything moves.
        let timers: Vec<(Time, Timer)> = self.timers.iter().cloned().collect();
        let within: BTreeMap<Timer, bool> = self.all_timed(&shift);
        let within = |timer: Timer| within.get(&timer).copied().unwrap_or_default();
        self.timers = timers
            .into_iter()
            .map(|(mut at, timer)| {
                shift.ends(within(timer.clone()), [&mut at]);
                (at, timer)
            })
            .collect();
        self.move_waiting(&shift, &within);
        self.move_desk(&shift, &within);
        self.move_people(&shift);
        self.move_memory(&shift);
        self.move_history(&shift);
        self.timed = self.timed.iter().map(|(timer, at)| (timer.clone(), moved(&shift, *at))).collect();
        if let Some(timetable) = deed.decided.as_ref().and_then(|decided| decided.timetable.as_deref()) {
            self.reschedule(timetable);
        }
        self.watch_map();
    }

    /// Of everything that may fall due, whether when it does was set within.
    fn all_timed(&self, shift: &Shift) -> BTreeMap<Timer, bool> {
        let works = self.works.keys().copied().map(Timer::Work);
        let leases = self.leases.keys().copied().map(Timer::Lease);
        let fan_outs = self.fan_outs.keys().copied().map(Timer::FanOut);
        let queued = self.queued.keys().copied().map(Timer::Turn);
        let claims = self.items.keys().copied().map(Timer::Claim);
        let due = self.timers.iter().map(|(_, timer)| timer.clone());
        let all = works.chain(leases).chain(fan_outs).chain(queued).chain(claims).chain(due);
        all.map(|timer| (timer.clone(), self.was_set_within(shift, &timer))).collect()
    }

    /// Whether when it falls due was set within. What is scheduled comes by its schedule.
    fn was_set_within(&self, shift: &Shift, timer: &Timer) -> bool {
        let set = match timer {
            Timer::Item(no) | Timer::Claim(no) => self.items.get(no).map(|item| item.opened),
            Timer::Work(no) => self.works.get(no).map(|work| work.at),
            Timer::Lease(fence) => self.leases.get(fence).map(|lease| lease.since),
            Timer::FanOut(no) => self.fan_outs.get(no).map(|fan_out| fan_out.opened),
            Timer::Waiting(deferred) => return *deferred >= shift.from,
            Timer::Turn(deferred) => self.queued.get(deferred).map(|waiting| waiting.since),
            Timer::Event(_) | Timer::Review(_) => None,
            Timer::Away(person) => self.away.get(person).map(|away| away.at),
            Timer::Held(path) => {
                let fields = self.held.get(&path.entity).into_iter().flatten();
                fields.filter(|held| held.field == path.field).map(|held| held.at).next_back()
            }
            Timer::Frozen(entity) => self.frozen.get(entity).map(|stop| stop.at),
            Timer::Paused(agent) => self.pause_of(agent).map(|stop| stop.at),
            Timer::Act(no) => self.acts.get(no).map(|act| act.at),
            Timer::AllPaused => self.halted.as_ref().map(|stop| stop.at),
        };
        anew(timer)
            .and_then(|thing| self.timed.get(&*thing.to_string()))
            .copied()
            .or(set)
            .is_some_and(|at| shift.is_within(at))
    }

    fn pause_of(&self, agent: &AgentId) -> Option<&Stop> {
        self.agents.get(agent)?.paused.as_ref()
    }

    fn move_waiting(&mut self, shift: &Shift, within: &impl Fn(Timer) -> bool) {
        for (no, work) in entries(&self.works) {
            self.works.insert(no, changed(work, |work| shift.work(within(Timer::Work(no)), work)));
        }
        for (no, act) in entries(&self.acts) {
            let until = within(Timer::Act(no));
            let change = |act: &mut OpenAct| {
                shift.past(&mut act.at);
                shift.ends(until, &mut act.until);
                if let Some(call) = act.call.as_deref_mut() {
                    shift.ends(until, &mut call.until);
                    shift.ends(until, call.approved.as_mut().map(|approved| &mut approved.until));
                    if let Some(begun) = &mut call.begun {
                        shift.past(&mut begun.at);
                        shift.ends(until, [&mut begun.until]);
                    }
                }
            };
            self.acts.insert(no, changed(act, change));
        }
        for (deed, act) in entries(&self.waiting) {
            let until = deed >= shift.from;
            let change = |act: &mut WaitingAct| {
                shift.ends(until, &mut act.until);
            };
            self.waiting.insert(deed, changed(act, change));
        }
        for (deed, waiting) in entries(&self.queued) {
            let until = within(Timer::Turn(deed));
            let change = |waiting: &mut WaitingPublication| {
                shift.past(&mut waiting.since);
                shift.ends(until, [&mut waiting.until]);
            };
            self.queued.insert(deed, changed(waiting, change));
        }
        for (fence, lease) in entries(&self.leases) {
            let until = within(Timer::Lease(fence));
            let change = |lease: &mut Lease| {
                shift.past(&mut lease.since);
                shift.ends(until, [&mut lease.until]);
            };
            self.leases.insert(fence, changed(lease, change));
        }
        for (id, task) in entries(&self.tasks) {
            self.tasks.insert(id, changed(task, |task| shift.task(task)));
        }
        self.ended_tasks.change_all(|task| shift.task(Arc::make_mut(task)));
        for (no, fan_out) in entries(&self.fan_outs) {
            let until = within(Timer::FanOut(no));
            self.fan_outs.insert(no, changed(fan_out, |fan_out| shift.fan_out(until, fan_out)));
        }
        self.ended_fan_outs.change_all(|fan_out| {
            let within = shift.is_within(fan_out.opened);
            shift.fan_out(within, Arc::make_mut(fan_out));
        });
    }

    fn move_desk(&mut self, shift: &Shift, within: &impl Fn(Timer) -> bool) {
        for (no, item) in entries(&self.items) {
            let claimed = within(Timer::Claim(no));
            self.items.insert(no, changed(item, |item| shift.item(claimed, item)));
        }
        self.closed.change_all(|closed| shift.closed(Arc::make_mut(closed)));
        for (no, alert) in entries(&self.alerts) {
            self.alerts.insert(no, changed(alert, |alert| shift.alert(alert)));
        }
        self.resolved.change_all(|alert| shift.alert(Arc::make_mut(alert)));
        for (queue, mut reviews) in entries(&self.reviews) {
            shift.reviews(&mut reviews);
            self.reviews.insert(queue, reviews);
        }
    }

    fn move_people(&mut self, shift: &Shift) {
        for (entity, mut stop) in entries(&self.frozen) {
            shift.stop(&mut stop);
            self.frozen.insert(entity, stop);
        }
        for (person, mut away) in entries(&self.away) {
            shift.stop(&mut away);
            self.away.insert(person, away);
        }
        if let Some(stop) = &mut self.halted {
            shift.stop(stop);
        }
        for (entity, mut fields) in entries(&self.held) {
            for held in &mut fields {
                let within = shift.is_within(held.at);
                shift.past(&mut held.at);
                shift.ends(within, &mut held.until);
            }
            self.held.insert(entity, fields);
        }
        for (token, mut seat) in entries(&self.seats) {
            let within = seat.since.is_some_and(|since| shift.is_within(since));
            shift.pasts(&mut seat.since);
            shift.ends(within, &mut seat.expires);
            self.seats.insert(token, seat);
        }
        for (person, signer) in entries(&self.signers) {
            let change = |signer: &mut Signer| {
                for key in &mut signer.keys {
                    shift.past(&mut key.at);
                    shift.pasts(&mut key.ended);
                }
            };
            self.signers.insert(person, changed(signer, change));
        }
    }

    /// What is remembered: for a time, or as long as there is room.
    fn move_memory(&mut self, shift: &Shift) {
        let back = shift.back;
        self.threads.change_all(|last| shift.past(&mut last.at));
        for lasting in [&mut self.turns, &mut self.talks] {
            lasting.move_back(back, |last, _| {
                shift.past(&mut last.at);
                last.deed >= shift.from
            });
        }
        self.claims.change_all(|held| shift.past(&mut held.at));
        self.occurrences.move_back(back, |held, _| {
            shift.past(&mut held.at);
            held.deed >= shift.from
        });
        self.occurred.move_back(back, |occurred, _| {
            shift.past(&mut occurred.at);
            occurred.deed >= shift.from
        });
        let call = |call: &mut Arc<CallState>| {
            let within = shift.is_within(call.at);
            let call = Arc::make_mut(call);
            shift.past(&mut call.at);
            shift.ends(within, &mut call.until);
        };
        self.calls.change_all(call);
        self.made.change_all(call);
        self.rounds.change_all(|rounds| shift.past(&mut rounds.at));
        self.in_vain.change_all(|times| shift.pasts(times.iter_mut()));
        self.conclusions.change_all(|voices| shift.pasts(voices.iter_mut().map(|voice| &mut voice.at)));
        self.concluded.move_back(back, |voices, _| {
            shift.pasts(voices.iter_mut().map(|voice| &mut voice.at));
            voices.last().is_some_and(|voice| voice.deed >= shift.from)
        });
        self.ended_names.move_back(back, |_, until| shift.is_within(until.minus(NAMES_KNOWN)));
        self.dependencies.change_all(|found| shift.past(&mut found.at));
    }

    fn move_history(&mut self, shift: &Shift) {
        shift.pasts(&mut self.raised);
        self.maps.change_all(|step| shift.past(&mut step.at));
        let marks = self.care.applied.iter_mut().chain(&mut self.care.reviewed);
        shift.pasts(marks.map(|mark| &mut mark.at));
        shift.pasts(&mut self.care.told);
        for (agent, mut facts) in entries(&self.agents) {
            shift.pasts([&mut facts.first, &mut facts.last]);
            shift.pasts(&mut facts.last_intervention);
            shift.pasts(facts.doors.times());
            if let Some(stop) = &mut facts.paused {
                shift.stop(stop);
            }
            shift.history(Arc::make_mut(&mut facts.history));
            self.agents.insert(agent, facts);
        }
    }
}

impl Links {
    /// The last deeds move.
    pub(super) fn move_back(&mut self, rebased: &Rebased) {
        let shift = Shift::of(rebased);
        self.change(|at| shift.past(at));
    }
}

impl Access {
    /// Tokens and invitations move.
    pub(super) fn move_tokens(&mut self, rebased: &Rebased) {
        let shift = Shift::of(rebased);
        for (id, record) in entries(&self.tokens) {
            let change = |record: &mut TokenRecord| {
                let within = shift.is_within(record.at);
                shift.past(&mut record.at);
                shift.ends(within, &mut record.token.expires);
                shift.pasts(&mut record.revoked);
            };
            self.tokens.insert(id, changed(record, change));
        }
        // Nothing says when one was made. One that is over sooner harms nobody; one that lasts for years may.
        for (id, invitation) in entries(&self.invitations) {
            self.invitations.insert(id, changed(invitation, |one| shift.past(&mut one.until)));
        }
    }
}

/// What may have been set anew.
fn anew(timer: &Timer) -> Option<Thing> {
    match timer {
        Timer::Work(no) => Some(Thing::Work(*no)),
        Timer::Lease(fence) => Some(Thing::Lease(*fence)),
        Timer::FanOut(no) => Some(Thing::FanOut(*no)),
        Timer::Turn(deferred) => Some(Thing::Queued(*deferred)),
        Timer::Claim(no) => Some(Thing::Item(*no)),
        Timer::Act(no) => Some(Thing::Act(*no)),
        Timer::Item(_)
        | Timer::Waiting(_)
        | Timer::Event(_)
        | Timer::Review(_)
        | Timer::Away(_)
        | Timer::Held(_)
        | Timer::Frozen(_)
        | Timer::Paused(_)
        | Timer::AllPaused => None,
    }
}

/// When each branch ended that has.
fn branch_ends(branches: &mut [Branch]) -> impl Iterator<Item = &mut Time> {
    branches.iter_mut().filter_map(|branch| branch.end.as_mut()).map(|end| &mut end.at)
}

fn moved(shift: &Shift, mut at: Time) -> Time {
    shift.past(&mut at);
    at
}

/// All of a map, so that it can be changed.
fn entries<K: Clone + Ord, V: Clone>(map: &imbl::OrdMap<K, V>) -> Vec<(K, V)> {
    map.iter().map(|(key, value)| (key.clone(), value.clone())).collect()
}

fn changed<T: Clone>(mut value: Arc<T>, change: impl FnOnce(&mut T)) -> Arc<T> {
    change(Arc::make_mut(&mut value));
    value
}
