//! What the hosts of coding agents say before a tool is used, and how they take an answer: read into one form, without a look
//! at a file, a network or a clock. What is decided, and by which map, `cli/hook` says.

mod call;
mod dialect;
mod patch;
mod search;
pub mod shell;

pub use call::{Answer, Call, Touch, When, Wish};
pub use dialect::{CLAUDE_CODE, CODEX, DIALECTS, Dialect, GEMINI};
pub use search::{Search, pattern};
