//! The whole console without a terminal: keys in, screen text out. For tests, and for printing one frame as text.

pub mod answers;
#[cfg(test)]
pub(super) mod by_keys;
pub mod team;

use std::fmt::Write as _;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;

use super::keys::Key;
use super::message::{Effect, Message, Typed};
use super::run::Program;

/// Drives a program as the loop would.
#[derive(Debug)]
pub struct Runner<P: Program> {
    /// The program under test.
    pub program: P,
    /// Every effect that it asked for and that nobody took yet.
    pub effects: Vec<Effect<P::Effect>>,
    width: u16,
    height: u16,
    drawn_epoch: u64,
}

impl<P: Program> Runner<P> {
    /// A program on a screen of this size, told its size and the time.
    pub fn new(program: P, width: u16, height: u16, now_micros: i64) -> Self {
        let mut runner = Self { program, effects: Vec::new(), width, height, drawn_epoch: 0 };
        runner.take(Message::Clock { now_micros });
        runner.resize(width, height);
        runner
    }

    /// Types keys, separated by blanks, each seen before the next is pressed: `j j enter`, `text:two_words`, `ctrl-l`.
    ///
    /// # Errors
    /// When one of them is no key.
    pub fn send_keys(&mut self, keys: &str) -> Result<(), String> {
        for key in read_keys(keys)? {
            self.take(Message::Key(Typed { key: key.into(), ahead: false }));
            self.drawn_epoch = self.program.focus_epoch();
        }
        Ok(())
    }

    /// Types keys so fast that no frame is drawn in between.
    ///
    /// # Errors
    /// When one of them is no key.
    pub fn send_keys_at_once(&mut self, keys: &str) -> Result<(), String> {
        for key in read_keys(keys)? {
            let ahead = self.program.focus_epoch() != self.drawn_epoch;
            self.take(Message::Key(Typed { key: key.into(), ahead }));
        }
        self.drawn_epoch = self.program.focus_epoch();
        Ok(())
    }

    /// The mouse does something.
    pub fn mouse(&mut self, event: crossterm::event::MouseEvent) {
        self.take(Message::Mouse(event, false));
    }

    /// Pastes text.
    pub fn paste(&mut self, text: &str) {
        self.take(Message::Paste(text.to_owned()));
    }

    /// Brings a message of the client's side; it is drawn at once.
    pub fn server(&mut self, message: P::Server) {
        self.take(Message::Server(message));
        self.drawn_epoch = self.program.focus_epoch();
    }

    /// Lets time pass to this moment.
    pub fn clock(&mut self, now_micros: i64) {
        self.take(Message::Clock { now_micros });
        self.drawn_epoch = self.program.focus_epoch();
    }

    /// Changes the size.
    pub fn resize(&mut self, width: u16, height: u16) {
        (self.width, self.height) = (width, height);
        self.take(Message::Resize { width, height });
        self.drawn_epoch = self.program.focus_epoch();
    }

    /// What the client's side was asked for since the last call.
    pub fn take_done(&mut self) -> Vec<P::Effect> {
        let effects = std::mem::take(&mut self.effects);
        effects
            .into_iter()
            .filter_map(|effect| if let Effect::Do(effect) = effect { Some(effect) } else { None })
            .collect()
    }

    /// The screen as text, lines without trailing blanks.
    pub fn screen_text(&self) -> String {
        draw(&self.program, self.width, self.height)
    }

    fn take(&mut self, message: Message<P::Server>) {
        let effects = self.program.update(message);
        self.effects.extend(effects);
        let effects = self.program.settle();
        self.effects.extend(effects);
    }
}

/// One frame as text.
pub(super) fn draw<P: Program>(program: &P, width: u16, height: u16) -> String {
    buffer(program, width, height).map(|buffer| text(&buffer)).unwrap_or_default()
}

/// One frame as cells.
pub fn buffer<P: Program>(program: &P, width: u16, height: u16) -> Option<Buffer> {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).ok()?;
    // A test backend has no error to give.
    terminal.draw(|frame| program.view(frame)).ok()?;
    Some(terminal.backend().buffer().clone())
}

/// The cells of a buffer as lines without trailing blanks.
pub fn text(buffer: &Buffer) -> String {
    let mut out = String::new();
    for y in buffer.area.top()..buffer.area.bottom() {
        let mut line = String::new();
        let mut skip = 0_usize;
        for x in buffer.area.left()..buffer.area.right() {
            let symbol = buffer.cell((x, y)).map_or(" ", |cell| cell.symbol());
            if skip == 0 {
                line.push_str(symbol);
                skip = unicode_width::UnicodeWidthStr::width(symbol).saturating_sub(1);
            } else {
                skip -= 1;
            }
        }
        _ = writeln!(out, "{}", line.trim_end());
    }
    out
}

fn read_keys(keys: &str) -> Result<Vec<Key>, String> {
    let mut read = Vec::new();
    for word in keys.split_whitespace() {
        match word.strip_prefix("text:") {
            Some(text) => {
                for c in text.chars() {
                    let c = if c == '_' { ' ' } else { c };
                    read.push(Key::char(c));
                }
            }
            None => read.push(Key::parse(word)?),
        }
    }
    Ok(read)
}
