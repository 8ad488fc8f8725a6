//! The files that a patch in the form of `apply_patch` names: `*** Update File: src/a.rs` and its like, a line each.

/// How a patch begins.
pub(super) const BEGIN: &str = "*** Begin Patch";
/// How a line begins that names a file.
const NAMES: [&str; 4] = ["*** Add File: ", "*** Update File: ", "*** Delete File: ", "*** Move to: "];

/// The files, as they are written, each once.
pub(super) fn files(patch: &str) -> Vec<&str> {
    let named = patch.lines().filter_map(|line| {
        let line = line.trim_start();
        NAMES.iter().find_map(|name| line.strip_prefix(name.trim_end())).map(str::trim)
    });
    let mut files: Vec<&str> = named.filter(|file| !file.is_empty()).collect();
    files.sort_unstable();
    files.dedup();
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_a_patch_is_named_once() {
        let patch = "*** Begin Patch\n*** Update File: src/a.rs\n*** Move to: src/b c.rs\n@@ fn x\n-*** Delete File: no\n+y\n*** Add File:docs/n.md\r\n+text\n  *** Delete File: old\n*** Update File: src/a.rs\n*** End Patch";
        assert_eq!(files(patch), ["docs/n.md", "old", "src/a.rs", "src/b c.rs"]);
        assert!(files("*** Begin Patch\n*** Update File: \n*** End Patch").is_empty());
    }
}
