//! The work that an agent has in hand: the cause of what it does without naming one, and how long the chain is at least
//! that it goes on with, whatever it names (RULES §7.5).

use crate::domain::ids::{AgentId, Seq};
use crate::domain::path::EntityPath;
use crate::domain::state::{Board, State};
use crate::domain::things::Work;
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
    let taken = taken(board, agent, now);
    let same = |of: Option<&EntityPath>| subject.is_some() && of == subject;
    taken.max_by_key(|work| (same(work.subject.as_ref()), work.taken_until, work.no)).map(|work| work.deed)
}

/// The deed that brought the work to which the longest chain leads, of all that the agent has taken, with the length of
/// that chain. Naming another cause does not lead out of it.
pub(in crate::domain) fn deepest(state: &State, agent: &AgentId, now: Time) -> Option<(Seq, u32)> {
    let deeds = taken(&state.board, agent, now).map(|work| work.deed);
    deeds.map(|deed| (deed, state.links.depth(Some(deed)))).max_by_key(|(deed, depth)| (*depth, *deed))
}

fn taken<'b>(board: &'b Board, agent: &AgentId, now: Time) -> impl Iterator<Item = &'b Work> {
    let now = board.agents_clock(now);
    board.work_of(agent).take(LOOKED_AT).map(AsRef::as_ref).filter(move |work| work.is_taken(now))
}
