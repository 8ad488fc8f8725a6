//! What commits change, for the server that takes them and for CI: there no agent leaves the hook out.
//!
//! Each commit is looked at against its parent; of a merge what its author did beside merging (`--remerge-diff`); and where
//! a branch is moved to what does not follow from it, all that differs.

use std::collections::BTreeSet;
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::path::Path;

use anyhow::Context as _;

use super::git::{Touched, read};
use super::repository::{By, git};
use crate::cli::output::visible;
use crate::cli::status::Usage;

/// Most commits of one push that are looked at.
const COMMITS: usize = 10_000;
/// Most bytes of what git says of the refs that are pushed.
const LINES: u64 = 4 * 1024 * 1024;
/// How a difference is told.
const TOLD: [&str; 5] = ["--name-status", "-z", "--find-renames", "--no-ext-diff", "--no-relative"];

/// What the refs on standard input would bring, as git's `pre-receive` hook is told them: `old new ref` in each line.
pub(super) fn received() -> anyhow::Result<Vec<Touched>> {
    let mut lines = BufReader::new(io::stdin().lock().take(LINES)).lines();
    let mut all = Vec::new();
    let mut seen = BTreeSet::new();
    while let Some(line) = lines.next().transpose().context("standard input can't be read")? {
        let mut words = line.splitn(3, ' ');
        let (Some(old), Some(new), Some(name)) = (words.next(), words.next(), words.next()) else {
            return Err(Usage::error(format!(
                "`{}` is not `old new ref`, as git's pre-receive says it",
                visible(&line)
            )));
        };
        for name in [old, new] {
            if !is_object(name) {
                return Err(Usage::error(format!("`{}` is no object's name", visible(name))));
            }
        }
        if is_none(new) {
            // A branch that goes takes no change along that another has not.
            continue;
        }
        refuse_other(new, name)?;
        all.extend(commits(&[new, "--not", "--all"], &mut seen)?);
        if !is_none(old) && !follows(old, new)? {
            all.extend(between(old, new)?);
        }
    }
    Ok(all)
}

/// What is no commit, nor a tag of one, brings trees and files that no commit names: nobody would have looked at them.
fn refuse_other(object: &str, name: &str) -> anyhow::Result<()> {
    let commit = format!("{object}^{{commit}}");
    let output = git(Path::new("."), By::Environment, &["rev-parse", "--verify", "--quiet", &commit]);
    if output.context("git can't be run")?.status.success() {
        return Ok(());
    }
    anyhow::bail!("{} is no commit and no tag of one; push commits, and tags of them", visible(name))
}

/// What the commits of a range change.
pub(super) fn in_range(range: &str) -> anyhow::Result<Vec<Touched>> {
    if !range.contains("..") || range.starts_with('-') {
        return Err(Usage::error(format!("`{}` is no range of commits; use A..B", visible(range))));
    }
    commits(&[range], &mut BTreeSet::new())
}

/// What each of these commits changes that was not looked at before.
fn commits(which: &[&str], seen: &mut BTreeSet<String>) -> anyhow::Result<Vec<Touched>> {
    let most = format!("--max-count={}", COMMITS + 1);
    let arguments: Vec<&str> = ["rev-list", "--parents", &most, "--end-of-options"]
        .into_iter()
        .chain(which.iter().copied())
        .collect();
    // `--not` and `--all` are options, and what comes before them is an object's name.
    let arguments: Vec<&str> = if which.len() > 1 {
        arguments.into_iter().filter(|word| *word != "--end-of-options").collect()
    } else {
        arguments
    };
    let said = ask(&arguments)?;
    let lines: Vec<&str> = std::str::from_utf8(&said).context("git names no commits")?.lines().collect();
    if lines.len() > COMMITS {
        anyhow::bail!("more than {COMMITS} commits; push them in parts");
    }
    let mut all = Vec::new();
    for line in lines {
        let mut names = line.split(' ');
        let Some(commit) = names.next().filter(|commit| seen.insert((*commit).to_owned())) else { continue };
        let parents: Vec<&str> = names.collect();
        all.extend(of_commit(commit, &parents)?);
    }
    Ok(all)
}

fn of_commit(commit: &str, parents: &[&str]) -> anyhow::Result<Vec<Touched>> {
    let mut said = Vec::new();
    match parents {
        [] | [_] => {
            said.push(ask(&with(&["diff-tree", "--no-commit-id", "-r", "--root"], &[commit]))?);
        }
        [_, _] => said.push(ask(&with(&["show", "--remerge-diff", "--format="], &[commit]))?),
        // How more than two would merge git does not say: whatever differs from one of them counts.
        more => {
            for parent in more {
                said.push(ask(&with(&["diff-tree", "-r"], &[parent, commit]))?);
            }
        }
    }
    let mut all = Vec::new();
    for said in said {
        all.extend(of(&said, commit)?);
    }
    Ok(all)
}

/// All that differs where a branch is moved.
fn between(old: &str, new: &str) -> anyhow::Result<Vec<Touched>> {
    of(&ask(&with(&["diff-tree", "-r"], &[old, new]))?, new)
}

fn with<'a>(first: &[&'a str], last: &[&'a str]) -> Vec<&'a str> {
    first.iter().chain(&TOLD).chain(last).copied().collect()
}

fn of(said: &[u8], commit: &str) -> anyhow::Result<Vec<Touched>> {
    let begin: String = commit.chars().take(10).collect();
    let all = read(said).with_context(|| format!("what git says of {begin} can't be understood"))?;
    Ok(all.into_iter().map(|touched| Touched { commit: Some(begin.clone()), ..touched }).collect())
}

/// Whether the new one has the old one among its ancestors.
fn follows(old: &str, new: &str) -> anyhow::Result<bool> {
    let output = git(Path::new("."), By::Environment, &["merge-base", "--is-ancestor", old, new]);
    let output = output.context("git can't be run")?;
    Ok(output.status.success())
}

fn ask(arguments: &[&str]) -> anyhow::Result<Vec<u8>> {
    let output = git(Path::new("."), By::Environment, arguments).context("git can't be run")?;
    if !output.status.success() {
        let said = visible(String::from_utf8_lossy(&output.stderr).trim());
        anyhow::bail!("git {} failed: {said}", visible(&arguments.join(" ")));
    }
    Ok(output.stdout)
}

/// Hexadecimal digits, as many as a SHA-1 or a SHA-256 has.
fn is_object(name: &str) -> bool {
    matches!(name.len(), 40 | 64) && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// What stands for no object: the branch is new, or goes.
fn is_none(name: &str) -> bool {
    name.bytes().all(|byte| byte == b'0')
}
