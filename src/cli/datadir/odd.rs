//! What lies where a file should and is none. A pipe would be waited at for ever, and a directory is never written over.

use std::fs::{self, FileType};
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};

/// The first such place, and what is there. What can't be looked at, and what lies with a workspace, is told by whoever opens it.
pub(super) fn first(data: &Path, files: &[&str], folders: &[&str]) -> Option<(PathBuf, &'static str)> {
    let mut all = within(data).chain(folders.iter().flat_map(|name| within(&data.join(name))));
    let pipe = all.find(|(_, kind)| kind.is_fifo() || kind.is_char_device() || kind.is_block_device());
    let folder = || files.iter().map(|name| data.join(name)).find(|place| place.is_dir());
    pipe.map(|(place, _)| (place, "a pipe or a device"))
        .or_else(|| folder().map(|place| (place, "a directory")))
}

/// What is in a directory, and what it is, where a link leads if it is one.
fn within(directory: &Path) -> impl Iterator<Item = (PathBuf, FileType)> + use<> {
    fs::read_dir(directory).into_iter().flatten().flatten().filter_map(|entry| {
        let path = entry.path();
        let kind = fs::metadata(&path).ok()?.file_type();
        Some((path, kind))
    })
}
