//! The loop: one biased select over signals, input, the client's side, and the timer.
//!
//! Input draws at once; other changes are gathered and drawn at most ten times a second (five on a slow link, which is known
//! by how long the terminal's answers or a write to it take). Nothing changed: nothing is written. Rules about what a message means live in the program's `update`, not here.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crossterm::event::{Event, KeyEventKind};
use ratatui::buffer::Buffer;
use ratatui::{Frame, Terminal};
use thiserror::Error;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};

use super::linear::{Scene, Teller};
use super::message::{Effect, Message, Pace, Typed};
use super::terminal::backend::{FrameBackend, terminal_size};
use super::terminal::background::{Answer, LateAnswer, Sifted};
use super::terminal::distance::Distance;
use super::terminal::input::Input;
use super::terminal::signals::{Asked, Signals};
use super::terminal::{Guard, hangup, links};
use super::theme::file::Custom;
use super::untrusted::{self, visible_lines};

/// Between two frames that nobody's key asked for: at this pace a hundred deeds a second take fewer bytes than their lines.
const FRAME: Duration = Duration::from_millis(100);
/// The same on a link that takes long to swallow a frame.
const FRAME_SLOW: Duration = Duration::from_millis(200);
/// A frame that takes this long to write was written to a slow link.
const SLOW_WRITE: Duration = Duration::from_millis(30);
/// Between two tellings that nobody's key asked for, where they are lines.
const TOLD: Duration = Duration::from_secs(1);
/// Input events taken in one go before drawing.
const INPUT_BATCH: usize = 64;
/// Messages of the client's side taken in one go.
const SERVER_BATCH: usize = 512;
/// Between two looks at the theme file.
const LOOK_EVERY: Duration = Duration::from_secs(1);
const MINUTE_MICROS: i64 = 60_000_000;
const SECOND_MICROS: i64 = 1_000_000;

/// What runs in the loop: state, update, view.
pub trait Program {
    /// What the client's side sends.
    type Server: Send + 'static;
    /// What the client's side is asked for.
    type Effect;

    /// Takes one message in. Never blocks, never fetches.
    fn update(&mut self, message: Message<Self::Server>) -> Vec<Effect<Self::Effect>>;

    /// Brings what is derived from the state up to date, once after every batch of messages, before anything is drawn.
    fn settle(&mut self) -> Vec<Effect<Self::Effect>> {
        Vec::new()
    }

    /// Draws the state. Never blocks, never fetches.
    fn view(&self, frame: &mut Frame<'_>);

    /// What there is to be read out; what came is told once.
    fn scene(&mut self) -> Scene {
        Scene::default()
    }

    /// Grows whenever what a deciding key would act on has changed; keys pressed before that are marked as typed ahead.
    fn focus_epoch(&self) -> u64;

    /// How often the time is wanted.
    fn pace(&self) -> Pace {
        Pace::Minute
    }

    /// A file that says how it looks: whenever it has changed, it is read, and the program told.
    fn theme_file(&self) -> Option<&Path> {
        None
    }

    /// The message for a file that came back from the editor, if the program edits files.
    fn edited(&self, file: &Path, outcome: Result<(), String>) -> Option<Self::Server> {
        _ = (file, outcome);
        None
    }
}

/// How the console is run.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "each is a setting of its own")]
pub struct Options {
    /// Whether it is read out in lines that are only added, not drawn.
    pub linear: bool,
    /// Whether the mouse is on at the start.
    pub mouse: bool,
    /// Whether frames are synchronized updates (mode 2026).
    pub synchronized: bool,
    /// Whether addresses are links, where the terminal is known to have them.
    pub links: bool,
    /// Reads the clock: microseconds since 1970 UTC.
    pub clock: fn() -> i64,
}

/// Why the loop ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The person quit.
    Quit,
    /// A signal asked for it.
    Signal(i32),
    /// The terminal is gone.
    TerminalGone,
}

impl Ending {
    /// The exit status that goes with it.
    pub fn exit_status(self) -> u8 {
        match self {
            Self::Quit => 0,
            Self::Signal(number) => u8::try_from(128 + number).unwrap_or(u8::MAX),
            Self::TerminalGone => u8::try_from(hangup::EXIT_STATUS).unwrap_or(u8::MAX),
        }
    }
}

/// Why the console can't run.
#[derive(Debug, Error)]
pub enum ConsoleError {
    /// The terminal can't be taken, read or written.
    #[error("terminal: {0}")]
    Terminal(#[from] io::Error),
}

/// Runs a program on the terminal until it ends.
///
/// `before` has the guard and the terminal's answer about its colours, from [`prepare`]. `server` brings the client's
/// messages; `perform` starts an effect and returns at once.
///
/// # Errors
/// When the terminal can't be read or written. It is given back first.
pub async fn run<P: Program>(
    program: &mut P,
    before: Prepared,
    server: mpsc::Receiver<P::Server>,
    perform: impl FnMut(P::Effect),
    options: Options,
) -> Result<Ending, ConsoleError> {
    let backend =
        FrameBackend::new(super::terminal::output()?, terminal_size, options.synchronized && !options.linear)
            .with_links(
                options.links && !options.linear && links::are_known(|name| std::env::var(name).ok()),
            );
    let mut looped = Loop {
        program,
        perform,
        guard: before.guard,
        terminal: Terminal::new(backend)?,
        input: Input::start(),
        late: LateAnswer::expected_after(&before.answer),
        distance: Distance::new(before.asked.into_std(), before.answer.is_in_time()),
        drawn_epoch: 0,
        teller: options.linear.then(Teller::default),
        asked: true,
        due: None,
        last_unasked: Instant::now(),
        awaited: false,
        frame_every: if options.linear { TOLD } else { FRAME },
        clock: options.clock,
        ended: None,
        to_edit: None,
        theme: ThemeWatch::default(),
    };
    looped.turn_until_end(before.gone, before.signals, server).await
}

/// The terminal, taken, with what it said of itself.
#[derive(Debug)]
pub struct Prepared {
    guard: Guard,
    /// What the terminal answered about its colours.
    pub answer: Answer,
    asked: Instant,
    gone: oneshot::Receiver<()>,
    signals: Signals,
}

/// Takes the terminal, starts to watch it, and asks for its colours. To be called inside the runtime, on the thread that
/// will run the loop.
///
/// # Errors
/// When there is no terminal, or it can't be taken.
pub fn prepare(options: Options) -> Result<Prepared, ConsoleError> {
    let signals = Signals::listen()?;
    let guard = Guard::enter(options.mouse, options.linear)?;
    let gone = hangup::watch()?;
    let asked = Instant::now();
    // Who listens sees no colours; nothing is asked.
    let answer = if options.linear { Answer::default() } else { super::terminal::background::ask()? };
    Ok(Prepared { guard, answer, asked, gone, signals })
}

struct Loop<'a, P: Program, F: FnMut(P::Effect)> {
    program: &'a mut P,
    perform: F,
    guard: Guard,
    terminal: Terminal<FrameBackend<&'static std::fs::File>>,
    input: Input,
    late: LateAnswer,
    distance: Distance,
    drawn_epoch: u64,
    /// Says in lines what is another, where nothing is drawn.
    teller: Option<Teller>,
    /// Whether a key was pressed since it last said something.
    asked: bool,
    /// When a change that nobody's key caused is to be drawn.
    due: Option<Instant>,
    /// When a frame was drawn last that no key asked for.
    last_unasked: Instant,
    /// Whether a key may have asked for what comes next, which is then drawn at once.
    awaited: bool,
    frame_every: Duration,
    clock: fn() -> i64,
    ended: Option<Ending>,
    /// A file to be edited as soon as the message at hand is done.
    to_edit: Option<PathBuf>,
    theme: ThemeWatch,
}

/// When the theme file was looked at last, and how old it was then. Nothing wakes up for it: it is looked at when a key is
/// pressed, and with the clock.
#[derive(Debug, Default)]
struct ThemeWatch {
    looked: Option<Instant>,
    changed: Option<SystemTime>,
}

impl ThemeWatch {
    /// Whether it has changed since the last look. At most one look in a second; the first one only remembers.
    fn has_changed(&mut self, file: &Path) -> bool {
        let now = Instant::now();
        if self.looked.is_some_and(|looked| now.duration_since(looked) < LOOK_EVERY) {
            return false;
        }
        let first = self.looked.replace(now).is_none();
        // A file that is being replaced may be absent for a moment: it is looked at again with the next key.
        let Ok(changed) = file.metadata().and_then(|about| about.modified()) else { return false };
        self.changed.replace(changed) != Some(changed) && !first
    }
}

impl<P: Program, F: FnMut(P::Effect)> Loop<'_, P, F> {
    async fn turn_until_end(
        &mut self,
        mut gone: oneshot::Receiver<()>,
        mut signals: Signals,
        mut server: mpsc::Receiver<P::Server>,
    ) -> Result<Ending, ConsoleError> {
        let size = self.terminal.size()?;
        self.take(Message::Clock { now_micros: (self.clock)() })?;
        self.take(Message::Resize { width: size.width, height: size.height })?;
        self.look_at_theme()?;
        self.settle()?;
        self.draw()?;
        let mut arrived = Vec::with_capacity(SERVER_BATCH);
        let mut server_open = true;
        loop {
            if let Some(ending) = self.ended {
                return Ok(ending);
            }
            if let Some(file) = self.to_edit.take() {
                self.edit(&file).await?;
            }
            let wake = self.next_tick();
            let due = self.due;
            tokio::select! {
                biased;
                _ = &mut gone => return Ok(Ending::TerminalGone),
                asked = signals.next() => self.signal(asked)?,
                event = self.input.next() => match event {
                    Some(event) => self.typed(event)?,
                    None => return Ok(Ending::TerminalGone),
                },
                count = server.recv_many(&mut arrived, SERVER_BATCH), if server_open => {
                    server_open = count > 0;
                    for message in arrived.drain(..) {
                        self.take(Message::Server(message))?;
                    }
                    self.settle()?;
                    self.changed()?;
                }
                () = sleep_until(due.unwrap_or(wake)), if due.is_some() => self.draw_unasked()?,
                () = sleep_until(wake) => {
                    self.look_at_theme()?;
                    self.take(Message::Clock { now_micros: (self.clock)() })?;
                    self.settle()?;
                    // That time goes on is nothing to be told.
                    if self.teller.is_none() {
                        self.draw()?;
                    }
                }
            }
        }
    }

    /// Takes an event and all that have arrived with it, draws, and then reads once more what had been typed before the
    /// person could see that the focused case changed.
    fn typed(&mut self, first: Event) -> Result<(), ConsoleError> {
        let mut next = Some(first);
        let mut taken = 0;
        while let Some(event) = next.take() {
            self.event(event)?;
            taken += 1;
            if taken < INPUT_BATCH && self.ended.is_none() {
                next = self.input.arrived();
            }
        }
        if self.program.focus_epoch() != self.drawn_epoch {
            let mut left = INPUT_BATCH;
            while let Some(event) = self.input.arrived().filter(|_| left > 0) {
                self.event(event)?;
                left -= 1;
            }
        }
        self.look_at_theme()?;
        self.awaited = self.teller.is_none();
        self.draw()
    }

    fn event(&mut self, event: Event) -> Result<(), ConsoleError> {
        self.asked = true;
        match event {
            Event::Key(key) if key.kind == KeyEventKind::Release => Ok(()),
            Event::Key(key) => match self.late.sift(&key) {
                Sifted::Key => {
                    let ahead = self.is_ahead();
                    self.take(Message::Key(Typed { key, ahead }))
                }
                Sifted::Swallowed => Ok(()),
                Sifted::Told(slot, colour) => {
                    if let Some(far) = self.distance.heard(Instant::now().into_std()) {
                        self.take(Message::Far(far))?;
                    }
                    self.take(Message::Colour(slot, colour))
                }
            },
            Event::Paste(text) => self.take(Message::Paste(text)),
            Event::Mouse(mouse) => {
                let ahead = self.is_ahead();
                self.take(Message::Mouse(mouse, ahead))
            }
            Event::Resize(width, height) => self.take(Message::Resize { width, height }),
            Event::FocusGained | Event::FocusLost => Ok(()),
        }
    }

    /// Whether what arrives now was pressed before its presser could see what it would decide about.
    fn is_ahead(&self) -> bool {
        self.program.focus_epoch() != self.drawn_epoch || self.distance.is_unseen(Instant::now().into_std())
    }

    fn signal(&mut self, asked: Asked) -> Result<(), ConsoleError> {
        match asked {
            Asked::End(number) => {
                self.ended = Some(Ending::Signal(number));
                Ok(())
            }
            Asked::Stop => self.stop(),
            Asked::Continued => {
                self.guard.take_again()?;
                self.redraw()
            }
        }
    }

    fn take(&mut self, message: Message<P::Server>) -> Result<(), ConsoleError> {
        for effect in self.program.update(message) {
            self.effect(effect)?;
        }
        Ok(())
    }

    fn look_at_theme(&mut self) -> Result<(), ConsoleError> {
        if self.program.theme_file().is_some_and(|file| self.theme.has_changed(file)) {
            self.read_theme()?;
        }
        Ok(())
    }

    fn read_theme(&mut self) -> Result<(), ConsoleError> {
        match self.program.theme_file().map(Custom::load) {
            Some(read) => self.take(Message::Theme(read)),
            None => Ok(()),
        }
    }

    fn effect(&mut self, effect: Effect<P::Effect>) -> Result<(), ConsoleError> {
        match effect {
            Effect::Quit => self.ended = Some(Ending::Quit),
            Effect::Suspend => self.stop()?,
            Effect::Redraw => self.redraw()?,
            Effect::Mouse(on) => self.guard.mouse(on)?,
            // What is pasted into a shell says what it is, as on the screen.
            Effect::Copy(text, route) => self.terminal.backend_mut().say(&route.bytes(&visible_lines(&text))),
            Effect::Bell => self.terminal.backend_mut().say(b"\x07"),
            Effect::Notice(notice, way) => self.terminal.backend_mut().say(&way.bytes(&notice)),
            Effect::Title(title) => {
                let title = untrusted::visible(&title, untrusted::Breaks::Marked);
                self.terminal.backend_mut().say(format!("\x1b]2;{title}\x1b\\").as_bytes());
            }
            Effect::ReadTheme => self.read_theme()?,
            Effect::Edit(file) => self.to_edit = Some(file),
            Effect::Do(effect) => (self.perform)(effect),
        }
        Ok(())
    }

    fn stop(&mut self) -> Result<(), ConsoleError> {
        self.guard.stop_until_continued()?;
        self.redraw()
    }

    /// Lends the terminal to the editor. The loop stands still meanwhile, as the terminal does; deeds wait in their queue.
    async fn edit(&mut self, file: &Path) -> Result<(), ConsoleError> {
        self.input.stop().await;
        let outcome = self.guard.lend(|| run_editor(file))?;
        self.input = Input::start();
        if let Some(message) = self.program.edited(file, outcome) {
            self.take(Message::Server(message))?;
            self.settle()?;
        }
        self.redraw()
    }

    fn redraw(&mut self) -> Result<(), ConsoleError> {
        if let Some(teller) = &mut self.teller {
            teller.forget();
            return self.draw();
        }
        self.terminal.backend_mut().forget();
        self.terminal.clear()?;
        self.draw()
    }

    /// Something changed that no key asked for: it is drawn when the next frame is due.
    fn changed(&mut self) -> Result<(), ConsoleError> {
        let due = self.last_unasked + self.frame_every;
        if std::mem::take(&mut self.awaited) || due <= Instant::now() {
            return self.draw_unasked();
        }
        self.due.get_or_insert(due);
        Ok(())
    }

    fn settle(&mut self) -> Result<(), ConsoleError> {
        for effect in self.program.settle() {
            self.effect(effect)?;
        }
        Ok(())
    }

    fn draw_unasked(&mut self) -> Result<(), ConsoleError> {
        self.last_unasked = Instant::now();
        self.draw()
    }

    fn draw(&mut self) -> Result<(), ConsoleError> {
        self.due = None;
        if let Some(teller) = &mut self.teller {
            let told = teller.tell(self.program.scene(), std::mem::take(&mut self.asked));
            let backend = self.terminal.backend_mut();
            backend.say(told.as_bytes());
            backend.present()?;
            self.drawn_epoch = self.program.focus_epoch();
            return Ok(());
        }
        let program = &*self.program;
        self.terminal.draw(|frame| program.view(frame))?;
        let before = Instant::now();
        self.terminal.backend_mut().present()?;
        let written = Instant::now();
        let slow = self.distance.is_far() || written - before > SLOW_WRITE;
        self.frame_every = if slow { FRAME_SLOW } else { FRAME };
        let epoch = self.program.focus_epoch();
        if std::mem::replace(&mut self.drawn_epoch, epoch) != epoch {
            self.distance.drawn(written.into_std());
        }
        Ok(())
    }

    fn next_tick(&self) -> Instant {
        let step = match self.program.pace() {
            Pace::Minute => MINUTE_MICROS,
            Pace::Second => SECOND_MICROS,
            Pace::Animation => SECOND_MICROS / 4,
        };
        let left = step - (self.clock)().rem_euclid(step);
        Instant::now() + Duration::from_micros(u64::try_from(left).unwrap_or(0))
    }
}

/// One frame of a program as cells, without a terminal: for documentation, tests and bug reports.
pub fn frame_of<P: Program>(program: &P, width: u16, height: u16) -> Option<Buffer> {
    super::testing::buffer(program, width, height)
}

fn run_editor(file: &Path) -> Result<(), String> {
    let editor = ["VISUAL", "EDITOR"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|e| !e.trim().is_empty()));
    let editor = editor.unwrap_or_else(|| "vi".to_owned());
    let mut words = editor.split_whitespace();
    let program = words.next().unwrap_or("vi");
    match std::process::Command::new(program).args(words).arg(file).status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("the editor `{program}` ended with {status}; nothing was applied")),
        Err(error) => {
            Err(format!("the editor `{program}` can't be started: {error}; set EDITOR to one that can"))
        }
    }
}
