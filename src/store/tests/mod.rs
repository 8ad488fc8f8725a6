//! The image of values: what it answers, to histories by chance, after kills and damage, and what it costs.

mod bench;
mod code;
mod damage;
mod far;
mod history;
mod kill;
mod room;
pub(crate) mod sample;
