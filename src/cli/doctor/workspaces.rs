//! Each workspace's files: the ledger's chain holds, its newest deed is not of the future, it has what was seen in it, and what
//! was made of it is what it says.

use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::thread;

use super::files::are_files;
use super::finding::{Check, Finding, Health};
use super::tokens::{self, Known};
use crate::cli::console::seen;
use crate::cli::datadir::DataDir;
use crate::cli::session;
use crate::cli::verify::deep;
use crate::cli::verify::notes::Notes;
use crate::coordinator::{self, Clock, SNAPSHOT_FILE};
use crate::domain::deed::{Body, Deed};
use crate::domain::ids::{Seq, WorkspaceId};
use crate::domain::state::Far;
use crate::domain::time::{Span, Time};
use crate::index::{self, Looked};
use crate::ledger::mark::Marked;
use crate::ledger::{LedgerError, Record, Verified, signing};
use crate::server::witnesses::{self, Found};

/// How far behind the newest deed the clock may be: two machines are never quite of one mind.
const CLOCK_SLACK: Span = Span::from_secs(2);
/// How many deeds the index may lack and still be called near.
const NEAR: u64 = 1_000;
/// Of no more workspaces each ledger is read whole, and each is told of.
const FEW: usize = 64;
/// In a ledger of no more deeds everything made of it is held against all of them: that takes a second.
const DEEP: u64 = 20_000;

/// Looks at each; of many, only those are told of in which something is found.
pub(super) fn checks(dir: &DataDir) -> anyhow::Result<Vec<Check>> {
    let workspaces = match dir.workspaces() {
        Err(error) if error.is_away() => return Ok(vec![broken("ledgers", &error)]),
        workspaces => workspaces?,
    };
    if workspaces.is_empty() {
        return Ok(vec![Check::fine("workspaces", "none yet; `deeds` makes the first")]);
    }
    let are_few = workspaces.len() <= FEW;
    let (mut checks, mut known) = (Vec::new(), BTreeMap::new());
    let values = are_few.then(|| deep::Values::of(dir.store()));
    let mut fine = 0;
    for (workspace, found, theirs) in each(dir, &workspaces, values.as_ref())? {
        fine += usize::from(!found.is_empty() && found.iter().all(|check| check.health == Health::Fine));
        checks.extend(found.into_iter().filter(|check| are_few || check.health != Health::Fine));
        known.extend(theirs.map(|theirs| (workspace, theirs)));
    }
    if !are_few {
        let found = format!(
            "{fine} of {} are as they should be; of so many the last deeds are looked at, and everything by `deeds verify --deep`",
            workspaces.len()
        );
        checks.insert(0, Check::fine("workspaces", found));
    }
    checks.extend(tokens::damaged(dir, &workspaces, &known));
    Ok(checks)
}

/// What was found of one, and the tokens that it knows where it was read whole.
type About = (WorkspaceId, Vec<Check>, Option<Known>);

/// Looks at each, as many at once as there are processors; at all of it where values are given to be held against it.
fn each(
    dir: &DataDir,
    workspaces: &[WorkspaceId],
    values: Option<&deep::Values>,
) -> anyhow::Result<Vec<About>> {
    let look = |workspace: &WorkspaceId| {
        // What is no file may wait forever to be read; that it is none was told.
        let (found, known) = if are_files(&dir.store().folder(workspace)) {
            of(dir, workspace, values)
        } else {
            (Vec::new(), None)
        };
        (workspace.clone(), found, known)
    };
    let at_once = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        let part = workspaces.len().div_ceil(at_once).max(1);
        let parts = workspaces.chunks(part);
        let looks: Vec<_> =
            parts.map(|part| scope.spawn(|| part.iter().map(look).collect::<Vec<_>>())).collect();
        let mut all = Vec::with_capacity(workspaces.len());
        for looked in looks {
            all.extend(looked.join().map_err(|_| anyhow::anyhow!("looking at a workspace broke off"))?);
        }
        Ok(all)
    })
}

fn of(dir: &DataDir, workspace: &WorkspaceId, values: Option<&deep::Values>) -> (Vec<Check>, Option<Known>) {
    let what = format!("ledger {workspace}");
    let (last, verified, compared, known) = match read(dir, workspace, values) {
        Ok(found) => found,
        Err(error) => return (vec![broken(&what, &error)], None),
    };
    let deep = compared.as_ref().and_then(|compared| compared.as_ref().ok());
    let mut checks = vec![last_deed(&what, last.as_ref()), whole(dir, workspace, &verified)];
    checks.extend(cut_off(&dir.store().file(workspace)).map(|how| {
        let found = format!("its file was cut off: {how}; every deed can still be read");
        Check::of(Finding::LedgerDamaged, &what, found)
    }));
    checks.extend(seen(dir, workspace));
    checks.push(signed(dir, workspace, &verified));
    checks.extend(index(dir, workspace, &verified, deep));
    checks.extend(snapshots(dir, workspace, &verified, deep));
    checks.extend(compared.as_ref().map(|compared| image(dir, workspace, compared)));
    (checks, known)
}

/// What was made of a ledger held against all of its deeds; else how its image stood against the last ones.
type Compared = Result<deep::Deep, Result<Option<Seq>, String>>;

/// What was read of one ledger: its last deed and its end; what was found beside it and the tokens that it knows, where all of it was read.
type ReadLedger = (Option<Record>, Verified, Option<Compared>, Option<Known>);

fn read(
    dir: &DataDir,
    workspace: &WorkspaceId,
    values: Option<&deep::Values>,
) -> Result<ReadLedger, LedgerError> {
    let store = dir.store();
    let (verified, last) = store.inspect(workspace)?;
    let Some(values) = values else { return Ok((last, verified, None, None)) };
    let mut known = Known::new();
    if verified.head.seq <= DEEP {
        let take = |record: &Record| tokens::take(&mut known, &record.bytes);
        let deep = deep::look(store, workspace, &verified, values, take)?;
        return Ok((last, verified, Some(Ok(deep)), Some(known)));
    }
    let image = values.image(&verified.identity);
    let upto = image.as_ref().ok().and_then(Option::as_ref).map(Far::head).unwrap_or_default();
    let mut before = VecDeque::new();
    store.read_all(workspace, |record| {
        tokens::take(&mut known, &record.bytes);
        if record.seq <= upto.0 {
            before.truncate(usize::try_from(coordinator::HELD_LAST).unwrap_or_default() - 1);
            before.push_front(record);
        }
    })?;
    let before: Vec<Record> = before.into_iter().rev().collect();
    let held = |image| coordinator::hold_last(&image, workspace, &before);
    let stands = image.and_then(|image| image.map_or(Ok(None), held));
    Ok((last, verified, Some(Err(stands)), Some(known)))
}

/// The image of its values, as far as it is on disk.
fn image(dir: &DataDir, workspace: &WorkspaceId, compared: &Compared) -> Check {
    let what = format!("image {workspace}");
    let damaged = |why: &str| {
        let found = format!("values on disk are not what the ledger says: {why}");
        Check::of(Finding::ImageDamaged, &what, found).at(&deep::place(dir.store()))
    };
    let none = || Check::fine(&what, "none; it is made anew at the next start");
    match compared {
        Ok(deep) if !deep.image.is_empty() => damaged(&deep.image.join("; ")),
        Ok(deep) => match deep.values {
            Some(values) => Check::fine(&what, format!("has {values} values, each compared with the ledger")),
            None => none(),
        },
        Err(Err(why)) => damaged(why),
        Err(Ok(Some(head))) => {
            let found = format!(
                "goes up to deed {head} and agrees with the last before it; `deeds verify --deep` compares each"
            );
            Check::fine(&what, found)
        }
        Err(Ok(None)) => none(),
    }
}

/// How a file of SQLite ends within a page, where it does. What is missing may be unused, or stand in the write-ahead log as
/// well, so that everything can still be read.
fn cut_off(file: &Path) -> Option<String> {
    let (mut head, mut open) = ([0; 18], File::open(file).ok()?);
    open.read_exact(&mut head).ok()?;
    // <https://www.sqlite.org/fileformat2.html#the_database_header>: a page of 64 KiB is written as 1.
    let [.., high, low] = head;
    let page = match u16::from_be_bytes([high, low]) {
        1 => 65_536,
        size => u64::from(size),
    };
    let length = open.metadata().ok()?.len();
    let over = length.checked_rem(page).filter(|over| *over > 0)?;
    Some(format!("{length} bytes end {over} bytes into a page of {page}"))
}

/// A ledger that does not open, or whose chain does not hold.
fn broken(what: &str, error: &LedgerError) -> Check {
    let said = error.to_string();
    if let LedgerError::WrongWorkspace { found, wanted, .. } = error {
        return Check::of(Finding::LedgerRenamed, what, said).with("wanted", wanted).with("found", found);
    }
    if let LedgerError::SecondCopy { place, .. } = error {
        return Check::of(Finding::LedgerCopied, what, said).with("ledger", place);
    }
    if error.is_away() {
        return Check::of(Finding::LedgerAway, what, said);
    }
    Check::of(Finding::LedgerDamaged, what, said)
}

/// Whether the ledger has what everything beside it has seen in it.
fn whole(dir: &DataDir, workspace: &WorkspaceId, verified: &Verified) -> Check {
    let what = format!("history {workspace}");
    match witnesses::look(dir.store(), workspace) {
        Err(error) => Check::of(Finding::HistoryUnread, &what, error.to_string()),
        Ok(Found::Lost(lost)) if lost.missing().is_some() => {
            Check::of(Finding::HistoryLost, &what, lost.to_string())
        }
        Ok(Found::Lost(lost)) => Check::of(Finding::HistoryAnother, &what, lost.to_string()),
        Ok(Found::Accepted) => {
            let found = "deeds were lost and their loss was accepted; what has seen them is still there";
            Check::of(Finding::HistoryAccepted, &what, found)
        }
        Ok(Found::Whole) => match dir.store().marked(workspace, &verified.identity.source()) {
            Ok(Marked::At(_)) => Check::fine(&what, "it has what was seen in it"),
            Ok(Marked::Nothing) => {
                let found = "it has what was seen in it; the note of its last head comes with the next deed";
                Check::fine(&what, found)
            }
            Ok(Marked::Damaged | Marked::Another(_)) => {
                let found = "the note of its last head is damaged: a loss would be seen by the index and the snapshot only";
                Check::of(Finding::NoteDamaged, &what, found)
            }
            Err(error) => Check::of(Finding::HistoryUnread, &what, error.to_string()),
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
    Some(Check::of(Finding::SeenAnother, &format!("seen {workspace}"), found))
}

/// What was signed of the ledger, and whether it is still so.
fn signed(dir: &DataDir, workspace: &WorkspaceId, verified: &Verified) -> Check {
    let what = format!("signed heads {workspace}");
    if !dir.store().folder(workspace).join(signing::HEADS).exists() {
        let signs = dir.store().signing().keys().is_ok();
        let found = "none: none was signed yet, or the file is gone, and nothing here would show a history that was written anew";
        return if signs {
            Check::of(Finding::HeadsUnsigned, &what, found)
        } else {
            Check::fine(&what, "none yet")
        };
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
        Err(error) => Check::of(Finding::HeadsDisagree, &what, format!("{error:#}")),
    }
}

/// The last deed: this version reads it, and it was not recorded after now.
fn last_deed(what: &str, last: Option<&Record>) -> Check {
    let Some(Record { seq, bytes, .. }) = last else {
        return Check::of(Finding::LedgerUnfinished, what, "it has no deed: it was never finished");
    };
    let found = format!("{seq} deeds, its chain holds");
    match Deed::decode(bytes) {
        Err(error) => {
            let found = format!("{found}, but this version can't read deed {seq}: {error}");
            Check::of(Finding::LedgerNewer, what, found)
        }
        Ok(deed) => clock(what, &found, until(&deed), Clock::System.now()),
    }
}

/// The time that later deeds come after: of one that says that the clock was wrong, the right one.
fn until(deed: &Deed) -> Time {
    if let Body::ClockRebased(moved) = &deed.body { moved.now } else { deed.recorded }
}

fn clock(what: &str, found: &str, recorded: Time, now: Time) -> Check {
    if recorded <= now.plus(CLOCK_SLACK) {
        return Check::fine(what, found);
    }
    let late = recorded.since(now).rough();
    let found = format!("{found}; the last was recorded {late} after this machine's clock");
    Check::of(Finding::ClockBehind, what, found)
}

fn index(
    dir: &DataDir,
    workspace: &WorkspaceId,
    Verified { identity, head }: &Verified,
    deep: Option<&deep::Deep>,
) -> Vec<Check> {
    let what = format!("index {workspace}");
    let file = dir.store().folder(workspace).join(index::FILE);
    let damaged = |why: &str| {
        let check = Check::of(Finding::IndexDamaged, &what, format!("it is damaged: {why}")).at(&file);
        let beside = ["-wal", "-shm"].map(|end| file.with_file_name(format!("{}{end}", index::FILE)));
        beside.iter().fold(check, |check, place| check.at(place))
    };
    if !file.exists() {
        return vec![Check::fine(&what, "none; it is made anew at the next start")];
    }
    if let Some(how) = cut_off(&file) {
        return vec![damaged(&format!("it was cut off, {how}"))];
    }
    if let Some((_, why)) = deep.and_then(|deep| deep.index.as_ref()) {
        return vec![damaged(why)];
    }
    let looked = match Looked::at(&file, &identity.source()) {
        Ok(Some(looked)) => looked,
        Ok(None) => return vec![Check::fine(&what, "none that fits; it is made anew at the next start")],
        Err(error) => return vec![damaged(&error.to_string())],
    };
    let counted = if deep.is_some() { Ok(()) } else { looked.check_counts() };
    if let Err(error) = counted {
        return vec![damaged(&error.to_string())];
    }
    let seq = looked.head().seq;
    let compared = if deep.is_some() {
        "each compared with the ledger"
    } else {
        "counted; `deeds verify --deep` compares each"
    };
    vec![match (seq.0 > head.seq, head.seq.saturating_sub(seq.0)) {
        (true, _) => {
            let found = format!("has seen deed {seq}, and the ledger ends at {}", head.seq);
            Check::of(Finding::IndexBeyond, &what, found)
        }
        (false, 0) => Check::fine(&what, format!("has every deed, {compared}")),
        (false, lag @ 1..NEAR) => Check::fine(&what, format!("lacks the last {lag} deeds; {compared}")),
        (false, lag) => Check::of(Finding::IndexBehind, &what, format!("lacks {lag} deeds")).at(&file),
    }]
}

/// Snapshot and checkpoints; nothing where there are none.
fn snapshots(
    dir: &DataDir,
    workspace: &WorkspaceId,
    verified: &Verified,
    deep: Option<&deep::Deep>,
) -> Vec<Check> {
    let what = format!("snapshot {workspace}");
    let sealed = || {
        let snapshot = dir.store().folder(workspace).join(SNAPSHOT_FILE);
        let held = coordinator::Held::beside(&snapshot, &verified.identity);
        held.faults().iter().map(|fault| (fault.place.clone(), fault.why.clone())).collect()
    };
    let faults = deep.map_or_else(sealed, |deep| deep.snapshots.clone());
    let told = |(place, why): &(std::path::PathBuf, String)| {
        Check::of(Finding::SnapshotDamaged, &what, format!("{}: {why}", place.display())).at(place)
    };
    faults.iter().map(told).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_ends_within_a_page_was_cut_off() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ledger.db");
        rusqlite::Connection::open(&path).unwrap().execute_batch("CREATE TABLE deed (seq)").unwrap();
        assert_eq!(cut_off(&path), None);
        let file = File::options().write(true).open(&path).unwrap();
        file.set_len(8_174).unwrap();
        assert!(cut_off(&path).unwrap().contains("8174 bytes end 4078 bytes into a page of 4096"));
        file.set_len(3).unwrap();
        assert_eq!(cut_off(&path), None, "that it is no ledger is told by who opens it");
    }

    #[test]
    fn a_clock_behind_the_last_deed_is_wrong() {
        let now = Time::from_micros(1_000_000_000);
        assert_eq!(clock("x", "y", now.plus(Span::from_secs(1)), now).health, Health::Fine);
        let late = clock("x", "y", now.plus(Span::from_hours(3)), now);
        assert_eq!(late.health, Health::Wrong);
        assert!(late.found.contains("3h"), "{}", late.found);
    }
}
