//! Names of things: entity paths, fields, and the patterns and templates that speak about many of them.
//!
//! Everything here is parsed once, at the edge; inside the domain a path is always valid. Who may write where is
//! `domain::map`'s business, not this module's.

mod entity;
mod glob;
mod looks;
mod overlap;
mod pattern;
mod spelling;
mod template;

pub use entity::{EntityPath, FieldName, FieldPath, MAX_ENTITY_BYTES, MAX_FIELD_BYTES, PathError};
pub use looks::{RESERVED, drawn, reserved};
pub use overlap::{
    Exceptions, MAX_STEPS, MAX_STEPS_TOGETHER, Meeting, Work, covers, example_outside, meet, meets, overlap,
};
pub use pattern::Pattern;
pub use template::{Bindings, Template};

pub(crate) use glob::Glob;
pub(crate) use overlap::{heads_agree, meets_after};
pub(crate) use pattern::{FieldPart, Segment};
pub(crate) use spelling::{composed, in_one_spelling};
