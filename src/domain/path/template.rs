//! Paths with `{variables}` in them, for conditions that speak about several entities at once.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::entity::{MAX_ENTITY_BYTES, check_segments, check_text};
use super::spelling::in_one;
use super::{EntityPath, FieldName, FieldPath, PathError, Pattern};

/// A path such as `crm/contact/{id}#status`, in which a variable is exactly one whole segment.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Template {
    text: Arc<str>,
    segments: Arc<[Part]>,
    field: FieldName,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Part {
    Literal(Box<str>),
    Variable(Arc<str>),
}

/// What the variables of a template stand for, in the order of their names.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Bindings(BTreeMap<Arc<str>, Arc<str>>);

impl Bindings {
    /// No variable bound.
    pub fn new() -> Self {
        Self::default()
    }

    /// The text bound to `name`.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(AsRef::as_ref)
    }

    /// Binds `name`; false (and nothing changed) if it is bound to another text already.
    pub fn bind(&mut self, name: &str, text: &str) -> bool {
        if let Some(bound) = self.get(name) {
            return bound == text;
        }
        self.0.insert(Arc::from(name), Arc::from(text));
        true
    }

    /// Names and texts, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, text)| (name.as_ref(), text.as_ref()))
    }

    /// Is nothing bound?
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Template {
    /// The text as written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The field that the template speaks about.
    pub fn field(&self) -> &FieldName {
        &self.field
    }

    /// The names of its variables, in order of appearance, each as often as it is used.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.segments.iter().filter_map(|part| match part {
            Part::Variable(name) => Some(name.as_ref()),
            Part::Literal(_) => None,
        })
    }

    /// What the variables are when this template stands for `path`; a variable used twice must be the same twice.
    pub fn bind(&self, path: &FieldPath) -> Option<Bindings> {
        if path.field == self.field { self.bind_entity(&path.entity) } else { None }
    }

    /// The same of an entity, whatever the field.
    pub fn bind_entity(&self, entity: &EntityPath) -> Option<Bindings> {
        let mut bindings = Bindings::new();
        let mut segments = entity.segments();
        for part in self.segments.iter() {
            let segment = segments.next()?;
            let fits = match part {
                Part::Literal(literal) => literal.as_ref() == segment,
                Part::Variable(name) => bindings.bind(name, segment),
            };
            if !fits {
                return None;
            }
        }
        segments.next().is_none().then_some(bindings)
    }

    /// The path with every variable filled in; `None` if one is unbound or the result is no path.
    pub fn fill(&self, bindings: &Bindings) -> Option<FieldPath> {
        let segments: Option<Vec<&str>> = self
            .segments
            .iter()
            .map(|part| match part {
                Part::Literal(literal) => Some(literal.as_ref()),
                Part::Variable(name) => bindings.get(name),
            })
            .collect();
        let entity = segments?.join("/").parse().ok()?;
        Some(FieldPath::new(entity, self.field.clone()))
    }

    /// The pattern that covers what the template can stand for (and more, where a variable is used twice).
    pub fn to_pattern(&self) -> Pattern {
        Pattern::from_template(
            self.segments.iter().map(|part| match part {
                Part::Literal(literal) => Some(literal.as_ref()),
                Part::Variable(_) => None,
            }),
            &self.field,
        )
    }
}

impl FromStr for Template {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        in_one(text, Self::read)
    }
}

impl Template {
    fn read(text: &str) -> Result<Self, PathError> {
        let (entity, field) = match text.split_once('#') {
            None => (text, FieldName::whole()),
            Some((entity, "")) => {
                let mend = "leave the `#` out to name the whole entity, or name a field after it";
                return Err(PathError::new(text, entity.len(), "nothing follows `#`", mend));
            }
            Some((entity, field)) => {
                (entity, field.parse().map_err(|error: PathError| error.within(text, entity.len() + 1))?)
            }
        };
        check_text(entity, MAX_ENTITY_BYTES, "the path is longer than 512 bytes", "shorten it")?;
        let mut segments = Vec::new();
        check_segments(entity, |segment, at| {
            segments.push(read_part(segment, at).map_err(|error| error.within(text, 0))?);
            Ok(())
        })
        .map_err(|error| error.within(text, 0))?;
        Ok(Self { text: Arc::from(text), segments: segments.into(), field })
    }
}

fn read_part(segment: &str, at: usize) -> Result<Part, PathError> {
    if segment.contains('*') {
        let mend = "use a variable such as `{id}`, so that the clauses speak about the same thing";
        return Err(PathError::new(segment, at, "a condition has no `*`", mend));
    }
    let Some(name) = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) else {
        if segment.contains(['{', '}']) {
            let mend = "let the variable be the whole segment, as in `crm/contact/{id}`";
            return Err(PathError::new(segment, at, "a variable is only part of a segment", mend));
        }
        return Ok(Part::Literal(Box::from(segment)));
    };
    let good = name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-');
    if name.is_empty() || !good {
        let mend = "name it with letters, digits, `_` or `-`, as in `{id}`";
        return Err(PathError::new(segment, at, "the variable's name is not a name", mend));
    }
    Ok(Part::Variable(Arc::from(name)))
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Template({:?})", self.text)
    }
}

impl Serialize for Template {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Template {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(text: &str) -> Template {
        text.parse().unwrap()
    }

    #[test]
    fn bind_and_fill_are_inverse() {
        let contact = template("crm/contact/{id}#status");
        let path: FieldPath = "crm/contact/acme#status".parse().unwrap();
        let bindings = contact.bind(&path).unwrap();
        assert_eq!(bindings.get("id"), Some("acme"));
        assert_eq!(contact.fill(&bindings), Some(path));
        assert_eq!(
            template("pipeline/{id}#stage").fill(&bindings).unwrap().to_string(),
            "pipeline/acme#stage"
        );
        assert_eq!(template("pipeline/{other}#stage").fill(&bindings), None);
    }

    #[test]
    fn what_does_not_fit_is_not_bound() {
        let contact = template("crm/contact/{id}#status");
        for text in
            ["crm/contact/acme#name", "crm/contact#status", "crm/contact/a/b#status", "crm/lead/a#status"]
        {
            assert_eq!(contact.bind(&text.parse().unwrap()), None, "{text}");
        }
        let twice = template("{a}/x/{a}");
        assert!(twice.bind(&"p/x/p".parse().unwrap()).is_some());
        assert!(twice.bind(&"p/x/q".parse().unwrap()).is_none());
    }

    #[test]
    fn bad_templates_name_the_place() {
        let cases = [
            ("crm/*/x#s", 4),
            ("crm/a{id}#s", 4),
            ("crm/{}#s", 4),
            ("crm/{a b}", 4),
            ("a//b", 2),
            ("a#", 1),
            ("a#b/c", 3),
        ];
        for (text, at) in cases {
            let error = text.parse::<Template>().unwrap_err();
            assert_eq!(error.at, at, "{error}");
        }
    }

    #[test]
    fn its_pattern_covers_it() {
        let pattern = template("crm/contact/{id}#status").to_pattern();
        assert_eq!(pattern.as_str(), "crm/contact/*#status");
        assert_eq!(template("queue/{id}").to_pattern().as_str(), "queue/*#");
    }
}
