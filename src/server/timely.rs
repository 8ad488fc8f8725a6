//! A connection that moves: who does not read what was answered loses it, at once where the token has ended.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

use super::doors::Wire;
use super::seats::Seat;
use crate::coordinator::Clock;

/// How long an answer may wait for its reader.
const STALL: Duration = Duration::from_secs(30);
/// How often it is asked meanwhile whether the reader's token has ended.
const ASK_EVERY: Duration = Duration::from_secs(1);

/// A connection with its seat.
pub(super) struct Timely<W> {
    wire: W,
    seat: Arc<Seat>,
    clock: Clock,
    stalled: Option<Stalled>,
}

struct Stalled {
    since: Instant,
    ask: Pin<Box<Sleep>>,
}

impl<W: Wire> Timely<W> {
    pub(super) fn new(wire: W, seat: Arc<Seat>, clock: Clock) -> Self {
        Self { wire, seat, clock, stalled: None }
    }

    /// What came of an attempt to write; while nothing does, how long that has been so.
    fn wrote<T>(&mut self, context: &mut Context<'_>, outcome: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if outcome.is_ready() {
            self.stalled = None;
            self.seat.speak();
            return outcome;
        }
        let new = || Stalled { since: Instant::now(), ask: Box::pin(sleep(ASK_EVERY)) };
        let stalled = self.stalled.get_or_insert_with(new);
        loop {
            ready!(stalled.ask.as_mut().poll(context));
            if stalled.since.elapsed() >= STALL || self.seat.is_over(&self.clock) {
                return Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "its answer was not read")));
            }
            stalled.ask.as_mut().reset(Instant::now() + ASK_EVERY);
        }
    }
}

impl<W: Wire> AsyncRead for Timely<W> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.wire).poll_read(context, buffer);
        if outcome.is_ready() {
            self.seat.speak();
        }
        outcome
    }
}

impl<W: Wire> AsyncWrite for Timely<W> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.wire).poll_write(context, bytes);
        self.wrote(context, outcome)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.wire).poll_write_vectored(context, slices);
        self.wrote(context, outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.wire.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.wire).poll_flush(context);
        self.wrote(context, outcome)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.wire).poll_shutdown(context)
    }
}
