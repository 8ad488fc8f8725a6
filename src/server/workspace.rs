//! One workspace at work: its coordinator, its index with the follower that keeps it up, and the bound on its watchers.

use std::io;
use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::timeout;

use super::answer::{defect, unindexed};
use super::cluster::Cluster;
use super::indexing::{LedgerSource, tell_news};
use super::orders::Orders;
use super::pins::Pins;
use super::relay::Relay;
use super::sealing::Sealing;
use super::spaces::Places as Lies;
use super::witnesses::{self, Found};
use crate::api::{Problem, ProblemCode};
use crate::coordinator::{self, Clock, Founding, Full, Handle, Places, Room, Standing, StartError, Trouble};
use crate::domain::command::Principal;
use crate::domain::ids::{Seq, WorkspaceId};
use crate::domain::things::Limits;
use crate::index::follow::{Follower, Progress};
use crate::index::{self, Index, IndexError};
use crate::ledger::{AnyLedger, Ledger as _, LedgerError, Lost, Store};
use crate::store::{Image, ImageError, Images};

/// Most streams and long polls of one workspace's agents at once, and of its people.
const WATCHERS: usize = 16_384;
/// Most of one agent or person.
const WATCHER_SHARE: usize = 4_096;
/// Most long looks at the ledger of one workspace at once: each keeps a processor busy.
const LOOKS: usize = 4;
/// The index of a ledger that lacks something: the other one, which has seen more, stays as it is.
const INDEX_APART: &str = "index.lost.db";
/// How often it is looked whether the ledger is still there.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long an answer waits for the index to have what it asks for.
const INDEX_WAIT: Duration = Duration::from_secs(5);

/// One workspace at work.
#[derive(Debug)]
pub struct Workspace {
    id: WorkspaceId,
    handle: Handle,
    index: Arc<Index>,
    progress: watch::Receiver<Progress>,
    follower: Mutex<Option<Follower>>,
    stop: watch::Sender<bool>,
    sealing: Sealing,
    watchers: Arc<Room>,
    relay: Relay,
    looks: Arc<Semaphore>,
    /// Maps are read one after another: each may take a second and hundreds of megabytes.
    maps: Arc<Semaphore>,
    pins: Arc<Pins>,
    orders: Orders,
    limits: Arc<Limits>,
}

/// Why a workspace does not open.
#[derive(Debug, thiserror::Error)]
pub(super) enum SpaceError {
    #[error("{place}: {source}; check that the data directory belongs to you and has free space")]
    Io { place: String, source: io::Error },
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error(transparent)]
    Index(#[from] IndexError),
    #[error("it was never finished: its ledger is empty")]
    Unfounded,
}

impl Workspace {
    /// Opens the workspace of that store; with a founding, makes it.
    pub(super) async fn open(
        Lies { store, images, cluster }: &Lies,
        id: WorkspaceId,
        clock: Clock,
        founding: Option<Founding>,
        limits: Arc<Limits>,
    ) -> Result<Self, SpaceError> {
        let failed = |path: &Path, source| SpaceError::Io { place: path.display().to_string(), source };
        let folder = store.folder(&id);
        let lost = lost(store, &id, founding.is_some()).await?;
        let only_looks = lost.is_some();
        if let (Some(lost), Some(_)) = (&lost, &founding) {
            return Err(missing(lost.clone()));
        }
        let ledger = ledger(store, &id, founding.is_some()).await?;
        // A snapshot that has seen more stays as it is.
        let snapshot = (!only_looks).then(|| folder.join(coordinator::SNAPSHOT_FILE));
        let image = images.as_ref().filter(|_| !only_looks).and_then(|images| image_of(images, &ledger));
        let sealing_clock = clock.clone();
        let handle = coordinator::start_apart(
            ledger,
            coordinator::Options {
                clock,
                snapshot,
                image,
                near: None,
                founding,
                limits: Arc::clone(&limits),
                lost: lost.clone(),
                look_only: store.look_only(),
                follows: cluster.is_some(),
            },
        )
        .await?;
        if handle.head().seq == 0 {
            handle.shutdown().await;
            // Without a deed there is nobody to sign in, and nothing to look at.
            return Err(lost.map_or(SpaceError::Unfounded, missing));
        }
        let sealing = Sealing { signing: store.signing(), folder: folder.clone(), clock: sealing_clock };
        let index_file = folder.join(if only_looks { INDEX_APART } else { index::FILE });
        if !only_looks {
            index::remove(&folder.join(INDEX_APART))?;
        }
        let index = indexed(&index_file, handle.identity().source()).await?;
        let (stop, stopped) = watch::channel(false);
        tokio::spawn(sign_heads(store.clone(), id.clone(), sealing.clone(), handle.clone(), stopped.clone()));
        tokio::spawn(look_at_ledger(handle.clone(), stopped.clone()));
        let (told, progress) = watch::channel(Progress::default());
        let news = Arc::new(AtomicU64::new(0));
        let source = LedgerSource {
            handle: handle.clone(),
            folder: folder.clone(),
            runtime: tokio::runtime::Handle::current(),
            told: Arc::clone(&news),
            last: 0,
        };
        let tell = move |progress: &Progress| drop(told.send_replace(progress.clone()));
        let follower = Follower::start(Arc::clone(&index), source, tell)
            .map_err(|source| failed(&index_file, source))?;
        tokio::spawn(tell_news(handle.clone(), news, follower.waker(), stopped));
        Ok(Self {
            id,
            handle,
            index,
            progress,
            follower: Mutex::new(Some(follower)),
            stop,
            sealing,
            watchers: Room::new(WATCHERS, WATCHER_SHARE),
            relay: Relay::default(),
            looks: Arc::new(Semaphore::new(LOOKS)),
            maps: Arc::new(Semaphore::new(1)),
            pins: Arc::default(),
            orders: Orders::default(),
            limits,
        })
    }

    /// Tells the other nodes from now on what is recorded here.
    pub(super) fn tell(&self, cluster: &Arc<Cluster>) {
        let (cluster, handle) = (Arc::clone(cluster), self.handle.clone());
        tokio::spawn(tell_others(cluster, handle, self.id.clone(), self.stop.subscribe()));
    }

    /// Its name.
    pub fn id(&self) -> &WorkspaceId {
        &self.id
    }

    /// The way to its coordinator.
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// How much may be kept in it.
    pub(super) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The orders of its lists that were asked for lately.
    pub(super) fn orders(&self) -> &Orders {
        &self.orders
    }

    /// The moments whose boards are being read.
    pub(super) fn pins(&self) -> &Arc<Pins> {
        &self.pins
    }

    /// Where its ledger ends now, signed.
    pub(super) async fn checkpoint(&self) -> Result<String, Box<Problem>> {
        if let Some(lost) = self.handle.lost() {
            return Err(Box::new(Problem::new(ProblemCode::LedgerLost, lost.to_string())));
        }
        let (sealing, source, head) =
            (self.sealing.clone(), self.handle.identity().source(), self.handle.head());
        let note = tokio::task::spawn_blocking(move || sealing.note(&source, head)).await;
        let unsigned = |error| Box::new(Problem::new(ProblemCode::NotSigned, format!("{error}")));
        note.map_err(defect)?.map_err(unsigned)
    }

    /// How far its index has got.
    pub fn indexed(&self) -> Seq {
        self.progress.borrow().seq
    }

    /// How many watch it now.
    pub(super) fn watching(&self) -> usize {
        self.watchers.taken()
    }

    /// What all share who follow its live end.
    pub(super) fn relay(&self) -> &Relay {
        &self.relay
    }

    /// A place among the watchers.
    pub(super) fn watch_place(&self, caller: &Principal) -> Result<Places, Box<Problem>> {
        let place = Room::take(&self.watchers, Standing::of(caller.class), &caller.actor, 1);
        place.map_err(|full| {
            let (most, whose) = match full {
                Full::Mine => (WATCHER_SHARE, "of yours "),
                Full::All => (WATCHERS, ""),
            };
            let detail = format!("{most} streams and long polls {whose}are open on {}", self.id);
            Box::new(Problem::new(ProblemCode::TooManyWatchers, detail))
        })
    }

    /// A place among the long looks at the ledger.
    pub(super) fn look_place(&self) -> Result<OwnedSemaphorePermit, Box<Problem>> {
        Arc::clone(&self.looks).try_acquire_owned().map_err(|_| {
            let detail = format!("{LOOKS} plans and inferences run on {}", self.id);
            let problem = Problem::new(ProblemCode::TooManyWatchers, detail);
            Box::new(problem.next("try again when one of them has ended"))
        })
    }

    /// A turn at reading a map, kept until that is done, whoever has gone away meanwhile.
    pub(super) async fn map_turn(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.maps).acquire_owned().await.ok()
    }

    /// Asks the index on a blocking thread.
    pub(super) async fn ask_index<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&Index) -> Result<T, IndexError> + Send + 'static,
    ) -> Result<T, Box<Problem>> {
        let index = Arc::clone(&self.index);
        match tokio::task::spawn_blocking(move || ask(&index)).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(unindexed(&error)),
            Err(error) => Err(defect(format!("the index broke off: {error}"))),
        }
    }

    /// Waits until the index has that deed.
    pub(super) async fn index_reached(&self, seq: Seq) -> Result<(), Box<Problem>> {
        let mut progress = self.progress.clone();
        let reached = timeout(INDEX_WAIT, progress.wait_for(|progress| progress.seq >= seq)).await;
        if matches!(reached, Ok(Ok(_))) {
            return Ok(());
        }
        drop(reached);
        let at = self.progress.borrow().clone();
        let why = at.trouble.unwrap_or_else(|| "it is catching up".to_owned());
        let detail = format!("{seq} was asked for, the index has got to {}: {why}", at.seq);
        Err(Box::new(Problem::new(ProblemCode::NotYet, detail)))
    }

    /// Lets the index fall behind from here on: what it costs is measured against that.
    pub fn stop_indexing(&self) {
        drop(self.follower.lock().unwrap_or_else(PoisonError::into_inner).take());
    }

    /// Ends following and the coordinator, after what is waiting was decided.
    pub(super) async fn shutdown(&self) {
        self.stop.send_replace(true);
        let follower = self.follower.lock().unwrap_or_else(PoisonError::into_inner).take();
        // Letting go of the follower waits for its thread.
        if let Err(error) = tokio::task::spawn_blocking(move || drop(follower)).await {
            tracing::warn!(%error, "the index's follower broke off");
        }
        let only_looked = self.handle.lost().is_some();
        self.handle.shutdown().await;
        if !only_looked {
            self.sealing.finish(&self.handle).await;
        }
    }
}

/// Where its values lie beside memory; none where that can't be.
fn image_of(images: &Images, ledger: &AnyLedger) -> Option<Image> {
    let (workspace, source) = (&ledger.identity().workspace, ledger.identity().source());
    let failed = |error: &ImageError| tracing::error!(%workspace, %error, "its values are kept in memory");
    images.of(&source).inspect_err(failed).ok()
}

fn missing(lost: Lost) -> SpaceError {
    StartError::from(Trouble::Lost(Box::new(lost))).into()
}

/// What the ledger lacks, looked for before it is opened for writing. One that is being made has no past.
async fn lost(store: &Store, id: &WorkspaceId, is_new: bool) -> Result<Option<Lost>, SpaceError> {
    // One whose founding was cut off has a ledger already, and so has one that lost everything.
    if is_new && !store.has(id) {
        return Ok(None);
    }
    let (store, id) = (store.clone(), id.clone());
    let look = move || match witnesses::look(&store, &id)? {
        Found::Whole => store.mend_note(&id).map(|()| None).map_err(SpaceError::from),
        Found::Accepted => witnesses::forget(&store, &id).map(|()| None),
        Found::Lost(lost) => {
            store.set_log_apart(&id)?;
            Ok(Some(lost))
        }
    };
    apart(look).await?
}

/// Its ledger, made where it is new.
async fn ledger(store: &Store, id: &WorkspaceId, is_new: bool) -> Result<AnyLedger, SpaceError> {
    let (store, id) = (store.clone(), id.clone());
    let open = move || if is_new { store.create(&id) } else { store.open(&id) };
    Ok(apart(open).await??)
}

/// Its index, made anew where it is of another ledger.
async fn indexed(file: &Path, source: String) -> Result<Arc<Index>, SpaceError> {
    let file = file.to_owned();
    Ok(Arc::new(apart(move || Index::open(&file, &source)).await??))
}

/// Does what blocks where nobody waits for it.
async fn apart<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, SpaceError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| StartError::Thread(error.to_string()).into())
}

/// Looks each second whether the ledger is still there, also where nothing is written.
async fn look_at_ledger(handle: Handle, mut stop: watch::Receiver<bool>) {
    let looks = async {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            handle.look_at_ledger().await;
        }
    };
    tokio::select! {
        // A sender that is gone says the same.
        _ = stop.wait_for(|stop| *stop) => {}
        () = looks => {}
    }
}

/// Tells the other nodes what is recorded here.
async fn tell_others(
    cluster: Arc<Cluster>,
    handle: Handle,
    id: WorkspaceId,
    mut stop: watch::Receiver<bool>,
) {
    let tells = async {
        let mut at = handle.head().seq;
        loop {
            handle.reached(Seq(at + 1)).await;
            at = handle.head().seq;
            cluster.tell(&id, Seq(at));
        }
    };
    tokio::select! {
        // A sender that is gone says the same.
        _ = stop.wait_for(|stop| *stop) => {}
        () = tells => {}
    }
}

/// Signs heads; where deeds are missing, not before their loss is accepted, and nobody is heard any more who saw them.
async fn sign_heads(
    store: Store,
    id: WorkspaceId,
    sealing: Sealing,
    handle: Handle,
    mut stop: watch::Receiver<bool>,
) {
    if handle.lost().is_some() {
        tokio::select! {
            // A sender that is gone says the same.
            _ = stop.wait_for(|stop| *stop) => return,
            () = handle.whole_again() => {}
        }
        let forgotten = tokio::task::spawn_blocking(move || witnesses::forget(&store, &id)).await;
        if let Ok(Err(error)) = forgotten {
            tracing::warn!(%error, "what has seen the lost deeds could not be taken away; the next start tries again");
        }
    }
    sealing.run(handle, stop).await;
}

impl Drop for Workspace {
    /// Without a shutdown before it: the follower is told to end, or else letting go of it would wait for its nap.
    fn drop(&mut self) {
        self.stop.send_replace(true);
    }
}
