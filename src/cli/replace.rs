//! Writes a file of somebody's own anew: whole, or not at all. What Deeds keeps for itself is `datadir`'s.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// The mode of a file that is new.
const NEW: u32 = 0o600;

/// Puts a new file in the old one's place, with the old one's permissions; never a half file.
pub(crate) fn replace(file: &Path, text: &str) -> io::Result<()> {
    replace_where(file, text, |_| Ok(()))
}

/// The same if the last look at the old one finds nothing against it.
pub(crate) fn replace_where(
    file: &Path,
    text: &str,
    look: impl FnOnce(&Path) -> io::Result<()>,
) -> io::Result<()> {
    let file = fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
    let mode = fs::metadata(&file).map_or(NEW, |about| about.permissions().mode() & 0o7777);
    beside(&file, text, mode, |new| look(&file).and_then(|()| fs::rename(new, &file)))
}

/// Writes a file that is not there yet.
pub(crate) fn write_new(file: &Path, text: &str) -> io::Result<()> {
    // What has come there meanwhile is not written over.
    beside(file, text, NEW, |new| fs::hard_link(new, file).and_then(|()| fs::remove_file(new)))
}

/// Writes the text beside the file, and puts it in place.
fn beside(file: &Path, text: &str, mode: u32, put: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<()> {
    let mut beside = file.as_os_str().to_owned();
    beside.push(format!(".{}.new", std::process::id()));
    let beside = PathBuf::from(beside);
    let write = || {
        let mut new = OpenOptions::new().write(true).create_new(true).mode(mode).open(&beside)?;
        // The old one's, whatever a new file of this process has.
        new.set_permissions(fs::Permissions::from_mode(mode))?;
        new.write_all(text.as_bytes())?;
        new.sync_all()?;
        put(&beside)
    };
    write().inspect_err(|_| {
        // Whatever was begun is taken away; that it may not be there is no matter.
        fs::remove_file(&beside).unwrap_or_default();
    })
}
