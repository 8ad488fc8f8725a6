//! Folding publications that wait for their agent's turn. No rules here.

use std::sync::Arc;

use super::{Board, Thing, Timer};
use crate::domain::deed::Deed;
use crate::domain::things::Publication;

impl Board {
    pub(super) fn let_wait(&mut self, deed: &Deed, publication: &Publication) {
        let Some(waiting) = &publication.waits else { return };
        self.timers.insert((waiting.until, Timer::Turn(deed.seq)));
        self.queued.insert(deed.seq, Arc::new((**waiting).clone()));
        self.tally(Thing::Queued(deed.seq));
    }

    /// Whatever a deed says of what waited, it waits no more.
    pub(super) fn end_waiting<P>(&mut self, deed: &Deed, _: &P) {
        let Some(deferred) = deed.refs.first else { return };
        if let Some(waiting) = self.queued.remove(&deferred) {
            self.timers.remove(&(waiting.until, Timer::Turn(deferred)));
            self.timed.remove(&*Thing::Queued(deferred).to_string());
            self.tally(Thing::Queued(deferred));
        }
    }
}
