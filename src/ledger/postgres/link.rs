//! The way to a database: its connections, the threads on which they work, and the barrier.
//!
//! A standby that is promoted has what was committed synchronously before it took over, and may lack what was only written on
//! the primary. Such a record can be read there all the same: after a restart, or where somebody ended a commit's wait. So
//! each new connection begins with a barrier, and so does each time that a wait was ended: once it is through, everything
//! that was there before it is on the standby, too.

use std::fmt;
use std::future::Future;
use std::str::FromStr as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use deadpool_postgres::{
    Client, Connect, Hook, HookError, Manager, ManagerConfig, Pool, RecyclingMethod, Runtime as On,
};
use futures_util::future::BoxFuture;
use futures_util::stream::{self, StreamExt as _};
use rustls_platform_verifier::Verifier;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tokio_postgres::config::Host;
use tokio_postgres::{AsyncMessage, Client as Plain, Config, Connection, Error, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::crypto::ring;

use super::super::LedgerError;
use super::error::Failed;
use super::notices::Notices;
use super::promise::Promise;
use super::{rows, schema};

/// Connections of one node to one database.
const CONNECTIONS: usize = 16;
/// How long a connection may take to be made, and how long one is waited for that is free.
const REACHED: Duration = Duration::from_secs(5);
/// Threads on which all databases of a process are talked to.
const THREADS: usize = 2;
/// What a session is, whatever the server's defaults: a commit waits for its standby, however long that takes.
const SESSION: &str = "\
set application_name = 'deeds'; set statement_timeout = 0; set lock_timeout = 0; \
set default_transaction_isolation = 'read committed'; set client_min_messages = 'warning'; \
select set_config('synchronous_commit', 'on', false) \
where current_setting('synchronous_commit') not in ('on', 'remote_apply')";

/// One database, reached over connections that are kept ready.
pub(super) struct Database {
    place: String,
    pool: Pool,
    /// How many commits did not wait for their standby.
    not_waited: Arc<AtomicU64>,
    /// How many barriers have begun, and the last of them that is through.
    barriers: (AtomicU64, tokio::sync::Mutex<u64>),
    /// It was looked at, and has its tables.
    ready: tokio::sync::OnceCell<()>,
    notices: Notices,
    promise: Promise,
}

impl fmt::Debug for Database {
    /// Without what it is reached with, which may be a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database").field("place", &self.place).finish_non_exhaustive()
    }
}

impl Database {
    /// The one of that address, `postgresql://…`, of which so many synchronous standbys are promised. Nothing is connected yet.
    pub(super) fn new(url: &str, password: Option<&str>, standbys: u32) -> Result<Self, LedgerError> {
        let unfit = |reason: String| LedgerError::Unfit { place: "postgresql".to_owned(), reason };
        // What does not parse may have a password in it, so it is not told.
        let mut config = Config::from_str(url)
            .map_err(|error| unfit(format!("its address is not understood ({error})")))?;
        if let Some(password) = password {
            config.password(password);
        }
        config.connect_timeout(REACHED).keepalives_idle(REACHED).tcp_user_timeout(2 * REACHED);
        let place = place_of(&config);
        let not_waited = Arc::new(AtomicU64::new(0));
        let tls = tls().map_err(|error| unfit(format!("TLS can't be set up ({error})")))?;
        let link = Link {
            config: config.clone(),
            tls: MakeRustlsConnect::new(tls),
            not_waited: Arc::clone(&not_waited),
        };
        let (notices, promise) = (Notices::new(link.clone()), Promise::new(link.clone(), standbys));
        let manager =
            Manager::from_connect(config, link, ManagerConfig { recycling_method: RecyclingMethod::Fast });
        let pool = Pool::builder(manager)
            .max_size(CONNECTIONS)
            .runtime(On::Tokio1)
            .create_timeout(Some(REACHED))
            .wait_timeout(Some(REACHED))
            .post_create(Hook::async_fn(|client, _| {
                Box::pin(async move { begin(client).await.map_err(HookError::Backend) })
            }))
            .build()
            .map_err(|error| unfit(error.to_string()))?;
        let (barriers, ready) = (Default::default(), tokio::sync::OnceCell::new());
        Ok(Self { place, pool, not_waited, barriers, ready, notices, promise })
    }

    /// How it is called: its first host, and its name.
    pub(super) fn place(&self) -> &str {
        &self.place
    }

    /// Asks it something, on its own threads: what has begun is done, whether or not anybody waits for it.
    pub(super) async fn ask<T, F>(
        self: &Arc<Self>,
        ask: impl FnOnce(Client) -> F + Send + 'static,
    ) -> Result<T, Failed>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Failed>> + Send,
    {
        let database = Arc::clone(self);
        let work = threads()?.spawn(async move { database.asked(ask).await });
        work.await.unwrap_or_else(|error| Err(Failed::Way(format!("the work was given up: {error}"))))
    }

    /// The same for who may block.
    pub(super) fn ask_blocking<T, F>(
        self: &Arc<Self>,
        ask: impl FnOnce(Client) -> F + Send + 'static,
    ) -> Result<T, Failed>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Failed>> + Send,
    {
        let database = Arc::clone(self);
        blocking(async move { database.asked(ask).await })?
    }

    async fn asked<T, F>(&self, ask: impl FnOnce(Client) -> F) -> Result<T, Failed>
    where
        F: Future<Output = Result<T, Failed>>,
    {
        let client = self.pool.get().await?;
        self.ready.get_or_try_init(async || schema::ready(&client, &self.place).await).await?;
        let before = self.not_waited.load(Ordering::Acquire);
        let answer = ask(client).await.inspect_err(|failed| {
            // It was the primary, and is none any more: the next connection is to the one that is.
            if failed.is_read_only() {
                self.pool.retain(|_, _| false);
            }
        })?;
        if self.not_waited.load(Ordering::Acquire) == before { Ok(answer) } else { Err(Failed::NotWaitedFor) }
    }

    /// Returns once all that could be read before is on the standby as well.
    pub(super) async fn barrier(self: &Arc<Self>) -> Result<(), Failed> {
        let database = Arc::clone(self);
        self.ask(async move |client| Ok(database.barrier_over(&client).await?)).await
    }

    /// The same over a connection that is there. Who comes while one is under way waits for it and shares the next one with all
    /// others: a node that takes over a thousand workspaces does not write a thousand times.
    pub(super) async fn barrier_over(&self, client: &Plain) -> Result<(), Error> {
        let (begun, through) = &self.barriers;
        let before = begun.load(Ordering::Acquire);
        let mut through = through.lock().await;
        if *through <= before {
            let this = begun.fetch_add(1, Ordering::AcqRel) + 1;
            rows::barrier(client).await?;
            *through = this;
        }
        Ok(())
    }

    /// Whether it keeps what is promised of it; it is asked once a second, whoever asks this.
    pub(super) async fn look(self: &Arc<Self>) -> Result<(), LedgerError> {
        let database = Arc::clone(self);
        let on = threads().map_err(|failed| failed.told(&self.place))?;
        let look = on.spawn(async move { database.promise.look(&database.place).await });
        let given_up = |error| Failed::Way(format!("the work was given up: {error}")).told(&self.place);
        look.await.unwrap_or_else(|error| Err(given_up(error)))
    }

    /// What is told over it of what was recorded.
    pub(super) fn notices(&self) -> &Notices {
        &self.notices
    }
}

/// What a new connection begins with: its session, and the barrier where there is something to read yet.
async fn begin(client: &Plain) -> Result<(), Error> {
    client.batch_execute(SESSION).await?;
    let made = client.query_one("select to_regclass('deeds_barrier') is not null", &[]).await?;
    if made.try_get(0)? { rows::barrier(client).await } else { Ok(()) }
}

/// Makes connections, and hears what the server says beside its answers.
#[derive(Clone)]
pub(super) struct Link {
    config: Config,
    tls: MakeRustlsConnect,
    not_waited: Arc<AtomicU64>,
}

impl Link {
    /// A connection; `notified` is given what is notified over it. The task ends with it.
    pub(super) async fn open(
        &self,
        notified: impl Fn(&str) + Send + 'static,
    ) -> Result<(Plain, JoinHandle<()>), Error> {
        let (client, connection) = self.config.connect(self.tls.clone()).await?;
        Ok((client, tokio::spawn(hear(connection, Arc::clone(&self.not_waited), notified))))
    }

    /// One of its own, in a session as they all are.
    pub(super) async fn apart(&self) -> Result<Plain, Error> {
        let (client, _) = self.open(|_| {}).await?;
        client.batch_execute(SESSION).await?;
        Ok(client)
    }
}

impl Connect for Link {
    fn connect(&self, _: &Config) -> BoxFuture<'_, Result<(Plain, JoinHandle<()>), Error>> {
        Box::pin(self.open(|_| {}))
    }
}

/// Drives a connection to its end. A warning stands before the answer that it is about.
async fn hear<T>(
    mut connection: Connection<Socket, T>,
    not_waited: Arc<AtomicU64>,
    notified: impl Fn(&str) + Send,
) where
    T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    let mut messages = stream::poll_fn(move |context| connection.poll_message(context));
    while let Some(message) = messages.next().await {
        match message {
            Ok(AsyncMessage::Notice(notice)) => {
                // The only warnings that a commit gives: it was ended before its standby had it.
                not_waited.fetch_add(1, Ordering::Release);
                tracing::warn!(code = notice.code().code(), said = notice.message(), "the database warns");
            }
            Ok(AsyncMessage::Notification(notification)) => notified(notification.payload()),
            Ok(_) => {}
            Err(error) => {
                tracing::info!(%error, "a connection to the database ended");
                return;
            }
        }
    }
}

fn tls() -> Result<ClientConfig, tokio_rustls::rustls::Error> {
    let provider = Arc::new(ring::default_provider());
    let authorities = Arc::new(Verifier::new(Arc::clone(&provider))?);
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(builder.dangerous().with_custom_certificate_verifier(authorities).with_no_client_auth())
}

/// The threads on which databases are talked to, whoever asks.
pub(super) fn threads() -> Result<&'static Runtime, Failed> {
    static ON: OnceLock<Result<Runtime, String>> = OnceLock::new();
    let on = ON.get_or_init(|| {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        builder
            .worker_threads(THREADS)
            .thread_name("postgres")
            .enable_all()
            .build()
            .map_err(|error| error.to_string())
    });
    on.as_ref().map_err(|error| Failed::Way(format!("no thread could be started: {error}")))
}

/// Waits for something that is done on those threads.
pub(super) fn blocking<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> Result<T, Failed> {
    let (tell, told) = std::sync::mpsc::sync_channel(1);
    threads()?.spawn(async move { tell.send(work.await).unwrap_or_default() });
    told.recv().map_err(|_| Failed::Way("the work was given up".to_owned()))
}

/// How it is called in errors and lists: never with what it is reached with.
fn place_of(config: &Config) -> String {
    let host = match config.get_hosts().first() {
        Some(Host::Tcp(name)) => name.clone(),
        #[cfg(unix)]
        Some(Host::Unix(folder)) => folder.display().to_string(),
        None => "localhost".to_owned(),
    };
    let port = config.get_ports().first().map_or_else(String::new, |port| format!(":{port}"));
    let name = config.get_dbname().or(config.get_user()).unwrap_or_default();
    format!("postgresql://{host}{port}/{name}")
}
