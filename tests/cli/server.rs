//! A `deeds serve` that runs beside a test, and requests to it as any agent would send them. What is tested lives in the
//! files beside this one.
#![expect(clippy::unwrap_used, reason = "what can't be set up can't be tested")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;

use crate::patience::{self, PATIENCE};
use crate::run::Home;

/// A running server, killed when dropped.
pub(crate) struct Server {
    child: Child,
    /// `http://127.0.0.1:port`
    pub(crate) url: String,
}

impl Server {
    pub(crate) fn start(home: &Home) -> Self {
        Self::start_at(home, "127.0.0.1:0")
    }

    /// The same at a certain address.
    fn start_at(home: &Home, address: &str) -> Self {
        Self::start_with(home, address, |_| {})
    }

    /// The same with something more in its environment.
    pub(crate) fn start_with(home: &Home, address: &str, with: impl FnOnce(&mut Command)) -> Self {
        let mut command = home.command(&["serve", "--listen", address]);
        with(&mut command);
        Self::spawned(home, command)
    }

    /// The same where no file of it may grow beyond so many blocks of 512 bytes: as a full disk, without filling one.
    pub(crate) fn in_little_room(home: &Home, blocks: u32) -> Self {
        Self::spawned(home, home.in_little_room(blocks, "serve --listen 127.0.0.1:0"))
    }

    /// The same by a script of the shell that becomes the server.
    pub(crate) fn by_script(home: &Home, script: &str) -> Self {
        Self::spawned(home, home.script(script))
    }

    /// The same; what it said where it did not say in that time that it serves.
    pub(crate) fn try_by_script(home: &Home, script: &str, within: Duration) -> Result<Self, String> {
        Self::serving(home, home.script(script), within)
    }

    /// Sends a signal and waits for nothing.
    pub(crate) fn send(&self, signal: Signal) {
        patience::signal(&self.child, signal);
    }

    /// Its resident memory, in MiB.
    pub(crate) fn resident(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.split_whitespace().next().unwrap().parse::<u64>().unwrap() / 1024
    }

    /// The same with something more in its environment; what it said where it did not say in that time that it serves.
    pub(crate) fn try_start(
        home: &Home,
        with: impl FnOnce(&mut Command),
        within: Duration,
    ) -> Result<Self, String> {
        let mut command = home.command(&["serve", "--listen", "127.0.0.1:0"]);
        with(&mut command);
        Self::serving(home, command, within)
    }

    fn spawned(home: &Home, command: Command) -> Self {
        Self::serving(home, command, PATIENCE).unwrap_or_else(|said| panic!("{said}"))
    }

    fn serving(home: &Home, mut command: Command, within: Duration) -> Result<Self, String> {
        let mut options = std::fs::OpenOptions::new();
        let log = options.create(true).append(true).open(home.dir.path().join("serve.log")).unwrap();
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let (tell, told) = channel();
        std::thread::spawn(move || {
            let mut line = String::new();
            out.read_line(&mut line).unwrap();
            tell.send(line).unwrap_or_default();
        });
        let line = told.recv_timeout(within);
        let url = line.as_ref().ok().and_then(|line| line.trim().strip_prefix("serving ")).map(str::to_owned);
        let Some(url) = url else {
            child.kill().unwrap();
            child.wait().unwrap();
            let log = std::fs::read_to_string(home.dir.path().join("serve.log")).unwrap();
            return Err(format!("the server said {line:?}, and\n{log}"));
        };
        Ok(Self { child, url })
    }

    /// Ends it as a service manager would, and starts it again at the same address.
    pub(crate) fn restart(&mut self, home: &Home) {
        assert_eq!(self.signal(Signal::TERM), Some(0));
        let address = self.url.trim_start_matches("http://").to_owned();
        *self = Self::start_at(home, &address);
    }

    /// Sends a signal and waits for the end; the exit status, none where a signal ended it.
    pub(crate) fn signal(&mut self, signal: Signal) -> Option<i32> {
        patience::signal(&self.child, signal);
        patience::ended(&mut self.child).code()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        self.child.kill().unwrap_or_default();
        self.child.wait().map(drop).unwrap_or_default();
    }
}

/// What came back: the status and the JSON body. An error where the connection failed.
pub(crate) fn ask(
    url: &str,
    header_file: &Path,
    method: &str,
    path: &str,
    body: &str,
) -> std::io::Result<(u16, Value)> {
    let address = url.strip_prefix("http://").unwrap();
    let authorization = std::fs::read_to_string(header_file)?;
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let length = body.len();
    let authorization = authorization.trim();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{authorization}\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let cut = || std::io::Error::from(std::io::ErrorKind::UnexpectedEof);
    let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(cut)?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or_else(cut)?;
    // A body that was cut off by a kill is no answer.
    Ok((status, serde_json::from_str(body).map_err(|_| cut())?))
}
