//! The data directory: whose it is, who may enter, how much room is left, who serves it.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use rustix::fs::Access;
use rustix::io::Errno;

use super::finding::{Check, Finding};
use crate::cli::context::Context;
use crate::cli::datadir::{DataDir, RESTORED, read_small};

/// With less room than this appends will fail soon, in bytes.
const LITTLE_ROOM: u64 = 256 * 1024 * 1024;
/// With less than this it is time to look, in bytes.
const SOME_ROOM: u64 = 2 * 1024 * 1024 * 1024;
const MIB: u64 = 1024 * 1024;

pub(super) fn checks(context: &Context, dir: &DataDir) -> anyhow::Result<Vec<Check>> {
    let mut checks = vec![entering(dir.path()), room(dir.path())];
    checks.extend(home(dir));
    if let Some(place) = dir.store().signing().lost() {
        let found = format!("{} is gone: heads are not signed any more", place.display());
        checks.push(Check::of(Finding::SigningKeyLost, "signing key", found));
    }
    checks.extend(restored(dir.path()));
    checks.extend(serving(context, dir)?);
    Ok(checks)
}

/// Which backup the directory was restored from, if it was.
fn restored(path: &Path) -> Option<Check> {
    let text = read_small(&path.join(RESTORED)).ok()?;
    let told: serde_json::Value = serde_json::from_str(&text).ok()?;
    let word = |key: &str| told.get(key).and_then(|value| value.as_str()).unwrap_or("?").to_owned();
    let found = format!("at {} from {}, made at {}", word("restored"), word("from"), word("made"));
    Some(Check::fine("restored", found))
}

/// A directory that its owner alone enters, and this process writes to.
fn entering(path: &Path) -> Check {
    const WHAT: &str = "data directory";
    let shown = path.display();
    let about = match fs::metadata(path) {
        Ok(about) => about,
        Err(error) => return Check::of(Finding::DirectoryUnusable, WHAT, format!("{shown}: {error}")),
    };
    let user = rustix::process::geteuid().as_raw();
    if about.uid() != user {
        let found = format!("{shown} belongs to user {}, and you are user {user}", about.uid());
        return Check::of(Finding::DirectoryOfAnother, WHAT, found);
    }
    if let Err(error) = rustix::fs::access(path, Access::READ_OK | Access::WRITE_OK) {
        let finding =
            if error == Errno::ROFS { Finding::DirectoryReadOnly } else { Finding::DirectoryClosed };
        return Check::of(finding, WHAT, format!("{shown}: {error}")).at(path);
    }
    match about.permissions().mode() & 0o777 {
        0o700 => Check::fine(WHAT, format!("{shown}, yours alone")),
        mode @ 0..0o700 if mode.trailing_zeros() >= 6 => {
            Check::of(Finding::DirectoryClosed, WHAT, format!("{shown} has mode {mode:o}")).at(path)
        }
        mode => {
            let found = format!("{shown} has mode {mode:o}: others may enter, so that it is not served");
            Check::of(Finding::DirectoryOpen, WHAT, found).at(path)
        }
    }
}

/// Which workspace's admins make others, where that is not as it should be.
fn home(dir: &DataDir) -> Option<Check> {
    const WHAT: &str = "home";
    if let Some(why) = dir.store().lost_home() {
        // What a restore left is told where files are looked at.
        let coming = dir.path().join(crate::ledger::Store::RESTORING);
        return (!coming.exists()).then(|| Check::of(Finding::HomeLost, WHAT, why));
    }
    let there = dir.workspaces().ok()?;
    match (dir.store().home(), there.as_slice()) {
        (Some(_), _) | (None, []) => None,
        (None, [only]) => {
            Some(Check::of(Finding::HomeUnsaid, WHAT, format!("it is not said that {only} is")))
        }
        (None, [_, _, ..]) => {
            let found = "no workspace's admins may make others, and none is taken where no name is given";
            Some(Check::of(Finding::HomeAmbiguous, WHAT, found))
        }
    }
}

fn room(path: &Path) -> Check {
    const WHAT: &str = "disk";
    let about = match rustix::fs::statvfs(path) {
        Ok(about) => about,
        Err(error) => return Check::of(Finding::DirectoryUnusable, WHAT, error.to_string()),
    };
    let free = about.f_bavail.saturating_mul(about.f_frsize);
    let found = format!("{} MiB free", free / MIB);
    match free {
        ..LITTLE_ROOM => Check::of(Finding::DiskFull, WHAT, found),
        LITTLE_ROOM..SOME_ROOM => Check::of(Finding::DiskLow, WHAT, found),
        _ => Check::fine(WHAT, found),
    }
}

/// Who holds the lock, and whether that one answers.
fn serving(context: &Context, dir: &DataDir) -> anyhow::Result<Vec<Check>> {
    const WHAT: &str = "server";
    if !dir.was_served() {
        return Ok(vec![Check::fine(WHAT, "none runs on this directory")]);
    }
    if dir.is_free()? {
        let found = "none runs on this directory; commands start one in their own process";
        return Ok(vec![Check::fine(WHAT, found)]);
    }
    let Some(serving) = dir.serving() else {
        let found = "a process holds the directory and does not say where it listens";
        return Ok(vec![Check::of(Finding::ServerSilent, WHAT, found)]);
    };
    let who = format!("process {} at {}", serving.pid, serving.address);
    let mut context = context.clone();
    context.config.workspace = context.config.workspace.or_else(|| dir.workspaces().ok()?.into_iter().next());
    Ok(match super::answers(&context)? {
        Ok(answers) => answers.checks(WHAT, &format!("{who} answers")),
        Err(why) => {
            let found = format!("{who} does not answer: {why:#}");
            vec![Check::of(Finding::ServerHangs, WHAT, found).with("process", &serving.pid.to_string())]
        }
    })
}
