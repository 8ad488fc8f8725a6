//! A line on which everything takes its time, and one piece in a hundred comes a third of a second later, with all behind it:
//! what a terminal at the end of an ssh connection across the world is like.

use std::io::Write;
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};

/// How much later a lost piece comes, and all behind it.
const AGAIN: Duration = Duration::from_millis(330);

/// The near end of a line.
#[derive(Clone)]
pub(crate) struct Near(Sender<(Instant, Vec<u8>)>);

impl Write for Near {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        // The other end is gone when the program is.
        self.0.send((Instant::now(), bytes.to_vec())).unwrap_or_default();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A line whose far end delivers what is written to the near one, in order, each piece this much later.
pub(crate) fn line(way: Duration, mut deliver: impl FnMut(&[u8]) + Send + 'static) -> Near {
    let (near, far) = channel::<(Instant, Vec<u8>)>();
    std::thread::spawn(move || {
        for (piece, (at, bytes)) in far.iter().enumerate() {
            let lost = if piece % 100 == 50 { AGAIN } else { Duration::ZERO };
            std::thread::sleep((at + way + lost).saturating_duration_since(Instant::now()));
            deliver(&bytes);
        }
    });
    Near(near)
}
