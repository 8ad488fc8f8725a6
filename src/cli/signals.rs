//! Waiting for whoever asks the process to end.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Listens for signals from when it is made, so that none is missed. Who was started under `nohup` goes on when the terminal
/// hangs up.
pub(super) struct Signals {
    signals: Vec<Signal>,
}

impl Signals {
    /// Listens. To be called inside the runtime.
    pub(super) fn listen() -> Self {
        let hangup = (!is_hangup_ignored()).then(SignalKind::hangup);
        let kinds = [SignalKind::interrupt(), SignalKind::terminate()].into_iter().chain(hangup);
        // A signal that can't be listened for ends the process by itself, which is what it asks for.
        Self { signals: kinds.filter_map(|kind| signal(kind).ok()).collect() }
    }

    /// Returns when the terminal, the system or a person asks the process to end.
    pub(super) async fn asked_to_stop(&mut self) {
        let waits: Vec<_> = self.signals.iter_mut().map(|signal| Box::pin(signal.recv())).collect();
        if waits.is_empty() {
            return std::future::pending().await;
        }
        futures_util::future::select_all(waits).await;
    }
}

/// Whether the process was started with hang-ups ignored. Where the system does not say so, it was not.
fn is_hangup_ignored() -> bool {
    const HANGUP: u64 = 1;
    let about = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = about.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    ignored.is_some_and(|mask| mask & HANGUP != 0)
}
