//! `deeds serve`: the server alone, until it is asked to stop.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;

use super::context::Context;
use super::datadir::{DataDir, Lock};
use super::gateway;
use super::output::{self, Output};
use super::session::{self, Embedded, Listen, MOST_MADE, STOP_WITHIN, user};
use super::signals::Signals;
use super::status::{Status, Usage};
use crate::api::Fingerprint;
use crate::domain::ids::WorkspaceId;
use crate::server::{self, Tls};

/// The environment variable that says how much the server logs.
const LOG_VARIABLE: &str = "DEEDS_LOG";

/// How often, and how far apart, the directory's lock is tried.
const LOCK_TRIES: u32 = 10;
const LOCK_EVERY: Duration = Duration::from_millis(100);

/// How the server listens.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  deeds serve\n  deeds serve --listen 127.0.0.1:9000 --data-dir /var/lib/deeds\n  DEEDS_LOG=debug deeds serve\n\nOther machines reach it by TLS (--tls-self-signed, or --tls-cert and --tls-key), or through a tunnel, ssh -L 4170:127.0.0.1:4170 host.\nAgents sign in with tokens made by `deeds tokens create`."
)]
pub(crate) struct Command {
    /// The address to listen on, and no other
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// Speak TLS with this certificate, in PEM; it is read again when it changes
    #[arg(long, value_name = "FILE", requires = "tls_key", conflicts_with = "tls_self_signed")]
    tls_cert: Option<PathBuf>,
    /// The certificate's key, in PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Speak TLS with a certificate of its own, whose fingerprint is printed; consoles remember it
    #[arg(long)]
    tls_self_signed: bool,
    /// Listen off loopback too, although tokens then travel in plain text
    #[arg(long)]
    allow_remote: bool,
    /// A host name that it answers to, beside those of this machine's loopback; may be repeated
    #[arg(long = "host", value_name = "NAME")]
    hosts: Vec<String>,
    /// A web page's origin that may call it; may be repeated
    #[arg(long = "origin", value_name = "ORIGIN")]
    origins: Vec<String>,
    /// Take at most this many requests of one agent in a second
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    rate: Option<u32>,
}

/// Serves until it is asked to stop.
pub(super) fn run(context: &Context, command: Command) -> anyhow::Result<Status> {
    if context.config.connect.is_some() {
        return Err(Usage::error("serve a data directory of this machine: leave --connect out"));
    }
    log_to_stderr();
    let address = command.listen.unwrap_or(context.config.listen);
    let dir = context.open_dir()?;
    let tls = tls(context, &dir, &command, address)?;
    let fingerprint = tls.as_ref().map(Tls::fingerprint);
    let options = server::Options {
        allow_plaintext: command.allow_remote,
        hosts: command.hosts,
        origins: command.origins,
        rate: command.rate,
        proof: None,
        node: None,
        guard: None,
        gateways: gateway::served(context, &dir)?,
    };
    let runtime = session::runtime()?;
    let served = runtime.block_on(async {
        let mut signals = Signals::listen();
        let Some(lock) = lock(&dir).await? else {
            let by = dir.serving().map_or_else(String::new, |serving| {
                format!(" at {}, process {}", serving.address, serving.pid)
            });
            anyhow::bail!(
                "{}: another deeds serves this data directory already{by}; end it, or name another with --data-dir",
                dir.path().display()
            );
        };
        let listen = Listen::exactly(address, options, tls).within(&context.config);
        // Opening may take long, and block: it has a thread of its own, and is given up where it is not wanted any more.
        let opened = dir.clone();
        let starting = tokio::spawn(async move { Embedded::start(&opened, lock, &listen).await });
        let embedded = tokio::select! {
            biased;
            () = signals.asked_to_stop() => return Ok(Status::Done),
            started = starting => started.context("the start broke off")??,
        };
        let ready = tokio::select! {
            biased;
            () = signals.asked_to_stop() => Ok(false),
            ready = Box::pin(ready(context, &dir, &embedded, fingerprint)) => ready.map(|()| true),
        };
        if matches!(ready, Ok(true)) {
            signals.asked_to_stop().await;
        }
        if tokio::time::timeout(STOP_WITHIN, embedded.stop_soon()).await.is_err() {
            tracing::warn!("what was being looked at did not end in time; nothing that was answered is lost");
        }
        ready.map(|_| Status::Done)
    });
    // What is still being worked out on other threads has nobody any more who waits for it.
    runtime.shutdown_background();
    served
}

/// What is spoken, if it is not plaintext.
fn tls(
    context: &Context,
    dir: &DataDir,
    command: &Command,
    address: SocketAddr,
) -> anyhow::Result<Option<Tls>> {
    let config = &context.config;
    if command.tls_self_signed || (config.tls_self_signed && command.tls_cert.is_none()) {
        let (certificate, key) = dir.certificate_files();
        if !certificate.exists() || !key.exists() {
            let mut names: Vec<String> = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).into();
            names.extend(command.hosts.iter().cloned());
            if !address.ip().is_unspecified() && !address.ip().is_loopback() {
                names.push(address.ip().to_string());
            }
            let (made, secret) = server::self_signed(names).context("no certificate could be made")?;
            DataDir::replace(&key, &secret)?;
            DataDir::replace(&certificate, &made)?;
        }
        return Ok(Some(Tls::from_files(&certificate, &key)?));
    }
    let given = |flag: &Option<PathBuf>, setting: &Option<PathBuf>| flag.clone().or_else(|| setting.clone());
    match (given(&command.tls_cert, &config.tls_cert), given(&command.tls_key, &config.tls_key)) {
        (Some(certificate), Some(key)) => Ok(Some(Tls::from_files(&certificate, &key)?)),
        (None, None) => Ok(None),
        (Some(_), None) | (None, Some(_)) => {
            Err(Usage::error("a certificate and its key belong together: name both, tls.cert and tls.key"))
        }
    }
}

/// Most workspaces that are told one by one.
const MOST_LINES: usize = 64;

/// Takes the lock; one that another process holds for a moment only is waited for.
async fn lock(dir: &DataDir) -> anyhow::Result<Option<Lock>> {
    for _ in 0..LOCK_TRIES {
        if let Some(lock) = dir.try_lock()? {
            return Ok(Some(lock));
        }
        tokio::time::sleep(LOCK_EVERY).await;
    }
    Ok(None)
}

/// Founds and signs in what there is, and says where everything is; never a token.
async fn ready(
    context: &Context,
    dir: &DataDir,
    embedded: &Embedded,
    fingerprint: Option<Fingerprint>,
) -> anyhow::Result<()> {
    let user = user(context, dir)?;
    embedded.found(dir, context.config.workspace.as_ref(), &user).await?;
    let workspaces = embedded.workspaces();
    let broken: BTreeMap<WorkspaceId, String> = workspaces.broken().into_iter().collect();
    for (workspace, why) in &broken {
        output::complain(format!("workspace {workspace} does not open and is not served: {why}"));
    }
    let (mut tokens, mut made) = (Vec::new(), 0);
    for workspace in workspaces.names() {
        let file = dir.token_file(&workspace, user.as_str());
        if workspaces.get(&workspace).is_some() {
            embedded.own_token(dir, &workspace, &user).await?;
        } else if broken.contains_key(&workspace) {
            continue;
        } else if !file.exists() {
            if made == MOST_MADE {
                continue;
            }
            made += 1;
            if let Err(error) = embedded.own_token(dir, &workspace, &user).await {
                output::complain(format!("workspace {workspace} is not served: {error:#}"));
                continue;
            }
        }
        tokens.push((workspace, file));
    }
    if tokens.is_empty() {
        anyhow::bail!("{}: no workspace opens", dir.path().display());
    }
    // Whoever started it may have stopped reading; it serves all the same.
    match announce(context.out, &embedded.url(), fingerprint, &tokens) {
        Err(error) if !super::status::is_broken_pipe(&error) => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn announce(
    out: Output,
    url: &str,
    fingerprint: Option<Fingerprint>,
    tokens: &[(WorkspaceId, PathBuf)],
) -> anyhow::Result<()> {
    if out.json {
        let tokens: Vec<_> = tokens
            .iter()
            .map(|(workspace, file)| serde_json::json!({ "workspace": workspace, "token_file": file }))
            .collect();
        return output::json_line(
            &serde_json::json!({ "url": url, "certificate": fingerprint.map(|one| one.to_string()), "workspaces": tokens }),
        );
    }
    output::line(format!("serving {url}"))?;
    if let Some(fingerprint) = fingerprint {
        output::line(format!("certificate {fingerprint}"))?;
    }
    for (workspace, file) in tokens.iter().take(MOST_LINES) {
        output::line(format!("workspace {workspace}: the admin's token is in {}", file.display()))?;
    }
    if let Some((_, file)) = tokens.get(MOST_LINES)
        && let Some(folder) = file.parent()
    {
        let more = tokens.len() - MOST_LINES;
        output::line(format!("{more} workspaces more: their tokens are in {}", folder.display()))?;
    }
    Ok(())
}

fn log_to_stderr() {
    let wanted = std::env::var(LOG_VARIABLE).unwrap_or_default();
    let wanted = if wanted.is_empty() { "info" } else { &wanted };
    // Targets and levels, `info,deeds::server=debug`: filters by spans and fields would bring an engine of regular expressions.
    let filter: Targets = wanted.parse().unwrap_or_else(|_| Targets::new().with_default(Level::INFO));
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()));
    let subscriber = tracing_subscriber::registry().with(lines).with(filter);
    // One that is set already stays.
    tracing::subscriber::set_global_default(subscriber).unwrap_or_default();
}
