//! The way from a node to a server of the database: a relay on loopback that can be slow, held up or cut.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::watch::{self, Receiver, Sender};

/// How everything comes through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Passage {
    Open,
    /// Each piece this much later.
    Slow(Duration),
    /// Not at all, and nobody is told: as where a network drops what is sent.
    Held,
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
}

impl Way {
    pub(crate) fn to(server: u16, runtime: &Handle) -> Self {
        let (state, seen) = watch::channel(State { passage: Passage::Open, cuts: 0 });
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let port = listener.local_addr().unwrap().port();
        runtime.spawn(async move {
            loop {
                let (near, _) = listener.accept().await.unwrap();
                tokio::spawn(relay(near, server, seen.clone()));
            }
        });
        Self { port, state }
    }

    pub(crate) fn let_through(&self, passage: Passage) {
        self.state.send_modify(|state| state.passage = passage);
    }

    /// Ends every connection; new ones come through.
    pub(crate) fn cut(&self) {
        self.state.send_modify(|state| state.cuts += 1);
    }
}

/// Carries both directions until one of them ends.
async fn relay(near: TcpStream, server: u16, seen: Receiver<State>) {
    let Ok(far) = TcpStream::connect(("127.0.0.1", server)).await else { return };
    for end in [&near, &far] {
        end.set_nodelay(true).unwrap();
    }
    let ((from_near, to_near), (from_far, to_far)) = (near.into_split(), far.into_split());
    tokio::select! {
        () = carry(from_near, to_far, seen.clone()) => {}
        () = carry(from_far, to_near, seen) => {}
    }
}

async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut seen: Receiver<State>) {
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
            if let Passage::Slow(later) = state.passage {
                tokio::time::sleep(later).await;
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
