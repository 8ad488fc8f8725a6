//! The console: state, update, view; one way onto the screen.
//!
//! Everything that happens (keys, ticks, replies, deeds) is a [`message::Message`]; `update` folds it into the state and
//! answers with [`message::Effect`]s; `view` draws the state. Nothing in a view blocks or fetches.
//!
//! - [`run`] is the loop, [`terminal`] the terminal, [`message`] what goes through the loop, [`testing`] the loop without a
//!   terminal.
//! - [`app`] is the whole: the screens, what lies over them, and the one `update`. [`world`] is what every screen may look
//!   at, [`ask`] what can be asked of the server, [`asking`] what is under way and how it came out, [`place`] where a reader
//!   can be.
//! - [`open`] is the way in, [`wire`] carries between console and client.
//! - [`screens`] has one module for each view; its page says how a screen is written. [`widgets`] know no domain.
//! - [`under`] is what lies under the cursor, [`peek`] a quick look at it, [`overriding`] an override being made,
//!   [`reviews`] which review is owed, [`tally`] how many deeds came out how.
//! - [`linear`] tells in lines what is drawn, for who listens to it: another presenter of the same screens.
//! - [`kept`] is what a person's console keeps from one start to the next.
//! - [`notify`] is how a person is told who looks elsewhere.
//! - [`keymap`] says what keys mean, [`action`] what can be meant, [`theme`] and [`glyphs`] how things look.
//! - Text from agents passes through [`untrusted`] and nothing else.

pub mod action;
pub mod app;
pub mod ask;
pub mod asking;
pub mod desk;
mod frame;
pub mod glyphs;
pub mod goal;
pub mod kept;
pub mod keymap;
pub mod keys;
pub mod linear;
pub mod message;
pub mod notify;
pub mod open;
pub mod overriding;
pub mod peek;
pub mod picture;
pub mod place;
pub mod record;
pub mod rehearsing;
pub mod replay;
pub mod reviews;
pub mod run;
pub mod screens;
pub mod tally;
pub mod terminal;
pub mod testing;
pub mod theme;
pub mod under;
pub mod untrusted;
pub mod widgets;
pub mod wire;
pub mod words;
pub mod world;
