//! This node among the others on its database: which workspaces it holds, who holds the rest, and whether what it shows is what is
//! recorded.
//!
//! A workspace is held by one node at a time, which decides what is asked of it and tells its time. The others pass commands on to it
//! ([`carry`]) and answer looks from a fold of their own ([`keep`]). A lease saves work and nothing else: two nodes that believe to hold
//! a workspace record nothing twice, since each append is a compare-and-set.

mod carry;
pub(super) mod keep;

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::Tls;
use crate::domain::ids::{Seq, WorkspaceId};
use crate::domain::time::{Span, Time};
use crate::ledger::LedgerError;
use crate::ledger::nodes::{Beat, Holder, LEASE, News, Node, Nodes};

pub use carry::{Brought, Carrier, Errand, NotCarried};
pub(super) use carry::{PassedOn, away};

/// A node among others answers looks for so long after it last knew that it shows what is recorded.
const LEVEL: Duration = Duration::from_secs(2);

/// How far a node's clock and the database's may be apart.
const CLOCKS_APART: Span = Span::from_secs(5);

/// This machine's clock and the database's differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "this machine's clock says {here} and the database's {there}: nodes whose clocks are more than {} s apart don't work together; set the clock (such as with `timedatectl set-ntp true`)",
    CLOCKS_APART.micros() / 1_000_000
)]
pub struct ClocksApart {
    /// Here.
    pub here: Time,
    /// There.
    pub there: Time,
}

impl ClocksApart {
    /// Whether they are: the database's clock was looked at between those times of this machine's.
    pub fn told(before: Time, there: Time, after: Time) -> Option<Self> {
        let apart = before.since(there).max(there.since(after)) > CLOCKS_APART;
        apart.then_some(Self { here: after, there })
    }
}

/// How the other nodes reach this one, and it them.
#[derive(Debug, Clone)]
pub struct Advertised {
    /// `http://…` or `https://…`, without a path; empty where it can't be reached: then the others decide what is asked of them.
    pub address: Arc<str>,
    /// What it speaks, if it is not plaintext.
    pub tls: Option<Tls>,
    /// What brings requests to other nodes.
    pub carrier: Arc<dyn Carrier>,
}

/// A node among others.
pub(super) struct Cluster {
    nodes: Arc<dyn Nodes>,
    instance: Arc<str>,
    advertised: Advertised,
    began: Instant,
    held: RwLock<HashSet<WorkspaceId>>,
    /// Who holds others, as was told last.
    elsewhere: RwLock<HashMap<WorkspaceId, Node>>,
    /// One is taken at a time.
    taking: tokio::sync::Mutex<()>,
    /// The nodes that were there at the last beat.
    there: watch::Sender<Vec<Node>>,
    /// Until when the node is there for certain, and when it last knew that what it shows is what is recorded: in milliseconds since it
    /// began.
    lease: AtomicU64,
    level: AtomicU64,
    /// Its clock is not the database's: it holds nothing.
    apart: AtomicBool,
    /// It was blind when that was asked last.
    blind: AtomicBool,
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cluster").field("instance", &self.instance).finish_non_exhaustive()
    }
}

impl Cluster {
    pub(super) fn new(nodes: Arc<dyn Nodes>, instance: &str, advertised: Advertised) -> Self {
        Self {
            nodes,
            instance: Arc::from(instance),
            advertised,
            began: Instant::now(),
            held: RwLock::default(),
            elsewhere: RwLock::default(),
            taking: tokio::sync::Mutex::default(),
            there: watch::Sender::new(Vec::new()),
            lease: AtomicU64::new(0),
            level: AtomicU64::new(0),
            apart: AtomicBool::new(false),
            blind: AtomicBool::new(false),
        }
    }

    /// As the others know it.
    fn me(&self) -> Node {
        let Advertised { address, tls, .. } = &self.advertised;
        let certificate = tls.as_ref().map(|tls| Arc::from(tls.fingerprint().to_string()));
        Node { instance: Arc::clone(&self.instance), address: Arc::clone(address), certificate }
    }

    /// How many nodes are there, and how many workspaces this one holds.
    pub(super) fn counts(&self) -> (usize, usize) {
        (self.there.borrow().len(), self.held.read().unwrap_or_else(PoisonError::into_inner).len())
    }

    /// Whether no other node was there at the last beat.
    pub(super) fn is_alone(&self) -> bool {
        self.there.borrow().len() <= 1
    }

    /// Whether its clock was not the database's at the last beat, so that it holds nothing.
    fn is_apart(&self) -> bool {
        self.apart.load(Ordering::Relaxed)
    }

    /// Whether it holds that workspace.
    pub(super) fn holds(&self, workspace: &WorkspaceId) -> bool {
        let is_there =
            Instant::now() < self.began + Duration::from_millis(self.lease.load(Ordering::Relaxed));
        is_there && self.held.read().unwrap_or_else(PoisonError::into_inner).contains(workspace)
    }

    /// Whether something may be recorded by now that it can't know of. Alone it answers from what it has, whatever the database does.
    pub(super) fn is_blind(&self) -> bool {
        let level = self.began + Duration::from_millis(self.level.load(Ordering::Relaxed));
        let blind = !self.is_alone() && level.elapsed() > LEVEL;
        match (self.blind.swap(blind, Ordering::Relaxed), blind) {
            (false, true) => tracing::warn!("not heard of the database for too long: nothing is answered"),
            (true, false) => tracing::info!("level with the database again: answers go on"),
            (false, false) | (true, true) => {}
        }
        blind
    }

    /// The node that is to decide what is asked of that workspace; none where it is this one. It takes what nobody holds.
    ///
    /// # Errors
    /// When the database can't be asked.
    async fn place(&self, workspace: &WorkspaceId) -> Result<Place, LedgerError> {
        let known = || {
            if self.holds(workspace) {
                return Some(Place::Here { anew: false });
            }
            let node = self.elsewhere.read().unwrap_or_else(PoisonError::into_inner).get(workspace)?.clone();
            self.there.borrow().contains(&node).then_some(Place::There(node))
        };
        if let Some(known) = known() {
            return Ok(known);
        }
        let _one = self.taking.lock().await;
        if let Some(known) = known() {
            return Ok(known);
        }
        match self.nodes.hold(&self.me(), workspace).await? {
            Holder::Me => {
                self.held.write().unwrap_or_else(PoisonError::into_inner).insert(workspace.clone());
                self.forget(workspace);
                tracing::info!(%workspace, "held here");
                Ok(Place::Here { anew: true })
            }
            // Two that decide are better than one that nobody reaches.
            Holder::Other(node) if node.address.is_empty() => Ok(Place::Nowhere),
            Holder::Other(node) => {
                let mut elsewhere = self.elsewhere.write().unwrap_or_else(PoisonError::into_inner);
                elsewhere.insert(workspace.clone(), node.clone());
                Ok(Place::There(node))
            }
        }
    }

    /// Who holds it is asked anew.
    fn forget(&self, workspace: &WorkspaceId) {
        self.elsewhere.write().unwrap_or_else(PoisonError::into_inner).remove(workspace);
    }

    /// Lets go of a workspace that is closed here. Without an answer it is taken for one of which nobody knows what falls due.
    pub(super) async fn release(&self, workspace: &WorkspaceId, due: Option<Time>) {
        let held = self.held.write().unwrap_or_else(PoisonError::into_inner).remove(workspace);
        if !held {
            return;
        }
        if let Err(error) = self.nodes.release(&self.me(), workspace, due).await {
            tracing::warn!(%workspace, %error, "it could not be let go of");
        }
    }

    /// The node goes.
    pub(super) async fn leave(&self) {
        if let Err(error) = self.nodes.leave(&self.me()).await {
            tracing::warn!(%error, "the other nodes wait for the end of this one's lease");
        }
    }

    /// Tells the others what was recorded here.
    pub(super) fn tell(&self, workspace: &WorkspaceId, seq: Seq) {
        if self.holds(workspace) {
            self.nodes.tell(News { workspace: workspace.clone(), seq });
        }
    }

    fn took(&self, began: Instant, beat: &Beat) {
        let until = if self.is_apart() { self.began } else { began + LEASE };
        self.lease.store(millis(until.duration_since(self.began)), Ordering::Relaxed);
        self.there.send_if_modified(|there| {
            let changed = *there != beat.nodes;
            there.clone_from(&beat.nodes);
            changed
        });
    }

    /// Returns once that node is not there any more.
    async fn gone(&self, node: &Node) {
        let mut there = self.there.subscribe();
        // The sender lives as long as this.
        there.wait_for(|there| !there.contains(node)).await.map(drop).unwrap_or_default();
    }
}

/// Where what is asked of a workspace is decided.
enum Place {
    /// Here; `anew` since a moment.
    Here {
        anew: bool,
    },
    /// By a node that can't be reached: here, too.
    Nowhere,
    There(Node),
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
