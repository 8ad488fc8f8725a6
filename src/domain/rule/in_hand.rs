//! The work that an agent has in hand: the cause of what it does without naming one (RULES §7.5).

use crate::domain::ids::{AgentId, Seq};
use crate::domain::path::EntityPath;
use crate::domain::state::Board;
use crate::domain::time::Time;

/// How much of an agent's open work is looked at, the oldest first, as it is taken.
const LOOKED_AT: usize = 256;

/// The deed that brought the work that the agent has taken: that about the same entity where there is one, else what it
/// has for longest from now on.
pub(in crate::domain) fn in_hand(
    board: &Board,
    agent: &AgentId,
    subject: Option<&EntityPath>,
    now: Time,
) -> Option<Seq> {
    let now = board.agents_clock(now);
    let taken = board.work_of(agent).take(LOOKED_AT).filter(|work| work.is_taken(now));
    let same = |of: Option<&EntityPath>| subject.is_some() && of == subject;
    taken.max_by_key(|work| (same(work.subject.as_ref()), work.taken_until, work.no)).map(|work| work.deed)
}
