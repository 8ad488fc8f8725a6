//! A way to a server, of the database or a node: a relay on loopback that can be slow, held up or cut, or say everything twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy, sink};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::watch::{self, Receiver, Sender};
use tokio::time::{Instant, sleep, sleep_until};

use crate::patience::PATIENCE;

/// How long after it came something is said on the second connection, by turns.
const LATER: [Duration; 4] =
    [Duration::ZERO, Duration::from_millis(5), Duration::from_millis(400), Duration::from_secs(3)];
/// How long after that on the first one, so that either may be first.
const HELD_BACK: Duration = Duration::from_millis(5);
/// So long a second connection stays open for answers.
const ANSWERED: Duration = Duration::from_secs(1);

/// How everything comes through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Passage {
    Open,
    /// Each piece this much later.
    Slow(Duration),
    /// Not at all, and nobody is told: as where a network drops what is sent.
    Held,
    /// What the server is told it is told once more on a second connection, sooner or later. The answers to that are nobody's.
    Doubled,
}

#[derive(Debug, Clone, Copy)]
struct State {
    passage: Passage,
    /// How often every connection was ended.
    cuts: u64,
}

/// A relay to one server.
pub(crate) struct Way {
    pub(crate) port: u16,
    state: Sender<State>,
    twice: Arc<Twice>,
}

/// How much is to be said twice, and was.
#[derive(Default)]
struct Twice {
    taken: AtomicU64,
    said: AtomicU64,
}

impl Way {
    pub(crate) fn to(server: u16, runtime: &Handle) -> Self {
        let (state, seen) = watch::channel(State { passage: Passage::Open, cuts: 0 });
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let port = listener.local_addr().unwrap().port();
        let twice = Arc::<Twice>::default();
        let counted = Arc::clone(&twice);
        runtime.spawn(async move {
            for later in LATER.into_iter().cycle() {
                let (near, _) = listener.accept().await.unwrap();
                let (pieces, again) = unbounded_channel();
                tokio::spawn(say_again(server, later, again, Arc::clone(&counted)));
                let second = Second { pieces, twice: Arc::clone(&counted) };
                tokio::spawn(relay(near, server, second, seen.clone()));
            }
        });
        Self { port, state, twice }
    }

    pub(crate) fn let_through(&self, passage: Passage) {
        self.state.send_modify(|state| state.passage = passage);
    }

    /// Ends every connection; new ones come through.
    pub(crate) fn cut(&self) {
        self.state.send_modify(|state| state.cuts += 1);
    }

    /// Waits until all that is to be said twice was; how many pieces that were.
    pub(crate) fn said_twice(&self) -> u64 {
        let end = std::time::Instant::now() + PATIENCE;
        loop {
            let (said, taken) =
                (self.twice.said.load(Ordering::SeqCst), self.twice.taken.load(Ordering::SeqCst));
            if said == taken {
                return said;
            }
            assert!(std::time::Instant::now() < end, "{said} of {taken} were said twice");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// The second connection to a server beside one.
struct Second {
    pieces: UnboundedSender<(Instant, Vec<u8>)>,
    twice: Arc<Twice>,
}

impl Second {
    async fn take(&self, piece: &[u8]) {
        self.twice.taken.fetch_add(1, Ordering::SeqCst);
        self.pieces.send((Instant::now(), piece.to_vec())).unwrap();
        sleep(HELD_BACK).await;
    }
}

/// Says all of it so much later. What can't be said, for the server is away, is left out.
async fn say_again(
    server: u16,
    later: Duration,
    mut pieces: UnboundedReceiver<(Instant, Vec<u8>)>,
    twice: Arc<Twice>,
) {
    let mut line = None;
    while let Some((at, piece)) = pieces.recv().await {
        sleep_until(at + later).await;
        if line.is_none() {
            line = TcpStream::connect(("127.0.0.1", server)).await.ok().map(|line| {
                let (mut answers, line) = line.into_split();
                tokio::spawn(async move { copy(&mut answers, &mut sink()).await });
                line
            });
        }
        if let Some(open) = &mut line
            && open.write_all(&piece).await.is_err()
        {
            line = None;
        }
        twice.said.fetch_add(1, Ordering::SeqCst);
    }
    sleep(ANSWERED).await;
}

/// Carries both directions until one of them ends.
async fn relay(near: TcpStream, server: u16, second: Second, seen: Receiver<State>) {
    let Ok(far) = TcpStream::connect(("127.0.0.1", server)).await else { return };
    for end in [&near, &far] {
        end.set_nodelay(true).unwrap();
    }
    let ((from_near, to_near), (from_far, to_far)) = (near.into_split(), far.into_split());
    tokio::select! {
        () = carry(from_near, to_far, Some(second), seen.clone()) => {}
        () = carry(from_far, to_near, None, seen) => {}
    }
}

async fn carry(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    second: Option<Second>,
    mut seen: Receiver<State>,
) {
    let begun = seen.borrow().cuts;
    let mut piece = vec![0; 64 * 1024];
    let mut ends = seen.clone();
    let cut = async move { ends.wait_for(|state| state.cuts != begun).await.map(drop).unwrap_or_default() };
    let through = async move {
        loop {
            let length = from.read(&mut piece).await.unwrap_or_default();
            // The end of a connection is held up as well.
            let Ok(state) = seen.wait_for(|state| state.passage != Passage::Held).await.map(|state| *state)
            else {
                return;
            };
            match (state.passage, &second) {
                (Passage::Slow(later), _) => sleep(later).await,
                (Passage::Doubled, Some(second)) if length > 0 => second.take(&piece[..length]).await,
                (Passage::Open | Passage::Held | Passage::Doubled, _) => {}
            }
            if length == 0 || to.write_all(&piece[..length]).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = cut => {}
        () = through => {}
    }
}
