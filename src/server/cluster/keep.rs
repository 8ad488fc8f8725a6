//! What a node among others does by itself: says that it is there, hears of what others record and looks for it, and takes up what
//! nobody holds and falls due.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError, Weak};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{Instant, sleep_until, timeout};

use super::{ClocksApart, Cluster, Place, millis};
use crate::coordinator::Clock;
use crate::domain::ids::WorkspaceId;
use crate::domain::time::Time;
use crate::ledger::LedgerError;
use crate::ledger::nodes::Beat;
use crate::server::spaces::Spaces;
use crate::server::workspace::Workspace;

/// Between two beats, and two looks for what others have recorded.
const EVERY: Duration = Duration::from_secs(1);
/// How long a look may take.
const LOOK: Duration = Duration::from_secs(5);
/// So many that nobody holds are taken up at once.
const TAKEN_UP: usize = 8;

impl Cluster {
    /// Says that the node is there, where its clock was the database's so far; else looks whether it is by now. From where it is not any
    /// more the node is not there, and others hold what it held.
    ///
    /// # Errors
    /// When the database can't be asked.
    pub(in crate::server) async fn beat(
        &self,
        clock: &Clock,
    ) -> Result<(Beat, Option<ClocksApart>), LedgerError> {
        let (began, before, was_apart) = (Instant::now(), clock.now(), self.is_apart());
        let mut beat = if was_apart {
            let mut seen = self.nodes.look().await?;
            seen.nodes.push(self.me());
            seen
        } else {
            self.nodes.beat(&self.me()).await?
        };
        let apart = ClocksApart::told(before, beat.now, clock.now());
        self.apart.store(apart.is_some(), Ordering::Relaxed);
        self.took(began, &beat);
        if apart.is_some() && !was_apart {
            self.leave().await;
            beat.was_there = false;
        }
        Ok((beat, apart))
    }

    /// Up to so many in which something falls due or of which nobody knows, and that are this node's to look after from now on.
    pub(in crate::server) async fn take_up(&self, now: Time) -> Vec<WorkspaceId> {
        let waiting = match self.nodes.waiting(now, TAKEN_UP).await {
            Ok(waiting) => waiting,
            Err(error) => {
                tracing::debug!(%error, "what nobody holds can't be told");
                return Vec::new();
            }
        };
        let mut mine = Vec::new();
        for workspace in waiting {
            if matches!(self.place(&workspace).await, Ok(Place::Here { .. })) {
                mine.push(workspace);
            }
        }
        mine
    }
}

/// Begins all of it.
pub(in crate::server) fn start(spaces: &Arc<Spaces>, cluster: &Arc<Cluster>) {
    tokio::spawn(beats(Arc::downgrade(spaces), Arc::clone(cluster), spaces.clock.clone()));
    tokio::spawn(looks(Arc::downgrade(spaces), Arc::clone(cluster)));
    tokio::spawn(hears(Arc::downgrade(spaces), Arc::clone(cluster)));
}

async fn beats(spaces: Weak<Spaces>, cluster: Arc<Cluster>, clock: Clock) {
    loop {
        let (next, was_apart) = (Instant::now() + EVERY, cluster.is_apart());
        let beaten = cluster.beat(&clock).await;
        let Some(spaces) = spaces.upgrade().filter(|spaces| !spaces.is_ending()) else { return };
        match beaten {
            Ok((beat, apart)) => {
                match apart {
                    Some(apart) if !was_apart => {
                        tracing::error!("{apart}; until then others hold what it held");
                    }
                    None if was_apart => tracing::info!("this machine's clock is the database's again"),
                    Some(_) | None => {}
                }
                if !beat.was_there {
                    Box::pin(hold_again(&spaces, &cluster)).await;
                }
                if beat.workspaces != spaces.counts().known as u64 {
                    spaces.look_for_others().await;
                }
            }
            Err(error) => tracing::warn!(%error, "the other nodes can't be told that this one is there"),
        }
        drop(spaces);
        sleep_until(next).await;
    }
}

/// Its lease had ended: what it held may be held by others.
async fn hold_again(spaces: &Spaces, cluster: &Cluster) {
    let held: Vec<WorkspaceId> = {
        let mut held = cluster.held.write().unwrap_or_else(PoisonError::into_inner);
        held.drain().collect()
    };
    for workspace in held {
        let leads = matches!(cluster.place(&workspace).await, Ok(Place::Here { .. }));
        if let Some(space) = spaces.get(&workspace) {
            space.handle().lead(leads);
        }
    }
}

async fn hears(spaces: Weak<Spaces>, cluster: Arc<Cluster>) {
    let mut news = cluster.nodes.listen();
    while let Some(news) = news.recv().await {
        let Some(spaces) = spaces.upgrade() else { return };
        if let Some(space) = spaces.get(&news.workspace) {
            space.handle().heard(news.seq);
        }
    }
}

/// Looks now and then where the ledgers end of what is open here and held elsewhere: news may be missed.
async fn looks(spaces: Weak<Spaces>, cluster: Arc<Cluster>) {
    loop {
        let began = Instant::now();
        {
            let Some(spaces) = spaces.upgrade().filter(|spaces| !spaces.is_ending()) else { return };
            if matches!(timeout(LOOK, look(&spaces, &cluster)).await, Ok(true)) {
                cluster.level.store(millis(began.duration_since(cluster.began)), Ordering::Relaxed);
            }
        }
        sleep_until(began + EVERY).await;
    }
}

/// Whether everything that is open shows all that was recorded when this began.
async fn look(spaces: &Arc<Spaces>, cluster: &Cluster) -> bool {
    let others: Vec<Arc<Workspace>> = spaces
        .open()
        .into_iter()
        .filter(|space| !cluster.holds(space.id()) && !space.handle().is_troubled())
        .collect();
    let names = others.iter().map(|space| space.id().clone()).collect();
    let Some(ends) = spaces.ends(names).await else { return false };
    let end_of = |id: &WorkspaceId| ends.iter().find(|(of, _)| of == id).map(|(_, head)| *head);
    let behind = others.iter().filter(|space| end_of(space.id()) != Some(space.handle().head()));
    let caught_up = join_all(behind.map(|space| space.handle().catch_up())).await;
    caught_up.iter().all(Result::is_ok)
}
