//! Folding what became of occurrences that the map tells apart. No rules here.

use std::sync::Arc;

use super::Board;
use crate::domain::deed::Deed;
use crate::domain::key::key;
use crate::domain::outcome::Outcome;
use crate::domain::path::FieldPath;
use crate::domain::things::{ClaimMark, Occurred, OccurrenceMark, counted_as};

impl Board {
    /// What was claimed and waits for a person is known as what was raised is.
    pub(super) fn await_claim(&mut self, deed: &Deed, mark: &ClaimMark) {
        if let Some(until) = mark.until {
            let known = OccurrenceMark { key: Arc::clone(&mark.key), until };
            self.occur(deed, &mark.event, &known, None);
        }
    }

    /// What became of an occurrence; where it waits for a person, whose it is shows only then.
    pub(super) fn occur(&mut self, deed: &Deed, event: &str, mark: &OccurrenceMark, of: Option<FieldPath>) {
        let waits = deed.outcome == Outcome::Escalated;
        let occurred = Occurred {
            by: deed.actor.clone(),
            at: deed.recorded,
            deed: deed.seq,
            owners: if waits { Vec::new() } else { deed.refs.owners.clone() },
            works: deed.refs.works.clone(),
            item: deed.refs.item,
            of,
        };
        self.occurred.set(key(&[event, &mark.key]), counted_as(&deed.actor), mark.until, occurred);
    }
}
