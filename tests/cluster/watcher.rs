//! Who follows a workspace from node to node: every deed once, in order, and of one history.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use deeds::api::Hash;
use deeds::client::{Client, DeedStream, StreamEvent, StreamFrom};
use deeds::domain::ids::Seq;

use crate::nodes::{Cluster, Space};
use crate::patience::PATIENCE;

/// How long one node is followed before the next one is.
const STAY: Duration = Duration::from_millis(1_300);
/// How long it waits for a word before it looks whether it is to end.
const WORD: Duration = Duration::from_millis(200);

/// The number of the last deed that there is; beyond all of them until that is known.
#[derive(Clone)]
pub(crate) struct Last(Arc<AtomicU64>);

impl Last {
    pub(crate) fn unknown() -> Self {
        Self(Arc::new(AtomicU64::new(u64::MAX)))
    }

    pub(crate) fn is(&self, seq: u64) {
        self.0.store(seq, Ordering::SeqCst);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// One who follows.
pub(crate) struct Watcher {
    clients: Vec<Client>,
    at: usize,
    last: Last,
    /// What it saw.
    seen: Vec<(u64, Hash)>,
}

impl Watcher {
    /// Begins with the node of that number.
    pub(crate) fn new(cluster: &Cluster, space: &Space, at: usize, last: &Last) -> Self {
        let token = space.dana.trim_start_matches("Authorization: Bearer ");
        let client = |address: String| Client::new(&format!("http://{address}"), token).unwrap();
        let clients = cluster.addresses().into_iter().map(client).collect();
        Self { clients, at, last: last.clone(), seen: Vec::new() }
    }

    /// Follows until it has seen the last deed; all that it saw.
    pub(crate) fn follow(mut self) -> Vec<(u64, Hash)> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut known = None;
            while self.cursor().0 < self.last.get() {
                let since = *known.get_or_insert_with(Instant::now);
                assert!(
                    since.elapsed() < PATIENCE || self.last.get() == u64::MAX,
                    "it ends at {:?}",
                    self.cursor()
                );
                if self.last.get() == u64::MAX {
                    known = None;
                }
                self.stay().await;
            }
        });
        self.seen
    }

    fn cursor(&self) -> Seq {
        Seq(self.seen.last().map_or(0, |(seq, _)| *seq))
    }

    /// Follows one node for a while, behind what it has seen at others.
    async fn stay(&mut self) {
        self.at += 1;
        let client = &self.clients[self.at % self.clients.len()];
        let hash = self.seen.last().map(|(_, hash)| *hash);
        let mut stream = client.stream(StreamFrom { after: self.cursor(), hash, ..StreamFrom::default() });
        let end = Instant::now() + STAY;
        while Instant::now() < end && self.cursor().0 < self.last.get() && self.hear(&mut stream).await {}
    }

    /// Hears one word; whether there will be more.
    async fn hear(&mut self, stream: &mut DeedStream) -> bool {
        match tokio::time::timeout(WORD, stream.next()).await {
            Ok(Some(StreamEvent::Deed { seq, hash, .. })) => self.seen.push((seq.0, hash)),
            Ok(Some(StreamEvent::Connected { .. } | StreamEvent::Progress { .. })) | Err(_) => {}
            Ok(Some(StreamEvent::Disconnected { .. })) => return false,
            Ok(other) => panic!("after {:?}: {other:?}", self.cursor()),
        }
        true
    }
}
