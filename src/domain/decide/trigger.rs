//! Events, 2-domain §3: routed to exactly one agent, claimed by exactly one, or decided by a person.

use super::sheet::Sheet;
use crate::domain::{
    code::Code,
    command::{Claim, Raise},
    deed::Body,
    ids::Seq,
    state::{ClaimMark, RaisedEvent},
};

/// Decides an event raised by the caller.
pub(super) fn raise(sheet: &mut Sheet<'_>, raise: &Raise) -> Seq {
    let body = Body::EventRefused(Box::new(raised(raise)));
    sheet.refuse(body, "raise", Code::NotInForce, "events are not routed yet")
}

/// Decides a claim of the caller.
pub(super) fn claim(sheet: &mut Sheet<'_>, claim: &Claim) -> Seq {
    let body = Body::ClaimRefused(Box::new(mark(claim)));
    sheet.refuse(body, "claim event", Code::NotInForce, "claims are not decided yet")
}

/// The event as its deed keeps it.
pub(super) fn raised(raise: &Raise) -> RaisedEvent {
    RaisedEvent { event: raise.event.clone(), attributes: raise.attributes.clone(), schedule: None }
}

/// The claim as its deed keeps it.
pub(super) fn mark(claim: &Claim) -> ClaimMark {
    ClaimMark { event: claim.event.clone(), key: claim.key.clone() }
}

/// A scheduled event is due.
pub(super) fn scheduled(_sheet: &mut Sheet<'_>, _event: &str) -> Option<Seq> {
    None
}
