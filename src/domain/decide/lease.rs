//! Leases, 2-domain §3: bounded-time locks with fencing tokens.

use super::sheet::Sheet;
use crate::domain::{
    code::Code,
    command::LeaseStep,
    deed::Body,
    ids::{Fence, Seq},
};

/// Decides a step on a lease by the caller.
pub(super) fn decide(sheet: &mut Sheet<'_>, _step: &LeaseStep) -> Seq {
    sheet.refuse(Body::LeaseRefused(()), "lease", Code::NotInForce, "leases are not decided yet")
}

/// The time of a lease is over.
pub(super) fn lapse(_sheet: &mut Sheet<'_>, _fence: Fence) -> Option<Seq> {
    None
}
