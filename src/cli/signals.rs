//! Waiting for whoever asks the process to end.

use tokio::signal::unix::{SignalKind, signal};

/// Returns when the terminal, the system or a person asks the process to end.
pub(super) async fn asked_to_stop() {
    let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
    let mut waits = Vec::with_capacity(kinds.len());
    for kind in kinds {
        // A signal that can't be listened for ends the process by itself, which is what it asks for.
        if let Ok(mut signal) = signal(kind) {
            waits.push(Box::pin(async move { signal.recv().await }));
        }
    }
    if waits.is_empty() {
        return std::future::pending().await;
    }
    futures_util::future::select_all(waits).await;
}
