//! Lines of a stream, each bounded: what is longer is passed over to its end, not held.

use std::io;

use bytes::Bytes;
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _};

/// What came.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// A line without its end.
    Whole(Bytes),
    /// One that was longer than it may be: how many bytes it had.
    TooLong(usize),
}

/// The next line; none at the end of the stream.
pub(super) async fn next<R: AsyncBufRead + Unpin>(stream: &mut R, most: usize) -> io::Result<Option<Line>> {
    let (mut held, mut length) = (Vec::new(), 0_usize);
    loop {
        let filled = stream.fill_buf().await?;
        if filled.is_empty() {
            // What has no end was cut off: half a frame is none.
            return Ok(None);
        }
        let end = filled.iter().position(|byte| *byte == b'\n');
        let part = filled.get(..end.unwrap_or(filled.len())).unwrap_or_default();
        length = length.saturating_add(part.len());
        if length <= most {
            held.extend_from_slice(part);
        } else {
            held = Vec::new();
        }
        let taken = part.len() + usize::from(end.is_some());
        stream.consume(taken);
        if end.is_some() {
            if held.last() == Some(&b'\r') {
                held.pop();
            }
            let line = if length <= most { Line::Whole(held.into()) } else { Line::TooLong(length) };
            return Ok(Some(line));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn long_lines_are_passed_over() {
        let text = format!("a\r\n\n{}\nlast\nhalf", "x".repeat(100));
        let mut stream = tokio::io::BufReader::with_capacity(7, text.as_bytes());
        let mut all = Vec::new();
        while let Some(line) = next(&mut stream, 10).await.unwrap() {
            all.push(line);
        }
        let whole = |text: &'static str| Line::Whole(Bytes::from_static(text.as_bytes()));
        assert_eq!(all, [whole("a"), whole(""), Line::TooLong(100), whole("last")]);
    }
}
