//! Which file of which repository a path is: git is asked for the repository, links are followed as far as they exist.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::ErrorKind;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Component, Path, PathBuf};
use std::process::{Command, Output};

use crate::cli::output::visible;
use crate::domain::path::EntityPath;

/// More links than this in one path go in a circle.
const MAX_LINKS: usize = 40;
/// What git is told by whoever runs a hook, and what would hide the repository that a path is in.
const GIT_VARIABLES: [&str; 4] = ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"];

/// One work tree of a repository.
pub(super) struct Repository {
    /// The directory that all its files are in.
    pub(super) top: PathBuf,
}

/// Whether git goes by its own environment, or by the directory alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    Environment,
    Directory,
}

/// Runs git; what it says it says in English.
pub(super) fn git(directory: &Path, by: By, arguments: &[&str]) -> std::io::Result<Output> {
    let mut command = Command::new("git");
    if by == By::Directory {
        for name in &GIT_VARIABLES {
            command.env_remove(name);
        }
    }
    // A look must not write: `status` and `diff` would refresh the index otherwise.
    command.env("LC_ALL", "C").env("GIT_OPTIONAL_LOCKS", "0");
    command.arg("-C").arg(directory).args(arguments).output()
}

/// What git printed, without the end of its last line; `None` where it says that there is no such thing here.
fn answer(directory: &Path, by: By, arguments: &[&str]) -> Result<Option<PathBuf>, String> {
    let output = git(directory, by, arguments).map_err(|error| format!("git can't be run: {error}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        if said.contains("not a git repository") || said.contains("must be run in a work tree") {
            return Ok(None);
        }
        return Err(visible(&format!("git {} failed: {said}", arguments.join(" "))));
    }
    let mut path = output.stdout;
    if path.last() == Some(&b'\n') {
        path.pop();
    }
    Ok(Some(PathBuf::from(OsString::from_vec(path))))
}

impl Repository {
    /// The repository that the directory is in, if it is in any.
    pub(super) fn around(directory: &Path, by: By) -> Result<Option<Self>, String> {
        let Some(top) = answer(directory, by, &["rev-parse", "--show-toplevel"])? else { return Ok(None) };
        let top = fs::canonicalize(&top).map_err(|error| format!("{}: {error}", top.display()))?;
        Ok(Some(Self { top }))
    }

    /// The repository that this one is a part of, as a submodule, however deep; itself where it is none.
    pub(super) fn whole(self) -> Result<Self, String> {
        // Only a submodule and a work tree beside the first have a file there.
        if !self.top.join(".git").is_file() {
            return Ok(self);
        }
        let above = answer(&self.top, By::Directory, &["rev-parse", "--show-superproject-working-tree"])?;
        match above.filter(|above| !above.as_os_str().is_empty()) {
            Some(above) => Self { top: fs::canonicalize(&above).map_err(|error| error.to_string())? }.whole(),
            None => Ok(self),
        }
    }

    /// Where the repository keeps what all its work trees share.
    fn common(&self) -> Result<Option<PathBuf>, String> {
        let common = answer(&self.top, By::Directory, &["rev-parse", "--git-common-dir"])?;
        Ok(common.and_then(|common| fs::canonicalize(self.top.join(common)).ok()))
    }

    /// A path, resolved before, as one below the top; also where it is in another work tree of the same repository, or
    /// among what they share. `None` where it is outside.
    pub(super) fn inside(&self, resolved: &Path) -> Result<Option<PathBuf>, String> {
        if let Ok(below) = resolved.strip_prefix(&self.top) {
            return Ok(Some(below.to_owned()));
        }
        let Some(common) = self.common()? else { return Ok(None) };
        if let Ok(below) = resolved.strip_prefix(&common) {
            return Ok(Some(Path::new(".git").join(below)));
        }
        let Some(there) = resolved.ancestors().skip(1).find(|directory| directory.is_dir()) else {
            return Ok(None);
        };
        match Self::around(there, By::Directory)? {
            Some(other) if other.common()? == Some(common) => {
                Ok(resolved.strip_prefix(&other.top).ok().map(Path::to_owned))
            }
            Some(_) | None => Ok(None),
        }
    }
}

/// A file of a repository on the map; why it can't be there, as a clause.
pub(super) fn entity(prefix: &EntityPath, below: &OsStr) -> Result<EntityPath, String> {
    let Ok(text) = std::str::from_utf8(below.as_bytes()) else {
        return Err(format!(
            "{} can't be on a map: its name is not UTF-8; rename it",
            visible(&below.to_string_lossy())
        ));
    };
    let whole = if text.is_empty() { prefix.to_string() } else { format!("{prefix}/{text}") };
    whole.parse().map_err(|error| visible(&format!("it can't be on a map: {error}")))
}

/// The path without `.`, `..` and links, as far as it exists; the rest as it is written.
pub(super) fn resolve(path: &Path) -> Result<PathBuf, String> {
    let mut left: VecDeque<OsString> = parts(path);
    let mut resolved = PathBuf::from("/");
    let mut links = 0;
    while let Some(part) = left.pop_front() {
        if part == ".." {
            resolved.pop();
            continue;
        }
        let next = resolved.join(&part);
        match fs::read_link(&next) {
            Ok(target) => {
                links += 1;
                if links > MAX_LINKS {
                    return Err(format!(
                        "{} goes in a circle of links",
                        visible(&path.display().to_string())
                    ));
                }
                if target.is_absolute() {
                    resolved = PathBuf::from("/");
                }
                for part in parts(&target).into_iter().rev() {
                    left.push_front(part);
                }
            }
            // `InvalidInput`: it is there and no link.
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::InvalidInput | ErrorKind::NotFound | ErrorKind::NotADirectory
                ) =>
            {
                resolved = next;
            }
            Err(error) => return Err(visible(&format!("{}: {error}", next.display()))),
        }
    }
    Ok(resolved)
}

fn parts(path: &Path) -> VecDeque<OsString> {
    path.components()
        .filter_map(|part| match part {
            Component::Normal(name) => Some(name.to_owned()),
            Component::ParentDir => Some(OsString::from("..")),
            Component::Prefix(_) | Component::RootDir | Component::CurDir => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_are_followed_as_far_as_they_exist() {
        let dir = tempfile::tempdir().unwrap();
        let top = fs::canonicalize(dir.path()).unwrap();
        fs::create_dir_all(top.join("real/deep")).unwrap();
        symlink("real", top.join("link")).unwrap();
        symlink(top.join("real/deep"), top.join("far")).unwrap();
        symlink("new.txt", top.join("dangling")).unwrap();
        symlink("b", top.join("a")).unwrap();
        symlink("a", top.join("b")).unwrap();
        for (path, is) in [
            ("x/../y", "y"),
            ("./link/f", "real/f"),
            // `..` after a link is beside its target, as the system sees it.
            ("far/../f", "real/f"),
            ("link/new/./f", "real/new/f"),
            ("dangling", "new.txt"),
        ] {
            assert_eq!(resolve(&top.join(path)).unwrap(), top.join(is), "{path}");
        }
        assert!(resolve(&top.join("a/f")).unwrap_err().contains("circle"));
        assert_eq!(resolve(Path::new("/../../x-not-there")).unwrap(), Path::new("/x-not-there"));
    }

    #[test]
    fn names_that_a_map_can_not_hold_are_told() {
        let prefix: EntityPath = "files".parse().unwrap();
        let of = |name: &[u8]| entity(&prefix, OsStr::from_bytes(name));
        assert_eq!(of(b"a b/\xc3\xa9.md").unwrap().as_str(), "files/a b/é.md");
        assert_eq!(of(b"").unwrap().as_str(), "files");
        for (name, why) in [
            (&b"a\xff"[..], "UTF-8"),
            (b"a*b", "no `*`"),
            (b"a#b", "no `#`"),
            (b"a\nb", "control"),
            (b"{id}", "variable"),
        ] {
            assert!(of(name).unwrap_err().contains(why), "{name:?}");
        }
        assert!(of(&[b'x'; 600]).unwrap_err().contains("longer"));
    }
}
