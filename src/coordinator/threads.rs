//! The threads that coordinators work on: a few for all workspaces of the process, each with a runtime of its own. Who comes
//! is seated where the fewest are, so that one busy workspace has a thread to itself until there are more of them than threads.
//! A batch is decided for a bounded time, so that nobody waits for longer than that for a neighbour.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use tokio::runtime::{Builder, Handle};

/// Most threads, however many processors there are.
const MOST: usize = 8;
/// Threads of each for what blocks: reading and writing snapshots.
const BLOCKING: usize = 2;

static THREADS: Mutex<Vec<Arc<Handle>>> = Mutex::new(Vec::new());

/// A coordinator's place on one of them; given back when it is dropped.
pub(super) struct Seat(Arc<Handle>);

impl Seat {
    pub(super) fn runtime(&self) -> Handle {
        Handle::clone(&self.0)
    }
}

/// A place where the fewest are. They start when they are wanted first, and end with the process.
///
/// # Errors
/// When there is no thread yet and none can be started.
pub(super) fn seat() -> io::Result<Seat> {
    let most = thread::available_parallelism().map_or(1, usize::from).clamp(2, MOST);
    let mut threads = THREADS.lock().unwrap_or_else(PoisonError::into_inner);
    // The table holds each once.
    let taken = |thread: &&Arc<Handle>| Arc::strong_count(thread) - 1;
    let emptiest = threads.iter().min_by_key(taken).map(Arc::clone);
    let is_free = emptiest.as_ref().is_some_and(|thread| Arc::strong_count(thread) <= 2);
    if !is_free && threads.len() < most {
        match begin() {
            Ok(thread) => {
                threads.push(Arc::clone(&thread));
                return Ok(Seat(thread));
            }
            Err(error) if emptiest.is_none() => return Err(error),
            Err(_) => {}
        }
    }
    emptiest.map(Seat).ok_or_else(|| io::Error::other("there is none"))
}

fn begin() -> io::Result<Arc<Handle>> {
    let runtime = Builder::new_current_thread().enable_time().max_blocking_threads(BLOCKING).build()?;
    let handle = Arc::new(runtime.handle().clone());
    let run = move || runtime.block_on(std::future::pending::<()>());
    thread::Builder::new().name("coordinator".to_owned()).spawn(run)?;
    Ok(handle)
}
