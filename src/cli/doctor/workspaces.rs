//! Each workspace's files: the ledger opens and its end chains, its newest deed is not of the future, and the index is near.

use super::{Check, Health};
use crate::cli::console::seen;
use crate::cli::datadir::DataDir;
use crate::cli::session;
use crate::cli::verify::notes::Notes;
use crate::coordinator::Clock;
use crate::domain::deed::Deed;
use crate::domain::ids::WorkspaceId;
use crate::domain::time::{Span, Time};
use crate::index;
use crate::ledger::mark::Marked;
use crate::ledger::{LedgerError, Record, Verified, signing};
use crate::server::witnesses::{self, Found};

/// How far behind the newest deed the clock may be: two machines are never quite of one mind.
const CLOCK_SLACK: Span = Span::from_secs(2);
/// How many deeds the index may lack and still be called near.
const NEAR: u64 = 1_000;

pub(super) fn checks(dir: &DataDir) -> anyhow::Result<Vec<Check>> {
    let workspaces = dir.workspaces()?;
    if workspaces.is_empty() {
        return Ok(vec![Check::fine("workspaces", "none yet; `deeds` makes the first")]);
    }
    Ok(workspaces.iter().flat_map(|workspace| of(dir, workspace)).collect())
}

fn of(dir: &DataDir, workspace: &WorkspaceId) -> Vec<Check> {
    let what = format!("ledger {workspace}");
    let (verified, last) = match dir.store().inspect(workspace) {
        Ok(found) => found,
        Err(error) => {
            return vec![Check::wrong(&what, error.to_string(), mend_of(&error))];
        }
    };
    let whole = whole(dir, workspace, &verified);
    // One that lost everything has no deed either, and is not to be made anew.
    let told = last.is_some() || whole.health == Health::Fine;
    let mut checks: Vec<Check> = told.then(|| last_deed(&what, last.as_ref())).into_iter().collect();
    checks.push(whole);
    checks.extend(seen(dir, workspace));
    checks.extend([signed(dir, workspace, &verified), index(dir, workspace, &verified)]);
    checks
}

/// What helps where a ledger does not open.
fn mend_of(error: &LedgerError) -> String {
    if let LedgerError::WrongWorkspace { found, wanted, .. } = error {
        return format!(
            "stop the server, then `mv workspaces/{wanted} workspaces/{found}` in the data directory"
        );
    }
    if let LedgerError::SecondCopy { place, .. } = error {
        return format!("stop the server, and move the folder of {place} out of the data directory");
    }
    "keep the file as it is, and `deeds restore` a backup into another directory".to_owned()
}

/// Whether the ledger has what everything beside it has seen in it.
fn whole(dir: &DataDir, workspace: &WorkspaceId, verified: &Verified) -> Check {
    let what = format!("history {workspace}");
    match witnesses::look(dir.store(), workspace) {
        Err(error) => {
            let mend = "keep the files as they are, and `deeds restore` a backup into another directory";
            Check::wrong(&what, error.to_string(), mend)
        }
        Ok(Found::Lost(lost)) => Check::wrong(&what, lost.to_string(), lost.mend()),
        Ok(Found::Accepted) => {
            let found = "deeds were lost and their loss was accepted; what has seen them is still there";
            Check::note(&what, found, "start the server: it takes that away")
        }
        Ok(Found::Whole) => match dir.store().marked(workspace, &verified.identity.source()) {
            Ok(Marked::At(_)) => Check::fine(&what, "it has what was seen in it"),
            Ok(Marked::Another(whose)) => Check::wrong(
                &what,
                format!("the note of its last head is of {whose}"),
                "put that ledger back",
            ),
            Ok(Marked::Nothing) => Check::fine(
                &what,
                "it has what was seen in it; the note of its last head comes with the next deed",
            ),
            Ok(Marked::Damaged) => {
                let found = "the note of its last head is damaged: a loss would be seen by the index and the snapshot only";
                Check::wrong(&what, found, "start the server: with the next deed it is written anew")
            }
            Err(error) => Check::wrong(&what, error.to_string(), "check its owner and permissions"),
        },
    }
}

/// Whether the ledger continues what a console saw of it here.
fn seen(dir: &DataDir, workspace: &WorkspaceId) -> Option<Check> {
    let seen = *seen::read(&dir.path().join(seen::FILE), session::HERE).get(workspace)?;
    let there = dir.store().heads(workspace, &[seen.seq.0]).ok()?;
    if seen.seq.0 == 0 || there.iter().any(|head| head.hash.0 == seen.hash.0) {
        return None;
    }
    let found = format!("a console here saw another deed {} than there is, or one that is gone", seen.seq);
    let mend =
        "find out what happened to it; `deeds ledger confirm` takes the history as it is for the right one";
    Some(Check::wrong(&format!("seen {workspace}"), found, mend))
}

/// What was signed of the ledger, and whether it is still so.
fn signed(dir: &DataDir, workspace: &WorkspaceId, verified: &Verified) -> Check {
    let what = format!("signed heads {workspace}");
    if !dir.store().folder(workspace).join(signing::HEADS).exists() {
        let signs = dir.store().signing().keys().is_ok();
        let mend = "put it back from where you keep it; a server that runs signs the next one by itself";
        let found = "none: none was signed yet, or the file is gone, and nothing here would show a history that was written anew";
        return if signs { Check::note(&what, found, mend) } else { Check::fine(&what, "none yet") };
    }
    let hold = || {
        let mut notes = Notes::read(dir, workspace, None, &[])?;
        let numbers: Vec<u64> = notes.numbers().into_iter().filter(|seq| *seq > 0).collect();
        for head in dir.store().heads(workspace, &numbers)? {
            notes.reached(head);
        }
        notes.hold(&dir.store().place(workspace), verified)
    };
    match hold() {
        Ok(count) => Check::fine(&what, format!("the ledger agrees with {count}")),
        Err(error) => {
            let mend = "keep both files as they are; `deeds verify --checkpoints` says more, and a backup has what was there";
            Check::wrong(&what, format!("{error:#}"), mend)
        }
    }
}

/// The last deed: this version reads it, and it was not recorded after now.
fn last_deed(what: &str, last: Option<&Record>) -> Check {
    let Some(Record { seq, bytes, .. }) = last else {
        return Check::note(what, "it has no deed: it was never finished", "make the workspace anew");
    };
    let found = format!("{seq} deeds, its end chains");
    match Deed::decode(bytes) {
        Err(error) => {
            let mend = "install the version of Deeds that wrote it";
            Check::wrong(what, format!("{found}, but this version can't read deed {seq}: {error}"), mend)
        }
        Ok(deed) => clock(what, &found, deed.recorded, Clock::System.now()),
    }
}

fn clock(what: &str, found: &str, recorded: Time, now: Time) -> Check {
    if recorded <= now.plus(CLOCK_SLACK) {
        return Check::fine(what, found);
    }
    let found =
        format!("{found}; the last was recorded {} after this machine's clock", recorded.since(now).rough());
    let mend = "set the clock: until it has caught up, new deeds are recorded at that later time";
    Check::wrong(what, found, mend)
}

fn index(dir: &DataDir, workspace: &WorkspaceId, Verified { identity, head }: &Verified) -> Check {
    let what = format!("index {workspace}");
    let file = dir.store().folder(workspace).join(index::FILE);
    let reached = index::reached(&file, &identity.source());
    if let Some(error) = reached.and_then(|_| index::check_file(&file).err()) {
        let mend = "a server that runs finds it and makes it anew; else delete index.db";
        return Check::wrong(&what, format!("it is damaged: {error}"), mend);
    }
    match reached {
        None => Check::fine(&what, "none that fits; it is made anew at the next start"),
        Some(seq) if seq.0 > head.seq => {
            let found = format!("has seen deed {seq}, and the ledger ends at {}", head.seq);
            Check::wrong(&what, found, "keep it: it shows that deeds are missing")
        }
        Some(seq) => match head.seq.saturating_sub(seq.0) {
            0 => Check::fine(&what, "has every deed"),
            lag @ 1..NEAR => Check::fine(&what, format!("lacks the last {lag} deeds")),
            lag => {
                let mend =
                    "it catches up while a server runs; if it does not, delete index.db and start again";
                Check::note(&what, format!("lacks {lag} deeds"), mend)
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_behind_the_last_deed_is_wrong() {
        let now = Time::from_micros(1_000_000_000);
        assert_eq!(clock("x", "y", now.plus(Span::from_secs(1)), now).health, Health::Fine);
        let late = clock("x", "y", now.plus(Span::from_hours(3)), now);
        assert_eq!(late.health, Health::Wrong);
        assert!(late.found.contains("3h"), "{}", late.found);
    }
}
