//! Attach or start: every command and the console reach a workspace through here, with a token, over HTTP.
//!
//! `agents` makes and keeps agents' tokens, `embedded` is the server inside this process, `signin` finds the token, `guard` is the hooks' own way, `pin` knows servers elsewhere by their certificate, `ledgers` which ledger is whose. One path, not two: whoever starts the server
//! here talks to it like everybody else.

mod agents;
mod embedded;
mod guard;
pub(super) mod ledgers;
mod looking;
mod node;
mod pin;
mod signin;
mod ssh;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::console::seen;
use super::context::Context;
use super::datadir::{DataDir, DataDirError, Lock, Served};
use super::status::{Status, Usage};
use super::token::{self, Kept};
use crate::api::{NewWorkspaceRequest, TokenText};
use crate::client::{self, Client, ClientError, SshAgent, Url, Way};
use crate::config::Config;
use crate::domain::ids::{PersonId, TokenId, WorkspaceId};
use crate::domain::things::TokenClass;

pub(super) use embedded::{Embedded, FIRST_AGENT, Listen, log_to};
pub(super) use guard::{ask_as_guard, kept as guard_token};
use signin::person_of;
pub(super) use signin::{account, user};
pub(super) use ssh::{agent_of_keys, own_agent};

/// How the data directory's own server is called where something is remembered of servers.
pub(super) const HERE: &str = "here";
/// How long the process that holds the data directory may take to answer.
const ATTACH_WAIT: Duration = Duration::from_secs(20);
/// How long the first token may take to be there, while the process that founds the directory is at work.
const TOKEN_WAIT: Duration = Duration::from_secs(2);
/// How often it is looked who serves the directory.
const TURN_EVERY: Duration = Duration::from_millis(500);
/// How long a look at a server that may be there takes at most.
const LOOK_WAIT: Duration = Duration::from_secs(2);
/// How long ending may take once it was asked for: whatever is being worked out then is given up. What was answered is on
/// disk by then.
pub(super) const STOP_WITHIN: Duration = Duration::from_millis(1_800);
/// Most workspaces without a token of the directory's person that are opened at the start for one.
pub(super) const MOST_MADE: usize = 64;
/// Between two tries to attach.
const ATTACH_EVERY: Duration = Duration::from_millis(50);
/// How often a request is sent while attaching.
const ATTACH_ATTEMPTS: u32 = 1;
/// How often one is sent afterwards where connections fail: for as long as another process may need to go on where the one
/// that served has quit, some fifteen seconds.
const ATTACHED_ATTEMPTS: u32 = 12;

/// A way to one workspace, and to the others beside it.
#[derive(Debug)]
pub(super) struct Session {
    /// Signed in to the workspace that is meant.
    pub(super) client: Client,
    place: Place,
}

/// Where the server is.
#[derive(Debug)]
enum Place {
    /// Elsewhere.
    Remote { dir: Option<DataDir>, url: Url, keep: bool },
    /// On this data directory, in this process or another.
    Local {
        dir: DataDir,
        serving: Slot,
        turn: Arc<Turn>,
        /// Holds the copy that `dir` is where the directory itself can't be written.
        copy: Option<TempDir>,
    },
}

/// What came of trying to attach.
enum Attached {
    Session(Box<Session>),
    /// Nobody answers there, or somebody else.
    NoAnswer,
    /// There is no token in this file.
    NoToken(PathBuf),
}

/// The server in this process, if there is one; it may come later, when another process has quit.
type Slot = Arc<Mutex<Option<Embedded>>>;

/// Whether this process serves when the one that it is attached to has quit.
#[derive(Debug, Default)]
struct Turn {
    at: Mutex<At>,
    task: Mutex<Option<JoinHandle<()>>>,
}

/// How far that is.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum At {
    /// Another process serves.
    #[default]
    Waiting,
    /// The directory is this process's, and a server is starting or has started.
    Come,
    /// This process wants no turn any more.
    Over,
}

impl Turn {
    /// Takes the turn, unless it is not wanted any more.
    fn is_taken(&self) -> bool {
        let mut at = self.at.lock().unwrap_or_else(PoisonError::into_inner);
        if *at == At::Waiting {
            *at = At::Come;
        }
        *at == At::Come
    }

    /// Wants no turn any more; one that has come is waited for, so that its server can be stopped in order.
    async fn end(&self) {
        let before =
            std::mem::replace(&mut *self.at.lock().unwrap_or_else(PoisonError::into_inner), At::Over);
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = task.filter(|_| before == At::Come) {
            // If it broke off, there is no server.
            task.await.unwrap_or_default();
        }
    }
}

/// Runs something with a session, which is ended in order afterwards.
pub(super) fn with_session(
    context: &Context,
    work: impl AsyncFnOnce(&Session) -> anyhow::Result<Status>,
) -> anyhow::Result<Status> {
    runtime()?.block_on(async {
        let session = Session::open(context).await?;
        // The server may be in another command, which quits with it when it is done: then somebody else goes on.
        session.take_over_when_free(&context.config);
        let result = work(&session).await;
        // What was not done for that reason has said so.
        if result.is_ok() && session.client.is_unrecorded() && !session.is_copy() {
            let workspace = &session.client.token().workspace;
            super::output::complain(format!(
                "{workspace}: nothing is recorded there at present, and something may be missing; `deeds doctor` on its machine says why, and what helps"
            ));
        }
        session.end().await;
        result
    })
}

/// The same, where only the client is needed.
pub(super) fn with_client(
    context: &Context,
    work: impl AsyncFnOnce(&Client) -> anyhow::Result<Status>,
) -> anyhow::Result<Status> {
    with_session(context, async |session| work(&session.client).await)
}

/// The same with a server that is running already, if there is one that answers soon; what goes wrong is nobody's
/// concern, and no server is started.
pub(super) fn if_running<T>(
    context: &Context,
    work: impl AsyncFnOnce(&Client) -> client::Result<T>,
) -> Option<T> {
    let looked = async {
        let session = Session::running(context).await.ok()??;
        let result = work(&session.client).await;
        session.end().await;
        result.ok()
    };
    runtime().ok()?.block_on(async { tokio::time::timeout(LOOK_WAIT, looked).await.ok().flatten() })
}

/// The workspace that is named, by itself or by the token given.
pub(super) fn workspace_named(context: &Context) -> Option<WorkspaceId> {
    let by_token = || signin::given(context).ok().flatten().map(|given| given.token.workspace.clone());
    context.config.workspace.clone().or_else(by_token)
}

/// The one runtime of the process.
pub(super) fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    crate::server::runtime().context("no threads can be started")
}

impl Session {
    /// Reaches the server that is meant, and starts one if it is this data directory's and there is none.
    pub(super) async fn open(context: &Context) -> anyhow::Result<Self> {
        let session = match &context.config.connect {
            Some(url) => Self::remote(context, url.clone()).await?,
            None => Self::local(context).await?,
        };
        if let Some(agent) = &context.as_agent {
            return session.speaking_as(agent).await;
        }
        let signer = ssh::agent(context, &session.server());
        if signer.is_some() {
            ledgers::meet(context, &session).await;
        }
        let (place, file) = seen::place(context, &session);
        let seen = file.and_then(|file| seen::read(&file, &place).remove(&session.client.token().workspace));
        let client =
            session.client.clone().signing(signer).continuing(seen.map(|seen| (seen.seq, seen.hash)));
        Ok(Self { client, ..session })
    }

    /// Whether it is a copy that is looked at, as was said.
    fn is_copy(&self) -> bool {
        matches!(&self.place, Place::Local { copy: Some(_), .. })
    }

    /// How the server is called where something is remembered of it: the data directory's own, or by its address.
    pub(super) fn server(&self) -> String {
        match &self.place {
            Place::Local { .. } => HERE.to_owned(),
            Place::Remote { .. } => self.client.base_url().to_owned(),
        }
    }

    /// What signs in a console, whose screen says that it is asked.
    pub(super) fn silent_agent(&self, context: &Context) -> Option<SshAgent> {
        ssh::silent_agent(context, &self.server())
    }

    /// Reaches a server that is running already.
    async fn running(context: &Context) -> anyhow::Result<Option<Self>> {
        if let Some(url) = &context.config.connect {
            return Self::remote(context, url.clone()).await.map(Some);
        }
        let dir = match DataDir::existing(&context.data_dir()?, context.config.engine()?) {
            Err(DataDirError::Missing(_)) => return Ok(None),
            other => other?,
        };
        // What a server said that is gone is no address to send a token to.
        if dir.is_free()? {
            return Ok(None);
        }
        match Self::attach(context, &dir).await? {
            Attached::Session(session) => Ok(Some(*session)),
            Attached::NoAnswer | Attached::NoToken(_) => Ok(None),
        }
    }

    async fn remote(context: &Context, url: Url) -> anyhow::Result<Self> {
        let dir = context.existing_dir().ok();
        let given = signin::given(context)?;
        let keep = given.as_ref().is_some_and(|given| given.from_file);
        let token = match given {
            Some(given) => given.token,
            None => signin::kept(dir.as_ref(), &url, context.config.workspace.as_ref())?,
        };
        let client = pin::reach(context, &url, token).await?;
        Ok(Self { client, place: Place::Remote { dir, url, keep } })
    }

    async fn local(context: &Context) -> anyhow::Result<Self> {
        let dir = match context.open_dir() {
            Err(error) if looking::is_read_only(&error) => return Self::looking(context).await,
            opened => opened?,
        };
        let began = Instant::now();
        loop {
            if let Some(lock) = dir.try_lock()? {
                return Self::serve_here(context, dir, lock).await;
            }
            match Self::attach(context, &dir).await? {
                Attached::Session(session) => return Ok(*session),
                Attached::NoAnswer if began.elapsed() >= ATTACH_WAIT => return Err(no_answer(&dir)),
                Attached::NoToken(file) if began.elapsed() >= TOKEN_WAIT => {
                    return Err(Usage::error(format!(
                        "{}: there is no token of yours here, and another deeds serves this directory; name one with --token-file, or quit the other first",
                        file.display()
                    )));
                }
                Attached::NoAnswer | Attached::NoToken(_) => tokio::time::sleep(ATTACH_EVERY).await,
            }
        }
    }

    async fn serve_here(context: &Context, dir: DataDir, lock: Lock) -> anyhow::Result<Self> {
        log_to(&dir);
        let listen = Listen::from_settings(context.config.listen, dir.served()).within(&context.config);
        let embedded = Embedded::start(&dir, lock, &listen).await?;
        match Self::sign_in_here(context, &dir, &embedded).await {
            Ok(client) => {
                let serving = Arc::new(Mutex::new(Some(embedded)));
                Ok(Self { client, place: Place::Local { dir, serving, turn: Arc::default(), copy: None } })
            }
            Err(error) => {
                embedded.stop().await;
                Err(error)
            }
        }
    }

    async fn sign_in_here(context: &Context, dir: &DataDir, embedded: &Embedded) -> anyhow::Result<Client> {
        let user = user(context, dir)?;
        embedded.found(dir, context.config.workspace.as_ref(), &user).await?;
        let token = if let Some(given) = signin::given(context)? {
            given.token
        } else {
            let workspace = signin::choose(dir, context.config.workspace.as_ref())?;
            embedded.own_token(dir, &workspace, &user).await?
        };
        Ok(embedded.client(context, token)?)
    }

    /// Signs in to the process that serves the directory, if it answers yet, or still.
    async fn attach(context: &Context, dir: &DataDir) -> anyhow::Result<Attached> {
        let Some(serving) = dir.serving() else { return Ok(Attached::NoAnswer) };
        let token = match signin::given(context)? {
            Some(given) => given.token,
            None => match signin::choose(dir, context.config.workspace.as_ref()) {
                // The other process has not founded it yet: it says which is the home when it has.
                Ok(_) if dir.store().home().is_none() && dir.workspaces()?.len() < 2 => {
                    return Ok(Attached::NoAnswer);
                }
                Ok(workspace) => {
                    let user = user(context, dir)?;
                    match own_token(dir, &workspace, &user) {
                        Some(token) => token?,
                        // The other process may be about to write it.
                        None => return Ok(Attached::NoToken(dir.token_file(&workspace, user.as_str()))),
                    }
                }
                // The other process may be about to make the first one.
                Err(_) if dir.workspaces()?.is_empty() => return Ok(Attached::NoAnswer),
                Err(error) => return Err(error),
            },
        };
        let url = url_of(serving.address, serving.tls);
        // One of an earlier version can't show that it is the one.
        let Some(way) = dir.way(&serving)? else { return Ok(Attached::NoAnswer) };
        match client_with(context, &way, &url, token.clone(), ATTACH_ATTEMPTS)?.whoami().await {
            Ok(who) if who.server.instance == serving.instance => {}
            Ok(_) => return Ok(Attached::NoAnswer),
            Err(error) if error.is_unreachable() => return Ok(Attached::NoAnswer),
            Err(error) => return Err(error.into()),
        }
        let client = client_with(context, &way, &url, token, ATTACHED_ATTEMPTS)?;
        let (dir, serving, turn) = (dir.clone(), Slot::default(), Arc::default());
        Ok(Attached::Session(Box::new(Self {
            client,
            place: Place::Local { dir, serving, turn, copy: None },
        })))
    }

    /// If another process serves the directory: starts to serve it, at the same address, as soon as that one quits.
    pub(super) fn take_over_when_free(&self, config: &Config) {
        let Place::Local { dir, serving, turn, .. } = &self.place else { return };
        if serving.lock().unwrap_or_else(PoisonError::into_inner).is_some() {
            return;
        }
        let config = config.clone();
        let (dir, slot) = (dir.clone(), Arc::clone(serving));
        let (tell, lock) = tokio::sync::oneshot::channel();
        let waiting = dir.clone();
        // A thread of its own: it waits for as long as the other process lives, and ends with this one.
        std::thread::spawn(move || {
            // Nobody listens any more: then the lock is given back at once.
            tell.send(wait_for_turn(&waiting)).unwrap_or_default();
        });
        let taking = Arc::clone(turn);
        let task = tokio::spawn(async move {
            let Ok(Ok(lock)) = lock.await else { return };
            if !taking.is_taken() {
                return;
            }
            log_to(&dir);
            let listen = Listen::same_as(dir.served().map(|served: Served| served.address)).within(&config);
            match Embedded::start(&dir, lock, &listen).await {
                Ok(embedded) => {
                    slot.lock().unwrap_or_else(PoisonError::into_inner).replace(embedded);
                }
                Err(error) => tracing::error!(error = format!("{error:#}"), "could not take over"),
            }
        });
        turn.task.lock().unwrap_or_else(PoisonError::into_inner).replace(task);
    }

    /// The workspaces that this person has a token for, each with its client; the one that is meant comes first.
    pub(super) async fn endpoints(&self) -> anyhow::Result<Vec<(WorkspaceId, Client)>> {
        let first = self.client.token().workspace.clone();
        let mut found = vec![(first.clone(), self.client.clone())];
        let tokens: Vec<TokenText> = match &self.place {
            Place::Remote { dir, url, .. } => signin::all_kept(dir.as_ref(), url),
            Place::Local { dir, .. } => {
                let user = person_of(dir);
                let (mut tokens, mut made) = (Vec::new(), 0);
                for workspace in dir.workspaces()?.into_iter().filter(|workspace| *workspace != first) {
                    if !dir.token_file(&workspace, user.as_str()).exists() {
                        if made == MOST_MADE {
                            continue;
                        }
                        made += 1;
                    }
                    tokens.extend(self.token_for(dir, &workspace, &user).await?);
                }
                tokens
            }
        };
        for token in tokens.into_iter().filter(|token| token.workspace != first) {
            found.push((token.workspace.clone(), self.client.signed_by(token)));
        }
        Ok(found)
    }

    /// A token that is kept, or a new one where this process holds the directory.
    async fn token_for(
        &self,
        dir: &DataDir,
        workspace: &WorkspaceId,
        user: &PersonId,
    ) -> anyhow::Result<Option<TokenText>> {
        let workspaces = match &self.place {
            Place::Local { serving, .. } => {
                let serving = serving.lock().unwrap_or_else(PoisonError::into_inner);
                serving.as_ref().map(Embedded::workspaces)
            }
            Place::Remote { .. } => None,
        };
        match workspaces {
            Some(workspaces) if workspaces.get(workspace).is_some() => {
                embedded::own_token(&workspaces, dir, workspace, user).await.map(Some)
            }
            // One that is closed is opened when it is asked for, and not for a token that is there.
            Some(workspaces) => match own_token(dir, workspace, user) {
                Some(Ok(token)) => Ok(Some(token)),
                // One that does not open is left out; it is told where it is asked for.
                Some(Err(_)) | None if workspaces.opened(workspace).await.is_err() => Ok(None),
                Some(Err(_)) | None => embedded::own_token(&workspaces, dir, workspace, user).await.map(Some),
            },
            None => match own_token(dir, workspace, user) {
                Some(Err(error)) => {
                    super::output::complain(format!("{error:#}"));
                    Ok(None)
                }
                Some(Ok(token)) => Ok(Some(token)),
                None => Ok(None),
            },
        }
    }

    /// Makes a workspace on the server, and keeps the token for it; says where.
    pub(super) async fn create_workspace(&self, name: &WorkspaceId) -> anyhow::Result<PathBuf> {
        let (dir, file) = match &self.place {
            Place::Local { dir, .. } => (dir, dir.token_file(name, person_of(dir).as_str())),
            Place::Remote { dir: Some(dir), url, .. } => (dir, dir.remote_token_file(url, name)),
            Place::Remote { dir: None, .. } => {
                return Err(Usage::error(
                    "there is no data directory to keep the new workspace's token in; name one with --data-dir",
                ));
            }
        };
        let request = NewWorkspaceRequest { workspace: name.clone(), admin: None };
        let made = self.client.create_workspace(&request).await?;
        let Some(secret) = made.token else {
            let next = made.next.unwrap_or_default();
            anyhow::bail!("the workspace {name} is there, and the answer with its token was lost: {next}");
        };
        let token: TokenText = secret.parse().context("the new workspace's token")?;
        DataDir::keep_token(&file, &token)?;
        tracing::info!(workspace = %name, directory = %dir.path().display(), "made a workspace");
        Ok(file)
    }

    /// Another workspace of the same server, if this person has a token for it.
    pub(super) async fn client_of(&self, name: &WorkspaceId) -> anyhow::Result<Option<Client>> {
        let token = match &self.place {
            _ if self.client.token().workspace == *name => return Ok(Some(self.client.clone())),
            Place::Remote { dir, url, .. } => {
                let kept = signin::all_kept(dir.as_ref(), url);
                kept.into_iter().find(|token| token.workspace == *name)
            }
            Place::Local { dir, .. } if dir.workspaces()?.contains(name) => {
                self.token_for(dir, name, &person_of(dir)).await?
            }
            Place::Local { .. } => None,
        };
        Ok(token.map(|token| self.client.signed_by(token)))
    }

    /// The data directory, where the server is this directory's.
    pub(super) fn local_dir(&self) -> Option<&DataDir> {
        match &self.place {
            Place::Local { dir, .. } => Some(dir),
            Place::Remote { .. } => None,
        }
    }

    /// Whether another process serves this data directory: its server is there when this one has ended.
    pub(super) fn is_attached(&self) -> bool {
        let Place::Local { serving, .. } = &self.place else { return false };
        serving.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }

    /// Keeps the token that a file gave, so that the next console needs no file.
    pub(super) fn keep_remote_token(&self) -> anyhow::Result<()> {
        let Place::Remote { dir: Some(dir), url, keep: true } = &self.place else { return Ok(()) };
        let token = self.client.token();
        DataDir::keep_token(&dir.remote_token_file(url, &token.workspace), token)?;
        Ok(())
    }

    /// Ends the server in this process, if there is one, after what is waiting was decided.
    pub(super) async fn end(self) {
        let Place::Local { serving, turn, copy, .. } = self.place else { return };
        turn.end().await;
        let embedded = serving.lock().unwrap_or_else(PoisonError::into_inner).take();
        // Our own connections are let go first, so that the server needn't wait for them.
        drop(self.client);
        if let Some(embedded) = embedded {
            embedded.stop().await;
        }
        drop(copy);
    }

    /// The same where somebody waits for the end: whatever takes long is given up.
    pub(super) async fn end_soon(self) {
        if let Place::Local { serving, .. } = &self.place
            && let Some(embedded) = serving.lock().unwrap_or_else(PoisonError::into_inner).as_ref()
        {
            embedded.workspaces().hurry();
        }
        if tokio::time::timeout(STOP_WITHIN, self.end()).await.is_err() {
            tracing::warn!("what was being looked at did not end in time; nothing that was answered is lost");
        }
    }
}

/// Waits until the process that serves the directory has quit, unless that is a `deeds serve`, which comes back.
fn wait_for_turn(dir: &DataDir) -> Result<Lock, DataDirError> {
    let by_itself = || dir.served().is_some_and(|served| served.standalone);
    loop {
        while by_itself() {
            std::thread::sleep(TURN_EVERY);
        }
        let lock = dir.wait_for_lock()?;
        // While this process waited, the one it waited for may have made way for a `deeds serve`.
        if !by_itself() {
            return Ok(lock);
        }
    }
}

fn no_answer(dir: &DataDir) -> anyhow::Error {
    let who = dir.serving().map_or_else(String::new, |serving| {
        format!(" (process {}, address {})", serving.pid, serving.address)
    });
    anyhow::anyhow!(
        "{}: another deeds{who} holds this data directory and does not answer; end it, or name another directory with --data-dir",
        dir.path().display()
    )
}

/// The token kept for a workspace of this directory.
fn own_token(dir: &DataDir, workspace: &WorkspaceId, user: &PersonId) -> Option<anyhow::Result<TokenText>> {
    let file = dir.token_file(workspace, user.as_str());
    match token::kept(&file).map(|kept| kept.of(workspace)) {
        Ok(Kept::Token(token)) => Some(Ok(token)),
        Ok(Kept::Nothing) => None,
        Ok(Kept::Damaged) => Some(Err(Usage::error(format!(
            "{}: what is kept there is no token any more; end the deeds that serves this directory and start again, which makes yours anew, or name one with --token-file",
            file.display()
        )))),
        Err(error) => Some(Err(error)),
    }
}

/// A client as configured, by that way.
fn client_by(context: &Context, way: &Way, url: &str, token: TokenText) -> Result<Client, ClientError> {
    client_with(context, way, url, token, client::Options::default().attempts)
}

/// A client that has no token yet: its own opens nothing, and is asked for nothing. It goes where the settings say, else to
/// the server of the data directory here, which shows that it is the one.
///
/// # Errors
/// When no server is named, and none serves the directory.
pub(super) fn stranger(context: &Context, workspace: &WorkspaceId) -> anyhow::Result<(Client, Url)> {
    let nobody = TokenText::new(TokenClass::Watcher, workspace.clone(), TokenId::new("nobody")?, [0; 32]);
    if let Some(url) = &context.config.connect {
        return Ok((client_by(context, &Way::Address, url.as_str(), nobody)?, url.clone()));
    }
    let none = || Usage::error("no server is named, and none runs here: name it with --connect URL");
    let dir = context.existing_dir().map_err(|_| none())?;
    let serving = if dir.is_free()? { None } else { dir.serving() };
    let serving = serving.ok_or_else(none)?;
    let (way, url) = (dir.way(&serving)?.ok_or_else(none)?, url_of(serving.address, false));
    Ok((client_by(context, &way, &url, nobody)?, Url::parse(&url)?))
}

fn client_with(
    context: &Context,
    way: &Way,
    url: &str,
    token: TokenText,
    attempts: u32,
) -> Result<Client, ClientError> {
    let allow_plaintext = context.config.allow_plaintext;
    let options = client::Options { allow_plaintext, attempts, ..client::Options::default() };
    Client::by(way.clone(), url, token, options)
}

/// Where a server on this machine is reached that listens there.
fn url_of(address: std::net::SocketAddr, tls: bool) -> String {
    let scheme = if tls { "https" } else { "http" };
    if address.ip().is_unspecified() {
        return format!("{scheme}://127.0.0.1:{}", address.port());
    }
    format!("{scheme}://{address}")
}
