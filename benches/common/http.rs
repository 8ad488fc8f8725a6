//! One keep-alive connection with one request at a time, written out by hand: the load must cost less than what it loads.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// The longest answer.
const ANSWER: usize = 256 * 1024;

/// The way to a server for one caller.
pub(crate) struct Connection {
    stream: TcpStream,
    head: String,
    buffer: Vec<u8>,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr, token: &str) -> std::io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let head =
            format!("host: {address}\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\n");
        Ok(Self { stream, head, buffer: vec![0; ANSWER] })
    }

    /// Posts a body under an idempotency key; the answer's body, which must be a good one.
    pub(crate) async fn post(&mut self, path: &str, key: &str, body: &str) -> &[u8] {
        self.ask(&format!("POST {path} HTTP/1.1\r\nidempotency-key: {key}"), body).await
    }

    /// Asks with that first line and more headers; the answer's body, which must be a good one.
    pub(crate) async fn ask(&mut self, first: &str, body: &str) -> &[u8] {
        let request = format!(
            "{first}\r\n{}accept: application/json, text/event-stream\r\ncontent-length: {}\r\n\r\n{body}",
            self.head,
            body.len()
        );
        self.stream.write_all(request.as_bytes()).await.unwrap();
        self.answer().await
    }

    async fn answer(&mut self) -> &[u8] {
        let mut filled = 0;
        loop {
            let count = self.stream.read(&mut self.buffer[filled..]).await.unwrap();
            assert!(count > 0, "the server hung up");
            filled += count;
            let Some(end) = find(&self.buffer[..filled], b"\r\n\r\n") else { continue };
            let head = &self.buffer[..end];
            assert!(head.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&self.buffer[..filled]));
            let at = find(head, b"content-length: ").unwrap() + 16;
            let length = head[at..].iter().take_while(|byte| byte.is_ascii_digit());
            let length = length.fold(0, |number, digit| number * 10 + usize::from(digit - b'0'));
            if filled >= end + 4 + length {
                return &self.buffer[end + 4..filled];
            }
        }
    }
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|window| window == what)
}
