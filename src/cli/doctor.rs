//! `deeds doctor`: what is wrong here, and the mend. It only looks: nothing is opened for writing, made or started, but for
//! what `--fix` is asked to mend (`fix`).
//!
//! `finding` is the table of what can be found. `directory` looks at the data directory and who serves it, `files` at its files,
//! `tokens` at the secrets, `connections` at what was entered into the settings of coding agents, `workspaces` at each ledger with
//! what was made of it, `nodes` at those that share a database, `terminal` at what the console would run in.

mod connections;
mod directory;
mod files;
mod finding;
mod fix;
mod nodes;
mod terminal;
mod tokens;
mod workspaces;

use clap::Args;
use serde::Serialize;

use self::finding::{Check, Finding, Health};
use super::context::Context;
use super::status::Status;
use super::{output, session};
use crate::api::WorkspaceView;
use crate::coordinator::Clock;
use crate::domain::ids::WorkspaceId;
use crate::domain::state::Stop;
use crate::domain::time::{Span, Time};

const EXAMPLES: &str = "Examples:\n  deeds doctor\n  deeds doctor --json\n  deeds doctor --fix\n  deeds doctor --data-dir /var/lib/deeds\n\nLooks only, but for --fix, and may be run beside a server. Of more than 64 workspaces it looks at the last deeds\nof each; `deeds verify --deep` looks at all of them. Exit status 1 where something is wrong.";

/// What is looked at, and whether it is mended.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Command {
    /// Mend what can be mended without a decision: who may read files, what is left over, what is made anew of a ledger
    #[arg(long)]
    fix: bool,
    /// List everything that can be found, with its mend
    #[arg(long, conflicts_with = "fix")]
    list: bool,
}

/// Runs it.
pub(super) fn run(context: &Context, command: &Command) -> anyhow::Result<Status> {
    if command.list {
        return list(context);
    }
    let mut checks = look(context)?;
    let fixed = if command.fix { fix::fix(context, &checks)? } else { Vec::new() };
    if !fixed.is_empty() {
        checks = look(context)?;
    }
    report(context, &checks, command.fix.then_some(&fixed))
}

fn look(context: &Context) -> anyhow::Result<Vec<Check>> {
    let mut checks = vec![Check::fine("version", env!("CARGO_PKG_VERSION")), settings(context)];
    match &context.config.connect {
        Some(url) => checks.extend(elsewhere(context, url.as_str())?),
        None => checks.extend(here(context)?),
    }
    if let Ok(dir) = context.dir_however() {
        checks.extend(connections::checks(&dir));
    }
    checks.extend(terminal::checks());
    Ok(checks)
}

/// A row of the table of what can be found.
#[derive(Serialize)]
struct Listed {
    finding: Finding,
    health: Health,
    about: &'static str,
    mend: &'static str,
    fix: finding::Fix,
}

fn list(context: &Context) -> anyhow::Result<Status> {
    let listed = Finding::ALL.iter().map(|&finding| Listed {
        finding,
        health: finding.health(),
        about: finding.about(),
        mend: finding.mend(),
        fix: finding.fix(),
    });
    let listed: Vec<Listed> = listed.collect();
    if context.out.json {
        output::json(&listed)?;
        return Ok(Status::Done);
    }
    let row = |one: &Listed| {
        let by = match one.fix {
            finding::Fix::Person | finding::Fix::Keep => "",
            finding::Fix::Private | finding::Fix::Remove | finding::Fix::Start => "--fix",
        };
        [one.finding.id(), one.health.word(), one.about, one.mend, by].map(str::to_owned).to_vec()
    };
    context.out.table(
        &["FINDING", "", "WHAT IT IS", "THE MEND", "BY"],
        &listed.iter().map(row).collect::<Vec<_>>(),
    )?;
    Ok(Status::Done)
}

/// The configuration was read already: whoever gets here has one without a fault.
fn settings(context: &Context) -> Check {
    match &context.config_file {
        Some(file) => Check::fine("configuration", format!("{} has no fault", file.display())),
        None => Check::fine("configuration", "none; the defaults hold"),
    }
}

/// The data directory and what lies in it.
fn here(context: &Context) -> anyhow::Result<Vec<Check>> {
    let path = context.data_dir()?;
    if !path.exists() {
        let found = format!("{} is not there yet", path.display());
        return Ok(vec![Check::of(Finding::DirectoryAbsent, "data directory", found)]);
    }
    let dir = match context.dir_however() {
        Ok(dir) => dir,
        Err(error) => {
            return Ok(vec![Check::of(Finding::DirectoryUnusable, "data directory", error.to_string())]);
        }
    };
    let mut checks = directory::checks(context, &dir)?;
    checks.push(tokens::open(&dir));
    checks.extend(tokens::missing(&dir));
    checks.extend(files::checks(&dir));
    checks.extend(workspaces::checks(&dir)?);
    checks.extend(nodes::checks(&dir)?);
    Ok(checks)
}

/// A server elsewhere: whether it answers to this token.
fn elsewhere(context: &Context, url: &str) -> anyhow::Result<Vec<Check>> {
    Ok(match answers(context)? {
        Ok(answers) => {
            let mut checks = answers.checks("server", &format!("{url} answers"));
            // Of a server here the ledger itself is looked at.
            if let Some(why) = &answers.forked {
                let what = format!("seen {}", answers.workspace);
                checks.push(Check::of(Finding::SeenAnother, &what, why.as_str()));
            }
            checks
        }
        Err(error) => {
            vec![Check::of(Finding::ServerUnreachable, "server", format!("{url}: {error:#}"))]
        }
    })
}

/// Two clocks that are further apart than this are not the same time.
const CLOCK_APART: Span = Span::from_secs(60);

/// What a server that runs already says of itself.
struct Answers {
    version: String,
    workspace: WorkspaceId,
    /// That every agent of the workspace is paused.
    all_paused: Option<Stop>,
    /// Workspaces in which nothing is recorded, or on fewer machines than is promised, or whose ledger is damaged.
    troubled: Vec<(WorkspaceId, String)>,
    /// Why its history does not continue what was seen here, or that this can't be told.
    forked: Option<String>,
    /// What the server's clock and this machine's show.
    now: Time,
    here: Time,
}

impl Answers {
    fn checks(&self, what: &str, found: &str) -> Vec<Check> {
        let mut checks = vec![versions(what, found, &self.version)];
        for (workspace, trouble) in &self.troubled {
            checks.push(Check::of(
                Finding::ServerTrouble,
                &format!("recording {workspace}"),
                trouble.as_str(),
            ));
        }
        if self.now.since(self.here).micros().max(self.here.since(self.now).micros()) > CLOCK_APART.micros() {
            let found = format!("the server goes by {}, and this machine's shows {}", self.now, self.here);
            checks.push(Check::of(Finding::ClockApart, "clock", found));
        }
        if let Some(stop) = &self.all_paused {
            let found = format!("all are paused {}", stop.words());
            checks.push(Check::of(Finding::AllPaused, &format!("agents {}", self.workspace), found));
        }
        checks
    }
}

/// What the server that is meant answers; why it can't be told where it does not.
fn answers(context: &Context) -> anyhow::Result<anyhow::Result<Answers>> {
    Ok(session::runtime()?.block_on(async {
        let session = session::Session::open(context).await?;
        let who = session.client.whoami().await;
        let agents = session.client.agents().await;
        let spaces = session.client.workspaces().await;
        let forked = session.client.continues().await.err().map(|error| error.to_string());
        session.end().await;
        let (who, here) = (who?, Clock::System.now());
        // A server of an older version may not know the address.
        let all_paused = agents.ok().and_then(|agents| agents.all_paused);
        let spaces = spaces.map(|spaces| spaces.workspaces).unwrap_or_default();
        let wrong = |space: WorkspaceView| Some((space.workspace, space.trouble.or(space.unreplicated)?));
        let troubled = spaces.into_iter().filter_map(wrong).collect();
        let (version, workspace, now) = (who.server.version, who.workspace, who.server.now);
        Ok(Answers { version, workspace, all_paused, troubled, forked, now, here })
    }))
}

/// Whether what answers is of this version.
fn versions(what: &str, found: &str, version: &str) -> Check {
    if version == env!("CARGO_PKG_VERSION") {
        return Check::fine(what, found);
    }
    let found = format!("{found}, of version {version}; this is {}", env!("CARGO_PKG_VERSION"));
    Check::of(Finding::ServerVersion, what, found)
}

/// What was mended, and how everything is now.
#[derive(Serialize)]
struct Mended<'a> {
    fixed: &'a [String],
    checks: &'a [Check],
}

fn report(context: &Context, checks: &[Check], fixed: Option<&Vec<String>>) -> anyhow::Result<Status> {
    let wrong = checks.iter().filter(|check| check.health == Health::Wrong).count();
    match (context.out.json, fixed) {
        (true, Some(fixed)) => output::json(&Mended { fixed, checks })?,
        (true, None) => output::json(&checks)?,
        (false, fixed) => {
            for line in fixed.into_iter().flatten() {
                output::line(format!("mended: {line}"))?;
            }
            if fixed.is_some_and(Vec::is_empty) {
                output::line("nothing is mended: nothing that can be was found")?;
            }
            table(context, checks)?;
        }
    }
    Ok(if wrong == 0 { Status::Done } else { Status::No })
}

fn table(context: &Context, checks: &[Check]) -> anyhow::Result<()> {
    let row = |check: &Check| vec![check.health.word().to_owned(), check.what.clone(), check.found.clone()];
    context.out.table(&["", "LOOKED AT", "FOUND"], &checks.iter().map(row).collect::<Vec<_>>())?;
    let mends: Vec<&Check> = checks.iter().filter(|check| check.mend.is_some()).collect();
    if !mends.is_empty() {
        context.out.faint("\nThe mends:")?;
    }
    for check in mends {
        output::line(format!("  {}: {}", check.what, check.mend.as_deref().unwrap_or_default()))?;
    }
    Ok(())
}
