//! A settings file of another program: looked at with suspicion, and written whole or not at all, while nobody else has
//! changed it meanwhile.

use std::fs::{self, Metadata};
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::cli::context::read_text;
use crate::cli::output::visible;
use crate::cli::replace::{replace_where, write_new};
use crate::cli::status::Usage;

/// The largest settings file that is changed, in bytes.
const MOST_BYTES: u64 = 4 * 1024 * 1024;

/// What is in the file; none where there is none. An error where it could not be written either.
pub(super) fn look(file: &Path) -> anyhow::Result<Option<String>> {
    let wrong = |why: &str| Usage::error(format!("{}: {why}; nothing was written anywhere", shown(file)));
    match fs::metadata(file) {
        Ok(about) => {
            if !about.is_file() {
                return Err(wrong("this is no file; move it away"));
            }
            writable(&about).map_err(|why| wrong(&why))?;
        }
        Err(error) if error.kind() == ErrorKind::NotFound && fs::symlink_metadata(file).is_ok() => {
            return Err(wrong("it is a link to what is not there; make that, or take the link away"));
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(wrong(&format!("{error}; see to it that you may read it"))),
    }
    let real = fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
    let folder = real.ancestors().skip(1).find_map(|folder| fs::metadata(folder).ok());
    match folder {
        Some(about) if !about.is_dir() => {
            return Err(wrong("it is below what is no directory; move that away"));
        }
        Some(about) => writable(&about).map_err(|why| wrong(&format!("its directory: {why}")))?,
        None => {}
    }
    file.exists().then(|| read_text(file, MOST_BYTES)).transpose()
}

/// Why what is there may not be written, with the mend.
fn writable(about: &Metadata) -> Result<(), String> {
    let user = rustix::process::geteuid().as_raw();
    if about.uid() != user {
        return Err(format!(
            "it belongs to user {}, and you are user {user}; run deeds as its owner",
            about.uid()
        ));
    }
    if about.permissions().readonly() {
        return Err("it is read-only; `chmod u+w` it if it may be changed".to_owned());
    }
    Ok(())
}

/// Puts the new text in the place of what was looked at.
pub(super) fn write(file: &Path, was: Option<&str>, text: &str) -> anyhow::Result<()> {
    let written = match (was, file.parent()) {
        (Some(was), _) => replace_where(file, text, |real| same(real, was)),
        (None, Some(folder)) => fs::create_dir_all(folder).and_then(|()| write_new(file, text)),
        (None, None) => write_new(file, text),
    };
    written.with_context(|| shown(file))
}

/// Takes the file away that was looked at.
pub(super) fn remove(file: &Path, was: &str) -> anyhow::Result<()> {
    same(file, was).and_then(|()| fs::remove_file(file)).with_context(|| shown(file))
}

fn same(file: &Path, was: &str) -> io::Result<()> {
    if fs::read(file)? == was.as_bytes() {
        return Ok(());
    }
    Err(io::Error::other("another program has changed it meanwhile, and it was left alone; do it again"))
}

/// The directories that are not there yet.
pub(super) fn missing_folders(file: &Path) -> Vec<PathBuf> {
    file.ancestors().skip(1).take_while(|folder| !folder.exists()).map(Path::to_owned).collect()
}

/// A file's name for people.
pub(super) fn shown(file: &Path) -> String {
    visible(&file.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_another_program_wrote_meanwhile_stays() {
        let dir = tempfile::tempdir().unwrap();
        let (old, new) = (dir.path().join("old.json"), dir.path().join("new.json"));
        fs::write(&old, "{}").unwrap();
        let was = [look(&old).unwrap(), look(&new).unwrap()];
        assert_eq!(was, [Some("{}".to_owned()), None]);
        for file in [&old, &new] {
            fs::write(file, "{\"theirs\": 1}").unwrap();
        }
        for (file, was) in [&old, &new].into_iter().zip(&was) {
            assert!(write(file, was.as_deref(), "ours").is_err(), "{}", file.display());
            assert_eq!(fs::read_to_string(file).unwrap(), "{\"theirs\": 1}");
        }
        assert!(remove(&old, "{}").is_err());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2, "nothing is left beside them");
        write(&old, Some("{\"theirs\": 1}"), "ours").unwrap();
        assert_eq!(fs::read_to_string(&old).unwrap(), "ours");
    }
}
