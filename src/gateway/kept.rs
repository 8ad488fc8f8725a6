//! What the server behind says beside the protocol: its standard error, and lines that are no JSON-RPC. The last of it is
//! kept in a file of the data directory, bounded, and told to whoever looks after the gateway.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// How long a line is kept, in bytes.
pub(super) const LINE_BYTES: usize = 2 * 1024;
/// How many lines are kept.
const LINES: usize = 200;
/// When the file is written anew with the last lines only, in bytes.
const FILE_BYTES: usize = 512 * 1024;

/// Hears lines, which may hold anything; it makes them visible.
pub type Tell = Arc<dyn Fn(&str) + Send + Sync>;

/// The last lines.
pub(super) struct Kept {
    tell: Tell,
    path: Option<PathBuf>,
    lines: Mutex<Lines>,
}

#[derive(Default)]
struct Lines {
    last: VecDeque<String>,
    file: Option<File>,
    written: usize,
}

impl Kept {
    pub(super) fn new(tell: Tell, path: Option<PathBuf>) -> Self {
        Self { tell, path, lines: Mutex::default() }
    }

    /// Keeps a line and tells it.
    pub(super) fn say(&self, line: &str) {
        let end = (0..=LINE_BYTES.min(line.len())).rev().find(|end| line.is_char_boundary(*end));
        let line = line.get(..end.unwrap_or(0)).unwrap_or_default();
        (self.tell)(line);
        let Some(path) = &self.path else { return };
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.last.len() >= LINES {
            lines.last.pop_front();
        }
        lines.last.push_back(line.to_owned());
        if lines.file.is_none() {
            // Appended to: other gateways to the same server have the same file.
            let file = OpenOptions::new().create(true).append(true).mode(0o600).open(path).ok();
            let length = file.as_ref().and_then(|file| file.metadata().ok()).map_or(0, |about| about.len());
            (lines.written, lines.file) = (usize::try_from(length).unwrap_or(usize::MAX), file);
        }
        let text = if lines.written > FILE_BYTES {
            lines.file.as_ref().map(|file| file.set_len(0)).transpose().map(drop).unwrap_or_default();
            lines.written = 0;
            let all: Vec<&str> = lines.last.iter().map(String::as_str).collect();
            all.join("\n") + "\n"
        } else {
            format!("{line}\n")
        };
        lines.written += text.len();
        // That the disk refuses it shows elsewhere; the line was told.
        if let Some(file) = &mut lines.file {
            file.write_all(text.as_bytes()).unwrap_or_default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_keeps_the_last_lines_and_stays_small() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("kept");
        let kept = Kept::new(Arc::new(|_| {}), Some(path.clone()));
        for number in 0..2_000 {
            kept.say(&format!("{number} {}", "é".repeat(4_000)));
        }
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.len() < FILE_BYTES + LINES * LINE_BYTES + LINE_BYTES, "{}", text.len());
        assert!(text.lines().last().unwrap().starts_with("1999 é"));
        assert!(text.lines().count() >= LINES && text.lines().all(|line| line.len() <= LINE_BYTES));
    }
}
