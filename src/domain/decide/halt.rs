//! A person stops every agent at once, and lets all go on, RULES §13.1.

use super::sheet::Sheet;
use crate::domain::code::Code;
use crate::domain::deed::Body;
use crate::domain::ids::{ActNo, FanOutNo, Fence, Seq, WorkNo};
use crate::domain::outcome::Outcome;
use crate::domain::state::Board;
use crate::domain::things::InFlight;
use crate::domain::time::Time;

/// Most of each kind of things in flight that the deed lists.
const LISTED: usize = 256;

/// Every agent stops; the deed lists what was in flight.
pub(super) fn pause(sheet: &mut Sheet<'_>, reason: &str, until: Option<Time>) -> Seq {
    let board = &sheet.base().board;
    if let Some(stop) = &board.halted {
        let why = format!("every agent is paused already, by {}: {}", stop.by, stop.reason);
        return sheet.refuse(Body::OverrideRefused(()), "pause-all", Code::WrongState, &why);
    }
    let flying = in_flight(board, sheet.now);
    let works = flying.works.clone();
    let mut deed = sheet.draft(Body::WorkspacePaused(Box::new(flying)), "pause-all", Outcome::Recorded);
    deed.because(reason);
    deed.refs.until = until;
    deed.refs.works = works;
    sheet.push(deed)
}

/// All go on from where they stood.
pub(super) fn resume(sheet: &mut Sheet<'_>, reason: &str) -> Seq {
    if sheet.base().board.halted.is_none() {
        let why = "agents are not paused as a whole; `resume` lets a single one go on";
        return sheet.refuse(Body::OverrideRefused(()), "resume-all", Code::WrongState, why);
    }
    let mut deed = sheet.draft(Body::WorkspaceResumed(()), "resume-all", Outcome::Recorded);
    deed.because(reason);
    sheet.push(deed)
}

/// The time of the stop is over.
pub(super) fn lapse(sheet: &mut Sheet<'_>) -> Option<Seq> {
    let stop = sheet.base().board.halted.clone()?;
    let mut deed = sheet.follow_up(Body::WorkspaceResumed(()), "lapse", Outcome::Recorded, None);
    deed.because(format!("the pause by {} is over", stop.by));
    Some(sheet.push(deed))
}

fn in_flight(board: &Board, now: Time) -> InFlight {
    let works: Vec<WorkNo> =
        board.works.values().filter(|work| work.is_taken(now)).map(|work| work.no).collect();
    let leases: Vec<Fence> =
        board.leases.values().filter(|lease| lease.is_live(now)).map(|lease| lease.fence).collect();
    let acts: Vec<ActNo> = board.acts.keys().copied().collect();
    let fan_outs: Vec<FanOutNo> = board.fan_outs.keys().copied().collect();
    let all = works.len() + leases.len() + acts.len() + fan_outs.len();
    let mut flying = InFlight { works, acts, leases, fan_outs, more: 0 };
    flying.works.truncate(LISTED);
    flying.acts.truncate(LISTED);
    flying.leases.truncate(LISTED);
    flying.fan_outs.truncate(LISTED);
    let listed = flying.works.len() + flying.acts.len() + flying.leases.len() + flying.fan_outs.len();
    flying.more = u64::try_from(all - listed).unwrap_or(u64::MAX);
    flying
}
