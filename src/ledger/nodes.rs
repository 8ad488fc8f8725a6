//! What nodes tell each other through the database that keeps their ledgers: who is there, who holds a workspace, which closed one
//! has something due, and that deeds were recorded.
//!
//! All of it saves work and nothing else. Two nodes that believe to hold one workspace record nothing twice and lose nothing: each
//! append is a compare-and-set on the ledger's head.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::mpsc::UnboundedReceiver;

use super::LedgerError;
use crate::domain::ids::{Seq, WorkspaceId};
use crate::domain::time::Time;

/// For so long a node is there after each beat, by the database's clock.
pub const LEASE: Duration = Duration::from_secs(3);

/// A node, as the others know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// This run of it: random digits.
    pub instance: Arc<str>,
    /// Where the others reach it: `http://…` or `https://…`, without a path.
    pub address: Arc<str>,
    /// The fingerprint of its certificate, where it speaks TLS.
    pub certificate: Option<Arc<str>>,
}

/// Who holds a workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holder {
    /// The one that asked.
    Me,
    /// Another one, that is there.
    Other(Node),
}

/// What a beat tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beat {
    /// The database's clock.
    pub now: Time,
    /// Whether the node was there until now; if not, others may hold what it held.
    pub was_there: bool,
    /// All nodes that are there, this one too, by instance.
    pub nodes: Vec<Node>,
    /// How many workspaces there are.
    pub workspaces: u64,
}

/// Something that was recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct News {
    /// Where.
    pub workspace: WorkspaceId,
    /// Up to there it was acknowledged: its standby has it, if it has one.
    pub seq: Seq,
}

/// The database, as nodes use it between each other.
pub trait Nodes: std::fmt::Debug + Send + Sync {
    /// Says that the node is there for [`LEASE`] from now on.
    fn beat<'a>(&'a self, me: &'a Node) -> BoxFuture<'a, Result<Beat, LedgerError>>;

    /// What a beat tells, without one: of this node nothing is said, and it is not among those that are there.
    fn look(&self) -> BoxFuture<'_, Result<Beat, LedgerError>>;

    /// Takes a workspace, unless a node that is there holds it; who holds it then. Until it is released nobody knows what falls due in it.
    fn hold<'a>(
        &'a self,
        me: &'a Node,
        workspace: &'a WorkspaceId,
    ) -> BoxFuture<'a, Result<Holder, LedgerError>>;

    /// Lets go of a workspace that it holds; says when something falls due in it next, if anything will.
    fn release<'a>(
        &'a self,
        me: &'a Node,
        workspace: &'a WorkspaceId,
        due: Option<Time>,
    ) -> BoxFuture<'a, Result<(), LedgerError>>;

    /// Up to so many workspaces that no node holds that is there, and in which something has fallen due, or of which nobody knows.
    fn waiting(&self, now: Time, most: usize) -> BoxFuture<'_, Result<Vec<WorkspaceId>, LedgerError>>;

    /// The node goes: what it holds is anybody's at once.
    fn leave<'a>(&'a self, me: &'a Node) -> BoxFuture<'a, Result<(), LedgerError>>;

    /// Tells the other nodes what was recorded and acknowledged, soon; of one workspace the last is enough. Never blocks.
    fn tell(&self, news: News);

    /// What the other nodes tell from now on, and this one. Some may be missing: whoever follows a ledger looks itself, too, now and then.
    fn listen(&self) -> UnboundedReceiver<News>;
}
