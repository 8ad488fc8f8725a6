//! The terminal: taken over on entry, given back in every way out.
//!
//! Normal exit and error: the guard is dropped. Panic: a hook gives it back before the message is printed. INT, TERM, HUP,
//! QUIT and stop/continue: `signals` tells the loop. A terminal that is gone: `hangup` ends the program. What is drawn does
//! not live here.

pub mod backend;
pub mod background;
pub mod clipboard;
pub mod distance;
pub mod hangup;
pub mod input;
pub mod links;
pub mod notice;
pub mod paint;
pub mod signals;

use std::fs::File;
use std::io::{self, IsTerminal as _, Write as _};
use std::os::fd::AsFd as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, Once, OnceLock, PoisonError};
use std::thread::{self, ThreadId};

use rustix::process::{Signal, getpid, kill_process};

/// Puts the window's title on the terminal's stack; `LEAVE` takes it off.
const KEEP_TITLE: &str = "\x1b[22;0t";
/// Alternate screen, no cursor, bracketed paste.
const ENTER: &str = "\x1b[?1049h\x1b[2J\x1b[?25l\x1b[?2004h";
/// The reverse, in an order that is harmless however far `ENTER` got; ends a synchronized update that was cut short.
const LEAVE: &str =
    "\x1b[?2026l\x1b[?1006l\x1b[?1003l\x1b[?1002l\x1b[?1000l\x1b[?2004l\x1b[0m\x1b[?25h\x1b[?1049l\x1b[23;0t";
/// Where lines are only added: bracketed paste, and its reverse.
const ENTER_LINEAR: &str = "\x1b[?2004h";
const LEAVE_LINEAR: &str = "\x1b[?2004l\r\n";
/// Buttons, drag and wheel, in the SGR encoding that has no limit at column 223.
const MOUSE_ON: &str = "\x1b[?1000h\x1b[?1002h\x1b[?1006h";
const MOUSE_OFF: &str = "\x1b[?1006l\x1b[?1002l\x1b[?1000l";
/// Messages of panics in background threads that are kept for printing after the end.
const KEPT_PANICS_MAX: usize = 16;

static ENTERED: AtomicBool = AtomicBool::new(false);
static MOUSE: AtomicBool = AtomicBool::new(false);
static LINEAR: AtomicBool = AtomicBool::new(false);
static HOOK: Once = Once::new();
static OUTPUT: OnceLock<File> = OnceLock::new();
static OWNER: Mutex<Option<ThreadId>> = Mutex::new(None);
static PANICS: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Holds the terminal; dropping it gives the terminal back.
#[derive(Debug)]
pub struct Guard {
    _only_from_enter: (),
}

impl Guard {
    /// Takes the terminal over: raw mode, alternate screen, bracketed paste, hidden cursor, and the mouse if wanted. Where lines
    /// are only added (`linear`), raw mode and bracketed paste, and nothing else.
    ///
    /// # Errors
    /// When standard input or output is no terminal, or its mode can't be changed.
    pub fn enter(mouse: bool, linear: bool) -> io::Result<Self> {
        if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
            return Err(io::Error::new(
                io::ErrorKind::Unsupported,
                "the console needs a terminal on standard input and output; use the commands (`deeds inbox list`, `deeds log`) in scripts",
            ));
        }
        output()?;
        *OWNER.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread::current().id());
        HOOK.call_once(install_panic_hook);
        // Otherwise crossterm drops reverse and bold together with the colours when NO_COLOR is set; the theme sees to that.
        crossterm::style::force_color_output(true);
        let guard = Self { _only_from_enter: () };
        MOUSE.store(mouse && !linear, Ordering::SeqCst);
        LINEAR.store(linear, Ordering::SeqCst);
        take()?;
        Ok(guard)
    }

    /// Turns mouse reports on or off.
    ///
    /// # Errors
    /// When the terminal can't be written.
    pub fn mouse(&self, on: bool) -> io::Result<()> {
        MOUSE.store(on, Ordering::SeqCst);
        write_out(if on { MOUSE_ON } else { MOUSE_OFF })
    }

    /// Gives the terminal back, stops the process as ctrl-z in a shell would, and takes the terminal again when continued.
    ///
    /// # Errors
    /// When the process can't be stopped or the terminal can't be taken again.
    pub fn stop_until_continued(&self) -> io::Result<()> {
        give_back();
        kill_process(getpid(), Signal::STOP)?;
        take()
    }

    /// Gives the terminal to another program (an editor) while `run` lasts.
    ///
    /// # Errors
    /// When the terminal can't be taken again.
    pub fn lend<T>(&self, run: impl FnOnce() -> T) -> io::Result<T> {
        give_back();
        let result = run();
        take()?;
        Ok(result)
    }

    /// Makes sure that the modes are ours, after a stop that could not be announced.
    ///
    /// # Errors
    /// When the terminal's mode can't be set.
    pub fn take_again(&self) -> io::Result<()> {
        _ = crossterm::terminal::disable_raw_mode();
        take()
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        give_back();
        *OWNER.lock().unwrap_or_else(PoisonError::into_inner) = None;
        for message in PANICS.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            _ = writeln!(io::stderr(), "{message}");
        }
    }
}

/// Gives the terminal back if it is taken. Safe to call from anywhere, any number of times; what fails is passed over, since
/// there is nobody left to tell.
pub fn give_back() {
    if !ENTERED.swap(false, Ordering::SeqCst) {
        return;
    }
    _ = write_out(if LINEAR.load(Ordering::SeqCst) { LEAVE_LINEAR } else { LEAVE });
    _ = crossterm::terminal::disable_raw_mode();
}

/// A handle of its own on the terminal, free of the standard library's lock, so that a panic while drawing can't block on it.
///
/// # Errors
/// When the descriptor can't be duplicated.
pub fn output() -> io::Result<&'static File> {
    if let Some(file) = OUTPUT.get() {
        return Ok(file);
    }
    let file = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    Ok(OUTPUT.get_or_init(|| file))
}

fn take() -> io::Result<()> {
    crossterm::terminal::enable_raw_mode()?;
    if LINEAR.load(Ordering::SeqCst) {
        ENTERED.store(true, Ordering::SeqCst);
        return write_out(ENTER_LINEAR);
    }
    if !ENTERED.swap(true, Ordering::SeqCst) {
        write_out(KEEP_TITLE)?;
    }
    write_out(ENTER)?;
    if MOUSE.load(Ordering::SeqCst) {
        write_out(MOUSE_ON)?;
    }
    Ok(())
}

fn write_out(text: &str) -> io::Result<()> {
    let mut out = output()?;
    out.write_all(text.as_bytes())
}

/// A panic of the console's own thread gives the terminal back and prints; one of another thread would only draw over the
/// screen, so it is kept and printed at the end.
fn install_panic_hook() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        let owner = OWNER.try_lock().ok().and_then(|owner| *owner);
        if ENTERED.load(Ordering::SeqCst) && owner.is_some_and(|owner| owner != thread::current().id()) {
            if let Ok(mut kept) = PANICS.try_lock()
                && kept.len() < KEPT_PANICS_MAX
            {
                kept.push(format!("a background task panicked: {info}"));
            }
            return;
        }
        give_back();
        before(info);
    }));
}
