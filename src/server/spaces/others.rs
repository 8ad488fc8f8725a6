//! What other nodes do to the workspaces that they share with this one: they make some, and record in those that are closed here.

use std::sync::Arc;

use super::{For, Slot, Spaces};
use crate::domain::ids::WorkspaceId;
use crate::domain::state::Front;
use crate::domain::time::Span;
use crate::ledger::Head;
use crate::server::due::due_by_clock;
use crate::server::workspace::Workspace;

/// One that was closed in trouble is looked at again after so long.
const AGAIN: Span = Span::from_mins(1);

impl Spaces {
    /// Knows the workspaces that other nodes have made.
    pub(in crate::server) async fn look_for_others(&self) {
        let store = self.places.store.clone();
        match tokio::task::spawn_blocking(move || store.workspaces()).await {
            Ok(Ok(all)) => self.know(all),
            Ok(Err(error)) => tracing::warn!(%error, "what other nodes have made can't be told"),
            Err(error) => tracing::warn!(%error, "looking for workspaces broke off"),
        }
    }

    /// Looks whether that workspace is there after all, or is another than it was when it was closed here.
    pub(super) async fn look_for(&self, id: &WorkspaceId) {
        let (store, name) = (self.places.store.clone(), id.clone());
        let looked = tokio::task::spawn_blocking(move || (store.has(&name), store.stamp(&name))).await;
        let Ok((there, stamp)) = looked else { return };
        let mut slots = self.write();
        let is_older = match slots.get(id) {
            Some(Slot::Closed(Some(row), _)) => stamp.as_ref() != Some(row.stamp()),
            Some(Slot::Closed(None, _) | Slot::Moving(..) | Slot::Open(_) | Slot::Broken(..)) => false,
            None => there,
        };
        if is_older {
            slots.insert(id.clone(), Slot::Closed(None, None));
        }
    }

    fn know(&self, all: Vec<WorkspaceId>) {
        {
            let mut slots = self.write();
            for id in all {
                slots.entry(id).or_insert(Slot::Closed(None, None));
            }
        }
        if self.home().is_none()
            && let Some(home) = self.places.store.home()
        {
            self.settle(&home);
        }
    }

    /// Where these ledgers end; none where that can't be told.
    pub(in crate::server) async fn ends(&self, names: Vec<WorkspaceId>) -> Option<Vec<(WorkspaceId, Head)>> {
        let store = self.places.store.clone();
        let ends = tokio::task::spawn_blocking(move || store.ends(&names)).await;
        ends.ok()?.inspect_err(|error| tracing::debug!(%error, "where ledgers end can't be told")).ok()?
    }

    /// Takes up what no node holds and what falls due there.
    pub(super) async fn take_up(self: &Arc<Self>) {
        let Some(cluster) = self.cluster().cloned() else { return };
        for id in cluster.take_up(self.clock.now()).await {
            if !self.has(&id) {
                self.look_for(&id).await;
            }
            match self.get(&id) {
                Some(space) => space.handle().lead(true),
                None => drop(self.step(&id, For::Timer)),
            }
        }
    }

    /// Lets go of one that was closed, as its last state leaves it.
    pub(super) async fn release(&self, space: &Workspace, front: &Front, is_whole: bool) {
        let Some(cluster) = self.cluster() else { return };
        let now = self.clock.now();
        let due = if is_whole { due_by_clock(front, now) } else { Some(now.plus(AGAIN)) };
        cluster.release(space.id(), due).await;
    }
}
