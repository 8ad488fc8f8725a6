//! Writes a file of somebody's own anew: whole, or not at all. What Deeds keeps for itself is `datadir`'s.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// Puts a new file in the old one's place, with the old one's permissions; never a half file.
pub(crate) fn replace(file: &Path, text: &str) -> std::io::Result<()> {
    let file = fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
    let mode = fs::metadata(&file).map_or(0o600, |about| about.permissions().mode() & 0o7777);
    let mut beside = file.as_os_str().to_owned();
    beside.push(format!(".{}.new", std::process::id()));
    let beside = PathBuf::from(beside);
    let write = || {
        let mut new = OpenOptions::new().write(true).create_new(true).mode(mode).open(&beside)?;
        // The old one's, whatever a new file of this process has.
        new.set_permissions(fs::Permissions::from_mode(mode))?;
        new.write_all(text.as_bytes())?;
        new.sync_all()?;
        fs::rename(&beside, &file)
    };
    write().inspect_err(|_| {
        // Whatever was begun is taken away; that it may not be there is no matter.
        fs::remove_file(&beside).unwrap_or_default();
    })
}
