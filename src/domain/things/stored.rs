//! How deeds keep requests: the stored forms of what waits for a decision, as it was asked.
//!
//! They are apart from the shapes of requests, so that a name that changes there changes nothing that was recorded. A part
//! that is added there is added here too, as an optional one; the compiler asks for it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize};

use crate::domain::command::{self, Expected, WriteKind};
use crate::domain::ids::{Fence, Seq, Version};
use crate::domain::path::{EntityPath, FieldName, FieldPath};
use crate::domain::value::Value;

/// A write.
#[serde_with::skip_serializing_none]
#[derive(Serialize, Deserialize)]
#[serde(remote = "command::Write")]
pub(super) struct Write {
    entity: EntityPath,
    #[serde(default, rename = "op", skip_serializing_if = "is_update")]
    kind: WriteKind,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    changes: BTreeMap<FieldName, Value>,
    expected: Option<Expected>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    depends_on: BTreeMap<FieldPath, Version>,
    lease: Option<Fence>,
    reason: Option<Arc<str>>,
    cause: Option<Seq>,
    call: Option<Box<super::Call>>,
}

/// A write, where there is one.
pub(super) mod write_option {
    use super::{Deserialize, Deserializer, Serialize, command};

    #[derive(Serialize)]
    struct Out<'a>(#[serde(with = "super::Write")] &'a command::Write);

    #[derive(Deserialize)]
    struct In(#[serde(with = "super::Write")] command::Write);

    #[expect(clippy::ref_option, reason = "serde asks with a reference")]
    pub(in super::super) fn serialize<S: serde::Serializer>(
        write: &Option<command::Write>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        some(write.as_ref(), serializer)
    }

    pub(super) fn some<S: serde::Serializer>(
        write: Option<&command::Write>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        write.map(Out).serialize(serializer)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<command::Write>, D::Error> {
        Ok(Option::<In>::deserialize(deserializer)?.map(|read| read.0))
    }
}

/// The same in a box.
pub(super) mod write_box {
    use super::{Deserializer, command, write_option};

    #[expect(clippy::ref_option, reason = "serde asks with a reference")]
    pub(in super::super) fn serialize<S: serde::Serializer>(
        write: &Option<Box<command::Write>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        write_option::some(write.as_deref(), serializer)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Box<command::Write>>, D::Error> {
        Ok(write_option::deserialize(deserializer)?.map(Box::new))
    }
}

/// An act.
#[serde_with::skip_serializing_none]
#[derive(Serialize, Deserialize)]
#[serde(remote = "command::Act")]
pub(super) struct Act {
    target: Arc<str>,
    subject: EntityPath,
    action: Arc<str>,
    thread: Option<Arc<str>>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    depends_on: BTreeMap<FieldPath, Version>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    wait: bool,
    reason: Option<Arc<str>>,
    cause: Option<Seq>,
    call: Option<Box<super::Call>>,
}

impl Act {
    pub(super) fn boxed<'de, D: Deserializer<'de>>(from: D) -> Result<Box<command::Act>, D::Error> {
        Self::deserialize(from).map(Box::new)
    }
}

/// A publication.
#[serde_with::skip_serializing_none]
#[derive(Serialize, Deserialize)]
#[serde(remote = "command::Publish")]
pub(super) struct Publish {
    output: Arc<str>,
    thread: Option<Arc<str>>,
    body: Value,
    subject: Option<EntityPath>,
    action: Option<Arc<str>>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    depends_on: BTreeMap<FieldPath, Version>,
    reason: Option<Arc<str>>,
    cause: Option<Seq>,
}

impl Publish {
    pub(super) fn boxed<'de, D: Deserializer<'de>>(from: D) -> Result<Box<command::Publish>, D::Error> {
        Self::deserialize(from).map(Box::new)
    }
}

/// An event as it was raised.
#[serde_with::skip_serializing_none]
#[derive(Serialize, Deserialize)]
#[serde(remote = "command::Raise")]
pub(super) struct Raise {
    event: Arc<str>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    attributes: BTreeMap<Arc<str>, Value>,
    subject: Option<EntityPath>,
    reason: Option<Arc<str>>,
    cause: Option<Seq>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
fn is_update(kind: &WriteKind) -> bool {
    *kind == WriteKind::default()
}
