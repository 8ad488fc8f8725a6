//! Folding the stop of every agent: what they have in hand stands still, and goes on from there. No rules here.

use std::sync::Arc;

use super::{Board, Stop, Thing, Timer};
use crate::domain::deed::Deed;
use crate::domain::ids::{FanOutNo, Fence, Seq, WorkNo};
use crate::domain::time::Time;

impl Board {
    pub(super) fn pause_all<P>(&mut self, deed: &Deed, _: &P) {
        if let Some(until) = deed.refs.until {
            self.timers.insert((until, Timer::AllPaused));
        }
        self.halted = Some(Box::new(Stop {
            by: deed.actor.clone(),
            at: deed.recorded,
            reason: deed.reason.clone().unwrap_or_else(|| Arc::from("")),
            until: deed.refs.until,
        }));
    }

    /// While all agents are stopped no timer of theirs runs, whatever put it on the list.
    pub(super) fn stand_still(&mut self) {
        if self.halted.is_none() {
            return;
        }
        let agents: Vec<_> = self.timers.iter().filter(|(_, timer)| timer.is_agents()).cloned().collect();
        for timer in agents {
            self.timers.remove(&timer);
        }
    }

    /// What was not over when all were stopped is over as much later as they stood still.
    pub(super) fn resume_all<P>(&mut self, deed: &Deed, _: &P) {
        let Some(halt) = self.halted.take() else { return };
        if let Some(until) = halt.until {
            self.timers.remove(&(until, Timer::AllPaused));
        }
        let now = deed.recorded;
        let later = |at: Time, since: Time| {
            let began = since.max(halt.at);
            if at <= began { at } else { at.plus(now.since(began)) }
        };
        let works: Vec<WorkNo> = self.works.keys().copied().collect();
        for no in works {
            self.set_anew(&Thing::Work(no), now);
            self.change_work(no, |work| {
                work.taken_until = work.taken_until.map(|until| later(until, work.at));
                work.alarm = work.alarm.map(|at| later(at, work.at));
            });
        }
        let leases: Vec<Fence> = self.leases.keys().copied().collect();
        for fence in leases {
            if let Some(lease) = self.leases.get_mut(&fence) {
                let lease = Arc::make_mut(lease);
                lease.until = later(lease.until, lease.since);
                self.timers.insert((lease.until, Timer::Lease(fence)));
                self.set_anew(&Thing::Lease(fence), now);
                self.tally(Thing::Lease(fence));
            }
        }
        let queued: Vec<Seq> = self.queued.keys().copied().collect();
        for deferred in queued {
            if let Some(waiting) = self.queued.get_mut(&deferred) {
                let waiting = Arc::make_mut(waiting);
                waiting.until = later(waiting.until, waiting.since);
                self.timers.insert((waiting.until, Timer::Turn(deferred)));
                self.set_anew(&Thing::Queued(deferred), now);
                self.tally(Thing::Queued(deferred));
            }
        }
        let fan_outs: Vec<FanOutNo> = self.fan_outs.keys().copied().collect();
        for no in fan_outs {
            if let Some(fan_out) = self.fan_outs.get_mut(&no) {
                let fan_out = Arc::make_mut(fan_out);
                fan_out.deadline = later(fan_out.deadline, halt.at);
                self.timers.insert((fan_out.deadline, Timer::FanOut(no)));
                self.set_anew(&Thing::FanOut(no), now);
                self.tally(Thing::FanOut(no));
            }
        }
    }
}
