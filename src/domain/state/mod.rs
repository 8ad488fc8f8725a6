//! The state of one workspace, folded from its deeds. Persistent throughout: a clone costs nothing, but as long as somebody
//! holds one, a change copies what it changes.
//!
//! `fold` has no rules; rules live in `decide`.

mod access;
mod accounts;
mod apart;
mod board;
mod entities;
mod far;
mod fetched;
mod fold;
mod fold_board;
mod fold_call;
mod fold_desk;
mod fold_halt;
mod fold_history;
mod fold_occurrence;
mod fold_queue;
mod fold_review;
mod fold_work;
mod history;
mod imports;
mod joined;
mod lasting;
mod links;
mod moved;
mod pages;
mod persist;
mod recent;
mod recorded;
mod tail;
mod timer;
mod track;
mod volume;

pub use access::{Access, Fingerprint, KEY_LIFE, Kept, KeyAnswer, KeysBound};
pub use accounts::{Accounts, Thing};
pub use apart::{Changes, Totals};
pub use board::{AgentFacts, Board, CLOSED, MAPS, MapStep, Next, RESOLVED, Stop};
pub use entities::{Entities, Hasher};
pub use far::{CACHE, Far, FarError};
pub use fold_call::{MADE, OFFERING, seen_key};
pub use history::{Answers, CareMark, Dependency, History, MapCare, Sums, TURNS, day_of};
pub use imports::Imports;
pub use joined::Joined;
pub use lasting::Lasting;
pub use links::{LINKS, Link, Links};
pub use pages::{PAGE, Place, Rows, Whole};
pub use recent::{KEPT, KEPT_AFTER_A_CUT, Recent};
pub use recorded::{FORMAT_1, Rules, next_review};
pub use tail::{TAIL_BYTES, Tail};
pub use timer::Timer;
pub use track::{Count, KEPT_DAYS, Track};
pub use volume::Volume;

use std::sync::Arc;

use super::ids::{Actor, Seq, TokenId, WorkspaceId};
use super::path::EntityPath;
use super::things::{Invitation, TokenRecord};

/// What everybody may look at at any time: all but the values of entities and what only deciding needs. Small beside
/// the state, so that a copy of it for every batch costs little.
#[derive(Debug, Clone, PartialEq)]
pub struct Front {
    /// What people look at.
    pub board: Board,
    /// Every token that was created, ended ones too.
    pub tokens: imbl::OrdMap<TokenId, Arc<TokenRecord>>,
    /// The invitations that were not taken yet.
    pub invitations: imbl::OrdMap<TokenId, Arc<Invitation>>,
    /// How many idempotency keys of each caller are kept.
    pub keys: imbl::OrdMap<Actor, usize>,
    /// How many entities there are, and how large.
    pub volume: Arc<Volume>,
}

impl Front {
    /// The board alone.
    pub fn of_board(board: Board) -> Self {
        let (tokens, invitations, keys, volume) = Default::default();
        Self { board, tokens, invitations, keys, volume }
    }

    /// The last deed folded in.
    pub fn head(&self) -> Seq {
        self.board.head
    }
}

/// Everything that decisions are made on.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    /// What people look at.
    pub board: Board,
    /// Values and versions.
    pub entities: Entities,
    /// Tokens and idempotency keys.
    pub access: Access,
    /// Which lines of other histories are in.
    pub imports: Arc<Imports>,
    /// The last deeds as links of chains of causes.
    pub links: Links,
    /// What rules ask of other entities than their subject; derived from the rest.
    pub joined: Arc<Joined>,
    /// How much there is in entities; derived from them.
    pub volume: Arc<Volume>,
}

impl State {
    /// A workspace before its first deed.
    pub fn new(workspace: WorkspaceId) -> Self {
        Self::of_board(Board::new(workspace))
    }

    /// All that is kept of one; what is derived from it is made anew.
    pub fn of_parts(
        board: Board,
        entities: Entities,
        access: Access,
        imports: Arc<Imports>,
        links: Links,
    ) -> Self {
        let joined = Arc::new(Joined::of(&board.map, &entities, &board.items));
        let volume = Arc::new(Volume::of(&entities));
        Self { board, entities, access, imports, links, joined, volume }
    }

    /// The last deed folded in.
    pub fn head(&self) -> Seq {
        self.board.head
    }

    /// What everybody may look at.
    pub fn front(&self) -> Front {
        Front {
            board: self.board.clone(),
            tokens: self.access.tokens.clone(),
            invitations: self.access.invitations.clone(),
            keys: self.access.of.clone(),
            volume: Arc::clone(&self.volume),
        }
    }

    /// The board, and of all values those of one entity.
    #[must_use]
    pub fn of_entity(&self, path: &EntityPath) -> Self {
        let known = self.entities.get(path).map(|entity| (path.clone(), Arc::clone(entity)));
        let volume = Arc::clone(&self.volume);
        Self { entities: known.into_iter().collect(), volume, ..Self::of_board(self.board.clone()) }
    }

    /// The board alone.
    pub fn of_board(board: Board) -> Self {
        let (entities, access) = (Entities::default(), Access::default());
        let (imports, links, joined) = (Arc::default(), Links::default(), Arc::default());
        let volume = Arc::default();
        Self { board, entities, access, imports, links, joined, volume }
    }
}
