//! A connection to a real server that is kept, as a client of an agent keeps it: requests as raw HTTP, answers read or left.
#![expect(clippy::unwrap_used, reason = "an answer that can't be read fails the test")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::patience::PATIENCE;

/// A connection that is kept, as a client of an agent keeps it.
pub(crate) struct Line {
    pub(crate) stream: BufReader<TcpStream>,
    head: String,
}

impl Line {
    pub(crate) fn open(address: &str, authorization: &str) -> std::io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let head = format!("Host: {address}\r\n{authorization}\r\nContent-Type: application/json\r\n");
        Ok(Self { stream: BufReader::new(stream), head })
    }

    /// Sends a request and leaves its answer unread.
    pub(crate) fn send(&mut self, method: &str, path: &str, body: &str) -> std::io::Result<()> {
        self.send_with(method, path, "", body)
    }

    fn send_with(&mut self, method: &str, path: &str, headers: &str, body: &str) -> std::io::Result<()> {
        let (head, length) = (&self.head, body.len());
        let request =
            format!("{method} {path} HTTP/1.1\r\n{head}{headers}Content-Length: {length}\r\n\r\n{body}");
        self.stream.get_mut().write_all(request.as_bytes())
    }

    /// Asks, and reads what comes.
    pub(crate) fn ask(&mut self, method: &str, path: &str, body: &str) -> std::io::Result<(u16, Value)> {
        let (status, body) = self.exchange(method, path, "", body)?;
        Ok((status, serde_json::from_slice(&body).unwrap_or_default()))
    }

    /// The same without a look at what came.
    pub(crate) fn exchange(
        &mut self,
        method: &str,
        path: &str,
        headers: &str,
        body: &str,
    ) -> std::io::Result<(u16, Vec<u8>)> {
        self.send_with(method, path, headers, body)?;
        self.answer()
    }

    /// Reads an answer.
    fn answer(&mut self) -> std::io::Result<(u16, Vec<u8>)> {
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        let status = line.split(' ').nth(1).and_then(|status| status.parse().ok());
        let mut length = 0;
        loop {
            line.clear();
            self.stream.read_line(&mut line)?;
            let Some((name, value)) = line.trim().split_once(':') else { break };
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        let status = status.ok_or(std::io::ErrorKind::UnexpectedEof)?;
        Ok((status, body))
    }

    /// Whether the connection has ended before so many answers came.
    pub(crate) fn is_cut_before(&mut self, answers: usize) -> bool {
        self.stream.get_mut().set_read_timeout(Some(Duration::from_secs(1))).unwrap();
        let ended = |error: std::io::Error| {
            !matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut)
        };
        (0..answers).any(|_| self.answer().is_err_and(ended))
    }

    /// A number that the server counts of an agent; 0 where it says none.
    pub(crate) fn gauge(&mut self, name: &str, agent: Option<&str>) -> u64 {
        let (_, text) = self.exchange("GET", "/metrics", "", "").unwrap();
        let text = String::from_utf8(text).unwrap();
        let of = |line: &&str| {
            let mine = agent.is_none_or(|agent| line.contains(&format!("agent=\"{agent}\"")));
            line.strip_prefix(name).is_some_and(|rest| rest.starts_with('{')) && mine
        };
        text.lines().find(of).map_or(0, |line| line.rsplit(' ').next().unwrap().parse().unwrap())
    }

    /// The same with how long it took.
    pub(crate) fn timed(&mut self, method: &str, path: &str, body: &str) -> (u16, Value, Duration) {
        let began = Instant::now();
        let (status, answer) = self.ask(method, path, body).unwrap();
        (status, answer, began.elapsed())
    }
}
