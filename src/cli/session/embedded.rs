//! The server inside this process: bound, opened, founded where there is nothing yet, and ended in order.

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::{node, url_of};
use crate::api::{ProofKey, TokenText};
use crate::cli::context::Context as CliContext;
use crate::cli::datadir::{Announced, DataDir, Lock, Served, Serving};
use crate::cli::hook;
use crate::cli::output;
use crate::cli::status::Usage;
use crate::cli::token::{self, Kept};
use crate::client::{Carry, Client, ClientError, Url, Way};
use crate::config::{CLOCK_JUMP, Config, DEFAULT_PORT};
use crate::coordinator::Clock;
use crate::domain::deed::Deed;
use crate::domain::ids::{PersonId, WorkspaceId};
use crate::domain::state::CACHE;
use crate::domain::things::{Keeping, Limits, TokenClass};
use crate::domain::time::Span;
use crate::ledger::Ledger as _;
use crate::server::{self, Bounds, CreateError, Doors, ServeError, Tls, Workspaces};

/// The workspace that a fresh data directory begins with.
const FIRST_WORKSPACE: &str = "default";
/// The agent whose token a fresh data directory begins with.
pub(in crate::cli) const FIRST_AGENT: &str = "first-agent";
/// Where the embedded server's log goes, in the data directory.
const LOG: &str = "deeds.log";
/// A log of more bytes than this is begun anew.
const LOG_BYTES: u64 = 4 * 1024 * 1024;
/// How often, and how far apart, an address that must be kept is tried.
const BIND_TRIES: u32 = 40;
const BIND_EVERY: Duration = Duration::from_millis(50);

/// Where to listen, in the order of preference.
#[derive(Debug, Clone)]
pub(in crate::cli) struct Listen {
    candidates: Vec<SocketAddr>,
    options: server::Options,
    /// The first candidate is worth waiting for.
    patient: bool,
    /// The process does nothing else.
    standalone: bool,
    /// How much is kept for agents there.
    limits: Limits,
    keeping: Keeping,
    /// How much memory values may have.
    cache: u64,
    /// How far the machine's clock may jump and is still believed.
    jump: Span,
    /// How other nodes on the same database reach it, where that is said.
    advertise: Option<Arc<str>>,
    /// The file with the secret that it shares with them.
    secret: Option<PathBuf>,
    /// What it speaks, if it is not plaintext.
    tls: Option<Tls>,
    /// How its guard of files answers.
    hooks: hook::Settings,
}

impl Listen {
    /// The same with these limits of what is kept for agents.
    pub(in crate::cli) fn limited(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// The same within what the settings say that agents may have.
    pub(in crate::cli) fn within(self, config: &Config) -> Self {
        let rate = self.options.rate.or(config.rate);
        let options = server::Options { rate, ..self.options };
        let advertise =
            config.cluster_advertise.as_ref().map(|url| url.as_str().trim_end_matches('/').into());
        let (jump, keeping, cache) = (config.clock_jump, config.keeping, config.values_cache);
        let secret = config.cluster_secret.clone();
        let hooks = config.into();
        Self { options, keeping, cache, jump, advertise, secret, hooks, ..self }.limited(config.limits)
    }

    /// As configured; if nothing is, where agents found this directory last time, then the usual port, then any.
    pub(in crate::cli) fn from_settings(listen: SocketAddr, last: Option<Served>) -> Self {
        let usual = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), DEFAULT_PORT);
        let any = SocketAddr::new(listen.ip(), 0);
        let last = last.map(|last| last.address).filter(|last| listen == usual && last.ip().is_loopback());
        let candidates = last.into_iter().chain([listen, any]).collect();
        Self::plain(candidates, false)
    }

    /// Where another process has served; agents know that address.
    pub(super) fn same_as(address: Option<SocketAddr>) -> Self {
        let any = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
        let candidates = address.into_iter().chain([any]).collect();
        Self::plain(candidates, true)
    }

    fn plain(candidates: Vec<SocketAddr>, patient: bool) -> Self {
        let options = server::Options::default();
        let (limits, keeping, cache, jump) = (Limits::default(), Keeping::default(), CACHE, CLOCK_JUMP);
        Self {
            candidates,
            options,
            patient,
            standalone: false,
            limits,
            keeping,
            cache,
            jump,
            advertise: None,
            secret: None,
            tls: None,
            hooks: (&Config::default()).into(),
        }
    }

    /// There and nowhere else, for a process that does nothing but serve.
    pub(in crate::cli) fn exactly(address: SocketAddr, options: server::Options, tls: Option<Tls>) -> Self {
        let plain = Self::plain(vec![address], false);
        Self { options, standalone: true, tls, ..plain }
    }

    async fn bind(&self) -> anyhow::Result<TcpListener> {
        let mut tries = if self.patient { BIND_TRIES } else { 1 };
        let last = self.candidates.len().saturating_sub(1);
        for (number, address) in self.candidates.iter().enumerate() {
            while tries > 0 {
                tries -= 1;
                match TcpListener::bind(address).await {
                    Ok(listener) => return Ok(listener),
                    Err(error) if error.kind() == ErrorKind::AddrInUse && tries > 0 => {
                        tokio::time::sleep(BIND_EVERY).await;
                    }
                    Err(error) if number == last => {
                        return Err(error).with_context(|| {
                            format!("can't listen on {address}; name another address with --listen")
                        });
                    }
                    Err(_) => {}
                }
            }
            tries = 1;
        }
        anyhow::bail!("there is no address to listen on; name one with --listen")
    }
}

/// A server at work in this process.
#[derive(Debug)]
pub(in crate::cli) struct Embedded {
    address: SocketAddr,
    tls: bool,
    way: Way,
    workspaces: Arc<Workspaces>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), ServeError>>,
    announced: Announced,
}

impl Embedded {
    /// Opens the directory's workspaces and serves them. Nothing is served where that fails.
    pub(in crate::cli) async fn start(dir: &DataDir, lock: Lock, listen: &Listen) -> anyhow::Result<Self> {
        Self::start_by(dir, lock, listen, Clock::kept(listen.jump)).await
    }

    /// The same by another clock.
    pub(in crate::cli) async fn start_by(
        dir: &DataDir,
        lock: Lock,
        listen: &Listen,
        clock: Clock,
    ) -> anyhow::Result<Self> {
        if let Some(off) = listen.candidates.iter().find(|address| !address.ip().is_loopback())
            && !listen.options.allow_plaintext
            && listen.tls.is_none()
        {
            return Err(Usage::error(ServeError::Plaintext(*off).to_string()));
        }
        // Until this process serves, nobody is to send a token to an address that may be somebody else's by now.
        dir.forget_serving(&lock)?;
        dir.tidy(&lock);
        let listener = listen.bind().await?;
        let address = listener.local_addr().context("the listening socket")?;
        let local = match dir.listen(&lock) {
            Ok(local) => Some(local),
            Err(error) => {
                tracing::warn!(%error, "there is no socket in the data directory; who attaches asks for a proof");
                None
            }
        };
        let bounds = Bounds { limits: listen.limits, keeping: listen.keeping, cache: listen.cache };
        let (said, plain) = (listen.advertise.as_ref(), listen.options.allow_plaintext);
        let secret = listen.secret.as_deref().map(node::secret).transpose()?;
        let carry = Carry::new(plain, secret.clone());
        let advertised = node::advertised(said, address, listen.tls.as_ref(), carry);
        let reached = Arc::clone(&advertised.address);
        let opening = Workspaces::open_among(dir.store().clone(), clock, bounds, Some(advertised));
        let workspaces = Arc::new(Box::pin(opening).await?);
        if listen.standalone && reached.is_empty() && workspaces.has_others() {
            tracing::warn!(
                "other nodes are on this database and can't reach this one, so that each decides what is asked of it, which is slower: set `cluster.advertise`"
            );
        }
        let proof = ProofKey::random().context("the system gives no random bytes")?;
        let serving = Serving {
            address,
            instance: workspaces.instance().to_owned(),
            pid: std::process::id(),
            standalone: listen.standalone,
            socket: local.is_some(),
            tls: listen.tls.is_some(),
            proof: Some(proof.clone()),
        };
        if let Some(founder) = founder(&workspaces).await {
            dir.keep_person(&founder, &lock)?;
        }
        let way = dir.way(&serving)?.unwrap_or_default();
        let announced = Announced::new(dir, lock, &serving)?;
        let node = secret.map(|secret| (secret, reached));
        let guard = Some(hook::guard(dir, &listen.hooks));
        let mut options = server::Options { proof: Some(proof), node, guard, ..listen.options.clone() };
        options.hosts.extend(listen.advertise.as_deref().and_then(host_of));
        let (stop, stopped) = oneshot::channel();
        let shutdown = async move {
            // A sender that is gone asks for the same.
            stopped.await.unwrap_or_default();
        };
        let doors = Doors { tcp: listener, tls: listen.tls.clone(), local };
        let running = server::run(doors, Arc::clone(&workspaces), options, shutdown);
        let task = tokio::spawn(running);
        Ok(Self { address, tls: listen.tls.is_some(), way, workspaces, stop, task, announced })
    }

    /// Where agents reach it.
    pub(in crate::cli) fn url(&self) -> String {
        url_of(self.address, self.tls)
    }

    /// A client of it.
    pub(in crate::cli) fn client(
        &self,
        context: &CliContext,
        token: TokenText,
    ) -> Result<Client, ClientError> {
        super::client_by(context, &self.way, &self.url(), token)
    }

    /// What it serves.
    pub(in crate::cli) fn workspaces(&self) -> Arc<Workspaces> {
        Arc::clone(&self.workspaces)
    }

    /// Makes the first workspace where there is none, with a token for its admin and one for a first agent.
    pub(in crate::cli) async fn found(
        &self,
        dir: &DataDir,
        name: Option<&WorkspaceId>,
        user: &PersonId,
    ) -> anyhow::Result<()> {
        if !self.workspaces.names().is_empty() {
            return Ok(());
        }
        let name = match name {
            Some(name) => name.clone(),
            None => FIRST_WORKSPACE.parse()?,
        };
        if let Some(why) = dir.store().lost_home() {
            anyhow::bail!(why);
        }
        // The tokens are kept before anything knows them, and the workspace with both is recorded at once: whoever is
        // killed on the way leaves nothing that the next start can't go on from.
        let own = to_found_with(dir, TokenClass::Admin, &name, user.as_str())?;
        let agent = to_found_with(dir, TokenClass::Agent, &name, FIRST_AGENT)?;
        match self.workspaces.found(&name, user, &own, (&agent, FIRST_AGENT)).await {
            // Another node was first, and these tokens open nothing; whoever holds the directory is admin all the same.
            Err(CreateError::Exists(_)) => {
                for who in [user.as_str(), FIRST_AGENT] {
                    std::fs::remove_file(dir.token_file(&name, who)).unwrap_or_default();
                }
            }
            founded => founded?,
        }
        self.announced.keep_person(user)?;
        Ok(())
    }

    /// The user's own token for a workspace; a new one where none is kept, since whoever holds the directory is admin.
    pub(in crate::cli) async fn own_token(
        &self,
        dir: &DataDir,
        workspace: &WorkspaceId,
        user: &PersonId,
    ) -> anyhow::Result<TokenText> {
        let opened = self.workspaces.opened(workspace).await;
        if let Some((_, why)) = self.workspaces.broken().into_iter().find(|(broken, _)| broken == workspace) {
            anyhow::bail!("workspace {workspace} does not open: {why}");
        }
        opened.map_err(anyhow::Error::msg)?;
        own_token(&self.workspaces, dir, workspace, user).await
    }

    /// The same where somebody waits for the end: caches that take long to write are given up.
    pub(in crate::cli) async fn stop_soon(self) {
        self.workspaces.hurry();
        self.stop().await;
    }

    /// Lets requests end, then the workspaces, then gives the directory back.
    pub(in crate::cli) async fn stop(self) {
        self.announced.take_back();
        // A server that has ended by itself does not listen.
        self.stop.send(()).unwrap_or_default();
        match self.task.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "the server failed"),
            Err(error) => tracing::error!(%error, "the server broke off"),
        }
        self.workspaces.shutdown().await;
        drop(self.announced);
    }
}

/// The user's own token for a workspace that is open here; a new one where none is kept, or where what is kept opens
/// nothing because it was damaged.
pub(super) async fn own_token(
    workspaces: &Workspaces,
    dir: &DataDir,
    workspace: &WorkspaceId,
    user: &PersonId,
) -> anyhow::Result<TokenText> {
    match token::kept(&dir.token_file(workspace, user.as_str()))? {
        Kept::Token(token) if token.workspace == *workspace && workspaces.knows(&token).await => {
            return Ok(token);
        }
        Kept::Nothing => {}
        Kept::Token(_) | Kept::Damaged => {
            let place = dir.token_file(workspace, user.as_str());
            let why = "your token there was damaged, so that it opened nothing; you hold the directory, and a new one was made";
            output::complain(format!("{}: {why}", place.display()));
        }
    }
    let token = Workspaces::mint(TokenClass::Admin, workspace, user.as_str())?;
    DataDir::keep_token(&dir.token_file(workspace, user.as_str()), &token)?;
    workspaces.issue_kept(&token, user.as_str()).await?;
    Ok(token)
}

/// The token of that name that a founding which broke off has kept; else a new one, kept before it is used.
fn to_found_with(
    dir: &DataDir,
    class: TokenClass,
    workspace: &WorkspaceId,
    name: &str,
) -> anyhow::Result<TokenText> {
    let file = dir.token_file(workspace, name);
    if let Kept::Token(kept) = token::kept(&file)?
        && kept.workspace == *workspace
        && kept.class == class
    {
        return Ok(kept);
    }
    let new = Workspaces::mint(class, workspace, name)?;
    DataDir::keep_token(&file, &new)?;
    Ok(new)
}

/// The host of an address that was said.
fn host_of(url: &str) -> Option<String> {
    Url::parse(url).ok()?.host_str().map(str::to_owned)
}

/// Who founded the home workspace, as the first deed of its ledger says.
async fn founder(workspaces: &Workspaces) -> Option<PersonId> {
    let home = workspaces.get(&workspaces.home()?)?;
    let first = home.handle().ledger().get(1).await.ok()??;
    Deed::decode(&first.bytes).ok()?.actor.person().cloned()
}

/// Sends the server's log to a file in the directory: the screen belongs to the console, standard error to the command.
pub(in crate::cli) fn log_to(dir: &DataDir) {
    let path = dir.path().join(LOG);
    let long = std::fs::metadata(&path).is_ok_and(|about| about.len() > LOG_BYTES);
    let mut options = OpenOptions::new();
    options.create(true).write(true).append(!long).truncate(long).mode(0o600);
    // Without a log the server still works; that the disk refuses it shows elsewhere.
    let Ok(file) = options.open(&path) else { return };
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_max_level(tracing::Level::WARN)
        .with_writer(Mutex::new(file))
        .finish();
    // One that is set already stays.
    tracing::subscriber::set_global_default(subscriber).unwrap_or_default();
}
