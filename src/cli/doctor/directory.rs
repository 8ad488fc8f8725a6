//! The data directory: whose it is, who may enter, how much room is left, who serves it.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use super::Check;
use crate::cli::context::Context;
use crate::cli::datadir::{DataDir, RESTORED, read_small};
use crate::cli::session::FIRST_AGENT;
use crate::cli::token::{self, Kept};
use crate::ledger::Store;

/// With less room than this appends will fail soon, in bytes.
const LITTLE_ROOM: u64 = 256 * 1024 * 1024;
/// With less than this it is time to look, in bytes.
const SOME_ROOM: u64 = 2 * 1024 * 1024 * 1024;
const MIB: u64 = 1024 * 1024;

pub(super) fn checks(context: &Context, dir: &DataDir) -> anyhow::Result<Vec<Check>> {
    let mut checks = vec![entering(dir.path()), tokens(&dir.tokens_path()), room(dir.path())];
    checks.extend(home(dir));
    checks.extend(damaged(dir)?);
    if let Some(place) = dir.store().signing().lost() {
        let found = format!("{} is gone: heads are not signed any more", place.display());
        let mend =
            "put it back from where you keep it, or begin with a new key: `deeds checkpoint rotate --lost`";
        checks.push(Check::wrong("signing key", found, mend));
    }
    checks.extend(restored(dir.path()));
    checks.extend(serving(context, dir)?);
    Ok(checks)
}

/// Which backup the directory was restored from, if it was.
fn restored(path: &Path) -> Option<Check> {
    let text = read_small(&path.join(RESTORED)).ok()?;
    let told: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
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
        Err(error) => {
            return Check::wrong(WHAT, format!("{shown}: {error}"), "check its owner and permissions");
        }
    };
    let user = rustix::process::getuid().as_raw();
    if about.uid() != user {
        let found = format!("{shown} belongs to user {}, and you are user {user}", about.uid());
        return Check::wrong(WHAT, found, "run deeds as its owner, or name another with --data-dir");
    }
    if let Err(error) = rustix::fs::access(path, rustix::fs::Access::READ_OK | rustix::fs::Access::WRITE_OK) {
        return Check::wrong(WHAT, format!("{shown}: {error}"), format!("chmod 700 {shown}"));
    }
    match about.permissions().mode() & 0o777 {
        0o400 | 0o500 | 0o600 | 0o700 => Check::fine(WHAT, format!("{shown}, yours alone")),
        mode => Check::wrong(
            WHAT,
            format!("{shown} has mode {mode:o}: others may enter, so that it is not served"),
            format!("chmod 700 {shown}"),
        ),
    }
}

/// Which workspace's admins make others, where that is not as it should be.
fn home(dir: &DataDir) -> Option<Check> {
    const WHAT: &str = "home";
    if let Some(why) = dir.store().lost_home() {
        return Some(Check::wrong(WHAT, why, "put back what is gone, or restore a backup"));
    }
    let there = dir.workspaces().ok()?;
    match (dir.store().home(), there.as_slice()) {
        (Some(_), _) | (None, []) => None,
        (None, [only]) => Some(Check::note(
            WHAT,
            format!("it is not said that {only} is"),
            "the next start says it: there is no other workspace",
        )),
        (None, [_, _, ..]) => {
            let found = "no workspace's admins may make others, and none is taken where no name is given";
            Some(Check::wrong(WHAT, found, Store::NAME_HOME))
        }
    }
}

/// Token files of this directory's workspaces that hold no token.
fn damaged(dir: &DataDir) -> anyhow::Result<Vec<Check>> {
    let mut checks = Vec::new();
    let user = dir.person();
    for workspace in dir.workspaces()? {
        let own = user.as_ref().map(|user| dir.token_file(&workspace, user.as_str()));
        let first = dir.token_file(&workspace, FIRST_AGENT);
        for file in own.iter().chain([&first]) {
            if !matches!(token::kept(file), Ok(Kept::Damaged)) {
                continue;
            }
            let found = format!("{} holds no token any more", file.display());
            let mend = if Some(file) == own.as_ref() {
                "the next start of deeds here makes it anew; end the one that serves first".to_owned()
            } else {
                format!("delete it, then `deeds tokens create agent {FIRST_AGENT} --out {}`", file.display())
            };
            checks.push(Check::wrong("tokens", found, mend));
        }
    }
    Ok(checks)
}

/// Whoever reads a token's file is whom it names.
fn tokens(path: &Path) -> Check {
    const WHAT: &str = "tokens";
    let secrets =
        path.parent().into_iter().flat_map(|dir| ["signing.key", "tls.key"].map(|name| dir.join(name)));
    let files = fs::read_dir(path).into_iter().flatten().flatten().map(|file| file.path()).chain(secrets);
    let (mut count, mut open) = (0, Vec::new());
    for file in files {
        let Ok(about) = fs::metadata(&file) else { continue };
        count += 1;
        if about.permissions().mode() & 0o077 != 0 {
            open.push(file.display().to_string());
        }
    }
    match open.first() {
        None => Check::fine(WHAT, format!("{count} secrets kept here, readable by you alone")),
        Some(one) => {
            let found = format!("others may read {} of {count}, such as {one}", open.len());
            let mend = format!(
                "chmod 600 {one} and the others, then revoke or make anew what others may have read",
            );
            Check::wrong(WHAT, found, mend)
        }
    }
}

fn room(path: &Path) -> Check {
    const WHAT: &str = "disk";
    let about = match rustix::fs::statvfs(path) {
        Ok(about) => about,
        Err(error) => {
            return Check::note(
                WHAT,
                format!("how much room is left can't be told: {error}"),
                "look with df",
            );
        }
    };
    let free = about.f_bavail.saturating_mul(about.f_frsize);
    let found = format!("{} MiB free", free / MIB);
    match free {
        ..LITTLE_ROOM => {
            Check::wrong(WHAT, found, "make room: where an append fails, commands are answered with an error")
        }
        LITTLE_ROOM..SOME_ROOM => Check::note(WHAT, found, "make room before it is full"),
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
        let mend = "wait a moment; if it stays so, end the process that has the file `lock` open";
        let found = "a process holds the directory and does not say where it listens";
        return Ok(vec![Check::wrong(WHAT, found, mend)]);
    };
    let who = format!("process {} at {}", serving.pid, serving.address);
    let mut context = context.clone();
    context.config.workspace = context.config.workspace.or_else(|| dir.workspaces().ok()?.into_iter().next());
    Ok(match super::answers(&context)? {
        Ok(answers) => answers.checks(WHAT, &format!("{who} answers")),
        Err(why) => {
            let mend =
                format!("look at its log; if it hangs, end process {} and start it again", serving.pid);
            vec![Check::wrong(WHAT, format!("{who} does not answer: {why:#}"), mend)]
        }
    })
}
