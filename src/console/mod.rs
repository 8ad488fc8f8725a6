//! The console: state, update, view; one way onto the screen.
//!
//! Everything that happens (keys, ticks, replies, deeds) is a [`message::Message`]; `update` folds it into the state and
//! answers with [`message::Effect`]s; `view` draws the state. Nothing in a view blocks or fetches. The loop is in [`run`],
//! the terminal in [`terminal`], what keys mean in [`keymap`], what colours mean in [`theme`]. Text from agents passes
//! through [`untrusted`] and nothing else.

pub mod action;
pub mod glyphs;
pub mod keymap;
pub mod keys;
pub mod message;
pub mod run;
pub mod terminal;
pub mod testing;
pub mod theme;
pub mod untrusted;
pub mod widgets;
