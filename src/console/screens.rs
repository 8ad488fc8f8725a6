//! The views. Each owns its small state, its update and its drawing; the app owns the screens, and asks them in turn.
//!
//! # How a screen is written
//!
//! A screen implements [`Screen`]. It gets *actions* (never raw keys, but for text in a prompt), looks at the [`World`], and
//! answers with [`Want`]s. It never blocks and never fetches: what it needs from the server is a [`Want::Ask`], whose answer
//! comes back through [`Screen::told`] under the screen's own tag. Drawing is a function of its state.
//!
//! The app has already seen to this before an action arrives: deciding actions are dropped while the link is down, when they
//! were typed ahead of what is shown, and for people who may only look. A screen that opens something modal of its own
//! (prompt, preview, picker) says so by [`Screen::context`]; keys then mean what that context says and nothing else.

pub mod agents;
pub mod conflicts;
pub mod inbox;
pub mod log;
pub mod map;
pub mod watch;
pub mod work;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crossterm::event::MouseEvent;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::Line;

use super::action::Action;
use super::ask::{Told, Trouble, What};
use super::kept::Change;
use super::keymap::Context;
use super::message::Pace;
use super::place::{Place, Spot, View};
use super::under::Under;
use super::widgets::Look;
use super::widgets::chrome::Tone;
use super::widgets::form::Form;
use super::widgets::prompt::Insert;
use super::widgets::spoken::{self, Layer};
use super::world::World;
use super::{linear, testing};
use crate::domain::deed::Deed;
use crate::domain::ids::{ItemNo, Seq};
use crate::domain::state::Thing;

/// What a screen wants of the app.
#[derive(Debug, Clone, PartialEq)]
pub enum Want {
    /// A request to the server; the answer comes to [`Screen::told`] under this tag.
    Ask {
        /// The screen's own number for it.
        tag: u64,
        /// What is asked.
        what: What,
    },
    /// To another place; the present one is remembered for `back`.
    Go(Place),
    /// Words in the last line until the next key.
    Say(Tone, String),
    /// Text on the clipboard, and what it is.
    Copy { text: String, what: String },
    /// A file in the person's editor; [`Screen::edited`] hears of it.
    Edit(PathBuf),
    /// To be kept from now on, or not any more.
    Keep(Change),
    /// A case is to be taken from whoever has it, which needs a reason.
    TakeOver(ItemNo),
    /// To look at how everything was after that deed.
    Look(Seq),
}

impl Want {
    /// Says that something failed.
    pub fn fail(words: impl Into<String>) -> Vec<Self> {
        vec![Self::Say(Tone::Failed, words.into())]
    }

    /// Says what is missing.
    pub fn warn(words: impl Into<String>) -> Vec<Self> {
        vec![Self::Say(Tone::Warning, words.into())]
    }

    /// Says something for information.
    pub fn info(words: impl Into<String>) -> Vec<Self> {
        vec![Self::Say(Tone::Info, words.into())]
    }

    /// Says that something is done.
    pub fn done(words: impl Into<String>) -> Vec<Self> {
        vec![Self::Say(Tone::Done, words.into())]
    }

    /// To a deed, a filter or a chain in the log.
    pub fn log(spot: Spot) -> Vec<Self> {
        vec![Self::Go(Place::at(View::Log, spot))]
    }

    /// Puts a text on the clipboard; what became of it is said with what it is.
    pub fn copied(text: String, what: impl fmt::Display) -> Vec<Self> {
        vec![Self::Copy { text, what: what.to_string() }]
    }
}

/// What a tab shows beside its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Badge {
    /// How many wait there.
    pub count: Option<usize>,
    /// Whether one of them needs attention now.
    pub attention: bool,
}

/// Where a screen draws.
#[derive(Debug, Clone, Copy)]
pub struct Areas {
    /// Between tabs and hints: the view's own.
    pub body: Rect,
    /// Everything: for boxes that lie over the view.
    pub screen: Rect,
}

/// One view.
pub trait Screen {
    /// Which one.
    fn view(&self) -> View;

    /// Whose keys count now: the view's own, or those of the prompt, preview or picker that it has open.
    fn context(&self) -> Context {
        self.view().context()
    }

    /// The title of help: `Keys of the inbox`. The actions that make sense now, most useful first, for the hint line.
    fn hints(&self, world: &World) -> Vec<Action>;

    /// The signs that only this view has, with what they mean: for help.
    fn signs(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    /// What an action does now, where that is not what its label says.
    fn does(&self, action: Action, world: &World) -> Option<String> {
        _ = (action, world);
        None
    }

    /// What its tab shows.
    fn badge(&self, world: &World) -> Badge {
        _ = world;
        Badge::default()
    }

    /// Does what an action asks for.
    fn act(&mut self, action: Action, world: &World) -> Vec<Want>;

    /// Takes text: a key that has no meaning in the context of a prompt or picker, or what was pasted.
    fn insert(&mut self, insert: Insert<'_>, world: &World) -> Vec<Want> {
        _ = (insert, world);
        Vec::new()
    }

    /// Takes a click or the wheel inside of its area, as last drawn.
    fn mouse(&mut self, event: MouseEvent, world: &World) -> Vec<Want> {
        _ = (event, world);
        Vec::new()
    }

    /// A deed came; the board has it already. Not called for those that the first board holds.
    fn deed(&mut self, deed: &Arc<Deed>, world: &World) {
        _ = (deed, world);
    }

    /// The board, the link or the time changed: bring what is derived from them up to date. Once for each batch of changes,
    /// before it is drawn.
    fn refresh(&mut self, world: &World) -> Vec<Want>;

    /// The whole board was replaced: another workspace, or a new start. What was remembered of the old one is gone.
    fn reset(&mut self);

    /// Another moment is looked at: the past from now on, an earlier or a later past. Whoever holds more than the board
    /// tells lets go of it. Coming back to the present is not told: the screens of the present were not touched.
    fn moment(&mut self, world: &World) {
        _ = world;
    }

    /// The box that it has open, and what that is about.
    fn form(&self) -> Option<(String, &Form)> {
        None
    }

    /// What its rows are filtered by, beside what is part of its spot.
    fn filter(&self) -> Option<&str> {
        None
    }

    /// Filters its rows by what they were filtered by before.
    fn filter_by(&mut self, text: &str, world: &World) -> Vec<Want> {
        _ = (text, world);
        Vec::new()
    }

    /// Whether there is something in it that `close` would close.
    fn is_open(&self) -> bool {
        false
    }

    /// An answer to what this screen asked.
    fn told(&mut self, tag: u64, result: Result<Told, Trouble>, world: &World) -> Vec<Want> {
        _ = (tag, result, world);
        Vec::new()
    }

    /// A file came back from the editor.
    fn edited(&mut self, file: &Path, outcome: Result<(), String>, world: &World) -> Vec<Want> {
        _ = (file, outcome, world);
        Vec::new()
    }

    /// The reader comes here, to a spot or to wherever they last were.
    fn enter(&mut self, spot: Option<&Spot>, world: &World) -> Vec<Want>;

    /// What lies under the cursor: what the quick peek shows, and what can be overridden.
    fn under(&self, world: &World) -> Under {
        _ = world;
        Under::default()
    }

    /// The things of the board that are shown with all that they carry, or are about to be decided on.
    fn shows(&self, world: &World) -> Vec<Thing> {
        _ = world;
        Vec::new()
    }

    /// Where the reader is, for `back`.
    fn spot(&self) -> Option<Spot>;

    /// Grows whenever what a deciding key would act on has changed.
    fn epoch(&self) -> u64 {
        0
    }

    /// How often the time is wanted.
    fn pace(&self) -> Pace {
        Pace::Minute
    }

    /// What is read out of it, for who listens: made of what its widgets tell while it is drawn, and where they tell
    /// nothing, of the rows as they are drawn.
    fn spoken(&self, look: Look<'_>, world: &World) -> Vec<Layer> {
        let screen = linear::SCREEN;
        let mut buffer = Buffer::empty(screen);
        let areas = Areas { body: screen, screen };
        let mut layers = spoken::listen(|| _ = self.draw(&mut buffer, areas, look, world));
        if let Some(own) = layers.first_mut().filter(|own| own.row.is_none() && own.text.is_empty()) {
            let rows = testing::text(&buffer);
            own.text = rows.lines().map(|row| spoken::words(&Line::from(row.to_owned()))).collect();
            own.text.retain(|row| !row.is_empty());
        }
        layers
    }

    /// Draws it; the result is where the terminal's cursor belongs, if text is being typed.
    fn draw(&self, buffer: &mut Buffer, areas: Areas, look: Look<'_>, world: &World) -> Option<Position>;
}

/// All screens, in the order of their tabs.
pub fn all() -> Vec<Box<dyn Screen>> {
    vec![
        Box::new(inbox::Inbox::default()),
        Box::new(log::Log::default()),
        Box::new(map::MapScreen::default()),
        Box::new(conflicts::Conflicts::default()),
        Box::new(agents::Agents::default()),
        Box::new(work::WorkScreen::default()),
        Box::new(watch::Watch::default()),
    ]
}
