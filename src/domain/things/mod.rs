//! What a workspace holds and deeds carry: items, alerts, work, tasks, leases, publications, reviews, tokens, entities.
//!
//! Shapes and what can be read off one of them; how they change is `state`'s, whether they may is `decide`'s.

mod act;
mod alert;
mod answer;
mod away;
mod brief;
mod budget;
mod call;
mod clock;
mod door;
mod entity;
mod guard;
mod held;
mod item;
mod lease;
mod likeness;
mod loss;
mod occurrence;
mod output;
mod review;
mod rounds;
mod signer;
mod stored;
mod task;
mod token;
mod work;

pub use act::{ActOrder, OpenAct, WaitingAct};
pub use alert::{
    Alert, AlertKind, AlertRow, AlertSide, AlertState, CONCLUDED, Escalates, Failure, RaisedAlert, SIDES,
    STOPPED, Severity, Sides, suppressed_of,
};
pub use answer::{ItemAnswer, Likely};
pub use away::{Seat, Until};
pub use brief::{BRIEF, Brief};
pub use budget::{Allowance, Allowed, Keeping, Limits, May, TurnedAway, Usage, weight};
pub use call::{
    Call, CallApproval, CallBegun, CallHow, CallMark, CallStage, CallState, EndedCall, MadeCall, OfferedTool,
    OpenCall, SeenThere, ToolsSeen, call_key,
};
pub use clock::{ClockKept, ClockSight, MOVES, Moved, Rebase, Rebased};
pub use door::{Came, Door, Doors};
pub use entity::{
    ACTORS, ACTORS_KNOWN, Entity, Field, FieldChange, IN_VAIN, IN_VAIN_ALIKE, MOST_ACTORS, RECENT, RUNS, Run,
    Tombstone, Touch, in_vain_key,
};
pub use guard::GuardReport;
pub use held::{HeldField, InFlight, Lasts};
pub use item::{AGAIN, Case, ClosedItem, Effects, Item, PastAnswers, Redone, Ruled, ScopeRule, Suggestion};
pub use lease::{Hold, Lease, LeaseTarget};
pub use likeness::{folded, likeness, says_the_same};
pub use loss::Loss;
pub use occurrence::{Occurred, OccurrenceMark, counted_as};
pub use output::{
    ClaimHeld, ClaimMark, Concluded, Conclusion, Conversation, LastPublication, Met, Occurrence, Publication,
    RaisedEvent, VOICES, WaitingPublication, question_key,
};
pub use review::{
    CameTo, OpenReview, PastTurn, QueueReviews, ReviewEnd, ReviewHeld, ReviewMiss, ReviewPlan, ReviewRound,
    ReviewTurn,
};
pub use rounds::{Rounds, WAKE_UPS};
pub use signer::{KnownKey, PersonKey, Signed, Signer};
pub use task::{
    Branch, BranchEnd, ENDED, EarlierHand, FanOutState, Feedback, HandoffOrder, Task, TaskStage, WorkProduct,
};
pub use token::{Invitation, Token, TokenClass, TokenRecord};
pub use work::{ATTEMPTS, Attempt, Before, Granted, MOST_ATTEMPTS, SILENCE, Work, WorkKind, WorkResult};
pub(super) use work::{path_of, paths_of, without_values};
