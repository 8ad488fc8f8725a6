//! The state of one workspace, folded from its deeds. Persistent throughout: a clone costs nothing.
//!
//! `fold` has no rules; rules live in `decide`.

mod access;
mod alert;
mod board;
mod entities;
mod fold;
mod fold_board;
mod fold_history;
mod fold_review;
mod fold_work;
mod history;
mod imports;
mod item;
mod lease;
mod links;
mod output;
mod persist;
mod recent;
mod review;
mod task;
mod timer;
mod work;

pub use access::{Access, KEY_LIFE, KEYS, Kept, KeyAnswer, Token, TokenClass, TokenRecord};
pub use alert::{Alert, AlertKind, AlertSide, AlertState, LOUD, SIDES, STOPPED, Severity};
pub use board::{AgentFacts, Board, CLOSED, MAPS, MapStep, Next, RESOLVED, Stop};
pub use entities::{ACTORS, Entities, Entity, Field, Hasher, RECENT, RUNS, Run, Tombstone, Touch};
pub use fold_review::REVIEW_GRACE;
pub use history::{CareMark, Count, DAYS, DayCounts, Dependency, History, MapCare, PastTurn, TURNS, day_of};
pub use imports::Imports;
pub use item::{Case, ClosedItem, Effects, Item, PastAnswers, Redone, ScopeRule, Suggestion, hex};
pub use lease::{Hold, Lease};
pub use links::{LINKS, Link, Links};
pub use output::{
    ClaimHeld, ClaimMark, Concluded, Conclusion, LastPublication, Occurrence, Publication, RaisedEvent,
    VOICES, WaitingAct, question_key,
};
pub use recent::{KEPT, KEPT_AFTER_A_CUT, Recent, SEPARATOR, key};
pub use review::{OpenReview, QueueReviews, ReviewEnd, ReviewMiss, ReviewTurn};
pub use task::{Branch, BranchEnd, ENDED, FanOutState, Feedback, HandoffOrder, Task, TaskStage};
pub use timer::Timer;
pub use work::{Attempt, OpenAct, SILENCE, Work, WorkKind, WorkResult};

use super::ids::{Seq, WorkspaceId};

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
    pub imports: Imports,
    /// The last deeds as links of chains of causes.
    pub links: Links,
}

impl State {
    /// A workspace before its first deed.
    pub fn new(workspace: WorkspaceId) -> Self {
        Self {
            board: Board::new(workspace),
            entities: Entities::default(),
            access: Access::default(),
            imports: Imports::default(),
            links: Links::default(),
        }
    }

    /// The last deed folded in.
    pub fn head(&self) -> Seq {
        self.board.head
    }
}
