//! What the board keeps twice must agree: the list of holds by entity, and the list of timers, are built here anew from
//! the works, acts, leases, waiting acts, items, fan-outs and schedules.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use deeds::domain::path::{EntityPath, FieldName};
use deeds::domain::state::{Board, State, Stop, Timer};
use deeds::domain::things::{Hold, LeaseTarget};
use deeds::domain::time::Time;

/// Compares the board's lists with what they are lists of.
pub(crate) fn check(state: &State) {
    let board = &state.board;
    let kept: BTreeMap<EntityPath, BTreeSet<Hold>> =
        board.holds.iter().map(|(entity, holds)| (entity.clone(), holds.iter().copied().collect())).collect();
    assert_eq!(kept, holds(board), "the list of holds is not what is held");
    let kept: BTreeSet<(Time, Timer)> = board.timers.iter().cloned().collect();
    assert_eq!(kept, timers(board), "the list of timers is not what falls due");
}

fn holds(board: &Board) -> BTreeMap<EntityPath, BTreeSet<Hold>> {
    let mut holds: BTreeMap<EntityPath, BTreeSet<Hold>> = BTreeMap::new();
    let mut hold = |entity: &EntityPath, hold| holds.entry(entity.clone()).or_default().insert(hold);
    for work in board.works.values().filter(|work| work.kind.asks()) {
        if let Some(entity) = &work.subject {
            hold(entity, Hold::Work(work.no));
        }
    }
    for act in board.acts.values() {
        hold(&act.subject, Hold::Act(act.no));
        for path in &act.based_on {
            hold(&path.entity, Hold::Act(act.no));
        }
    }
    for lease in board.leases.values() {
        if let LeaseTarget::Path(path) = &lease.target {
            hold(&path.entity, Hold::Lease(lease.fence));
        }
    }
    for (deed, waiting) in &board.waiting {
        hold(&waiting.act.subject, Hold::Waiting(*deed));
        for path in &waiting.watches {
            hold(&path.entity, Hold::Waiting(*deed));
        }
    }
    holds
}

fn timers(board: &Board) -> BTreeSet<(Time, Timer)> {
    let mut timers = BTreeSet::new();
    for item in board.items.values().filter(|item| !item.overdue) {
        timers.insert((if item.warned { item.due } else { item.warn_at }, Timer::Item(item.no)));
    }
    let claims = board.items.values().filter_map(|item| Some((item.claim_until?, Timer::Claim(item.no))));
    timers.extend(claims);
    let away =
        board.away.iter().filter_map(|(person, stop)| Some((stop.until?, Timer::Away(person.clone()))));
    timers.extend(away);
    if board.halted.is_none() {
        timers.extend(board.works.values().filter_map(|work| Some((work.alarm?, Timer::Work(work.no)))));
        timers.extend(board.leases.values().map(|lease| (lease.until, Timer::Lease(lease.fence))));
        timers.extend(board.queued.iter().map(|(deed, waiting)| (waiting.until, Timer::Turn(*deed))));
        timers.extend(board.fan_outs.values().map(|fan_out| (fan_out.deadline, Timer::FanOut(fan_out.no))));
    }
    timers.extend(board.acts.values().filter_map(|act| Some((act.until?, Timer::Act(act.no)))));
    timers.extend(board.halted.iter().filter_map(|stop| Some((stop.until?, Timer::AllPaused))));
    let frozen = |(entity, stop): (&EntityPath, &Stop)| Some((stop.until?, Timer::Frozen(entity.clone())));
    timers.extend(board.frozen.iter().filter_map(frozen));
    timers.extend(
        board
            .agents
            .iter()
            .filter_map(|(agent, facts)| Some((facts.paused.as_ref()?.until?, Timer::Paused(agent.clone())))),
    );
    timers.extend(board.waiting.iter().filter_map(|(deed, act)| Some((act.until?, Timer::Waiting(*deed)))));
    for (entity, fields) in &board.held {
        let path = |field: &FieldName| Timer::Held(entity.field(field.clone()));
        timers.extend(fields.iter().filter_map(|held| Some((held.until?, path(&held.field)))));
    }
    timers.extend(board.schedules.iter().map(|(event, at)| (*at, Timer::Event(Arc::clone(event)))));
    timers.extend(
        board.reviews.iter().filter_map(|(queue, it)| Some((it.late?, Timer::Review(queue.clone())))),
    );
    timers
}
