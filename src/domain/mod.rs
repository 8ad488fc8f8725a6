//! The rulebook: pure rules and the state they decide on. No IO, no clock, no randomness lives here.

pub mod ids;
pub mod map;
pub mod path;
pub mod time;
pub mod value;
