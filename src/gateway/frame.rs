//! A frame of JSON-RPC, read for what has to be known and no further: method, id, name, arguments. The rest stays bytes.
//!
//! What two parsers could read differently is not read at all: a key that comes twice, or that another would take for the
//! same (`Method`, `paramſ`), and whatever is no JSON. It is answered here and never forwarded.

use std::collections::HashSet;
use std::fmt;

use bytes::Bytes;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// The largest frame, in bytes, whichever way it goes.
pub(super) const MOST_BYTES: usize = 32 * 1024 * 1024;
/// Most messages in a batch.
const MOST_IN_BATCH: usize = 100;

/// The id of a request, as both sides mean it: servers written in JavaScript give numbers back as doubles.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Id {
    /// A number, by the bits of its double.
    Number(u64),
    /// A text.
    Text(String),
}

/// What a message is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    /// It wants an answer.
    Request(Id),
    /// It wants none.
    Notification,
    /// It is one; of an error, or a tool's own (`isError`), it says so.
    Answer { id: Id, failed: bool },
}

/// A message and what was read of it.
#[derive(Debug, Clone)]
pub(super) struct Message {
    /// Exactly as it came.
    pub(super) bytes: Bytes,
    pub(super) what: What,
    /// Empty for answers.
    pub(super) method: String,
    /// The id as it was written.
    pub(super) id_text: Option<Box<RawValue>>,
    pub(super) params: Option<Box<RawValue>>,
}

/// A frame.
#[derive(Debug)]
pub(super) enum Frame {
    /// One message.
    One(Message),
    /// Several in an array.
    Batch(Vec<Message>),
}

/// Why a frame is not read, as a clause.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct Unreadable(pub(super) String);

impl Frame {
    /// Reads a frame.
    ///
    /// # Errors
    /// When it is no JSON-RPC, or not the same to everybody who reads it.
    pub(super) fn read(bytes: &Bytes) -> Result<Self, Unreadable> {
        let text = std::str::from_utf8(bytes).map_err(|_| Unreadable("it is not UTF-8".to_owned()))?;
        if !text.trim_start().starts_with('[') {
            return Message::read(bytes).map(Self::One);
        }
        let parts: Vec<&RawValue> = serde_json::from_str(text).map_err(|error| no_json(&error))?;
        if parts.is_empty() || parts.len() > MOST_IN_BATCH {
            return Err(Unreadable(format!("a batch has 1 to {MOST_IN_BATCH} messages")));
        }
        let read = |part: &RawValue| Message::read(&Bytes::copy_from_slice(part.get().as_bytes()));
        parts.into_iter().map(read).collect::<Result<_, _>>().map(Self::Batch)
    }
}

impl Message {
    fn read(bytes: &Bytes) -> Result<Self, Unreadable> {
        let text = std::str::from_utf8(bytes).map_err(|_| Unreadable("it is not UTF-8".to_owned()))?;
        let [id, method, params, result, error] =
            members(text, ["id", "method", "params", "result", "error"])?;
        let method = method.map(text_of).transpose()?;
        let what = match (&method, id, result.is_some() || error.is_some()) {
            (Some(_), None, false) => What::Notification,
            (Some(_), Some(id), false) => What::Request(Id::read(id)?),
            (None, Some(id), true) => {
                let failed = error.is_some() || result.is_some_and(is_error);
                What::Answer { id: Id::read(id)?, failed }
            }
            _ => return Err(Unreadable("it is neither a request nor an answer".to_owned())),
        };
        let (id_text, params) = (id.map(ToOwned::to_owned), params.map(ToOwned::to_owned));
        Ok(Self { what, method: method.unwrap_or_default(), id_text, params, bytes: bytes.clone() })
    }

    /// The members of its parameters that have these names.
    pub(super) fn params<const N: usize>(
        &self,
        names: [&str; N],
    ) -> Result<[Option<&RawValue>; N], Unreadable> {
        match &self.params {
            Some(params) => members(params.get(), names),
            None => Ok([None; N]),
        }
    }

    /// What asks nothing and answers nothing.
    pub(super) fn nothing() -> Self {
        let (what, method) = (What::Notification, String::new());
        Self { bytes: Bytes::new(), what, method, id_text: None, params: None }
    }

    /// Whether it belongs to how a client begins.
    pub(super) fn is_opening(&self) -> bool {
        matches!(self.method.as_str(), "initialize" | "notifications/initialized")
    }

    /// The id as it was written; `null` where there is none.
    pub(super) fn id_text(&self) -> &str {
        self.id_text.as_ref().map_or("null", |id| id.get())
    }
}

impl Id {
    /// Reads an id.
    pub(super) fn read(raw: &RawValue) -> Result<Self, Unreadable> {
        let text = raw.get();
        if text.starts_with('"') {
            return text_of(raw).map(Self::Text);
        }
        let number: Option<f64> = text.parse().ok().filter(|_| !text.starts_with(['n', 't', 'f', '{', '[']));
        number
            .map(|number| Self::Number(number.to_bits()))
            .ok_or_else(|| Unreadable("an id is a text or a number".to_owned()))
    }
}

/// The members of an object that have these names, each as it is written. Others may be there.
pub(super) fn members<'a, const N: usize>(
    text: &'a str,
    names: [&str; N],
) -> Result<[Option<&'a RawValue>; N], Unreadable> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let found = Named(names).deserialize(&mut reader).map_err(|error| no_json(&error))?;
    reader.end().map_err(|error| no_json(&error))?;
    Ok(found)
}

/// Whether all objects in it are the same to everybody: no key comes twice, however it is written.
pub(super) fn unambiguous(raw: &RawValue) -> Result<(), Unreadable> {
    let mut reader = serde_json::Deserializer::from_str(raw.get());
    Unambiguous.deserialize(&mut reader).map_err(|error| no_json(&error))
}

/// A JSON text as what it says.
pub(super) fn text_of(raw: &RawValue) -> Result<String, Unreadable> {
    serde_json::from_str(raw.get()).map_err(|error| no_json(&error))
}

/// A frame on one line: in JSON a line break is a blank.
pub(super) fn on_one_line(bytes: Bytes) -> Bytes {
    if !bytes.iter().any(|byte| matches!(byte, b'\n' | b'\r')) {
        return bytes;
    }
    let blank = |byte: &u8| if matches!(byte, b'\n' | b'\r') { b' ' } else { *byte };
    bytes.iter().map(blank).collect::<Vec<u8>>().into()
}

fn no_json(error: &serde_json::Error) -> Unreadable {
    Unreadable(error.to_string())
}

/// Whether a tool's result says that it failed.
fn is_error(result: &RawValue) -> bool {
    let flag = members(result.get(), ["isError"]).ok().and_then(|[flag]| flag);
    flag.is_some_and(|flag| flag.get() == "true")
}

/// A key as those who don't look at its case read it; Go's reader is one of them.
fn folded(key: &str) -> String {
    let plain = |c: char| match c {
        'ſ' => 's',
        '\u{212a}' => 'k',
        c => c.to_ascii_lowercase(),
    };
    key.chars().map(plain).collect()
}

struct Named<'n, const N: usize>([&'n str; N]);

impl<'de, const N: usize> DeserializeSeed<'de> for Named<'_, N> {
    type Value = [Option<&'de RawValue>; N];

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, const N: usize> Visitor<'de> for Named<'_, N> {
    type Value = [Option<&'de RawValue>; N];

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = [None; N];
        while let Some(key) = map.next_key::<String>()? {
            let meant = folded(&key);
            let at = self.0.iter().position(|name| folded(name) == meant);
            let Some((name, place)) = at.and_then(|at| self.0.get(at).zip(found.get_mut(at))) else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            if *name != key {
                return Err(serde::de::Error::custom(format!("`{key}` could be taken for `{name}`")));
            }
            if place.replace(map.next_value::<&RawValue>()?).is_some() {
                return Err(serde::de::Error::custom(format!("`{key}` comes twice")));
            }
        }
        Ok(found)
    }
}

struct Unambiguous;

impl<'de> DeserializeSeed<'de> for Unambiguous {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Unambiguous {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut seen = HashSet::new();
        while let Some(key) = map.next_key::<String>()? {
            if !seen.insert(folded(&key)) {
                return Err(serde::de::Error::custom(format!(
                    "the key `{key}` comes twice, however it is written"
                )));
            }
            map.next_value_seed(Unambiguous)?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut all: A) -> Result<(), A::Error> {
        while all.next_element_seed(Unambiguous)?.is_some() {}
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

/// Any bytes as a frame: what is read of it is what a reader that takes the last of equal keys reads, and its bytes stay.
#[cfg(any(test, fuzzing))]
pub(crate) fn any_frame(bytes: &[u8]) {
    let bytes = Bytes::copy_from_slice(bytes);
    let Ok(Frame::One(message)) = Frame::read(&bytes) else { return };
    assert_eq!(message.bytes, bytes);
    let Ok(whole) = serde_json::from_slice::<serde_json::Value>(&bytes) else { return };
    assert_eq!(whole.get("method").and_then(|method| method.as_str()).unwrap_or_default(), message.method);
    let [name, arguments] = message.params(["name", "arguments"]).unwrap_or_default();
    let Some(arguments) = arguments.filter(|arguments| unambiguous(arguments).is_ok()) else { return };
    let read = serde_json::from_str::<serde_json::Value>(arguments.get()).ok();
    assert_eq!(read.as_ref(), whole.pointer("/params/arguments"));
    assert_eq!(
        name.and_then(|name| text_of(name).ok()).as_deref(),
        whole.pointer("/params/name").and_then(|one| one.as_str())
    );
    assert!(!on_one_line(bytes).contains(&b'\n'));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Result<Message, Unreadable> {
        match Frame::read(&Bytes::copy_from_slice(text.as_bytes()))? {
            Frame::One(message) => Ok(message),
            Frame::Batch(_) => panic!("a batch"),
        }
    }

    #[test]
    fn only_what_matters_is_read() {
        let text = r#"{"x":1.0,"jsonrpc":"2.0","method":"tools\/call","id":12345678901234567890123,"params":{"arguments":{"n":12345678901234567890123},"name":"a","_vendor":[]}}"#;
        let message = one(text).unwrap();
        assert_eq!((&*message.bytes, message.method.as_str()), (text.as_bytes(), "tools/call"));
        assert_eq!(message.id_text(), "12345678901234567890123");
        let [name, arguments] = message.params(["name", "arguments"]).unwrap();
        assert_eq!(text_of(name.unwrap()).unwrap(), "a");
        assert_eq!(arguments.unwrap().get(), r#"{"n":12345678901234567890123}"#);
        let back = one(r#"{"id":1.2345678901234568e+22,"result":{"isError":true}}"#).unwrap();
        let What::Request(id) = message.what else { panic!("{:?}", message.what) };
        assert_eq!(back.what, What::Answer { id, failed: true });
        assert_eq!(one(r#"{"method":"x"}"#).unwrap().what, What::Notification);
    }

    #[test]
    fn what_two_readers_read_differently_is_not_read() {
        for (text, said) in [
            (r#"{"id":1,"method":"ping","method":"tools/call"}"#, "comes twice"),
            (r#"{"id":1,"method":"ping","Method":"tools/call"}"#, "taken for `method`"),
            (r#"{"id":1,"method":"ping","\u006dethod":"tools/call"}"#, "comes twice"),
            ("{\"id\":1,\"method\":\"ping\",\"param\u{17f}\":{}}", "taken for `params`"),
            (r#"{"id":null,"method":"tools/call"}"#, "text or a number"),
            (r#"{"id":NaN,"method":"tools/call"}"#, "expected"),
            (r#"{"id":1,"method":"tools/call",}"#, "trailing comma"),
            (r#"{"id":1,"method":"ping"} {"id":2,"method":"tools/call"}"#, "trailing"),
            (r#"{"id":1,"method":"ping","result":1}"#, "neither"),
            ("", "EOF"),
            ("7", "an object"),
        ] {
            let why = one(text).unwrap_err().to_string();
            assert!(why.contains(said), "{text}: {why}");
        }
        let raw = |text: &str| serde_json::from_str::<Box<RawValue>>(text).unwrap();
        assert!(unambiguous(&raw(r#"{"a":[{"b":1,"c":"\ud83d\ude00"},{"b":null}],"n":1e999}"#)).is_err());
        assert_eq!(unambiguous(&raw(r#"{"a":[{"b":1},{"b":null}],"n":12345678901234567890123}"#)), Ok(()));
        for text in [r#"{"path":"a","path":"b"}"#, r#"{"a":[{"path":1,"PATH":2}]}"#] {
            assert!(unambiguous(&raw(text)).unwrap_err().to_string().contains("twice"), "{text}");
        }
    }

    #[test]
    fn batches_are_looked_into() {
        let batch = |text: &str| Frame::read(&Bytes::copy_from_slice(text.as_bytes()));
        let Ok(Frame::Batch(all)) = batch(r#" [{"id":1,"method":"a"}, {"method":"tools/call"}]"#) else {
            panic!("no batch")
        };
        assert_eq!(all.iter().map(|one| one.method.as_str()).collect::<Vec<_>>(), ["a", "tools/call"]);
        assert!(batch("[]").is_err() && batch(r#"[{"id":1,"method":"a","id":2}]"#).is_err());
    }
}
