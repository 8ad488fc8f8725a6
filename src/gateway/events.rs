//! Server-sent events of somebody else's server: their ids are texts, and their data may have several lines.

use bytes::{Buf as _, BytesMut};

use super::frame::MOST_BYTES;

/// Bytes that are not a whole event yet.
#[derive(Debug, Default)]
pub(super) struct Events {
    buffer: BytesMut,
    id: Option<String>,
    data: Option<Vec<u8>>,
}

/// The server sends an event beyond all bounds.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooLarge;

impl Events {
    pub(super) fn push(&mut self, chunk: &[u8]) -> Result<(), TooLarge> {
        if self.buffer.len() + chunk.len() + self.data.as_ref().map_or(0, Vec::len) > MOST_BYTES {
            return Err(TooLarge);
        }
        self.buffer.extend_from_slice(chunk);
        Ok(())
    }

    /// The last id that was given.
    pub(super) fn last_id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// The data of the next whole event, if there is one.
    pub(super) fn next(&mut self) -> Option<Vec<u8>> {
        loop {
            let end = self.buffer.iter().position(|byte| *byte == b'\n')?;
            let mut line = self.buffer.split_to(end);
            self.buffer.advance(1);
            if line.last() == Some(&b'\r') {
                line.truncate(line.len() - 1);
            }
            if line.is_empty() {
                if let Some(data) = self.data.take().filter(|data| !data.is_empty()) {
                    return Some(data);
                }
                continue;
            }
            let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
            let (field, value) = line.split_at(colon);
            let value = value.strip_prefix(b":").unwrap_or(value);
            let value = value.strip_prefix(b" ").unwrap_or(value);
            match field {
                b"id" => self.id = std::str::from_utf8(value).ok().map(str::to_owned),
                b"data" => match &mut self.data {
                    Some(data) => {
                        data.push(b'\n');
                        data.extend_from_slice(value);
                    }
                    None => self.data = Some(value.to_vec()),
                },
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_whole_however_they_are_cut() {
        let text =
            b": hello\n\nid: a-1\ndata: {\"a\":\r\ndata:1}\n\nevent: message\ndata: x\n\nid: b\ndata:\n\n";
        for step in 1..text.len() {
            let mut events = Events::default();
            let mut got = Vec::new();
            for chunk in text.chunks(step) {
                events.push(chunk).unwrap();
                got.extend(std::iter::from_fn(|| events.next()));
            }
            assert_eq!(got, [b"{\"a\":\n1}".to_vec(), b"x".to_vec()], "in chunks of {step}");
            assert_eq!(events.last_id(), Some("b"));
        }
    }
}
