//! git's `pre-commit` hook: every staged path, and whose it is; the same of the paths that commits change (`pushed`). A rename takes from one place and makes at another.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use anyhow::Context as _;
use serde::Serialize;

use super::known::{self, Known};
use super::repository::{By, Repository, entity, git};
use super::zones::{Owners, Verdict};
use super::{Asking, Git, no_agent, pushed, undecided};
use crate::cli::context::Context;
use crate::cli::output::{self, visible};
use crate::cli::status::{Status, Usage};
use crate::config::HookDefault;
use crate::domain::ids::AgentId;
use crate::domain::path::EntityPath;
use crate::hook::Wish;

/// What it is called where it tells what it stopped.
const BY: &str = "git";
/// As many paths are listed one by one.
const MAX_ROWS: usize = 50;

/// One path that a commit would touch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Touched {
    pub(super) path: Vec<u8>,
    pub(super) how: &'static str,
    /// In which commit, where it is not what is staged.
    pub(super) commit: Option<String>,
}

impl Touched {
    fn new(path: Vec<u8>, how: &'static str) -> Self {
        Self { path, how, commit: None }
    }
}

/// What is wrong with a path.
#[derive(Debug, Serialize)]
struct Found {
    #[serde(skip_serializing_if = "Option::is_none")]
    commit: Option<String>,
    path: String,
    change: &'static str,
    /// Whether the map says no; it says nothing where it can't.
    refused: bool,
    owners: Vec<String>,
    people: Vec<String>,
    why: String,
    /// Where it is on the map, if it can be.
    #[serde(skip)]
    entity: Option<EntityPath>,
}

/// Looks at what is staged, or at what commits change.
pub(super) fn run(context: &Context, asked: &Git) -> anyhow::Result<Status> {
    let asking = &asked.hosted.asking;
    if asked.pre_receive {
        return decide(context, asking, &pushed::received()?);
    }
    if let Some(range) = &asked.range {
        return decide(context, asking, &pushed::in_range(range)?);
    }
    let here = Path::new(".");
    let repository =
        Repository::around(here, By::Environment).map_err(anyhow::Error::msg)?.ok_or_else(|| {
            Usage::error("there is no git work tree here; run it in one, or install it there with --install")
        })?;
    decide(context, asking, &staged(&repository)?)
}

/// Says whether all of it is the agent's.
fn decide(context: &Context, asking: &Asking, touched: &[Touched]) -> anyhow::Result<Status> {
    if touched.is_empty() {
        return Ok(Status::Done);
    }
    let found = agent(context, asking)
        .and_then(|agent| known::find(context, asking.map()).map(|known| (agent, known)));
    let (agent, known) = match found {
        Ok(found) => found,
        Err(why) => return by_default(context, &why),
    };
    let found: Vec<Found> =
        touched.iter().filter_map(|touched| look(context, asking, &known, &agent, touched)).collect();
    let told = found.iter().filter_map(|found| found.entity.clone()).collect();
    if let Some(note) = known.note(BY, &agent, told) {
        known::tell(context, note);
    }
    tell(context, &agent, &known, touched, &found)
}

/// Whom the commit is by: as everywhere, and as the repository says.
fn agent(context: &Context, asking: &Asking) -> Result<AgentId, String> {
    if let Some(agent) = asking.agent(context) {
        return Ok(agent);
    }
    let said = git(Path::new("."), By::Environment, &["config", "--get", "deeds.agent"]);
    let said = said.ok().filter(|output| output.status.success()).map(|output| output.stdout);
    let Some(said) = said else { return Err(format!("{}, or `git config deeds.agent`", no_agent())) };
    let said = String::from_utf8_lossy(&said);
    let said = said.trim_end_matches('\n');
    said.parse()
        .map_err(|_| format!("`git config deeds.agent` says `{}`, which no agent is called", visible(said)))
}

/// What the index holds and the last commit doesn't.
fn staged(repository: &Repository) -> anyhow::Result<Vec<Touched>> {
    const DIFF: [&str; 8] = [
        "diff",
        "--cached",
        "--name-status",
        "-z",
        "--find-renames",
        "--no-ext-diff",
        "--no-relative",
        "--ignore-submodules=none",
    ];
    let output = git(&repository.top, By::Environment, &DIFF).context("git can't be run")?;
    if !output.status.success() {
        let said = visible(String::from_utf8_lossy(&output.stderr).trim());
        anyhow::bail!("git {} failed: {said}", DIFF.join(" "));
    }
    read(&output.stdout).context("what git says of the index can't be understood")
}

/// Reads `status NUL path NUL`, with two paths after a rename or a copy.
pub(super) fn read(text: &[u8]) -> anyhow::Result<Vec<Touched>> {
    let mut parts = text.split(|byte| *byte == 0);
    let mut all = Vec::new();
    while let Some(status) = parts.next().filter(|status| !status.is_empty()) {
        let mut path = || {
            let path = parts.next().filter(|path| !path.is_empty());
            path.map(<[u8]>::to_vec).context("it ends in the middle")
        };
        match status.first() {
            Some(b'R') => {
                all.push(Touched::new(path()?, "renamed away"));
                all.push(Touched::new(path()?, "renamed to"));
            }
            Some(b'C') => {
                path()?;
                all.push(Touched::new(path()?, "copied to"));
            }
            Some(b'A') => all.push(Touched::new(path()?, "added")),
            Some(b'D') => all.push(Touched::new(path()?, "deleted")),
            Some(b'T') => all.push(Touched::new(path()?, "other type")),
            Some(_) | None => all.push(Touched::new(path()?, "changed")),
        }
    }
    Ok(all)
}

/// What is wrong with one path, if anything is.
fn look(
    context: &Context,
    asking: &Asking,
    known: &Known,
    agent: &AgentId,
    touched: &Touched,
) -> Option<Found> {
    let found = |refused, owners: Owners, why, entity| Found {
        commit: touched.commit.clone(),
        path: String::from_utf8_lossy(&touched.path).into_owned(),
        change: touched.how,
        refused,
        owners: owners.agents.iter().map(ToString::to_string).collect(),
        people: owners.people.iter().map(ToString::to_string).collect(),
        why,
        entity,
    };
    let entity: EntityPath = match entity(asking.prefix(context), OsStr::from_bytes(&touched.path)) {
        Ok(entity) => entity,
        Err(why) => return Some(found(false, Owners::default(), why, None)),
    };
    match known.verdict(agent, &entity, Wish::Change) {
        Verdict::Own(_) | Verdict::Open => None,
        Verdict::Refused(why) | Verdict::Observed(why) | Verdict::Unsure(why) => {
            Some(found(true, known.owners(agent, &entity), why, Some(entity)))
        }
    }
}

/// Says what was found, and whether the commit may be.
fn tell(
    context: &Context,
    agent: &AgentId,
    known: &Known,
    touched: &[Touched],
    found: &[Found],
) -> anyhow::Result<Status> {
    let out = context.out;
    if out.json {
        output::json(&found)?;
    } else if !found.is_empty() {
        let rows: Vec<_> = found.iter().take(MAX_ROWS).map(row).collect();
        let columns = ["PATH", "CHANGE", "OWNER", "ASK", "COMMIT"];
        let shown = if found.iter().any(|found| found.commit.is_some()) { 5 } else { 4 };
        out.table(columns.get(..shown).unwrap_or(&columns), &rows)?;
        if found.len() > MAX_ROWS {
            out.faint(format!("and {} more", found.len() - MAX_ROWS))?;
        }
    }
    let refused = found.iter().filter(|found| found.refused).count();
    let odd = found.iter().find(|found| !found.refused);
    let by = &known.from;
    if refused > 0 {
        let commits = touched.iter().any(|touched| touched.commit.is_some());
        let (what, mend) = if commits {
            ("paths in these commits", "take them out of the commits (`git rebase -i`)")
        } else {
            ("staged paths", "unstage them with `git restore --staged`")
        };
        let count = format!("{refused} of {} {what}", touched.len());
        if known.observes() {
            output::complain(format!(
                "warning: {count} are not in the zone of {agent}; the map only observes (by {by})"
            ));
        } else {
            output::complain(format!(
                "{count} are not in the zone of {agent} (by {by}); {mend}, and leave them to their owners"
            ));
            return Ok(Status::No);
        }
    } else if known.offline {
        output::complain(format!("checked by {by}"));
    }
    match odd {
        Some(odd) => Ok(end_by_default(context.config.hook_default, &odd.why)),
        None => Ok(Status::Done),
    }
}

fn row(found: &Found) -> Vec<String> {
    let owner = match found.owners.as_slice() {
        [] if !found.refused => "unknown: no name for a map".to_owned(),
        [] if found.people.is_empty() => "hidden".to_owned(),
        [] => "nobody".to_owned(),
        owners => owners.join(", "),
    };
    let mut cells = vec![found.path.clone(), found.change.to_owned(), owner, found.people.join(", ")];
    cells.extend(found.commit.clone());
    cells
}

/// Nothing could be looked at.
fn by_default(context: &Context, why: &str) -> anyhow::Result<Status> {
    if context.out.json {
        output::json(&Vec::<Found>::new())?;
    }
    Ok(end_by_default(context.config.hook_default, why))
}

/// There is nobody to ask here: asking is a no.
fn end_by_default(default: HookDefault, why: &str) -> Status {
    output::complain(undecided(why, default));
    match default {
        HookDefault::Allow => Status::Done,
        HookDefault::Deny | HookDefault::Ask => Status::No,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_git_says_is_read_with_renames_and_odd_names() {
        let said = b"M\0a b\0R100\0old\nname\0new\0D\0gone\0C075\0from\0to\0T\0link\0A\0\xff\0";
        let read = read(said).unwrap();
        let told: Vec<(&[u8], &str)> = read.iter().map(|one| (one.path.as_slice(), one.how)).collect();
        assert_eq!(
            told,
            [
                (&b"a b"[..], "changed"),
                (b"old\nname", "renamed away"),
                (b"new", "renamed to"),
                (b"gone", "deleted"),
                (b"to", "copied to"),
                (b"link", "other type"),
                (b"\xff", "added"),
            ]
        );
        assert!(super::read(b"").unwrap().is_empty());
        assert!(super::read(b"R100\0only").is_err());
        assert!(super::read(b"M\0").is_err());
    }
}
