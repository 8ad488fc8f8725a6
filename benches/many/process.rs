//! `deeds serve` in a process of its own, and what the system says of it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The program that is measured.
pub(crate) fn program() -> OsString {
    std::env::var_os("DEEDS_PROGRAM").unwrap_or_else(|| env!("CARGO_BIN_EXE_deeds").into())
}

/// What the system says of a process: resident bytes now and at most so far, threads, open files.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost {
    pub(crate) bytes: u64,
    pub(crate) peak: u64,
    pub(crate) threads: u64,
    pub(crate) files: usize,
}

impl Cost {
    /// The greater ones of both.
    pub(crate) fn most(&self, other: &Self) -> Self {
        Self {
            bytes: self.bytes.max(other.bytes),
            peak: self.peak.max(other.peak),
            threads: self.threads.max(other.threads),
            files: self.files.max(other.files),
        }
    }
}

/// A server on a directory.
pub(crate) struct Server {
    process: Child,
    pub(crate) address: SocketAddr,
    /// How long it took until it answered.
    pub(crate) started: Duration,
}

impl Server {
    pub(crate) fn start(directory: &Path, idle: Duration) -> Self {
        let begun = Instant::now();
        let mut process = Command::new(program())
            .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(directory)
            .env("DEEDS_WORKSPACES_IDLE", format!("{}s", idle.as_secs()))
            .env("DEEDS_PERSON", "dana")
            .env("DEEDS_LOG", "warn")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let address = lines.by_ref().map(Result::unwrap).find_map(|line| {
            let (_, after) = line.split_once("http://")?;
            after.split(|c: char| c.is_whitespace() || c == '/').next()?.parse().ok()
        });
        let started = begun.elapsed();
        // Whatever else it says is read, so that it never waits for a reader.
        std::thread::spawn(move || lines.for_each(drop));
        Self { process, address: address.unwrap(), started }
    }

    pub(crate) fn cost(&self) -> Cost {
        let status = fs::read_to_string(self.place("status")).unwrap();
        let number = |name: &str| {
            let line = status.lines().find(|line| line.starts_with(name)).unwrap();
            line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap()
        };
        let files = fs::read_dir(self.place("fd")).unwrap().count();
        Cost {
            bytes: number("VmRSS:") << 10,
            peak: number("VmHWM:") << 10,
            threads: number("Threads:"),
            files,
        }
    }

    /// Its threads by name.
    pub(crate) fn named(&self) -> String {
        let mut names = BTreeMap::<String, usize>::new();
        for task in fs::read_dir(self.place("task")).unwrap().flatten() {
            let name = fs::read_to_string(task.path().join("comm")).unwrap_or_default();
            let name = name.trim().trim_end_matches(|sign: char| sign.is_ascii_digit());
            *names.entry(name.to_owned()).or_default() += 1;
        }
        format!("{names:?}")
    }

    fn place(&self, what: &str) -> String {
        format!("/proc/{}/{what}", self.process.id())
    }

    /// Ends it in order; how long that took.
    pub(crate) fn stop(mut self) -> Duration {
        let begun = Instant::now();
        Command::new("kill").arg(self.process.id().to_string()).status().unwrap();
        self.process.wait().unwrap();
        begun.elapsed()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself, or been waited for.
        self.process.kill().unwrap_or_default();
        self.process.wait().map(drop).unwrap_or_default();
    }
}
