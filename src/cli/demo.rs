//! `deeds demo`: three sample teams at work on a server of their own, and the console on them; without a terminal, a
//! summary at the end.

mod summary;

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder};
use std::io::IsTerminal as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use summary::Summary;

use super::context::{ConsoleFlags, Context};
use super::datadir::DataDir;
use super::session::{self, Embedded, Listen, log_to};
use super::signals::Signals;
use super::status::{Status, Usage};
use super::{console, output};
use crate::client::Client;
use crate::console::open::{Setup, open};
use crate::console::place::View;
use crate::console::wire::Seen;
use crate::coordinator::Clock;
use crate::demo::{self, Cast, DemoError, SPEEDS, Team};
use crate::domain::ids::{PersonId, WorkspaceId};
use crate::domain::things::TokenClass;
use crate::domain::time::Span;
use crate::ledger::engine::embedded;

/// How much of the day is over when somebody looks: the first cases wait, the rest of the first minute is yet to come.
const AHEAD: Duration = Duration::from_secs(20);
/// What the names of temporary data directories begin with.
const TEMPORARY: &str = "deeds-demo-";

/// How the teams are played.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  deeds demo                      W switches between the teams, ? explains the keys\n  deeds demo --speed 10           ten times as fast\n  deeds demo --for 60s | cat      without a terminal: plays one minute and prints what happened\n\nA temporary data directory is used and removed again, unless --data-dir names one. The same --seed plays the same."
)]
pub(crate) struct Command {
    /// How much faster than real time
    #[arg(long, default_value_t = 1.0, value_parser = speed)]
    speed: f64,
    /// Decides who does what next
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Stop playing after this much of the teams' time; the console stays
    #[arg(long = "for", value_name = "SPAN", value_parser = span)]
    for_: Option<Duration>,
    /// What the console takes.
    #[command(flatten)]
    pub(super) console: ConsoleFlags,
}

fn speed(text: &str) -> Result<f64, String> {
    let (slowest, fastest) = SPEEDS;
    let speed: Option<f64> = text.parse().ok().filter(|speed| (slowest..=fastest).contains(speed));
    speed.ok_or_else(|| format!("write a number from {slowest} to {fastest}"))
}

fn span(text: &str) -> Result<Duration, String> {
    let span: Span = text.parse().map_err(|error: crate::domain::time::TimeError| error.to_string())?;
    u64::try_from(span.micros()).map(Duration::from_micros).map_err(|error| error.to_string())
}

/// Plays, and shows.
pub(super) fn run(context: &Context, command: &Command) -> anyhow::Result<Status> {
    if context.config.connect.is_some() {
        return Err(Usage::error("the demo runs on a server of its own; leave --connect out"));
    }
    let place = Place::new(context)?;
    let terminal = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    let dir = DataDir::open(&place.path, embedded())?;
    session::runtime()?.block_on(async {
        let Some(lock) = dir.try_lock()? else {
            anyhow::bail!("{}: another deeds holds this data directory; name another", dir.path().display());
        };
        log_to(&dir);
        let embedded = Embedded::start(
            &dir,
            lock,
            &Listen::from_settings(context.config.listen, None).within(&context.config),
        )
        .await?;
        let played = play(context, command, (&place, &dir), &embedded, terminal).await;
        embedded.stop().await;
        played
    })
}

async fn play(
    context: &Context,
    command: &Command,
    (place, dir): (&Place, &DataDir),
    embedded: &Embedded,
    terminal: bool,
) -> anyhow::Result<Status> {
    let teams = demo::teams();
    let mut reviewers = Vec::with_capacity(teams.len());
    let mut casts = Vec::with_capacity(teams.len());
    for team in &teams {
        let (reviewer, cast) = cast(context, dir, embedded, team).await?;
        reviewers.push(reviewer);
        casts.push(cast);
    }
    // Whoever looks comes into the middle of a day.
    let ahead = if terminal { AHEAD } else { Duration::ZERO };
    let options = demo::Options { speed: command.speed, seed: command.seed, for_: command.for_, ahead };
    if !terminal {
        return headless(context, casts, &options, &reviewers).await;
    }
    let playing = tokio::spawn(async move { demo::run(casts, &options, |_| {}).await });
    let kept = (!place.temporary && context.config.keep).then(|| place.path.join(console::kept::FILE));
    let shown = show(context, reviewers, kept).await;
    if playing.is_finished()
        && let Ok(Err(error)) = playing.await
    {
        output::complain(format!("the demo ended early: {error}"));
    }
    shown
}

/// A team's workspace, its reviewer's client and its agents'. What an earlier demo left is played on.
async fn cast(
    context: &Context,
    dir: &DataDir,
    embedded: &Embedded,
    team: &Team,
) -> anyhow::Result<((WorkspaceId, Client), Cast)> {
    let workspace: WorkspaceId = team.workspace.parse()?;
    let reviewer: PersonId = team.reviewer.parse()?;
    let workspaces = embedded.workspaces();
    if !workspaces.names().contains(&workspace) {
        let model = team.model(Clock::System.now())?;
        let token = workspaces.create(&workspace, &reviewer, Some(model)).await?;
        DataDir::keep_token(&dir.token_file(&workspace, reviewer.as_str()), &token)?;
    }
    let token = embedded.own_token(dir, &workspace, &reviewer).await?;
    let seat = embedded.client(context, token)?;
    let mut clients = BTreeMap::new();
    for agent in &team.agents {
        let token = workspaces.issue(&workspace, TokenClass::Agent, agent.as_str(), None).await?;
        DataDir::keep_token(&dir.token_file(&workspace, agent.as_str()), &token)?;
        clients.insert(agent.clone(), embedded.client(context, token)?);
    }
    Ok(((workspace, seat), Cast { workspace: team.workspace, clients }))
}

/// The console on the teams. What it keeps is the demo's own, and of a directory that is thrown away it is nothing.
async fn show(
    context: &Context,
    reviewers: Vec<(WorkspaceId, Client)>,
    kept: Option<PathBuf>,
) -> anyhow::Result<Status> {
    let (keeper, writing) = kept.map(console::kept::begin).transpose()?.unzip();
    let (first, client) = reviewers.first().context("there is no sample team")?;
    let setup = Setup {
        me: console::me(client).await?,
        first: first.clone(),
        endpoints: console::as_endpoints(reviewers.clone(), session::own_agent().as_ref()),
        settings: console::settings(&context.config, View::Inbox)?,
        welcome: vec!["The teams are just starting: their first cases arrive within seconds.".to_owned()],
        seen: Seen::default(),
        keeper,
        rehearsal: None,
        options: console::options(&context.config),
    };
    let closed = open(setup).await?;
    if let Some(writing) = writing {
        writing.end();
    }
    console::tell_of_drafts(&closed);
    Ok(console::status(&closed))
}

/// Plays until the time is over or somebody asks to stop, then says what happened.
async fn headless(
    context: &Context,
    casts: Vec<Cast>,
    options: &demo::Options,
    reviewers: &[(WorkspaceId, Client)],
) -> anyhow::Result<Status> {
    let mut signals = Signals::listen();
    let mut summary = Summary::default();
    let played: Result<(), DemoError> = tokio::select! {
        played = demo::run(casts, options, |played| summary.add(played)) => played,
        () = signals.asked_to_stop() => Ok(()),
    };
    summary.tell(context.out, reviewers).await?;
    played?;
    Ok(Status::Done)
}

/// Where the demo keeps its data; what is temporary is removed in the end.
pub(super) struct Place {
    pub(super) path: PathBuf,
    temporary: bool,
}

impl Place {
    fn new(context: &Context) -> anyhow::Result<Self> {
        if let Some(path) = &context.data_dir_flag {
            return Ok(Self { path: path.clone(), temporary: false });
        }
        Self::temporary()
    }

    /// A directory that is removed in the end.
    pub(super) fn temporary() -> anyhow::Result<Self> {
        sweep();
        let mut random = [0_u8; 8];
        getrandom::fill(&mut random).context("the system gives no random bytes")?;
        let path = std::env::temp_dir().join(format!("{TEMPORARY}{:016x}", u64::from_ne_bytes(random)));
        DirBuilder::new().mode(0o700).create(&path).with_context(|| path.display().to_string())?;
        Ok(Self { path, temporary: true })
    }
}

/// Removes what demos left behind that were killed: directories of this user's that no process holds.
fn sweep() {
    let user = rustix::process::getuid().as_raw();
    for entry in fs::read_dir(std::env::temp_dir()).into_iter().flatten().flatten() {
        // What an entry itself is, not what it may point to.
        let ours = entry.metadata().is_ok_and(|about| about.is_dir() && about.uid() == user);
        if !ours || !entry.file_name().to_string_lossy().starts_with(TEMPORARY) {
            continue;
        }
        if let Ok(dir) = DataDir::however(&entry.path(), embedded())
            && dir.was_served()
            && let Ok(Some(_lock)) = dir.try_lock()
        {
            // What can't be removed is left to the system.
            fs::remove_dir_all(dir.path()).unwrap_or_default();
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.temporary {
            // What can't be removed is left to the system, which clears its temporary directory.
            fs::remove_dir_all(&self.path).unwrap_or_default();
        }
    }
}
