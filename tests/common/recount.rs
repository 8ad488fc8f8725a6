//! What is kept for each agent's sake is what there is on the board, counted anew thing by thing.

use std::collections::BTreeMap;

use deeds::domain::ids::AgentId;
use deeds::domain::state::Board;

/// Every thing that waits has one entry of its present size, and the sums are those of the entries.
pub(crate) fn recount(board: &Board) {
    let mut there: Vec<_> = board.things().collect();
    there.sort();
    let known: Vec<_> = board.accounts.entries().map(|(thing, _, bytes)| (thing.clone(), bytes)).collect();
    assert_eq!(there, known, "what waits and what is counted are not the same");
    let mut sums: BTreeMap<&AgentId, (u64, u64)> = BTreeMap::new();
    let mut all = (0, 0);
    for (_, by, bytes) in board.accounts.entries() {
        all = (all.0 + bytes, all.1 + 1);
        if let Some(by) = by {
            let sum = sums.entry(by).or_default();
            *sum = (sum.0 + bytes, sum.1 + 1);
        }
    }
    let counted: BTreeMap<&AgentId, (u64, u64)> =
        board.accounts.agents().map(|(agent, usage)| (agent, (usage.bytes, usage.open))).collect();
    assert_eq!(sums, counted, "the sums of agents are not those of what they keep");
    let total = board.accounts.all();
    assert_eq!(all, (total.bytes, total.open), "the sum of all is not that of the things");
}
