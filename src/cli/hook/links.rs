//! The other names of a file: a hard link gives a file of another's zone a name in one's own, and what is written by the one
//! stands under the other.

use std::collections::VecDeque;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// As many entries of a work tree are looked at: a hook must not hold anybody up.
const LOOKED_AT: usize = 20_000;
const MEND: &str = "make it a file of its own (`cp`, then `mv`)";

/// The names that the file has below the top beside this one.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Names {
    pub(super) others: Vec<PathBuf>,
    /// Why these may not be all there are, as a clause.
    pub(super) more: Option<String>,
}

/// Looks for them; why that could not be done, as a clause.
pub(super) fn names(top: &Path, file: &Path) -> Result<Names, String> {
    let Ok(about) = fs::symlink_metadata(file) else { return Ok(Names::default()) };
    if !about.is_file() || about.nlink() < 2 {
        return Ok(Names::default());
    }
    let (inode, device, names) = (about.ino(), about.dev(), about.nlink());
    let mut found = Vec::new();
    let mut folders = VecDeque::from([top.to_owned()]);
    let mut left = LOOKED_AT;
    while let Some(folder) = folders.pop_front() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            left = left.saturating_sub(1);
            let path = entry.path();
            let Ok(about) = entry.metadata() else { continue };
            if about.is_dir() {
                folders.push_back(path);
            } else if about.ino() == inode && about.dev() == device && path != file {
                found.push(path);
            }
        }
        // The file itself is one of its names.
        if u64::try_from(found.len() + 1).is_ok_and(|known| known >= names) {
            return Ok(Names { others: found, more: None });
        }
        if left == 0 {
            return Err(format!(
                "the file has {names} names (hard links), and there is too much here to find them; {MEND}"
            ));
        }
    }
    let more =
        format!("the file has {names} names (hard links), and not all of them are in the repository; {MEND}");
    Ok(Names { others: found, more: Some(more) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_of_a_file_is_found_or_said_to_be_missing() {
        let dir = tempfile::tempdir().unwrap();
        let top = dir.path().join("repo");
        fs::create_dir_all(top.join("deep/er")).unwrap();
        fs::write(top.join("one"), "x").unwrap();
        assert_eq!(names(&top, &top.join("one")).unwrap(), Names::default());
        assert_eq!(names(&top, &top.join("none")).unwrap(), Names::default());
        fs::hard_link(top.join("one"), top.join("deep/er/two")).unwrap();
        let found = names(&top, &top.join("one")).unwrap();
        assert_eq!(found, Names { others: vec![top.join("deep/er/two")], more: None });
        fs::hard_link(top.join("one"), dir.path().join("outside")).unwrap();
        let found = names(&top, &top.join("one")).unwrap();
        assert!(found.more.is_some_and(|why| why.contains("3 names")) && found.others.len() == 1);
        assert_eq!(names(&top, &dir.path().join("outside")).unwrap().others.len(), 2);
    }
}
