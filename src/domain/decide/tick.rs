//! Timers: deadlines of inbox items. The coordinator gives itself a tick when one is due, so replay reads no clock.

use super::{alert, sheet::Sheet};
use crate::domain::{
    deed::{Body, Outcome},
    ids::{ItemNo, Seq},
    state::State,
    time::Time,
};

/// Most timers that one tick decides; the next tick takes the rest.
const TIMERS_PER_TICK: usize = 256;

/// When the next tick is due.
pub fn next_due(state: &State) -> Option<Time> {
    state.board.timers.get_min().map(|(at, _)| *at)
}

/// Warns at three quarters of an item's time, and says that it is overdue at its end.
pub(super) fn decide(sheet: &mut Sheet<'_>) -> Option<Seq> {
    let now = sheet.now;
    let due: Vec<ItemNo> = sheet
        .base()
        .board
        .timers
        .iter()
        .take_while(|(at, _)| *at <= now)
        .take(TIMERS_PER_TICK)
        .map(|(_, no)| *no)
        .collect();
    let mut last = None;
    for no in due {
        last = one(sheet, no).or(last);
    }
    last
}

fn one(sheet: &mut Sheet<'_>, no: ItemNo) -> Option<Seq> {
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
