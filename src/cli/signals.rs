//! Waiting for whoever asks the process to end.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Listens for signals from when it is made, so that none is missed.
pub(super) struct Signals {
    signals: Vec<Signal>,
}

impl Signals {
    /// Listens. To be called inside the runtime.
    pub(super) fn listen() -> Self {
        let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
        // A signal that can't be listened for ends the process by itself, which is what it asks for.
        Self { signals: kinds.into_iter().filter_map(|kind| signal(kind).ok()).collect() }
    }

    /// Returns when the terminal, the system or a person asks the process to end.
    pub(super) async fn asked_to_stop(mut self) {
        let waits: Vec<_> = self.signals.iter_mut().map(|signal| Box::pin(signal.recv())).collect();
        if waits.is_empty() {
            return std::future::pending().await;
        }
        futures_util::future::select_all(waits).await;
    }
}
