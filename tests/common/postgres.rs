//! A PostgreSQL server of a test's own, in a temporary directory and on loopback alone. Debian's package puts its programs
//! where no PATH leads, so they are looked for there as well.

use std::io::{Read as _, Seek as _};
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use tempfile::TempDir;

/// The account that runs a server where tests run as root, which it refuses.
const ACCOUNT: &str = "postgres";

/// A running server. It ends with this, and with the process whatever becomes of that: somebody waits for its pipe to close.
pub(crate) struct Postgres {
    bin: PathBuf,
    home: PathBuf,
    keeper: Child,
    pub(crate) port: u16,
    user: Option<(u32, u32)>,
    made: AtomicU32,
}

impl Postgres {
    /// Starts one with those lines of configuration beside its own; none where its programs are not here.
    pub(crate) fn start(settings: &str) -> Option<Self> {
        bin()?;
        Self::start_in(home(), settings)
    }

    /// The same in that folder.
    pub(crate) fn start_in(home: PathBuf, settings: &str) -> Option<Self> {
        let this = Self::empty_in(home)?;
        let data = this.data().display().to_string();
        this.run(
            "initdb",
            &["-D", &data, "-U", "deeds", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"],
        );
        let lines =
            format!("listen_addresses = '127.0.0.1'\nunix_socket_directories = ''\nfsync = on\n{settings}\n");
        let mut told =
            std::fs::OpenOptions::new().append(true).open(this.data().join("postgresql.conf")).unwrap();
        std::io::Write::write_all(&mut told, lines.as_bytes()).unwrap();
        this.up();
        Some(this)
    }

    /// The place of a server in that folder, which is not made yet; none where its programs are not here.
    pub(crate) fn empty_in(home: PathBuf) -> Option<Self> {
        let bin = bin()?;
        let user = if rustix::process::geteuid().is_root() { Some(account()) } else { None };
        if let Some((user, group)) = user {
            chown(&home, Some(user), Some(group)).unwrap();
        }
        let keeper = keeper(&bin, &home, user);
        Some(Self { bin, home, keeper, port: free_port(), user, made: AtomicU32::new(0) })
    }

    /// Starts it again where it was ended, and waits until it answers.
    pub(crate) fn up(&self) {
        self.try_up().unwrap_or_else(|told| panic!("{told}"));
    }

    /// The same; an error where it ran, or did not start.
    pub(crate) fn try_up(&self) -> Result<String, String> {
        let (data, log) = (self.data().display().to_string(), self.home.join("log").display().to_string());
        // Not in its settings, which a copy of it takes over.
        let port = format!("-p {}", self.port);
        self.try_run("pg_ctl", &["-D", &data, "-l", &log, "-o", &port, "-w", "-t", "60", "start"])
    }

    /// Ends it: `fast` lets nobody finish, `immediate` is as a crash.
    pub(crate) fn down(&self, how: &str) {
        self.run("pg_ctl", &["-D", &self.data().display().to_string(), "-m", how, "-w", "stop"]);
    }

    /// The address of a database that has nothing in it yet.
    pub(crate) fn fresh(&self) -> String {
        let name = format!("d{}", self.made.fetch_add(1, Ordering::Relaxed));
        self.sql("postgres", &format!("create database {name}"));
        format!("postgresql://deeds@127.0.0.1:{}/{name}", self.port)
    }

    /// Runs a statement in a database; what it printed.
    pub(crate) fn sql(&self, database: &str, statement: &str) -> String {
        self.try_sql(database, statement).unwrap_or_else(|told| panic!("{told}"))
    }

    /// The same; an error is what it said.
    pub(crate) fn try_sql(&self, database: &str, statement: &str) -> Result<String, String> {
        let port = self.port.to_string();
        self.try_run(
            "psql",
            &[
                "-h",
                "127.0.0.1",
                "-p",
                &port,
                "-U",
                "deeds",
                "-d",
                database,
                "-v",
                "ON_ERROR_STOP=1",
                "-Atc",
                statement,
            ],
        )
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.home.join("data")
    }

    /// Runs one of its programs under its account; what that printed.
    pub(crate) fn run(&self, program: &str, arguments: &[&str]) -> String {
        self.try_run(program, arguments).unwrap_or_else(|told| panic!("{told}"))
    }

    /// The same; an error is what it printed, with the server's log.
    pub(crate) fn try_run(&self, program: &str, arguments: &[&str]) -> Result<String, String> {
        let mut command = Command::new(self.bin.join(program));
        // A server that was started keeps what it inherits: not the pipes of this.
        let mut file = tempfile::tempfile().unwrap();
        command.args(arguments).env("LC_ALL", "C").current_dir(&self.home);
        command.stdin(Stdio::null()).stdout(file.try_clone().unwrap()).stderr(file.try_clone().unwrap());
        if let Some((user, group)) = self.user {
            command.uid(user).gid(group);
        }
        let ended = command.status().unwrap();
        let mut told = String::new();
        file.rewind().unwrap();
        file.read_to_string(&mut told).unwrap();
        if ended.success() {
            return Ok(told.trim_end().to_owned());
        }
        let log = std::fs::read_to_string(self.home.join("log")).unwrap_or_default();
        Err(format!("{program} {arguments:?}: {told}\n{log}"))
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        self.keeper.wait().unwrap();
    }
}

/// Ends the server and takes its directory away once nobody holds the other end of its pipe.
fn keeper(bin: &Path, home: &Path, user: Option<(u32, u32)>) -> Child {
    let end = "cat >/dev/null; \"$0/pg_ctl\" -D \"$1/data\" -m immediate -w stop; rm -rf \"$1\"";
    let mut shell = Command::new("sh");
    shell.args(["-c", end]).args([bin, home]).current_dir("/");
    shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    if let Some((user, group)) = user {
        shell.uid(user).gid(group);
    }
    shell.spawn().unwrap()
}

/// A new folder for one.
pub(crate) fn home() -> PathBuf {
    TempDir::new().unwrap().keep()
}

/// Where the server's programs are.
pub(crate) fn bin() -> Option<PathBuf> {
    let has =
        |folder: &Path| ["initdb", "pg_ctl", "psql"].iter().all(|program| folder.join(program).is_file());
    let path = std::env::var_os("PATH").unwrap_or_default();
    if let Some(folder) = std::env::split_paths(&path).find(|folder| has(folder)) {
        return Some(folder);
    }
    let mut versions: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|version| version.path().join("bin"))
        .filter(|folder| has(folder))
        .collect();
    versions.sort();
    versions.pop()
}

/// The account's numbers, from the system's list.
fn account() -> (u32, u32) {
    let all = std::fs::read_to_string("/etc/passwd").unwrap();
    let line = all.lines().find(|line| line.starts_with(&format!("{ACCOUNT}:"))).unwrap();
    let mut parts = line.split(':').skip(2).map(|part| part.parse().unwrap());
    (parts.next().unwrap(), parts.next().unwrap())
}

/// One that is free, and below those that the system gives to the near ends of connections: it stays free while its server is away.
pub(crate) fn free_port() -> u16 {
    loop {
        let mut bytes = [0; 2];
        getrandom::fill(&mut bytes).unwrap();
        let port = 20_000 + u16::from_ne_bytes(bytes) % 12_000;
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
