//! An agent that writes so many deeds a second into a server, in batches, until it is stopped.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::made::Made;

/// Deeds of one request at most.
const BATCH: u64 = 100;

/// How many there have been: each writes other records.
static LOADS: AtomicU64 = AtomicU64::new(0);

/// Writing, until it is dropped.
pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    done: Arc<AtomicU64>,
    begun: Instant,
    writer: Option<JoinHandle<()>>,
}

impl Load {
    /// Begins to write this many deeds a second.
    pub(crate) fn begin(made: &Made, address: &str, rate: u64) -> Self {
        let token = made.run(&["tokens", "create", "agent", "intake"]).trim().to_owned();
        let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (stopped, counted) = (Arc::clone(&stop), Arc::clone(&done));
        let mut line = Line::open(address, &token);
        let begun = Instant::now();
        let load = LOADS.fetch_add(1, Ordering::Relaxed);
        let batch = BATCH.min(rate / 100).max(1);
        let writer = std::thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                let written = counted.load(Ordering::Relaxed);
                let due = Duration::from_secs_f64(written as f64 / rate as f64);
                std::thread::sleep(due.saturating_sub(begun.elapsed()));
                line.write(load, written, batch);
                counted.store(written + batch, Ordering::Relaxed);
            }
        });
        Self { stop, done, begun, writer: Some(writer) }
    }

    /// Deeds that were written, and how many a second that came to.
    pub(crate) fn written(&self) -> (u64, f64) {
        let done = self.done.load(Ordering::Relaxed);
        (done, done as f64 / self.begun.elapsed().as_secs_f64())
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(writer) = self.writer.take() {
            writer.join().unwrap();
        }
    }
}

/// A connection that is kept.
struct Line {
    stream: BufReader<TcpStream>,
    head: String,
}

impl Line {
    fn open(address: &str, token: &str) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        let head =
            format!("host: {address}\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\n");
        Self { stream: BufReader::new(stream), head }
    }

    /// Writes the contacts from this number on, each for the first time.
    fn write(&mut self, load: u64, from: u64, count: u64) {
        let writes: Vec<String> = (from..from + count)
            .map(|number| {
                format!(r#"{{"entity":"crm/contact/new-{load}-{number}","changes":{{"status":"new"}},"expected":{{"status":0}},"reason":"the form came in"}}"#)
            })
            .collect();
        let body = format!("[{}]", writes.join(","));
        let request = format!(
            "POST /v1/writes:batch HTTP/1.1\r\n{}content-length: {}\r\n\r\n{body}",
            self.head,
            body.len()
        );
        self.stream.get_mut().write_all(request.as_bytes()).unwrap();
        let mut length = 0;
        let mut status = String::new();
        self.stream.read_line(&mut status).unwrap();
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line).unwrap();
            if let Some(said) = line.to_lowercase().strip_prefix("content-length:") {
                length = said.trim().parse().unwrap();
            }
            if line.trim().is_empty() {
                break;
            }
        }
        let mut answer = vec![0; length];
        self.stream.read_exact(&mut answer).unwrap();
        let answer = String::from_utf8_lossy(&answer);
        let committed = answer.matches("\"outcome\":\"committed\"").count() as u64;
        assert_eq!(committed, count, "{status}{}", answer.chars().take(500).collect::<String>());
    }
}
