//! Looks at a map from outside: what it would have said to past deeds, what a history proposes, what a page about it says.
//!
//! Nothing here decides; the map itself and the questions that rules ask of it are in `map`.

mod document;
pub mod infer;
pub mod plan;

pub use document::document;
pub use infer::{Inferred, Inferring};
pub use plan::{Plan, Planning, Weighed};
