//! Entity paths, field names, and the two together. Patterns live in `pattern`.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::spelling::in_one;

/// The longest entity path, in bytes of UTF-8.
pub const MAX_ENTITY_BYTES: usize = 512;
/// The longest field name, in bytes of UTF-8.
pub const MAX_FIELD_BYTES: usize = 128;
/// How much of a refused text an error repeats, in characters.
const SHOWN_CHARS: usize = 80;

/// Why a text is not a path, pattern or template: the place, the reason and the mend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathError {
    text: String,
    /// Byte offset into the refused text.
    pub at: usize,
    /// What is wrong, as a clause: "a segment is empty".
    pub reason: &'static str,
    /// What to do about it, as an imperative.
    pub mend: &'static str,
}

impl PathError {
    pub(crate) fn new(text: &str, at: usize, reason: &'static str, mend: &'static str) -> Self {
        let mut shown: String = text.chars().take(SHOWN_CHARS).collect();
        if shown.len() < text.len() {
            shown.push('…');
        }
        Self { text: shown, at, reason, mend }
    }

    /// The same error inside a longer text that contains the refused one from `offset` on.
    pub(crate) fn within(self, whole: &str, offset: usize) -> Self {
        Self::new(whole, self.at + offset, self.reason, self.mend)
    }
}

impl fmt::Display for PathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: at byte {}, {}; {}", self.text, self.at, self.reason, self.mend)
    }
}

impl std::error::Error for PathError {}

/// The string side of a path type: text out, validated text in.
macro_rules! text_newtype {
    ($name:ident) => {
        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = PathError;

            fn from_str(text: &str) -> Result<Self, PathError> {
                in_one(text, |text| {
                    Self::check(text)?;
                    Ok(Self(Arc::from(text)))
                })
            }
        }

        impl TryFrom<String> for $name {
            type Error = PathError;

            fn try_from(text: String) -> Result<Self, PathError> {
                text.parse()
            }
        }

        impl TryFrom<&str> for $name {
            type Error = PathError;

            fn try_from(text: &str) -> Result<Self, PathError> {
                text.parse()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

/// A record, file or queue: `/`-separated segments such as `crm/contact/acme`.
///
/// Segments are not empty, not `.` or `..`, and not an unfilled `{variable}`; there is no `#`, no `*` and no control
/// character; at most [`MAX_ENTITY_BYTES`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntityPath(Arc<str>);

text_newtype!(EntityPath);

impl EntityPath {
    /// The segments, first to last; there is at least one.
    pub fn segments(&self) -> impl Iterator<Item = &str> + Clone {
        self.0.split('/')
    }

    /// The last segment: `acme` of `crm/contact/acme`.
    pub fn last_segment(&self) -> &str {
        self.0.rsplit_once('/').map_or(&*self.0, |(_, last)| last)
    }

    /// One field of this entity.
    pub fn field(&self, field: FieldName) -> FieldPath {
        FieldPath { entity: self.clone(), field }
    }

    fn check(text: &str) -> Result<(), PathError> {
        check_text(text, MAX_ENTITY_BYTES, "the path is longer than 512 bytes", "shorten it")?;
        if let Some(at) = text.find('#') {
            let mend = "name the entity alone here, the field goes where fields go";
            return Err(PathError::new(text, at, "an entity path has no `#`", mend));
        }
        if let Some(at) = text.find('*') {
            let mend = "name one entity; `*` belongs in patterns";
            return Err(PathError::new(text, at, "an entity path has no `*`", mend));
        }
        check_segments(text, |segment, at| {
            if segment.starts_with('{') && segment.ends_with('}') {
                let mend = "put the value in place of the variable";
                return Err(PathError::new(text, at, "a variable was left unfilled", mend));
            }
            Ok(())
        })
    }
}

/// One field of an entity; the empty name is the whole-entity field.
///
/// No `#`, `/`, `*` or control character; at most [`MAX_FIELD_BYTES`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldName(Arc<str>);

text_newtype!(FieldName);

impl FieldName {
    /// The whole-entity field.
    pub fn whole() -> Self {
        Self(Arc::from(""))
    }

    /// Is this the whole-entity field?
    pub fn is_whole(&self) -> bool {
        self.0.is_empty()
    }

    fn check(text: &str) -> Result<(), PathError> {
        check_text(text, MAX_FIELD_BYTES, "the field name is longer than 128 bytes", "shorten it")?;
        match text.find(['#', '/', '*']) {
            None => Ok(()),
            Some(at) => Err(PathError::new(
                text,
                at,
                "a field name has no `#`, `/` or `*`",
                "use letters, digits, `_`, `-`, `.`",
            )),
        }
    }
}

/// One field of one entity, shown as `crm/contact/acme#status`, or as the entity alone for the whole-entity field.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldPath {
    /// The record, file or queue.
    pub entity: EntityPath,
    /// Its field.
    pub field: FieldName,
}

impl FieldPath {
    /// Puts the two together.
    pub fn new(entity: EntityPath, field: FieldName) -> Self {
        Self { entity, field }
    }

    /// The whole-entity field of `entity`.
    pub fn whole(entity: EntityPath) -> Self {
        Self { entity, field: FieldName::whole() }
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.field.is_whole() {
            return self.entity.fmt(f);
        }
        f.pad(&format!("{}#{}", self.entity.as_str(), self.field.as_str()))
    }
}

impl FromStr for FieldPath {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        let Some((entity, field)) = text.split_once('#') else {
            return Ok(Self::whole(text.parse()?));
        };
        if field.is_empty() {
            let mend = "leave the `#` out to name the whole entity, or name a field after it";
            return Err(PathError::new(text, entity.len(), "nothing follows `#`", mend));
        }
        let offset = entity.len() + 1;
        Ok(Self {
            entity: EntityPath::from_str(entity).map_err(|error| error.within(text, 0))?,
            field: FieldName::from_str(field).map_err(|error| error.within(text, offset))?,
        })
    }
}

impl TryFrom<String> for FieldPath {
    type Error = PathError;

    fn try_from(text: String) -> Result<Self, PathError> {
        text.parse()
    }
}

impl Serialize for FieldPath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for FieldPath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// What every part of a path obeys: a length, and no control characters.
pub(crate) fn check_text(
    text: &str,
    max_bytes: usize,
    too_long: &'static str,
    shorten: &'static str,
) -> Result<(), PathError> {
    if text.len() > max_bytes {
        return Err(PathError::new(text, max_bytes, too_long, shorten));
    }
    match text.char_indices().find(|(_, c)| c.is_control()) {
        None => Ok(()),
        Some((at, _)) => Err(PathError::new(text, at, "a control character is in it", "remove it")),
    }
}

/// What every `/`-separated text obeys; `more` says what else one segment (and where it begins) must obey.
pub(crate) fn check_segments(
    text: &str,
    mut more: impl FnMut(&str, usize) -> Result<(), PathError>,
) -> Result<(), PathError> {
    let mut at = 0;
    for segment in text.split('/') {
        match segment {
            "" if text.is_empty() => {
                return Err(PathError::new(
                    text,
                    at,
                    "it is empty",
                    "name an entity such as `crm/contact/acme`",
                ));
            }
            "" => {
                let mend = "remove the leading, doubled or trailing `/`";
                return Err(PathError::new(text, at, "a segment is empty", mend));
            }
            "." | ".." => {
                let mend = "write the path in full, without `.` or `..`";
                return Err(PathError::new(text, at, "a segment is relative", mend));
            }
            _ => more(segment, at)?,
        }
        at += segment.len() + 1;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_paths_are_shown_as_written() {
        for text in [
            "a",
            "crm/contact/acme",
            "crm/contact/acme#status",
            "files/über uns/a.b.md",
            "a/.../b",
            "x/{",
            "x/{a}b",
        ] {
            assert_eq!(text.parse::<FieldPath>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn bad_paths_name_the_place() {
        let cases = [
            ("", 0),
            ("/a", 0),
            ("a//b", 2),
            ("a/", 2),
            ("a/../b", 2),
            ("./b", 0),
            ("a/*/b", 2),
            ("a/{id}", 2),
            ("a\nb", 1),
            ("a#", 1),
            ("a#b#c", 3),
            ("a#b/c", 3),
            ("a#st*", 4),
            ("a#b\u{7}", 3),
        ];
        for (text, at) in cases {
            let error = text.parse::<FieldPath>().unwrap_err();
            assert_eq!(error.at, at, "{error}");
        }
    }

    #[test]
    fn lengths_are_bounded_in_bytes() {
        assert!("é".repeat(256).parse::<EntityPath>().is_ok());
        assert!("é".repeat(257).parse::<EntityPath>().is_err());
        assert!("f".repeat(128).parse::<FieldName>().is_ok());
        assert!("f".repeat(129).parse::<FieldName>().is_err());
    }

    #[test]
    fn an_error_does_not_pass_control_characters_on() {
        let error = "a\u{1b}[31mb".parse::<EntityPath>().unwrap_err().to_string();
        assert!(!error.contains('\u{1b}'), "{error}");
    }

    #[test]
    fn json_is_the_text_and_is_checked() {
        let path: FieldPath = serde_json::from_str("\"crm/contact/acme#status\"").unwrap();
        assert_eq!(serde_json::to_string(&path).unwrap(), "\"crm/contact/acme#status\"");
        assert!(
            serde_json::from_str::<EntityPath>("\"a//b\"")
                .unwrap_err()
                .to_string()
                .contains("segment is empty")
        );
    }

    #[test]
    fn the_empty_name_is_the_whole_entity() {
        let path = FieldPath::whole("crm/contact/acme".parse().unwrap());
        assert_eq!(path.to_string(), "crm/contact/acme");
        assert_eq!(path, "crm/contact/acme".parse().unwrap());
        assert_eq!(path.entity.last_segment(), "acme");
    }
}
