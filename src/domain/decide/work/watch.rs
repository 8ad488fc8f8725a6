//! What time does to a work stream: taken work comes back, and work that nobody takes is looked after, once.

use std::sync::Arc;

use super::tries;
use crate::domain::decide::sheet::Sheet;
use crate::domain::decide::{alert, verdict};
use crate::domain::deed::Body;
use crate::domain::ids::{Seq, WorkNo};
use crate::domain::outcome::Outcome;
use crate::domain::state::State;
use crate::domain::things::{SILENCE, Work};
use crate::domain::time::Time;

/// The time of a taker is over, or nobody took the work for long.
pub(in crate::domain::decide) fn alarm(sheet: &mut Sheet<'_>, no: WorkNo) -> Option<Seq> {
    let now = sheet.now;
    let state = sheet.state();
    let work = Arc::clone(state.board.works.get(&no)?);
    // Another timer of this tick may have moved it.
    let since = work.alarm.filter(|at| *at <= now)?.minus(SILENCE);
    if work.taken_until.is_some() {
        return Some(tries::lapse(sheet, &work));
    }
    let silent = is_silent(state, &work, since);
    let stopped = verdict::paused(state, &work.agent);
    let words = match (&stopped, silent) {
        (Some(why), _) => format!("work {no} waits: {why}"),
        (None, true) => format!("work {no} waits, and {} gives no sign of life since {since}", work.agent),
        (None, false) => format!("work {no} waits, while {} is about other things", work.agent),
    };
    let body = Body::WorkUnheeded(());
    let mut deed = sheet.follow_up(body, "unheeded", Outcome::Recorded, Some(work.deed));
    deed.subject.clone_from(&work.subject);
    deed.because(words);
    deed.refs.works = vec![no];
    deed.refs.owners = vec![work.agent.clone()];
    let unheeded = sheet.push(deed);
    if silent && stopped.is_none() {
        alert::silent_agent(sheet, &work, since, unheeded);
    }
    Some(unheeded)
}

/// Whether the agent has done nothing at all since the work began to wait.
fn is_silent(state: &State, work: &Work, since: Time) -> bool {
    state.board.agents.get(&work.agent).is_none_or(|facts| facts.last <= since)
}
