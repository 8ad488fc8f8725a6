//! The rulebook: pure rules and the state they decide on. No IO, no clock, no randomness lives here.

pub mod arguments;
pub mod code;
pub mod command;
pub mod decide;
pub mod deed;
pub mod filter;
pub mod hash;
pub mod ids;
pub mod key;
pub mod map;
pub mod outcome;
pub mod path;
pub mod query;
pub mod readiness;
pub mod reply;
pub mod rule;
mod schema;
pub mod sight;
pub mod signature;
pub mod state;
pub mod survey;
pub mod things;
pub mod time;
pub mod value;
