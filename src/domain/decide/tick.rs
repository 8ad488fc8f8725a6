//! Timers: what falls due on the board's list. The coordinator gives itself a tick when something is, so replay reads
//! no clock. Each branch leads to the family whose timer it is; whatever is due must be settled or moved by a deed.

use super::sheet::Sheet;
use super::{act, alert, fan_out, lease, review, trigger, work};
use crate::domain::deed::Body;
use crate::domain::ids::{ItemNo, Seq};
use crate::domain::outcome::Outcome;
use crate::domain::state::{State, Timer};
use crate::domain::time::Time;

/// Most timers that one tick decides; the next tick takes the rest.
const TIMERS_PER_TICK: usize = 256;

/// When the next tick is due.
pub fn next_due(state: &State) -> Option<Time> {
    state.board.timers.get_min().map(|(at, _)| *at)
}

/// Decides everything that is due now, up to a bound.
pub(super) fn decide(sheet: &mut Sheet<'_>) -> Option<Seq> {
    let now = sheet.now;
    let due: Vec<Timer> = sheet
        .base()
        .board
        .timers
        .iter()
        .take_while(|(at, _)| *at <= now)
        .take(TIMERS_PER_TICK)
        .map(|(_, timer)| timer.clone())
        .collect();
    let mut last = None;
    for timer in due {
        last = one(sheet, &timer).or(last);
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
        Timer::Event(event) => trigger::scheduled(sheet, event),
        Timer::Review(queue) => review::missed(sheet, queue),
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
