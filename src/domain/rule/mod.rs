//! The rules, each once: questions about a map and the facts at hand, with values for answers. `decide` asks them, and so
//! do the plan and the console; what follows from an answer, and its words, are theirs. Hooks ask the map itself.

pub mod attempt;
pub mod basis;
pub mod contradiction;
pub mod conversation;
pub mod cover;
pub mod in_hand;
pub mod kind;
pub mod naming;
pub mod occurrence;
pub mod order;
pub mod ordered;
pub mod output;
pub mod overriding;
pub mod predict;
pub mod reason;
pub mod reviewer;
pub mod route;
pub mod ruling;
pub mod signed;
pub mod signing;
pub mod target;
pub mod tool;
pub mod turn;
pub mod whiles;
pub mod zone;
