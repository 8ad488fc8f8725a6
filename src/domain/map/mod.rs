//! The ownership map: who may write what, who answers which queue, who yields to whom, what must not be true together.
//!
//! `model` is what a map says, `parse` reads the file that people write, `lint` says what is wrong with it, and
//! `authority` answers questions about it. The decisions built on those answers live in `domain::decide`.

mod access;
mod ahead;
mod asked;
pub mod authority;
pub mod codeowners;
pub mod condition;
mod diff;
pub mod edit;
mod index;
pub mod lint;
pub mod merge;
pub mod model;
mod nearest;
mod overlaps;
pub mod parse;
pub mod schedule;
pub(crate) mod shape;
mod spelling;
pub mod tool;
pub mod whiles;

pub use access::{closed_resources, without_access};
pub use ahead::Ahead;
pub use asked::{MOST_APPROVALS, MOST_DAYS, Rate, Thresholds};
pub use authority::{Authority, Map, Routing};
pub use condition::{Condition, Happens, Occasion, Op};
pub use diff::{Change, Sign, difference};
pub use edit::{EditError, Grant};
pub(super) use index::PatternIndex;
pub use lint::{Finding, Lint, Severity};
pub(crate) use model::text_matches;
pub use model::text_matches as names;
pub use model::{
    Agent, Basis, Contradiction, Defer, Event, FieldKind, FieldRule, Mode, Model, OnExhausted, Output,
    Person, Queue, Route, SignedFor,
};
pub use nearest::{nearest_listener, nearest_zone};
pub use parse::{Parsed, parse};
pub use schedule::{Schedule, day_begins};
pub use spelling::nearest as nearest_name;
pub use tool::{AllFields, Does, Piece, ToolFields, ToolRow, Unmapped, pieces};
pub use whiles::{ID, SUBJECT, While};
