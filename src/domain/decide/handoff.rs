//! Tasks and handoffs, 2-domain §4: one current owner, a checked payload, attempts that end.

use super::sheet::Sheet;
use crate::domain::{code::Code, command::Handoff, deed::Body, ids::Seq};

/// Decides a handoff by the caller.
pub(super) fn decide(sheet: &mut Sheet<'_>, _handoff: &Handoff) -> Seq {
    sheet.refuse(Body::HandoffRefused(()), "hand over", Code::NotInForce, "handoffs are not decided yet")
}
