//! `deeds doctor`: what is wrong here, and the mend. It only looks: nothing is opened for writing, made or started.
//!
//! `directory` looks at the data directory and who serves it, `workspaces` at each ledger with its index, `terminal` at what
//! the console would run in.

mod directory;
mod terminal;
mod workspaces;

use serde::Serialize;

use super::context::Context;
use super::status::Status;
use super::{output, session};
use crate::coordinator::Clock;
use crate::domain::ids::WorkspaceId;
use crate::domain::state::Stop;
use crate::domain::time::{Span, Time};

/// Shown below the help.
pub(super) const EXAMPLES: &str = "Examples:\n  deeds doctor\n  deeds doctor --json\n  deeds doctor --data-dir /var/lib/deeds\n\nLooks only, and may be run beside a server. Exit status 1 where something is wrong.";

/// How something was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Health {
    /// As it should be.
    Fine,
    /// It works, and could be better.
    Note,
    /// It does not work, or will not for long.
    Wrong,
}

impl Health {
    fn word(self) -> &'static str {
        match self {
            Self::Fine => "fine",
            Self::Note => "note",
            Self::Wrong => "WRONG",
        }
    }
}

/// One thing that was looked at.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Check {
    what: String,
    health: Health,
    found: String,
    mend: Option<String>,
}

impl Check {
    fn fine(what: &str, found: impl Into<String>) -> Self {
        Self { what: what.to_owned(), health: Health::Fine, found: found.into(), mend: None }
    }

    fn note(what: &str, found: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { what: what.to_owned(), health: Health::Note, found: found.into(), mend: Some(mend.into()) }
    }

    fn wrong(what: &str, found: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { what: what.to_owned(), health: Health::Wrong, found: found.into(), mend: Some(mend.into()) }
    }
}

/// Runs it.
pub(super) fn run(context: &Context) -> anyhow::Result<Status> {
    let mut checks = vec![Check::fine("version", env!("CARGO_PKG_VERSION")), settings(context)];
    match &context.config.connect {
        Some(url) => checks.extend(elsewhere(context, url.as_str())?),
        None => checks.extend(here(context)?),
    }
    checks.extend(terminal::checks());
    report(context, &checks)
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
        return Ok(vec![Check::note("data directory", found, "`deeds` makes it at its first start")]);
    }
    let dir = match context.dir_however() {
        Ok(dir) => dir,
        Err(error) => {
            return Ok(vec![Check::wrong(
                "data directory",
                error.to_string(),
                "name another with --data-dir",
            )]);
        }
    };
    let mut checks = directory::checks(context, &dir)?;
    checks.extend(workspaces::checks(&dir)?);
    Ok(checks)
}

/// A server elsewhere: whether it answers to this token.
fn elsewhere(context: &Context, url: &str) -> anyhow::Result<Vec<Check>> {
    Ok(match answers(context)? {
        Ok(answers) => answers.checks("server", &format!("{url} answers")),
        Err(error) => {
            let mend = "check the address, the token, and `deeds doctor` on that machine";
            vec![Check::wrong("server", format!("{url}: {error:#}"), mend)]
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
    /// Workspaces in which nothing is recorded, or whose ledger is damaged.
    troubled: Vec<(WorkspaceId, String)>,
    /// What the server's clock and this machine's show.
    now: Time,
    here: Time,
}

impl Answers {
    fn checks(&self, what: &str, found: &str) -> Vec<Check> {
        let mut checks = vec![versions(what, found, &self.version)];
        for (workspace, trouble) in &self.troubled {
            let mend = "docs/OPERATIONS.md, *when something is wrong*, says what to do";
            checks.push(Check::wrong(&format!("recording {workspace}"), trouble.as_str(), mend));
        }
        if self.now.since(self.here).micros().max(self.here.since(self.now).micros()) > CLOCK_APART.micros() {
            let found = format!("the server goes by {}, and this machine's shows {}", self.now, self.here);
            let mend = "set it right, or resolve the alert `clock` if it is right; where the server is elsewhere, compare the two machines";
            checks.push(Check::wrong("clock", found, mend));
        }
        if let Some(stop) = &self.all_paused {
            let found = format!("all are paused {}", stop.words());
            let mend = "`deeds override resume-all --reason …` lets them go on";
            checks.push(Check::note(&format!("agents {}", self.workspace), found, mend));
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
        session.end().await;
        let (who, here) = (who?, Clock::System.now());
        // A server of an older version may not know the address.
        let all_paused = agents.ok().and_then(|agents| agents.all_paused);
        let spaces = spaces.map(|spaces| spaces.workspaces).unwrap_or_default();
        let troubled =
            spaces.into_iter().filter_map(|space| Some((space.workspace, space.trouble?))).collect();
        let (version, workspace, now) = (who.server.version, who.workspace, who.server.now);
        Ok(Answers { version, workspace, all_paused, troubled, now, here })
    }))
}

/// Whether what answers is of this version.
fn versions(what: &str, found: &str, version: &str) -> Check {
    if version == env!("CARGO_PKG_VERSION") {
        return Check::fine(what, found);
    }
    let found = format!("{found}, of version {version}; this is {}", env!("CARGO_PKG_VERSION"));
    Check::note(what, found, "install the same version on both sides")
}

fn report(context: &Context, checks: &[Check]) -> anyhow::Result<Status> {
    let wrong = checks.iter().filter(|check| check.health == Health::Wrong).count();
    if context.out.json {
        output::json(&checks)?;
    } else {
        let row =
            |check: &Check| vec![check.health.word().to_owned(), check.what.clone(), check.found.clone()];
        context.out.table(&["", "LOOKED AT", "FOUND"], &checks.iter().map(row).collect::<Vec<_>>())?;
        let mends: Vec<&Check> = checks.iter().filter(|check| check.mend.is_some()).collect();
        if !mends.is_empty() {
            context.out.faint("\nThe mends:")?;
        }
        for check in mends {
            output::line(format!("  {}: {}", check.what, check.mend.as_deref().unwrap_or_default()))?;
        }
    }
    Ok(if wrong == 0 { Status::Done } else { Status::No })
}
