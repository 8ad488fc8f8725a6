//! Between ratatui and the terminal: a frame becomes one write, inside a synchronized update, or none if nothing changed.

use std::io::{self, Write};

use ratatui::backend::{Backend, ClearType, CrosstermBackend, WindowSize};
use ratatui::buffer::Cell;
use ratatui::layout::{Position, Size};

use super::links::Links;
use super::paint::paint;

/// Begin and end of a synchronized update (DEC private mode 2026).
const SYNC: (&[u8], &[u8]) = (b"\x1b[?2026h", b"\x1b[?2026l");
/// What a terminal without a size is taken for.
const UNKNOWN_SIZE: Size = Size { width: 80, height: 24 };

/// Where the size comes from: the terminal, or a fixed one.
pub type SizeOf = fn() -> io::Result<Size>;

/// Gathers a frame and writes it at once.
#[derive(Debug)]
pub struct FrameBackend<W: Write> {
    out: W,
    frame: Vec<u8>,
    /// Bytes that go out with the next frame whether or not a cell changed: titles, clipboard, bell.
    beside: Vec<u8>,
    synchronized: bool,
    /// What is on the screen, where addresses are links.
    links: Option<Links>,
    size: SizeOf,
    /// Where the cursor is if it is shown; `None` if it is hidden.
    cursor: Option<Position>,
    /// Where the cursor was last asked to be.
    shown: bool,
    moved: bool,
}

impl<W: Write> FrameBackend<W> {
    /// Writes to `out`; the cursor is taken to be hidden.
    pub fn new(out: W, size: SizeOf, synchronized: bool) -> Self {
        Self {
            out,
            frame: Vec::new(),
            beside: Vec::new(),
            synchronized,
            links: None,
            size,
            cursor: None,
            shown: false,
            moved: false,
        }
    }

    /// Addresses are links from now on, where the terminal has them.
    #[must_use]
    pub fn with_links(mut self, known: bool) -> Self {
        self.links = known.then(Links::default);
        self
    }

    /// Queues bytes that are no cells to go out with the next frame.
    pub fn say(&mut self, bytes: &[u8]) {
        self.beside.extend_from_slice(bytes);
    }

    /// Writes what was gathered; returns how many bytes that were, 0 when nothing changed.
    ///
    /// # Errors
    /// When the terminal can't be written.
    pub fn present(&mut self) -> io::Result<usize> {
        if self.frame.is_empty() && self.beside.is_empty() {
            return Ok(0);
        }
        let mut bytes = Vec::with_capacity(self.frame.len() + self.beside.len() + SYNC.0.len() * 2);
        if self.synchronized && !self.frame.is_empty() {
            bytes.extend_from_slice(SYNC.0);
            bytes.append(&mut self.frame);
            bytes.extend_from_slice(SYNC.1);
        } else {
            bytes.append(&mut self.frame);
        }
        bytes.append(&mut self.beside);
        self.out.write_all(&bytes)?;
        self.out.flush()?;
        Ok(bytes.len())
    }

    /// Forgets where the cursor was: after the terminal was lent or taken again.
    pub fn forget(&mut self) {
        self.cursor = None;
        self.shown = false;
        self.moved = true;
    }

    fn through(&mut self) -> CrosstermBackend<&mut Vec<u8>> {
        CrosstermBackend::new(&mut self.frame)
    }
}

impl<W: Write> Backend for FrameBackend<W> {
    type Error = io::Error;

    fn draw<'a, I>(&mut self, content: I) -> io::Result<()>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        let mut content = content.peekable();
        if content.peek().is_none() {
            return Ok(());
        }
        self.moved = true;
        let size = self.size()?;
        match &mut self.links {
            None => paint(&mut self.frame, content, |_, _| None),
            Some(links) => {
                let cells = links.take(size, content);
                let written = cells.iter().map(|(x, y, cell)| (*x, *y, cell));
                paint(&mut self.frame, written, |x, y| links.at(x, y));
            }
        }
        Ok(())
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        if !self.shown {
            return Ok(());
        }
        self.shown = false;
        self.cursor = None;
        self.through().hide_cursor()
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        if self.shown {
            return Ok(());
        }
        self.shown = true;
        self.moved = true;
        self.through().show_cursor()
    }

    fn get_cursor_position(&mut self) -> io::Result<Position> {
        Ok(self.cursor.unwrap_or_default())
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        let position = position.into();
        if self.cursor == Some(position) && !self.moved {
            return Ok(());
        }
        self.cursor = Some(position);
        self.moved = false;
        self.through().set_cursor_position(position)
    }

    fn clear(&mut self) -> io::Result<()> {
        self.clear_region(ClearType::All)
    }

    fn clear_region(&mut self, clear_type: ClearType) -> io::Result<()> {
        self.moved = true;
        self.links.iter_mut().for_each(Links::clear);
        self.through().clear_region(clear_type)
    }

    fn size(&self) -> io::Result<Size> {
        let size = (self.size)()?;
        Ok(if size.width == 0 || size.height == 0 { UNKNOWN_SIZE } else { size })
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        Ok(WindowSize { columns_rows: self.size()?, pixels: Size::default() })
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The size of the terminal on standard output.
///
/// # Errors
/// When it is no terminal, or gone.
pub fn terminal_size() -> io::Result<Size> {
    let size = rustix::termios::tcgetwinsize(super::output()?)?;
    Ok(Size { width: size.ws_col, height: size.ws_row })
}

#[cfg(test)]
mod tests {
    use ratatui::Terminal;
    use ratatui::text::Line;

    use super::*;

    #[expect(clippy::unnecessary_wraps, reason = "the shape that the backend asks for")]
    fn twenty_by_two() -> io::Result<Size> {
        Ok(Size { width: 20, height: 2 })
    }

    #[derive(Default)]
    struct Writes(Vec<Vec<u8>>);

    impl Write for &mut Writes {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.push(bytes.to_vec());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn draw<W: Write>(
        terminal: &mut Terminal<FrameBackend<W>>,
        text: &'static str,
        cursor: Option<(u16, u16)>,
    ) -> usize {
        terminal
            .draw(|frame| {
                frame.render_widget(Line::from(text), frame.area());
                if let Some(at) = cursor {
                    frame.set_cursor_position(at);
                }
            })
            .unwrap();
        terminal.backend_mut().present().unwrap()
    }

    #[test]
    fn a_frame_is_one_write_and_an_unchanged_one_is_none() {
        let mut writes = Writes::default();
        {
            let mut terminal = Terminal::new(FrameBackend::new(&mut writes, twenty_by_two, true)).unwrap();
            assert!(draw(&mut terminal, "hello", None) > 0);
            assert_eq!(draw(&mut terminal, "hello", None), 0);
            assert!(draw(&mut terminal, "hollo", None) > 0);
            assert!(draw(&mut terminal, "hollo", Some((1, 0))) > 0);
            assert_eq!(draw(&mut terminal, "hollo", Some((1, 0))), 0);
        }
        assert_eq!(writes.0.len(), 3);
        for write in &writes.0 {
            assert!(write.starts_with(SYNC.0) && write.ends_with(SYNC.1));
        }
        assert!(writes.0[2].windows(6).any(|bytes| bytes == b"\x1b[?25h"));
    }

    #[test]
    fn an_address_is_a_link_to_itself_and_costs_its_own_bytes() {
        let mut writes = Writes::default();
        let (linked, same, cleared) = {
            let backend = FrameBackend::new(&mut writes, twenty_by_two, false).with_links(true);
            let mut terminal = Terminal::new(backend).unwrap();
            let linked = draw(&mut terminal, "at http://a.b/c", None);
            let same = draw(&mut terminal, "at http://a.b/c", None);
            (linked, same, draw(&mut terminal, "at nothing here", None))
        };
        let text = String::from_utf8(writes.0.concat()).unwrap();
        assert!(text.contains("\x1b]8;;http://a.b/c\x1b\\http://a.b/c\x1b]8;;\x1b\\"), "{text:?}");
        assert_eq!((text.matches("\x1b]8;").count(), same), (2, 0));
        assert!(linked < 80 && cleared < 40, "{linked} and {cleared} bytes");
    }

    #[test]
    fn bytes_beside_the_frame_go_out_with_it() {
        let mut writes = Writes::default();
        {
            let mut terminal = Terminal::new(FrameBackend::new(&mut writes, twenty_by_two, false)).unwrap();
            terminal.backend_mut().say(b"\x07");
            assert!(draw(&mut terminal, "a", None) > 0);
        }
        assert_eq!(writes.0.len(), 1);
        assert!(writes.0[0].ends_with(b"\x07"));
        assert!(!writes.0[0].starts_with(SYNC.0));
    }
}
