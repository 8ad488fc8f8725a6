//! A deed's CloudEvents form, on the wire and on disk. What its types mean is in `deed`.

use std::borrow::Cow;
use std::sync::Arc;

use serde::de::Error as _;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use serde_json::value::RawValue;

use super::{Body, Decided, Deed, FORMAT, KeyMark, Refs};
use crate::domain::code::Code;
use crate::domain::ids::{Actor, MapVersion, Seq, TokenId, WorkspaceId};
use crate::domain::outcome::Outcome;
use crate::domain::path::EntityPath;
use crate::domain::things::{Door, FieldChange, Signed};
use crate::domain::time::Time;

/// Where deeds come from: the ledger's identity and the workspace's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// `urn:uuid:…` of the ledger.
    pub source: Arc<str>,
    /// The workspace.
    pub workspace: WorkspaceId,
}

/// Why bytes are not a deed.
#[derive(Debug, thiserror::Error)]
pub enum DeedError {
    /// Not the expected JSON.
    #[error("not a deed: {0}")]
    Json(serde_json::Error),
    /// A type from a later version.
    #[error("unknown deed type {0:?}: this ledger was written by a newer version of Deeds; upgrade this one")]
    UnknownType(String),
    /// A known type that says more than is known.
    #[error("{0}: this ledger was written by a newer version of Deeds; upgrade this one")]
    UnknownPart(String),
    /// The deeds from here on are of a later version.
    #[error(
        "this ledger goes on in format {0}, and formats up to {FORMAT} are known: it was written by a newer version of Deeds; upgrade this one"
    )]
    NewerFormat(u32),
}

impl From<serde_json::Error> for DeedError {
    fn from(error: serde_json::Error) -> Self {
        let text = error.to_string();
        let newer = ["unknown field", "unknown variant", "expected unit"];
        if newer.iter().any(|words| text.contains(words)) {
            Self::UnknownPart(text)
        } else {
            Self::Json(error)
        }
    }
}

impl Deed {
    /// The deed's exact UTF-8 JSON, as stored, hashed and streamed.
    ///
    /// # Errors
    /// Never for deeds made by the rules; a payload that can't be JSON is a defect.
    pub fn encode(&self, origin: &Origin) -> Result<Vec<u8>, DeedError> {
        let id = |seq: Seq| Cow::Owned([origin.workspace.as_str(), ":", &seq.0.to_string()].concat());
        let wire = Wire {
            specversion: Cow::Borrowed("1.0"),
            id: id(self.seq),
            source: Cow::Borrowed(&origin.source),
            kind: Cow::Borrowed(self.body.type_name()),
            subject: self.subject.clone(),
            time: self.time,
            recordedtime: self.recorded,
            sequence: Cow::Owned(format!("{:020}", self.seq.0)),
            correlationid: id(self.correlation),
            causationid: self.cause.map(id),
            traceparent: self.traceparent.clone(),
            datacontenttype: Cow::Borrowed("application/json"),
            data: Data {
                actor: Cow::Borrowed(&self.actor),
                token: self.token.clone(),
                door: self.door,
                action: self.action.clone(),
                outcome: self.outcome,
                code: self.code,
                verdict: self.verdict,
                reason: self.reason.clone(),
                map_version: self.map_version,
                fields: Cow::Borrowed(&self.fields),
                refs: Cow::Borrowed(&self.refs),
                decided: self.decided.as_deref().map(Cow::Borrowed),
                idempotency: self.key.clone(),
                signed: self.signed.as_deref().map(Cow::Borrowed),
                detail: self.body.detail()?,
            },
        };
        let mut bytes = Vec::with_capacity(640);
        serde_json::to_writer(&mut bytes, &wire)?;
        Ok(bytes)
    }

    /// Reads a deed back from its stored bytes.
    ///
    /// # Errors
    /// When the bytes are not a deed of this version. What this version does not know is never left out in silence.
    pub fn decode(bytes: &[u8]) -> Result<Self, DeedError> {
        let wire: Wire<'_> = serde_json::from_slice(bytes)?;
        let data = wire.data;
        let body = Body::from_detail(&wire.kind, data.detail.as_deref())?;
        if let Some(said) = &data.detail {
            all_known(said, body.detail()?.as_deref())?;
        }
        if let Some(format) = body.format().filter(|format| *format > FORMAT) {
            return Err(DeedError::NewerFormat(format));
        }
        Ok(Self {
            seq: number(&wire.sequence)?,
            time: wire.time,
            recorded: wire.recordedtime,
            subject: wire.subject,
            correlation: number(&wire.correlationid)?,
            cause: wire.causationid.as_deref().map(number).transpose()?,
            traceparent: wire.traceparent,
            actor: data.actor.into_owned(),
            token: data.token,
            door: data.door,
            action: data.action,
            outcome: data.outcome,
            code: data.code,
            verdict: data.verdict,
            reason: data.reason,
            map_version: data.map_version,
            fields: data.fields.into_owned(),
            refs: data.refs.into_owned(),
            decided: data.decided.map(|decided| Box::new(decided.into_owned())),
            key: data.idempotency,
            signed: data.signed.map(|signed| Box::new(signed.into_owned())),
            body,
        })
    }
}

/// The CloudEvents envelope as it stands in the bytes.
#[serde_with::skip_serializing_none]
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire<'a> {
    specversion: Cow<'a, str>,
    id: Cow<'a, str>,
    source: Cow<'a, str>,
    #[serde(rename = "type")]
    kind: Cow<'a, str>,
    subject: Option<EntityPath>,
    time: Time,
    recordedtime: Time,
    sequence: Cow<'a, str>,
    correlationid: Cow<'a, str>,
    causationid: Option<Cow<'a, str>>,
    traceparent: Option<Arc<str>>,
    datacontenttype: Cow<'a, str>,
    data: Data<'a>,
}

#[serde_with::skip_serializing_none]
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Data<'a> {
    actor: Cow<'a, Actor>,
    token: Option<TokenId>,
    door: Option<Door>,
    action: Cow<'static, str>,
    outcome: Outcome,
    code: Option<Code>,
    verdict: Option<Outcome>,
    reason: Option<Arc<str>>,
    map_version: MapVersion,
    #[serde(default, skip_serializing_if = "<[FieldChange]>::is_empty")]
    fields: Cow<'a, [FieldChange]>,
    #[serde(default, skip_serializing_if = "Refs::is_empty")]
    refs: Cow<'a, Refs>,
    decided: Option<Cow<'a, Decided>>,
    idempotency: Option<KeyMark>,
    signed: Option<Cow<'a, Signed>>,
    detail: Option<Box<RawValue>>,
}

/// What only this type carries, as JSON; none where that is nothing.
pub(super) fn to_raw<T: Serialize>(payload: &T) -> serde_json::Result<Option<Box<RawValue>>> {
    // Most deeds of the write path carry nothing of their own; they skip this allocation.
    if size_of::<T>() == 0 {
        return Ok(None);
    }
    let detail = serde_json::value::to_raw_value(payload)?;
    Ok(Some(detail).filter(|detail| detail.get() != "null"))
}

/// Of what a payload says nothing may have been left out: the types that it is read into are many, and some of them
/// would pass over what they do not know.
fn all_known(said: &RawValue, known: Option<&RawValue>) -> Result<(), DeedError> {
    let known = known.map_or("null", RawValue::get);
    if said.get() == known {
        return Ok(());
    }
    match left_out(&serde_json::from_str(said.get())?, &serde_json::from_str(known)?) {
        Some(name) => Err(DeedError::UnknownPart(format!("unknown field `{name}`"))),
        None => Ok(()),
    }
}

/// The first name that stands in one JSON value and not in the other.
fn left_out<'a>(said: &'a Json, known: &Json) -> Option<&'a str> {
    if let Some(said) = said.as_object() {
        return said.iter().find_map(|(name, said)| {
            known.get(name).map_or(Some(name.as_str()), |known| left_out(said, known))
        });
    }
    said.as_array()?.iter().zip(known.as_array()?).find_map(|(said, known)| left_out(said, known))
}

/// `northwind:317` or `00317` as a sequence.
fn number(text: &str) -> Result<Seq, DeedError> {
    let digits = text.rsplit(':').next().unwrap_or(text);
    digits
        .parse()
        .map(Seq)
        .map_err(|_| DeedError::Json(serde_json::Error::custom(format!("{text:?} has no sequence number"))))
}
