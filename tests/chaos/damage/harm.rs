//! What can happen to a file.

use std::fs;
use std::os::unix::fs::{FileExt as _, FileTypeExt as _, PermissionsExt as _, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::template::Template;

/// A user that nothing here belongs to.
pub(super) const NOBODY: u32 = 65_534;

/// One kind of harm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Harm {
    /// Nothing: what the others are held against.
    Nothing,
    Flip,
    Halve,
    CutEnd,
    Empty,
    Zero,
    Remove,
    Rename,
    /// That of an earlier moment over it.
    Older,
    /// That of another workspace over it.
    Another,
    /// A copy beside it.
    Beside,
    /// It is somebody else's, and the program is not run by root.
    Owner,
    /// Its owner may not read it, and the program is not run by root.
    Unreadable,
    /// Everybody may read and write it.
    Open,
    Directory,
    /// A link to where nothing is.
    Dangling,
    /// It lies elsewhere, and a link says where.
    Link,
    Fifo,
    /// The write-ahead log is gone, with all that had seen more than the ledger's file.
    Unwitnessed,
}

/// What is done to every file; the two others are the checker's own.
pub(super) const ALL: [Harm; 17] = [
    Harm::Flip,
    Harm::Halve,
    Harm::CutEnd,
    Harm::Empty,
    Harm::Zero,
    Harm::Remove,
    Harm::Rename,
    Harm::Older,
    Harm::Another,
    Harm::Beside,
    Harm::Owner,
    Harm::Unreadable,
    Harm::Open,
    Harm::Directory,
    Harm::Dangling,
    Harm::Link,
    Harm::Fifo,
];

impl Harm {
    /// Whether the programs are to run as somebody who is not root, since root may do anything.
    pub(super) fn as_nobody(self) -> bool {
        matches!(self, Self::Owner | Self::Unreadable) && rustix::process::getuid().is_root()
    }

    /// Does it to that place below a home's data directory; whether it could be done, and changed something.
    pub(super) fn done(self, template: &Template, data: &Path, place: &Path, at: u64) -> bool {
        let path = data.join(place);
        let Ok(about) = path.symlink_metadata() else { return false };
        let (file, folder) = (about.is_file(), about.is_dir());
        match self {
            Self::Nothing => true,
            Self::Flip | Self::Halve | Self::CutEnd | Self::Empty | Self::Zero => {
                file && about.len() > 0 && self.bytes(&path, about.len(), at)
            }
            Self::Remove if folder => fs::remove_dir_all(&path).is_ok(),
            Self::Remove => fs::remove_file(&path).is_ok(),
            Self::Rename => fs::rename(&path, with(&path, ".old")).is_ok(),
            Self::Older => {
                let old = template.older().join(place);
                // In the file's place, as a restore from elsewhere does it.
                let differs = || fs::read(&old).unwrap() != fs::read(&path).unwrap();
                file && old.is_file()
                    && differs()
                    && fs::remove_file(&path).is_ok()
                    && fs::copy(old, path).is_ok()
            }
            Self::Another => {
                let text = place.to_str().unwrap();
                let other = data.join(text.replacen("default", "other", 1));
                // Over the file that is there, as `cp` does it.
                file && text.contains("default") && other.is_file() && fs::copy(other, path).is_ok()
            }
            Self::Beside => {
                let copied = Command::new("cp").arg("-a").arg(&path).arg(with(&path, "2")).status().unwrap();
                !about.file_type().is_socket() && copied.success()
            }
            Self::Owner => {
                !about.file_type().is_socket()
                    && rustix::process::getuid().is_root()
                    && chown(&path, Some(0), Some(0)).is_ok()
            }
            Self::Unreadable => allow(&path, 0),
            Self::Open => allow(&path, if folder { 0o777 } else { 0o666 }),
            Self::Directory => file && fs::remove_file(&path).is_ok() && fs::create_dir(&path).is_ok(),
            Self::Dangling => file && fs::remove_file(&path).is_ok() && symlink("nowhere.old", &path).is_ok(),
            Self::Link => {
                let apart = data.parent().unwrap().join("apart");
                fs::rename(&path, &apart).is_ok() && symlink(&apart, &path).is_ok()
            }
            Self::Unwitnessed => {
                let folder = path.parent().unwrap();
                let names = [
                    "ledger.db-wal",
                    "ledger.db-shm",
                    "ledger.db-head",
                    "index.db",
                    "index.db-wal",
                    "index.db-shm",
                    "snapshot",
                ];
                for name in names {
                    fs::remove_file(folder.join(name)).unwrap_or_default();
                }
                let signed = template.older().join("workspaces/default/heads.signed");
                // A token that was made since is a witness too.
                for name in ["seen.json", "tokens/default.dana=guard"] {
                    fs::remove_file(data.join(name)).unwrap();
                }
                fs::copy(signed, folder.join("heads.signed")).is_ok()
            }
            Self::Fifo => {
                file && fs::remove_file(&path).is_ok()
                    && Command::new("mkfifo").arg(&path).status().unwrap().success()
            }
        }
    }

    fn bytes(self, path: &Path, len: u64, at: u64) -> bool {
        let file = fs::OpenOptions::new().read(true).write(true).open(path).unwrap();
        let place = at % len;
        if self == Self::Flip {
            let mut byte = [0];
            file.read_exact_at(&mut byte, place).unwrap();
            byte[0] ^= 1 << (at >> 40 & 7);
            return file.write_all_at(&byte, place).is_ok();
        }
        if self == Self::Zero {
            let mut was = vec![0; usize::try_from((len - place).min(1 + (at >> 40) % 4_096)).unwrap()];
            file.read_exact_at(&mut was, place).unwrap();
            return was.iter().any(|byte| *byte != 0)
                && file.write_all_at(&vec![0; was.len()], place).is_ok();
        }
        let cut = if self == Self::CutEnd { 1 + at % 64 } else { len };
        let left = if self == Self::Halve { len / 2 } else { len.saturating_sub(cut) };
        file.set_len(left).is_ok()
    }
}

fn with(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}

fn allow(path: &Path, mode: u32) -> bool {
    let socket = path.metadata().is_ok_and(|about| about.file_type().is_socket());
    !socket && fs::set_permissions(path, fs::Permissions::from_mode(mode)).is_ok()
}
