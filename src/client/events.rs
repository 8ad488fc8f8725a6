//! Server-sent events, from chunks of bytes to whole events.

use bytes::{Buf, Bytes, BytesMut};

use super::bound::Bound;

/// One event.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Event {
    pub(super) kind: String,
    pub(super) id: Option<u64>,
    pub(super) data: Bytes,
}

/// Bytes that are not a whole event yet.
#[derive(Debug, Default)]
pub(super) struct Events {
    buffer: BytesMut,
    /// Up to here the buffer was searched for a line's end.
    searched: usize,
    event: Event,
}

/// The server sends an event beyond all bounds.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooLarge;

impl Events {
    pub(super) fn push(&mut self, chunk: &[u8]) -> Result<(), TooLarge> {
        if self.buffer.len() + chunk.len() > Bound::Event.bytes() {
            return Err(TooLarge);
        }
        self.buffer.extend_from_slice(chunk);
        Ok(())
    }

    /// The next whole event, if there is one. Comments and unknown fields are passed over.
    pub(super) fn next(&mut self) -> Option<Event> {
        loop {
            let rest = self.buffer.get(self.searched..).unwrap_or_default();
            let Some(end) = rest.iter().position(|byte| *byte == b'\n') else {
                self.searched = self.buffer.len();
                return None;
            };
            let mut line = self.buffer.split_to(self.searched + end);
            self.buffer.advance(1);
            self.searched = 0;
            if line.last() == Some(&b'\r') {
                line.truncate(line.len() - 1);
            }
            if line.is_empty() {
                let event = std::mem::take(&mut self.event);
                if !event.kind.is_empty() || !event.data.is_empty() {
                    return Some(event);
                }
                continue;
            }
            self.field(&line.freeze());
        }
    }

    fn field(&mut self, line: &Bytes) {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { return };
        let mut value = line.slice(colon + 1..);
        if value.first() == Some(&b' ') {
            value.advance(1);
        }
        match line.get(..colon) {
            Some(b"event") => self.event.kind = String::from_utf8_lossy(&value).into_owned(),
            Some(b"id") => {
                self.event.id = std::str::from_utf8(&value).ok().and_then(|text| text.parse().ok());
            }
            Some(b"data") => self.event.data = value,
            Some(_) | None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_whole_however_they_are_cut() {
        let text =
            b": keep-alive\n\nid: 7\nevent: deed\ndata: {\"a\":1}\n\nevent: end\r\ndata:x\r\n\r\nid: 8\n";
        let wanted = [
            Event { kind: "deed".to_owned(), id: Some(7), data: Bytes::from_static(b"{\"a\":1}") },
            Event { kind: "end".to_owned(), id: None, data: Bytes::from_static(b"x") },
        ];
        for step in 1..text.len() {
            let mut events = Events::default();
            let mut got = Vec::new();
            for chunk in text.chunks(step) {
                events.push(chunk).unwrap();
                got.extend(std::iter::from_fn(|| events.next()));
            }
            assert_eq!(got, wanted, "in chunks of {step}");
        }
    }
}
