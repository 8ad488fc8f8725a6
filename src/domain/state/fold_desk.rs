//! Folding who is there to decide, and who has taken which item. No rules here.

use std::sync::Arc;

use super::fold_board::stop;
use super::{Board, Thing, Timer};
use crate::domain::deed::Deed;
use crate::domain::ids::{Actor, ItemNo, PersonId, TokenId};
use crate::domain::things::{KnownKey, PersonKey, Seat, Signer, Token, TokenClass};

impl Board {
    /// Taken until the time that the deed says; older deeds say none.
    pub(super) fn claim_item<P>(&mut self, deed: &Deed, _: &P) {
        let Some(no) = deed.refs.item else { return };
        self.forget_claim(no);
        let until = deed.refs.until;
        if let Some(until) = until {
            self.timers.insert((until, Timer::Claim(no)));
            self.set_anew(&Thing::Item(no), deed.recorded);
        }
        self.revise(deed, |item| {
            item.claimed_by = deed.actor.person().cloned();
            item.claim_until = until;
        });
    }

    /// Given back; where it ended by itself, what is shown of it has not changed.
    pub(super) fn release_item<P>(&mut self, deed: &Deed, _: &P) {
        let Some(no) = deed.refs.item else { return };
        self.forget_claim(no);
        let by_itself = deed.actor == Actor::Deeds;
        self.change_item(deed, |item| {
            item.claimed_by = None;
            item.claim_until = None;
            item.version += u64::from(!by_itself);
        });
    }

    pub(super) fn reassign_item(&mut self, deed: &Deed, to: &PersonId) {
        let Some(no) = deed.refs.item else { return };
        self.forget_claim(no);
        self.gone_through(no);
        if let Some(queue) = self.items.get(&no).map(|item| item.queue.clone()) {
            self.count_in_review(deed, &queue, |open| open.came_to.handed_on += 1);
        }
        self.revise(deed, |item| {
            item.assigned_to = Some(to.clone());
            item.claimed_by = None;
            item.claim_until = None;
        });
    }

    /// The timer of its claim goes.
    pub(super) fn forget_claim(&mut self, no: ItemNo) {
        if let Some(until) = self.items.get(&no).and_then(|item| item.claim_until) {
            self.timers.remove(&(until, Timer::Claim(no)));
            self.timed.remove(&*Thing::Item(no).to_string());
        }
    }

    pub(super) fn leave(&mut self, deed: &Deed, person: &PersonId) {
        self.come_back(deed, person);
        if let Some(until) = deed.refs.until {
            self.timers.insert((until, Timer::Away(person.clone())));
        }
        self.away.insert(person.clone(), stop(deed));
    }

    pub(super) fn come_back(&mut self, _: &Deed, person: &PersonId) {
        let away = self.away.remove(person);
        if let Some(until) = away.and_then(|away| away.until) {
            self.timers.remove(&(until, Timer::Away(person.clone())));
        }
    }

    /// A person can decide from now on.
    pub(super) fn seat(&mut self, deed: &Deed, token: &Token) {
        let decides = matches!(token.class, TokenClass::Reviewer | TokenClass::Admin);
        if let Ok(person) = token.name.parse::<PersonId>()
            && decides
        {
            let (expires, admin) = (token.expires, token.class == TokenClass::Admin);
            // Only what ends by itself needs to be known from when on it was.
            let since = expires.map(|_| deed.recorded);
            let seat = Seat { person, expires, since, admin };
            self.seats.insert(token.id.clone(), seat);
        }
    }

    pub(super) fn add_key(&mut self, deed: &Deed, given: &PersonKey) {
        self.know_key(deed, given, false);
    }

    pub(super) fn offer_key(&mut self, deed: &Deed, given: &PersonKey) {
        self.know_key(deed, given, true);
    }

    pub(super) fn revoke_key(&mut self, deed: &Deed, given: &PersonKey) {
        self.change_signer(&given.person, |signer| {
            // One that never counted has signed nothing.
            signer.keys.retain(|known| known.key != given.key || !known.offered);
            if let Some(known) = signer.keys.iter_mut().find(|known| known.key == given.key) {
                known.ended = Some(deed.recorded);
            }
        });
    }

    fn know_key(&mut self, deed: &Deed, given: &PersonKey, offered: bool) {
        let (since, at) = (deed.seq, deed.recorded);
        let known = KnownKey { key: given.key.clone(), since, at, offered, ended: None };
        self.change_signer(&given.person, |signer| {
            signer.keys.retain(|other| other.key != given.key);
            signer.keys.push(known);
        });
    }

    /// The next statement of who signed this names it.
    pub(super) fn note_signed(&mut self, deed: &Deed) {
        if let (Some(_), Some(person)) = (&deed.signed, deed.actor.person()) {
            let person = self.map.model().person_of(person).clone();
            self.change_signer(&person, |signer| signer.last = Some(deed.seq));
        }
    }

    fn change_signer(&mut self, person: &PersonId, change: impl FnOnce(&mut Signer)) {
        change(Arc::make_mut(self.signers.entry(person.clone()).or_default()));
    }

    pub(super) fn unseat(&mut self, _: &Deed, token: &TokenId) {
        self.seats.remove(token);
    }
}
