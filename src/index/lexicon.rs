//! The terms that the writer knows by heart, and their deeds of the batch. What it does not know it looks up in the file, or adds.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, params};

use super::IndexError;
use super::schema::TermKind;
use crate::domain::path::EntityPath;

/// How many terms are known by heart between two batches.
const KNOWN: usize = 100_000;

/// See above. One that has seen a batch which was not kept is thrown away.
#[derive(Debug, Default)]
pub(super) struct Lexicon {
    /// Where a term stands, by its kind and name.
    places: HashMap<Box<[u8]>, usize>,
    terms: Vec<Known>,
    /// Those with deeds of the batch.
    posted: Vec<usize>,
    /// A key, put together in one place.
    key: Vec<u8>,
}

#[derive(Debug)]
struct Known {
    id: i64,
    /// Its deeds of the batch, in order.
    seqs: Vec<i64>,
}

/// How an entity's place in the lexicon begins, whether it is one or stands in the place of one.
const ENTITY: u8 = 0;

impl Lexicon {
    /// The term's number; the deed joins its list.
    pub(super) fn posted(
        &mut self,
        connection: &Connection,
        kind: TermKind,
        name: &str,
        seq: i64,
    ) -> Result<i64, IndexError> {
        self.place(kind as u8, name, seq, || find(connection, kind, name))
    }

    /// The number of an entity, or of what stands in its place; the deed joins its list.
    pub(super) fn entity(
        &mut self,
        connection: &Connection,
        name: &str,
        seq: i64,
    ) -> Result<i64, IndexError> {
        self.place(ENTITY, name, seq, || {
            let is_one = name.parse::<EntityPath>().is_ok();
            find(connection, if is_one { TermKind::Entity } else { TermKind::NoEntity }, name)
        })
    }

    fn place(
        &mut self,
        kind: u8,
        name: &str,
        seq: i64,
        find: impl FnOnce() -> Result<i64, IndexError>,
    ) -> Result<i64, IndexError> {
        self.key.clear();
        self.key.push(kind);
        self.key.extend_from_slice(name.as_bytes());
        let place = if let Some(place) = self.places.get(self.key.as_slice()) {
            *place
        } else {
            let place = self.terms.len();
            self.terms.push(Known { id: find()?, seqs: Vec::new() });
            self.places.insert(self.key.as_slice().into(), place);
            place
        };
        let Some(term) = self.terms.get_mut(place) else {
            return Err(IndexError::Wrong { what: format!("the term {name:?} is not where it was put") });
        };
        match term.seqs.last() {
            // A deed may name a term twice.
            Some(last) if *last == seq => {}
            Some(_) => term.seqs.push(seq),
            None => {
                self.posted.push(place);
                term.seqs.push(seq);
            }
        }
        Ok(term.id)
    }

    /// The deeds of the batch by term, in the order of the terms' numbers.
    pub(super) fn take_posts(&mut self) -> Vec<(i64, Vec<i64>)> {
        let terms = &mut self.terms;
        let taken = self.posted.drain(..).filter_map(|place| {
            let term = terms.get_mut(place)?;
            Some((term.id, std::mem::take(&mut term.seqs)))
        });
        let mut posts: Vec<_> = taken.collect();
        posts.sort_unstable_by_key(|(id, _)| *id);
        if self.terms.len() > KNOWN {
            self.terms.clear();
            self.places.clear();
        }
        posts
    }
}

/// The number of a term, which is added where it is new.
fn find(connection: &Connection, kind: TermKind, name: &str) -> Result<i64, IndexError> {
    let known = connection
        .prepare_cached("SELECT id FROM term WHERE kind = ? AND name = ?")?
        .query_row(params![kind.number(), name], |row| row.get(0))
        .optional()?;
    match known {
        Some(id) => Ok(id),
        None => Ok(connection
            .prepare_cached("INSERT INTO term(kind, name) VALUES (?, ?) RETURNING id")?
            .query_row(params![kind.number(), name], |row| row.get(0))?),
    }
}
