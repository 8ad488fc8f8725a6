//! Somebody who listens where a server was listening, and keeps every byte. What is tested lives in the files beside this
//! one.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// What it answers to everything: that it is the server, with what no server of this machine would give.
const ANSWER: &str =
    "{\"instance\":\"00\",\"proof\":\"0000000000000000000000000000000000000000000000000000000000000000\"}";

/// The listener, with what it was sent.
pub(crate) struct Squatter {
    heard: Arc<Mutex<Vec<u8>>>,
}

impl Squatter {
    /// Takes the place at `http://ADDRESS` as soon as it is free.
    pub(crate) fn at(url: &str) -> Self {
        let address = url.trim_start_matches("http://");
        let give_up = Instant::now() + crate::patience::PATIENCE;
        let listener = loop {
            match TcpListener::bind(address) {
                Ok(listener) => break listener,
                Err(error) => assert!(Instant::now() < give_up, "{address}: {error}"),
            }
            std::thread::sleep(Duration::from_millis(10));
        };
        let heard = Arc::new(Mutex::new(Vec::new()));
        let keep = Arc::clone(&heard);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (mut stream, keep) = (stream.unwrap(), Arc::clone(&keep));
                std::thread::spawn(move || {
                    let mut bytes = [0; 4096];
                    while let Ok(read @ 1..) = stream.read(&mut bytes) {
                        keep.lock().unwrap().extend_from_slice(&bytes[..read]);
                        let answer = format!(
                            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{ANSWER}",
                            ANSWER.len()
                        );
                        if stream.write_all(answer.as_bytes()).is_err() {
                            break;
                        }
                    }
                });
            }
        });
        Self { heard }
    }

    /// What it was sent until now.
    pub(crate) fn heard(&self) -> String {
        String::from_utf8_lossy(&self.heard.lock().unwrap()).into_owned()
    }

    /// It was told nothing of a token: not its secret, not that there is one.
    #[track_caller]
    pub(crate) fn got_no_token(&self, after: &str) {
        let heard = self.heard();
        let said = heard.to_ascii_lowercase();
        assert!(!said.contains("bearer") && !said.contains("deeds_"), "after {after} it was told\n{heard}");
    }
}
