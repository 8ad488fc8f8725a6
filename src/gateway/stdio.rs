//! A client in front that speaks on our standard input and output: one frame on each line.

use std::sync::Arc;

use bytes::Bytes;
use tokio::io::{AsyncWriteExt as _, BufReader};
use tokio::sync::mpsc;

use super::frame::MOST_BYTES;
use super::lines::{self, Line};
use super::link::{BAD_JSON, Link};
use super::{Gateway, words};

/// Frames that may wait to be written.
const QUEUE: usize = 64;

/// Serves the client on standard input and output until it has gone, or `stop` is ready.
///
/// # Errors
/// When the server behind can't be started.
pub async fn serve(gateway: &Gateway, stop: impl Future<Output = ()>) -> Result<(), String> {
    let (front, frames) = mpsc::channel(QUEUE);
    let link = gateway.link(front)?;
    let writing = tokio::spawn(write(frames));
    tokio::select! {
        () = Box::pin(read(&link)) => {}
        () = stop => {}
    }
    link.end().await;
    if let Some(behind) = link.behind() {
        behind.end().await;
    }
    // Who does not read is not waited for.
    writing.abort();
    Ok(())
}

async fn read(link: &Arc<Link>) {
    let mut input = BufReader::with_capacity(64 * 1024, tokio::io::stdin());
    loop {
        match lines::next(&mut input, MOST_BYTES).await {
            Ok(Some(Line::Whole(line))) if line.iter().all(u8::is_ascii_whitespace) => {}
            Ok(Some(Line::Whole(line))) => link.from_front(line).await,
            Ok(Some(Line::TooLong(length))) => {
                let text = format!("a frame of {length} bytes is not forwarded: it may have {MOST_BYTES}");
                link.to_front(words::error("null", BAD_JSON, &text)).await;
            }
            Ok(None) | Err(_) => return,
        }
    }
}

async fn write(mut frames: mpsc::Receiver<Bytes>) {
    let mut output = tokio::io::stdout();
    while let Some(frame) = frames.recv().await {
        let line = [&frame[..], b"\n"].concat();
        if output.write_all(&line).await.is_err() || output.flush().await.is_err() {
            return;
        }
    }
}
