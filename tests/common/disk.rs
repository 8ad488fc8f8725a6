//! A disk of a test's own, to be full or read-only.
#![expect(clippy::unwrap_used, reason = "what can't be set up can't be tested")]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A small disk of its own, where the system lets it be made.
pub(crate) struct Disk(PathBuf);

impl Disk {
    pub(crate) fn mounted(at: &Path) -> Option<Self> {
        std::fs::create_dir(at).unwrap();
        let mut mount = Command::new("mount");
        let made = mount.args(["-t", "tmpfs", "-o", "size=16m,mode=700", "tmpfs"]).arg(at).output();
        if made.is_ok_and(|made| made.status.success()) {
            return Some(Self(at.to_owned()));
        }
        let told = "\n!! PASSED OVER: no disk may be mounted here. Nothing was tried on a full one.\n";
        std::io::stderr().write_all(told.as_bytes()).unwrap();
        None
    }

    /// Whether it may be written to from now on.
    pub(crate) fn writable(&self, whether: bool) {
        self.again(if whether { "rw" } else { "ro" });
    }

    /// Mounts it anew with those options.
    pub(crate) fn again(&self, options: &str) {
        let mut mount = Command::new("mount");
        let made = mount.args(["-o", &format!("remount,{options}")]).arg(&self.0).status().unwrap();
        assert!(made.success(), "{options}");
    }

    /// Whether something lies on it.
    pub(crate) fn is_there(&self) -> bool {
        self.0.join("lock").exists()
    }

    /// Has it be full by a file of that name. It is made small before, so that little is to be filled.
    pub(crate) fn choke(&self, name: &str) {
        let told = rustix::fs::statvfs(&self.0).unwrap();
        let used = (told.f_blocks - told.f_bfree) * told.f_frsize;
        self.again(&format!("size={}", used + (16 << 20)));
        self.fill(name);
    }

    /// Takes that away, and gives it that size.
    pub(crate) fn relieve(&self, name: &str, size: &str) {
        std::fs::remove_file(self.0.join(name)).unwrap();
        self.again(&format!("size={size}"));
    }

    /// Takes all the room that is left, in a file of that name.
    pub(crate) fn fill(&self, name: &str) {
        let mut file = std::fs::File::create(self.0.join(name)).unwrap();
        for bytes in [1 << 20, 1 << 12, 1] {
            while file.write_all(&vec![b'x'; bytes]).is_ok() {}
        }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        Command::new("umount").arg("-l").arg(&self.0).status().map(drop).unwrap_or_default();
    }
}
