//! What a case will likely be answered with, RULES §12.6: what cases alike were answered with most often, else the nearest zone.

use crate::domain::state::Board;
use crate::domain::things::{Item, Likely, PastAnswers};

/// The answer that is expected, and what speaks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Predicted {
    /// Which.
    pub answer: Likely,
    /// Why.
    pub because: Because,
}

/// What speaks for an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Because {
    /// So many of those alike that were answered got it.
    Alike {
        /// How many.
        times: u64,
        /// Of how many.
        of: u64,
    },
    /// None alike was answered; a zone is near.
    Zone,
}

/// What is expected for an item; nothing where none alike was answered, and no zone is near. Of answers that were as
/// frequent the one counts that leaves more as it is: the first in [`Likely::ALL`].
pub fn of(board: &Board, item: &Item) -> Option<Predicted> {
    let counts = board.past.get(&item.alike).map(PastAnswers::counts);
    let counts = counts.into_iter().flatten();
    let of = counts.clone().map(|(_, times)| times).sum();
    // `max_by_key` takes the last of those that are equal.
    let most = counts.filter(|(_, times)| *times > 0).rev().max_by_key(|(_, times)| *times);
    let alike = most.map(|(answer, times)| Predicted { answer, because: Because::Alike { times, of } });
    let zone =
        || item.suggestion.as_ref().map(|_| Predicted { answer: Likely::Expand, because: Because::Zone });
    alike.or_else(zone)
}
