//! Key presses, pastes, resizes: read in a task of their own and handed on through a bounded queue, so that the loop can
//! take everything that has already arrived without waiting.

use crossterm::event::{Event, EventStream};
use futures_util::StreamExt as _;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Events that may wait for the loop.
const QUEUE: usize = 1024;

/// The reading task; dropping it frees the terminal for another program.
#[derive(Debug)]
pub struct Input {
    events: mpsc::Receiver<Event>,
    task: JoinHandle<()>,
}

impl Input {
    /// Starts reading.
    pub fn start() -> Self {
        let (tell, events) = mpsc::channel(QUEUE);
        let task = tokio::spawn(async move {
            let mut stream = EventStream::new();
            while let Some(Ok(event)) = stream.next().await {
                if tell.send(event).await.is_err() {
                    return;
                }
            }
        });
        Self { events, task }
    }

    /// Stops reading, so that another program can; what had arrived is dropped. Start a new one afterwards.
    pub async fn stop(&mut self) {
        self.task.abort();
        _ = (&mut self.task).await;
        while self.arrived().is_some() {}
    }

    /// The next event; `None` when the terminal can't be read any more.
    pub async fn next(&mut self) -> Option<Event> {
        self.events.recv().await
    }

    /// An event that has already arrived.
    pub fn arrived(&mut self) -> Option<Event> {
        self.events.try_recv().ok()
    }
}

impl Drop for Input {
    fn drop(&mut self) {
        self.task.abort();
    }
}
