//! Deeds: who may write what in a team of agents, decided, recorded and shown.
//!
//! Commands go in, pure rules decide, deeds are appended, and everything that anyone sees is folded from deeds.

pub mod api;
pub mod cli;
pub mod client;
pub mod config;
pub mod console;
pub mod coordinator;
pub mod demo;
pub mod domain;
pub mod import;
pub mod index;
pub mod ledger;
pub mod server;
