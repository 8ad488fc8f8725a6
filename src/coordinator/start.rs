//! Starting: the newest snapshot that fits, the rest of the ledger folded onto it with its chain checked, and the task.

use std::path::PathBuf;
use std::sync::Arc;

use thiserror::Error;
use tokio::sync::{Semaphore, mpsc, oneshot, watch as cell};

use super::batch::Loop;
use super::believed::Opened;
use super::fetch::Fetch;
use super::outside::{self, NEAR, Outside};
use super::past::Past;
use super::past::checkpoints::Checkpoints;
use super::snapshot::{self, SnapshotError};
use super::{Clock, Durable, Handle, MAILBOX, Room, SHARE, Shared, SubmitError, Trouble, held, threads};
use crate::domain::deed::{Deed, Origin};
use crate::domain::ids::{IdError, Seq, WorkspaceId};
use crate::domain::state::{FarError, State, Totals};
use crate::domain::things::{AlertKind, Limits};
use crate::domain::time::Time;
use crate::ledger::{AnyLedger, Head, Ledger, LedgerError, Lost, Record, Verifier};
use crate::store::Image;

/// How many records are read at once while replaying.
const REPLAY_PAGE: usize = 4_096;
/// How often a long replay at the start asks itself whether it should leave a checkpoint behind.
const CHECKPOINT_DEEDS: u64 = 1_024;

/// The first deeds of a workspace whose ledger is empty, made at the time given.
pub type Founding = Box<dyn FnOnce(Time) -> Vec<Deed> + Send>;

/// What a coordinator is started with.
#[derive(Default)]
pub struct Options {
    /// Where the time comes from.
    pub clock: Clock,
    /// Where snapshots are kept; none are, without.
    pub snapshot: Option<PathBuf>,
    /// Where values and idempotency keys lie beside memory; all are in memory, without.
    pub image: Option<Image>,
    /// How many bytes of them are near, about, before some are let go of.
    pub near: Option<u64>,
    /// What an empty ledger begins with.
    pub founding: Option<Founding>,
    /// How much may be kept for agents.
    pub limits: Arc<Limits>,
    /// What the ledger lacks that a witness has seen in it: then it is looked at, and nothing is recorded.
    pub lost: Option<Lost>,
    /// Why nothing is to be recorded in it, whatever comes.
    pub look_only: Option<Arc<str>>,
    /// Whether another node may hold the workspace: until this one is told to lead, time is not told here.
    pub follows: bool,
}

/// Why a workspace could not be started.
#[derive(Debug, Error)]
pub enum StartError {
    /// The ledger can't be read or continued.
    #[error(transparent)]
    Trouble(#[from] Trouble),
    /// The ledger's workspace has a name that can't be one.
    #[error("the ledger's workspace has no valid name: {0}")]
    Name(#[from] IdError),
    /// A snapshot of this very ledger has seen more than there is.
    #[error(
        "the ledger ends at sequence {head}, but its snapshot was taken at {snapshot}: deeds were lost; restore the ledger from a backup, and keep {path}, which has seen more"
    )]
    Lost {
        /// Where the ledger ends.
        head: u64,
        /// Where it was.
        snapshot: u64,
        /// The snapshot.
        path: String,
    },
    /// There is no thread for it.
    #[error("no thread could be started for the coordinator: {0}")]
    Thread(String),
    /// The first deeds could not be recorded.
    #[error("the workspace could not be founded: {0}")]
    Founding(SubmitError),
}

impl From<LedgerError> for StartError {
    fn from(error: LedgerError) -> Self {
        Self::Trouble(error.into())
    }
}

/// Brings a workspace's state up from its ledger and starts its coordinator on the present runtime.
pub async fn start(ledger: AnyLedger, options: Options) -> Result<Handle, StartError> {
    let identity = ledger.identity().clone();
    let workspace = WorkspaceId::new(&identity.workspace)?;
    let origin = Origin { source: Arc::from(identity.source()), workspace: workspace.clone() };
    if let Some(path) = &options.snapshot {
        snapshot::tidy(path);
    }
    let mut outside = Outside::new(options.image.clone(), options.near.unwrap_or(NEAR));
    let Base { mut state, heads, snapshot } =
        Box::pin(base(&ledger, workspace, options.snapshot.as_ref(), &outside, u64::MAX)).await?;
    let past = Past::new(options.snapshot.as_deref().map(Checkpoints::beside));
    let end = ledger.head().await?.seq;
    let each = |state: &State, (record, _): (Record, _)| {
        if record.seq % CHECKPOINT_DEEDS == 0
            && record.seq > heads.board.seq
            && let Some(files) = past.files()
        {
            files.consider(&identity, record.head(), &state.board, end);
        }
    };
    let head = Box::pin(replay(&ledger, &mut state, heads, u64::MAX, Some(&outside), each)).await?;
    outside.go_on(&mut state, head);
    if head.seq > 0 {
        let board = &state.board;
        let was_doubted = board.alerts.values().any(|alert| alert.kind == AlertKind::Clock);
        let (recorded, ahead) = (board.recorded, board.clock.lets_ahead());
        options.clock.opened(Opened { recorded, was_doubted, ahead });
    }

    let shared = Arc::new(Shared::new(
        ledger,
        past,
        options.clock.clone(),
        options.image.clone().map(Fetch::of),
        Durable { front: Arc::new(state.front()), head, whole: None },
    ));
    let (mailbox, letters) = mpsc::unbounded_channel();
    let (stop, stopped) = cell::channel(false);
    let (ended, has_ended) = cell::channel(false);
    let mut coordinator =
        Loop::new(Arc::clone(&shared), letters, origin, (state, outside), &options, snapshot);
    if let Some(founding) = options.founding
        && shared.head().seq == 0
    {
        Box::pin(coordinator.found(founding)).await.map_err(StartError::Founding)?;
    }
    if let Some(lost) = options.lost {
        coordinator.only_look(lost);
    } else if let Some(why) = options.look_only {
        coordinator.never_record(why);
    }
    tokio::spawn(coordinator.run(stopped, ended));
    let (room, looks) = (Room::new(MAILBOX, SHARE), Arc::new(Semaphore::new(MAILBOX)));
    Ok(Handle { shared, mailbox, room, looks, stop, ended: has_ended })
}

/// The same on one of the coordinators' threads. What is decided then waits for no request's turn on the present runtime, and
/// the other way round.
pub async fn start_apart(ledger: AnyLedger, options: Options) -> Result<Handle, StartError> {
    let seat = threads::seat().map_err(|error| StartError::Thread(error.to_string()))?;
    let runtime = seat.runtime();
    let (tell, told) = oneshot::channel();
    let work = async move {
        let started = Box::pin(start(ledger, options)).await;
        let ended = started.as_ref().ok().map(|handle| handle.ended.clone());
        // Who asked for it and went away leaves no handle, which ends it.
        tell.send(started).map_err(drop).unwrap_or_default();
        if let Some(mut ended) = ended {
            ended.wait_for(|ended| *ended).await.map(drop).unwrap_or_default();
        }
        drop(seat);
    };
    drop(runtime.spawn(work));
    told.await.map_err(|_| StartError::Thread("it broke off".to_owned()))?
}

/// Where board and values are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Heads {
    pub(super) board: Head,
    pub(super) values: Head,
}

/// With what a state begins: the board of a snapshot, values and keys of an image, each at its own head.
pub(super) struct Base {
    pub(super) state: State,
    pub(super) heads: Heads,
    /// Where the snapshot was taken, if one was used.
    pub(super) snapshot: Option<u64>,
}

/// The newest beginning that there is up to that deed and that the ledger bears out.
pub(super) async fn base(
    ledger: &AnyLedger,
    workspace: WorkspaceId,
    snapshot: Option<&PathBuf>,
    outside: &Outside,
    until: u64,
) -> Result<Base, StartError> {
    let nothing = Head { seq: 0, hash: ledger.identity().genesis() };
    let found = match snapshot {
        Some(path) => from_snapshot(ledger, path.clone()).await?.filter(|(_, head)| head.seq <= until),
        None => None,
    };
    let snapshot = found.as_ref().map(|(_, head)| head.seq);
    let (mut state, board) = found.unwrap_or_else(|| (State::new(workspace.clone()), nothing));
    let mut values = nothing;
    if let Some(image) = outside.image() {
        let found = Box::pin(from_image(ledger, workspace, image, until)).await?;
        let (head, totals) = match found {
            Some(found) => found,
            None => (nothing, clear(image).await.map(|()| Totals::default())?),
        };
        values = head;
        state.reach(Arc::new(image.clone()), totals);
    }
    if board == values {
        state.meet();
    }
    outside::failed(&state)?;
    Ok(Base { state, heads: Heads { board, values }, snapshot })
}

pub(super) async fn clear(image: &Image) -> Result<(), Trouble> {
    let image = image.clone();
    let cleared = tokio::task::spawn_blocking(move || image.clear()).await;
    let cleared = cleared.map_err(|error| FarError(error.to_string().into()))?;
    cleared.map_err(|error| Trouble::Values(error.into()))
}

/// The head of an image, and what is known of all in it, if it is one of this ledger up to that deed.
async fn from_image(
    ledger: &AnyLedger,
    workspace: WorkspaceId,
    image: &Image,
    until: u64,
) -> Result<Option<(Head, Totals)>, Trouble> {
    let looking = image.clone();
    let looked = tokio::task::spawn_blocking(move || looking.at()).await;
    let not_used = |why: &dyn std::fmt::Display| {
        let workspace = &ledger.identity().workspace;
        tracing::warn!(%workspace, %why, "the image of values is not used, it is made anew from the ledger");
        Ok(None)
    };
    let at = match looked {
        Ok(Ok(Some(at))) => at,
        Ok(Ok(None)) => return Ok(None),
        Ok(Err(error)) => return not_used(&error),
        Err(error) => return not_used(&error),
    };
    let head = Head { seq: at.seq.0, hash: at.hash };
    if head.seq > until || ledger.get(head.seq).await?.map(|record| record.head()) != Some(head) {
        return not_used(&format!("the ledger has no such deed {}", head.seq));
    }
    let totals = match serde_json::from_slice::<Totals>(&at.more) {
        Ok(totals) => totals,
        Err(error) => return not_used(&error),
    };
    let last = last_before(ledger, head.seq).await?;
    let mut state = State::new(workspace.clone());
    state.reach(Arc::new(image.clone()), totals.clone());
    let differs = tokio::task::spawn_blocking(move || held::values_differ(&state, workspace, &last)).await;
    match differs {
        Ok(None) => Ok(Some((head, totals))),
        Ok(Some(why)) => not_used(&why),
        Err(error) => not_used(&error),
    }
}

/// The board that a snapshot holds, with the tokens, if it is one of this ledger at a head that this ledger has.
async fn from_snapshot(ledger: &AnyLedger, path: PathBuf) -> Result<Option<(State, Head)>, StartError> {
    let identity = ledger.identity().clone();
    let place = path.display().to_string();
    let loading = tokio::task::spawn_blocking(move || snapshot::load(&path, &identity));
    let (state, taken) = match loading.await {
        Ok(Ok(loaded)) => loaded,
        Ok(Err(SnapshotError::Missing)) => return Ok(None),
        Ok(Err(error)) => {
            tracing::warn!(%place, %error, "the snapshot is not used, the state is rebuilt from the ledger");
            return Ok(None);
        }
        Err(error) => {
            tracing::warn!(%place, %error, "reading the snapshot broke off, the state is rebuilt from the ledger");
            return Ok(None);
        }
    };
    let head = ledger.head().await?;
    if head.seq < taken.seq {
        return Err(StartError::Lost { head: head.seq, snapshot: taken.seq, path: place });
    }
    let there = ledger.get(taken.seq).await?.map(|record| record.head());
    if there != Some(taken) {
        tracing::warn!(%place, seq = taken.seq, "the ledger has another record here than the snapshot, which is not used");
        return Ok(None);
    }
    let last = last_before(ledger, taken.seq).await?;
    let differs = WorkspaceId::new(&ledger.identity().workspace)
        .map(|workspace| held::tokens_differ(&state, workspace, &last))?;
    if let Some(why) = differs {
        tracing::warn!(%place, seq = taken.seq, %why, "the snapshot is not what the ledger says: it is not used");
        return Ok(None);
    }
    Ok(Some((state, taken)))
}

/// The last deeds up to that one, so many as a snapshot is held against.
async fn last_before(ledger: &AnyLedger, seq: u64) -> Result<Vec<Record>, LedgerError> {
    let mut last: Vec<Record> = Vec::new();
    let mut after = seq.saturating_sub(held::LAST);
    while after < seq {
        let page = ledger.read(after, REPLAY_PAGE).await?;
        let Some(end) = page.last().map(|record| record.seq) else { break };
        last.extend(page.into_iter().filter(|record| record.seq <= seq));
        after = end;
    }
    Ok(last)
}

/// Folds everything into `state` that comes after its heads, `until` at most, checking the chain on the way; `each` is told every
/// record with its deed. What does not fit in memory on the way goes outside, where that is given. On an error `state` has been
/// folded up to some record: drop it.
pub(super) async fn replay(
    ledger: &AnyLedger,
    state: &mut State,
    heads: Heads,
    until: u64,
    outside: Option<&Outside>,
    mut each: impl FnMut(&State, (Record, Arc<Deed>)),
) -> Result<Head, Trouble> {
    let (board, values) = (Seq(heads.board.seq), Seq(heads.values.seq));
    let mut verifier = Verifier::after(if board < values { heads.board } else { heads.values });
    let mut written = values;
    loop {
        let after = verifier.head().seq;
        let wanted = usize::try_from(until.saturating_sub(after)).unwrap_or(REPLAY_PAGE).min(REPLAY_PAGE);
        let page = if wanted == 0 { Vec::new() } else { ledger.read(after, wanted).await? };
        if page.is_empty() {
            return Ok(verifier.head());
        }
        for record in page {
            let deed = checked(&mut verifier, &record)?;
            let meeting = board.max(values);
            if deed.seq > meeting {
                state.fold(&deed);
            } else {
                state.catch_up(&deed, board, values);
                if deed.seq == meeting {
                    state.meet();
                }
            }
            each(state, (record, Arc::new(deed)));
        }
        outside::failed(state)?;
        if let Some(outside) = outside.filter(|_| Seq(verifier.head().seq) > written) {
            written = outside.put_away(state, verifier.head(), written).await?;
        }
        // A long replay lets others of its runtime have their turn.
        tokio::task::yield_now().await;
    }
}

pub(super) fn checked(verifier: &mut Verifier, record: &Record) -> Result<Deed, Trouble> {
    let seq = record.seq;
    verifier
        .check(seq, record.hash, &record.bytes)
        .map_err(|broken| Trouble::WentBack { seq: broken.seq() })?;
    let deed = Deed::decode(&record.bytes).map_err(|error| Trouble::unreadable(seq, &error))?;
    if deed.seq.0 != seq {
        let reason = format!("it says that it is deed {}", deed.seq);
        return Err(Trouble::Unreadable { seq, reason });
    }
    Ok(deed)
}
