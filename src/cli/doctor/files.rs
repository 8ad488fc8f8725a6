//! The files of the data directory as files: whose they are, what kind, who may read them, what is left over, and whether
//! what is remembered in the small ones can be read.

use std::fs::{self, Metadata};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use super::finding::{Check, Finding};
use crate::cli::console::seen;
use crate::cli::datadir::{DataDir, PERSON, RESTORED, is_draft, read_small, serving};
use crate::cli::session::ledgers;
use crate::server::{IMAGE_FOLDER, Tls};

/// How deep files lie: `workspaces/NAME/snapshot.past/FILE`.
const DEPTH: usize = 4;

/// What is wrong with files as such. Where something is no file at all, what is in it is not looked at further.
pub(super) fn checks(dir: &DataDir) -> Vec<Check> {
    let mut found = Vec::new();
    walk(dir.path(), DEPTH, &mut |path, about| found.extend(check(dir, path, about)));
    found.extend(memories(dir));
    found.extend(certificate(dir));
    if found.is_empty() {
        found.push(Check::fine("files", "all yours, and as they should be"));
    }
    found
}

/// Whether everything that is read as a file is one.
pub(super) fn are_files(folder: &Path) -> bool {
    let mut all = true;
    walk(folder, 1, &mut |path, about| all &= about.is_dir() == is_folder(path) && !is_odd(path, about));
    all
}

fn walk(folder: &Path, depth: usize, each: &mut impl FnMut(&Path, &Metadata)) {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut places: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    places.sort();
    for place in places {
        let Ok(about) = fs::metadata(&place).or_else(|_| fs::symlink_metadata(&place)) else { continue };
        each(&place, &about);
        if about.is_dir() && depth > 1 {
            walk(&place, depth - 1, each);
        }
    }
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Whether a folder lies there in a directory that is as it should be.
fn is_folder(path: &Path) -> bool {
    let parent = path.parent().map(name).unwrap_or_default();
    parent == "workspaces"
        || [
            "workspaces",
            "tokens",
            "maps",
            "hooks",
            "connections",
            "gateway",
            "restoring",
            "lost+found",
            "snapshot.past",
            IMAGE_FOLDER,
        ]
        .contains(&name(path).as_str())
}

/// Whether it is a part of the image of values.
fn is_within_image(dir: &DataDir, path: &Path) -> bool {
    path.parent().is_some_and(|parent| parent.starts_with(dir.path().join(IMAGE_FOLDER)))
}

/// Whether it is neither a file nor a directory, but for the server's socket.
fn is_odd(path: &Path, about: &Metadata) -> bool {
    !about.is_dir() && !about.is_file() && name(path) != serving::SOCKET
}

fn check(dir: &DataDir, path: &Path, about: &Metadata) -> Option<Check> {
    const WHAT: &str = "files";
    let shown = path.display();
    // What is in the image is its own affair: it is made anew where it is not as it should be.
    let is_folder = if is_within_image(dir, path) { about.is_dir() } else { is_folder(path) };
    if is_odd(path, about) || about.is_dir() != is_folder {
        let is = if about.is_dir() { "a directory" } else { "no directory, and no plain file" };
        let is = if about.is_file() { "a file" } else { is };
        return Some(Check::of(Finding::FileStrange, WHAT, format!("{shown} is {is}")).at(path));
    }
    let user = rustix::process::geteuid().as_raw();
    if about.uid() != user {
        let found = format!("{shown} belongs to user {}, and you are user {user}", about.uid());
        return Some(Check::of(Finding::FileOfAnother, WHAT, found).at(path).with("user", &user.to_string()));
    }
    let wanted = if about.is_dir() { 0o700 } else { 0o600 };
    if about.permissions().mode() & wanted != wanted {
        let found = format!("{shown} has mode {:o}", about.permissions().mode() & 0o777);
        return Some(Check::of(Finding::FileClosed, WHAT, found).at(path));
    }
    if name(path) == crate::ledger::Store::RESTORING {
        let found = format!("a restore was cut off: {shown}");
        return Some(Check::of(Finding::RestoreCut, WHAT, found).at(path));
    }
    is_draft(dir, path).then(|| {
        let found = format!("{shown} was never finished, by a process that is gone");
        Check::of(Finding::LeftOver, WHAT, found).at(path)
    })
}

/// What is remembered in small files.
fn memories(dir: &DataDir) -> Vec<Check> {
    const WHAT: &str = "remembered";
    let json = |text: &str| serde_json::from_str::<serde_json::Value>(text).is_ok();
    let place = |name| dir.path().join(name);
    let restored = read_small(&place(RESTORED)).is_ok_and(|text| json(&text));
    let known = [
        (seen::FILE, seen::is_whole(&place(seen::FILE)), Finding::MemoryDamaged),
        (ledgers::FILE, ledgers::is_whole(&place(ledgers::FILE)), Finding::LedgersDamaged),
        (serving::SERVED, dir.served().is_some(), Finding::MemoryDamaged),
        (PERSON, dir.person().is_some(), Finding::MemoryDamaged),
        (RESTORED, restored, Finding::MemoryDamaged),
    ];
    let damaged = known.into_iter().filter(|(name, is_whole, _)| !is_whole && place(name).is_file());
    let told = |(name, _, finding)| {
        let place = place(name);
        Check::of(finding, WHAT, format!("{} can't be read", place.display())).at(&place)
    };
    damaged.map(told).collect()
}

/// The certificate that the server made for itself, where it has one.
fn certificate(dir: &DataDir) -> Option<Check> {
    let (certificate, key) = dir.certificate_files();
    if !certificate.exists() && !key.exists() {
        return None;
    }
    let error = Tls::from_files(&certificate, &key).err()?;
    let at = if certificate.exists() { &key } else { &certificate };
    Some(Check::of(Finding::CertificateDamaged, "certificate", error.to_string()).at(at))
}
