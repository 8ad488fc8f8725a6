//! Patterns over field paths: `*` within one segment or field, `**` for any number of segments.
//!
//! Whether one path matches is answered here; whether two patterns meet is `overlap`'s.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::entity::{MAX_ENTITY_BYTES, MAX_FIELD_BYTES, check_segments, check_text};
use super::spelling::in_one;
use super::{EntityPath, FieldName, FieldPath, Glob, PathError};

/// A text such as `crm/contact/*#status`, `crm/lead/vip-*` or `files/**`.
///
/// Without `#` it covers every field, the whole-entity field too. `x#*` covers every named field but not the
/// whole-entity field, and `x#` the whole-entity field alone.
#[derive(Clone)]
pub struct Pattern {
    text: Arc<str>,
    segments: Arc<[Segment]>,
    field: FieldPart,
}

/// One segment of a pattern.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Segment {
    /// Exactly this text.
    Literal(Box<str>),
    /// `*`: any one segment.
    Any,
    /// A text with stars in it.
    Glob(Glob),
    /// `**`: any number of segments, also none.
    Deep,
}

/// What a pattern says about fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FieldPart {
    /// No `#`: every field and the whole-entity field.
    All,
    /// `#` and nothing after it: the whole-entity field.
    Whole,
    /// `#*`: every named field.
    Any,
    /// Exactly this field.
    Literal(FieldName),
    /// A text with stars in it.
    Glob(Glob),
}

impl Segment {
    /// Does one segment of a path match? (`**` does not: it isn't about one segment.)
    pub(crate) fn matches(&self, segment: &str) -> bool {
        match self {
            Self::Literal(literal) => literal.as_ref() == segment,
            Self::Any => true,
            Self::Glob(glob) => glob.matches(segment),
            Self::Deep => false,
        }
    }
}

impl FieldPart {
    /// Does the field match?
    pub(crate) fn matches(&self, field: &FieldName) -> bool {
        match self {
            Self::All => true,
            Self::Whole => field.is_whole(),
            Self::Any => !field.is_whole(),
            Self::Literal(literal) => literal == field,
            Self::Glob(glob) => glob.matches(field.as_str()),
        }
    }
}

impl Pattern {
    /// `**`: everything.
    pub fn everything() -> Self {
        Self { text: Arc::from("**"), segments: Arc::from([Segment::Deep]), field: FieldPart::All }
    }

    /// Is it `**`?
    pub fn is_everything(&self) -> bool {
        &*self.text == "**"
    }

    /// `first/*/**`: everything below the places that `first` holds, and those places.
    pub(crate) fn below(first: &str) -> Self {
        let segments = Arc::from([Segment::Literal(Box::from(first)), Segment::Any, Segment::Deep]);
        Self { text: Arc::from(format!("{first}/*/**")), segments, field: FieldPart::All }
    }

    /// Exactly one field of one entity.
    pub fn exact(path: &FieldPath) -> Self {
        Self::from_template(path.entity.segments().map(Some), &path.field)
    }

    /// One entity with all its fields.
    pub fn entity(entity: &EntityPath) -> Self {
        let segments = entity.segments().map(|segment| Segment::Literal(Box::from(segment))).collect();
        Self { text: Arc::from(entity.as_str()), segments, field: FieldPart::All }
    }

    /// `None` for a segment that may be anything, and one field.
    pub(crate) fn from_template<'a>(
        segments: impl Iterator<Item = Option<&'a str>> + Clone,
        field: &FieldName,
    ) -> Self {
        let names: Vec<&str> = segments.clone().map(|segment| segment.unwrap_or("*")).collect();
        let text = format!("{}#{}", names.join("/"), field.as_str());
        let segments =
            segments.map(|name| name.map_or(Segment::Any, |name| Segment::Literal(Box::from(name))));
        let field = if field.is_whole() { FieldPart::Whole } else { FieldPart::Literal(field.clone()) };
        Self { text: Arc::from(text), segments: segments.collect(), field }
    }

    /// The text as written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The part before `#`.
    pub fn entity_text(&self) -> &str {
        self.text.split_once('#').map_or(&*self.text, |(entity, _)| entity)
    }

    /// The part after `#`; `None` where the pattern covers every field.
    pub fn field_text(&self) -> Option<&str> {
        self.text.split_once('#').map(|(_, field)| field)
    }

    /// Does it speak of entities, whatever their fields?
    pub fn names_no_field(&self) -> bool {
        matches!(self.field, FieldPart::All)
    }

    /// What the path of every entity begins with that it covers.
    pub fn prefix(&self) -> String {
        let mut prefix = String::new();
        for segment in self.segments.iter() {
            // `**` may stand for nothing, and then no `/` is before it.
            if !prefix.is_empty() && !matches!(segment, Segment::Deep) {
                prefix.push('/');
            }
            let Segment::Literal(literal) = segment else { break };
            prefix.push_str(literal);
        }
        prefix
    }

    /// The same entities, all their fields.
    #[must_use]
    pub fn without_field(&self) -> Self {
        Self { text: Arc::from(self.entity_text()), segments: self.segments.clone(), field: FieldPart::All }
    }

    /// The same entities, this one field.
    #[must_use]
    pub fn with_field(&self, field: &FieldName) -> Self {
        let text = format!("{}#{}", self.entity_text(), field.as_str());
        let field = if field.is_whole() { FieldPart::Whole } else { FieldPart::Literal(field.clone()) };
        Self { text: Arc::from(text), segments: self.segments.clone(), field }
    }

    /// Some path that matches and that other patterns are unlikely to name; `None` where that is not easily said.
    pub(crate) fn sample(&self) -> Option<FieldPath> {
        const UNLIKELY: &str = "~q~";
        let fill = |glob: &Glob| glob.pieces().collect::<Vec<_>>().join(UNLIKELY);
        let segments: Vec<String> = self
            .segments
            .iter()
            .map(|segment| match segment {
                Segment::Literal(text) => text.to_string(),
                Segment::Any | Segment::Deep => UNLIKELY.to_owned(),
                Segment::Glob(glob) => fill(glob),
            })
            .collect();
        let field = match &self.field {
            FieldPart::All | FieldPart::Any => UNLIKELY.parse().ok()?,
            FieldPart::Whole => FieldName::whole(),
            FieldPart::Literal(name) => name.clone(),
            FieldPart::Glob(glob) => fill(glob).parse().ok()?,
        };
        Some(FieldPath::new(segments.join("/").parse().ok()?, field))
    }

    /// Does the field of the entity match?
    pub fn matches(&self, entity: &EntityPath, field: &FieldName) -> bool {
        self.field.matches(field) && self.matches_entity(entity)
    }

    /// Does the path match?
    pub fn matches_path(&self, path: &FieldPath) -> bool {
        self.matches(&path.entity, &path.field)
    }

    /// Does any field of the entity match?
    pub fn matches_entity(&self, entity: &EntityPath) -> bool {
        matches_segments(&self.segments, entity.as_str())
    }

    pub(crate) fn segments(&self) -> &[Segment] {
        &self.segments
    }

    pub(crate) fn field_part(&self) -> &FieldPart {
        &self.field
    }
}

/// Classic wildcard matching: only the last `**` ever needs to give more away.
fn matches_segments(pattern: &[Segment], path: &str) -> bool {
    let mut pattern = pattern;
    let mut rest = Some(path);
    let mut deep: Option<(&[Segment], Option<&str>)> = None;
    loop {
        match (pattern.split_first(), rest) {
            (Some((Segment::Deep, tail)), _) => {
                deep = Some((tail, rest));
                pattern = tail;
                continue;
            }
            (Some((segment, tail)), Some(text)) => {
                let (head, next) = split_head(text);
                if segment.matches(head) {
                    (pattern, rest) = (tail, next);
                    continue;
                }
            }
            (None, None) => return true,
            (Some(_), None) | (None, Some(_)) => {}
        }
        let Some((tail, Some(text))) = deep else { return false };
        let (_, next) = split_head(text);
        deep = Some((tail, next));
        (pattern, rest) = (tail, next);
    }
}

fn split_head(text: &str) -> (&str, Option<&str>) {
    text.split_once('/').map_or((text, None), |(head, rest)| (head, Some(rest)))
}

impl FromStr for Pattern {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        in_one(text, Self::read)
    }
}

impl Pattern {
    fn read(text: &str) -> Result<Self, PathError> {
        let (entity, field) = match text.split_once('#') {
            None => (text, FieldPart::All),
            Some((entity, field)) => {
                (entity, read_field(field).map_err(|error| error.within(text, entity.len() + 1))?)
            }
        };
        check_text(entity, MAX_ENTITY_BYTES, "the pattern is longer than 512 bytes", "shorten it")?;
        let mut segments = Vec::new();
        check_segments(entity, |segment, at| {
            segments.push(read_segment(entity, segment, at)?);
            Ok(())
        })
        .map_err(|error| error.within(text, 0))?;
        Ok(Self { text: Arc::from(text), segments: segments.into(), field })
    }
}

fn read_segment(entity: &str, segment: &str, at: usize) -> Result<Segment, PathError> {
    match segment {
        "**" => return Ok(Segment::Deep),
        "*" => return Ok(Segment::Any),
        _ => {}
    }
    if let Some(star) = segment.find("**") {
        let mend = "let `**` be a segment of its own, or write `*`";
        return Err(PathError::new(entity, at + star, "`**` is only part of a segment", mend));
    }
    if segment.starts_with('{') && segment.ends_with('}') {
        let mend = "write `*`; variables belong in conditions";
        return Err(PathError::new(entity, at, "a pattern has no variables", mend));
    }
    Ok(Glob::new(segment).map_or_else(|| Segment::Literal(Box::from(segment)), Segment::Glob))
}

fn read_field(field: &str) -> Result<FieldPart, PathError> {
    check_text(field, MAX_FIELD_BYTES, "the field is longer than 128 bytes", "shorten it")?;
    if let Some(at) = field.find(['#', '/']) {
        return Err(PathError::new(
            field,
            at,
            "a field name has no `#` or `/`",
            "put the field last, after one `#`",
        ));
    }
    if let Some(at) = field.find("**") {
        return Err(PathError::new(field, at, "`**` stands for segments, not for fields", "write `*`"));
    }
    Ok(match field {
        "" => FieldPart::Whole,
        "*" => FieldPart::Any,
        _ => match Glob::new(field) {
            Some(glob) => FieldPart::Glob(glob),
            None => FieldPart::Literal(field.parse()?),
        },
    })
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pattern({:?})", self.text)
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Pattern {}

impl PartialOrd for Pattern {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Pattern {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.text.cmp(&other.text)
    }
}

impl std::hash::Hash for Pattern {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

impl TryFrom<String> for Pattern {
    type Error = PathError;

    fn try_from(text: String) -> Result<Self, PathError> {
        text.parse()
    }
}

impl TryFrom<&str> for Pattern {
    type Error = PathError;

    fn try_from(text: &str) -> Result<Self, PathError> {
        text.parse()
    }
}

impl Serialize for Pattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_the_map_says() {
        let cases = [
            ("crm/contact/*#status", "crm/contact/acme#status", true),
            ("crm/contact/*#status", "crm/contact/acme#name", false),
            ("crm/contact/*#status", "crm/contact/acme", false),
            ("crm/contact/*#status", "crm/contact/a/b#status", false),
            ("crm/contact/*", "crm/contact/acme#name", true),
            ("crm/contact/*", "crm/contact/acme", true),
            ("crm/contact/*#*", "crm/contact/acme", false),
            ("crm/contact/*#*", "crm/contact/acme#x", true),
            ("crm/contact/*#", "crm/contact/acme", true),
            ("crm/contact/*#", "crm/contact/acme#x", false),
            ("crm/lead/vip-*", "crm/lead/vip-7#score", true),
            ("crm/lead/vip-*", "crm/lead/7#score", false),
            ("**", "a", true),
            ("crm/**", "crm", true),
            ("crm/**", "crm/a/b/c#d", true),
            ("crm/**", "crmx/a", false),
            ("**/b", "b", true),
            ("**/b", "a/b/a/b", true),
            ("**/b", "a/b/a", false),
            ("a/**/b/**/c", "a/b/c", true),
            ("a/**/b/**/c", "a/x/b/y/b/z/c", true),
            ("a/**/b/**/c", "a/c/b", false),
            ("a/*/c", "a/c", false),
            ("a#na*", "a#name", true),
            ("a#na*", "a#nb", false),
        ];
        for (pattern, path, expected) in cases {
            let pattern: Pattern = pattern.parse().unwrap();
            assert_eq!(pattern.matches_path(&path.parse().unwrap()), expected, "{pattern} on {path}");
        }
    }

    #[test]
    fn bad_patterns_name_the_place() {
        let cases = [
            ("", 0),
            ("a//b", 2),
            ("a/b**", 3),
            ("a/{id}#x", 2),
            ("a#b#c", 3),
            ("a#**", 2),
            ("a#b/c", 3),
            ("../x", 0),
            ("a\tb", 1),
        ];
        for (text, at) in cases {
            let error = text.parse::<Pattern>().unwrap_err();
            assert_eq!(error.at, at, "{error}");
        }
    }

    #[test]
    fn parts_can_be_taken_apart_and_put_together() {
        let pattern: Pattern = "crm/contact/*#name".parse().unwrap();
        assert_eq!(pattern.entity_text(), "crm/contact/*");
        assert_eq!(pattern.field_text(), Some("name"));
        assert_eq!(pattern.without_field().as_str(), "crm/contact/*");
        assert_eq!(pattern.with_field(&"score".parse().unwrap()).as_str(), "crm/contact/*#score");
        let path: FieldPath = "crm/contact/acme#status".parse().unwrap();
        assert_eq!(Pattern::exact(&path).as_str(), "crm/contact/acme#status");
        assert_eq!(Pattern::exact(&FieldPath::whole(path.entity.clone())).as_str(), "crm/contact/acme#");
        assert_eq!(Pattern::entity(&path.entity).as_str(), "crm/contact/acme");
    }
}
