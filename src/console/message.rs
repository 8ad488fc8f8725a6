//! The one way onto the screen: everything that happens is a message, everything that is wanted is an effect.

use crossterm::event::{KeyEvent, MouseEvent};

use super::terminal::clipboard::Route;
use super::terminal::notice::{Notice, Way};
use super::theme::file::Custom;
use super::theme::{Rgb, Slot};

/// What happened. `S` is what the client's side sends: deeds, answers, link states.
#[derive(Debug, Clone, PartialEq)]
pub enum Message<S> {
    /// A key was pressed.
    Key(Typed),
    /// Text was pasted. It can be inserted where text is typed; it never decides.
    Paste(String),
    /// The mouse did something; and whether that was ahead of what is shown, as of a key.
    Mouse(MouseEvent, bool),
    /// The terminal has this size now, in cells.
    Resize {
        /// Columns.
        width: u16,
        /// Rows.
        height: u16,
    },
    /// The terminal has told one of its colours, late.
    Colour(Slot, Rgb),
    /// The terminal turned out to be far away: its answer took this long, there and back.
    Far(std::time::Duration),
    /// The person's theme file was read again: what is in it, or what is wrong with it.
    Theme(Result<Custom, String>),
    /// The time, in microseconds UTC: at the start, each full minute, and as often as the program's pace asks.
    Clock {
        /// Microseconds since 1970 UTC.
        now_micros: i64,
    },
    /// The client's side has something.
    Server(S),
}

/// A key press.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Typed {
    pub key: KeyEvent,
    /// It was pressed before its presser could have seen what the screen shows now: the focused case has changed since. Such
    /// a key must not decide.
    pub ahead: bool,
}

/// What is wanted from outside. `E` is what the client's side does: answers, claims, pages to fetch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect<E> {
    /// End the console.
    Quit,
    /// Stop, as ctrl-z does in a shell.
    Suspend,
    /// Draw everything anew.
    Redraw,
    /// Mouse reports on or off.
    Mouse(bool),
    /// Put text on the clipboard, by this route.
    Copy(String, Route),
    /// Ring.
    Bell,
    /// Have the terminal show a notification, this way.
    Notice(Notice, Way),
    /// Set the window's title.
    Title(String),
    /// Read the person's theme file; the program hears of it by the message.
    ReadTheme,
    /// Give the terminal to the person's editor with this file; the program hears of it by the message.
    Edit(std::path::PathBuf),
    /// Something for the client's side, started outside of the loop; its result comes back as a message.
    Do(E),
}

/// How often the program wants to hear the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pace {
    /// Once a minute, for the clock in the header.
    #[default]
    Minute,
    /// Once a second, while a counting time is on the screen.
    Second,
    /// Four times a second, while something is under way.
    Animation,
}
