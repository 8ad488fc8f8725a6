//! The workspaces of one data directory: known at the start, opened when they are asked for ([`spaces`](super::spaces)), made on request,
//! shut down together.
//!
//! Where they lie, the [store](Store) knows; index and snapshot lie beside the ledger. Who locks the directory is not
//! decided here.

use std::sync::Arc;
use std::time::Duration;

use super::cluster::{Advertised, ClocksApart, Cluster};
use super::founding::{founding, kept, mint};
use super::shown::SHOWN_FOR;
use super::spaces::{Counts, Listed, Places, Spaces, Unreached};
use super::workspace::Workspace;
use crate::api::TokenText;
use crate::coordinator::{Clock, SubmitError};
use crate::domain::command::{AskedKey, Command, Principal, Request, TokenStep};
use crate::domain::hash::hex;
use crate::domain::ids::{Actor, IdempotencyKey, PersonId, WorkspaceId};
use crate::domain::map::Model;
use crate::domain::reply::Reply;
use crate::domain::state::{CACHE, KEY_LIFE};
use crate::domain::things::{Keeping, Limits, Token, TokenClass};
use crate::domain::time::Time;
use crate::ledger::{LedgerError, Store};
use crate::store::Images;

/// How often a token of the server's own is recorded anew where nodes on the same workspace were first, and after how long each time.
const TRIES: u32 = 20;
const AGAIN: Duration = Duration::from_millis(250);
/// The folder of their image, in the data directory.
pub const IMAGE_FOLDER: &str = "image";

/// The workspaces of one data directory.
#[derive(Debug)]
pub struct Workspaces {
    store: Store,
    clock: Clock,
    instance: String,
    spaces: Arc<Spaces>,
    /// One is made at a time.
    making: tokio::sync::Mutex<()>,
    /// Those that were made under an idempotency key, while this process runs.
    keyed: tokio::sync::Mutex<Vec<Keyed>>,
}

/// A workspace that was made under an idempotency key.
#[derive(Debug)]
struct Keyed {
    by: Actor,
    key: IdempotencyKey,
    digest: Arc<str>,
    workspace: WorkspaceId,
    /// The token of its first admin, which is shown again to whoever asks again soon.
    token: TokenText,
    at: Time,
}

/// What came of a request for a workspace.
#[derive(Debug)]
pub(super) enum Made {
    /// It was made, and this is the token of its first admin.
    Now(TokenText),
    /// The very same request made it before; its token, where that was shown a moment ago.
    Before(Option<TokenText>),
}

/// Why the data directory can't be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Which ledgers there are can't be told.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The system gives no random bytes.
    #[error("the system gives no random bytes: {0}")]
    Random(getrandom::Error),
    /// This machine's clock and the database's differ.
    #[error("{0} and start again")]
    Clocks(ClocksApart),
}

/// Why a workspace or a token was not made.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// There is one of that name.
    #[error("the workspace {0} exists already")]
    Exists(WorkspaceId),
    /// There are too many.
    #[error("this server has {0} workspaces, which is the most (setting `workspaces.most`)")]
    TooMany(u64),
    /// It would be taken for an option.
    #[error("a workspace can't be called {0:?}: its name begins with a letter or a digit")]
    BadName(String),
    /// The key stands for another request.
    #[error("the key {0:?} was used for another request; send this one under a key of its own")]
    KeyReused(String),
    /// There is none of that name.
    #[error("there is no workspace {0} here")]
    Absent(WorkspaceId),
    /// It does not open, or not now.
    #[error("{0}")]
    Unreached(String),
    /// It could not be made.
    #[error("the workspace {workspace} could not be made: {reason}")]
    Failed {
        /// Which.
        workspace: WorkspaceId,
        /// Why.
        reason: String,
    },
    /// The system gives no random bytes.
    #[error("the system gives no random bytes: {0}")]
    Random(getrandom::Error),
    /// The rules refuse the token.
    #[error("the token was refused: {0}")]
    Refused(String),
    /// The token could not be recorded.
    #[error(transparent)]
    Submit(#[from] SubmitError),
}

/// How much the workspaces of a server may have.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Of what is kept for agents.
    pub limits: Limits,
    /// Of how many there are and are open.
    pub keeping: Keeping,
    /// Of memory for values and idempotency keys, for all workspaces together, in bytes.
    pub cache: u64,
}

impl From<Limits> for Bounds {
    fn from(limits: Limits) -> Self {
        Self { limits, keeping: Keeping::default(), cache: CACHE }
    }
}

/// Where values lie beside memory. Where that can't be, all are in memory.
fn images(store: &Store, cache: u64) -> Option<Images> {
    if store.look_only().is_some() {
        return None;
    }
    let folder = store.directory().join(IMAGE_FOLDER);
    match Images::open(&folder, cache) {
        Ok(images) => Some(images),
        Err(error) => {
            tracing::error!(place = %folder.display(), %error, "there is no image of values: all of them are kept in memory");
            None
        }
    }
}

/// The node is there for the others.
async fn joined(cluster: Cluster, clock: &Clock) -> Result<Arc<Cluster>, OpenError> {
    match cluster.beat(clock).await? {
        (_, Some(apart)) => Err(OpenError::Clocks(apart)),
        (_, None) => Ok(Arc::new(cluster)),
    }
}

impl Workspaces {
    /// Knows every workspace of the data directory, and opens its home. One that does not open is logged and answered for with a
    /// problem; the others are served.
    ///
    /// # Errors
    /// When the directory can't be used at all.
    pub async fn open(store: impl Into<Store>, clock: Clock) -> Result<Self, OpenError> {
        Self::open_within(store, clock, Limits::default()).await
    }

    /// The same within other bounds.
    ///
    /// # Errors
    /// As [`Workspaces::open`].
    pub async fn open_within(
        store: impl Into<Store>,
        clock: Clock,
        bounds: impl Into<Bounds>,
    ) -> Result<Self, OpenError> {
        Self::open_among(store, clock, bounds, None).await
    }

    /// The same as one of several nodes, where the engine has them, reached so by the others.
    ///
    /// # Errors
    /// As [`Workspaces::open`], and where the machine's clock is not the database's.
    pub async fn open_among(
        store: impl Into<Store>,
        clock: Clock,
        bounds: impl Into<Bounds>,
        advertised: Option<Advertised>,
    ) -> Result<Self, OpenError> {
        let (store, Bounds { limits, keeping, cache }) = (store.into(), bounds.into());
        let (limits, images) = (Arc::new(limits), images(&store, cache));
        let mut instance = [0; 8];
        getrandom::fill(&mut instance).map_err(OpenError::Random)?;
        let instance = hex(&instance).to_string();
        store.tidy();
        let there = store.workspaces()?;
        let cluster = match (store.nodes(), advertised) {
            (Some(nodes), Some(advertised)) => {
                Some(joined(Cluster::new(nodes, &instance, advertised), &clock).await?)
            }
            (_, None) | (None, Some(_)) => None,
        };
        let places = Places { store: store.clone(), images, cluster };
        let spaces = Spaces::new(places, clock.clone(), limits, keeping, &there);
        let spaces = Arc::new(spaces);
        spaces.start().await;
        clock.started();
        let workspaces = Self {
            store,
            clock,
            instance,
            spaces,
            making: tokio::sync::Mutex::new(()),
            keyed: tokio::sync::Mutex::default(),
        };
        workspaces.settle_home();
        Ok(workspaces)
    }

    /// Sees to it that there is a home. A process that was killed before it could say which one it is founded one workspace
    /// only; with several it is for a person to say. One that is gone is told, and not made anew.
    fn settle_home(&self) {
        let names = self.spaces.names();
        match (self.store.home(), names.as_slice()) {
            (Some(home), _) => {
                if let Some(why) = self.store.lost_home().filter(|_| self.spaces.get(&home).is_none()) {
                    tracing::error!(workspace = %home, "{why}");
                    self.spaces.break_off(home, why);
                }
            }
            (None, [only]) => {
                if let Err(error) = self.store.say_home(only) {
                    tracing::warn!(workspace = %only, %error, "which workspace is the home can't be kept");
                }
                self.spaces.settle(only);
            }
            (None, [_, ..]) => {
                tracing::error!(
                    "the file `home` says of no workspace that its admins make others: {}",
                    Store::NAME_HOME
                );
            }
            (None, []) => {}
        }
    }

    /// Makes a workspace with that first map, or the default one, and a token for its first admin. The first workspace
    /// of a server is its home.
    ///
    /// # Errors
    /// When the name is taken, or the disk says no. Nothing half-made is served.
    pub async fn create(
        &self,
        id: &WorkspaceId,
        person: &PersonId,
        model: Option<Model>,
    ) -> Result<TokenText, CreateError> {
        let (text, token) =
            mint(TokenClass::Admin, id, person.as_str(), None).map_err(CreateError::Random)?;
        self.make(id, person, model, token, Vec::new()).await.map(|()| text)
    }

    async fn make(
        &self,
        id: &WorkspaceId,
        person: &PersonId,
        model: Option<Model>,
        token: Token,
        others: Vec<Token>,
    ) -> Result<(), CreateError> {
        // Those that are there by an older program's leave stay.
        if id.as_str().starts_with('-') {
            return Err(CreateError::BadName(id.to_string()));
        }
        let _one_at_a_time = self.making.lock().await;
        if self.spaces.has(id) {
            return Err(CreateError::Exists(id.clone()));
        }
        let most = self.spaces.keeping().most;
        if most > 0 && self.spaces.counts().known as u64 >= most {
            return Err(CreateError::TooMany(most));
        }
        let failed = |reason: String| CreateError::Failed { workspace: id.clone(), reason };
        let model = model.unwrap_or_else(|| Model::default_for(id.clone(), person.clone()));
        let first_token = token.id.clone();
        let first = founding(id.clone(), person.clone(), model, token, others);
        let made = Box::pin(self.spaces.make(id, first)).await;
        let made = made.map_err(|error| failed(error.to_string()))?;
        // Another node may have made it at the same moment.
        if !made.handle().front().tokens.contains_key(&first_token) {
            return Err(CreateError::Exists(id.clone()));
        }
        // Another node may have said it.
        let home = self.spaces.settle(self.store.home().as_ref().unwrap_or(id));
        // Whoever reads it finds the workspace served.
        if self.store.home().is_none() {
            let kept = self.store.say_home(&home);
            kept.map_err(|error| failed(format!("its name can't be kept as the home: {error}")))?;
        }
        Ok(())
    }

    /// A token that is in no ledger yet, so that it can be kept before it is; only [`Workspaces::found`] makes it open
    /// something.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn mint(class: TokenClass, id: &WorkspaceId, name: &str) -> Result<TokenText, CreateError> {
        mint(class, id, name, None).map(|(text, _)| text).map_err(CreateError::Random)
    }

    /// Makes the first workspace with the default map. `own` is the token of its admin, and `agent` that of a first agent with
    /// its name: both open it as soon as it is there, and neither does where it is not.
    ///
    /// # Errors
    /// As [`Workspaces::create`].
    pub async fn found(
        &self,
        id: &WorkspaceId,
        person: &PersonId,
        own: &TokenText,
        (agent, name): (&TokenText, &str),
    ) -> Result<(), CreateError> {
        self.make(id, person, None, kept(own, person.as_str()), vec![kept(agent, name)]).await
    }

    /// Whether the token opens its workspace here, or did until it ended. A text with a fault opens nothing.
    pub async fn knows(&self, text: &TokenText) -> bool {
        let Ok(space) = self.reach(&text.workspace, Some(&text.hash())).await else { return false };
        let front = space.handle().front();
        front
            .tokens
            .get(&text.id)
            .is_some_and(|record| record.token.class == text.class && record.token.hash == text.hash_text())
    }

    /// The same under an idempotency key (RULES §3.3), for a day while this process runs: the same request makes one workspace,
    /// another one under that key makes none.
    ///
    /// # Errors
    /// As for `create`, and where the key stands for another request.
    pub(super) async fn create_once(
        &self,
        id: &WorkspaceId,
        person: &PersonId,
        (by, asked): (&Actor, &AskedKey),
    ) -> Result<Made, CreateError> {
        let mut keyed = self.keyed.lock().await;
        let now = self.clock.now();
        keyed.retain(|made| now.since(made.at) < KEY_LIFE);
        if let Some(made) = keyed.iter().find(|made| made.by == *by && made.key == asked.key) {
            return if asked.is_for(&made.digest) && made.workspace == *id {
                Ok(Made::Before((now.since(made.at) < SHOWN_FOR).then(|| made.token.clone())))
            } else {
                Err(CreateError::KeyReused(asked.key.to_string()))
            };
        }
        let token = self.create(id, person, None).await?;
        let (key, digest) = (asked.key.clone(), Arc::clone(&asked.digest));
        let (workspace, kept) = (id.clone(), token.clone());
        keyed.push(Keyed { by: by.clone(), key, digest, workspace, token: kept, at: now });
        Ok(Made::Now(token))
    }

    /// Makes a token on behalf of whoever holds the data directory. For the process that owns it, not for callers.
    ///
    /// # Errors
    /// When there is no such workspace, or the token is refused or can't be recorded.
    pub async fn issue(
        &self,
        id: &WorkspaceId,
        class: TokenClass,
        name: &str,
        expires: Option<Time>,
    ) -> Result<TokenText, CreateError> {
        let (text, token) = mint(class, id, name, expires).map_err(CreateError::Random)?;
        self.record(id, token).await.map(|()| text)
    }

    /// The same with a token that is kept already, so that nobody is left with one that was recorded and lost.
    ///
    /// # Errors
    /// As [`Workspaces::issue`].
    pub async fn issue_kept(&self, text: &TokenText, name: &str) -> Result<(), CreateError> {
        self.record(&text.workspace, kept(text, name)).await
    }

    async fn record(&self, id: &WorkspaceId, token: Token) -> Result<(), CreateError> {
        let space = self.reach(id, None).await.map_err(|unreached| match unreached {
            Unreached::Absent => CreateError::Absent(id.clone()),
            other @ (Unreached::Broken
            | Unreached::Slow
            | Unreached::Crowded
            | Unreached::Full(_)
            | Unreached::Ending) => CreateError::Unreached(other.problem(id).detail.clone()),
        })?;
        let principal = Principal { actor: Actor::Deeds, class: TokenClass::Admin, token: None };
        let request = Request::new(principal, Command::Token(TokenStep::Create(token)));
        let mut tries = 0;
        let answer = loop {
            match space.handle().submit(request.clone()).await {
                // Nobody else asks again for it.
                Err(SubmitError::Contended) if tries < TRIES => tries += 1,
                answered => break answered?,
            }
            tokio::time::sleep(AGAIN).await;
        };
        let Reply { message, .. } = &answer.reply;
        if answer.reply.is_done() {
            return Ok(());
        }
        Err(CreateError::Refused(message.as_deref().unwrap_or("no reason given").to_owned()))
    }

    /// The workspace of that name, if it is open.
    pub fn get(&self, id: &WorkspaceId) -> Option<Arc<Workspace>> {
        self.spaces.get(id)
    }

    /// The workspace of that name, opened if it is closed; for whoever has a secret with that hash, only where it may be known there.
    pub(super) async fn reach(
        &self,
        id: &WorkspaceId,
        hash: Option<&[u8; 32]>,
    ) -> Result<Arc<Workspace>, Unreached> {
        match hash {
            Some(hash) => self.spaces.reach_with(id, hash).await,
            None => Box::pin(self.spaces.reach(id)).await,
        }
    }

    /// The workspace of that name, opened if it is closed.
    ///
    /// # Errors
    /// Why there is none to be had.
    pub async fn opened(&self, id: &WorkspaceId) -> Result<Arc<Workspace>, String> {
        self.reach(id, None).await.map_err(|unreached| unreached.problem(id).detail.clone())
    }

    /// The names of all that there are, open or not.
    pub fn names(&self) -> Vec<WorkspaceId> {
        self.spaces.names()
    }

    /// Every workspace that is open, by name.
    pub fn list(&self) -> Vec<Arc<Workspace>> {
        self.spaces.open()
    }

    /// So many after that name, as lists show them; whether there are more.
    pub(super) fn page(
        &self,
        after: Option<&WorkspaceId>,
        limit: usize,
    ) -> (Vec<(WorkspaceId, Listed)>, bool) {
        self.spaces.list(after, limit)
    }

    /// This node among others, if there may be others.
    pub(super) fn cluster(&self) -> Option<&Arc<Cluster>> {
        self.spaces.cluster()
    }

    /// How many there are, and are open.
    pub(super) fn counts(&self) -> Counts {
        self.spaces.counts()
    }

    /// The workspaces that did not open when they were asked for, with the reason.
    pub fn broken(&self) -> Vec<(WorkspaceId, String)> {
        self.spaces.broken()
    }

    /// The workspace whose admins are the server's.
    pub fn home(&self) -> Option<WorkspaceId> {
        self.spaces.home()
    }

    /// Whether other nodes on its database were there a moment ago.
    pub fn has_others(&self) -> bool {
        self.cluster().is_some_and(|cluster| !cluster.is_alone())
    }

    /// This run of the server, as random digits.
    pub fn instance(&self) -> &str {
        &self.instance
    }

    /// Where the time comes from.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Ends every workspace after what is waiting was decided.
    pub async fn shutdown(&self) {
        self.spaces.shutdown().await;
    }

    /// Somebody waits for the end: a last snapshot that takes long is given up, and the next start takes longer.
    pub fn hurry(&self) {
        for space in self.list() {
            space.handle().hurry();
        }
    }
}
