//! Timers: what falls due on the board's list. The coordinator gives itself a tick when something is, so replay reads
//! no clock. Each branch leads to the family whose timer it is; whatever is due must be settled or moved by a deed.

use super::sheet::Sheet;
use super::{
    act, alert, away, fan_out, format, halt, held, inbox, lease, map, output, overrides, review, trigger,
    work,
};
use crate::domain::deed::Body;
use crate::domain::ids::{ItemNo, Seq};
use crate::domain::outcome::Outcome;
use crate::domain::state::{Board, State, Timer};
use crate::domain::time::Time;

/// Most timers that one tick decides; the next tick takes the rest.
const TIMERS_PER_TICK: usize = 256;

/// When the next tick is due. A ledger in an older format is raised before anything else.
pub fn next_due(state: &State) -> Option<Time> {
    next_due_of(&state.board)
}

/// The same of its board, which is all that it depends on.
pub fn next_due_of(board: &Board) -> Option<Time> {
    if format::is_behind(board) {
        return Some(board.recorded);
    }
    let timer = board.timers.get_min().map(|(at, _)| *at);
    timer.into_iter().chain(board.care.alarm).min()
}

/// Decides everything that is due now, up to a bound.
pub(super) fn decide(sheet: &mut Sheet<'_>) -> Option<Seq> {
    if let Some(raised) = format::raise(sheet) {
        return Some(raised);
    }
    let now = sheet.now;
    let raised = sheet.base().board.raised;
    let due: Vec<(Time, Timer)> = sheet
        .base()
        .board
        .timers
        .iter()
        .take_while(|(at, _)| *at <= now)
        .take(TIMERS_PER_TICK)
        .cloned()
        .collect();
    let mut last = None;
    sheet.gathered = raised.map(|_| Vec::new());
    for (at, timer) in due {
        if raised.is_some_and(|raised| at > raised) {
            alert::tell_gathered(sheet);
        }
        last = one(sheet, &timer).or(last);
    }
    alert::tell_gathered(sheet);
    if sheet.base().board.care.alarm.is_some_and(|at| at <= now) {
        last = Some(map::fall_due(sheet));
    }
    last
}

fn one(sheet: &mut Sheet<'_>, timer: &Timer) -> Option<Seq> {
    match timer {
        Timer::Item(no) => item(sheet, *no),
        Timer::Work(no) => work::alarm(sheet, *no),
        Timer::Lease(fence) => lease::lapse(sheet, *fence),
        Timer::FanOut(no) => fan_out::deadline(sheet, *no),
        Timer::Waiting(deferred) => act::wake(sheet, *deferred, None),
        Timer::Turn(deferred) => output::release(sheet, *deferred),
        Timer::Event(event) => trigger::scheduled(sheet, event),
        Timer::Review(queue) => review::fall_due(sheet, queue),
        Timer::Claim(no) => inbox::lapse_claim(sheet, *no),
        Timer::Away(person) => away::lapse(sheet, person),
        Timer::Held(path) => held::lapse(sheet, path),
        Timer::Frozen(entity) => overrides::thaw(sheet, entity),
        Timer::Paused(agent) => overrides::wake(sheet, agent),
        Timer::Act(no) => act::expire(sheet, *no),
        Timer::AllPaused => halt::lapse(sheet),
    }
}

/// Warns at three quarters of an item's time, and says that it is overdue at its end.
fn item(sheet: &mut Sheet<'_>, no: ItemNo) -> Option<Seq> {
    let item = sheet.base().board.items.get(&no)?.clone();
    let (body, action, words) = if item.warned {
        (Body::ItemOverdue(()), "overdue", format!("#{no} is past its deadline"))
    } else {
        (Body::ItemWarned(()), "warn", format!("#{no} is due in {}", item.due.since(sheet.now).rough()))
    };
    let mut deed = sheet.follow_up(body, action, Outcome::Recorded, Some(item.deed));
    deed.subject.clone_from(&item.subject);
    deed.because(words);
    deed.refs.item = Some(no);
    let seq = sheet.push(deed);
    if item.warned {
        alert::overdue(sheet, &item, seq);
    }
    Some(seq)
}
