//! Trying rules out: a workspace in memory under a clock that the caller moves, and the tests of a map that are played in
//! it. The real `decide`, no server, no disk, no wall clock.
//!
//! `file` reads a test file, `steps` and `expect` are its two tables (what can be done, what can be expected), `desk`
//! makes a command of a step, `play` plays a case in a `world`, `coverage` says what of the map none of them touched. `weeks` lets a team live,
//! `story` plays a recorded history again.

mod clock;
mod coverage;
mod dealings;
mod desk;
mod expect;
mod file;
mod founding;
mod given;
mod hands;
mod life;
mod play;
mod random;
mod reader;
mod steps;
mod story;
mod weeks;
mod words;
mod world;

pub use coverage::{Coverage, Covered};
pub use file::{Case, Suite};
pub use founding::onlooker;
pub use life::Life;
pub use play::{CaseReport, Difference, Failure, SuiteReport};
pub use random::Random;
pub use reader::Fault;
pub use story::{CameOut, LeftOut, Replay, Retold, Story, Turn, Turned, Turns};
pub use weeks::{Rehearsal, Rehearsed, Stands, Week};
pub use words::{Word, words};
pub use world::{Mark, World};
