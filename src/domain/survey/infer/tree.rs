//! The entities that were written as a tree of path segments, in which siblings that are instances of one kind become `*`.
//! What an instance is, is decided here; who gets what is not.

use std::collections::BTreeMap;

use super::Writers;
use crate::domain::map::shape::looks_like_id;
use crate::domain::path::{EntityPath, FieldName};

/// Most children of one node; further ones are instances whatever they are called.
const CHILDREN: usize = 64;
/// Most fields of one node that are told apart.
const FIELDS: usize = 256;
/// Most nodes of a tree; from then on every new child is an instance.
const NODES: usize = 200_000;
/// From so many siblings on they are instances.
const MANY: usize = 12;
/// At the root, where kinds are named, from so many that look like ids.
const MANY_AT_ROOT: usize = 8;
/// From so many fields with one beginning on, `label.` for example, they are instances of it.
const ALIKE_FIELDS: usize = 3;

/// How one field was written.
#[derive(Debug, Clone, Default)]
pub(super) struct FieldUse {
    pub(super) writers: Writers,
    /// Did every write add to the list that was there?
    pub(super) grows: bool,
}

impl FieldUse {
    fn merge(&mut self, other: Self) {
        self.grows = other.grows && (self.grows || self.writers.total() == 0);
        self.writers.merge(other.writers);
    }
}

#[derive(Debug, Default)]
struct Node {
    children: BTreeMap<Box<str>, Node>,
    /// What all children are, once they are too many to be told apart.
    star: Option<Box<Node>>,
    fields: BTreeMap<FieldName, FieldUse>,
    /// What all further fields are.
    rest: Option<FieldUse>,
}

/// A tree of entities.
#[derive(Debug, Default)]
pub(super) struct Tree {
    root: Node,
    nodes: usize,
}

/// The fields of one kind of entity.
#[derive(Debug)]
pub(super) struct Kind {
    /// The entity part of a pattern: `issue/*`.
    pub(super) entity: String,
    /// Its fields, each as the part after `#`; the whole-entity field is the empty one.
    pub(super) fields: BTreeMap<String, FieldUse>,
}

impl Tree {
    /// The use of a field, to be added to.
    pub(super) fn field(&mut self, entity: &EntityPath, field: &FieldName) -> &mut FieldUse {
        let nodes = &mut self.nodes;
        let mut node = &mut self.root;
        for segment in entity.segments() {
            node = node.child(segment, nodes);
        }
        if node.fields.len() >= FIELDS && !node.fields.contains_key(field) {
            return node.rest.get_or_insert_default();
        }
        node.fields.entry(field.clone()).or_insert_with(|| FieldUse { grows: true, ..FieldUse::default() })
    }

    /// Every kind of entity, by path.
    pub(super) fn kinds(self) -> Vec<Kind> {
        let mut kinds = Vec::new();
        self.root.collect(&mut Vec::new(), &mut kinds);
        kinds
    }
}

impl Node {
    fn child(&mut self, segment: &str, nodes: &mut usize) -> &mut Self {
        let new = self.star.is_some() || !self.children.contains_key(segment);
        if self.star.is_some() || (new && (self.children.len() >= CHILDREN || *nodes >= NODES)) {
            let star = Box::new(self.merged_children());
            return self.star.insert(star);
        }
        *nodes += usize::from(new);
        self.children.entry(Box::from(segment)).or_default()
    }

    /// All children as one.
    fn merged_children(&mut self) -> Self {
        let mut star = self.star.take().map_or_else(Self::default, |star| *star);
        for (_, child) in std::mem::take(&mut self.children) {
            star.merge(child);
        }
        star
    }

    fn merge(&mut self, other: Self) {
        for (name, field) in other.fields {
            match self.fields.get_mut(&name) {
                Some(known) => known.merge(field),
                None => {
                    self.fields.insert(name, field);
                }
            }
        }
        if let Some(rest) = other.rest {
            self.rest.get_or_insert_default().merge(rest);
        }
        if let Some(star) = other.star {
            let mut mine = self.merged_children();
            mine.merge(*star);
            self.star = Some(Box::new(mine));
        }
        for (name, child) in other.children {
            match &mut self.star {
                Some(star) => star.merge(child),
                None => self.children.entry(name).or_default().merge(child),
            }
        }
    }

    fn collect(mut self, path: &mut Vec<Box<str>>, kinds: &mut Vec<Kind>) {
        if self.star.is_some() || self.has_instances(path.is_empty()) {
            self.star = Some(Box::new(self.merged_children()));
        }
        let fields = fields(std::mem::take(&mut self.fields), self.rest.take());
        if !fields.is_empty() {
            kinds.push(Kind { entity: path.join("/"), fields });
        }
        for (name, child) in self.children {
            path.push(name);
            child.collect(path, kinds);
            path.pop();
        }
        if let Some(star) = self.star {
            path.push(Box::from("*"));
            star.collect(path, kinds);
            path.pop();
        }
    }

    /// Do the children look like instances of one kind: very many, called by ids, or records of the same fields?
    fn has_instances(&self, root: bool) -> bool {
        let count = self.children.len();
        let ids = self.children.keys().filter(|name| looks_like_id(name)).count();
        if root {
            return count >= MANY_AT_ROOT && ids * 2 > count;
        }
        if count >= MANY || (ids > 0 && ids * 2 >= count) {
            return true;
        }
        let mut records: BTreeMap<&FieldName, usize> = BTreeMap::new();
        for child in self.children.values() {
            for field in child.fields.keys().filter(|field| !field.is_whole()) {
                *records.entry(field).or_default() += 1;
            }
        }
        records.values().any(|have| *have >= 2 && have * 2 > count)
    }
}

/// The fields of a kind; those of one beginning as one, `label.*`.
fn fields(fields: BTreeMap<FieldName, FieldUse>, rest: Option<FieldUse>) -> BTreeMap<String, FieldUse> {
    let mut merged: BTreeMap<String, FieldUse> = BTreeMap::new();
    if let Some(mut rest) = rest {
        // Too many to be told apart: every named field is one.
        for (name, field) in fields {
            if name.is_whole() {
                merged.insert(String::new(), field);
            } else {
                rest.merge(field);
            }
        }
        merged.insert("*".to_owned(), rest);
        return merged;
    }
    let mut heads: BTreeMap<String, usize> = BTreeMap::new();
    for name in fields.keys() {
        if let Some(head) = head(name) {
            *heads.entry(head.to_owned()).or_default() += 1;
        }
    }
    for (name, field) in fields {
        let alike = head(&name).filter(|head| heads.get(*head).is_some_and(|count| *count >= ALIKE_FIELDS));
        let key = alike.map_or_else(|| name.as_str().to_owned(), |head| format!("{head}*"));
        match merged.get_mut(&key) {
            Some(known) => known.merge(field),
            None => {
                merged.insert(key, field);
            }
        }
    }
    merged
}

/// `label.` of `label.urgent`.
fn head(name: &FieldName) -> Option<&str> {
    let at = name.as_str().find(['.', ':'])?;
    name.as_str().get(..=at).filter(|head| head.len() > 1 && head.len() < name.as_str().len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shapes(paths: &[&str]) -> Vec<String> {
        let mut tree = Tree::default();
        for path in paths {
            let path: crate::domain::path::FieldPath = path.parse().unwrap();
            tree.field(&path.entity, &path.field).writers.add(&"a".parse().unwrap());
        }
        let one = |kind: Kind| {
            let fields: Vec<String> = kind.fields.into_keys().collect();
            format!("{}#{}", kind.entity, fields.join(","))
        };
        tree.kinds().into_iter().map(one).collect()
    }

    #[test]
    fn siblings_become_instances_where_they_look_like_it() {
        let cases: [(&[&str], &[&str]); 7] = [
            (&["issue/bd-1#status", "issue/bd-2#title"], &["issue/*#status,title"]),
            (
                &["crm/contact/acme#name", "crm/contact/globex#name", "crm/deal/acme#stage"],
                &["crm/contact/*#name", "crm/deal/acme#stage"],
            ),
            (&["settings/mail#host", "settings/db#url"], &["settings/db#url", "settings/mail#host"]),
            (&["files/src/a", "files/docs/b"], &["files/docs/b#", "files/src/a#"]),
            (&["inv/2026/7#sum", "inv/2025/9#sum"], &["inv/*/*#sum"]),
            (&["one#x", "two#x"], &["one#x", "two#x"]),
            (&["t/1#label.a", "t/1#label.b", "t/2#label.c", "t/2#k.a"], &["t/*#k.a,label.*"]),
        ];
        for (paths, expected) in cases {
            assert_eq!(shapes(paths), expected);
        }
    }

    #[test]
    fn very_many_are_bounded() {
        let names: Vec<String> =
            (0..5_000u32).map(|n| format!("k/{}#x", char::from_u32(0x4e00 + n).unwrap())).collect();
        let paths: Vec<&str> = names.iter().map(String::as_str).collect();
        assert_eq!(shapes(&paths), ["k/*#x"]);
        let names: Vec<String> = (0..1_000).map(|n| format!("k/a#field_{n}")).collect();
        let mut paths: Vec<&str> = names.iter().map(String::as_str).collect();
        paths.push("k/a");
        assert_eq!(shapes(&paths), ["k/a#*"], "the whole entity came too late to be told apart");
    }
}
