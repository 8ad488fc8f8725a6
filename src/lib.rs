//! Deeds: who may write what in a team of agents, decided, recorded and shown.
//!
//! Commands go in, pure rules decide, deeds are appended, and everything that anyone sees is folded from deeds.

// Docs on everything are asked of the layers that are read by those who don't write them.
#[warn(missing_docs)]
pub mod api;
pub mod cli;
#[warn(missing_docs)]
pub mod client;
pub mod config;
pub mod console;
pub mod coordinator;
pub mod demo;
#[warn(missing_docs)]
pub mod domain;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
pub mod gateway;
#[warn(missing_docs)]
pub mod hook;
pub mod import;
pub mod index;
#[warn(missing_docs)]
pub mod ledger;
pub mod mcp;
pub mod rehearse;
pub mod server;
#[warn(missing_docs)]
pub mod store;
