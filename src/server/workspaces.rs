//! The workspaces of one data directory: opened at the start, made on request, shut down together.
//!
//! Where they lie, the [store](Store) knows; index and snapshot lie beside the ledger. Who locks the directory is not
//! decided here.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use super::founding::{founding, kept, mint};
use super::shown::SHOWN_FOR;
use super::workspace::{SpaceError, Workspace};
use crate::api::TokenText;
use crate::coordinator::{Clock, SubmitError};
use crate::domain::command::{AskedKey, Command, Principal, Request, TokenStep};
use crate::domain::hash::hex;
use crate::domain::ids::{Actor, IdempotencyKey, PersonId, WorkspaceId};
use crate::domain::map::Model;
use crate::domain::reply::Reply;
use crate::domain::state::{CACHE, KEY_LIFE};
use crate::domain::things::{Limits, Token, TokenClass};
use crate::domain::time::Time;
use crate::ledger::{LedgerError, Store};
use crate::store::Images;

/// The folder of their image, in the data directory.
pub const IMAGE_FOLDER: &str = "image";
/// Most workspaces of one server.
const WORKSPACE_COUNT: usize = 256;

/// The workspaces of one data directory.
#[derive(Debug)]
pub struct Workspaces {
    store: Store,
    clock: Clock,
    limits: Arc<Limits>,
    /// Where values lie that are not in memory; without it all are in memory.
    images: Option<Images>,
    instance: String,
    spaces: RwLock<Spaces>,
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

#[derive(Debug, Default)]
struct Spaces {
    open: BTreeMap<WorkspaceId, Arc<Workspace>>,
    broken: BTreeMap<WorkspaceId, String>,
    home: Option<WorkspaceId>,
}

impl Spaces {
    /// Sees to it that there is a home. A process that was killed before it could say which one it is founded one workspace
    /// only; with several it is for a person to say. One that is gone is told, and not made anew.
    fn settle_home(&mut self, store: &Store) {
        let mut there = self.open.keys().chain(self.broken.keys());
        let (first, second) = (there.next().cloned(), there.next().cloned());
        match (store.home(), first, second) {
            (Some(home), _, _) => {
                if let Some(why) = store.lost_home().filter(|_| !self.open.contains_key(&home)) {
                    tracing::error!(workspace = %home, "{why}");
                    self.broken.entry(home).or_insert(why);
                }
            }
            (None, Some(only), None) => {
                if let Err(error) = store.say_home(&only) {
                    tracing::warn!(workspace = %only, %error, "which workspace is the home can't be kept");
                }
                self.home = Some(only);
            }
            (None, Some(_), Some(_)) => {
                tracing::error!(
                    "the file `home` says of no workspace that its admins make others: {}",
                    Store::NAME_HOME
                );
            }
            (None, None, _) => {}
        }
    }
}

/// What there is under a name.
#[derive(Debug)]
pub(super) enum Found {
    Open(Arc<Workspace>),
    Broken,
    Absent,
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
}

/// Why a workspace or a token was not made.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// There is one of that name.
    #[error("the workspace {0} exists already")]
    Exists(WorkspaceId),
    /// There are too many.
    #[error("this server has {WORKSPACE_COUNT} workspaces, which is the most")]
    TooMany,
    /// It would be taken for an option.
    #[error("a workspace can't be called {0:?}: its name begins with a letter or a digit")]
    BadName(String),
    /// The key stands for another request.
    #[error("the key {0:?} was used for another request; send this one under a key of its own")]
    KeyReused(String),
    /// There is none of that name.
    #[error("there is no workspace {0} here")]
    Absent(WorkspaceId),
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
    /// Of memory for values and idempotency keys, for all workspaces together, in bytes.
    pub cache: u64,
}

impl From<Limits> for Bounds {
    fn from(limits: Limits) -> Self {
        Self { limits, cache: CACHE }
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

impl Workspaces {
    /// Opens every workspace of the data directory. One that does not open is logged and answered for with a problem;
    /// the others are served.
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
        let (store, Bounds { limits, cache }) = (store.into(), bounds.into());
        let (limits, images) = (Arc::new(limits), images(&store, cache));
        let mut instance = [0; 8];
        getrandom::fill(&mut instance).map_err(OpenError::Random)?;
        let mut spaces = Spaces { home: store.home(), ..Spaces::default() };
        store.tidy();
        for id in store.workspaces()? {
            match Workspace::open(
                (&store, images.as_ref()),
                id.clone(),
                clock.clone(),
                None,
                Arc::clone(&limits),
            )
            .await
            {
                Ok(space) => {
                    spaces.open.insert(id, Arc::new(space));
                }
                Err(SpaceError::Unfounded) => {
                    tracing::warn!(workspace = %id, "passed over: it was never finished");
                }
                Err(error) => {
                    tracing::error!(workspace = %id, %error, "the workspace does not open");
                    spaces.broken.insert(id, error.to_string());
                }
            }
        }
        clock.started();
        spaces.settle_home(&store);
        Ok(Self {
            store,
            clock,
            limits,
            images,
            instance: hex(&instance).to_string(),
            spaces: RwLock::new(spaces),
            making: tokio::sync::Mutex::new(()),
            keyed: tokio::sync::Mutex::default(),
        })
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
        match self.find(id) {
            Found::Absent => {}
            Found::Open(_) | Found::Broken => return Err(CreateError::Exists(id.clone())),
        }
        if self.read().open.len() >= WORKSPACE_COUNT {
            return Err(CreateError::TooMany);
        }
        let failed = |reason: String| CreateError::Failed { workspace: id.clone(), reason };
        let model = model.unwrap_or_else(|| Model::default_for(id.clone(), person.clone()));
        let first = founding(id.clone(), person.clone(), model, token, others);
        let space = Workspace::open(
            (&self.store, self.images.as_ref()),
            id.clone(),
            self.clock.clone(),
            Some(first),
            Arc::clone(&self.limits),
        )
        .await
        .map_err(|error| failed(error.to_string()))?;
        let home = {
            let mut spaces = self.spaces.write().unwrap_or_else(PoisonError::into_inner);
            spaces.open.insert(id.clone(), Arc::new(space));
            spaces.home.get_or_insert_with(|| id.clone()).clone()
        };
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
    pub fn knows(&self, text: &TokenText) -> bool {
        let Some(space) = self.get(&text.workspace) else { return false };
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
        let space = self.get(id).ok_or_else(|| CreateError::Absent(id.clone()))?;
        let principal = Principal { actor: Actor::Deeds, class: TokenClass::Admin, token: None };
        let request = Request::new(principal, Command::Token(TokenStep::Create(token)));
        let answer = space.handle().submit(request).await?;
        let Reply { message, .. } = &answer.reply;
        if answer.reply.is_done() {
            return Ok(());
        }
        Err(CreateError::Refused(message.as_deref().unwrap_or("no reason given").to_owned()))
    }

    /// The workspace of that name.
    pub fn get(&self, id: &WorkspaceId) -> Option<Arc<Workspace>> {
        self.read().open.get(id).cloned()
    }

    pub(super) fn find(&self, id: &WorkspaceId) -> Found {
        let spaces = self.read();
        match spaces.open.get(id) {
            Some(space) => Found::Open(Arc::clone(space)),
            None if spaces.broken.contains_key(id) => Found::Broken,
            None => Found::Absent,
        }
    }

    /// Every workspace that is open, by name.
    pub fn list(&self) -> Vec<Arc<Workspace>> {
        self.read().open.values().cloned().collect()
    }

    /// The workspaces that do not open, with the reason.
    pub fn broken(&self) -> Vec<(WorkspaceId, String)> {
        self.read().broken.iter().map(|(id, why)| (id.clone(), why.clone())).collect()
    }

    /// The workspace whose admins are the server's.
    pub fn home(&self) -> Option<WorkspaceId> {
        self.read().home.clone()
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
        let spaces = self.list();
        let endings: Vec<_> = spaces.iter().map(|space| Box::pin(space.shutdown())).collect();
        futures_util::future::join_all(endings).await;
        if let Some(images) = self.images.clone() {
            let flushed = tokio::task::spawn_blocking(move || images.flush()).await;
            if let Ok(Err(error)) = flushed {
                tracing::warn!(%error, "not all values are in their image; the next start takes longer");
            }
        }
    }

    /// Somebody waits for the end: a last snapshot that takes long is given up, and the next start takes longer.
    pub fn hurry(&self) {
        for space in self.list() {
            space.handle().hurry();
        }
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, Spaces> {
        self.spaces.read().unwrap_or_else(PoisonError::into_inner)
    }
}
