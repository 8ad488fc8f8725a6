//! Runs the binary and keeps what it said. What is tested lives in the files beside this one.
#![expect(clippy::unwrap_used, reason = "what can't be set up can't be tested")]

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

use crate::patience;

/// A throw-away home: its own data directory, no configuration, no terminal.
pub(crate) struct Home {
    pub(crate) dir: TempDir,
}

/// What a run of the binary said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) status: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Home {
    pub(crate) fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// A file in the home with this text.
    pub(crate) fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        // It may be a token's, which others may not read.
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        path
    }

    /// The binary with nothing in its environment but who founds its data directory, and this home.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        patience::begun();
        let mut command = Command::new(env!("CARGO_BIN_EXE_deeds"));
        command
            .env_clear()
            .env("HOME", self.dir.path())
            .env("DEEDS_PERSON", "dana")
            .env("DEEDS_DATA_DIR", self.data())
            // Tests run side by side: each server takes any free port.
            .env("DEEDS_LISTEN", "127.0.0.1:0")
            .current_dir(self.dir.path())
            .stdin(std::process::Stdio::null())
            .args(arguments);
        command
    }

    /// The binary where no file of it may grow beyond so many blocks of 512 bytes: as a full disk, without filling one.
    pub(crate) fn in_little_room(&self, blocks: u32, arguments: &str) -> Command {
        let binary = env!("CARGO_BIN_EXE_deeds");
        self.script(&format!("trap '' XFSZ; ulimit -f {blocks}; exec {binary} {arguments}"))
    }

    /// A script of the shell in this home.
    pub(crate) fn script(&self, script: &str) -> Command {
        let base = self.command(&[]);
        let mut command = Command::new("sh");
        command
            .env_clear()
            .envs(base.get_envs().filter_map(|(name, value)| Some((name, value?))))
            .current_dir(self.dir.path())
            .stdin(std::process::Stdio::null())
            .args(["-c", script]);
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Said {
        Said::of(&mut self.command(arguments))
    }

    /// Runs what must go through.
    pub(crate) fn ok(&self, arguments: &[&str]) -> String {
        let said = self.run(arguments);
        assert_eq!(said.status, 0, "deeds {}\n{}\n{}", arguments.join(" "), said.out, said.err);
        said.out
    }
}

impl Said {
    /// Runs it to its end.
    pub(crate) fn of(command: &mut Command) -> Self {
        Self::with(command, &[])
    }

    /// Runs it to its end with this on standard input.
    pub(crate) fn with(command: &mut Command, input: &[u8]) -> Self {
        let output = patience::output(command, input);
        Self {
            status: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}
